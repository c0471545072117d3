"""The delivery and the deployment tests that the example's stack file of dev shows as comments."""

import re
from typing import Any

import yaml

from tests.support.recording import EXAMPLE

SECTION = "sm-mlops:delivery"
TESTS = "sm-mlops:deploymentTests"
OWN_VALUES = {
    "key/00000000-0000-0000-0000-000000000000": "key/8f14e45f-ceea-467f-9d1a-0c3b2a1d4e5f",
    '"' + "0" * 64 + '"': '"' + "0123456789abcdef" * 4 + '"',
}
"""What a company puts in the place of the placeholders, which the settings refuse."""


def example(**more: Any) -> dict[str, Any]:
    """The section of the delivery, uncommented, and prod's roles for it."""
    return {**_uncommented(SECTION), **more}


def example_of_tests() -> dict[str, Any]:
    """The section of the deployment tests, uncommented."""
    return _uncommented(TESTS)


def _uncommented(section: str) -> dict[str, Any]:
    text = (EXAMPLE / "Pulumi.dev.yaml").read_text()
    (block,) = re.findall(rf"^  # {section}:\n(?:  #  .*\n)+", text, re.MULTILINE)
    for placeholder, own in OWN_VALUES.items():
        block = block.replace(placeholder, own)
    found: dict[str, Any] = yaml.safe_load(re.sub(r"^  # ", "", block, flags=re.MULTILINE))[section]
    return found
