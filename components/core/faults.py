"""How faults are told: what was probably meant, and all of them in one list."""

from collections.abc import Sequence
from difflib import get_close_matches
from functools import lru_cache


class UserError(Exception):
    """What whoever runs a command can set right; it is told without a traceback."""


def nearest(word: str, allowed: Sequence[str]) -> str:
    """Guess what was meant, as the end of a sentence; empty where nothing is near."""
    near = _nearest(word, tuple(allowed))
    return f"; did you mean {near[0]!r}?" if near else ""


@lru_cache(maxsize=1024)
def _nearest(word: str, allowed: tuple[str, ...]) -> Sequence[str]:
    # To compare takes long, and whoever misspells a name often does so in many places.
    return get_close_matches(word, allowed, n=1)


def not_one_of(value: object, allowed: Sequence[str]) -> str:
    """Tell that a value is none of those that are allowed."""
    return f"{value!r} is not allowed{nearest(str(value), allowed)} (allowed: {', '.join(allowed)})"


def listed(title: str, faults: Sequence[str], verb: str = "has") -> str:
    """Put all faults of one thing under one line that counts them."""
    count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
    return "\n".join([f"{title} {verb} {count}:", *(f"  - {fault}" for fault in faults)])
