"""What is particular to notification rules: their targets outlive them."""

from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.provider.registry import handler
from sandbox.provider.resource import Change

RULE = "aws:codestarnotifications/notificationRule:NotificationRule"
ONE, TWO = ({"address": f"arn:aws:sns:eu-west-1:111122223333:{name}", "type": "SNS"} for name in ("one", "two"))
STATE = {"name": "rule", "detailType": "FULL", "eventTypeIds": ["event"], "targets": [ONE, TWO]}


class Rules:
    """Tells which calls were made; a target may be one that other rules have, or that may not be forgotten."""

    def __init__(self, refusal: str = "") -> None:
        self.calls: list[tuple[str, str]] = []
        self._refusal = refusal

    def delete_notification_rule(self, *, Arn: str) -> None:
        self.calls.append(("rule", Arn))

    def update_notification_rule(self, *, Arn: str, **_: object) -> None:
        self.calls.append(("update", Arn))

    def delete_target(self, *, TargetAddress: str, ForceUnsubscribeAll: bool) -> None:
        assert ForceUnsubscribeAll is False
        self.calls.append(("target", TargetAddress))
        if self._refusal:
            raise ClientError({"Error": {"Code": "ValidationException", "Message": self._refusal}}, "DeleteTarget")


def aws(rules: Rules) -> Any:
    return SimpleNamespace(client=lambda _: rules)


def test_a_rule_goes_before_its_targets() -> None:
    rules = Rules()
    handler(RULE).delete(aws(rules), "arn", STATE)
    assert rules.calls == [("rule", "arn"), ("target", ONE["address"]), ("target", TWO["address"])]


def test_a_target_that_a_rule_no_longer_has_is_forgotten() -> None:
    rules = Rules()
    handler(RULE).configure(aws(rules), "arn", Change(STATE, {**STATE, "targets": [ONE]}))
    assert rules.calls == [("update", "arn"), ("target", TWO["address"])]


def test_a_target_that_another_rule_has_stays_and_any_other_refusal_fails() -> None:
    handler(RULE).delete(aws(Rules("This target cannot be deleted because it is subscribed to 1 rules.")), "arn", STATE)
    with pytest.raises(ClientError, match="denied"):
        handler(RULE).delete(aws(Rules("denied")), "arn", STATE)
