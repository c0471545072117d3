"""How a module of this package joins moto: as a service of its own, or in place of moto's."""

import re
import sys
from types import ModuleType
from typing import Any

from moto import backend_index
from moto.core.base_backend import BackendDict, BaseBackend


class OneModule(BaseBackend):
    """A backend whose `url_bases` and `url_paths` stand in its own module, not in a `urls` beside it."""

    @property
    def _url_module(self) -> ModuleType:
        return sys.modules[type(self).__module__]


def add_service(module: ModuleType, name: str) -> None:
    """Serve `module`, which has `url_bases` and `<name>_backends`, as a service that moto does not know."""
    sys.modules[f"moto.{name}"] = module
    for base in module.url_bases:
        backend_index.backend_url_patterns.append((name, re.compile(base)))


def replace_backend(backends: BackendDict[Any], backend: type[OneModule]) -> None:
    """Let moto make `backend`, and so use its module's addresses, where it made its own.

    Call it before the first request: backends that exist already stay what they are.
    """
    backends.backend = backend
