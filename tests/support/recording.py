"""Runs the program on the settings that its tests stand on, which no company edits: those of `tests/example`."""

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
    "run_function",
    "run_program",
    "stack_values",
]

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "tests" / "example"
"""Stack files of the tests; a company edits those beside the program, and fails no test by it."""


def stack_values(stack: str) -> dict[str, Any]:
    """The configuration of the example's stack file, by full key."""
    loaded = yaml.safe_load((EXAMPLE / f"Pulumi.{stack}.yaml").read_text())
    config: dict[str, Any] = loaded["config"]
    return config
