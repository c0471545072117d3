"""Every role of an environment as a document: what makes a role, judges one or prints one takes it from here.

Pure functions: no engine and no call to AWS, so that a document is the same before and after the role exists.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from awsmodel.arns import ArnScope
from awsmodel.regions import Region, known_regions
from components.core.naming import Names
from components.core.network import Network
from components.iam import project_policies, studio_policies, use_role_policies
from components.iam.policies import Statement, document
from components.iam.project_policies import OPTIONAL_SERVICES, ProjectBounds
from components.iam.use_role_policies import ProjectContext
from components.packaging import discover, seed_code
from components.sections.catalog import CatalogSpec
from components.sections.iam import IamSpec, RoleMode, UseRole

SEEDS = "products/*/seed/*"
"""Keys of seed code in a distribution bucket, as a pattern; see `components.providers.product_files`."""

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
        return ArnScope.of(region, account_id).role(self.name, self.path)


@dataclass(frozen=True, kw_only=True)
class ManagedPolicyDocument:
    """A managed policy: one that bounds roles, or one that an administrator attaches to people's own."""

    name: str
    """Name of the policy, up to 128 characters. Its path is `/`: the launch role names a boundary so."""
    purpose: str
    """What it is for, in a sentence."""
    statements: Sequence[Statement]
    """What it allows and denies."""
    key: str
    """What it is, such as `boundary`."""


@dataclass(frozen=True, kw_only=True)
class RoleFacts:
    """What the documents of an environment's roles depend on."""

    names: Names
    """Physical names."""
    home: Region
    """The home region."""
    account_id: str
    """The account."""
    catalog: CatalogSpec | None = None
    """What is offered; without a catalog nothing is launched, and what follows is what one would have by default."""
    iam: IamSpec = field(default_factory=IamSpec)
    """Who makes the roles."""
    networks: Mapping[str, Network] = field(default_factory=dict)
    """Networks that projects run in, by region."""
    state_bucket: str | None = None
    """Bucket with the state of Pulumi, where the settings name it."""

    @property
    def project_networks(self) -> Mapping[str, Network]:
        """Those of them in regions of the catalog."""
        regions = [region.name for region in self.regions]
        return {name: network for name, network in self.networks.items() if name in regions}

    @property
    def closed_buckets(self) -> Sequence[str]:
        """Patterns of the names of buckets that no project may touch: those of each environment, and of the state."""
        names = self.names.buckets_of_project(self.account_id)
        return [*names, self.state_bucket] if self.state_bucket else names

    @property
    def arns(self) -> ArnScope:
        """ARNs of the account, in the home region."""
        return ArnScope.of(self.home, self.account_id)

    @property
    def regions(self) -> Sequence[Region]:
        """Regions of the catalog."""
        named = self.catalog.regions if self.catalog else ()
        return [known_regions()[region] for region in named] or [self.home]

    @property
    def service_catalog(self) -> bool:
        """Whether projects are launched through Service Catalog."""
        return self.catalog is None or self.catalog.service_catalog

    @property
    def studio(self) -> bool:
        """Whether projects are launched from templates in S3, by the other route of Studio."""
        return self.catalog is not None and bool(self.catalog.studio_domains)

    @property
    def launches_tell_topic(self) -> bool:
        """Whether CloudFormation tells the topic of launches."""
        return self.catalog is not None and self.catalog.notify_launches

    @property
    def connection_arn(self) -> str | None:
        """Connection to the Git provider at which projects can have their repositories."""
        source = self.catalog.project_source if self.catalog else None
        return source.connection_arn if source else None

    @property
    def seed_code(self) -> str:
        """What the first pushes to the Git provider read: a pattern of bucket and key."""
        return f"{self.names.distribution_bucket(self.account_id, '*').value.removesuffix('-an')}/{SEEDS}"

    @property
    def services(self) -> frozenset[str]:
        """Those services that only some products call, and that what is offered calls; each one without a catalog."""
        known = discover(seed_code.SEED_CODE)
        slugs = self.catalog.products if self.catalog else ()
        if not slugs or any(slug not in known for slug in slugs):
            return OPTIONAL_SERVICES
        return OPTIONAL_SERVICES & {service for slug in slugs for service in seed_code.product(slug).endpoints}

    @property
    def key_arns(self) -> Sequence[str]:
        """Customer keys of what projects make."""
        return tuple(self.catalog.project_key_arns.values()) if self.catalog else ()

    @property
    def regions_without_key(self) -> Sequence[str]:
        """Regions of the catalog in which AWS's own keys encrypt what projects make."""
        keys = self.catalog.project_key_arns if self.catalog else {}
        return [region.name for region in self.regions if region.name not in keys]

    @property
    def stack_set_role_arn(self) -> str | None:
        """Administration role with which projects may deploy stack sets."""
        return self.catalog.stack_set_role_arn if self.catalog else None

    @property
    def topic_arn(self) -> str:
        """Topic of the environment; its ARN is known before it is made."""
        return self.arns.topic(self.names.topic.value)

    @property
    def project_boundary_arn(self) -> str:
        """Policy that bounds every role that a project makes."""
        return self.arns.policy(self.names.project_boundary.value)

    @property
    def launch_role_arn(self) -> str:
        """Role that launches projects."""
        own = self.arns.role(self.names.launch_role.value)
        well_known = self.arns.role(WELL_KNOWN_LAUNCH_ROLE, WELL_KNOWN_PATH)
        supplied = self.iam.launch.supplied_arn
        return supplied or (well_known if self.iam.launch_mode is RoleMode.ADOPT else own)

    @property
    def use_role_arns(self) -> Mapping[UseRole, str]:
        """Roles that work in projects; none where each project makes its own."""
        well_known = self.arns.role(WELL_KNOWN_USE_ROLE, WELL_KNOWN_PATH)
        return {
            RoleMode.PROJECT: {},
            RoleMode.CREATE: {role: self.arns.role(self.names.use_role(role).value) for role in UseRole},
            RoleMode.ADOPT: dict.fromkeys(UseRole, well_known),
            RoleMode.SUPPLIED: self.iam.use_role_arns,
        }[self.iam.use_mode]


def launch_role(facts: RoleFacts) -> RoleDocument:
    """The role that launches projects."""
    path, name = _path_and_name(facts.launch_role_arn)
    return RoleDocument(
        key="launch",
        name=name,
        path=path,
        purpose="Launches SageMaker projects through Service Catalog",
        trust=project_policies.launch_trust(
            facts.account_id, service_catalog=facts.service_catalog, studio=facts.studio
        ),
        statements=project_policies.launch_statements(
            facts.home,
            facts.account_id,
            facts.project_boundary_arn,
            facts.topic_arn if facts.launches_tell_topic else None,
            connection_arn=facts.connection_arn,
            use_role_arns=facts.use_role_arns or None,
            in_network=bool(facts.networks),
            services=facts.services,
        ),
        boundary_arn=facts.iam.permissions_boundary_arn,
    )


def use_roles(facts: RoleFacts) -> list[RoleDocument]:
    """The roles that work in projects: none where projects make them, one for each service, or one for all."""
    arns, place = facts.use_role_arns, _place(facts)
    shared: dict[str, list[UseRole]] = {}
    for role, arn in arns.items():
        shared.setdefault(arn, []).append(role)
    return [_use_role(facts, place, arn, roles) for arn, roles in shared.items()]


def _use_role(facts: RoleFacts, place: ProjectContext, arn: str, roles: Sequence[UseRole]) -> RoleDocument:
    path, name = _path_and_name(arn)
    one = len(roles) == 1
    return RoleDocument(
        key=f"use.{roles[0]}" if one else "use",
        name=name,
        path=path,
        purpose=f"Works for {', '.join(roles)} in SageMaker projects",
        trust=[use_role_policies.trust(roles[0], place)] if one else use_role_policies.common_trust(roles, place),
        statements=use_role_policies.statements(roles[0], place) if one else _joined(roles, place),
        boundary_arn=facts.iam.permissions_boundary_arn,
    )


def _joined(roles: Sequence[UseRole], place: ProjectContext) -> list[Statement]:
    """What all the services need, with what several of them say alike once."""
    found: dict[str, Statement] = {}
    for role in roles:
        for statement in use_role_policies.statements(role, place):
            content = document([{**statement, "Sid": ""}])
            found.setdefault(content, {**statement, "Sid": f"{role}{statement['Sid']}"})
    return list(found.values())


def _path_and_name(arn: str) -> tuple[str, str]:
    path, _, name = arn.split(":", 5)[5].removeprefix("role").rpartition("/")
    return f"{path}/", name


def _place(facts: RoleFacts) -> ProjectContext:
    return ProjectContext(
        regions=facts.regions,
        account_id=facts.account_id,
        role_arns=facts.use_role_arns,
        topic_arn=facts.topic_arn,
        connection_arn=facts.connection_arn,
        seed_code=facts.seed_code,
        key_arns=facts.key_arns,
        regions_without_key=facts.regions_without_key,
        networks=facts.project_networks,
        stack_set_role_arn=facts.stack_set_role_arn,
    )


def roles(facts: RoleFacts) -> list[RoleDocument]:
    """Every role of the catalog that is not a project's own."""
    return [launch_role(facts), *use_roles(facts)]


def project_boundary(facts: RoleFacts) -> list[Statement]:
    """The most that any role that a project makes can have."""
    return project_policies.boundary_statements(
        ProjectBounds(
            home=facts.home,
            account_id=facts.account_id,
            topic_arn=facts.topic_arn,
            closed_buckets=facts.closed_buckets,
            data_buckets=facts.catalog.data_buckets if facts.catalog else None,
            connection_arn=facts.connection_arn,
            seed_code=facts.seed_code,
            key_arns=facts.key_arns,
            regions_without_key=facts.regions_without_key,
            networks=list(facts.project_networks.values()),
            stack_set_role_arn=facts.stack_set_role_arn,
            services=facts.services,
        )
    )


def boundary(facts: RoleFacts) -> ManagedPolicyDocument | None:
    """The policy that bounds every role that a project makes; nothing where projects make none."""
    if facts.iam.use_mode is not RoleMode.PROJECT:
        return None
    return ManagedPolicyDocument(
        key="boundary",
        name=facts.names.project_boundary.value,
        purpose=f"The most that a role of a project of {facts.names.prefix} can have",
        statements=project_boundary(facts),
    )


def studio_policy(facts: RoleFacts) -> ManagedPolicyDocument | None:
    """What people need who launch templates from S3, beside what Studio takes; nothing where nobody does."""
    if facts.catalog is None or not facts.studio:
        return None
    regions = [known_regions()[region] for region in facts.catalog.studio_domains]
    buckets = {facts.names.distribution_bucket(facts.account_id, region.name).value: region for region in regions}
    return ManagedPolicyDocument(
        key="studio",
        name=facts.names.studio_policy.value,
        purpose=f"Launches projects of {facts.names.prefix} from its templates in S3",
        statements=studio_policies.studio_statements(facts.home, facts.account_id, facts.launch_role_arn, buckets),
    )


INLINE_LIMIT = 10240
"""Characters of all inline policies of a role together, white space not counted."""

MANAGED_POLICY_LIMIT = 6144
"""Characters of a customer managed policy, white space not counted."""

ATTACHED_LIMIT = 10
"""Managed policies of a role, where the account's quota was not raised."""


def fits_inline(role: RoleDocument) -> bool:
    """Whether what a role may do is one inline policy; else it is the `managed_policies` together."""
    return size(role.statements) <= INLINE_LIMIT


def fits_managed(bound: ManagedPolicyDocument) -> bool:
    """Whether what bounds roles fits into a policy; it cannot be in parts."""
    return size(bound.statements) <= MANAGED_POLICY_LIMIT


def managed_policies(role: RoleDocument) -> Iterator[list[Statement]]:
    """A role's statements, in their order, in parts that each fit into a customer managed policy."""
    part: list[Statement] = []
    for statement in role.statements:
        if part and size([*part, statement]) > MANAGED_POLICY_LIMIT:
            yield part
            part = []
        part.append(statement)
    yield part


def size(statements: Sequence[Statement]) -> int:
    """Characters of a policy, as IAM counts them."""
    return len("".join(document(statements).split()))
