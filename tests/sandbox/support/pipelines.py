"""A pipeline and what it needs in the emulated AWS, made with boto3 for the tests of how pipelines run."""

import itertools
import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from tests.sandbox.conftest import REGION, Client, Clients

ACCOUNT = "123456789012"
WAIT_SECONDS = 600
"""After which something hangs; how long it takes on a busy machine is nobody's concern."""
_numbers = itertools.count()

Json = dict[str, Any]


def wait(condition: Callable[[], Any], what: str) -> Any:
    """Look until there is something to see."""
    deadline, pause = time.monotonic() + WAIT_SECONDS, 0.05
    while not (found := condition()):
        assert time.monotonic() < deadline, f"{what} did not come about"
        time.sleep(pause)
        # Each look costs the emulator's process what builds and jobs need.
        pause = min(1.3 * pause, 0.3)
    return found


def role(aws: Clients, name: str, service: str, statements: list[Json], condition: Json | None = None) -> str:
    """Make a role with a policy; its ARN."""
    trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    document = {"Version": "2012-10-17", "Statement": [trust | ({"Condition": condition} if condition else {})]}
    iam = aws("iam")
    arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(document))["Role"]["Arn"]
    policy = {"Version": "2012-10-17", "Statement": statements}
    iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=json.dumps(policy))
    return arn


def allow(*actions: str, resource: str = "*") -> Json:
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource}


def action(name: str, kind: str, configuration: Mapping[str, str] | None = None, **more: Any) -> Json:
    """An action such as `Build/CodeBuild`."""
    category, provider = kind.split("/")
    return {
        "name": name,
        "actionTypeId": {"category": category, "owner": "AWS", "provider": provider, "version": "1"},
        "configuration": dict(configuration or {}),
        **more,
    }


def approval(name: str = "Approve", **more: Any) -> Json:
    return action(name, "Approval/Manual", **more)


def stage(name: str, *actions: Json, **more: Any) -> Json:
    return {"name": name, "actions": list(actions), **more}


class Pipeline:
    """A pipeline with a repository, a bucket and a role of its own; the first stage is the source."""

    def __init__(
        self,
        aws: Clients,
        *stages: Json,
        files: Mapping[str, str] | None = None,
        statements: list[Json] | None = None,
        buildspecs: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:
        self.aws, self.name = aws, f"pipe-{next(_numbers)}"
        self.client: Client = aws("codepipeline")
        self.codecommit: Client = aws("codecommit")
        self.bucket = f"{self.name}-artifacts"
        aws("s3").create_bucket(Bucket=self.bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        self.codecommit.create_repository(repositoryName=self.name)
        self.commits = [self._commit(files or {"README.md": "first"}, None)]
        self.role = role(aws, self.name, "codepipeline.amazonaws.com", statements or [allow("*")])
        self.build_role = role(aws, f"{self.name}-build", "codebuild.amazonaws.com", [allow("*")])
        for project, buildspec in (buildspecs or {}).items():
            self.project(project, buildspec)
        source = action(
            "Source",
            "Source/CodeCommit",
            {"RepositoryName": self.name, "BranchName": "main"},
            outputArtifacts=[{"name": "source"}],
            namespace="SourceVariables",
        )
        self.declaration: Json = {
            "name": self.name,
            "roleArn": self.role,
            "pipelineType": "V2",
            "executionMode": "QUEUED",
            "artifactStore": {"type": "S3", "location": self.bucket},
            "stages": [stage("Source", source), *stages],
            **more,
        }
        present = {key: value for key, value in self.declaration.items() if value is not None}
        self.client.create_pipeline(pipeline=present)
        self.arn = f"arn:aws:codepipeline:{REGION}:{ACCOUNT}:{self.name}"

    def project(self, name: str, buildspec: str, variables: Mapping[str, str] | None = None) -> None:
        """Make a build project for the pipeline."""
        self.aws("codebuild").create_project(
            name=f"{self.name}-{name}",
            source={"type": "CODEPIPELINE", "buildspec": buildspec},
            artifacts={"type": "CODEPIPELINE"},
            environment={
                "type": "LINUX_CONTAINER",
                "image": "aws/codebuild/amazonlinux-x86_64-standard:6.0",
                "computeType": "BUILD_GENERAL1_SMALL",
                "environmentVariables": [{"name": key, "value": value} for key, value in (variables or {}).items()],
            },
            serviceRole=self.build_role,
        )

    def commit(self, files: Mapping[str, str]) -> str:
        """Commit files on top of the others."""
        self.commits.append(self._commit(files, self.commits[-1]))
        return self.commits[-1]

    def _commit(self, files: Mapping[str, str], parent: str | None) -> str:
        put = [{"filePath": path, "fileContent": content.encode()} for path, content in files.items()]
        more = {"parentCommitId": parent} if parent else {}
        made: str = self.codecommit.create_commit(
            repositoryName=self.name, branchName="main", putFiles=put, commitMessage="change", **more
        )["commitId"]
        return made

    def start(self, **more: Any) -> str:
        """Start an execution; its id."""
        return str(self.client.start_pipeline_execution(name=self.name, **more)["pipelineExecutionId"])

    @property
    def executions(self) -> list[Json]:
        """Summaries, the oldest first."""
        found = self.client.list_pipeline_executions(pipelineName=self.name)["pipelineExecutionSummaries"]
        return list(reversed(found))

    def execution(self, identity: str = "") -> Json:
        identity = identity or self.executions[-1]["pipelineExecutionId"]
        found = self.client.get_pipeline_execution(pipelineName=self.name, pipelineExecutionId=identity)
        return dict(found["pipelineExecution"])

    def ended(self, identity: str = "") -> Json:
        """Wait for the end of an execution, the last one unless another one is named."""
        identity = identity or self.executions[-1]["pipelineExecutionId"]

        def final() -> Json | None:
            found = self.execution(identity)
            return None if found["status"] in ("InProgress", "Stopping") else found

        return dict(wait(final, f"the end of {identity}"))

    def stages(self) -> dict[str, str]:
        """The status of each stage that has run."""
        found = self.client.get_pipeline_state(name=self.name)["stageStates"]
        return {one["stageName"]: one["latestExecution"]["status"] for one in found if "latestExecution" in one}

    def state(self, stage_name: str, action_name: str) -> Json:
        """The latest execution of an action."""
        found = self.client.get_pipeline_state(name=self.name)["stageStates"]
        (one,) = (one for one in found if one["stageName"] == stage_name)
        (run,) = (run for run in one["actionStates"] if run["actionName"] == action_name)
        return dict(run.get("latestExecution", {}))

    def token(self, stage_name: str, action_name: str = "Approve") -> str:
        """Wait until an approval waits."""
        return str(wait(lambda: self.state(stage_name, action_name).get("token"), f"approval {stage_name}"))

    def answer(self, stage_name: str, status: str = "Approved", action_name: str = "Approve") -> None:
        token = self.token(stage_name, action_name)
        self.client.put_approval_result(
            pipelineName=self.name,
            stageName=stage_name,
            actionName=action_name,
            token=token,
            result={"summary": "seen", "status": status},
        )

    def actions(self, identity: str) -> list[tuple[str, str]]:
        """Names and statuses of the actions of an execution, the oldest first."""
        found = self.client.list_action_executions(pipelineName=self.name, filter={"pipelineExecutionId": identity})[
            "actionExecutionDetails"
        ]
        return [(one["actionName"], one["status"]) for one in reversed(found)]


class Ear:
    """A queue that hears what a topic or a rule is told."""

    def __init__(self, aws: Clients) -> None:
        self._sqs = aws("sqs")
        self._url = self._sqs.create_queue(QueueName=f"ear-{next(_numbers)}")["QueueUrl"]
        self.arn: str = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])["Attributes"][
            "QueueArn"
        ]

    def heard(self) -> list[Json]:
        """Everything that has come so far, read once."""
        found: list[Json] = []
        while messages := self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                found.append(json.loads(message["Body"]))
                self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
        return found
