"""Handlers of `aws:codebuild/*`."""
# ruff: noqa: ARG002 - the handlers share one signature

from typing import Any, ClassVar

from sandbox.provider.aws import Aws
from sandbox.provider.resource import Change, Resource
from sandbox.provider.values import Properties, lower_tag_list, present

SERVICE = "codebuild"


class Project(Resource):
    """A build project; its id is its ARN, the one by which it is imported."""

    kind = "aws:codebuild/project:Project"
    service = SERVICE
    replaces = frozenset({"name"})
    settings: ClassVar = (
        *("artifacts", "buildTimeout", "description", "encryptionKey", "environment", "logsConfig", "queuedTimeout"),
        *("serviceRole", "source", "vpcConfig"),
    )
    updates = frozenset({*settings, "tags"})
    computed = frozenset({"arn"})
    keeps = frozenset({"encryptionKey", "logsConfig"})
    defaults: ClassVar = {"buildTimeout": 60, "description": "Managed by Pulumi", "queuedTimeout": 480}
    name = "name"
    server_side = frozenset({"imagePullCredentialsType", "privilegedMode", "status", "type"})
    tagged = True

    def create(self, aws: Aws, inputs: Properties) -> str:
        """CreateProject."""
        made = aws.client(SERVICE).create_project(**_arguments(inputs), tags=lower_tag_list(inputs.get("tags", {})))
        return str(made["project"]["arn"])

    def configure(self, aws: Aws, ident: str, change: Change) -> None:
        """UpdateProject."""
        if change.old and change.any(*self.settings):
            aws.client(SERVICE).update_project(**_arguments(dict(change.new)))

    def retag(self, aws: Aws, ident: str, tags: dict[str, str], gone: list[str]) -> None:
        """UpdateProject, which takes all tags at once."""
        found = self.read(aws, ident)
        kept = {key: value for key, value in (found or {}).get("tagsAll", {}).items() if key not in gone}
        aws.client(SERVICE).update_project(name=_name(ident), tags=lower_tag_list({**kept, **tags}))

    def read(self, aws: Aws, ident: str) -> Properties | None:
        """BatchGetProjects, which leaves out what does not exist."""
        projects = aws.client(SERVICE).batch_get_projects(names=[_name(ident)])["projects"]
        if not projects:
            return None
        found = projects[0]
        logs = found.get("logsConfig", {}).get("cloudWatchLogs")
        return {
            "arn": found["arn"],
            "artifacts": found["artifacts"],
            "buildTimeout": found["timeoutInMinutes"],
            "description": found.get("description"),
            "encryptionKey": found["encryptionKey"],
            "environment": found["environment"],
            "logsConfig": {"cloudwatchLogs": logs} if logs else {},
            "name": found["name"],
            "queuedTimeout": found["queuedTimeoutInMinutes"],
            "serviceRole": found["serviceRole"],
            "source": found["source"],
            "tagsAll": {tag["key"]: tag["value"] for tag in found.get("tags", [])},
            "vpcConfig": found.get("vpcConfig"),
        }

    def delete(self, aws: Aws, ident: str, state: Properties) -> None:
        """DeleteProject, which succeeds for one that is gone."""
        aws.client(SERVICE).delete_project(name=_name(ident))


def _name(arn: str) -> str:
    return arn.rsplit("/", 1)[-1]


def _arguments(inputs: Properties) -> dict[str, Any]:
    logs = inputs.get("logsConfig", {}).get("cloudwatchLogs")
    return present(
        name=inputs["name"],
        artifacts=inputs["artifacts"],
        description=inputs["description"],
        encryptionKey=inputs.get("encryptionKey"),
        environment=inputs["environment"],
        logsConfig={"cloudWatchLogs": logs} if logs else None,
        queuedTimeoutInMinutes=inputs["queuedTimeout"],
        serviceRole=inputs["serviceRole"],
        source=inputs["source"],
        timeoutInMinutes=inputs["buildTimeout"],
        # An empty configuration takes the project out of its VPC.
        vpcConfig=inputs.get("vpcConfig", {}),
    )
