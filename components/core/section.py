"""What sections are built of: the base of all models, and types of values that several sections have."""

import ast
import gc
import inspect
import os
import re
from collections.abc import Callable, Mapping
from itertools import pairwise
from textwrap import dedent
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from awsmodel.regions import known_regions
from components.core.email import email_address
from components.core.faults import nearest
from components.core.git_names import branch_fault

T = TypeVar("T")

# What is loaded by now is large, and stays to the end. While the models are built, the garbage collector would go
# through all of it again and again, which is a sixth of what a start takes.
gc.freeze()
# To find plugins, pydantic would read the metadata of every package that is installed. None has a part in settings.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")


def fault(message: str) -> PydanticCustomError:
    """Refuse a value, in a sentence that names it and what is allowed."""
    # As a value, because pydantic would read braces in the message as placeholders.
    return PydanticCustomError("fault", "{message}", {"message": message})


# The docstring of a check is what docs/settings.md says of the values that it takes.


def _known_region(value: str) -> str:
    """Take an AWS region."""
    if value not in known_regions():
        raise fault(f"{value!r} is not an AWS region{nearest(value, list(known_regions()))}")
    return value


def _email(value: str) -> str:
    """Take an e-mail address."""
    normalized, wrong = email_address(value)
    if wrong:
        raise fault(f"{value!r} {wrong}")
    return normalized


def _account_id(value: str) -> str:
    """Take an AWS account id: twelve digits, in quotes."""
    if len(value) != 12 or not (value.isascii() and value.isdigit()):
        raise fault(f"{value!r} is not an AWS account id: twelve digits, in quotes")
    return value


def matching(pattern: str, rule: str) -> AfterValidator:
    """Text of a given form; `rule` says in words what the form is."""

    def check(value: str) -> str:
        # `re` keeps what it has compiled: a pattern is compiled where a value is judged, and not at every start.
        if not re.fullmatch(pattern, value):
            raise fault(f"{value!r}: {rule}")
        return value

    check.__doc__ = rule
    return AfterValidator(check)


def judged(wrong: Callable[[str], str | None], rule: str) -> AfterValidator:
    """Text that a function finds nothing wrong with; `rule` says in words what that takes."""

    def check(value: str) -> str:
        if (reason := wrong(value)) is not None:
            raise fault(f"{value!r}: {reason}")
        return value

    check.__doc__ = rule
    return AfterValidator(check)


def keys_that_differ(values: Mapping[str, T]) -> Mapping[str, T]:
    """Keys that differ in more than case."""
    first: dict[str, str] = {}
    for key in values:
        if (other := first.setdefault(key.lower(), key)) != key:
            raise fault(
                f"{key!r}: differs from {other!r} in case only, and IAM takes the two for one; keep one of them"
            )
    return values


def filled_in(placeholder: str, meant: str) -> Callable[[str], str]:
    """Refuse what a committed stack file shows in the place of a company's own value."""

    def check(value: str) -> str:
        if placeholder in value:
            raise fault(f"{value!r} is the example's placeholder; put in {meant}")
        return value

    return check


def resource_id(kind: str) -> AfterValidator:
    """Text that is the id of a resource of EC2: its prefix, a dash, and 8 or 17 hexadecimal digits."""
    return matching(rf"{kind}-([0-9a-f]{{8}}|[0-9a-f]{{17}})", f"an id: {kind}- and 8 or 17 hexadecimal digits")


NamePart = Annotated[
    str,
    matching(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", "lower-case letters, digits and single dashes, a letter first"),
]

Branch = Annotated[
    str, judged(branch_fault, "a branch name of 1 to 256 characters, as git takes it, without `refs/heads/`")
]

RegionName = Annotated[str, AfterValidator(_known_region)]

Email = Annotated[str, AfterValidator(_email)]

AccountId = Annotated[str, AfterValidator(_account_id)]

Days = Annotated[int, Field(ge=1, le=3650)]

Sha256 = Annotated[
    str,
    matching(r"[0-9a-f]{64}", "64 hexadecimal digits, as sha256sum prints them"),
    AfterValidator(filled_in("0" * 64, "the digest that Pulumi publishes beside the archive")),
]

RoleArn = Annotated[str, matching(r"arn:[a-z-]+:iam::\d{12}:role/.+", "the ARN of a role")]

PolicyArn = Annotated[str, matching(r"arn:[a-z-]+:iam::(\d{12}|aws):policy/.+", "the ARN of a policy")]

PrincipalArn = Annotated[
    str,
    matching(
        r"arn:[a-z-]+:iam::(\d{12}:(role|group|user)/[^*?]+|:(role|group|user)/.+)",
        "the ARN of a role, group or user, or a pattern (with * or ?) of one without an account",
    ),
]


class Section(BaseModel):
    """A part of the stack file: unknown keys are refused, nothing is converted, nothing changes after reading."""

    # By name for Python; whoever reads a stack file allows the aliases only.
    model_config = ConfigDict(
        alias_generator=to_camel,
        # Each section is built once, as a part of the whole, and not by itself, too, at every start.
        defer_build=True,
        extra="forbid",
        frozen=True,
        strict=True,
        validate_by_alias=True,
        validate_by_name=True,
    )


def descriptions(model: type[BaseModel]) -> Mapping[str, str]:
    """Tell what the docstrings say of the fields of a model, by name.

    pydantic would read them for every model at every start, which costs more than all else of building one.
    """
    (written,) = ast.parse(dedent(inspect.getsource(model))).body
    body = written.body if isinstance(written, ast.ClassDef) else []
    return {
        field.target.id: inspect.cleandoc(said.value.value)
        for field, said in pairwise(body)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if isinstance(said, ast.Expr) and isinstance(said.value, ast.Constant) and isinstance(said.value.value, str)
    }
