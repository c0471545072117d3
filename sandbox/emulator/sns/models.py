"""AWS SNS: e-mail subscriptions wait for a person, which moto takes as done."""

from moto.sns.models import SNSBackend, Subscription

from sandbox.emulator.core.extension import replaces

CONFIRMED_BY_A_PERSON = ("email", "email-json")
PENDING = "PendingConfirmation"

_subscribe = SNSBackend.subscribe


def is_pending(subscription: Subscription) -> bool:
    """Whether a subscription waits for a person."""
    return bool(subscription.attributes[PENDING])


@replaces(SNSBackend)
def subscribe(self: SNSBackend, topic_arn: str, endpoint: str, protocol: str) -> Subscription:
    """Make or find a subscription; a new one to an e-mail address is pending."""
    known = set(self.subscriptions)
    subscription = _subscribe(self, topic_arn, endpoint, protocol)
    if protocol in CONFIRMED_BY_A_PERSON and subscription.arn not in known:
        subscription.attributes |= {PENDING: True, "ConfirmationWasAuthenticated": False}
    return subscription
