"""What a policy that AWS holds lets others do. The policies here are what a bucket, a topic and a key could have."""

import json
from typing import Any

import pytest

from tests.support.played_aws import Clients, Refused
from tools.deployment_test.exposure import bucket_faults, key_faults, topic_faults

ACCOUNT = "111122223333"
BUCKET = "artifacts"
TOPIC = f"arn:aws:sns:us-east-2:{ACCOUNT}:topic"
KEY = f"arn:aws:kms:us-east-2:{ACCOUNT}:key/1"
REFUSE_HTTP = {
    "Effect": "Deny",
    "Principal": "*",
    "Action": ["s3:*", "sns:Publish"],
    "Resource": "*",
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}
CLOSED = dict.fromkeys(("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"), True)


def allow(principal: object, action: str, **condition: Any) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": principal, "Action": action, "Resource": "*"}
    return {**statement, "Condition": condition} if condition else statement


class Aws:
    """A bucket, a topic and a key with one policy."""

    def __init__(self, *statements: dict[str, Any], block: dict[str, bool] = CLOSED) -> None:
        self.calls: list[str] = []
        self.policy = json.dumps({"Version": "2012-10-17", "Statement": list(statements)}) if statements else None
        self.block = block

    def GetBucketPolicy(self, Bucket: str) -> dict[str, Any]:
        assert Bucket == BUCKET
        if self.policy is None:
            raise Refused("NoSuchBucketPolicy")
        return {"Policy": self.policy}

    def GetPublicAccessBlock(self, Bucket: str) -> dict[str, Any]:
        assert Bucket == BUCKET
        return {"PublicAccessBlockConfiguration": self.block}

    def GetTopicAttributes(self, TopicArn: str) -> dict[str, Any]:
        assert TopicArn == TOPIC
        return {"Attributes": {"Policy": self.policy}}

    def GetKeyPolicy(self, KeyId: str, PolicyName: str) -> dict[str, Any]:
        assert (KeyId, PolicyName) == (KEY, "default")
        return {"Policy": self.policy}


def client(aws: Aws, service: str) -> Any:
    return Clients(aws).client(service, "us-east-2")


def bucket(*statements: dict[str, Any], block: dict[str, bool] = CLOSED) -> list[str]:
    return list(bucket_faults(client(Aws(*statements, block=block), "s3"), BUCKET, ACCOUNT))


def test_a_bucket_that_refuses_plain_http_and_others_has_no_fault() -> None:
    own = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    assert bucket(REFUSE_HTTP, allow(own, "s3:GetObject")) == []


def test_a_bucket_without_a_policy_takes_plain_http() -> None:
    assert bucket() == [
        f"bucket {BUCKET} does not refuse s3:GetObject over plain HTTP",
        f"bucket {BUCKET} does not refuse s3:PutObject over plain HTTP",
    ]


@pytest.mark.parametrize(
    ("principal", "condition"),
    [
        ("*", {}),
        ({"AWS": "arn:aws:iam::999999999999:root"}, {}),
        ("*", {"StringNotEquals": {"aws:PrincipalAccount": ACCOUNT}}),
    ],
)
def test_a_bucket_that_others_read_is_open(principal: object, condition: dict[str, Any]) -> None:
    found = bucket(REFUSE_HTTP, allow(principal, "s3:GetObject", **condition))
    assert found == [f"bucket {BUCKET} lets other accounts call s3:GetObject"]


def test_a_bucket_of_an_organization_is_not_open() -> None:
    reader = allow("*", "s3:GetObject", StringEquals={"aws:PrincipalOrgID": "o-abcdefghij"})
    assert bucket(REFUSE_HTTP, reader) == []


def test_each_part_of_the_public_access_block_counts() -> None:
    found = bucket(REFUSE_HTTP, block={**CLOSED, "BlockPublicPolicy": False})
    assert found == [f"bucket {BUCKET}: BlockPublicPolicy is off"]


def test_a_topic_is_for_services_of_the_account_over_tls() -> None:
    service = allow({"Service": "events.amazonaws.com"}, "sns:Publish")
    assert list(topic_faults(client(Aws(REFUSE_HTTP, service), "sns"), TOPIC)) == []
    everybody = allow({"AWS": "*"}, "sns:Subscribe")
    assert list(topic_faults(client(Aws(everybody), "sns"), TOPIC)) == [
        f"topic {TOPIC} does not refuse sns:Publish over plain HTTP",
        f"topic {TOPIC} lets other accounts call sns:Subscribe",
    ]


def test_a_key_is_open_where_others_decrypt_with_it() -> None:
    through = allow({"AWS": "*"}, "kms:Decrypt", StringEquals={"kms:CallerAccount": ACCOUNT})
    assert list(key_faults(client(Aws(through), "kms"), KEY)) == []
    assert list(key_faults(client(Aws(allow("*", "kms:*")), "kms"), KEY)) == [
        f"key {KEY} lets other accounts call kms:Decrypt",
        f"key {KEY} lets other accounts call kms:PutKeyPolicy",
    ]
