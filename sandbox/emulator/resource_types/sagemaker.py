"""AWS::SageMaker: what its API makes, to which CloudFormation refers by ARN."""

import re

from awsmodel.cloudformation.template import Json
from sandbox.emulator.core.callers import Client
from sandbox.emulator.resource_types.base import Api, Properties, Resource, ResourceType, Tagging


def _type(kind: str, update_operation: str = "", update_only: frozenset[str] = frozenset()) -> Api:
    """Describe a type by the name that SageMaker's operations and their members give it."""
    noun = re.sub(r"(?<!^)(?=[A-Z])", "_", kind).lower()

    def describe(client: Client, name: str) -> Resource:
        arn = getattr(client, f"describe_{noun}")(**{f"{kind}Name": name})[f"{kind}Arn"]
        return Resource(name=name, physical_id=arn, attributes={f"{kind}Name": name, f"{kind}Arn": arn, "Arn": arn})

    return Api(
        service="sagemaker",
        create_operation=f"create_{noun}",
        update_operation=update_operation,
        delete_operation=f"delete_{noun}",
        describe=describe,
        name=f"{kind}Name",
        update_only=update_only,
        tagging=Tagging(add="add_tags", remove="delete_tags"),
        gone=("ValidationException", "ResourceNotFound"),
    )


def _pipeline(client: Client, name: str) -> Resource:
    arn = client.describe_pipeline(PipelineName=name)["PipelineArn"]
    return Resource(name=name, physical_id=name, attributes={"Arn": arn})


def _definition(properties: Properties) -> dict[str, Json]:
    """Return the properties of a pipeline as the members of its requests, which name what defines it otherwise."""
    rest = {key: value for key, value in properties.items() if key != "PipelineDefinition"}
    given = properties["PipelineDefinition"]
    if "PipelineDefinitionBody" in given:
        return {**rest, "PipelineDefinition": given["PipelineDefinitionBody"]}
    location = given["PipelineDefinitionS3Location"]
    names = {"Bucket": "Bucket", "Key": "ObjectKey", "Version": "VersionId"}
    return {**rest, "PipelineDefinitionS3Location": {names[key]: location[key] for key in names if key in location}}


TYPES: dict[str, ResourceType] = {
    "AWS::SageMaker::CodeRepository": _type("CodeRepository"),
    "AWS::SageMaker::Endpoint": _type(
        "Endpoint", "update_endpoint", frozenset({"RetainAllVariantProperties", "ExcludeRetainedVariantProperties"})
    ),
    "AWS::SageMaker::EndpointConfig": _type("EndpointConfig"),
    "AWS::SageMaker::Model": _type("Model"),
    "AWS::SageMaker::ModelPackageGroup": _type("ModelPackageGroup"),
    "AWS::SageMaker::Pipeline": Api(
        service="sagemaker",
        create_operation="create_pipeline",
        update_operation="update_pipeline",
        delete_operation="delete_pipeline",
        describe=_pipeline,
        name="PipelineName",
        name_limit=256,
        tagging=Tagging(add="add_tags", remove="delete_tags"),
        gone=("ValidationException", "ResourceNotFound"),
        prepare=_definition,
    ),
}
