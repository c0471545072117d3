"""What a data scientist does with the catalog: create projects, train, approve, deploy, delete. Plain boto3.

Projects are created as Studio does, by SageMaker's `CreateProject`: through Service Catalog or from a template in S3.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from components.catalog.publication import STUDIO_VISIBILITY
from components.packaging import Product
from tools.deployment_test.waiting import Waiting
from tools.faults import ToolError

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client
    from types_boto3_servicecatalog import ServiceCatalogClient
    from types_boto3_servicecatalog.type_defs import SearchProductsInputTypeDef

Client = Callable[[str], Any]
"""Gives the client of a service, in one region, as the data scientist."""

_GONE = "DeleteCompleted"
_FAILED = ("CreateFailed", "DeleteFailed", "UpdateFailed")
_TRAINED = ("Failed", "Stopped", "Succeeded")
_ENDED = ("Cancelled", "Failed", "Stopped", "Succeeded", "Superseded")


@dataclass(frozen=True)
class Project:
    """A project that was created."""

    name: str
    id: str

    def thing(self, suffix: str) -> str:
        """Name of what the project's template made: its pipeline, its repository."""
        return f"sagemaker-{self.name}-{self.id}-{suffix}"


@dataclass(frozen=True)
class DataScientist:
    """Somebody who works with projects in one region."""

    client: Client
    waiting: Waiting

    def offered(self, product_name: str) -> Mapping[str, str]:
        """Return a product of the catalog and the version that people launch, as `CreateProject` wants them.

        Raises:
            ToolError: nobody offers the product to this caller.
        """
        catalog = self.client("servicecatalog")
        found = [item for item in self._products(catalog) if item["Name"] == product_name]
        if len(found) != 1:
            raise ToolError(f"{len(found)} products named {product_name!r} are offered to this caller, not one")
        artifacts = catalog.describe_product(Id=found[0]["ProductId"])["ProvisioningArtifacts"]
        newest = [item["Id"] for item in artifacts if item.get("Guidance", "DEFAULT") == "DEFAULT"]
        return {"ProductId": found[0]["ProductId"], "ProvisioningArtifactId": newest[-1]}

    @staticmethod
    def _products(catalog: "ServiceCatalogClient") -> Iterator[Mapping[str, Any]]:
        """Every product that the caller may launch; botocore has no paginator for the call."""
        token: SearchProductsInputTypeDef = {}
        while True:
            page = catalog.search_products(**token)
            yield from page["ProductViewSummaries"]
            if not page.get("NextPageToken"):
                return
            token = {"PageToken": page["NextPageToken"]}

    def listed(self, product: Product, location: str) -> str:
        """URL of a product's template among those that Studio lists from S3.

        Args:
            product: the product.
            location: `s3://bucket/prefix/`, as the domain's tag has it.

        Raises:
            ToolError: it is not listed.
        """
        s3 = self.client("s3")
        bucket, _, prefix = location.removeprefix("s3://").partition("/")
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{prefix}{product.slug}")
        keys = [item["Key"] for page in pages for item in page.get("Contents", ())]
        visible = dict.fromkeys(key for key in keys if self._visible(s3, bucket, key))
        if len(visible) != 1:
            raise ToolError(f"{len(visible)} templates of {product.slug} are listed under {location}, not one")
        return f"https://{bucket}.s3.{s3.meta.region_name}.amazonaws.com/{next(iter(visible))}"

    @staticmethod
    def _visible(s3: "S3Client", bucket: str, key: str) -> bool:
        tags = s3.get_object_tagging(Bucket=bucket, Key=key)["TagSet"]
        return {tag["Key"]: tag["Value"] for tag in tags}.items() >= STUDIO_VISIBILITY.items()

    def create(self, name: str, source: Mapping[str, Any], parameters: Mapping[str, str]) -> Project:
        """Create a project and wait until it stands.

        Args:
            name: name of the project.
            source: `ServiceCatalogProvisioningDetails` or `CfnTemplateProvider`, without parameters.
            parameters: the template's parameters beside the project's name and id.

        Raises:
            ToolError: the launch failed; the message says why, as AWS tells it.
        """
        pairs = [{"Key": key, "Value": value} for key, value in parameters.items()]
        if "ProductId" in source:
            request: dict[str, Any] = {
                "ServiceCatalogProvisioningDetails": {**source, **({"ProvisioningParameters": pairs} if pairs else {})}
            }
        else:
            provider = {**source, **({"Parameters": pairs} if pairs else {})}
            request = {"TemplateProviders": [{"CfnTemplateProvider": provider}]}
        project_id = self.client("sagemaker").create_project(ProjectName=name, **request)["ProjectId"]
        self._settled(name, "CreateCompleted")
        return Project(name, project_id)

    def _settled(self, name: str, wanted: str) -> None:
        def look() -> str | None:
            project = self._project(name)
            status = project["ProjectStatus"] if project else _GONE
            if status in _FAILED:
                details = (project or {}).get("ServiceCatalogProvisionedProductDetails", {})
                reason = details.get("ProvisionedProductStatusMessage") or json.dumps(project, default=str)
                raise ToolError(f"project {name}: {status}: {reason}")
            return name if status == wanted else None

        self.waiting.until(f"project {name} to be {wanted}", look)

    def _project(self, name: str) -> Mapping[str, Any] | None:
        """Return a project as AWS describes it; None where there is none."""
        try:
            found: Mapping[str, Any] = self.client("sagemaker").describe_project(ProjectName=name)
        except ClientError as error:
            # SageMaker answers a validation error for names that it does not know.
            if re.search(r"not (exist|find|found)", error.response["Error"]["Message"], re.IGNORECASE):
                return None
            raise
        return found

    def delete(self, name: str) -> None:
        """Delete a project, if there is one, and wait until it is gone.

        What somebody has begun and left is waited for first: AWS deletes no project that it still works on.

        Raises:
            ToolError: what it launched cannot be deleted.
        """
        status = self.waiting.until(f"project {name} to settle", lambda: self._at_rest(name))
        if status != _GONE:
            self.client("sagemaker").delete_project(ProjectName=name)
            self._settled(name, _GONE)

    def _at_rest(self, name: str) -> str | None:
        """Status of a project; None while AWS works on it."""
        project = self._project(name)
        status = str(project["ProjectStatus"]) if project else _GONE
        return None if status == "Pending" or status.endswith("InProgress") else status

    def pipelines(self, contained: str) -> list[str]:
        """Names of the region's pipelines that contain a text."""
        pages = self.client("codepipeline").get_paginator("list_pipelines").paginate()
        names = (item["name"] for page in pages for item in page["pipelines"])
        return sorted(name for name in names if contained in name)

    def executions(self, pipeline: str) -> Sequence[Mapping[str, Any]]:
        """Return runs of a pipeline, the newest first."""
        pages = self.client("codepipeline").get_paginator("list_pipeline_executions").paginate(pipelineName=pipeline)
        return [item for page in pages for item in page["pipelineExecutionSummaries"]]

    def await_run(self, pipeline: str, *, after: int = 0, approve: bool = False) -> str:
        """Wait for the end of a run of a pipeline, and give its id.

        Args:
            pipeline: its name.
            after: how many runs there have been before the one that is meant.
            approve: whether approvals that the run asks for are given.

        Raises:
            ToolError: the run does not succeed; the message names the action and what it told.
        """

        def look() -> Mapping[str, Any] | None:
            runs = self.executions(pipeline)
            if len(runs) <= after:
                return None
            run = runs[len(runs) - after - 1]
            if approve and run["status"] == "InProgress":
                self._approve(pipeline)
            return run if run["status"] in _ENDED else None

        run = self.waiting.until(f"a run of pipeline {pipeline}", look)
        if run["status"] != "Succeeded":
            raise ToolError(f"pipeline {pipeline}: {run['status']}: {self._why(pipeline)}")
        return str(run["pipelineExecutionId"])

    def _approve(self, pipeline: str) -> None:
        for stage, action in self._actions(pipeline):
            run = action.get("latestExecution", {})
            if run.get("status") == "InProgress" and "token" in run:
                self.client("codepipeline").put_approval_result(
                    pipelineName=pipeline,
                    stageName=stage,
                    actionName=action["actionName"],
                    result={"summary": "A deployment test approves.", "status": "Approved"},
                    token=run["token"],
                )

    def _why(self, pipeline: str) -> str:
        reasons = [
            f"{stage}/{action['actionName']}: {action['latestExecution'].get('errorDetails', {}).get('message', '')}"
            for stage, action in self._actions(pipeline)
            if action.get("latestExecution", {}).get("status") == "Failed"
        ]
        return "; ".join(reasons) or "no action tells why"

    def _actions(self, pipeline: str) -> list[tuple[str, Mapping[str, Any]]]:
        state = self.client("codepipeline").get_pipeline_state(name=pipeline)
        return [(stage["stageName"], action) for stage in state["stageStates"] for action in stage["actionStates"]]

    def await_training(self, project: Project) -> None:
        """Wait for the end of the training that a project's pipeline has started, if it has a SageMaker pipeline.

        Raises:
            ToolError: the training fails; the message names the step and what it told.
        """
        sagemaker = self.client("sagemaker")
        listed = sagemaker.list_pipelines(PipelineNamePrefix=f"sagemaker-{project.id}-")["PipelineSummaries"]
        for name in [item["PipelineName"] for item in listed]:
            run = self.waiting.until(f"the training of {name}", partial(self._trained, name))
            if run["PipelineExecutionStatus"] != "Succeeded":
                steps = sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=run["PipelineExecutionArn"])
                told = (f"{one['StepName']}: {one.get('FailureReason', '')}" for one in steps["PipelineExecutionSteps"])
                raise ToolError(f"training {name}: {run['PipelineExecutionStatus']}: {'; '.join(told)}")

    def _trained(self, name: str) -> Mapping[str, Any] | None:
        """Return the newest execution of a SageMaker pipeline, once it has ended."""
        runs = self.client("sagemaker").list_pipeline_executions(
            PipelineName=name, SortBy="CreationTime", SortOrder="Descending", MaxResults=1
        )["PipelineExecutionSummaries"]
        return runs[0] if runs and runs[0]["PipelineExecutionStatus"] in _TRAINED else None

    def await_model(self, group: str) -> str:
        """Wait until a model is registered in a group, and give the ARN of the newest version.

        Raises:
            ToolError: none is within the limit.
        """

        def look() -> str | None:
            listed = self.client("sagemaker").list_model_packages(
                ModelPackageGroupName=group, SortBy="CreationTime", SortOrder="Descending", MaxResults=1
            )["ModelPackageSummaryList"]
            return str(listed[0]["ModelPackageArn"]) if listed else None

        return self.waiting.until(f"a model in group {group}", look)

    def approve_model(self, arn: str) -> None:
        """Approve a version of a model, which starts the pipeline of whoever deploys the group's models."""
        self.client("sagemaker").update_model_package(
            ModelPackageArn=arn, ModelApprovalStatus="Approved", ApprovalDescription="A deployment test approves."
        )

    def forget_models(self, group: str) -> None:
        """Delete a group of models with its versions, if there is one. What they deployed is not touched."""
        sagemaker = self.client("sagemaker")
        pages = sagemaker.get_paginator("list_model_package_groups").paginate(NameContains=group)
        groups = [item["ModelPackageGroupName"] for page in pages for item in page["ModelPackageGroupSummaryList"]]
        if group not in groups:
            return
        versions = sagemaker.get_paginator("list_model_packages").paginate(ModelPackageGroupName=group)
        for arn in [item["ModelPackageArn"] for page in versions for item in page["ModelPackageSummaryList"]]:
            sagemaker.delete_model_package(ModelPackageName=arn)
        sagemaker.delete_model_package_group(ModelPackageGroupName=group)
