"""AWS SageMaker: the resources that moto lacks."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from moto.core.utils import utcnow
from moto.sagemaker.exceptions import ResourceNotFound, ValidationError
from moto.sagemaker.models import SageMakerModelBackend as MotoBackend
from moto.sagemaker.models import sagemaker_backends
from moto.sagemaker.utils import arn_formatter

from sandbox.emulator.core.errors import ServiceError
from sandbox.emulator.sagemaker.pipelines import PipelineRun


@dataclass(kw_only=True)
class CodeRepository:
    """A git repository that Studio offers."""

    name: str
    arn: str
    config: dict[str, str]
    tags: list[dict[str, str]]
    created: datetime = field(default_factory=utcnow)
    modified: datetime = field(default_factory=utcnow)


@dataclass(kw_only=True)
class Project:
    """A project, launched from the catalog or from a template in S3."""

    id: str
    name: str
    arn: str
    description: str
    tags: list[dict[str, str]]
    created_by: str
    status: str = "CreateInProgress"
    catalog: dict[str, Any] | None = None
    """The request's ServiceCatalogProvisioningDetails."""
    provisioned: str = ""
    template: dict[str, Any] | None = None
    """The request's CfnTemplateProvider."""
    stack: str = ""
    message: str = ""
    created: datetime = field(default_factory=utcnow)
    modified: datetime = field(default_factory=utcnow)


class SageMakerBackend(MotoBackend):
    """moto's resources of one account and region, and the ones that it lacks."""

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.portfolio: str | None = None
        """The id of the portfolio that AWS shares while projects are enabled."""
        self.code_repositories: dict[str, CodeRepository] = {}
        self.projects: dict[str, Project] = {}
        self.group_policies: dict[str, str] = {}
        self.isolated_models: set[str] = set()
        """Resource policies of model package groups, by their names."""
        self.runs: dict[str, PipelineRun] = {}
        """Executions of pipelines, by ARN, in the order of their start."""

    def reset(self) -> None:
        """Forget everything, and end what runs."""
        for run in self.runs.values():
            run.stop()
        super().reset()

    def run(self, arn: str) -> PipelineRun:
        """Return an execution of a pipeline."""
        if arn not in self.runs:
            raise ResourceNotFound(message=f"Pipeline execution {arn} does not exist.")
        return self.runs[arn]

    def served(self, endpoint: str) -> tuple[dict[str, Any], str, str]:
        """Return the container that an endpoint serves, its role and the name of its variant."""
        if endpoint not in self.endpoints:
            raise ServiceError("ValidationError", f"Endpoint {endpoint} of account {self.account_id} not found.")
        config = self.endpoint_configs[self.endpoints[endpoint].endpoint_config_name]
        variant = config.production_variants[0]
        container, role_arn = self.container(variant["ModelName"])
        return container, role_arn, variant["VariantName"]

    def container(self, name: str) -> tuple[dict[str, Any], str]:
        """Return the container of a model, and its role."""
        if name not in self._models:
            raise ServiceError("ValidationException", f"Could not find model {self.arn('model', name)}.")
        model = self._models[name]
        container: dict[str, Any] = model.primary_container
        if package := container.get("ModelPackageName"):
            owner = sagemaker_backends[package.split(":")[4]][self.region_name]
            specification = owner.describe_model_package(package).inference_specification
            container = {**specification["Containers"][0], **container}
        return {**container, "Isolated": name in self.isolated_models}, model.execution_role_arn

    def captures(self, endpoint: str) -> dict[str, Any]:
        """Return how an endpoint captures data."""
        config = self.endpoint_configs[self.endpoints[endpoint].endpoint_config_name]
        return config.data_capture_config or {}

    def arn(self, kind: str, name: str) -> str:
        """Return the ARN of a resource."""
        return arn_formatter(kind, name, self.account_id, self.region_name)

    def code_repository(self, name: str) -> CodeRepository:
        """Return a code repository."""
        if name not in self.code_repositories:
            raise ValidationError(message=f"Cannot find CodeRepository: {self.arn('code-repository', name)}")
        return self.code_repositories[name]

    def project(self, name: str) -> Project:
        """Return a project."""
        if name not in self.projects:
            raise ValidationError(message=f"Project {name} does not exist.")
        return self.projects[name]

    def add_tags(self, arn: str, tags: list[dict[str, str]]) -> list[dict[str, str]]:
        """Add tags; one with a known key replaces the old one."""
        resource = self._get_resource_from_arn(arn)
        added = {tag["Key"] for tag in tags}
        resource.tags = [tag for tag in resource.tags or [] if tag["Key"] not in added] + tags
        found: list[dict[str, str]] = resource.tags
        return found

    def _get_resource_from_arn(self, arn: str) -> Any:  # noqa: ANN401 - moto's interface
        kind, _, name = arn.rpartition(":")[2].partition("/")
        own: dict[str, dict[str, Any]] = {"code-repository": self.code_repositories, "project": self.projects}
        found = own[kind].get(name) if kind in own else super()._get_resource_from_arn(arn)
        if found is None:
            raise ResourceNotFound(message=f"Could not find {kind} with name {name}")
        return found
