"""config/batch.toml: how files are sent to the model, and on what it runs."""

import difflib
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model_deploy.errors import UserError
from model_deploy.files import read_toml

Value = int | float | str | bool


def _number(low: int, high: int) -> Callable[[Value], bool]:
    return lambda value: type(value) is int and low <= value <= high


def _text(pattern: str) -> Callable[[Value], bool]:
    return lambda value: isinstance(value, str) and re.fullmatch(pattern, value) is not None


def _price(value: Value) -> bool:
    return type(value) in (int, float) and 0 <= value <= 1000


@dataclass(frozen=True)
class Setting:
    """One key of the file."""

    default: Value
    allowed: str
    """What the value may be, in words; part of the error message."""
    accepts: Callable[[Value], bool]


_INSTANCE_TYPE = _text(r"ml\.[a-z0-9-]+\.[a-z0-9-]+")
_MEDIA_TYPE = _text(r"[a-z]+/[a-z0-9.+-]+")

SETTINGS: Mapping[str, Setting] = {
    "input.files": Setting("new", "'new' or 'all'", _text("new|all")),
    "input.content_type": Setting("text/csv", "a media type, such as 'text/csv'", _MEDIA_TYPE),
    "input.split": Setting("file", "'file' or 'line'", _text("file|line")),
    "output.accept": Setting("text/csv", "a media type, such as 'text/csv'", _MEDIA_TYPE),
    "requests.max_payload_mb": Setting(6, "a whole number from 1 to 100", _number(1, 100)),
    "requests.concurrent": Setting(1, "a whole number from 1 to 100", _number(1, 100)),
    "requests.timeout_seconds": Setting(600, "a whole number from 1 to 3600", _number(1, 3600)),
    "instances.type": Setting("ml.m5.large", "an instance type, such as 'ml.m5.large'", _INSTANCE_TYPE),
    "instances.count": Setting(1, "a whole number from 1 to 100", _number(1, 100)),
    "model.network_isolation": Setting(True, "true or false", lambda value: isinstance(value, bool)),
    "price.usd_per_instance_hour": Setting(0, "a number from 0 to 1000, 0 for not known", _price),
    "price.as_of": Setting("", "a day such as '2026-11-27', or ''", _text(r"|\d{4}-\d\d-\d\d")),
}
"""By key, as `table.key`."""


@dataclass(frozen=True)
class Settings:
    """A file whose every value is allowed."""

    values: Mapping[str, Value]
    """Value by key; defaults filled in."""

    def __getitem__(self, key: str) -> Any:
        return self.values[key]

    @property
    def max_bytes(self) -> float:
        """Most bytes of a file: no limit where SageMaker cuts it into lines."""
        return math.inf if self["input.split"] == "line" else self["requests.max_payload_mb"] * 1024 * 1024


def load(path: Path) -> Settings:
    """Read and check the file.

    Raises:
        UserError: lists every fault.

    """
    try:
        given = {f"{table}.{key}": value for table, key, value in _entries(read_toml(path))}
    except FileNotFoundError:
        raise UserError(f"{path}: the file is missing; bring it back from the history of the repository") from None
    except UserError as error:
        raise UserError(f"{path}: {error}") from error
    faults = [fault for key, value in given.items() if (fault := _fault(key, value))]
    settings = Settings({key: setting.default for key, setting in SETTINGS.items()} | given)
    faults = faults or _contradictions(settings)
    if faults:
        raise UserError(f"{path} has faults; correct them and push again:\n  " + "\n  ".join(faults))
    return settings


def _entries(document: Mapping[str, Any]) -> list[tuple[str, str, Any]]:
    # A key that stands in no table is told under its own name, as no setting.
    tables = {name: table if isinstance(table, dict) else {"": table} for name, table in document.items()}
    return [(name, key, value) for name, table in tables.items() for key, value in table.items()]


def _fault(key: str, value: Value) -> str:
    setting = SETTINGS.get(key)
    if setting is None:
        near = difflib.get_close_matches(key, SETTINGS, n=1)
        return f"{key.rstrip('.')} is not a setting" + (f"; did you mean {near[0]}?" if near else "")
    return "" if setting.accepts(value) else f"{key} is {value!r}; allowed: {setting.allowed}"


def _contradictions(settings: Settings) -> list[str]:
    """Values that are fine alone and wrong together."""
    payload, concurrent = settings["requests.max_payload_mb"], settings["requests.concurrent"]
    rules = (
        (
            payload * concurrent > 100,
            f"requests.max_payload_mb times requests.concurrent is {payload * concurrent}; SageMaker takes 100 at most",
        ),
        (
            settings["price.usd_per_instance_hour"] > 0 and not settings["price.as_of"],
            "price.as_of is empty; say of which day the price is, since prices change",
        ),
    )
    return [message for broken, message in rules if broken]
