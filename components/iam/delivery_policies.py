"""What Pulumi needs in an account to preview one environment of the platform, and to change it: policies as data.

Everything that has a name is bound to the environment's names. What AWS names by itself (keys, connections,
portfolios, notification rules) is bound to the tags that every resource of the environment carries. Calls that know no
resource, or act before there is one, are named each with its reason.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from awsmodel.arns import ANY, ArnScope
from components.core.naming import PORTFOLIO_CLAIMS_PATH, STUDIO_LOCATION_TAG
from components.iam.policies import KEY_ADMINISTRATION, Statement, allow
from components.iam.role_documents import WELL_KNOWN_LAUNCH_ROLE, WELL_KNOWN_PATH, WELL_KNOWN_USE_ROLE, RoleDocument

# The service was renamed in 2024, and resources and rights of both names remain.
CONNECTION_SERVICES = {"codeconnections": "Connections", "codestar-connections": "StarConnections"}
"""Prefixes of the actions on connections, and how statements tell them apart."""

_READ_CONNECTION = ("GetConnection", "ListTagsForResource")

NETWORK_DESCRIPTIONS = (
    "ec2:DescribeRouteTables",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcEndpoints",
    "ec2:DescribeVpcs",
)
"""What a program run asks of EC2 where the settings name a VPC."""


@dataclass(frozen=True, kw_only=True)
class StackScope:
    """One environment in one account, as the roles that deliver it see it."""

    scope: ArnScope
    """Account, and the partition of its regions."""
    project: str
    environment: str
    repository: str | None = None
    """CodeCommit repository, where it is not named `<project>-<environment>`."""
    boundary_arn: str | None = None
    """Permissions boundary without which no role may be made; left out, roles are bound by their names alone."""
    supplied_role_arns: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """By service, roles of somebody else that work for it in the account: whoever deploys hands them over."""
    connection_arns: Sequence[str] = ()
    """Connections of somebody else that the account's pipelines read their source through."""

    @property
    def prefix(self) -> str:
        """What every name of the environment starts with."""
        return f"{self.project}-{self.environment}"

    def arns(self, service: str, *names: str) -> list[str]:
        """ARNs in any region: an environment has artifact stores and catalogs in several."""
        return self.scope.in_region(ANY).each(service, *names)

    def buckets(self) -> list[str]:
        """Buckets of the environment, legacy names included."""
        names = (f"{self.prefix}-artifacts-*", f"{self.prefix}-products-*", f"codepipeline-{self.project}-*")
        return [self.scope.bucket(name) for name in names]

    def objects(self) -> list[str]:
        """What the catalog's buckets hold; artifacts are nothing that Pulumi reads."""
        return [self.scope.object(f"{self.prefix}-products-*", "*")]

    def roles(self) -> list[str]:
        """Roles of the environment, and the two of SageMaker Projects that it may adopt."""
        adopted = (WELL_KNOWN_LAUNCH_ROLE, WELL_KNOWN_USE_ROLE)
        names = (f"{self.prefix}-*", *(f"{WELL_KNOWN_PATH}{name}".lstrip("/") for name in adopted))
        return [self.scope.role(name) for name in names]

    def policies(self) -> list[str]:
        """Managed policies of the same."""
        return [arn.replace(":role/", ":policy/").removesuffix("*") + "*" for arn in self.roles()]

    def identities(self) -> list[str]:
        """Roles, groups, users and managed policies of the account, and the policies that AWS keeps."""
        own = [self.scope.identity(kind, ANY) for kind in ("group", "policy", "role", "user")]
        return [*own, self.scope.of_account("aws").policy(ANY)]

    def tagged(self, *, when: str) -> dict[str, dict[str, str]]:
        """Condition that a resource carries the environment's tags (`aws:ResourceTag`), or gets them."""
        # Like, because a target can stand for the stacks of all tests.
        return {
            "StringLike": {
                f"aws:{when}/mlops:project": self.project,
                f"aws:{when}/mlops:environment": self.environment,
            }
        }


def assume_statements(role_arn: str) -> list[Statement]:
    """Acts as the role of the environment's account, and has no other right there."""
    return [allow("ActAsRoleOfAccount", ["sts:AssumeRole"], [role_arn])]


def remember_statements(parameter_arn: str) -> list[Statement]:
    """Remembers which drift has been told."""
    return [allow("RememberDrift", ["ssm:GetParameter", "ssm:PutParameter"], [parameter_arn])]


def account_trust(builder_arns: Sequence[str], external_id: str | None) -> Statement:
    """Trust of a role of another account: the delivery's own builds may act as it, and nobody else.

    The builds' roles stand in the condition: as principals they would have to exist first, and one that is made anew
    would not be the one that was trusted.
    """
    roots = sorted({f"{arn.split(':role', 1)[0]}:root" for arn in builder_arns})
    condition: dict[str, dict[str, object]] = {"ArnEquals": {"aws:PrincipalArn": list(builder_arns)}}
    if external_id:
        condition["StringEquals"] = {"sts:ExternalId": external_id}
    return {"Effect": "Allow", "Principal": {"AWS": roots}, "Action": "sts:AssumeRole", "Condition": condition}


def preview_statements(target: StackScope) -> list[Statement]:
    """Reads everything that a preview with refresh, and the doctor, look at; writes nothing."""
    return [
        *(allow(f"Read{sid}", read, resources, condition) for sid, read, _, resources, condition in _services(target)),
        allow(
            "ReadAccountLevel",
            [
                *("cloudtrail:LookupEvents", "codebuild:ListCuratedEnvironmentImages"),
                *("codebuild:ListProjects", "codepipeline:ListPipelines", "iam:GetAccountSummary"),
                "iam:ListRoles",
                *("codecommit:ListApprovalRuleTemplates", "codecommit:ListRepositories"),
                *("codecommit:GetApprovalRuleTemplate", "codecommit:ListRepositoriesForApprovalRuleTemplate"),
                *("codeconnections:ListConnections", "codestar-connections:ListConnections"),
                *("codestar-notifications:ListNotificationRules", "kms:ListAliases", "kms:ListKeys"),
                *("logs:DescribeLogGroups", "s3:ListAllMyBuckets", "sagemaker:ListDomains", "sns:ListTopics"),
                "sns:GetSubscriptionAttributes",
                *("sagemaker:DescribeDomain", "sagemaker:GetSagemakerServicecatalogPortfolioStatus"),
                *("cloudwatch:GetMetricData", "sagemaker:ListCodeRepositories", "sagemaker:ListEndpoints"),
                *("sagemaker:ListTags", "servicecatalog:DescribeConstraint", "servicecatalog:DescribeTagOption"),
                *("servicecatalog:ListAcceptedPortfolioShares", "servicecatalog:ListBudgetsForResource"),
                *("servicecatalog:ListConstraintsForPortfolio", "servicecatalog:ListPortfolios"),
                *("servicecatalog:ListPrincipalsForPortfolio", "servicecatalog:ListResourcesForTagOption"),
                *("servicecatalog:ListTagOptions", "servicecatalog:SearchProductsAsAdmin"),
                *("servicecatalog:SearchProvisionedProducts", "ssm:DescribeParameters", "iam:ListPolicies"),
                *("servicequotas:GetServiceQuota", "servicequotas:ListServiceQuotas", "tag:GetResources"),
            ],
            ["*"],  # these calls know no resource, or the resources are SageMaker's own
        ),
        # EC2's describe calls know no resource. Which of the stacks runs in a VPC, and in which of its regions, is said
        # by the stack's own settings; those of the delivery do not tell.
        allow("ReadNetworks", NETWORK_DESCRIPTIONS, ["*"]),
        *_supplied_connection(target),
        # Principals, supplied roles, and the service-linked role of notifications: none has the environment's name.
        allow(
            "ReadNamedIdentities",
            [
                *("iam:GetGroup", "iam:GetPolicy", "iam:GetPolicyVersion", "iam:GetRole", "iam:GetRolePolicy"),
                *("iam:GetUser", "iam:ListAttachedRolePolicies", "iam:ListEntitiesForPolicy", "iam:ListRolePolicies"),
            ],
            target.identities(),
        ),
    ]


def _supplied_connection(target: StackScope) -> Iterator[Statement]:
    """A connection of somebody else has no tags of ours."""
    if target.connection_arns:
        reading = [f"{service}:{call}" for service in CONNECTION_SERVICES for call in _READ_CONNECTION]
        yield allow("ReadSuppliedConnections", reading, target.connection_arns)


def change_statements(target: StackScope) -> list[Statement]:
    """Reads, makes, changes and removes everything that the environment consists of."""
    writes = (
        allow(f"Change{sid}", write, resources, condition)
        for sid, _, write, resources, condition in _services(target)
        if write
    )
    return [
        *preview_statements(target),
        *writes,
        *_making_statements(target),
        *_role_statements(target),
        *_passed_connections(target),
    ]


def reading_role(target: StackScope, builder_arns: Sequence[str], external_id: str | None = None) -> RoleDocument:
    """Role of an account that previews and examines the environment there."""
    return RoleDocument(
        key=f"delivery.{target.environment}.read",
        name=f"{target.prefix}-delivery-read",
        purpose=f"Previews {target.prefix} and examines it; changes nothing",
        trust=[account_trust(builder_arns, external_id)],
        statements=preview_statements(target),
    )


def changing_role(target: StackScope, builder_arns: Sequence[str], external_id: str | None = None) -> RoleDocument:
    """Role of an account that deploys the environment there."""
    return RoleDocument(
        key=f"delivery.{target.environment}.change",
        name=f"{target.prefix}-delivery-change",
        purpose=f"Deploys {target.prefix}",
        trust=[account_trust(builder_arns, external_id)],
        statements=change_statements(target),
    )


_Service = tuple[str, Sequence[str], Sequence[str], Sequence[str], object]


def _services(target: StackScope) -> Iterator[_Service]:
    """By kind of resource: what reads it, what changes it, which ones, and on which condition."""
    yield from _storage(target)
    yield from _developer_tools(target)
    yield from _catalog(target)
    yield (
        "Roles",
        [
            *("iam:GetPolicy", "iam:GetPolicyVersion", "iam:GetRole", "iam:GetRolePolicy"),
            *("iam:ListAttachedRolePolicies", "iam:ListInstanceProfilesForRole", "iam:ListPolicyTags"),
            *("iam:ListPolicyVersions", "iam:ListRolePolicies", "iam:ListRoleTags"),
        ],
        [
            *("iam:CreatePolicy", "iam:CreatePolicyVersion", "iam:DeletePolicy", "iam:DeletePolicyVersion"),
            *("iam:DeleteRole", "iam:DeleteRolePolicy", "iam:DetachRolePolicy", "iam:TagPolicy", "iam:TagRole"),
            *("iam:UntagPolicy", "iam:UntagRole", "iam:UpdateAssumeRolePolicy", "iam:UpdateRole"),
            "iam:UpdateRoleDescription",
        ],
        [*target.roles(), *target.policies()],
        None,
    )
    yield (
        "Parameters",
        ["ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath", "ssm:ListTagsForResource"],
        [
            *("ssm:AddTagsToResource", "ssm:DeleteParameter", "ssm:DeleteParameters", "ssm:PutParameter"),
            "ssm:RemoveTagsFromResource",
        ],
        target.arns(
            "ssm",
            f"parameter/{target.prefix}/*",
            f"parameter{PORTFOLIO_CLAIMS_PATH}",
            f"parameter{PORTFOLIO_CLAIMS_PATH}/*",
        ),
        None,
    )


def _storage(target: StackScope) -> Iterator[_Service]:
    yield (
        "Buckets",
        [
            *("s3:GetAccelerateConfiguration", "s3:GetBucket*", "s3:GetEncryptionConfiguration"),
            *("s3:GetLifecycleConfiguration", "s3:GetReplicationConfiguration", "s3:ListBucket"),
            *("s3:ListBucketVersions", "s3:ListTagsForResource"),
        ],
        [
            *("s3:CreateBucket", "s3:DeleteBucket", "s3:DeleteBucketPolicy", "s3:PutBucketCORS"),
            *("s3:PutBucketOwnershipControls", "s3:PutBucketPolicy", "s3:PutBucketPublicAccessBlock"),
            *("s3:PutBucketTagging", "s3:PutBucketVersioning", "s3:PutEncryptionConfiguration"),
            *("s3:PutLifecycleConfiguration", "s3:TagResource", "s3:UntagResource"),
        ],
        target.buckets(),
        None,
    )
    yield (
        "Products",
        ["s3:GetObject", "s3:GetObjectAttributes", "s3:GetObjectTagging", "s3:GetObjectVersion"],
        ["s3:PutObject", "s3:PutObjectTagging"],
        target.objects(),
        None,
    )
    yield (
        "Keys",
        [
            *("kms:DescribeKey", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus", "kms:ListResourceTags"),
            "kms:ListKeyPolicies",
        ],
        KEY_ADMINISTRATION,
        target.arns("kms", "key/*"),
        target.tagged(when="ResourceTag"),
    )
    yield (
        "Topics",
        ["sns:GetTopicAttributes", "sns:ListSubscriptionsByTopic", "sns:ListTagsForResource"],
        [
            *("sns:CreateTopic", "sns:DeleteTopic", "sns:SetTopicAttributes", "sns:Subscribe", "sns:TagResource"),
            "sns:UntagResource",
        ],
        target.arns("sns", f"{target.prefix}-*"),
        None,
    )


def _developer_tools(target: StackScope) -> Iterator[_Service]:
    repositories = [target.prefix, *([target.repository] if target.repository else [])]
    yield (
        "Repositories",
        [
            *("codecommit:BatchGetRepositories", "codecommit:GetBranch", "codecommit:GetRepository"),
            *("codecommit:ListAssociatedApprovalRuleTemplatesForRepository", "codecommit:ListTagsForResource"),
        ],
        [
            *("codecommit:AssociateApprovalRuleTemplateWithRepository", "codecommit:CreateRepository"),
            *("codecommit:DeleteRepository", "codecommit:DisassociateApprovalRuleTemplateFromRepository"),
            *("codecommit:TagResource", "codecommit:UntagResource", "codecommit:UpdateDefaultBranch"),
            *("codecommit:UpdateRepositoryDescription", "codecommit:UpdateRepositoryEncryptionKey"),
        ],
        target.arns("codecommit", *repositories),
        None,
    )
    yield (
        "Connections",
        [f"{service}:{call}" for service in CONNECTION_SERVICES for call in _READ_CONNECTION],
        ["codeconnections:DeleteConnection", "codeconnections:TagResource", "codeconnections:UntagResource"],
        target.arns("codeconnections", "connection/*"),
        target.tagged(when="ResourceTag"),
    )
    yield (
        "NotificationRules",
        ["codestar-notifications:DescribeNotificationRule", "codestar-notifications:ListTagsForResource"],
        [
            *("codestar-notifications:DeleteNotificationRule", "codestar-notifications:Subscribe"),
            *("codestar-notifications:TagResource", "codestar-notifications:Unsubscribe"),
            *("codestar-notifications:UntagResource", "codestar-notifications:UpdateNotificationRule"),
        ],
        target.arns("codestar-notifications", "notificationrule/*"),
        target.tagged(when="ResourceTag"),
    )
    yield (
        "Pipelines",
        ["codepipeline:GetPipeline", "codepipeline:GetPipelineState", "codepipeline:ListTagsForResource"],
        [
            *("codepipeline:CreatePipeline", "codepipeline:DeletePipeline", "codepipeline:TagResource"),
            *("codepipeline:UntagResource", "codepipeline:UpdatePipeline"),
        ],
        target.arns("codepipeline", f"{target.prefix}-*"),
        None,
    )
    yield (
        "Builds",
        ["codebuild:BatchGetProjects"],
        ["codebuild:CreateProject", "codebuild:DeleteProject", "codebuild:UpdateProject"],
        target.arns("codebuild", f"project/{target.prefix}-*"),
        None,
    )
    yield (
        "EventRules",
        ["events:DescribeRule", "events:ListTagsForResource", "events:ListTargetsByRule"],
        [
            *("events:DeleteRule", "events:PutRule", "events:PutTargets", "events:RemoveTargets"),
            *("events:TagResource", "events:UntagResource"),
        ],
        target.arns("events", f"rule/{target.prefix}-*"),
        None,
    )
    yield (
        "Logs",
        ["logs:ListTagsForResource"],
        [
            *("logs:AssociateKmsKey", "logs:CreateLogGroup", "logs:DeleteLogGroup", "logs:DisassociateKmsKey"),
            *("logs:DeleteRetentionPolicy", "logs:PutRetentionPolicy", "logs:TagResource", "logs:UntagResource"),
        ],
        target.arns("logs", f"log-group:/aws/codebuild/{target.prefix}-*"),
        None,
    )


def _catalog(target: StackScope) -> Iterator[_Service]:
    yield (
        "Catalog",
        [
            *("servicecatalog:DescribePortfolio", "servicecatalog:DescribePortfolioShares"),
            *("servicecatalog:DescribeProductAsAdmin", "servicecatalog:DescribeProvisioningArtifact"),
            *("servicecatalog:ListLaunchPaths", "servicecatalog:ListPortfoliosForProduct"),
            "servicecatalog:ListProvisioningArtifacts",
        ],
        [
            *("servicecatalog:AssociatePrincipalWithPortfolio", "servicecatalog:AssociateTagOptionWithResource"),
            *("servicecatalog:CreateConstraint", "servicecatalog:CreatePortfolioShare"),
            *("servicecatalog:CreateProvisioningArtifact", "servicecatalog:DeletePortfolio"),
            *("servicecatalog:DeletePortfolioShare", "servicecatalog:DeleteProduct"),
            *("servicecatalog:DeleteProvisioningArtifact", "servicecatalog:DisassociatePrincipalFromPortfolio"),
            *("servicecatalog:DisassociateTagOptionFromResource", "servicecatalog:UpdatePortfolio"),
            *("servicecatalog:UpdatePortfolioShare", "servicecatalog:UpdateProduct"),
            "servicecatalog:UpdateProvisioningArtifact",
        ],
        target.arns("catalog", "portfolio/*", "product/*"),
        target.tagged(when="ResourceTag"),
    )
    yield (
        "Budgets",
        ["budgets:ListTagsForResource", "budgets:ViewBudget"],
        ["budgets:ModifyBudget", "budgets:TagResource", "budgets:UntagResource"],
        [target.scope.budget(f"{target.prefix}*")],
        None,
    )


def _making_statements(target: StackScope) -> Iterator[Statement]:
    """What makes things that AWS names: they get the environment's tags, or are SageMaker's own."""
    yield allow(
        "MakeWithTags",
        [
            *("codeconnections:CreateConnection", "codestar-notifications:CreateNotificationRule", "kms:CreateKey"),
            *("servicecatalog:CreatePortfolio", "servicecatalog:CreateProduct"),
        ],
        ["*"],  # none of them exists yet, so none has an ARN
        target.tagged(when="RequestTag"),
    )
    # The tags open a resource to this role, and AWS asks for this right to make one with tags, too. So what has the
    # tags of another environment cannot be given these; what has no such tags can.
    untaken = {"StringLikeIfExists": target.tagged(when="ResourceTag")["StringLike"]}
    yield allow(
        "TagWhatIsNew",
        ["codeconnections:TagResource", "codestar-notifications:TagResource", "kms:TagResource"],
        ["*"],  # what is being made has no ARN yet
        {**target.tagged(when="RequestTag"), **untaken},
    )
    # Domains are the account's, and other tags of them can decide what people may do.
    location = {"ForAllValues:StringEquals": {"aws:TagKeys": [STUDIO_LOCATION_TAG]}, "Null": {"aws:TagKeys": "false"}}
    yield allow(
        "TagDomains", ["sagemaker:AddTags", "sagemaker:DeleteTags"], target.arns("sagemaker", "domain/*"), location
    )
    # A bucket that is not retained is emptied before it goes.
    objects = [f"{bucket}/*" for bucket in target.buckets()]
    yield allow("EmptyBuckets", ["s3:DeleteObject", "s3:DeleteObjectVersion"], objects)
    aliases = target.arns("kms", f"alias/{target.prefix}-*")
    yield allow("ChangeAliases", ["kms:CreateAlias", "kms:DeleteAlias", "kms:UpdateAlias"], aliases)
    yield allow(
        "ChangeAccountLevel",
        [
            *("codecommit:CreateApprovalRuleTemplate", "codecommit:DeleteApprovalRuleTemplate"),
            *("codecommit:UpdateApprovalRuleTemplateContent", "codecommit:UpdateApprovalRuleTemplateDescription"),
            *("codestar-notifications:DeleteTarget", "sagemaker:DisableSagemakerServicecatalogPortfolio"),
            *("sagemaker:EnableSagemakerServicecatalogPortfolio", "servicecatalog:AssociateBudgetWithResource"),
            *("servicecatalog:AssociateProductWithPortfolio", "servicecatalog:CreateTagOption"),
            *("servicecatalog:DeleteConstraint", "servicecatalog:DeleteTagOption"),
            *("servicecatalog:DescribePortfolioShareStatus", "servicecatalog:DisassociateBudgetFromResource"),
            *("servicecatalog:DisassociateProductFromPortfolio", "servicecatalog:UpdateConstraint"),
            *("servicecatalog:UpdateTagOption", "sns:SetSubscriptionAttributes", "sns:Unsubscribe"),
        ],
        ["*"],  # AWS takes no resource for these
    )
    # Service Catalog has CloudFormation look at a product's template, and AWS's own policy for its administrators gives
    # both rights on everything; with which address it asks is not said, so no address can bound them.
    yield allow("CheckTemplates", ["cloudformation:GetTemplateSummary", "cloudformation:ValidateTemplate"], ["*"])
    # The portfolio that SageMaker shares with the account is imported: it carries no tags of ours, and AWS does not say
    # whether its ARN has our account or that of its owner.
    yield allow(
        "OpenPortfolioOfSageMaker",
        ["servicecatalog:AssociatePrincipalWithPortfolio", "servicecatalog:DisassociatePrincipalFromPortfolio"],
        [target.scope.in_region(ANY).of_account(ANY).arn("catalog", "portfolio/*")],
    )
    # Made once per account: notification rules do not work without.
    yield allow(
        "MakeServiceLinkedRole",
        ["iam:CreateServiceLinkedRole"],
        [target.scope.service_linked_role("codestar-notifications.amazonaws.com/*")],
        {"StringEquals": {"iam:AWSServiceName": "codestar-notifications.amazonaws.com"}},
    )


def _passed_connections(target: StackScope) -> Iterator[Statement]:
    """A pipeline that reads through a connection is made, and changed, by whom AWS lets hand the connection over."""
    own, made = target.tagged(when="ResourceTag"), target.arns("codeconnections", "connection/*")
    for service, name in CONNECTION_SERVICES.items():
        to = {"StringEquals": {f"{service}:PassedToService": "codepipeline.amazonaws.com"}}
        yield allow(f"Pass{name}", [f"{service}:PassConnection"], made, {**own, **to})
        if target.connection_arns:
            yield allow(f"PassSupplied{name}", [f"{service}:PassConnection"], target.connection_arns, to)


PASSED_TO = (
    "codebuild.amazonaws.com",
    "codepipeline.amazonaws.com",
    "events.amazonaws.com",
    "servicecatalog.amazonaws.com",
)
"""Services that the environment's roles work for."""


def _role_statements(target: StackScope) -> Iterator[Statement]:
    """Roles are made under the environment's names, for its services, and within the boundary where there is one.

    Among these names are the role that has these rights, and its policies: without a boundary it can give itself any
    right of the account, and with one only what the boundary allows. Whatever the boundary is named, it is kept.
    """
    bound = {"StringEquals": {"iam:PermissionsBoundary": target.boundary_arn}} if target.boundary_arn else {}
    making = ["iam:CreateRole", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy"]
    # Where the settings name none, one that somebody has put there goes.
    lifting = [] if target.boundary_arn else ["iam:DeleteRolePermissionsBoundary"]
    yield allow("MakeRoles", making + lifting, target.roles(), bound or None)
    own = {**bound, "ArnLike": {"iam:PolicyARN": target.policies()}}
    yield allow("AttachOwnPolicies", ["iam:AttachRolePolicy"], target.roles(), own)
    to = {"StringEquals": {"iam:PassedToService": list(PASSED_TO)}}
    yield allow("PassRoles", ["iam:PassRole"], target.roles(), to)
    for service, arns in target.supplied_role_arns.items():
        only = {"StringEquals": {"iam:PassedToService": service}}
        yield allow(f"PassSuppliedTo{service.partition('.')[0].title()}", ["iam:PassRole"], arns, only)
    if target.boundary_arn:
        yield _refuse("KeepBoundaryOfRoles", ["iam:DeleteRolePermissionsBoundary"], target.roles())
        rewriting = ("iam:CreatePolicyVersion", "iam:DeletePolicy", "iam:DeletePolicyVersion")
        yield _refuse("KeepBoundary", [*rewriting, "iam:SetDefaultPolicyVersion"], [target.boundary_arn])


def _refuse(sid: str, actions: Sequence[str], resources: Sequence[str]) -> Statement:
    return {**allow(sid, actions, resources), "Effect": "Deny"}
