"""Runs the program without an engine and records what it registers, options included.

Pulumi's mocks see a resource's inputs only; `protect`, `retain_on_delete`, parents and dependencies travel in the
registration request, so the monitor keeps that, too.
"""

import asyncio
import gc
import json
import runpy
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar, TypeVarTuple
from unittest import mock

import pulumi
from google.protobuf import empty_pb2, struct_pb2
from pulumi.output import Unknown
from pulumi.runtime import mocks, rpc, settings
from pulumi.runtime.proto import resource_pb2, source_pb2
from pulumi.runtime.stack import Stack

from awsmodel.arns import ArnScope
from awsmodel.regions import known_regions
from components.preflight import network_check, other_policies, role_check
from settings import NAMESPACE

ACCOUNT_ID = "111122223333"
"""The account that the program finds itself in, where nothing says another."""

_Answer = TypeVar("_Answer")
_Arguments = TypeVarTuple("_Arguments")
_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Registration:
    """One resource as the program asked for it."""

    urn: str
    type: str
    name: str
    inputs: Mapping[str, Any]
    request: resource_pb2.RegisterResourceRequest

    @property
    def region(self) -> str | None:
        """The region that it states."""
        return self.inputs.get("region")

    @property
    def depends_on(self) -> set[str]:
        """Logical names of the resources that this one waits for."""
        return {urn.rsplit("::", 1)[-1] for urn in self.request.dependencies}

    def policy(self) -> dict[str, Any]:
        """Return the policy document among the inputs."""
        loaded: dict[str, Any] = json.loads(self.inputs["policy"])
        return loaded


@dataclass
class Recording:
    """What a run of the program registered."""

    resources: list[Registration] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)
    component_outputs: dict[str, dict[str, Any]] = field(default_factory=dict)

    def of_type(self, resource_type: str) -> list[Registration]:
        """Return the resources of a type."""
        return [resource for resource in self.resources if resource.type == resource_type]

    def named(self, name: str) -> Registration:
        """Return the one resource of a logical name."""
        matches = [resource for resource in self.resources if resource.name == name]
        if len(matches) != 1:
            raise AssertionError(f"{len(matches)} resources are named {name!r}: {sorted(self.names())}")
        return matches[0]

    def names(self) -> Iterator[str]:
        """All logical names."""
        return (resource.name for resource in self.resources)


_IN_REGION = "arn:{partition}:{service}:{region}:{account}:"
_OF_ACCOUNT = "arn:{partition}:iam::{account}:"

_ARNS = {
    "budgets:Budget": "arn:{partition}:budgets::{account}:budget/{name}",
    "cloudwatch:EventRule": "arn:{partition}:events:{region}:{account}:rule/{name}",
    "cloudwatch:LogGroup": "arn:{partition}:logs:{region}:{account}:log-group:{name}",
    "codebuild:Project": f"{_IN_REGION}project/{{name}}",
    "codeconnections:Connection": f"{_IN_REGION}connection/{{id}}",
    "codestarnotifications:NotificationRule": "arn:{partition}:codestar-notifications:{region}:{account}:"
    "notificationrule/{id}",
    "iam:Policy": f"{_OF_ACCOUNT}policy/{{name}}",
    "iam:Role": f"{_OF_ACCOUNT}role/{{name}}",
    "kms:Alias": f"{_IN_REGION}{{name}}",
    "kms:Key": f"{_IN_REGION}key/{{id}}",
    "s3:Bucket": "arn:{partition}:s3:::{name}",
    "servicecatalog:Portfolio": "arn:{partition}:catalog:{region}:{account}:portfolio/{id}",
    "servicecatalog:Product": "arn:{partition}:catalog:{region}:{account}:product/{id}",
    "ssm:Parameter": f"{_IN_REGION}parameter/{{bare}}",
}
"""ARNs that are more than service, region, account and name, by module and type of the AWS plugin."""


class Answers(mocks.Mocks):
    """Plays AWS: gives each resource an id and an ARN, and refuses every call that is not foreseen."""

    def __init__(self, account_id: str, home: str) -> None:
        super().__init__()
        self._account_id = account_id
        self._partition = known_regions()[home].partition

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        """Give a resource what AWS would."""
        return f"{args.name}-id", self.state_of(args.typ, args.name, args.inputs)

    def state_of(self, kind: str, logical_name: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """What AWS would tell of a resource."""
        return {**self.told_of(kind, logical_name, inputs), **inputs}

    def told_of(self, kind: str, logical_name: str, inputs: Mapping[str, Any]) -> dict[str, str]:
        """What AWS would tell of a resource besides what it is given, which goes before."""
        name = inputs.get("name") or inputs.get("bucket") or inputs.get("repositoryName") or logical_name
        region = inputs.get("region", "")
        return {
            "arn": self._arn(kind, region, name, f"{logical_name}-id"),
            "keyId": f"{logical_name}-id",
            "connectionStatus": "PENDING",
            "cloneUrlHttp": f"https://git-codecommit.{region}.amazonaws.com/v1/repos/{name}",
            "bucket": name,
        }

    def _arn(self, kind: str, region: str, name: str, identifier: str) -> str:
        """ARN in the form that AWS gives it: what a policy names must match it."""
        partition = known_regions()[region].partition if region else self._partition
        service, of = kind.split(":")[1].split("/", maxsplit=1)[0], kind.rsplit(":", 1)[-1]
        form = _ARNS.get(f"{service}:{of}", "arn:{partition}:{service}:{region}:{account}:{name}")
        return form.format(
            partition=partition,
            service=service,
            region=region,
            account=self._account_id,
            name=name,
            # A parameter's name may begin with the slash that parts it from its kind.
            bare=name.removeprefix("/"),
            id=identifier,
        )

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        """Answer a function of a provider."""
        if args.token == "aws:index/getCallerIdentity:getCallerIdentity":  # noqa: S105 - a function's token
            return {
                "accountId": self._account_id,
                "arn": ArnScope("aws", "", self._account_id).root(),
                "userId": "root",
            }, []
        raise AssertionError(f"the program called {args.token}, which nothing here answers")


class RecordingMonitor(mocks.MockMonitor):
    """Keeps each registration with its options, and each component's outputs."""

    def __init__(self, recording: Recording, answers: Answers) -> None:
        super().__init__(answers)
        self._recording = recording
        self._answers = answers

    def RegisterResource(  # noqa: N802 - the name of the gRPC method
        self, request: resource_pb2.RegisterResourceRequest
    ) -> resource_pb2.RegisterResourceResponse:
        """Keep what is asked for, and answer as the mocks do, which would read and write all of it again."""
        urn = self.make_urn(request.parent, request.type, request.name)
        if request.type == "pulumi:pulumi:Stack":
            return resource_pb2.RegisterResourceResponse(urn=urn)
        inputs = rpc.deserialize_properties(request.object)
        self._recording.resources.append(Registration(urn, request.type, request.name, inputs, request))
        state = struct_pb2.Struct()
        state.update(self._answers.told_of(request.type, request.name, inputs))
        state.MergeFrom(request.object)
        return resource_pb2.RegisterResourceResponse(urn=urn, id=f"{request.name}-id", object=state)

    def RegisterResourceOutputs(  # noqa: N802 - the name of the gRPC method
        self, request: resource_pb2.RegisterResourceOutputsRequest
    ) -> empty_pb2.Empty:
        """Keep what a component tells of itself."""
        name = request.urn.rsplit("::", 1)[-1]
        self._recording.component_outputs[name] = rpc.deserialize_properties(request.outputs)
        return empty_pb2.Empty()


class _AnsweredAtOnce(asyncio.SelectorEventLoop):
    """Asks the monitor where the SDK would have a thread ask it: it answers before a thread has begun."""

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[*_Arguments], _Answer], *args: *_Arguments
    ) -> asyncio.Future[_Answer]:
        del executor
        answered: asyncio.Future[_Answer] = self.create_future()
        try:
            answered.set_result(func(*args))
        except Exception as error:
            answered.set_exception(error)
        return answered


def _holds_unknowns(value: object) -> bool:
    """Whether an engine would know something of a value only after it has made it."""
    if isinstance(value, dict):
        # Types of the plugin are dictionaries that have properties of their own, `values` among them.
        return any(_holds_unknowns(value[key]) for key in value)
    if isinstance(value, list):
        return any(map(_holds_unknowns, value))
    return isinstance(value, Unknown)


@contextmanager
def nothing_looked_up() -> Iterator[None]:
    """Let the program run where there is no AWS: what its settings name there is taken to be in order."""
    with (
        mock.patch.object(network_check, "check", return_value=None),
        mock.patch.object(role_check, "check", return_value=None),
        mock.patch.object(other_policies, "attached", return_value={}),
    ):
        yield


def run_program(
    values: Mapping[str, Any],
    stack: str = "dev",
    *,
    preview: bool = False,
    account_id: str = ACCOUNT_ID,
    recording: Recording | None = None,
    main: Path = _ROOT / "__main__.py",
) -> Recording:
    """Run a whole program with the given configuration and return what it registered, all of it resolved."""
    recording = Recording() if recording is None else recording

    def program() -> pulumi.Output[None]:
        runpy.run_path(str(main))
        root = settings.get_root_resource()
        outputs = root.outputs if isinstance(root, Stack) else {}
        return pulumi.Output.from_input(outputs).apply(recording.outputs.update)

    return run_function(program, values, stack, preview=preview, account_id=account_id, recording=recording)


def run_function(
    program: Callable[[], pulumi.Output[None]],
    values: Mapping[str, Any] = MappingProxyType({}),
    stack: str = "dev",
    *,
    preview: bool = False,
    account_id: str = ACCOUNT_ID,
    recording: Recording | None = None,
) -> Recording:
    """Run a function as a program; what it returns is awaited, and so is everything that it registers."""
    recording = Recording() if recording is None else recording
    encoded = {key: value if isinstance(value, str) else json.dumps(value) for key, value in values.items()}
    encoded.setdefault("aws:region", "us-east-2")
    with (
        # Pulumi writes the whole stack of calls into each registration, which takes long, and nobody reads it here.
        mock.patch("pulumi.runtime.resource._get_stack_trace", source_pb2.StackTrace),
        # Pulumi's own makes a function that refers to itself at each of thousands of calls: garbage to look for.
        mock.patch.object(rpc, "contains_unknowns", _holds_unknowns),
    ):
        return _run(program, encoded, stack, preview, account_id, recording)


def _run(
    program: Callable[[], pulumi.Output[None]],
    encoded: dict[str, str],
    stack: str,
    preview: bool,
    account_id: str,
    recording: Recording,
) -> Recording:
    loop = _AnsweredAtOnce()
    # What a run that fails leaves behind would be told whenever it is collected, in the middle of something else.
    loop.set_exception_handler(lambda *_: None)
    asyncio.set_event_loop(loop)
    try:
        pulumi.runtime.set_all_config(encoded)
        settings.set_root_resource(None)  # type: ignore[arg-type] # the last run's stack would collect this one's exports
        answers = Answers(account_id, encoded["aws:region"])
        monitor = RecordingMonitor(recording, answers)
        pulumi.runtime.set_mocks(answers, project=NAMESPACE, stack=stack, preview=preview, monitor=monitor)
        # Only inside the decorated function is every registration awaited; only after it is absence a fact.
        pulumi.runtime.test(program)()  # type: ignore[no-untyped-call]
    finally:
        gc.enable()  # which the program switches off, as its own process ends with it
        loop.close()
        asyncio.set_event_loop(None)
        pulumi.runtime.set_all_config({})
    return recording
