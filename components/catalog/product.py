"""One product of the catalog in one region: its files, its versions, and the rules under which it is launched."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from awsmodel.regions import Region
from components import packaging
from components.catalog.distribution_bucket import DistributionBucket
from components.catalog.portfolio import Portfolio
from components.catalog.publication import STUDIO_VISIBILITY, product_name
from components.core.environment import Environment
from components.providers.product_files import ProductFiles, studio_prefix, template_key
from components.providers.product_version import ProductVersion
from components.providers.release_note import FIRST
from components.sections.catalog import CatalogSpec


@dataclass(frozen=True, kw_only=True)
class ProductArgs:
    """What `Product` is made from."""

    environment: Environment
    """The environment."""
    region: Region
    """Region of the product."""
    source: packaging.Product
    """The product's folder."""
    values: pulumi.Output[Mapping[str, Mapping[str, str]]]
    """What the template is told of the environment, by the names of its mapping."""
    distribution: DistributionBucket
    """Distribution bucket of the region."""
    portfolio: Portfolio | None
    """Portfolio that offers the product; without one, only Studio offers it, from S3."""
    launch: pulumi.Output[Mapping[str, str]]
    """Who launches from the portfolio: `{"RoleArn": ...}`, or `{"LocalRoleName": ...}` where it is shared."""
    roles: Sequence[pulumi.Resource]
    """What must stand before anybody launches."""
    spec: CatalogSpec
    """How products are offered: the versions that stay, and the rules of launches."""
    studio_list: bool
    """Whether Studio also finds the template in S3."""
    notification_topic_arn: pulumi.Output[str] | None = None
    """Topic that is told of every event of a launch."""


class Product(pulumi.ComponentResource):
    """A product that people launch."""

    version: pulumi.Output[str]
    """Version that people launch."""
    product_id: pulumi.Output[str] | None = None
    """Id of the product; none where only Studio offers it."""

    def __init__(
        self,
        name: str,
        args: ProductArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("mlops:catalog:Product", name, None, opts)
        self._name = name
        self._args = args
        source, region = args.source, args.region

        def checked(values: Mapping[str, Mapping[str, str]]) -> packaging.VersionName:
            source.render(values)  # for its faults: what it becomes is told before anything is uploaded
            return source.version_name(values)

        named = args.values.apply(checked)
        self.version = named.apply(str)
        hashes = named.apply(lambda name: name.hashes)
        files = ProductFiles(
            f"{name}-files",
            region=region.name,
            bucket=args.distribution.bucket,
            product=source.slug,
            environment=args.values,
            content_digest=source.content_digest,
            hashes=hashes,
            studio_key=self.version.apply(lambda version: f"{studio_prefix(source.slug)}{version}.yaml")
            if args.studio_list
            else None,
            # Where the portfolio offers it, its version tells what has changed.
            files=source.manifest if args.portfolio is None else None,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[args.distribution]),
        )
        template_url = pulumi.Output.all(args.distribution.bucket, hashes).apply(
            lambda known: f"https://{known[0]}.{region.endpoint('s3')}/{template_key(source.slug, known[1])}"
        )
        if args.portfolio is None:
            self.register_outputs({"version": self.version})
        else:
            product = self._offered(args.portfolio, template_url, files)
            self.product_id = product.id
            self.register_outputs({"productId": product.id, "version": self.version})

    def _offered(
        self, portfolio: Portfolio, template_url: pulumi.Output[str], files: ProductFiles
    ) -> aws.servicecatalog.Product:
        """Offer the product in a portfolio, in the version that the files are of."""
        args = self._args
        product = self._product(template_url, files)
        constraints = self._constraints(product, portfolio)
        ProductVersion(
            f"{self._name}-version",
            region=args.region.name,
            product_id=product.id,
            version=self.version,
            files=args.source.manifest,
            template_url=template_url,
            keep_versions=args.spec.keep_versions,
            # Removed first of all: a product from which something was launched is then refused while it is still whole.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[files, *constraints, portfolio, args.distribution]),
        )
        return product

    def _product(self, template_url: pulumi.Output[str], files: ProductFiles) -> aws.servicecatalog.Product:
        args, source = self._args, self._args.source
        return aws.servicecatalog.Product(
            f"{self._name}-product",
            region=args.region.name,
            name=product_name(source, args.environment.names),
            owner=source.owner,
            type="CLOUD_FORMATION_TEMPLATE",
            description=source.description,
            support_description=source.support_description,
            support_email=source.support_email,
            support_url=source.support_url,
            provisioning_artifact_parameters={
                "name": self.version,
                "description": FIRST,
                "template_url": template_url,
                "type": "CLOUD_FORMATION_TEMPLATE",
            },
            tags={**args.environment.tags, **STUDIO_VISIBILITY},
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[files],
                # A change would replace the product, and what was launched from it would belong to nothing.
                ignore_changes=["provisioningArtifactParameters"],
            ),
        )

    def _constraints(self, product: aws.servicecatalog.Product, portfolio: Portfolio) -> list[pulumi.Resource]:
        """Everything between product and portfolio. AWS takes a constraint only on a product that is associated."""
        args, name = self._args, self._name
        association = aws.servicecatalog.ProductPortfolioAssociation(
            f"{name}-association",
            region=args.region.name,
            product_id=product.id,
            portfolio_id=portfolio.portfolio_id,
            opts=pulumi.ResourceOptions(parent=self),
        )
        parameters: dict[str, pulumi.Output[str]] = {
            "LAUNCH": args.launch.apply(json.dumps),
            "RESOURCE_UPDATE": pulumi.Output.json_dumps(
                {"Version": "2.0", "Properties": {"TagUpdateOnProvisionedProduct": "ALLOWED"}}
            ),
        }
        if args.notification_topic_arn is not None:
            parameters["NOTIFICATION"] = pulumi.Output.json_dumps({"NotificationArns": [args.notification_topic_arn]})
        rules = args.spec.rules.get(args.source.slug)
        if rules is not None:
            parameters["TEMPLATE"] = pulumi.Output.json_dumps({"Rules": rules})
        return [
            aws.servicecatalog.Constraint(
                f"{name}-{kind.lower().replace('_', '-')}",
                region=args.region.name,
                product_id=product.id,
                portfolio_id=portfolio.portfolio_id,
                type=kind,
                parameters=text,
                opts=pulumi.ResourceOptions(
                    parent=self, depends_on=[association, *(args.roles if kind == "LAUNCH" else ())]
                ),
            )
            for kind, text in parameters.items()
        ]
