"""The benchmark compares the components with a plain script; that is fair while both register the same."""

import json
from typing import Any

from tests.support.recording import ROOT, Recording, run_program, stack_values


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


def test_the_plain_script_registers_the_same_resources_and_tells_the_same(dev: Recording) -> None:
    plain = run_program(stack_values("dev"), main=ROOT / "tests" / "bench" / "plain" / "__main__.py")
    assert raw(plain) == raw(dev)
    assert plain.outputs == dev.outputs
