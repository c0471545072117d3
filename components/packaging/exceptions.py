"""What a product means as it is though it looks like a mistake: `exceptions` of `product.yaml`.

Whatever is refused on suspicion asks here first, under a name that the refusal tells.
"""

from collections.abc import Sequence


class Exceptions:
    """The exceptions of one product, and which of them were of use."""

    def __init__(self, names: Sequence[str] = ()) -> None:
        self._names = names
        self._used: set[str] = set()

    def excuse(self, name: str) -> bool:
        """Whether something is meant as it is."""
        if name not in self._names:
            return False
        self._used.add(name)
        return True

    @property
    def idle(self) -> Sequence[str]:
        """Those that nothing has asked for, in the order in which they are written."""
        return [name for name in self._names if name not in self._used]


def or_else(name: str) -> str:
    """Ends a refusal: what to write where it is meant."""
    return f"(if it is meant, name {name} under exceptions in product.yaml)"
