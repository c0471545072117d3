"""Recordings of the committed stacks, made once."""

import pytest

from tests.unit.recording import Recording, run_program, stack_values


@pytest.fixture(scope="session")
def dev() -> Recording:
    return run_program(stack_values("dev"), "dev")


@pytest.fixture(scope="session")
def prod() -> Recording:
    return run_program(stack_values("prod"), "prod")


@pytest.fixture(scope="session", params=["dev", "prod"])
def committed(request: pytest.FixtureRequest, dev: Recording, prod: Recording) -> Recording:
    """Each committed stack in turn."""
    return {"dev": dev, "prod": prod}[request.param]
