"""The jobs of a training, each as the request of the API call that makes it, whatever runs them.

Preprocess splits the data, Train fits a model, Evaluate measures it. What only a run knows stands in the requests in
the words of what runs them, see `references`. A request has no name for its job, which what runs them gives.
"""

from typing import Any

from pipelines.instances import takes_volume_key
from pipelines.references import Json, References, when
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

MOST_WAIT_SECONDS = 2 * MOST_SECONDS
"""Longest time that spot training may take with its waiting and its interruptions."""

PREPROCESS, TRAIN, EVALUATE = "Preprocess", "Train", "Evaluate"
REPORT_OUTPUT, REPORT_FILE = "evaluation", "evaluation.json"
"""Output of the evaluation in which its report is, and the report's file."""


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


def preprocessing(settings: Settings, code_url: str, references: References) -> Json:
    """Return the request of CreateProcessingJob that checks the rows and splits them by the seed.

    Args:
        settings: of the build.
        code_url: S3 prefix that holds the `abalone` package.
        references: what only a run knows.
    """
    return _processing(
        settings,
        code_url,
        references,
        name=PREPROCESS,
        arguments=[
            *("--input-dir", f"{PROCESSING}/input/data"),
            *("--output-dir", f"{PROCESSING}/output"),
            *("--seed", _text(references, "Seed")),
            *("--most-missing", _text(references, "MaxMissingShare")),
        ],
        inputs={"data": references.parameter("InputDataUrl")},
        outputs={name: f"{PROCESSING}/output/{name}" for name in ("train", "validation", "test", "summary")},
    )


def training(settings: Settings, code_url: str, references: References) -> Json:
    """Return the request of CreateTrainingJob that fits the candidates and keeps the best; see `preprocessing`."""
    return training_job(settings, code_url, references, models_url=references.run_url("models")) | {
        "AlgorithmSpecification": {
            **algorithm(settings),
            "ContainerEntrypoint": ["python3", "-m", "abalone.train"],
            "ContainerArguments": [
                *("--train-dir", f"{TRAIN_INPUT}/train"),
                *("--validation-dir", f"{TRAIN_INPUT}/validation"),
                *("--model-dir", "/opt/ml/model"),
            ],
        },
        "HyperParameters": {
            "learning_rate": _text(references, "LearningRate"),
            "max_iter": _text(references, "MaxIterations"),
            "seed": _text(references, "Seed"),
        },
        "Tags": settings.tags,
    }


def evaluation(settings: Settings, code_url: str, references: References) -> Json:
    """Return the request of CreateProcessingJob that measures the model on the test rows; see `preprocessing`."""
    return _processing(
        settings,
        code_url,
        references,
        name=EVALUATE,
        arguments=[
            *("--model", f"{PROCESSING}/input/model/model.tar.gz"),
            *("--test-dir", f"{PROCESSING}/input/test"),
            *("--approved-dir", f"{PROCESSING}/input/approved"),
            *("--summary-dir", f"{PROCESSING}/input/summary"),
            *("--output-dir", f"{PROCESSING}/output/evaluation"),
            *("--max-error", _text(references, "MaxMeanSquaredError")),
            *("--max-share-of-baseline", _text(references, "MaxShareOfBaselineError")),
            *("--max-share-of-approved", _text(references, "MaxShareOfApprovedError")),
        ],
        inputs={
            "model": references.model_url(),
            "test": references.output(PREPROCESS, "test"),
            "summary": references.output(PREPROCESS, "summary"),
            # Jobs have no network to ask the registry, so the build leaves the newest approved version here.
            "approved": approved_url(settings.bucket),
        },
        outputs={REPORT_OUTPUT: f"{PROCESSING}/output/evaluation"},
    )


def approved_url(bucket: str) -> str:
    """Return the prefix at which the build keeps a copy of the newest approved version."""
    return f"s3://{bucket}/approved/"


def algorithm(settings: Settings) -> Json:
    """Return what a training job runs, but for its command."""
    return {
        "TrainingImage": settings.image_uri,
        "TrainingInputMode": "File",
        "MetricDefinitions": [
            {"Name": "validation:mse", "Regex": r"validation:mse=([0-9.]+);"},
            {"Name": "model:max_leaf_nodes", "Regex": r"model:max_leaf_nodes=([0-9]+);"},
        ],
    }


def training_job(settings: Settings, code_url: str, references: References, *, models_url: Any) -> Json:
    """Return what one training job and the many of a tuning job have in common.

    Args:
        settings: of the build.
        code_url: see `preprocessing`.
        references: see `preprocessing`.
        models_url: prefix below which each job leaves its model.
    """
    channels = {name: references.output(PREPROCESS, name) for name in ("train", "validation")}
    job: Json = {
        "InputDataConfig": [
            _channel("code", code_url, None),
            *(_channel(name, url, "text/csv") for name, url in channels.items()),
        ],
        "OutputDataConfig": {"S3OutputPath": models_url} | when(settings.kms_key_arn, KmsKeyId=settings.kms_key_arn),
        "ResourceConfig": {
            "InstanceCount": 1,
            "InstanceType": references.parameter("TrainingInstanceType"),
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


def _processing(
    settings: Settings,
    code_url: str,
    references: References,
    *,
    name: str,
    arguments: list[Any],
    inputs: Json,
    outputs: dict[str, str],
) -> Json:
    prefix = {output: references.run_url(name.lower(), output) for output in outputs}
    return {
        "AppSpecification": {
            "ImageUri": settings.image_uri,
            "ContainerEntrypoint": ["python3", "-m", f"abalone.{name.lower()}"],
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
                "InstanceType": references.parameter("ProcessingInstanceType"),
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


def _channel(name: str, url: Any, content_type: str | None) -> Json:
    source = {"S3DataType": "S3Prefix", "S3Uri": url, "S3DataDistributionType": "FullyReplicated"}
    return {"ChannelName": name, "DataSource": {"S3DataSource": source}} | when(content_type, ContentType=content_type)


def _volume_key(settings: Settings) -> Json:
    return when(settings.kms_key_arn and takes_volume_key(DEFAULT_INSTANCE), VolumeKmsKeyId=settings.kms_key_arn)


def _vpc(settings: Settings) -> Json:
    return {"Subnets": list(settings.subnet_ids), "SecurityGroupIds": list(settings.security_group_ids)}


def _text(references: References, name: str) -> Any:
    """A parameter as the text that the job APIs take."""
    return references.join("", references.parameter(name))
