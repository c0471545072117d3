"""Calls the plugin as the engine does: inputs through Check, then Diff against what was kept."""

from dataclasses import dataclass, field
from typing import Any, NoReturn

import grpc
from google.protobuf import struct_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, status_pb2

from sandbox.provider.aws import Connections
from sandbox.provider.server import Provider
from sandbox.provider.values import Properties, from_struct, to_struct

PROJECT = "urn:pulumi:test::test"


class AbortedError(Exception):
    """The plugin's answer to a request that failed."""

    def __init__(self, message: str, detail: provider_pb2.ErrorResourceInitFailed | None = None) -> None:
        super().__init__(message)
        self.detail = detail


class Context:
    """What gRPC gives to a servicer, as far as the plugin uses it."""

    def abort(self, _: grpc.StatusCode, message: str) -> NoReturn:
        raise AbortedError(message)

    def abort_with_status(self, status: grpc.Status) -> NoReturn:
        encoded = dict(status.trailing_metadata or ())["grpc-status-details-bin"]
        assert isinstance(encoded, bytes)
        parsed = status_pb2.Status.FromString(encoded)
        detail = provider_pb2.ErrorResourceInitFailed()
        assert parsed.details[0].Unpack(detail)
        raise AbortedError(status.details, detail)


@dataclass
class Kept:
    """A resource as the engine keeps it in its state."""

    urn: str
    id: str
    inputs: Properties
    outputs: Properties


@dataclass
class Difference:
    """What the plugin says of new inputs."""

    kinds: dict[str, str]
    replaces: list[str]
    delete_first: bool


@dataclass
class Engine:
    """One configured plugin."""

    connections: Connections
    settings: Properties
    context: Any = field(default_factory=Context)

    def __post_init__(self) -> None:
        self.plugin = Provider(self.connections)
        arguments = to_struct(self.settings)
        self.plugin.Configure(provider_pb2.ConfigureRequest(args=arguments), self.context)

    def check(
        self, kind: str, inputs: Properties, *, name: str = "thing", old: Properties | None = None, **more: Any
    ) -> Properties:
        answer = self.plugin.Check(
            provider_pb2.CheckRequest(
                urn=_urn(kind, name),
                olds=to_struct(old or {}),
                news=to_struct(inputs),
                randomSeed=b"seed",
                **more,
            ),
            self.context,
        )
        if answer.failures:
            raise AbortedError("; ".join(f"{f.property}: {f.reason}" for f in answer.failures))
        return from_struct(answer.inputs)

    def preview(self, kind: str, inputs: Properties) -> Properties:
        checked = self.check(kind, inputs)
        request = provider_pb2.CreateRequest(urn=_urn(kind, "thing"), properties=to_struct(checked), preview=True)
        answer = self.plugin.Create(request, self.context)
        assert answer.id == ""
        return from_struct(answer.properties)

    def create(self, kind: str, inputs: Properties, *, name: str = "thing") -> Kept:
        checked = self.check(kind, inputs, name=name)
        request = provider_pb2.CreateRequest(urn=_urn(kind, name), properties=to_struct(checked))
        answer = self.plugin.Create(request, self.context)
        return Kept(request.urn, answer.id, checked, from_struct(answer.properties))

    def diff(self, kept: Kept, inputs: Properties, *, ignore: list[str] | None = None) -> Difference:
        kind, name = kept.urn.split("::")[2:]
        news = self.check(kind, inputs, name=name, old=kept.inputs)
        answer = self.plugin.Diff(
            provider_pb2.DiffRequest(
                id=kept.id,
                urn=kept.urn,
                olds=to_struct(kept.outputs),
                old_inputs=to_struct(kept.inputs),
                news=to_struct(news),
                ignoreChanges=ignore or [],
            ),
            self.context,
        )
        kinds = {path: provider_pb2.PropertyDiff.Kind.Name(d.kind) for path, d in answer.detailedDiff.items()}
        some = answer.changes == provider_pb2.DiffResponse.DIFF_SOME
        assert some == bool(kinds)
        return Difference(kinds, list(answer.replaces), answer.deleteBeforeReplace)

    def update(self, kept: Kept, inputs: Properties, *, preview: bool = False) -> Kept:
        kind, name = kept.urn.split("::")[2:]
        news = self.check(kind, inputs, name=name, old=kept.inputs)
        answer = self.plugin.Update(
            provider_pb2.UpdateRequest(
                id=kept.id,
                urn=kept.urn,
                olds=to_struct(kept.outputs),
                old_inputs=to_struct(kept.inputs),
                news=to_struct(news),
                preview=preview,
            ),
            self.context,
        )
        return Kept(kept.urn, kept.id, news, from_struct(answer.properties))

    def refresh(self, kept: Kept) -> Kept | None:
        answer = self.plugin.Read(
            provider_pb2.ReadRequest(
                id=kept.id,
                urn=kept.urn,
                properties=to_struct(kept.outputs),
                inputs=to_struct(kept.inputs),
            ),
            self.context,
        )
        if not answer.id:
            return None
        return Kept(kept.urn, answer.id, from_struct(answer.inputs), from_struct(answer.properties))

    def import_(self, kind: str, ident: str) -> Kept | None:
        return self.refresh(Kept(_urn(kind, "thing"), ident, {}, {}))

    def delete(self, kept: Kept) -> None:
        request = provider_pb2.DeleteRequest(id=kept.id, urn=kept.urn, properties=to_struct(kept.outputs))
        self.plugin.Delete(request, self.context)

    def invoke(self, token: str, **arguments: Any) -> Properties:
        request = provider_pb2.InvokeRequest(tok=token, args=to_struct(arguments))
        answer: struct_pb2.Struct = getattr(self.plugin.Invoke(request, self.context), "return")
        return from_struct(answer)

    def version(self) -> str:
        info: plugin_pb2.PluginInfo = self.plugin.GetPluginInfo(None, self.context)  # type: ignore[arg-type]
        return info.version


def _urn(kind: str, name: str) -> str:
    return f"{PROJECT}::{kind}::{name}"
