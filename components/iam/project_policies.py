"""What launching a project takes, and what a project's own roles can ever have: policies as data.

Everything that the products make is named `sagemaker-*`, so names are the bound of both policies.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from awsmodel.arns import ANY, ArnScope
from awsmodel.regions import Region
from components.core.network import Network
from components.iam import job_limits
from components.iam.policies import Statement, allow
from components.sections.iam import UseRole

_NAMED = "sagemaker-*"

_IN_NETWORK = (
    "ec2:*PrivateIpAddresses",
    "ec2:CreateNetworkInterfacePermission",
    "ec2:DeleteNetworkInterface*",
    "ec2:Describe*",
)
"""What running in a VPC can take beside making the interfaces."""

_PASSED_TO = (
    "codebuild.amazonaws.com",
    "codepipeline.amazonaws.com",
    "events.amazonaws.com",
    "lambda.amazonaws.com",
)
"""Services that a launch hands a project's roles to; the others get theirs from the project's own roles."""

_PASSED_WHERE_CALLED = {"eks": "pods.eks.amazonaws.com", "states": "states.amazonaws.com"}
"""The same by which of `OPTIONAL_SERVICES` the products call."""

_LOGS_OF_OWN_ROLES = (f"/aws/vendedlogs/*/{_NAMED}",)
"""Log groups of what runs with a role that no environment shares, state machines and workflows: one pattern for both,
because the boundary of a delivery holds it, and its characters are counted."""


CONNECTION_SERVICES = ("codeconnections", "codestar-connections")
"""What a connection's actions begin with. The service was renamed in 2024, and AWS still checks either name, by the age
of the connection."""

OPTIONAL_SERVICES = frozenset({"airflow-serverless", "eks", "states"})
"""Services that projects have rights in only where a product that is offered calls them, by the last part of the names
of their endpoints, as `product.yaml` has them."""

LAUNCHING = ("cloudformation.amazonaws.com", "servicecatalog.amazonaws.com")
"""Services that act as the launch role, by one route or the other."""

TELL_NO_SOURCE = frozenset({"lambda.amazonaws.com", "servicecatalog.amazonaws.com"})
"""Services of which AWS documents no key that tells for which account they assume a role."""


def launch_trust(account_id: str, *, service_catalog: bool = True, studio: bool = False) -> list[Statement]:
    """Lets act as the launch role whoever launches by the routes that the catalog offers.

    Service Catalog assumes the role and calls CloudFormation in its name; by the route of templates in S3,
    CloudFormation assumes it itself. The role that AWS's console makes trusts Service Catalog only.

    Service Catalog documents no source keys for the roles of launch constraints. Whoever makes a constraint needs
    `iam:PassRole` on the role, which exists within one account only, so nobody outside can name it. CloudFormation
    does for the roles that it assumes ("Cross-service confused deputy prevention" and "Grant self-managed permissions"
    in its user guide), and there the account is the bound: for the role of a stack AWS shows no `aws:SourceArn`, and a
    wrong one would fail every launch.
    """
    stacks, catalog = ({"Service": [service]} for service in LAUNCHING)
    own = {"StringEquals": {"aws:SourceAccount": account_id}}
    return [
        *([{"Effect": "Allow", "Principal": catalog, "Action": "sts:AssumeRole"}] if service_catalog else []),
        *([{"Effect": "Allow", "Principal": stacks, "Action": "sts:AssumeRole", "Condition": own}] if studio else []),
    ]


def launch_statements(
    region: Region,
    account_id: str,
    boundary_arn: str,
    topic_arn: str | None,
    *,
    connection_arn: str | None = None,
    use_role_arns: Mapping[UseRole, str] | None = None,
    in_network: bool = False,
    services: Collection[str] = OPTIONAL_SERVICES,
) -> list[Statement]:
    """What the launch role needs to create, update and delete the resources of the products.

    `python -m tools launch-permissions` compares it with what the templates ask for: nothing may be missing, and
    nothing stands here that no template needs.

    Args:
        region: gives the partition.
        account_id: the account.
        boundary_arn: policy without which the launch role makes no role.
        topic_arn: topic that is told of launches, if one is.
        connection_arn: connection to the Git provider of projects, if there is one.
        use_role_arns: the roles that work in projects. Where they are given, projects make no roles, and the launch
            role may make none.
        in_network: whether projects run in a VPC.
        services: which of `OPTIONAL_SERVICES` the products that are offered call.
    """
    arns = ArnScope.of(region, account_id).in_region(ANY)
    # No environment shares a role for state machines, workflows or controllers in clusters, so products that have one
    # are not launched where roles are shared.
    optional = services if use_role_arns is None else ()
    own_logs = _LOGS_OF_OWN_ROLES if {"airflow-serverless", "states"} & set(optional) else ()
    return [
        *_stack_statements(arns),
        *_developer_tool_statements(arns, own_logs=own_logs),
        *(_state_machine_statements(arns) if "states" in optional else ()),
        *(_connection_statements(connection_arn) if connection_arn else ()),
        *(_role_statements(arns, boundary_arn, services) if use_role_arns is None else _passing(use_role_arns)),
        *(_cluster_statements(arns) if "eks" in optional else ()),
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


def _connection_statements(connection_arn: str) -> list[Statement]:
    """Gives the connection to a pipeline, which CodePipeline takes from whoever may pass it."""
    to_pipelines = {f"{service}:PassedToService": "codepipeline.amazonaws.com" for service in CONNECTION_SERVICES}
    # A request carries the key of its own service only.
    condition = {"StringEqualsIfExists": to_pipelines}
    actions = [f"{service}:PassConnection" for service in CONNECTION_SERVICES]
    return [allow("PassConnection", actions, [connection_arn], condition)]


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


def _state_machine_statements(arns: ArnScope) -> list[Statement]:
    return [
        allow(
            "StateMachines",
            [
                *("states:CreateStateMachine", "states:DeleteStateMachine", "states:DescribeStateMachine"),
                *("states:ListTagsForResource", "states:TagResource", "states:UntagResource"),
                "states:UpdateStateMachine",
            ],
            arns.each("states", f"stateMachine:{_NAMED}"),
        ),
        # A state machine is written and read back with its key in the name of whoever launches; the key's own policy
        # says whose it is.
        allow(
            "KeysOfStateMachines",
            ["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"],
            ["*"],
            {"StringLike": {"kms:ViaService": "states.*"}},
        ),
    ]


def _developer_tool_statements(arns: ArnScope, *, own_logs: Sequence[str]) -> list[Statement]:
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
            arns.each(
                "logs",
                f"log-group:/aws/codebuild/{_NAMED}",
                f"log-group:/aws/lambda/{_NAMED}",
                *(f"log-group:{name}" for name in own_logs),
            ),
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


def _role_statements(arns: ArnScope, boundary_arn: str, services: Collection[str]) -> list[Statement]:
    roles = [arns.role(_NAMED)]
    passed = [*_PASSED_TO, *(name for service, name in _PASSED_WHERE_CALLED.items() if service in services)]
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
        allow(
            "PassRoles",
            ["iam:PassRole"],
            roles,
            {"StringEquals": {"iam:PassedToService": passed}},
        ),
    ]


def _cluster_statements(arns: ArnScope) -> list[Statement]:
    """Lets a project's role of builds into a cluster, and gives a controller there a project's role.

    What an entry may in a cluster, the bindings of its groups say. No policy that EKS judges itself is among the
    rights, for one of these is that of administrators.
    """
    clusters, entries = (
        arns.each("eks", "cluster/*"),
        arns.each("eks", f"access-entry/*/role/{arns.account}/{_NAMED}/*"),
    )
    associations = arns.each("eks", "podidentityassociation/*")
    groups = {"ForAllValues:StringLike": {"eks:kubernetesGroups": _NAMED}}
    plain = {"ArnLike": {"eks:principalArn": arns.role(_NAMED)}, "StringEquals": {"eks:accessEntryType": "STANDARD"}}
    return [
        allow("NewAccessEntries", ["eks:CreateAccessEntry"], clusters, {**plain, **groups}),
        allow("GroupsOfAccessEntries", ["eks:UpdateAccessEntry"], entries, groups),
        allow(
            "AccessEntries",
            [
                *("eks:DeleteAccessEntry", "eks:DescribeAccessEntry", "eks:ListAssociatedAccessPolicies"),
                *("eks:TagResource", "eks:UntagResource"),
            ],
            entries,
        ),
        allow("NewPodIdentities", ["eks:CreatePodIdentityAssociation"], clusters),
        # EKS names associations, so having the tag of a project, whichever it is, is the bound.
        allow(
            "NewPodIdentitiesOfProjects",
            ["eks:TagResource"],
            associations,
            {"StringLike": {"aws:RequestTag/sagemaker:project-id": "*"}},
        ),
        allow(
            "PodIdentitiesOfProjects",
            [
                *("eks:DeletePodIdentityAssociation", "eks:DescribePodIdentityAssociation", "eks:UntagResource"),
                "eks:UpdatePodIdentityAssociation",
            ],
            associations,
            {"StringLike": {"aws:ResourceTag/sagemaker:project-id": "*"}},
        ),
    ]


def roles_of_tests(arns: ArnScope) -> list[Statement]:
    """Assumes roles of other accounts that are named like all that projects have, and none of this account.

    The accounts are the projects' own matter, so a name bounds the roles. Those of this account, which may trust it as
    a whole, are no way for a project's code to get other rights.
    """
    return [
        allow("RolesOfTests", ["sts:AssumeRole"], [arns.of_account(ANY).role(_NAMED)]),
        {"Sid": "NoRoleOfThisAccount", "Effect": "Deny", "Action": ["sts:AssumeRole"], "Resource": [arns.role("*")]},
    ]


@dataclass(frozen=True, kw_only=True)
class ProjectBounds:
    """What of an environment the roles of its projects can ever reach."""

    home: Region
    """The home region, which gives the partition."""
    account_id: str
    """The account."""
    topic_arn: str
    """Topic of the environment."""
    closed_buckets: Sequence[str] = ()
    """Names of buckets, or patterns of them, that no project may touch: those of the platform and of its state."""
    data_buckets: Sequence[str] | None = None
    """Buckets with data that projects may read; none named means each that is not closed."""
    connection_arn: str | None = None
    """Connection to the Git provider at which projects can have their repositories."""
    seed_code: str = ""
    """What the first pushes there read, though it lies in a closed bucket: a pattern of bucket and key."""
    key_arns: Sequence[str] = ()
    """Customer keys of what projects make."""
    regions_without_key: Sequence[str] = ()
    """Regions of the catalog that have none."""
    networks: Sequence[Network] = ()
    """Networks that projects run in, of all regions."""
    stack_set_role_arn: str | None = None
    """Administration role with which projects may deploy stack sets."""
    services: Collection[str] = OPTIONAL_SERVICES
    """Which of `OPTIONAL_SERVICES` the products that are offered call."""


def boundary_statements(bounds: ProjectBounds) -> list[Statement]:
    """The most that any role of a project can have, whatever policy it is given.

    A boundary grants nothing by itself, so it names services and names of things, not single actions; the products'
    own policies name the actions. Only with `stack_set_role_arn` can a project deploy stack sets: whoever passes that
    role can do in the target accounts what the execution role there can do.
    """
    arns = ArnScope.of(bounds.home, bounds.account_id).in_region(ANY)
    stack_set_role_arn = bounds.stack_set_role_arn
    has_state_machines = "states" in bounds.services
    # Each statement takes some 50 of a policy's 6,144 characters, so what has no condition stands in two.
    found = [
        *_data_statements(arns, bounds),
        allow(
            "OwnThings",
            [
                *("cloudformation:*", "codebuild:*", "codecommit:*", "codepipeline:*", "events:*", "lambda:*"),
                *("logs:*", "sns:Publish"),
                *(["states:*"] if has_state_machines else []),
                # A build pushes its project's own image; no project makes or deletes repositories of images.
                *("ecr:*Layer*", "ecr:PutImage"),
            ],
            [
                *arns.each("cloudformation", f"stack*/{_NAMED}"),  # stacks, stack sets and their targets
                # What a stack set's instances are made of: CloudFormation asks for it beside the set itself.
                arns.resource_types(),
                *arns.each("codebuild", f"*/{_NAMED}"),  # build projects and report groups
                *arns.each("codecommit", _NAMED),
                *arns.each("codepipeline", _NAMED),
                *arns.each("ecr", f"repository/{_NAMED}"),
                *arns.each("events", f"rule/{_NAMED}"),
                *arns.each("lambda", f"function:{_NAMED}"),
                *arns.each("logs", f"log-group:/aws/*/{_NAMED}", "log-group:/aws/sagemaker/*"),
                # A topic's own policy says who else may publish to it.
                *(bounds.topic_arn, *arns.each("sns", _NAMED)),
                # State machines and their executions, and the rules by which Step Functions hears of the jobs that it
                # waits for: StepFunctionsGetEventsForSageMaker...
                *(
                    [*arns.each("events", "rule/StepF*"), *arns.each("states", f"*:{_NAMED}")]
                    if has_state_machines
                    else []
                ),
            ],
        ),
        {
            "Sid": "PeoplesStudio",
            "Effect": "Deny",
            "Action": [
                *("sagemaker:*App", "sagemaker:*Domain", "sagemaker:*NotebookInstance", "sagemaker:*Space"),
                *("sagemaker:*UserProfile", "sagemaker:CreatePresigned*"),
            ],
            "Resource": ["*"],
        },
        *_key_statements(bounds),
        *(
            [allow("Source", [f"{service}:Use*" for service in CONNECTION_SERVICES], [bounds.connection_arn])]
            if bounds.connection_arn
            else []
        ),
        allow(
            "PassRoles", ["iam:PassRole"], [arns.role(_NAMED), *([stack_set_role_arn] if stack_set_role_arn else [])]
        ),
        allow("ServiceLinkedRoles", ["iam:CreateServiceLinkedRole"], [arns.service_linked_role("*")]),
        # The calls of these services that the products use know no resource, or AWS names it.
        allow(
            "Around",
            [
                *("application-autoscaling:*", "cloudwatch:*", "codepipeline:PutJob*", "ecr:Batch*", "ecr:Get*"),
                *(["airflow-serverless:*"] if "airflow-serverless" in bounds.services else []),
                *(["eks:DescribeCluster"] if "eks" in bounds.services else []),
                # A state machine makes the delivery of its logs.
                *(["logs:*LogDeliver*", "logs:Describe*", "logs:PutResourcePolicy"] if has_state_machines else []),
                # Jobs, models and endpoints carry names of SageMaker's own making; what people own stays out of reach.
                "sagemaker:*",
                # Before it is made a stack set has no ARN.
                *(["cloudformation:CreateStackSet"] if stack_set_role_arn else []),
            ],
            ["*"],
        ),
        *(roles_of_tests(arns) if stack_set_role_arn else []),
        *_in_network(bounds),
        *job_limits.jobs_use_key(bounds.key_arns, bounds.regions_without_key),
    ]
    return [_short(statement) for statement in found]


def _short(statement: Statement) -> Statement:
    """A statement with one value instead of a list of one: a boundary is one policy, and its characters are counted."""
    return {key: value[0] if isinstance(value, list) and len(value) == 1 else value for key, value in statement.items()}


def _data_statements(arns: ArnScope, bounds: ProjectBounds) -> list[Statement]:
    """Projects' own buckets, data that projects may read, and what none may touch."""
    named = bounds.data_buckets
    found = [
        # A bucket's name says nothing of its account, and anybody can make one of such a name.
        allow("OwnBuckets", ["s3:*"], [arns.bucket(_NAMED)], {"StringEquals": {"aws:ResourceAccount": arns.account}})
    ]
    if named is None or named:
        # Any bucket only where the settings name none: a launch says where its training data is.
        data = [ANY] if named is None else _with_objects(arns, named)
        found.append(allow("ReadData", ["s3:GetBucketLocation", "s3:GetObject*", "s3:ListBucket*"], data))
    closed = _with_objects(arns, bounds.closed_buckets)
    # A deny: the wider, the safer.
    deny: Statement = {"Sid": "DenyPlatform", "Effect": "Deny", "Action": ["s3:*"], "Resource": closed}
    if bounds.connection_arn is None:
        return [*found, deny]
    if named is not None:
        found.append(allow("ReadSeedCode", ["s3:GetObject*"], [arns.bucket(bounds.seed_code)]))
    # Templates and seed code carry the tag, which lets launch roles read them, too. Requests without it are denied.
    published = {"s3:ExistingObjectTag/servicecatalog:provisioning": "true"}
    return [*found, {**deny, "Condition": {"StringNotEquals": published}}]


def _with_objects(arns: ArnScope, buckets: Sequence[str]) -> list[str]:
    """Buckets and what is in them; a pattern with a wildcard at its end covers both."""
    objects = {name: [] if name.endswith(ANY) else [arns.object(name, ANY)] for name in buckets}
    return [arn for name in buckets for arn in (arns.bucket(name), *objects[name])]


def _key_statements(bounds: ProjectBounds) -> list[Statement]:
    """Projects' own keys; other keys only through the service that keeps what they encrypt."""
    use = ["kms:Decrypt", "kms:GenerateDataKey*"]
    others = {
        "BoolIfExists": {"kms:GrantIsForAWSResource": "false"},
        "ForAnyValue:StringNotEquals": {"kms:GrantOperations": ["Decrypt", "DescribeKey"]},
    }
    # What of a bucket, a repository or a topic a role reaches, the rights on their services say; which key encrypts it,
    # its owner. The key of pipelines that name none is AWS's for S3.
    through = {"StringLike": {"kms:ViaService": ["codecommit.*", "s3.*", "sns.*"]}}
    found = [allow("KeysOfData", use, ["*"], through)]
    if bounds.key_arns:
        found += [
            allow("Keys", ["kms:CreateGrant", "kms:DescribeKey", *use], bounds.key_arns),
            # Volumes take grants, which a service asks for; a grant for anybody else would outlive the role, so it can
            # give no more than the roles of models in other accounts need, which is reading.
            {**allow("DenyGrants", ["kms:CreateGrant"], ["*"], others), "Effect": "Deny"},
        ]
    return found


def _in_network(bounds: ProjectBounds) -> list[Statement]:
    """Interfaces in the environment's subnets and groups, and nothing that runs without them."""
    if not bounds.networks:
        return []
    # A subnet's request carries the one key, a group's the other, and that of an interface neither.
    inside = {
        "ec2:SecurityGroupID": [group for network in bounds.networks for group in network.security_group_ids],
        "ec2:SubnetID": [subnet for network in bounds.networks for subnet in network.subnet_ids],
    }
    return [
        allow("Network", _IN_NETWORK, ["*"]),  # interfaces are named by EC2
        allow("Interfaces", ["ec2:CreateNetworkInterface"], ["*"], {"StringEqualsIfExists": inside}),
        *job_limits.jobs_stay_in(bounds.networks),
        *job_limits.code_stays_in_a_vpc(),
    ]
