"""What CloudTrail's event history tells of associations: who was associated with which portfolio, and when."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types_boto3_cloudtrail import CloudTrailClient
    from types_boto3_cloudtrail.type_defs import EventTypeDef

HISTORY = timedelta(days=90)
"""How long the event history of an account goes back."""

LAG = timedelta(minutes=15)
"""How late an event may show in it."""

_EVENT = "AssociatePrincipalWithPortfolio"


@dataclass(frozen=True)
class Associations:
    """Associations with portfolios of one region."""

    events: tuple[tuple[datetime, str, str], ...]
    """When, of whom, with which portfolio."""

    def after(self, moment: datetime, principal: str, portfolio_id: str) -> bool:
        """Whether somebody has associated a principal with a portfolio since. Events carry whole seconds."""
        start = moment.replace(microsecond=0)
        return any(when >= start and (who, what) == (principal, portfolio_id) for when, who, what in self.events)


def associations(cloudtrail: "CloudTrailClient", since: datetime) -> Associations:
    """Every association with a portfolio of the region since a moment."""
    pages = cloudtrail.get_paginator("lookup_events").paginate(
        LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": _EVENT}],
        StartTime=since.replace(microsecond=0),
    )
    return Associations(tuple(_read(event for page in pages for event in page["Events"])))


def _read(events: "Iterable[EventTypeDef]") -> Iterable[tuple[datetime, str, str]]:
    for event in events:
        record = json.loads(event["CloudTrailEvent"])
        asked = {key.lower(): value for key, value in (record.get("requestParameters") or {}).items()}
        if not record.get("errorCode"):
            yield event["EventTime"], asked.get("principalarn", ""), asked.get("portfolioid", "")
