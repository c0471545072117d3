"""What a stack is like that is brought up only to test a deployment option, and then destroyed: pure functions.

Such a stack has the settings of the stack that tests, save for what the option changes, for its name, and for what a
test must not touch.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

SUFFIX_LENGTH = 6
"""Characters that make the names of one test's resources differ from those of all others."""

ANY_SUFFIX = "0" * SUFFIX_LENGTH
"""Stands for the suffix in checks of length, which is the same for all tests."""

_NOT_TESTED = ("delivery", "deploymentTests")
"""Sections that act on stacks: a stack under test neither delivers nor tests."""

_OF_THE_STACK_ALONE = (
    ("catalog", "regions"),
    ("projects", "regions"),
    ("source", "repository"),
    ("notifications", "emails"),
)
"""Settings, by section and key, of the testing stack's own regions, repository and people."""

NO_PROTECTION = {"protect": False, "retain": False, "keyDeletionDays": 7}
"""Protection of a stack under test: none."""


def suffix(execution: str) -> str:
    """Return the suffix of one test: the same for one execution of a pipeline, another for every other one."""
    return "t" + hashlib.sha256(execution.encode()).hexdigest()[: SUFFIX_LENGTH - 1]


def stack_name(option: str, test_suffix: str) -> str:
    """Name of the stack under test."""
    return f"test-{option}-{test_suffix}"


def is_stack_under_test(name: str) -> bool:
    """Whether a stack was brought up by a test."""
    return re.fullmatch(rf"test-[a-z0-9-]+-t[0-9a-f]{{{SUFFIX_LENGTH - 1}}}", name) is not None


def settings_under_test(
    settings: Mapping[str, Any], *, region: str, changes: Mapping[str, Any], test_suffix: str
) -> dict[str, Any]:
    """Return the settings of a stack under test, by section.

    Args:
        settings: the sections of the stack that tests, as its file has them.
        region: home region of the stack under test.
        changes: what the option changes, by section: a mapping is merged into the section's, anything else takes its
            place, and null leaves the key out.
        test_suffix: makes the stack's physical names its own. It is part of the project's name, the only one that is
            in every name, those of legacy buckets included.
    """
    tested = {key: value for key, value in settings.items() if key not in _NOT_TESTED}
    for section, key in _OF_THE_STACK_ALONE:
        if isinstance(tested.get(section), Mapping):
            tested[section] = {name: value for name, value in tested[section].items() if name != key}
    # VPCs, domains and keys are regional: those of other regions are none of this stack.
    tested = _of_region(tested, ("network",), region)
    for key in ("projectKeyArns", "studioDomains"):
        tested = _of_region(tested, ("catalog", key), region)
    tested = merged(tested, {"artifacts": {"regions": [region]}})
    tested = merged(tested, changes)
    tested = merged(tested, {"protection": NO_PROTECTION})
    if isinstance(tested.get("projects"), Mapping):
        tested = merged(tested, {"projects": {"disableOnDestroy": True}})
    return {**tested, "project": f"{tested.get('project', '')}-{test_suffix}"}


def _of_region(settings: Mapping[str, Any], path: Sequence[str], region: str) -> dict[str, Any]:
    """Return settings without the entries of other regions in the mapping at a path, if there is one."""
    key, *rest = path
    inner = settings.get(key)
    if not isinstance(inner, Mapping):
        return dict(settings)
    kept = _of_region(inner, rest, region) if rest else {name: inner[name] for name in inner if name == region}
    return {**settings, key: kept}


def merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return a mapping with changes: mappings are merged key by key, null removes, anything else replaces."""
    result = dict(base)
    for key, change in changes.items():
        if change is None:
            result.pop(key, None)
        elif isinstance(change, Mapping):
            old = result.get(key)
            result[key] = merged(old if isinstance(old, Mapping) else {}, change)
        else:
            result[key] = change
    return result
