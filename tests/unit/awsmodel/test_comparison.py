"""A change of a policy is told statement by statement, and nothing that it newly allows is missed."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from awsmodel.iam.comparison import MOST_RIGHTS, PolicyChanges, compare, statement_lines
from awsmodel.iam.evaluation import Request, decision

BUCKET = "arn:aws:s3:::artifacts/*"
ROLE = "arn:aws:iam::111122223333:role/one"
ACCOUNT = {"StringEquals": {"aws:SourceAccount": "111122223333"}}


def allow(action: object = "s3:GetObject", resource: object = BUCKET, **more: object) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: object = "s3:GetObject", resource: object = BUCKET, **more: object) -> dict[str, Any]:
    return {**allow(action, resource, **more), "Effect": "Deny"}


def policy(*statements: object) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def changes(before: object, after: object) -> PolicyChanges:
    return compare(policy(before), policy(after))


def test_what_means_the_same_is_no_change() -> None:
    before = policy(
        allow(["s3:GetObject", "s3:PutObject"], [BUCKET]),
        {
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Principal": {"AWS": "111122223333"},
            "Condition": {"StringEquals": {"k": ["a"]}},
        },
    )
    after = policy(
        {
            "Action": ["sts:AssumeRole"],
            "Effect": "Allow",
            "Principal": {"AWS": ["arn:aws:iam::111122223333:root"]},
            "Condition": {"StringEquals": {"k": "a"}},
        },
        allow(["s3:PutObject", "S3:GetObject"], BUCKET),
    )
    assert not compare(before, json.dumps(after))


@pytest.mark.parametrize(
    ("before", "after", "broader"),
    [
        ("arn:aws:s3:::a*c", "arn:aws:s3:::abc", False),
        ("arn:aws:s3:::a*c", "arn:aws:s3:::a:c", True),
        ("arn:aws:s3:::a?c", "arn:aws:s3:::a:c", True),
        ("arn:aws:logs:*:c", "arn:aws:logs:eu-west-1:1:c", False),
        ("arn:aws:s3:::a*", "arn:aws:s3:::a:b", False),
    ],
)
def test_a_wildcard_within_a_segment_of_a_resource_covers_nothing_beyond_its_colon(
    before: str, after: str, broader: bool
) -> None:
    found = changes(allow(resource=before), allow(resource=after))
    assert bool(found.broader) is broader
    assert decision(policy(allow(resource=before))["Statement"], Request("s3:GetObject", after)) == (
        "none" if broader else "allow"
    )


def test_a_change_names_the_statement_its_values_and_what_it_newly_allows() -> None:
    (change,) = compare(
        policy(allow(Sid="Read"), deny("s3:DeleteObject")),
        policy(deny("s3:DeleteObject"), allow(["s3:GetObject", "s3:PutObject"], Sid="Read")),
    ).statements
    assert (change.kind, change.name) == ("changed", "Read")
    assert change.differences == (("+", "Action", "s3:PutObject"),)
    assert change.broader == (f"s3:PutObject on {BUCKET}",)
    assert change.narrower == ()


def test_a_statement_without_a_sid_is_found_again_by_what_it_has_in_common() -> None:
    before = policy(allow(["s3:GetObject", "s3:PutObject"]), allow("kms:Decrypt", "*"))
    after = policy(allow("kms:Decrypt", "*"), allow(["s3:GetObject", "s3:ListBucket"]))
    (change,) = compare(before, after).statements
    assert (change.kind, change.name) == ("changed", "statement 2")
    assert [line[0] for line in change.differences] == ["-", "+"]


@pytest.mark.parametrize(
    ("before", "after", "broader"),
    [
        (allow("s3:Get*"), allow("s3:GetObject"), False),
        (allow("s3:GetObject"), allow("s3:Get*"), True),
        (allow("s3:Get?bject"), allow("s3:Get*bject"), True),
        (allow("s3:GetObject", "*"), allow(), False),
        (allow(), allow("s3:getobject"), False),
        (allow(), allow("s3:GetObject", "arn:aws:s3:::Artifacts/*"), True),
        (allow(Condition=ACCOUNT), allow(), True),
        (allow(), allow(Condition=ACCOUNT), False),
        (allow(Condition=ACCOUNT), allow(Condition={"StringEquals": {"AWS:SourceAccount": "111122223333"}}), False),
        (
            allow(Condition=ACCOUNT),
            allow(Condition={"StringEquals": {"aws:SourceAccount": ["111122223333", "4"]}}),
            True,
        ),
        (allow(Condition={"StringLike": {"k": "a*"}}), allow(Condition={"StringLike": {"k": "ab*"}}), False),
        (allow(Condition={"StringLike": {"k": "ab*"}}), allow(Condition={"StringLike": {"k": "a*"}}), True),
        (
            allow(Condition={"StringNotEquals": {"k": ["a", "b"]}}),
            allow(Condition={"StringNotEquals": {"k": "a"}}),
            True,
        ),
        (
            allow(Condition={"StringNotEquals": {"k": "a"}}),
            allow(Condition={"StringNotEquals": {"k": ["a", "b"]}}),
            False,
        ),
        (allow(Condition={"Bool": {"k": "true"}}), allow(Condition={"Bool": {"k": ["true", "false"]}}), True),
        (
            allow(Condition={"StringEqualsIfExists": {"k": "a"}}),
            allow(Condition={"StringEquals": {"k": "a"}}),
            False,
        ),
        (
            allow(Condition={"StringEquals": {"k": "a"}}),
            allow(Condition={"StringEqualsIfExists": {"k": "a"}}),
            True,
        ),
        (allow(Principal={"AWS": "111122223333"}), allow(Principal={"AWS": "444455556666"}), True),
        (allow(Principal={"AWS": "111122223333"}), allow(Principal="*"), True),
        (allow(Principal="*"), allow(Principal={"AWS": "*"}), False),
        (allow(Principal="*"), allow(Principal={"Service": "sns.amazonaws.com"}), False),
        (deny(), deny("s3:*"), False),
        (deny("s3:*"), deny(), True),
        (deny(Condition=ACCOUNT), deny(), False),
        (deny(), deny(Condition=ACCOUNT), True),
        (deny(), allow(), True),
        (allow(), deny(), False),
        ({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}, allow("s3:GetObject", "*"), False),
        ({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}, allow("iam:GetRole", "*"), True),
        ({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}, allow("*", "*"), True),
        (
            {"Effect": "Allow", "NotAction": ["iam:*", "kms:*"], "Resource": "*"},
            {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"},
            True,
        ),
        (allow("*", "*"), {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}, False),
        (allow("s3:*", "*"), {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}, True),
        ({"Effect": "Allow", "Action": "sts:AssumeRole"}, {"Effect": "Allow", "Action": "sts:*"}, True),
    ],
)
def test_what_got_broader_is_told(before: dict[str, Any], after: dict[str, Any], broader: bool) -> None:
    found = changes(before, after)
    assert bool(found.broader) is broader, found
    assert sorted(changes(after, before).narrower) == sorted(found.broader), "back again is the same, the other way"


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [
        ({"StringLike": {"k": "repo:acme/*"}}, {"StringEquals": {"k": "repo:acme/ml:ref:refs/heads/main"}}),
        ({"StringLikeIfExists": {"k": "a*"}}, {"StringEquals": {"k": "ab"}}),
        ({"StringEqualsIgnoreCase": {"k": ["A", "b"]}}, {"StringEquals": {"k": "a"}}),
        ({"ForAnyValue:StringLike": {"k": "a*"}}, {"ForAnyValue:StringEquals": {"k": "ab"}}),
        ({"ArnLike": {"k": "arn:aws:s3:::*"}}, {"ArnEquals": {"k": "arn:aws:s3:::x"}}),
    ],
)
def test_a_value_in_the_place_of_a_pattern_is_narrower_only(wide: dict[str, Any], narrow: dict[str, Any]) -> None:
    narrower, broader = (
        changes(allow(Condition=one), allow(Condition=two)) for one, two in ((wide, narrow), (narrow, wide))
    )
    assert (len(narrower.broader), len(narrower.narrower)) == (0, 1)
    assert (len(broader.broader), len(broader.narrower)) == (1, 0)


def test_a_value_that_the_pattern_does_not_take_is_no_narrower() -> None:
    other = changes(allow(Condition={"StringLike": {"k": "a*"}}), allow(Condition={"StringEquals": {"k": "b"}}))
    assert len(other.broader) == 1


def test_a_right_under_a_weaker_condition_and_one_no_longer_denied_say_so() -> None:
    assert changes(allow(Condition=ACCOUNT), allow()).broader == (f"s3:GetObject on {BUCKET}, under no condition",)
    assert compare(policy(deny()), policy()).broader == (f"no longer denied: s3:GetObject on {BUCKET}",)
    assert changes(allow(), allow("s3:PutObject", Principal="*")).broader == (f"s3:PutObject on {BUCKET} by AWS: *",)


def test_new_rights_of_equal_actions_are_told_together() -> None:
    found = compare(None, policy(allow(["s3:GetObject", "s3:PutObject"], ["arn:aws:s3:::a/*", "arn:aws:s3:::b/*"])))
    assert found.broader == ("s3:GetObject, s3:PutObject on arn:aws:s3:::a/*, arn:aws:s3:::b/*",)


@pytest.mark.parametrize("broken", ["{", "7", [], {"Statement": 3}, {"Statement": ["x"]}, '{"a": 1}', "[" * 100_000])
def test_what_is_no_policy_is_told_and_not_compared(broken: object) -> None:
    found = compare(policy(allow()), broken)
    assert not found.statements
    assert "after the change cannot be read" in found.unreadable[0]


@pytest.mark.parametrize("depth", [100, 900])
def test_a_value_of_absurd_depth_is_told_as_well(depth: int) -> None:
    deep = '{"Statement": {"Effect": "Allow", "Action": ' + "[" * depth + '"a:b"' + "]" * depth + "}}"
    assert compare(policy(allow()), deep)


def test_a_statement_of_very_many_rights_is_told_as_new_without_comparing_each() -> None:
    resources = [f"arn:aws:s3:::b{number}" for number in range(MOST_RIGHTS // 2)]
    found = changes(allow(), allow(["s3:a", "s3:b", "s3:c"], resources))
    assert found.broader == ("statement 1 names too many rights to compare them one by one: read it as new",)


def test_a_statement_is_told_in_the_order_of_the_grammar() -> None:
    told = statement_lines({"Resource": "*", "Sid": "X", "Action": ["b:c"], "Effect": "Allow", "Condition": ACCOUNT})
    assert told == [
        ("Effect", "Allow"),
        ("Action", "b:c"),
        ("Resource", "*"),
        ("Condition", "StringEquals aws:SourceAccount 111122223333"),
    ]


WORDS = st.sampled_from(["a:b", "a:c", "a:*", "a:?", "*", "d:b"])
PLACES = st.sampled_from(["x", "y", "x*", "*", "?"])
CONDITIONS = st.sampled_from(
    [{}, {"StringLike": {"k": "v*"}}, {"StringEquals": {"k": ["v", "w"]}}, {"StringNotEquals": {"k": "v"}}]
)
STATEMENTS = st.fixed_dictionaries(
    {"Effect": st.sampled_from(["Allow", "Deny"]), "Condition": CONDITIONS},
).flatmap(
    lambda start: st.tuples(
        st.sampled_from(["Action", "NotAction"]),
        st.lists(WORDS, min_size=1, max_size=2),
        st.sampled_from(["Resource", "NotResource"]),
        st.lists(PLACES, min_size=1, max_size=2),
    ).map(lambda rest: {**start, rest[0]: rest[1], rest[2]: rest[3]})
)
POLICIES = st.lists(STATEMENTS, max_size=3).map(lambda listed: policy(*listed))


@given(POLICIES, POLICIES)
def test_whatever_is_newly_allowed_is_told(before: dict[str, Any], after: dict[str, Any]) -> None:
    """Every request that the new policy allows and the old one does not shows as something broader."""
    told = compare(before, after).broader
    for action in ("a:b", "a:c", "d:b", "e:f"):
        for resource in ("x", "y", "xz", "zz"):
            for context in ({}, {"k": "v"}, {"k": "vv"}, {"k": "w"}):
                request = Request(action, resource, context)
                had, has = (decision(document["Statement"], request) == "allow" for document in (before, after))
                assert told or had or not has, request


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, allow()),
        (None, allow("s3:Get*", "arn:aws:s3:::${aws:username}/*")),
        (None, allow(Condition={"StringLike": {"k": "a?c*"}})),
        (None, allow(Condition={"NumericLessThan": {"k": "10"}})),
        (None, allow(Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}})),
        (None, allow(Condition={"StringEquals": {"k": "${aws:username}"}})),
        (None, {"Effect": "Allow", "NotAction": "iam:*", "NotResource": "arn:aws:s3:::secret"}),
        (allow(), allow(["s3:GetObject", "s3:PutObject"])),
        (allow(Condition=ACCOUNT), allow()),
        (allow(Condition={"StringNotEquals": {"k": "a"}}), allow()),
        (allow(Condition={"StringEqualsIfExists": {"k": "a"}}), allow()),
        (allow(Condition={"Null": {"k": "true"}}), allow()),
        (
            {"Effect": "Allow", "NotAction": ["iam:*", "kms:*"], "Resource": "*"},
            {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"},
        ),
        (deny(), None),
        (deny("s3:*"), deny()),
        (deny(), deny(Condition=ACCOUNT)),
        ({**allow("sts:AssumeRole"), "Principal": {"Service": "a"}}, {**allow("sts:AssumeRole"), "Principal": "*"}),
    ],
)
def test_a_request_proves_what_got_broader(before: object, after: object) -> None:
    (change,) = compare(*(policy(*[one] * bool(one)) for one in (before, after))).statements
    assert change.broader
    assert change.proved


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([allow("s3:*"), deny()], [allow("s3:*"), allow(), deny()]),
        ([allow("s3:Get*"), allow("s3:?*")], [allow("s3:*")]),
        ([], [allow(Condition={"StringResembles": {"k": "a"}})]),
        ([allow("s3:*"), deny("s3:*")], [deny("s3:*"), allow("kms:*"), deny("kms:*")]),
        ([{**allow("sts:*"), "Principal": "111122223333"}], [{**allow("sts:*"), "Principal": f"{ROLE}"}]),
    ],
)
def test_what_no_request_shows_is_not_proved(before: list[object], after: list[object]) -> None:
    assert not any(change.proved for change in compare(policy(*before), policy(*after)).statements)


def test_what_another_policy_of_the_same_holder_allows_is_not_new() -> None:
    other = policy(allow("s3:*", "*"))
    assert not compare(None, policy(allow()), had=[other], has=[other]).broader
    assert compare(None, policy(allow()), has=[other]).broader
    (moved,) = compare(policy(deny()), None, had=[other], has=[other, policy(deny("s3:*", "*"))]).statements
    assert not moved.broader
    (denied,) = compare(None, policy(allow()), has=[policy(deny())]).statements
    assert (bool(denied.broader), denied.proved) == (True, False)


def test_beside_a_policy_that_is_not_known_nothing_is_proved() -> None:
    (change,) = compare(None, policy(allow()), had=[None], has=[None]).statements
    assert (bool(change.broader), change.proved) == (True, False)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
ODD = st.dictionaries(st.sampled_from(["Effect", "Action", "NotAction", "Principal", "Resource", "Condition"]), JSON)


@given(st.lists(ODD, max_size=3), st.lists(ODD, max_size=3) | JSON)
def test_no_document_makes_it_fail(before: object, after: object) -> None:
    compare({"Statement": before}, {"Statement": after})
    compare(after, json.dumps(before))
