"""Handlers of `aws:budgets/*`. Budgets belong to no region."""
# ruff: noqa: ARG002 - the handlers share one signature

from datetime import UTC, datetime
from typing import Any, ClassVar

from sandbox.provider.aws import Aws
from sandbox.provider.resource import Change, Resource
from sandbox.provider.values import Names, Properties, present, tag_list, tag_map

SERVICE = "budgets"
NAMES = Names({})
TIME = "%Y-%m-%d_%H:%M"
FOR_EVER = "2087-06-15_00:00"
"""The end that AWS gives to a budget without one."""
SUBSCRIBERS = {"subscriberEmailAddresses": "EMAIL", "subscriberSnsTopicArns": "SNS"}


class Budget(Resource):
    """A budget with its notifications; its id is `<account>:<name>`."""

    kind = "aws:budgets/budget:Budget"
    service = SERVICE
    replaces = frozenset({"accountId", "name"})
    own: ClassVar = (
        "budgetType",
        "costFilters",
        "costTypes",
        "limitAmount",
        "limitUnit",
        "timePeriodEnd",
        "timePeriodStart",
        "timeUnit",
    )
    updates = frozenset({*own, "notifications", "tags"})
    computed = frozenset({"arn"})
    keeps = frozenset({"accountId", "costFilters", "costTypes", "limitAmount", "limitUnit", "timePeriodStart"})
    defaults: ClassVar = {"timePeriodEnd": FOR_EVER}
    name = "name"
    unordered = frozenset({"costFilters", "notifications"})
    server_side = frozenset(
        {f"include{what}" for what in ("Credit", "Discount", "OtherSubscription", "Recurring", "Refund")}
        | {f"include{what}" for what in ("Subscription", "Support", "Tax", "Upfront")}
        | {"useAmortized", "useBlended"}
    )
    absent = frozenset({"NotFoundException"})
    tagged = True
    regional = False

    def create(self, aws: Aws, inputs: Properties) -> str:
        """CreateBudget."""
        account = inputs.get("accountId", aws.account)
        notifications = [
            {"Notification": _notification(wanted), "Subscribers": _subscribers(wanted)}
            for wanted in inputs.get("notifications", [])
        ]
        aws.client(SERVICE).create_budget(
            AccountId=account,
            Budget=_budget(inputs),
            NotificationsWithSubscribers=notifications,
            ResourceTags=tag_list(inputs.get("tags", {})),
        )
        return f"{account}:{inputs['name']}"

    def configure(self, aws: Aws, ident: str, change: Change) -> None:
        """UpdateBudget, and new notifications in place of the old."""
        if not change.old:
            return
        budgets = aws.client(SERVICE)
        account, name = ident.split(":", 1)
        if change.any(*self.own):
            budgets.update_budget(AccountId=account, NewBudget=_budget({**change.new, "name": name}))
        if "notifications" not in change:
            return
        for gone in change.old.get("notifications", []):
            budgets.delete_notification(AccountId=account, BudgetName=name, Notification=_notification(gone))
        for wanted in change["notifications"] or []:
            budgets.create_notification(
                AccountId=account,
                BudgetName=name,
                Notification=_notification(wanted),
                Subscribers=_subscribers(wanted),
            )

    def retag(self, aws: Aws, ident: str, tags: dict[str, str], gone: list[str]) -> None:
        """TagResource and UntagResource."""
        if gone:
            aws.client(SERVICE).untag_resource(ResourceARN=_arn(aws, ident), ResourceTagKeys=gone)
        if tags:
            aws.client(SERVICE).tag_resource(ResourceARN=_arn(aws, ident), ResourceTags=tag_list(tags))

    def read(self, aws: Aws, ident: str) -> Properties:
        """DescribeBudget, its notifications, whom they tell, and its tags."""
        budgets = aws.client(SERVICE)
        account, name = ident.split(":", 1)
        found = budgets.describe_budget(AccountId=account, BudgetName=name)["Budget"]
        limit, period = found.get("BudgetLimit", {}), found["TimePeriod"]
        filters = sorted(found.get("CostFilters", {}).items())
        return {
            "accountId": account,
            "arn": _arn(aws, ident),
            "budgetType": found["BudgetType"],
            "costFilters": [{"name": key, "values": values} for key, values in filters],
            "costTypes": NAMES.from_api(found.get("CostTypes")),
            "limitAmount": limit.get("Amount"),
            "limitUnit": limit.get("Unit"),
            "name": name,
            "notifications": _read_notifications(aws, account, name),
            "tagsAll": tag_map(budgets.list_tags_for_resource(ResourceARN=_arn(aws, ident))["ResourceTags"]),
            "timePeriodEnd": period["End"].astimezone(UTC).strftime(TIME),
            "timePeriodStart": period["Start"].astimezone(UTC).strftime(TIME),
            "timeUnit": found["TimeUnit"],
        }

    def delete(self, aws: Aws, ident: str, state: Properties) -> None:
        """DeleteBudget, its notifications included."""
        account, name = ident.split(":", 1)
        aws.client(SERVICE).delete_budget(AccountId=account, BudgetName=name)


def _arn(aws: Aws, ident: str) -> str:
    account, name = ident.split(":", 1)
    return f"arn:{aws.partition}:budgets::{account}:budget/{name}"


def _budget(inputs: Properties) -> dict[str, Any]:
    limit = {"Amount": inputs.get("limitAmount"), "Unit": inputs.get("limitUnit")}
    start = inputs.get("timePeriodStart")
    filters: dict[str, list[str]] = {}
    for one in inputs.get("costFilters", []):
        filters.setdefault(one["name"], []).extend(one["values"])
    return present(
        BudgetName=inputs["name"],
        BudgetType=inputs["budgetType"],
        BudgetLimit=limit if limit["Amount"] else None,
        CostFilters=filters,
        CostTypes=NAMES.to_api(inputs.get("costTypes")),
        TimePeriod=present(Start=_time(start) if start else None, End=_time(inputs["timePeriodEnd"])),
        TimeUnit=inputs["timeUnit"],
    )


def _time(text: str) -> datetime:
    return datetime.strptime(text, TIME).replace(tzinfo=UTC)


def _notification(properties: Properties) -> dict[str, Any]:
    plain = {key: value for key, value in properties.items() if key not in SUBSCRIBERS}
    return dict(NAMES.to_api(plain))


def _subscribers(properties: Properties) -> list[dict[str, str]]:
    return [
        {"SubscriptionType": kind, "Address": address}
        for key, kind in SUBSCRIBERS.items()
        for address in properties.get(key) or []
    ]


def _read_notifications(aws: Aws, account: str, name: str) -> list[Properties]:
    budgets, found = aws.client(SERVICE), []
    budget = {"AccountId": account, "BudgetName": name}
    for one in budgets.describe_notifications_for_budget(**budget)["Notifications"]:
        one.pop("NotificationState", None)
        told = budgets.describe_subscribers_for_notification(**budget, Notification=one)["Subscribers"]
        addresses = {
            key: [subscriber["Address"] for subscriber in told if subscriber["SubscriptionType"] == kind]
            for key, kind in SUBSCRIBERS.items()
        }
        found.append({**NAMES.from_api(one), **{key: listed for key, listed in addresses.items() if listed}})
    return found
