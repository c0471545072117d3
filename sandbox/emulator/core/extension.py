"""How a service of this package joins moto, whose layout it has: `models` and, beside them, `urls`."""

import re
import sys
from importlib import import_module

from moto import backend_index


def add_service(name: str) -> None:
    """Serve a package of this one, in which `models` has `<name>_backends`, as a service that moto does not know."""
    sys.modules[f"moto.{name}"] = import_module(f"sandbox.emulator.{name}.models")
    for base in import_module(f"sandbox.emulator.{name}.urls").url_bases:
        backend_index.backend_url_patterns.append((name, re.compile(base)))
