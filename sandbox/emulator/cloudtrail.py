"""AWS CloudTrail: the event history, of the events that something here asks for."""

import json
from collections import defaultdict
from typing import Any

from moto.cloudtrail.responses import CloudTrailResponse
from moto.core.utils import unix_time
from moto.moto_api._internal import mock_random

_history: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
"""Events by account and region, in the order of their time."""


def record(account: str, region: str, name: str, source: str, parameters: dict[str, Any]) -> None:
    """Write an event down, as CloudTrail does of each call; here only services that somebody asks about do it."""
    event = {"eventName": name, "eventSource": source, "awsRegion": region, "requestParameters": parameters}
    _history[account, region].append(
        {
            "EventId": str(mock_random.uuid4()),
            "EventName": name,
            "EventSource": source,
            # Whole seconds, as in AWS.
            "EventTime": int(unix_time()),
            "CloudTrailEvent": json.dumps(event),
        }
    )


def lookup_events(self: CloudTrailResponse) -> str:
    """LookupEvents: by name and time, newest first, fifty on a page."""
    names = {one["AttributeValue"] for one in self._get_param("LookupAttributes", [])}
    start, end = self._get_param("StartTime") or 0, self._get_param("EndTime") or float("inf")
    found = [
        event
        for event in reversed(_history[self.current_account, self.region])
        if (not names or event["EventName"] in names) and start <= event["EventTime"] <= end
    ]
    first, size = int(self._get_param("NextToken") or 0), int(self._get_param("MaxResults") or 50)
    more = {"NextToken": str(first + size)} if first + size < len(found) else {}
    return json.dumps({"Events": found[first : first + size], **more})


def install() -> None:
    """Add this module's operation to moto's."""
    CloudTrailResponse.lookup_events = lookup_events  # type: ignore[attr-defined] # moto lacks it
