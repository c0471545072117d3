"""The CloudFormation resource types of the sandbox, by service: how each is made, changed and removed.

Each is a few calls of the service's API, made as the role that the stack works with. Types that no module lists are
left to moto's models.
"""

from sandbox.emulator.resource_types import (
    application_autoscaling,
    awslambda,
    cloudwatch,
    codebuild,
    codecommit,
    codepipeline,
    eks,
    events,
    iam,
    logs,
    moto_models,
    s3,
    sagemaker,
    stepfunctions,
)
from sandbox.emulator.resource_types.base import ResourceType
from sandbox.emulator.resource_types.custom import Custom

_MODULES = (
    *(application_autoscaling, awslambda, cloudwatch, codebuild, codecommit, codepipeline),
    *(eks, events, iam, logs, s3, sagemaker, stepfunctions),
)
_TYPES = {name: kind for module in _MODULES for name, kind in module.TYPES.items()}
_CUSTOM = Custom()


def resource_type(name: str) -> ResourceType | None:
    """Return how resources of a type are made, by moto's models where no module says; None for an unknown type."""
    if name.startswith("Custom::") or name == "AWS::CloudFormation::CustomResource":
        return _CUSTOM
    return _TYPES.get(name) or moto_models.find(name)
