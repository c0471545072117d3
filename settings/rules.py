"""Rules between sections: what no section can know by itself."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeGuard

from pydantic.alias_generators import to_camel

from awsmodel.regions import known_regions
from components.core.naming import Names
from components.sections.artifacts import ArtifactsSpec
from components.sections.catalog import CatalogSpec
from components.sections.delivery import DeliverySpec
from components.sections.deployment_tests import DeploymentTestsSpec
from components.sections.iam import IamSpec, RolesOfProjects, SuppliedUseRoles, UseRole
from components.sections.projects import ProjectsSpec
from components.sections.source import ConnectionSource, SourceSpec
from settings.schema import NAMESPACE


def _is_text(value: object) -> TypeGuard[str]:
    return isinstance(value, str)


def repeat_faults(value: object, path: str = "") -> Iterator[str]:
    """Every list of the stack file names each thing once."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from repeat_faults(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            if item in value[:index]:
                yield f"{path}[{index}]: {item!r} is in the list already"
            elif isinstance(item, str) and item.lower() in map(str.lower, filter(_is_text, value[:index])):
                yield f"{path}[{index}]: {item!r} is in the list already, written differently"


def rule_faults(fields: Mapping[str, Any]) -> Iterator[str]:
    """Rules that join several fields; a rule is skipped where a field that it needs has faults of its own."""
    home, artifacts = fields.get("home_region"), fields.get("artifacts")
    if home and artifacts and home not in artifacts.regions:
        yield (
            f"{NAMESPACE}:artifacts.regions: the home region {home!r} (aws:region) is not in the list; pipelines "
            f"live there and need a bucket beside them"
        )
    catalog = fields.get("catalog")
    if fields.get("delivery"):
        yield from _delivery_faults(fields["delivery"])
        yield from _pull_request_faults(fields["delivery"], fields.get("source"), fields.get("iam"))
    if fields.get("deployment_tests"):
        yield from _test_faults(fields["deployment_tests"], fields.get("delivery"), artifacts)
    if fields.get("iam"):
        yield from _role_faults(fields["iam"], catalog)
    if home:
        sections = {"artifacts": artifacts, "catalog": catalog, "projects": fields.get("projects")}
        yield from _partition_faults(home, sections)
    if catalog:
        yield from _place_faults(catalog, home)
    if home and artifacts and fields.get("network"):
        offered = (catalog.regions or (home,)) if catalog else ()
        yield from _network_faults(fields["network"], offered, artifacts.regions)
        if catalog and catalog.shares:
            yield (
                f"{NAMESPACE}:network: does not go with catalog.shares: security groups exist in this account only, "
                f"and projects of the other accounts would look for them there"
            )
    yield from _name_faults(fields)


def _name_faults(fields: Mapping[str, Any]) -> Iterator[str]:
    """Every name fits into AWS's limit for it."""
    home, artifacts, catalog = fields.get("home_region"), fields.get("artifacts"), fields.get("catalog")
    delivery, tests = fields.get("delivery"), fields.get("deployment_tests")
    project, environment, source = fields.get("project"), fields.get("environment"), fields.get("source")
    if project and environment and artifacts and source:
        makes_connection = isinstance(source, ConnectionSource) and source.connection_arn is None
        worst = max(
            Names(project, environment).derived(
                artifacts.naming,
                artifacts.regions,
                connection=makes_connection,
                catalog_regions=(catalog.regions or (home,)) if catalog and home else (),
                tested=[option.name for option in tests.options] if tests else (),
                delivered=[stack.title for stack in delivery.stacks] if delivery else (),
            ),
            key=lambda name: name.excess,
        )
        if worst.excess > 0:
            yield (
                f"{NAMESPACE}:project: {project!r} with environment {environment!r} is too long by {worst.excess}: "
                f"the {worst.resource} would be named {worst.value!r}, {len(worst.value)} characters, and AWS "
                f"allows {worst.limit}"
            )


def _test_faults(
    tests: DeploymentTestsSpec, delivery: DeliverySpec | None, artifacts: ArtifactsSpec | None
) -> Iterator[str]:
    """Judge that tests run Pulumi as the delivery does, each in a region in which pipelines act."""
    where = f"{NAMESPACE}:deploymentTests"
    if delivery is None:
        yield f"{where}: needs {NAMESPACE}:delivery, which says where Pulumi and its state are"
    for index, option in enumerate(tests.options):
        if artifacts and option.region not in artifacts.regions:
            yield (
                f"{where}.options[{index}].region: {option.region!r} is not one of {NAMESPACE}:artifacts.regions "
                f"({', '.join(artifacts.regions)}); the test's build acts there and needs a bucket beside it"
            )


def _role_faults(iam: IamSpec, catalog: CatalogSpec | None) -> Iterator[str]:
    """Roles are named whole, and roles of one account are not told to projects of another."""
    if isinstance(iam.use, SuppliedUseRoles):
        missing = [role for role in UseRole if role not in iam.use.role_arns]
        if missing:
            yield f"{NAMESPACE}:iam.use.roleArns: names no role for {', '.join(missing)}"
    if catalog and catalog.shares and not isinstance(iam.use, RolesOfProjects):
        yield (
            f"{NAMESPACE}:iam.use.mode: {iam.use.mode!r} names roles of this account, and catalog.shares offers the "
            f"products to others; with shares it is 'project'"
        )


def _partition_faults(
    home: str, sections: Mapping[str, ArtifactsSpec | CatalogSpec | ProjectsSpec | None]
) -> Iterator[str]:
    """One account's credentials reach the regions of one partition."""
    partition = known_regions()[home].partition
    for key, section in sections.items():
        for region in section.regions if section else ():
            if known_regions()[region].partition != partition:
                yield (
                    f"{NAMESPACE}:{key}.regions: {region!r} is not in partition {partition!r}, where the home region "
                    f"{home!r} is; it needs an account and a stack of its own"
                )


def _place_faults(catalog: CatalogSpec, home: str | None) -> Iterator[str]:
    """Tell what is said of a region or of a product is said of one that the catalog has."""
    regions = catalog.regions or ((home,) if home else ())
    for key in ("studio_domains", "project_key_arns"):
        for region in getattr(catalog, key):
            if regions and region not in regions:
                yield (
                    f"{NAMESPACE}:catalog.{to_camel(key)}: {region!r} is not a region of the catalog (its regions: "
                    f"{', '.join(regions)})"
                )
    for index, share in enumerate(catalog.shares):
        if not re.match(_SHARE_IDS[share.type], share.principal_id):
            yield (
                f"{NAMESPACE}:catalog.shares[{index}].principalId: {share.principal_id!r} is not what {share.type} "
                f"names: {_SHARE_TEXTS[share.type]}"
            )
    if catalog.project_source and catalog.shares:
        yield (
            f"{NAMESPACE}:catalog.projectSource: does not go with catalog.shares: a connection is of one account, and "
            f"roles of projects in others may not use it"
        )
    if not catalog.service_catalog:
        yield from _route_faults(catalog, regions)
    for product in catalog.rules:
        if product not in catalog.products:
            yield (
                f"{NAMESPACE}:catalog.rules: {product!r} is not a product of the catalog (its products: "
                f"{', '.join(catalog.products)})"
            )


def _network_faults(networks: Mapping[str, Any], offered: Sequence[str], acting: Sequence[str]) -> Iterator[str]:
    """Whoever locks one region down wants none left open by an oversight."""
    regions = dict.fromkeys((*acting, *offered))
    for region in networks:
        if region not in regions:
            yield f"{NAMESPACE}:network: {region!r} is not a region of this stack (its regions: {', '.join(regions)})"
    for region in offered:
        if region not in networks:
            yield (
                f"{NAMESPACE}:network: has nothing for {region!r}, where the catalog is offered: projects there would "
                f"run outside any VPC; add the region, or take it out of the catalog"
            )


_OF_SERVICE_CATALOG = (
    "provider_name",
    "description",
    "principals",
    "tag_options",
    "shares",
    "budget",
    "keep_versions",
    "notify_launches",
    "rules",
)
"""What is said of a portfolio."""


def _route_faults(catalog: CatalogSpec, regions: Sequence[str]) -> Iterator[str]:
    """Without Service Catalog there is no portfolio to say something of, and every region needs the other route."""
    for key in _OF_SERVICE_CATALOG:
        if key in catalog.model_fields_set:
            yield f"{NAMESPACE}:catalog.{to_camel(key)}: has no effect with serviceCatalog: false; leave it out"
    for region in regions:
        if region not in catalog.studio_domains:
            yield (
                f"{NAMESPACE}:catalog.studioDomains: names no domain of {region!r}; with serviceCatalog: false nobody "
                f"would find the products there"
            )


def _pull_request_faults(delivery: DeliverySpec, source: SourceSpec | None, iam: IamSpec | None) -> Iterator[str]:
    """Pull requests of a Git provider are its own; and where roles are supplied, those of CodeCommit need one more."""
    shared = iam is not None and iam.build.supplied_arn is not None and "pull_requests" not in iam.model_fields_set
    if delivery.pull_requests is not None and shared:
        yield (
            f"{NAMESPACE}:iam.pullRequests: missing; whoever opens a pull request runs code as this role, so it cannot "
            f"be that of iam.build: supply one (`python -m tools iam-policies` prints what it needs), or say "
            f"`mode: create`"
        )
    if delivery.pull_requests is not None and isinstance(source, ConnectionSource):
        yield (
            f"{NAMESPACE}:delivery.pullRequests: has no effect with source.provider {source.provider}; "
            f"at GitHub .github/workflows previews pull requests"
        )


def _delivery_faults(delivery: DeliverySpec) -> Iterator[str]:
    """Rules between the fields of a delivery."""
    where = f"{NAMESPACE}:delivery"
    if delivery.backend_url.startswith("s3://"):
        if delivery.secrets_provider is None and any(one.secrets_provider is None for one in delivery.stacks):
            yield f"{where}.secretsProvider: missing; state in S3 needs the key that decrypts the stacks' secrets"
        if delivery.access_token_arn is not None:
            yield f"{where}.accessTokenArn: has no effect with state in S3; leave it out"
    elif delivery.access_token_arn is None:
        yield f"{where}.accessTokenArn: missing; {delivery.backend_url} asks for an access token"
    yield from (f"{where}.computeType: {fault}" for fault in delivery.machine.faults())
    titles = [stack.title for stack in delivery.stacks]
    for index, stack in enumerate(delivery.stacks):
        entry = f"{where}.stacks[{index}]"
        if stack.title in titles[:index]:
            yield f"{entry}.stack: another stack of the list is called {stack.title!r}, too; its stage has the name"
        if (stack.role_arn is None) is not (stack.preview_role_arn is None):
            missing = "previewRoleArn" if stack.preview_role_arn is None else "roleArn"
            yield f"{entry}.{missing}: missing; a stack of another account needs a role that reads and one that changes"
        if stack.external_id is not None and stack.role_arn is None:
            yield f"{entry}.externalId: has no effect without roleArn"
        if stack.environment is None and not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", stack.title):
            yield f"{entry}.environment: missing; {stack.title!r} cannot be the name of an environment"


def project_faults(delivery: DeliverySpec, project: str) -> Iterator[str]:
    """Judge that stacks are of the project that Pulumi has: in a bucket their state lies under its name."""
    if not delivery.backend_url.startswith("s3://") or project == NAMESPACE:
        return
    for index, stack in enumerate(delivery.stacks):
        if "/" not in stack.stack:
            yield (
                f"{NAMESPACE}:delivery.stacks[{index}].stack: {stack.stack!r} is read as a stack of the project "
                f"{NAMESPACE!r}, and Pulumi.yaml names {project!r}; write organization/{project}/{stack.stack}"
            )


_SHARE_IDS = {
    "ACCOUNT": r"\d",
    "ORGANIZATION": r"o-|arn:.*:organization/",
    # Its id alone does not tell the organization, which the policy of the products' bucket must name.
    "ORGANIZATIONAL_UNIT": r"arn:.*:ou/",
    "ORGANIZATION_MEMBER_ACCOUNT": r"\d",
}
"""How each kind of recipient is written."""

_SHARE_TEXTS = {
    "ACCOUNT": "an account's id",
    "ORGANIZATION": "arn:<partition>:organizations::<management account>:organization/<o-...>, or the o-... alone",
    "ORGANIZATIONAL_UNIT": "arn:<partition>:organizations::<management account>:ou/<o-...>/<ou-...>, as "
    "`aws organizations describe-organizational-unit` tells it",
    "ORGANIZATION_MEMBER_ACCOUNT": "an account's id",
}
