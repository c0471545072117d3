"""What a person sees who opens the emulator's address in a browser: a page that another program shows, and its inbox.

That program is started when somebody first looks, and ends with the emulator, however that ends. It knows AWS's calls
and the address of the inbox, nothing else of the sandbox; the sandbox knows its command line.
"""

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from moto.sns.models import sns_backends
from werkzeug.wrappers import Request, Response

INBOX = "/sandbox/inbox"

_COMMAND = ("-P", "-m", "tools", "serve", "--while-stdin")


def is_browser(request: Request) -> bool:
    """Whether a person looks at the address itself: no client of AWS asks for a page, or without a signature."""
    asks = request.method == "GET" and request.path == "/" and not request.query_string
    return asks and "text/html" in request.headers.get("Accept", "") and "Authorization" not in request.headers


def messages() -> list[dict[str, str]]:
    """Return what the topics have sent, of each the newest first."""
    return [
        {"topic": arn, "subject": subject or "", "message": message}
        for regions in sns_backends.values()
        for backend in regions.values()
        for arn, topic in backend.topics.items()
        for _, message, subject, *_ in reversed(topic.sent_notifications)
    ]


class Console:
    """The program that shows the page.

    Args:
        stack_files: folder of the files of the stacks that it shows; None where it shows nothing.

    """

    url = ""
    """The emulator's address, once it has one."""

    def __init__(self, stack_files: Path | None) -> None:
        self.stack_files = stack_files
        self._process: subprocess.Popen[str] | None = None
        self._address = ""
        self._lock = threading.Lock()

    def answer(self) -> Response:
        """Lead a browser to the page; say why where there is none."""
        if self.stack_files is None:
            return Response("This is an emulated AWS, without stacks to show.\n", mimetype="text/plain")
        with self._lock:
            if self._process is None or self._process.poll() is not None:
                self._start(self.stack_files)
            address = self._address
        if address:
            return Response(status=302, headers={"Location": address})
        return Response("The page cannot be shown: see the emulator's log.\n", status=503, mimetype="text/plain")

    def _start(self, stack_files: Path) -> None:
        environment = os.environ | {
            "AWS_ACCESS_KEY_ID": "sandbox",
            "AWS_SECRET_ACCESS_KEY": "sandbox",
            "AWS_ENDPOINT_URL": self.url,
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
        }
        options = ("--folder", str(stack_files), "--inbox", f"{self.url}{INBOX}")
        command = [sys.executable, *_COMMAND, *options]
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self._process = subprocess.Popen(command, env=environment, **pipes)
        # It prints its address as soon as it answers, and nothing where it cannot.
        self._address = self._process.stdout.readline().strip() if self._process.stdout else ""

    def close(self) -> None:
        """End the program, if it runs."""
        if self._process is not None:
            with self._process:
                if self._process.stdin:
                    self._process.stdin.close()
