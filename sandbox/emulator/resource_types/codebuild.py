"""AWS::CodeBuild: projects."""

from awsmodel.cloudformation.template import Json
from sandbox.emulator.core.callers import Client
from sandbox.emulator.resource_types.base import Api, Properties, Resource, ResourceType


def _codebuild_project(client: Client, name: str) -> Resource:
    (project,) = client.batch_get_projects(names=[name])["projects"]
    return Resource(name=name, physical_id=name, attributes={"Arn": project["arn"]})


def _project(properties: Properties) -> dict[str, Json]:
    """Return a build project's properties; what is left out of an update would stay as it was."""
    return {"Description": "", "TimeoutInMinutes": 60, **properties}


TYPES: dict[str, ResourceType] = {
    "AWS::CodeBuild::Project": Api(
        service="codebuild",
        create_operation="create_project",
        update_operation="update_project",
        delete_operation="delete_project",
        describe=_codebuild_project,
        name="Name",
        name_limit=150,
        prepare=_project,
    ),
}
