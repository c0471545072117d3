"""The preview comment on a pull request of CodeCommit, with a role's sessions as builds have them."""

import itertools
import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from components.providers.aws_access import AwsAccess, AwsError
from tools.preview_comment.codecommit import CodeCommitPullRequest
from tools.preview_comment.comment import CODECOMMIT, header
from tools.preview_comment.posting import put

from .conftest import REGION, Client, Clients

_names = (f"reviewed-{number}" for number in itertools.count())
Build = Callable[..., CodeCommitPullRequest]
"""Gives the pull request as the build of that session sees it."""

ROLE = "arn:aws:iam::123456789012:role/preview"


def body(text: str, part: int = 1) -> str:
    return f"{header('preview', part)} {{}} -->\n\n{text}\n"


@pytest.fixture(scope="module")
def codecommit(aws: Clients) -> Client:
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "codebuild.amazonaws.com"}}
    aws("iam").create_role(
        RoleName="preview", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    )
    return aws("codecommit")


@pytest.fixture
def repository(codecommit: Client) -> str:
    name = next(_names)
    codecommit.create_repository(repositoryName=name)
    first = codecommit.put_file(repositoryName=name, branchName="main", filePath="a", fileContent=b"1")["commitId"]
    codecommit.create_branch(repositoryName=name, branchName="change", commitId=first)
    push(codecommit, name, b"2")
    return name


@pytest.fixture
def number(codecommit: Client, repository: str) -> str:
    target = {"repositoryName": repository, "sourceReference": "change"}
    found: str = codecommit.create_pull_request(title="A change", targets=[target])["pullRequest"]["pullRequestId"]
    return found


def push(codecommit: Client, repository: str, content: bytes) -> None:
    parent = codecommit.get_branch(repositoryName=repository, branchName="change")["branch"]["commitId"]
    codecommit.put_file(
        repositoryName=repository, branchName="change", filePath="a", fileContent=content, parentCommitId=parent
    )


@pytest.fixture
def build(aws: Clients, emulator: dict[str, Any], repository: str, number: str) -> Build:
    """The pull request as a build sees it; each build is a session of the role."""

    def made(session: str, repository: str = repository) -> CodeCommitPullRequest:
        given = aws("sts").assume_role(RoleArn=ROLE, RoleSessionName=session)["Credentials"]
        endpoints = [dict.fromkeys(("codecommit", "sts"), emulator["url"])]
        values = {
            "accessKey": given["AccessKeyId"],
            "secretKey": given["SecretAccessKey"],
            "token": given["SessionToken"],
            "endpoints": endpoints,
        }
        return CodeCommitPullRequest(AwsAccess(values), REGION, repository, number)

    return made


def shown(codecommit: Client, number: str) -> list[str]:
    """The comments that people see."""
    found = codecommit.get_comments_for_pull_request(pullRequestId=number)["commentsForPullRequestData"]
    return [item["content"] for place in found for item in place["comments"] if not item["deleted"]]


def test_one_comment_is_kept_up_to_date_though_each_build_is_another_caller(
    build: Build, codecommit: Client, repository: str, number: str
) -> None:
    assert put(build("one"), "preview", [body("1")], create=True) == "comments: 1 posted"
    assert put(build("one"), "preview", [body("2")], create=True) == "comments: 1 renewed"
    push(codecommit, repository, b"3")
    put(build("two"), "preview", [body("3")], create=True)
    assert shown(codecommit, number) == [body("3")]
    assert put(build("three"), "preview", [body("3")], create=True) == "the comment is up to date"


def test_comments_of_others_are_left_alone(build: Build, codecommit: Client, repository: str, number: str) -> None:
    target = codecommit.get_pull_request(pullRequestId=number)["pullRequest"]["pullRequestTargets"][0]
    codecommit.post_comment_for_pull_request(
        pullRequestId=number,
        repositoryName=repository,
        beforeCommitId=target["destinationCommit"],
        afterCommitId=target["sourceCommit"],
        content=body("forged"),
    )
    put(build("one"), "preview", [body("1")], create=True)
    assert shown(codecommit, number) == [body("forged"), body("1")]


def test_many_comments_are_read_page_by_page(build: Build, codecommit: Client, number: str) -> None:
    place = build("one")
    for count in range(130):
        place.create(f"note {count}")
    place.create(body("1"))
    put(build("one"), "preview", [body("2")], create=True)
    assert [text for text in shown_all(codecommit, number) if "note" not in text] == [body("2")]


def shown_all(codecommit: Client, number: str) -> list[str]:
    pages = codecommit.get_paginator("get_comments_for_pull_request").paginate(pullRequestId=number)
    found = [item for page in pages for place in page["commentsForPullRequestData"] for item in place["comments"]]
    return [item["content"] for item in found if not item["deleted"]]


def test_the_longest_comment_is_taken_and_a_longer_one_is_not(build: Build) -> None:
    place = build("one")
    place.create("x" * CODECOMMIT.limit)
    with pytest.raises(AwsError, match="CommentContentSizeLimitExceeded"):
        place.create("x" * (CODECOMMIT.limit + 1))


def test_the_approval_follows_what_the_preview_says(
    build: Build, codecommit: Client, repository: str, number: str
) -> None:
    def approvals() -> list[str]:
        revision = codecommit.get_pull_request(pullRequestId=number)["pullRequest"]["revisionId"]
        states = codecommit.get_pull_request_approval_states(pullRequestId=number, revisionId=revision)["approvals"]
        return [item["approvalState"] for item in states]

    build("one").set_approval(approve=True)
    assert approvals() == ["APPROVE"]
    build("one").set_approval(approve=False)
    assert approvals() == ["REVOKE"]
    push(codecommit, repository, b"4")
    assert approvals() == [], "an approval is of one revision"


def test_nobody_approves_their_own(codecommit: Client, number: str) -> None:
    revision = codecommit.get_pull_request(pullRequestId=number)["pullRequest"]["revisionId"]
    with pytest.raises(ClientError, match="CannotBeApprovedByAuthor"):
        codecommit.update_pull_request_approval_state(
            pullRequestId=number, revisionId=revision, approvalState="APPROVE"
        )


def test_a_closed_pull_request_and_one_of_another_repository_are_refused(
    build: Build, codecommit: Client, number: str
) -> None:
    with pytest.raises(AwsError, match="is not of the repository 'other'"):
        build("one", "other").create("x")
    codecommit.update_pull_request_status(pullRequestId=number, pullRequestStatus="CLOSED")
    with pytest.raises(AwsError, match=f"pull request {number} is closed"):
        build("one").create("x")
