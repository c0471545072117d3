"""How a pipeline runs: executions go through its stages, one thread each, under the rules of its execution mode.

The rules are those of "How pipeline executions work" and "How stage conditions work" in AWS's user guide. What a single
action does is in `pipeline_actions`.
"""

import copy
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from moto.core.utils import unix_time
from moto.moto_api._internal import mock_random

from sandbox.emulator.core.callers import Caller, RoleError
from sandbox.emulator.events.models import notify, publish, timestamp

Json = dict[str, Any]

SERVICE = "codepipeline.amazonaws.com"
SOURCE = "aws.codepipeline"
FINAL = ("Succeeded", "Failed", "Stopped", "Superseded", "Cancelled")
_VARIABLE = re.compile(r"#\{([\w@-]+)\.([\w@.-]+)\}")


class ActionError(Exception):
    """An action or a rule failed; the text is what CodePipeline tells of it."""

    def __init__(self, message: str, code: str = "JobFailed") -> None:
        super().__init__(message)
        self.code = code


@dataclass
class Artifact:
    """What an action hands on: a zip in the artifact store of each region that has needed it."""

    name: str
    places: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Bucket and key, by region."""


@dataclass
class ActionExecution:
    """One run of an action, or of a rule."""

    stage: str
    declaration: Json
    role: str
    region: str
    id: str = field(default_factory=lambda: str(mock_random.uuid4()))
    status: str = "InProgress"
    started: float = field(default_factory=unix_time)
    updated: float = field(default_factory=unix_time)
    updated_by: str = ""
    summary: str = ""
    error: ActionError | None = None
    external_id: str = ""
    token: str = ""
    """An approval's, while it waits for a person."""
    answer: Json | None = None
    """What the person said."""
    configuration: dict[str, str] = field(default_factory=dict)
    """With its variables filled in."""
    inputs: list[Artifact] = field(default_factory=list)
    outputs: list[Artifact] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)
    cancel: Callable[[], object] = lambda: None
    """Ends what runs outside, where somebody abandons the action."""

    @property
    def name(self) -> str:
        """The action's name."""
        return str(self.declaration["name"])

    def place(self) -> dict[str, str]:
        """Where its work can be looked at, as events tell it; nothing where it has worked nowhere else."""
        if not self.external_id:
            return {}
        provider = self.declaration["actionTypeId"]["provider"].lower()
        url = f"https://console.aws.amazon.com/{provider}/home?region={self.region}#{self.external_id}"
        return {"external-execution-id": self.external_id, "external-execution-url": url}

    def result(self) -> Json:
        """What it came to, as the API tells it."""
        told = {"externalExecutionId": self.external_id, "externalExecutionSummary": self.summary}
        failed = {"errorDetails": {"code": self.error.code, "message": str(self.error)}} if self.error else {}
        return {key: value for key, value in told.items() if value} | failed


@dataclass
class StageExecution:
    """An execution in a stage."""

    execution: "Execution"
    name: str
    status: str = "InProgress"
    actions: list[ActionExecution] = field(default_factory=list)
    rules: list[ActionExecution] = field(default_factory=list)
    automatic_retries: int = 0
    manual_retries: int = 0


class PipelineState:
    """One pipeline's executions, and which of them holds or waits for which stage.

    `changed` guards all of it, and is notified of each change.
    """

    def __init__(self, arn: str) -> None:
        self.arn = arn
        self.changed = threading.Condition(threading.RLock())
        self.executions: dict[str, Execution] = {}
        """In the order of their start."""
        self.holders: dict[str, Execution] = {}
        self.waiting: dict[str, list[Execution]] = {}
        self.latest: dict[str, StageExecution] = {}
        """The last run of each stage."""
        self.closed: dict[str, Json] = {}
        """Stages whose inbound transition somebody has disabled."""
        self.jobs: dict[str, Json] = {}
        """By id of the job of a function that is at work, what it has answered."""

    def arrive(self, execution: "Execution", stage: str) -> None:
        """Let an execution wait for a stage; in SUPERSEDED mode it takes the place of those that wait already."""
        with self.changed:
            waiting = self.waiting.setdefault(stage, [])
            if execution.mode == "SUPERSEDED":
                for older in waiting:
                    older.superseded = True
                waiting.clear()
            waiting.append(execution)
            self.changed.notify_all()

    def enter(self, execution: "Execution", stage: str) -> bool:
        """Wait for the stage that the execution has arrived at; False where it is not to go on."""

        def free() -> bool:
            held = execution.mode != "PARALLEL" and (stage in self.holders or self.waiting[stage][:1] != [execution])
            return not held and stage not in self.closed

        with self.changed:
            self.changed.wait_for(lambda: execution.halted or free())
            if execution in self.waiting.get(stage, []):
                self.waiting[stage].remove(execution)
            if not execution.halted:
                self.holders[stage] = execution
            self.changed.notify_all()
            return not execution.halted

    def leave(self, execution: "Execution", stage: str, following: str | None = None) -> None:
        """Free a stage, and wait for the following one if there is one."""
        with self.changed:
            if self.holders.get(stage) is execution:
                del self.holders[stage]
            if following:
                self.arrive(execution, following)
            self.changed.notify_all()

    def close(self) -> None:
        """Abandon all that runs: the pipeline is gone."""
        for execution in self.executions.values():
            execution.abandon(silently=True)
        for execution in self.executions.values():
            execution.join()


class Execution:
    """One execution of a pipeline."""

    def __init__(
        self,
        state: PipelineState,
        declaration: Json,
        caller: Caller,
        *,
        variables: Mapping[str, str],
        trigger: Json,
        revisions: Mapping[str, str],
        act: Callable[["Execution", ActionExecution], None],
        judge: Callable[["Execution", ActionExecution], None],
        rolled_back_to: "Execution | None" = None,
    ) -> None:
        self.id = str(mock_random.uuid4())
        self.state = state
        self.declaration = copy.deepcopy(declaration)
        self.caller = caller.root()
        self.trigger = trigger
        self.overrides = dict(revisions)
        """Commits that the start asked for, by source action."""
        self.rolled_back_to = rolled_back_to
        self.mode = str(declaration["executionMode"])
        self.status = "InProgress"
        self.summary = ""
        self.started = self.updated = unix_time()
        self.namespaces: dict[str, dict[str, str]] = {
            "variables": dict(variables),
            "codepipeline": {"PipelineExecutionId": self.id},
        }
        self.artifacts: dict[str, Artifact] = {}
        self.revisions: dict[str, Json] = {}
        """What each source action took, by its name."""
        self.history: list[ActionExecution] = []
        self.rule_history: list[ActionExecution] = []
        self.superseded = False
        self.stop_reason: str | None = None
        self.abandoned = False
        self._silent = False
        self._act, self._judge = act, judge
        self._thread: threading.Thread | None = None
        if rolled_back_to:
            self.namespaces = {**rolled_back_to.namespaces, "codepipeline": {"PipelineExecutionId": self.id}}
            self.artifacts = dict(rolled_back_to.artifacts)
            self.revisions = dict(rolled_back_to.revisions)

    @property
    def pipeline(self) -> str:
        """The pipeline's name."""
        return str(self.declaration["name"])

    @property
    def stages(self) -> list[Json]:
        """The stages as they were when it started."""
        found: list[Json] = self.declaration["stages"]
        return found

    @property
    def halted(self) -> bool:
        """Whether it is to begin nothing more."""
        return self.superseded or self.abandoned or self.stop_reason is not None

    @property
    def kind(self) -> str:
        """STANDARD, or ROLLBACK."""
        return "ROLLBACK" if self.rolled_back_to else "STANDARD"

    def stage(self, name: str) -> Json:
        """Return a stage's declaration."""
        return next(stage for stage in self.stages if stage["name"] == name)

    def start(self, first: str, resumed: StageExecution | None = None, retry_mode: str = "ALL_ACTIONS") -> None:
        """Go through the stages from `first` on; a rollback goes through that one only."""
        names = [stage["name"] for stage in self.stages]
        ahead = [first] if self.rolled_back_to else names[names.index(first) :]
        self.status = "InProgress"
        self.state.arrive(self, first)
        self._thread = threading.Thread(target=self._run, args=(ahead, resumed, retry_mode), daemon=True)
        self._thread.start()

    def join(self, seconds: float = 5) -> None:
        """Wait for the end of its thread."""
        if self._thread and self._thread is not threading.current_thread():
            self._thread.join(seconds)

    def stop(self, reason: str, *, abandon: bool) -> None:
        """End it after the actions that run, or at once."""
        with self.state.changed:
            self.stop_reason, self.status = reason, "Stopping"
            self.state.changed.notify_all()
        self.tell("Pipeline", "STOPPING")
        if abandon:
            self.abandon()

    def abandon(self, *, silently: bool = False) -> None:
        """End it at once; what its actions have begun elsewhere is ended, and heeded no more."""
        with self.state.changed:
            self._silent = self._silent or silently
            self.abandoned = True
            running = [run for run in self.history if run.status == "InProgress"]
            for run in running:
                run.status, run.updated = "Abandoned", unix_time()
            self.state.changed.notify_all()
        for run in running:
            run.cancel()

    def resolve(self, text: str) -> str:
        """Fill in the variables of a text.

        Raises:
            ActionError: there is no such variable.

        """

        def value(found: re.Match[str]) -> str:
            namespace, name = found.groups()
            try:
                return self.namespaces[namespace][name]
            except KeyError:
                raise ActionError(
                    f"The variable {found.group(0)} cannot be resolved: no action before has made it.",
                    "InvalidVariable",
                ) from None

        return _VARIABLE.sub(value, text)

    def tell(self, kind: str, state: str, action: ActionExecution | None = None, **more: object) -> None:
        """Send an event of the pipeline, a stage or an action: `kind` is its word in the event's type."""
        if self._silent:
            return
        detail: Json = {
            "pipeline": self.pipeline,
            "execution-id": self.id,
            "start-time": timestamp(self.started),
            "state": state,
            "version": float(self.declaration["version"]),
            "execution-trigger": {
                "trigger-type": self.trigger["triggerType"],
                "trigger-detail": self.trigger.get("triggerDetail", ""),
            },
            **more,
        }
        if action:
            detail |= {
                "stage": action.stage,
                "action": action.name,
                "action-execution-id": action.id,
                "type": action.declaration["actionTypeId"],
                "region": action.region,
            }
            if action.error:
                detail["execution-result"] = {
                    "external-execution-summary": str(action.error),
                    "error-code": action.error.code,
                    **action.place(),
                }
        publish(
            self.caller,
            source=SOURCE,
            kind=f"CodePipeline {kind} Execution State Change",
            detail=detail,
            resource=self.state.arn,
            notice=f"{kind.lower()}-execution-{state.lower()}",
        )

    def notify(self, notice: str, action: ActionExecution) -> None:
        """Tell the pipeline's notification rules of an approval."""
        if not self._silent:
            detail = {"pipeline": self.pipeline, "execution-id": self.id, "stage": action.stage, "action": action.name}
            more = {"approval-action": {"customData": action.configuration.get("CustomData", "")}}
            notify(self.caller, SOURCE, "CodePipeline Manual Approval", {**detail, **more}, self.state.arn, notice)

    def _become(self, status: str, state: str) -> None:
        """Tell of a new status, and have it: who sees the status may rely on everybody else having been told."""
        self.tell("Pipeline", state)
        with self.state.changed:
            self.status, self.updated = status, unix_time()
            self.state.changed.notify_all()

    def _run(self, ahead: list[str], resumed: StageExecution | None, retry_mode: str) -> None:
        self.tell("Pipeline", "RESUMED" if resumed else "STARTED")
        for name, following in zip(ahead, [*ahead[1:], None], strict=True):
            if not self.state.enter(self, name):
                break
            run = StageExecution(self, name)
            if resumed and resumed.name == name:
                run.manual_retries, run.automatic_retries = resumed.manual_retries + 1, resumed.automatic_retries
            kept = resumed.actions if resumed and resumed.name == name and retry_mode == "FAILED_ACTIONS" else []
            status = self._pass(run, kept)
            if status == "Failed":
                self.state.leave(self, name)
                self._roll_back(run)
                self._become("Failed", "FAILED")
                return
            self.state.leave(self, name, following if status in ("Succeeded", "Skipped") else None)
            if self.halted:
                break
        if self.superseded:
            self._become("Superseded", "SUPERSEDED")
        elif self.halted:
            self.summary = self.stop_reason or ""
            self._become("Stopped", "STOPPED")
        else:
            self._become("Succeeded", "SUCCEEDED")

    def _pass(self, run: StageExecution, kept: list[ActionExecution]) -> str:
        """Play a stage, again where its `onFailure` says so; how it ended."""
        declaration = self.stage(run.name)
        while True:
            with self.state.changed:
                self.state.latest[run.name] = run
            run.status = self._entered(run, declaration) or self._played(run, declaration, kept)
            wanted = declaration.get("onFailure") or {}
            if run.status != "Failed" or wanted.get("result") != "RETRY" or run.automatic_retries or self.halted:
                return run.status
            again = StageExecution(self, run.name, automatic_retries=1, manual_retries=run.manual_retries)
            mode = (wanted.get("retryConfiguration") or {}).get("retryMode", "FAILED_ACTIONS")
            kept = run.actions if mode == "FAILED_ACTIONS" else []
            run = again
            self.tell("Stage", "RESUMED", stage=run.name)

    def _entered(self, run: StageExecution, declaration: Json) -> str | None:
        """Judge the conditions for entry; the stage's status where it is not entered."""
        for condition in (declaration.get("beforeEntry") or {}).get("conditions", []):
            for rule in condition["rules"]:
                judged = self._new_run(run.name, rule)
                run.rules.append(judged)
                self.rule_history.append(judged)
                self._finish(judged, self._judge)
            if any(rule.status == "Failed" for rule in run.rules):
                broken = any(rule.error and rule.error.code == "InvalidVariable" for rule in run.rules)
                if condition.get("result", "FAIL") == "SKIP" and not broken:
                    return "Skipped"
                self.tell("Stage", "FAILED", stage=run.name)
                return "Failed"
        return None

    def _played(self, run: StageExecution, declaration: Json, kept: list[ActionExecution]) -> str:
        """Run the actions of a stage, those with the same `runOrder` side by side; how the stage ended."""
        self.tell("Stage", "STARTED", stage=run.name)
        done = {action.name: action for action in kept if action.status == "Succeeded"}
        orders = sorted({action["runOrder"] for action in declaration["actions"]})
        for order in orders:
            group = []
            for action in declaration["actions"]:
                if action["runOrder"] != order:
                    continue
                if action["name"] in done:
                    run.actions.append(done[action["name"]])
                    continue
                begun = self._new_run(run.name, action)
                run.actions.append(begun)
                self.history.append(begun)
                self.tell("Action", "STARTED", begun)
                group.append(begun)
            workers = [threading.Thread(target=self._finish, args=(one, self._act), daemon=True) for one in group[1:]]
            for worker in workers:
                worker.start()
            if group:
                self._finish(group[0], self._act)
            for worker in workers:
                worker.join()
            if any(one.status == "Failed" for one in group):
                self.tell("Stage", "FAILED", stage=run.name)
                return "Failed"
            if self.abandoned or (self.halted and order != orders[-1]):
                return "Stopped"
        self.tell("Stage", "SUCCEEDED", stage=run.name)
        return "Succeeded"

    def _new_run(self, stage: str, declaration: Json) -> ActionExecution:
        return ActionExecution(
            stage=stage,
            declaration=declaration,
            role=declaration.get("roleArn") or self.declaration["roleArn"],
            region=declaration.get("region") or self.caller.region,
        )

    def _finish(self, run: ActionExecution, work: Callable[["Execution", ActionExecution], None]) -> None:
        """Do the work of an action, and take down how it ended unless somebody has abandoned it."""
        try:
            run.configuration = {
                key: self.resolve(value) for key, value in (run.declaration.get("configuration") or {}).items()
            }
            work(self, run)
            failure = None
        except ActionError as error:
            failure = error
        except RoleError as error:
            failure = ActionError(str(error), "PermissionError")
        except Exception as error:  # a fault of the sandbox must not leave anybody waiting
            failure = ActionError(f"The sandbox failed: {error!r}", "InternalError")
        with self.state.changed:
            if run.status == "Abandoned":
                return
            run.error, run.token, run.updated = failure, "", unix_time()
            if namespace := run.declaration.get("namespace"):
                self.namespaces[namespace] = run.variables
            run.status = "Failed" if failure else "Succeeded"
            self.state.changed.notify_all()
        if "actionTypeId" in run.declaration:
            self.tell("Action", run.status.upper(), run)

    def _roll_back(self, run: StageExecution) -> None:
        if (self.stage(run.name).get("onFailure") or {}).get("result") != "ROLLBACK" or self.rolled_back_to:
            return
        target = self.succeeded_before(run.name)
        if target:
            trigger = {"triggerType": "AutomatedRollback", "triggerDetail": self.id}
            self.sibling(target, trigger).start(run.name)

    def succeeded_before(self, stage: str) -> "Execution | None":
        """Return the last execution before this one whose run of a stage succeeded, with the same structure."""
        earlier = list(self.state.executions.values())
        for other in reversed(earlier[: earlier.index(self)]):
            fits = other.declaration["version"] == self.declaration["version"] and other.kind == "STANDARD"
            if fits and other.passed(stage):
                return other
        return None

    def passed(self, stage: str) -> bool:
        """Whether all actions of a stage have succeeded."""
        wanted = {action["name"] for action in self.stage(stage)["actions"]}
        return wanted <= {run.name for run in self.history if run.stage == stage and run.status == "Succeeded"}

    def sibling(self, target: "Execution", trigger: Json) -> "Execution":
        """Make an execution that rolls back to another one."""
        made = Execution(
            self.state,
            self.declaration,
            self.caller,
            variables={},
            trigger=trigger,
            revisions={},
            act=self._act,
            judge=self._judge,
            rolled_back_to=target,
        )
        with self.state.changed:
            self.state.executions[made.id] = made
        return made
