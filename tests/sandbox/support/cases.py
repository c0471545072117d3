"""The cases of all resource types."""

import json
from dataclasses import dataclass

from tests.sandbox.support.case import ACCOUNT, BUCKET, TAG_PATHS, Case, Clients, case, tags
from tests.sandbox.support.catalog_cases import Catalog, make_catalog, make_catalog_cases
from tests.sandbox.support.delivery_cases import make_delivery_cases

TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "codebuild.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
)
BUILD = TRUST
PIPELINE = TRUST.replace("codebuild", "codepipeline")


def policy(action: str, resource: str = "*") -> str:
    """Return a policy of one statement."""
    statement = {"Effect": "Allow", "Action": action, "Resource": resource}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def resource_policy(action: str, resource: str) -> str:
    """Return a policy of one statement for a service."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "codestar-notifications.amazonaws.com"},
        "Action": action,
        "Resource": resource,
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def approvals(number: int) -> str:
    """Return the content of an approval rule template."""
    statement = {"Type": "Approvers", "NumberOfApprovalsNeeded": number}
    return json.dumps({"Version": "2018-11-08", "Statements": [statement]})


@dataclass(frozen=True)
class World:
    """What the resources of the cases refer to; made with boto3, not with the plugin."""

    key: str
    other_key: str
    topic: str
    repository: str
    policy: str
    catalog: Catalog


def make_world(aws: Clients) -> World:
    """Make what the cases refer to."""
    keys = [aws("kms").create_key()["KeyMetadata"]["KeyId"] for _ in range(2)]
    aws("s3").create_bucket(
        Bucket=BUCKET,
        BucketNamespace="account-regional",
        CreateBucketConfiguration={"LocationConstraint": "eu-west-1"},
    )
    repository = aws("codecommit").create_repository(repositoryName="sample")["repositoryMetadata"]["Arn"]
    content = approvals(1)
    aws("codecommit").create_approval_rule_template(
        approvalRuleTemplateName="sample", approvalRuleTemplateContent=content
    )
    aws("iam").create_role(RoleName="sample", AssumeRolePolicyDocument=TRUST)
    aws("iam").create_role(RoleName="pipeline", AssumeRolePolicyDocument=PIPELINE)
    made = aws("iam").create_policy(PolicyName="sample", PolicyDocument=policy("s3:GetObject"))["Policy"]["Arn"]
    aws("events").put_rule(Name="sample", EventPattern='{"source": ["aws.codecommit"]}')
    topic = aws("sns").create_topic(Name="sample")["TopicArn"]
    return World(keys[0], keys[1], topic, repository, made, make_catalog(aws))


def key_arn(key: str) -> str:
    return f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/{key}"


def make_cases(w: World) -> dict[str, Case]:
    """Return the cases by type."""
    rule = {"id": "old", "status": "Enabled", "filter": {"prefix": "a/"}, "expiration": {"days": 30}}
    rule |= {"noncurrentVersionExpiration": {"noncurrentDays": 7}}
    rule |= {"abortIncompleteMultipartUpload": {"daysAfterInitiation": 1}}
    both = {"id": "both", "status": "Enabled", "expiration": {"expiredObjectDeleteMarker": True}}
    both |= {"filter": {"and": {"prefix": "b/", "tags": {"temporary": "yes"}}}}
    later = rule | {"expiration": {"days": 60}}
    encryption = {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": w.key}
    other_encryption = encryption | {"kmsMasterKeyId": w.other_key}
    cors = {"allowedMethods": ["GET"], "allowedOrigins": ["https://*.example.com"], "maxAgeSeconds": 60}
    blocks = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
    event = "codecommit-repository-pull-request-"
    targets = [{"address": w.topic}]
    transformer = {"inputPaths": {"Commit": "$.detail.commitId"}, "inputTemplate": '{"commit": "<Commit>"}'}
    build = f"arn:aws:codebuild:eu-west-1:{ACCOUNT}:project/one"
    pattern, other_pattern = '{"source": ["aws.s3"]}', '{"source": ["aws.sns"]}'
    bucket_arn = f"arn:aws:s3:::{BUCKET}/*"
    return {
        "aws:s3/bucket:Bucket": case(
            {
                "bucket": f"new-{ACCOUNT}-eu-west-1-an",
                "bucketNamespace": "account-regional",
                "forceDestroy": True,
                "tags": tags("a"),
            },
            {"tags": tags("b")},
            *TAG_PATHS,
        ),
        "aws:s3/bucketVersioning:BucketVersioning": case(
            {"bucket": BUCKET, "versioningConfiguration": {"status": "Enabled"}},
            {"versioningConfiguration": {"status": "Suspended"}},
            "versioningConfiguration.status",
        ),
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": case(
            {
                "bucket": BUCKET,
                "rules": [{"applyServerSideEncryptionByDefault": encryption, "bucketKeyEnabled": True}],
            },
            {"rules": [{"applyServerSideEncryptionByDefault": other_encryption, "bucketKeyEnabled": True}]},
            "rules[0].applyServerSideEncryptionByDefault.kmsMasterKeyId",
        ),
        "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": case(
            {"bucket": BUCKET, **dict.fromkeys(blocks, True)}, {"blockPublicAcls": False}, "blockPublicAcls"
        ),
        "aws:s3/bucketOwnershipControls:BucketOwnershipControls": case(
            {"bucket": BUCKET, "rule": {"objectOwnership": "BucketOwnerEnforced"}},
            {"rule": {"objectOwnership": "ObjectWriter"}},
            "rule.objectOwnership",
        ),
        "aws:s3/bucketPolicy:BucketPolicy": case(
            {"bucket": BUCKET, "policy": resource_policy("s3:GetObject", bucket_arn)},
            {"policy": resource_policy("s3:PutObject", bucket_arn)},
            "policy",
        ),
        "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": case(
            {"bucket": BUCKET, "rules": [rule, both]}, {"rules": [later, both]}, "rules[0].expiration.days"
        ),
        "aws:s3/bucketCorsConfiguration:BucketCorsConfiguration": case(
            {"bucket": BUCKET, "corsRules": [cors]},
            {"corsRules": [cors | {"maxAgeSeconds": 90}]},
            "corsRules[0].maxAgeSeconds",
        ),
        "aws:kms/key:Key": case(
            {"description": "one", "enableKeyRotation": True, "deletionWindowInDays": 7, "tags": tags("a")},
            {"description": "two", "rotationPeriodInDays": 180, "tags": tags("b")},
            "description",
            "rotationPeriodInDays",
            *TAG_PATHS,
        ),
        "aws:kms/alias:Alias": case(
            {"name": "alias/one", "targetKeyId": w.key}, {"targetKeyId": w.other_key}, "targetKeyId"
        ),
        "aws:sns/topic:Topic": case(
            {"name": "one", "kmsMasterKeyId": w.key, "displayName": "one", "tags": tags("a")},
            {"displayName": "two", "tags": tags("b")},
            "displayName",
            *TAG_PATHS,
        ),
        "aws:sns/topicPolicy:TopicPolicy": case(
            {"arn": w.topic, "policy": resource_policy("sns:Publish", w.topic)},
            {"policy": resource_policy("sns:Subscribe", w.topic)},
            "policy",
        ),
        "aws:sns/topicSubscription:TopicSubscription": case(
            {"topic": w.topic, "protocol": "lambda", "endpoint": f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:f"},
            {"filterPolicy": '{"kind": ["a"]}'},
            "filterPolicy",
        ),
        "aws:codecommit/repository:Repository": case(
            {"repositoryName": "one", "description": "one", "kmsKeyId": key_arn(w.key), "tags": tags("a")},
            {"description": "two", "kmsKeyId": key_arn(w.other_key), "tags": tags("b")},
            "description",
            "kmsKeyId",
            *TAG_PATHS,
        ),
        "aws:codecommit/approvalRuleTemplate:ApprovalRuleTemplate": case(
            {"name": "one", "content": approvals(1), "description": "one"},
            {"content": approvals(2), "description": "two"},
            "content",
            "description",
        ),
        "aws:codecommit/approvalRuleTemplateAssociation:ApprovalRuleTemplateAssociation": case(
            {"approvalRuleTemplateName": "sample", "repositoryName": "sample"}, {}
        ),
        "aws:codeconnections/connection:Connection": case(
            {"name": "one", "providerType": "GitHub", "tags": tags("a")}, {"tags": tags("b")}, *TAG_PATHS
        ),
        "aws:codestarnotifications/notificationRule:NotificationRule": case(
            {
                "name": "one",
                "detailType": "FULL",
                "eventTypeIds": [f"{event}created", f"{event}merged"],
                "resource": w.repository,
                "targets": targets,
                "tags": tags("a"),
            },
            {"status": "DISABLED", "tags": tags("b")},
            "status",
            *TAG_PATHS,
        ),
        "aws:iam/role:Role": case(
            {"name": "one", "assumeRolePolicy": BUILD, "description": "one", "tags": tags("a")},
            {"assumeRolePolicy": PIPELINE, "description": "two", "maxSessionDuration": 7200},
            "assumeRolePolicy",
            "description",
            "maxSessionDuration",
        ),
        "aws:iam/rolePolicy:RolePolicy": case(
            {"name": "one", "role": "sample", "policy": policy("s3:GetObject")},
            {"policy": policy("s3:PutObject")},
            "policy",
        ),
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment": case({"role": "sample", "policyArn": w.policy}, {}),
        "aws:iam/rolePoliciesExclusive:RolePoliciesExclusive": case({"roleName": "pipeline", "policyNames": []}, {}),
        "aws:iam/rolePolicyAttachmentsExclusive:RolePolicyAttachmentsExclusive": case(
            {"roleName": "pipeline", "policyArns": [w.policy]}, {"policyArns": []}, "policyArns[0]"
        ),
        "aws:iam/policy:Policy": case(
            {"name": "one", "policy": policy("s3:GetObject"), "description": "one", "tags": tags("a")},
            {"policy": policy("s3:PutObject"), "tags": tags("b")},
            "policy",
            *TAG_PATHS,
        ),
        "aws:cloudwatch/eventRule:EventRule": case(
            {"name": "one", "eventPattern": pattern, "tags": tags("a")},
            {"eventPattern": other_pattern, "state": "DISABLED", "tags": tags("b")},
            "eventPattern",
            "state",
            *TAG_PATHS,
        ),
        "aws:cloudwatch/eventTarget:EventTarget": case(
            {"rule": "sample", "targetId": "one", "arn": build, "inputTransformer": transformer},
            {"arn": build.replace("one", "two")},
            "arn",
        ),
        "aws:cloudwatch/logGroup:LogGroup": case(
            {"name": "/one", "retentionInDays": 30, "tags": tags("a")},
            {"retentionInDays": 60, "tags": tags("b")},
            "retentionInDays",
            *TAG_PATHS,
        ),
        **make_catalog_cases(w.catalog, w.topic),
        **make_delivery_cases(w.key),
    }
