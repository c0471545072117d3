"""Projects as AWS has them, with the version of each, the newest of its product, and what its pipelines do.

A project is of SageMaker, launched from Service Catalog or from a template in S3, or was launched from Service Catalog
directly, of which SageMaker knows nothing.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC
from enum import StrEnum
from functools import cached_property
from typing import Any

from botocore.exceptions import ClientError

from components.providers.product_files import studio_prefix
from components.providers.product_version import provisioned_products
from tools.doctor.account import CatalogProduct, StackRegion
from tools.doctor.findings import SkipError

_RUNS = ("InProgress", "Stopping")
_SETTLED = ("AVAILABLE", "TAINTED")
"""States in which Service Catalog takes an update; the second is that of one that has failed and was rolled back."""


class Route(StrEnum):
    """How a project was launched, and so what updates it."""

    SAGEMAKER = "SageMaker project from Service Catalog"
    """SageMaker updates it, so that SageMaker and Studio know of the new version."""
    CATALOG = "launched from Service Catalog"
    """Service Catalog updates it: SageMaker knows no such project."""
    TEMPLATE = "SageMaker project from a template in S3"
    """SageMaker updates it: nobody else knows which template it is of."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """The last run of a pipeline of a project."""

    pipeline: str
    status: str
    started: str
    """Date and time, UTC."""

    @property
    def goes_on(self) -> bool:
        """Whether it has not ended."""
        return self.status in _RUNS


@dataclass(frozen=True, kw_only=True)
class Project:
    """A project."""

    name: str
    region: str
    product: str
    """Folder of the product."""
    route: Route
    owner: str
    """Who launched it."""
    status: str
    """As AWS has it."""
    message: str
    """What AWS says of that."""
    ready: bool
    """Whether AWS takes an update in that status."""
    version: str
    newest: str
    """Version that people launch now; empty where there is none."""
    target: str
    """What an update names: id of that version, or address of its template."""
    runs: tuple[Run, ...] = ()
    """Last run of each of its pipelines, where they were looked at."""
    provisioned: str = ""
    """Id of the provisioned product; empty for one from S3."""
    stack: str = ""
    """Id of its CloudFormation stack; empty where none was made."""
    template_name: str = ""
    """Name of the template within the project, for one from S3."""
    id: str = ""
    """SageMaker's id, which stands in the names of all that it makes; empty where nobody has told it."""

    @property
    def behind(self) -> bool:
        """Whether there is a newer version."""
        return bool(self.newest) and self.version != self.newest

    @property
    def last_run(self) -> Run | None:
        """The newest run of all its pipelines."""
        return max(self.runs, key=lambda run: run.started, default=None)

    @property
    def hindrance(self) -> str:
        """Why it cannot be updated now; empty where it can.

        SageMaker's documentation warns that who updates a project that is in use may lose what it made.
        """
        if not self.ready or not self.stack:
            told = f": {self.message}" if self.message else ""
            return f"it is {self.status}{told}"
        active = [run.pipeline for run in self.runs if run.goes_on]
        return f"{', '.join(active)} runs; wait for its end, or stop it" if active else ""


@dataclass
class Region:
    """The projects of one region."""

    region: StackRegion
    passed_over: Callable[[str, ClientError], None] | None = None
    """Gets the name of a project that AWS does not describe, and why, and the look goes on with the others. Where it is
    left out, the look ends there."""

    def projects(self) -> list[Project]:
        """Every project of the catalog's products, by name, with the last runs of its pipelines."""
        found = [project for slug in self.region.account.catalog.products for project in self.of_product(slug)]
        with_runs = [replace(project, runs=self._runs(project.id)) for project in found]
        return sorted(with_runs, key=lambda project: (project.name, project.product))

    def of_product(self, slug: str) -> list[Project]:
        """Every project of a product, without its runs."""
        launched = self._launched(slug) if self.region.account.catalog.service_catalog else ()
        return [*self._from_templates(slug), *launched]

    @cached_property
    def by_id(self) -> Mapping[str, Mapping[str, Any] | None]:
        """SageMaker's projects by id; nothing stands for one that was passed over."""
        pages = self.region.client("sagemaker").get_paginator("list_projects").paginate()
        return {
            item["ProjectId"]: self._describe(item["ProjectName"])
            for page in pages
            for item in page["ProjectSummaryList"]
            if item["ProjectStatus"] != "DeleteCompleted"
        }

    def _describe(self, name: str) -> Mapping[str, Any] | None:
        try:
            found: Mapping[str, Any] = self.region.client("sagemaker").describe_project(ProjectName=name)
        except ClientError as error:
            if self.passed_over is None:
                raise
            self.passed_over(name, error)
            return None
        return found

    @property
    def _described(self) -> Iterator[Mapping[str, Any]]:
        return (project for project in self.by_id.values() if project)

    def pipelines(self, project_id: str) -> Sequence[str]:
        """Names of the pipelines of a project: all that it makes has its id in the name."""
        return [name for name in self._pipelines if project_id and f"-{project_id}-" in name]

    @cached_property
    def _pipelines(self) -> Sequence[str]:
        pages = self.region.client("codepipeline").get_paginator("list_pipelines").paginate()
        return sorted(item["name"] for page in pages for item in page["pipelines"])

    def _runs(self, project_id: str) -> tuple[Run, ...]:
        return tuple(
            Run(
                pipeline=name,
                status=str(runs[0]["status"]),
                started=f"{runs[0]['startTime'].astimezone(UTC):%Y-%m-%d %H:%M}" if "startTime" in runs[0] else "",
            )
            for name in self.pipelines(project_id)
            if (runs := self._last(name))
        )

    def _last(self, pipeline: str) -> Sequence[Mapping[str, Any]]:
        client = self.region.client("codepipeline")
        found: Sequence[Mapping[str, Any]] = client.list_pipeline_executions(pipelineName=pipeline, maxResults=1)[
            "pipelineExecutionSummaries"
        ]
        return found

    def _launched(self, slug: str) -> Iterator[Project]:
        product = CatalogProduct(self.region, slug)
        try:
            launched = list(provisioned_products(self.region.client("servicecatalog"), product.product_id))
        except SkipError:
            return
        projects = {
            project["ServiceCatalogProvisionedProductDetails"].get("ProvisionedProductId"): project
            for project in self._described
            if "ServiceCatalogProvisionedProductDetails" in project
        }
        live, names = product.live, {version["Id"]: version["Name"] for version in product.versions}
        for item in launched:
            project = projects.get(item["Id"])
            tags = {tag["Key"]: tag["Value"] for tag in item.get("Tags", ())}
            project_id = project["ProjectId"] if project else tags.get("sagemaker:project-id", "")
            if self.by_id.get(project_id, item) is None:
                # SageMaker has it, and has not told what it is.
                continue
            yield Project(
                name=project["ProjectName"] if project else item["Name"],
                region=self.region.name,
                product=slug,
                route=Route.SAGEMAKER if project else Route.CATALOG,
                owner=_owner(project, item.get("UserArn", "")),
                status=f"{project['ProjectStatus']}, {item['Status']}" if project else item["Status"],
                message=item.get("StatusMessage", ""),
                ready=item["Status"] in _SETTLED and not (project and _unsettled(project)),
                version=names.get(item["ProvisioningArtifactId"], item["ProvisioningArtifactId"]),
                newest=str(live["Name"]) if live else "",
                target=str(live["Id"]) if live else "",
                id=project_id,
                provisioned=item["Id"],
                stack=item.get("PhysicalId", ""),
            )

    def _from_templates(self, slug: str) -> Iterator[Project]:
        for project in self._described:
            for provider in project.get("TemplateProviderDetails", ()):
                detail = provider.get("CfnTemplateProviderDetail", {})
                key = detail.get("TemplateURL", "").partition(f"//{self.region.bucket}.")[2].partition("/")[2]
                if key.startswith(studio_prefix(slug)):
                    stack = detail.get("StackDetail", {})
                    newest = self._studio_key(slug)
                    yield Project(
                        name=project["ProjectName"],
                        region=self.region.name,
                        product=slug,
                        route=Route.TEMPLATE,
                        owner=_owner(project, ""),
                        status=project["ProjectStatus"],
                        message=stack.get("StatusMessage", ""),
                        ready=not _unsettled(project),
                        version=_version(slug, key),
                        newest=_version(slug, newest),
                        target=f"https://{self.region.bucket}.{self.region.details.endpoint('s3')}/{newest}",
                        id=project["ProjectId"],
                        stack=stack.get("Id", ""),
                        template_name=detail["TemplateName"],
                    )

    def _studio_key(self, slug: str) -> str:
        """Key of the template that Studio lists of a product; empty where it lists none."""
        client = self.region.client("s3")
        listed = client.list_objects_v2(Bucket=self.region.bucket, Prefix=studio_prefix(slug)).get("Contents", [])
        return str(listed[-1]["Key"]) if listed else ""


def _version(slug: str, key: str) -> str:
    return key.removeprefix(studio_prefix(slug)).removesuffix(".yaml")


def _unsettled(project: Mapping[str, Any]) -> bool:
    """Whether SageMaker works on a project, or has never made it, or has begun to take it away."""
    return project["ProjectStatus"] not in ("CreateCompleted", "UpdateCompleted", "UpdateFailed")


def _owner(project: Mapping[str, Any] | None, arn: str) -> str:
    """Who launched: the Studio profile, else the end of the ARN."""
    by = project.get("CreatedBy", {}) if project else {}
    known = by.get("UserProfileName") or by.get("IamIdentity", {}).get("Arn") or arn
    return str(known).partition(":assumed-role/")[2] or str(known).rpartition("/")[2] or "unknown"
