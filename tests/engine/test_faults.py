"""Faults between the real engine and AWS: the next plain `up` or `destroy` makes what is wanted.

`tests/sandbox/test_dynamic_provider_faults.py` kills each dynamic provider at every call of its. Here a sample of these
moments is tried under the engine, whose plugin dies then.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sandbox.faults import SandboxError
from sandbox.world import World
from tests.conftest import Tried
from tests.support.faults import Choice, Faults, share
from tests.support.loopback_proxy import Call, Proxy, pass_on, proxy

from .conftest import MakeWorld, alter, copy_project, destroy, stay_at_home
from .test_stacks import Aws, preview, up

pytestmark = pytest.mark.engine

SERVICES = ("sagemaker", "servicecatalog", "ssm")
"""Services that only the provider of SageMaker Projects calls in this stack."""
SECTION = "sm-mlops:projects"
ROLE, TEAM, OTHERS = (f"arn:aws:iam:::role/{name}" for name in ("Studio*", "*DataScientist*", "*Engineer*"))


@pytest.fixture(scope="module")
def world(make_world: MakeWorld, tmp_path_factory: pytest.TempPathFactory) -> World:
    """Dev with one region and without a catalog: little to deploy beside SageMaker Projects, which are off."""
    world = make_world(copy_project(tmp_path_factory.mktemp("faults")))
    alter(world, "dev", lambda config: config.pop("sm-mlops:catalog"))
    stay_at_home(world)
    want(world)
    up(world)
    return world


@pytest.fixture
def way(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """The engine's way to AWS, on which things go wrong."""
    emulator, environment = world.emulator, world.environment
    assert emulator is not None
    with proxy(emulator.url) as running:
        monkeypatch.setattr(world, "environment", lambda: environment() | {"AWS_ENDPOINT_URL": running.url})
        yield running


def want(world: World, *principals: str) -> None:
    """Switch SageMaker Projects on for somebody, or off for nobody."""

    def edit(config: dict[str, Any]) -> None:
        config.pop(SECTION, None)
        if principals:
            config[SECTION] = {"principals": list(principals), "disableOnDestroy": True}

    alter(world, "dev", edit)


def principals(world: World) -> set[str] | None:
    """Who finds the portfolio; None where the account is as if there had never been a stack."""
    aws = Aws(world)
    catalog, enabled = (
        aws.client("servicecatalog"),
        aws.client("sagemaker").get_sagemaker_servicecatalog_portfolio_status(),
    )
    if enabled["Status"] == "Disabled":
        assert not aws.client("ssm").get_parameters_by_path(Path="/sm-mlops", Recursive=True)["Parameters"]
        return None
    (portfolio,) = catalog.list_accepted_portfolio_shares(PortfolioShareType="IMPORTED")["PortfolioDetails"]
    listed = catalog.list_principals_for_portfolio(PortfolioId=portfolio["Id"])["Principals"]
    return {item["PrincipalARN"] for item in listed}


def nth(number: int) -> Choice:
    """Choose one call of the provider by its number."""
    count = 0

    def chosen(call: Call) -> bool:
        nonlocal count
        count += call.service in SERVICES
        return call.service in SERVICES and count == number

    return chosen


def some() -> Choice:
    """Choose three calls of ten among the provider's: the stand-in for the AWS plugin calls once, and never again."""
    chosen = share(0.3)
    return lambda call: call.service in SERVICES and chosen(call)


def broken(way: Proxy, kind: str, number: int, run: Callable[[], object]) -> None:
    """Run an operation of the engine in which the provider's process is killed at one of its calls."""
    faults = Faults(kind, nth(number))
    way.rule = faults
    with pytest.raises(SandboxError):
        run()
    way.rule = pass_on
    assert faults.given == 1


# Calls 5, 8 and 6 of a create, an update and a delete are those that change most: enabling, associating, removing.
@pytest.mark.parametrize(
    ("kind", "numbers"), [("process killed before a call", (5, 9, 6)), ("process killed after a call", (4, 8, 6))]
)
def test_a_plain_up_completes_what_a_killed_one_has_begun(
    world: World, way: Proxy, tried: Tried, kind: str, numbers: tuple[int, int, int]
) -> None:
    created, updated, deleted = numbers
    with tried(kind):
        want(world, ROLE, TEAM)
        broken(way, kind, created, lambda: up(world))
        assert up(world) == {"create": 1}
        assert principals(world) == {ROLE, TEAM}
        assert preview(world, "--refresh") == {}
    with tried(kind):
        want(world, ROLE, OTHERS)
        broken(way, kind, updated, lambda: up(world))
        assert up(world) == {"update": 1}
        assert principals(world) == {ROLE, OTHERS}
    with tried(kind):
        want(world)
        broken(way, kind, deleted, lambda: up(world))
        assert up(world) == {"delete": 2}, "with the component"
        assert principals(world) is None


def test_an_up_lives_through_throttling_and_a_killed_destroy_is_completed_by_a_plain_one(
    world: World, way: Proxy, tried: Tried
) -> None:
    faults = Faults("throttled", some())
    want(world, ROLE, TEAM)
    way.rule = faults
    with tried("throttled", lambda: faults.given):
        up(world)
        assert principals(world) == {ROLE, TEAM}
        assert faults.given > 0
    kind = "process killed after a call"
    with tried(kind):
        broken(way, kind, 6, lambda: destroy(world))
        destroy(world)
        assert principals(world) is None
        assert not Aws(world).buckets()
