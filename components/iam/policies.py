"""Policy documents as data: pure functions, so that each statement is tested without an engine.

Service principals and condition keys are from the IAM and KMS references of AWS. A statement names its actions and
resources; where a resource must be `*` (in a key policy `*` is the key that carries it), no other form is possible.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from awsmodel.arns import ArnScope
from awsmodel.regions import Region

Statement = dict[str, Any]
"""One statement of a policy, in the spelling of IAM."""

KEY_ADMINISTRATION = (
    "kms:CancelKeyDeletion",
    "kms:CreateAlias",
    "kms:Delete*",
    "kms:Describe*",
    "kms:Disable*",
    "kms:Enable*",
    "kms:Get*",
    "kms:List*",
    "kms:Put*",
    "kms:Revoke*",
    "kms:RotateKeyOnDemand",
    "kms:ScheduleKeyDeletion",
    "kms:TagResource",
    "kms:UntagResource",
    "kms:Update*",
)
"""What managing a key takes. Nothing here reads or writes what the key encrypts."""

KEY_USE = ("kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*")
"""What reading and writing encrypted data takes."""

KEY_READ = ("kms:Decrypt",)
"""What reading encrypted data takes."""


def document(statements: Iterable[Statement]) -> str:
    """A policy of the current policy language, as the JSON text that AWS takes."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(sid: str, actions: Sequence[str], resources: Sequence[str], condition: object = None) -> Statement:
    """A statement of an identity's policy that allows something."""
    statement: Statement = {"Sid": sid, "Effect": "Allow", "Action": list(actions), "Resource": list(resources)}
    return statement if condition is None else {**statement, "Condition": condition}


def joined(statements: Iterable[Statement]) -> list[Statement]:
    """Statements that differ in their resources only as one, with the resources of all."""
    found: dict[str, Statement] = {}
    for statement in statements:
        kind = json.dumps({key: value for key, value in statement.items() if key != "Resource"})
        known = found.setdefault(kind, {**statement, "Resource": []})
        known["Resource"] += [arn for arn in statement["Resource"] if arn not in known["Resource"]]
    return list(found.values())


def account_principal(region: Region, account_id: str) -> dict[str, str]:
    """Everyone in an account whom the account's own IAM policies allow; never everyone at large."""
    return {"AWS": ArnScope.of(region, account_id).root()}


def key_administration(region: Region, account_id: str) -> Statement:
    """Lets the account manage a key by IAM policies. Without such a statement nobody could ever change the key."""
    return {
        "Sid": "AccountManagesKey",
        "Effect": "Allow",
        "Principal": account_principal(region, account_id),
        "Action": list(KEY_ADMINISTRATION),
        "Resource": "*",
    }


def key_use_through_s3(
    region: Region, account_id: str, bucket_arn: str, *, sid: str, actions: Sequence[str]
) -> Statement:
    """Lets an account use a key for the objects of one bucket and nothing else.

    S3 gives the bucket's ARN as encryption context where bucket keys are on, and the object's ARN where they are not.
    """
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": account_principal(region, account_id),
        "Action": list(actions),
        "Resource": "*",
        "Condition": {
            "StringEquals": {"kms:CallerAccount": account_id, "kms:ViaService": region.endpoint("s3")},
            "StringLike": {"kms:EncryptionContext:aws:s3:arn": [bucket_arn, f"{bucket_arn}/*"]},
        },
    }


def key_use_through_codecommit(region: Region, account_id: str) -> Statement:
    """Lets an account use a key for CodeCommit repositories of the region and nothing else.

    As in the policy of AWS's own key for CodeCommit, the conditions name who: everybody of the account whom CodeCommit
    lets clone or push, without a right on the key in each developer's own policy.
    """
    return {
        "Sid": "AccountUsesKeyThroughCodeCommit",
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": list(KEY_USE),
        "Resource": "*",
        "Condition": {
            "StringEquals": {"kms:CallerAccount": account_id, "kms:ViaService": region.endpoint("codecommit")}
        },
    }


def key_use_by_publishers(topic_arn: str, services: Sequence[str]) -> Statement:
    """Lets services publish to one encrypted topic.

    SNS gives the topic's ARN as encryption context, which ties the key to the topic; the topic's policy ties each
    publisher to its source. The requests of these services to KMS carry no `aws:SourceArn` and no `aws:SourceAccount`:
    with such a condition their messages would be lost.
    """
    return {
        "Sid": "PublishersUseKeyForTopic",
        "Effect": "Allow",
        "Principal": {"Service": list(services)},
        "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
        "Resource": "*",
        "Condition": {"StringEquals": {"kms:EncryptionContext:aws:sns:topicArn": topic_arn}},
    }


def key_use_through_sns(region: Region, account_id: str, topic_arn: str) -> Statement:
    """Lets an account's own roles publish to one encrypted topic, as pipelines do for approvals."""
    return {
        "Sid": "AccountUsesKeyForTopic",
        "Effect": "Allow",
        "Principal": account_principal(region, account_id),
        "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
        "Resource": "*",
        "Condition": {
            "StringEquals": {
                "kms:CallerAccount": account_id,
                "kms:ViaService": region.endpoint("sns"),
                "kms:EncryptionContext:aws:sns:topicArn": topic_arn,
            }
        },
    }


def bucket_refuses_plain_transport(bucket_arn: str) -> list[Statement]:
    """Refuses requests without TLS, and with TLS before 1.2."""
    everything = {
        "Effect": "Deny",
        "Principal": "*",
        # A deny: the wider, the safer.
        "Action": "s3:*",
        "Resource": [bucket_arn, f"{bucket_arn}/*"],
    }
    return [
        {"Sid": "RefusePlainHttp", **everything, "Condition": {"Bool": {"aws:SecureTransport": "false"}}},
        {"Sid": "RefuseOldTls", **everything, "Condition": {"NumericLessThan": {"s3:TlsVersion": "1.2"}}},
    ]


def bucket_refuses_other_encryption(bucket_arn: str, key_arn: str) -> list[Statement]:
    """Refuses uploads that ask for anything else than the bucket's own key.

    An upload that asks for nothing gets the bucket's default, which is that key. Each condition therefore also demands
    that the header is there: a negated operator alone is true for a request without it.
    """
    header = "s3:x-amz-server-side-encryption"
    customer_header = f"{header}-customer-algorithm"
    upload = {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": f"{bucket_arn}/*"}
    return [
        {
            "Sid": "RefuseOtherEncryption",
            **upload,
            "Condition": {"StringNotEquals": {header: "aws:kms"}, "Null": {header: "false"}},
        },
        {
            "Sid": "RefuseOtherKey",
            **upload,
            "Condition": {
                "StringNotEquals": {f"{header}-aws-kms-key-id": key_arn},
                "Null": {f"{header}-aws-kms-key-id": "false"},
            },
        },
        {"Sid": "RefuseKeyOfCaller", **upload, "Condition": {"Null": {customer_header: "false"}}},
    ]


def bucket_readers(region: Region, bucket_arn: str, account_ids: Sequence[str]) -> list[Statement]:
    """Lets other accounts read the artifacts; their own IAM policies say which of their roles."""
    if not account_ids:
        return []
    principal = {"AWS": [account_principal(region, account_id)["AWS"] for account_id in account_ids]}
    return [
        {
            "Sid": "ReadersReadArtifacts",
            "Effect": "Allow",
            "Principal": principal,
            "Action": ["s3:GetObject", "s3:GetObjectVersion"],
            "Resource": f"{bucket_arn}/*",
        },
        {
            "Sid": "ReadersFindArtifacts",
            "Effect": "Allow",
            "Principal": principal,
            "Action": ["s3:GetBucketLocation", "s3:GetBucketVersioning", "s3:ListBucket"],
            "Resource": bucket_arn,
        },
    ]


def topic_refuses_plain_transport(topic_arn: str) -> Statement:
    """Refuses to publish without TLS."""
    return {
        "Sid": "RefusePlainHttp",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "sns:Publish",
        "Resource": topic_arn,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def topic_publisher(topic_arn: str, *, service: str, condition: Statement) -> Statement:
    """Lets a service publish on behalf of the sources that the condition names."""
    name = service.split(".", maxsplit=1)[0].title().replace("-", "")
    return {
        "Sid": f"{name}Publishes",
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sns:Publish",
        "Resource": topic_arn,
        "Condition": condition,
    }
