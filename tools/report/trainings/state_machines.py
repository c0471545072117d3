"""Trainings by state machines of AWS Step Functions."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tools.doctor.account import StackRegion
from tools.report.model import Failure
from tools.report.runs import LATEST, NO_REASON, Run, failed
from tools.report.trainings.training import JOBS, Look, Training, stage


class StateMachine(Training):
    """A state machine."""

    kind = "Step Functions"
    service = "states"

    @staticmethod
    def arns(region: StackRegion) -> Mapping[str, str]:
        """Return all that there are in a region, by name."""
        pages = region.client("stepfunctions").get_paginator("list_state_machines").paginate()
        return {one["name"]: one["stateMachineArn"] for page in pages for one in page["stateMachines"]}

    @property
    def link(self) -> str:
        """Its page in AWS's console."""
        return self.console.state_machine(self.arn)

    def runs(self) -> Sequence[Run]:
        """Return its latest executions, newest first, as Step Functions lists them."""
        listed = self.region.client("stepfunctions").list_executions(stateMachineArn=self.arn, maxResults=LATEST)
        return [
            Run(id=str(one["executionArn"]), status=str(one["status"]), started=one["startDate"], title=one["name"])
            for one in listed["executions"]
        ]

    def look(self, run: Run) -> Look:
        """Look at the states that an execution has entered."""
        client = self.region.client("stepfunctions")
        pages = client.get_paginator("get_execution_history").paginate(executionArn=run.id)
        history = History.read((event for page in pages for event in page["events"]), run.status)
        failures = []
        if failed(run.status):
            told = client.describe_execution(executionArn=run.id)
            failures.append(
                Failure(
                    where=history.culprit or "the execution",
                    reason=str(told.get("cause") or told.get("error") or NO_REASON),
                    log=self.log_of_job(history.job_of(history.culprit)),
                )
            )
        return Look(stages=[stage(name, status) for name, status in history.states.items()], failures=failures)


@dataclass
class History:
    """What has happened in an execution, state by state."""

    states: dict[str, str] = field(default_factory=dict)
    """Status of each state that was entered, in their order, in the words of Step Functions for executions."""
    causes: dict[str, str] = field(default_factory=dict)
    """What the last try of a state has failed with: a text, or a job as JSON."""
    culprit: str = ""
    """The state that has made the execution fail: of one that only says why, the state before it."""

    @classmethod
    def read(cls, events: Iterable[Mapping[str, Any]], status: str) -> "History":
        """Read an execution's events, oldest first, and its status.

        An event names its state only where that is entered; else it names the event before it.
        """
        made, names, last = cls(), dict[int, str](), ""
        for event in events:
            kind, before = str(event["type"]), names.get(event.get("previousEventId", 0), "")
            entered = kind.endswith("StateEntered")
            name = names[event["id"]] = str(event["stateEnteredEventDetails"]["name"]) if entered else before
            if entered:
                says_why = kind == "FailStateEntered" and failed(made.states.get(before, ""))
                last = before if says_why else name
                # A state that is entered again has its last place.
                made.states.pop(name, None)
                made.states[name] = "RUNNING"
            elif name and kind.endswith("StateExited"):
                # A state that has failed, and is caught, is left like any other.
                made.states[name] = made.states[name].replace("RUNNING", "SUCCEEDED")
            elif name and kind.endswith(("Failed", "TimedOut")):
                made.states[name] = "FAILED"
                told = [one["cause"] for one in event.values() if isinstance(one, dict) and "cause" in one]
                if told:
                    made.causes[name] = str(told[0])
            elif name and kind.endswith(("Scheduled", "Started", "Succeeded")):
                made.states[name] = "RUNNING"
        if status != "RUNNING":
            made.states = {name: one.replace("RUNNING", status) for name, one in made.states.items()}
        made.culprit = last
        return made

    def job_of(self, state: str) -> Mapping[str, str]:
        """Return the name of the job that a state has waited for in vain, by its kind; nothing where it was none."""
        try:
            told = json.loads(self.causes.get(state, ""))
        except ValueError:
            return {}
        return {kind: str(told.get(f"{kind}Name", "")) for kind in JOBS} if isinstance(told, dict) else {}
