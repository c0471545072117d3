"""Recordings of the example's stacks, made once."""

from collections.abc import Iterator

import pytest

from tests.support.recording import Recording, recorded, run_program, stack_values
from tools.check.recording import nothing_looked_up


@pytest.fixture(scope="session", autouse=True)
def supplied_roles_are_there() -> Iterator[None]:
    """Nobody looks up the roles of the settings, for which a test would need an account."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("components.preflight.role_check.check", lambda *_: None)
        yield


@pytest.fixture(scope="session")
def dev() -> Recording:
    return recorded(stack_values("dev"), "dev")


@pytest.fixture(scope="session")
def prod() -> Recording:
    return recorded(stack_values("prod"), "prod")


@pytest.fixture(scope="session")
def locked_down() -> Recording:
    """The example of a locked-down account, whose VPC nobody looks up here."""
    with nothing_looked_up():
        return run_program(stack_values("locked-down"), "locked-down")


@pytest.fixture(scope="session", params=["dev", "prod", "locked-down"])
def committed(request: pytest.FixtureRequest, dev: Recording, prod: Recording, locked_down: Recording) -> Recording:
    """Each of the example's stacks in turn."""
    return {"dev": dev, "prod": prod, "locked-down": locked_down}[request.param]
