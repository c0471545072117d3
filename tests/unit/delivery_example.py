"""The delivery that the committed stack file of dev shows as a comment, and prod's roles for it."""

import re
from typing import Any

import yaml

from tests.unit.recording import ROOT

SECTION = "sm-mlops:delivery"


def example(**more: Any) -> dict[str, Any]:
    """The section, uncommented."""
    text = (ROOT / "Pulumi.dev.yaml").read_text()
    (block,) = re.findall(rf"^  # {SECTION}:\n(?:  #  .*\n)+", text, re.MULTILINE)
    section: dict[str, Any] = yaml.safe_load(re.sub(r"^  # ", "", block, flags=re.MULTILINE))[SECTION]
    return {**section, **more}
