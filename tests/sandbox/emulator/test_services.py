"""Smaller services: what moto lacks of them, as an AWS client sees it."""

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.conftest import Clients
from tests.sandbox.support.refusals import code_of


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
