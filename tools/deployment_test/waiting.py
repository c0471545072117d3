"""Waiting for AWS."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from tools.faults import ToolError

Found = TypeVar("Found")


@dataclass(frozen=True)
class Waiting:
    """How often AWS is asked, and for how long."""

    interval: float = 15.0
    """Seconds between two looks."""
    limit: float = 3600.0
    """Seconds after which something that has not happened will not happen."""
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic

    def until(self, what: str, look: Callable[[], Found | None]) -> Found:
        """Tell what a look finds, as soon as it finds something.

        Raises:
            ToolError: it does not within the limit; the message names what was waited for.
        """
        end = self.clock() + self.limit
        while (found := look()) is None:
            if self.clock() >= end:
                raise ToolError(f"waited {self.limit:g} seconds in vain for {what}")
            self.sleep(self.interval)
        return found
