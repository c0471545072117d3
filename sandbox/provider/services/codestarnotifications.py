"""Handlers of `aws:codestarnotifications/*`."""

from collections.abc import Mapping
from typing import ClassVar

from botocore.exceptions import ClientError

from sandbox.provider.aws import Aws
from sandbox.provider.resource import Change, Resource, Tagging
from sandbox.provider.values import Properties, Value, present

SUBSCRIBED = "target cannot be deleted because it is subscribed"


class NotificationRule(Resource):
    """A rule that tells topics what happens to a developer tool."""

    kind = "aws:codestarnotifications/notificationRule:NotificationRule"
    service = "codestar-notifications"
    replaces = frozenset({"resource"})
    updates = frozenset({"detailType", "eventTypeIds", "name", "status", "tags", "targets"})
    computed = frozenset({"arn"})
    defaults: ClassVar = {"status": "ENABLED"}
    name = "name"
    unordered = frozenset({"eventTypeIds", "targets"})
    server_side = frozenset({"status", "type"})
    absent = frozenset({"ResourceNotFoundException"})
    tagged = True
    tagging = Tagging(member="Arn", form=dict)

    def create(self, aws: Aws, inputs: Properties) -> str:
        """CreateNotificationRule."""
        made = aws.client(self.service).create_notification_rule(
            Resource=inputs["resource"], Tags=inputs.get("tags", {}), **_arguments(inputs)
        )
        return str(made["Arn"])

    def configure(self, aws: Aws, ident: str, change: Change) -> None:
        """UpdateNotificationRule."""
        if change.old and change.any("detailType", "eventTypeIds", "name", "status", "targets"):
            aws.client(self.service).update_notification_rule(Arn=ident, **_arguments(dict(change.new)))
        if "targets" in change:
            self._forget(aws, _addresses(change.old) - _addresses(change.new))

    def read(self, aws: Aws, ident: str) -> Properties:
        """DescribeNotificationRule."""
        found = aws.client(self.service).describe_notification_rule(Arn=ident)
        targets = [
            {"address": target["TargetAddress"], "status": target["TargetStatus"], "type": target["TargetType"]}
            for target in found["Targets"]
        ]
        return {
            "arn": ident,
            "detailType": found["DetailType"],
            "eventTypeIds": [event["EventTypeId"] for event in found["EventTypes"]],
            "name": found["Name"],
            "resource": found["Resource"],
            "status": found["Status"],
            "tagsAll": found.get("Tags", {}),
            "targets": targets,
        }

    def delete(self, aws: Aws, ident: str, state: Properties) -> None:
        """DeleteNotificationRule, then DeleteTarget of each target that no other rule has."""
        aws.client(self.service).delete_notification_rule(Arn=ident)
        self._forget(aws, _addresses(state))

    def _forget(self, aws: Aws, addresses: set[str]) -> None:
        for address in sorted(addresses):
            try:
                aws.client(self.service).delete_target(TargetAddress=address, ForceUnsubscribeAll=False)
            except ClientError as error:
                # The official plugin passes over this alone.
                if SUBSCRIBED not in str(error):
                    raise


def _addresses(properties: Mapping[str, Value]) -> set[str]:
    return {str(target["address"]) for target in properties.get("targets") or []}


def _arguments(inputs: Properties) -> dict[str, object]:
    targets = [
        {"TargetAddress": target["address"], "TargetType": target.get("type", "SNS")}
        for target in inputs.get("targets", [])
    ]
    return present(
        DetailType=inputs["detailType"],
        EventTypeIds=inputs["eventTypeIds"],
        Name=inputs["name"],
        Status=inputs.get("status"),
        Targets=targets,
    )
