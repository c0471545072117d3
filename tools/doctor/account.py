"""What an examination looks at: an account, its regions, and the products in them. Each thing is looked up once."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Protocol

import settings
from awsmodel.arns import ArnScope
from awsmodel.regions import Region, known_regions
from components import packaging
from components.catalog.publication import product_name, template_values
from components.core.naming import Names
from components.iam.role_documents import RoleFacts
from components.packaging import VersionName, seed_code
from components.providers.aws_access import AwsError, explained
from components.providers.product_files import template_key
from components.providers.product_version import artifacts
from components.providers.projects_portfolio import associated, imported_portfolio
from components.sections.catalog import CatalogSpec
from components.sections.projects import ProjectsSpec
from settings.roles import role_facts
from tools import hints
from tools.doctor.findings import SkipError
from tools.stack_file import StackFile


class Access(Protocol):
    """Gives clients of AWS."""

    def client(self, service: str, region: str) -> Any:  # noqa: ANN401 - botocore makes the class at run time
        """Return a client of a service in a region."""


@dataclass
class Account:
    """The account of a stack, as its file wants it."""

    stack: str
    """The stack's name."""
    wanted: settings.Settings
    """What its file says."""
    access: Access
    """How AWS is reached."""
    id: str
    """Twelve digits."""
    caller: str
    """ARN of whoever examines."""
    now: datetime
    """When it is examined."""
    _clients: dict[tuple[str, str], Any] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def of(cls, file: StackFile, access: Access | None = None, now: datetime | None = None) -> "Account":
        """Return the account of a stack's file.

        Args:
            file: the stack's file.
            access: gives clients; the stack's own access where left out.
            now: the moment; the clock's where left out.

        Raises:
            AwsError: nobody can be called: credentials are missing, or another account's.
        """
        wanted, access = file.settings, access or file.access
        with explained("who asks", "sts", wanted.home_region):
            identity = access.client("sts", wanted.home_region).get_caller_identity()
        return cls(
            stack=file.stack,
            wanted=wanted,
            access=access,
            id=identity["Account"],
            caller=identity["Arn"],
            now=now or datetime.now(UTC),
        )

    @property
    def home(self) -> Region:
        """The stack's home region."""
        return known_regions()[self.wanted.home_region]

    @property
    def names(self) -> Names:
        """The environment's physical names."""
        return self.wanted.names

    @property
    def catalog(self) -> CatalogSpec:
        """The catalog that the stack file wants.

        Raises:
            SkipError: it wants none.
        """
        if self.wanted.catalog is None:
            raise SkipError("the stack file has no sm-mlops:catalog")
        return self.wanted.catalog

    @property
    def service_catalog(self) -> CatalogSpec:
        """The catalog that Service Catalog is to offer.

        Raises:
            SkipError: the stack file wants none there.
        """
        if not self.catalog.service_catalog:
            raise SkipError("catalog.serviceCatalog is false: only Studio offers the products, from S3")
        return self.catalog

    @property
    def projects(self) -> ProjectsSpec:
        """SageMaker Projects as the stack file wants them.

        Raises:
            SkipError: it does not speak of them.
        """
        if self.wanted.projects is None:
            raise SkipError("the stack file has no sm-mlops:projects: the account's switch is left as it is")
        return self.wanted.projects

    @property
    def catalog_regions(self) -> Sequence[str]:
        """Regions of the catalog; none where there is no catalog."""
        return (self.wanted.catalog.regions or (self.home.name,)) if self.wanted.catalog else ()

    @property
    def deploy(self) -> str:
        """What makes the stack what its file says."""
        return hints.typed("pulumi", "up", "-s", self.stack)

    @property
    def up(self) -> str:
        """What puts right all that the stack's own resources have lost."""
        return hints.typed("pulumi", "up", "--refresh", "-s", self.stack)

    def client(self, service: str, region: str | None = None) -> Any:  # noqa: ANN401 - botocore makes the class at run time
        """Return a client in a region, the home region where none is named."""
        key = (service, region or self.home.name)
        # boto3 makes clients of one session in one thread at a time only; the clients themselves may be shared.
        with self._lock:
            if key not in self._clients:
                self._clients[key] = self.access.client(*key)
            return self._clients[key]

    @property
    def arns(self) -> ArnScope:
        """ARNs of the account, in the home region."""
        return ArnScope.of(self.home, self.id)

    @cached_property
    def role_facts(self) -> RoleFacts:
        """What the documents of the stack's roles depend on."""
        return role_facts(self.wanted, self.id)


@dataclass
class StackRegion:
    """One region of a stack."""

    account: Account
    details: Region

    @property
    def name(self) -> str:
        """The region's name, as findings tell it."""
        return self.details.name

    def client(self, service: str) -> Any:  # noqa: ANN401 - botocore makes the class at run time
        """Return a client in this region."""
        return self.account.client(service, self.name)

    @property
    def bucket(self) -> str:
        """Name of the distribution bucket."""
        return self.account.names.distribution_bucket(self.account.id, self.name).value

    @property
    def studio_domains(self) -> Sequence[str]:
        """Domains whose Studio lists the templates from S3.

        Raises:
            SkipError: there is none here.
        """
        domains = self.account.catalog.studio_domains.get(self.name, ())
        if not domains:
            raise SkipError(f"catalog.studioDomains names no domain of {self.name}")
        return domains

    @property
    def readable(self) -> Sequence["CatalogProduct"]:
        """The stack's products whose folders can be read; each of the others is told by the checks of its own."""
        found, _ = seed_code.readable(self.account.catalog.products)
        return [CatalogProduct(self, product.slug) for product in found]

    @cached_property
    def found_portfolio(self) -> Mapping[str, Any] | None:
        """The stack's portfolio, found by its name; None where there is none.

        Raises:
            SkipError: the stack file wants none.
        """
        _ = self.account.service_catalog
        name = self.account.names.portfolio.value
        pages = self.client("servicecatalog").get_paginator("list_portfolios").paginate()
        found = (item for page in pages for item in page["PortfolioDetails"] if item["DisplayName"] == name)
        return next(found, None)

    @property
    def portfolio_id(self) -> str:
        """Id of the stack's portfolio.

        Raises:
            SkipError: there is none.
        """
        if self.found_portfolio is None:
            raise SkipError("needs the portfolio: see `portfolio`")
        return str(self.found_portfolio["Id"])

    @cached_property
    def products(self) -> Mapping[str, str]:
        """Ids of all products of the account in this region, by name.

        Raises:
            SkipError: the stack file wants none.
        """
        _ = self.account.service_catalog
        pages = self.client("servicecatalog").get_paginator("search_products_as_admin").paginate()
        summaries = (item["ProductViewSummary"] for page in pages for item in page["ProductViewDetails"])
        return {summary["Name"]: summary["ProductId"] for summary in summaries}

    @cached_property
    def projects_status(self) -> str:
        """`Enabled` where SageMaker Projects are switched on."""
        return str(self.client("sagemaker").get_sagemaker_servicecatalog_portfolio_status()["Status"])

    @cached_property
    def found_imported(self) -> Mapping[str, Any] | None:
        """AWS's portfolio of SageMaker Projects; None where the account has not imported it."""
        return imported_portfolio(self.client("servicecatalog"))

    @property
    def imported_id(self) -> str:
        """Id of AWS's portfolio.

        Raises:
            SkipError: there is none, or several could be it.
        """
        try:
            portfolio = self.found_imported if self.projects_status == "Enabled" else None
        except AwsError:
            portfolio = None
        if portfolio is None:
            raise SkipError("needs AWS's portfolio: see `projects-enabled`")
        return str(portfolio["Id"])

    @cached_property
    def portfolio_principals(self) -> frozenset[str]:
        """Who is associated with the stack's portfolio."""
        return frozenset(associated(self.client("servicecatalog"), self.portfolio_id))

    @cached_property
    def imported_principals(self) -> frozenset[str]:
        """Who is associated with AWS's portfolio."""
        return frozenset(associated(self.client("servicecatalog"), self.imported_id))


@dataclass
class CatalogProduct:
    """One product in one region."""

    region: StackRegion
    slug: str

    @property
    def account(self) -> Account:
        """The account."""
        return self.region.account

    @cached_property
    def source(self) -> packaging.Product:
        """The product's folder in this checkout."""
        return seed_code.product(self.slug)

    @property
    def product_name(self) -> str:
        """The product's name, as people see it."""
        return product_name(self.source, self.account.names)

    @property
    def product_id(self) -> str:
        """Id of the product.

        Raises:
            SkipError: there is none of its name.
        """
        if self.product_name not in self.region.products:
            raise SkipError("needs the product: see `product`")
        return self.region.products[self.product_name]

    @cached_property
    def portfolio_ids(self) -> Sequence[str]:
        """Portfolios that offer the product."""
        pages = self.region.client("servicecatalog").get_paginator("list_portfolios_for_product")
        return [item["Id"] for page in pages.paginate(ProductId=self.product_id) for item in page["PortfolioDetails"]]

    @cached_property
    def wanted(self) -> VersionName:
        """The version that this checkout would publish."""
        account, region = self.account, self.region.name
        tells = region == account.home.name and not account.catalog.shares
        values = template_values(
            self.source,
            account.names,
            bucket=self.region.bucket,
            connection_arn=account.role_facts.connection_arn or "",
            key_arn=account.catalog.project_key_arns.get(region, ""),
            topic_arn=account.role_facts.topic_arn if tells else "",
            network=account.wanted.network.get(region),
            use_role_arns=account.role_facts.use_role_arns,
        )
        return self.source.version_name(values)

    @property
    def wanted_version(self) -> str:
        """Its name."""
        return str(self.wanted)

    @cached_property
    def versions(self) -> Sequence[Mapping[str, Any]]:
        """Every version of the product, newest first."""
        return artifacts(self.region.client("servicecatalog"), self.product_id)

    @property
    def live(self) -> Mapping[str, Any] | None:
        """The newest version that can be launched; None where there is none."""
        launchable = (item for item in self.versions if item["Active"] and item.get("Guidance") != "DEPRECATED")
        return next(launchable, None)

    @property
    def live_version(self) -> str:
        """Name of the version that people launch. Without Service Catalog it is the one that Studio's list has.

        Raises:
            SkipError: there is none.
        """
        if not self.account.catalog.service_catalog:
            return self.wanted_version
        if self.live is None:
            raise SkipError("needs a version that can be launched: see `product-version`")
        return str(self.live["Name"])

    @cached_property
    def live_template_key(self) -> str:
        """Key of the template of the version that people launch: it has the hashes that the version's name ends with.

        Raises:
            SkipError: there is no such version.
        """
        if self.live_version == self.wanted_version:
            return template_key(self.slug, self.wanted.hashes)
        # Releases before names had two parts used more digits of one hash in the key.
        start = template_key(self.slug, self.live_version.rpartition("-")[2]).removesuffix(".yaml")
        listed = self.region.client("s3").list_objects_v2(Bucket=self.region.bucket, Prefix=start).get("Contents", [])
        return str(listed[0]["Key"]) if listed else f"{start}*.yaml"
