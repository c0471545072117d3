"""Trainings by pipelines of SageMaker."""

from collections.abc import Mapping, Sequence
from typing import Any

from tools.doctor.account import StackRegion
from tools.report.model import Failure
from tools.report.runs import LATEST, NO_REASON, Run, failed
from tools.report.trainings.training import JOBS, Look, Training, stage


class SageMakerPipeline(Training):
    """A pipeline of SageMaker."""

    kind = "SageMaker"

    @staticmethod
    def arns(region: StackRegion) -> Mapping[str, str]:
        """Return all that there are in a region, by name."""
        pages = region.client("sagemaker").get_paginator("list_pipelines").paginate()
        return {one["PipelineName"]: one["PipelineArn"] for page in pages for one in page["PipelineSummaries"]}

    @property
    def link(self) -> str:
        """Its page in AWS's console."""
        return self.console.models()

    def runs(self) -> Sequence[Run]:
        """Return its latest executions, newest first."""
        listed = self.region.client("sagemaker").list_pipeline_executions(
            PipelineName=self.name, SortBy="CreationTime", SortOrder="Descending", MaxResults=LATEST
        )["PipelineExecutionSummaries"]
        return [
            Run(
                id=str(one["PipelineExecutionArn"]),
                status=str(one["PipelineExecutionStatus"]),
                started=one.get("StartTime"),
                title=str(one.get("PipelineExecutionDisplayName", "")),
                reason=str(one.get("PipelineExecutionFailureReason", "")),
            )
            for one in listed
        ]

    def look(self, run: Run) -> Look:
        """Look at the steps of an execution."""
        client = self.region.client("sagemaker")
        pages = client.get_paginator("list_pipeline_execution_steps").paginate(PipelineExecutionArn=run.id)
        steps = sorted(
            (step for page in pages for step in page["PipelineExecutionSteps"]),
            key=lambda step: str(step.get("StartTime", "")),
        )
        failures = [self._failure(step) for step in steps if failed(step["StepStatus"])]
        if failed(run.status) and not failures:
            failures = [Failure(where="the execution", reason=run.reason or NO_REASON, log=())]
        return Look(stages=[stage(step["StepName"], step["StepStatus"]) for step in steps], failures=failures)

    def _failure(self, step: Mapping[str, Any]) -> Failure:
        jobs = {kind: step.get("Metadata", {}).get(kind, {}).get("Arn", "") for kind in JOBS}
        return Failure(
            where=str(step["StepName"]),
            reason=str(step.get("FailureReason", NO_REASON)),
            log=self.log_of_job({kind: arn.rpartition("/")[2] for kind, arn in jobs.items()}),
        )
