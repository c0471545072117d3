"""Handlers of `aws:sns/*`."""
# ruff: noqa: ARG002 - the handlers share one signature

import json
from contextlib import suppress
from typing import ClassVar

from sandbox.provider.aws import Aws
from sandbox.provider.resource import Change, Resource
from sandbox.provider.values import Properties, Value, tag_list, tag_map

ABSENT = frozenset({"NotFound", "NotFoundException"})


class Topic(Resource):
    """A topic; its policy too where `TopicPolicy` is not used."""

    kind = "aws:sns/topic:Topic"
    service = "sns"
    attributes: ClassVar = {
        "contentBasedDeduplication": "ContentBasedDeduplication",
        "deliveryPolicy": "DeliveryPolicy",
        "displayName": "DisplayName",
        "kmsMasterKeyId": "KmsMasterKeyId",
        "policy": "Policy",
        "signatureVersion": "SignatureVersion",
        "tracingConfig": "TracingConfig",
    }
    replaces = frozenset({"fifoTopic", "name"})
    updates = frozenset({*attributes, "tags"})
    computed = frozenset({"arn", "owner"})
    keeps = frozenset({"policy", "signatureVersion", "tracingConfig"})
    name = "name"
    absent = ABSENT
    tagged = True

    def autoname(self, name: str, inputs: Properties) -> str:
        """Names of FIFO topics end with `.fifo`."""
        return f"{name}.fifo" if inputs.get("fifoTopic") else name

    def create(self, aws: Aws, inputs: Properties) -> str:
        """CreateTopic; encrypted from the first."""
        wanted = {self.attributes[name]: _text(inputs[name]) for name in self.attributes if name in inputs}
        if inputs.get("fifoTopic"):
            wanted["FifoTopic"] = "true"
        topic = aws.client("sns").create_topic(
            Name=inputs["name"], Attributes=wanted, Tags=tag_list(inputs.get("tags", {}))
        )
        return str(topic["TopicArn"])

    def configure(self, aws: Aws, ident: str, change: Change) -> None:
        """SetTopicAttributes, one by one."""
        for name, attribute in self.attributes.items():
            if change.old and name in change:
                aws.client("sns").set_topic_attributes(
                    TopicArn=ident, AttributeName=attribute, AttributeValue=_text(change[name])
                )

    def read(self, aws: Aws, ident: str) -> Properties:
        """GetTopicAttributes."""
        sns = aws.client("sns")
        found = sns.get_topic_attributes(TopicArn=ident)["Attributes"]
        fifo = found.get("FifoTopic") == "true"
        return {name: found.get(attribute) for name, attribute in self.attributes.items()} | {
            "arn": ident,
            "contentBasedDeduplication": found.get("ContentBasedDeduplication") == "true",
            "fifoTopic": fifo,
            "name": ident.rsplit(":", 1)[-1],
            "owner": found["Owner"],
            "signatureVersion": int(found["SignatureVersion"]) if "SignatureVersion" in found else None,
            "tagsAll": tag_map(sns.list_tags_for_resource(ResourceArn=ident)["Tags"]),
        }

    def delete(self, aws: Aws, ident: str, state: Properties) -> None:
        """DeleteTopic."""
        aws.client("sns").delete_topic(TopicArn=ident)


class TopicPolicy(Resource):
    """The policy of a topic; deleting it gives the topic the policy of a new one."""

    kind = "aws:sns/topicPolicy:TopicPolicy"
    service = "sns"
    replaces = frozenset({"arn"})
    updates = frozenset({"policy"})
    computed = frozenset({"owner"})
    absent = ABSENT

    def create(self, aws: Aws, inputs: Properties) -> str:
        """SetTopicAttributes."""
        self._put(aws, inputs["arn"], inputs["policy"])
        return str(inputs["arn"])

    def configure(self, aws: Aws, ident: str, change: Change) -> None:
        """SetTopicAttributes."""
        if change.old:
            self._put(aws, ident, change["policy"])

    def read(self, aws: Aws, ident: str) -> Properties:
        """GetTopicAttributes."""
        found = aws.client("sns").get_topic_attributes(TopicArn=ident)["Attributes"]
        return {"arn": ident, "owner": found["Owner"], "policy": found["Policy"]}

    def delete(self, aws: Aws, ident: str, state: Properties) -> None:
        """Put the policy that a new topic has: only the account's own principals."""
        actions = ["GetTopicAttributes", "SetTopicAttributes", "AddPermission", "RemovePermission", "DeleteTopic"]
        actions += ["Subscribe", "ListSubscriptionsByTopic", "Publish"]
        statement = {
            "Sid": "__default_statement_ID",
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Action": [f"SNS:{action}" for action in actions],
            "Resource": ident,
            "Condition": {"StringEquals": {"AWS:SourceOwner": aws.account}},
        }
        policy = {"Version": "2008-10-17", "Id": "__default_policy_ID", "Statement": [statement]}
        self._put(aws, ident, json.dumps(policy))

    @staticmethod
    def _put(aws: Aws, topic: str, policy: str) -> None:
        aws.client("sns").set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)


class TopicSubscription(Resource):
    """A subscription; one to an e-mail address is pending until a person confirms it."""

    kind = "aws:sns/topicSubscription:TopicSubscription"
    service = "sns"
    attributes: ClassVar = {
        "deliveryPolicy": "DeliveryPolicy",
        "filterPolicy": "FilterPolicy",
        "filterPolicyScope": "FilterPolicyScope",
        "rawMessageDelivery": "RawMessageDelivery",
        "redrivePolicy": "RedrivePolicy",
        "subscriptionRoleArn": "SubscriptionRoleArn",
    }
    replaces = frozenset({"endpoint", "protocol", "topic"})
    updates = frozenset({*attributes, "confirmationTimeoutInMinutes", "endpointAutoConfirms"})
    computed = frozenset({"arn", "confirmationWasAuthenticated", "ownerId", "pendingConfirmation"})
    keeps = frozenset({"filterPolicyScope"})
    unread = frozenset({"confirmationTimeoutInMinutes", "endpointAutoConfirms"})
    defaults: ClassVar = {"confirmationTimeoutInMinutes": 1, "endpointAutoConfirms": False, "rawMessageDelivery": False}
    absent = ABSENT

    def create(self, aws: Aws, inputs: Properties) -> str:
        """Subscribe, asking for the ARN that AWS hides while the subscription is pending."""
        wanted = {self.attributes[name]: _text(inputs[name]) for name in self.attributes if inputs.get(name)}
        made = aws.client("sns").subscribe(
            TopicArn=inputs["topic"],
            Protocol=inputs["protocol"],
            Endpoint=inputs["endpoint"],
            Attributes=wanted,
            ReturnSubscriptionArn=True,
        )
        return str(made["SubscriptionArn"])

    def configure(self, aws: Aws, ident: str, change: Change) -> None:
        """SetSubscriptionAttributes, one by one."""
        for name, attribute in self.attributes.items():
            if change.old and name in change:
                aws.client("sns").set_subscription_attributes(
                    SubscriptionArn=ident, AttributeName=attribute, AttributeValue=_text(change[name])
                )

    def read(self, aws: Aws, ident: str) -> Properties:
        """GetSubscriptionAttributes."""
        found = aws.client("sns").get_subscription_attributes(SubscriptionArn=ident)["Attributes"]
        return {name: found.get(attribute) for name, attribute in self.attributes.items()} | {
            "arn": ident,
            "confirmationWasAuthenticated": found["ConfirmationWasAuthenticated"] == "true",
            "endpoint": found["Endpoint"],
            "ownerId": found["Owner"],
            "pendingConfirmation": found["PendingConfirmation"] == "true",
            "protocol": found["Protocol"],
            "rawMessageDelivery": found.get("RawMessageDelivery") == "true",
            "topic": found["TopicArn"],
        }

    def delete(self, aws: Aws, ident: str, state: Properties) -> None:
        """Unsubscribe; AWS refuses it for a pending subscription, which goes by itself."""
        sns = aws.client("sns")
        try:
            sns.unsubscribe(SubscriptionArn=ident)
        except sns.exceptions.InvalidParameterException as error:
            if "pending confirmation" not in str(error):
                raise
        # The plugin looks whether it is gone.
        with suppress(sns.exceptions.NotFoundException):
            sns.get_subscription_attributes(SubscriptionArn=ident)


def _text(value: Value) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
