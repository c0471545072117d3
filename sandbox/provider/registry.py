"""Which handler carries out a resource type."""

import importlib
from functools import cache

from sandbox.provider.resource import Resource

SERVICES = "sandbox.provider.services"


class UnknownTypeError(Exception):
    """A resource type that the sandbox can't carry out."""


@cache
def handler(token: str) -> Resource:
    """Return the handler of a type such as `aws:s3/bucket:Bucket`; `UnknownTypeError` names one without."""
    family = token.split(":")[1].split("/", maxsplit=1)[0]
    found = _handlers(family).get(token)
    if found is None:
        raise UnknownTypeError(
            f"the sandbox has no handler for {token}. Add one to "
            f"{SERVICES.replace('.', '/')}/{family}.py (sandbox/provider/resource.py says what a handler is); "
            "a deployment to a real account does not need it."
        )
    return found


@cache
def _handlers(family: str) -> dict[str, Resource]:
    name = f"{SERVICES}.{family}"
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        return {}
    classes = [value for value in vars(module).values() if isinstance(value, type) and hasattr(value, "kind")]
    return {handler_class.kind: handler_class() for handler_class in classes}
