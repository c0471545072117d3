"""The emulated services beyond moto, as an AWS client sees them."""
# ruff: noqa: S310 - the URLs are the emulator's

import json
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from botocore.exceptions import ClientError

from sandbox.emulator.core import info_file
from tests.sandbox.conftest import REPOSITORY, Client, Clients
from tests.sandbox.support.case import ACCOUNT
from tests.sandbox.support.cases import approvals, resource_policy

EVENT = "codecommit-repository-pull-request-created"


def code_of(raised: pytest.ExceptionInfo[ClientError]) -> str:
    return raised.value.response["Error"]["Code"]


def get(url: str) -> str:
    with urlopen(url) as answer:
        return str(answer.read().decode())


def post(url: str, body: str = "") -> int:
    with urlopen(Request(url, data=body.encode(), method="POST")) as answer:
        return int(answer.status)


# The server


def test_instance_is_that_of_the_info_file(emulator: dict[str, Any]) -> None:
    assert get(f"{emulator['url']}/sandbox/instance") == emulator["instance"]
    assert emulator["url"].startswith("http://127.0.0.1:")


def test_server_listens_on_loopback_alone(emulator: dict[str, Any]) -> None:
    port = int(emulator["url"].rsplit(":", 1)[1])
    listening = [line.split()[1] for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    hosts = {place.split(":")[0] for place in listening if int(place.split(":")[1], 16) == port}
    assert hosts == {"0100007F"}


def test_it_ends_with_its_info_file_and_another_life_has_another_name(emulator: dict[str, Any], tmp_path: Path) -> None:
    info = tmp_path / "info.json"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "sandbox.emulator", "--info", str(info), "--port", str(port)]
    with subprocess.Popen(command, cwd=REPOSITORY, stderr=subprocess.PIPE, text=True) as process:
        while not info.exists():
            assert process.poll() is None
            time.sleep(0.02)
        found = json.loads(info.read_text())
        assert (found["pid"], found["url"]) == (process.pid, f"http://127.0.0.1:{port}")
        assert found["instance"] != emulator["instance"]
        get(f"{found['url']}/sandbox/instance")
        info.unlink()
        try:
            _, errors = process.communicate(timeout=3)
        finally:
            process.kill()
    assert (process.returncode, errors) == (0, "")
    assert list(tmp_path.iterdir()) == []


def test_it_also_ends_when_its_info_file_is_anothers(tmp_path: Path) -> None:
    info = tmp_path / "info.json"
    info_file.write_atomically(info, {"instance": "one"})
    assert info_file.tells_of(info, "one")
    ended: list[str] = []
    info_file.watch(info, "other", lambda: ended.append("other"))
    assert ended == ["other"]


# CodeCommit


@pytest.fixture
def codecommit(aws: Clients) -> Client:
    return aws("codecommit")


@pytest.mark.parametrize("name", ["a b", "x" * 101, "name.git", "é"])
def test_repository_name_is_checked(codecommit: Client, name: str) -> None:
    with pytest.raises(ClientError) as raised:
        codecommit.create_repository(repositoryName=name)
    assert code_of(raised) in {"InvalidRepositoryNameException", "ParamValidation"}


def test_repository_of_a_name_exists_once(codecommit: Client) -> None:
    codecommit.create_repository(repositoryName="once")
    with pytest.raises(ClientError) as raised:
        codecommit.create_repository(repositoryName="once")
    assert code_of(raised) == "RepositoryNameExistsException"


def test_repository_key_must_exist_and_be_enabled(aws: Clients, codecommit: Client) -> None:
    with pytest.raises(ClientError) as raised:
        codecommit.create_repository(repositoryName="keyless", kmsKeyId="00000000-0000-0000-0000-000000000000")
    assert code_of(raised) == "EncryptionKeyNotFoundException"
    key = aws("kms").create_key()["KeyMetadata"]
    aws("kms").disable_key(KeyId=key["KeyId"])
    with pytest.raises(ClientError) as raised:
        codecommit.create_repository(repositoryName="keyless", kmsKeyId=key["Arn"])
    assert code_of(raised) == "EncryptionKeyDisabledException"
    aws("kms").enable_key(KeyId=key["KeyId"])
    made = codecommit.create_repository(repositoryName="keyed", kmsKeyId=key["KeyId"])["repositoryMetadata"]
    assert made["kmsKeyId"] == key["Arn"]


def test_repository_can_be_renamed_with_its_tags(codecommit: Client) -> None:
    codecommit.create_repository(repositoryName="before", tags={"a": "b"})
    codecommit.update_repository_name(oldName="before", newName="after")
    renamed = codecommit.get_repository(repositoryName="after")["repositoryMetadata"]
    assert renamed["Arn"].endswith(":after")
    assert renamed["cloneUrlHttp"].endswith("/after")
    assert codecommit.list_tags_for_resource(resourceArn=renamed["Arn"])["tags"] == {"a": "b"}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{", "Expecting"),
        ("[]", "Version must be"),
        ('{"Version": "2012-10-17", "Statements": []}', "Version must be"),
        ('{"Version": "2018-11-08", "Statements": []}', "one statement"),
        (approvals(0), "NumberOfApprovalsNeeded"),
        (approvals(1).replace("Statements", "Statement"), "unknown keys"),
        (approvals(1) + " " * 3000, "3000 characters"),
    ],
)
def test_template_content_is_checked(codecommit: Client, content: str, reason: str) -> None:
    with pytest.raises(ClientError, match=reason) as raised:
        codecommit.create_approval_rule_template(approvalRuleTemplateName="bad", approvalRuleTemplateContent=content)
    assert code_of(raised) == "InvalidApprovalRuleTemplateContentException"


def test_template_in_use_is_not_deleted(codecommit: Client) -> None:
    codecommit.create_repository(repositoryName="used")
    codecommit.create_approval_rule_template(approvalRuleTemplateName="used", approvalRuleTemplateContent=approvals(1))
    names = {"approvalRuleTemplateName": "used", "repositoryName": "used"}
    for _ in range(2):
        codecommit.associate_approval_rule_template_with_repository(**names)
    assert codecommit.list_repositories_for_approval_rule_template(approvalRuleTemplateName="used")[
        "repositoryNames"
    ] == ["used"]
    with pytest.raises(ClientError) as raised:
        codecommit.delete_approval_rule_template(approvalRuleTemplateName="used")
    assert code_of(raised) == "ApprovalRuleTemplateInUseException"
    codecommit.delete_repository(repositoryName="used")
    codecommit.delete_approval_rule_template(approvalRuleTemplateName="used")
    assert "used" not in codecommit.list_approval_rule_templates()["approvalRuleTemplateNames"]


def test_template_changes_one_side_at_a_time(codecommit: Client) -> None:
    made = codecommit.create_approval_rule_template(
        approvalRuleTemplateName="first", approvalRuleTemplateContent=approvals(1)
    )["approvalRuleTemplate"]
    codecommit.update_approval_rule_template_name(
        oldApprovalRuleTemplateName="first", newApprovalRuleTemplateName="renamed"
    )
    codecommit.update_approval_rule_template_description(
        approvalRuleTemplateName="renamed", approvalRuleTemplateDescription="said"
    )
    stale = {"existingRuleContentSha256": "0" * 64, "newRuleContent": approvals(2)}
    with pytest.raises(ClientError) as raised:
        codecommit.update_approval_rule_template_content(approvalRuleTemplateName="renamed", **stale)
    assert code_of(raised) == "InvalidRuleContentSha256Exception"
    changed = codecommit.update_approval_rule_template_content(
        approvalRuleTemplateName="renamed", newRuleContent=approvals(2)
    )["approvalRuleTemplate"]
    assert changed["approvalRuleTemplateId"] == made["approvalRuleTemplateId"]
    assert changed["approvalRuleTemplateDescription"] == "said"
    assert changed["ruleContentSha256"] != made["ruleContentSha256"]


# CodeConnections


def test_connection_waits_for_its_handshake(aws: Clients, emulator: dict[str, Any]) -> None:
    client = aws("codeconnections")
    arn = client.create_connection(ConnectionName="waiting", ProviderType="GitLab")["ConnectionArn"]
    assert client.get_connection(ConnectionArn=arn)["Connection"]["ConnectionStatus"] == "PENDING"
    assert post(f"{emulator['url']}/sandbox/connections/handshake", arn) == 204
    assert client.get_connection(ConnectionArn=arn)["Connection"]["ConnectionStatus"] == "AVAILABLE"
    with pytest.raises(HTTPError) as refused:
        post(f"{emulator['url']}/sandbox/connections/handshake", "no such connection")
    with refused.value as answer:
        assert answer.status == 404


@pytest.mark.parametrize(("name", "provider"), [("x" * 33, "GitHub"), ("name", "SourceForge")], ids=["long", "unknown"])
def test_connection_is_checked(aws: Clients, name: str, provider: str) -> None:
    with pytest.raises(Exception, match=r"ValidationException|Parameter validation failed"):
        aws("codeconnections").create_connection(ConnectionName=name, ProviderType=provider)


# CodeStar notifications


@pytest.fixture
def rule(aws: Clients, request: pytest.FixtureRequest) -> dict[str, Any]:
    """The arguments of a rule that can be made; named after the test."""
    name = request.node.name.split("[")[0][-60:]
    repository = aws("codecommit").create_repository(
        repositoryName=request.node.name[:90].replace("[", ".").replace("]", "")
    )
    topic = aws("sns").create_topic(Name=name)["TopicArn"]
    return {
        "Name": name,
        "Resource": repository["repositoryMetadata"]["Arn"],
        "DetailType": "BASIC",
        "EventTypeIds": [EVENT],
        "Targets": [{"TargetType": "SNS", "TargetAddress": topic}],
    }


def status_of(aws: Clients, arn: str) -> str:
    targets = aws("codestar-notifications").describe_notification_rule(Arn=arn)["Targets"]
    return str(targets[0]["TargetStatus"])


def set_policy(aws: Clients, topic: str, document: str) -> None:
    aws("sns").set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=document)


def test_rule_made_before_its_policy_reaches_nobody(aws: Clients, rule: dict[str, Any]) -> None:
    client, topic = aws("codestar-notifications"), rule["Targets"][0]["TargetAddress"]
    arn = client.create_notification_rule(**rule)["Arn"]
    assert status_of(aws, arn) == "UNREACHABLE"
    set_policy(aws, topic, resource_policy("sns:Publish", topic))
    assert status_of(aws, arn) == "UNREACHABLE"
    client.update_notification_rule(Arn=arn, Targets=rule["Targets"])
    assert status_of(aws, arn) == "ACTIVE"


def test_rule_made_after_its_policy_reaches_the_topic(aws: Clients, rule: dict[str, Any]) -> None:
    topic = rule["Targets"][0]["TargetAddress"]
    allow = json.loads(resource_policy("SNS:*", topic))["Statement"][0]
    mine = {**allow, "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}}}
    no_tls = {**allow, "Effect": "Deny", "Principal": "*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    set_policy(aws, topic, json.dumps({"Statement": [mine, no_tls]}))
    arn = aws("codestar-notifications").create_notification_rule(**rule)["Arn"]
    assert status_of(aws, arn) == "ACTIVE"


@pytest.mark.parametrize(
    "change",
    [
        {"Action": "sns:Subscribe"},
        {"Principal": {"Service": "events.amazonaws.com"}},
        {"Condition": {"StringEquals": {"aws:SourceAccount": "111122223333"}}},
        {"Effect": "Deny"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_policy_for_something_else_does_not_help(aws: Clients, rule: dict[str, Any], change: dict[str, Any]) -> None:
    topic = rule["Targets"][0]["TargetAddress"]
    statement = json.loads(resource_policy("sns:Publish", topic))["Statement"][0] | change
    set_policy(aws, topic, json.dumps({"Statement": [statement]}))
    name = f"other {next(iter(change))}"
    arn = aws("codestar-notifications").create_notification_rule(**{**rule, "Name": name})["Arn"]
    assert status_of(aws, arn) == "UNREACHABLE"


def test_key_of_the_topic_must_let_the_service_in(aws: Clients, rule: dict[str, Any]) -> None:
    topic, kms = rule["Targets"][0]["TargetAddress"], aws("kms")
    set_policy(aws, topic, resource_policy("sns:Publish", topic))
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    aws("sns").set_topic_attributes(TopicArn=topic, AttributeName="KmsMasterKeyId", AttributeValue=key)
    client = aws("codestar-notifications")
    arn = client.create_notification_rule(**rule)["Arn"]
    assert status_of(aws, arn) == "UNREACHABLE"
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=resource_policy("kms:*", "*"))
    client.subscribe(Arn=arn, Target=rule["Targets"][0])
    assert status_of(aws, arn) == "ACTIVE"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"EventTypeIds": ["codepipeline-pipeline-manual-approval-needed"]}, "ValidationException"),
        ({"EventTypeIds": ["codecommit-repository-no-such-event"]}, "ValidationException"),
        ({"DetailType": "SOME"}, "ValidationException"),
        ({"Name": "no/slash"}, "ValidationException"),
        ({"Resource": f"arn:aws:codecommit:eu-west-1:{ACCOUNT}:missing"}, "ConfigurationException"),
        (
            {"Targets": [{"TargetType": "SNS", "TargetAddress": f"arn:aws:sns:eu-west-1:{ACCOUNT}:missing"}]},
            "ConfigurationException",
        ),
    ],
)
def test_rule_is_checked(aws: Clients, rule: dict[str, Any], change: dict[str, Any], code: str) -> None:
    with pytest.raises(ClientError) as raised:
        aws("codestar-notifications").create_notification_rule(**{**rule, **change})
    assert code_of(raised) == code


def test_rule_of_a_name_exists_once(aws: Clients, rule: dict[str, Any]) -> None:
    client = aws("codestar-notifications")
    arn = client.create_notification_rule(**rule, ClientRequestToken="one")["Arn"]
    assert client.create_notification_rule(**rule, ClientRequestToken="one")["Arn"] == arn
    with pytest.raises(ClientError) as raised:
        client.create_notification_rule(**rule, ClientRequestToken="two")
    assert code_of(raised) == "ResourceAlreadyExistsException"
    found = client.list_notification_rules(Filters=[{"Name": "RESOURCE", "Value": rule["Resource"]}])
    assert [entry["Arn"] for entry in found["NotificationRules"]] == [arn]


def test_target_in_use_is_forgotten_only_by_force(aws: Clients, rule: dict[str, Any]) -> None:
    client, topic = aws("codestar-notifications"), rule["Targets"][0]["TargetAddress"]
    arn = client.create_notification_rule(**rule)["Arn"]
    with pytest.raises(ClientError):
        client.delete_target(TargetAddress=topic)
    client.delete_target(TargetAddress=topic, ForceUnsubscribeAll=True)
    assert client.describe_notification_rule(Arn=arn)["Targets"] == []


# KMS, SNS, S3


def test_rotation_period_is_kept_and_checked(aws: Clients) -> None:
    kms = aws("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    assert "RotationPeriodInDays" not in kms.get_key_rotation_status(KeyId=key)
    kms.enable_key_rotation(KeyId=key)
    assert kms.get_key_rotation_status(KeyId=key)["RotationPeriodInDays"] == 365
    kms.enable_key_rotation(KeyId=key, RotationPeriodInDays=90)
    assert kms.get_key_rotation_status(KeyId=key)["RotationPeriodInDays"] == 90
    with pytest.raises(ClientError) as raised:
        kms.enable_key_rotation(KeyId=key, RotationPeriodInDays=2561)
    assert code_of(raised) == "ValidationException"


def test_email_subscription_is_pending(aws: Clients) -> None:
    sns = aws("sns")
    topic = sns.create_topic(Name="mail")["TopicArn"]
    wanted = {"TopicArn": topic, "Protocol": "email", "Endpoint": "person@example.com"}
    assert sns.subscribe(**wanted)["SubscriptionArn"] == "pending confirmation"
    arn = sns.subscribe(**wanted, ReturnSubscriptionArn=True)["SubscriptionArn"]
    listed = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert [entry["SubscriptionArn"] for entry in listed] == ["PendingConfirmation"]
    assert sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]["PendingConfirmation"] == "true"
    with pytest.raises(ClientError, match="pending confirmation"):
        sns.unsubscribe(SubscriptionArn=arn)


def test_account_regional_bucket_needs_its_ending(aws: Clients) -> None:
    place = {"LocationConstraint": "eu-west-1"}
    with pytest.raises(ClientError):
        aws("s3").create_bucket(Bucket="no-ending", BucketNamespace="account-regional", CreateBucketConfiguration=place)


def test_reset_clears_what_moto_lacks(emulator: dict[str, Any], aws: Clients) -> None:
    aws("codeconnections").create_connection(ConnectionName="cleared", ProviderType="GitHub")
    aws("codecommit").create_approval_rule_template(
        approvalRuleTemplateName="cleared", approvalRuleTemplateContent=approvals(1)
    )
    assert post(f"{emulator['url']}/moto-api/reset") == 200
    assert aws("codeconnections").list_connections()["Connections"] == []
    assert aws("codecommit").list_approval_rule_templates()["approvalRuleTemplateNames"] == []
    assert aws("codestar-notifications").list_notification_rules()["NotificationRules"] == []
