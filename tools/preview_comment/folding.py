"""The same change in several regions, or of several products, is one change of several resources."""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from tools.preview_comment.previews import Preview, name_of

PRODUCT_TYPE = "mlops:catalog:Product"
_REGION = re.compile(
    r"(?<![a-z])(?:af|ap|ca|cn|eu|il|me|mx|sa|us)(?:-gov|-iso[a-z]?)?"
    r"-(?:north|south|east|west|central|northeast|northwest|southeast|southwest)-\d(?!\d)"
)
_Item = TypeVar("_Item")


class Folding:
    """Tells what is the same but for regions and products.

    Args:
        previews: their resources tell which products there are.
    """

    def __init__(self, previews: Sequence[Preview]) -> None:
        products = {name for preview in previews for name in _products(preview)}
        longest_first = sorted(products, key=lambda name: (-len(name), name))
        named = "|".join(map(re.escape, longest_first))
        self._product = re.compile(rf"(?<![A-Za-z0-9])(?:{named})(?![A-Za-z0-9])") if named else None

    def pattern(self, text: str) -> str:
        """Return a text without the regions and products that it names."""
        text = _REGION.sub("{region}", text)
        return self._product.sub("{product}", text) if self._product else text

    def folded(
        self, items: Iterable[_Item], name: Callable[[_Item], tuple[str, ...]], lines: Callable[[_Item], Sequence[str]]
    ) -> list[list[_Item]]:
        """Return the items, those together of which the same is told; `name` is cheap and tells most of them apart."""
        alike: dict[tuple[str, ...], list[_Item]] = {}
        for item in items:
            alike.setdefault(tuple(map(self.pattern, name(item))), []).append(item)
        groups: list[list[_Item]] = []
        for found in alike.values():
            if len(found) == 1:
                groups.append(found)
                continue
            same: dict[tuple[str, ...], list[_Item]] = {}
            for item in found:
                same.setdefault(tuple(map(self.pattern, lines(item))), []).append(item)
            groups += same.values()
        return groups


def _products(preview: Preview) -> Iterable[str]:
    """Return the folders of products: their components are named `catalog-<region>-<folder>`."""
    urns = {step.urn for step in preview.steps if step.type == PRODUCT_TYPE}
    for step in preview.steps:
        for state in (step.old, step.new):
            parent = state.get("parent") if state else None
            if isinstance(parent, str) and f"::{PRODUCT_TYPE}::" in parent.replace("$", "::"):
                urns.add(parent)
    for urn in urns:
        folder = _REGION.split(name_of(urn), maxsplit=1)[-1].removeprefix("-")
        if len(folder) > 2:
            yield folder
