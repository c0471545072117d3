"""AWS SNS: e-mail subscriptions wait for a person, which moto takes as done."""

from moto.sns.models import SNSBackend, Subscription

CONFIRMED_BY_A_PERSON = ("email", "email-json")
PENDING = "PendingConfirmation"

_subscribe = SNSBackend.subscribe


def is_pending(subscription: Subscription) -> bool:
    """Whether a subscription waits for a person."""
    return bool(subscription.attributes[PENDING])


def subscribe(self: SNSBackend, topic_arn: str, endpoint: str, protocol: str) -> Subscription:
    """Make or find a subscription; a new one to an e-mail address is pending."""
    known = set(self.subscriptions)
    subscription = _subscribe(self, topic_arn, endpoint, protocol)
    if protocol in CONFIRMED_BY_A_PERSON and subscription.arn not in known:
        subscription.attributes |= {PENDING: True, "ConfirmationWasAuthenticated": False}
    return subscription


def install() -> None:
    """Put this module's operation in the place of moto's."""
    SNSBackend.subscribe = subscribe  # type: ignore[method-assign]
