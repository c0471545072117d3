"""What the plugin writes down, so that nothing is lost that a killed engine had asked for."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import grpc
import pytest
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from sandbox.provider.server import WATCH_SECONDS
from sandbox.provider.values import Properties, to_struct
from tests.unit.sandbox.conftest import REPOSITORY, Clients
from tests.unit.sandbox.engine import AbortedError, Engine

TOPIC = "aws:sns/topic:Topic"
KEY = "aws:kms/key:Key"


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
        engine.create(KEY, {"enableKeyRotation": True, "rotationPeriodInDays": 5000})
    assert raised.value.detail is not None
    assert [(entry["id"], entry["outputs"]) for entry in entries(journal)] == [(raised.value.detail.id, None)]


def test_a_preview_and_an_update_write_nothing(engine: Engine, journal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SM_MLOPS_JOURNAL")
    made = engine.create(TOPIC, {"name": "quiet"})
    monkeypatch.setenv("SM_MLOPS_JOURNAL", str(journal))
    engine.preview(TOPIC, {"name": "quiet-too"})
    engine.update(made, {"name": "quiet", "displayName": "two"})
    assert entries(journal) == []


def test_what_a_killed_engine_asked_for_is_finished(emulator: dict[str, Any], aws: Clients, journal: Path) -> None:
    environment = os.environ | {"AWS_ENDPOINT_URL": emulator["url"]}
    command = ["sh", "-c", f"'{sys.executable}' -m sandbox.provider; :"]
    with subprocess.Popen(command, cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, text=True) as engine:
        assert engine.stdout is not None
        with grpc.insecure_channel(f"127.0.0.1:{engine.stdout.readline().strip()}") as channel:
            plugin = provider_pb2_grpc.ResourceProviderStub(channel)
            plugin.Configure(provider_pb2.ConfigureRequest(args=to_struct({"region": "eu-west-1"})))
            plugin.Create(creation("warm-up"))
            os.kill(emulator["pid"], signal.SIGSTOP)
            try:
                plugin.Create.future(creation("in-flight"))
                time.sleep(0.2)  # until the request has reached the plugin
                engine.kill()
                time.sleep(2 * WATCH_SECONDS)  # until the plugin has seen that the engine is gone
            finally:
                os.kill(emulator["pid"], signal.SIGCONT)
        assert engine.stdout.read() == ""  # ends when the plugin does
    last = entries(journal)[-1]
    assert last["outputs"]["name"] == "in-flight"
    assert last["id"] in {topic["TopicArn"] for topic in aws("sns").list_topics()["Topics"]}


def creation(name: str) -> provider_pb2.CreateRequest:
    inputs: Properties = {"name": name}
    return provider_pb2.CreateRequest(urn=f"urn:pulumi:test::test::{TOPIC}::{name}", properties=to_struct(inputs))
