"""The baseline: the same resources as the program's, registered one after another without any component.

A unit test compares what this script registers with what the program registers, so that the comparison stays fair.
"""

import gc

gc.disable()  # as the program does: what is compared is what components cost

import json
from functools import partial

import pulumi
import pulumi_aws as aws

from components.providers.projects_portfolio import ProjectsPortfolio
from components.providers.repository_name import RepositoryName
from tests.bench.plain.catalog import register

config = pulumi.Config("sm-mlops")
home = pulumi.Config("aws").require("region")
prefix = f"{config.require('project')}-{config.require('environment')}"
artifacts = config.require_object("artifacts")
notifications = config.require_object("notifications")
protection = config.require_object("protection")
tags = {
    **config.require_object("tags"),
    "mlops:project": config.require("project"),
    "mlops:environment": config.require("environment"),
}
account_id = aws.get_caller_identity_output().account_id
guarded = pulumi.ResourceOptions(protect=protection["protect"], retain_on_delete=protection["retain"])

ADMINISTRATION = [
    f"kms:{action}"
    for action in [
        "CancelKeyDeletion",
        "CreateAlias",
        "Delete*",
        "Describe*",
        "Disable*",
        "Enable*",
        "Get*",
        "List*",
        "Put*",
        "Revoke*",
        "RotateKeyOnDemand",
        "ScheduleKeyDeletion",
        "TagResource",
        "UntagResource",
        "Update*",
    ]
]
USE = ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"]
PUBLISH = ["kms:Decrypt", "kms:GenerateDataKey*"]
PUBLISHERS = ("cloudwatch.amazonaws.com", "codestar-notifications.amazonaws.com", "events.amazonaws.com")


def allow(sid: str, principal: object, actions: list[str], condition: object = None) -> dict[str, object]:
    statement = {"Sid": sid, "Effect": "Allow", "Principal": principal, "Action": actions, "Resource": "*"}
    return {**statement, "Condition": condition} if condition else statement


def key(name: str, region: str, purpose: str, policy: pulumi.Output[str]) -> aws.kms.Key:
    made = aws.kms.Key(
        f"{name}-key",
        region=region,
        description=f"{prefix} {purpose}",
        policy=policy,
        enable_key_rotation=True,
        deletion_window_in_days=protection["keyDeletionDays"],
        tags=tags,
        opts=guarded,
    )
    aws.kms.Alias(f"{name}-key-alias", region=region, name=f"alias/{prefix}-{purpose}", target_key_id=made.key_id)
    return made


def document(*statements: dict[str, object]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def root(account: str) -> dict[str, str]:
    return {"AWS": f"arn:aws:iam::{account}:root"}


def bucket_name(region: str, account: str) -> str:
    return f"{prefix}-artifacts-{account}-{region}-an"


def artifact_key_policy(region: str, account: str) -> str:
    bucket_arn = f"arn:aws:s3:::{bucket_name(region, account)}"
    condition = {
        "StringEquals": {"kms:CallerAccount": account, "kms:ViaService": f"s3.{region}.amazonaws.com"},
        "StringLike": {"kms:EncryptionContext:aws:s3:arn": [bucket_arn, f"{bucket_arn}/*"]},
    }
    return document(
        allow("AccountManagesKey", root(account), ADMINISTRATION),
        allow("AccountUsesKeyForArtifacts", root(account), USE, condition),
    )


def bucket_policy(bucket: str, key_arn: str) -> str:
    bucket_arn = f"arn:aws:s3:::{bucket}"
    whole = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": [bucket_arn, f"{bucket_arn}/*"]}
    upload = {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": f"{bucket_arn}/*"}
    header = "s3:x-amz-server-side-encryption"
    key_header, customer_header = f"{header}-aws-kms-key-id", f"{header}-customer-algorithm"
    return document(
        {"Sid": "RefusePlainHttp", **whole, "Condition": {"Bool": {"aws:SecureTransport": "false"}}},
        {"Sid": "RefuseOldTls", **whole, "Condition": {"NumericLessThan": {"s3:TlsVersion": "1.2"}}},
        {
            "Sid": "RefuseOtherEncryption",
            **upload,
            "Condition": {"StringNotEquals": {header: "aws:kms"}, "Null": {header: "false"}},
        },
        {
            "Sid": "RefuseOtherKey",
            **upload,
            "Condition": {"StringNotEquals": {key_header: key_arn}, "Null": {key_header: "false"}},
        },
        {"Sid": "RefuseKeyOfCaller", **upload, "Condition": {"Null": {customer_header: "false"}}},
    )


stores = {}
for region in artifacts["regions"]:
    name = f"artifacts-{region}"
    bucket_key = key(name, region, "artifacts", account_id.apply(partial(artifact_key_policy, region)))
    bucket = aws.s3.Bucket(
        f"{name}-bucket",
        region=region,
        bucket=account_id.apply(partial(bucket_name, region)),
        bucket_namespace="account-regional",
        force_destroy=not protection["retain"],
        tags=tags,
        opts=guarded,
    )
    aws.s3.BucketServerSideEncryptionConfiguration(
        f"{name}-encryption",
        region=region,
        bucket=bucket.bucket,
        rules=[
            {
                "apply_server_side_encryption_by_default": {
                    "sse_algorithm": "aws:kms",
                    "kms_master_key_id": bucket_key.arn,
                },
                "bucket_key_enabled": True,
            }
        ],
    )
    aws.s3.BucketOwnershipControls(
        f"{name}-ownership", region=region, bucket=bucket.bucket, rule={"object_ownership": "BucketOwnerEnforced"}
    )
    public_access = aws.s3.BucketPublicAccessBlock(
        f"{name}-public-access",
        region=region,
        bucket=bucket.bucket,
        block_public_acls=True,
        block_public_policy=True,
        ignore_public_acls=True,
        restrict_public_buckets=True,
    )
    aws.s3.BucketPolicy(
        f"{name}-policy",
        region=region,
        bucket=bucket.bucket,
        policy=pulumi.Output.all(bucket.bucket, bucket_key.arn).apply(lambda known: bucket_policy(known[0], known[1])),
        opts=pulumi.ResourceOptions(depends_on=[public_access]),
    )
    versioning = aws.s3.BucketVersioning(
        f"{name}-versioning", region=region, bucket=bucket.bucket, versioning_configuration={"status": "Enabled"}
    )
    aws.s3.BucketLifecycleConfiguration(
        f"{name}-lifecycle",
        region=region,
        bucket=bucket.bucket,
        rules=[
            {
                "id": "expire-artifacts",
                "status": "Enabled",
                "filter": {},
                "expiration": {"days": artifacts["artifactDays"]},
                "noncurrent_version_expiration": {"noncurrent_days": artifacts["noncurrentVersionDays"]},
                "abort_incomplete_multipart_upload": {"days_after_initiation": artifacts["incompleteUploadDays"]},
            },
            {
                "id": "drop-lone-delete-markers",
                "status": "Enabled",
                "filter": {},
                "expiration": {"expired_object_delete_marker": True},
            },
        ],
        opts=pulumi.ResourceOptions(depends_on=[versioning]),
    )

    stores[region] = {"bucket": bucket.bucket, "keyArn": bucket_key.arn}

source_key = key(
    "source",
    home,
    "source",
    account_id.apply(
        lambda account: document(
            allow("AccountManagesKey", root(account), ADMINISTRATION),
            allow(
                "AccountUsesKeyThroughCodeCommit",
                {"AWS": "*"},
                USE,
                {
                    "StringEquals": {
                        "kms:CallerAccount": account,
                        "kms:ViaService": f"codecommit.{home}.amazonaws.com",
                    }
                },
            ),
        )
    ),
)
RepositoryName(
    "source-repository-name",
    region=home,
    repository=prefix,
    retained=protection["retain"],
    opts=pulumi.ResourceOptions(),
)
repository = aws.codecommit.Repository(
    "source-repository",
    region=home,
    repository_name=prefix,
    description=f"What the pipelines of {prefix} deliver",
    kms_key_id=source_key.arn,
    tags=tags,
    opts=guarded,
)
approvals = config.require_object("source")["approvals"]
template = aws.codecommit.ApprovalRuleTemplate(
    "source-approvals",
    region=home,
    name=f"{prefix}-approvals",
    description=f"Pull requests into main need {approvals} approval(s)",
    content=json.dumps(
        {
            "Version": "2018-11-08",
            "DestinationReferences": ["refs/heads/main"],
            "Statements": [{"Type": "Approvers", "NumberOfApprovalsNeeded": approvals}],
        }
    ),
)
aws.codecommit.ApprovalRuleTemplateAssociation(
    "source-approvals-association",
    region=home,
    approval_rule_template_name=template.name,
    repository_name=repository.repository_name,
)


def topic_key_policy(account: str) -> str:
    topic_arn = f"arn:aws:sns:{home}:{account}:{prefix}-notifications"
    topic = {"kms:EncryptionContext:aws:sns:topicArn": topic_arn}
    own = {"kms:CallerAccount": account, "kms:ViaService": f"sns.{home}.amazonaws.com"}
    return document(
        allow("AccountManagesKey", root(account), ADMINISTRATION),
        allow("AccountUsesKeyForTopic", root(account), PUBLISH, {"StringEquals": {**own, **topic}}),
        allow("PublishersUseKeyForTopic", {"Service": list(PUBLISHERS)}, PUBLISH, {"StringEquals": topic}),
    )


def topic_policy(account: str, topic_arn: str) -> str:
    own = {"StringEquals": {"aws:SourceAccount": account}}
    conditions: dict[str, dict[str, object]] = {
        "Cloudwatch": {**own, "ArnLike": {"aws:SourceArn": f"arn:aws:cloudwatch:{home}:{account}:alarm:*"}},
        "CodestarNotifications": {**own},
        "Events": {"ArnLike": {"aws:SourceArn": f"arn:aws:events:{home}:{account}:rule/*"}},
    }
    publishers: list[dict[str, object]] = [
        {
            "Sid": f"{name}Publishes",
            "Effect": "Allow",
            "Principal": {"Service": service},
            "Action": "sns:Publish",
            "Resource": topic_arn,
            "Condition": condition,
        }
        for service, (name, condition) in zip(PUBLISHERS, conditions.items(), strict=True)
    ]
    return document(
        *publishers,
        {
            "Sid": "RefusePlainHttp",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "sns:Publish",
            "Resource": topic_arn,
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        },
    )


topic_key = key("notifications", home, "notifications", account_id.apply(topic_key_policy))
topic = aws.sns.Topic(
    "notifications-topic", region=home, name=f"{prefix}-notifications", kms_master_key_id=topic_key.arn, tags=tags
)
published = aws.sns.TopicPolicy(
    "notifications-topic-policy",
    region=home,
    arn=topic.arn,
    policy=pulumi.Output.all(account_id, topic.arn).apply(lambda known: topic_policy(known[0], known[1])),
)
for email in notifications["emails"]:
    aws.sns.TopicSubscription(f"notifications-{email}", region=home, topic=topic.arn, protocol="email", endpoint=email)
aws.codestarnotifications.NotificationRule(
    "notifications-repository-rule",
    region=home,
    name=f"{prefix}-repository",
    resource=repository.arn,
    event_type_ids=[f"codecommit-repository-{event}" for event in notifications["repositoryEvents"]],
    detail_type="FULL",
    targets=[{"address": topic.arn, "type": "SNS"}],
    tags=tags,
    opts=pulumi.ResourceOptions(depends_on=[published]),
)
catalog = register(
    config.require_object("catalog"),
    prefix=prefix,
    names={"project": config.require("project"), "environment": config.require("environment")},
    home=home,
    account_id=account_id,
    topic_arn=topic.arn,
    guarded=guarded,
    tags=tags,
)
projects = ProjectsPortfolio(
    f"projects-{home}",
    region=home,
    claimant=prefix,
    principals=config.require_object("projects")["principals"],
    disable_on_delete=False,
    opts=pulumi.ResourceOptions(),
)

pulumi.export("artifactStores", stores)
pulumi.export(
    "source",
    {
        "provider": "CodeCommit",
        "repository": prefix,
        "branch": "main",
        "arn": repository.arn,
        "cloneUrl": repository.clone_url_http,
    },
)
pulumi.export("notificationTopicArn", topic.arn)
pulumi.export("catalog", {home: catalog})
pulumi.export(
    "projects",
    {
        home: {
            "portfolioId": projects.portfolioId,
            "displayName": projects.displayName,
            "status": projects.status,
            "principals": projects.principals,
        }
    },
)
