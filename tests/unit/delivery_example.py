"""The delivery and the deployment tests that the example's stack file of dev shows as comments."""

import re
from typing import Any

import yaml

from tests.unit.recording import EXAMPLE

SECTION = "sm-mlops:delivery"
TESTS = "sm-mlops:deploymentTests"


def example(**more: Any) -> dict[str, Any]:
    """The section of the delivery, uncommented, and prod's roles for it."""
    return {**_uncommented(SECTION), **more}


def example_of_tests() -> dict[str, Any]:
    """The section of the deployment tests, uncommented."""
    return _uncommented(TESTS)


def _uncommented(section: str) -> dict[str, Any]:
    text = (EXAMPLE / "Pulumi.dev.yaml").read_text()
    (block,) = re.findall(rf"^  # {section}:\n(?:  #  .*\n)+", text, re.MULTILINE)
    found: dict[str, Any] = yaml.safe_load(re.sub(r"^  # ", "", block, flags=re.MULTILINE))[section]
    return found
