"""What is removed when a project of model-deploy is deleted: the endpoints' stacks and the bucket."""

from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from clean_up import answer, delete_bucket, wait

# A VPC without a way to a service lets its calls hang.
SOON = Config(connect_timeout=5, read_timeout=20, retries={"total_max_attempts": 2})
cloudformation = boto3.client("cloudformation")
cloudwatch, sns = boto3.client("cloudwatch", config=SOON), boto3.client("sns", config=SOON)
asked: set[str] = set()


def handler(event: dict[str, Any], context: Any) -> None:
    """Answer CloudFormation, whatever happens."""
    asked.clear()
    answer(event, context, lambda wanted: clean_up(wanted, context))


def clean_up(wanted: dict[str, Any], context: Any) -> None:
    """Delete the stages' stacks and the bucket, as far as the project wants it; an endpoint that is used stays."""
    if wanted["Endpoints"] == "Delete":
        used = use_of_prod(wanted)
        stages = [stage for stage in wanted["Stages"] if not (used and stage["Name"] == wanted["ProdStack"])]
        gone = set_gone if wanted["Target"] == "STACKSET" else stack_gone
        # A list, so that all stages are deleted side by side.
        while not all([gone(stage["Name"], stage["RoleArn"]) for stage in stages]):  # noqa: C419 - see above
            wait(context, "the endpoint stacks are still being deleted")
        if used:
            # Without its roles the endpoint could not replace an instance, so the deletion ends here.
            tell(wanted, used)
            raise RuntimeError(used)
    if wanted["Artifacts"] == "Delete":
        delete_bucket(wanted["Bucket"], context)


def require(condition: bool, message: str) -> None:
    """Fail with a message unless something holds."""
    if not condition:
        raise RuntimeError(message)


def use_of_prod(wanted: dict[str, Any]) -> str:
    """Say how prod was used in the last day; empty where it was not, or is not there.

    Not counted is the hour after the stack was last made or changed: then the pipeline sends requests itself. Of
    a stack set nobody knows when, so its tests count.
    """
    stack, endpoint, now = wanted["ProdStack"], wanted["ProdEndpoint"], datetime.now(UTC)
    deployed = now
    if wanted["Target"] == "STACK":
        try:
            found = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
        except ClientError as error:
            if "does not exist" in str(error):
                return ""
            raise
        deployed = found.get("LastUpdatedTime", found["CreationTime"])
    try:
        points = cloudwatch.get_metric_statistics(
            Namespace="AWS/SageMaker",
            MetricName="Invocations",
            Dimensions=[{"Name": "EndpointName", "Value": endpoint}, {"Name": "VariantName", "Value": "AllTraffic"}],
            StartTime=now - timedelta(days=1),
            EndTime=now,
            Period=300,
            Statistics=["Sum"],
        )["Datapoints"]
    except (ClientError, BotoCoreError) as error:
        raise RuntimeError(
            f"whether {endpoint} is used cannot be told ({error}). Delete stack {stack} if it is not, or give the "
            "function a way to CloudWatch; then delete the project once more"
        ) from error
    first, last = deployed - timedelta(minutes=5), deployed + timedelta(hours=1)
    requests = round(sum(point["Sum"] for point in points if not first <= point["Timestamp"] < last))
    if not requests:
        return ""
    return (
        f"{endpoint} was kept: it was asked {requests} times in the last day. Its roles and the project's bucket stay "
        f"with it. Delete the project once more when nobody asks it, or after deleting {stack} if it shall go now"
    )


def tell(wanted: dict[str, Any], message: str) -> None:
    """Tell the environment's topic, if it has one; CloudFormation has the reason in any case."""
    if wanted.get("Topic"):
        try:
            sns.publish(TopicArn=wanted["Topic"], Subject="SageMaker project: endpoint kept", Message=message)
        except (ClientError, BotoCoreError) as error:
            print(f"The topic was not told: {error}")


def stack_gone(name: str, role_arn: str) -> bool:
    """Delete a stack as its stage's role; whether it is gone."""
    try:
        stack = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    except cloudformation.exceptions.ClientError as error:
        if "does not exist" in str(error):
            return True
        raise
    status = stack["StackStatus"]
    failed = status == "DELETE_FAILED" and name in asked
    require(not failed, f"stack {name} cannot be deleted: {stack.get('StackStatusReason')}")
    if status == "REVIEW_IN_PROGRESS" or not status.endswith("_IN_PROGRESS"):
        cloudformation.delete_stack(StackName=name, RoleARN=role_arn)
        asked.add(name)
    return False


def set_gone(name: str, _role_arn: str) -> bool:
    """Delete the instances of a stack set, then the set; whether it is gone."""
    try:
        cloudformation.describe_stack_set(StackSetName=name)
        pages = cloudformation.get_paginator("list_stack_instances").paginate(StackSetName=name)
        found = [one for page in pages for one in page["Summaries"]]
        if found:
            cloudformation.delete_stack_instances(
                StackSetName=name,
                Accounts=sorted({one["Account"] for one in found}),
                Regions=sorted({one["Region"] for one in found}),
                OperationPreferences={"MaxConcurrentPercentage": 100},
                RetainStacks=False,
            )
        else:
            cloudformation.delete_stack_set(StackSetName=name)
    except cloudformation.exceptions.StackSetNotFoundException:
        return True
    except cloudformation.exceptions.OperationInProgressException:
        pass
    return False
