"""A role that the stack makes: its trust, its boundary, its policies, and none beside them."""

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
    policy: pulumi.Output[str] | None,
    policy_arns: Iterable[pulumi.Input[str]] = (),
    attachment: str = "{name}-policy-{number}",
    boundary_arn: str | None,
) -> ServiceRole:
    """Register a role with a policy of its own, attach others to it, and see to it that it has no more than these.

    Args:
        name: logical name of the role, and start of those of its policies.
        environment: the environment that the role belongs to.
        parent: the component that the role belongs to.
        role_name: name of the role in IAM.
        purpose: what the role is for, in a few words; its description.
        trust: who may act as it, the whole document.
        policy: what it may do, the whole document; nothing where the attached ones are all.
        policy_arns: managed policies that it has.
        attachment: form of the logical names of their attachments.
        boundary_arn: policy that bounds it, if there is one.
    """
    child = pulumi.ResourceOptions(parent=parent)
    role = aws.iam.Role(
        name,
        name=role_name,
        description=purpose,
        assume_role_policy=trust,
        permissions_boundary=boundary_arn,
        # What others may attach would else keep IAM from deleting the role.
        force_detach_policies=True if environment.other_policy_arns else None,
        tags=environment.tags,
        opts=child,
    )
    own = [] if policy is None else [aws.iam.RolePolicy(f"{name}-policy", role=role.name, policy=policy, opts=child)]
    attached = [
        aws.iam.RolePolicyAttachment(
            attachment.format(name=name, number=number), role=role.name, policy_arn=arn, opts=child
        )
        for number, arn in enumerate(policy_arns, start=1)
    ]
    # Both lists are outputs of what they list: so they come after it, and when the role goes they go first. Else the
    # role would be deleted while it has policies, which IAM refuses.
    aws.iam.RolePoliciesExclusive(
        f"{name}-only-policies", role_name=role.name, policy_names=[one.name for one in own], opts=child
    )
    aws.iam.RolePolicyAttachmentsExclusive(
        f"{name}-only-attachments",
        role_name=role.name,
        policy_arns=[*(one.policy_arn for one in attached), *environment.other_policies.get(role_name, ())],
        opts=child,
    )
    return ServiceRole(role.arn, [*own, *attached])
