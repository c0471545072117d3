"""What an IAM snapshot of a large account costs: time and memory of taking it and of comparing two, up to 5,000 roles.

The account is made up, the same in every run. A fake paginator gives it in pages as IAM does, so that what is measured
is ours, not the network's.
"""

import gc
import statistics
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, cast

from rich.console import Console
from rich.table import Table

from components.providers.aws_access import AwsAccess
from tests.bench.figures import ratios, spread
from tools.iam_snapshot.difference import differences
from tools.iam_snapshot.snapshot import LISTS, Snapshot, take

SIZES = (1250, 2500, 5000)
ROUNDS = 3
ACCOUNT = "111122223333"
PAGE = 100
"""Entities of a page; IAM gives fewer than it is asked for."""
POLICIES = 200
CHANGED_EVERY = 20
"""Of so many roles one is changed, in the usual case; in the worst one every role is."""
SECONDS_BARS = {"take": 5.0, "diff": 10.0, "diff, all changed": 30.0}
"""The most CPU seconds at 5,000 roles."""
MEMORY_BAR = 400.0
"""The most MB that any of them may need at its peak."""
GROWTH_BAR = 2.0
"""The most that a role may cost in the largest account, as a multiple of its cost in the smallest, which is a quarter
of it: what compares each role with each other would cost 4. Python's own care for more objects makes it more than 1."""

Details = Mapping[str, Sequence[dict[str, Any]]]


def main() -> int:
    """Measure, print, and return 1 where a bar is missed."""
    accounts = {size: _account(size, changed_every=0) for size in SIZES}
    few = {size: _account(size, changed_every=CHANGED_EVERY) for size in SIZES}
    all_ = {size: _account(size, changed_every=1) for size in SIZES}
    cases: dict[tuple[str, int], Callable[[], object]] = {}
    with tempfile.TemporaryDirectory() as name:
        for size in SIZES:
            files = [Path(name) / f"{state}-{size}.json" for state in ("old", "few", "all")]
            for path, account in zip(files, (accounts, few, all_), strict=True):
                _take(account[size], path)
            cases["take", size] = partial(_take, accounts[size], files[0])
            cases["diff", size] = partial(_diff, files[0], files[1])
            cases["diff, all changed", size] = partial(_diff, files[0], files[2])
        seconds = _measure(cases)
        peaks = {kind: _peak(cases[kind, SIZES[-1]]) for kind in ("take", "diff")}
        written = files[0].stat().st_size / 1e6
    return _report(seconds, peaks, written)


def _take(details: Details, path: Path) -> None:
    take(cast("AwsAccess", _Access(details)), "eu-west-1", lambda _: None).write(path)


def _diff(old: Path, new: Path) -> None:
    differences(Snapshot.read(old), Snapshot.read(new))


class _Access:
    """An account that IAM lists page by page, without a network."""

    def __init__(self, details: Details) -> None:
        self._details = details

    def client(self, service: str, region: str) -> "_Access":  # noqa: ARG002 - the signature of AwsAccess
        return self

    def get_caller_identity(self) -> dict[str, str]:
        return {"Account": ACCOUNT, "Arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/administrator/me"}

    def get_paginator(self, operation: str) -> "_Access":  # noqa: ARG002 - botocore's signature
        return self

    def paginate(self, Filter: Sequence[str], PaginationConfig: object) -> Iterator[dict[str, Any]]:  # noqa: ARG002
        titles = ("Policies",) if "LocalManagedPolicy" in Filter else ("RoleDetailList",)
        for title in titles:
            entries = self._details[title]
            for start in range(0, len(entries), PAGE):
                yield {title: entries[start : start + PAGE]}


def _account(size: int, changed_every: int) -> Details:
    roles = [_role(number, changed=bool(changed_every) and not number % changed_every) for number in range(size)]
    return {**{title: [] for title in LISTS.values()}, "RoleDetailList": roles, "Policies": _policies()}


def _role(number: int, *, changed: bool) -> dict[str, Any]:
    """A role with two inline policies, two attached ones, a trust policy and tags; a changed one has other rights."""
    service = ("sagemaker", "codebuild", "lambda", "glue", "ec2")[number % 5]
    reading = [f"s3:{verb}" for verb in ("GetObject", "GetObjectTagging", "ListBucket")[: 2 + number % 2]]
    statements = [
        {
            "Sid": f"Statement{place}",
            "Effect": "Deny" if place == 5 else "Allow",
            "Action": [*reading, *(["s3:PutObject"] if changed and place == 0 else []), f"kms:Decrypt{place}"],
            "Resource": [f"arn:aws:s3:::bucket-{number}-{place}", f"arn:aws:s3:::bucket-{number}-{place}/*"],
            "Condition": {"StringEquals": {"aws:ResourceAccount": ACCOUNT}},
        }
        for place in range(6)
    ]
    document = {"Version": "2012-10-17", "Statement": statements}
    trust = {"Effect": "Allow", "Principal": {"Service": f"{service}.amazonaws.com"}, "Action": "sts:AssumeRole"}
    chosen = [f"arn:aws:iam::{ACCOUNT}:policy/own-{(number * step) % POLICIES}" for step in (1, 7)]
    return {
        "Path": "/",
        "RoleName": f"role-{number}",
        "RoleId": f"AROAEXAMPLE{number:08}",
        "Arn": f"arn:aws:iam::{ACCOUNT}:role/role-{number}",
        "CreateDate": datetime(2026, 1, 1, tzinfo=UTC),
        "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
        "RolePolicyList": [{"PolicyName": name, "PolicyDocument": document} for name in ("one", "two")],
        "AttachedManagedPolicies": [{"PolicyName": arn.rpartition("/")[2], "PolicyArn": arn} for arn in set(chosen)],
        "InstanceProfileList": [],
        "Tags": [{"Key": "owner", "Value": f"team-{number % 40}"}, {"Key": "cost", "Value": str(number % 7)}],
        "RoleLastUsed": {"LastUsedDate": datetime(2026, 5, 1, tzinfo=UTC), "Region": "eu-west-1"},
    }


def _policies() -> list[dict[str, Any]]:
    statement = {"Effect": "Allow", "Action": ["sagemaker:Create*", "sagemaker:Describe*"], "Resource": "*"}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    return [
        {
            "PolicyName": f"own-{number}",
            "PolicyId": f"ANPAEXAMPLE{number:08}",
            "Arn": f"arn:aws:iam::{ACCOUNT}:policy/own-{number}",
            "DefaultVersionId": "v1",
            "PolicyVersionList": [{"VersionId": "v1", "IsDefaultVersion": True, "Document": document}],
        }
        for number in range(POLICIES)
    ]


def _measure(cases: Mapping[tuple[str, int], Callable[[], object]]) -> dict[tuple[str, int], list[float]]:
    seconds: dict[tuple[str, int], list[float]] = {case: [] for case in cases}
    # The made-up accounts would make every collection of garbage slow, as nothing does for who uses the tool.
    gc.freeze()
    # Round by round, so that a slow minute of the machine slows all cases alike.
    for _ in range(ROUNDS):
        for name, case in cases.items():
            started = time.process_time()
            case()
            seconds[name].append(time.process_time() - started)
    return seconds


def _peak(case: Callable[[], object]) -> float:
    """MB that a case needs at its peak, beside what it is given."""
    tracemalloc.start()
    case()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


def _report(seconds: Mapping[tuple[str, int], Sequence[float]], peaks: Mapping[str, float], written: float) -> int:
    console = Console(highlight=False)
    table = Table("roles", *(f"{kind}, s" for kind in SECONDS_BARS), title="IAM snapshots: CPU time")
    for size in SIZES:
        table.add_row(str(size), *(spread(seconds[kind, size]) for kind in SECONDS_BARS))
    console.print(table)
    least, most = SIZES[0], SIZES[-1]
    growth = {
        kind: [value * least / most for value in ratios(seconds[kind, most], seconds[kind, least])]
        for kind in SECONDS_BARS
    }
    for kind, values in growth.items():
        console.print(f"{kind}: a role costs {spread(values)} times as much at {most} as at {least}", soft_wrap=True)
    console.print(f"peak memory at {most} roles: {', '.join(f'{kind} {peak:.0f} MB' for kind, peak in peaks.items())}")
    console.print(f"the file of {most} roles: {written:.1f} MB; 1 in {CHANGED_EVERY} roles differs, or each of them")
    verdicts = {
        **{
            f"{kind} of {most} roles takes under {bar:g} s": statistics.median(seconds[kind, most]) < bar
            for kind, bar in SECONDS_BARS.items()
        },
        f"each takes under {MEMORY_BAR:g} MB": max(peaks.values()) < MEMORY_BAR,
        f"a role costs at most {GROWTH_BAR} times as much among {most} as among {least}": all(
            statistics.median(values) <= GROWTH_BAR for values in growth.values()
        ),
    }
    for bar, met in verdicts.items():
        console.print(f"{'met   ' if met else 'MISSED'}  {bar}")
    return 0 if all(verdicts.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
