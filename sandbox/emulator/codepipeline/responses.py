"""AWS CodePipeline: requests on pipelines and executions, and how AWS describes them."""

import json
from typing import Any

from moto.codepipeline.responses import CodePipelineResponse as MotoResponse
from moto.core.common_types import TYPE_RESPONSE
from moto.core.utils import unix_time

from sandbox.emulator.codepipeline.executions import FINAL, ActionExecution, Artifact, Execution, PipelineState
from sandbox.emulator.codepipeline.models import CodePipelineBackend
from sandbox.emulator.core import callers
from sandbox.emulator.core.callers import RoleError
from sandbox.emulator.core.errors import ServiceError


class CodePipelineResponse(MotoResponse):
    """moto's operations on pipelines, and those on their executions."""

    def call_action(self) -> TYPE_RESPONSE:
        """Answer, remembering who asks."""
        with callers.calling(self):
            return super().call_action()

    @property
    def backend(self) -> CodePipelineBackend:
        """The backend of the request's account and region."""
        found = self.codepipeline_backend
        assert isinstance(found, CodePipelineBackend)  # noqa: S101 - install put it there
        return found

    def start_pipeline_execution(self) -> str:
        """StartPipelineExecution."""
        trigger = {"triggerType": "StartPipelineExecution", "triggerDetail": callers.current().principal}
        variables, revisions = self._get_param("variables", []), self._get_param("sourceRevisions", [])
        started = self.backend.start(callers.current(), self._get_param("name"), variables, revisions, trigger)
        return json.dumps({"pipelineExecutionId": started})

    def stop_pipeline_execution(self) -> str:
        """StopPipelineExecution."""
        identity, abandon = self._get_param("pipelineExecutionId"), bool(self._get_param("abandon"))
        execution = self.backend.execution(self._get_param("pipelineName"), identity)
        if execution.status in FINAL:
            raise ServiceError("PipelineExecutionNotStoppableException", f"{identity} is {execution.status}.")
        if execution.stop_reason is not None and not abandon:
            raise ServiceError("DuplicatedStopRequestException", f"{identity} is stopping already.")
        execution.stop(self._get_param("reason", ""), abandon=abandon)
        return json.dumps({"pipelineExecutionId": identity})

    def retry_stage_execution(self) -> str:
        """RetryStageExecution."""
        identity = self._get_param("pipelineExecutionId")
        names = self._get_param("pipelineName"), self._get_param("stageName")
        self.backend.retry(*names, identity, self._get_param("retryMode"))
        return json.dumps({"pipelineExecutionId": identity})

    def rollback_stage(self) -> str:
        """RollbackStage."""
        names = self._get_param("pipelineName"), self._get_param("stageName")
        made = self.backend.roll_back(*names, self._get_param("targetPipelineExecutionId"))
        return json.dumps({"pipelineExecutionId": made})

    def put_approval_result(self) -> str:
        """PutApprovalResult."""
        pipeline, stage, action = (self._get_param(name) for name in ("pipelineName", "stageName", "actionName"))
        token, result = self._get_param("token"), self._get_param("result")
        self.backend.approve(pipeline, stage, action, token, result, callers.current().principal)
        return json.dumps({"approvedAt": unix_time()})

    def put_job_success_result(self) -> str:
        """PutJobSuccessResult."""
        return self._answer("PutJobSuccessResult")

    def put_job_failure_result(self) -> str:
        """PutJobFailureResult."""
        return self._answer("PutJobFailureResult")

    def _answer(self, operation: str) -> str:
        try:
            callers.current().require(f"codepipeline:{operation}", "*")
        except RoleError as error:
            raise ServiceError("AccessDeniedException", str(error)) from None
        given = {key: self._get_param(key) for key in ("outputVariables", "failureDetails")}
        self.backend.answer(self._get_param("jobId"), {"operation": operation, **given})
        return ""

    def disable_stage_transition(self) -> str:
        """DisableStageTransition."""
        return self._transition({"disabledReason": self._get_param("reason"), "lastChangedAt": unix_time()})

    def enable_stage_transition(self) -> str:
        """EnableStageTransition."""
        return self._transition(None)

    def _transition(self, closed: dict[str, Any] | None) -> str:
        state, stage = self.backend.state(self._get_param("pipelineName")), self._get_param("stageName")
        with state.changed:
            state.closed.pop(stage, None)
            if closed:
                state.closed[stage] = closed
            state.changed.notify_all()
        return ""

    def get_pipeline_execution(self) -> str:
        """GetPipelineExecution."""
        name, identity = self._get_param("pipelineName"), self._get_param("pipelineExecutionId")
        execution = self.backend.execution(name, identity)
        told = {
            **_summary(execution),
            "pipelineName": name,
            "pipelineVersion": execution.declaration["version"],
            "artifactRevisions": list(execution.revisions.values()),
            "variables": [
                {"name": variable, "resolvedValue": value}
                for variable, value in execution.namespaces["variables"].items()
            ],
        }
        return json.dumps({"pipelineExecution": told})

    def list_pipeline_executions(self) -> str:
        """ListPipelineExecutions, the newest first."""
        found = list(reversed(self.backend.state(self._get_param("pipelineName")).executions.values()))
        if passed := (self._get_param("filter") or {}).get("succeededInStage"):
            found = [execution for execution in found if execution.passed(passed["stageName"])]
        limit = self._get_param("maxResults", 100)
        return json.dumps({"pipelineExecutionSummaries": [_summary(execution) for execution in found[:limit]]})

    def list_action_executions(self) -> str:
        """ListActionExecutions, the newest first."""
        return json.dumps({"actionExecutionDetails": self._history("history", _action_detail)})

    def list_rule_executions(self) -> str:
        """ListRuleExecutions, the newest first."""
        return json.dumps({"ruleExecutionDetails": self._history("rule_history", _rule_detail)})

    def _history(self, which: str, describe: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - one of the two below
        wanted = (self._get_param("filter") or {}).get("pipelineExecutionId")
        executions = self.backend.state(self._get_param("pipelineName")).executions.values()
        found = [
            (run, execution)
            for execution in executions
            if wanted in (None, execution.id)
            for run in list(getattr(execution, which))
        ]
        return [describe(*one) for one in sorted(found, key=lambda one: one[0].started, reverse=True)]

    def get_pipeline_state(self) -> str:
        """GetPipelineState."""
        name = self._get_param("name")
        pipeline, metadata = self.backend.get_pipeline(name)
        state = self.backend.state(name)
        with state.changed:
            states = [_stage_state(state, stage) for stage in pipeline["stages"]]
        return json.dumps(
            {
                "pipelineName": pipeline["name"],
                "pipelineVersion": pipeline["version"],
                "stageStates": states,
                "created": metadata["created"],
                "updated": metadata["updated"],
            }
        )

    def list_pipelines(self) -> str:
        """ListPipelines."""
        backend = self.backend
        fields = ("pipelineType", "executionMode")
        found = [
            {**summary, **{field: backend.pipelines[summary["name"]].pipeline[field] for field in fields}}
            for summary in backend.list_pipelines()
        ]
        return json.dumps({"pipelines": found})


def _summary(execution: Execution) -> dict[str, Any]:
    revisions = [
        {"actionName": action, "revisionId": one["revisionId"], "revisionSummary": one["revisionSummary"]}
        for action, one in execution.revisions.items()
    ]
    target = execution.rolled_back_to
    return {
        "pipelineExecutionId": execution.id,
        "status": execution.status,
        "statusSummary": execution.summary,
        "startTime": execution.started,
        "lastUpdateTime": execution.updated,
        "sourceRevisions": revisions,
        "trigger": execution.trigger,
        "executionMode": execution.mode,
        "executionType": execution.kind,
        **({"rollbackMetadata": {"rollbackTargetPipelineExecutionId": target.id}} if target else {}),
        **({"stopTrigger": {"reason": execution.stop_reason}} if execution.stop_reason else {}),
    }


def _stage_state(state: PipelineState, stage: dict[str, Any]) -> dict[str, Any]:
    name = stage["name"]
    closed, waiting, run = state.closed.get(name), state.waiting.get(name) or [], state.latest.get(name)
    described: dict[str, Any] = {
        "stageName": name,
        "inboundTransitionState": {"enabled": closed is None, **(closed or {})},
        "inboundExecutions": [_in_stage(execution, "InProgress") for execution in waiting],
        "actionStates": [_action_state(state, name, action) for action in stage["actions"]],
    }
    if waiting:
        described["inboundExecution"] = described["inboundExecutions"][-1]
    if run is None:
        return described
    described["latestExecution"] = _in_stage(run.execution, run.status)
    if run.rules:
        failed = any(rule.status == "Failed" for rule in run.rules)
        outcome = {"latestExecution": {"status": "Failed" if failed else "Succeeded"}}
        rules = [{"ruleName": rule.name, "latestExecution": _rule_state(rule)} for rule in run.rules]
        described["beforeEntryConditionState"] = {**outcome, "conditionStates": [{**outcome, "ruleStates": rules}]}
    if run.automatic_retries or run.manual_retries:
        described["retryStageMetadata"] = {
            "autoStageRetryAttempt": run.automatic_retries,
            "manualStageRetryAttempt": run.manual_retries,
            "latestRetryTrigger": "ManualStageRetry" if run.manual_retries else "AutomatedStageRetry",
        }
    return described


def _in_stage(execution: Execution, status: str) -> dict[str, str]:
    return {"pipelineExecutionId": execution.id, "status": status, "type": execution.kind}


def _action_state(state: PipelineState, stage: str, action: dict[str, Any]) -> dict[str, Any]:
    runs = [
        run
        for execution in state.executions.values()
        for run in execution.history
        if (run.stage, run.name) == (stage, action["name"])
    ]
    if not runs:
        return {"actionName": action["name"]}
    run = max(runs, key=lambda one: one.started)
    token = "" if run.answer else run.token  # CodePipeline tells the tokens of open approvals only
    latest = {
        "actionExecutionId": run.id,
        "status": run.status,
        "lastStatusChange": run.updated,
        **{key: value for key, value in (("token", token), ("lastUpdatedBy", run.updated_by)) if value},
        **({"summary": run.summary} if run.summary else {}),
        **{key: value for key, value in run.result().items() if key != "externalExecutionSummary"},
    }
    return {"actionName": run.name, "latestExecution": latest}


def _rule_state(rule: ActionExecution) -> dict[str, Any]:
    return {"ruleExecutionId": rule.id, "status": rule.status, "lastStatusChange": rule.updated, **rule.result()}


def _detail(run: ActionExecution, execution: Execution) -> dict[str, Any]:
    return {
        "pipelineExecutionId": execution.id,
        "pipelineVersion": execution.declaration["version"],
        "stageName": run.stage,
        "startTime": run.started,
        "lastUpdateTime": run.updated,
        "status": run.status,
        "updatedBy": run.updated_by,
        "input": {
            "configuration": run.declaration.get("configuration") or {},
            "resolvedConfiguration": run.configuration,
            "roleArn": run.role,
            "region": run.region,
            "inputArtifacts": _places(run.inputs, run.region),
        },
        "output": {"executionResult": run.result()},
    }


def _action_detail(run: ActionExecution, execution: Execution) -> dict[str, Any]:
    found = {**_detail(run, execution), "actionExecutionId": run.id, "actionName": run.name}
    found["input"]["actionTypeId"] = run.declaration["actionTypeId"]
    if namespace := run.declaration.get("namespace"):
        found["input"]["namespace"] = namespace
    found["output"] |= {"outputArtifacts": _places(run.outputs, run.region), "outputVariables": run.variables}
    return found


def _rule_detail(run: ActionExecution, execution: Execution) -> dict[str, Any]:
    found = {**_detail(run, execution), "ruleExecutionId": run.id, "ruleName": run.name}
    found["input"]["ruleTypeId"] = run.declaration["ruleTypeId"]
    return found


def _places(artifacts: list[Artifact], region: str) -> list[dict[str, Any]]:
    placed = [(artifact.name, artifact.places[region]) for artifact in artifacts if region in artifact.places]
    return [{"name": name, "s3location": {"bucket": bucket, "key": key}} for name, (bucket, key) in placed]
