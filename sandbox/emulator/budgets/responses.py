"""AWS Budgets: changes of a budget, whom its notifications tell, and tags, all of which moto lacks."""

import json
import re
from datetime import UTC, datetime
from typing import Any

from moto.budgets.exceptions import BudgetMissingLimit, NotFoundException
from moto.budgets.models import Budget, Notification
from moto.budgets.responses import BudgetsResponse

from sandbox.emulator.core.errors import ServiceError
from sandbox.emulator.core.extension import replaces

NAME = re.compile(r"(?![^:\\]*/action/)[^:\\]{1,100}")
MAX_SUBSCRIBERS = 11
FOR_EVER = datetime(2087, 6, 15, tzinfo=UTC).timestamp()
LIMITS = ("BudgetLimit", "PlannedBudgetLimits", "AutoAdjustData")


def _budgets(response: BudgetsResponse) -> dict[str, Budget]:
    return response.backend.budgets[response._get_param("AccountId") or response.current_account]


def _budget(response: BudgetsResponse) -> Budget:
    name = response._get_param("BudgetName") or response._get_param("ResourceARN").rsplit(":budget/", 1)[-1]
    if name not in _budgets(response):
        raise NotFoundException(f"Unable to get budget: {name} - the budget doesn't exist.")
    return _budgets(response)[name]


def _notification(response: BudgetsResponse) -> Notification:
    wanted = response._get_param("Notification")
    for notification in _budget(response).notifications:
        if notification.details == wanted:
            return notification
    raise NotFoundException("Unable to get notification - the notification doesn't exist.")


def _with_period(budget: dict[str, Any]) -> dict[str, Any]:
    month = datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return {**budget, "TimePeriod": {"Start": month.timestamp(), "End": FOR_EVER, **budget.get("TimePeriod", {})}}


def _check_subscribers(subscribers: list[dict[str, str]]) -> None:
    if not 1 <= len(subscribers) <= MAX_SUBSCRIBERS:
        raise ServiceError("InvalidParameterException", f"A notification has 1 to {MAX_SUBSCRIBERS} subscribers.")


@replaces(BudgetsResponse)
def create_budget(self: BudgetsResponse) -> str:
    """CreateBudget, with a period and tags."""
    budget, notifications = self._get_param("Budget"), self._get_param("NotificationsWithSubscribers", [])
    if not NAME.fullmatch(budget["BudgetName"]):
        raise ServiceError("InvalidParameterException", f"Invalid budget name {budget['BudgetName']!r}.")
    for notification in notifications:
        _check_subscribers(notification["Subscribers"])
    self.backend.create_budget(self._get_param("AccountId"), _with_period(budget), notifications)
    made = _budgets(self)[budget["BudgetName"]]
    made.tags = {tag["Key"]: tag["Value"] for tag in self._get_param("ResourceTags", [])}  # type: ignore[attr-defined] # a field that moto lacks
    return "{}"


@replaces(BudgetsResponse)
def update_budget(self: BudgetsResponse) -> str:
    """UpdateBudget, which leaves the notifications as they are."""
    wanted = self._get_param("NewBudget")
    if wanted["BudgetName"] not in _budgets(self):
        raise NotFoundException(f"Unable to update budget: {wanted['BudgetName']} - the budget doesn't exist.")
    if not any(limit in wanted for limit in LIMITS):
        raise BudgetMissingLimit
    _budgets(self)[wanted["BudgetName"]].budget = _with_period(wanted)
    return "{}"


@replaces(BudgetsResponse)
def create_notification(self: BudgetsResponse) -> str:
    """CreateNotification."""
    _check_subscribers(self._get_param("Subscribers"))
    _budget(self).add_notification(self._get_param("Notification"), self._get_param("Subscribers"))
    return "{}"


@replaces(BudgetsResponse)
def delete_notification(self: BudgetsResponse) -> str:
    """DeleteNotification."""
    _budget(self).delete_notification(_notification(self).details)
    return "{}"


@replaces(BudgetsResponse)
def describe_subscribers_for_notification(self: BudgetsResponse) -> str:
    """DescribeSubscribersForNotification."""
    return json.dumps({"Subscribers": _notification(self).subscribers})


@replaces(BudgetsResponse)
def describe_notifications_for_budget(self: BudgetsResponse) -> str:
    """DescribeNotificationsForBudget; nothing is ever spent, so no alarm is on."""
    found = [{**one, "NotificationState": "OK"} for one in _budget(self).get_notifications()]
    return json.dumps({"Notifications": found})


def _tags(response: BudgetsResponse) -> dict[str, str]:
    tags: dict[str, str] = _budget(response).tags  # type: ignore[attr-defined] # create_budget sets it
    return tags


@replaces(BudgetsResponse)
def list_tags_for_resource(self: BudgetsResponse) -> str:
    """ListTagsForResource."""
    return json.dumps({"ResourceTags": [{"Key": key, "Value": value} for key, value in _tags(self).items()]})


@replaces(BudgetsResponse)
def tag_resource(self: BudgetsResponse) -> str:
    """TagResource."""
    _tags(self).update({tag["Key"]: tag["Value"] for tag in self._get_param("ResourceTags")})
    return "{}"


@replaces(BudgetsResponse)
def untag_resource(self: BudgetsResponse) -> str:
    """UntagResource."""
    for key in self._get_param("ResourceTagKeys"):
        _tags(self).pop(key, None)
    return "{}"
