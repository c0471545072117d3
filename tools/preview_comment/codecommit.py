"""Comments and approvals of a pull request of CodeCommit."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from components.providers.aws_access import AwsAccess, AwsError, explained
from tools.preview_comment.comment import CODECOMMIT, Style
from tools.preview_comment.posting import Posted


class CodeCommitPullRequest:
    """A pull request of CodeCommit.

    Args:
        access: how AWS is reached.
        region: region of the repository.
        repository: its name.
        number: the pull request's id.

    Raises:
        AwsError: a call fails, or the pull request is closed or of another repository.
    """

    style: Style = CODECOMMIT

    def __init__(self, access: AwsAccess, region: str, repository: str, number: str) -> None:
        self._client = access.client("codecommit", region)
        self._caller = access.client("sts", region)
        self._region, self._repository, self._number = region, repository, number

    def comments(self) -> Sequence[Posted]:
        """Return the comments of the caller's role, or user, the oldest first."""
        own = _author(self._identity)
        found = [item for item in self._all_comments() if not item.get("deleted") and _author(item["authorArn"]) == own]
        found.sort(key=lambda item: (item["creationDate"], item["commentId"]))
        return [Posted(item["commentId"], item.get("content", "")) for item in found]

    def create(self, body: str) -> None:
        """Post a new comment, on the newest commits of the pull request."""
        target = self._target
        with self._explained():
            self._client.post_comment_for_pull_request(
                pullRequestId=self._number,
                repositoryName=self._repository,
                beforeCommitId=target["destinationCommit"],
                afterCommitId=target["sourceCommit"],
                content=body,
            )

    def update(self, comment: Posted, body: str) -> None:
        """Give a comment another text.

        Only the very caller who posted it may; for a role that is one session of it, and a build has a session of its
        own. A comment of another session is posted anew, and removed, which is allowed.
        """
        with self._explained():
            try:
                self._client.update_comment(commentId=comment.id, content=body)
            except self._client.exceptions.CommentNotCreatedByCallerException:
                self.create(body)
                self.remove(comment)

    def remove(self, comment: Posted) -> None:
        """Remove a comment's content; CodeCommit keeps that there was one."""
        with self._explained():
            self._client.delete_comment_content(commentId=comment.id)

    def approved(self, label: str) -> bool:  # noqa: ARG002 - a pull request of CodeCommit has no labels
        """CodeCommit has no labels: approval is given to the command."""
        return False

    def label(self, wanted: Mapping[str, bool]) -> str:  # noqa: ARG002 - as above
        """CodeCommit has no labels: none are given."""
        return ""

    def set_approval(self, *, approve: bool) -> None:
        """Approve the pull request as it is now, or take the approval back."""
        with self._explained():
            self._client.update_pull_request_approval_state(
                pullRequestId=self._number,
                revisionId=self._pull_request["revisionId"],
                approvalState="APPROVE" if approve else "REVOKE",
            )

    @cached_property
    def _pull_request(self) -> Mapping[str, Any]:
        with self._explained():
            found: Mapping[str, Any] = self._client.get_pull_request(pullRequestId=self._number)["pullRequest"]
        if found["pullRequestStatus"] != "OPEN":
            raise AwsError(f"pull request {self._number} is {found['pullRequestStatus'].lower()}")
        return found

    @property
    def _target(self) -> Mapping[str, Any]:
        for target in self._pull_request["pullRequestTargets"]:
            if target["repositoryName"] == self._repository:
                found: Mapping[str, Any] = target
                return found
        raise AwsError(f"pull request {self._number} is not of the repository {self._repository!r}")

    @cached_property
    def _identity(self) -> str:
        with explained("the caller's identity", "sts", self._region):
            return str(self._caller.get_caller_identity()["Arn"])

    def _all_comments(self) -> Iterator[Mapping[str, Any]]:
        arguments = {"pullRequestId": self._number}
        while True:
            with self._explained():
                page = self._client.get_comments_for_pull_request(**arguments)
            for place in page["commentsForPullRequestData"]:
                yield from place["comments"]
            if not page.get("nextToken"):
                return
            arguments["nextToken"] = page["nextToken"]

    @contextmanager
    def _explained(self) -> Iterator[None]:
        with explained(f"pull request {self._number}", "codecommit", self._region):
            yield


def _author(arn: str) -> str:
    """Who somebody is, whichever session of a role it is."""
    parts = arn.split(":", 5)
    kind, _, rest = parts[-1].partition("/")
    return ":".join([*parts[:-1], f"{kind}/{rest.split('/')[0]}" if kind == "assumed-role" else parts[-1]])
