"""The served page: for a person at this machine, who looks; nobody else, and nothing else."""

import http.client
import json
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from unittest.mock import Mock
from urllib.parse import urlencode

import pytest
import yaml

from tests.support.recording import EXAMPLE, ROOT
from tests.tools import report_samples as samples
from tools.faults import ToolError
from tools.report.model import Report
from tools.serve import live
from tools.serve.live import Pages
from tools.serve.server import HOST, Server, own_names
from tools.stack_file import StackFile

BUILD = "sagemaker-churn-p-1-modeldeploy:1"


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class World:
    """A server, and how often AWS was looked at for it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.looks = 0
        self.clock = Clock()
        monkeypatch.setattr(live, "report", self._report)
        monkeypatch.setattr(live, "_log", lambda _file, build, region: [f"log of {build} in {region}", samples.MARKUP])
        self.pages = Pages([StackFile("dev", EXAMPLE)], clock=self.clock)
        self.server = Server(self.pages, 0)

    def _report(self, _files: object) -> Report:
        self.looks += 1
        return samples.report(samples.environment("dev"))

    def ask(self, path: str = "/", method: str = "GET", **headers: str) -> tuple[int, Mapping[str, str], str]:
        connection = http.client.HTTPConnection(HOST, self.server.server_port, timeout=10)
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, headers=given)
        answer = connection.getresponse()
        told = answer.status, dict(answer.getheaders()), answer.read().decode()
        connection.close()
        return told


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    made = World(monkeypatch)
    threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    with made.server:
        yield made
        made.server.shutdown()


def test_a_person_sees_the_page_and_a_program_the_json(world: World) -> None:
    status, headers, text = world.ask()
    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "AWS keeps no copy of what a topic has sent" in text
    status, _, text = world.ask("/report.json")
    assert json.loads(text)["environments"][0]["stack"] == "dev"


def test_who_reloads_at_once_asks_aws_nothing_and_later_sees_what_is_new(world: World) -> None:
    world.ask()
    world.ask("/report.json")
    assert world.looks == 1
    world.clock.now += live.FRESH_SECONDS
    world.ask()
    assert world.looks == 2


@pytest.mark.parametrize("name", ["evil.example", "127.0.0.1", "evil.example:80", ""])
def test_it_answers_to_no_name_but_its_own(world: World, name: str) -> None:
    status, _, text = world.ask(Host=name)
    assert status == 421
    assert "sm-mlops-dev" not in text
    assert world.looks == 0
    assert world.ask(Host=f"localhost:{world.server.server_port}")[0] == 200


@pytest.mark.parametrize("port", [80, 8080])
def test_a_browser_reaches_it_at_any_port(port: int) -> None:
    connection = Spoken(HOST, port)
    connection.request("GET", "/")
    (named,) = re.findall(rb"Host: (.*)\r\n", connection.sent)
    assert named.decode() in own_names(port)
    assert f"evil.example:{port}" not in own_names(port)


class Spoken(http.client.HTTPConnection):
    """A client of which one sees what it would send."""

    sent = b""

    def send(self, data: object) -> None:
        assert isinstance(data, bytes)
        self.sent += data


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "ANYTHING"])
def test_nothing_can_be_changed(world: World, method: str) -> None:
    status, headers, _ = world.ask(method=method)
    assert (status, headers["Allow"]) == (405, "GET, HEAD")
    assert world.looks == 0


def test_another_site_may_lead_here_and_read_nothing(world: World) -> None:
    for site in ("cross-site", "same-site"):
        assert world.ask("/report.json", Sec_Fetch_Site=site, Sec_Fetch_Mode="cors")[0] == 403
        assert world.ask("/", Sec_Fetch_Site=site, Sec_Fetch_Mode="navigate", Sec_Fetch_Dest="iframe")[0] == 403
        assert world.ask("/", Sec_Fetch_Site=site, Sec_Fetch_Mode="navigate", Sec_Fetch_Dest="document")[0] == 200
    assert world.ask("/", Sec_Fetch_Site="same-origin", Sec_Fetch_Mode="cors")[0] == 200


@pytest.mark.parametrize("path", ["/", "/report.json", "/nothing"])
def test_every_answer_carries_what_keeps_other_sites_out(world: World, path: str) -> None:
    _, headers, _ = world.ask(path)
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert headers["Content-Security-Policy"].endswith("frame-ancestors 'none'")
    assert "Access-Control-Allow-Origin" not in headers


def test_head_tells_the_length_and_no_page(world: World) -> None:
    status, headers, text = world.ask(method="HEAD")
    assert (status, text) == (200, "")
    assert int(headers["Content-Length"]) > 1000


def test_only_logs_of_builds_that_the_report_knows_are_read(world: World) -> None:
    asked = {"build": BUILD, "region": samples.HOME}
    status, _, text = world.ask(f"/log?{urlencode(asked)}")
    assert status == 200
    assert f"log of {BUILD} in {samples.HOME}" in text
    assert "<script>" not in text
    for other in ({**asked, "region": "eu-west-1"}, {**asked, "build": "others:1"}, {}):
        assert world.ask(f"/log?{urlencode(other)}")[0] == 404


def test_a_log_of_an_account_that_answers_no_more_says_why(tmp_path: Path) -> None:
    values = yaml.safe_load((EXAMPLE / "Pulumi.dev.yaml").read_text())
    values["config"]["aws:profile"] = "nobody-has-this-profile"
    (tmp_path / "Pulumi.dev.yaml").write_text(yaml.safe_dump(values))
    pages = Pages([StackFile("dev", tmp_path)])
    pages.report = lambda: samples.report(samples.environment("dev"))  # type: ignore[method-assign]
    assert "nobody-has-this-profile" in (pages.log(BUILD, samples.HOME) or "")


@pytest.fixture
def failed(world: World, monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Set once the server has told of what went wrong, or has kept it to itself."""
    event, tell = threading.Event(), world.server.handle_error

    def told(request: Any, client_address: object) -> None:
        tell(request, client_address)
        event.set()

    monkeypatch.setattr(world.server, "handle_error", told)
    return event


def test_a_page_that_cannot_be_made_says_so_and_the_terminal_why(
    world: World, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], failed: threading.Event
) -> None:
    monkeypatch.setattr(world.pages, "overview", Mock(side_effect=ZeroDivisionError))
    status, _, text = world.ask()
    assert (status, "terminal" in text) == (500, True)
    assert failed.wait(10)
    assert "ZeroDivisionError" in capfd.readouterr().err


def test_who_does_not_wait_for_the_answer_leaves_no_traceback(
    world: World, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], failed: threading.Event
) -> None:
    monkeypatch.setattr(world.pages, "overview", Mock(return_value="x" * 50_000_000))
    with socket.create_connection((HOST, world.server.server_port)) as hasty:
        hasty.sendall(f"GET / HTTP/1.1\r\nHost: localhost:{world.server.server_port}\r\n\r\n".encode())
    assert failed.wait(10)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("address", ["http://[::1", "//[x", "http://evil.example/", "/../report.json", "/%2e/", "*"])
def test_an_address_of_another_form_is_no_page(world: World, address: str) -> None:
    with socket.create_connection((HOST, world.server.server_port), timeout=10) as asking:
        asking.sendall(f"GET {address} HTTP/1.0\r\nHost: localhost:{world.server.server_port}\r\n\r\n".encode())
        assert asking.makefile().readline().split()[1] == "404"
    assert world.looks == 0


class Inbox(BaseHTTPRequestHandler):
    body = b""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (json.dumps([{"topic": "t", "subject": "Training", "message": samples.MARKUP}]), "&lt;script&gt;"),
        ('{"not": "a list"}', "does not answer"),
        ("no JSON", "does not answer"),
    ],
    ids=["mail", "another form", "no JSON"],
)
def test_the_inbox_is_shown_or_why_it_is_not(world: World, body: str, said: str) -> None:
    handler = type("Filled", (Inbox,), {"body": body.encode()})
    with HTTPServer((HOST, 0), handler) as inbox:
        threading.Thread(target=inbox.handle_request, daemon=True).start()
        world.pages.inbox = f"http://{HOST}:{inbox.server_port}/inbox"
        text = world.ask()[2]
    assert said in text
    assert "<script>" not in text


def test_an_inbox_that_speaks_another_language_does_not_answer(world: World) -> None:
    with socket.create_server((HOST, 0)) as inbox:
        world.pages.inbox = f"http://{HOST}:{inbox.getsockname()[1]}/inbox"

        def answer() -> None:
            asking, _ = inbox.accept()
            # Else closing it would reset the connection, and nothing need be heard.
            asking.recv(65536)
            asking.sendall(b"220 mail.example ESMTP\r\n")
            asking.close()

        threading.Thread(target=answer, daemon=True).start()
        status, _, text = world.ask()
    assert (status, "does not answer" in text) == (200, True)


@pytest.mark.parametrize(
    "address",
    [
        *("http://inbox.example/mails", "http://127.0.0.1.example/", "file://localhost/etc/passwd", "127.0.0.1:80"),
        *("http://127.0.0.1:99999/", "http://[::1", "http://127.0.0.1@inbox.example/"),
    ],
)
def test_an_inbox_of_another_machine_is_refused(address: str) -> None:
    with pytest.raises(ToolError, match="not an address of this machine"):
        Pages([], address)


def test_the_command_says_its_address_and_ends_with_who_has_started_it(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.dev.yaml").write_text((EXAMPLE / "Pulumi.dev.yaml").read_text())
    command = [sys.executable, "-m", "tools", "serve", "--folder", str(tmp_path), "--while-stdin"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdin
        assert process.stdout.readline().startswith("http://127.0.0.1:")
        process.stdin.close()
        assert process.wait(timeout=30) == 0
