"""The products' templates as they are published, for every choice of an environment, by cfn-lint.

cfn-lint itself goes through both arms of every condition. What it cannot know are the values that the publisher fills
in: so a template is looked at with all of them, with none, and with all but those of one kind, which takes every two
kinds together, apart and in turn. The values of parameters take turns, too.

cfn-lint is a package of the developers: nothing that deploys needs it. What it has found is kept beside it for a day,
in the Python environment: it takes seconds for each look. The next day it may find more in the same text, such as a
runtime of Lambda whose support has ended, or by schemas that somebody has renewed.
"""

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from awsmodel.arns import ArnScope
from awsmodel.cloudformation.functions import plain, texts
from awsmodel.cloudformation.java_patterns import java_pattern, sample_of
from awsmodel.cloudformation.yaml_nodes import fields
from components.packaging import Fault, Product
from components.packaging.product_folder import path_in_folder
from components.packaging.template import ENVIRONMENT_VALUES
from tools.faults import ToolError
from tools.launch_permissions.needs import SAMPLES, UNKNOWN

if TYPE_CHECKING:
    from cfnlint.rules import Rules

NO_LINTER = "cfn-lint is not installed; `make environment` installs it"
_REGION = "us-east-1"
"""Region whose resource types are meant; cfn-lint knows it best."""
_KEPT = Path(sys.prefix, "cache", "cfn-lint")
"""A folder of the day, with a file for each text that was looked at."""
_SETTINGS = (".cfnlintrc", ".cfnlintrc.yaml", ".cfnlintrc.yml")
"""Files of cfn-lint's own settings, in a person's home and in the folder that one stands in: they may name others."""
_ARNS = ArnScope("aws", _REGION, "111122223333")
_BOUNDARY = ("Roles", "PermissionsBoundary")
_VALUES: Mapping[tuple[str, str], str] = {
    ("Names", "Project"): "sample",
    ("Names", "Environment"): "dev",
    ("Seed", "Bucket"): "sample-dev-products-111122223333-us-east-1-an",
    ("Seed", "Key"): "products/sample/seed/0123456789abcdef.zip",
    ("Source", "ConnectionArn"): _ARNS.arn("codeconnections", "connection/1234abcd-12ab-34cd-56ef-1234567890ab"),
    ("Encryption", "KmsKeyArn"): _ARNS.key("1234abcd-12ab-34cd-56ef-1234567890ab"),
    **{("Roles", role): _ARNS.role(f"sample-{role}") for role in ENVIRONMENT_VALUES["Roles"]},
    _BOUNDARY: "sample-dev-project-boundary",
    ("Network", "VpcId"): "vpc-0a1b2c3d",
    ("Network", "SubnetIds"): "subnet-0a1b2c3d,subnet-1a2b3c4d",
    ("Network", "SecurityGroupIds"): "sg-0a1b2c3d",
    ("Notifications", "TopicArn"): _ARNS.topic("sample-dev-notifications"),
}
"""What an environment could give, by the two keys of the mapping."""
_ALWAYS = ("Names", "Seed")
_OWN_PARAMETERS = {"SageMakerProjectName": "sample", "SageMakerProjectId": "p-0a1b2c3d4e5f"}


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One way in which a template can be published and launched."""

    given: Sequence[str]
    """Groups of the environment mapping that the environment has values for."""
    environment: Mapping[str, Mapping[str, str]]
    parameters: Mapping[str, str]

    def __str__(self) -> str:
        return f"in an environment with {' and '.join(self.given)}" if self.given else "in an environment without any"


def choices(product: Product) -> Iterator[Choice]:
    """Return the ways in which a template is looked at."""
    kinds = [group for group in product.environment if group not in _ALWAYS]
    ways = [*([other for other in kinds if other != kind] for kind in kinds), [], *([] if len(kinds) > 2 else [kinds])]
    options = {name: values for name in product.parameters if (values := _options(product, name))}
    for turn, given in enumerate(dict.fromkeys(map(tuple, ways))):
        yield Choice(
            given=given,
            environment={
                group: {key: _value(group, key, given) for key in keys} for group, keys in product.environment.items()
            },
            parameters={name: values[turn % len(values)] for name, values in options.items()},
        )


def _value(group: str, key: str, given: Sequence[str]) -> str:
    """Return a value, or none: roles are bounded where the environment does not give them."""
    has = group in (*_ALWAYS, *given)
    return _VALUES[group, key] if has != ((group, key) == _BOUNDARY) else ""


def _options(product: Product, name: str) -> Sequence[str]:
    """Values of a parameter: those that are allowed, or its default and a sample that its rules take."""
    if name in _OWN_PARAMETERS:
        return [_OWN_PARAMETERS[name]]
    declared = fields(product.source.section("Parameters")[name])
    if allowed := texts(declared.get("AllowedValues")):
        return allowed
    default, pattern = plain(declared.get("Default")), plain(declared.get("AllowedPattern")) or ".*"
    longest = int(plain(declared.get("MaxLength")) or 1024)
    if plain(declared.get("Type")) != "String":
        return [] if default is None else [default]
    form, made = java_pattern(pattern), sample_of(pattern)
    samples = [*(one for one in SAMPLES if one != UNKNOWN and form is not None and form.fullmatch(one)), made]
    fitting = [one for one in samples if one is not None and len(one) <= longest]
    return list(dict.fromkeys([*([] if default is None else [default]), *fitting[:1]]))


def template_faults(product: Product) -> Sequence[str]:
    """Tell what cfn-lint finds, each thing once, with file and line.

    Raises:
        ToolError: cfn-lint is not there.
    """
    found: dict[str, list[Choice]] = {}
    ways = list(choices(product))
    for choice in ways:
        for fault in _linted(product, choice):
            found.setdefault(fault, []).append(choice)
    told = [f"{fault}{'' if where == ways else f' ({where[0]})'}" for fault, where in found.items()]
    return [*told, *_workflow_faults(product)]


def _workflow_faults(product: Product) -> Iterator[str]:
    """What cfn-lint finds in the state machines that builds put in place, which no template holds: `*.asl.json`."""
    for file in product.files:
        if not file.path.endswith(".asl.json"):
            continue
        path = path_in_folder(file)
        try:
            properties = {"RoleArn": _VALUES["Roles", "SageMaker"], "Definition": json.loads(file.content)}
        except ValueError as error:
            yield Fault(path, 0, f"is not JSON: {error}").within("seed_code", product.slug)
            continue
        machine = {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}
        for _, message in _found(json.dumps({"Resources": {"StateMachine": machine}}), {}):
            yield Fault(path, 0, message).within("seed_code", product.slug)


def _linted(product: Product, choice: Choice) -> Iterator[str]:
    for line_of_template, message in _found(product.render(choice.environment), choice.parameters):
        file, line = product.place(line_of_template)
        yield Fault(file, line, message).within("seed_code", product.slug)


def _found(text: str, parameters: Mapping[str, str]) -> Sequence[tuple[int, str]]:
    """Tell what cfn-lint finds in a template, by line; as before on a day on which nothing that decides has changed."""
    try:
        linter = version("cfn-lint")
    except PackageNotFoundError:
        raise ToolError(NO_LINTER) from None
    if any((folder / name).is_file() for folder in (Path.home(), Path()) for name in _SETTINGS):
        return _look(text, parameters)
    decides = json.dumps([linter, Path(__file__).read_text(), text, dict(parameters)], sort_keys=True)
    day = _KEPT / f"{_now():%Y-%m-%d}"
    kept = day / f"{hashlib.sha256(decides.encode()).hexdigest()}.json"
    with suppress(OSError, ValueError):  # not looked at yet, or the disk was full
        return [(line, message) for line, message in json.loads(kept.read_text())]
    found = _look(text, parameters)
    with suppress(OSError):  # an environment that nobody may write to
        day.mkdir(parents=True, exist_ok=True)
        for other in {*_KEPT.iterdir()} - {day}:
            shutil.rmtree(other, ignore_errors=True)
        being_written = kept.with_suffix(f".{os.getpid()}")
        being_written.write_text(json.dumps(found))
        being_written.replace(kept)
    return found


def _now() -> datetime:
    return datetime.now(UTC)


@cache
def _rules() -> "Rules":
    from cfnlint.config import ConfigMixIn, ManualArgs  # noqa: PLC0415 - as below
    from cfnlint.runner import Runner  # noqa: PLC0415

    return Runner(ConfigMixIn(**ManualArgs(regions=[_REGION]))).rules


def _look(text: str, parameters: Mapping[str, str]) -> Sequence[tuple[int, str]]:
    from cfnlint.api import lint  # noqa: PLC0415 - nothing that deploys needs it
    from cfnlint.config import ManualArgs  # noqa: PLC0415
    from cfnlint.context.parameters import ParameterSet  # noqa: PLC0415

    chosen = [ParameterSet(source=None, parameters=dict(parameters))]
    matches = lint(text, rules=_rules(), config=ManualArgs(regions=[_REGION], parameters=chosen))
    return [(match.linenumber, f"{match.message} [{match.rule.id}]") for match in matches]
