"""What a served page shows: a report that is as old as a few seconds, the inbox, and logs of builds."""

import json
import threading
import time
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http.client import HTTPException
from urllib.parse import urlsplit

from awsmodel.regions import known_regions
from components.core.faults import UserError
from tools.doctor.account import Account, StackRegion
from tools.faults import ToolError
from tools.report import logs, page
from tools.report.as_json import as_json
from tools.report.asking import asked
from tools.report.collection import report
from tools.report.model import Known, NotKnown, Report
from tools.report.page import Live, Message
from tools.stack_file import StackFile

FRESH_SECONDS = 5.0
"""How old a report may be that is shown again: who reloads at once asks AWS nothing."""

LOG_LINES = 5000
"""Lines of a build's log that its page shows, the last ones."""

LOOPBACK = ("127.0.0.1", "localhost", "::1")

_NO_INBOX = NotKnown(why="There is no inbox here: AWS keeps no copy of what a topic has sent. It is in people's mail.")


@dataclass
class Pages:
    """The pages of some stacks."""

    files: Sequence[StackFile]
    inbox: str | None = None
    """Address that answers with what the topics have sent; None where there is none."""
    clock: Callable[[], float] = time.monotonic
    _found: Report | None = None
    _until: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        if self.inbox is not None and not _is_here(self.inbox):
            raise ToolError(
                f"--inbox {self.inbox}: not an address of this machine, such as http://127.0.0.1:8080/inbox"
            )

    def report(self) -> Report:
        """Return the report; who asks while another is put together gets that one."""
        with self._lock:
            if self._found is None or self.clock() >= self._until:
                self._found = report(self.files)
                self._until = self.clock() + FRESH_SECONDS
            return self._found

    def overview(self) -> str:
        """Return the page."""
        return page.render(self.report(), Live(inbox=self._messages()))

    def json(self) -> str:
        """Return the report as JSON."""
        return as_json(self.report())

    def log(self, build: str, region: str) -> str | None:
        """Return the page of a build's log; None where no pipeline of the report has the build."""
        for one in self.report().environments:
            if any(build in pipeline.builds and pipeline.region == region for pipeline in one.pipelines):
                file = next(file for file in self.files if file.stack == one.stack)
                return page.render_log(build, _log(file, build, region))
        return None

    def _messages(self) -> Known[Sequence[Message]]:
        if self.inbox is None:
            return _NO_INBOX
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(self.inbox, timeout=5) as answer:
                return [
                    Message(topic=str(one["topic"]), subject=str(one["subject"]), text=str(one["message"]))
                    for one in json.load(answer)
                ]
        except (HTTPException, OSError, KeyError, TypeError, ValueError) as error:
            return NotKnown(why=f"the inbox at {self.inbox} does not answer: {error}")


def _is_here(address: str) -> bool:
    """Whether an address is one of HTTP, of this machine."""
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:
        return False
    return parts.scheme == "http" and parts.hostname in LOOPBACK


def _log(file: StackFile, build: str, region: str) -> Known[Sequence[str]]:
    try:
        account = Account.of(file)
    except UserError as error:
        return NotKnown(why=str(error))
    place = StackRegion(account, known_regions()[region])
    return asked(account, lambda: logs.of_build(place, build, LOG_LINES))
