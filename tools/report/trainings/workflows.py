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
        """Where its tasks write: AWS documents no page of a workflow in its console."""
        return self.console.log_group(self._log_group) if self._log_group else ""

    @cached_property
    def _log_group(self) -> str:
        found = self.region.client("mwaa-serverless").get_workflow(WorkflowArn=self.arn)
        return str(found.get("LoggingConfiguration", {}).get("LogGroupName", ""))

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
        told = [client.get_task_instance(**place, TaskInstanceId=one) for one in ids]
        # One that has not begun comes last.
        tasks = sorted(told, key=lambda task: ("StartedAt" not in task, task.get("StartedAt")))
        failures = [self._failure(task) for task in tasks if failed(task["Status"])]
        if failed(run.status) and not failures:
            detail = client.get_workflow_run(**place)["RunDetail"]
            failures = [Failure(where="the run", reason=str(detail.get("ErrorMessage", NO_REASON)), log=())]
        return Look(stages=[stage(task["TaskId"], task["Status"]) for task in tasks], failures=failures)

    def _failure(self, task: Mapping[str, Any]) -> Failure:
        named = self._log_group and "LogStream" in task
        return Failure(
            where=str(task["TaskId"]),
            reason=str(task.get("ErrorMessage", NO_REASON)),
            log=logs.of_stream(self.region, self._log_group, task["LogStream"]) if named else (),
        )
