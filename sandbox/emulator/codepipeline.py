"""AWS CodePipeline: pipelines as AWS takes, runs and describes them."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from moto.codepipeline import urls as moto_urls
from moto.codepipeline.exceptions import (
    InvalidStructureException,
    PipelineExecutionNotFoundException,
    PipelineNotFoundException,
)
from moto.codepipeline.models import CodePipeline, codepipeline_backends
from moto.codepipeline.models import CodePipelineBackend as MotoBackend
from moto.codepipeline.responses import CodePipelineResponse as MotoResponse
from moto.core.common_types import TYPE_RESPONSE
from moto.core.utils import unix_time
from moto.iam.exceptions import NotFoundException

from sandbox.emulator import callers, pipeline_actions
from sandbox.emulator.callers import Caller, trusts
from sandbox.emulator.errors import ServiceError
from sandbox.emulator.extension import OneModule, replace_backend
from sandbox.emulator.pipeline_runs import FINAL, ActionRun, Artifact, Execution, Line, StageRun

PRINCIPAL = "codepipeline.amazonaws.com"
DEFAULTS = {"pipelineType": "V1", "executionMode": "SUPERSEDED"}


class CodePipelineBackend(OneModule, MotoBackend):
    """The pipelines of one account and region, and their executions."""

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.lines: dict[str, Line] = {}

    def reset(self) -> None:
        """Forget all pipelines, and end what runs."""
        for line in self.lines.values():
            line.close()
        super().reset()

    def create_pipeline(
        self, pipeline: dict[str, Any], tags: list[dict[str, str]] | None
    ) -> tuple[dict[str, Any], list[dict[str, str]]]:
        """Make a pipeline."""
        name = pipeline["name"]
        if name in self.pipelines:
            raise InvalidStructureException(
                f"A pipeline with the name '{name}' already exists in account '{self.account_id}'"
            )
        self._check(pipeline)
        made = CodePipeline(self.account_id, self.region_name, {**DEFAULTS, **pipeline})
        made.validate_tags(tags or [])
        made.tags = {tag["key"]: tag["value"] for tag in tags or []}
        self.pipelines[name] = made
        self.lines[name] = Line(made.metadata["pipelineArn"])
        self.start(callers.current(), name, [], [], {"triggerType": "CreatePipeline", "triggerDetail": ""})
        return made.pipeline, sorted(tags or [], key=lambda tag: tag["key"])

    def update_pipeline(self, pipeline: dict[str, Any]) -> dict[str, Any]:
        """Change a pipeline; what is left out gets its default."""
        self.get_pipeline(pipeline["name"])
        self._check(pipeline)
        return super().update_pipeline({**DEFAULTS, **pipeline})

    def delete_pipeline(self, name: str) -> None:
        """Remove a pipeline, and end what runs of it."""
        super().delete_pipeline(name)
        if line := self.lines.pop(name, None):
            line.close()

    def line(self, name: str) -> Line:
        """Return a pipeline's executions."""
        if name not in self.lines:
            raise PipelineNotFoundException(f"Account '{self.account_id}' does not have a pipeline with name '{name}'")
        return self.lines[name]

    def execution(self, name: str, identity: str) -> Execution:
        """Return one execution of a pipeline."""
        found = self.line(name).executions.get(identity)
        if found is None:
            raise PipelineExecutionNotFoundException(
                f"Account '{self.account_id}' does not have an execution with id '{identity}' for pipeline '{name}'"
            )
        return found

    def start(
        self,
        caller: Caller,
        name: str,
        variables: Iterable[Mapping[str, str]],
        revisions: Iterable[Mapping[str, str]],
        trigger: dict[str, str],
    ) -> str:
        """Start an execution; its id."""
        line = self.line(name)
        pipeline = self.pipelines[name].pipeline
        values = {one["name"]: one.get("defaultValue") for one in pipeline.get("variables") or []}
        for given in variables:
            if given["name"] not in values:
                raise ServiceError("ValidationException", f"The pipeline declares no variable {given['name']}.")
            values[given["name"]] = given["value"]
        if missing := [variable for variable, value in values.items() if value is None]:
            raise ServiceError("ValidationException", f"The pipeline's variables {missing} have no value.")
        execution = Execution(
            line,
            pipeline,
            caller.in_region(self.region_name),
            variables={variable: value for variable, value in values.items() if value is not None},
            trigger=trigger,
            revisions={one["actionName"]: one["revisionValue"] for one in revisions},
            act=pipeline_actions.act,
            judge=pipeline_actions.judge,
        )
        with line.changed:
            line.executions[execution.id] = execution
            execution.start(pipeline["stages"][0]["name"])
        return execution.id

    def retry(self, name: str, stage: str, identity: str, mode: str) -> None:
        """Run a stage that failed, and what follows it, once more."""
        execution, run = self.execution(name, identity), self._latest(name, stage)
        if run.execution is not execution:
            raise ServiceError("NotLatestPipelineExecutionException", f"{identity} was not the last one in {stage}.")
        if run.status not in ("Failed", "Stopped") or execution.status not in FINAL:
            raise ServiceError("StageNotRetryableException", f"Stage {stage} of {identity} is {run.status}.")
        if execution.declaration["version"] != self.pipelines[name].pipeline["version"]:
            raise ServiceError("StageNotRetryableException", "The structure of the pipeline has changed since.")
        execution.stop_reason, execution.abandoned = None, False
        execution.start(stage, resumed=run, retry_mode=mode)

    def roll_back(self, name: str, stage: str, identity: str) -> str:
        """Run a stage as a former execution ran it; the id of the execution that does so."""
        target, run = self.execution(name, identity), self._latest(name, stage)
        if target.kind == "ROLLBACK" or not target.passed(stage):
            raise ServiceError("UnableToRollbackStageException", f"{identity} has not succeeded in {stage}.")
        if target.declaration["version"] != self.pipelines[name].pipeline["version"]:
            raise ServiceError("PipelineExecutionOutdatedException", "The pipeline's structure has changed since.")
        made = run.execution.sibling(target, {"triggerType": "ManualRollback", "triggerDetail": identity})
        made.start(stage)
        return made.id

    def approve(self, name: str, stage: str, action: str, token: str, result: dict[str, str], who: str) -> None:
        """Answer an approval that waits."""
        line = self.line(name)
        with line.changed:
            found = [
                run
                for execution in line.executions.values()
                for run in execution.history
                if (run.stage, run.name, run.token) == (stage, action, token)
            ]
            if not token or not found:
                raise ServiceError("InvalidApprovalTokenException", "The token is not that of an approval that waits.")
            if found[0].answer:
                raise ServiceError("ApprovalAlreadyCompletedException", f"{action} has been answered already.")
            found[0].answer, found[0].updated_by = result, who
            line.changed.notify_all()

    def _latest(self, name: str, stage: str) -> StageRun:
        self.line(name)
        if stage not in [one["name"] for one in self.pipelines[name].pipeline["stages"]]:
            raise ServiceError("StageNotFoundException", f"The pipeline has no stage {stage}.")
        run = self.lines[name].latest.get(stage)
        if run is None:
            raise ServiceError("StageNotRetryableException", f"Stage {stage} has not run yet.")
        return run

    def _check(self, pipeline: dict[str, Any]) -> None:
        try:
            trusted = trusts(
                self.iam_backend.get_role_by_arn(pipeline["roleArn"]).assume_role_policy_document, PRINCIPAL
            )
        except NotFoundException:
            trusted = False
        if not trusted:
            raise InvalidStructureException(
                f"CodePipeline is not authorized to perform AssumeRole on role {pipeline['roleArn']}"
            )
        if len(pipeline["stages"]) < 2:
            raise InvalidStructureException(
                f"Pipeline has only {len(pipeline['stages'])} stage(s). "
                "There should be a minimum of 2 stages in a pipeline"
            )
        if ("artifactStore" in pipeline) is ("artifactStores" in pipeline):
            raise InvalidStructureException("A pipeline has either artifactStore or artifactStores")
        self._check_names(pipeline)

    @staticmethod
    def _check_names(pipeline: dict[str, Any]) -> None:
        produced: set[str] = set()
        for stage in pipeline["stages"]:
            names = [action["name"] for action in stage["actions"]]
            if len(set(names)) != len(names):
                raise InvalidStructureException(f"Stage {stage['name']} has two actions of the same name: {names}")
            outputs = {one["name"] for action in stage["actions"] for one in action.get("outputArtifacts", [])}
            for action in stage["actions"]:
                missing = {one["name"] for one in action.get("inputArtifacts", [])} - produced - outputs
                if missing:
                    raise InvalidStructureException(
                        f"Input Artifact Bundle {min(missing)} in action {action['name']} is not declared as "
                        "Output Artifact Bundle in any of the preceding actions"
                    )
            produced |= outputs


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

    def disable_stage_transition(self) -> str:
        """DisableStageTransition."""
        return self._transition({"disabledReason": self._get_param("reason"), "lastChangedAt": unix_time()})

    def enable_stage_transition(self) -> str:
        """EnableStageTransition."""
        return self._transition(None)

    def _transition(self, closed: dict[str, Any] | None) -> str:
        line, stage = self.backend.line(self._get_param("pipelineName")), self._get_param("stageName")
        with line.changed:
            line.closed.pop(stage, None)
            if closed:
                line.closed[stage] = closed
            line.changed.notify_all()
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
        found = list(reversed(self.backend.line(self._get_param("pipelineName")).executions.values()))
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
        executions = self.backend.line(self._get_param("pipelineName")).executions.values()
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
        line = self.backend.line(name)
        with line.changed:
            states = [_stage_state(line, stage) for stage in pipeline["stages"]]
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


def _stage_state(line: Line, stage: dict[str, Any]) -> dict[str, Any]:
    name = stage["name"]
    closed, waiting, run = line.closed.get(name), line.waiting.get(name) or [], line.latest.get(name)
    state: dict[str, Any] = {
        "stageName": name,
        "inboundTransitionState": {"enabled": closed is None, **(closed or {})},
        "inboundExecutions": [_in_stage(execution, "InProgress") for execution in waiting],
        "actionStates": [_action_state(line, name, action) for action in stage["actions"]],
    }
    if waiting:
        state["inboundExecution"] = state["inboundExecutions"][-1]
    if run is None:
        return state
    state["latestExecution"] = _in_stage(run.execution, run.status)
    if run.rules:
        failed = any(rule.status == "Failed" for rule in run.rules)
        outcome = {"latestExecution": {"status": "Failed" if failed else "Succeeded"}}
        rules = [{"ruleName": rule.name, "latestExecution": _rule_state(rule)} for rule in run.rules]
        state["beforeEntryConditionState"] = {**outcome, "conditionStates": [{**outcome, "ruleStates": rules}]}
    if run.automatic_retries or run.manual_retries:
        state["retryStageMetadata"] = {
            "autoStageRetryAttempt": run.automatic_retries,
            "manualStageRetryAttempt": run.manual_retries,
            "latestRetryTrigger": "ManualStageRetry" if run.manual_retries else "AutomatedStageRetry",
        }
    return state


def _in_stage(execution: Execution, status: str) -> dict[str, str]:
    return {"pipelineExecutionId": execution.id, "status": status, "type": execution.kind}


def _action_state(line: Line, stage: str, action: dict[str, Any]) -> dict[str, Any]:
    runs = [
        run
        for execution in line.executions.values()
        for run in execution.history
        if (run.stage, run.name) == (stage, action["name"])
    ]
    if not runs:
        return {"actionName": action["name"]}
    run = max(runs, key=lambda one: one.started)
    latest = {
        "actionExecutionId": run.id,
        "status": run.status,
        "lastStatusChange": run.updated,
        **{key: value for key, value in (("token", run.token), ("lastUpdatedBy", run.updated_by)) if value},
        **({"summary": run.summary} if run.summary else {}),
        **{key: value for key, value in run.result().items() if key != "externalExecutionSummary"},
    }
    return {"actionName": run.name, "latestExecution": latest}


def _rule_state(rule: ActionRun) -> dict[str, Any]:
    return {"ruleExecutionId": rule.id, "status": rule.status, "lastStatusChange": rule.updated, **rule.result()}


def _detail(run: ActionRun, execution: Execution) -> dict[str, Any]:
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


def _action_detail(run: ActionRun, execution: Execution) -> dict[str, Any]:
    found = {**_detail(run, execution), "actionExecutionId": run.id, "actionName": run.name}
    found["input"]["actionTypeId"] = run.declaration["actionTypeId"]
    if namespace := run.declaration.get("namespace"):
        found["input"]["namespace"] = namespace
    found["output"] |= {"outputArtifacts": _places(run.outputs, run.region), "outputVariables": run.variables}
    return found


def _rule_detail(run: ActionRun, execution: Execution) -> dict[str, Any]:
    found = {**_detail(run, execution), "ruleExecutionId": run.id, "ruleName": run.name}
    found["input"]["ruleTypeId"] = run.declaration["ruleTypeId"]
    return found


def _places(artifacts: list[Artifact], region: str) -> list[dict[str, Any]]:
    placed = [(artifact.name, artifact.places[region]) for artifact in artifacts if region in artifact.places]
    return [{"name": name, "s3location": {"bucket": bucket, "key": key}} for name, (bucket, key) in placed]


url_bases = moto_urls.url_bases
url_paths = {"{0}/$": CodePipelineResponse.dispatch}


def install() -> None:
    """Put this module in the place of moto's."""
    replace_backend(codepipeline_backends, CodePipelineBackend)
