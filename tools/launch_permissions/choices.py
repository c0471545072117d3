"""Choices of a launch, explored: each way that makes a difference, and only the choices that it hangs on."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

T = TypeVar("T")

Taken = Mapping[str, str]
"""Chosen values by name of the choice, in the order in which they were asked for."""


class Path:
    """One way through the choices. What is asked for is chosen and remembered; the rest stays open."""

    def __init__(self, options: Mapping[str, Sequence[str]], planned: Taken) -> None:
        self._options = options
        self._planned = planned
        self.taken: dict[str, str] = {}

    def __getitem__(self, name: str) -> str:
        """Return the value of a choice on this way."""
        if name not in self.taken:
            self.taken[name] = self._planned.get(name, self._options[name][0])
        return self.taken[name]


def explore(options: Mapping[str, Sequence[str]], visit: Callable[[Path], T]) -> Iterator[tuple[Taken, T]]:
    """Tell what a function gives on every way through the choices that it asks for.

    Two choices that it never asks for together do not multiply each other, so that a template with many conditions has
    few ways for each of its resources, and a result comes with just those choices that it depends on.
    """
    pending: list[dict[str, str]] = [{}]
    while pending:
        planned = pending.pop()
        path = Path(options, planned)
        result = visit(path)
        yield path.taken, result
        asked = list(path.taken.items())
        for number, (name, value) in enumerate(asked):
            if name not in planned:
                others = [other for other in options[name] if other != value]
                pending += [{**dict(asked[:number]), name: other} for other in reversed(others)]
