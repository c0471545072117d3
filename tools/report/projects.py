"""Products and what people have made of them: projects, models and endpoints, in a region."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

from botocore.exceptions import ClientError

from components.packaging import VersionName
from tools.doctor.account import CatalogProduct, StackRegion
from tools.doctor.checks.endpoints import IDLE, NAME, requests
from tools.doctor.findings import SkipError
from tools.projects import found as projects_found
from tools.report import pipelines, prices
from tools.report.asking import all_asked, asked, each, moment, refusal
from tools.report.links import Console
from tools.report.model import (
    Endpoint,
    Known,
    Mark,
    Model,
    ModelVersion,
    NotKnown,
    Pipeline,
    Product,
    Project,
    Variant,
    Version,
    known,
)
from tools.report.trainings.of_region import Trainings

SHOWN_VERSIONS = 4
"""Versions of a model whose metrics are read: the newest, and what they follow."""

_PACKAGE = re.compile(r":model-package/(?P<group>[^/]+)/(?P<version>\d+)$")
_APPROVALS = {"Approved": Mark.GOOD, "Rejected": Mark.BAD, "PendingManualApproval": Mark.WAITING}
_ENDPOINTS = {"InService": Mark.GOOD, "Failed": Mark.BAD, "OutOfService": Mark.BAD}


@dataclass
class Region:
    """What people have made in a region of a stack."""

    region: StackRegion

    @property
    def _console(self) -> Console:
        return Console(self.region.details)

    def products(self) -> list[Known[Product]]:
        """Every product of the catalog."""
        self._ask_for_catalog()
        account, readable = self.region.account, self.region.readable
        return [asked(account, partial(self._product, one), self._named(one.slug)) for one in readable]

    def _ask_for_catalog(self) -> None:
        """Ask what all products need, so that a refusal is told once."""
        if self.region.account.catalog.service_catalog:
            _ = self.region.products

    def _named(self, name: str) -> str:
        return f"{name} in {self.region.name}"

    def _product(self, product: CatalogProduct) -> Product:
        account = self.region.account
        versions = asked(account, lambda: [_version(one, product) for one in product.versions])
        try:
            released, link = product.live_version, self._console.product(product.product_id)
        except SkipError:
            released, link = "", ""
        parts = VersionName.read(released)
        return Product(
            slug=product.slug,
            name=product.product_name,
            region=self.region.name,
            versions=versions,
            released=released,
            content=parts.of_content if parts else released,
            checkout=product.wanted_version,
            link=link,
        )

    def projects(self) -> list[Known[Project]]:
        """Every project, by name; those that are not known last."""
        trainings = Trainings(self.region)
        return each(lambda one: one if isinstance(one, NotKnown) else self._project(one, trainings), self._found)

    @cached_property
    def _source(self) -> projects_found.Region:
        return projects_found.Region(self.region, self._pass_over)

    @cached_property
    def _passed_over(self) -> list[NotKnown]:
        return []

    def _pass_over(self, name: str, error: ClientError) -> None:
        self._passed_over.append(NotKnown(what=self._named(name), why=refusal(self.region.account, error)))

    @cached_property
    def _found(self) -> Sequence[Known[projects_found.Project]]:
        self._ask_for_catalog()
        _ = self._source.by_id
        account = self.region.account
        found = [
            one
            for slug in account.catalog.products
            for one in all_asked(account, partial(self._source.of_product, slug), self._named(f"projects of {slug}"))
        ]
        told = sorted(known(found), key=lambda one: (one.name, one.product))
        return [*told, *(one for one in found if isinstance(one, NotKnown)), *self._passed_over]

    def _project(self, found: projects_found.Project, trainings: Trainings) -> Project:
        state = Mark.GOOD if found.ready else Mark.BAD if "Fail" in found.status else Mark.BUSY
        return Project(
            name=found.name,
            id=found.id,
            product=found.product,
            region=found.region,
            owner=found.owner,
            status=found.status,
            mark=state,
            message=found.message,
            version=found.version,
            newest=found.newest,
            behind=found.behind,
            pipelines=[*self._pipelines(found), *trainings.of(found)],
            link=self._console.stack(found.stack) if found.stack else "",
        )

    def _pipelines(self, found: projects_found.Project) -> Sequence[Known[Pipeline]]:
        def look() -> list[Known[Pipeline]]:
            return [pipelines.known(self.region, name) for name in self._source.pipelines(found.id)]

        return all_asked(self.region.account, look, "pipelines")

    def models(self) -> list[Known[Model]]:
        """Every model of the registry that a project of the stack has made, by name; it outlives the project."""
        client = self.region.client("sagemaker")
        pages = client.get_paginator("list_model_package_groups").paginate(NameContains="sagemaker-")
        groups = {
            one["ModelPackageGroupName"]: one["ModelPackageGroupArn"]
            for page in pages
            for one in page["ModelPackageGroupSummaryList"]
        }
        account = self.region.account

        def look(group: str) -> Known[Model] | None:
            own = partial(self._own_model, group, groups[group])
            return asked(account, own, self._named(group))

        return [model for model in each(look, sorted(groups)) if model is not None]

    def _own_model(self, group: str, arn: str) -> Model | None:
        model = self._model(group) if self._is_own(arn) else None
        return model if model and model.count else None

    def _is_own(self, arn: str) -> bool:
        """Whether what projects make is of this stack and not of another one in the account, as its tags say."""
        tags = {one["Key"]: one["Value"] for one in self.region.client("sagemaker").list_tags(ResourceArn=arn)["Tags"]}
        names = self.region.account.names
        wanted = {"project": names.project, "environment": names.environment}
        return all(tags.get(key, value) == value for key, value in wanted.items())

    def _model(self, group: str) -> Model:
        client = self.region.client("sagemaker")
        pages = client.get_paginator("list_model_packages").paginate(ModelPackageGroupName=group)
        listed = [one for page in pages for one in page["ModelPackageSummaryList"]]
        newest = sorted(listed, key=lambda one: int(one["ModelPackageVersion"]), reverse=True)[:SHOWN_VERSIONS]
        packages = [client.describe_model_package(ModelPackageName=one["ModelPackageArn"]) for one in newest]
        facts = packages[0].get("CustomerMetadataProperties", {}) if packages else {}
        return Model(
            group=group,
            region=self.region.name,
            project=str(facts.get("ProjectName", "")),
            count=len(listed),
            versions=[self._model_version(one) for one in packages],
        )

    def _model_version(self, package: Mapping[str, Any]) -> ModelVersion:
        approval = str(package.get("ModelApprovalStatus", ""))
        return ModelVersion(
            version=int(package["ModelPackageVersion"]),
            approval=approval,
            mark=_APPROVALS.get(approval, Mark.PLAIN),
            made=moment(package.get("CreationTime")),
            commit=str(package.get("CustomerMetadataProperties", {}).get("CommitId", ""))[:12],
            description=str(package.get("ModelPackageDescription", "")),
            metrics=asked(self.region.account, lambda: self._metrics(package)),
            link=self._console.models(),
        )

    def _metrics(self, package: Mapping[str, Any]) -> Mapping[str, float]:
        """Metrics of the package's evaluation, in AWS's form: `{"<task>_metrics": {"mse": {"value": 1.5}}}`."""
        statistics = package.get("ModelMetrics", {}).get("ModelQuality", {}).get("Statistics", {})
        if "S3Uri" not in statistics:
            raise SkipError("the version names no evaluation")
        bucket, _, key = statistics["S3Uri"].removeprefix("s3://").partition("/")
        report = json.loads(self.region.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read())
        found = {
            name: float(one["value"])
            for title, group in report.items()
            if title.endswith("_metrics")
            for name, one in group.items()
            if isinstance(one, dict) and isinstance(one.get("value"), int | float)
        }
        return dict(sorted(found.items()))

    def endpoints(self) -> list[Known[Endpoint]]:
        """Every endpoint of a project of the stack, by name. Of those that no project has, the doctor tells.

        Projects that are not known may have some, so they are told here, too.
        """
        own = {one.id for one in known(self._found)}
        pages = self.region.client("sagemaker").get_paginator("list_endpoints").paginate(NameContains="sagemaker-")
        listed = [
            one
            for page in pages
            for one in page["Endpoints"]
            if (parts := NAME.fullmatch(one["EndpointName"])) and parts["project"] in own
        ]
        names = sorted(one["EndpointName"] for one in listed)
        asks = asked(self.region.account, lambda: requests(self.region, names)) if names else {}
        account = self.region.account

        def look(one: Mapping[str, Any]) -> Known[Endpoint]:
            return asked(account, partial(self._endpoint, asks, one), self._named(one["EndpointName"]))

        found = each(look, sorted(listed, key=lambda one: str(one["EndpointName"])))
        return [*found, *(one for one in self._found if isinstance(one, NotKnown))]

    def _endpoint(self, asks: Known[Mapping[str, Sequence[float]]], listed: Mapping[str, Any]) -> Endpoint:
        name = str(listed["EndpointName"])
        client, parts = self.region.client("sagemaker"), NAME.fullmatch(name)
        found = client.describe_endpoint(EndpointName=name)
        config = client.describe_endpoint_config(EndpointConfigName=found["EndpointConfigName"])
        variants = list(self.variants(found, config))
        requested = asks if isinstance(asks, NotKnown) else asks[name]
        old = found["CreationTime"] < self.region.account.now - IDLE
        return Endpoint(
            name=name,
            region=self.region.name,
            project_id=parts["project"] if parts else "",
            stage=parts["stage"] if parts else "",
            status=str(found["EndpointStatus"]),
            mark=_ENDPOINTS.get(found["EndpointStatus"], Mark.BUSY),
            made=moment(found["CreationTime"]),
            variants=variants,
            requests=requested,
            idle=old and not isinstance(requested, NotKnown) and not sum(requested),
            monthly=prices.of_variants(variants),
            link=self._console.endpoint(name),
        )

    def variants(self, endpoint: Mapping[str, Any], config: Mapping[str, Any]) -> Iterator[Variant]:
        """Tell what runs behind an endpoint, and for which share of its requests."""
        now = {one["VariantName"]: one for one in endpoint.get("ProductionVariants", ())}
        wanted = config["ProductionVariants"]
        weights = {one["VariantName"]: float(one.get("InitialVariantWeight", 1)) for one in wanted}
        weights |= {name: float(one["CurrentWeight"]) for name, one in now.items() if "CurrentWeight" in one}
        total = sum(weights[one["VariantName"]] for one in wanted)
        for one in wanted:
            running = now.get(one["VariantName"], {})
            yield Variant(
                name=str(one["VariantName"]),
                instance_type=str(one.get("InstanceType", "")),
                instances=int(running.get("CurrentInstanceCount", one.get("InitialInstanceCount", 0))),
                share=weights[one["VariantName"]] / total if total else 0.0,
                serves=self._served(str(one.get("ModelName", ""))),
            )

    def _served(self, model: str) -> str:
        if not model:
            return ""
        client = self.region.client("sagemaker")
        described = asked(self.region.account, lambda: client.describe_model(ModelName=model))
        if isinstance(described, NotKnown):
            # An endpoint outlives its model.
            return model
        containers = [described.get("PrimaryContainer", {}), *described.get("Containers", ())]
        packages = (_PACKAGE.search(one.get("ModelPackageName", "")) for one in containers)
        return next((f"{one['group']} {one['version']}" for one in packages if one), model)


def _version(item: Mapping[str, Any], product: CatalogProduct) -> Version:
    live = product.live
    if live is not None and live["Id"] == item["Id"]:
        state = "current"
    elif not item["Active"]:
        state = "switched off"
    else:
        state = "deprecated" if item.get("Guidance") == "DEPRECATED" else "older"
    made = moment(item["CreatedTime"])
    return Version(name=str(item["Name"]), made=made, note=str(item.get("Description", "")), state=state)
