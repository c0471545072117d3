"""What parts cost a month by a dated table of list prices: an estimate, never the bill."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import yaml

from tools.report.model import Cost, Endpoint, Part, Pipeline, Variant

HOURS = 730
"""Hours of a month, as AWS counts them."""


@dataclass(frozen=True, kw_only=True)
class PriceTable:
    """The table, in US dollars."""

    date: str
    """When it was written down."""
    region: str
    """Whose prices these are."""
    key_month: float
    key_10000_requests: float
    pipeline_minute: float
    build_minute: float
    storage_gb_month: float
    hosting_hour: Mapping[str, float]
    """By type of instance."""


@cache
def price_table() -> PriceTable:
    """Return the table of this release."""
    read = yaml.safe_load((files("tools.report") / "prices.yaml").read_text(encoding="utf-8"))
    return PriceTable(**{**read, "date": str(read["date"])})


def of_variants(variants: Sequence[Variant]) -> float | None:
    """Return what an endpoint costs a month; None where the table lacks one of its types, or it is serverless."""
    hourly = price_table().hosting_hour
    if any(one.instance_type not in hourly for one in variants):
        return None
    return sum(hourly[one.instance_type] * one.instances for one in variants) * HOURS


def costs(parts: Sequence[Part], pipelines: Sequence[Pipeline], endpoints: Sequence[Endpoint]) -> list[Cost]:
    """Tell what costs, part by part: what is fixed, and the price of using the rest."""
    table, there = price_table(), Counter(part.kind for part in parts if part.there is True)
    buckets = there["Artifact bucket"] + there["Distribution bucket"]
    built = sum(pipeline.kind == "CodePipeline" for pipeline in pipelines)
    fixed = there["Customer key"]
    found = [
        Cost(
            what="Customer keys",
            amount=fixed,
            monthly=fixed * table.key_month,
            by_use=f"${table.key_10000_requests} for 10,000 requests",
        ),
        Cost(what="Buckets", amount=buckets, monthly=None, by_use=f"${table.storage_gb_month} a GB and month"),
        Cost(
            what="Pipelines of CodePipeline",
            amount=built,
            monthly=None,
            by_use=f"${table.pipeline_minute} a minute beyond 100 a month; their builds ${table.build_minute} a minute",
        ),
        *_endpoints(endpoints),
    ]
    return [cost for cost in found if cost.amount]


def _endpoints(endpoints: Sequence[Endpoint]) -> Iterator[Cost]:
    known = [one for one in endpoints if one.monthly is not None]
    unknown = [one for one in endpoints if one.monthly is None]
    monthly = sum(one.monthly for one in known if one.monthly is not None)
    yield Cost(what="Endpoints", amount=len(known), monthly=monthly, by_use="")
    types = sorted({variant.instance_type or "serverless" for one in unknown for variant in one.variants})
    told = f"not in the price table: {', '.join(types)}"
    yield Cost(what="Endpoints without a price", amount=len(unknown), monthly=None, by_use=told)
