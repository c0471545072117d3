"""Writes `docs/settings.md` from the docstrings and types of the settings: `make docs`."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import Enum
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Union, cast, get_args, get_origin

from annotated_types import Ge, Le, MaxLen, MinLen
from pydantic import AfterValidator, BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError

import settings
from components.core.section import descriptions
from settings.faults import DISCRIMINATORS

PAGE = Path(__file__).resolve().parents[1] / "docs" / "settings.md"

EXAMPLE = """\
aws:region: us-east-2
sm-mlops:project: acme-ml
sm-mlops:environment: dev
sm-mlops:artifacts:
  regions: [us-east-2, eu-west-1]
  artifactDays: 30
sm-mlops:source:
  # provider: GitHub, GitLab or Bitbucket take `repository: owner/name`
  provider: CodeCommit
  approvals: 2
sm-mlops:notifications:
  emails: [ml-platform@example.com]
  repositoryEvents: [pull-request-created, pull-request-merged]
sm-mlops:catalog:
  products: [model-build-train, model-deploy]
  principals: ["arn:aws:iam:::role/*DataScientist*"]
  tagOptions:
    cost-center: [research, sales]
  budget:
    monthlyUsd: 2000
    emails: [ml-platform@example.com]
sm-mlops:projects:
  principals: ["arn:aws:iam:::role/*DataScientist*"]
sm-mlops:network:
  us-east-2:
    vpcId: vpc-0a1b2c3d4e5f60718
    subnetIds: [subnet-0a1b2c3d4e5f60718, subnet-1a2b3c4d5e6f70819]
    securityGroupIds: [sg-0a1b2c3d4e5f60718]
sm-mlops:iam:
  launch:
    mode: supplied
    roleArn: arn:aws:iam::111122223333:role/ml-platform/ProjectLaunch
  permissionsBoundaryArn: arn:aws:iam::111122223333:policy/MlPlatformBoundary
sm-mlops:deploymentTests:
  options:
    - name: legacy-names
      region: eu-west-1
      projects: none
      settings:
        artifacts: {naming: legacy}
        network: null
sm-mlops:delivery:
  stacks:
    - stack: dev
    - stack: prod
      approval: true
  backendUrl: s3://acme-pulumi-state?region=us-east-2
  secretsProvider: awskms:///arn:aws:kms:us-east-2:111122223333:key/0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9
  # The SHA-256 of both archives: docs/delivery.md tells where they are published.
  engineSha256: 0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f9
  pluginSha256: f9e8d7c6b5a4f39281706f5e4d3c2b1a0f9e8d7c6b5a4f39281706f5e4d3c2b1
sm-mlops:protection:
  protect: true
  retain: true
sm-mlops:tags:
  owner: ml-platform
  cost-center: ml-development
"""
"""A whole stack file; each section of the page shows its part."""

INTRODUCTION = """\
# Settings

<!-- Made by `make docs` from the docstrings in components/sections: a change here is lost. -->

All that differs between environments stands under `config:` in the stack file, `Pulumi.<stack>.yaml`. A fault is
reported before anything is registered, together with all others:

```
error: Pulumi.dev.yaml has 3 faults:
  - sm-mlops:artifacts.regions[1]: 'eu-wst-1' is not an AWS region; did you mean 'eu-west-1'?
  - sm-mlops:artifacts.artifactDays: expected a whole number, got "30"
  - sm-mlops:protection: missing; what guards buckets, keys and the repository against a mistake
```

Unknown keys are refused, and nothing is converted: `"30"` is text and no number. In the tables `[]` stands for the
entries of a list. The examples are one stack file in parts.

Pulumi's own keys work as always: `aws:profile`, `aws:assumeRoles`, `aws:allowedAccountIds`, `aws:defaultTags`, ...
"""

HEAD = "| Setting | Meaning | Type, and what is allowed | Default |\n| --- | --- | --- | --- |\n"
SHORT = 6
"""Values that fit into a cell; more of them stand below the table."""
SCALARS: Mapping[object, str] = {bool: "true or false", int: "whole number", str: "text", Any: "anything"}
MORE = {
    "sm-mlops:catalog": "catalog.md",
    "sm-mlops:network": "network.md",
    "sm-mlops:iam": "roles.md",
    "sm-mlops:deploymentTests": "deployment-tests.md",
    "sm-mlops:delivery": "delivery.md",
}
"""Pages that tell more of a section."""


def page() -> str:
    """The whole page."""
    fields = settings.Settings.model_fields.values()
    required = [field for field in fields if not models(field.annotation) and field.is_required()]
    others = [field for field in fields if field not in required]
    return "\n".join([INTRODUCTION, _part("Names and place", "", required), *map(_section, others)])


def paths(model: type[BaseModel] = settings.Settings, prefix: str = "") -> Iterator[str]:
    """Every key that a stack file can have, as the page writes it."""
    for field in model.model_fields.values():
        yield f"{prefix}{field.alias}"
        for section in models(field.annotation):
            yield from paths(section, f"{prefix}{field.alias}{_mark(field)}.")


def models(annotation: object) -> list[type[BaseModel]]:
    """The sections behind an annotation: one, or one for each arm of a union."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in get_args(annotation) for model in models(argument)]


def _section(field: FieldInfo) -> str:
    required, more = " Required." if field.is_required() else "", MORE.get(str(field.alias))
    meaning = f"{_meaning(field)}{required}{f' More: [{more}]({more}).' if more else ''}\n"
    return _part(f"`{field.alias}`", meaning, [field])


def _part(title: str, meaning: str, fields: Sequence[FieldInfo]) -> str:
    rows = [row for field in fields for row in _rows(field)]
    example = "".join(_example(str(field.alias)) for field in fields)
    table = HEAD + "".join(f"| {' | '.join(row[:4])} |\n" for row in rows)
    lists = "".join(f"\n{row[4]}\n" for row in rows if row[4])
    return f"## {title}\n\n{meaning}{meaning and chr(10)}```yaml\n{example}```\n\n{table}{lists}"


def _example(key: str) -> str:
    """The lines of the example that are about a key."""
    return next(part for part in re.split(r"^(?=\S)", EXAMPLE, flags=re.MULTILINE) if part.startswith(f"{key}:"))


def _rows(field: FieldInfo, prefix: str = "", arm: str = "") -> Iterator[tuple[str, str, str, str, str]]:
    """The cells of a field and of all that is within it, and what stands below the table for want of room."""
    path, sections = f"{prefix}{field.alias}", models(field.annotation)
    if not sections or prefix:
        allowed, below = _allowed(field)
        name = path.rsplit(".", 1)[-1].removeprefix("sm-mlops:")
        yield (
            f"`{path}`{arm}",
            _meaning(field),
            "one of those below" if below else allowed,
            _default(field),
            f"Values of `{name}`: {allowed}." if below else "",
        )
    for section in sections:
        tags = _arm_tags(section) if len(sections) > 1 else ()
        for name, inner in section.model_fields.items():
            # Below a section's own row, which names the arms, the key that tells them apart says nothing new.
            if not (tags and prefix and name in DISCRIMINATORS):
                yield from _rows(inner, f"{path}{_mark(field)}.", f" ({', '.join(tags)})" if tags else arm)


def _meaning(field: FieldInfo) -> str:
    return " ".join(_said()[id(field)].split())


@cache
def _said() -> Mapping[int, str]:
    """What each field's docstring says of it, by the field's identity."""
    return {id(model.model_fields[name]): text for model in _all() for name, text in descriptions(model).items()}


def _all(model: type[BaseModel] = settings.Settings) -> Iterator[type[BaseModel]]:
    yield model
    for field in model.model_fields.values():
        for section in models(field.annotation):
            yield from _all(section)


def _mark(field: FieldInfo) -> str:
    origin = get_origin(field.annotation)
    return "[]" if origin is tuple else ".<region>" if origin is Mapping else ""


def _arm_tags(section: type[BaseModel]) -> tuple[str, ...]:
    """The values with which an arm of a union is meant."""
    fields = section.model_fields
    return next(get_args(fields[key].annotation) for key in DISCRIMINATORS if key in fields)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = _plain(field.get_default(call_default_factory=True))
    return "none" if value in ((), None, {}) else f"`{json.dumps(value)}`"


def _plain(value: object) -> object:
    """A default as a stack file has it; of a section, what tells its arm."""
    if isinstance(value, tuple) and value:
        return [_plain(item) for item in value]
    if isinstance(value, BaseModel):
        return next((getattr(value, key) for key in DISCRIMINATORS if hasattr(value, key)), None)
    return value.value if isinstance(value, Enum) else value


def _allowed(field: FieldInfo) -> tuple[str, bool]:
    """A field's type and what is allowed, and whether that is too long for a cell."""
    words = _words(field.annotation, field.metadata)
    return words, words.count("`, `") >= SHORT


def _words(annotation: object, constraints: Sequence[object] = ()) -> str:
    """A type and its constraints, in the words of a stack file."""
    origin, arguments = get_origin(annotation), [one for one in get_args(annotation) if one is not NoneType]
    if origin in (Annotated, Union, UnionType) and not models(annotation):
        inner = arguments[1:] if origin is Annotated else []
        return _words(arguments[0], [*constraints, *(part for one in inner for part in _parts(one))])
    if origin is tuple:
        return f"list{_count(constraints)}, each {_words(arguments[0])}"
    if origin is Mapping:
        key = "name" if arguments[0] is str else _words(arguments[0]).removeprefix("an ")
        return f"by {key}{_count(constraints)}: {_words(arguments[1])}"
    if models(annotation):
        return "section"
    return _of_value(annotation, constraints)


def _of_value(annotation: object, constraints: Sequence[object]) -> str:
    values: Sequence[object] = get_args(annotation)
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        values = [one.value for one in annotation if _accepted(one, constraints)]
    if values:
        *most, last = (f"`{value}`" for value in values)
        return f"{', '.join(most)} or {last}" if most else last
    # A check that says nothing refuses what the stack files have as an example, and only a fault need tell that.
    rules = [_rule(one.func.__doc__) for one in constraints if isinstance(one, AfterValidator) and one.func.__doc__]
    return ", ".join(rules or [SCALARS[annotation]]) + _count(constraints)


def _parts(constraint: object) -> Sequence[object]:
    """What `Field(...)` within a type bundles."""
    return constraint.metadata if isinstance(constraint, FieldInfo) else [constraint]


def _rule(docstring: str) -> str:
    """What a check allows, within a sentence and a table."""
    words = docstring.removeprefix("Take ").removesuffix(".") if docstring.startswith("Take ") else docstring
    return re.sub(r"(?=[<|])", r"\\", words)


def _accepted(value: object, constraints: Sequence[object]) -> bool:
    """Whether no check refuses a value."""
    try:
        for one in constraints:
            if isinstance(one, AfterValidator):
                cast("Callable[[object], object]", one.func)(value)
    except PydanticCustomError:
        return False
    return True


def _count(constraints: Sequence[object]) -> str:
    """How many, how long, or how large; nothing where nothing is said."""
    least = [one.ge if isinstance(one, Ge) else one.min_length for one in constraints if isinstance(one, Ge | MinLen)]
    most = [one.le if isinstance(one, Le) else one.max_length for one in constraints if isinstance(one, Le | MaxLen)]
    if least and most:
        return f", {least[0]} to {most[0]}"
    return f", at least {least[0]}" if least else f", at most {most[0]}" if most else ""


if __name__ == "__main__":
    PAGE.write_text(page())
