"""What the build does in AWS: every call is stubbed, checked by botocore's API model and expected in this order."""

import hashlib
import io
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from botocore.response import StreamingBody
from botocore.stub import ANY, Stubber

from pipelines import run_pipeline
from pipelines.definition import build_definition

ARN = "arn:aws:sagemaker:eu-west-1:123456789012"
PIPELINE = "sagemaker-p-0123456789ab-train"
EXECUTION = f"{ARN}:pipeline/{PIPELINE}/execution/abcdefabcdef"
GROUP_ARN = f"{ARN}:model-package-group/sagemaker-demo"
CHANGED = datetime(2026, 1, 1, tzinfo=UTC)
LISTED = [{"Key": "data/sample/abalone.csv", "Size": 7, "ETag": '"1"'}]
VERSION = hashlib.sha256(b'data/sample/abalone.csv\x007\x00"1"\n').hexdigest()[:20]
DIGEST = f"sha256:{'5' * 64}"
MANIFEST = '{"manifests": [{"platform": {"architecture": "amd64"}}]}'
IMAGE = f"141502667606.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-scikit-learn@{DIGEST}"
CODE_FILES = sorted(path.relative_to(run_pipeline.PACKAGE.parent) for path in run_pipeline.PACKAGE.rglob("*.py"))


@pytest.fixture
def aws():
    """Stubbed clients; at the end, every expected call has been made."""
    clients, stubs = SimpleNamespace(), SimpleNamespace()
    for service in ("ecr", "s3", "sagemaker"):
        client = boto3.client(service, "eu-west-1", aws_access_key_id="x", aws_secret_access_key="x")  # noqa: S106
        setattr(clients, service, client)
        setattr(stubs, service, Stubber(client))
        getattr(stubs, service).activate()
    yield SimpleNamespace(clients=clients, ecr=stubs.ecr, s3=stubs.s3, sagemaker=stubs.sagemaker)
    stubs.ecr.assert_no_pending_responses()
    stubs.s3.assert_no_pending_responses()
    stubs.sagemaker.assert_no_pending_responses()


def expect_uploads(aws, settings):
    """The image is asked for; then the code and the sample data go into an empty bucket."""
    aws.ecr.add_response(
        "batch_get_image",
        {"images": [{"imageId": {"imageTag": "1.9-0-cpu-py3", "imageDigest": DIGEST}, "imageManifest": MANIFEST}]},
        {
            "registryId": "141502667606",
            "repositoryName": "sagemaker-scikit-learn",
            "imageIds": [{"imageTag": "1.9-0-cpu-py3"}],
            "acceptedMediaTypes": ANY,
        },
    )
    aws.s3.add_response("list_objects_v2", {}, {"Bucket": settings.bucket, "Prefix": ANY})
    for _ in CODE_FILES:
        aws.s3.add_response("put_object", {}, {"Bucket": settings.bucket, "Key": ANY, "Body": ANY})
    if not settings.input_data_url:
        aws.s3.add_response("list_objects_v2", {}, {"Bucket": settings.bucket, "Prefix": ANY})
        aws.s3.add_response(
            "put_object", {}, {"Bucket": settings.bucket, "Key": ANY, "Body": ANY, "ContentType": "text/csv"}
        )
    expect_listing(aws, settings, LISTED)


def expect_listing(aws, settings, *pages):
    """What the data's version is made from."""
    asked = {"Bucket": settings.bucket, "Prefix": ANY}
    for number, page in enumerate(pages, start=1):
        more = {"IsTruncated": True, "NextContinuationToken": "more"} if number < len(pages) else {}
        aws.s3.add_response("list_objects_v2", {"Contents": page} | more, asked)
        asked = asked | {"ContinuationToken": "more"}


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


def expect_approved(aws, settings, kept=None):
    """Nothing is approved; `kept` is what the bucket says of it already."""
    aws.sagemaker.add_response(
        "list_model_packages",
        {"ModelPackageSummaryList": []},
        {"ModelPackageGroupName": settings.model_package_group, "ModelApprovalStatus": "Approved"},
    )
    expect_kept(aws, settings, kept)
    if kept is None:
        expect_told(aws, settings)


def expect_kept(aws, settings, text):
    asked = {"Bucket": settings.bucket, "Key": "approved/approved.json"}
    if text is None:
        aws.s3.add_client_error("get_object", "NoSuchKey", "not there", expected_params=asked)
    else:
        body = text.encode()
        aws.s3.add_response("get_object", {"Body": StreamingBody(io.BytesIO(body), len(body))}, asked)


def expect_told(aws, settings, body=ANY):
    told = {"Bucket": settings.bucket, "Key": "approved/approved.json", "ContentType": "application/json", "Body": body}
    aws.s3.add_response("put_object", {}, told)


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


def test_the_version_of_the_data_is_that_of_all_its_files(aws, settings):
    more = [{"Key": "data/sample/more.csv", "Size": 1, "ETag": '"2"'}]
    expect_listing(aws, settings, LISTED, more)
    url = f"s3://{settings.bucket}/data/sample"
    both = run_pipeline.data_version(settings, aws.clients.s3, url)
    expect_listing(aws, settings, LISTED)
    one = run_pipeline.data_version(settings, aws.clients.s3, url)
    expect_listing(aws, settings, [LISTED[0] | {"ETag": '"9"'}])
    changed = run_pipeline.data_version(settings, aws.clients.s3, url)
    assert one == VERSION
    assert len({one, both, changed}) == 3


def test_data_that_cannot_be_listed_has_no_version_and_nothing_of_it_is_taken_again(aws, settings):
    url = "s3://lake/abalone/"
    aws.s3.add_client_error("list_objects_v2", "AccessDenied", "no")
    assert run_pipeline.data_version(settings, aws.clients.s3, url) == "unknown"
    aws.s3.add_client_error("list_objects_v2", "AccessDenied", "no")
    with pytest.raises(ClientError):
        run_pipeline.data_version(replace(settings, cache_days=7), aws.clients.s3, url)
    aws.s3.add_client_error("list_objects_v2", "NoSuchBucket", "no")
    with pytest.raises(ClientError):
        run_pipeline.data_version(settings, aws.clients.s3, url)


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
    aws.ecr.add_client_error("batch_get_image", "AccessDeniedException", "not for you")
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

    ecr = SimpleNamespace(batch_get_image=fail)
    clients = SimpleNamespace(ecr=ecr, s3=SimpleNamespace(list_objects_v2=fail), sagemaker=None)
    assert run_pipeline.main([], environment, clients) == 1
    assert "error: AWS cannot be called: Could not connect" in capsys.readouterr().err


def expect_approved_versions(aws, settings, *versions, model):
    arns = {version: f"{ARN}:model-package/sagemaker-demo/{version}" for version in versions}
    aws.sagemaker.add_response(
        "list_model_packages",
        {
            "ModelPackageSummaryList": [
                {
                    "ModelPackageArn": arn,
                    "ModelPackageVersion": version,
                    "ModelPackageStatus": "Completed",
                    "CreationTime": CHANGED,
                }
                for version, arn in arns.items()
            ]
        },
        {"ModelPackageGroupName": settings.model_package_group, "ModelApprovalStatus": "Approved"},
    )
    newest = arns[max(versions)]
    aws.sagemaker.add_response(
        "describe_model_package",
        {
            "ModelPackageName": newest,
            "ModelPackageArn": newest,
            "CreationTime": CHANGED,
            "ModelPackageStatus": "Completed",
            "ModelPackageStatusDetails": {"ValidationStatuses": []},
            "InferenceSpecification": {"Containers": [{"Image": IMAGE, "ModelDataUrl": model}]},
        },
        {"ModelPackageName": newest},
    )
    return newest


def test_the_newest_approved_version_is_kept_where_evaluation_reads_it(aws, settings):
    key = "executions/abc/models/Train/output/model.tar.gz"
    newest = expect_approved_versions(aws, settings, 2, 7, 3, model=f"s3://{settings.bucket}/{key}")
    expect_kept(aws, settings, '{"version": 2}')
    aws.s3.add_response(
        "copy_object",
        {},
        {
            "Bucket": settings.bucket,
            "Key": "approved/model.tar.gz",
            "CopySource": {"Bucket": settings.bucket, "Key": key},
        },
    )
    told = json.dumps({"arn": newest, "model": "model.tar.gz", "version": 7}, indent=2) + "\n"
    expect_told(aws, settings, told.encode())
    assert run_pipeline.keep_approved(settings, aws.clients) == "version 7"

    expect_approved_versions(aws, settings, 7, model=f"s3://{settings.bucket}/{key}")
    expect_kept(aws, settings, told)
    assert run_pipeline.keep_approved(settings, aws.clients) == "version 7", "nothing is copied twice"


def test_a_version_of_a_former_project_is_no_measure_and_is_told(aws, settings):
    expect_approved_versions(aws, settings, 7, model="s3://sagemaker-p-former-build/executions/abc/model.tar.gz")
    expect_kept(aws, settings, None)
    expect_told(aws, settings)
    described = run_pipeline.keep_approved(settings, aws.clients)
    assert described == "version 7, the newest approved one, was not made by this project"


def test_an_image_of_ones_own_is_built_before_it_is_pinned(aws, settings, monkeypatch):
    built = "111122223333.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-own:1-abc"
    monkeypatch.setattr(run_pipeline, "ensure_image", lambda *_: built)
    found = {"imageId": {"imageDigest": DIGEST}, "imageManifest": MANIFEST}
    asked = {"registryId": "111122223333", "repositoryName": "sagemaker-own", "imageIds": [{"imageTag": "1-abc"}]}
    aws.ecr.add_response("batch_get_image", {"images": [found]}, asked | {"acceptedMediaTypes": ANY})
    aws.s3.add_client_error("list_objects_v2", "AccessDenied", "enough is known")
    with pytest.raises(ClientError):
        run_pipeline.run(replace(settings, build_image=True), aws.clients, always=False)


def test_an_image_that_is_not_there_stops_the_build(aws, environment, capsys):
    aws.ecr.add_response(
        "batch_get_image",
        {"images": [], "failures": [{"failureCode": "ImageNotFound", "failureReason": "Requested image not found"}]},
    )
    assert run_pipeline.main([], environment, aws.clients) == 1
    assert "1.9-0-cpu-py3: Requested image not found; correct JOB_IMAGE_URI" in capsys.readouterr().err
    aws.ecr.add_client_error("batch_get_image", "RepositoryNotFoundException", "no")
    assert run_pipeline.main([], environment, aws.clients) == 1
    assert "there is no such repository" in capsys.readouterr().err
