"""What a pipeline, its builds and what starts it may do: policies as data."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from awsmodel.regions import Region
from components.iam.policies import KEY_USE, Statement, allow

ARTIFACT_FOLDER = 20
"""Characters of a pipeline's name that begin the key of each of its artifacts: CodePipeline cuts the name there."""


CODECOMMIT_PERMISSIONS = (
    "codecommit:CancelUploadArchive",
    "codecommit:GetBranch",
    "codecommit:GetCommit",
    "codecommit:GetRepository",
    "codecommit:GetUploadArchiveStatus",
    "codecommit:UploadArchive",
)
"""IAM actions on the repository that a source action of CodeCommit needs."""

# The service was renamed in 2024, and AWS still checks either prefix, by the age of the connection.
CONNECTION_PERMISSIONS = ("codeconnections:UseConnection", "codestar-connections:UseConnection")
"""IAM actions on the connection that a source action of a Git provider needs."""


@dataclass(frozen=True, kw_only=True)
class Store:
    """The artifact store of one region."""

    bucket_arn: str
    key_arn: str
    """ARN of its key, or a pattern of it together with `key_alias`."""
    key_alias: str | None = None
    """Alias of the key, where its ARN is not known yet."""


@dataclass(frozen=True, kw_only=True)
class PipelineRights:
    """What a pipeline's actions act on, by ARN and name."""

    stores: Mapping[str, Store]
    """By region."""
    sources: Sequence[tuple[str, Sequence[str]]]
    """ARN of each source, and the IAM actions that reading it takes."""
    projects: Sequence[tuple[str, str]] = ()
    """Region and name of each build project."""
    topic_arn: str | None = None
    """Topic that approvals are sent to."""
    stacks: Sequence[tuple[str, str]] = ()
    """Region and name of each CloudFormation stack."""
    stack_sets: Sequence[tuple[str, str]] = ()
    """Region and name of each stack set."""
    functions: Sequence[tuple[str, str]] = ()
    """Region and name of each Lambda function."""
    passed_role_arns: Sequence[str] = ()
    """Roles that CloudFormation works as."""
    assumed_role_arns: Sequence[str] = ()
    """Roles that actions act as, of this account or of others."""
    alarms: Sequence[str] = ()
    """Names of the alarms that conditions of entry look at."""


@dataclass(frozen=True)
class Place:
    """Names things of one account."""

    home: Region
    account_id: str

    def arn(self, service: str, name: str, region: str | None = None) -> str:
        """ARN of something in a region; left out, the home region."""
        return f"arn:{self.home.partition}:{service}:{region or self.home.name}:{self.account_id}:{name}"

    def role(self, name: str) -> str:
        """ARN of a role without a path."""
        return f"arn:{self.home.partition}:iam::{self.account_id}:role/{name}"

    def pipeline(self, name: str) -> str:
        """ARN of a pipeline."""
        return self.arn("codepipeline", name)

    def project(self, name: str, region: str | None = None) -> str:
        """ARN of a build project."""
        return self.arn("codebuild", f"project/{name}", region)

    def log_group(self, project: str, region: str | None = None) -> str:
        """ARN of a build project's log group."""
        return self.arn("logs", f"log-group:{log_group_name(project)}", region)


def build_role_name(project: str, region: str, home: str) -> str:
    """Name of a build project's role. IAM is global: a project of another region names it."""
    return project if region == home else f"{project}-{region}"


def log_group_name(project: str) -> str:
    """Name of the log group of a build project, the one that CodeBuild itself would choose."""
    return f"/aws/codebuild/{project}"


def trust(place: Place, service: str, *source_arns: str) -> Statement:
    """Lets a service act as a role on behalf of these things of the account, and of nothing of another account."""
    return {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sts:AssumeRole",
        "Condition": {
            "StringEquals": {"aws:SourceAccount": place.account_id},
            "ArnLike": {"aws:SourceArn": source_arns[0] if len(source_arns) == 1 else list(source_arns)},
        },
    }


def pipeline_trust(place: Place, pipeline: str) -> Statement:
    """Lets CodePipeline act for this pipeline."""
    return trust(place, "codepipeline.amazonaws.com", place.pipeline(pipeline))


def build_trust(place: Place, project: str, region: str | None = None) -> Statement:
    """Lets CodeBuild act for this build project."""
    return trust(place, "codebuild.amazonaws.com", place.project(project, region))


def start_trust(place: Place, rules: Iterable[str]) -> Statement:
    """Lets EventBridge act for these rules."""
    statement = trust(place, "events.amazonaws.com")
    statement["Condition"]["ArnLike"]["aws:SourceArn"] = [place.arn("events", f"rule/{rule}") for rule in rules]
    return statement


def start_statements(place: Place, pipeline: str) -> list[Statement]:
    """Starts the one pipeline."""
    return [allow("StartPipeline", ["codepipeline:StartPipelineExecution"], [place.pipeline(pipeline)])]


def pipeline_statements(place: Place, pipeline: str, rights: PipelineRights) -> list[Statement]:
    """What the actions of a pipeline need, and nothing that none of them needs."""
    found = [
        *artifact_statements(pipeline, rights.stores.values()),
        *(
            allow(f"ReadSource{index or ''}", permissions, [arn])
            for index, (arn, permissions) in enumerate(rights.sources)
        ),
    ]
    if rights.projects:
        projects = [place.project(name, region) for region, name in rights.projects]
        found.append(allow("RunBuilds", ["codebuild:BatchGetBuilds", "codebuild:StartBuild"], projects))
    if rights.topic_arn:
        found.extend(publish_statements(place.home, rights.topic_arn))
    if rights.functions:
        functions = [place.arn("lambda", f"function:{name}", region) for region, name in rights.functions]
        found.append(allow("CallFunctions", ["lambda:InvokeFunction"], functions))
    found.extend(_stack_statements(place, rights))
    if rights.assumed_role_arns:
        found.append(allow("ActAsRolesOfActions", ["sts:AssumeRole"], sorted(set(rights.assumed_role_arns))))
    if rights.alarms:
        alarms = [place.arn("cloudwatch", f"alarm:{name}") for name in rights.alarms]
        found.append(allow("ReadAlarms", ["cloudwatch:DescribeAlarms"], alarms))
    return found


def build_statements(
    place: Place,
    pipeline: str,
    project: str,
    store: Store,
    *,
    region: str | None = None,
    secret_arns: Sequence[str] = (),
    reports: bool = False,
) -> list[Statement]:
    """What every build of a pipeline needs: its artifacts, its own log group, its secrets, its own reports."""
    found = [
        *artifact_statements(pipeline, [store]),
        allow(
            "WriteLogs",
            ["logs:CreateLogStream", "logs:PutLogEvents"],
            [f"{place.log_group(project, region)}:*"],
        ),
    ]
    if secret_arns:
        found.append(allow("ReadSecrets", ["secretsmanager:GetSecretValue"], secret_arns))
    if reports:
        found.append(
            allow(
                "WriteReports",
                [
                    *("codebuild:BatchPutCodeCoverages", "codebuild:BatchPutTestCases", "codebuild:CreateReport"),
                    *("codebuild:CreateReportGroup", "codebuild:UpdateReport"),
                ],
                [place.arn("codebuild", f"report-group/{project}-*", region)],
            )
        )
    return found


def artifact_statements(pipeline: str, stores: Iterable[Store]) -> list[Statement]:
    """Reads and writes the artifacts of one pipeline."""
    found = list(stores)
    folders = [f"{store.bucket_arn}/{pipeline[:ARTIFACT_FOLDER]}/*" for store in found]
    aliases = sorted({store.key_alias for store in found if store.key_alias})
    return [
        allow("UseArtifacts", ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"], folders),
        # The keys' own policies bind their use to the buckets.
        allow(
            "UseKeysOfArtifacts",
            KEY_USE,
            sorted({store.key_arn for store in found}),
            {"ForAnyValue:StringEquals": {"kms:ResourceAliases": aliases}} if aliases else None,
        ),
    ]


def publish_statements(home: Region, topic_arn: str) -> list[Statement]:
    """Tells an encrypted topic something."""
    return [
        allow("TellTopic", ["sns:Publish"], [topic_arn]),
        # The key's own policy binds its use to the topic; its ARN is known only after the topic's component is made.
        allow(
            "UseKeyOfTopic",
            ["kms:Decrypt", "kms:GenerateDataKey*"],
            ["*"],
            {
                "StringEquals": {
                    "kms:EncryptionContext:aws:sns:topicArn": topic_arn,
                    "kms:ViaService": home.endpoint("sns"),
                }
            },
        ),
    ]


def log_key_statement(region: Region, account_id: str, log_groups: str) -> Statement:
    """Lets CloudWatch Logs use a key for the log groups of a name or a pattern, and for nothing else."""
    return {
        "Sid": "LogGroupsUseKey",
        "Effect": "Allow",
        "Principal": {"Service": region.endpoint("logs")},
        "Action": [*KEY_USE, "kms:DescribeKey"],
        "Resource": "*",
        "Condition": {
            "ArnLike": {
                "kms:EncryptionContext:aws:logs:arn": (
                    f"arn:{region.partition}:logs:{region.name}:{account_id}:log-group:{log_groups}"
                )
            }
        },
    }


def _stack_statements(place: Place, rights: PipelineRights) -> Iterator[Statement]:
    if rights.stacks:
        yield allow(
            "DeployStacks",
            [
                *("cloudformation:CreateChangeSet", "cloudformation:CreateStack", "cloudformation:DeleteChangeSet"),
                *("cloudformation:DeleteStack", "cloudformation:DescribeChangeSet"),
                *("cloudformation:DescribeStackEvents", "cloudformation:DescribeStacks"),
                *("cloudformation:ExecuteChangeSet", "cloudformation:SetStackPolicy", "cloudformation:UpdateStack"),
            ],
            [place.arn("cloudformation", f"stack/{name}/*", region) for region, name in rights.stacks],
        )
    if rights.stack_sets:
        yield allow(
            "DeployStackSets",
            [
                *("cloudformation:CreateStackInstances", "cloudformation:CreateStackSet"),
                *("cloudformation:DescribeStackInstance", "cloudformation:DescribeStackSet"),
                *("cloudformation:DescribeStackSetOperation", "cloudformation:ListStackInstances"),
                *("cloudformation:ListStackSetOperationResults", "cloudformation:ListStackSetOperations"),
                *("cloudformation:UpdateStackInstances", "cloudformation:UpdateStackSet"),
            ],
            [
                arn
                for region, name in rights.stack_sets
                for arn in (
                    place.arn("cloudformation", f"stackset/{name}:*", region),
                    place.arn("cloudformation", f"stackset-target/{name}:*", region),
                    # What the set's instances are made of: CloudFormation asks for it beside the set itself.
                    f"arn:{place.home.partition}:cloudformation:{region}::type/resource/*",
                )
            ],
        )
    if rights.passed_role_arns:
        yield allow(
            "PassRolesToCloudFormation",
            ["iam:PassRole"],
            sorted(set(rights.passed_role_arns)),
            {"StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}},
        )
