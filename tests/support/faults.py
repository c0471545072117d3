"""Faults of AWS and of the way to it, as rules of the loopback proxy."""

import json
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from tests.support.loopback_proxy import Answer, Call

Choice = Callable[[Call], bool]
Forward = Callable[[], Answer]

_DELAY_SECONDS = 0.05


def _throttled(call: Call, _forward: Forward) -> Answer | None:
    return _error(call, 503 if call.service == "s3" else 400, "SlowDown" if call.service == "s3" else "Throttling")


def _error_500(call: Call, _forward: Forward) -> Answer | None:
    return _error(call, 500, "InternalFailure")


def _error_503(call: Call, _forward: Forward) -> Answer | None:
    return _error(call, 503, "ServiceUnavailable")


def _dropped_before(_call: Call, _forward: Forward) -> Answer | None:
    return None


def _dropped_after(_call: Call, forward: Forward) -> Answer | None:
    forward()
    return None


def _delayed(_call: Call, forward: Forward) -> Answer | None:
    time.sleep(_DELAY_SECONDS)
    return forward()


def _killed_before(call: Call, _forward: Forward) -> Answer | None:
    os.kill(caller(call), signal.SIGKILL)
    return None


def _killed_after(call: Call, forward: Forward) -> Answer | None:
    pid = caller(call)
    forward()
    os.kill(pid, signal.SIGKILL)
    return None


KILLS = {
    "process killed before a call": _killed_before,
    "process killed after a call": _killed_after,
}

KINDS = {
    "throttled": _throttled,
    "answered 500": _error_500,
    "answered 503": _error_503,
    "connection dropped before the call": _dropped_before,
    "connection dropped after the call": _dropped_after,
    "answered late": _delayed,
    **KILLS,
}


class Faults:
    """A rule that breaks the chosen calls in one way, and counts them."""

    def __init__(self, kind: str, chosen: Choice) -> None:
        self.given = 0
        self._do, self._chosen = KINDS[kind], chosen
        self._lock = threading.Lock()

    def __call__(self, call: Call, forward: Forward) -> Answer | None:
        with self._lock:
            chosen = self._chosen(call)
            self.given += chosen
        return self._do(call, forward) if chosen else forward()


def share(part: float, seed: int = 0) -> Choice:
    """Choose calls at random, the same ones in every run."""
    numbers = random.Random(seed)  # noqa: S311 - nothing is kept secret by it
    return lambda _: numbers.random() < part


def first_attempts() -> Choice:
    """Choose every second call: a caller that calls again, and nothing else, meets the fault in each call once."""
    return lambda call: call.number % 2 == 1


def every(_call: Call) -> bool:
    """Choose all calls."""
    return True


def number(chosen: int) -> Choice:
    """Choose one call by its number."""
    return lambda call: call.number == chosen


def caller(call: Call) -> int:
    """The process at the other end of a connection; Linux tells which socket has a port, and who has the socket."""
    rows = (row.split() for row in Path("/proc/net/tcp").read_text().splitlines()[1:])
    sockets = {f"socket:[{row[9]}]" for row in rows if int(row[1].rpartition(":")[2], 16) == call.port}
    # The youngest first: who is to be killed has just been started.
    for pid in sorted((int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal()), reverse=True):
        # The proxy's own end has the port as that of its peer, so only the caller's socket is among them.
        if not sockets.isdisjoint(_open_files(pid)):
            return pid
    raise AssertionError(f"nobody has port {call.port}")


def _open_files(pid: int) -> Iterator[str]:
    with suppress(OSError):  # it may end at any moment
        for path in Path(f"/proc/{pid}/fd").iterdir():
            yield str(path.readlink())


def _error(call: Call, status: int, code: str) -> Answer:
    """An error as the service's protocol puts it."""
    if call.service in ("s3", "iam", "sts"):
        inner = f"<Code>{code}</Code><Message>injected</Message>"
        body = f"<Error>{inner}</Error>" if call.service == "s3" else f"<R><Error>{inner}</Error></R>"
        return Answer(status, body.encode(), (("Content-Type", "text/xml"),))
    body = json.dumps({"__type": code, "message": "injected"})
    return Answer(status, body.encode(), (("Content-Type", "application/x-amz-json-1.1"),))
