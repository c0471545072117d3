"""Whatever befalls AWS, the way to it or the process: the next run of a dynamic provider makes what is wanted."""

import multiprocessing
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any
from urllib.request import Request, urlopen

import pytest
from botocore.retries.bucket import Clock, TokenBucket

from components.providers.aws_access import AwsError
from tests.conftest import Tried
from tests.sandbox.support.case import Clients
from tests.sandbox.support.provider_process import carry_out
from tests.sandbox.support.provider_scenarios import SCENARIOS, Properties, Scenario, provider
from tests.support.faults import KILLS, KINDS, Faults, every, first_attempts, number, share
from tests.support.loopback_proxy import Proxy, pass_on, proxy

HURRY = 200
"""How much faster clocks run for botocore's waits; what it waits for is not in question here."""
MOST_CALLS = 60


@dataclass
class Life:
    """A resource of a scenario in an emulated AWS of its own, before it is made."""

    scenario: Scenario
    aws: Clients
    id: str
    healthy: Any
    """A provider that meets no faults."""

    @property
    def first(self) -> Properties:
        return self.scenario.first(self.id)

    @property
    def second(self) -> Properties:
        return self.scenario.second(self.id)

    @property
    def state(self) -> object:
        return self.scenario.state(self.aws, self.id)

    def provider(self, url: str) -> Any:
        return provider(self.scenario.provider, url)

    def made(self) -> Properties:
        outs: Properties = self.healthy.create(self.first).outs
        return outs


Begin = Callable[[], Life]


@pytest.fixture
def begin(request: pytest.FixtureRequest, connect: Clients, emulator: dict[str, Any]) -> Begin:
    """Empties the emulated AWS and prepares a scenario in it."""
    scenario = SCENARIOS[request.param]
    healthy = provider(scenario.provider, emulator["url"])

    def start() -> Life:
        with urlopen(Request(f"{emulator['url']}/moto-api/reset", method="POST")):  # noqa: S310
            return Life(scenario, connect, scenario.prepare(connect), healthy)

    return start


@pytest.fixture(scope="module")
def road(emulator: dict[str, Any]) -> Iterator[Proxy]:
    with proxy(emulator["url"]) as running:
        yield running


@pytest.fixture
def way(road: Proxy) -> Proxy:
    """The way to AWS, on which things go wrong."""
    road.calls.clear()
    road.rule = pass_on
    return road


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets botocore wait as long as it wants to, by a faster clock."""
    sleep_amount = TokenBucket._sleep_amount  # type: ignore[attr-defined]
    monkeypatch.setattr(Clock, "current_time", lambda _: time.time() * HURRY)
    monkeypatch.setattr(TokenBucket, "_sleep_amount", lambda *arguments: sleep_amount(*arguments) / HURRY)
    faster = SimpleNamespace(sleep=lambda seconds: time.sleep(seconds / HURRY), time=time.time)
    monkeypatch.setattr("botocore.endpoint.time", faster)


@dataclass
class Expected:
    """What AWS has after each step of a life in which nothing goes wrong."""

    first: object
    undone: object
    """Made, and deleted without a change."""
    second: object
    deleted: object


@pytest.fixture(scope="module")
def known() -> dict[str, Expected]:
    return {}


@pytest.fixture
def expected(request: pytest.FixtureRequest, begin: Begin, known: dict[str, Expected]) -> Expected:
    name = request.node.callspec.params["begin"]
    return known.get(name) or known.setdefault(name, _expected(begin()))


def _expected(life: Life) -> Expected:
    made = life.made()
    first = life.state
    life.healthy.delete("id", made)
    undone = life.state
    made = life.made()
    changed = life.healthy.update("id", made, life.second).outs
    second = life.state
    life.healthy.delete("id", changed)
    return Expected(first, undone, second, life.state)


scenarios = pytest.mark.parametrize("begin", SCENARIOS, indirect=True)


@scenarios
@pytest.mark.parametrize(
    ("kind", "chosen"),
    [("throttled", "30 % of the calls"), *((kind, "each call once") for kind in KINDS if kind not in KILLS)],
)
@pytest.mark.usefixtures("hurried")
def test_a_resource_lives_through_faults_as_if_there_were_none(
    begin: Begin, expected: Expected, way: Proxy, tried: Tried, kind: str, chosen: str
) -> None:
    life = begin()
    faults = Faults(kind, first_attempts() if chosen == "each call once" else share(0.3))
    way.rule = faults
    harried = life.provider(way.url)
    with tried(kind, lambda: faults.given):
        made = harried.create(life.first).outs
        assert life.state == expected.first
        assert harried.read("id", made).outs == made
        changed = harried.update("id", made, life.second).outs
        assert life.state == expected.second
        assert harried.read("id", changed).outs == changed
        harried.delete("id", changed)
        assert life.state == expected.deleted
        assert faults.given > 0


@scenarios
@pytest.mark.usefixtures("hurried")
def test_an_outage_is_told_with_the_call_and_is_over_when_it_is_over(
    begin: Begin, expected: Expected, way: Proxy, tried: Tried
) -> None:
    life = begin()
    way.rule = Faults("answered 503", every)
    harried = life.provider(way.url)
    with tried("every call answered 503, to the last retry"):
        with pytest.raises(AwsError, match=r"in eu-west-1: \w+ failed: ServiceUnavailable: injected"):
            harried.create(life.first)
        way.rule = pass_on
        harried.create(life.first)
        assert life.state == expected.first


class Doomed:
    """Runs a provider in a process of its own, in which it is killed at one call."""

    def __init__(self, scenario: str, way: Proxy) -> None:
        self._scenario, self._way = scenario, way
        self._processes = multiprocessing.get_context("forkserver")
        self._processes.set_forkserver_preload([carry_out.__module__])

    def killed(self, kind: str, call: int, method: str, *arguments: str | Properties) -> bool:
        """Whether the process has ended at that call; false where it has come to its end before."""
        self._way.calls.clear()
        self._way.rule = Faults(kind, number(call))
        given = (self._scenario, self._way.url, method, *arguments)
        process = self._processes.Process(target=carry_out, args=given)
        process.start()
        process.join()
        self._way.rule = pass_on
        assert process.exitcode in (0, -signal.SIGKILL)
        return process.exitcode != 0


@pytest.fixture
def doomed(request: pytest.FixtureRequest, way: Proxy) -> Doomed:
    return Doomed(request.node.callspec.params["begin"], way)


# What AWS has after one call is what it has before the next, and before the first there is nothing to complete.
BEFORE, AFTER = KILLS


@scenarios
def test_a_create_that_is_killed_at_any_call_is_completed_by_the_next_one(
    begin: Begin, expected: Expected, doomed: Doomed, tried: Tried
) -> None:
    for call in range(1, MOST_CALLS):
        life = begin()
        if not doomed.killed(AFTER, call, "create", life.first):
            break
        with tried(AFTER):
            made = life.made()
            assert life.state == expected.first
            life.healthy.delete("id", made)
            assert life.state == expected.undone
    assert 1 < call < MOST_CALLS


# So each way to go on meets every moment.
@scenarios
@pytest.mark.parametrize(("kind", "then"), [(BEFORE, "destroy"), (AFTER, "up")])
def test_an_update_that_is_killed_at_any_call_is_completed_or_undone_by_the_next_run(
    begin: Begin, expected: Expected, doomed: Doomed, tried: Tried, kind: str, then: str
) -> None:
    for call in range(1, MOST_CALLS):
        life = begin()
        made = life.made()
        if not doomed.killed(kind, call, "update", "id", made, life.second):
            break
        with tried(kind):
            if then == "up":
                made = life.healthy.update("id", made, life.second).outs
                assert life.state == expected.second
            life.healthy.delete("id", made)
            if then == "up":
                assert life.state == expected.deleted
            elif life.scenario.undoes_updates:
                assert life.state == expected.undone
    assert 1 < call < MOST_CALLS


@scenarios
def test_a_delete_that_is_killed_at_any_call_is_completed_by_the_next_one(
    begin: Begin, expected: Expected, doomed: Doomed, tried: Tried
) -> None:
    for call in range(1, MOST_CALLS):
        life = begin()
        made = life.made()
        if not doomed.killed(AFTER, call, "delete", "id", made):
            break
        with tried(AFTER):
            life.healthy.delete("id", made)
            assert life.state == expected.undone
    assert 1 < call < MOST_CALLS
