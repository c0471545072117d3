"""How every measurement tells its figures: ratios pair by pair, and the median with its spread."""

import statistics
from collections.abc import Sequence


def ratios(above: Sequence[float], below: Sequence[float]) -> list[float]:
    """One case's figures divided by another's, round by round."""
    return [a / b for a, b in zip(above, below, strict=True)]


def spread(figures: Sequence[float], digits: int = 2) -> str:
    """The median, and the least and the greatest of all rounds."""
    return f"{statistics.median(figures):.{digits}f} ({min(figures):.{digits}f} to {max(figures):.{digits}f})"
