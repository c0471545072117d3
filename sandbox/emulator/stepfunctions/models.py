"""AWS Step Functions: runs that really run, and versions that are published by themselves."""

from moto.moto_api._internal import mock_random
from moto.stepfunctions.models import StateMachine, StateMachineVersion, StepFunctionBackend

from sandbox.emulator.core import callers
from sandbox.emulator.stepfunctions.executions import Run


class StepFunctionsBackend(StepFunctionBackend):
    """moto's state machines of one account and region, which run."""

    def reset(self) -> None:
        """Forget everything, and end what runs."""
        for machine in self.state_machines:
            for execution in machine.executions:
                execution.stop()
        super().reset()

    def start_execution(self, state_machine_arn: str, name: str, execution_input: str) -> Run:
        """Start a run of a state machine, or of a version of it; the same name with the same input is one run."""
        asked, machine = self.describe_state_machine(state_machine_arn), self.machine(state_machine_arn)
        name = name or str(mock_random.uuid4())
        self._validate_name(name)
        machine._validate_execution_input(execution_input)
        if existing := machine._handle_name_input_idempotency(name, execution_input):
            assert isinstance(existing, Run)  # noqa: S101 - made below
            return existing
        run = Run(callers.current(), machine.arn, asked.definition, asked.roleArn, name, execution_input)
        machine.executions.append(run)
        run.start()
        return run

    def publish(self, arn: str, description: str | None) -> StateMachineVersion:
        """Publish a version of what a state machine is now, unless the newest one is that."""
        machine = self.machine(arn)
        newest = machine.latest_version
        if newest is None or (newest.definition, newest.roleArn) != (machine.definition, machine.roleArn):
            machine.publish(description)
        return machine.versions[machine.latest_version_number]

    def machine(self, arn: str) -> StateMachine:
        """Return a state machine by its ARN, or by that of a version of it."""
        return self.describe_state_machine(":".join(arn.split(":")[:7]))
