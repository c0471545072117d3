"""Amazon MWAA Serverless: requests and answers."""

import json
from collections.abc import Mapping
from typing import Any

import yaml
from moto.core.responses import ActionResult, BaseResponse

from sandbox.emulator.core.callers import Caller, RoleError
from sandbox.emulator.core.errors import ServiceError
from sandbox.emulator.mwaaserverless.models import (
    SERVICE,
    MwaaServerlessBackend,
    Run,
    Version,
    Workflow,
    mwaaserverless_backends,
)

Json = dict[str, Any]


class MwaaServerlessResponse(BaseResponse):
    """One method per operation, as moto dispatches them."""

    def __init__(self) -> None:
        super().__init__(service_name="mwaa-serverless")

    @property
    def backend(self) -> MwaaServerlessBackend:
        """The backend of the request's account and region."""
        return mwaaserverless_backends[self.current_account][self.region]

    def create_workflow(self) -> ActionResult:
        """CreateWorkflow."""
        request, caller = json.loads(self.body), Caller.of(self)
        self._require(caller, "CreateWorkflow", "*", **_tag_keys("aws:RequestTag", request.get("Tags") or {}))
        made = self.backend.create(request, self._definition(caller, request))
        return ActionResult(
            {
                "WorkflowArn": made.arn,
                "CreatedAt": made.created,
                "WorkflowStatus": "READY",
                "WorkflowVersion": made.latest.id,
                "IsLatestVersion": True,
            }
        )

    def update_workflow(self) -> ActionResult:
        """UpdateWorkflow: another version, whatever is in it."""
        request, caller = json.loads(self.body), Caller.of(self)
        workflow = self._workflow("UpdateWorkflow")
        version = self.backend.add_version(workflow, request, self._definition(caller, request))
        return ActionResult({"WorkflowArn": workflow.arn, "WorkflowVersion": version.id})

    def get_workflow(self) -> ActionResult:
        """GetWorkflow."""
        workflow = self._workflow("GetWorkflow")
        version = self._version(workflow)
        shown = ("DefinitionS3Location", "RoleArn", "Description", "LoggingConfiguration", "NetworkConfiguration")
        told: Json = {key: version.request[key] for key in shown if key in version.request}
        return ActionResult(
            {
                "WorkflowArn": workflow.arn,
                "WorkflowVersion": version.id,
                "Name": workflow.name,
                "CreatedAt": workflow.created,
                "WorkflowStatus": "READY",
                **told,
            }
        )

    def list_workflows(self) -> ActionResult:
        """ListWorkflows."""
        self._require(Caller.of(self), "ListWorkflows", "*")
        found = [
            {"WorkflowArn": one.arn, "WorkflowVersion": one.latest.id, "Name": one.name, "WorkflowStatus": "READY"}
            for one in self.backend.workflows.values()
        ]
        return ActionResult({"Workflows": found})

    def delete_workflow(self) -> ActionResult:
        """DeleteWorkflow, with its runs."""
        workflow = self._workflow("DeleteWorkflow")
        for run in workflow.runs.values():
            run.stop()
        del self.backend.workflows[workflow.arn]
        return ActionResult({"WorkflowArn": workflow.arn})

    def start_workflow_run(self) -> ActionResult:
        """StartWorkflowRun, of the last version."""
        workflow = self._workflow("StartWorkflowRun")
        run = Run(Caller.of(self), workflow, self._get_param("OverrideParameters") or {})
        workflow.runs[run.id] = run
        run.start()
        return ActionResult({"RunId": run.id, "Status": "STARTING", "StartedAt": run.started})

    def stop_workflow_run(self) -> ActionResult:
        """StopWorkflowRun."""
        run = self._run("StopWorkflowRun")
        run.stop()
        return ActionResult({"WorkflowArn": run.workflow.arn, "RunId": run.id, "Status": run.status})

    def get_workflow_run(self) -> ActionResult:
        """GetWorkflowRun."""
        run = self._run("GetWorkflowRun")
        detail = {
            "RunState": run.status,
            "StartedOn": run.started,
            "CreatedAt": run.started,
            "ErrorMessage": run.error[:255],
            "TaskInstances": [_task_id(run, one) for one in run.tasks],
        }
        return ActionResult(_run(run) | {"OverrideParameters": run.parameters, "RunDetail": _run(run) | detail})

    def list_workflow_runs(self) -> ActionResult:
        """ListWorkflowRuns, the newest first."""
        workflow, version = self._workflow("ListWorkflowRuns"), self._get_param("WorkflowVersion")
        found = [
            _run(run) | {"RunDetailSummary": {"Status": run.status, "CreatedOn": run.started, "StartedAt": run.started}}
            for run in reversed(workflow.runs.values())
            if version in {None, run.version.id}
        ]
        return ActionResult({"WorkflowRuns": found})

    def list_task_instances(self) -> ActionResult:
        """ListTaskInstances, once the run has ended."""
        run = self._run("ListTaskInstances")
        found = [
            _run(run)
            | {"TaskInstanceId": _task_id(run, one), "Status": one["Status"], "OperatorName": one["OperatorName"]}
            for one in run.tasks
        ]
        return ActionResult({"TaskInstances": found})

    def get_task_instance(self) -> ActionResult:
        """GetTaskInstance."""
        run, identity = self._run("GetTaskInstance"), self._get_param("TaskInstanceId")
        for one in run.tasks:
            if _task_id(run, one) == identity:
                told = {**one, "ErrorMessage": one["ErrorMessage"][:255], "AttemptNumber": 1, "LogStream": run.id}
                return ActionResult(_run(run) | {"TaskInstanceId": identity, **{k: v for k, v in told.items() if v}})
        raise ServiceError("ResourceNotFoundException", f"Task instance {identity} of run {run.id} not found")

    def _workflow(self, operation: str) -> Workflow:
        found = self.backend.get(self._get_param("WorkflowArn"))
        self._require(Caller.of(self), operation, found.arn, **_tag_keys("aws:ResourceTag", found.tags))
        return found

    def _run(self, operation: str) -> Run:
        return self.backend.run(self._workflow(operation).arn, self._get_param("RunId"))

    def _version(self, workflow: Workflow) -> Version:
        wanted = self._get_param("WorkflowVersion")
        for version in reversed(workflow.versions):
            if wanted in {None, version.id}:
                return version
        raise ServiceError("ResourceNotFoundException", f"Version {wanted} of workflow {workflow.arn} not found")

    def _definition(self, caller: Caller, request: Json) -> str:
        """The YAML, which the workflow's role has to be able to read; refused where it is no workflow."""
        place, role_arn = request["DefinitionS3Location"], request["RoleArn"]
        try:
            caller.require("iam:PassRole", role_arn, iam__PassedToService=SERVICE)
            role = caller.root().assume(role_arn, SERVICE, "airflow")
            role.require("s3:GetObject", f"arn:{role.partition}:s3:::{place['Bucket']}/{place['ObjectKey']}")
        except RoleError as error:
            raise ServiceError("AccessDeniedException", str(error)) from error
        body = caller.root().client("s3").get_object(Bucket=place["Bucket"], Key=place["ObjectKey"])["Body"].read()
        text: str = body.decode()
        try:
            tasks = [one["tasks"] for one in yaml.safe_load(text).values()]
        except (yaml.YAMLError, AttributeError, KeyError, TypeError):
            tasks = []
        if not tasks or not all(tasks):
            raise ServiceError("ValidationException", "The workflow definition is no workflow with tasks.")
        return text

    @staticmethod
    def _require(caller: Caller, operation: str, arn: str, **keys: str) -> None:
        try:
            caller.require(f"airflow-serverless:{operation}", arn, **keys)
        except RoleError as error:
            raise ServiceError("AccessDeniedException", str(error)) from error


def _tag_keys(kind: str, tags: Mapping[str, str]) -> dict[str, str]:
    return {f"{kind}/{key}".replace(":", "__"): value for key, value in tags.items()}


def _run(run: Run) -> Json:
    found: Json = {"WorkflowArn": run.workflow.arn, "WorkflowVersion": run.version.id, "RunId": run.id}
    return found


def _task_id(run: Run, task: Json) -> str:
    return f"{run.id}-{task['TaskId']}"
