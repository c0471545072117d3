"""What compares captured data with the package's baseline: a SageMaker pipeline of one processing job, on a schedule.

A SageMaker pipeline is a target that EventBridge starts by itself (API reference of PutTargets,
SageMakerPipelineParameters), and it names its jobs; a processing job is none, and its name must be new each time. The
stage's stack holds pipeline, rule and alarm, so they come, change and go with the endpoint. Model Monitor and Clarify
would do the same, but take no new customers.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model_deploy.environment import Environment
from model_deploy.errors import UserError
from model_deploy.instances import takes_volume_key
from model_deploy.registry import Origin
from model_deploy.stage_config import StageConfig

CODE = Path("monitoring/drift.py")
PROCESSING = "/opt/ml/processing"
INSTANCE = "ml.t3.medium"
"""The smallest that processing jobs have: the job counts rows and keeps none."""
VOLUME_GIB = 10
MOST_SECONDS = 3600

MOST_DEFINITION = 4096
"""Bytes that CloudFormation takes as the value of a parameter."""

NONE = dict.fromkeys(
    ("EventsRoleArn", "MonitoringDefinition", "MonitoringRoleArn", "MonitoringSchedule", "RetrainPipelineName"), ""
)
"""Parameters of endpoint.yaml where nothing is monitored."""


@dataclass(frozen=True, kw_only=True)
class Monitoring:
    """Whether and how a stage is monitored."""

    parameters: Mapping[str, str]
    """Parameters of endpoint.yaml."""
    note: str = ""
    """One sentence for the log where there is something to say."""


OFF = Monitoring(parameters=NONE)


def upload_code(s3: Any, environment: Environment, content: bytes) -> str:
    """Upload the job's code to where no other version of it is; return the address of its folder."""
    key = f"monitoring/code/{hashlib.sha256(content).hexdigest()[:16]}"
    s3.put_object(Bucket=environment.artifact_bucket, Key=f"{key}/{CODE.name}", Body=content)
    return f"s3://{environment.artifact_bucket}/{key}/"


def plan(environment: Environment, stage: str, config: StageConfig, origin: Origin, code_url: str) -> Monitoring:
    """Decide how a stage is monitored that is to serve the package of this origin.

    Raises:
        UserError: the pipeline's definition is too long for a stack's parameter.

    """
    name = environment.endpoint_name(stage)
    if not config["data_capture.percent"]:
        return Monitoring(
            parameters=NONE,
            note=f"{stage} is not monitored: set data_capture.percent in config/{stage}.toml above 0.",
        )
    if environment.other_accounts(stage):
        return Monitoring(
            parameters=NONE,
            note=f"{stage} is not monitored: the job's role exists in account {environment.account_id} alone.",
        )
    if not origin.baseline_url:
        return Monitoring(
            parameters=NONE,
            note=f"{stage} is not monitored: {origin.arn} has no baseline (ModelDataQuality.Statistics of its "
            "DriftCheckBaselines); register one with the next version.",
        )
    retrain = origin.training_pipeline if environment.retrain_on_drift and stage == "prod" else ""
    note = f"{name} is compared with {origin.baseline_url} by {environment.monitoring_schedule}."
    if environment.retrain_on_drift and stage == "prod":
        note += (
            f" Its drift starts {retrain}."
            if retrain
            else " Its drift is told and starts nothing: the version does not say which build project has made it."
        )
    text = json.dumps(definition(environment, stage, config, origin, code_url), separators=(",", ":"))
    if len(text.encode()) > MOST_DEFINITION:
        raise UserError(
            f"The monitoring of {stage} takes {len(text.encode())} characters, and CloudFormation no more than "
            f"{MOST_DEFINITION}: shorten data_capture.s3_uri in config/{stage}.toml, or leave the project's parameter "
            "MonitoringSchedule empty."
        )
    return Monitoring(
        parameters={
            "EventsRoleArn": environment.events_role_arn,
            "MonitoringDefinition": text,
            "MonitoringRoleArn": environment.monitoring_role_arn,
            "MonitoringSchedule": environment.monitoring_schedule,
            "RetrainPipelineName": retrain,
        },
        note=note,
    )


def definition(
    environment: Environment, stage: str, config: StageConfig, origin: Origin, code_url: str
) -> dict[str, Any]:
    """Return the pipeline's definition (schema 2020-12-01); `Arguments` are the request of CreateProcessingJob."""
    name = environment.endpoint_name(stage)
    key = {"KmsKeyId": environment.kms_key_arn} if environment.kms_key_arn else {}
    volume_key = {"VolumeKmsKeyId": environment.kms_key_arn} if environment.kms_key_arn else {}
    parameters = config.parameters()
    captured = parameters["DataCaptureUri"] or f"s3://{environment.artifact_bucket}/data-capture/{stage}"
    arguments = {
        "endpoint": name,
        # SageMaker adds the endpoint and its variant to where captured data goes.
        "captured": f"{captured.rstrip('/')}/{name}/AllTraffic",
        "baseline": origin.baseline_url,
        "output": f"{PROCESSING}/output",
        "region": environment.region,
        "hours": str(config["monitoring.hours"]),
        "least-rows": str(config["monitoring.least_rows"]),
        "stability-index": str(config["monitoring.stability_index"]),
    }
    vpc = {"Subnets": list(environment.subnet_ids), "SecurityGroupIds": list(environment.security_group_ids)}
    cluster = {"InstanceCount": 1, "InstanceType": INSTANCE, "VolumeSizeInGB": VOLUME_GIB}
    reports = f"s3://{environment.artifact_bucket}/monitoring/reports/{stage}"
    request = {
        "AppSpecification": {
            "ImageUri": origin.image,
            "ContainerEntrypoint": ["python3", f"{PROCESSING}/input/code/{CODE.name}"],
            "ContainerArguments": [word for flag, value in arguments.items() for word in (f"--{flag}", value)],
        },
        "ProcessingInputs": [
            {
                "InputName": "code",
                "S3Input": {
                    "S3Uri": code_url,
                    "LocalPath": f"{PROCESSING}/input/code",
                    "S3DataType": "S3Prefix",
                    "S3InputMode": "File",
                },
            }
        ],
        "ProcessingOutputConfig": {
            "Outputs": [
                {
                    "OutputName": "report",
                    "S3Output": {
                        "S3Uri": {
                            "Std:Join": {"On": "/", "Values": [reports, {"Get": "Execution.PipelineExecutionId"}]}
                        },
                        "LocalPath": f"{PROCESSING}/output",
                        "S3UploadMode": "EndOfJob",
                    },
                }
            ],
            **key,
        },
        "ProcessingResources": {
            "ClusterConfig": {**cluster, **(volume_key if takes_volume_key(INSTANCE) else {})},
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": MOST_SECONDS},
        # The job reads the hours that it needs by itself and writes metrics, so it has a network.
        "NetworkConfig": {
            "EnableInterContainerTrafficEncryption": True,
            **({"VpcConfig": vpc} if environment.subnet_ids else {}),
        },
        "RoleArn": environment.monitoring_role_arn,
        "Tags": [{"Key": key, "Value": value} for key, value in sorted(environment.tags.items())],
    }
    return {
        "Version": "2020-12-01",
        "Metadata": {},
        "Parameters": [],
        "Steps": [{"Name": "CompareWithBaseline", "Type": "Processing", "Arguments": request}],
    }
