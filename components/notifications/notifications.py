"""Who is told: an encrypted topic, its subscribers, and rules that say what is worth a message."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from awsmodel.arns import ArnScope
from awsmodel.regions import Region
from components.core.environment import Environment
from components.foundation.customer_key import customer_key
from components.iam import policies
from components.sections.notifications import NotificationsSpec

PUBLISHERS = ("cloudwatch.amazonaws.com", "codestar-notifications.amazonaws.com", "events.amazonaws.com")
"""Services that publish: alarms, notification rules, event rules."""


@dataclass(frozen=True, kw_only=True)
class NotificationsArgs:
    """What `Notifications` is made from."""

    environment: Environment
    """The environment. The topic is made in its home region, where the pipelines are."""
    spec: NotificationsSpec
    """Who is told of what."""


class Notifications(pulumi.ComponentResource):
    """A topic that people subscribe to and that services of this account publish to."""

    topic_arn: pulumi.Output[str]
    """ARN of the topic; approvals of pipelines are sent to it, too."""

    def __init__(self, name: str, args: NotificationsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlops:notifications:Notifications", name, None, opts)
        self._name = name
        self._args = args
        environment, home = args.environment, args.environment.home
        account_id, topic_name = environment.account_id, environment.names.topic.value
        key = customer_key(
            name,
            environment,
            parent=self,
            region=home,
            purpose="notifications",
            policy=account_id.apply(lambda account: _key_policy(home, account, topic_name)),
        )
        topic = aws.sns.Topic(
            f"{name}-topic",
            region=home.name,
            name=topic_name,
            kms_master_key_id=key.arn,
            tags=environment.tags,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self._policy = aws.sns.TopicPolicy(
            f"{name}-topic-policy",
            region=home.name,
            arn=topic.arn,
            policy=pulumi.Output.all(account_id, topic.arn).apply(
                lambda known: _topic_policy(home, known[0], known[1])
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        for email in args.spec.emails:
            aws.sns.TopicSubscription(
                f"{name}-{email}",
                region=home.name,
                topic=topic.arn,
                protocol="email",
                endpoint=email,
                opts=pulumi.ResourceOptions(parent=self),
            )
        self.topic_arn = topic.arn
        self.register_outputs({"topicArn": topic.arn})

    def notify(self, subject: str, resource_arn: pulumi.Input[str] | None, event_type_ids: Sequence[str]) -> None:
        """Send the given events of a resource to the topic.

        Args:
            subject: what the rule watches, in one word; part of the rule's name.
            resource_arn: a CodeCommit repository, a pipeline or a build project of the topic's region; with None, as
                for a repository at a Git provider, there is nothing to watch.
            event_type_ids: AWS's ids, for instance `codecommit-repository-pull-request-created`.
        """
        if resource_arn is None:
            return
        environment = self._args.environment
        aws.codestarnotifications.NotificationRule(
            f"{self._name}-{subject}-rule",
            region=environment.home.name,
            name=environment.names.notification_rule(subject).value,
            resource=resource_arn,
            event_type_ids=list(event_type_ids),
            detail_type=self._args.spec.detail,
            targets=[{"address": self.topic_arn, "type": "SNS"}],
            tags=environment.tags,
            # AWS tries the target when the rule is made: a topic that refuses it leaves the target UNREACHABLE.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[self._policy]),
        )


def _key_policy(region: Region, account_id: str, topic_name: str) -> str:
    topic_arn = ArnScope.of(region, account_id).topic(topic_name)
    return policies.document(
        [
            policies.key_administration(region, account_id),
            policies.key_use_through_sns(region, account_id, topic_arn),
            policies.key_use_by_publishers(topic_arn, PUBLISHERS),
        ]
    )


def _topic_policy(region: Region, account_id: str, topic_arn: str) -> str:
    """Each service is bound by the keys that AWS documents for its requests; a key that is not sent would drop them."""
    own_account = {"StringEquals": {"aws:SourceAccount": account_id}}
    arns = ArnScope.of(region, account_id)
    conditions: dict[str, policies.Statement] = {
        "cloudwatch.amazonaws.com": {**own_account, **_source(arns.alarm("*"))},
        "codestar-notifications.amazonaws.com": own_account,
        "events.amazonaws.com": _source(arns.rule("*")),
    }
    publishers = (
        policies.topic_publisher(topic_arn, service=service, condition=conditions[service]) for service in PUBLISHERS
    )
    return policies.document([*publishers, policies.topic_refuses_plain_transport(topic_arn)])


def _source(arn: str) -> policies.Statement:
    return {"ArnLike": {"aws:SourceArn": arn}}
