"""Trainings by workflows of Amazon MWAA Serverless."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from tools.doctor.account import StackRegion
from tools.report import logs
from tools.report.model import Failure
from tools.report.runs import LATEST, NO_REASON, Run, failed
from tools.report.trainings.training import Look, Training, stage


class Workflow(Training):
    """A workflow of MWAA Serverless. What an Airflow environment runs, Airflow's own page shows."""

    kind = "MWAA"
    service = "airflow-serverless"

    @staticmethod
    def arns(region: StackRegion) -> Mapping[str, str]:
        """Return all that there are in a region, by name."""
        pages = region.client("mwaa-serverless").get_paginator("list_workflows").paginate()
        return {one["Name"]: one["WorkflowArn"] for page in pages for one in page["Workflows"]}

    @property
    def link(self) -> str:
        """The workflows in AWS's console: of the page of a single one AWS's documentation tells no address."""
        return self.console.workflows()

    @cached_property
    def _log_group(self) -> str:
        found = self.region.client("mwaa-serverless").get_workflow(WorkflowArn=self.arn)
        # A workflow that names none has one of its own, which AWS makes.
        own = f"/aws/mwaa-serverless/{self.arn.rpartition('/')[2]}/"
        return str(found.get("LoggingConfiguration", {}).get("LogGroupName", own))

    def runs(self) -> Sequence[Run]:
        """Return its latest runs, newest first."""
        pages = self.region.client("mwaa-serverless").get_paginator("list_workflow_runs").paginate(WorkflowArn=self.arn)
        # In which order AWS lists them it does not say, so all are read.
        listed = [(str(one["RunId"]), one["RunDetailSummary"]) for page in pages for one in page["WorkflowRuns"]]
        listed.sort(key=lambda one: one[1]["CreatedOn"], reverse=True)
        return [
            Run(id=name, status=str(one["Status"]), started=one.get("StartedAt", one["CreatedOn"]), title=name)
            for name, one in listed[:LATEST]
        ]

    def look(self, run: Run) -> Look:
        """Look at the tasks of a run."""
        client, place = self.region.client("mwaa-serverless"), {"WorkflowArn": self.arn, "RunId": run.id}
        pages = client.get_paginator("list_task_instances").paginate(**place)
        ids = [one["TaskInstanceId"] for page in pages for one in page["TaskInstances"]]
        tries = [client.get_task_instance(**place, TaskInstanceId=one) for one in ids]
        # Each try of a task is an instance of its own, also the waiting for the first; only the last try counts.
        tries.sort(key=lambda task: int(task.get("AttemptNumber", 0)))
        last = {_name(task): task for task in tries}
        # One that has not begun comes last.
        tasks = sorted(last.values(), key=lambda task: ("StartedAt" not in task, task.get("StartedAt")))
        failures = [self._failure(task) for task in tasks if failed(task["Status"])]
        if failed(run.status) and not failures:
            detail = client.get_workflow_run(**place)["RunDetail"]
            failures = [Failure(where="the run", reason=str(detail.get("ErrorMessage", NO_REASON)), log=())]
        return Look(stages=[stage(_name(task), task["Status"]) for task in tasks], failures=failures)

    def _failure(self, task: Mapping[str, Any]) -> Failure:
        # AWS's pages show streams with and without their group before two slashes.
        stream = str(task.get("LogStream", "")).rpartition("//")[2]
        return Failure(
            where=_name(task),
            reason=str(task.get("ErrorMessage", NO_REASON)),
            log=logs.of_stream(self.region, self._log_group, stream) if stream else (),
        )


def _name(task: Mapping[str, Any]) -> str:
    return str(task.get("TaskId") or task["TaskInstanceId"])
