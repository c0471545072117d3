"""Smaller services: what moto lacks of them, as an AWS client sees it."""

import pytest
from botocore.exceptions import ClientError

from sandbox.emulator.iam.models import IamBackend
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


def test_each_account_counts_the_roles_that_have_a_policy_of_awss_and_a_reset_forgets_them() -> None:
    arn = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    one, other = (IamBackend("aws", account) for account in ("123456789012", "210987654321"))
    one.create_role("role", "{}", "/", "", "", [], "3600")
    one.attach_role_policy(arn, "role")
    assert [account.managed_policies[arn].attachment_count for account in (one, other)] == [1, 0]
    one.reset()
    assert one.managed_policies[arn].attachment_count == 0
    assert arn.replace("arn:aws:", "arn:aws-cn:") in IamBackend("aws-cn", "123456789012").managed_policies


def test_an_endpoint_that_is_updated_is_as_old_as_before(aws: Clients) -> None:
    sagemaker = aws("sagemaker")
    role = "arn:aws:iam::123456789012:role/model"
    sagemaker.create_model(ModelName="model", ExecutionRoleArn=role, PrimaryContainer={"Image": "image"})
    variant = {"VariantName": "AllTraffic", "ModelName": "model", "InstanceType": "ml.m5.large"}
    for name in ("first", "second"):
        variants = [{**variant, "InitialInstanceCount": 1}]
        sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=variants)
    sagemaker.create_endpoint(EndpointName="endpoint", EndpointConfigName="first")
    before = sagemaker.describe_endpoint(EndpointName="endpoint")
    sagemaker.update_endpoint(EndpointName="endpoint", EndpointConfigName="second")
    after = sagemaker.describe_endpoint(EndpointName="endpoint")
    assert after["EndpointConfigName"] == "second"
    assert after["CreationTime"] == before["CreationTime"] < after["LastModifiedTime"]
