"""Pull requests of emulated repositories tell of themselves, and start what listens to them."""

import itertools
import sys
from typing import Any

import pytest

from awsmodel.arns import ArnScope
from awsmodel.regions import known_regions
from components.delivery.pull_request_previews import (
    BUILD_INPUT,
    EVENT_PATHS,
    pull_request_events,
)
from components.iam.pull_request_policies import comment_statements, start_statements
from tests.sandbox.conftest import REGION, REPOSITORY, Client, Clients
from tests.sandbox.support.pipelines import ACCOUNT, role, wait
from tests.tools.previews.record import FOLDER

Json = dict[str, Any]
_numbers = itertools.count()
SCOPE = ArnScope.of(known_regions()[REGION], ACCOUNT)
BUILDSPEC = """\
version: 0.2
phases:
  build:
    commands:
      - >-
        "$PYTHON" -P -m tools preview-comment dev=preview.json --to codecommit --region "$AWS_REGION"
        --repository "$REPOSITORY" --pull-request "$PULL_REQUEST" --commit "$COMMIT"
"""


def preview(case: str) -> bytes:
    """What an engine said."""
    return (FOLDER / f"{case}.json").read_bytes()


class Reviewed:
    """A repository whose pull requests are built, with the roles that the component gives."""

    def __init__(self, aws: Clients) -> None:
        self.name = f"reviewed-by-builds-{next(_numbers)}"
        self.aws, self.client = aws, aws("codecommit")
        made = self.client.create_repository(repositoryName=self.name)["repositoryMetadata"]
        files = [
            {"filePath": "preview.json", "fileContent": preview("no-change")},
            {"filePath": "buildspec.yml", "fileContent": BUILDSPEC.encode()},
        ]
        self.first = self.client.create_commit(repositoryName=self.name, branchName="main", putFiles=files)["commitId"]
        self.client.create_branch(repositoryName=self.name, branchName="change", commitId=self.first)
        arn = made["Arn"]
        group = f"/aws/codebuild/{self.name}"
        aws("logs").create_log_group(logGroupName=group)
        statements = comment_statements(SCOPE, self.name, arn)
        self.project: str = aws("codebuild").create_project(
            name=self.name,
            serviceRole=role(aws, self.name, "codebuild.amazonaws.com", statements),
            source={"type": "CODECOMMIT", "location": made["cloneUrlHttp"]},
            artifacts={"type": "NO_ARTIFACTS"},
            environment={
                "type": "LINUX_CONTAINER",
                "image": "aws/codebuild/amazonlinux-x86_64-standard:6.0",
                "computeType": "BUILD_GENERAL1_SMALL",
                "environmentVariables": [
                    {"name": "REPOSITORY", "value": self.name},
                    {"name": "PYTHON", "value": sys.executable},
                    {"name": "PYTHONPATH", "value": str(REPOSITORY)},
                ],
            },
            logsConfig={"cloudWatchLogs": {"status": "ENABLED", "groupName": group}},
        )["project"]["arn"]
        events = aws("events")
        events.put_rule(Name=self.name, EventPattern=pull_request_events("main", arn))
        starter = role(aws, f"{self.name}-start", "events.amazonaws.com", start_statements(SCOPE, self.name))
        transformer = {"InputPathsMap": EVENT_PATHS, "InputTemplate": BUILD_INPUT}
        target = {"Id": "build", "Arn": self.project, "RoleArn": starter, "InputTransformer": transformer}
        events.put_targets(Rule=self.name, Targets=[target])

    def push(self, branch: str, case: str) -> str:
        """Commit another preview to a branch."""
        tip = self.client.get_branch(repositoryName=self.name, branchName=branch)["branch"]["commitId"]
        commit: str = self.client.put_file(
            repositoryName=self.name,
            branchName=branch,
            filePath="preview.json",
            fileContent=preview(case),
            parentCommitId=tip,
        )["commitId"]
        return commit

    def builds(self, count: int) -> list[Json]:
        """So many builds, when they have ended."""
        client: Client = self.aws("codebuild")

        def ended() -> list[Json] | None:
            ids = client.list_builds_for_project(projectName=self.name)["ids"]
            found = client.batch_get_builds(ids=ids)["builds"] if ids else []
            return found if len(found) >= count and all(build["buildComplete"] for build in found) else None

        return list(wait(ended, f"the end of {count} builds"))

    def log(self, build: Json) -> str:
        """What a build printed."""
        found = self.aws("logs").get_log_events(
            logGroupName=f"/aws/codebuild/{self.name}", logStreamName=build["logs"]["streamName"], startFromHead=True
        )
        return "".join(event["message"] for event in found["events"])

    def comments(self, number: str) -> list[str]:
        found = self.client.get_comments_for_pull_request(pullRequestId=number)["commentsForPullRequestData"]
        return [item["content"] for place in found for item in place["comments"] if not item["deleted"]]


@pytest.fixture
def reviewed(aws: Clients) -> Reviewed:
    return Reviewed(aws)


def test_a_pull_request_and_each_push_to_it_is_previewed_in_one_comment(reviewed: Reviewed) -> None:
    """From the event to the comment: rule, input and roles are the component's, and the tool is the real one."""
    second = reviewed.push("change", "update")
    target = {"repositoryName": reviewed.name, "sourceReference": "change"}
    number = reviewed.client.create_pull_request(title="A change", targets=[target])["pullRequest"]["pullRequestId"]
    (build,) = reviewed.builds(1)
    assert (build["buildStatus"], build["sourceVersion"]) == ("SUCCEEDED", second), reviewed.log(build)
    (comment,) = reviewed.comments(number)
    assert "`dev`: 1 to update" in comment
    assert f"Commit `{second}`" in comment

    third = reviewed.push("change", "replace")
    builds = {one["sourceVersion"]: one for one in reviewed.builds(2)}
    assert set(builds) == {second, third}
    assert builds[third]["buildStatus"] == "FAILED", "a bucket would be replaced, and nobody has approved it"
    (comment,) = reviewed.comments(number)
    assert "**stops the merge:**" in comment

    reviewed.client.update_pull_request_status(pullRequestId=number, pullRequestStatus="CLOSED")
    reviewed.push("change", "delete")
    reviewed.push("main", "update")
    assert len(reviewed.builds(2)) == 2, "a closed one, and a push to the destination, start nothing"


def test_a_pull_request_into_another_branch_starts_nothing(reviewed: Reviewed) -> None:
    reviewed.client.create_branch(repositoryName=reviewed.name, branchName="other", commitId=reviewed.first)
    reviewed.push("change", "update")
    target = {"repositoryName": reviewed.name, "sourceReference": "change", "destinationReference": "other"}
    reviewed.client.create_pull_request(title="Aside", targets=[target])
    assert reviewed.aws("codebuild").list_builds_for_project(projectName=reviewed.name)["ids"] == []
