"""The picture of the architecture is the one that `make check` holds, and every part has its sentence."""

import re
import tomllib
from itertools import pairwise

from tests.support.recording import ROOT

PAGE = (ROOT / "docs" / "architecture.md").read_text()
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
LAYERS = next(contract["layers"] for contract in CONTRACTS if contract["type"] == "layers")
WINGS_FOLDER = ROOT / "components"


def packages() -> set[str]:
    """Every package at the top of the program and of `components`."""
    top = {"awsmodel", "sandbox", "settings", "tools"}
    return top | {f"components/{path.parent.name}" for path in WINGS_FOLDER.glob("*/__init__.py")}


def test_every_part_has_one_sentence() -> None:
    assert sorted(re.findall(r"^\| `([\w/]+)` \|", PAGE.split("## Where")[0], re.MULTILINE)) == sorted(packages())


def test_every_part_has_its_layer() -> None:
    layered = {part.strip().replace(".", "/") for layer in LAYERS for part in layer.split("|")}
    assert layered == packages() - {"sandbox"}


def test_nothing_lies_flat_beside_the_wings() -> None:
    """What belongs to no wing has no reason to exist, or needs a wing."""
    assert [path.name for path in WINGS_FOLDER.glob("*.py")] == ["__init__.py"]


def test_the_arrows_of_the_picture_point_down() -> None:
    rank = {
        part.strip().split(".")[-1]: index for index, layer in enumerate(reversed(LAYERS)) for part in layer.split("|")
    }
    picture = PAGE.split("```mermaid")[2].split("```")[0]
    arrows = 0
    for line in picture.splitlines():
        names = [re.findall(r"\b([a-z]+)\b(?![^\[]*\])", part) for part in line.split("-->")]
        for left, right in pairwise(names):
            for source in left:
                for target in right:
                    if source in rank and target in rank:
                        arrows += 1
                        assert rank[source] > rank[target], f"{source} --> {target}"
    assert arrows > 10
