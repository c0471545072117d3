"""What a pipeline and what starts it may do, and who may act as their roles: policies as data."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from awsmodel.arns import ArnScope
from awsmodel.regions import Region
from components.iam.policies import KEY_READ, KEY_USE, Statement, allow, joined

ARTIFACT_FOLDER = 20
"""Characters of a pipeline's name that begin the key of each of its artifacts: CodePipeline cuts the name there.

So pipelines whose names begin alike share a folder: "Code Pipeline truncates folder names" at AWS re:Post tells it.
"""

ARTIFACT_NAME = 10
"""Characters of an artifact's name that follow in the key. No page of AWS says so; its examples show `SourceArti`."""


@dataclass(frozen=True, kw_only=True)
class Store:
    """The artifact store of one region."""

    bucket_arn: str
    key_arn: str
    """ARN of its key, or a pattern of it together with `key_alias`."""
    key_alias: str | None = None
    """Alias of the key, where its ARN is not known yet."""


def project_name(pipeline: str, build: str) -> str:
    """Name of a build project of a pipeline; the same in each region."""
    return f"{pipeline}-{build}"


def build_role_name(project: str, region: str, home: str) -> str:
    """Name of a build project's role. IAM is global: a project of another region names it."""
    return project if region == home else f"{project}-{region}"


def log_group_name(project: str) -> str:
    """Name of the log group of a build project, the one that CodeBuild itself would choose."""
    return f"/aws/codebuild/{project}"


PUSH = "push"
SCHEDULE = "schedule"


def start_rule_name(pipeline: str, kind: str) -> str:
    """Name of the rule with which a push or the clock starts a pipeline."""
    return f"{pipeline}-{kind}"


def trust(scope: ArnScope, service: str, *source_arns: str) -> Statement:
    """Lets a service act as a role on behalf of these things of the account, and of nothing of another account."""
    return {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sts:AssumeRole",
        "Condition": {
            "StringEquals": {"aws:SourceAccount": scope.account},
            "ArnLike": {"aws:SourceArn": source_arns[0] if len(source_arns) == 1 else list(source_arns)},
        },
    }


def pipeline_trust(scope: ArnScope, pipeline: str) -> Statement:
    """Lets CodePipeline act for this pipeline."""
    return trust(scope, "codepipeline.amazonaws.com", scope.pipeline(pipeline))


def build_trust(scope: ArnScope, project: str) -> Statement:
    """Lets CodeBuild act for this build project."""
    return trust(scope, "codebuild.amazonaws.com", scope.build_project(project))


def start_trust(scope: ArnScope, rules: Iterable[str]) -> Statement:
    """Lets EventBridge act for these rules."""
    statement = trust(scope, "events.amazonaws.com")
    statement["Condition"]["ArnLike"]["aws:SourceArn"] = [scope.rule(rule) for rule in rules]
    return statement


def start_statements(scope: ArnScope, pipeline: str) -> list[Statement]:
    """Starts the one pipeline."""
    return [allow("StartPipeline", ["codepipeline:StartPipelineExecution"], [scope.pipeline(pipeline)])]


def pipeline_statements(pipeline: str, stores: Iterable[Store], of_actions: Iterable[Statement]) -> list[Statement]:
    """What a pipeline needs: its artifacts, and what its actions need, each kind of right once."""
    return [*artifact_statements(pipeline, stores), *joined(of_actions)]


def artifact_statements(pipeline: str, stores: Iterable[Store]) -> list[Statement]:
    """Reads and writes the artifacts of one pipeline, as the pipeline itself does: it runs no code of anybody."""
    found = list(stores)
    folders = [f"{store.bucket_arn}/{pipeline[:ARTIFACT_FOLDER]}/*" for store in found]
    return [
        allow("UseArtifacts", ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"], folders),
        _key_statement("UseKeysOfArtifacts", KEY_USE, found),
    ]


def build_artifact_statements(
    pipeline: str, store: Store, *, inputs: Iterable[str], outputs: Iterable[str]
) -> list[Statement]:
    """Reads the artifacts that a build takes, and writes those that it makes: never what another build deploys."""
    found = [
        allow(
            "ReadArtifacts",
            ["s3:GetObject", "s3:GetObjectVersion"],
            [_artifact(pipeline, store, name) for name in inputs],
        ),
        _key_statement("DecryptArtifacts", KEY_READ, [store]),
    ]
    if made := [_artifact(pipeline, store, name) for name in outputs]:
        found += [
            allow("WriteArtifacts", ["s3:PutObject"], made),
            _key_statement("EncryptArtifacts", [action for action in KEY_USE if action not in KEY_READ], [store]),
        ]
    return found


def _artifact(pipeline: str, store: Store, name: str) -> str:
    return f"{store.bucket_arn}/{pipeline[:ARTIFACT_FOLDER]}/{name[:ARTIFACT_NAME]}*"


def _key_statement(sid: str, actions: Sequence[str], stores: Sequence[Store]) -> Statement:
    """A use of the stores' keys; their own policies bind it to the buckets."""
    aliases = sorted({store.key_alias for store in stores if store.key_alias})
    return allow(
        sid,
        actions,
        sorted({store.key_arn for store in stores}),
        {"ForAnyValue:StringEquals": {"kms:ResourceAliases": aliases}} if aliases else None,
    )


def run_statements(scope: ArnScope, project: str, *, secret_arns: Sequence[str] = ()) -> list[Statement]:
    """What every build needs, whoever runs it: its own log group and its secrets."""
    log = scope.log_group(log_group_name(project))
    found = [allow("WriteLogs", ["logs:CreateLogStream", "logs:PutLogEvents"], [f"{log}:*"])]
    if secret_arns:
        found.append(allow("ReadSecrets", ["secretsmanager:GetSecretValue"], secret_arns))
    return found


def publish_statements(home: Region, topic_arn: str) -> list[Statement]:
    """Tells an encrypted topic something."""
    return [
        allow("PublishToTopic", ["sns:Publish"], [topic_arn]),
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
                "kms:EncryptionContext:aws:logs:arn": ArnScope.of(region, account_id).log_group(log_groups),
            }
        },
    }
