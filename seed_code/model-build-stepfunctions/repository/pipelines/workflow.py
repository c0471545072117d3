"""The input of a run: the requests that the steps of `workflow/train.asl.json` make, with places for what a run knows.

A place is a name in braces, which the state machine fills in: see the comments there. So the same input can be started
again, and the new run has names and results of its own.
"""

from dataclasses import dataclass
from typing import Any

from pipelines import jobs
from pipelines.build import Prepared
from pipelines.jobs import EVALUATE, PREPROCESS, TRAIN, parameters
from pipelines.references import Json
from pipelines.registration import registration
from pipelines.settings import Settings, SettingsError


@dataclass(frozen=True)
class RunReferences:
    """What only a run knows, as text; parameters are what they are when the build starts the run."""

    bucket: str
    """The project's artifact bucket."""
    values: Json
    """Of the parameters, by their names."""

    def parameter(self, name: str) -> Any:
        """See `References`."""
        return self.values[name]

    def output(self, job: str, name: str) -> str:
        """See `References`."""
        return self.run_url(job.lower(), name)

    def reported(self, path: str) -> str:
        """See `References`."""
        return f"{{report.{path}}}"

    def model_url(self) -> str:
        """See `References`."""
        return "{model}"

    def run_arn(self) -> str:
        """See `References`."""
        return "{run-arn}"

    def run_url(self, *path: str) -> str:
        """See `References`."""
        return self.join("/", f"s3://{self.bucket}/executions/{{run}}", *path)

    def join(self, separator: str, *values: Any) -> str:
        """See `References`."""
        return separator.join(map(str, values))


def requests(prepared: Prepared, *, commit_id: str, data_version: str) -> Json:
    """Return the request of each step, by the step's name."""
    settings, code_url = prepared.settings, prepared.code_url
    values = {one["Name"]: one.get("DefaultValue") for one in parameters(prepared.data_url)}
    references = RunReferences(settings.bucket, values | {"CommitId": commit_id, "DataVersion": data_version})
    report = references.join("/", references.output(EVALUATE, jobs.REPORT_OUTPUT), jobs.REPORT_FILE)
    return {
        PREPROCESS: jobs.preprocessing(settings, code_url, references),
        TRAIN: jobs.training(settings, code_url, references),
        EVALUATE: jobs.evaluation(settings, code_url, references),
        "Report": {"Bucket": settings.bucket, "Key": report.removeprefix(f"s3://{settings.bucket}/")},
        "Register": registration(settings, code_url, references),
    }


def require_options(settings: Settings) -> None:
    """See to it that the build asks for nothing that this state machine does not do.

    Raises:
        SettingsError: it does.
    """
    faults = [
        f"{variable}: the state machine trains with one job each time; leave it out, or use a SageMaker pipeline"
        for variable, value in (("TUNING_JOBS", settings.tuning_jobs), ("CACHE_DAYS", settings.cache_days))
        if value
    ]
    if faults:
        raise SettingsError("\n".join(faults))
