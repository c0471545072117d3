"""The gRPC service that the engine talks to: requests become calls of `Lifecycle`, faults become messages."""
# ruff: noqa: ARG002 - the engine calls the methods, by its names

import json
import os
import sys
import traceback
from collections.abc import Iterator
from concurrent import futures
from contextlib import contextmanager
from functools import partial
from typing import TypeAlias

import grpc
from botocore.exceptions import BotoCoreError, ClientError
from google.protobuf import empty_pb2
from google.protobuf.json_format import MessageToDict
from pulumi.runtime.proto import plugin_pb2, provider_pb2_grpc, status_pb2
from pulumi.runtime.proto import provider_pb2 as pb

from sandbox import journal
from sandbox.provider.aws import Connections, region_of
from sandbox.provider.invokes import UnknownFunctionError, invoke
from sandbox.provider.lifecycle import IncompleteError, Lifecycle, Naming
from sandbox.provider.registry import UnknownTypeError, handler
from sandbox.provider.values import Properties, Value, from_struct, to_struct

Context: TypeAlias = grpc.ServicerContext

VERSION = "7.51.1"
WORKERS = 32
WATCH_SECONDS = 0.5
MAX_MESSAGE = 400 * 1024 * 1024


class ConfigurationError(Exception):
    """The provider's own settings are wrong."""


class Provider(provider_pb2_grpc.ResourceProviderServicer):
    """The AWS plugin of one engine, on one emulated AWS."""

    def __init__(self, connections: Connections) -> None:
        self.connections = connections
        self.lifecycle: Lifecycle | None = None

    def Handshake(self, request: pb.ProviderHandshakeRequest, context: Context) -> pb.ProviderHandshakeResponse:
        """Say what this plugin takes: plain values; the engine keeps secrets and outputs by itself."""
        return pb.ProviderHandshakeResponse(supports_autonaming_configuration=True)

    def GetPluginInfo(self, request: empty_pb2.Empty, context: Context) -> plugin_pb2.PluginInfo:
        """Return the version of the plugin that this one stands for."""
        return plugin_pb2.PluginInfo(version=VERSION)

    def GetSchema(self, request: pb.GetSchemaRequest, context: Context) -> pb.GetSchemaResponse:
        """Return a schema without types: the SDK is generated, and nothing else asks."""
        return pb.GetSchemaResponse(schema=json.dumps({"name": "aws", "version": VERSION}))

    def CheckConfig(self, request: pb.CheckRequest, context: Context) -> pb.CheckResponse:
        """Take every setting; `Configure` judges them."""
        return pb.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: pb.DiffRequest, context: Context) -> pb.DiffResponse:
        """Say whether settings changed; that replaces nothing, for resources state their region."""
        changed = from_struct(request.olds) != from_struct(request.news)
        some, none = pb.DiffResponse.DIFF_SOME, pb.DiffResponse.DIFF_NONE
        return pb.DiffResponse(changes=some if changed else none)

    def Configure(self, request: pb.ConfigureRequest, context: Context) -> pb.ConfigureResponse:
        """Take region, default tags and allowed accounts."""
        with reporting(context, "the AWS provider"):
            self.lifecycle = configured(self.connections, settings_of(from_struct(request.args)))
        return pb.ConfigureResponse(supportsPreview=True, supports_autonaming_configuration=True)

    @property
    def _lifecycle(self) -> Lifecycle:
        if self.lifecycle is None:
            raise ConfigurationError("the engine did not configure the provider")
        return self.lifecycle

    def Check(self, request: pb.CheckRequest, context: Context) -> pb.CheckResponse:
        """Fill in defaults and names; refuse inputs that would be ignored."""
        with reporting(context, resource(request.urn)):
            inputs, failures = self._lifecycle.check(
                handler(type_of(request.urn)),
                name_of(request.urn),
                from_struct(request.olds),
                from_struct(request.news),
                naming_of(request),
            )
        reasons = [pb.CheckFailure(property=key, reason=why) for key, why in sorted(failures.items())]
        return pb.CheckResponse(inputs=to_struct(inputs), failures=reasons)

    def Diff(self, request: pb.DiffRequest, context: Context) -> pb.DiffResponse:
        """Compare state and inputs, property by property."""
        with reporting(context, resource(request.urn)):
            found = self._lifecycle.diff(
                handler(type_of(request.urn)),
                from_struct(request.olds),
                from_struct(request.old_inputs),
                from_struct(request.news),
                list(request.ignoreChanges),
            )
        kinds = pb.PropertyDiff.Kind
        detailed = {
            path: pb.PropertyDiff(kind=kinds.Value(kind + ("_REPLACE" if path in found.replaces else "")))
            for path, kind in found.changes.items()
        }
        some, none = pb.DiffResponse.DIFF_SOME, pb.DiffResponse.DIFF_NONE
        return pb.DiffResponse(
            changes=some if detailed else none,
            diffs=sorted({path.split(".")[0].split("[")[0] for path in detailed}),
            replaces=found.replaces,
            deleteBeforeReplace=found.delete_first,
            detailedDiff=detailed,
            hasDetailedDiff=True,
        )

    def Create(self, request: pb.CreateRequest, context: Context) -> pb.CreateResponse:
        """Make a resource, or say what it will look like."""
        with reporting(context, resource(request.urn)):
            kind, inputs = handler(type_of(request.urn)), from_struct(request.properties)
            if request.preview:
                return pb.CreateResponse(properties=to_struct(self._lifecycle.preview(kind, inputs)))
            made = partial(journal.record, request.urn)
            ident, outputs = self._lifecycle.create(kind, inputs, made)
            properties = to_struct(outputs)
            made(ident, MessageToDict(properties))
            return pb.CreateResponse(id=ident, properties=properties)

    def Read(self, request: pb.ReadRequest, context: Context) -> pb.ReadResponse:
        """Look at a resource; without an id in the answer it is gone."""
        with reporting(context, resource(request.urn)):
            found = self._lifecycle.read(
                handler(type_of(request.urn)),
                request.id,
                from_struct(request.properties),
                from_struct(request.inputs),
            )
        if found is None:
            return pb.ReadResponse()
        ident, outputs, inputs = found
        return pb.ReadResponse(id=ident, properties=to_struct(outputs), inputs=to_struct(inputs))

    def Update(self, request: pb.UpdateRequest, context: Context) -> pb.UpdateResponse:
        """Change a resource, or say what it will look like."""
        with reporting(context, resource(request.urn)):
            kind = handler(type_of(request.urn))
            olds, news = from_struct(request.olds), from_struct(request.news)
            if request.preview:
                outputs = self._lifecycle.preview(kind, news, olds)
            else:
                outputs = self._lifecycle.update(kind, request.id, olds, news)
            return pb.UpdateResponse(properties=to_struct(outputs))

    def Delete(self, request: pb.DeleteRequest, context: Context) -> empty_pb2.Empty:
        """Remove a resource."""
        with reporting(context, resource(request.urn)):
            self._lifecycle.delete(handler(type_of(request.urn)), request.id, from_struct(request.properties))
        return empty_pb2.Empty()

    def Invoke(self, request: pb.InvokeRequest, context: Context) -> pb.InvokeResponse:
        """Call a function of the package."""
        with reporting(context, request.tok):
            region = from_struct(request.args).get("region")
            answer = invoke(request.tok, self._lifecycle.aws(region))
        response = pb.InvokeResponse()
        # `return` is a word of Python's, so the field has no attribute.
        getattr(response, "return").CopyFrom(to_struct(answer))
        return response

    def Cancel(self, request: empty_pb2.Empty, context: Context) -> empty_pb2.Empty:
        """Nothing runs for long here: what runs may end by itself."""
        return empty_pb2.Empty()


def settings_of(arguments: Properties) -> Properties:
    """Return the provider's settings; the engine writes all but strings as JSON."""
    return {key: _decoded(value) for key, value in arguments.items()}


def _decoded(value: Value) -> Value:
    if isinstance(value, str) and value[:1] in ("{", "["):
        return json.loads(value)
    return value


def configured(connections: Connections, settings: Properties) -> Lifecycle:
    """Return the lifecycle for these settings; `ConfigurationError` where they forbid to go on."""
    region = settings.get("region")
    if not region:
        raise ConfigurationError("no region: set aws:region in the stack's file")
    account = connections.client("sts", region).get_caller_identity()["Account"]
    allowed, forbidden = settings.get("allowedAccountIds"), settings.get("forbiddenAccountIds")
    if allowed and account not in allowed:
        raise ConfigurationError(f"account {account} is not one of aws:allowedAccountIds: {', '.join(allowed)}")
    if forbidden and account in forbidden:
        raise ConfigurationError(f"account {account} is one of aws:forbiddenAccountIds: {', '.join(forbidden)}")
    return Lifecycle(connections, region, account, (settings.get("defaultTags") or {}).get("tags") or {})


def type_of(urn: str) -> str:
    """Return the type of a resource from its URN, without those of its parents."""
    return urn.split("::")[2].rsplit("$", maxsplit=1)[-1]


def name_of(urn: str) -> str:
    """Return the logical name of a resource from its URN."""
    return urn.split("::", 3)[3]


def resource(urn: str) -> str:
    """Return how messages call a resource."""
    return f"{type_of(urn)} '{name_of(urn)}'"


def naming_of(request: pb.CheckRequest) -> Naming:
    """Return what the engine says about names."""
    if not request.HasField("autonaming"):
        return Naming(request.randomSeed)
    options = request.autonaming
    return Naming(request.randomSeed, options.proposed_name or None, disabled=options.mode == options.DISABLE)


@contextmanager
def reporting(context: Context, subject: str) -> Iterator[None]:
    """Turn a fault into the answer that the engine shows: what, which call, where, and why."""
    try:
        yield
    except IncompleteError as error:
        context.abort_with_status(incomplete(f"{subject}: {explain(error.cause)}", error))
    except Exception as error:
        context.abort(grpc.StatusCode.UNKNOWN, f"{subject}: {explain(error)}")


def explain(error: Exception) -> str:
    """Return what went wrong, for a person who reads one line of it."""
    if isinstance(error, ClientError):
        fault = error.response["Error"]
        return f"{error.operation_name} in {region_of(error)}: {fault.get('Code')}: {fault.get('Message')}"
    if isinstance(error, BotoCoreError | UnknownTypeError | UnknownFunctionError | ConfigurationError):
        return str(error)
    traceback.print_exception(error, file=sys.stderr)
    return f"a fault in the sandbox: {type(error).__name__}: {error}"


class _Status(grpc.Status):
    def __init__(self, code: grpc.StatusCode, details: str, trailing_metadata: tuple[tuple[str, bytes]]) -> None:
        self.code, self.details, self.trailing_metadata = code, details, trailing_metadata


def incomplete(message: str, error: IncompleteError) -> grpc.Status:
    """Return the status that makes the engine keep a resource that is half done."""
    status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=message)
    status.details.add().Pack(
        pb.ErrorResourceInitFailed(
            id=error.ident,
            properties=to_struct(error.outputs),
            inputs=to_struct(error.inputs),
            reasons=[message],
        )
    )
    details = (("grpc-status-details-bin", status.SerializeToString()),)
    return _Status(grpc.StatusCode.UNKNOWN, message, details)


def serve(endpoint: str) -> None:
    """Serve on a free port of 127.0.0.1, print that port, and go on for as long as the engine lives.

    Requests of an engine that was killed are still carried out to their end: what they make is in the journal.
    """
    engine = os.getppid()
    workers = futures.ThreadPoolExecutor(WORKERS)
    sizes = [("grpc.max_receive_message_length", MAX_MESSAGE), ("grpc.max_send_message_length", MAX_MESSAGE)]
    server = grpc.server(workers, options=sizes)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Provider(Connections(endpoint)), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    while os.getppid() == engine:
        server.wait_for_termination(WATCH_SECONDS)
    workers.shutdown()
    server.stop(None)
