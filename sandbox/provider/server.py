"""The gRPC service that the engine talks to: requests become calls of `Lifecycle`, faults become messages."""

import json
import sys
import traceback
from collections.abc import Iterator
from concurrent import futures
from contextlib import contextmanager
from typing import Any

import grpc
from botocore.exceptions import BotoCoreError, ClientError
from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc, status_pb2

from sandbox.provider.assets import AssetError
from sandbox.provider.aws import Connections
from sandbox.provider.invokes import UnknownFunctionError, invoke
from sandbox.provider.lifecycle import IncompleteError, Lifecycle, Naming
from sandbox.provider.registry import UnknownTypeError, handler
from sandbox.provider.values import Properties, from_struct, to_struct

VERSION = "7.51.1"
WORKERS = 32
MAX_MESSAGE = 400 * 1024 * 1024


class ConfigurationError(Exception):
    """The provider's own settings are wrong."""


class Provider(provider_pb2_grpc.ResourceProviderServicer):
    """The AWS plugin of one engine, on the emulated AWS at `endpoint`."""

    def __init__(self, endpoint: str) -> None:
        self.connections = Connections(endpoint)
        self.lifecycle: Lifecycle | None = None

    def Handshake(self, request: Any, context: Any) -> Any:  # noqa: ARG002
        """Say what this plugin takes: plain values; the engine keeps secrets and outputs by itself."""
        return provider_pb2.ProviderHandshakeResponse(supports_autonaming_configuration=True)

    def GetPluginInfo(self, request: Any, context: Any) -> Any:  # noqa: ARG002
        """Return the version of the plugin that this one stands for."""
        return plugin_pb2.PluginInfo(version=VERSION)

    def GetSchema(self, request: Any, context: Any) -> Any:  # noqa: ARG002
        """Return a schema without types: the SDK is generated, and nothing else asks."""
        return provider_pb2.GetSchemaResponse(schema=json.dumps({"name": "aws", "version": VERSION}))

    def CheckConfig(self, request: Any, context: Any) -> Any:  # noqa: ARG002
        """Take every setting; `Configure` judges them."""
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: Any) -> Any:  # noqa: ARG002
        """Say whether settings changed; that replaces nothing, for resources state their region."""
        changed = from_struct(request.olds) != from_struct(request.news)
        some, none = provider_pb2.DiffResponse.DIFF_SOME, provider_pb2.DiffResponse.DIFF_NONE
        return provider_pb2.DiffResponse(changes=some if changed else none)

    def Configure(self, request: Any, context: Any) -> Any:
        """Take region, default tags and allowed accounts."""
        with reporting(context, "the AWS provider"):
            self.lifecycle = configured(self.connections, settings_of(from_struct(request.args)))
        return provider_pb2.ConfigureResponse(supportsPreview=True, supports_autonaming_configuration=True)

    @property
    def _lifecycle(self) -> Lifecycle:
        if self.lifecycle is None:
            raise ConfigurationError("the engine did not configure the provider")
        return self.lifecycle

    def Check(self, request: Any, context: Any) -> Any:
        """Fill in defaults and names; refuse inputs that would be ignored."""
        with reporting(context, resource(request.urn)):
            inputs, failures = self._lifecycle.check(
                handler(type_of(request.urn)),
                name_of(request.urn),
                from_struct(request.olds),
                from_struct(request.news),
                naming_of(request),
            )
        reasons = [provider_pb2.CheckFailure(property=key, reason=why) for key, why in sorted(failures.items())]
        return provider_pb2.CheckResponse(inputs=to_struct(inputs), failures=reasons)

    def Diff(self, request: Any, context: Any) -> Any:
        """Compare state and inputs, property by property."""
        with reporting(context, resource(request.urn)):
            found = self._lifecycle.diff(
                handler(type_of(request.urn)),
                from_struct(request.olds),
                from_struct(request.old_inputs),
                from_struct(request.news),
                list(request.ignoreChanges),
            )
        kinds = provider_pb2.PropertyDiff.Kind
        detailed = {
            path: provider_pb2.PropertyDiff(kind=kinds.Value(kind + ("_REPLACE" if path in found.replaces else "")))
            for path, kind in found.changes.items()
        }
        some, none = provider_pb2.DiffResponse.DIFF_SOME, provider_pb2.DiffResponse.DIFF_NONE
        return provider_pb2.DiffResponse(
            changes=some if detailed else none,
            diffs=sorted({path.split(".")[0].split("[")[0] for path in detailed}),
            replaces=found.replaces,
            deleteBeforeReplace=found.delete_first,
            detailedDiff=detailed,
            hasDetailedDiff=True,
        )

    def Create(self, request: Any, context: Any) -> Any:
        """Make a resource, or say what it will look like."""
        with reporting(context, resource(request.urn)):
            kind, inputs = handler(type_of(request.urn)), from_struct(request.properties)
            if request.preview:
                return provider_pb2.CreateResponse(properties=to_struct(self._lifecycle.preview(kind, inputs)))
            ident, outputs = self._lifecycle.create(kind, inputs)
            return provider_pb2.CreateResponse(id=ident, properties=to_struct(outputs))

    def Read(self, request: Any, context: Any) -> Any:
        """Look at a resource; without an id in the answer it is gone."""
        with reporting(context, resource(request.urn)):
            found = self._lifecycle.read(
                handler(type_of(request.urn)),
                request.id,
                from_struct(request.properties),
                from_struct(request.inputs),
            )
        if found is None:
            return provider_pb2.ReadResponse()
        ident, outputs, inputs = found
        return provider_pb2.ReadResponse(id=ident, properties=to_struct(outputs), inputs=to_struct(inputs))

    def Update(self, request: Any, context: Any) -> Any:
        """Change a resource, or say what it will look like."""
        with reporting(context, resource(request.urn)):
            kind = handler(type_of(request.urn))
            olds, news = from_struct(request.olds), from_struct(request.news)
            if request.preview:
                outputs = self._lifecycle.preview(kind, news, olds)
            else:
                outputs = self._lifecycle.update(kind, request.id, olds, news)
            return provider_pb2.UpdateResponse(properties=to_struct(outputs))

    def Delete(self, request: Any, context: Any) -> Any:
        """Remove a resource."""
        with reporting(context, resource(request.urn)):
            self._lifecycle.delete(handler(type_of(request.urn)), request.id, from_struct(request.properties))
        return empty_pb2.Empty()

    def Invoke(self, request: Any, context: Any) -> Any:
        """Call a function of the package."""
        with reporting(context, request.tok):
            region = from_struct(request.args).get("region")
            answer = invoke(request.tok, self._lifecycle.aws(region))
        return provider_pb2.InvokeResponse(**{"return": to_struct(answer)})

    def Cancel(self, request: Any, context: Any) -> Any:  # noqa: ARG002
        """Nothing runs for long here: what runs may end by itself."""
        return empty_pb2.Empty()


def settings_of(arguments: Properties) -> Properties:
    """Return the provider's settings; the engine writes all but strings as JSON."""
    return {key: _decoded(value) for key, value in arguments.items()}


def _decoded(value: Any) -> Any:
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
    return urn.split("::")[2].split("$")[-1]


def name_of(urn: str) -> str:
    """Return the logical name of a resource from its URN."""
    return urn.split("::", 3)[3]


def resource(urn: str) -> str:
    """Return how messages call a resource."""
    return f"{type_of(urn)} '{name_of(urn)}'"


def naming_of(request: Any) -> Naming:
    """Return what the engine says about names."""
    if not request.HasField("autonaming"):
        return Naming(request.randomSeed)
    options = request.autonaming
    return Naming(request.randomSeed, options.proposed_name or None, disabled=options.mode == options.DISABLE)


@contextmanager
def reporting(context: Any, subject: str) -> Iterator[None]:
    """Turn a fault into the answer that the engine shows: what, which call, where, and why."""
    try:
        yield
    except IncompleteError as error:
        context.abort_with_status(incomplete(f"{subject}: {explain(error.cause)}", error))
    except Exception as error:  # noqa: BLE001 - the engine must hear of every fault
        context.abort(grpc.StatusCode.UNKNOWN, f"{subject}: {explain(error)}")


def explain(error: Exception) -> str:
    """Return what went wrong, for a person who reads one line of it."""
    if isinstance(error, ClientError):
        return str(error)
    if isinstance(error, BotoCoreError | AssetError | UnknownTypeError | UnknownFunctionError | ConfigurationError):
        return str(error)
    traceback.print_exception(error, file=sys.stderr)
    return f"a fault in the sandbox: {type(error).__name__}: {error}"


class _Status(grpc.Status):  # type: ignore[misc] # the class is a named tuple without types
    def __init__(self, code: grpc.StatusCode, details: str, trailing_metadata: tuple[tuple[str, bytes]]) -> None:
        self.code, self.details, self.trailing_metadata = code, details, trailing_metadata


def incomplete(message: str, error: IncompleteError) -> grpc.Status:
    """Return the status that makes the engine keep a resource that is half done."""
    status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=message)
    status.details.add().Pack(
        provider_pb2.ErrorResourceInitFailed(
            id=error.ident,
            properties=to_struct(error.outputs),
            inputs=to_struct(error.inputs),
            reasons=[message],
        )
    )
    details = (("grpc-status-details-bin", status.SerializeToString()),)
    return _Status(grpc.StatusCode.UNKNOWN, message, details)


def serve(endpoint: str) -> None:
    """Serve on a free port of 127.0.0.1, print that port, and go on until the process is ended."""
    sizes = [("grpc.max_receive_message_length", MAX_MESSAGE), ("grpc.max_send_message_length", MAX_MESSAGE)]
    server = grpc.server(futures.ThreadPoolExecutor(WORKERS), options=sizes)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Provider(endpoint), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    server.wait_for_termination()
