"""The catalog: products of `seed_code`, offered in each region of the settings by both routes of SageMaker Projects."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from components import packaging, seed_code
from components.distribution_bucket import DistributionBucket, DistributionBucketArgs, Share
from components.environment import Environment
from components.portfolio import Budget, Portfolio, PortfolioArgs
from components.product import Product, ProductArgs
from components.project_roles import ProjectRoles, ProjectRolesArgs
from components.providers.domain_tag import STUDIO_LOCATION_TAG, DomainTag
from components.providers.offered_products import OfferedProducts
from components.publication import template_values
from components.regions import Region, known_regions
from components.role_documents import RoleFacts


def studio_location(bucket: str) -> str:
    """Value of that tag: where the templates of a distribution bucket are."""
    return f"s3://{bucket}/studio/"


@dataclass(frozen=True, kw_only=True)
class CatalogArgs:
    """What `Catalog` is made from."""

    environment: Environment
    """The environment."""
    regions: Sequence[str]
    """Regions in which the catalog is offered; none means the home region."""
    products: Sequence[str]
    """Folders of `seed_code` that are offered."""
    provider_name: str
    """Who offers the products, as people see it."""
    description: str
    """What the portfolio is for, as people see it."""
    principals: Sequence[str]
    """Who may launch."""
    tag_options: Mapping[str, Sequence[str]]
    """Values to choose from, by tag."""
    shares: Sequence[Share]
    """Whom the portfolio is shared with."""
    budget: Budget | None
    """A budget that is watched."""
    keep_versions: int
    """Versions of a product that stay switched on though nothing uses them."""
    role_facts: Callable[[str], RoleFacts]
    """What the roles that launch projects and work in them depend on, in an account."""
    stack_set_role_arn: str | None
    """Administration role with which projects may deploy stack sets to other accounts; without one they may not."""
    notify_launches: bool
    """Whether every event of a launch is told to the topic, in the home region."""
    rules: Mapping[str, Mapping[str, Any]]
    """Rules of template constraints, by product."""
    service_catalog: bool
    """Whether Service Catalog offers the products; else Studio alone does, from S3."""
    studio_domains: Mapping[str, Sequence[str]]
    """SageMaker domains whose Studio also lists the templates from S3, by region."""
    project_key_arns: Mapping[str, str]
    """Customer keys for what projects make, by region; without one AWS's own keys encrypt."""
    topic_arn: pulumi.Output[str]
    """Topic that is told of launches."""


class Catalog(pulumi.ComponentResource):
    """Products that people launch as SageMaker projects."""

    summary: Mapping[str, Mapping[str, Any]]
    """Portfolio, bucket, and by product its version and what of it is the same in every stack, by region, for the
    stack's outputs."""

    def __init__(self, name: str, args: CatalogArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlops:catalog:Catalog", name, None, opts)
        self._name = name
        self._args = args
        for slug in args.products:
            for note in seed_code.product(slug).notes:
                pulumi.log.warn(f"seed_code/{slug}/{note}", self)
        regions = [known_regions()[region] for region in args.regions] or [args.environment.home]
        buckets = {region: self._bucket(region) for region in regions}
        child = pulumi.ResourceOptions(parent=self)
        roles = ProjectRoles(
            f"{name}-roles",
            ProjectRolesArgs(environment=args.environment, facts=args.role_facts),
            child,
        )
        self._offered: dict[str, pulumi.Output[str]] = {}
        self.summary = {region.name: self._region(region, buckets[region], roles) for region in regions}
        if args.service_catalog:
            OfferedProducts(
                f"{name}-offered",
                region=args.environment.home.name,
                products=self._offered,
                opts=pulumi.ResourceOptions(parent=self),
            )
        self.register_outputs({"regions": self.summary})

    def _bucket(self, region: Region) -> DistributionBucket:
        return DistributionBucket(
            f"{self._name}-{region.name}",
            DistributionBucketArgs(
                environment=self._args.environment,
                region=region,
                shares=self._args.shares,
                studio=region.name in self._args.studio_domains,
            ),
            pulumi.ResourceOptions(parent=self),
        )

    def _region(self, region: Region, distribution: DistributionBucket, roles: ProjectRoles) -> Mapping[str, Any]:
        args, name = self._args, f"{self._name}-{region.name}"
        portfolio = self._portfolio(name, region) if args.service_catalog else None
        products = {slug: self._product(region, slug, distribution, portfolio, roles) for slug in args.products}
        for slug, product in products.items():
            if product.product_id is not None:
                self._offered[f"{region.name}/{slug}"] = product.product_id
        for domain_id in args.studio_domains.get(region.name, ()):
            DomainTag(
                f"{name}-{domain_id}",
                region=region.name,
                domain_id=domain_id,
                key=STUDIO_LOCATION_TAG,
                value=distribution.bucket.apply(studio_location),
                opts=pulumi.ResourceOptions(parent=self, depends_on=[distribution]),
            )
        offered = {"portfolioId": portfolio.portfolio_id} if portfolio else {}
        return {
            "bucket": distribution.bucket,
            **offered,
            "versions": {slug: product.version for slug, product in products.items()},
            "contents": {slug: seed_code.product(slug).content_version for slug in products},
        }

    def _portfolio(self, name: str, region: Region) -> Portfolio:
        args = self._args
        return Portfolio(
            name,
            PortfolioArgs(
                environment=args.environment,
                region=region.name,
                provider_name=args.provider_name,
                description=args.description,
                principals=args.principals,
                tag_options=args.tag_options,
                shares=args.shares,
                budget=args.budget,
            ),
            pulumi.ResourceOptions(parent=self),
        )

    def _product(
        self,
        region: Region,
        slug: str,
        distribution: DistributionBucket,
        portfolio: Portfolio | None,
        roles: ProjectRoles,
    ) -> Product:
        args, source = self._args, seed_code.product(slug)
        at_home = region == args.environment.home
        return Product(
            f"{self._name}-{region.name}-{slug}",
            ProductArgs(
                environment=args.environment,
                region=region,
                source=source,
                values=self._values(region, source, distribution, roles.facts),
                distribution=distribution,
                portfolio=portfolio,
                launch=self._launch(roles),
                roles=roles.ready,
                keep_versions=args.keep_versions,
                studio_list=region.name in args.studio_domains,
                notification_topic_arn=args.topic_arn if at_home and args.notify_launches else None,
                rules=args.rules.get(slug),
            ),
            pulumi.ResourceOptions(parent=self),
        )

    def _launch(self, roles: ProjectRoles) -> pulumi.Output[Mapping[str, str]]:
        """Who launches: in a shared portfolio the role of that name in the account where it happens."""
        arn = roles.facts.launch_role_arn
        if self._args.shares:
            return arn.apply(lambda role: {"LocalRoleName": role.rpartition("/")[2]})
        return arn.apply(lambda role: {"RoleArn": role})

    def _values(
        self,
        region: Region,
        source: packaging.Product,
        distribution: DistributionBucket,
        roles: pulumi.Output[RoleFacts],
    ) -> pulumi.Output[Mapping[str, Mapping[str, str]]]:
        # The topic takes messages of its own account and region only: projects elsewhere could not tell it anything.
        tells = region == self._args.environment.home and not self._args.shares
        known = pulumi.Output.all(distribution.bucket, roles)
        return known.apply(
            lambda facts: template_values(
                source,
                self._args.environment.names,
                bucket=facts[0],
                key_arn=self._args.project_key_arns.get(region.name, ""),
                # Known before the topic is made: publishing need not wait for it.
                topic_arn=facts[1].topic_arn if tells else "",
                network=self._args.environment.networks.get(region.name),
                use_role_arns=facts[1].use_role_arns,
            )
        )
