"""AWS::SageMaker: what its API makes, to which CloudFormation refers by ARN."""

import re

from sandbox.emulator.core.callers import Client
from sandbox.emulator.resource_types.base import Api, Resource, ResourceType, Tagging


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


TYPES: dict[str, ResourceType] = {
    "AWS::SageMaker::CodeRepository": _type("CodeRepository"),
    "AWS::SageMaker::Endpoint": _type(
        "Endpoint", "update_endpoint", frozenset({"RetainAllVariantProperties", "ExcludeRetainedVariantProperties"})
    ),
    "AWS::SageMaker::EndpointConfig": _type("EndpointConfig"),
    "AWS::SageMaker::Model": _type("Model"),
    "AWS::SageMaker::ModelPackageGroup": _type("ModelPackageGroup"),
}
