"""How a service of this package joins moto, whose layout it has: `models` and, beside them, `urls`."""

import re
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any, TypeVar

from moto import backend_index

F = TypeVar("F", bound=Callable[..., Any])


def replaces(owner: type) -> Callable[[F], F]:
    """Put a function in the place of the method of its name that a class of moto has, or beside its methods."""

    def put(function: F) -> F:
        setattr(owner, function.__name__, function)
        return function

    return put


def add_service(name: str) -> None:
    """Serve a package of this one, in which `models` has `<name>_backends`, as a service that moto does not know."""
    sys.modules[f"moto.{name}"] = import_module(f"sandbox.emulator.{name}.models")
    for base in import_module(f"sandbox.emulator.{name}.urls").url_bases:
        backend_index.backend_url_patterns.append((name, re.compile(base)))
