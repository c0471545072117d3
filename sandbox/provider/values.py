"""Values between the engine's structs and plain Python, and between Pulumi's names and an API's."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from google.protobuf import json_format, struct_pb2

Value: TypeAlias = Any
"""What a JSON document may hold."""
Properties: TypeAlias = dict[str, Any]
"""A resource's inputs or outputs, by Pulumi's property names."""

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""How the engine writes a value that is known only after a deployment."""


def from_struct(struct: struct_pb2.Struct) -> Properties:
    """Return the struct as plain values; whole numbers are ints, as botocore wants them."""
    plain: Properties = _plain(json_format.MessageToDict(struct))
    return plain


def to_struct(properties: Mapping[str, Value]) -> struct_pb2.Struct:
    """Return plain values as a struct, without those that are None."""
    struct = struct_pb2.Struct()
    struct.update(_without_none(properties))
    return struct


def has_unknown(value: Value) -> bool:
    """Say whether any part of the value is unknown yet."""
    if isinstance(value, Mapping):
        return any(has_unknown(item) for item in value.values())
    if isinstance(value, list):
        return any(has_unknown(item) for item in value)
    return bool(value == UNKNOWN)


def _plain(value: Value) -> Value:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _without_none(value: Value) -> Value:
    if isinstance(value, Mapping):
        return {key: _without_none(item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [_without_none(item) for item in value]
    return value


@dataclass(frozen=True)
class Names:
    """Translates nested property names: `days` to `Days`, except for the pairs given (Pulumi's: the API's)."""

    special: Mapping[str, str]

    def to_api(self, value: Value) -> Value:
        """Return the value under the API's names."""
        if isinstance(value, Mapping):
            return {self._api_name(key): self.to_api(item) for key, item in value.items()}
        return [self.to_api(item) for item in value] if isinstance(value, list) else value

    def from_api(self, value: Value) -> Value:
        """Return the value under Pulumi's names."""
        if isinstance(value, Mapping):
            return {self._pulumi_name(key): self.from_api(item) for key, item in value.items()}
        return [self.from_api(item) for item in value] if isinstance(value, list) else value

    def _api_name(self, name: str) -> str:
        return self.special.get(name, name[0].upper() + name[1:])

    def _pulumi_name(self, name: str) -> str:
        back = {api: pulumi for pulumi, api in self.special.items()}
        return back.get(name, name[0].lower() + name[1:])


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Return tags in the form that most APIs take."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def lower_tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Return tags in the form that CodeBuild and CodePipeline take."""
    return [{"key": key, "value": value} for key, value in tags.items()]


def tag_map(tags: list[dict[str, str]]) -> dict[str, str]:
    """Return tags from the form that most APIs give."""
    return {tag["Key"]: tag["Value"] for tag in tags}


def present(**arguments: Value) -> dict[str, Value]:
    """Return the arguments that have a value: botocore refuses None."""
    return {name: value for name, value in arguments.items() if value is not None}
