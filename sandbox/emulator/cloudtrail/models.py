"""AWS CloudTrail: the event history, of the events that something here asks for."""

import json
from collections import defaultdict
from typing import Any

from moto.core.utils import unix_time
from moto.moto_api._internal import mock_random

history: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
"""Events by account and region, in the order of their time."""


def record(account: str, region: str, name: str, source: str, parameters: dict[str, Any]) -> None:
    """Write an event down, as CloudTrail does of each call; here only services that somebody asks about do it."""
    event = {"eventName": name, "eventSource": source, "awsRegion": region, "requestParameters": parameters}
    history[account, region].append(
        {
            "EventId": str(mock_random.uuid4()),
            "EventName": name,
            "EventSource": source,
            # Whole seconds, as in AWS.
            "EventTime": int(unix_time()),
            "CloudTrailEvent": json.dumps(event),
        }
    )
