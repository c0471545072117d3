"""Whether `pulumi up` waits for AWS longer than AWS itself demands: every call is slowed, and the longest chain told.

A chain is what must happen one after another: the calls of a resource, after those of whatever it depends on. If
nothing else makes the engine wait, an `up` with slow calls takes longer by the longest chain, times the delay.
"""

import json
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from sandbox.faults import SandboxError
from sandbox.world import World
from tests.support.loopback_proxy import Call, delayed, proxy
from tests.support.recording import EXAMPLE

DELAYS = (0.1, 0.5)
"""Seconds added to each call. The longer one leaves no work to hide behind: it tells the chain itself."""

ATTRIBUTION_DELAY = 0.02
"""Seconds added where calls are only counted, one resource at a time: far more than the engine's own events take."""

WORKERS = 512
"""Resources that the engine works on at once: more than there are."""

BAR = 1.3
"""The most that an `up` may be slowed, as a multiple of its longest chain."""


@dataclass(frozen=True)
class Run:
    """One `pulumi up` from nothing."""

    seconds: float
    calls: Sequence[Call]
    calls_of: Mapping[str, int]
    """Calls by URN of what AWS holds, as far as the resources were worked on one at a time."""
    resources: Sequence[Mapping[str, Any]]
    """The stack's resources, as the engine's state has them."""


@dataclass(frozen=True)
class Link:
    """A resource of a chain."""

    urn: str
    calls: int


def main() -> int:
    """Measure the example's dev stack; 1 where the bar is missed."""
    console = Console(highlight=False, soft_wrap=True)
    try:
        counted = _up(ATTRIBUTION_DELAY, workers=1)
        fast, *slow = (_up(delay, WORKERS) for delay in (0.0, *DELAYS))
    except SandboxError as error:
        console.print(f"error: {error}", markup=False)
        return 1
    chain = longest_chain(counted.resources, counted.calls_of)
    before = len(counted.calls) - sum(counted.calls_of.values())
    length = before + sum(link.calls for link in chain)
    console.print(f"pulumi up of dev: {len(counted.calls)} calls to AWS; the longest chain has {length}:")
    console.print(f"  {before:3}  before the first resource")
    for link in chain:
        console.print(f"  {link.calls:3}  {link.urn.split('::')[2].rsplit('$')[-1]}  {link.urn.rsplit('::')[-1]}")
    missed = False
    for delay, run in zip(DELAYS, slow, strict=True):
        added = run.seconds - fast.seconds
        ratio = added / (length * delay)
        missed |= ratio > BAR
        console.print(
            f"with {delay * 1000:.0f} ms more for each call: {run.seconds:.2f} s instead of {fast.seconds:.2f} s, "
            f"{added:.2f} s more, {ratio:.2f} times the chain's {length * delay:.2f} s"
        )
    console.print(f"{'MISSED' if missed else 'met   '}  slowed by at most {BAR} times the longest chain")
    return 1 if missed else 0


def longest_chain(resources: Sequence[Mapping[str, Any]], calls: Mapping[str, int]) -> list[Link]:
    """The resources, in their order, that must follow one another and take the most calls."""
    needs = {resource["urn"]: resource.get("dependencies") or [] for resource in resources}
    chains: dict[str, tuple[int, list[Link]]] = {}

    def chain(urn: str) -> tuple[int, list[Link]]:
        if urn not in chains:
            length, links = max((chain(need) for need in needs[urn]), default=(0, []), key=lambda known: known[0])
            own = calls.get(urn, 0)
            chains[urn] = (length + own, [*links, Link(urn, own)] if own else links)
        return chains[urn]

    return max((chain(urn) for urn in needs), default=(0, []), key=lambda known: known[0])[1]


def _up(delay: float, workers: int) -> Run:
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder) / "world", EXAMPLE)
        world.start()
        try:
            with proxy(str(world.environment()["AWS_ENDPOINT_URL"]), delayed(delay)) as slow:
                started = time.perf_counter()
                windows = list(_operations(world, slow.url, workers))
                seconds = time.perf_counter() - started
                exported = json.loads(world.pulumi("stack", "export", "--stack", "dev").stdout)
                resources = exported["deployment"]["resources"]
                held = {resource["urn"] for resource in resources if resource["custom"] and "provider" in resource}
                calls_of = _attributed(slow.calls, [window for window in windows if window[0] in held])
                return Run(seconds, slow.calls, calls_of, resources)
        finally:
            world.stop()


def _operations(world: World, endpoint: str, workers: int) -> Iterator[tuple[str, float, float]]:
    """Deploy dev; each resource's URN, and when the engine began and ended work on it."""
    flags = ("--stack", "dev", "--yes", "--skip-preview", "--json", "--non-interactive", f"--parallel={workers}")
    line = world.pulumi_command(["up", *flags])
    began: dict[str, float] = {}
    told = []
    environment = world.environment() | {"AWS_ENDPOINT_URL": endpoint}
    with subprocess.Popen(
        line, env=environment, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as engine:
        for text in engine.stdout or ():
            told.append(text)
            event = json.loads(text) if text.startswith("{") else {}
            if "resourcePreEvent" in event:
                began[event["resourcePreEvent"]["metadata"]["urn"]] = time.monotonic()
            elif "resOutputsEvent" in event:
                urn = event["resOutputsEvent"]["metadata"]["urn"]
                yield urn, began.get(urn, 0.0), time.monotonic()
    if engine.returncode:
        raise SandboxError("pulumi up failed:\n" + "".join(told[-20:]))


def _attributed(calls: Sequence[Call], windows: Sequence[tuple[str, float, float]]) -> Mapping[str, int]:
    """How many calls fell into the time of each resource; the last one to begin where several are open."""
    found: Counter[str] = Counter()
    for call in calls:
        open_then = [(start, urn) for urn, start, end in windows if start <= call.arrived <= end]
        if open_then:
            found[max(open_then)[1]] += 1
    return found
