"""A role that a service acts as, with its own policy, its trust and its boundary."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.core.environment import Environment


@dataclass(frozen=True)
class ServiceRole:
    """A role, and what it may do nothing without: whatever uses it at once waits for its policies."""

    arn: pulumi.Output[str]
    policies: Sequence[pulumi.Resource] = ()


def service_role(
    name: str,
    environment: Environment,
    *,
    parent: pulumi.Resource,
    role_name: str,
    purpose: str,
    trust: pulumi.Output[str],
    policy: pulumi.Output[str],
    policy_arns: Iterable[pulumi.Input[str]] = (),
    boundary_arn: str | None,
) -> ServiceRole:
    """Register a role with one policy of its own, and attach others to it.

    Args:
        name: logical name of the role, and start of those of its policies.
        environment: the environment that the role belongs to.
        parent: the component that the role belongs to.
        role_name: name of the role in IAM.
        purpose: what the role is for, in a few words; its description.
        trust: who may act as it, the whole document.
        policy: what it may do, the whole document.
        policy_arns: managed policies that it has, too.
        boundary_arn: policy that bounds it, if there is one.
    """
    child = pulumi.ResourceOptions(parent=parent)
    role = aws.iam.Role(
        name,
        name=role_name,
        description=purpose,
        assume_role_policy=trust,
        permissions_boundary=boundary_arn,
        tags=environment.tags,
        opts=child,
    )
    own = aws.iam.RolePolicy(f"{name}-policy", role=role.name, policy=policy, opts=child)
    attached = (
        aws.iam.RolePolicyAttachment(f"{name}-policy-{number}", role=role.name, policy_arn=arn, opts=child)
        for number, arn in enumerate(policy_arns, start=1)
    )
    return ServiceRole(role.arn, [own, *attached])
