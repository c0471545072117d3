"""Which rights CloudFormation's handlers use to create, update and delete the resource types of the products.

A handler works with the rights of whoever launches. The source are the registry's resource type schemas as cfn-lint
ships them (2026-10-20), whose `handlers` name what a handler may ever use; this table says what each right is for, so
that one is asked for only where a template sets the property behind it. AWS::CodeBuild::Project has no handlers there:
its rights are those of the calls that its properties stand for, by the service authorization reference. A test holds
the table against the schemas, so that a right that AWS adds is sorted in here by a person.

Reading back, which a handler does after each change, counts to the change. Taking a property back counts to updating
it: the next version of a template may lack it. What scaling an endpoint takes beside the schemas is from Application
Auto Scaling's page on identity-based policies.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from awsmodel.arns import ArnScope
from awsmodel.regions import Region


class UnknownValueError(LookupError):
    """What a handler asks for hangs on a value that only a launch knows; the text says on which."""


Operation = Literal["create", "update", "delete"]
Properties = Mapping[str, Any]

CREATE: Sequence[Operation] = ("create",)
UPDATE: Sequence[Operation] = ("update",)
DELETE: Sequence[Operation] = ("delete",)
CHANGE: Sequence[Operation] = ("create", "update")
ALWAYS: Sequence[Operation] = ("create", "update", "delete")


@dataclass(frozen=True, kw_only=True)
class LaunchScope:
    """Where a product is launched."""

    region: Region
    account_id: str
    topic_arn: str = ""
    """Topic that CloudFormation tells of the launch; empty where it tells nobody."""

    @property
    def arns(self) -> ArnScope:
        """ARNs of the account in the region."""
        return ArnScope.of(self.region, self.account_id)

    @property
    def stack_name(self) -> str:
        """Name of the stack of a launch through Service Catalog, as a pattern."""
        return f"SC-{self.account_id}-pp-*"


Asked = tuple[str, Mapping[str, str | Sequence[str]]]
"""An ARN that a right is asked for on, with condition keys of the request."""
Resources = Callable[[Properties, LaunchScope], Iterable[Asked]]
"""Gives the ARNs that a right is needed on beside the resource itself, each with condition keys of the request."""


@dataclass(frozen=True, kw_only=True)
class Right:
    """One thing that a handler asks for."""

    action: str
    operations: Sequence[Operation]
    when: str = ""
    """Property without which it is not asked for."""
    on: Resources | None = None
    """What it is asked for on; without it, the resource itself."""
    says: Callable[[Properties], Mapping[str, Sequence[str]]] = field(default=lambda _properties: {})
    """Condition keys that this request says of the resource, beside those of all."""


@dataclass(frozen=True, kw_only=True)
class ResourceType:
    """A resource type: how its resources are named, and the rights of its handlers."""

    arn: str
    """ARN of a resource, after the partition; `{name}` stands for its name."""
    name: str = ""
    """Property with the name; CloudFormation invents one where there is none."""
    ref: Literal["name", "arn", "id"] = "name"
    """What `Ref` gives."""
    named_by: Sequence[str] = ("Name",)
    """Attributes that are the name."""
    rights: Sequence[Right]
    context: Callable[[Properties], Mapping[str, str]] = field(default=lambda _properties: {})
    """Condition keys of the requests on the resource itself."""
    unused: Mapping[str, str] = field(default_factory=dict)
    """Actions of the schema that are left out, with the reason."""


def at(properties: object, path: str) -> Iterator[Any]:
    """Return the values at a path of properties; `*` stands for every element of a list."""
    head, _, rest = path.partition(".")
    if head == "*":
        found = list(properties) if isinstance(properties, list) else []
    else:
        found = [properties[head]] if isinstance(properties, Mapping) and head in properties else []
    for value in found:
        if rest:
            yield from at(value, rest)
        else:
            yield value


def _network(properties: Properties) -> Mapping[str, Sequence[str]]:
    """Where something of SageMaker runs, as its requests say it."""
    for network in at(properties, "VpcConfig"):
        return {
            "sagemaker:VpcSubnets": network["Subnets"],
            "sagemaker:VpcSecurityGroupIds": network["SecurityGroupIds"],
        }
    return {}


def rights(
    operations: Sequence[Operation],
    *actions: str,
    when: str = "",
    on: Resources | None = None,
    says: Callable[[Properties], Mapping[str, Sequence[str]]] = lambda _properties: {},
) -> list[Right]:
    """Rights of the same kind."""
    return [Right(action=action, operations=operations, when=when, on=on, says=says) for action in actions]


def fixed(form: str) -> Resources:
    """Ask for calls that know no single resource: `*`, or the ARN that IAM is asked about, after the partition."""
    return lambda _properties, scope: [("*" if form == "*" else scope.arns.form(form), {})]


def arns_at(path: str, **keys: str) -> Resources:
    """Tell what the ARNs at a path name."""
    context = {key.replace("__", ":"): value for key, value in keys.items()}
    return lambda properties, _scope: [(str(arn), context) for arn in at(properties, path)]


def _keys_of_state_machines(properties: Properties, scope: LaunchScope) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Tell the customer keys of state machines, and that Step Functions uses them."""
    for arn in at(properties, "EncryptionConfiguration.KmsKeyId"):
        yield str(arn), {"kms:ViaService": scope.region.endpoint("states")}


def passed_roles(service: str, *paths: str, operations: Sequence[Operation] = CHANGE) -> list[Right]:
    """Handing a role to a service."""
    return [
        right
        for path in paths
        for right in rights(
            operations,
            "iam:PassRole",
            when=path.partition(".")[0],
            on=arns_at(path, iam__PassedToService=service),
        )
    ]


def tags(*, add: Sequence[str], remove: Sequence[str], read: Sequence[str], when: str = "Tags") -> list[Right]:
    """Tagging of a type whose tags can change."""
    return [*rights(CHANGE, *add, *read, when=when), *rights(UPDATE, *remove, when=when)]


KEY_USE = ("kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom")


def objects_at(path: str) -> Resources:
    """Name the object of a bucket and a key; seed code carries the tag that lets launch roles read it."""

    def found(properties: Properties, scope: LaunchScope) -> Iterator[tuple[str, Mapping[str, str]]]:
        for value in at(properties, path):
            if not isinstance(value, Mapping):
                continue
            bucket, key = (value.get(one) or value.get(f"S3{one}") for one in ("Bucket", "Key"))
            if bucket and key:
                tag = {"s3:ExistingObjectTag/servicecatalog:provisioning": "true"}
                yield scope.arns.object(bucket, key), tag

    return found


def _versions_at(path: str, version: str) -> Resources:
    def found(properties: Properties, scope: LaunchScope) -> Iterable[Asked]:
        return objects_at(path)(properties, scope) if list(at(properties, f"{path}.{version}")) else ()

    return found


_CONNECTION_SERVICES = ("codeconnections", "codestar-connections")


def _connections(properties: Properties, _scope: LaunchScope) -> Iterator[tuple[str, Mapping[str, str]]]:
    for action in at(properties, "Stages.*.Actions.*"):
        # Without a connection the products end a launch before there is a pipeline.
        for arn in filter(None, at(action, "Configuration.ConnectionArn")):
            # Of an ARN that only a launch knows, the service can be either.
            named = str(arn).split(":")[2:3]
            services = named if named in (["codeconnections"], ["codestar-connections"]) else _CONNECTION_SERVICES
            yield str(arn), {f"{service}:PassedToService": "codepipeline.amazonaws.com" for service in services}


def _boundary(properties: Properties) -> Mapping[str, str]:
    boundary = properties.get("PermissionsBoundary")
    return {"iam:PermissionsBoundary": boundary} if boundary else {}


def _attachments(properties: Properties, scope: LaunchScope) -> Iterator[tuple[str, Mapping[str, str]]]:
    for arn in properties["ManagedPolicyArns"]:
        yield _role_arn(properties, scope), {"iam:PolicyARN": arn, **_boundary(properties)}


def _role_arn(properties: Properties, scope: LaunchScope) -> str:
    path = properties.get("Path") or "/"
    return scope.arns.role(properties.get("RoleName") or "*", path)


def _topics_or_functions(service: str) -> Resources:
    def found(properties: Properties, _scope: LaunchScope) -> Iterator[tuple[str, Mapping[str, str]]]:
        token = str(properties["ServiceToken"])
        if len(token.split(":")) < 3:
            raise UnknownValueError("whom ServiceToken names")
        if token.split(":")[2:3] == [service]:
            yield token, {}

    return found


def _function(properties: Properties, scope: LaunchScope) -> Iterator[tuple[str, Mapping[str, str]]]:
    name = str(properties["FunctionName"])
    yield (name if name.startswith("arn:") else scope.arns.function(name)), {}


def _cluster(properties: Properties, scope: LaunchScope) -> Iterator[Asked]:
    """What is made in a cluster, which is asked about as the cluster."""
    yield scope.arns.form("eks:{region}:{account}:cluster/{name}", name=properties["ClusterName"]), _entry(properties)


def _entry(properties: Properties) -> Mapping[str, str | Sequence[str]]:
    """Condition keys of what an access entry says; none where it is none."""
    if "PrincipalArn" not in properties:
        return {}
    return {
        "eks:accessEntryType": properties.get("Type") or "STANDARD",
        "eks:kubernetesGroups": properties.get("KubernetesGroups") or [],
        "eks:principalArn": properties["PrincipalArn"],
    }


def _access_entry(properties: Properties, scope: LaunchScope) -> Iterator[Asked]:
    _, _, _, _, account, identity = str(properties["PrincipalArn"]).split(":", 5)
    kind, _, name = identity.partition("/")
    # EKS ends it with an id of its own.
    end = f"{properties['ClusterName']}/{kind}/{account}/{name}/*"
    yield scope.arns.form("eks:{region}:{account}:access-entry/{name}", name=end), _entry(properties)


def _association(properties: Properties, scope: LaunchScope) -> Iterator[Asked]:
    # Its id is EKS's own; what it belongs to, the tags say.
    tags = {str(tag["Key"]): str(tag["Value"]) for tag in properties.get("Tags") or ()}
    keys = {f"aws:{kind}Tag/{key}": value for kind in ("Request", "Resource") for key, value in tags.items()}
    form = "eks:{region}:{account}:podidentityassociation/{name}"
    yield scope.arns.form(form, name=f"{properties['ClusterName']}/*"), keys


_NO_SUCH_ACTION = "IAM has no such action"
_NEVER = "the schema names it, and no property of a template leads to it"

_BUCKET_PROPERTIES: Mapping[str, tuple[str, str]] = {
    "AbacStatus": ("s3:PutBucketAbac", "s3:GetBucketAbac"),
    "AccelerateConfiguration": ("s3:PutAccelerateConfiguration", "s3:GetAccelerateConfiguration"),
    "AccessControl": ("s3:PutBucketAcl", "s3:GetBucketAcl"),
    "AnalyticsConfigurations": ("s3:PutAnalyticsConfiguration", "s3:GetAnalyticsConfiguration"),
    "BucketEncryption": ("s3:PutEncryptionConfiguration", "s3:GetEncryptionConfiguration"),
    "CorsConfiguration": ("s3:PutBucketCORS", "s3:GetBucketCORS"),
    "IntelligentTieringConfigurations": (
        "s3:PutIntelligentTieringConfiguration",
        "s3:GetIntelligentTieringConfiguration",
    ),
    "InventoryConfigurations": ("s3:PutInventoryConfiguration", "s3:GetInventoryConfiguration"),
    "LifecycleConfiguration": ("s3:PutLifecycleConfiguration", "s3:GetLifecycleConfiguration"),
    "LoggingConfiguration": ("s3:PutBucketLogging", "s3:GetBucketLogging"),
    "MetricsConfigurations": ("s3:PutMetricsConfiguration", "s3:GetMetricsConfiguration"),
    "NotificationConfiguration": ("s3:PutBucketNotification", "s3:GetBucketNotification"),
    "ObjectLockConfiguration": ("s3:PutBucketObjectLockConfiguration", "s3:GetBucketObjectLockConfiguration"),
    "OwnershipControls": ("s3:PutBucketOwnershipControls", "s3:GetBucketOwnershipControls"),
    "PublicAccessBlockConfiguration": ("s3:PutBucketPublicAccessBlock", "s3:GetBucketPublicAccessBlock"),
    "ReplicationConfiguration": ("s3:PutReplicationConfiguration", "s3:GetReplicationConfiguration"),
    "VersioningConfiguration": ("s3:PutBucketVersioning", "s3:GetBucketVersioning"),
    "WebsiteConfiguration": ("s3:PutBucketWebsite", "s3:GetBucketWebsite"),
}
"""By property of a bucket: the right to set it and the one to read it. Reading the others may be refused."""

_TABLES = (
    *("s3tables:CreateNamespace", "s3tables:CreateTable", "s3tables:CreateTableBucket", "s3tables:GetTable"),
    *("s3tables:GetTableMetadataLocation", "s3tables:PutTableBucketPolicy", "s3tables:PutTableEncryption"),
    *("s3tables:PutTablePolicy", "s3tables:UpdateTableMetadataLocation"),
)
_METADATA_TABLES = (
    *("s3:CreateBucketMetadataTableConfiguration", "s3:DeleteBucketMetadataTableConfiguration"),
    *("s3:GetBucketMetadataTableConfiguration", "s3:UpdateBucketMetadataAnnotationTableConfiguration"),
    *("s3:UpdateBucketMetadataInventoryTableConfiguration", "s3:UpdateBucketMetadataJournalTableConfiguration"),
)

_LOG_GROUPS = "logs:{region}:{account}:log-group::log-stream:"
"""What IAM is asked about when log groups are listed by their prefix."""


def _template(_properties: Properties, scope: LaunchScope) -> Iterator[tuple[str, Mapping[str, str]]]:
    yield scope.arns.bucket("*"), {"s3:ExistingObjectTag/servicecatalog:provisioning": "true"}


def _topic(_properties: Properties, scope: LaunchScope) -> Iterator[tuple[str, Mapping[str, str]]]:
    if scope.topic_arn:
        yield scope.topic_arn, {}


def _key_of_topic(_properties: Properties, scope: LaunchScope) -> Iterator[tuple[str, Mapping[str, str]]]:
    if scope.topic_arn:
        through = {"kms:ViaService": scope.region.endpoint("sns")}
        yield scope.arns.key("*"), through


STACK = ResourceType(
    arn="cloudformation:{region}:{account}:stack/{name}/*",
    ref="arn",
    rights=[
        *rights(CREATE, "cloudformation:CreateStack", "cloudformation:SetStackPolicy"),
        *rights(CHANGE, "cloudformation:GetTemplateSummary", "cloudformation:ValidateTemplate", on=fixed("*")),
        *rights(CHANGE, "s3:GetObject", on=_template),
        *rights(CHANGE, "cloudformation:TagResource"),
        *rights(
            UPDATE,
            *("cloudformation:CreateChangeSet", "cloudformation:DeleteChangeSet", "cloudformation:DescribeChangeSet"),
            *("cloudformation:ExecuteChangeSet", "cloudformation:GetTemplate", "cloudformation:UntagResource"),
            "cloudformation:UpdateStack",
        ),
        *rights(DELETE, "cloudformation:DeleteStack"),
        *rights(
            ALWAYS,
            *("cloudformation:DescribeStackEvents", "cloudformation:DescribeStackResources"),
            *("cloudformation:DescribeStacks", "cloudformation:ListStackResources"),
        ),
        *rights(ALWAYS, "sns:Publish", on=_topic),
        *rights(ALWAYS, "kms:Decrypt", "kms:GenerateDataKey", on=_key_of_topic),
    ],
)
"""The stack of a launch, which Service Catalog makes as the launch role.

From Service Catalog's page on launch constraints: stacks, their templates in a bucket of Service Catalog's own, and
for updates change sets. The stack of a project from a template in S3 is made by the person; the launch role is its
service role and needs none of this.
"""

CUSTOM_RESOURCE = ResourceType(
    arn="cloudformation:{region}:{account}:stack/{name}",
    ref="id",
    rights=[
        *rights(ALWAYS, "lambda:InvokeFunction", on=_topics_or_functions("lambda")),
        *rights(ALWAYS, "sns:Publish", on=_topics_or_functions("sns")),
    ],
)
"""A resource that a function makes, or whoever hears of it by a topic."""

_SCALED = "application-autoscaling:{region}:{account}:scalable-target/*"
"""A scalable target's ARN is an id that AWS invents."""

_ENDPOINT_SCALING = "sagemaker.application-autoscaling.amazonaws.com"


def _namespace(properties: Properties) -> Mapping[str, str]:
    return {"application-autoscaling:service-namespace": str(properties["ServiceNamespace"])}


def _scaled_endpoint(properties: Properties, scope: LaunchScope) -> Iterator[tuple[str, Mapping[str, str]]]:
    # `endpoint/<name>/variant/<variant>`; of a value that only a launch knows, any endpoint.
    name = (*str(properties["ResourceId"]).split("/"), "*")[1]
    yield scope.arns.arn("sagemaker", f"endpoint/{name}"), {}


def _scaling_alarms(properties: Properties, scope: LaunchScope) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Return the alarms that watch a scaled endpoint: whoever scales it makes and removes them."""
    for endpoint, _ in _scaled_endpoint(properties, scope):
        name = endpoint.rpartition("/")[2]
        yield scope.arns.alarm(f"TargetTracking-endpoint/{name}/*"), {}


def _scaling_role(_properties: Properties, scope: LaunchScope) -> Iterator[tuple[str, Mapping[str, str]]]:
    name = f"{_ENDPOINT_SCALING}/AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"
    yield scope.arns.service_linked_role(name), {"iam:AWSServiceName": _ENDPOINT_SCALING}


def _named(kind: str, path: str) -> Resources:
    """Tell what a property names that SageMaker asks about beside the resource itself."""

    def found(properties: Properties, scope: LaunchScope) -> Iterator[tuple[str, Mapping[str, str]]]:
        # The same stack makes it, with the same tags.
        tagged = {f"aws:ResourceTag/{tag['Key']}": str(tag["Value"]) for tag in at(properties, "Tags.*")}
        for name in at(properties, path):
            yield scope.arns.arn("sagemaker", f"{kind}/{name}"), tagged

    return found


_SAGEMAKER_TAGS = tags(add=["sagemaker:AddTags"], remove=["sagemaker:DeleteTags"], read=["sagemaker:ListTags"])

TYPES: Mapping[str, ResourceType] = {
    "AWS::ApplicationAutoScaling::ScalableTarget": ResourceType(
        arn=_SCALED,
        ref="id",
        named_by=(),
        context=_namespace,
        rights=[
            *rights(CHANGE, "application-autoscaling:RegisterScalableTarget"),
            *rights(DELETE, "application-autoscaling:DeregisterScalableTarget"),
            *rights(
                CHANGE,
                *(
                    "application-autoscaling:DescribeScalableTargets",
                    "application-autoscaling:DescribeScheduledActions",
                ),
                on=fixed("*"),
            ),
            *rights(CHANGE, "application-autoscaling:PutScheduledAction", when="ScheduledActions"),
            *rights(UPDATE, "application-autoscaling:DeleteScheduledAction", when="ScheduledActions"),
            # For the first target of its kind in an account.
            *rights(CREATE, "iam:CreateServiceLinkedRole", on=_scaling_role),
            *rights(
                CHANGE,
                *("sagemaker:DescribeEndpoint", "sagemaker:UpdateEndpointWeightsAndCapacities"),
                on=_scaled_endpoint,
            ),
            *rights(
                CHANGE,
                "sagemaker:DescribeEndpointConfig",
                on=fixed("sagemaker:{region}:{account}:endpoint-config/*"),
            ),
            *rights(CHANGE, "cloudwatch:DescribeAlarms", on=fixed("*")),
            *rights(CHANGE, "cloudwatch:PutMetricAlarm", on=_scaling_alarms),
            *rights(ALWAYS, "cloudwatch:DeleteAlarms", on=_scaling_alarms),
            *passed_roles("application-autoscaling.amazonaws.com", "RoleARN"),
            *tags(
                add=["application-autoscaling:TagResource"],
                remove=["application-autoscaling:UntagResource"],
                read=["application-autoscaling:ListTagsForResource"],
            ),
        ],
        unused=dict.fromkeys(
            (
                *("lambda:DeleteProvisionedConcurrencyConfig", "lambda:GetProvisionedConcurrencyConfig"),
                "lambda:PutProvisionedConcurrencyConfig",
            ),
            "only endpoints are scaled",
        ),
    ),
    "AWS::ApplicationAutoScaling::ScalingPolicy": ResourceType(
        arn=_SCALED,
        ref="arn",
        named_by=(),
        context=lambda _properties: {"application-autoscaling:service-namespace": "sagemaker"},
        rights=[
            *rights(CHANGE, "application-autoscaling:PutScalingPolicy"),
            *rights(DELETE, "application-autoscaling:DeleteScalingPolicy"),
            *rights(ALWAYS, "application-autoscaling:DescribeScalingPolicies", on=fixed("*")),
            *rights(CHANGE, "cloudwatch:GetMetricData", when="PredictiveScalingPolicyConfiguration", on=fixed("*")),
        ],
    ),
    "AWS::CloudFormation::CustomResource": CUSTOM_RESOURCE,
    "AWS::CloudWatch::Alarm": ResourceType(
        arn="cloudwatch:{region}:{account}:alarm:{name}",
        name="AlarmName",
        named_by=(),
        rights=[
            *rights(CHANGE, "cloudwatch:PutMetricAlarm"),
            *rights(DELETE, "cloudwatch:DeleteAlarms"),
            *rights(ALWAYS, "cloudwatch:DescribeAlarms", on=fixed("*")),
            *tags(
                add=["cloudwatch:TagResource"],
                remove=["cloudwatch:UntagResource"],
                read=["cloudwatch:ListTagsForResource"],
            ),
        ],
    ),
    "AWS::CodeBuild::Project": ResourceType(
        arn="codebuild:{region}:{account}:project/{name}",
        name="Name",
        rights=[
            *rights(CREATE, "codebuild:CreateProject"),
            *rights(UPDATE, "codebuild:UpdateProject"),
            *rights(DELETE, "codebuild:DeleteProject"),
            *rights(CHANGE, "codebuild:BatchGetProjects"),
            *rights(CHANGE, "codebuild:CreateWebhook", "codebuild:UpdateWebhook", when="Triggers"),
            *rights(ALWAYS, "codebuild:DeleteWebhook", when="Triggers"),
            *passed_roles("codebuild.amazonaws.com", "ServiceRole", "BuildBatchConfig.ServiceRole"),
        ],
    ),
    "AWS::CodeCommit::Repository": ResourceType(
        arn="codecommit:{region}:{account}:{name}",
        name="RepositoryName",
        ref="id",
        rights=[
            *rights(CREATE, "codecommit:CreateRepository"),
            *rights(CREATE, "codecommit:CreateCommit", when="Code"),
            *rights(CREATE, "s3:GetObject", when="Code", on=objects_at("Code.S3")),
            *rights(CREATE, "s3:GetObjectVersion", when="Code", on=_versions_at("Code.S3", "ObjectVersion")),
            *rights(UPDATE, "codecommit:UpdateRepositoryDescription", when="RepositoryDescription"),
            *rights(DELETE, "codecommit:DeleteRepository"),
            # Its physical id is not its name, so the handler looks for it among all.
            *rights(ALWAYS, "codecommit:ListRepositories", on=fixed("*")),
            *rights(CHANGE, "codecommit:GetRepository", "codecommit:GetRepositoryTriggers"),
            *rights(CHANGE, "codecommit:PutRepositoryTriggers", when="Triggers"),
            *rights(UPDATE, "codecommit:UpdateRepositoryEncryptionKey", when="KmsKeyId"),
            *rights(CHANGE, *KEY_USE, when="KmsKeyId", on=arns_at("KmsKeyId")),
            *tags(
                add=["codecommit:TagResource"],
                remove=["codecommit:UntagResource"],
                read=["codecommit:ListTagsForResource"],
            ),
        ],
        unused={"codecommit:UpdateRepositoryName": "a project's names do not change"},
    ),
    "AWS::CodePipeline::Pipeline": ResourceType(
        arn="codepipeline:{region}:{account}:{name}",
        name="Name",
        rights=[
            *rights(CREATE, "codepipeline:CreatePipeline"),
            *rights(UPDATE, "codepipeline:UpdatePipeline"),
            *rights(DELETE, "codepipeline:DeletePipeline"),
            *rights(ALWAYS, "codepipeline:GetPipeline"),
            *rights(CHANGE, "codepipeline:GetPipelineState"),
            *rights(
                CHANGE,
                "codepipeline:DisableStageTransition",
                "codepipeline:EnableStageTransition",
                when="DisableInboundStageTransitions",
            ),
            *rights(UPDATE, "codepipeline:StartPipelineExecution", when="RestartExecutionOnUpdate"),
            *passed_roles("codepipeline.amazonaws.com", "RoleArn"),
            *rights(CHANGE, "iam:GetRole", on=arns_at("RoleArn")),
            *rights(
                CHANGE,
                "codestar-connections:PassConnection",
                "codeconnections:PassConnection",
                when="Stages",
                on=_connections,
            ),
            *tags(
                add=["codepipeline:TagResource"],
                remove=["codepipeline:UntagResource"],
                read=["codepipeline:ListTagsForResource"],
            ),
        ],
    ),
    "AWS::EKS::AccessEntry": ResourceType(
        arn="eks:{region}:{account}:access-entry/*",
        ref="id",
        named_by=(),
        rights=[
            *rights(CREATE, "eks:CreateAccessEntry", on=_cluster),
            *rights(UPDATE, "eks:UpdateAccessEntry", on=_access_entry),
            *rights(DELETE, "eks:DeleteAccessEntry", on=_access_entry),
            *rights(ALWAYS, "eks:DescribeAccessEntry", on=_access_entry),
            *rights(CHANGE, "eks:ListAssociatedAccessPolicies", on=_access_entry),
            *rights(CHANGE, "eks:AssociateAccessPolicy", when="AccessPolicies", on=_access_entry),
            *rights(UPDATE, "eks:DisassociateAccessPolicy", when="AccessPolicies", on=_access_entry),
            *rights(CHANGE, "eks:TagResource", when="Tags", on=_access_entry),
            *rights(UPDATE, "eks:UntagResource", when="Tags", on=_access_entry),
        ],
    ),
    "AWS::EKS::PodIdentityAssociation": ResourceType(
        arn="eks:{region}:{account}:podidentityassociation/*",
        ref="arn",
        named_by=(),
        rights=[
            *rights(CREATE, "eks:CreatePodIdentityAssociation", on=_cluster),
            *rights(UPDATE, "eks:UpdatePodIdentityAssociation", on=_association),
            *rights(DELETE, "eks:DeletePodIdentityAssociation", on=_association),
            *rights(ALWAYS, "eks:DescribePodIdentityAssociation", on=_association),
            *rights(CHANGE, "eks:TagResource", when="Tags", on=_association),
            *rights(UPDATE, "eks:UntagResource", when="Tags", on=_association),
            *passed_roles("pods.eks.amazonaws.com", "RoleArn"),
            *rights(CHANGE, "iam:GetRole", on=arns_at("RoleArn")),
        ],
    ),
    "AWS::Events::Rule": ResourceType(
        arn="events:{region}:{account}:rule/{name}",
        name="Name",
        rights=[
            *rights(CHANGE, "events:PutRule"),
            *rights(DELETE, "events:DeleteRule"),
            *rights(ALWAYS, "events:DescribeRule"),
            *rights(CHANGE, "events:PutTargets", when="Targets"),
            *rights(["update", "delete"], "events:RemoveTargets", when="Targets"),
            *rights(ALWAYS, "events:ListTargetsByRule"),
            *passed_roles("events.amazonaws.com", "Targets.*.RoleArn", "RoleArn"),
            *tags(add=["events:TagResource"], remove=["events:UntagResource"], read=["events:ListTagsForResource"]),
        ],
    ),
    "AWS::IAM::Role": ResourceType(
        arn="iam::{account}:role{path}{name}",
        name="RoleName",
        named_by=(),
        context=_boundary,
        rights=[
            *rights(CREATE, "iam:CreateRole"),
            *rights(DELETE, "iam:DeleteRole", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies"),
            *rights(ALWAYS, "iam:GetRole"),
            *rights(UPDATE, "iam:UpdateAssumeRolePolicy"),
            *rights(UPDATE, "iam:UpdateRole", "iam:UpdateRoleDescription"),
            *rights(UPDATE, "iam:PutRolePermissionsBoundary", when="PermissionsBoundary"),
            *rights(CHANGE, "iam:GetRolePolicy", "iam:PutRolePolicy", when="Policies"),
            *rights(["update", "delete"], "iam:DeleteRolePolicy", when="Policies"),
            *rights(CHANGE, "iam:AttachRolePolicy", when="ManagedPolicyArns", on=_attachments),
            *rights(["update", "delete"], "iam:DetachRolePolicy", when="ManagedPolicyArns", on=_attachments),
            *tags(add=["iam:TagRole"], remove=["iam:UntagRole"], read=["iam:ListRoleTags"]),
        ],
        unused={
            "iam:DeleteRolePermissionsBoundary": "an update never frees a role of its boundary: that leads to any right"
        },
    ),
    "AWS::Lambda::Function": ResourceType(
        arn="lambda:{region}:{account}:function:{name}",
        name="FunctionName",
        named_by=(),
        rights=[
            *rights(CREATE, "lambda:CreateFunction"),
            *rights(UPDATE, "lambda:UpdateFunctionCode", "lambda:UpdateFunctionConfiguration"),
            *rights(DELETE, "lambda:DeleteFunction"),
            *rights(ALWAYS, "lambda:GetFunction"),
            *rights(
                CHANGE,
                *("lambda:GetFunctionCodeSigningConfig", "lambda:GetFunctionRecursionConfig"),
                *("lambda:GetFunctionScalingConfig", "lambda:GetRuntimeManagementConfig"),
            ),
            *passed_roles("lambda.amazonaws.com", "Role"),
            *rights(CHANGE, "s3:GetObject", when="Code", on=objects_at("Code")),
            *rights(CHANGE, "s3:GetObjectVersion", when="Code", on=_versions_at("Code", "S3ObjectVersion")),
            *rights(
                CHANGE,
                *("ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcs"),
                when="VpcConfig",
                on=fixed("*"),
            ),
            *rights(DELETE, "ec2:DescribeNetworkInterfaces", when="VpcConfig", on=fixed("*")),
            *rights(
                CHANGE,
                *("kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"),
                when="KmsKeyArn",
                on=arns_at("KmsKeyArn"),
            ),
            *rights(CHANGE, "lambda:GetLayerVersion", when="Layers", on=arns_at("Layers.*")),
            *rights(CHANGE, "lambda:PutFunctionConcurrency", when="ReservedConcurrentExecutions"),
            *rights(UPDATE, "lambda:DeleteFunctionConcurrency", when="ReservedConcurrentExecutions"),
            *rights(CHANGE, "lambda:PutFunctionScalingConfig", when="FunctionScalingConfig"),
            *rights(
                CHANGE,
                "lambda:PassCapacityProvider",
                when="CapacityProviderConfig",
                on=arns_at("CapacityProviderConfig.LambdaManagedInstancesCapacityProviderConfig.CapacityProviderArn"),
            ),
            *rights(
                CHANGE,
                *("elasticfilesystem:DescribeMountTargets", "s3files:ListMountTargets"),
                when="FileSystemConfigs",
                on=fixed("*"),
            ),
            *rights(CHANGE, "lambda:PutRuntimeManagementConfig", when="RuntimeManagementConfig"),
            *rights(CHANGE, "lambda:PutFunctionRecursionConfig", when="RecursiveLoop"),
            *rights(
                CHANGE, "lambda:GetCodeSigningConfig", when="CodeSigningConfigArn", on=arns_at("CodeSigningConfigArn")
            ),
            *rights(
                UPDATE,
                *("lambda:DeleteFunctionCodeSigningConfig", "lambda:PutFunctionCodeSigningConfig"),
                when="CodeSigningConfigArn",
            ),
            *tags(add=["lambda:TagResource"], remove=["lambda:UntagResource"], read=["lambda:ListTags"]),
        ],
        unused=dict.fromkeys(("lambda:AssociateRuntimeAlias", "lambda:PublishVersion"), _NEVER),
    ),
    "AWS::Lambda::Permission": ResourceType(
        arn="lambda:{region}:{account}:function:{name}",
        ref="id",
        rights=[
            *rights(CREATE, "lambda:AddPermission", on=_function),
            *rights(DELETE, "lambda:RemovePermission", on=_function),
            *rights(CREATE, "lambda:GetPolicy", on=_function),
        ],
    ),
    "AWS::Logs::LogGroup": ResourceType(
        arn="logs:{region}:{account}:log-group:{name}",
        name="LogGroupName",
        named_by=(),
        rights=[
            *rights(CREATE, "logs:CreateLogGroup"),
            *rights(DELETE, "logs:DeleteLogGroup"),
            *rights(ALWAYS, "logs:DescribeLogGroups", on=fixed(_LOG_GROUPS)),
            *rights(CHANGE, "logs:PutRetentionPolicy", when="RetentionInDays"),
            *rights(UPDATE, "logs:DeleteRetentionPolicy", when="RetentionInDays"),
            # CloudWatch Logs uses the key by the key's policy; whoever names it needs no right on it.
            *rights(UPDATE, "logs:AssociateKmsKey", "logs:DisassociateKmsKey", when="KmsKeyId"),
            *rights(
                CHANGE, "logs:GetDataProtectionPolicy", "logs:PutDataProtectionPolicy", when="DataProtectionPolicy"
            ),
            *rights(ALWAYS, "logs:DeleteDataProtectionPolicy", when="DataProtectionPolicy"),
            *rights(CHANGE, "logs:DescribeIndexPolicies", "logs:PutIndexPolicy", when="FieldIndexPolicies"),
            *rights(UPDATE, "logs:DeleteIndexPolicy", when="FieldIndexPolicies"),
            *rights(CHANGE, "logs:PutBearerTokenAuthentication", when="BearerTokenAuthenticationEnabled"),
            *rights(
                CHANGE, *("logs:DescribeResourcePolicies", "logs:PutResourcePolicy"), when="ResourcePolicyDocument"
            ),
            *rights(UPDATE, "logs:DeleteResourcePolicy", when="ResourcePolicyDocument"),
            *rights(CHANGE, "logs:PutLogGroupDeletionProtection", when="DeletionProtectionEnabled"),
            *tags(add=["logs:TagResource"], remove=["logs:UntagResource"], read=["logs:ListTagsForResource"]),
        ],
        unused={
            "s3:REST.PUT.OBJECT": _NO_SUCH_ACTION,
            **dict.fromkeys(("firehose:TagDeliveryStream", "logs:CreateLogDelivery"), _NEVER),
        },
    ),
    "AWS::S3::Bucket": ResourceType(
        arn="s3:::{name}",
        name="BucketName",
        named_by=(),
        rights=[
            *rights(CREATE, "s3:CreateBucket"),
            *rights(DELETE, "s3:DeleteBucket"),
            *rights(ALWAYS, "s3:ListBucket"),
            *(
                right
                for name, (put, get) in _BUCKET_PROPERTIES.items()
                for right in rights(CHANGE, put, get, when=name)
            ),
            *rights(UPDATE, "s3:DeleteBucketWebsite", when="WebsiteConfiguration"),
            *(
                right
                for name in ("MetadataConfiguration", "MetadataTableConfiguration")
                for right in [
                    *rights(CHANGE, *_METADATA_TABLES, when=name),
                    *rights(CHANGE, *_TABLES, when=name, on=fixed("*")),
                ]
            ),
            *passed_roles("s3.amazonaws.com", "ReplicationConfiguration.Role"),
            *tags(
                add=["s3:PutBucketTagging", "s3:TagResource"],
                remove=["s3:UntagResource"],
                read=["s3:GetBucketTagging", "s3:ListTagsForResource"],
            ),
        ],
        unused={
            **dict.fromkeys(
                (
                    *("s3:DeleteBucketAnalyticsConfiguration", "s3:DeleteBucketCors", "s3:DeleteBucketEncryption"),
                    *("s3:DeleteBucketLifecycle", "s3:DeleteBucketMetricsConfiguration", "s3:DeleteBucketReplication"),
                    *("s3:DeleteBucketTagging", "s3:PutBucketReplication", "s3:PutObjectLockConfiguration"),
                ),
                _NO_SUCH_ACTION,
            ),
            **dict.fromkeys(("s3:DeleteObject", "s3:PutObjectAcl"), _NEVER),
        },
    ),
    "AWS::S3::BucketPolicy": ResourceType(
        arn="s3:::{name}",
        name="Bucket",
        rights=[
            *rights(CHANGE, "s3:PutBucketPolicy"),
            *rights(ALWAYS, "s3:GetBucketPolicy"),
            *rights(DELETE, "s3:DeleteBucketPolicy"),
        ],
    ),
    "AWS::SNS::Topic": ResourceType(
        arn="sns:{region}:{account}:{name}",
        name="TopicName",
        ref="arn",
        named_by=("TopicName",),
        rights=[
            *rights(CREATE, "sns:CreateTopic"),
            *rights(UPDATE, "sns:SetTopicAttributes"),
            *rights(DELETE, "sns:DeleteTopic"),
            *rights(ALWAYS, "sns:GetTopicAttributes"),
            *rights(CHANGE, "sns:GetDataProtectionPolicy", "sns:ListSubscriptionsByTopic"),
            *rights(CHANGE, "sns:Subscribe", when="Subscription"),
            *rights(UPDATE, "sns:Unsubscribe", when="Subscription"),
            *rights(CHANGE, "sns:PutDataProtectionPolicy", when="DataProtectionPolicy"),
            *passed_roles(
                "sns.amazonaws.com",
                "DeliveryStatusLogging.*.SuccessFeedbackRoleArn",
                "DeliveryStatusLogging.*.FailureFeedbackRoleArn",
            ),
            *rights(CHANGE, "iam:GetRole", on=arns_at("DeliveryStatusLogging.*.SuccessFeedbackRoleArn")),
            *tags(add=["sns:TagResource"], remove=["sns:UntagResource"], read=["sns:ListTagsForResource"]),
        ],
    ),
    "AWS::SageMaker::CodeRepository": ResourceType(
        arn="sagemaker:{region}:{account}:code-repository/{name}",
        name="CodeRepositoryName",
        ref="arn",
        named_by=("CodeRepositoryName",),
        rights=[
            *rights(CREATE, "sagemaker:CreateCodeRepository"),
            *rights(UPDATE, "sagemaker:UpdateCodeRepository"),
            *rights(DELETE, "sagemaker:DeleteCodeRepository"),
            *rights(CHANGE, "sagemaker:DescribeCodeRepository"),
            *_SAGEMAKER_TAGS,
        ],
    ),
    "AWS::SageMaker::Endpoint": ResourceType(
        arn="sagemaker:{region}:{account}:endpoint/{name}",
        name="EndpointName",
        ref="arn",
        named_by=("EndpointName",),
        rights=[
            *rights(CREATE, "sagemaker:CreateEndpoint"),
            *rights(CREATE, "sagemaker:CreateEndpoint", on=_named("endpoint-config", "EndpointConfigName")),
            *rights(UPDATE, "sagemaker:UpdateEndpoint"),
            *rights(UPDATE, "sagemaker:UpdateEndpoint", on=_named("endpoint-config", "EndpointConfigName")),
            *rights(DELETE, "sagemaker:DeleteEndpoint"),
            *rights(ALWAYS, "sagemaker:DescribeEndpoint"),
            # An update under alarms is refused unless whoever asks for it may see them.
            *rights(CHANGE, "cloudwatch:DescribeAlarms", when="DeploymentConfig", on=fixed("*")),
            *_SAGEMAKER_TAGS,
        ],
    ),
    "AWS::SageMaker::EndpointConfig": ResourceType(
        arn="sagemaker:{region}:{account}:endpoint-config/{name}",
        name="EndpointConfigName",
        ref="arn",
        named_by=("EndpointConfigName",),
        rights=[
            *rights(CREATE, "sagemaker:CreateEndpointConfig"),
            *rights(DELETE, "sagemaker:DeleteEndpointConfig"),
            *rights(CHANGE, "sagemaker:DescribeEndpointConfig"),
            *rights(CREATE, "kms:DescribeKey", when="KmsKeyId", on=arns_at("KmsKeyId")),
            *rights(
                CREATE, "kms:CreateGrant", when="KmsKeyId", on=arns_at("KmsKeyId", kms__GrantIsForAWSResource="true")
            ),
            *passed_roles("sagemaker.amazonaws.com", "ExecutionRoleArn", operations=CREATE),
            *_SAGEMAKER_TAGS,
        ],
    ),
    "AWS::SageMaker::Model": ResourceType(
        arn="sagemaker:{region}:{account}:model/{name}",
        name="ModelName",
        ref="arn",
        named_by=("ModelName",),
        rights=[
            *rights(CREATE, "sagemaker:CreateModel", says=_network),
            *rights(DELETE, "sagemaker:DeleteModel"),
            *rights(CHANGE, "sagemaker:DescribeModel"),
            *rights(
                CREATE,
                "sagemaker:DescribeModelPackage",
                when="PrimaryContainer",
                on=arns_at("PrimaryContainer.ModelPackageName"),
            ),
            *passed_roles("sagemaker.amazonaws.com", "ExecutionRoleArn", operations=CREATE),
            *_SAGEMAKER_TAGS,
        ],
    ),
    "AWS::SageMaker::ModelPackageGroup": ResourceType(
        arn="sagemaker:{region}:{account}:model-package-group/{name}",
        name="ModelPackageGroupName",
        ref="arn",
        named_by=("ModelPackageGroupName",),
        rights=[
            *rights(CREATE, "sagemaker:CreateModelPackageGroup"),
            *rights(DELETE, "sagemaker:DeleteModelPackageGroup"),
            *rights(ALWAYS, "sagemaker:DescribeModelPackageGroup", "sagemaker:GetModelPackageGroupPolicy"),
            *rights(CHANGE, "sagemaker:PutModelPackageGroupPolicy", when="ModelPackageGroupPolicy"),
            *rights(["update", "delete"], "sagemaker:DeleteModelPackageGroupPolicy", when="ModelPackageGroupPolicy"),
            *_SAGEMAKER_TAGS,
        ],
    ),
    "AWS::SageMaker::Pipeline": ResourceType(
        arn="sagemaker:{region}:{account}:pipeline/{name}",
        name="PipelineName",
        named_by=("PipelineName",),
        rights=[
            *rights(CREATE, "sagemaker:CreatePipeline"),
            *rights(UPDATE, "sagemaker:UpdatePipeline"),
            *rights(DELETE, "sagemaker:DeletePipeline"),
            *rights(ALWAYS, "sagemaker:DescribePipeline"),
            *rights(CHANGE, "s3:GetObject", on=objects_at("PipelineDefinition.PipelineDefinitionS3Location")),
            *passed_roles("sagemaker.amazonaws.com", "RoleArn"),
            *_SAGEMAKER_TAGS,
        ],
    ),
    "AWS::StepFunctions::StateMachine": ResourceType(
        arn="states:{region}:{account}:stateMachine:{name}",
        name="StateMachineName",
        ref="arn",
        rights=[
            *rights(CREATE, "states:CreateStateMachine"),
            *rights(UPDATE, "states:UpdateStateMachine"),
            *rights(DELETE, "states:DeleteStateMachine"),
            *rights(ALWAYS, "states:DescribeStateMachine"),
            *rights(CHANGE, "s3:GetObject", when="DefinitionS3Location", on=objects_at("DefinitionS3Location")),
            *rights(
                CHANGE,
                "s3:GetObjectVersion",
                when="DefinitionS3Location",
                on=_versions_at("DefinitionS3Location", "Version"),
            ),
            # The definition is written and read back with the key, in the name of whoever launches.
            *rights(
                CHANGE,
                *("kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"),
                when="EncryptionConfiguration",
                on=_keys_of_state_machines,
            ),
            *passed_roles("states.amazonaws.com", "RoleArn"),
            *tags(add=["states:TagResource"], remove=["states:UntagResource"], read=["states:ListTagsForResource"]),
        ],
    ),
}
"""By name of the type. Of a type that is not here, nobody knows what its handlers ask for."""


def resource_type(name: str) -> ResourceType | None:
    """How resources of a type are made; None where this table does not know it."""
    return CUSTOM_RESOURCE if name.startswith("Custom::") else TYPES.get(name)


CARRIES_TAGS = re.compile(r":(Create|Put(Rule|BucketTagging)|(Un)?[Tt]ag|AddTags)")
"""Actions whose requests carry the tags that they set."""
