"""A rule of EventBridge that starts something in the home region, and the role with which it does."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from awsmodel.arns import ArnScope
from components.core.environment import Environment
from components.foundation.service_role import ServiceRole, service_role
from components.iam.pipeline_policies import start_trust
from components.iam.policies import Statement, document


@dataclass(frozen=True, kw_only=True)
class Rule:
    """When something is started: at an event, or by the clock."""

    name: str
    """Name of the rule in EventBridge."""
    purpose: str
    """What it does, in a few words; its description."""
    event_pattern: pulumi.Input[str] | None = None
    """Events at which it starts something."""
    schedule: str | None = None
    """`cron(...)` or `rate(...)`, in UTC, at which it does."""


def start_role(
    name: str,
    environment: Environment,
    *,
    parent: pulumi.Resource,
    role_name: str,
    purpose: str,
    rules: Sequence[str],
    statements: Callable[[ArnScope], Sequence[Statement]],
    boundary_arn: str | None,
) -> ServiceRole:
    """Register a role with which rules start something.

    Args:
        name: logical name of the role, and start of that of its policy.
        environment: the environment that the role belongs to.
        parent: the component that the role belongs to.
        role_name: name of the role in IAM.
        purpose: what the role is for, in a few words; its description.
        rules: names of the rules that may act as it.
        statements: what it may do, in an account.
        boundary_arn: policy that bounds it, if there is one.
    """
    account_id, home = environment.account_id, environment.home
    return service_role(
        name,
        environment,
        parent=parent,
        role_name=role_name,
        purpose=purpose,
        trust=account_id.apply(lambda account: document([start_trust(ArnScope.of(home, account), rules)])),
        policy=account_id.apply(lambda account: document(statements(ArnScope.of(home, account)))),
        boundary_arn=boundary_arn,
    )


def start_rule(
    name: str,
    environment: Environment,
    *,
    parent: pulumi.Resource,
    rule: Rule,
    target_name: str,
    target_id: str,
    target_arn: pulumi.Input[str],
    role: ServiceRole,
    transformer: aws.cloudwatch.EventTargetInputTransformerArgsDict | None = None,
) -> None:
    """Register a rule, and what it starts.

    Args:
        name: logical name of the rule.
        environment: the environment that the rule belongs to.
        parent: the component that the rule belongs to.
        rule: when something is started.
        target_name: logical name of the rule's target.
        target_id: name of the target within the rule.
        target_arn: what is started.
        role: the role with which the rule starts it.
        transformer: what it is told of an event; left out, the whole event.
    """
    made = aws.cloudwatch.EventRule(
        name,
        region=environment.home.name,
        name=rule.name,
        description=rule.purpose,
        event_pattern=rule.event_pattern,
        schedule_expression=rule.schedule,
        tags=environment.tags,
        opts=pulumi.ResourceOptions(parent=parent),
    )
    aws.cloudwatch.EventTarget(
        target_name,
        region=environment.home.name,
        rule=made.name,
        target_id=target_id,
        arn=target_arn,
        role_arn=role.arn,
        input_transformer=transformer,
        # The first event would be lost on a role that has no right yet.
        opts=pulumi.ResourceOptions(parent=parent, depends_on=list(role.policies)),
    )
