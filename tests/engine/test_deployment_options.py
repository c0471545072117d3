"""Every deployment option of dev's example, brought up, examined, tried and destroyed in the emulated AWS."""

from pathlib import Path

import pytest

from tests.support.delivery_example import example_of_tests

from .conftest import MakeWorld, copy_project
from .holdings import Holdings, holdings
from .test_stacks import Aws
from .tested_options import TestedOptions, example_options, supply

pytestmark = pytest.mark.engine

OPTIONS = {option["name"]: option for option in example_of_tests()["options"]}


@pytest.fixture(scope="module")
def tested(make_world: MakeWorld, tmp_path_factory: pytest.TempPathFactory) -> TestedOptions:
    """A world with the options of the example, and with what they need beforehand."""
    project: Path = copy_project(tmp_path_factory.mktemp("options"))
    world = make_world(project)
    tested = TestedOptions.of(world, example_options(world))
    supply(tested, "supplied-roles")
    return tested


@pytest.fixture(scope="module")
def before(tested: TestedOptions) -> Holdings:
    """What the account holds before any option is tested."""
    return holdings(Aws(tested.world))


@pytest.mark.parametrize("option", OPTIONS)
def test_an_option_is_brought_up_and_well_and_leaves_nothing(
    tested: TestedOptions, before: Holdings, option: str
) -> None:
    done = tested.call("run", option)
    assert done.returncode == 0
    told = done.stderr.splitlines()
    assert told[0] == f"{option} in {OPTIONS[option]['region']}"
    assert told[-1] == f"{option}: brought up and examined, destroyed; nothing is wrong"
    created = [line for line in told if line.endswith(" created")]
    assert len(created) == (0 if OPTIONS[option].get("projects") == "none" else 2)
    assert len(told) < 20, "what the engine prints is left out where all is well"
    assert tested.under_test == []
    assert holdings(Aws(tested.world)) == before


def test_the_account_holds_only_what_was_made_beforehand(before: Holdings) -> None:
    """The test above compares; this one says with what."""
    made = {"roles", "sagemaker list_domains in eu-west-1", "tags of studio in eu-west-1", "policies"}
    kinds = {kind for kind in before if not kind.startswith("ec2 ")}
    assert kinds <= made
