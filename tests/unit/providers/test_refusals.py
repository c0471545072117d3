"""What a dynamic provider refuses is told in its own sentence: in the process that Pulumi starts for providers."""

import base64
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.protobuf import struct_pb2
from pulumi.dynamic import ResourceProvider
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from components.providers.aws_access import AwsError, AwsResourceProvider
from tests.support.recording import ROOT


class Refusing(AwsResourceProvider):
    """Refuses, or has an accident."""

    def delete(self, id_: str, _props: Any) -> None:
        if id_ == "refused":
            raise AwsError("product prod-1 cannot be removed") from KeyError("AWS")
        raise RuntimeError("an accident")


@pytest.fixture(scope="module")
def process() -> Iterator[provider_pb2_grpc.ResourceProviderStub]:
    command = [sys.executable, "-u", "-m", "pulumi.dynamic"]
    with subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True
    ) as started:
        assert started.stdout is not None
        port = int(started.stdout.readline())
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            stub = provider_pb2_grpc.ResourceProviderStub(channel)
            stub.Configure(provider_pb2.ConfigureRequest())
            yield stub
        started.terminate()


def told(process: provider_pb2_grpc.ResourceProviderStub, provider: ResourceProvider, id_: str) -> str:
    properties = struct_pb2.Struct()
    properties["__provider"] = base64.b64encode(pickle.dumps(provider)).decode()
    with pytest.raises(grpc.RpcError) as refused:
        process.Delete(provider_pb2.DeleteRequest(id=id_, properties=properties))
    return str(refused.value.details())


def test_a_refusal_is_its_sentence_and_nothing_else(process: provider_pb2_grpc.ResourceProviderStub) -> None:
    assert told(process, Refusing(), "refused") == "product prod-1 cannot be removed"


def test_an_accident_keeps_its_traceback(process: provider_pb2_grpc.ResourceProviderStub) -> None:
    said = told(process, Refusing(), "accident")
    assert said.startswith("Traceback")
    assert "RuntimeError: an accident" in said
