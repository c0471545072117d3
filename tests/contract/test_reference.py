"""Every policy that the platform makes or prints holds against AWS's own reference, and fits IAM's limits."""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Annotated

import pytest
import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from tests.contract import reference
from tests.contract.policies import Role, everything, recording, variants
from tests.contract.reference import Fault, faults
from tests.contract.rows import rows
from tests.contract.test_rows import named_types

EXCEPTIONS = Path(__file__).parent / "reference_exceptions.yaml"

# "IAM and AWS STS quotas" in the IAM user guide; white space is not counted.
INLINE, MANAGED, TRUST, ATTACHED = 10_240, 6_144, 2_048, 10


class Excepted(BaseModel):
    """Something that the reference's data contradicts, and that another page of AWS confirms."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    date: dt.date
    actions: Annotated[tuple[str, ...], Field(min_length=1)]
    rule: str
    subject: str
    why: str
    source: Annotated[str, Field(pattern=r"^https://docs\.aws\.amazon\.com/")]

    def covers(self, fault: Fault) -> bool:
        """Whether it is this fault that is none."""
        return (
            self.rule == fault.rule
            and fnmatchcase(fault.subject, self.subject)
            and any(fnmatchcase(fault.action, action) for action in self.actions)
        )


@cache
def exceptions() -> Sequence[Excepted]:
    return TypeAdapter(tuple[Excepted, ...]).validate_python(yaml.safe_load(EXCEPTIONS.read_text()))


@cache
def judged() -> Sequence[Role]:
    return tuple(everything())


@cache
def contradictions() -> Sequence[Fault]:
    """What is found in each policy; what several variants have alike is judged at the first."""
    policies: dict[str, tuple[str, Sequence[reference.Statement]]] = {}
    for role in judged():
        trusting = [one for trust in role.trust for one in trust["Statement"]]
        for where, statements in ((role.where, role.statements), (f"{role.where}, trust", trusting)):
            policies.setdefault(json.dumps(statements), (where, statements))
    return [fault for where, statements in policies.values() for fault in faults(where, statements)]


def size(documents: Sequence[Mapping[str, object]]) -> int:
    return sum(len("".join(json.dumps(document).split())) for document in documents)


def test_the_reference_contradicts_no_policy() -> None:
    found = [fault for fault in contradictions() if not any(one.covers(fault) for one in exceptions())]
    by_what: dict[tuple[str, str, str], list[str]] = {}
    for fault in found:
        by_what.setdefault((fault.action, fault.rule, fault.subject), []).append(fault.where)
    told = [f"{' '.join(what)} ({len(where)}: {min(where)})" for what, where in sorted(by_what.items())]
    assert not told, "\n".join(["the reference contradicts:", *told])


def test_each_type_that_a_run_registers_has_a_row() -> None:
    """The source names types; a run could still register one that it builds in another way.

    It stands here, and not with the rows, because here each variant has run.
    """
    registered = {
        one.type for variant in variants() for one in recording(variant).resources if one.type.startswith("aws:")
    }
    assert registered - set(rows()) == set(), "no row tells what the plugin does for these"
    assert registered <= named_types(), "the source's names say less than what runs register"


def test_each_exception_is_still_needed() -> None:
    unused = [one for one in exceptions() if not any(one.covers(fault) for fault in contradictions())]
    assert not unused, "the reference contradicts none of these any more"


def test_each_variant_has_policies() -> None:
    """A judge that sees nothing finds nothing."""
    assert len(judged()) > 300
    for variant in variants():
        assert any(role.where.startswith(f"{variant}: ") and role.statements for role in judged()), variant
        assert any(role.where.startswith(f"iam-policies, {variant}: ") for role in judged()), variant
    assert any(role.where.startswith("model-deploy with DeploymentTarget") for role in judged())


def test_each_role_fits_the_limits_of_iam() -> None:
    over = [
        f"{role.where}: {what} {found} of {limit}"
        for role in judged()
        for what, found, limit in (
            ("inline policies", size(role.inline), INLINE),
            ("managed policy", max((size([one]) for one in role.managed), default=0), MANAGED),
            ("trust", size(role.trust), TRUST),
            ("attached policies", role.attached, ATTACHED),
        )
        if found > limit and not (role.of_resource and what == "inline policies")
    ]
    assert not over


REPOSITORY = "arn:aws:codecommit:us-east-2:111122223333:acme"


@pytest.mark.parametrize(
    ("statement", "rule"),
    [
        ({"Action": "codecommit:ReadRepository"}, reference.NO_SUCH_ACTION),
        ({"Action": "codecommit:Read*"}, reference.NO_SUCH_ACTION),
        ({"Action": "nosuchservice:Get"}, reference.NO_SUCH_ACTION),
        ({"Action": "codecommit:ListRepositories", "Resource": REPOSITORY}, reference.NO_RESOURCE),
        ({"Action": "s3:GetObject", "Resource": "arn:aws:s3:::acme"}, reference.OTHER_TYPE),
        ({"Action": "kms:Decrypt", "Resource": "arn:aws:kms:us-east-2:111122223333:acme-key"}, reference.OTHER_TYPE),
        ({"Action": "s3:GetObject", "Resource": ["arn:aws:s3:::acme", "arn:aws:s3:::acme/*"]}, reference.NOT_TAKEN),
        (
            {"Action": "sagemaker:CreateEndpoint", "Resource": "arn:aws:sagemaker:*:*:endpoint/a"},
            reference.MISSING_TYPE,
        ),
        ({"Action": "s3:GetObject", "Condition": {"Bool": {"s3:prefix": "a"}}}, reference.NO_SUCH_KEY),
        ({"Action": "iam:PassRole", "Condition": {"Null": {"aws:SourceOwner": "a"}}}, reference.NO_SUCH_KEY),
        ({"Action": "codecommit:Git*", "Resource": "arn:aws:s3:::acme"}, reference.OTHER_TYPE),
        ({"Action": "codecommit:GitPull", "Resource": REPOSITORY.replace("codecommit", "c*")}, reference.WILD_SERVICE),
    ],
)
def test_the_judge_finds_what_can_never_match(statement: Mapping[str, object], rule: str) -> None:
    found = list(faults("here", [{"Effect": "Allow", "Resource": "*", **statement}]))
    assert rule in {fault.rule for fault in found}


@pytest.mark.parametrize(
    "statement",
    [
        {"Action": "codecommit:Get*", "Resource": REPOSITORY},
        {"Action": "s3:getobject", "Resource": "arn:aws:s3:::acme-*/*"},
        {"Action": "s3:GetObject", "Condition": {"StringEquals": {"s3:ExistingObjectTag/team": "a"}}},
        {"Action": "kms:Encrypt", "Condition": {"StringEquals": {"kms:EncryptionContext:aws:s3:arn": "a"}}},
        {"Action": "iam:PassRole", "Resource": "arn:aws:iam::111122223333:role/team/a"},
    ],
)
def test_the_judge_lets_pass_what_can_match(statement: Mapping[str, object]) -> None:
    assert not list(faults("here", [{"Effect": "Allow", "Resource": "*", **statement}]))


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("a", "a", True),
        ("a", "b", False),
        ("a*", "ab", True),
        ("a*c", "ab*", True),
        ("a*c", "*b", False),
        ("?b", "a*", True),
        ("role/team/*", "role/*-x", True),
        ("project/a-*", "project/b-*", False),
        ("*", "", True),
        ("a", "", False),
    ],
)
def test_two_patterns_overlap_where_some_text_matches_both(one: str, other: str, expected: bool) -> None:
    left, right = (f"arn:aws:x:us-east-2:1:{text}" for text in (one, other))
    assert reference.overlap(left, right) is reference.overlap(right, left) is expected
