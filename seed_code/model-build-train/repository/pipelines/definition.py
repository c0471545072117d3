"""The pipeline's definition: a pure function of settings, code location and data location.

Steps: Preprocess -> Train -> Evaluate -> CheckError -> Register, or ErrorTooHigh. The words are those of SageMaker's
pipeline definition schema, version 2020-12-01; a step's `Arguments` are the request of the API call that it makes.
"""

from typing import Any

from pipelines.instances import takes_volume_key
from pipelines.references import Json, execution_url, join, output, parameter, reported, text, when
from pipelines.registration import registration
from pipelines.settings import Settings

DEFAULT_INSTANCE = "ml.m5.large"
"""The key of volumes is left out for a type with local storage, which takes none: choose another default here, not
only at the start of an execution, to go from a type that takes a key to one that does not."""
VOLUME_GIB = 30
MOST_SECONDS = 3600
"""A job that runs longer is stopped: on this data each takes a minute."""

MOST_ERROR = 6.0
"""Mean squared error in rings²; predicting the mean gives about 10 on the abalone data."""

MOST_SHARE_OF_BASELINE = 0.9
"""Largest error as a share of that of always answering the mean: on noise a model comes near 1 whatever `MOST_ERROR`
says."""

MOST_SHARE_OF_APPROVED = 1.1
"""Largest error as a share of that of the newest approved version on the same rows: what chance may add."""

MOST_MISSING = 0.0
"""Largest share of the rows of a feature that may have no value."""

TRAIN_INPUT = "/opt/ml/input/data"
PROCESSING = "/opt/ml/processing"

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

MOST_WAIT_SECONDS = 2 * MOST_SECONDS
"""Longest time that spot training may take with its waiting and its interruptions."""

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
            _preprocess(settings, code_url),
            _train(settings, code_url),
            _evaluate(settings, code_url),
            _check(settings, code_url),
        ],
    }


def parameters(data_url: str, *, cached: bool = False) -> list[Json]:
    """Return the parameters with their defaults.

    Args:
        data_url: default of InputDataUrl.
        cached: whether results are taken again. Then DataVersion has no default: the build always gives it, and who
            starts an execution in another way has to say whether the data is another.
    """
    return [
        {"Name": "InputDataUrl", "Type": "String", "DefaultValue": data_url},
        {"Name": "ProcessingInstanceType", "Type": "String", "DefaultValue": DEFAULT_INSTANCE},
        {"Name": "TrainingInstanceType", "Type": "String", "DefaultValue": DEFAULT_INSTANCE},
        {"Name": "MaxMeanSquaredError", "Type": "Float", "DefaultValue": MOST_ERROR},
        {"Name": "MaxShareOfBaselineError", "Type": "Float", "DefaultValue": MOST_SHARE_OF_BASELINE},
        {"Name": "MaxShareOfApprovedError", "Type": "Float", "DefaultValue": MOST_SHARE_OF_APPROVED},
        {"Name": "MaxMissingShare", "Type": "Float", "DefaultValue": MOST_MISSING},
        {"Name": "LearningRate", "Type": "Float", "DefaultValue": 0.05},
        {"Name": "MaxIterations", "Type": "Integer", "DefaultValue": 150},
        {"Name": "Seed", "Type": "Integer", "DefaultValue": 0},
        # Deployment starts when a person approves the version; registering it as Approved would skip that person.
        {
            "Name": "ModelApprovalStatus",
            "Type": "String",
            "DefaultValue": "PendingManualApproval",
            "EnumValues": ["PendingManualApproval", "Rejected"],
        },
        {"Name": "CommitId", "Type": "String", "DefaultValue": "unknown"},
        {"Name": "DataVersion", "Type": "String"} | ({} if cached else {"DefaultValue": "unknown"}),
    ]


def _preprocess(settings: Settings, code_url: str) -> Json:
    step = _processing_step(
        settings,
        code_url,
        name="Preprocess",
        description="Check the rows and split them by the seed",
        module="abalone.preprocess",
        arguments=[
            *("--input-dir", f"{PROCESSING}/input/data"),
            *("--output-dir", f"{PROCESSING}/output"),
            *("--seed", text(parameter("Seed"))),
            *("--most-missing", text(parameter("MaxMissingShare"))),
        ],
        inputs={"data": parameter("InputDataUrl")},
        outputs={name: f"{PROCESSING}/output/{name}" for name in ("train", "validation", "test", "summary")},
    )
    if settings.cache_days:
        # Whether a step is taken again SageMaker decides by its request, which has the data's URL and not its content.
        step["Arguments"]["Environment"]["DATA_VERSION"] = parameter("DataVersion")
    return _cached(step, settings)


def _train(settings: Settings, code_url: str) -> Json:
    if settings.tuning_jobs:
        tuning = _tuning(settings, code_url)
        return _cached(_step("Train", "Tuning", "Search for the best hyperparameters", tuning, retried=True), settings)
    request = _job(settings, code_url) | {
        "AlgorithmSpecification": {
            **_algorithm(settings),
            "ContainerEntrypoint": ["python3", "-m", "abalone.train"],
            "ContainerArguments": [
                *("--train-dir", f"{TRAIN_INPUT}/train"),
                *("--validation-dir", f"{TRAIN_INPUT}/validation"),
                *("--model-dir", "/opt/ml/model"),
            ],
        },
        "HyperParameters": {
            "learning_rate": text(parameter("LearningRate")),
            "max_iter": text(parameter("MaxIterations")),
            "seed": text(parameter("Seed")),
        },
        "Tags": settings.tags,
    }
    request["OutputDataConfig"]["S3OutputPath"] = execution_url(settings, "models")
    return _cached(_step("Train", "Training", "Fit the candidates and keep the best", request, retried=True), settings)


def _tuning(settings: Settings, code_url: str) -> Json:
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
        "TrainingJobDefinition": _job(settings, code_url)
        | {
            "AlgorithmSpecification": _algorithm(settings),
            "StaticHyperParameters": {
                "seed": text(parameter("Seed")),
                # A tuning job takes no command. The image's own looks here for what to run: its script mode.
                "sagemaker_program": "abalone/tuned.py",
                "sagemaker_submit_directory": f"{TRAIN_INPUT}/code",
            },
        },
        "Tags": settings.tags,
    }


def _algorithm(settings: Settings) -> Json:
    return {
        "TrainingImage": settings.image_uri,
        "TrainingInputMode": "File",
        "MetricDefinitions": [
            {"Name": "validation:mse", "Regex": r"validation:mse=([0-9.]+);"},
            {"Name": "model:max_leaf_nodes", "Regex": r"model:max_leaf_nodes=([0-9]+);"},
        ],
    }


def _job(settings: Settings, code_url: str) -> Json:
    """What one training job and the many of a tuning job have in common."""
    channels = {"train": output("Preprocess", "train"), "validation": output("Preprocess", "validation")}
    job: Json = {
        "InputDataConfig": [
            _channel("code", code_url, None),
            *(_channel(name, url, "text/csv") for name, url in channels.items()),
        ],
        "OutputDataConfig": {"S3OutputPath": _tuned_models(settings)}
        | when(settings.kms_key_arn, KmsKeyId=settings.kms_key_arn),
        "ResourceConfig": {
            "InstanceCount": 1,
            "InstanceType": parameter("TrainingInstanceType"),
            "VolumeSizeInGB": VOLUME_GIB,
        }
        | _volume_key(settings),
        "StoppingCondition": {"MaxRuntimeInSeconds": MOST_SECONDS}
        | when(settings.spot, MaxWaitTimeInSeconds=MOST_WAIT_SECONDS),
        "Environment": {"PYTHONPATH": f"{TRAIN_INPUT}/code"},
        "RoleArn": settings.role_arn,
        # SageMaker moves data in and out; the container itself needs no network.
        "EnableNetworkIsolation": True,
        "EnableInterContainerTrafficEncryption": True,
    }
    return (
        job | when(settings.spot, EnableManagedSpotTraining=True) | when(settings.subnet_ids, VpcConfig=_vpc(settings))
    )


def _evaluate(settings: Settings, code_url: str) -> Json:
    step = _processing_step(
        settings,
        code_url,
        name="Evaluate",
        description="Measure the model on the test rows",
        module="abalone.evaluate",
        arguments=[
            *("--model", f"{PROCESSING}/input/model/model.tar.gz"),
            *("--test-dir", f"{PROCESSING}/input/test"),
            *("--approved-dir", f"{PROCESSING}/input/approved"),
            *("--summary-dir", f"{PROCESSING}/input/summary"),
            *("--output-dir", f"{PROCESSING}/output/evaluation"),
            *("--max-error", text(parameter("MaxMeanSquaredError"))),
            *("--max-share-of-baseline", text(parameter("MaxShareOfBaselineError"))),
            *("--max-share-of-approved", text(parameter("MaxShareOfApprovedError"))),
        ],
        inputs={
            "model": _model_data(settings),
            "test": output("Preprocess", "test"),
            "summary": output("Preprocess", "summary"),
            # Jobs have no network to ask the registry, so the build leaves the newest approved version here.
            "approved": approved_url(settings.bucket),
        },
        outputs={"evaluation": f"{PROCESSING}/output/evaluation"},
    )
    step["PropertyFiles"] = [{"PropertyFileName": "Report", "OutputName": "evaluation", "FilePath": "evaluation.json"}]
    return step


def _check(settings: Settings, code_url: str) -> Json:
    error, baseline, approved = (
        reported(f"conditions.{name}.value") for name in ("error", "share_of_baseline", "share_of_approved")
    )
    limits = [parameter(name) for name in ("MaxMeanSquaredError", "MaxShareOfBaselineError", "MaxShareOfApprovedError")]
    message = join(
        " ",
        "No version was registered: one of three is above its limit. Mean squared error on the test rows:",
        error,
        "(MaxMeanSquaredError =",
        join("", limits[0], ");"),
        "as a share of the error of always answering the mean:",
        baseline,
        "(MaxShareOfBaselineError =",
        join("", limits[1], ");"),
        "as a share of the error of the newest approved version:",
        approved,
        "(MaxShareOfApprovedError =",
        join("", limits[2], ")."),
        "Commit:",
        parameter("CommitId"),
        "Report:",
        output("Evaluate", "evaluation"),
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
            "IfSteps": [_register(settings, code_url)],
            # A failed execution is seen and notified; an execution that quietly registers nothing is not.
            "ElseSteps": [{"Name": "ErrorTooHigh", "Type": "Fail", "Arguments": {"ErrorMessage": message}}],
        },
    }


def approved_url(bucket: str) -> str:
    """Return the prefix at which the build keeps a copy of the newest approved version."""
    return f"s3://{bucket}/approved/"


def _register(settings: Settings, code_url: str) -> Json:
    request = registration(settings, code_url, _model_data(settings))
    step = _step("Register", "RegisterModel", "Add a version to the model package group", request)
    step["RetryPolicies"] = RETRY_POLICIES[:1]
    return step


def _processing_step(
    settings: Settings,
    code_url: str,
    *,
    name: str,
    description: str,
    module: str,
    arguments: list[Any],
    inputs: Json,
    outputs: dict[str, str],
) -> Json:
    prefix = {output: execution_url(settings, name.lower(), output) for output in outputs}
    request: Json = {
        "AppSpecification": {
            "ImageUri": settings.image_uri,
            "ContainerEntrypoint": ["python3", "-m", module],
            "ContainerArguments": arguments,
        },
        "Environment": {"PYTHONPATH": f"{PROCESSING}/input/code"},
        "ProcessingInputs": [
            {
                "InputName": key,
                "S3Input": {
                    "S3Uri": url,
                    "LocalPath": f"{PROCESSING}/input/{key}",
                    "S3DataType": "S3Prefix",
                    "S3InputMode": "File",
                    "S3DataDistributionType": "FullyReplicated",
                },
            }
            for key, url in {"code": code_url, **inputs}.items()
        ],
        "ProcessingOutputConfig": {
            "Outputs": [
                {
                    "OutputName": output,
                    "S3Output": {"S3Uri": prefix[output], "LocalPath": path, "S3UploadMode": "EndOfJob"},
                }
                for output, path in outputs.items()
            ]
        }
        | when(settings.kms_key_arn, KmsKeyId=settings.kms_key_arn),
        "ProcessingResources": {
            "ClusterConfig": {
                "InstanceCount": 1,
                "InstanceType": parameter("ProcessingInstanceType"),
                "VolumeSizeInGB": VOLUME_GIB,
            }
            | _volume_key(settings)
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": MOST_SECONDS},
        "NetworkConfig": {"EnableNetworkIsolation": True, "EnableInterContainerTrafficEncryption": True}
        | when(settings.subnet_ids, VpcConfig=_vpc(settings)),
        "RoleArn": settings.role_arn,
        "Tags": settings.tags,
    }
    return _step(name, "Processing", description, request, retried=True)


def _step(name: str, kind: str, description: str, request: Json, *, retried: bool = False) -> Json:
    step = {"Name": name, "Type": kind, "Description": description, "Arguments": request}
    if retried:
        step |= {"RetryPolicies": RETRY_POLICIES, "CacheConfig": {"Enabled": False}}
    return step


def _cached(step: Json, settings: Settings) -> Json:
    """The step, to be taken again where that is asked for. Evaluation never is: what is approved may have changed."""
    return step | when(settings.cache_days, CacheConfig={"Enabled": True, "ExpireAfter": f"P{settings.cache_days}D"})


def _channel(name: str, url: Any, content_type: str | None) -> Json:
    source = {"S3DataType": "S3Prefix", "S3Uri": url, "S3DataDistributionType": "FullyReplicated"}
    return {"ChannelName": name, "DataSource": {"S3DataSource": source}} | when(content_type, ContentType=content_type)


def _volume_key(settings: Settings) -> Json:
    return when(settings.kms_key_arn and takes_volume_key(DEFAULT_INSTANCE), VolumeKmsKeyId=settings.kms_key_arn)


def _vpc(settings: Settings) -> Json:
    return {"Subnets": list(settings.subnet_ids), "SecurityGroupIds": list(settings.security_group_ids)}


def _model_data(settings: Settings) -> Json:
    if settings.tuning_jobs:
        best = {"Get": "Steps.Train.TrainingJobSummaries[0].TrainingJobName"}
        return join("/", _tuned_models(settings), best, "output/model.tar.gz")
    return {"Get": "Steps.Train.ModelArtifacts.S3ModelArtifacts"}


def _tuned_models(settings: Settings) -> str:
    """Where the jobs of a tuning job leave their models, each below its own name.

    It has no execution in it: the model of a tuning job that is taken again is where the first execution put it.
    """
    return f"s3://{settings.bucket}/executions/tuning"
