"""What a stage runs now, read from its stack or stack set (both live in the project's own account)."""

from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from model_deploy.environment import Environment
from model_deploy.errors import error_code, error_text


@dataclass(frozen=True, kw_only=True)
class Deployed:
    """The parameters that a stage was deployed with."""

    parameters: dict[str, str]
    status: str
    """Status of the stack; ACTIVE for a stack set."""
    certain: bool
    """False when some stack of a stack set does not stand at these parameters."""
    moving: bool = False
    """True while it is being deployed. A stack that failed is not certain, and does not move."""

    @property
    def package_arn(self) -> str:
        """ARN of the deployed model package."""
        return self.parameters.get("ModelPackageArn", "")


NOTHING_RUNS = {"REVIEW_IN_PROGRESS", "DELETE_COMPLETE"}
"""Statuses of a stack that holds no resource and hinders no deployment."""

BLOCKED = {
    "ROLLBACK_COMPLETE": "its first creation failed. Delete the stack, then release the change again",
    "ROLLBACK_FAILED": "its first creation failed half way. Delete the stack, then release the change again",
    "CREATE_FAILED": "its first creation failed. Delete the stack, then release the change again",
    "DELETE_FAILED": "its deletion failed half way. Delete the stack, then release the change again",
    "UPDATE_ROLLBACK_FAILED": "an update could not be undone. Choose 'Continue update rollback' in CloudFormation, "
    "then release the change again",
}
"""Statuses of a stack that CloudFormation cannot update, and the way out."""


def deployed(client: Any, environment: Environment, stage: str) -> Deployed | None:
    """What the stage runs; None when nothing was deployed yet."""
    name = environment.stack_name(stage)
    found = _stack_set(client, name) if environment.target == "STACKSET" else _stack(client, name)
    return None if found is None or found.status in NOTHING_RUNS else found


def _stack(client: Any, name: str) -> Deployed | None:
    try:
        stack = client.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if error_code(error) == "ValidationError" and "does not exist" in error_text(error):
            return None
        raise
    status = stack["StackStatus"]
    return Deployed(parameters=_parameters(stack), status=status, certain=True, moving=status.endswith("_IN_PROGRESS"))


def _stack_set(client: Any, name: str) -> Deployed | None:
    try:
        found = client.describe_stack_set(StackSetName=name)["StackSet"]
    except ClientError as error:
        if error_code(error) == "StackSetNotFoundException":
            return None
        raise
    pages = client.get_paginator("list_stack_instances").paginate(StackSetName=name)
    instances = [instance for page in pages for instance in page["Summaries"]]
    at_work = {instance.get("StackInstanceStatus", {}).get("DetailedStatus") for instance in instances}
    return Deployed(
        parameters=_parameters(found),
        status=found["Status"],
        certain={instance["Status"] for instance in instances} <= {"CURRENT"},
        moving=bool(at_work & {"PENDING", "RUNNING"}),
    )


def _parameters(holder: dict[str, Any]) -> dict[str, str]:
    return {item["ParameterKey"]: item["ParameterValue"] for item in holder.get("Parameters", [])}
