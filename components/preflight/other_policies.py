"""Managed policies that others attach to the roles of a stack, found out before anything is registered.

The plugin's exclusive attachments know a list of what a role has, and none of what it may have. So the list that they
are given names, beside the stack's own policies, those of the settings that the role has at this moment: whoever
attaches or detaches one of them changes nothing that a deployment would undo.
"""

from collections.abc import Mapping, Sequence

import pulumi

from components.providers.aws_access import AwsAccess, AwsError, explained

KEY = "sm-mlops:iam.otherPolicyArns"
"""The setting that names them."""


class OtherPoliciesError(pulumi.RunError):
    """It cannot be told which roles have them; the message says why. Pulumi prints it without a traceback."""


def attached(arns: Sequence[str], access: AwsAccess, region: str) -> Mapping[str, Sequence[str]]:
    """By name of a role: those of the policies that it has, in the order of the settings.

    Args:
        arns: the policies; where there is none, nothing is called.
        access: who asks AWS.
        region: any region of the account's partition.

    Raises:
        OtherPoliciesError: there is no such policy, or IAM does not answer: guessing would take rights away, or leave
            them.
    """
    found: dict[str, list[str]] = {}
    faults = []
    for index, arn in enumerate(arns):
        try:
            for role in _roles(arn, access, region):
                found.setdefault(role, []).append(arn)
        except AwsError as error:
            faults.append(f"{KEY}[{index}]: {error}")
    if faults:
        raise OtherPoliciesError("\n".join(faults))
    return found


def _roles(arn: str, access: AwsAccess, region: str) -> list[str]:
    with explained(f"roles that have {arn}", "iam", region):
        iam = access.client("iam", region)
        try:
            pages = iam.get_paginator("list_entities_for_policy").paginate(PolicyArn=arn, EntityFilter="Role")
            return [role["RoleName"] for page in pages for role in page["PolicyRoles"]]
        except iam.exceptions.NoSuchEntityException:
            raise AwsError(f"there is no policy {arn}") from None
