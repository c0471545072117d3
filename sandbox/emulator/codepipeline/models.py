"""AWS CodePipeline: pipelines as AWS takes and runs them."""

from collections.abc import Iterable, Mapping
from typing import Any

from moto.codepipeline.exceptions import (
    InvalidStructureException,
    PipelineExecutionNotFoundException,
    PipelineNotFoundException,
)
from moto.codepipeline.models import CodePipeline
from moto.codepipeline.models import CodePipelineBackend as MotoBackend
from moto.iam.exceptions import NotFoundException

from sandbox.emulator.codepipeline import actions
from sandbox.emulator.codepipeline.executions import FINAL, Execution, PipelineState, StageExecution
from sandbox.emulator.core import callers
from sandbox.emulator.core.authorization import trusts
from sandbox.emulator.core.callers import Caller
from sandbox.emulator.core.errors import ServiceError

PRINCIPAL = "codepipeline.amazonaws.com"
DEFAULTS = {"pipelineType": "V1", "executionMode": "SUPERSEDED"}


class CodePipelineBackend(MotoBackend):
    """The pipelines of one account and region, and their executions."""

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.states: dict[str, PipelineState] = {}

    def reset(self) -> None:
        """Forget all pipelines, and end what runs."""
        for state in self.states.values():
            state.close()
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
        self.states[name] = PipelineState(made.metadata["pipelineArn"])
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
        if state := self.states.pop(name, None):
            state.close()

    def state(self, name: str) -> PipelineState:
        """Return a pipeline's executions."""
        if name not in self.states:
            raise PipelineNotFoundException(f"Account '{self.account_id}' does not have a pipeline with name '{name}'")
        return self.states[name]

    def execution(self, name: str, identity: str) -> Execution:
        """Return one execution of a pipeline."""
        found = self.state(name).executions.get(identity)
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
        state = self.state(name)
        pipeline = self.pipelines[name].pipeline
        values = {one["name"]: one.get("defaultValue") for one in pipeline.get("variables") or []}
        for given in variables:
            if given["name"] not in values:
                raise ServiceError("ValidationException", f"The pipeline declares no variable {given['name']}.")
            values[given["name"]] = given["value"]
        if missing := [variable for variable, value in values.items() if value is None]:
            raise ServiceError("ValidationException", f"The pipeline's variables {missing} have no value.")
        execution = Execution(
            state,
            pipeline,
            caller.in_region(self.region_name),
            variables={variable: value for variable, value in values.items() if value is not None},
            trigger=trigger,
            revisions={one["actionName"]: one["revisionValue"] for one in revisions},
            act=actions.act,
            judge=actions.judge,
        )
        with state.changed:
            state.executions[execution.id] = execution
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
        state = self.state(name)
        with state.changed:
            found = [
                run
                for execution in state.executions.values()
                for run in execution.history
                if (run.stage, run.name, run.token) == (stage, action, token)
            ]
            if not token or not found:
                raise ServiceError("InvalidApprovalTokenException", "The token is not that of an approval that waits.")
            if found[0].answer:
                raise ServiceError("ApprovalAlreadyCompletedException", f"{action} has been answered already.")
            found[0].answer, found[0].updated_by = result, who
            state.changed.notify_all()

    def answer(self, job: str, result: dict[str, Any]) -> None:
        """Take the result of a job that a function works on."""
        for state in self.states.values():
            if job in state.jobs:
                state.jobs[job] = result
                return
        raise ServiceError("JobNotFoundException", f"There is no job {job}.")

    def _latest(self, name: str, stage: str) -> StageExecution:
        self.state(name)
        if stage not in [one["name"] for one in self.pipelines[name].pipeline["stages"]]:
            raise ServiceError("StageNotFoundException", f"The pipeline has no stage {stage}.")
        run = self.states[name].latest.get(stage)
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
