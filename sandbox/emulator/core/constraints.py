"""What AWS refuses of a request before it looks at anything else: members that are not as the service's model says.

botocore checks the shape of a request and leaves lengths, forms and choices to the service, and moto to nobody.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from botocore.model import ListShape, MapShape, OperationNotFoundError, ServiceModel, Shape, StringShape, StructureShape

from awsmodel.cloudformation.java_patterns import java_pattern

_OWN_WORDS = ("codecommit",)
"""Services that refuse with an error of their own for each member, which moto has."""


def refusal(model: ServiceModel, operation: str, body: bytes | str) -> str | None:
    """Return why AWS would not take a request in JSON, in its words; None where it would."""
    try:
        shape, value = model.operation_model(operation).input_shape, json.loads(body or "{}")
    except (OperationNotFoundError, ValueError):
        return None
    if shape is None or model.service_name in _OWN_WORDS:
        return None
    found = list(_violations(shape, value, ""))
    count = "1 validation error" if len(found) == 1 else f"{len(found)} validation errors"
    return f"{count} detected: {'; '.join(found)}" if found else None


def _violations(shape: Shape, value: Any, path: str) -> Iterator[str]:  # noqa: ANN401 - any part of a request
    if isinstance(shape, StructureShape) and isinstance(value, Mapping):
        for name, item in value.items():
            if name in shape.members and item is not None:
                told = name[:1].lower() + name[1:]
                yield from _violations(shape.members[name], item, f"{path}.{told}" if path else told)
    elif isinstance(shape, ListShape) and isinstance(value, list):
        yield from _told(shape, _size(shape, len(value)), value, path)
        for place, item in enumerate(value, 1):
            yield from _violations(shape.member, item, f"{path}.{place}.member")
    elif isinstance(shape, MapShape) and isinstance(value, Mapping):
        yield from _told(shape, _size(shape, len(value)), value, path)
        for key, item in value.items():
            yield from _violations(shape.value, item, f"{path}.{key}")
    elif isinstance(shape, StringShape) and isinstance(value, str):
        yield from _told(shape, [*_size(shape, len(value)), *_form(shape, value)], value, path)
    elif shape.type_name in ("integer", "long", "float", "double") and isinstance(value, int | float):
        yield from _told(shape, _bounds(shape, value), value, path)


def _told(shape: Shape, rules: Iterable[str], value: Any, path: str) -> Iterator[str]:  # noqa: ANN401 - see above
    shown = "" if shape.metadata.get("sensitive") else f" '{value}'"
    for rule in rules:
        yield f"Value{shown} at '{path}' failed to satisfy constraint: Member must {rule}"


def _size(shape: Shape, size: int) -> Iterator[str]:
    if size < int(shape.metadata.get("min", 0)):
        yield f"have length greater than or equal to {shape.metadata['min']}"
    if size > int(shape.metadata.get("max", size)):
        yield f"have length less than or equal to {shape.metadata['max']}"


def _bounds(shape: Shape, value: float) -> Iterator[str]:
    if value < float(shape.metadata.get("min", value)):
        yield f"have value greater than or equal to {shape.metadata['min']}"
    if value > float(shape.metadata.get("max", value)):
        yield f"have value less than or equal to {shape.metadata['max']}"


def _form(shape: StringShape, value: str) -> Iterator[str]:
    if shape.enum and value not in shape.enum:
        yield f"satisfy enum value set: [{', '.join(shape.enum)}]"
    form = shape.metadata.get("pattern")
    pattern = java_pattern(form) if form else None
    if pattern is not None and pattern.fullmatch(value) is None:
        yield f"satisfy regular expression pattern: {form}"
