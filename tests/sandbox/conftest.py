"""One emulated AWS for all tests of the sandbox, and a stand-in plugin driven as the engine drives it."""
# ruff: noqa: S310 - the URLs are the emulator's

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias
from urllib.request import Request, urlopen

import boto3
import pytest

from sandbox.provider.aws import Connections
from tests.sandbox.support.engine import Engine

REPOSITORY = Path(__file__).parents[2]
REGION = "eu-west-1"
START_SECONDS = 120

Client: TypeAlias = Any
Clients = Callable[..., Client]


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """The info file of a running emulator."""
    info = tmp_path_factory.mktemp("emulator") / "info.json"
    command = [sys.executable, "-m", "sandbox.emulator", "--info", str(info)]
    with subprocess.Popen(command, cwd=REPOSITORY, env={**os.environ, "PYTHONWARNINGS": "error"}) as process:
        deadline = time.monotonic() + START_SECONDS
        while not info.exists():
            assert process.poll() is None, "the emulator ended while it started"
            assert time.monotonic() < deadline, "the emulator did not start in time"
            time.sleep(0.02)
        yield json.loads(info.read_text())
        process.terminate()
        assert process.wait(timeout=START_SECONDS) == 0


@pytest.fixture(scope="session")
def connect(emulator: dict[str, Any]) -> Clients:
    """Clients of the emulator, made once each."""
    session = boto3.session.Session(aws_access_key_id="test", aws_secret_access_key="test")  # noqa: S106
    made: dict[tuple[str, str], Client] = {}

    def client(service: str, region: str = REGION) -> Client:
        if (service, region) not in made:
            made[service, region] = session.client(  # type: ignore[call-overload]
                service, region_name=region, endpoint_url=emulator["url"]
            )
        return made[service, region]

    return client


@pytest.fixture(scope="module")
def aws(emulator: dict[str, Any], connect: Clients) -> Clients:
    """Clients of an emulated AWS that a module finds empty; its tests name what they make apart."""
    with urlopen(Request(f"{emulator['url']}/moto-api/reset", method="POST")):
        return connect


@pytest.fixture(scope="session")
def connections(emulator: dict[str, Any]) -> Connections:
    """The plugin's clients, which take longer to make than to use."""
    return Connections(emulator["url"])


@pytest.fixture(scope="module")
def engine(connections: Connections, aws: Clients) -> Engine:
    """The stand-in plugin, configured for a region."""
    aws("sts")
    return Engine(connections, {"region": REGION})
