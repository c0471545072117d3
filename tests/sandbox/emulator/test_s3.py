"""What moto's S3 does not do by itself."""

import json

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.conftest import REGION, Clients

BUCKET = "policy-of-a-bucket"


def refuse(condition: dict[str, object]) -> str:
    statement = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": f"arn:aws:s3:::{BUCKET}/*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [{**statement, **condition}]})


def test_a_refusal_binds_unless_it_has_a_condition(aws: Clients) -> None:
    s3 = aws("s3")
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_bucket_policy(Bucket=BUCKET, Policy=refuse({"Condition": {"Bool": {"aws:SecureTransport": "false"}}}))
    s3.put_object(Bucket=BUCKET, Key="key", Body=b"content")
    s3.put_bucket_policy(Bucket=BUCKET, Policy=refuse({}))
    with pytest.raises(ClientError, match="403"):
        s3.put_object(Bucket=BUCKET, Key="key", Body=b"content")


def test_a_delete_marker_goes_though_versioning_is_suspended_by_then(aws: Clients) -> None:
    s3, bucket = aws("s3"), "delete-marker-of-a-bucket"
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket=bucket, Key="key", Body=b"content")
    s3.delete_object(Bucket=bucket, Key="key")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    listed = s3.list_object_versions(Bucket=bucket)
    doomed = [{"Key": "key", "VersionId": one["VersionId"]} for one in listed["DeleteMarkers"] + listed["Versions"]]
    s3.delete_objects(Bucket=bucket, Delete={"Objects": doomed})
    s3.delete_bucket(Bucket=bucket)


def test_account_regional_bucket_needs_its_ending(aws: Clients) -> None:
    place = {"LocationConstraint": "eu-west-1"}
    with pytest.raises(ClientError):
        aws("s3").create_bucket(Bucket="no-ending", BucketNamespace="account-regional", CreateBucketConfiguration=place)


@pytest.mark.parametrize("name", ["Capitals", "under_score", "-begins", "ends-"])
def test_a_name_that_s3_does_not_take_makes_no_bucket(aws: Clients, name: str) -> None:
    with pytest.raises(ClientError, match="InvalidBucketName"):
        aws("s3").create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
