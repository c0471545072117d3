"""AWS CodeStar Notifications: requests and answers."""

import json
from typing import Any

from moto.core.responses import BaseResponse

from sandbox.emulator.codestarnotifications.models import (
    EVENT_TYPES,
    CodeStarNotificationsBackend,
    addresses,
    codestarnotifications_backends,
    event_types,
)


class CodeStarNotificationsResponse(BaseResponse):
    """One method per operation, as moto dispatches them."""

    def __init__(self) -> None:
        super().__init__(service_name="codestar-notifications")

    @property
    def backend(self) -> CodeStarNotificationsBackend:
        """The backend of the request's account and region."""
        return codestarnotifications_backends[self.current_account][self.region]

    @property
    def _request(self) -> dict[str, Any]:
        request: dict[str, Any] = json.loads(self.body or "{}")
        return request

    def create_notification_rule(self) -> str:
        """CreateNotificationRule."""
        return json.dumps({"Arn": self.backend.create(self._request)})

    def describe_notification_rule(self) -> str:
        """DescribeNotificationRule."""
        rule = dict(self.backend.get(self._request["Arn"]))
        service = rule["Resource"].split(":")[2]
        rule["EventTypes"] = [{"EventTypeId": name, "ServiceName": service} for name in rule["EventTypes"]]
        del rule["token"]
        return json.dumps(rule)

    def update_notification_rule(self) -> str:
        """UpdateNotificationRule."""
        self.backend.update(self._request["Arn"], self._request)
        return "{}"

    def delete_notification_rule(self) -> str:
        """DeleteNotificationRule; a rule that is gone already is no error."""
        self.backend.rules.pop(self._request["Arn"], None)
        return json.dumps({"Arn": self._request["Arn"]})

    def list_notification_rules(self) -> str:
        """ListNotificationRules, with the API's filters."""
        readers = {
            "RESOURCE": lambda rule: [rule["Resource"]],
            "CREATED_BY": lambda rule: [rule["CreatedBy"]],
            "EVENT_TYPE_ID": lambda rule: rule["EventTypes"],
            "TARGET_ADDRESS": addresses,
        }
        filters = self._request.get("Filters", [])
        found = [
            {"Id": arn.rsplit("/", 1)[-1], "Arn": arn}
            for arn, rule in self.backend.rules.items()
            if all(wanted["Value"] in readers[wanted["Name"]](rule) for wanted in filters)
        ]
        return json.dumps({"NotificationRules": found})

    def list_event_types(self) -> str:
        """ListEventTypes of every service."""
        found = [
            {"EventTypeId": name, "ServiceName": service} for service in EVENT_TYPES for name in event_types(service)
        ]
        return json.dumps({"EventTypes": found})

    def list_targets(self) -> str:
        """ListTargets."""
        return json.dumps({"Targets": self.backend.targets()})

    def delete_target(self) -> str:
        """DeleteTarget."""
        request = self._request
        self.backend.delete_target(request["TargetAddress"], request.get("ForceUnsubscribeAll", False))
        return "{}"

    def subscribe(self) -> str:
        """Subscribe a target to a rule."""
        self.backend.subscribe(self._request["Arn"], self._request["Target"])
        return json.dumps({"Arn": self._request["Arn"]})

    def unsubscribe(self) -> str:
        """Unsubscribe a target from a rule."""
        self.backend.unsubscribe(self._request["Arn"], self._request["TargetAddress"])
        return json.dumps({"Arn": self._request["Arn"]})

    def list_tags_for_resource(self) -> str:
        """ListTagsForResource."""
        return json.dumps({"Tags": self.backend.get(self._request["Arn"])["Tags"]})

    def tag_resource(self) -> str:
        """TagResource."""
        tags = self.backend.get(self._request["Arn"])["Tags"]
        tags |= self._request["Tags"]
        return json.dumps({"Tags": tags})

    def untag_resource(self) -> str:
        """UntagResource; the ARN is part of the path, the keys are in the query."""
        tags = self.backend.get(self._get_param("resourceArn"))["Tags"]
        for key in self.querystring.get("tagKeys", []):
            tags.pop(key, None)
        return "{}"
