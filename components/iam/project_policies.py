"""What launching a project takes, and what a project's own roles can ever have: policies as data.

Everything that the products make is named `sagemaker-*`, so names are the bound of both policies.
"""

from collections.abc import Mapping

from awsmodel.arns import ANY, ArnScope
from awsmodel.regions import Region
from components.iam.policies import Statement, allow
from components.sections.iam import UseRole

_NAMED = "sagemaker-*"

_IN_NETWORK = ("ec2:*NetworkInterface*", "ec2:*PrivateIpAddresses", "ec2:Describe*")
"""What running in a VPC can take; the policies of the roles name the subnets."""

_PASSED_TO = (
    "codebuild.amazonaws.com",
    "codepipeline.amazonaws.com",
    "events.amazonaws.com",
    "lambda.amazonaws.com",
)
"""Services that a launch hands a project's roles to; the others get theirs from the project's own roles."""


LAUNCHING = ("cloudformation.amazonaws.com", "servicecatalog.amazonaws.com")
"""Services that act as the launch role, by one route or the other."""


def launch_trust(*, service_catalog: bool = True, studio: bool = False) -> Statement:
    """Lets act as the launch role whoever launches by the routes that the catalog offers.

    Service Catalog assumes the role and calls CloudFormation in its name; by the route of templates in S3,
    CloudFormation assumes it itself. The role that AWS's console makes trusts Service Catalog only.

    Service Catalog documents no source keys for the roles of launch constraints. Whoever makes a constraint needs
    `iam:PassRole` on the role, which exists within one account only, so nobody outside can name it.
    """
    services = [service for service, offered in zip(LAUNCHING, (studio, service_catalog), strict=True) if offered]
    return {"Effect": "Allow", "Principal": {"Service": services}, "Action": "sts:AssumeRole"}


def launch_statements(
    region: Region,
    account_id: str,
    boundary_arn: str,
    topic_arn: str | None,
    *,
    use_role_arns: Mapping[UseRole, str] | None = None,
    in_network: bool = False,
) -> list[Statement]:
    """What the launch role needs to create, update and delete the resources of both products.

    `python -m tools launch-permissions` compares it with what the templates ask for: nothing may be missing, and
    nothing stands here that no template needs.

    Args:
        region: gives the partition.
        account_id: the account.
        boundary_arn: policy without which the launch role makes no role.
        topic_arn: topic that is told of launches, if one is.
        use_role_arns: the roles that work in projects. Where they are given, projects make no roles, and the launch
            role may make none.
        in_network: whether projects run in a VPC.
    """
    arns = ArnScope.of(region, account_id).in_region(ANY)
    return [
        *_stack_statements(arns),
        *_developer_tool_statements(arns),
        *(_role_statements(arns, boundary_arn) if use_role_arns is None else _passing(use_role_arns)),
        *(_notification_statements(region, topic_arn) if topic_arn else ()),
        *(_network_statements() if in_network else ()),
    ]


def _passing(use_role_arns: Mapping[UseRole, str]) -> list[Statement]:
    """Hands each use role to its own service; the services that get theirs later are not among them."""
    return [
        # CloudFormation looks at the role that it gives a pipeline.
        allow("GetPipelineRole", ["iam:GetRole"], [use_role_arns[UseRole.CODE_PIPELINE]]),
        *(
            allow(
                f"Pass{role}Role",
                ["iam:PassRole"],
                [arn],
                {"StringEquals": {"iam:PassedToService": role.service}},
            )
            for role, arn in use_role_arns.items()
            if role.service in _PASSED_TO
        ),
    ]


def _network_statements() -> list[Statement]:
    """Lambda and CloudFormation look up, in the name of the role that launches, where a function is put and was."""
    actions = ["ec2:DescribeNetworkInterfaces", "ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcs"]
    return [allow("DescribeNetwork", actions, ["*"])]  # the calls know no resource


def _notification_statements(region: Region, topic_arn: str) -> list[Statement]:
    """CloudFormation tells the topic of a launch in the name of the role that launches."""
    via_sns = {"StringEquals": {"kms:ViaService": region.endpoint("sns")}}
    return [
        allow("PublishToTopic", ["sns:Publish"], [topic_arn]),
        # The key's own policy binds its use to the topic.
        allow("UseKeyOfTopic", ["kms:Decrypt", "kms:GenerateDataKey"], ["*"], via_sns),
    ]


def _stack_statements(arns: ArnScope) -> list[Statement]:
    return [
        allow(
            "Stacks",
            [
                *("cloudformation:CreateChangeSet", "cloudformation:CreateStack", "cloudformation:DeleteChangeSet"),
                *("cloudformation:DeleteStack", "cloudformation:DescribeChangeSet"),
                *("cloudformation:DescribeStackEvents", "cloudformation:DescribeStackResources"),
                *("cloudformation:DescribeStacks", "cloudformation:ExecuteChangeSet", "cloudformation:GetTemplate"),
                *("cloudformation:ListStackResources", "cloudformation:SetStackPolicy"),
                *("cloudformation:TagResource", "cloudformation:UntagResource", "cloudformation:UpdateStack"),
            ],
            arns.each("cloudformation", "stack/SC-*"),
        ),
        # These calls know no resource: the template is not a stack yet.
        allow("Templates", ["cloudformation:GetTemplateSummary", "cloudformation:ValidateTemplate"], ["*"]),
        # Service Catalog keeps its own copy of a template, in a bucket of its own; the tag is the bound, as in AWS's
        # managed policy of launch roles.
        allow(
            "TemplatesAndSeedCode",
            ["s3:GetObject"],
            ["*"],
            {"StringEquals": {"s3:ExistingObjectTag/servicecatalog:provisioning": "true"}},
        ),
        allow(
            "ArtifactBuckets",
            [
                *("s3:CreateBucket", "s3:DeleteBucket", "s3:DeleteBucketPolicy", "s3:GetBucket*"),
                *("s3:GetEncryptionConfiguration", "s3:GetLifecycleConfiguration", "s3:ListBucket"),
                *("s3:ListTagsForResource", "s3:PutBucketOwnershipControls", "s3:PutBucketPolicy"),
                *("s3:PutBucketPublicAccessBlock", "s3:PutBucketTagging", "s3:PutBucketVersioning"),
                *("s3:PutEncryptionConfiguration", "s3:PutLifecycleConfiguration", "s3:TagResource"),
                "s3:UntagResource",
            ],
            [arns.bucket(_NAMED)],
        ),
    ]


def _developer_tool_statements(arns: ArnScope) -> list[Statement]:
    return [
        allow(
            "Repositories",
            [
                *("codecommit:CreateCommit", "codecommit:CreateRepository", "codecommit:DeleteRepository"),
                *("codecommit:GetRepository", "codecommit:GetRepositoryTriggers", "codecommit:ListTagsForResource"),
                *("codecommit:TagResource", "codecommit:UntagResource", "codecommit:UpdateRepositoryDescription"),
            ],
            arns.each("codecommit", _NAMED),
        ),
        # CloudFormation knows a repository by its id and looks for its name among all; the call knows no resource.
        allow("FindRepositories", ["codecommit:ListRepositories"], ["*"]),
        allow(
            "BuildProjects",
            [
                *("codebuild:BatchGetProjects", "codebuild:CreateProject"),
                *("codebuild:DeleteProject", "codebuild:UpdateProject"),
            ],
            arns.each("codebuild", f"project/{_NAMED}"),
        ),
        allow(
            "Pipelines",
            [
                *("codepipeline:CreatePipeline", "codepipeline:DeletePipeline", "codepipeline:GetPipeline"),
                *("codepipeline:GetPipelineState", "codepipeline:ListTagsForResource", "codepipeline:TagResource"),
                *("codepipeline:UntagResource", "codepipeline:UpdatePipeline"),
            ],
            arns.each("codepipeline", _NAMED),
        ),
        allow(
            "Rules",
            [
                *("events:DeleteRule", "events:DescribeRule", "events:ListTagsForResource"),
                *("events:ListTargetsByRule", "events:PutRule", "events:PutTargets", "events:RemoveTargets"),
                *("events:TagResource", "events:UntagResource"),
            ],
            arns.each("events", f"rule/{_NAMED}"),
        ),
        allow(
            "LogGroups",
            [
                *("logs:AssociateKmsKey", "logs:CreateLogGroup", "logs:DeleteLogGroup", "logs:DeleteRetentionPolicy"),
                *("logs:DisassociateKmsKey", "logs:ListTagsForResource", "logs:PutRetentionPolicy"),
                *("logs:TagResource", "logs:UntagResource"),
            ],
            arns.each("logs", f"log-group:/aws/codebuild/{_NAMED}", f"log-group:/aws/lambda/{_NAMED}"),
        ),
        # The call lists by prefix and knows no single group.
        allow("FindLogGroups", ["logs:DescribeLogGroups"], ["*"]),
        allow(
            "Functions",
            [
                *("lambda:CreateFunction", "lambda:DeleteFunction", "lambda:GetFunction"),
                *("lambda:GetFunctionCodeSigningConfig", "lambda:GetFunctionRecursionConfig"),
                *("lambda:GetFunctionScalingConfig", "lambda:GetRuntimeManagementConfig", "lambda:InvokeFunction"),
                *("lambda:ListTags", "lambda:TagResource", "lambda:UntagResource", "lambda:UpdateFunctionCode"),
                "lambda:UpdateFunctionConfiguration",
            ],
            arns.each("lambda", f"function:{_NAMED}"),
        ),
        allow(
            "CodeRepositories",
            [
                *("sagemaker:AddTags", "sagemaker:CreateCodeRepository", "sagemaker:DeleteCodeRepository"),
                *("sagemaker:DeleteTags", "sagemaker:DescribeCodeRepository", "sagemaker:ListTags"),
                "sagemaker:UpdateCodeRepository",
            ],
            arns.each("sagemaker", f"code-repository/{_NAMED}"),
        ),
    ]


def _role_statements(arns: ArnScope, boundary_arn: str) -> list[Statement]:
    roles = [arns.role(_NAMED)]
    return [
        # A role is made, and given rights, only within the boundary: otherwise launching would be a way to any right.
        allow(
            "BoundedRoles",
            ["iam:CreateRole", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy"],
            roles,
            {"StringEquals": {"iam:PermissionsBoundary": boundary_arn}},
        ),
        allow(
            "Roles",
            [
                *("iam:DeleteRole", "iam:DeleteRolePolicy", "iam:GetRole", "iam:GetRolePolicy"),
                *("iam:ListAttachedRolePolicies", "iam:ListRolePolicies", "iam:ListRoleTags", "iam:TagRole"),
                *("iam:UntagRole", "iam:UpdateAssumeRolePolicy", "iam:UpdateRole", "iam:UpdateRoleDescription"),
            ],
            roles,
        ),
        allow("PassRoles", ["iam:PassRole"], roles, {"StringEquals": {"iam:PassedToService": list(_PASSED_TO)}}),
    ]


def boundary_statements(
    region: Region, account_id: str, stack_set_role_arn: str | None, *, in_network: bool = False
) -> list[Statement]:
    """The most that any role of a project can have, whatever policy it is given.

    A boundary grants nothing by itself, so it names services and names of things, not single actions; the products'
    own policies name the actions. Only with `stack_set_role_arn` can a project deploy stack sets: whoever passes that
    role can do in the target accounts what the execution role there can do.
    """
    arns = ArnScope.of(region, account_id).in_region(ANY)
    own_buckets = [arns.bucket(_NAMED), arns.object(_NAMED, "*")]
    return [
        allow("OwnBuckets", ["s3:*"], own_buckets),
        allow("ReadData", ["s3:Get*", "s3:List*"], ["*"]),  # training data lives where the project's data lives
        allow(
            "OwnThings",
            ["cloudformation:*", "codebuild:*", "codecommit:*", "codepipeline:*", "events:*", "lambda:*"],
            [
                *arns.each("cloudformation", f"stack/{_NAMED}", f"stackset/{_NAMED}", f"stackset-target/{_NAMED}"),
                # What a stack set's instances are made of: CloudFormation asks for it beside the set itself.
                arns.resource_types(),
                *arns.each("codebuild", f"project/{_NAMED}", f"report-group/{_NAMED}"),
                *arns.each("codecommit", _NAMED),
                *arns.each("codepipeline", _NAMED),
                *arns.each("events", f"rule/{_NAMED}"),
                *arns.each("lambda", f"function:{_NAMED}"),
            ],
        ),
        # A build pushes the image that a project has of its own; who makes and deletes repositories is no project.
        allow(
            "OwnImages",
            ["ecr:CompleteLayerUpload", "ecr:InitiateLayerUpload", "ecr:PutImage", "ecr:UploadLayerPart"],
            arns.each("ecr", f"repository/{_NAMED}"),
        ),
        allow("Logs", ["logs:*"], arns.each("logs", "log-group:/aws/*")),
        # Jobs, models and endpoints carry names of SageMaker's own making; what people own stays out of reach.
        allow("SageMaker", ["sagemaker:*"], ["*"]),
        {
            "Sid": "PeoplesStudio",
            "Effect": "Deny",
            "Action": [
                *("sagemaker:*App", "sagemaker:*Domain", "sagemaker:*NotebookInstance", "sagemaker:*Space"),
                *("sagemaker:*UserProfile", "sagemaker:CreatePresigned*"),
            ],
            "Resource": ["*"],
        },
        allow("Keys", ["kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey*"], ["*"]),
        allow(
            "PassRoles", ["iam:PassRole"], [arns.role(_NAMED), *([stack_set_role_arn] if stack_set_role_arn else [])]
        ),
        allow("ServiceLinkedRoles", ["iam:CreateServiceLinkedRole"], [arns.service_linked_role("*")]),
        # The calls of these services that the products use know no resource, or AWS names it.
        allow(
            "Around",
            [
                *("application-autoscaling:*", "cloudwatch:*", "ecr:Batch*", "ecr:Get*", "sns:Publish"),
                *("ssm:GetParameter*", "sts:AssumeRole"),
            ],
            ["*"],
        ),
        # Before it is made a stack set has no ARN.
        *([allow("StackSets", ["cloudformation:CreateStackSet"], ["*"])] if stack_set_role_arn else []),
        *([allow("Network", _IN_NETWORK, ["*"])] if in_network else []),  # interfaces are named by EC2
    ]
