"""The catalog: products of `seed_code`, offered in each region of the settings by both routes of SageMaker Projects."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

from awsmodel.regions import Region, known_regions
from components import packaging
from components.catalog.distribution_bucket import DistributionBucket, DistributionBucketArgs
from components.catalog.portfolio import Portfolio, PortfolioArgs
from components.catalog.product import Product, ProductArgs
from components.catalog.project_roles import ProjectRoles, ProjectRolesArgs
from components.catalog.publication import studio_location, template_values
from components.core.environment import Environment
from components.core.naming import STUDIO_LOCATION_TAG
from components.iam.role_documents import RoleFacts
from components.packaging import seed_code
from components.providers.domain_tag import DomainTag
from components.providers.offered_products import OfferedProducts
from components.sections.catalog import CatalogSpec
from components.sections.iam import IamSpec


@dataclass(frozen=True, kw_only=True)
class CatalogArgs:
    """What `Catalog` is made from."""

    environment: Environment
    """The environment."""
    spec: CatalogSpec
    """What is offered, to whom, and how."""
    iam: IamSpec
    """Who makes the roles that launch projects and work in them."""
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
        for slug in args.spec.products:
            for note in seed_code.product(slug).notes:
                pulumi.log.warn(note.within("seed_code", slug), self)
        regions = [known_regions()[region] for region in args.spec.regions] or [args.environment.home]
        buckets = {region: self._bucket(region) for region in regions}
        child = pulumi.ResourceOptions(parent=self)
        roles = ProjectRoles(
            f"{name}-roles",
            ProjectRolesArgs(environment=args.environment, spec=args.spec, iam=args.iam),
            child,
        )
        self._offered: dict[str, pulumi.Output[str]] = {}
        self.summary = {region.name: self._region(region, buckets[region], roles) for region in regions}
        if args.spec.service_catalog:
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
                shares=self._args.spec.shares,
                studio=region.name in self._args.spec.studio_domains,
            ),
            pulumi.ResourceOptions(parent=self),
        )

    def _region(self, region: Region, distribution: DistributionBucket, roles: ProjectRoles) -> Mapping[str, Any]:
        args, name = self._args, f"{self._name}-{region.name}"
        portfolio = self._portfolio(name, region) if args.spec.service_catalog else None
        products = {slug: self._product(region, slug, distribution, portfolio, roles) for slug in args.spec.products}
        for slug, product in products.items():
            if product.product_id is not None:
                self._offered[f"{region.name}/{slug}"] = product.product_id
        for domain_id in args.spec.studio_domains.get(region.name, ()):
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
                spec=args.spec,
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
                spec=args.spec,
                studio_list=region.name in args.spec.studio_domains,
                notification_topic_arn=args.topic_arn if at_home and args.spec.notify_launches else None,
            ),
            pulumi.ResourceOptions(parent=self),
        )

    def _launch(self, roles: ProjectRoles) -> pulumi.Output[Mapping[str, str]]:
        """Who launches: in a shared portfolio the role of that name in the account where it happens."""
        arn = roles.facts.launch_role_arn
        if self._args.spec.shares:
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
        tells = region == self._args.environment.home and not self._args.spec.shares
        known = pulumi.Output.all(distribution.bucket, roles)
        return known.apply(
            lambda facts: template_values(
                source,
                self._args.environment.names,
                bucket=facts[0],
                connection_arn=facts[1].connection_arn or "",
                key_arn=self._args.spec.project_key_arns.get(region.name, ""),
                # Known before the topic is made: publishing need not wait for it.
                topic_arn=facts[1].topic_arn if tells else "",
                network=self._args.environment.networks.get(region.name),
                use_role_arns=facts[1].use_role_arns,
            )
        )
