"""Who may publish to the topic, what is notified, and the order that AWS does not show."""

from typing import Any

import pytest

from tests.support.access import decision
from tests.support.recording import Recording, recorded, stack_values

TOPIC_ARN = "arn:aws:sns:us-east-2:111122223333:sm-mlops-dev-notifications"
PUBLISHER = "codestar-notifications.amazonaws.com"
RULE_ARN = "arn:aws:codestar-notifications:us-east-2:111122223333:notificationrule/0a1b"
OWN_RULE = {"aws:SecureTransport": "true", "aws:SourceAccount": "111122223333", "aws:SourceArn": RULE_ARN}


@pytest.mark.parametrize(
    ("principal", "context", "expected"),
    [
        pytest.param(PUBLISHER, OWN_RULE, "allow", id="a rule of this account"),
        pytest.param(PUBLISHER, {**OWN_RULE, "aws:SourceAccount": "999999999999"}, "none", id="another account"),
        pytest.param(
            "events.amazonaws.com",
            {"aws:SecureTransport": "true", "aws:SourceArn": "arn:aws:events:us-east-2:999999999999:rule/x"},
            "none",
            id="an event rule of another account",
        ),
        pytest.param(PUBLISHER, {**OWN_RULE, "aws:SecureTransport": "false"}, "deny", id="plain HTTP"),
        pytest.param("events.amazonaws.com", OWN_RULE, "none", id="a service for something that is not its own"),
        pytest.param(
            "events.amazonaws.com",
            {
                "aws:SecureTransport": "true",
                "aws:SourceArn": "arn:aws:events:us-east-2:111122223333:rule/sagemaker-p-1",
            },
            "allow",
            id="an event rule of this account",
        ),
        pytest.param("s3.amazonaws.com", OWN_RULE, "none", id="another service"),
    ],
)
def test_only_rules_of_the_account_publish(
    dev: Recording, principal: str, context: dict[str, str], expected: str
) -> None:
    statements = dev.named("notifications-topic-policy").policy()["Statement"]
    assert decision(statements, principal, "sns:Publish", TOPIC_ARN, context) == expected


@pytest.mark.parametrize("principal", [PUBLISHER, "arn:aws:iam::111122223333:root"])
def test_the_key_serves_this_topic_only(dev: Recording, principal: str) -> None:
    statements = dev.named("notifications-key").policy()["Statement"]

    def allowed(context: dict[str, str]) -> str:
        own = {"kms:CallerAccount": "111122223333", "kms:ViaService": "sns.us-east-2.amazonaws.com"}
        return decision(statements, principal, "kms:GenerateDataKey", "*", {**own, **context})

    assert allowed({"kms:EncryptionContext:aws:sns:topicArn": TOPIC_ARN}) == "allow"
    assert allowed({"kms:EncryptionContext:aws:sns:topicArn": f"{TOPIC_ARN}-other"}) == "none"
    assert allowed({}) == "none"


def test_the_rule_waits_for_the_policy(dev: Recording) -> None:
    """AWS tries the topic when a rule is made; a topic that refuses leaves the rule's target unreachable."""
    assert "notifications-topic-policy" in dev.named("notifications-repository-rule").depends_on


def test_the_rule_notifies_the_events_of_the_settings(dev: Recording) -> None:
    rule = dev.named("notifications-repository-rule").inputs
    assert rule["name"] == "sm-mlops-dev-repository"
    assert rule["resource"] == "arn:aws:codecommit:us-east-2:111122223333:sm-mlops-dev"
    assert rule["eventTypeIds"] == [
        "codecommit-repository-pull-request-created",
        "codecommit-repository-pull-request-merged",
        "codecommit-repository-approvals-status-changed",
    ]
    assert rule["targets"] == [{"address": TOPIC_ARN, "type": "SNS"}]


def subscribers(recording: Recording) -> dict[str, Any]:
    return {
        resource.name: resource.inputs["endpoint"]
        for resource in recording.of_type("aws:sns/topicSubscription:TopicSubscription")
    }


def test_a_subscriber_more_or_less_touches_no_other(prod: Recording) -> None:
    values = stack_values("prod")
    values["sm-mlops:notifications"] = {
        **values["sm-mlops:notifications"],
        "emails": ["new@example.com", "ml-platform-owners@example.com"],
    }
    before, after = subscribers(prod), subscribers(recorded(values, "prod"))
    assert set(before.values()) == {"ml-platform-oncall@example.com", "ml-platform-owners@example.com"}
    assert set(before.items()) & set(after.items()) == {
        ("notifications-ml-platform-owners@example.com", "ml-platform-owners@example.com")
    }
