"""The functions of the AWS package that a program may call."""

from collections.abc import Callable

from sandbox.provider.aws import Aws
from sandbox.provider.values import Properties


class UnknownFunctionError(Exception):
    """A function that the sandbox does not have."""


def caller_identity(aws: Aws) -> Properties:
    """Return who the credentials are."""
    found = aws.client("sts").get_caller_identity()
    return {"accountId": found["Account"], "arn": found["Arn"], "id": found["Account"], "userId": found["UserId"]}


def partition(aws: Aws) -> Properties:
    """Return the partition of the region and its domain."""
    suffix = aws.dns_suffix
    return {
        "dnsSuffix": suffix,
        "id": aws.partition,
        "partition": aws.partition,
        "reverseDnsPrefix": ".".join(reversed(suffix.split("."))),
    }


def region(aws: Aws) -> Properties:
    """Return the region."""
    return {
        "description": aws.region,
        "endpoint": f"ec2.{aws.region}.{aws.dns_suffix}",
        "id": aws.region,
        "name": aws.region,
        "region": aws.region,
    }


FUNCTIONS: dict[str, Callable[[Aws], Properties]] = {
    "aws:index/getCallerIdentity:getCallerIdentity": caller_identity,
    "aws:index/getPartition:getPartition": partition,
    "aws:index/getRegion:getRegion": region,
}


def invoke(token: str, aws: Aws) -> Properties:
    """Call the function; `UnknownFunctionError` names one that is missing."""
    if token not in FUNCTIONS:
        raise UnknownFunctionError(
            f"the sandbox has no function {token}. Add it to sandbox/provider/invokes.py, which has "
            f"{', '.join(sorted(FUNCTIONS))}."
        )
    return FUNCTIONS[token](aws)
