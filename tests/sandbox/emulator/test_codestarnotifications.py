"""Notification rules, as an AWS client sees them."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.conftest import Clients
from tests.sandbox.support.case import ACCOUNT
from tests.sandbox.support.cases import resource_policy
from tests.sandbox.support.refusals import code_of

EVENT = "codecommit-repository-pull-request-created"


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
