"""Ends of logs of what has failed."""

from collections.abc import Sequence

from tools.doctor.account import StackRegion
from tools.report.asking import asked
from tools.report.model import Known

LINES = 15
"""Lines of a log that a report shows of what has failed."""


def of_build(region: StackRegion, build: str, lines: int) -> Sequence[str]:
    """Return the last lines of a build's log; none where it has written none.

    Args:
        region: where it has run.
        build: its id.
        lines: how many, up to 10,000.
    """
    found = region.client("codebuild").batch_get_builds(ids=[build])["builds"]
    logs = found[0].get("logs", {}) if found else {}
    if "groupName" not in logs or "streamName" not in logs:
        return ()
    return _end(region, logs["groupName"], logs["streamName"], lines)


def of_job(region: StackRegion, group: str, job: str) -> Known[Sequence[str]]:
    """Return the last lines of a job of SageMaker, of the machine that has written last.

    None where it has written nothing: it has not begun, or nobody keeps its log any more.
    """
    client = region.client("logs")

    def look() -> Sequence[str]:
        try:
            found = client.describe_log_streams(logGroupName=group, logStreamNamePrefix=f"{job}/")["logStreams"]
        except client.exceptions.ResourceNotFoundException:
            return ()
        last = max(found, key=lambda one: int(one.get("lastEventTimestamp", 0)), default=None)
        return _end(region, group, last["logStreamName"], LINES) if last else ()

    return asked(region.account, look)


def of_stream(region: StackRegion, group: str, stream: str) -> Known[Sequence[str]]:
    """Return the last lines of a log."""
    return asked(region.account, lambda: _end(region, group, stream, LINES))


def _end(region: StackRegion, group: str, stream: str, lines: int) -> Sequence[str]:
    client = region.client("logs")
    found = client.get_log_events(logGroupName=group, logStreamName=stream, limit=lines, startFromHead=False)
    return [str(one["message"]).rstrip("\n") for one in found["events"]][-lines:]
