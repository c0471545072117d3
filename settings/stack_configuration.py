"""The stack's configuration as Pulumi hands it over; nothing else reads it."""

import json
from contextlib import suppress
from typing import Any

import pulumi
from pulumi.runtime import config as runtime_config

from components.core.faults import listed
from settings.rules import project_faults
from settings.schema import NAMESPACE, SECRET, Settings
from settings.validation import SettingsError, parse


def load() -> Settings:
    """Read the settings of the stack that is being deployed.

    Raises:
        SettingsError: the stack file has faults; the message lists every one.
    """
    name = pulumi.get_stack()
    stack = parse(_stack_values(), stack=name)
    if stack.delivery is not None and (faults := list(project_faults(stack.delivery, pulumi.get_project()))):
        raise SettingsError(listed(f"Pulumi.{name}.yaml", faults))
    return stack


def _stack_values() -> dict[str, Any]:
    """Every value of the program's namespace, and the home region, by full key."""
    keys = {**runtime_config.get_config_env(), **runtime_config.CONFIG.get()}
    own = sorted(key for key in keys if key.startswith(f"{NAMESPACE}:"))
    values = {key: _decoded(key, keys[key]) for key in own}
    region = pulumi.Config("aws").get("region")
    return values if region is None else {"aws:region": region, **values}


def _decoded(key: str, text: str) -> object:
    if runtime_config.is_config_secret(key):
        return SECRET
    # Pulumi hands sections over as JSON and everything else as plain text.
    if text.startswith(("{", "[")):
        with suppress(json.JSONDecodeError):
            return json.loads(text)
    return text
