"""Whether anything of a stack is open to others: the policies that AWS really holds, judged as IAM judges them."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from awsmodel.arns import ANY, ArnScope
from awsmodel.iam.evaluation import Request, Statement, decision, statements

if TYPE_CHECKING:
    from types_boto3_kms import KMSClient
    from types_boto3_s3 import S3Client
    from types_boto3_sns import SNSClient

Client = Callable[[str], Any]
"""Gives the client of a service in one region."""

STRANGER = "999999999999"
"""An account that is nobody's here. AWS gives ids that begin otherwise, too; what counts is that it is not ours."""

_READ = {"aws:SecureTransport": "true", "s3:TlsVersion": "1.3"}


def bucket_faults(s3: "S3Client", bucket: str, account_id: str) -> Iterator[str]:
    """Tell what is wrong with how a bucket is guarded: plain HTTP, other accounts, the public."""
    policy = _policy(lambda: s3.get_bucket_policy(Bucket=bucket)["Policy"])
    partition = s3.meta.partition
    arns = ArnScope(partition, ANY, account_id)
    objects, owner = arns.object(bucket, "any"), arns.role("any")
    for action in ("s3:GetObject", "s3:PutObject"):
        plain = Request(action, objects, {"aws:SecureTransport": "false"}, owner)
        if decision(policy, plain) != "deny":
            yield f"bucket {bucket} does not refuse {action} over plain HTTP"
        yield from _unknown_principals(f"bucket {bucket}", policy, action, objects, partition, _READ)
    block = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    yield from (f"bucket {bucket}: {name} is off" for name, on in sorted(block.items()) if not on)


def topic_faults(sns: "SNSClient", topic_arn: str) -> Iterator[str]:
    """Tell what is wrong with how a topic is guarded."""
    policy = _policy(lambda: sns.get_topic_attributes(TopicArn=topic_arn)["Attributes"]["Policy"])
    plain = Request("sns:Publish", topic_arn, {"aws:SecureTransport": "false"}, "*")
    if decision(policy, plain) != "deny":
        yield f"topic {topic_arn} does not refuse sns:Publish over plain HTTP"
    for action in ("sns:Publish", "sns:Subscribe"):
        yield from _unknown_principals(f"topic {topic_arn}", policy, action, topic_arn, sns.meta.partition, {})


def key_faults(kms: "KMSClient", key_arn: str) -> Iterator[str]:
    """Tell what is wrong with how a key is guarded."""
    policy = _policy(lambda: kms.get_key_policy(KeyId=key_arn, PolicyName="default")["Policy"])
    for action in ("kms:Decrypt", "kms:PutKeyPolicy"):
        yield from _unknown_principals(f"key {key_arn}", policy, action, key_arn, kms.meta.partition, {})


def _unknown_principals(
    what: str, policy: Iterable[Statement], action: str, resource: str, partition: str, context: Mapping[str, str]
) -> Iterator[str]:
    principal = ArnScope(partition, ANY, STRANGER).role("any")
    keys = {**context, "aws:PrincipalAccount": STRANGER, "kms:CallerAccount": STRANGER}
    if decision(policy, Request(action, resource, keys, principal)) == "allow":
        yield f"{what} lets other accounts call {action}"


def _policy(read: Callable[[], str]) -> list[Statement]:
    """Return the statements of a policy; none where the resource has no policy."""
    try:
        return statements(json.loads(read()))
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchBucketPolicy":
            return []
        raise
