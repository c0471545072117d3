"""Runs of whatever orders steps: how a status reads, and which failure is the last one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from tools.report.asking import moment
from tools.report.model import Earlier, Failure, Mark

LATEST = 10
"""Runs that a report looks at, the newest: one question tells them."""

NO_REASON = "no reason told"
"""Stands for a reason where AWS has none."""

_MARKS: Mapping[str, Mark] = {
    **dict.fromkeys(("SUCCEEDED", "SUCCESS"), Mark.GOOD),
    **dict.fromkeys(("FAILED", "TIMED_OUT", "TIMEOUT", "UPSTREAM_FAILED", "COMPLETEDWITHFAILURES"), Mark.BAD),
    **dict.fromkeys(("ABORTED", "CANCELLED", "STOPPED"), Mark.BAD),
    **dict.fromkeys(("EXECUTING", "INPROGRESS", "PENDING_REDRIVE", "RUNNING", "STARTING", "STOPPING"), Mark.BUSY),
    **dict.fromkeys(("DEFERRED", "QUEUED", "RESTARTING", "SCHEDULED", "UP_FOR_RESCHEDULE", "UP_FOR_RETRY"), Mark.BUSY),
}
"""By status in capitals: each service writes it otherwise."""

_FAILED = ("FAILED", "TIMED_OUT", "TIMEOUT", "COMPLETEDWITHFAILURES")


@dataclass(frozen=True, kw_only=True)
class Run:
    """A run, as a list of runs tells it."""

    id: str
    status: str
    """As AWS says it."""
    started: datetime | None
    title: str = ""
    """What people call it, or what has started it."""
    reason: str = ""
    """Why it has failed, where the list tells that."""


def mark(status: str) -> Mark:
    """Return how a status of a run, a stage or a step reads."""
    return _MARKS.get(status.upper(), Mark.PLAIN)


def failed(status: str) -> bool:
    """Whether a run or a step has failed, by itself: nobody has stopped it."""
    return status.upper() in _FAILED


def earlier(runs: Sequence[Run], failures: Callable[[Run], Sequence[Failure]]) -> Earlier | None:
    """Tell of the last run that has failed where later ones have not.

    Args:
        runs: the latest, newest first.
        failures: tells why a run has failed.
    """
    place = next((place for place, run in enumerate(runs) if failed(run.status)), 0)
    if not place:
        return None
    mended = any(mark(run.status) is Mark.GOOD for run in runs[:place])
    return Earlier(started=moment(runs[place].started), mended=mended, failures=failures(runs[place]))
