"""What is wrong with a product folder, told so that a person can mend it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from components.core.faults import UserError

Report = Callable[[int, str], None]
"""Takes the faults of one file: the line (0 where the fault is not in a line) and what is wrong with it."""


@dataclass(frozen=True, order=True)
class Fault:
    """One thing wrong with a product folder."""

    file: str
    """Path from the product folder, with slashes; what is shared begins with `../`."""
    line: int
    """Counted from 1; 0 where the fault is not in a line."""
    reason: str
    """What is wrong, what is allowed, and what to do where that is not plain."""

    def __str__(self) -> str:
        place = f"{self.file}, line {self.line}" if self.line else self.file
        return f"{place}: {self.reason}"

    def within(self, seed_code: str, product: str) -> str:
        """The fault with the file's path from where the folder of all products is."""
        return str(replace(self, file=path_within(seed_code, product, self.file)))


def path_within(seed_code: str, product: str, file: str) -> str:
    """Path of a file that is told from a product's folder, from where the folder of all products is."""
    return f"{seed_code}/{file.removeprefix('../')}" if file.startswith("../") else f"{seed_code}/{product}/{file}"


class ProductFolderError(UserError):
    """A product folder cannot be published. The text lists every fault of the folder, one a line."""

    def __init__(self, product: str, faults: Sequence[Fault]) -> None:
        self.product = product
        self.faults = tuple(sorted(faults))
        count = "a fault" if len(faults) == 1 else f"{len(faults)} faults"
        lines = [f"product folder {product!r} has {count}:", *(f"  - {fault}" for fault in self.faults)]
        super().__init__("\n".join(lines))
