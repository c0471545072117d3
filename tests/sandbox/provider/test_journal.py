"""What the plugin writes down, so that nothing is lost that a killed engine had asked for."""
# ruff: noqa: S310 - the URL is the emulator's

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import grpc
import pytest
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from sandbox.provider.server import WATCH_SECONDS
from sandbox.provider.values import Properties, to_struct
from tests.sandbox.conftest import REPOSITORY, START_SECONDS, Clients
from tests.sandbox.support.engine import AbortedError, Engine

TOPIC = "aws:sns/topic:Topic"
BUCKET = "aws:s3/bucket:Bucket"


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SM_MLOPS_JOURNAL", str(tmp_path))
    return tmp_path


def entries(journal: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for file in journal.glob("*.jsonl") for line in file.read_text().splitlines()]


def test_a_creation_is_written_down_when_it_stands_and_when_it_is_complete(engine: Engine, journal: Path) -> None:
    made = engine.create(TOPIC, {"name": "journal", "displayName": "one"})
    assert entries(journal) == [
        {"urn": made.urn, "id": made.id, "outputs": None},
        {"urn": made.urn, "id": made.id, "outputs": made.outputs},
    ]


def test_a_creation_that_fails_later_is_written_down_as_incomplete(engine: Engine, journal: Path) -> None:
    with pytest.raises(AbortedError) as raised:
        engine.create(BUCKET, {"bucket": "half-noted", "tags": {"aws:reserved": "a"}})
    assert raised.value.detail is not None
    assert [(entry["id"], entry["outputs"]) for entry in entries(journal)] == [(raised.value.detail.id, None)]


def test_a_preview_and_an_update_write_nothing(engine: Engine, journal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SM_MLOPS_JOURNAL")
    made = engine.create(TOPIC, {"name": "quiet"})
    monkeypatch.setenv("SM_MLOPS_JOURNAL", str(journal))
    engine.preview(TOPIC, {"name": "quiet-too"})
    engine.update(made, {"name": "quiet", "displayName": "two"})
    assert entries(journal) == []


def test_what_a_killed_engine_asked_for_is_finished(
    slow_aws: "SlowAws", aws: Clients, journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{slow_aws.server_port}")
    command = ["sh", "-c", f"'{sys.executable}' -m sandbox.provider; :"]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as engine:
        assert engine.stdout is not None
        try:
            with grpc.insecure_channel(f"127.0.0.1:{engine.stdout.readline().strip()}") as channel:
                plugin = provider_pb2_grpc.ResourceProviderStub(channel)
                plugin.Configure(provider_pb2.ConfigureRequest(args=to_struct({"region": "eu-west-1"})))
                in_flight = plugin.Create.future(creation("in-flight"))
                assert slow_aws.asked.wait(START_SECONDS)
                assert not in_flight.done()
        finally:
            engine.kill()
        time.sleep(2 * WATCH_SECONDS)  # until the plugin has seen that the engine is gone
        slow_aws.answers.set()
        assert engine.stdout.read() == ""  # ends when the plugin does
    last = entries(journal)[-1]
    assert last["outputs"]["name"] == "in-flight"
    assert last["id"] in {topic["TopicArn"] for topic in aws("sns").list_topics()["Topics"]}


class SlowAws(ThreadingHTTPServer):
    """The emulated AWS, except that it makes topics only when it is told to answer."""

    def __init__(self, url: str) -> None:
        super().__init__(("127.0.0.1", 0), Forwarding)
        self.url, self.asked, self.answers = url, threading.Event(), threading.Event()


class Forwarding(BaseHTTPRequestHandler):
    server: SlowAws

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if b"CreateTopic" in body:
            self.server.asked.set()
            self.server.answers.wait(START_SECONDS)
        with urlopen(Request(self.server.url, body, dict(self.headers))) as answer:
            self.send_response(answer.status)
            self.end_headers()
            self.wfile.write(answer.read())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def slow_aws(emulator: dict[str, Any]) -> Iterator[SlowAws]:
    with SlowAws(emulator["url"]) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def creation(name: str) -> provider_pb2.CreateRequest:
    inputs: Properties = {"name": name}
    return provider_pb2.CreateRequest(urn=f"urn:pulumi:test::test::{TOPIC}::{name}", properties=to_struct(inputs))
