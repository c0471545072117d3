"""AWS CloudTrail: the event history."""

import json

from moto.cloudtrail.responses import CloudTrailResponse

from sandbox.emulator.cloudtrail.models import history
from sandbox.emulator.core.extension import replaces


@replaces(CloudTrailResponse)
def lookup_events(self: CloudTrailResponse) -> str:
    """LookupEvents: by name and time, newest first, fifty on a page."""
    names = {one["AttributeValue"] for one in self._get_param("LookupAttributes", [])}
    start, end = self._get_param("StartTime") or 0, self._get_param("EndTime") or float("inf")
    found = [
        event
        for event in reversed(history[self.current_account, self.region])
        if (not names or event["EventName"] in names) and start <= event["EventTime"] <= end
    ]
    first, size = int(self._get_param("NextToken") or 0), int(self._get_param("MaxResults") or 50)
    more = {"NextToken": str(first + size)} if first + size < len(found) else {}
    return json.dumps({"Events": found[first : first + size], **more})
