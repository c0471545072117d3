"""How a request says what only a run knows: parameters, outputs of jobs, places of its own.

The requests of the jobs and of the registration are the same whatever runs them. The words are its own: here those of
SageMaker's pipeline definition.
"""

from dataclasses import dataclass
from typing import Any, Protocol

Json = dict[str, Any]


class References(Protocol):
    """What a run tells, in the words of what runs it."""

    def parameter(self, name: str) -> Any:
        """The value of a parameter."""

    def output(self, job: str, name: str) -> Any:
        """The URL of an output of a processing job."""

    def reported(self, path: str) -> Any:
        """A value of the evaluation report."""

    def model_url(self) -> Any:
        """The URL of the model that training left."""

    def run_arn(self) -> Any:
        """The run's ARN."""

    def run_url(self, *path: str) -> Any:
        """A prefix of this run's own, so that no run writes over another's results."""

    def join(self, separator: str, *values: Any) -> Any:
        """Values as one text."""


@dataclass(frozen=True)
class PipelineReferences:
    """The words of SageMaker's pipeline definition, schema version 2020-12-01."""

    bucket: str
    """The project's artifact bucket."""
    tuned: bool = False
    """Whether a tuning job makes the model."""

    @property
    def tuned_models(self) -> str:
        """Where the jobs of a tuning job leave their models, each below its own name.

        It has no execution in it: the model of a tuning job that is taken again is where the first execution put it.
        """
        return f"s3://{self.bucket}/executions/tuning"

    def parameter(self, name: str) -> Json:
        """See `References`."""
        return {"Get": f"Parameters.{name}"}

    def output(self, job: str, name: str) -> Json:
        """See `References`."""
        return {"Get": f"Steps.{job}.ProcessingOutputConfig.Outputs['{name}'].S3Output.S3Uri"}

    def reported(self, path: str) -> Json:
        """See `References`."""
        return {"Std:JsonGet": {"PropertyFile": {"Get": "Steps.Evaluate.PropertyFiles.Report"}, "Path": path}}

    def model_url(self) -> Json:
        """See `References`."""
        if self.tuned:
            best = {"Get": "Steps.Train.TrainingJobSummaries[0].TrainingJobName"}
            return self.join("/", self.tuned_models, best, "output/model.tar.gz")
        return {"Get": "Steps.Train.ModelArtifacts.S3ModelArtifacts"}

    def run_arn(self) -> Json:
        """See `References`."""
        return {"Get": "Execution.PipelineExecutionArn"}

    def run_url(self, *path: str) -> Json:
        """See `References`."""
        return self.join("/", f"s3://{self.bucket}/executions", {"Get": "Execution.PipelineExecutionId"}, *path)

    def join(self, separator: str, *values: Any) -> Json:
        """See `References`."""
        return {"Std:Join": {"On": separator, "Values": list(values)}}


def when(condition: Any, **entries: Any) -> Json:
    """Entries of a request that are there only where something holds."""
    return entries if condition else {}
