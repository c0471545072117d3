"""What the use roles may do: the roles that work in all projects of an environment, where projects make none.

Each use role has what the products' templates give to their own role for the same service, on the names of all
projects; a test holds the two against each other. Projects that share roles are not separated from one another.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from awsmodel.arns import ANY, ArnScope
from awsmodel.regions import Region
from components.core.network import Network
from components.iam import job_limits
from components.iam.network_policies import (
    function_interface_statements,
    job_interface_statements,
    network_interface_statements,
)
from components.iam.policies import Statement, allow
from components.iam.project_policies import CONNECTION_SERVICES, roles_of_tests
from components.sections.iam import UseRole


@dataclass(frozen=True, kw_only=True)
class ProjectContext:
    """Where projects work, and what of the environment they reach."""

    regions: Sequence[Region]
    """Regions of the catalog."""
    account_id: str
    """The account."""
    role_arns: Mapping[UseRole, str]
    """The use roles: some of them pass others on."""
    topic_arn: str = ""
    """Topic that approvals are sent to, or a pattern of it; empty where there is none."""
    connection_arn: str | None = None
    """Connection to the Git provider at which projects can have their repositories."""
    seed_code: str = ""
    """What the first pushes there read: a pattern of bucket and key."""
    key_arns: Sequence[str] = ()
    """Customer keys of what projects make."""
    regions_without_key: Sequence[str] = ()
    """Regions of the catalog that have none."""
    networks: Mapping[str, Network] | None = None
    """Networks that projects run in, by region."""
    stack_set_role_arn: str | None = None
    """Administration role with which projects may deploy stack sets."""

    @property
    def global_arns(self) -> ArnScope:
        """ARNs of the account that name no region."""
        return ArnScope.of(self.regions[0], self.account_id).in_region(ANY)

    def arns(self, service: str, *names: str, account: str | None = None) -> list[str]:
        """ARNs of things of the account, in each region of the catalog."""
        owner = self.account_id if account is None else account
        return [arn for region in self.regions for arn in ArnScope.of(region, owner).each(service, *names)]

    def buckets(self, *names: str) -> list[str]:
        """ARNs of buckets of projects, or of what is in them."""
        return [self.global_arns.bucket(name) for name in names]

    def bucket(self, kind: str) -> str:
        """Name of every project's artifact bucket: of `build`, `deploy` or `batch` projects, or of all (`*`)."""
        return f"sagemaker-*-{kind}-{self.account_id}"


def trust(role: UseRole, place: ProjectContext) -> Statement:
    """Lets the service assume the role, for what belongs to projects of the account where it says what it is for."""
    sources: Mapping[UseRole, list[str]] = {
        UseRole.CODE_PIPELINE: place.arns("codepipeline", "sagemaker-*"),
        UseRole.CODE_BUILD: place.arns("codebuild", "project/sagemaker-*"),
        UseRole.EVENTS: place.arns("events", "rule/sagemaker-*"),
        UseRole.CLOUD_FORMATION: place.arns("cloudformation", "stack/sagemaker-*/*"),
        # Pipelines, jobs and endpoints assume it, and SageMaker invents the names of the jobs.
        UseRole.SAGEMAKER: place.arns("sagemaker", "*"),
    }
    if role is UseRole.LAMBDA:
        return _trust([role])
    condition = {"StringEquals": {"aws:SourceAccount": place.account_id}, "ArnLike": {"aws:SourceArn": sources[role]}}
    return {**_trust([role]), "Condition": condition}


def common_trust(roles: Sequence[UseRole], place: ProjectContext) -> list[Statement]:
    """Lets several services assume one role: with a source for each the trust would not fit into 2,048 characters."""
    telling = [role for role in roles if role is not UseRole.LAMBDA]
    own = {"StringEquals": {"aws:SourceAccount": place.account_id}}
    return [
        *([{**_trust(telling), "Condition": own}] if telling else []),
        *([_trust([UseRole.LAMBDA])] if UseRole.LAMBDA in roles else []),
    ]


def _trust(roles: Sequence[UseRole]) -> Statement:
    """Lets services assume a role, whatever for.

    For Lambda that is all: AWS documents no key that Lambda sends when it assumes a function's role, and a condition on
    one that it does not send would fail every function. Who may give the role to a function, `iam:PassRole` says.
    """
    services = [role.service for role in roles]
    return {
        "Effect": "Allow",
        "Principal": {"Service": services[0] if len(services) == 1 else services},
        "Action": "sts:AssumeRole",
    }


def statements(role: UseRole, place: ProjectContext) -> list[Statement]:
    """What a use role may do."""
    return _STATEMENTS[role](place)


def _pass(roles: Sequence[str], service: str, sid: str) -> Statement:
    return allow(sid, ["iam:PassRole"], roles, {"StringEquals": {"iam:PassedToService": service}})


def _key(place: ProjectContext, *actions: str) -> list[Statement]:
    return [allow("Key", actions, place.key_arns)] if place.key_arns else []


def _tags_of_new(place: ProjectContext, *calls: str) -> Statement:
    """Tags what a call makes, and nothing that is there: whoever tags a thing as a project's gives it away."""
    making = {"StringEquals": {"sagemaker:TaggingAction": list(calls)}}
    # What it is, the call says.
    return allow("TagNewThings", ["sagemaker:AddTags"], place.arns("sagemaker", "*"), making)


def _grants(place: ProjectContext) -> list[Statement]:
    for_resource = {"Bool": {"kms:GrantIsForAWSResource": "true"}}
    return [allow("KeyForAwsResources", ["kms:CreateGrant"], place.key_arns, for_resource)] if place.key_arns else []


def _limits(place: ProjectContext) -> list[Statement]:
    """What holds jobs and models to the environment's network and key; no boundary does where roles are shared."""
    return [
        *job_limits.jobs_stay_in((place.networks or {}).values()),
        *job_limits.jobs_use_key(place.key_arns, place.regions_without_key),
    ]


_ARTIFACT_KEY = ("kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey")


def _tell(place: ProjectContext, sid: str) -> list[Statement]:
    if not place.topic_arn:
        return []
    # Of stacks that test a deployment option only a pattern of the name is known beforehand.
    equals = "StringLike" if "*" in place.topic_arn else "StringEquals"
    through = {equals: {"kms:EncryptionContext:aws:sns:topicArn": place.topic_arn}}
    return [
        allow(sid, ["sns:Publish"], [place.topic_arn]),
        allow("KeyOfTopic", ["kms:Decrypt", "kms:GenerateDataKey"], place.arns("kms", "key/*"), through),
    ]


def _connection(place: ProjectContext) -> list[Statement]:
    """Uses the connection. Which repository is whose, roles that all projects share cannot tell."""
    if place.connection_arn is None:
        return []
    actions = [f"{service}:UseConnection" for service in CONNECTION_SERVICES]
    return [allow("Connection", actions, [place.connection_arn])]


def _first_push(place: ProjectContext) -> list[Statement]:
    """Brings seed code to the Git provider."""
    if place.connection_arn is None:
        return []
    seed = allow("SeedCode", ["s3:GetObject", "s3:GetObjectVersion"], place.buckets(place.seed_code))
    return [seed, *_connection(place)]


def _start_first_push(place: ProjectContext) -> list[Statement]:
    if place.connection_arn is None:
        return []
    builds = place.arns("codebuild", "project/sagemaker-*-first-push")
    return [
        allow("FirstPushes", ["codebuild:BatchGetBuilds", "codebuild:StartBuild"], builds),
        allow("FormerRepositories", ["codecommit:GetRepository"], place.arns("codecommit", "sagemaker-*")),
    ]


def _code_pipeline(place: ProjectContext) -> list[Statement]:
    return [
        allow("ArtifactBuckets", ["s3:GetBucketLocation", "s3:GetBucketVersioning"], place.buckets(place.bucket("*"))),
        allow(
            "Artifacts",
            ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"],
            place.buckets(f"{place.bucket('*')}/sagemaker-*"),
        ),
        allow(
            "Sources",
            [
                *("codecommit:CancelUploadArchive", "codecommit:GetBranch", "codecommit:GetCommit"),
                *("codecommit:GetRepository", "codecommit:GetUploadArchiveStatus", "codecommit:UploadArchive"),
            ],
            place.arns("codecommit", "sagemaker-*"),
        ),
        *_connection(place),
        allow(
            "Builds",
            ["codebuild:BatchGetBuilds", "codebuild:StartBuild"],
            place.arns("codebuild", "project/sagemaker-*"),
        ),
        allow("Functions", ["lambda:InvokeFunction"], place.arns("lambda", "function:sagemaker-*-confirm")),
        allow(
            "Stages",
            [
                *("cloudformation:CreateStack", "cloudformation:DeleteStack", "cloudformation:DescribeStackEvents"),
                *("cloudformation:DescribeStacks", "cloudformation:TagResource", "cloudformation:UntagResource"),
                "cloudformation:UpdateStack",
            ],
            place.arns("cloudformation", "stack/sagemaker-*-deploy-*/*"),
        ),
        _pass([place.role_arns[UseRole.CLOUD_FORMATION]], "cloudformation.amazonaws.com", "RoleOfTheStages"),
        *_stack_sets(place),
        *_tell(place, "AskForApproval"),
        *_key(place, *_ARTIFACT_KEY),
    ]


def _stack_sets(place: ProjectContext) -> list[Statement]:
    if place.stack_set_role_arn is None:
        return []
    return [
        allow(
            "StackSets",
            [
                *("cloudformation:CreateStackInstances", "cloudformation:DescribeStackInstance"),
                *("cloudformation:DescribeStackSet", "cloudformation:DescribeStackSetOperation"),
                *("cloudformation:ListStackInstances", "cloudformation:ListStackSetOperationResults"),
                *("cloudformation:TagResource", "cloudformation:UpdateStackInstances"),
                "cloudformation:UpdateStackSet",
            ],
            _stack_set_arns(place),
        ),
        # Before it is made a stack set has no ARN: the role that it may be given is the bound.
        allow("MakeStackSets", ["cloudformation:CreateStackSet"], ["*"]),
        _pass([place.stack_set_role_arn], "cloudformation.amazonaws.com", "RoleOfTheStackSets"),
    ]


def _stack_set_arns(place: ProjectContext) -> list[str]:
    return [
        *place.arns("cloudformation", "stackset/sagemaker-*-deploy-*"),
        # A stack set's targets may be in any region, and what they are made of belongs to AWS.
        place.global_arns.arn("cloudformation", "stackset-target/sagemaker-*-deploy-*"),
        *place.arns("cloudformation", "type/resource/*", account=""),
    ]


def _code_build(place: ProjectContext) -> list[Statement]:
    build, batch = place.bucket("build"), place.bucket("batch")
    return [
        allow(
            "Logs",
            ["logs:CreateLogStream", "logs:PutLogEvents"],
            place.arns("logs", "log-group:/aws/codebuild/sagemaker-*"),
        ),
        allow("ArtifactBuckets", ["s3:GetBucketAcl", "s3:GetBucketLocation"], place.buckets(place.bucket("*"))),
        allow("Sources", ["s3:GetObject", "s3:GetObjectVersion"], place.buckets(f"{place.bucket('*')}/sagemaker-*")),
        # Checks of branches and pull requests, which say on the request how they went.
        allow(
            "Checks",
            [
                *("codecommit:GetPullRequest", "codecommit:GitPull", "codecommit:ListPullRequests"),
                "codecommit:PostCommentForPullRequest",
            ],
            place.arns("codecommit", "sagemaker-*"),
        ),
        *_first_push(place),
        # What is deployed lies beside it, where no build can write.
        allow(
            "Outputs",
            ["s3:PutObject"],
            place.buckets(
                f"{place.bucket('deploy')}/monitoring/code/*", f"{place.bucket('deploy')}/sagemaker-*/BuildOut*"
            ),
        ),
        allow(
            "FindCodeAndData",
            ["s3:ListBucket"],
            place.buckets(build),
            {"StringLike": {"s3:prefix": ["approved/*", "code/*", "data/*"]}},
        ),
        allow(
            "UploadCodeAndData",
            ["s3:PutObject"],
            place.buckets(f"{build}/approved/*", f"{build}/code/*", f"{build}/data/*"),
        ),
        # The newest approved version is copied to where the evaluation job, which has no network, finds it.
        allow("CopyApprovedModel", ["s3:GetObject"], place.buckets(f"{build}/approved/*", f"{build}/executions/*")),
        # Which image a tag stands for now, and for which processors. It may be anybody's, as for the jobs.
        allow(
            "PinImage",
            ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
            place.arns("ecr", "repository/*", account="*"),
        ),
        allow(
            "PushImages",
            [
                *("ecr:BatchCheckLayerAvailability", "ecr:CompleteLayerUpload", "ecr:InitiateLayerUpload"),
                *("ecr:PutImage", "ecr:UploadLayerPart"),
            ],
            place.arns("ecr", "repository/sagemaker-*"),
        ),
        allow("LogInToPush", ["ecr:GetAuthorizationToken"], ["*"]),  # the call knows no resource
        allow(
            "TrainingPipelines",
            [
                *("sagemaker:AddTags", "sagemaker:CreatePipeline", "sagemaker:DescribePipeline"),
                *("sagemaker:ListPipelineExecutions", "sagemaker:StartPipelineExecution", "sagemaker:UpdatePipeline"),
            ],
            place.arns("sagemaker", "pipeline/sagemaker-*"),
        ),
        allow(
            "ModelPackageGroups",
            ["sagemaker:CreateModelPackageGroup", "sagemaker:DescribeModelPackageGroup"],
            place.arns("sagemaker", "model-package-group/sagemaker-*"),
        ),
        _tags_of_new(place, "CreateModelPackageGroup"),
        # A project takes over the group that a former one has left.
        allow(
            "TakeOverGroups",
            ["sagemaker:AddTags"],
            place.arns("sagemaker", "model-package-group/sagemaker-*"),
            {"StringLike": {"aws:ResourceTag/sagemaker:project-name": "*"}},
        ),
        # Groups may be other projects' own; the call that lists their versions knows no resource.
        allow("ModelPackages", ["sagemaker:DescribeModelPackage"], place.arns("sagemaker", "model-package/*")),
        allow("FindModelPackages", ["sagemaker:ListModelPackages"], ["*"]),
        allow(
            "Endpoints",
            ["sagemaker:DescribeEndpoint", "sagemaker:InvokeEndpoint"],
            place.arns("sagemaker", "endpoint/sagemaker-*"),
        ),
        # Which package an endpoint serves. CloudFormation invents the names of both; reading only.
        allow(
            "WhatEndpointsServe",
            ["sagemaker:DescribeEndpointConfig", "sagemaker:DescribeModel"],
            place.arns("sagemaker", "endpoint-config/*", "model/*"),
        ),
        # Each batch run has a model and a job; files lie where each project's launch says.
        allow(
            "BatchRuns",
            [
                *("sagemaker:AddTags", "sagemaker:CreateModel", "sagemaker:CreateTransformJob"),
                *("sagemaker:DeleteModel", "sagemaker:DescribeTransformJob"),
            ],
            place.arns("sagemaker", "model/sagemaker-*-batch-*", "transform-job/sagemaker-*-batch-*"),
        ),
        allow(
            "FindBatchFiles",
            ["s3:GetBucketNotification", "s3:ListBucket", "s3:PutBucketNotification"],
            place.buckets(batch),
        ),
        allow("BatchResults", ["s3:GetObject", "s3:PutObject"], place.buckets(f"{batch}/runs/*", f"{batch}/state/*")),
        allow("EndsOfBatchRuns", ["s3:DeleteObject"], place.buckets(f"{batch}/state/*")),
        # Why a file failed stands in the log of the job only, and this call knows no stream of a group.
        allow(
            "WhyFilesFailed", ["logs:FilterLogEvents"], place.arns("logs", "log-group:/aws/sagemaker/TransformJobs*")
        ),
        # A rollback stops the runs that wait before it. No right to approve is among these.
        allow(
            "LetRollbacksPass",
            ["codepipeline:GetPipelineState", "codepipeline:StopPipelineExecution"],
            place.arns("codepipeline", "sagemaker-*"),
        ),
        allow(
            "Stages",
            ["cloudformation:DescribeStackSet", "cloudformation:DescribeStacks", "cloudformation:ListStackInstances"],
            place.arns("cloudformation", "stack/sagemaker-*-deploy-*/*", "stackset/sagemaker-*-deploy-*"),
        ),
        _pass([place.role_arns[UseRole.SAGEMAKER]], "sagemaker.amazonaws.com", "RoleOfTheJobs"),
        *_tests_elsewhere(place),
        *_tell(place, "TellResults"),
        *_key(place, *_ARTIFACT_KEY),
        *_grants(place),
        *_limits(place),
        *_interfaces(place, network_interface_statements),
    ]


def _tests_elsewhere(place: ProjectContext) -> list[Statement]:
    """Endpoints in other accounts are tested as a role there, which must be named like all that projects have."""
    return [] if place.stack_set_role_arn is None else roles_of_tests(place.global_arns)


def _interfaces(
    place: ProjectContext, rights: Callable[[Region, str, Network], Sequence[Statement]]
) -> list[Statement]:
    """A role's rights in the network of each region that has one."""
    return [
        {**statement, "Sid": f"{statement['Sid']}{_sid(region)}"}
        for region in place.regions
        if (network := (place.networks or {}).get(region.name))
        for statement in rights(region, place.account_id, network)
    ]


def _sid(region: Region) -> str:
    return "".join(part.title() for part in region.name.split("-"))


def _events(place: ProjectContext) -> list[Statement]:
    return [
        allow("Start", ["codepipeline:StartPipelineExecution"], place.arns("codepipeline", "sagemaker-*")),
        allow("Check", ["codebuild:StartBuild"], place.arns("codebuild", "project/sagemaker-*-check")),
        # Looking for drift, and training again after it.
        allow(
            "StartSageMakerPipelines",
            ["sagemaker:StartPipelineExecution"],
            place.arns("sagemaker", "pipeline/sagemaker-*-drift-*", "pipeline/sagemaker-*-train"),
        ),
    ]


def _cloud_formation(place: ProjectContext) -> list[Statement]:
    models = place.arns("sagemaker", "endpoint-config/*", "model/*")
    targets = place.arns("application-autoscaling", "scalable-target/*")
    scaling = "sagemaker.application-autoscaling.amazonaws.com"
    linked = f"{scaling}/AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"
    return [
        allow(
            "Endpoints",
            [
                *("sagemaker:AddTags", "sagemaker:CreateEndpoint", "sagemaker:DeleteEndpoint", "sagemaker:DeleteTags"),
                *("sagemaker:DescribeEndpoint", "sagemaker:ListTags", "sagemaker:UpdateEndpoint"),
                "sagemaker:UpdateEndpointWeightsAndCapacities",
            ],
            place.arns("sagemaker", "endpoint/sagemaker-*"),
        ),
        # CloudFormation invents the names of models and endpoint configurations; the project's tag is the bound.
        allow(
            "MakeModels",
            ["sagemaker:CreateEndpointConfig", "sagemaker:CreateModel"],
            models,
            {"StringLike": {"aws:RequestTag/sagemaker:project-id": "*"}},
        ),
        _tags_of_new(place, "CreateEndpointConfig", "CreateModel"),
        allow(
            "ChangeModels",
            [
                *("sagemaker:AddTags", "sagemaker:DeleteEndpointConfig", "sagemaker:DeleteModel"),
                "sagemaker:DeleteTags",
            ],
            models,
            {"StringLike": {"aws:ResourceTag/sagemaker:project-id": "*"}},
        ),
        allow(
            "UseModels",
            [
                *("sagemaker:CreateEndpoint", "sagemaker:DescribeEndpointConfig", "sagemaker:DescribeModel"),
                *("sagemaker:ListTags", "sagemaker:UpdateEndpoint"),
            ],
            models,
        ),
        allow("ModelPackages", ["sagemaker:DescribeModelPackage"], place.arns("sagemaker", "model-package/*")),
        _pass([place.role_arns[UseRole.SAGEMAKER]], "sagemaker.amazonaws.com", "RoleOfTheModels"),
        allow(
            "MonitoringPipelines",
            [
                *("sagemaker:AddTags", "sagemaker:CreatePipeline", "sagemaker:DeletePipeline", "sagemaker:DeleteTags"),
                *("sagemaker:DescribePipeline", "sagemaker:ListTags", "sagemaker:UpdatePipeline"),
            ],
            place.arns("sagemaker", "pipeline/sagemaker-*-drift-*"),
        ),
        allow(
            "MonitoringRules",
            [
                *("events:DeleteRule", "events:DescribeRule", "events:ListTagsForResource"),
                *("events:ListTargetsByRule", "events:PutRule", "events:PutTargets", "events:RemoveTargets"),
                *("events:TagResource", "events:UntagResource"),
            ],
            place.arns("events", "rule/sagemaker-*-deploy-drift-*", "rule/sagemaker-*-deploy-retrain-*"),
        ),
        _pass([place.role_arns[UseRole.EVENTS]], "events.amazonaws.com", "RoleOfTheRules"),
        allow(
            "Alarms",
            [
                *("cloudwatch:DeleteAlarms", "cloudwatch:ListTagsForResource", "cloudwatch:PutMetricAlarm"),
                *("cloudwatch:TagResource", "cloudwatch:UntagResource"),
            ],
            place.arns("cloudwatch", "alarm:sagemaker-*", "alarm:TargetTracking-endpoint/sagemaker-*"),
        ),
        allow(
            "Scaling",
            [
                *("application-autoscaling:DeleteScalingPolicy", "application-autoscaling:DeregisterScalableTarget"),
                *("application-autoscaling:PutScalingPolicy", "application-autoscaling:RegisterScalableTarget"),
            ],
            targets,
            {"StringEquals": {"application-autoscaling:service-namespace": "sagemaker"}},
        ),
        allow(
            "TagScalableTargets",
            ["application-autoscaling:TagResource"],
            targets,
            {"StringLike": {"aws:RequestTag/sagemaker:project-id": "*"}},
        ),
        allow(
            "UntagScalableTargets",
            ["application-autoscaling:UntagResource"],
            targets,
            {"StringLike": {"aws:ResourceTag/sagemaker:project-id": "*"}},
        ),
        # These calls know no resource.
        allow(
            "Look",
            [
                *("application-autoscaling:DescribeScalableTargets", "application-autoscaling:DescribeScalingPolicies"),
                *("application-autoscaling:DescribeScheduledActions", "application-autoscaling:ListTagsForResource"),
                "cloudwatch:DescribeAlarms",
            ],
            ["*"],
        ),
        allow(
            "RoleOfScaling",
            ["iam:CreateServiceLinkedRole"],
            [place.global_arns.service_linked_role(linked)],
            {"StringEquals": {"iam:AWSServiceName": scaling}},
        ),
        *_key(place, "kms:DescribeKey"),
        *_grants(place),
        *_limits(place),
    ]


def _sagemaker(place: ProjectContext) -> list[Statement]:
    build, deploy, batch = place.bucket("build"), place.bucket("deploy"), place.bucket("batch")
    return [
        allow(
            "Jobs",
            [
                *("sagemaker:CreateProcessingJob", "sagemaker:CreateTrainingJob"),
                *("sagemaker:DescribeProcessingJob", "sagemaker:DescribeTrainingJob"),
                *("sagemaker:StopProcessingJob", "sagemaker:StopTrainingJob"),
            ],
            place.arns("sagemaker", "processing-job/pipelines-*", "training-job/pipelines-*"),
        ),
        # In the 32 characters of a tuning job's name there is no room for `pipelines-`: a project's tag is the bound.
        allow(
            "MakeTuningJobs",
            ["sagemaker:CreateHyperParameterTuningJob"],
            place.arns("sagemaker", "hyper-parameter-tuning-job/*"),
            {"StringLike": {"aws:RequestTag/sagemaker:project-id": "*"}},
        ),
        allow(
            "StopOwnJobs",
            [
                *("sagemaker:DescribeHyperParameterTuningJob", "sagemaker:ListTrainingJobsForHyperParameterTuningJob"),
                *("sagemaker:StopHyperParameterTuningJob", "sagemaker:StopProcessingJob", "sagemaker:StopTrainingJob"),
            ],
            place.arns(
                "sagemaker", "hyper-parameter-tuning-job/*", "processing-job/pipelines-*", "training-job/pipelines-*"
            ),
            {"StringLike": {"aws:ResourceTag/sagemaker:project-id": "*"}},
        ),
        # Pipelines hand their tags on to what their steps make.
        _tags_of_new(
            place,
            *("CreateExperiment", "CreateHyperParameterTuningJob", "CreateModelPackage", "CreateProcessingJob"),
            *("CreateTrainingJob", "CreateTrial", "CreateTrialComponent"),
        ),
        _pass([place.role_arns[UseRole.SAGEMAKER]], "sagemaker.amazonaws.com", "OwnRoleForTheJobs"),
        allow(
            "RegisterModels",
            [
                *("sagemaker:CreateModelPackage", "sagemaker:DescribeModelPackage"),
                "sagemaker:DescribeModelPackageGroup",
            ],
            place.arns("sagemaker", "model-package-group/sagemaker-*", "model-package/sagemaker-*"),
        ),
        # A version that registers itself as approved would be deployed with nobody having looked at it.
        {
            "Sid": "NeverAsApproved",
            "Effect": "Deny",
            "Action": ["sagemaker:CreateModelPackage"],
            "Resource": ["*"],
            "Condition": {"StringEquals": {"sagemaker:ModelApprovalStatus": "Approved"}},
        },
        # A pipeline records each execution as a trial; SageMaker names trials and their parts.
        allow(
            "Experiments",
            [
                *("sagemaker:AssociateTrialComponent", "sagemaker:CreateExperiment"),
                *("sagemaker:CreateTrial", "sagemaker:CreateTrialComponent", "sagemaker:DescribeExperiment"),
                *("sagemaker:DescribeTrial", "sagemaker:DescribeTrialComponent", "sagemaker:UpdateTrialComponent"),
            ],
            place.arns("sagemaker", "experiment/sagemaker-*", "experiment-trial/*", "experiment-trial-component/*"),
        ),
        # A project may have its executions recorded in an app of the account.
        allow("Mlflow", ["sagemaker:CallMlflowAppApi"], place.arns("sagemaker", "mlflow-app/*")),
        allow("Buckets", ["s3:GetBucketLocation", "s3:ListBucket"], place.buckets(build, batch)),
        allow(
            "ReadCodeAndData",
            ["s3:GetObject"],
            # The files of a batch project lie in a folder that its launch names.
            place.buckets(f"{build}/approved/*", f"{build}/code/*", f"{build}/data/*", f"{batch}/*"),
        ),
        allow("BatchResults", ["s3:AbortMultipartUpload", "s3:PutObject"], place.buckets(f"{batch}/runs/*")),
        allow(
            "Results",
            ["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"],
            place.buckets(f"{build}/executions/*"),
        ),
        allow(
            "CapturedDataAndReports",
            ["s3:PutObject"],
            place.buckets(f"{deploy}/data-capture/*", f"{deploy}/monitoring/reports/*"),
        ),
        allow(
            "FindCapturedData",
            ["s3:ListBucket"],
            place.buckets(deploy),
            {"StringLike": {"s3:prefix": ["data-capture/*", "monitoring/code/*"]}},
        ),
        allow(
            "ReadCapturedData",
            ["s3:GetObject"],
            place.buckets(f"{deploy}/data-capture/*", f"{deploy}/monitoring/code/*"),
        ),
        allow(
            "Logs",
            [
                *("logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"),
            ],
            place.arns(
                "logs",
                "log-group:/aws/sagemaker/Endpoints/sagemaker-*",
                "log-group:/aws/sagemaker/ProcessingJobs*",
                "log-group:/aws/sagemaker/TrainingJobs*",
                "log-group:/aws/sagemaker/TransformJobs*",
            ),
        ),
        # PutMetricData knows no resource; the namespace is the bound.
        allow(
            "Metrics",
            ["cloudwatch:PutMetricData"],
            ["*"],
            {"StringLike": {"cloudwatch:namespace": ["/aws/sagemaker/*", "AWS/SageMaker"]}},
        ),
        # Images lie in accounts of AWS, or in those of whoever registered the model.
        allow(
            "Images",
            ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
            place.arns("ecr", "repository/*", account="*"),
        ),
        allow("ImageToken", ["ecr:GetAuthorizationToken"], ["*"]),  # the call knows no resource
        *_key(place, *_ARTIFACT_KEY),
        *_grants(place),
        *_interfaces(place, job_interface_statements),
        *_limits(place),
    ]


def _lambda(place: ProjectContext) -> list[Statement]:
    bucket = place.bucket("*")
    removing = (
        *("cloudformation:DeleteStackInstances", "cloudformation:DeleteStackSet"),
        *("cloudformation:DescribeStackSet", "cloudformation:ListStackInstances"),
    )
    stack_sets = (
        [allow("StackSets", removing, _stack_set_arns(place)), *_sharing(place)] if place.stack_set_role_arn else []
    )
    passed = [place.role_arns[UseRole.CLOUD_FORMATION]]
    return [
        allow(
            "Logs",
            ["logs:CreateLogStream", "logs:PutLogEvents"],
            place.arns("logs", "log-group:/aws/lambda/sagemaker-*"),
        ),
        *_start_first_push(place),
        allow("RemoveBuckets", ["s3:DeleteBucket", "s3:ListBucketVersions"], place.buckets(bucket)),
        allow("EmptyBuckets", ["s3:DeleteObject", "s3:DeleteObjectVersion"], place.buckets(f"{bucket}/*")),
        allow(
            "TrainingPipelines",
            [
                *("sagemaker:DeletePipeline", "sagemaker:ListPipelineExecutions"),
                "sagemaker:StopPipelineExecution",
            ],
            place.arns("sagemaker", "pipeline/sagemaker-*"),
        ),
        allow(
            "BatchRuns",
            ["sagemaker:DeleteModel", "sagemaker:StopTransformJob"],
            place.arns("sagemaker", "model/sagemaker-*-batch-*", "transform-job/sagemaker-*-batch-*"),
        ),
        allow("FindBatchRuns", ["sagemaker:ListModels", "sagemaker:ListTransformJobs"], ["*"]),  # know no resource
        allow(
            "Stages",
            ["cloudformation:DeleteStack", "cloudformation:DescribeStacks"],
            place.arns("cloudformation", "stack/sagemaker-*-deploy-*/*"),
        ),
        allow("UseOfEndpoints", ["cloudwatch:GetMetricStatistics"], ["*"]),  # metrics have no ARN
        *_tell(place, "TellWhatIsKept"),
        # These calls know no resource. Artifacts are read and written with rights that CodePipeline lends.
        allow("AnswerCodePipeline", ["codepipeline:PutJobFailureResult", "codepipeline:PutJobSuccessResult"], ["*"]),
        allow("ReadModelPackages", ["sagemaker:DescribeModelPackage"], place.arns("sagemaker", "model-package/*")),
        allow("FindModelPackages", ["sagemaker:ListModelPackages"], ["*"]),
        allow(
            "ReadStages",
            ["cloudformation:GetTemplate"],
            place.arns("cloudformation", "stack/sagemaker-*-deploy-prod/*"),
        ),
        *stack_sets,
        _pass(
            [*passed, place.stack_set_role_arn] if place.stack_set_role_arn else passed,
            "cloudformation.amazonaws.com",
            "RolesOfTheStages",
        ),
        *_interfaces(place, _function_interfaces),
    ]


def _sharing(place: ProjectContext) -> list[Statement]:
    """Lets the accounts of stages read a group of models. No build has this right: such a policy can allow anything."""
    actions = [
        *("sagemaker:DescribeModelPackageGroup", "sagemaker:GetModelPackageGroupPolicy"),
        "sagemaker:PutModelPackageGroupPolicy",
    ]
    of_projects = {"StringLike": {"aws:ResourceTag/sagemaker:project-name": "*"}}
    groups = place.arns("sagemaker", "model-package-group/sagemaker-*")
    # A model's role in another account may decrypt, and no grant can give more.
    decrypting = {
        "ForAllValues:StringEquals": {"kms:GrantOperations": ["Decrypt", "DescribeKey"]},
        "Null": {"kms:GrantOperations": "false"},
        "ArnLike": {"kms:GranteePrincipal": place.global_arns.of_account(ANY).role("*")},
    }
    return [
        allow("ShareGroupsWithStages", actions, groups, of_projects),
        *([allow("ShareKeyWithStages", ["kms:CreateGrant"], place.key_arns, decrypting)] if place.key_arns else []),
    ]


def _function_interfaces(region: Region, account_id: str, network: Network) -> list[Statement]:
    functions = ArnScope.of(region, account_id).function("sagemaker-*")
    return function_interface_statements(region, account_id, network, functions)


_STATEMENTS: Mapping[UseRole, Callable[[ProjectContext], list[Statement]]] = {
    UseRole.CODE_PIPELINE: _code_pipeline,
    UseRole.CODE_BUILD: _code_build,
    UseRole.EVENTS: _events,
    UseRole.CLOUD_FORMATION: _cloud_formation,
    UseRole.SAGEMAKER: _sagemaker,
    UseRole.LAMBDA: _lambda,
}
