"""Bring projects to the newest version of their product: some at once, none after one has failed.

Each by whoever knows it (`Route`), with the rights of whoever calls, who must be one of those that may launch; what
the project is made of is changed with those of the launch role, as when it was launched. Parameters keep their values:
Service Catalog is told so; SageMaker's `UpdateProject` has no way to say it, so it gets the values that the stack has.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from components.packaging.template import REQUIRED_PARAMETERS, read_template
from tools.deployment_test.waiting import Waiting
from tools.doctor.account import Account
from tools.faults import ToolError
from tools.projects.found import Project, Route

HIDDEN = "****"
"""Value that CloudFormation shows of a parameter with NoEcho."""

Say = Callable[[str], None]
"""Is told what happens."""

_TURNS = ("CREATED", "IN_PROGRESS", "IN_PROGRESS_IN_ERROR")


@dataclass
class Underway:
    """A project that AWS is updating."""

    project: Project
    record: str = ""
    """Service Catalog's record of the update."""
    before: Mapping[str, Any] | None = None
    """The stack as it was, of a project from S3."""


@dataclass(frozen=True)
class Upgrade:
    """Updates of some projects of a stack."""

    account: Account
    waiting: Waiting
    say: Say

    def carry_out(self, projects: Sequence[Project], at_once: int) -> Mapping[str, str]:
        """Update projects, so many at once, and no more once one has failed; those that are under way are waited for.

        Returns:
            By name, the reason why an update has failed.
        """
        waiting, done = list(projects), 0
        underway: list[Underway] = []
        failed: dict[str, str] = {}
        end = self.waiting.clock() + self.waiting.limit
        while underway or (waiting and not failed):
            while waiting and len(underway) < at_once and not failed:
                project = waiting.pop(0)
                try:
                    underway.append(self._begin(project))
                    self.say(f"  {project.name}: {project.version} -> {project.newest} ...")
                except (ClientError, ToolError) as error:
                    failed[project.name] = _reason(error)
                    self.say(f"  {project.name}: not updated: {failed[project.name]}")
            self.waiting.sleep(self.waiting.interval)
            for one in list(underway):
                reason = self._look(one)
                if reason is None and self.waiting.clock() >= end:
                    reason = f"not done after {self.waiting.limit:g} seconds; AWS goes on with it"
                if reason is None:
                    continue
                underway.remove(one)
                done += 1
                if reason:
                    failed[one.project.name] = reason
                self.say(f"  {one.project.name}: {reason or 'updated'} ({done} of {len(projects)})")
        return failed

    def _client(self, project: Project, service: str) -> Any:  # noqa: ANN401 - botocore makes the class at run time
        return self.account.client(service, project.region)

    def _begin(self, project: Project) -> Underway:
        kept = self._kept(project)
        if project.route is Route.CATALOG:
            record = self._client(project, "servicecatalog").update_provisioned_product(
                ProvisionedProductId=project.provisioned,
                ProvisioningArtifactId=project.target,
                ProvisioningParameters=[{"Key": key, "UsePreviousValue": True} for key in kept],
            )["RecordDetail"]
            return Underway(project, record=record["RecordId"])
        own = {key: value for key, value in kept.items() if key not in REQUIRED_PARAMETERS}
        if hidden := [key for key, value in own.items() if value == HIDDEN]:
            raise ToolError(f"nobody is shown the value of {', '.join(hidden)}; update the project in Studio")
        values = [{"Key": key, "Value": value} for key, value in own.items()]
        sagemaker = self._client(project, "sagemaker")
        if project.route is Route.TEMPLATE:
            before = self._stack(project)
            provider = {"TemplateName": project.template_name, "TemplateURL": project.target, "Parameters": values}
            update = [{"CfnTemplateProvider": provider}]
            sagemaker.update_project(ProjectName=project.name, TemplateProvidersToUpdate=update)
            return Underway(project, before=before)
        # Its answer names no record, and the project's status may still be that of the last update.
        last = self._provisioned(project)["LastRecordId"]
        sagemaker.update_project(
            ProjectName=project.name,
            ServiceCatalogProvisioningUpdateDetails={
                "ProvisioningArtifactId": project.target,
                **({"ProvisioningParameters": values} if values else {}),
            },
        )
        return Underway(project, before={"LastRecordId": last})

    def _kept(self, project: Project) -> Mapping[str, str]:
        """Parameters of the stack that the new version still has."""
        offered = self._parameters(project)
        held = {item["ParameterKey"]: item["ParameterValue"] for item in self._stack(project).get("Parameters", ())}
        return {key: value for key, value in held.items() if key in offered}

    def _parameters(self, project: Project) -> Sequence[str]:
        if project.route is Route.TEMPLATE:
            bucket, _, key = project.target.removeprefix("https://").partition("/")
            client = self._client(project, "s3")
            body = client.get_object(Bucket=bucket.partition(".s3.")[0], Key=key)["Body"].read()
            template = read_template(body.decode(), lambda _line, _reason: None)
            return list(template.section("Parameters")) if template else ()
        client = self._client(project, "servicecatalog")
        product = self._provisioned(project)["ProductId"]
        known = client.describe_provisioning_artifact(
            ProductId=product, ProvisioningArtifactId=project.target, IncludeProvisioningArtifactParameters=True
        )
        return [item["ParameterKey"] for item in known["ProvisioningArtifactParameters"]]

    def _stack(self, project: Project) -> Mapping[str, Any]:
        client = self._client(project, "cloudformation")
        found: Mapping[str, Any] = client.describe_stacks(StackName=project.stack)["Stacks"][0]
        return found

    def _provisioned(self, project: Project) -> Mapping[str, Any]:
        client = self._client(project, "servicecatalog")
        found: Mapping[str, Any] = client.describe_provisioned_product(Id=project.provisioned)[
            "ProvisionedProductDetail"
        ]
        return found

    def _look(self, one: Underway) -> str | None:
        """None while AWS updates a project; empty where it is done; else why that has failed."""
        project = one.project
        if project.route is Route.TEMPLATE:
            return self._look_at_stack(one)
        if not one.record:
            now = self._provisioned(project)["LastRecordId"]
            if one.before is not None and now == one.before["LastRecordId"]:
                return None
            one.record = now
        record = self._client(project, "servicecatalog").describe_record(Id=one.record)["RecordDetail"]
        if record["Status"] in _TURNS:
            return None
        if record["Status"] == "SUCCEEDED":
            return self._look_at_project(project) if project.route is Route.SAGEMAKER else ""
        return "; ".join(error["Description"] for error in record.get("RecordErrors", ())) or str(record["Status"])

    def _look_at_project(self, project: Project) -> str | None:
        """SageMaker follows what Service Catalog has done; until then it takes no other update."""
        status = self._client(project, "sagemaker").describe_project(ProjectName=project.name)["ProjectStatus"]
        return None if status.endswith("InProgress") else ""

    def _look_at_stack(self, one: Underway) -> str | None:
        project, stack = one.project, self._stack(one.project)
        status = self._client(project, "sagemaker").describe_project(ProjectName=project.name)["ProjectStatus"]
        begun = one.before is None or stack.get("LastUpdatedTime") != one.before.get("LastUpdatedTime")
        if not begun or stack["StackStatus"].endswith("IN_PROGRESS") or status.endswith("InProgress"):
            return None
        if stack["StackStatus"] == "UPDATE_COMPLETE" and status == "UpdateCompleted":
            return ""
        return f"{status}: {stack.get('StackStatusReason') or stack['StackStatus']}"


def _reason(error: ClientError | ToolError) -> str:
    if isinstance(error, ToolError):
        return str(error)
    told = error.response["Error"]
    return f"{error.operation_name} was answered with {told['Code']}: {told['Message']}"
