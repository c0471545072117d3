"""Every role of an environment as a document: what makes a role, judges one or prints one takes it from here.

Pure functions: no engine and no call to AWS, so that a document is the same before and after the role exists.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from components import project_policies, use_role_policies
from components.naming import Names
from components.network import Network
from components.policies import Statement, document
from components.regions import Region
from components.use_role_policies import ProjectPlace, UseRole

WELL_KNOWN_PATH = "/service-role/"
"""Path of the two roles that AWS's console makes for SageMaker Projects."""

WELL_KNOWN_LAUNCH_ROLE = "AmazonSageMakerServiceCatalogProductsLaunchRole"
"""The one that launches, for all projects of an account."""

WELL_KNOWN_USE_ROLE = "AmazonSageMakerServiceCatalogProductsUseRole"
"""The one that works in projects, for all services."""


@dataclass(frozen=True, kw_only=True)
class RoleDocument:
    """A role, as IAM would describe it."""

    key: str
    """What it is in the settings: `launch`, `use.CodeBuild`, ..."""
    name: str
    """Name of the role, up to 64 characters."""
    purpose: str
    """What it is for, in a sentence; IAM takes up to 1,000 characters."""
    trust: Sequence[Statement]
    """Who may assume it."""
    statements: Sequence[Statement]
    """What it may do."""
    path: str = "/"
    """Path of the role."""
    boundary_arn: str | None = None
    """Policy that bounds it, whatever it is given."""

    def arn(self, region: Region, account_id: str) -> str:
        """ARN of the role in an account."""
        return f"arn:{region.partition}:iam::{account_id}:role{self.path}{self.name}"


@dataclass(frozen=True, kw_only=True)
class RoleFacts:
    """What the documents of an environment's roles depend on."""

    names: Names
    """Physical names."""
    home: Region
    """The home region."""
    regions: Sequence[Region]
    """Regions of the catalog."""
    account_id: str
    """The account."""
    topic_arn: str
    """Topic of the environment; its ARN is known before it is made."""
    launches_tell_topic: bool = False
    """Whether CloudFormation tells the topic of launches."""
    projects_make_roles: bool = True
    """Whether each project makes its own roles; else all work with `use_role_arns`."""
    use_role_arns: Mapping[UseRole, str] = field(default_factory=dict)
    """The use roles, where projects make none."""
    key_arns: Sequence[str] = ()
    """Customer keys of what projects make."""
    networks: Mapping[str, Network] = field(default_factory=dict)
    """Networks that projects run in, by region."""
    stack_set_role_arn: str | None = None
    """Administration role with which projects may deploy stack sets."""
    permissions_boundary_arn: str | None = None
    """Boundary of every role that the stack makes."""

    @property
    def project_boundary_arn(self) -> str:
        """ARN of the policy that bounds every role of a project."""
        name = self.names.project_boundary.value
        return f"arn:{self.home.partition}:iam::{self.account_id}:policy/{name}"

    def own_use_role_arns(self) -> Mapping[UseRole, str]:
        """ARNs of the use roles that the stack makes itself."""
        return {role: self._arn("/", self.names.use_role(role).value) for role in UseRole}

    def adopted_use_role_arns(self) -> Mapping[UseRole, str]:
        """The well-known use role, for every service."""
        return dict.fromkeys(UseRole, self._arn(WELL_KNOWN_PATH, WELL_KNOWN_USE_ROLE))

    def _arn(self, path: str, name: str) -> str:
        return f"arn:{self.home.partition}:iam::{self.account_id}:role{path}{name}"


def launch_role(facts: RoleFacts) -> RoleDocument:
    """The role that launches projects, with the environment's own name."""
    return RoleDocument(
        key="launch",
        name=facts.names.launch_role.value,
        purpose=f"Launches projects of {facts.names.prefix} through Service Catalog",
        trust=[project_policies.launch_trust()],
        statements=project_policies.launch_statements(
            facts.home,
            facts.account_id,
            facts.project_boundary_arn,
            facts.topic_arn if facts.launches_tell_topic else None,
            use_role_arns=None if facts.projects_make_roles else facts.use_role_arns,
            in_network=bool(facts.networks),
        ),
        boundary_arn=facts.permissions_boundary_arn,
    )


def adopted_launch_role(facts: RoleFacts) -> RoleDocument:
    """The well-known role that launches projects, as it is made where the account has none."""
    own = launch_role(facts)
    return RoleDocument(
        key="launch",
        name=WELL_KNOWN_LAUNCH_ROLE,
        path=WELL_KNOWN_PATH,
        purpose="Launches SageMaker projects through Service Catalog",
        trust=own.trust,
        statements=own.statements,
        boundary_arn=own.boundary_arn,
    )


def use_roles(facts: RoleFacts) -> list[RoleDocument]:
    """The roles that work in the environment's projects, one for each service."""
    place = _place(facts)
    return [
        RoleDocument(
            key=f"use.{role}",
            name=facts.names.use_role(role).value,
            purpose=f"Works for {role} in projects of {facts.names.prefix}",
            trust=[use_role_policies.trust(role, place)],
            statements=use_role_policies.statements(role, place),
            boundary_arn=facts.permissions_boundary_arn,
        )
        for role in UseRole
    ]


def adopted_use_role(facts: RoleFacts) -> RoleDocument:
    """The well-known role that works in projects for every service, as it is made where the account has none."""
    place = _place(facts)
    statements = [
        {**statement, "Sid": f"{role}{statement['Sid']}"}
        for role in UseRole
        for statement in use_role_policies.statements(role, place)
    ]
    return RoleDocument(
        key="use",
        name=WELL_KNOWN_USE_ROLE,
        path=WELL_KNOWN_PATH,
        purpose="Works in SageMaker projects, for every service",
        # One statement: with a source for each service the trust would not fit into IAM's 2,048 characters.
        trust=[
            {
                "Effect": "Allow",
                "Principal": {"Service": [role.service for role in UseRole]},
                "Action": "sts:AssumeRole",
                "Condition": {"StringEquals": {"aws:SourceAccount": facts.account_id}},
            }
        ],
        statements=statements,
        boundary_arn=facts.permissions_boundary_arn,
    )


def _place(facts: RoleFacts) -> ProjectPlace:
    return ProjectPlace(
        regions=facts.regions,
        account_id=facts.account_id,
        role_arns=facts.use_role_arns,
        topic_arn=facts.topic_arn,
        key_arns=facts.key_arns,
        networks=facts.networks,
        stack_set_role_arn=facts.stack_set_role_arn,
    )


def project_boundary(facts: RoleFacts) -> list[Statement]:
    """The most that any role of a project can have."""
    return project_policies.boundary_statements(
        facts.home, facts.account_id, facts.stack_set_role_arn, in_network=bool(facts.networks)
    )


MANAGED_POLICY_LIMIT = 6144
"""Characters of a customer managed policy, white space not counted. IAM attaches up to ten of them to a role."""


def managed_policies(role: RoleDocument) -> Iterator[list[Statement]]:
    """A role's statements, in their order, in parts that each fit into a customer managed policy.

    Inline policies of a role end at 10,240 characters together; a role for every service needs more.
    """
    part: list[Statement] = []
    for statement in role.statements:
        if part and len("".join(document([*part, statement]).split())) > MANAGED_POLICY_LIMIT:
            yield part
            part = []
        part.append(statement)
    yield part
