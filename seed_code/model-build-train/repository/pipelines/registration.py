"""What the registry is told of a version: how it is served, how good it is, and where it comes from."""

import json
import re
from typing import Any

from pipelines.jobs import EVALUATE, REPORT_FILE, REPORT_OUTPUT
from pipelines.references import Json, References, when
from pipelines.settings import Settings

MODEL_CODE = "/opt/ml/model/code"
PURPOSE = "Predicts the rings of an abalone from raw rows"
METRICS = ("mse", "mae", "r2", "baseline_mse")
"""Of the evaluation report, those that the model card shows."""


def registration(settings: Settings, code_url: str, references: References) -> Json:
    """Return the request of CreateModelPackage.

    It has no `SourceUri`: the API takes one in the place of the containers, not beside them.

    Args:
        settings: of the build.
        code_url: S3 prefix of the code that made the model.
        references: what only a run knows.
    """
    report, baseline, payload = (
        references.join("/", references.output(EVALUATE, REPORT_OUTPUT), name)
        for name in (REPORT_FILE, "baseline.json", "payload.tar.gz")
    )
    statistics = {"Statistics": {"ContentType": "application/json", "S3Uri": baseline}}
    return {
        "ModelPackageGroupName": settings.model_package_group,
        "ModelPackageDescription": PURPOSE,
        "ModelApprovalStatus": references.parameter("ModelApprovalStatus"),
        "InferenceSpecification": {
            "Containers": [_container(settings, references.model_url())],
            "SupportedContentTypes": ["text/csv", "application/json"],
            "SupportedResponseMIMETypes": ["text/csv", "application/json"],
            "SupportedRealtimeInferenceInstanceTypes": ["ml.t2.medium", "ml.m5.large", "ml.m5.xlarge"],
            "SupportedTransformInstanceTypes": ["ml.m5.large", "ml.m5.xlarge"],
        },
        "ModelMetrics": {
            "ModelQuality": {"Statistics": {"ContentType": "application/json", "S3Uri": report}},
            "ModelDataQuality": statistics,
        },
        # What requests to the endpoint are compared with; `abalone/baseline.py` says what is in it.
        "DriftCheckBaselines": {"ModelDataQuality": statistics},
        "SamplePayloadUrl": payload,
        "MetadataProperties": {
            "CommitId": references.parameter("CommitId"),
            "GeneratedBy": references.run_arn(),
            "ProjectId": settings.project_id,
        }
        | when(settings.repository_url, Repository=settings.repository_url),
        # A person completes it: what the model is for, and for whom, no build knows.
        "ModelCard": {"ModelCardStatus": "Draft", "ModelCardContent": _card(settings, references)},
        "CustomerMetadataProperties": {
            "CommitId": references.parameter("CommitId"),
            "PipelineExecutionArn": references.run_arn(),
            "ProjectName": settings.project_name,
            "ProjectId": settings.project_id,
            "CodeUrl": code_url,
            "DataVersion": references.parameter("DataVersion"),
        },
        "Domain": "MACHINE_LEARNING",
        "Task": "REGRESSION",
    }


def _container(settings: Settings, model_url: Any) -> Json:
    return {
        "Image": settings.image_uri,
        "ModelDataUrl": model_url,
        "Environment": {
            # The archive holds its own code, so the model is complete wherever the version is deployed.
            "SAGEMAKER_PROGRAM": "inference.py",
            "SAGEMAKER_SUBMIT_DIRECTORY": MODEL_CODE,
            "PYTHONPATH": MODEL_CODE,
            # The answer has the request's content type unless the client asks for another.
            "SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT": "*/*",
            # The server installs that folder with pip when it starts. These let it do so with no network: nothing is
            # fetched, and the image's own setuptools builds it (pip reads this NO variable upside down: 0 is "no").
            "PIP_NO_INDEX": "1",
            "PIP_NO_BUILD_ISOLATION": "0",
            # The server has a worker for each processor, and in each worker the trees would start a thread for each
            # processor again: they wait for one another (p99 of 1,677 ms instead of 22 ms, two workers of two threads).
            "OMP_NUM_THREADS": "1",
        },
    } | when(settings.framework, Framework=settings.framework, FrameworkVersion=settings.framework_version)


def _card(settings: Settings, references: References) -> Any:
    """The model card, which is JSON in one text: what only a run knows stands between its pieces."""
    card = {
        "model_overview": {"model_creator": f"Project {settings.project_name}", "model_artifact": ["{model}"]},
        "intended_uses": {"purpose_of_model": PURPOSE},
        "training_details": {
            "training_job_details": {
                "training_datasets": ["{data}"],
                "training_environment": {"container_image": [settings.image_uri]},
            },
        },
        "evaluation_details": [
            {
                "name": "Test rows",
                "datasets": ["{report}"],
                "metric_groups": [
                    {
                        "name": "regression_metrics",
                        "metric_data": [{"name": name, "type": "number", "value": f"{{{name}}}"} for name in METRICS],
                    }
                ],
            }
        ],
    }
    known = {
        "data": ['"', references.parameter("InputDataUrl"), '"'],
        "model": ['"', references.model_url(), '"'],
        "report": ['"', references.output(EVALUATE, REPORT_OUTPUT), '"'],
    } | {name: [references.reported(f"regression_metrics.{name}.value")] for name in METRICS}
    pieces = re.split(r'"\{(\w+)\}"', json.dumps(card))
    return references.join(
        "", *(one for index, piece in enumerate(pieces) for one in (known[piece] if index % 2 else [piece]))
    )
