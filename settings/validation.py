"""A stack's values checked and typed: all faults together, each with its key, its value and what is allowed."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

import pulumi
from pydantic import TypeAdapter, ValidationError

from components.core.faults import UserError, listed
from components.sections.deployment_tests import DeploymentTestsSpec
from components.sections.iam import RolesOfProjects
from settings import deployment_options
from settings.faults import Wording
from settings.rules import repeat_faults, rule_faults
from settings.schema import NAMESPACE, SECRET, Settings


class SettingsError(pulumi.RunError, UserError):
    """The stack file has faults; the message names all of them. Pulumi prints it without a traceback."""


def parse(values: Mapping[str, Any], stack: str, *, products: bool = True) -> Settings:
    """Check the values of a stack file, by full key, and type them.

    Args:
        values: the stack's own values.
        stack: the stack.
        products: whether what is wrong with the folder of a product that it offers is a fault, too.

    Raises:
        SettingsError: there are faults; the message lists every one.
    """
    settings, faults = _judged(values)
    fields = dict(settings) if settings else _valid_fields(values)
    faults += _option_faults(fields.get("deployment_tests"), values, known=faults)
    if products and fields.get("catalog"):
        # Products are packaged by a fifth of what all of this takes to load, and most tools judge none.
        from settings.products import product_faults  # noqa: PLC0415

        iam = fields.get("iam")
        shared = iam is not None and not isinstance(iam.use, RolesOfProjects)
        faults += product_faults(fields["catalog"].products, shared_roles=shared)
    if settings and not faults:
        return settings
    raise SettingsError(listed(f"Pulumi.{stack}.yaml", faults))


def _judged(values: Mapping[str, Any]) -> tuple[Settings | None, list[str]]:
    """Return the settings, where their fields are in order, and all faults of the stack itself."""
    try:
        settings = Settings.model_validate_json(json.dumps(values), by_alias=True, by_name=False)
    except ValidationError as error:
        return None, [*_WORDING.faults(error), *repeat_faults(values), *rule_faults(_valid_fields(values))]
    return settings, [*repeat_faults(values), *rule_faults(dict(settings))]


def _valid_fields(values: Mapping[str, Any]) -> dict[str, Any]:
    """Find the fields that are in order, so that rules between them are checked whatever else is wrong."""
    valid: dict[str, Any] = {}
    for name, field in Settings.model_fields.items():
        key = str(field.alias)
        if key in values:
            adapter: TypeAdapter[Any] = TypeAdapter(field.rebuild_annotation())
            with suppress(ValidationError):
                valid[name] = adapter.validate_json(json.dumps(values[key]), strict=True, by_alias=True, by_name=False)
        elif not field.is_required():
            valid[name] = field.get_default(call_default_factory=True)
    return valid


def own_sections(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the program's own part of a stack's configuration, by section."""
    prefix = f"{NAMESPACE}:"
    return {key.removeprefix(prefix): value for key, value in values.items() if key.startswith(prefix)}


def _option_faults(
    tests: DeploymentTestsSpec | None, values: Mapping[str, Any], *, known: Sequence[str]
) -> Iterator[str]:
    """Judge the settings of every stack under test: its test would find out only after minutes.

    Args:
        tests: the options.
        values: the stack's own values, by full key.
        known: faults of the stack itself, which its options share.
    """
    names = [option.name for option in tests.options] if tests else []
    for index, option in enumerate(tests.options if tests else ()):
        place = f"{NAMESPACE}:deploymentTests.options[{index}]"
        if option.name in names[:index]:
            yield f"{place}.name: {option.name!r} is the name of another option already"
        sections = deployment_options.settings_under_test(
            own_sections(values),
            region=option.region,
            changes=option.settings,
            test_suffix=deployment_options.ANY_SUFFIX,
        )
        _, faults = _judged({"aws:region": option.region, **{f"{NAMESPACE}:{key}": sections[key] for key in sections}})
        yield from (f"{place} ({option.name}): {fault}" for fault in faults if fault not in known)


_WORDING = Wording(
    root=Settings,
    prefix=f"{NAMESPACE}:",
    secret=SECRET,
    moved={("catalog", "launchRoleArn"): "iam.launch: {mode: supplied, roleArn: ...}"},
)
