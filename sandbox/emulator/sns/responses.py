"""AWS SNS: what is answered about a subscription that waits for a person."""

from moto.core.responses import ActionResult, EmptyResult
from moto.sns.exceptions import SNSInvalidParameter, SNSNotFoundError
from moto.sns.models import Subscription
from moto.sns.responses import SNSResponse

from sandbox.emulator.core.extension import replaces
from sandbox.emulator.sns.models import PENDING, is_pending


@replaces(SNSResponse)
def subscribe(self: SNSResponse) -> ActionResult:
    """Subscribe; of a pending subscription the ARN is told only to a caller that asks for it."""
    topic, endpoint, protocol = (self._get_param(name) for name in ("TopicArn", "Endpoint", "Protocol"))
    subscription = self.backend.subscribe(topic, endpoint, protocol)
    attributes = self._get_attributes() or {}
    # The scope decides how the filter policy is checked, so it goes first.
    for name in sorted(attributes, key=lambda name: name != "FilterPolicyScope"):
        self.backend.set_subscription_attributes(subscription.arn, name, attributes[name])
    hidden = is_pending(subscription) and not self._get_param("ReturnSubscriptionArn")
    return ActionResult({"SubscriptionArn": "pending confirmation" if hidden else subscription.arn})


@replaces(SNSResponse)
def unsubscribe(self: SNSResponse) -> ActionResult:
    """Unsubscribe; AWS refuses it while the subscription is pending, and forgets that one in time."""
    arn = self._get_param("SubscriptionArn")
    subscription = self.backend.subscriptions.get(arn)
    if subscription and is_pending(subscription):
        raise SNSInvalidParameter(
            "Invalid parameter: SubscriptionArn Reason: Cannot unsubscribe a subscription that is pending confirmation"
        )
    self.backend.unsubscribe(arn)
    return EmptyResult()


def _listed(subscriptions: list[Subscription]) -> list[dict[str, str]]:
    return [
        {
            "SubscriptionArn": PENDING if is_pending(subscription) else subscription.arn,
            "Owner": subscription.owner,
            "Protocol": subscription.protocol,
            "Endpoint": subscription.endpoint,
            "TopicArn": subscription.topic_arn,
        }
        for subscription in subscriptions
    ]


@replaces(SNSResponse)
def list_subscriptions(self: SNSResponse) -> ActionResult:
    """ListSubscriptions; a pending one has no ARN in the list."""
    found, token = self.backend.list_subscriptions(next_token=self._get_param("NextToken"))
    return ActionResult({"Subscriptions": _listed(found), "NextToken": token})


@replaces(SNSResponse)
def list_subscriptions_by_topic(self: SNSResponse) -> ActionResult:
    """ListSubscriptionsByTopic; a pending one has no ARN in the list."""
    topic = self._get_param("TopicArn")
    if topic not in self.backend.topics:
        raise SNSNotFoundError("Topic does not exist")
    found, token = self.backend.list_subscriptions_by_topic(topic, next_token=self._get_param("NextToken"))
    return ActionResult({"Subscriptions": _listed(found), "NextToken": token})
