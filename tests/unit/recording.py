"""Runs the program without an engine and records what it registers, options included.

Pulumi's mocks see a resource's inputs only; `protect`, `retain_on_delete`, parents and dependencies travel in the
registration request, so the monitor keeps that, too.
"""

import asyncio
import json
import runpy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pulumi
import yaml
from google.protobuf import empty_pb2
from pulumi.runtime import mocks, rpc, settings
from pulumi.runtime.proto import resource_pb2
from pulumi.runtime.stack import Stack

from awsmodel.regions import known_regions

ROOT = Path(__file__).parents[2]
PROJECT = "sm-mlops"
ACCOUNT_ID = "111122223333"


@dataclass(frozen=True)
class Registration:
    """One resource as the program asked for it."""

    urn: str
    type: str
    name: str
    inputs: dict[str, Any]
    request: resource_pb2.RegisterResourceRequest

    @property
    def region(self) -> str | None:
        return self.inputs.get("region")

    @property
    def depends_on(self) -> set[str]:
        """Logical names of the resources that this one waits for."""
        return {urn.rsplit("::", 1)[-1] for urn in self.request.dependencies}

    def policy(self) -> dict[str, Any]:
        """The policy document among the inputs."""
        loaded: dict[str, Any] = json.loads(self.inputs["policy"])
        return loaded


@dataclass
class Recording:
    """What a run of the program registered."""

    resources: list[Registration] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)
    component_outputs: dict[str, dict[str, Any]] = field(default_factory=dict)

    def of_type(self, resource_type: str) -> list[Registration]:
        return [resource for resource in self.resources if resource.type == resource_type]

    def named(self, name: str) -> Registration:
        matches = [resource for resource in self.resources if resource.name == name]
        assert len(matches) == 1, f"{len(matches)} resources are named {name!r}: {sorted(self.names())}"
        return matches[0]

    def names(self) -> Iterator[str]:
        return (resource.name for resource in self.resources)


class Answers(mocks.Mocks):
    """Plays AWS: gives each resource an id and an ARN, and refuses every call that is not foreseen."""

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        name = args.inputs.get("name") or args.inputs.get("bucket") or args.inputs.get("repositoryName") or args.name
        service = args.typ.split(":")[1].split("/")[0]
        region = args.inputs.get("region", "")
        partition = known_regions()[region or pulumi.Config("aws").require("region")].partition
        path = f"{args.typ.rsplit(':', 1)[-1].lower()}/" if service == "iam" else ""
        state = {
            "arn": f"arn:{partition}:{service}:{region}:{ACCOUNT_ID}:{path}{name}",
            "keyId": f"{args.name}-id",
            "connectionStatus": "PENDING",
            "cloneUrlHttp": f"https://git-codecommit.{region}.amazonaws.com/v1/repos/{name}",
            "bucket": name,
            **args.inputs,
        }
        return f"{args.name}-id", state

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        if args.token == "aws:index/getCallerIdentity:getCallerIdentity":  # noqa: S105 - a function's token
            return {"accountId": ACCOUNT_ID, "arn": f"arn:aws:iam::{ACCOUNT_ID}:root", "userId": "root"}, []
        raise AssertionError(f"the program called {args.token}, which nothing here answers")


class RecordingMonitor(mocks.MockMonitor):
    """Keeps each registration with its options, and each component's outputs."""

    def __init__(self, recording: Recording) -> None:
        super().__init__(Answers())
        self._recording = recording

    def RegisterResource(  # noqa: N802 - the name of the gRPC method
        self, request: resource_pb2.RegisterResourceRequest
    ) -> resource_pb2.RegisterResourceResponse:
        response: resource_pb2.RegisterResourceResponse = super().RegisterResource(request)  # type: ignore[no-untyped-call]
        if request.type != "pulumi:pulumi:Stack":
            inputs = rpc.deserialize_properties(request.object)
            registration = Registration(response.urn, request.type, request.name, inputs, request)
            self._recording.resources.append(registration)
        return response

    def RegisterResourceOutputs(  # noqa: N802 - the name of the gRPC method
        self, request: resource_pb2.RegisterResourceOutputsRequest
    ) -> empty_pb2.Empty:
        name = request.urn.rsplit("::", 1)[-1]
        self._recording.component_outputs[name] = rpc.deserialize_properties(request.outputs)
        return empty_pb2.Empty()


def stack_values(stack: str) -> dict[str, Any]:
    """The committed stack file's configuration, by full key."""
    loaded = yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text())
    config: dict[str, Any] = loaded["config"]
    return config


def run_program(
    values: Mapping[str, Any],
    stack: str = "dev",
    *,
    preview: bool = False,
    recording: Recording | None = None,
    main: Path = ROOT / "__main__.py",
) -> Recording:
    """Run a whole program with the given configuration and return what it registered, all of it resolved."""
    recording = Recording() if recording is None else recording

    def program() -> pulumi.Output[None]:
        runpy.run_path(str(main))
        root = settings.get_root_resource()
        assert isinstance(root, Stack)
        return pulumi.Output.from_input(root.outputs).apply(recording.outputs.update)

    return run_function(program, values, stack, preview=preview, recording=recording)


def run_function(
    program: Callable[[], pulumi.Output[None]],
    values: Mapping[str, Any] = MappingProxyType({}),
    stack: str = "dev",
    *,
    preview: bool = False,
    recording: Recording | None = None,
) -> Recording:
    """Run a function as a program; what it returns is awaited, and so is everything that it registers."""
    recording = Recording() if recording is None else recording
    encoded = {key: value if isinstance(value, str) else json.dumps(value) for key, value in values.items()}
    encoded.setdefault("aws:region", "us-east-2")
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        pulumi.runtime.set_all_config(encoded)
        settings.set_root_resource(None)  # type: ignore[arg-type] # the last run's stack would collect this one's exports
        pulumi.runtime.set_mocks(
            Answers(), project=PROJECT, stack=stack, preview=preview, monitor=RecordingMonitor(recording)
        )
        # Only inside the decorated function is every registration awaited; only after it is absence a fact.
        pulumi.runtime.test(program)()  # type: ignore[no-untyped-call]
    finally:
        loop.close()
        asyncio.set_event_loop(None)
        pulumi.runtime.set_all_config({})
    return recording
