"""A proxy on this machine between whoever calls AWS and the emulated AWS, for tests that slow calls down or break them.

It speaks plain HTTP and passes every request on unchanged, but for what `Rule` makes of it.
"""

import http.client
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

_HOP_BY_HOP = {"connection", "content-length", "host", "keep-alive", "transfer-encoding"}


@dataclass(frozen=True)
class Call:
    """One request to AWS."""

    number: int
    """From 1, in the order of arrival."""
    service: str
    """The service, as the signature names it."""
    operation: str
    """The operation, where the protocol names it; else method and path."""
    arrived: float
    """When, on the clock of `time.monotonic`."""
    port: int = 0
    """The caller's port, which tells its process."""


Rule = Callable[[Call, Callable[[], "Answer"]], "Answer | None"]
"""What becomes of a call: gets the call and a function that passes it on; None drops the connection."""


@dataclass(frozen=True)
class Answer:
    """An answer of AWS."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


def pass_on(_call: Call, forward: Callable[[], Answer]) -> Answer | None:
    """The rule that changes nothing."""
    return forward()


def delayed(seconds: float) -> Rule:
    """The rule that makes every call take longer."""

    def rule(_call: Call, forward: Callable[[], Answer]) -> Answer | None:
        time.sleep(seconds)
        return forward()

    return rule


class Proxy:
    """A running proxy.

    Attributes:
        url: where it listens.
        calls: what has arrived so far.
        rule: what becomes of a call; may be changed at any time.
    """

    def __init__(self, target: str, rule: Rule = pass_on) -> None:
        self.calls: list[Call] = []
        self.rule = rule
        self._target = urlsplit(target)
        self._lock = threading.Lock()
        handler = type("Handler", (_Handler,), {"proxy": self})
        self._server = _Server(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()

    def arrived(self, service: str, operation: str, port: int) -> Call:
        """Count a call."""
        with self._lock:
            call = Call(len(self.calls) + 1, service, operation, time.monotonic(), port)
            self.calls.append(call)
        return call

    def forward(self, method: str, path: str, headers: list[tuple[str, str]], body: bytes) -> Answer:
        """Send a request to the emulated AWS."""
        connection = http.client.HTTPConnection(self._target.hostname or "", self._target.port, timeout=120)
        try:
            # The emulator calls itself at the address that it is called at: past the proxy.
            connection.request(method, path, body, {**dict(headers), "Host": self._target.netloc})
            answer = connection.getresponse()
            kept = tuple((name, value) for name, value in answer.getheaders() if name.lower() not in _HOP_BY_HOP)
            return Answer(answer.status, answer.read(), kept)
        finally:
            connection.close()


@contextmanager
def proxy(target: str, rule: Rule = pass_on) -> Iterator[Proxy]:
    """A proxy before `target`, closed at the end."""
    running = Proxy(target, rule)
    try:
        yield running
    finally:
        running.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request: object, client_address: object) -> None:
        """A caller that was killed is no fault of the proxy's."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # An answer goes out in one piece; else the caller waits for delayed acknowledgements.
    wbufsize = -1
    disable_nagle_algorithm = True
    proxy: Proxy

    def handle_one_request(self) -> None:
        """Take one request, whatever its method."""
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline or not self.parse_request():
            self.close_connection = True
            return
        body = self._body()
        call = self.proxy.arrived(self._service(), self._operation(body), self.client_address[1])
        headers = [(name, value) for name, value in self.headers.items() if name.lower() not in _HOP_BY_HOP]
        answer = self.proxy.rule(call, lambda: self.proxy.forward(self.command, self.path, headers, body))
        if answer is None:
            self.close_connection = True
            return
        self.send_response_only(answer.status)
        for name, value in answer.headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)
        self.wfile.flush()

    def _body(self) -> bytes:
        if self.headers.get("Expect", "").lower() == "100-continue":
            self.send_response_only(100)
            self.end_headers()
            self.wfile.flush()
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        chunks = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def _service(self) -> str:
        """From the scope of the signature: `Credential=<key>/<date>/<region>/<service>/aws4_request`."""
        scope = self.headers.get("Authorization", "").partition("Credential=")[2].split("/")
        return scope[3] if len(scope) > 3 else ""

    def _operation(self, body: bytes) -> str:
        target = self.headers.get("X-Amz-Target")
        if target:
            return target.rpartition(".")[2]
        if body.startswith(b"Action="):
            return body.partition(b"Action=")[2].partition(b"&")[0].decode()
        return f"{self.command} {self.path.partition('?')[0]}"
