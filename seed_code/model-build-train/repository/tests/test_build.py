"""What every build does in AWS before it starts anything."""

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from botocore.stub import ANY
from build_calls import (
    ARN,
    CHANGED,
    CODE_FILES,
    DIGEST,
    IMAGE,
    LISTED,
    MANIFEST,
    VERSION,
    Bucket,
    expect_kept,
    expect_listing,
    expect_told,
    expect_uploads,
)

from pipelines import build
from pipelines.build import exit_code, prepare
from pipelines.settings import Settings


def built(environment, clients):
    """The exit code of a build that starts nothing."""
    return exit_code(lambda: prepare(Settings.from_environment(environment), clients))


def test_code_is_uploaded_once_under_a_key_that_carries_its_hash(settings, tmp_path):
    bucket = Bucket()
    package = tmp_path / "abalone"
    package.mkdir()
    (package / "a.py").write_text("one = 1\n")
    first = build.upload_code(settings, bucket, package)
    assert build.upload_code(settings, bucket, package) == first
    assert bucket.puts == 1
    prefix = first.removeprefix(f"s3://{settings.bucket}/")
    assert bucket.objects == {f"{prefix}/abalone/a.py": b"one = 1\n"}
    (package / "a.py").write_text("one = 2\n")
    assert build.upload_code(settings, bucket, package) != first


def test_an_upload_that_broke_off_is_completed(settings):
    bucket = Bucket()
    build.upload_code(settings, bucket)
    whole = dict(bucket.objects)
    assert len(whole) == len(CODE_FILES)
    del bucket.objects[sorted(whole)[1]]
    build.upload_code(settings, bucket)
    assert bucket.objects == whole


def test_sample_data_is_uploaded_once(settings):
    bucket = Bucket()
    url = build.upload_sample_data(settings, bucket)
    assert build.upload_sample_data(settings, bucket) == url
    assert bucket.puts == 1
    assert next(iter(bucket.objects)) == f"{url.removeprefix(f's3://{settings.bucket}/')}/abalone.csv"


def test_the_version_of_the_data_is_that_of_all_its_files(aws, settings):
    more = [{"Key": "data/sample/more.csv", "Size": 1, "ETag": '"2"'}]
    expect_listing(aws, settings, LISTED, more)
    url = f"s3://{settings.bucket}/data/sample"
    both = build.data_version(settings, aws.clients.s3, url)
    expect_listing(aws, settings, LISTED)
    one = build.data_version(settings, aws.clients.s3, url)
    expect_listing(aws, settings, [LISTED[0] | {"ETag": '"9"'}])
    changed = build.data_version(settings, aws.clients.s3, url)
    assert one == VERSION
    assert len({one, both, changed}) == 3


def test_data_that_cannot_be_listed_has_no_version_and_nothing_of_it_is_taken_again(aws, settings):
    url = "s3://lake/abalone/"
    aws.s3.add_client_error("list_objects_v2", "AccessDenied", "no")
    assert build.data_version(settings, aws.clients.s3, url) == "unknown"
    aws.s3.add_client_error("list_objects_v2", "AccessDenied", "no")
    with pytest.raises(ClientError):
        build.data_version(replace(settings, cache_days=7), aws.clients.s3, url)
    aws.s3.add_client_error("list_objects_v2", "NoSuchBucket", "no")
    with pytest.raises(ClientError):
        build.data_version(settings, aws.clients.s3, url)


def test_bad_settings_stop_before_any_call(aws, capsys):
    assert built({}, aws.clients) == 2
    error = capsys.readouterr().err
    assert "the build's environment cannot be used:\nAWS_REGION: not set" in error


def test_a_refused_call_is_named_with_what_is_missing(aws, environment, capsys):
    aws.ecr.add_client_error("batch_get_image", "AccessDeniedException", "not for you")
    aws.s3.add_client_error("list_objects_v2", "AccessDenied", "no identity-based policy allows it")
    assert built(environment, aws.clients) == 1
    error = capsys.readouterr().err
    assert error.startswith(
        "error: ListObjectsV2 failed: AccessDenied: no identity-based policy allows it; the build's"
    )
    assert "Traceback" not in error


def test_other_faults_of_the_group_are_not_taken_for_a_missing_one(aws, settings, environment, capsys):
    expect_uploads(aws, settings)
    aws.sagemaker.add_client_error("describe_model_package_group", "ThrottlingException", "Rate exceeded")
    assert built(environment, aws.clients) == 1
    assert "DescribeModelPackageGroup failed: ThrottlingException: Rate exceeded" in capsys.readouterr().err


def test_no_network_is_said_in_a_sentence(environment, capsys):
    def fail(**_):
        raise EndpointConnectionError(endpoint_url="https://s3")

    ecr = SimpleNamespace(batch_get_image=fail)
    clients = SimpleNamespace(ecr=ecr, s3=SimpleNamespace(list_objects_v2=fail), sagemaker=None)
    assert built(environment, clients) == 1
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
    assert build.keep_approved(settings, aws.clients) == "version 7"

    expect_approved_versions(aws, settings, 7, model=f"s3://{settings.bucket}/{key}")
    expect_kept(aws, settings, told)
    assert build.keep_approved(settings, aws.clients) == "version 7", "nothing is copied twice"


def test_a_version_of_a_former_project_is_no_measure_and_is_told(aws, settings):
    expect_approved_versions(aws, settings, 7, model="s3://sagemaker-p-former-build/executions/abc/model.tar.gz")
    expect_kept(aws, settings, None)
    expect_told(aws, settings)
    described = build.keep_approved(settings, aws.clients)
    assert described == "version 7, the newest approved one, was not made by this project"


def test_an_image_of_ones_own_is_built_before_it_is_pinned(aws, settings, monkeypatch):
    built = "111122223333.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-own:1-abc"
    monkeypatch.setattr(build, "ensure_image", lambda *_: built)
    found = {"imageId": {"imageDigest": DIGEST}, "imageManifest": MANIFEST}
    asked = {"registryId": "111122223333", "repositoryName": "sagemaker-own", "imageIds": [{"imageTag": "1-abc"}]}
    aws.ecr.add_response("batch_get_image", {"images": [found]}, asked | {"acceptedMediaTypes": ANY})
    aws.s3.add_client_error("list_objects_v2", "AccessDenied", "enough is known")
    with pytest.raises(ClientError):
        prepare(replace(settings, build_image=True), aws.clients)


def test_an_image_that_is_not_there_stops_the_build(aws, environment, capsys):
    aws.ecr.add_response(
        "batch_get_image",
        {"images": [], "failures": [{"failureCode": "ImageNotFound", "failureReason": "Requested image not found"}]},
    )
    assert built(environment, aws.clients) == 1
    assert "1.9-0-cpu-py3: Requested image not found; correct JOB_IMAGE_URI" in capsys.readouterr().err
    aws.ecr.add_client_error("batch_get_image", "RepositoryNotFoundException", "no")
    assert built(environment, aws.clients) == 1
    assert "there is no such repository" in capsys.readouterr().err
