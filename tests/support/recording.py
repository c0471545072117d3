"""Runs the program on the settings that its tests stand on, which no company edits: those of `tests/example`."""

import json
from collections.abc import Mapping
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tools.check.recording import ACCOUNT_ID, Recording, Registration, run_function, run_program

__all__ = [
    "ACCOUNT_ID",
    "EXAMPLE",
    "ROOT",
    "Recording",
    "Registration",
    "recorded",
    "run_function",
    "run_program",
    "stack_values",
]

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "tests" / "example"
"""Stack files of the tests; a company edits those beside the program, and fails no test by it."""


def stack_values(stack: str) -> dict[str, Any]:
    """The configuration of the example's stack file, by full key."""
    return deepcopy(_stack_file(stack))


@cache
def _stack_file(stack: str) -> dict[str, Any]:
    config: dict[str, Any] = yaml.safe_load((EXAMPLE / f"Pulumi.{stack}.yaml").read_text())["config"]
    return config


def recorded(values: Mapping[str, Any], stack: str = "dev") -> Recording:
    """What the program registers with these values: one run for all who ask, none of whom may change it.

    Whoever plays something else under the program, or listens to what it says, runs it anew.
    """
    return _recorded(json.dumps(values), stack)


@cache
def _recorded(values: str, stack: str) -> Recording:
    return run_program(json.loads(values), stack)
