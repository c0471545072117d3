"""Properties of a CloudFormation resource in the shape that a service's API takes them.

The two differ in the case of names, in numbers written as text, in policies written out as documents and in tags
written as lists. The API's own model, which botocore carries, says which form is wanted.
"""

import json
from collections.abc import Callable, Mapping

from botocore.model import ListShape, MapShape, Shape, StructureShape

from awsmodel.cloudformation.template import Json, as_text
from sandbox.emulator.core.callers import Client


class UnsupportedPropertyError(ValueError):
    """The API has no such member; the text is the one that CloudFormation answers."""


def request(client: Client, operation: str, properties: Mapping[str, Json]) -> dict[str, Json]:
    """Return `properties` as the arguments of the client's method `operation`, e.g. `create_project`.

    Raises:
        UnsupportedPropertyError: the operation does not take one of them.

    """
    shape = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[operation]).input_shape
    shaped: dict[str, Json] = _shaped(properties, shape, "")
    return shaped


def members(client: Client, operation: str) -> set[str]:
    """Return the names that the operation takes, in lower case."""
    shape = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[operation]).input_shape
    return {name.lower() for name in shape.members}


def _shaped(value: Json, shape: Shape, path: str) -> Json:
    if isinstance(shape, StructureShape):
        return _structure(value, shape, path)
    if isinstance(shape, ListShape):
        items = value if isinstance(value, list) else [value]
        return [_shaped(item, shape.member, path) for item in items]
    if isinstance(shape, MapShape):
        if isinstance(value, list):
            value = {tag["Key"]: tag["Value"] for tag in value}
        return {key: _shaped(item, shape.value, f"{path}/{key}") for key, item in value.items()}
    return _SCALARS.get(shape.type_name, lambda item: item)(value)


def _structure(value: Json, shape: StructureShape, path: str) -> dict[str, Json]:
    names = {name.lower(): name for name in shape.members}
    shaped = {}
    for key, item in value.items():
        if key.lower() not in names:
            raise UnsupportedPropertyError(f"Encountered unsupported property {path}/{key}".replace(" /", " "))
        name = names[key.lower()]
        shaped[name] = _shaped(item, shape.members[name], f"{path}/{key}")
    return shaped


def _text(value: Json) -> str:
    return json.dumps(value) if isinstance(value, dict | list) else as_text(value)


_SCALARS: dict[str, Callable[[Json], Json]] = {
    "string": _text,
    "integer": int,
    "long": int,
    "float": float,
    "double": float,
    "boolean": lambda value: as_text(value).lower() == "true",
    "blob": lambda value: value if isinstance(value, bytes) else as_text(value).encode(),
}
