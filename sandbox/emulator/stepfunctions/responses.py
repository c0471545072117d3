"""AWS Step Functions: what is asked with which right, and the operation that moto lacks."""

from moto.core.responses import ActionResult
from moto.stepfunctions.responses import StepFunctionResponse

from sandbox.emulator.core.callers import Caller, RoleError, calling
from sandbox.emulator.core.errors import ServiceError
from sandbox.emulator.core.extension import replaces
from sandbox.emulator.stepfunctions.models import StepFunctionsBackend

_start, _stop, _update, _list = (
    StepFunctionResponse.start_execution,
    StepFunctionResponse.stop_execution,
    StepFunctionResponse.update_state_machine,
    StepFunctionResponse.list_executions,
)


def _require(response: StepFunctionResponse, *actions: str, member: str = "stateMachineArn") -> None:
    try:
        for action in actions:
            Caller.of(response).require(f"states:{action}", response._get_param(member))
    except RoleError as error:
        raise ServiceError("AccessDeniedException", str(error)) from error


@replaces(StepFunctionResponse)
def start_execution(self: StepFunctionResponse) -> ActionResult:
    """StartExecution."""
    _require(self, "StartExecution")
    with calling(self):
        return _start(self)


@replaces(StepFunctionResponse)
def stop_execution(self: StepFunctionResponse) -> ActionResult:
    """StopExecution."""
    _require(self, "StopExecution", member="executionArn")
    return _stop(self)


@replaces(StepFunctionResponse)
def list_executions(self: StepFunctionResponse) -> ActionResult:
    """ListExecutions."""
    _require(self, "ListExecutions")
    return _list(self)


@replaces(StepFunctionResponse)
def update_state_machine(self: StepFunctionResponse) -> ActionResult:
    """UpdateStateMachine, which takes another right where it publishes."""
    _require(self, "UpdateStateMachine", *(["PublishStateMachineVersion"] if self._get_param("publish") else []))
    return _update(self)


@replaces(StepFunctionResponse)
def publish_state_machine_version(self: StepFunctionResponse) -> ActionResult:
    """PublishStateMachineVersion."""
    _require(self, "PublishStateMachineVersion")
    backend = self.stepfunction_backend
    assert isinstance(backend, StepFunctionsBackend)  # noqa: S101 - install put it there
    version = backend.publish(self._get_param("stateMachineArn"), self._get_param("description"))
    return ActionResult({"creationDate": version.creation_date, "stateMachineVersionArn": version.arn})
