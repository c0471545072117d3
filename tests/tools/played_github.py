"""GitHub played by a server on this machine: comments and labels of one pull request, and failures on demand."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, unquote, urlsplit

ISSUES = "/repos/ml/platform/issues"
ISSUE = f"{ISSUES}/7"
TOKEN = "ghs_played"  # noqa: S105 - nobody's


@dataclass
class PlayedGitHub:
    """What the server holds, and what was asked of it."""

    comments: list[dict[str, Any]] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    issues: list[dict[str, Any]] = field(default_factory=list)
    """Other issues of the repository than the pull request; what is said in them stands under `said`."""
    calls: list[str] = field(default_factory=list)
    failures: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    """Answers that are given first, with their headers."""
    carried_out: bool = False
    """Whether what fails is carried out all the same."""
    refuses: str = ""
    """Method and end of the path of calls that the token has no right to."""
    author: str = "github-actions[bot]"

    url: str = ""

    def add(self, body: str, author: str | None = None) -> None:
        """Somebody comments."""
        number = 1 + max((item["id"] for item in self.comments), default=100)
        self.comments.append({"id": number, "body": body, "user": {"login": author or self.author}})

    @property
    def writes(self) -> list[str]:
        """The calls that change something."""
        return [call for call in self.calls if not call.startswith("GET")]


@contextmanager
def played_github() -> Iterator[PlayedGitHub]:
    """A server for as long as the context lasts."""
    state = PlayedGitHub()
    handler = type("Handler", (_Handler,), {"state": state})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    state.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    state: ClassVar[PlayedGitHub]

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that the base class has
        """Say nothing."""

    def do_GET(self) -> None:
        """Comments and labels, page by page."""
        address = urlsplit(self.path)
        if self._refused(address.path):
            return
        opened = [item for item in self.state.issues if item["state"] == "open"]
        listed: dict[str, list[Any]] = {
            ISSUES: [{"number": 7, "user": {"login": self.state.author}, "pull_request": {}}, *opened],
            f"{ISSUE}/comments": self.state.comments,
            f"{ISSUE}/labels": [{"name": name} for name in self.state.labels],
        }
        if address.path not in listed:
            self._answer(404, {"message": "Not Found"})
            return
        asked = {key: int(value[0]) for key, value in parse_qs(address.query).items() if value[0].isdigit()}
        start = (asked["page"] - 1) * asked["per_page"]
        self._answer(200, listed[address.path][start : start + asked["per_page"]])

    def do_POST(self) -> None:
        """Post a comment."""
        body = self._body()
        if self._refused(self.path, lambda: self.state.add(body["body"])):
            return
        if self.path == f"{ISSUE}/labels":
            self.state.labels += [name for name in body["labels"] if name not in self.state.labels]
            self._answer(200, [{"name": name} for name in self.state.labels])
            return
        if self.path == ISSUES:
            number = 20 + len(self.state.issues)
            issue = {**body, "number": number, "state": "open", "user": {"login": self.state.author}, "said": []}
            self.state.issues.append(issue)
            self._answer(201, issue)
            return
        if self.path != f"{ISSUE}/comments":
            self._issue().get("said", []).append(body["body"])
            self._answer(201, {})
            return
        self.state.add(body["body"])
        self._answer(201, self.state.comments[-1])

    def do_PATCH(self) -> None:
        """Change a comment."""
        body = self._body()
        if not self._refused(self.path):
            (self._comment() if "/comments/" in self.path else self._issue()).update(body)
            self._answer(200, {})

    def do_DELETE(self) -> None:
        """Remove a comment, or a label."""
        if not self._refused(self.path):
            if self.path.startswith(f"{ISSUE}/labels/"):
                self.state.labels.remove(unquote(self.path.rpartition("/")[2]))
                self._answer(200, [])
                return
            self.state.comments.remove(self._comment())
            self._answer(204, None)

    def _comment(self) -> dict[str, Any]:
        found = re.fullmatch(r"/repos/ml/platform/issues/comments/(\d+)", self.path)
        assert found, self.path
        (comment,) = [item for item in self.state.comments if item["id"] == int(found[1])]
        return comment

    def _issue(self) -> dict[str, Any]:
        found = re.match(rf"{ISSUES}/(\d+)", self.path)
        assert found, self.path
        (issue,) = [item for item in self.state.issues if item["number"] == int(found[1])]
        return issue

    def _refused(self, path: str, carry_out: Any = None) -> bool:
        self.state.calls.append(f"{self.command} {path}")
        if self.headers["Authorization"] != f"Bearer {TOKEN}":
            self._answer(401, {"message": "Bad credentials"})
        elif self.state.refuses and f"{self.command} {path}".endswith(self.state.refuses):
            self._answer(403, {"message": "not allowed"})
        elif self.state.failures:
            if self.state.carried_out and carry_out:
                carry_out()
            status, headers = self.state.failures.pop(0)
            self._answer(status, {"message": "not now"}, headers)
        else:
            return False
        return True

    def _body(self) -> Any:
        return json.loads(self.rfile.read(int(self.headers["Content-Length"])))

    def _answer(self, status: int, body: object, headers: dict[str, str] | None = None) -> None:
        text = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(text)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text)
