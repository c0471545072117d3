"""What every product's clean-up function does with the artifact bucket, and how it answers."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from moto import mock_aws

from tests.seed_code.clean_up import DONE, REGION, CleanUp, loaded
from tests.seed_code.product_templates import PRODUCTS

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

BUCKET = "sagemaker-p-1-artifacts"
# What any of the functions reads; each takes its part.
PROPERTIES = {
    "Bucket": BUCKET,
    "Pipeline": "sagemaker-p-1-train",
    "Endpoints": "Retain",
    "Stages": [],
    "Runs": "sagemaker-p-1-batch-",
    "Prefix": "sagemaker-p-1",
    "DagBucket": BUCKET,
    "StateMachine": "arn:aws:states:eu-west-1:123456789012:stateMachine:sagemaker-p-1-train",
    "Project": "p-1",
}


@pytest.fixture(scope="module", params=PRODUCTS)
def function(request: pytest.FixtureRequest) -> Iterator[CleanUp]:
    """Each function in turn, loaded once; making its clients is slow."""
    with loaded(request.param) as function:
        yield function


@pytest.fixture
def s3(function: CleanUp) -> Iterator["S3Client"]:
    """The API of an account with one versioned bucket."""
    with mock_aws():
        client: S3Client = function.module.s3
        client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        yield client


def buckets(s3: "S3Client") -> list[str]:
    return [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]


@pytest.mark.parametrize(
    ("kind", "artifacts"), [("Create", "Delete"), ("Update", "Delete"), ("Update", "Retain"), ("Delete", "Retain")]
)
def test_nothing_is_removed_before_the_project_goes_or_when_it_is_to_stay(
    function: CleanUp, s3: "S3Client", kind: str, artifacts: str
) -> None:
    assert function.call(kind, {**PROPERTIES, "Artifacts": artifacts}) == DONE
    assert buckets(s3) == [BUCKET]


def test_all_versions_and_markers_of_every_page_go_and_a_second_call_finds_nothing(
    function: CleanUp, s3: "S3Client", monkeypatch: pytest.MonkeyPatch
) -> None:
    # With three versions of a key, a page ends amid the versions of one.
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "10")
    for number in range(12):
        s3.put_object(Bucket=BUCKET, Key=f"k{number // 3}", Body=b"")
    s3.delete_object(Bucket=BUCKET, Key="k1")
    assert function.call("Delete", {**PROPERTIES, "Artifacts": "Delete"}) == DONE
    assert buckets(s3) == []
    assert function.call("Delete", {**PROPERTIES, "Artifacts": "Delete"}) == DONE


def test_a_clean_up_that_runs_out_of_time_says_what_to_do(function: CleanUp, s3: "S3Client") -> None:
    s3.put_object(Bucket=BUCKET, Key="k", Body=b"")
    answer = function.call("Delete", {**PROPERTIES, "Artifacts": "Delete"}, lambda: 5)
    assert answer.status == "FAILED"
    assert answer.physical_id == DONE.physical_id
    assert str(answer.reason).endswith(": the bucket is not empty yet; delete the project once more")


def test_objects_that_cannot_be_deleted_are_told_in_an_answer_that_cloudformation_takes(
    function: CleanUp, s3: "S3Client", monkeypatch: pytest.MonkeyPatch
) -> None:
    s3.put_object(Bucket=BUCKET, Key="k", Body=b"")

    def refuse(**_asked: object) -> dict[str, Any]:
        return {"Errors": [{"Key": f"k{number}", "Code": "AccessDenied"} for number in range(1_000)]}

    monkeypatch.setattr(function.module.s3, "delete_objects", refuse)
    answer = function.call("Delete", {**PROPERTIES, "Artifacts": "Delete"})
    assert answer.status == "FAILED"
    assert "AccessDenied" in str(answer.reason)
    assert len(str(answer.reason)) < 2_048
    assert buckets(s3) == [BUCKET]
