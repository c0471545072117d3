"""AWS SageMaker: what moto lacks - projects and their portfolio, pipelines that run.

A project is done when the request that makes, changes or deletes it is answered.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError
from moto.core.responses import ActionResult, EmptyResult
from moto.core.utils import utcnow
from moto.moto_api._internal import mock_random
from moto.sagemaker.exceptions import ValidationError
from moto.sagemaker.models import sagemaker_backends
from moto.sagemaker.responses import SageMakerResponse as MotoResponse

from sandbox.emulator.core import authorization
from sandbox.emulator.core.callers import Caller, RoleError
from sandbox.emulator.core.errors import ServiceError
from sandbox.emulator.core.resource_policies import allows_account
from sandbox.emulator.events.models import publish
from sandbox.emulator.sagemaker import api_jobs, transform_jobs
from sandbox.emulator.sagemaker.models import CodeRepository, Project, SageMakerBackend
from sandbox.emulator.sagemaker.pipelines import PipelineRun, StepError
from sandbox.emulator.servicecatalog import models as servicecatalog

# The portfolio with AWS's own templates, which enabling projects brings.
PROVIDER, PORTFOLIO = "Amazon SageMaker", "Amazon SageMaker AI Solutions and ML Ops products"
MADE = ("CREATE_COMPLETE", "UPDATE_COMPLETE")


class SageMakerResponse(MotoResponse):
    """moto's operations, and the ones beside them."""

    @property
    def backend(self) -> SageMakerBackend:
        """The backend of the request's account and region."""
        found = sagemaker_backends[self.current_account][self.region]
        assert isinstance(found, SageMakerBackend)  # noqa: S101 - install put it there
        return found

    def enable_sagemaker_servicecatalog_portfolio(self) -> ActionResult:
        """EnableSagemakerServicecatalogPortfolio; again is no error."""
        if self.backend.portfolio is None:
            catalog = servicecatalog.backend(self.current_account, self.region).catalog
            shared = catalog.add_portfolio(PORTFOLIO, PROVIDER, "", {}, imported=True)
            self.backend.portfolio = shared.id
        return EmptyResult()

    def disable_sagemaker_servicecatalog_portfolio(self) -> ActionResult:
        """DisableSagemakerServicecatalogPortfolio; again is no error."""
        if self.backend.portfolio is not None:
            catalog = servicecatalog.backend(self.current_account, self.region).catalog
            catalog.portfolios.pop(self.backend.portfolio, None)
            self.backend.portfolio = None
        return EmptyResult()

    def get_sagemaker_servicecatalog_portfolio_status(self) -> ActionResult:
        """GetSagemakerServicecatalogPortfolioStatus."""
        return ActionResult({"Status": "Disabled" if self.backend.portfolio is None else "Enabled"})

    def create_code_repository(self) -> ActionResult:
        """CreateCodeRepository."""
        name = self._get_param("CodeRepositoryName")
        if name in self.backend.code_repositories:
            raise ValidationError(message=f"Cannot create already existing CodeRepository {name}")
        made = CodeRepository(
            name=name,
            arn=self.backend.arn("code-repository", name),
            config=dict(self._get_param("GitConfig")),
            tags=self._tags(),
        )
        self.backend.code_repositories[name] = made
        return ActionResult({"CodeRepositoryArn": made.arn})

    def describe_code_repository(self) -> ActionResult:
        """DescribeCodeRepository."""
        return ActionResult(_code_repository(self.backend.code_repository(self._get_param("CodeRepositoryName"))))

    def list_code_repositories(self) -> ActionResult:
        """ListCodeRepositories."""
        contained = self._get_param("NameContains") or ""
        found = [_code_repository(one) for one in self.backend.code_repositories.values() if contained in one.name]
        return ActionResult({"CodeRepositorySummaryList": found})

    def delete_code_repository(self) -> ActionResult:
        """DeleteCodeRepository."""
        del self.backend.code_repositories[self.backend.code_repository(self._get_param("CodeRepositoryName")).name]
        return EmptyResult()

    def put_model_package_group_policy(self) -> ActionResult:
        """PutModelPackageGroupPolicy."""
        name = self._get_param("ModelPackageGroupName")
        self.backend.describe_model_package_group(name)
        self.backend.group_policies[name] = self._get_param("ResourcePolicy")
        return ActionResult({"ModelPackageGroupArn": self.backend.arn("model-package-group", name)})

    def get_model_package_group_policy(self) -> ActionResult:
        """GetModelPackageGroupPolicy."""
        name = self._get_param("ModelPackageGroupName")
        if name not in self.backend.group_policies:
            raise ValidationError(message=f"Cannot find resource policy for: {name}")
        return ActionResult({"ResourcePolicy": self.backend.group_policies[name]})

    def create_model(self) -> Any:  # noqa: ANN401 - moto's own answer
        """CreateModel: of a package of another account only where its group lets this one."""
        package = (self._get_param("PrimaryContainer") or {}).get("ModelPackageName", "")
        owner = package.split(":")[4] if package.startswith("arn:") else self.current_account
        if owner != self.current_account:
            policies = sagemaker_backends[owner][self.region].group_policies.values()  # type: ignore[attr-defined] # see models
            if not any(allows_account(one, self.current_account, "sagemaker:CreateModel", package) for one in policies):
                raise ValidationError(message=f"Cannot access {package}: its group is not shared with this account.")
        answer = super().create_model()
        # moto forgets it.
        if self._get_param("EnableNetworkIsolation"):
            self.backend.isolated_models.add(self._get_param("ModelName"))
        return answer

    def update_endpoint(self) -> ActionResult:
        """UpdateEndpoint: the endpoint takes its new configuration at once."""
        name, config = self._get_param("EndpointName"), self._get_param("EndpointConfigName")
        self.backend.describe_endpoint(name)
        before = self.backend.endpoints[name]
        updated = self.backend.create_endpoint(name, config, before.tags)
        updated.creation_time = before.creation_time
        return ActionResult({"EndpointArn": updated.arn})

    def create_processing_job(self) -> ActionResult:
        """CreateProcessingJob: one that a role asks for really runs."""
        return self._create_job("Processing", super().create_processing_job)

    def create_training_job(self) -> ActionResult:
        """CreateTrainingJob: one that a role asks for really runs."""
        return self._create_job("Training", super().create_training_job)

    def _create_job(self, kind: str, note: Callable[[], ActionResult]) -> ActionResult:
        name, caller, request = self._get_param(f"{kind}JobName"), Caller.of(self), json.loads(self.body)
        # The emulated services ask as the account's root, and play their jobs themselves.
        if not caller.session:
            return note()
        known: Mapping[str, api_jobs.Job] = getattr(self.backend, f"{kind.lower()}_jobs")
        if name in known:
            raise ServiceError("ResourceInUse", f"Job name must be unique within an AWS account, and {name} is taken.")
        api_jobs.allow(caller, kind, self.backend.arn(f"{kind.lower()}-job", name), request)
        answer = note()
        api_jobs.start(kind, known[name], request, caller)
        return answer

    def create_transform_job(self) -> ActionResult:
        """CreateTransformJob: the model's own code answers the files."""
        caller, name = Caller.of(self), self._get_param("TransformJobName")
        try:
            keys = authorization.job_keys({"TransformOutput": self._get_param("TransformOutput")})
            caller.require("sagemaker:CreateTransformJob", self.backend.arn("transform-job", name), **keys)
        except RoleError as error:
            raise ServiceError("AccessDeniedException", str(error)) from error
        container, role_arn = self.backend.container(self._get_param("ModelName"))
        answer = super().create_transform_job()
        transform_jobs.start(self.backend.transform_jobs[name], container, role_arn, caller)
        return answer

    def start_pipeline_execution(self) -> ActionResult:
        """StartPipelineExecution."""
        caller, name = Caller.of(self), self._get_param("PipelineName").rpartition("/")[2]
        pipeline = self.backend.describe_pipeline(name)
        answer = self.backend.start_pipeline_execution(
            name,
            self._get_param("PipelineExecutionDisplayName"),
            self._get_param("PipelineParameters"),
            self._get_param("PipelineExecutionDescription"),
            self._get_param("ParallelismConfiguration"),
            self._get_param("ClientRequestToken"),
        )
        arn = answer["PipelineExecutionArn"]
        role, definition = self.backend.pipelines[name].role_arn, pipeline["PipelineDefinition"]
        try:
            described = self._get_param("PipelineExecutionDescription") or ""
            run = PipelineRun(caller, arn, role, definition, self._get_param("PipelineParameters") or [], described)
        except StepError as error:
            raise ValidationError(message=str(error)) from error
        self.backend.runs[arn] = run
        run.start()
        return ActionResult(answer)

    def stop_pipeline_execution(self) -> ActionResult:
        """StopPipelineExecution."""
        run = self.backend.run(self._get_param("PipelineExecutionArn"))
        if run.status != "Executing":
            raise ValidationError(message=f"Pipeline execution {run.arn} is {run.status}.")
        run.stop()
        return ActionResult({"PipelineExecutionArn": run.arn})

    def describe_pipeline_execution(self) -> ActionResult:
        """DescribePipelineExecution."""
        run = self.backend.run(self._get_param("PipelineExecutionArn"))
        told = {"PipelineExecutionStatus": run.status, "FailureReason": run.failure, "LastModifiedTime": run.ended}
        return ActionResult({**self.backend.describe_pipeline_execution(run.arn), **told})

    def list_pipeline_executions(self) -> ActionResult:
        """ListPipelineExecutions; the newest first unless asked otherwise."""
        name = self._get_param("PipelineName").rpartition("/")[2]
        found = self.backend.list_pipeline_executions(name)["PipelineExecutionSummaries"]
        for one in found:
            run = self.backend.run(one["PipelineExecutionArn"])
            one |= {"PipelineExecutionStatus": run.status, "PipelineExecutionFailureReason": run.failure}
        if self._get_param("SortOrder") != "Ascending":
            found.reverse()
        return ActionResult({"PipelineExecutionSummaries": found[: self._get_param("MaxResults") or 100]})

    def list_pipeline_execution_steps(self) -> ActionResult:
        """ListPipelineExecutionSteps, the newest first."""
        run = self.backend.run(self._get_param("PipelineExecutionArn"))
        return ActionResult({"PipelineExecutionSteps": list(reversed(run.steps))})

    def update_pipeline(self) -> ActionResult:
        """UpdatePipeline, which moto does not date."""
        answer = super().update_pipeline()
        self.backend.pipelines[self._get_param("PipelineName")].last_modified_time = utcnow()
        return answer

    def delete_pipeline(self) -> ActionResult:
        """DeletePipeline, with the history of its executions."""
        answer = super().delete_pipeline()
        name = self._get_param("PipelineName")
        for arn in [arn for arn in self.backend.runs if arn.split("/")[-3] == name]:
            self.backend.runs.pop(arn).stop()
        return answer

    def create_model_package(self) -> ActionResult:
        """CreateModelPackage."""
        answer = super().create_model_package()
        self._tell_of_package(answer.result["ModelPackageArn"])  # type: ignore[index] # it is what moto gives
        return answer

    def update_model_package(self) -> ActionResult:
        """UpdateModelPackage; what the request leaves out stays."""
        arn = self._get_param("ModelPackageArn")
        package = self.backend.describe_model_package(arn)
        before = package.model_approval_status
        kept = {name: getattr(package, name) for name in ("approval_description", "customer_metadata_properties")}
        answer = super().update_model_package()
        for name, value in kept.items():
            if getattr(package, name) is None:
                setattr(package, name, value)
        package.model_approval_status = package.model_approval_status or before
        changed = {
            *("ApprovalDescription", "CustomerMetadataProperties", "ModelApprovalStatus", "ModelCard"),
            *("ModelLifeCycle", "SourceUri"),
        }
        self._tell_of_package(arn, sorted(name for name in changed if self._get_param(name)))
        return answer

    def _tell_of_package(self, arn: str, updated: Sequence[str] = ()) -> None:
        package = self.backend.describe_model_package(arn)
        publish(
            Caller.of(self),
            source="aws.sagemaker",
            kind="SageMaker Model Package State Change",
            detail={
                "ModelPackageGroupName": package.model_package_group_name,
                "ModelPackageVersion": package.model_package_version,
                "ModelPackageArn": package.arn,
                "ModelPackageStatus": package.model_package_status,
                "ModelApprovalStatus": package.model_approval_status,
                "CustomerMetadataProperties": package.customer_metadata_properties or {},
                # Of a version that is new, nothing has been updated.
                **({"UpdatedModelPackageFields": list(updated)} if updated else {}),
            },
            resource=package.arn,
        )

    def delete_model_package(self) -> ActionResult:
        """DeleteModelPackage."""
        arn = self._get_param("ModelPackageName")
        del self.backend.model_packages[self.backend.describe_model_package(arn).arn]
        return EmptyResult()

    def delete_model_package_group(self) -> ActionResult:
        """DeleteModelPackageGroup; refused while it holds packages."""
        name = self._get_param("ModelPackageGroupName")
        self.backend.describe_model_package_group(name)
        if any(package.model_package_group_name == name for package in self.backend.model_packages.values()):
            raise ValidationError(message=f"Model package group {name} cannot be deleted because it is not empty.")
        del self.backend.model_package_groups[name]
        self.backend.group_policies.pop(name, None)
        return EmptyResult()

    def create_project(self) -> ActionResult:
        """CreateProject, from a product of the catalog or from a template in S3."""
        name, catalog = self._get_param("ProjectName"), self._get_param("ServiceCatalogProvisioningDetails")
        providers = self._get_param("TemplateProviders") or []
        if bool(catalog) is bool(providers):
            raise ValidationError(
                message="Either ServiceCatalogProvisioningDetails or one entry of TemplateProviders is needed."
            )
        if name in self.backend.projects:
            raise ValidationError(message=f"Project with name {name} already exists.")
        project = Project(
            id=f"p-{mock_random.get_random_string(length=12, lower_case=True)}",
            name=name,
            arn=self.backend.arn("project", name),
            description=self._get_param("ProjectDescription") or "",
            tags=self._tags(),
            created_by=Caller.of(self).principal,
            catalog=catalog,
            template=providers[0]["CfnTemplateProvider"] if providers else None,
        )
        try:
            self._provision(project) if catalog else self._create_stack(project)
        except ClientError as error:
            raise ValidationError(message=error.response["Error"]["Message"]) from error
        self.backend.projects[name] = project
        return ActionResult({"ProjectArn": project.arn, "ProjectId": project.id})

    def describe_project(self) -> ActionResult:
        """DescribeProject."""
        return ActionResult(_project(self.backend.project(self._get_param("ProjectName"))))

    def list_projects(self) -> ActionResult:
        """ListProjects."""
        contained = self._get_param("NameContains") or ""
        found = [_project(one) for one in self.backend.projects.values() if contained in one.name]
        return ActionResult({"ProjectSummaryList": found})

    def update_project(self) -> ActionResult:
        """UpdateProject: its description, its tags, its product's version or its template."""
        project = self.backend.project(self._get_param("ProjectName"))
        project.description = self._get_param("ProjectDescription") or project.description
        if self._get_param("Tags"):
            self.backend.add_tags(project.arn, self._tags())
        try:
            if changes := self._get_param("ServiceCatalogProvisioningUpdateDetails"):
                self._update_provisioned(project, changes)
            if providers := self._get_param("TemplateProvidersToUpdate"):
                self._update_stack(project, providers[0]["CfnTemplateProvider"])
        except ClientError as error:
            raise ValidationError(message=error.response["Error"]["Message"]) from error
        project.modified = utcnow()
        return ActionResult({"ProjectArn": project.arn})

    def delete_project(self) -> ActionResult:
        """DeleteProject, with all that it launched. A failure shows in its status."""
        project = self.backend.project(self._get_param("ProjectName"))
        caller = Caller.of(self)
        try:
            if project.provisioned:
                record = caller.client("servicecatalog").terminate_provisioned_product(
                    ProvisionedProductId=project.provisioned, TerminateToken=mock_random.get_random_hex(32)
                )["RecordDetail"]
                failure = "; ".join(error["Description"] for error in record["RecordErrors"])
            else:
                failure = _delete_stack(caller, project)
        except ClientError as error:
            raise ValidationError(message=error.response["Error"]["Message"]) from error
        if failure:
            project.status, project.message = "DeleteFailed", failure
        else:
            del self.backend.projects[project.name]
        return EmptyResult()

    def _provision(self, project: Project) -> None:
        details = project.catalog or {}
        client = Caller.of(self).client("servicecatalog")
        chosen = {key: details[key] for key in ("ProvisioningArtifactId", "PathId") if details.get(key)}
        if "ProvisioningArtifactId" not in chosen:
            offered = client.describe_product(Id=details["ProductId"])["ProvisioningArtifacts"]
            chosen["ProvisioningArtifactId"] = [one for one in offered if one["Guidance"] == "DEFAULT"][-1]["Id"]
        record = client.provision_product(
            ProductId=details["ProductId"],
            ProvisionedProductName=f"{project.name}-{project.id}",
            ProvisionToken=mock_random.get_random_hex(32),
            ProvisioningParameters=[*(details.get("ProvisioningParameters") or []), *_own_parameters(project)],
            Tags=[*project.tags, *_own_tags(project)],
            **chosen,
        )["RecordDetail"]
        project.catalog = {**details, **chosen}
        project.provisioned = record["ProvisionedProductId"]
        _settle(project, "Create", record)

    def _update_provisioned(self, project: Project, changes: dict[str, Any]) -> None:
        if not project.provisioned:
            raise ValidationError(message=f"Project {project.name} was not launched from Service Catalog.")
        chosen = {key: changes[key] for key in ("ProvisioningArtifactId", "ProvisioningParameters") if changes.get(key)}
        record = (
            Caller.of(self)
            .client("servicecatalog")
            .update_provisioned_product(
                ProvisionedProductId=project.provisioned, UpdateToken=mock_random.get_random_hex(32), **chosen
            )["RecordDetail"]
        )
        _settle(project, "Update", record)
        if record["Status"] == "SUCCEEDED":
            project.catalog = {**(project.catalog or {}), **chosen}

    def _create_stack(self, project: Project) -> None:
        template = project.template or {}
        client = Caller.of(self).client("cloudformation")
        role = {"RoleARN": template["RoleARN"]} if template.get("RoleARN") else {}
        project.stack = client.create_stack(
            StackName=f"SP-{self.current_account}-{project.id}",
            Parameters=_stack_parameters([*(template.get("Parameters") or []), *_own_parameters(project)]),
            Tags=[*project.tags, *_own_tags(project)],
            **_template_request(template["TemplateURL"]),
            **role,
        )["StackId"]
        _look_at_stack(client, project, "Create")

    def _update_stack(self, project: Project, changes: dict[str, Any]) -> None:
        if not project.stack:
            raise ValidationError(message=f"Project {project.name} was not launched from a template in S3.")
        client = Caller.of(self).client("cloudformation")
        client.update_stack(
            StackName=project.stack,
            Parameters=_stack_parameters([*(changes.get("Parameters") or []), *_own_parameters(project)]),
            **_template_request(changes["TemplateURL"]),
        )
        _look_at_stack(client, project, "Update")
        if project.status == "UpdateCompleted":
            project.template = {**(project.template or {}), **changes}

    def _tags(self) -> list[dict[str, str]]:
        return [dict(tag) for tag in self._get_param("Tags") or []]


def _own_parameters(project: Project) -> list[dict[str, str]]:
    return [
        {"Key": "SageMakerProjectName", "Value": project.name},
        {"Key": "SageMakerProjectId", "Value": project.id},
    ]


def _own_tags(project: Project) -> list[dict[str, str]]:
    return [
        {"Key": "sagemaker:project-name", "Value": project.name},
        {"Key": "sagemaker:project-id", "Value": project.id},
    ]


def _stack_parameters(parameters: list[dict[str, str]]) -> list[dict[str, str]]:
    return [{"ParameterKey": item["Key"], "ParameterValue": item.get("Value", "")} for item in parameters]


def _template_request(url: str) -> dict[str, Any]:
    return {"TemplateURL": url, "Capabilities": ["CAPABILITY_NAMED_IAM"]}


def _settle(project: Project, action: str, record: dict[str, Any]) -> None:
    project.message = "; ".join(error["Description"] for error in record["RecordErrors"])
    project.status = f"{action}Completed" if record["Status"] == "SUCCEEDED" else f"{action}Failed"


def _look_at_stack(client: Any, project: Project, action: str) -> None:  # noqa: ANN401 - made at run time
    (stack,) = client.describe_stacks(StackName=project.stack)["Stacks"]
    project.message = stack.get("StackStatusReason", "")
    project.status = f"{action}Completed" if stack["StackStatus"] in MADE else f"{action}Failed"


def _delete_stack(caller: Caller, project: Project) -> str:
    client = caller.client("cloudformation")
    client.delete_stack(StackName=project.stack)
    (stack,) = client.describe_stacks(StackName=project.stack)["Stacks"]
    return "" if stack["StackStatus"] == "DELETE_COMPLETE" else str(stack.get("StackStatusReason"))


def _code_repository(one: CodeRepository) -> dict[str, Any]:
    return {
        "CodeRepositoryName": one.name,
        "CodeRepositoryArn": one.arn,
        "CreationTime": one.created,
        "LastModifiedTime": one.modified,
        "GitConfig": one.config,
    }


def _project(one: Project) -> dict[str, Any]:
    described = {
        "ProjectName": one.name,
        "ProjectArn": one.arn,
        "ProjectId": one.id,
        "ProjectDescription": one.description,
        "ProjectStatus": one.status,
        "CreatedBy": {"IamIdentity": {"Arn": one.created_by}},
        "CreationTime": one.created,
        "LastModifiedTime": one.modified,
    }
    if one.catalog:
        described["ServiceCatalogProvisioningDetails"] = one.catalog
        described["ServiceCatalogProvisionedProductDetails"] = {
            "ProvisionedProductId": one.provisioned,
            "ProvisionedProductStatusMessage": one.message,
        }
    if one.template:
        stack = {"Name": one.stack.split("/")[1], "Id": one.stack, "StatusMessage": one.message}
        described["TemplateProviderDetails"] = [{"CfnTemplateProviderDetail": {**one.template, "StackDetail": stack}}]
    return described
