"""Endpoints of projects: those whose project is gone, and those that nobody asks. Both bill by the hour."""

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from tools.doctor.account import StackRegion
from tools.doctor.findings import Verdict, ok, warning

IDLE = timedelta(days=14)
"""How long nobody has asked an endpoint that is told as idle."""

SHOWN = 5
_QUERIES_A_CALL = 500
"""GetMetricData's limit."""

NAME = re.compile(r"sagemaker-(?P<project>p-[a-z0-9]+)-(?P<stage>staging|prod)")
"""The name that model-deploy gives an endpoint; SageMaker makes the project's id."""


def project_endpoints(region: StackRegion) -> Verdict:
    """Check that each endpoint of a project has its project, and was asked within 14 days, unless it is newer."""
    sagemaker = region.client("sagemaker")
    pages = sagemaker.get_paginator("list_endpoints").paginate(NameContains="sagemaker-")
    endpoints = {
        one["EndpointName"]: one for page in pages for one in page["Endpoints"] if NAME.fullmatch(one["EndpointName"])
    }
    if not endpoints:
        return ok("no project has an endpoint")
    # A project's code repository comes and goes with it.
    repositories = sagemaker.get_paginator("list_code_repositories").paginate(NameContains="-model-deploy")
    there = {one["CodeRepositoryName"] for page in repositories for one in page["CodeRepositorySummaryList"]}
    orphaned = [name for name in sorted(endpoints) if f"sagemaker-{_project(name)}-model-deploy" not in there]
    begin = region.account.now - IDLE
    old = [name for name in sorted(endpoints) if name not in orphaned and endpoints[name]["CreationTime"] < begin]
    idle = [name for name, asked in requests(region, old).items() if not sum(asked)]
    if not orphaned and not idle:
        return ok(f"{len(endpoints)} endpoints of projects, all of them asked within {IDLE.days} days or newer")
    told = [
        f"{what}: {', '.join(names[:SHOWN])}{f' and {len(names) - SHOWN} more' if len(names) > SHOWN else ''}"
        for what, names in (("no project here has it", orphaned), (f"not asked for {IDLE.days} days", idle))
        if names
    ]
    return warning(
        f"endpoints that bill all the same; {'; '.join(told)}",
        "delete what is not needed: the stack that made it, named in the endpoint's tag aws:cloudformation:stack-name; "
        "one that begins with StackSet- may be another account's deployment: ask there first",
    )


def _project(endpoint: str) -> str:
    return endpoint.removeprefix("sagemaker-").rpartition("-")[0]


def requests(region: StackRegion, endpoints: Sequence[str]) -> Mapping[str, Sequence[float]]:
    """Return how often each endpoint was asked in that time, by day, the oldest first; a day without may be missing."""
    client, now = region.client("cloudwatch"), region.account.now
    found: dict[str, list[float]] = {name: [] for name in endpoints}
    for start in range(0, len(endpoints), _QUERIES_A_CALL):
        part = endpoints[start : start + _QUERIES_A_CALL]
        queries = [_query(number, name) for number, name in enumerate(part)]
        pages = client.get_paginator("get_metric_data").paginate(
            MetricDataQueries=queries, StartTime=now - IDLE, EndTime=now, ScanBy="TimestampAscending"
        )
        for page in pages:
            for one in page["MetricDataResults"]:
                found[part[int(one["Id"][1:])]] += one["Values"]
    return found


def _query(number: int, endpoint: str) -> dict[str, Any]:
    dimensions = [{"Name": "EndpointName", "Value": endpoint}, {"Name": "VariantName", "Value": "AllTraffic"}]
    metric = {"Namespace": "AWS/SageMaker", "MetricName": "Invocations", "Dimensions": dimensions}
    return {"Id": f"e{number}", "MetricStat": {"Metric": metric, "Period": 86_400, "Stat": "Sum"}}
