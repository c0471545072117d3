"""What the plugin refuses before any call, so that a preview shows it: its own checks of single inputs.

Lists of values that a service knows are those of botocore's model of it.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache

import botocore.session

from sandbox.provider.values import Properties, Value, has_unknown

Check = Callable[[Value], bool]
"""Says whether a value is taken."""
Whole = Callable[[Properties], bool]
"""Says whether an input is taken beside the others."""

_SESSION = botocore.session.Session()
_VERSIONING = "aws:s3/bucketVersioning:BucketVersioning"


def faults(kind: str, inputs: Properties, before: Properties) -> dict[str, str]:
    """Return the reason for each input that the plugin refuses, or its change; what is not known yet is taken."""
    found: dict[str, str] = {}
    for path, (check, wanted) in CHECKS.get(kind, {}).items():
        for value in _at(inputs, path.split(".")):
            if value is not None and not has_unknown(value) and not check(value):
                found[path.partition(".")[0]] = f"{path}: expected {wanted}, got {json.dumps(value)}"
    for name, (holds, wanted) in BESIDE.get(kind, {}).items():
        if not has_unknown(inputs) and not holds(inputs):
            found[name] = f"{name}: expected {wanted}"
    if kind == _VERSIONING and before and _is_disabled(inputs) and not _is_disabled(before):
        found["versioningConfiguration"] = "versioningConfiguration.status: expected Suspended: it was enabled before"
    return found


def _is_disabled(inputs: Properties) -> bool:
    return [*_at(inputs, ["versioningConfiguration", "status"])] == ["Disabled"]


def _at(value: Value, path: Sequence[str]) -> Iterator[Value]:
    """The values at a path, of each element of each list on the way."""
    if not path:
        yield value
    elif isinstance(value, list):
        for one in value:
            yield from _at(one, path)
    elif isinstance(value, Mapping):
        yield from _at(value.get(path[0]), path[1:])


def text(signs: str, least: int, most: int) -> tuple[Check, str]:
    """A text of so many characters, each of them one of `signs`, an expression's class; empty is any."""
    form = re.compile(f"{signs or '.'}{{{least},{most}}}", re.DOTALL)
    return (lambda value: form.fullmatch(str(value)) is not None), f"{least} to {most} characters {signs}".rstrip()


def form(expression: str) -> tuple[Check, str]:
    """A text of a form."""
    return (lambda value: re.fullmatch(expression, str(value)) is not None), f"the form {expression}"


def one_of(*values: Value) -> tuple[Check, str]:
    """One of some values."""
    return (lambda value: value in values), f"one of {', '.join(map(str, values))}"


def known_to(service: str, shape: str) -> tuple[Check, str]:
    """A value of an enumeration of a service."""
    return (lambda value: value in _enum(service, shape)), f"a {shape} of {service}"


@cache
def _enum(service: str, shape: str) -> frozenset[str]:
    return frozenset(getattr(_SESSION.get_service_model(service).shape_for(shape), "enum"))  # noqa: B009 - not in stubs


def number(least: int, most: int) -> tuple[Check, str]:
    """A number between two."""
    return (lambda value: least <= value <= most), f"{least} to {most}"


def items(least: int, most: int) -> tuple[Check, str]:
    """A list of so many."""
    return (lambda value: least <= len(value) <= most), f"{least} to {most} of them"


def document(most: int | None = None) -> tuple[Check, str]:
    """A JSON document."""

    def is_document(value: Value) -> bool:
        try:
            json.loads(value)
        except ValueError:
            return False
        return most is None or 0 < len(value) <= most

    return is_document, "JSON" + (f" of at most {most} characters" if most else "")


ARN = form(r"arn:[\w-]+:[\w-]+:([a-z0-9-]*):(\d{12}|aws|aws-managed|third-party|)?:.+")
ACCOUNT = form(r"\d{12}")
LANGUAGE = one_of("en", "jp", "zh")
NAME_64, NAME_128 = text(r"[\w+=,.@-]", 1, 64), text(r"[\w+=,.@-]", 1, 128)
BUCKET = text("", 1, 63)
RULE = text(r"[\w.-]", 1, 64)
ORGANIZATION = r"arn:[\w-]+:organizations::\d{12}:(organization/o-\w+|ou/o-\w+/ou-\w+-\w+)"
RETENTION = (
    *(0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653),
)
BUDGET_TIME = form(r"\d{4}-\d\d-\d\d_\d\d:\d\d")
PROTOCOLS = one_of("application", "email", "email-json", "firehose", "http", "https", "lambda", "sms", "sqs")

CHECKS: Mapping[str, Mapping[str, tuple[Check, str]]] = {
    "aws:budgets/budget:Budget": {
        "accountId": ACCOUNT,
        "budgetType": known_to("budgets", "BudgetType"),
        "notifications.comparisonOperator": known_to("budgets", "ComparisonOperator"),
        "notifications.notificationType": known_to("budgets", "NotificationType"),
        "notifications.subscriberSnsTopicArns": (lambda arns: all(map(ARN[0], arns)), "ARNs"),
        "notifications.thresholdType": known_to("budgets", "ThresholdType"),
        "timePeriodEnd": BUDGET_TIME,
        "timePeriodStart": BUDGET_TIME,
        "timeUnit": known_to("budgets", "TimeUnit"),
    },
    "aws:cloudwatch/eventRule:EventRule": {
        "description": text("", 0, 512),
        "eventPattern": document(4096),
        "name": RULE,
        "roleArn": ARN,
        "scheduleExpression": text("", 0, 256),
        "state": known_to("events", "RuleState"),
    },
    "aws:cloudwatch/eventTarget:EventTarget": {
        "arn": ARN,
        "input": document(8192),
        "inputTransformer.inputPaths": (
            lambda paths: len(paths) <= 100 and not any(name.startswith("AWS") for name in paths),
            "100 at most, none beginning with AWS",
        ),
        "inputTransformer.inputTemplate": text("", 1, 8192),
        "roleArn": ARN,
        "rule": RULE,
        "targetId": RULE,
    },
    "aws:cloudwatch/logGroup:LogGroup": {
        "logGroupClass": one_of("STANDARD", "INFREQUENT_ACCESS", "DELIVERY"),
        "name": text(r"[\w./#-]", 1, 512),
        "retentionInDays": one_of(*RETENTION),
    },
    "aws:codebuild/project:Project": {
        "name": form(r"[A-Za-z0-9][\w-]{1,254}"),
        "serviceRole": ARN,
        "source.type": known_to("codebuild", "SourceType"),
        "vpcConfig.securityGroupIds": items(0, 5),
        "vpcConfig.subnets": items(0, 16),
    },
    "aws:codecommit/approvalRuleTemplate:ApprovalRuleTemplate": {
        "content": document(3000),
        "description": text("", 0, 1000),
        "name": text("", 1, 100),
    },
    "aws:codecommit/approvalRuleTemplateAssociation:ApprovalRuleTemplateAssociation": {
        "approvalRuleTemplateName": text("", 1, 100),
        "repositoryName": text("", 1, 100),
    },
    "aws:codecommit/repository:Repository": {
        "description": text("", 0, 1000),
        "kmsKeyId": ARN,
        "repositoryName": text("", 0, 100),
    },
    "aws:codeconnections/connection:Connection": {
        "hostArn": form(r"(?=.{1,256}$)arn:[\w-]+:(codeconnections|codestar-connections):[a-z0-9-]+:\d{12}:host/.+"),
        "name": text("", 1, 32),
        "providerType": known_to("codeconnections", "ProviderType"),
    },
    "aws:codepipeline/pipeline:Pipeline": {
        "name": text("", 1, 100),
        "roleArn": ARN,
        "stages": items(2, 10_000),
        "stages.actions.category": known_to("codepipeline", "ActionCategory"),
        "stages.actions.owner": known_to("codepipeline", "ActionOwner"),
        "stages.actions.runOrder": number(1, 999),
        "stages.beforeEntry.condition.rules": items(1, 5),
        "stages.name": text("", 1, 100),
        "triggers": items(0, 50),
        "triggers.gitConfiguration.pullRequests": items(0, 3),
        "triggers.gitConfiguration.pushes": items(0, 3),
    },
    "aws:codestarnotifications/notificationRule:NotificationRule": {
        "detailType": known_to("codestar-notifications", "DetailType"),
        "eventTypeIds": items(1, 200),
        "name": text(r"[\w -]", 1, 64),
        "resource": ARN,
        "status": known_to("codestar-notifications", "NotificationRuleStatus"),
        "targets": items(0, 10),
        "targets.address": ARN,
    },
    "aws:iam/policy:Policy": {"name": NAME_128, "path": form("/|/.*/"), "policy": document()},
    "aws:iam/role:Role": {
        "assumeRolePolicy": document(),
        "description": text("[^\u2018\u2019\u201c\u201d]", 0, 1000),
        "maxSessionDuration": number(3600, 43200),
        "name": NAME_64,
        "path": text("", 0, 512),
        "permissionsBoundary": ARN,
    },
    "aws:iam/rolePoliciesExclusive:RolePoliciesExclusive": {"policyNames": (all, "no null among them")},
    "aws:iam/rolePolicy:RolePolicy": {"name": NAME_128, "policy": document(), "role": form("(?!arn:).*")},
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": {"policyArn": ARN},
    "aws:iam/rolePolicyAttachmentsExclusive:RolePolicyAttachmentsExclusive": {
        "policyArns": (all, "no null among them")
    },
    "aws:kms/alias:Alias": {"name": form(r"alias/(?!aws/)[\w/-]+")},
    "aws:kms/key:Key": {
        "deletionWindowInDays": number(7, 30),
        "description": text("", 0, 8192),
        "policy": document(),
        "rotationPeriodInDays": number(90, 2560),
    },
    "aws:s3/bucketCorsConfiguration:BucketCorsConfiguration": {
        "bucket": BUCKET,
        "corsRules": items(0, 100),
        "expectedBucketOwner": ACCOUNT,
    },
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": {
        "bucket": BUCKET,
        "expectedBucketOwner": ACCOUNT,
        "rules": items(1, 1000),
        "rules.filter": (lambda children: len([one for one in children.values() if one]) <= 1, "one child at most"),
        "rules.id": text("", 1, 255),
        "rules.transitions": (lambda one: ("days" in one) != ("date" in one), "exactly one of days and date"),
    },
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": {
        "rule.objectOwnership": known_to("s3", "ObjectOwnership"),
    },
    "aws:s3/bucketPolicy:BucketPolicy": {"policy": document()},
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": {
        "bucket": BUCKET,
        "expectedBucketOwner": ACCOUNT,
        "rules.applyServerSideEncryptionByDefault.sseAlgorithm": known_to("s3", "ServerSideEncryption"),
    },
    _VERSIONING: {
        "bucket": BUCKET,
        "expectedBucketOwner": ACCOUNT,
        "versioningConfiguration.status": one_of("Enabled", "Suspended", "Disabled"),
    },
    "aws:servicecatalog/constraint:Constraint": {
        "acceptLanguage": LANGUAGE,
        "parameters": document(),
        "type": one_of("LAUNCH", "NOTIFICATION", "RESOURCE_UPDATE", "STACKSET", "TEMPLATE"),
    },
    "aws:servicecatalog/portfolio:Portfolio": {
        "description": text("", 0, 2000),
        "name": text("", 1, 100),
        "providerName": text("", 1, 50),
    },
    "aws:servicecatalog/portfolioShare:PortfolioShare": {
        "acceptLanguage": LANGUAGE,
        "principalId": form(rf"\d{{12}}|o-\w+|ou-\w+-\w+|{ORGANIZATION}"),
        "type": known_to("servicecatalog", "DescribePortfolioShareType"),
    },
    "aws:servicecatalog/principalPortfolioAssociation:PrincipalPortfolioAssociation": {
        "acceptLanguage": LANGUAGE,
        "principalType": known_to("servicecatalog", "PrincipalType"),
    },
    "aws:servicecatalog/product:Product": {
        "acceptLanguage": LANGUAGE,
        "provisioningArtifactParameters": (
            lambda one: bool(one.get("templateUrl")) != bool(one.get("templatePhysicalId")),
            "exactly one of templateUrl and templatePhysicalId",
        ),
        "provisioningArtifactParameters.type": known_to("servicecatalog", "ProvisioningArtifactType"),
        "type": known_to("servicecatalog", "ProductType"),
    },
    "aws:servicecatalog/productPortfolioAssociation:ProductPortfolioAssociation": {"acceptLanguage": LANGUAGE},
    "aws:sns/topic:Topic": {"policy": document(), "signatureVersion": number(1, 2)},
    "aws:sns/topicPolicy:TopicPolicy": {"arn": ARN, "policy": document()},
    "aws:sns/topicSubscription:TopicSubscription": {"protocol": PROTOCOLS, "subscriptionRoleArn": ARN, "topic": ARN},
    "aws:ssm/parameter:Parameter": {
        "description": text("", 0, 1024),
        "name": text("", 1, 2048),
        "type": known_to("ssm", "ParameterType"),
    },
}
"""By type and path of the input: which values are taken, in code and in words."""

BESIDE: Mapping[str, Mapping[str, tuple[Whole, str]]] = {
    "aws:cloudwatch/eventRule:EventRule": {
        "eventPattern": (
            lambda given: bool(given.get("eventPattern") or given.get("scheduleExpression")),
            "one of both",
        ),
    },
    "aws:codebuild/project:Project": {
        "artifacts": (
            lambda given: (
                (given.get("artifacts") or {}).get("type") != "S3" or bool(given["artifacts"].get("location"))
            ),
            "a location beside the type S3",
        ),
    },
    "aws:codeconnections/connection:Connection": {
        "providerType": (lambda given: "providerType" not in given or "hostArn" not in given, "not beside hostArn"),
    },
    "aws:kms/key:Key": {
        "rotationPeriodInDays": (
            lambda given: "rotationPeriodInDays" not in given or bool(given.get("enableKeyRotation")),
            "enableKeyRotation beside it",
        ),
    },
    "aws:sns/topic:Topic": {
        "contentBasedDeduplication": (
            lambda given: not given.get("contentBasedDeduplication") or bool(given.get("fifoTopic")),
            "fifoTopic beside it",
        ),
    },
    "aws:sns/topicSubscription:TopicSubscription": {
        "filterPolicyScope": (
            lambda given: not given.get("filterPolicyScope") or bool(given.get("filterPolicy")),
            "filterPolicy beside it",
        ),
    },
    "aws:ssm/parameter:Parameter": {"value": (lambda given: bool(given.get("value")), "one")},
}
"""By type and input: what must or must not stand beside it."""
