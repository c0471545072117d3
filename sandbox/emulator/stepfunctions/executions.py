"""How a state machine runs: its definition, in JSONata, is played state by state in a thread.

Known are the states Pass, Task, Choice, Succeed and Fail, with Assign, Output, Retry and Catch, jobs of SageMaker that
are waited for, and calls of the AWS SDK. Jobs really run, see `sagemaker.jobs`. Between two tries nobody waits, and
time limits are not emulated.
"""

import json
import re
import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import jsonata
from botocore import xform_name
from botocore.exceptions import ClientError, ParamValidationError
from botocore.response import StreamingBody
from moto.core.utils import unix_time_millis, utcnow
from moto.sagemaker.models import sagemaker_backends
from moto.stepfunctions.models import Execution

from sandbox.emulator.core import authorization
from sandbox.emulator.core.callers import STATES, Caller, RoleError
from sandbox.emulator.core.not_known import not_known
from sandbox.emulator.events.models import publish, timestamp
from sandbox.emulator.sagemaker import jobs
from sandbox.emulator.sagemaker.jobs import Container, JobError, Json

SERVICE = "states.amazonaws.com"
_EXPRESSION = re.compile(r"\{%(.*)%\}", re.DOTALL)
_JOB = re.compile(r"create(Processing|Training)Job\.sync")
DEFAULT_TRIES = 3


class StateError(Exception):
    """A state failed, with the name of its error."""

    def __init__(self, name: str, cause: str) -> None:
        super().__init__(f"{name}: {cause}")
        self.name, self.told = name, {"Error": name, "Cause": cause}


class Run(Execution):
    """One execution of a state machine."""

    def __init__(self, caller: Caller, machine_arn: str, definition: str, role: str, name: str, given: str) -> None:
        super().__init__(caller.region, caller.account, machine_arn.split(":")[6], name, machine_arn, given)
        self.status = "RUNNING"
        self.history: list[Json] = []
        self._definition: Json = json.loads(definition)
        self._caller, self._role_arn = caller.root(), role
        self._variables: Json = {}
        self._container: Container | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._note("ExecutionStarted", "executionStartedEventDetails", {"input": self.execution_input})
        self._tell()
        self._thread.start()

    def stop(self, *_: object, **told: str) -> None:
        """End it, with the job that runs."""
        if self.status == "RUNNING":
            self._end("ABORTED", **{key: told[key] for key in ("error", "cause") if told.get(key)})
            if self._container:
                self._container.close()

    def get_execution_history(self, roleArn: str) -> list[Json]:  # noqa: ARG002 - moto's interface
        """What has happened, the oldest first."""
        return self.history

    def _run(self) -> None:
        try:
            output = self._play()
            self._end("SUCCEEDED", output=json.dumps(output))
        except StateError as error:
            self._end("FAILED", error=error.name, cause=error.told["Cause"])
        except Exception as error:  # a fault of the sandbox must not leave anybody waiting
            self._end("FAILED", error="States.Runtime", cause=f"The sandbox failed: {error!r}")

    def _end(self, status: str, **told: str) -> None:
        if self.status != "RUNNING":
            return
        self.status, self.stop_date = status, utcnow()
        for name, value in told.items():
            setattr(self, name, value)
        self._note(f"Execution{status.title()}", f"execution{status.title()}EventDetails", told)
        self._tell()

    def _play(self) -> Json:
        if self._definition.get("QueryLanguage") != "JSONata":
            raise StateError("States.Runtime", not_known("state machines in another query language than JSONata"))
        name, given = self._definition["StartAt"], json.loads(self.execution_input)
        while True:
            state = self._definition["States"][name]
            self._note(f"{state['Type']}StateEntered", "stateEnteredEventDetails", {"name": name})
            following, given = self._step(name, state, given)
            self._note(f"{state['Type']}StateExited", "stateExitedEventDetails", {"name": name})
            if not following:
                return given
            if self.status != "RUNNING":
                raise StateError("States.Runtime", "the run was stopped")
            name = following

    def _step(self, name: str, state: Json, given: Json) -> tuple[str, Json]:
        """Play a state; the next one, or none, and what it gets."""
        work = _STATES.get(state["Type"])
        if work is None:
            raise StateError("States.Runtime", not_known(f"the state {state['Type']}; it has {', '.join(_STATES)}"))
        tries: dict[int, int] = {}
        while True:
            context = self._context(name, sum(tries.values()))
            states: Json = {"input": given, "context": context}
            try:
                chosen, result = work(self, state, states)
                return self._finished({**state, **chosen}, {**states, "result": result}, given, result)
            except StateError as error:
                retry = next((one for one in enumerate(state.get("Retry", [])) if _fits(one[1], error)), None)
                if retry and tries.get(retry[0], 0) < retry[1].get("MaxAttempts", DEFAULT_TRIES):
                    tries[retry[0]] = tries.get(retry[0], 0) + 1
                    continue
                caught = next((one for one in state.get("Catch", []) if _fits(one, error)), None)
                if caught is None:
                    raise
                self._note("TaskFailed", "taskFailedEventDetails", {"error": error.name, "cause": error.told["Cause"]})
                return self._finished(caught, {**states, "errorOutput": error.told}, given, error.told)

    def _finished(self, rules: Json, states: Json, given: Json, result: Json | None) -> tuple[str, Json]:
        assigned = {key: self._value(value, states) for key, value in rules.get("Assign", {}).items()}
        output = self._value(rules["Output"], states) if "Output" in rules else given if result is None else result
        self._variables |= assigned
        return rules.get("Next", ""), output

    def _context(self, state: str, retries: int) -> Json:
        *_, machine = self.state_machine_arn.split(":")
        execution = {"Id": self.execution_arn, "Name": self.name, "RoleArn": self._role_arn}
        return {
            "Execution": {**execution, "Input": json.loads(self.execution_input)},
            "StateMachine": {"Id": self.state_machine_arn, "Name": machine},
            "State": {"Name": state, "EnteredTime": timestamp(), "RetryCount": retries},
        }

    def _value(self, node: Any, states: Json) -> Any:  # noqa: ANN401 - any JSON
        """Return a part of the definition with its expressions evaluated."""
        if isinstance(node, list):
            return [self._value(one, states) for one in node]
        if isinstance(node, dict):
            return {key: self._value(one, states) for key, one in node.items()}
        if not isinstance(node, str) or not (found := _EXPRESSION.fullmatch(node)):
            return node
        try:
            expression = jsonata.Jsonata(found[1])
            # Step Functions' own; it has no $eval.
            expression.register_lambda("parse", json.loads)
            frame = expression.create_frame()
            for name, value in {**self._variables, "states": states}.items():
                frame.bind(name, value)
            value = expression.evaluate(None, frame)
        except (jsonata.JException, ValueError, TypeError) as error:
            raise StateError("States.QueryEvaluationError", f"{found[1].strip()}: {error}") from error
        if value is None:
            raise StateError("States.QueryEvaluationError", f"{found[1].strip()} gives nothing")
        return json.loads(json.dumps(value))

    def _role(self) -> Caller:
        return self._caller.assume(self._role_arn, SERVICE, STATES, source=self.state_machine_arn)

    def _pass(self, _state: Json, _states: Json) -> tuple[Json, None]:
        return {}, None

    def _choose(self, state: Json, states: Json) -> tuple[Json, None]:
        for choice in state["Choices"]:
            if self._value(choice["Condition"], states) is True:
                return choice, None
        if "Default" not in state:
            raise StateError("States.NoChoiceMatched", "no choice fits, and there is no default")
        return {"Next": state["Default"]}, None

    def _fail(self, state: Json, states: Json) -> tuple[Json, None]:
        raise StateError(*(str(self._value(state.get(key, ""), states)) for key in ("Error", "Cause")))

    def _task(self, state: Json, states: Json) -> tuple[Json, Json]:
        arguments = self._value(state["Arguments"], states)
        service, _, action = state["Resource"].split(":::", 1)[1].partition(":")
        try:
            if service == "aws-sdk":
                called, _, operation = action.partition(":")
                return {}, self._call(called, operation, arguments)
            if service == "sagemaker" and (job := _JOB.fullmatch(action)):
                return {}, self._job(job[1], arguments)
        except RoleError as error:
            raise StateError("SageMaker.AmazonSageMakerException", str(error)) from error
        except ParamValidationError as error:
            raise StateError("States.Runtime", str(error)) from error
        raise StateError("States.Runtime", not_known(f"the integration {state['Resource']}"))

    def _call(self, service: str, action: str, arguments: Json) -> Json:
        """Call AWS as the role, which judges it."""
        client = self._role().client(service)
        model = client.meta.service_model
        try:
            answer = getattr(client, xform_name(action))(**arguments)
        except ClientError as error:
            prefix, code = model.service_id.replace(" ", ""), error.response["Error"]["Code"]
            # The SDK has classes for the errors that the service's model names, and one for all others.
            known = code if code in model.shape_names else prefix
            name = f"{prefix}.{known.removesuffix('Exception')}Exception"
            raise StateError(name, error.response["Error"].get("Message", "")) from error
        return {key: _json(value) for key, value in answer.items() if key != "ResponseMetadata"}

    def _job(self, kind: str, request: Json) -> Json:
        """Make a job, and wait for its end."""
        role, name = self._role(), request[f"{kind}JobName"]
        place = f"arn:{role.partition}:{{}}:{role.region}:{role.account}"
        arn = f"{place.format('sagemaker')}:{kind.lower()}-job/{name}"
        role.require(f"sagemaker:Create{kind}Job", arn, **authorization.job_keys(request))
        role.require("sagemaker:AddTags", arn, sagemaker__TaggingAction=f"Create{kind}Job")
        for action in (f"Describe{kind}Job", f"Stop{kind}Job"):
            role.require(f"sagemaker:{action}", arn)
        role.require("iam:PassRole", request["RoleArn"], iam__PassedToService="sagemaker.amazonaws.com")
        rule = f"{place.format('events')}:rule/StepFunctionsGetEventsForSageMaker{kind}JobsRule"
        for action in ("DescribeRule", "PutRule", "PutTargets"):
            role.require(f"events:{action}", rule)
        worker = self._caller.assume(request["RoleArn"], "sagemaker.amazonaws.com", "SageMaker", source=arn)
        getattr(self._caller.client("sagemaker"), f"create_{kind.lower()}_job")(**request)
        made = getattr(sagemaker_backends[role.account][role.region], f"{kind.lower()}_jobs")[name]
        status = f"{kind.lower()}_job_status"
        setattr(made, status, "InProgress")
        isolated = {**request, **request.get("NetworkConfig", {})}.get("EnableNetworkIsolation", False)
        try:
            told = _WORK[kind](worker, request, isolated, self._hold)
            setattr(made, status, "Completed")
        except JobError as error:
            setattr(made, status, "Failed")
            failed = {f"{kind}JobName": name, f"{kind}JobStatus": "Failed", "FailureReason": str(error)}
            raise StateError("States.TaskFailed", json.dumps(failed)) from error
        return {**request, f"{kind}JobStatus": "Completed", **told}

    def _hold(self, container: Container) -> Container:
        """Remember the container that is to be ended with the run."""
        self._container = container
        return container

    def _note(self, kind: str, key: str, details: Mapping[str, object]) -> None:
        number = len(self.history) + 1
        event = {"timestamp": utcnow(), "type": kind, "id": number, "previousEventId": number - 1}
        self.history.append({**event, key: dict(details)})

    def _tell(self) -> None:
        detail = {
            "executionArn": self.execution_arn,
            "stateMachineArn": self.state_machine_arn,
            "name": self.name,
            "status": self.status,
            "startDate": int(unix_time_millis(self.start_date)),
            "stopDate": int(unix_time_millis(self.stop_date)) if self.stop_date else None,
            "input": self.execution_input,
            "output": self.output,
            "error": self.error,
            "cause": self.cause,
        }
        publish(
            self._caller,
            source="aws.states",
            kind="Step Functions Execution Status Change",
            detail=detail,
            resource=self.execution_arn,
        )


def _fits(rule: Json, error: StateError) -> bool:
    if error.name == "States.Runtime":
        # It ends the run whatever a rule says, `States.ALL` too ("Handling errors in Step Functions workflows").
        return False
    return bool({"States.ALL", error.name} & {*rule["ErrorEquals"]}) or (
        "States.TaskFailed" in rule["ErrorEquals"] and error.name != "States.Timeout"
    )


def _json(value: Any) -> Any:  # noqa: ANN401 - what botocore gives
    if isinstance(value, StreamingBody):
        return value.read().decode()
    return value.isoformat() if isinstance(value, datetime) else value


Hold = Callable[[Container], Container]


def _process(worker: Caller, request: Json, isolated: bool, hold: Hold) -> Json:
    container = hold(Container(request["AppSpecification"]["ImageUri"], worker, isolated=isolated))
    try:
        jobs.process(container, request)
    finally:
        container.close()
    return {}


def _train(worker: Caller, request: Json, isolated: bool, hold: Hold) -> Json:
    artifacts = f"{request['OutputDataConfig']['S3OutputPath']}/{request['TrainingJobName']}/output/model.tar.gz"
    container = hold(Container(request["AlgorithmSpecification"]["TrainingImage"], worker, isolated=isolated))
    try:
        jobs.train(container, request, artifacts)
    finally:
        container.close()
    return {"ModelArtifacts": {"S3ModelArtifacts": artifacts}}


_WORK = {"Processing": _process, "Training": _train}

_STATES: dict[str, Callable[[Run, Json, Json], tuple[Json, Json | None]]] = {
    "Pass": Run._pass,
    "Succeed": Run._pass,
    "Task": Run._task,
    "Choice": Run._choose,
    "Fail": Run._fail,
}
