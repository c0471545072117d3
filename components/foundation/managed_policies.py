"""What a role may do beyond what one policy holds: customer managed policies, each with a part of it."""

from collections.abc import Callable

import pulumi
import pulumi_aws as aws

from components.core.environment import Environment
from components.core.naming import ANY_ACCOUNT_ID
from components.iam import role_documents
from components.iam.policies import document
from components.iam.role_documents import RoleDocument


def managed_policies(
    name: str,
    environment: Environment,
    *,
    parent: pulumi.Resource,
    role: Callable[[str], RoleDocument],
    policy_name: Callable[[int], pulumi.Input[str]],
    purpose: Callable[[int], pulumi.Input[str]],
) -> list[aws.iam.Policy]:
    """Register the statements of a role as managed policies, as many as it takes.

    Args:
        name: start of the policies' logical names; a number follows.
        environment: the environment that the policies belong to.
        parent: the component that the policies belong to.
        role: the role in an account.
        policy_name: name in IAM of the policy of a number, from 1.
        purpose: what the policy of a number is for, in a few words; its description.
    """

    def policy(number: int) -> aws.iam.Policy:
        return aws.iam.Policy(
            f"{name}-{number}",
            name=policy_name(number),
            description=purpose(number),
            policy=environment.account_id.apply(
                lambda account: document(list(role_documents.managed_policies(role(account)))[number - 1])
            ),
            tags=environment.tags,
            opts=pulumi.ResourceOptions(parent=parent),
        )

    # All accounts' ids are equally long, so each account gets the same parts.
    return [policy(number) for number, _ in enumerate(role_documents.managed_policies(role(ANY_ACCOUNT_ID)), start=1)]
