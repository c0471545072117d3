"""What the build does in AWS: every call is stubbed, checked by botocore's API model and expected in this order."""

import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.stub import ANY, Stubber

from pipelines import run_pipeline
from pipelines.definition import build_definition

ARN = "arn:aws:sagemaker:eu-west-1:123456789012"
PIPELINE = "sagemaker-p-0123456789ab-train"
EXECUTION = f"{ARN}:pipeline/{PIPELINE}/execution/abcdefabcdef"
GROUP_ARN = f"{ARN}:model-package-group/sagemaker-demo"
CHANGED = datetime(2026, 1, 1, tzinfo=UTC)
CODE_FILES = sorted(path.relative_to(run_pipeline.PACKAGE.parent) for path in run_pipeline.PACKAGE.rglob("*.py"))


@pytest.fixture
def aws():
    """Stubbed clients; at the end, every expected call has been made."""
    clients, stubs = SimpleNamespace(), SimpleNamespace()
    for service in ("s3", "sagemaker"):
        client = boto3.client(service, "eu-west-1", aws_access_key_id="x", aws_secret_access_key="x")  # noqa: S106
        setattr(clients, service, client)
        setattr(stubs, service, Stubber(client))
        getattr(stubs, service).activate()
    yield SimpleNamespace(clients=clients, s3=stubs.s3, sagemaker=stubs.sagemaker)
    stubs.s3.assert_no_pending_responses()
    stubs.sagemaker.assert_no_pending_responses()


def expect_uploads(aws, settings):
    """The code, then the sample data, into an empty bucket."""
    aws.s3.add_response("list_objects_v2", {}, {"Bucket": settings.bucket, "Prefix": ANY})
    for _ in CODE_FILES:
        aws.s3.add_response("put_object", {}, {"Bucket": settings.bucket, "Key": ANY, "Body": ANY})
    if not settings.input_data_url:
        aws.s3.add_response("list_objects_v2", {}, {"Bucket": settings.bucket, "Prefix": ANY})
        aws.s3.add_response(
            "put_object", {}, {"Bucket": settings.bucket, "Key": ANY, "Body": ANY, "ContentType": "text/csv"}
        )


def expect_group(aws, settings):
    aws.sagemaker.add_response(
        "describe_model_package_group",
        {
            "ModelPackageGroupName": settings.model_package_group,
            "ModelPackageGroupArn": GROUP_ARN,
            "CreationTime": CHANGED,
            "ModelPackageGroupStatus": "Completed",
            "CreatedBy": {},
        },
        {"ModelPackageGroupName": "sagemaker-Demo"},
    )
    aws.sagemaker.add_response("add_tags", {"Tags": []}, {"ResourceArn": GROUP_ARN, "Tags": settings.tags})


def expect_describe(aws, definition, role):
    aws.sagemaker.add_response(
        "describe_pipeline",
        {"PipelineDefinition": json.dumps(definition), "RoleArn": role, "LastModifiedTime": CHANGED},
        {"PipelineName": PIPELINE},
    )


def expect_executions(aws, *executions):
    summaries = [
        {"PipelineExecutionArn": EXECUTION, "StartTime": start, "PipelineExecutionStatus": status}
        for start, status in executions
    ]
    aws.sagemaker.add_response(
        "list_pipeline_executions",
        {"PipelineExecutionSummaries": summaries},
        {"PipelineName": PIPELINE, "SortBy": "CreationTime", "SortOrder": "Descending", "MaxResults": 1},
    )


def expect_start(aws, commit="0a1b2c3d"):
    aws.sagemaker.add_response(
        "start_pipeline_execution",
        {"PipelineExecutionArn": EXECUTION},
        {
            "PipelineName": PIPELINE,
            "PipelineExecutionDescription": f"Commit {commit}",
            "PipelineParameters": [{"Name": "CommitId", "Value": commit}],
        },
    )


@pytest.fixture
def definition(settings):
    """The definition that a run makes, found by uploading to a bucket in memory."""
    bucket = Bucket()
    return build_definition(
        settings, run_pipeline.upload_code(settings, bucket), run_pipeline.upload_sample_data(settings, bucket)
    )


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
    assert f"--pipeline-execution-arn {EXECUTION}" in output
    assert arn_file.read_text() == f"{EXECUTION}\n"


def test_a_changed_definition_is_updated_and_started(aws, settings):
    expect_uploads(aws, settings)
    expect_group(aws, settings)
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
    assert outcome == run_pipeline.Outcome(pipeline="updated", execution_arn=EXECUTION, started=True)


@pytest.mark.parametrize(("status", "started"), [("Succeeded", False), ("Executing", False), ("Failed", True)])
def test_an_unchanged_definition_starts_only_when_its_last_execution_did_not_work(
    aws, settings, definition, status, started
):
    expect_uploads(aws, settings)
    expect_group(aws, settings)
    expect_describe(aws, definition, settings.role_arn)
    expect_describe(aws, definition, settings.role_arn)
    expect_executions(aws, (CHANGED + timedelta(minutes=1), status))
    if started:
        expect_start(aws)
    outcome = run_pipeline.run(settings, aws.clients, always=False)
    assert outcome == run_pipeline.Outcome(pipeline="unchanged", execution_arn=EXECUTION, started=started)
    if not started:
        assert "not started: execution abcdefabcdef already runs, or has succeeded" in run_pipeline.report(
            settings, outcome
        )


def test_always_starts(aws, settings, definition):
    expect_uploads(aws, settings)
    expect_group(aws, settings)
    expect_describe(aws, definition, settings.role_arn)
    expect_start(aws)
    assert run_pipeline.run(settings, aws.clients, always=True).started


def test_another_role_updates_the_pipeline(aws, settings, definition):
    expect_describe(aws, definition, "arn:aws:iam::123456789012:role/old")
    aws.sagemaker.add_response("update_pipeline", {"PipelineArn": "x"})
    assert run_pipeline.upsert(settings, aws.clients.sagemaker, definition) == "updated"


class Bucket:
    """Keeps what is put."""

    def __init__(self):
        self.objects = {}
        self.puts = 0

    def list_objects_v2(self, **call):
        return {"Contents": [{"Key": key} for key in self.objects if key.startswith(call["Prefix"])]}

    def put_object(self, **call):
        self.objects[call["Key"]] = call["Body"]
        self.puts += 1


def test_code_is_uploaded_once_under_a_key_that_carries_its_hash(settings, tmp_path):
    bucket = Bucket()
    package = tmp_path / "abalone"
    package.mkdir()
    (package / "a.py").write_text("one = 1\n")
    first = run_pipeline.upload_code(settings, bucket, package)
    assert run_pipeline.upload_code(settings, bucket, package) == first
    assert bucket.puts == 1
    prefix = first.removeprefix(f"s3://{settings.bucket}/")
    assert bucket.objects == {f"{prefix}/abalone/a.py": b"one = 1\n"}
    (package / "a.py").write_text("one = 2\n")
    assert run_pipeline.upload_code(settings, bucket, package) != first


def test_an_upload_that_broke_off_is_completed(settings):
    bucket = Bucket()
    run_pipeline.upload_code(settings, bucket)
    whole = dict(bucket.objects)
    assert len(whole) == len(CODE_FILES)
    del bucket.objects[sorted(whole)[1]]
    run_pipeline.upload_code(settings, bucket)
    assert bucket.objects == whole


def test_sample_data_is_uploaded_once(settings):
    bucket = Bucket()
    url = run_pipeline.upload_sample_data(settings, bucket)
    assert run_pipeline.upload_sample_data(settings, bucket) == url
    assert bucket.puts == 1
    assert next(iter(bucket.objects)) == f"{url.removeprefix(f's3://{settings.bucket}/')}/abalone.csv"


def test_data_of_ones_own_is_used_where_it_is(aws, environment, capsys):
    environment["INPUT_DATA_URL"] = "s3://lake/abalone/"
    assert run_pipeline.main(["--definition-only"], environment, aws.clients) == 0
    parameters = json.loads(capsys.readouterr().out)["Parameters"]
    assert parameters[0] == {"Name": "InputDataUrl", "Type": "String", "DefaultValue": "s3://lake/abalone/"}


def test_bad_settings_stop_before_any_call(aws, capsys):
    assert run_pipeline.main([], {}, aws.clients) == 2
    error = capsys.readouterr().err
    assert "the build's environment cannot be used:\nAWS_REGION: not set" in error


def test_a_refused_call_is_named_with_what_is_missing(aws, environment, capsys):
    aws.s3.add_client_error("list_objects_v2", "AccessDenied", "no identity-based policy allows it")
    assert run_pipeline.main([], environment, aws.clients) == 1
    error = capsys.readouterr().err
    assert error.startswith(
        "error: ListObjectsV2 failed: AccessDenied: no identity-based policy allows it; the build's"
    )
    assert "Traceback" not in error


def test_other_faults_of_the_group_are_not_taken_for_a_missing_one(aws, settings, environment, capsys):
    expect_uploads(aws, settings)
    aws.sagemaker.add_client_error("describe_model_package_group", "ThrottlingException", "Rate exceeded")
    assert run_pipeline.main([], environment, aws.clients) == 1
    assert "DescribeModelPackageGroup failed: ThrottlingException: Rate exceeded" in capsys.readouterr().err


def test_no_network_is_said_in_a_sentence(environment, capsys):
    def fail(**_):
        raise EndpointConnectionError(endpoint_url="https://s3")

    clients = SimpleNamespace(s3=SimpleNamespace(list_objects_v2=fail), sagemaker=None)
    assert run_pipeline.main([], environment, clients) == 1
    assert "error: AWS cannot be called: Could not connect" in capsys.readouterr().err
