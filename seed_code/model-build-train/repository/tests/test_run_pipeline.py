"""What the build does with the pipeline in AWS: every call is stubbed, checked and expected in this order."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from botocore.stub import ANY
from build_calls import (
    ARN,
    CHANGED,
    GROUP_ARN,
    IMAGE,
    VERSION,
    Bucket,
    expect_approved,
    expect_group,
    expect_uploads,
)

from pipelines import run_pipeline
from pipelines.build import upload_code, upload_sample_data
from pipelines.definition import build_definition

PIPELINE = "sagemaker-p-0123456789ab-train"
EXECUTION = f"{ARN}:pipeline/{PIPELINE}/execution/abcdefabcdef"


def expect_describe(aws, definition, role):
    aws.sagemaker.add_response(
        "describe_pipeline",
        {"PipelineDefinition": json.dumps(definition), "RoleArn": role, "LastModifiedTime": CHANGED},
        {"PipelineName": PIPELINE},
    )


def expect_executions(aws, *executions):
    summaries = [
        {
            "PipelineExecutionArn": EXECUTION,
            "StartTime": start,
            "PipelineExecutionStatus": status,
            "PipelineExecutionDescription": "".join(description) or "Commit 0a1b2c3d",
        }
        for start, status, *description in executions
    ]
    aws.sagemaker.add_response(
        "list_pipeline_executions",
        {"PipelineExecutionSummaries": summaries},
        {"PipelineName": PIPELINE, "SortBy": "CreationTime", "SortOrder": "Descending", "MaxResults": 100},
    )


def expect_start(aws, commit="0a1b2c3d"):
    aws.sagemaker.add_response(
        "start_pipeline_execution",
        {"PipelineExecutionArn": EXECUTION},
        {
            "PipelineName": PIPELINE,
            "PipelineExecutionDescription": f"Commit {commit}",
            "PipelineParameters": [
                {"Name": "CommitId", "Value": commit},
                {"Name": "DataVersion", "Value": VERSION},
            ],
        },
    )


@pytest.fixture
def definition(settings):
    """The definition that a run makes, found by uploading to a bucket in memory."""
    bucket, settings = Bucket(), replace(settings, image_uri=IMAGE)
    return build_definition(settings, upload_code(settings, bucket), upload_sample_data(settings, bucket))


def test_the_first_push_makes_everything_and_starts(aws, settings, environment, capsys, tmp_path):
    expect_uploads(aws, settings)
    aws.sagemaker.add_client_error(
        "describe_model_package_group", "ValidationException", "ModelPackageGroup sagemaker-Demo does not exist."
    )
    aws.sagemaker.add_response(
        "create_model_package_group",
        {"ModelPackageGroupArn": GROUP_ARN},
        {"ModelPackageGroupName": "sagemaker-Demo", "ModelPackageGroupDescription": ANY, "Tags": settings.tags},
    )
    expect_approved(aws, settings)
    aws.sagemaker.add_client_error("describe_pipeline", "ResourceNotFound", "Pipeline does not exist.")
    aws.sagemaker.add_response(
        "create_pipeline",
        {"PipelineArn": f"{ARN}:pipeline/{PIPELINE}"},
        {
            "PipelineName": PIPELINE,
            "PipelineDisplayName": "sagemaker-Demo-train",
            "PipelineDescription": ANY,
            "PipelineDefinition": ANY,
            "RoleArn": settings.role_arn,
            "Tags": settings.tags,
        },
    )
    expect_describe(aws, {}, settings.role_arn)
    expect_executions(aws)
    expect_start(aws)
    arn_file = tmp_path / "arn.txt"
    assert run_pipeline.main(["--arn-file", str(arn_file)], environment, aws.clients) == 0
    output = capsys.readouterr().out
    assert f"pipeline {PIPELINE}: created; started execution abcdefabcdef" in output
    assert "this build does not wait for it" in output
    assert f"image of jobs and endpoint: {IMAGE}\n" in output
    assert f"version of the data: {VERSION}\n" in output
    assert "compared with the newest approved version: no version is approved\n" in output
    assert f"--pipeline-execution-arn {EXECUTION}" in output
    assert arn_file.read_text() == f"{EXECUTION}\n"


def test_a_changed_definition_is_updated_and_started(aws, settings):
    expect_uploads(aws, settings)
    expect_group(aws, settings)
    expect_approved(aws, settings)
    expect_describe(aws, {"Version": "old"}, settings.role_arn)
    aws.sagemaker.add_response(
        "update_pipeline",
        {"PipelineArn": f"{ARN}:pipeline/{PIPELINE}"},
        {
            "PipelineName": PIPELINE,
            "PipelineDisplayName": ANY,
            "PipelineDescription": ANY,
            "PipelineDefinition": ANY,
            "RoleArn": settings.role_arn,
        },
    )
    expect_describe(aws, {}, settings.role_arn)
    expect_executions(aws, (CHANGED - timedelta(minutes=1), "Succeeded"))
    expect_start(aws)
    outcome = run_pipeline.run(settings, aws.clients, always=False)
    assert (outcome.pipeline, outcome.execution_arn, outcome.started) == ("updated", EXECUTION, True)


@pytest.mark.parametrize(("status", "started"), [("Succeeded", False), ("Executing", False), ("Failed", True)])
def test_an_unchanged_definition_starts_only_when_its_last_execution_did_not_work(
    aws, settings, definition, status, started
):
    expect_uploads(aws, settings)
    expect_group(aws, settings)
    expect_approved(aws, settings)
    expect_describe(aws, definition, settings.role_arn)
    expect_describe(aws, definition, settings.role_arn)
    expect_executions(aws, (CHANGED + timedelta(minutes=1), status))
    if started:
        expect_start(aws)
    outcome = run_pipeline.run(settings, aws.clients, always=False)
    assert (outcome.pipeline, outcome.execution_arn, outcome.started) == ("unchanged", EXECUTION, started)
    if not started:
        assert "not started: execution abcdefabcdef already runs, or has succeeded" in run_pipeline.report(
            settings, outcome
        )


@pytest.mark.parametrize("description", ["tried with one iteration", "Commitment to try"])
def test_the_success_of_an_execution_that_a_person_has_started_is_none_of_this_definition(
    aws, settings, definition, description
):
    """It may have had other parameters; before it the push's own has failed."""
    expect_uploads(aws, settings)
    expect_group(aws, settings)
    expect_approved(aws, settings)
    expect_describe(aws, definition, settings.role_arn)
    expect_describe(aws, definition, settings.role_arn)
    later, earlier = CHANGED + timedelta(minutes=2), CHANGED + timedelta(minutes=1)
    expect_executions(aws, (later, "Succeeded", description), (earlier, "Failed"))
    expect_start(aws)
    assert run_pipeline.run(settings, aws.clients, always=False).started


def test_always_starts(aws, settings, definition):
    expect_uploads(aws, settings)
    expect_group(aws, settings)
    expect_approved(aws, settings)
    expect_describe(aws, definition, settings.role_arn)
    expect_start(aws)
    assert run_pipeline.run(settings, aws.clients, always=True).started


def test_another_role_updates_the_pipeline(aws, settings, definition):
    expect_describe(aws, definition, "arn:aws:iam::123456789012:role/old")
    aws.sagemaker.add_response("update_pipeline", {"PipelineArn": "x"})
    assert run_pipeline.upsert(settings, aws.clients.sagemaker, definition) == "updated"


def test_data_of_ones_own_is_used_where_it_is(aws, environment, capsys):
    environment["INPUT_DATA_URL"] = "s3://lake/abalone/"
    assert run_pipeline.main(["--definition-only"], environment, aws.clients) == 0
    parameters = json.loads(capsys.readouterr().out)["Parameters"]
    assert parameters[0] == {"Name": "InputDataUrl", "Type": "String", "DefaultValue": "s3://lake/abalone/"}
