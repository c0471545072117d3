"""What the policies of an artifact bucket and its key really let through."""

from typing import Any

import pulumi_aws as aws
import pytest
from pulumi import _types as sdk

from tests.support.access import Context, decision
from tests.support.recording import Recording, recorded, stack_values

REGION = "eu-west-1"
OWNER = "arn:aws:iam::111122223333:root"
READER = "arn:aws:iam::444455556666:root"
STRANGER = "arn:aws:iam::999999999999:root"
BUCKET = "sm-mlops-dev-artifacts-111122223333-eu-west-1-an"
BUCKET_ARN = f"arn:aws:s3:::{BUCKET}"
KEY_ARN = f"arn:aws:kms:{REGION}:111122223333:key/artifacts-{REGION}-key-id"
TLS = {"aws:SecureTransport": "true", "s3:TlsVersion": "1.3"}
SSE = "s3:x-amz-server-side-encryption"


@pytest.fixture(scope="module")
def shared() -> Recording:
    """Dev with a reader in another account."""
    values = stack_values("dev")
    values["sm-mlops:artifacts"] = {**values["sm-mlops:artifacts"], "readerAccountIds": ["444455556666"]}
    return recorded(values)


def bucket_decision(recording: Recording, principal: str, action: str, context: Context) -> str:
    statements = recording.named(f"artifacts-{REGION}-policy").policy()["Statement"]
    return decision(statements, principal, action, f"{BUCKET_ARN}/pipeline/source.zip", context)


@pytest.mark.parametrize(
    ("context", "expected"),
    [
        pytest.param(TLS, "none", id="no header: the bucket's default encrypts it"),
        pytest.param({**TLS, SSE: "aws:kms"}, "none", id="the bucket's default, by name"),
        pytest.param({**TLS, SSE: "aws:kms", f"{SSE}-aws-kms-key-id": KEY_ARN}, "none", id="the bucket's key, by name"),
        pytest.param({**TLS, SSE: "AES256"}, "deny", id="a key of S3"),
        pytest.param({**TLS, SSE: "aws:kms:dsse"}, "deny", id="another algorithm"),
        pytest.param(
            {**TLS, SSE: "aws:kms", f"{SSE}-aws-kms-key-id": "arn:aws:kms:eu-west-1:999999999999:key/other"},
            "deny",
            id="another key",
        ),
        pytest.param({**TLS, f"{SSE}-customer-algorithm": "AES256"}, "deny", id="a key that the caller keeps"),
        pytest.param({"aws:SecureTransport": "false"}, "deny", id="plain HTTP"),
        pytest.param({"aws:SecureTransport": "true", "s3:TlsVersion": "1.1"}, "deny", id="TLS 1.1"),
    ],
)
def test_uploads_are_refused_unless_encrypted_in_transit_and_with_the_key(
    dev: Recording, context: Context, expected: str
) -> None:
    """`none` leaves the decision to the caller's own IAM policy, as it should."""
    assert bucket_decision(dev, OWNER, "s3:PutObject", context) == expected


def test_readers_read_and_do_nothing_else(shared: Recording) -> None:
    assert bucket_decision(shared, READER, "s3:GetObject", TLS) == "allow"
    assert bucket_decision(shared, READER, "s3:GetObjectVersion", TLS) == "allow"
    assert bucket_decision(shared, READER, "s3:GetObject", {"aws:SecureTransport": "false"}) == "deny"
    assert bucket_decision(shared, READER, "s3:PutObject", TLS) == "none"
    assert bucket_decision(shared, READER, "s3:DeleteObject", TLS) == "none"
    assert bucket_decision(shared, STRANGER, "s3:GetObject", TLS) == "none"


def test_without_readers_nobody_is_let_in_by_the_bucket(dev: Recording) -> None:
    assert bucket_decision(dev, READER, "s3:GetObject", TLS) == "none"


def through_s3(account_id: str, bucket: str = BUCKET, region: str = REGION) -> dict[str, str]:
    return {
        "kms:CallerAccount": account_id,
        "kms:ViaService": f"s3.{region}.amazonaws.com",
        "kms:EncryptionContext:aws:s3:arn": f"arn:aws:s3:::{bucket}",
    }


def key_decision(recording: Recording, principal: str, action: str, context: Context) -> str:
    statements: list[dict[str, Any]] = recording.named(f"artifacts-{REGION}-key").policy()["Statement"]
    return decision(statements, principal, action, "*", context)


@pytest.mark.parametrize("action", ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptTo"])
def test_the_key_encrypts_for_its_bucket_only(dev: Recording, action: str) -> None:
    own = "111122223333"
    assert key_decision(dev, OWNER, action, through_s3(own)) == "allow"
    assert key_decision(dev, OWNER, action, {"kms:CallerAccount": own}) == "none", "outside S3"
    assert key_decision(dev, OWNER, action, through_s3(own, bucket="another-bucket")) == "none"
    assert key_decision(dev, OWNER, action, through_s3(own, region="us-east-2")) == "none"


def test_readers_may_decrypt_and_not_encrypt(shared: Recording) -> None:
    context = through_s3("444455556666")
    assert key_decision(shared, READER, "kms:Decrypt", context) == "allow"
    assert key_decision(shared, READER, "kms:GenerateDataKey", context) == "none"
    assert key_decision(shared, READER, "kms:PutKeyPolicy", context) == "none"
    assert key_decision(shared, STRANGER, "kms:Decrypt", through_s3("999999999999")) == "none"


def test_the_account_can_always_repair_the_key(dev: Recording) -> None:
    """A key whose policy lets nobody change it is lost for ever."""
    for action in ("kms:PutKeyPolicy", "kms:ScheduleKeyDeletion", "kms:DescribeKey", "kms:EnableKeyRotation"):
        assert key_decision(dev, OWNER, action, {}) == "allow"
    assert key_decision(dev, OWNER, "kms:CreateGrant", {}) == "none", "a grant would pass the key on without conditions"


def test_lifecycle_follows_the_settings(dev: Recording) -> None:
    expire, markers = dev.named(f"artifacts-{REGION}-lifecycle").inputs["rules"]
    assert expire["expiration"] == {"days": 30}
    assert expire["noncurrentVersionExpiration"] == {"noncurrentDays": 7}
    assert expire["abortIncompleteMultipartUpload"] == {"daysAfterInitiation": 1}
    assert markers["expiration"] == {"expiredObjectDeleteMarker": True}
    assert "versioning" in "".join(dev.named(f"artifacts-{REGION}-lifecycle").depends_on)


def test_account_regional_names_are_the_default_and_end_as_s3_demands(dev: Recording) -> None:
    for bucket in dev.of_type("aws:s3/bucket:Bucket"):
        assert bucket.inputs["bucketNamespace"] == "account-regional"
        assert bucket.inputs["bucket"].endswith(f"-111122223333-{bucket.region}-an")


def test_legacy_names_are_exactly_those_of_the_manual_commands() -> None:
    values = stack_values("dev")
    values["sm-mlops:artifacts"] = {**values["sm-mlops:artifacts"], "naming": "legacy"}
    buckets = [bucket for bucket in recorded(values).of_type("aws:s3/bucket:Bucket") if "artifacts" in bucket.name]
    assert sorted(bucket.inputs["bucket"] for bucket in buckets) == [
        "codepipeline-sm-mlops-eu-central-1",
        "codepipeline-sm-mlops-eu-west-1",
        "codepipeline-sm-mlops-eu-west-2",
        "codepipeline-sm-mlops-us-east-2",
    ]
    assert not [bucket for bucket in buckets if "bucketNamespace" in bucket.inputs]


def test_policy_waits_for_the_public_access_block(dev: Recording) -> None:
    """S3 answers 409 to two changes of a bucket's access at once."""
    assert f"artifacts-{REGION}-public-access" in dev.named(f"artifacts-{REGION}-policy").depends_on


def test_what_other_resources_set_on_a_bucket_is_no_difference_of_the_bucket(dev: Recording) -> None:
    """A refresh reads it into the bucket's state. A name that the plugin does not have would guard nothing."""
    kinds = {
        "corsRules": "BucketCorsConfiguration",
        "lifecycleRules": "BucketLifecycleConfiguration",
        "policy": "BucketPolicy",
        "serverSideEncryptionConfiguration": "BucketServerSideEncryptionConfiguration",
        "versioning": "BucketVersioning",
    }
    inputs = set(sdk.input_type_py_to_pulumi_names(aws.s3.BucketArgs).values())
    for bucket in dev.of_type("aws:s3/bucket:Bucket"):
        assert set(bucket.request.ignoreChanges) == set(kinds)
        assert set(bucket.request.ignoreChanges) <= inputs
        assert not set(bucket.request.ignoreChanges) & set(bucket.inputs), "the program's own would never be set"
    registered = {one.type.rpartition(":")[2] for one in dev.resources}
    assert set(kinds.values()) - registered <= {"BucketCorsConfiguration"}
