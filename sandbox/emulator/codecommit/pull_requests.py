"""AWS CodeCommit: pull requests, the comments on them, and who approves."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from moto.codecommit.models import codecommit_backends
from moto.core.responses import BaseResponse
from moto.core.utils import unix_time
from moto.moto_api._internal import mock_random

from sandbox.emulator.core.callers import Caller
from sandbox.emulator.core.errors import ServiceError
from sandbox.emulator.events.models import publish

MOST_CONTENT = 10_240
"""Characters of a comment."""
_PAGE = 100


@dataclass
class PullRequests:
    """The pull requests of an account in one region."""

    by_id: dict[str, dict[str, Any]] = field(default_factory=dict)
    """As GetPullRequest gives them, with the branches instead of their commits."""
    comments: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By id: the comment, and under `place` where it stands."""
    approvals: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    """By pull request and revision: what each user says."""


def tell_of_source(caller: Caller, metadata: Mapping[str, str], branch: str) -> None:
    """Send the event of each open pull request whose source branch has moved."""
    pull_requests: PullRequests = codecommit_backends[caller.account][caller.region].pull_requests  # type: ignore[attr-defined]
    for found in list(pull_requests.by_id.values()):
        moved = (found["repository"], found["source"]) == (metadata["repositoryName"], branch)
        if moved and found["pullRequestStatus"] == "OPEN":
            _tell(caller, found, "pullRequestSourceBranchUpdated", "source-updated")


def _tell(caller: Caller, found: Mapping[str, Any], event: str, notice: str) -> None:
    """Send an event of a pull request."""
    backend = codecommit_backends[caller.account][caller.region]
    metadata = backend.get_repository(found["repository"])
    branches = backend.content(metadata).branches()  # type: ignore[attr-defined] # see codecommit.models
    publish(
        caller,
        source="aws.codecommit",
        kind="CodeCommit Pull Request State Change",
        detail={
            "event": event,
            "pullRequestId": found["pullRequestId"],
            "pullRequestStatus": found["pullRequestStatus"].title(),
            "isMerged": "False",
            "title": found["title"],
            "author": found["authorArn"],
            "callerUserArn": caller.principal,
            "repositoryNames": [found["repository"]],
            "sourceReference": f"refs/heads/{found['source']}",
            "destinationReference": f"refs/heads/{found['destination']}",
            "sourceCommit": branches[found["source"]],
            "destinationCommit": branches[found["destination"]],
        },
        resource=metadata["Arn"],
        notice=f"pull-request-{notice}",
    )


class PullRequestOperations(BaseResponse):
    """The operations on pull requests."""

    def create_pull_request(self) -> str:
        """CreatePullRequest, of one repository."""
        (target,) = self._get_param("targets")
        content = self._content_of(target["repositoryName"])
        destination = target.get("destinationReference") or content.default_branch
        source, destination = (name.removeprefix("refs/heads/") for name in (target["sourceReference"], destination))
        if source == destination:
            raise ServiceError("SourceAndDestinationAreSameException", f"both branches are {source}")
        for branch in (source, destination):
            if branch not in content.branches:
                raise ServiceError("ReferenceDoesNotExistException", f"{branch} does not exist")
        now, number = unix_time(), str(len(self._pull_requests.by_id) + 1)
        self._pull_requests.by_id[number] = {
            "pullRequestId": number,
            "title": self._get_param("title"),
            "description": self._get_param("description", ""),
            "creationDate": now,
            "lastActivityDate": now,
            "pullRequestStatus": "OPEN",
            "authorArn": self._who,
            "repository": target["repositoryName"],
            "source": source,
            "destination": destination,
        }
        _tell(Caller.of(self), self._pull_request(number), "pullRequestCreated", "created")
        return self._told(number)

    def get_pull_request(self) -> str:
        """GetPullRequest."""
        return self._told(self._get_param("pullRequestId"))

    def list_pull_requests(self) -> str:
        """ListPullRequests of a repository, by status and author, page by page."""
        repository, status, author = (
            self._get_param(name) for name in ("repositoryName", "pullRequestStatus", "authorArn")
        )
        self._content_of(repository)
        found = [
            number
            for number, one in self._pull_requests.by_id.items()
            if one["repository"] == repository
            and status in (None, one["pullRequestStatus"])
            and author in (None, one["authorArn"])
        ]
        start, most = int(self._get_param("nextToken") or 0), self._get_param("maxResults") or _PAGE
        more = {"nextToken": str(start + most)} if start + most < len(found) else {}
        return json.dumps({"pullRequestIds": found[start : start + most], **more})

    def update_pull_request_status(self) -> str:
        """UpdatePullRequestStatus; a closed one stays closed."""
        number = self._get_param("pullRequestId")
        found, status = self._pull_request(number), self._get_param("pullRequestStatus")
        if found["pullRequestStatus"] != "OPEN":
            raise ServiceError("InvalidPullRequestStatusUpdateException", f"pull request {number} is closed already")
        found["pullRequestStatus"] = status
        return self._told(number)

    def post_comment_for_pull_request(self) -> str:
        """PostCommentForPullRequest, on the whole of it."""
        found = self._pull_request(self._get_param("pullRequestId"))
        if self._get_param("repositoryName") != found["repository"]:
            raise ServiceError(
                "RepositoryNotAssociatedWithPullRequestException", f"it is a pull request of {found['repository']}"
            )
        before, after = self._get_param("beforeCommitId"), self._get_param("afterCommitId")
        if before == after:
            raise ServiceError("BeforeCommitIdAndAfterCommitIdAreSameException", f"both commits are {before}")
        now = unix_time()
        comment: dict[str, Any] = {
            "commentId": f"{mock_random.uuid4()}:{mock_random.uuid4()}",
            "content": self._comment_content(),
            "creationDate": now,
            "lastModifiedDate": now,
            "authorArn": self._who,
            "deleted": False,
        }
        place = {
            "pullRequestId": found["pullRequestId"],
            "repositoryName": found["repository"],
            "beforeCommitId": before,
            "afterCommitId": after,
        }
        self._pull_requests.comments[comment["commentId"]] = {**comment, "place": place}
        return json.dumps({**place, "comment": comment})

    def get_comments_for_pull_request(self) -> str:
        """GetCommentsForPullRequest, page by page."""
        number, start = self._get_param("pullRequestId"), int(self._get_param("nextToken") or 0)
        self._pull_request(number)
        most = self._get_param("maxResults") or _PAGE
        found = [item for item in self._pull_requests.comments.values() if item["place"]["pullRequestId"] == number]
        page = [{**item["place"], "comments": [_bare(item)]} for item in found[start : start + most]]
        more = {"nextToken": str(start + most)} if start + most < len(found) else {}
        return json.dumps({"commentsForPullRequestData": page, **more})

    def update_comment(self) -> str:
        """UpdateComment, by the very caller who made it: another session of the same role is another caller."""
        comment = self._comment()
        if comment["authorArn"] != self._who:
            raise ServiceError("CommentNotCreatedByCallerException", "only its author may change a comment")
        comment.update(content=self._comment_content(), lastModifiedDate=unix_time())
        return json.dumps({"comment": _bare(comment)})

    def delete_comment_content(self) -> str:
        """DeleteCommentContent, by anybody who may call it."""
        comment = self._comment()
        comment.update(deleted=True, content="", lastModifiedDate=unix_time())
        return json.dumps({"comment": _bare(comment)})

    def update_pull_request_approval_state(self) -> str:
        """UpdatePullRequestApprovalState; nobody approves a pull request of their own."""
        number, revision = self._get_param("pullRequestId"), self._get_param("revisionId")
        found, state = self._pull_request(number), self._get_param("approvalState")
        if found["pullRequestStatus"] != "OPEN":
            raise ServiceError("PullRequestAlreadyClosedException", f"pull request {number} is closed")
        if revision != self._described_pull_request(found)["revisionId"]:
            raise ServiceError("RevisionNotCurrentException", f"pull request {number} has another revision by now")
        if state == "APPROVE" and found["authorArn"] == self._who:
            raise ServiceError("PullRequestCannotBeApprovedByAuthorException", "its author cannot approve it")
        self._pull_requests.approvals.setdefault((number, revision), {})[self._who] = state
        return "{}"

    def get_pull_request_approval_states(self) -> str:
        """GetPullRequestApprovalStates."""
        number, revision = self._get_param("pullRequestId"), self._get_param("revisionId")
        self._pull_request(number)
        found = self._pull_requests.approvals.get((number, revision), {})
        return json.dumps({"approvals": [{"userArn": who, "approvalState": state} for who, state in found.items()]})

    @property
    def _pull_requests(self) -> PullRequests:
        backend = codecommit_backends[self.current_account][self.region]
        pull_requests: PullRequests = backend.pull_requests  # type: ignore[attr-defined] # see codecommit.models
        return pull_requests

    @property
    def _who(self) -> str:
        caller = Caller.of(self)
        if not caller.session:
            return caller.principal
        name = caller.principal.rsplit("/", 1)[-1]
        return f"arn:{caller.partition}:sts::{caller.account}:assumed-role/{name}/{caller.session}"

    def _pull_request(self, number: str) -> dict[str, Any]:
        if number not in self._pull_requests.by_id:
            raise ServiceError("PullRequestDoesNotExistException", f"there is no pull request {number}")
        return self._pull_requests.by_id[number]

    def _told(self, number: str) -> str:
        return json.dumps({"pullRequest": self._described_pull_request(self._pull_request(number))})

    def _described_pull_request(self, found: dict[str, Any]) -> dict[str, Any]:
        branches = self._content_of(found["repository"]).branches
        source, destination = branches[found["source"]], branches[found["destination"]]
        target = {
            "repositoryName": found["repository"],
            "sourceReference": f"refs/heads/{found['source']}",
            "destinationReference": f"refs/heads/{found['destination']}",
            "sourceCommit": source,
            "destinationCommit": destination,
            "mergeMetadata": {"isMerged": False},
        }
        kept = {key: value for key, value in found.items() if key not in ("repository", "source", "destination")}
        revision = hashlib.sha256(f"{source}{destination}".encode()).hexdigest()
        return {**kept, "revisionId": revision, "pullRequestTargets": [target], "approvalRules": []}

    def _content_of(self, repository: str) -> "_Branches":
        backend = codecommit_backends[self.current_account][self.region]
        metadata = backend.get_repository(repository)
        content = backend.content(metadata)  # type: ignore[attr-defined] # see codecommit.models
        return _Branches(content.branches(), metadata.get("defaultBranch", ""))

    def _comment(self) -> dict[str, Any]:
        comment = self._pull_requests.comments.get(self._get_param("commentId"))
        if comment is None:
            raise ServiceError("CommentDoesNotExistException", "there is no such comment")
        if comment["deleted"]:
            raise ServiceError("CommentDeletedException", "the comment is deleted")
        return comment

    def _comment_content(self) -> str:
        content: str = self._get_param("content")
        if not content:
            raise ServiceError("CommentContentRequiredException", "a comment needs content")
        if len(content) > MOST_CONTENT:
            raise ServiceError(
                "CommentContentSizeLimitExceededException", f"a comment has at most {MOST_CONTENT} characters"
            )
        return content


@dataclass(frozen=True)
class _Branches:
    branches: dict[str, str]
    """Commit by branch."""
    default_branch: str


def _bare(comment: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in comment.items() if key != "place"}
