"""The pipeline's definition: a pure function of settings, code location and data location.

Steps: Preprocess -> Train -> Evaluate -> CheckError -> Register, or ErrorTooHigh. The words are those of SageMaker's
pipeline definition schema, version 2020-12-01; a step's `Arguments` are the request of the API call that it makes.
"""

from pipelines import jobs
from pipelines.jobs import EVALUATE, PREPROCESS, TRAIN, parameters
from pipelines.references import Json, PipelineReferences, when
from pipelines.registration import registration
from pipelines.settings import Settings

RETRY_POLICIES = [
    {
        "ExceptionType": ["Step.SERVICE_FAULT", "Step.THROTTLING"],
        "IntervalSeconds": 10,
        "BackoffRate": 2.0,
        "MaxAttempts": 5,
    },
    {
        "ExceptionType": ["SageMaker.JOB_INTERNAL_ERROR", "SageMaker.CAPACITY_ERROR", "SageMaker.RESOURCE_LIMIT"],
        "IntervalSeconds": 60,
        "BackoffRate": 2.0,
        "MaxAttempts": 4,
    },
]
"""Throttling passes in seconds; a missing instance or a full quota in minutes. Bad input is not retried."""

TUNED = {
    "ContinuousParameterRanges": [
        {"Name": "learning_rate", "MinValue": "0.01", "MaxValue": "0.3", "ScalingType": "Logarithmic"}
    ],
    "IntegerParameterRanges": [{"Name": "max_iter", "MinValue": "50", "MaxValue": "500", "ScalingType": "Linear"}],
}
"""Where tuning searches; the parameters LearningRate and MaxIterations are not read then."""

PARALLEL_TUNING_JOBS = 2
"""Each job learns from those before it, so more at once are sooner done and search worse."""

TUNING_SEED = 0
"""The same search for the same data."""


def build_definition(settings: Settings, code_url: str, data_url: str) -> Json:
    """Return the definition.

    Args:
        settings: of the build.
        code_url: S3 prefix that holds the `abalone` package.
        data_url: default of the parameter InputDataUrl.
    """
    references = PipelineReferences(bucket=settings.bucket, tuned=bool(settings.tuning_jobs))
    return {
        "Version": "2020-12-01",
        "Metadata": {},
        "Parameters": parameters(data_url, cached=bool(settings.cache_days)),
        # One experiment per pipeline and one trial per execution: Studio then compares the executions.
        "PipelineExperimentConfig": {
            "ExperimentName": {"Get": "Execution.PipelineName"},
            "TrialName": {"Get": "Execution.PipelineExecutionId"},
        },
        # What Studio shows: experiments are shown in Studio Classic only, which takes no new users.
        **when(
            settings.mlflow_app_arn,
            MlflowConfig={
                "MlflowResourceArn": settings.mlflow_app_arn,
                "MlflowExperimentName": settings.pipeline_display_name,
            },
        ),
        "Steps": [
            _preprocess(settings, code_url, references),
            _train(settings, code_url, references),
            _evaluate(settings, code_url, references),
            _check(settings, code_url, references),
        ],
    }


def _preprocess(settings: Settings, code_url: str, references: PipelineReferences) -> Json:
    request = jobs.preprocessing(settings, code_url, references)
    if settings.cache_days:
        # Whether a step is taken again SageMaker decides by its request, which has the data's URL and not its content.
        request["Environment"]["DATA_VERSION"] = references.parameter("DataVersion")
    step = _step(PREPROCESS, "Processing", "Check the rows and split them by the seed", request, retried=True)
    return _cached(step, settings)


def _train(settings: Settings, code_url: str, references: PipelineReferences) -> Json:
    if settings.tuning_jobs:
        tuning = _tuning(settings, code_url, references)
        return _cached(_step(TRAIN, "Tuning", "Search for the best hyperparameters", tuning, retried=True), settings)
    request = jobs.training(settings, code_url, references)
    return _cached(_step(TRAIN, "Training", "Fit the candidates and keep the best", request, retried=True), settings)


def _tuning(settings: Settings, code_url: str, references: PipelineReferences) -> Json:
    return {
        "HyperParameterTuningJobConfig": {
            "Strategy": "Bayesian",
            "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "validation:mse"},
            "ResourceLimits": {
                "MaxNumberOfTrainingJobs": settings.tuning_jobs,
                "MaxParallelTrainingJobs": min(PARALLEL_TUNING_JOBS, settings.tuning_jobs),
            },
            "ParameterRanges": TUNED,
            "RandomSeed": TUNING_SEED,
        },
        "TrainingJobDefinition": jobs.training_job(settings, code_url, references, models_url=references.tuned_models)
        | {
            "AlgorithmSpecification": jobs.algorithm(settings),
            "StaticHyperParameters": {
                "seed": references.join("", references.parameter("Seed")),
                # A tuning job takes no command. The image's own looks here for what to run: its script mode.
                "sagemaker_program": "abalone/tuned.py",
                "sagemaker_submit_directory": f"{jobs.TRAIN_INPUT}/code",
            },
        },
        "Tags": settings.tags,
    }


def _evaluate(settings: Settings, code_url: str, references: PipelineReferences) -> Json:
    request = jobs.evaluation(settings, code_url, references)
    step = _step(EVALUATE, "Processing", "Measure the model on the test rows", request, retried=True)
    file = {"PropertyFileName": "Report", "OutputName": jobs.REPORT_OUTPUT, "FilePath": jobs.REPORT_FILE}
    return step | {"PropertyFiles": [file]}


def _check(settings: Settings, code_url: str, references: PipelineReferences) -> Json:
    error, baseline, approved = (
        references.reported(f"conditions.{name}.value") for name in ("error", "share_of_baseline", "share_of_approved")
    )
    limits = [
        references.parameter(name)
        for name in ("MaxMeanSquaredError", "MaxShareOfBaselineError", "MaxShareOfApprovedError")
    ]
    message = references.join(
        " ",
        "No version was registered: one of three is above its limit. Mean squared error on the test rows:",
        error,
        "(MaxMeanSquaredError =",
        references.join("", limits[0], ");"),
        "as a share of the error of always answering the mean:",
        baseline,
        "(MaxShareOfBaselineError =",
        references.join("", limits[1], ");"),
        "as a share of the error of the newest approved version:",
        approved,
        "(MaxShareOfApprovedError =",
        references.join("", limits[2], ")."),
        "Commit:",
        references.parameter("CommitId"),
        "Report:",
        references.output(EVALUATE, jobs.REPORT_OUTPUT),
    )
    return {
        "Name": "CheckError",
        "Type": "Condition",
        "Description": "Register the model only when its error is low enough in itself, and in comparison",
        "Arguments": {
            "Conditions": [
                {"Type": "LessThanOrEqualTo", "LeftValue": value, "RightValue": limit}
                for value, limit in zip((error, baseline, approved), limits, strict=True)
            ],
            "IfSteps": [_register(settings, code_url, references)],
            # A failed execution is seen and notified; an execution that quietly registers nothing is not.
            "ElseSteps": [{"Name": "ErrorTooHigh", "Type": "Fail", "Arguments": {"ErrorMessage": message}}],
        },
    }


def _register(settings: Settings, code_url: str, references: PipelineReferences) -> Json:
    request = registration(settings, code_url, references)
    step = _step("Register", "RegisterModel", "Add a version to the model package group", request)
    step["RetryPolicies"] = RETRY_POLICIES[:1]
    return step


def _step(name: str, kind: str, description: str, request: Json, *, retried: bool = False) -> Json:
    step = {"Name": name, "Type": kind, "Description": description, "Arguments": request}
    if retried:
        step |= {"RetryPolicies": RETRY_POLICIES, "CacheConfig": {"Enabled": False}}
    return step


def _cached(step: Json, settings: Settings) -> Json:
    """The step, to be taken again where that is asked for. Evaluation never is: what is approved may have changed."""
    return step | when(settings.cache_days, CacheConfig={"Enabled": True, "ExpireAfter": f"P{settings.cache_days}D"})
