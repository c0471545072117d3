"""What a company can do to its stack files, edit by edit: other values, longer and shorter lists, sections."""

import copy
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import settings
from components.sections.notifications import RepositoryEvent
from tests.support.delivery_example import SECTION, TESTS, example, example_of_tests

Config = dict[str, Any]
Path = tuple[str | int, ...]

HOME = "aws:region"
OTHER_PRODUCT = "churn"
"""A product folder that the edits may name."""

OTHERS: dict[str, Sequence[object]] = {
    r"sm-mlops:project": ["acme-ml"],
    r"sm-mlops:environment": ["trial"],
    r"sm-mlops:artifacts\.regions\.\d+": ["eu-north-1", "ap-south-1", "us-west-2", "ca-central-1", "sa-east-1"],
    r"sm-mlops:source\.branch": ["release"],
    r"sm-mlops:catalog\.products\.\d+": [OTHER_PRODUCT],
    r"sm-mlops:catalog\.dataBuckets\.\d+": ["acme-training-data"],
    r".*\.principals\.\d+": ["arn:aws:iam:::role/MlEngineer*", "arn:aws:iam:::role/Analyst-?"],
    r".*\.emails\.\d+": ["first@acme.example", "second@acme.example", "third@acme.example"],
    r".*\.repositoryEvents\.\d+": [event.value for event in RepositoryEvent],
    r".*\.detail": ["FULL"],
    r"sm-mlops:tags\..*": ["somebody else"],
    r".*\.(roleArn|roleArns\.\w+)": [f"arn:aws:iam::111122223333:role/acme/{number}" for number in range(20)],
    r".*\.vpcId": ["vpc-0fedcba987654321f"],
    r".*\.subnetIds\.\d+": [f"subnet-0fedcba98765432{number}f" for number in range(3)],
    r".*\.securityGroupIds\.\d+": [f"sg-0fedcba98765432{number}f" for number in range(2)],
}
"""Other values of a field, by its path. Numbers and switches need none."""

OTHER_SECTIONS: dict[str, dict[str, Config]] = {
    "provider": {"sm-mlops:source": {"provider": "GitHub", "repository": "acme/platform", "branch": "main"}},
    "mode": {
        "launch": {"mode": "create"},
        "use": {"mode": "create"},
        **{group: {"mode": "create"} for group in ("pipeline", "build", "pullRequests", "events", "delivery")},
    },
}
"""Sections that an edit of the key that says their kind leads to, by that key and the section's own."""

FEWEST = {"subnetIds": 2}
"""The fewest entries that lists can have, where that is not one."""


@dataclass(frozen=True)
class Edit:
    """One thing done to a stack file."""

    name: str
    """What is done where: the same for all stacks whose files have it."""
    change: Callable[[Config], Config]
    alone: bool = False
    """Whether other edits do not go with it: it takes away what they change."""


def edits(config: Config) -> Iterator[Edit]:
    """Every edit of a stack file: none is left out, and a value that has no other one here fails."""
    for path, value in leaves(config):
        yield _another(config, path, value)
    for path, entries in lists(config):
        more = [*entries, other((*path, len(entries)), entries[-1] if entries else None, entries)]
        yield Edit(f"{dotted(path)} has one more", partial(put, path=path, value=more), alone=True)
        if len(entries) > FEWEST.get(str(path[-1]), 1):
            kept = [entry for entry in entries if entry == config[HOME]] or entries[:1]
            kept += [entry for entry in entries if entry not in kept][: len(entries) - 2]
            yield Edit(f"{dotted(path)} has one less", partial(put, path=path, value=kept), alone=True)
    for field in settings.Settings.model_fields.values():
        key = str(field.alias)
        if key in config and not field.is_required():
            yield Edit(f"no {key}", partial(_without, key=key), alone=True)
    yield Edit("allowed accounts", partial(put, path=("aws:allowedAccountIds",), value=["111122223333"]))
    yield Edit("a delivery", partial(put, path=(SECTION,), value=example()))
    yield Edit("deployment tests", _with_tests, alone=True)


def edited(config: Config) -> Config:
    """A stack file after all edits that go together; the home region moves last, as other places are found by it."""
    together = [edit for edit in edits(config) if not edit.alone]
    for edit in sorted(together, key=lambda edit: edit.change is _at_another_home):
        config = edit.change(config)
    return config


def leaves(value: object, path: Path = ()) -> Iterator[tuple[Path, object]]:
    """Every scalar, with where it stands."""
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(inner, (*path, key))
    else:
        yield path, value


def lists(value: object, path: Path = ()) -> Iterator[tuple[Path, list[Any]]]:
    """Every list, with where it stands."""
    if isinstance(value, list):
        yield path, value
    for key, inner in value.items() if isinstance(value, dict) else ():
        yield from lists(inner, (*path, key))


def put(config: Config, path: Path, value: object) -> Config:
    """The configuration with another value in a place."""
    changed = copy.deepcopy(config)
    place: Any = changed
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return changed


def _without(config: Config, key: str) -> Config:
    return {name: value for name, value in config.items() if name != key}


def _with_tests(config: Config) -> Config:
    return {**config, SECTION: example(), TESTS: {"options": example_of_tests()["options"][:1]}}


def dotted(path: Path) -> str:
    """A place in words."""
    return ".".join(map(str, path))


def other(path: Path, value: object, taken: Sequence[object]) -> object:
    """Another value of a field, which its list does not have yet; the same where all have been taken."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value - 1 if value == 30 else value + 1
    for pattern, values in OTHERS.items():
        if re.fullmatch(pattern, dotted(path)):
            return next((one for one in values if one != value and one not in taken), value)
    raise AssertionError(f"{dotted(path)}: {value!r} has no other value here; name one in OTHERS")


def _another(config: Config, path: Path, value: object) -> Edit:
    name, key = f"{dotted(path)} is another", str(path[-1])
    if value == config[HOME]:  # the home region, which several places of a file name
        return Edit(name, _at_another_home)
    if key in OTHER_SECTIONS:
        section = OTHER_SECTIONS[key][str(path[-2])]
        return Edit(name, partial(put, path=path[:-1], value=section), alone=True)
    return Edit(name, partial(_with_other, path=path, value=value))


def _at_another_home(config: Config) -> Config:
    moved: Config = json.loads(json.dumps(config).replace(config[HOME], "eu-south-2"))
    return moved


def _with_other(config: Config, path: Path, value: object) -> Config:
    siblings = [inner for place, inner in leaves(config) if place[:-1] == path[:-1]]
    return put(config, path, other(path, value, siblings))
