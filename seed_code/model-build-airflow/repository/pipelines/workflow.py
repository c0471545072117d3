"""What the DAG is made of: its tasks with the requests of their jobs, as pure data."""

from dataclasses import dataclass
from typing import Any

from pipelines import jobs
from pipelines.jobs import EVALUATE, PREPROCESS, REPORT_OUTPUT, TRAIN
from pipelines.references import Json
from pipelines.registration import registration
from pipelines.settings import Settings, SettingsError

REGISTER = "Register"
REQUEST_FILE = "registration.json"
"""As `abalone.register` reads it, which a build has not the packages to import."""

MOST_SECONDS = 3000
"""A job that runs longer is stopped. MWAA Serverless ends a task after 60 minutes, and the task waits for its job,
which takes some minutes to start and to end."""

MOST_ARGUMENT = 256
"""Characters of an argument of a processing job (API reference, AppSpecification)."""

REGISTRATION = f"{jobs.PROCESSING}/input/registration"


@dataclass(frozen=True)
class RunReferences:
    """A run's id and parameters in the words of what fills them in; everything else follows from these."""

    bucket: str
    project_id: str
    run: str
    """The run's id: the moment of the run, such as 20261127T203155, which names can have in them."""
    value: str
    """How a parameter is written, with {} where its name goes."""

    def parameter(self, name: str) -> str:
        """See `References`."""
        return self.value.replace("{}", name)

    def output(self, job: str, name: str) -> str:
        """See `References`."""
        return self.run_url(job.lower(), name)

    def reported(self, path: str) -> str:
        """See `References`."""
        return self.parameter(f"report.{path}")

    def model_url(self) -> str:
        """See `References`."""
        return f"{self.run_url('models')}/{self.job_name(TRAIN)}/output/model.tar.gz"

    def run_arn(self) -> str:
        """See `References`: a workflow's run has none, so this is the workflow and the run."""
        return f"{workflow_name(self.project_id)}/{self.run}"

    def run_url(self, *path: str) -> str:
        """See `References`."""
        return "/".join([f"s3://{self.bucket}/executions", self.run, *path])

    def join(self, separator: str, *values: Any) -> str:
        """See `References`."""
        return separator.join(str(value) for value in values)

    def job_name(self, job: str) -> str:
        """Name of a run's job: 57 of 63 characters at most, for an id of 20."""
        return f"sagemaker-{self.project_id}-{job.lower()}-{self.run}"


def in_airflow(settings: Settings) -> RunReferences:
    """A run in the words of Jinja, of which MWAA Serverless knows a part."""
    return RunReferences(settings.bucket, settings.project_id, "{{ ts_nodash }}", "{{ params.{} }}")


def in_registration(settings: Settings) -> RunReferences:
    """A run in the words of `abalone.register`."""
    return RunReferences(settings.bucket, settings.project_id, "${run}", "${{}}")


def workflow_name(project_id: str) -> str:
    """Name of the workflow and of the DAG."""
    return f"sagemaker-{project_id}-train"


def parameters(data_url: str) -> dict[str, str]:
    """The parameters of a run with their defaults, all of them texts, as MWAA Serverless takes them."""
    return {one["Name"]: str(one["DefaultValue"]) for one in jobs.parameters(data_url)}


def check(settings: Settings) -> None:
    """Refuse what this way of building has not.

    Raises:
        SettingsError: with all faults.
    """
    faults = {
        "SPOT_TRAINING": settings.spot and "a training may wait hours for capacity, and a task ends after 60 minutes",
        "TUNING_JOBS": settings.tuning_jobs and "a search takes longer than the 60 minutes of a task",
        "CACHE_DAYS": settings.cache_days and "Airflow takes no results of former runs again",
    }
    if len(settings.input_data_url) > MOST_ARGUMENT - len("InputDataUrl="):
        faults["INPUT_DATA_URL"] = f"an argument of a job has {MOST_ARGUMENT} characters at most"
    told = [f"{name}: {why}; leave it out, or use the product model-build-train" for name, why in faults.items() if why]
    if told:
        raise SettingsError("\n".join(told))


def build_registration(settings: Settings, code_url: str) -> Json:
    """Return the request of CreateModelPackage, which `abalone.register` fills in.

    Args:
        settings: of the build.
        code_url: S3 prefix of the code that made the model.
    """
    return registration(settings, code_url, in_registration(settings))


def build_workflow(settings: Settings, code_url: str, data_url: str, registration_url: str) -> Json:
    """Return the DAG as data.

    Args:
        settings: of the build.
        code_url: S3 prefix that holds the `abalone` package.
        data_url: default of the parameter InputDataUrl.
        registration_url: S3 prefix that holds what `build_registration` returns.
    """
    run, values = in_airflow(settings), parameters(data_url)
    evaluation = jobs.evaluation(settings, code_url, run)
    requests = {
        PREPROCESS: jobs.preprocessing(settings, code_url, run),
        TRAIN: jobs.training(settings, code_url, run),
        EVALUATE: evaluation,
        REGISTER: _registering(settings, evaluation, run, registration_url, values),
    }
    return {
        "dag_id": workflow_name(settings.project_id),
        "params": values,
        "tasks": [_task(name, request, run) for name, request in requests.items()],
    }


def _task(name: str, request: Json, run: RunReferences) -> Json:
    kind = "Training" if name == TRAIN else "Processing"
    named = {
        f"{kind}JobName": run.job_name(name),
        **request,
        "StoppingCondition": {"MaxRuntimeInSeconds": MOST_SECONDS},
    }
    return {"task_id": name.lower(), "kind": kind, "request": named}


def _registering(
    settings: Settings, evaluation: Json, run: RunReferences, registration_url: str, values: dict[str, str]
) -> Json:
    """The request of the job that registers, which is like that of the evaluation but for what it runs and reads."""
    inputs = {"registration": registration_url, "evaluation": run.output(EVALUATE, REPORT_OUTPUT)}
    (code, *_) = evaluation["ProcessingInputs"]
    known = {"run": run.run} | {name: run.parameter(name) for name in values}
    application = evaluation["AppSpecification"] | {
        "ContainerEntrypoint": ["python3", "-m", "abalone.register"],
        "ContainerArguments": [
            *("--registration-dir", REGISTRATION),
            *("--evaluation-dir", f"{jobs.PROCESSING}/input/evaluation"),
            *("--region", settings.region),
            *(word for name, value in known.items() for word in ("--value", f"{name}={value}")),
        ],
    }
    request = {
        **evaluation,
        "AppSpecification": application,
        "ProcessingInputs": [
            code,
            *(
                {
                    "InputName": name,
                    "S3Input": code["S3Input"] | {"S3Uri": url, "LocalPath": f"{jobs.PROCESSING}/input/{name}"},
                }
                for name, url in inputs.items()
            ),
        ],
        # It asks the registry.
        "NetworkConfig": evaluation["NetworkConfig"] | {"EnableNetworkIsolation": False},
    }
    return {key: value for key, value in request.items() if key != "ProcessingOutputConfig"}
