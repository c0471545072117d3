"""`sm-mlops:iam`: who makes the roles."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from components.core.section import PolicyArn, RoleArn, Section


class RoleMode(StrEnum):
    """Who makes a role."""

    PROJECT = "project"
    """Each project makes its own."""
    CREATE = "create"
    """The stack, with the environment's own name."""
    ADOPT = "adopt"
    """Whoever made the account's well-known role; the stack, where there is none."""
    SUPPLIED = "supplied"
    """Somebody else."""


class UseRole(StrEnum):
    """Whom a use role works for, as the templates' mapping names it."""

    CODE_PIPELINE = "CodePipeline"
    CODE_BUILD = "CodeBuild"
    EVENTS = "Events"
    CLOUD_FORMATION = "CloudFormation"
    SAGEMAKER = "SageMaker"
    LAMBDA = "Lambda"

    @property
    def service(self) -> str:
        """The service that assumes the role."""
        return f"{self.value.lower()}.amazonaws.com"


class CreatedRole(Section):
    """A role that the stack makes, with the environment's own name."""

    mode: Literal["create"] = "create"
    """`create`: the stack makes it, with the environment's own name."""

    @property
    def supplied_arn(self) -> None:
        """No role is supplied."""
        return None


class AdoptedRole(Section):
    """The well-known role of SageMaker Projects, which an account may have already."""

    mode: Literal["adopt"]
    """`adopt`: the account's well-known role; used if it is there and sufficient, made if it is not there."""

    @property
    def supplied_arn(self) -> None:
        """No role is supplied."""
        return None


class SuppliedRole(Section):
    """A role that somebody else makes."""

    mode: Literal["supplied"]
    """`supplied`: somebody else makes it; `python -m tools iam-policies` prints what it needs."""
    role_arn: RoleArn
    """The role."""

    @property
    def supplied_arn(self) -> str:
        """The role."""
        return self.role_arn


class RolesOfProjects(Section):
    """Roles that each project makes for itself."""

    mode: Literal["project"] = "project"
    """`project`: each project makes its own, within the boundary of projects; no project reaches another's."""


class CreatedUseRoles(Section):
    """Roles that all projects of the environment work with."""

    mode: Literal["create"]
    """`create`: the stack makes one for each service, and all projects work with them."""


class SuppliedUseRoles(Section):
    """Roles that somebody else makes, for all projects of the environment."""

    mode: Literal["supplied"]
    """`supplied`: somebody else makes them; `python -m tools iam-policies` prints what they need."""
    role_arns: Mapping[UseRole, RoleArn]
    """The role for each service, all of them."""


LaunchRole = Annotated[CreatedRole | AdoptedRole | SuppliedRole, Field(discriminator="mode")]

UseRoles = Annotated[RolesOfProjects | CreatedUseRoles | AdoptedRole | SuppliedUseRoles, Field(discriminator="mode")]

OwnRole = Annotated[CreatedRole | SuppliedRole, Field(discriminator="mode")]


WORKS_FOR = {
    "launch": "servicecatalog.amazonaws.com",
    "pipeline": "codepipeline.amazonaws.com",
    "build": "codebuild.amazonaws.com",
    "events": "events.amazonaws.com",
    "delivery": "codebuild.amazonaws.com",
    "pullRequests": "codebuild.amazonaws.com",
}
"""By key of `sm-mlops:iam`, the service that whoever deploys gives the role to."""


class IamSpec(Section):
    """Who makes the roles. With every role supplied, the stack makes nothing in IAM."""

    launch: LaunchRole = Field(default_factory=CreatedRole)
    """The role that launches projects: `mode` is `create`, `adopt` or `supplied`."""
    use: UseRoles = Field(default_factory=RolesOfProjects)
    """The roles that work in projects: `mode` is `project`, `create`, `adopt` or `supplied`."""
    pipeline: OwnRole = Field(default_factory=CreatedRole)
    """The role of the platform's own pipelines: `mode` is `create` or `supplied`."""
    build: OwnRole = Field(default_factory=CreatedRole)
    """The role of their builds that change nothing: `mode` is `create` or `supplied`."""
    events: OwnRole = Field(default_factory=CreatedRole)
    """The role that starts them: `mode` is `create` or `supplied`."""
    delivery: OwnRole = Field(default_factory=CreatedRole)
    """The role that deploys the platform: `mode` is `create` or `supplied`."""
    pull_requests: OwnRole = Field(default_factory=CreatedRole)
    """The role that previews pull requests, whose code nobody has agreed to: `mode` is `create` or `supplied`."""
    permissions_boundary_arn: PolicyArn | None = None
    """Permissions boundary of every role that the stack makes."""

    other_policy_arns: tuple[PolicyArn, ...] = ()
    """Managed policies that others may attach to these roles; any other that is not the stack's own is taken away."""

    @property
    def of_delivery(self) -> Mapping[str, CreatedRole | SuppliedRole]:
        """The roles of the platform's own pipelines, by their keys."""
        return {
            "pipeline": self.pipeline,
            "build": self.build,
            "events": self.events,
            "delivery": self.delivery,
            "pullRequests": self.pull_requests,
        }

    @property
    def handed_over(self) -> Mapping[str, Sequence[str]]:
        """By service, the supplied roles that whoever deploys gives it to work as."""
        roles = {"launch": self.launch, **self.of_delivery}
        found: dict[str, list[str]] = {}
        for key, service in WORKS_FOR.items():
            arn = roles[key].supplied_arn
            if arn and arn not in found.setdefault(service, []):
                found[service].append(arn)
        return {service: arns for service, arns in found.items() if arns}

    @property
    def launch_mode(self) -> RoleMode:
        """Who makes the role that launches projects; never `project`."""
        return RoleMode(self.launch.mode)

    @property
    def use_mode(self) -> RoleMode:
        """Who makes the roles that work in projects."""
        return RoleMode(self.use.mode)

    @property
    def use_role_arns(self) -> Mapping[UseRole, str]:
        """Supplied roles that work in projects, in one order, however the stack file has them: policies list them."""
        if not isinstance(self.use, SuppliedUseRoles):
            return {}
        return {role: self.use.role_arns[role] for role in UseRole}
