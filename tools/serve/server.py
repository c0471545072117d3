"""The server: for a browser on this machine, which may look and change nothing.

It listens to 127.0.0.1 alone. What another site makes a browser ask is refused: by the name that it was asked by, which
a site cannot choose without owning it (DNS rebinding), and by what the browser says of who asks.
"""

import sys
from http import HTTPStatus
from http.client import HTTP_PORT
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import socket
from urllib.parse import parse_qs

from tools.report.page import content_policy
from tools.serve.live import Pages

HOST = "127.0.0.1"

_HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def own_names(port: int) -> frozenset[str]:
    """Return what a browser at this machine calls the server in `Host`; HTTP's own port is left out there."""
    names = (HOST, "localhost")
    return frozenset((*(f"{name}:{port}" for name in names), *(names if port == HTTP_PORT else ())))


class Server(ThreadingHTTPServer):
    """Serves pages on a port of this machine; port 0 takes a free one."""

    daemon_threads = True

    def __init__(self, pages: Pages, port: int) -> None:
        super().__init__((HOST, port), Handler)
        self.pages = pages

    def handle_error(self, request: socket | tuple[bytes, socket], client_address: object) -> None:
        """Tell of what went wrong, but not of a browser that has not waited for the answer."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://{HOST}:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    """Answers one request."""

    server: Server
    protocol_version = "HTTP/1.1"
    server_version = "sm-mlops"
    sys_version = ""

    def do_GET(self) -> None:
        """Answer with a page."""
        if self.headers.get("Host") not in own_names(self.server.server_port):
            self._answer(HTTPStatus.MISDIRECTED_REQUEST, "text/plain", f"Ask for {self.server.url} by this name.\n")
        elif self._from_elsewhere():
            self._answer(HTTPStatus.FORBIDDEN, "text/plain", "Another site may not read this.\n")
        else:
            self._show()

    def do_HEAD(self) -> None:
        """Answer as to GET, without the page."""
        self.do_GET()

    def parse_request(self) -> bool:
        """Read the request's head, and refuse what is no question."""
        if not super().parse_request():
            return False
        if self.command in ("GET", "HEAD"):
            return True
        # What was sent along is not read, so nothing else can come on this connection.
        self.close_connection = True
        status, allowed = HTTPStatus.METHOD_NOT_ALLOWED, {"Allow": "GET, HEAD"}
        self._answer(status, "text/plain", "Here is nothing to change.\n", allowed)
        return False

    def _from_elsewhere(self) -> bool:
        """Whether a page of another origin asks, by more than leading somebody here."""
        site, mode = self.headers.get("Sec-Fetch-Site", "none"), self.headers.get("Sec-Fetch-Mode", "")
        leads_here = mode == "navigate" and self.headers.get("Sec-Fetch-Dest") == "document"
        return site not in ("none", "same-origin") and not leads_here

    def _show(self) -> None:
        try:
            found = self._page()
        except Exception:
            # A browser would say that nobody answers.
            told = "This page could not be made. The terminal in which the server runs says why.\n"
            self._answer(HTTPStatus.INTERNAL_SERVER_ERROR, "text/plain", told)
            raise
        if found is None:
            self._answer(HTTPStatus.NOT_FOUND, "text/plain", "Here is nothing; / has the page.\n")
        else:
            self._answer(HTTPStatus.OK, *found)

    def _page(self) -> tuple[str, str] | None:
        """Return what is asked for, with its kind; None where there is no such page."""
        pages, (path, _, query) = self.server.pages, self.path.partition("?")
        asked = {name: values[0] for name, values in parse_qs(query).items()}
        if path == "/":
            return "text/html", pages.overview()
        if path == "/report.json":
            return "application/json", pages.json()
        if path == "/log" and (log := pages.log(asked.get("build", ""), asked.get("region", ""))):
            return "text/html", log
        return None

    def _answer(self, status: HTTPStatus, kind: str, text: str, more: dict[str, str] | None = None) -> None:
        body = text.encode()
        self.send_response(status)
        policy = f"{content_policy()}; frame-ancestors 'none'"
        for name, value in {**_HEADERS, "Content-Security-Policy": policy, **(more or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Say nothing: who asks is the person at this machine."""
