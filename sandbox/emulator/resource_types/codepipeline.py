"""AWS::CodePipeline: pipelines."""

from sandbox.emulator.core.callers import Client
from sandbox.emulator.resource_types.base import Api, Resource, ResourceType, Tagging


def _pipeline(client: Client, name: str) -> Resource:
    found = client.get_pipeline(name=name)
    attributes = {"Version": str(found["pipeline"]["version"]), "Arn": found["metadata"]["pipelineArn"]}
    return Resource(name=name, physical_id=name, attributes=attributes)


TYPES: dict[str, ResourceType] = {
    "AWS::CodePipeline::Pipeline": Api(
        service="codepipeline",
        create_operation="create_pipeline",
        update_operation="update_pipeline",
        delete_operation="delete_pipeline",
        describe=_pipeline,
        name="Name",
        name_limit=100,
        wrap="Pipeline",
        tagging=Tagging(),
        template_only=frozenset({"RestartExecutionOnUpdate"}),
    ),
}
