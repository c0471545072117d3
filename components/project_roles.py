"""The roles that launch projects and work in them, as far as the settings leave them to the stack."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components import role_documents
from components.environment import Environment
from components.policies import document
from components.providers.adopted_role import AdoptedRole
from components.role_documents import RoleChoices, RoleDocument, RoleFacts, RoleMode
from components.use_role_policies import UseRole


@dataclass(frozen=True, kw_only=True)
class ProjectRolesArgs:
    """What `ProjectRoles` is made from."""

    environment: Environment
    """The environment."""
    choices: RoleChoices
    """Who makes the roles."""
    facts: pulumi.Output[RoleFacts]
    """What their documents depend on."""


class ProjectRoles(pulumi.ComponentResource):
    """IAM of the catalog: global, so one of each for all its regions. Where all roles are supplied, nothing."""

    ready: Sequence[pulumi.Resource]
    """Nothing is launched before these stand."""

    def __init__(self, name: str, args: ProjectRolesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlops:catalog:ProjectRoles", name, None, opts)
        self._name = name
        self._args = args
        choices = args.choices
        made: list[pulumi.Resource] = []
        if choices.use is RoleMode.PROJECT and choices.launch is not RoleMode.SUPPLIED:
            made.append(self._boundary())
        if choices.launch is RoleMode.CREATE:
            made.append(self._role("launch", args.facts.apply(role_documents.launch_role)))
        elif choices.launch is RoleMode.ADOPT:
            made.append(self._adopted("launch", args.facts.apply(role_documents.launch_role)))
        if choices.use is RoleMode.CREATE:
            documents = args.facts.apply(role_documents.use_roles)
            made += [self._role(f"use-{role.lower()}", documents[index]) for index, role in enumerate(UseRole)]
        elif choices.use is RoleMode.ADOPT:
            made.append(self._adopted("use", args.facts.apply(lambda facts: role_documents.use_roles(facts)[0])))
        self.ready = made
        self.register_outputs(
            {
                "launchRoleArn": args.facts.launch_role_arn,
                "useRoleArns": args.facts.apply(
                    lambda facts: {str(role): arn for role, arn in facts.use_role_arns.items()}
                ),
            }
        )

    def _boundary(self) -> pulumi.Resource:
        environment = self._args.environment
        return aws.iam.Policy(
            f"{self._name}-boundary",
            name=environment.names.project_boundary.value,
            description=f"The most that a role of a project of {environment.names.prefix} can have",
            policy=self._args.facts.apply(lambda facts: document(role_documents.project_boundary(facts))),
            tags=environment.tags,
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _role(self, key: str, wanted: pulumi.Output[RoleDocument]) -> pulumi.Resource:
        """Make a role; what it may do stands last, so it stands for both."""
        child = pulumi.ResourceOptions(parent=self)
        role = aws.iam.Role(
            f"{self._name}-{key}",
            name=wanted.name,
            description=wanted.purpose,
            assume_role_policy=wanted.apply(lambda role: document(role.trust)),
            permissions_boundary=self._args.choices.permissions_boundary_arn,
            tags=self._args.environment.tags,
            opts=child,
        )
        return aws.iam.RolePolicy(
            f"{self._name}-{key}-policy",
            role=role.name,
            policy=wanted.apply(lambda role: document(role.statements)),
            opts=child,
        )

    def _adopted(self, key: str, wanted: pulumi.Output[RoleDocument]) -> pulumi.Resource:
        return AdoptedRole(
            f"{self._name}-{key}",
            region=self._args.environment.home.name,
            claimant=self._args.environment.names.prefix,
            document=wanted,
            opts=pulumi.ResourceOptions(parent=self),
        )
