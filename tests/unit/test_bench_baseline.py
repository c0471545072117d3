"""The benchmark compares the components with a plain script; that is fair while both register the same."""

import json
from typing import Any

import pytest

from tests.bench.previews import PROGRAMS, REGIONS
from tests.support.recording import Recording, run_program, stack_values


def raw(recording: Recording) -> dict[tuple[str, str], dict[str, Any]]:
    """Every resource but the components, by type and name; policies as documents."""
    return {
        (resource.type, resource.name): {
            key: json.loads(value) if key in ("policy", "content", "assumeRolePolicy", "parameters") else value
            for key, value in resource.inputs.items()
        }
        for resource in recording.resources
        if resource.request.custom
    }


PLAIN = PROGRAMS["plain script"] / "__main__.py"


def test_the_plain_script_registers_the_same_resources_and_tells_the_same(dev: Recording) -> None:
    plain = run_program(stack_values("dev"), main=PLAIN)
    assert raw(plain) == raw(dev)
    assert plain.outputs == dev.outputs


@pytest.mark.parametrize(
    ("regions", "products"),
    [(REGIONS[:1], ["model-deploy"]), (REGIONS, ["batch-inference", "model-build-train", "model-deploy"])],
    ids=["the least", "the most regions, and more products"],
)
def test_so_it_does_at_the_other_sizes_that_are_measured(regions: list[str], products: list[str]) -> None:
    values = stack_values("dev")
    values["sm-mlops:artifacts"]["regions"], values["sm-mlops:catalog"]["products"] = regions, products
    program, plain = run_program(values), run_program(values, main=PLAIN)
    assert raw(plain) == raw(program)
    assert plain.outputs == program.outputs
