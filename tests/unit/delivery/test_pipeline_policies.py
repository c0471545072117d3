"""What the roles of a pipeline may do: what it needs, and nothing that none of its actions needs."""

import pytest

from awsmodel.arns import ArnScope
from awsmodel.regions import known_regions
from components.delivery.actions.build import build_statements, run_builds
from components.delivery.actions.source import SourceProvider, read_source
from components.iam import pipeline_policies
from components.iam.pipeline_policies import Store
from components.iam.policies import Statement
from tests.support.access import decision

REGION = known_regions()["us-east-2"]
SCOPE = ArnScope.of(REGION, "111122223333")
HERE = Store(bucket_arn="arn:aws:s3:::acme", key_arn="arn:aws:kms:us-east-2:111122223333:key/1")
THERE = Store(bucket_arn="arn:aws:s3:::acme-west", key_arn="arn:aws:kms:eu-west-1:111122223333:key/2")
TOPIC = "arn:aws:sns:us-east-2:111122223333:acme"
REPOSITORY = "arn:aws:codecommit:us-east-2:111122223333:acme"
PIPELINE = "acme-dev-delivery-of-the-platform"
CONNECTION = "arn:aws:codeconnections:us-east-2:111122223333:connection/4c2f"


def pipeline(*of_actions: Statement) -> list[Statement]:
    source = read_source(SourceProvider.CODECOMMIT, REPOSITORY)
    return pipeline_policies.pipeline_statements(PIPELINE, [HERE], [source, *of_actions])


def allowed(statements: list[Statement], action: str, resource: str, **context: str) -> bool:
    keys = {key.replace("__", ":"): value for key, value in context.items()}
    return decision(statements, "*", action, resource, keys) == "allow"


@pytest.mark.parametrize(
    ("action", "resource", "expected"),
    [
        ("s3:PutObject", "arn:aws:s3:::acme/acme-dev-delivery-of/source/1", True),
        ("s3:GetObject", "arn:aws:s3:::acme/other/source/1", False),
        ("s3:DeleteObject", "arn:aws:s3:::acme/acme-dev-delivery-of/source/1", False),
        ("s3:PutObject", "arn:aws:s3:::acme-west/acme-dev-delivery-of/source/1", False),
        ("kms:Decrypt", HERE.key_arn, True),
        ("kms:Decrypt", THERE.key_arn, False),
        ("kms:PutKeyPolicy", HERE.key_arn, False),
        ("codecommit:GetBranch", REPOSITORY, True),
        ("codecommit:GetBranch", f"{REPOSITORY}2", False),
        ("codecommit:GitPush", REPOSITORY, False),
        ("codebuild:StartBuild", "arn:aws:codebuild:us-east-2:111122223333:project/a", False),
        ("sns:Publish", TOPIC, False),
        ("sts:AssumeRole", "arn:aws:iam::444455556666:role/a", False),
    ],
)
def test_a_pipeline_reads_its_source_and_uses_its_own_artifacts(action: str, resource: str, expected: bool) -> None:
    assert allowed(pipeline(), action, resource) is expected


def test_a_source_at_a_git_provider_takes_the_use_of_its_connection_alone() -> None:
    statements = [read_source(SourceProvider.CONNECTION, CONNECTION)]
    for action in ("codeconnections:UseConnection", "codestar-connections:UseConnection"):
        assert allowed(statements, action, CONNECTION)
        assert not allowed(statements, action, f"{CONNECTION}2")
    assert not allowed(statements, "codecommit:GetBranch", CONNECTION)


def test_a_pipeline_runs_its_own_builds_where_they_are() -> None:
    here, there = SCOPE.build_project("a"), SCOPE.in_region("eu-west-1").build_project("b")
    statements = pipeline(run_builds(here), run_builds(there), run_builds(here))
    arn = "arn:aws:codebuild:{}:111122223333:project/{}"
    assert allowed(statements, "codebuild:StartBuild", arn.format("us-east-2", "a"))
    assert allowed(statements, "codebuild:BatchGetBuilds", arn.format("eu-west-1", "b"))
    assert not allowed(statements, "codebuild:StartBuild", arn.format("eu-west-1", "a"))
    assert not allowed(statements, "codebuild:DeleteProject", arn.format("us-east-2", "a"))
    (runs,) = [one for one in statements if one["Sid"] == "RunBuilds"]
    assert runs["Resource"] == [here, there]


def test_a_pipeline_asks_for_approval_on_its_topic_only() -> None:
    statements = pipeline(*pipeline_policies.publish_statements(REGION, TOPIC))
    assert allowed(statements, "sns:Publish", TOPIC)
    assert not allowed(statements, "sns:Publish", f"{TOPIC}-2")
    through = {"kms__ViaService": "sns.us-east-2.amazonaws.com"}
    own = {"kms__EncryptionContext__aws__sns__topicArn": TOPIC}
    assert allowed(statements, "kms:GenerateDataKey", "any key", **through, **own)
    assert not allowed(statements, "kms:GenerateDataKey", "any key", **through)


def build(**more: object) -> list[Statement]:
    return build_statements(
        SCOPE,
        PIPELINE,
        "acme-check",
        HERE,
        **{"inputs": ["source"], **more},  # type: ignore[arg-type]
    )


ARTIFACT = f"{HERE.bucket_arn}/acme-dev-delivery-of/{{}}/xOzbGH9"


def test_a_build_reads_what_it_takes_and_writes_what_it_makes_alone() -> None:
    """What another build deploys is none of both, whichever pipeline's name begins alike and shares the folder."""
    statements = build(outputs=["preview-production"])
    assert allowed(statements, "s3:GetObject", ARTIFACT.format("source"))
    assert not allowed(statements, "s3:PutObject", ARTIFACT.format("source"))
    for key in ("preview-pr", "preview-production"):
        assert allowed(statements, "s3:PutObject", ARTIFACT.format(key))
        assert not allowed(statements, "s3:GetObject", ARTIFACT.format(key))
    assert not allowed(statements, "s3:PutObject", ARTIFACT.format("preview-de"))
    assert allowed(statements, "kms:GenerateDataKey", HERE.key_arn)


def test_a_build_that_makes_nothing_writes_no_artifact_and_encrypts_none() -> None:
    for key in ("source", "preview-de", "other"):
        assert not allowed(build(), "s3:PutObject", ARTIFACT.format(key))
    assert allowed(build(), "kms:Decrypt", HERE.key_arn)
    assert not allowed(build(), "kms:GenerateDataKey", HERE.key_arn)


@pytest.mark.parametrize(
    ("action", "resource", "expected"),
    [
        ("logs:PutLogEvents", "log-group:/aws/codebuild/acme-check:log-stream:1", True),
        ("logs:PutLogEvents", "log-group:/aws/codebuild/acme-check-2:log-stream:1", False),
        ("logs:CreateLogGroup", "log-group:/aws/codebuild/acme-check", False),
        ("logs:DeleteLogGroup", "log-group:/aws/codebuild/acme-check", False),
    ],
)
def test_a_build_writes_its_own_log(action: str, resource: str, expected: bool) -> None:
    assert allowed(build(), action, f"arn:aws:logs:us-east-2:111122223333:{resource}") is expected


def test_a_build_reads_its_own_secrets_and_writes_its_own_reports() -> None:
    secret = "arn:aws:secretsmanager:us-east-2:111122223333:secret:token-1"  # noqa: S105 - an ARN
    report = "arn:aws:codebuild:us-east-2:111122223333:report-group/acme-check-tests"
    assert not allowed(build(), "secretsmanager:GetSecretValue", secret)
    assert not allowed(build(), "codebuild:CreateReport", report)
    assert allowed(build(secret_arns=[secret]), "secretsmanager:GetSecretValue", secret)
    assert not allowed(build(secret_arns=[secret]), "secretsmanager:GetSecretValue", f"{secret}2")
    assert allowed(build(reports=True), "codebuild:CreateReport", report)


@pytest.mark.parametrize(
    ("statement", "service", "source"),
    [
        (
            pipeline_policies.pipeline_trust(SCOPE, "acme"),
            "codepipeline.amazonaws.com",
            "arn:aws:codepipeline:us-east-2:111122223333:acme",
        ),
        (
            pipeline_policies.build_trust(SCOPE.in_region("eu-west-1"), "acme"),
            "codebuild.amazonaws.com",
            "arn:aws:codebuild:eu-west-1:111122223333:project/acme",
        ),
        (
            pipeline_policies.start_trust(SCOPE, ["acme-push", "acme-schedule"]),
            "events.amazonaws.com",
            "arn:aws:events:us-east-2:111122223333:rule/acme-schedule",
        ),
    ],
    ids=["pipeline", "build", "start"],
)
def test_a_service_acts_for_one_thing_of_this_account_only(statement: Statement, service: str, source: str) -> None:
    own = {"aws:SourceAccount": "111122223333", "aws:SourceArn": source}
    assert decision([statement], service, "sts:AssumeRole", "*", own) == "allow"
    assert decision([statement], "ec2.amazonaws.com", "sts:AssumeRole", "*", own) == "none"
    for foreign in ({"aws:SourceAccount": "999999999999"}, {"aws:SourceArn": f"{source}-2"}):
        assert decision([statement], service, "sts:AssumeRole", "*", {**own, **foreign}) == "none"


def test_a_rule_starts_one_pipeline() -> None:
    statements = pipeline_policies.start_statements(SCOPE, "acme")
    arn = "arn:aws:codepipeline:us-east-2:111122223333:acme"
    assert allowed(statements, "codepipeline:StartPipelineExecution", arn)
    assert not allowed(statements, "codepipeline:StartPipelineExecution", f"{arn}-2")
    assert not allowed(statements, "codepipeline:UpdatePipeline", arn)


def test_the_key_of_logs_serves_the_named_log_groups() -> None:
    statement = pipeline_policies.log_key_statement(REGION, SCOPE.account, "/aws/codebuild/acme-*")
    group = "arn:aws:logs:us-east-2:111122223333:log-group:/aws/codebuild/acme-check"
    context = "kms:EncryptionContext:aws:logs:arn"
    logs = "logs.us-east-2.amazonaws.com"
    assert decision([statement], logs, "kms:Encrypt", "*", {context: group}) == "allow"
    assert decision([statement], logs, "kms:Encrypt", "*", {context: group.replace("acme", "other")}) == "none"
    assert decision([statement], logs, "kms:Encrypt", "*", {}) == "none"
