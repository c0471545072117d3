"""The role that launches projects, and the boundary of every role that a project makes."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components import project_policies
from components.environment import Environment
from components.policies import document


@dataclass(frozen=True, kw_only=True)
class ProjectRolesArgs:
    """What `ProjectRoles` is made from."""

    environment: Environment
    """The environment."""
    stack_set_role_arn: str | None
    """Administration role with which projects may deploy stack sets."""
    topic_arn: pulumi.Output[str] | None
    """Topic that is told of launches."""


class ProjectRoles(pulumi.ComponentResource):
    """IAM of the catalog: global, so one of each for all its regions."""

    launch_role_arn: pulumi.Output[str]
    """Role of the launch constraints."""
    policy: aws.iam.RolePolicy
    """What the launch role may do; nothing is launched before it stands."""

    def __init__(self, name: str, args: ProjectRolesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlops:catalog:ProjectRoles", name, None, opts)
        environment, child = args.environment, pulumi.ResourceOptions(parent=self)
        home, names, in_network = environment.home, environment.names, bool(environment.networks)
        boundary = aws.iam.Policy(
            f"{name}-boundary",
            name=names.project_boundary.value,
            description=f"The most that a role of a project of {names.prefix} can have",
            policy=environment.account_id.apply(
                lambda account: document(
                    project_policies.boundary_statements(home, account, args.stack_set_role_arn, in_network=in_network)
                )
            ),
            tags=environment.tags,
            opts=child,
        )
        role = aws.iam.Role(
            f"{name}-launch",
            name=names.launch_role.value,
            description=f"Launches projects of {names.prefix} through Service Catalog",
            assume_role_policy=document([project_policies.launch_trust()]),
            tags=environment.tags,
            opts=child,
        )
        self.policy = aws.iam.RolePolicy(
            f"{name}-launch-policy",
            role=role.name,
            policy=pulumi.Output.all(boundary.arn, environment.account_id, args.topic_arn).apply(
                lambda facts: document(
                    project_policies.launch_statements(home, facts[1], facts[0], facts[2], in_network=in_network)
                )
            ),
            opts=child,
        )
        self.launch_role_arn = role.arn
        self.register_outputs({"launchRoleArn": role.arn, "boundaryArn": boundary.arn})
