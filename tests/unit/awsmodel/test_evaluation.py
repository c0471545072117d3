"""Policies are evaluated as IAM documents it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from awsmodel.iam.evaluation import (
    Request,
    UnknownElementError,
    action_matches,
    allowed,
    decision,
    heeding,
    matches,
    missing,
    statements,
    untrusted,
)

ROLE = "arn:aws:iam::111122223333:role/sagemaker-x"


def allow(action: object, resource: object = "*", **more: object) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: object, resource: object = "*", **more: object) -> dict[str, Any]:
    return {**allow(action, resource, **more), "Effect": "Deny"}


def under(condition: dict[str, Any], **context: Any) -> str:
    keys = {key.replace("__", ":"): value for key, value in context.items()}
    return decision([allow("s3:GetObject", Condition=condition)], Request("s3:GetObject", "x", keys))


def test_a_deny_beats_an_allow_and_what_nothing_names_is_not_allowed() -> None:
    request = Request("s3:GetObject", "arn:aws:s3:::b/k")
    assert decision([allow("s3:*")], request) == "allow"
    assert decision([allow("s3:*"), deny("s3:Get*", "arn:aws:s3:::b/*")], request) == "deny"
    assert decision([allow("s3:*"), deny("s3:Get*", "arn:aws:s3:::c/*")], request) == "allow"
    assert decision([allow("kms:*")], request) == "none"


def test_only_the_star_and_the_question_mark_are_wildcards() -> None:
    assert matches("a[bc]*", "a[bc]d")
    assert not matches("a[bc]", "ab")
    assert matches("a?c", "abc")
    assert not matches("a.c", "abc")
    assert action_matches("S3:get*", "s3:GetObject")
    assert not matches("Role", "role"), "resources are compared with their case"


def test_negated_elements_name_everything_else() -> None:
    statement = {"Effect": "Allow", "NotAction": ["iam:*"], "NotResource": "arn:aws:s3:::secret/*"}
    assert decision([statement], Request("s3:GetObject", "arn:aws:s3:::b/k")) == "allow"
    assert decision([statement], Request("iam:GetRole", "arn:aws:s3:::b/k")) == "none"
    assert decision([statement], Request("s3:GetObject", "arn:aws:s3:::secret/k")) == "none"


@pytest.mark.parametrize(
    ("principal", "expected"),
    [
        ({"AWS": "111122223333"}, "allow"),
        ({"AWS": "arn:aws:iam::111122223333:root"}, "allow"),
        ({"AWS": ["arn:aws:iam::999999999999:root", ROLE]}, "allow"),
        ({"AWS": "arn:aws:iam::999999999999:root"}, "none"),
        ({"Service": "sns.amazonaws.com"}, "none"),
        ("*", "allow"),
    ],
)
def test_a_resources_policy_names_who(principal: object, expected: str) -> None:
    statement = {**allow("s3:GetObject"), "Principal": principal}
    assert decision([statement], Request("s3:GetObject", "x", {}, ROLE)) == expected


def test_a_denied_principal_can_be_all_but_some() -> None:
    statement = {**deny("s3:*"), "NotPrincipal": {"AWS": ROLE}}
    assert decision([allow("s3:*"), statement], Request("s3:GetObject", "x", {}, ROLE)) == "allow"
    assert decision([allow("s3:*"), statement], Request("s3:GetObject", "x", {}, f"{ROLE}-2")) == "deny"


@pytest.mark.parametrize(
    ("operator", "wanted", "actual", "expected"),
    [
        ("StringEquals", ["a", "b"], "b", "allow"),
        ("StringEquals", "a", "A", "none"),
        ("StringEqualsIgnoreCase", "a", "A", "allow"),
        ("StringNotEquals", "a", "b", "allow"),
        ("StringNotEquals", ["a", "b"], "b", "none"),
        ("StringLike", "a*", "abc", "allow"),
        ("StringNotLike", "a*", "abc", "none"),
        ("ArnLike", "arn:aws:s3:::a*", "arn:aws:s3:::abc", "allow"),
        ("ArnLike", "arn:*:b", "arn:aws:s3:::b", "none"),
        ("ArnEquals", "arn:aws:sns:*:1:t", "arn:aws:sns:eu-west-1:1:t", "allow"),
        ("ArnNotEquals", "arn:aws:sns:*:1:t", "arn:aws:sns:eu-west-1:1:t", "none"),
        ("NumericLessThan", "1.2", "1.1", "allow"),
        ("NumericGreaterThanEquals", 3, "3", "allow"),
        ("NumericEquals", "3", "x", "none"),
        ("DateGreaterThan", "2026-01-01T00:00:00Z", "2026-06-01T00:00:00Z", "allow"),
        ("DateLessThan", "1767225600", "2026-06-01T00:00:00Z", "none"),
        ("Bool", True, "true", "allow"),
        ("Bool", "true", "false", "none"),
        ("IpAddress", "10.0.0.0/8", "10.1.2.3", "allow"),
        ("NotIpAddress", "10.0.0.0/8", "10.1.2.3", "none"),
        ("BinaryEquals", "YQ==", "YQ==", "allow"),
    ],
)
def test_operators(operator: str, wanted: object, actual: str, expected: str) -> None:
    assert under({operator: {"k": wanted}}, k=actual) == expected


def test_a_missing_key_meets_negated_operators_if_exists_and_null_only() -> None:
    assert under({"StringEquals": {"k": "a"}}) == "none"
    assert under({"StringNotEquals": {"k": "a"}}) == "allow"
    assert under({"StringEqualsIfExists": {"k": "a"}}) == "allow"
    assert under({"StringEqualsIfExists": {"k": "a"}}, k="b") == "none"
    assert under({"Null": {"k": "true"}}) == "allow"
    assert under({"Null": {"k": "false"}}) == "none"
    assert under({"Null": {"k": "false"}}, k="b") == "allow"


def test_keys_with_several_values() -> None:
    every = {"ForAllValues:StringEquals": {"aws:TagKeys": ["a", "b"]}}
    some = {"ForAnyValue:StringEquals": {"aws:TagKeys": ["a"]}}
    assert under(every, aws__TagKeys=["a", "b"]) == "allow"
    assert under(every, aws__TagKeys=["a", "c"]) == "none"
    assert under(every) == "allow", "no value breaks the rule"
    assert under(some, aws__TagKeys=["a", "c"]) == "allow"
    assert under(some) == "none"


def test_all_keys_of_a_condition_must_hold_and_their_case_does_not_matter() -> None:
    condition = {"StringEquals": {"AWS:SourceAccount": "1"}, "Bool": {"aws:SecureTransport": "true"}}
    assert under(condition, aws__SourceAccount="1", aws__SecureTransport="true") == "allow"
    assert under(condition, aws__SourceAccount="1") == "none"


def test_policy_variables() -> None:
    policy = [allow("s3:GetObject", "arn:aws:s3:::b/${aws:PrincipalTag/team, 'none'}/*")]
    team = {"aws:PrincipalTag/team": "red"}
    assert decision(policy, Request("s3:GetObject", "arn:aws:s3:::b/red/k", team)) == "allow"
    assert decision(policy, Request("s3:GetObject", "arn:aws:s3:::b/blue/k", team)) == "none"
    assert decision(policy, Request("s3:GetObject", "arn:aws:s3:::b/none/k")) == "allow"
    strict = [allow("s3:GetObject", "arn:aws:s3:::b/${aws:username}/*")]
    assert decision(strict, Request("s3:GetObject", "arn:aws:s3:::b//k")) == "none"


def test_an_unknown_operator_is_an_error_and_not_a_guess() -> None:
    with pytest.raises(UnknownElementError, match="StringAlike"):
        under({"StringAlike": {"k": "a"}}, k="a")


def test_a_boundary_allows_only_what_both_allow() -> None:
    request = Request("s3:GetObject", "x")
    assert allowed([allow("s3:*")], request)
    assert not allowed([allow("s3:*")], request, boundary=[allow("kms:*")])
    assert not allowed([allow("kms:*")], request, boundary=[allow("s3:*")])


def test_a_document_may_have_one_statement_without_a_list() -> None:
    assert statements({"Statement": allow("s3:*")}) == [allow("s3:*")]


def test_what_is_missing_is_named_with_its_condition() -> None:
    passing = {"StringEquals": {"iam:PassedToService": ["codebuild.amazonaws.com", "lambda.amazonaws.com"]}}
    wanted = [
        allow(["s3:GetObject", "s3:PutObject"], "arn:aws:s3:::sagemaker-*"),
        allow("iam:PassRole", ROLE, Condition=passing),
    ]
    policy = [
        allow("s3:Get*", "arn:aws:s3:::*"),
        allow("iam:PassRole", ROLE, Condition={"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}),
    ]
    assert [str(request) for request in missing(wanted, policy)] == [
        "s3:PutObject on arn:aws:s3:::sagemaker-*",
        f"iam:PassRole on {ROLE} with iam:PassedToService=codebuild.amazonaws.com",
    ]
    assert missing(wanted, wanted) == []
    assert missing(wanted, [allow("*")]) == []


names = st.text("abc*?:/-", min_size=1, max_size=8)


@given(st.lists(st.tuples(names, names), max_size=4), st.tuples(names, names), names, names)
def test_more_statements_never_allow_less(
    pairs: list[tuple[str, str]], extra: tuple[str, str], action: str, resource: str
) -> None:
    policy = [allow(*pair) for pair in pairs]
    request = Request(action, resource)
    if decision(policy, request) == "allow":
        assert decision([*policy, allow(*extra)], request) == "allow"
    assert decision([*policy, deny("*")], request) == "deny"
    assert missing(policy, policy) == []
    assert missing(policy, [allow("*")]) == []


def test_a_trust_lets_those_in_whose_requests_meet_its_conditions() -> None:
    def trust(*services: str, **condition: Any) -> dict[str, Any]:
        return {
            "Effect": "Allow",
            "Principal": {"Service": list(services)},
            "Action": "sts:AssumeRole",
            "Condition": condition,
        }

    own = {"aws:SourceAccount": "111122223333"}
    wanted = [trust("a.amazonaws.com", "b.amazonaws.com", StringEquals=own)]
    assert untrusted(wanted, [trust("a.amazonaws.com"), trust("b.amazonaws.com", StringEquals=own)]) == []
    refused = untrusted(wanted, [trust("a.amazonaws.com", StringEquals={"sts:ExternalId": "x"})])
    assert [(one.principal, one.action, one.context) for one in refused] == [
        ("a.amazonaws.com", "sts:AssumeRole", own),
        ("b.amazonaws.com", "sts:AssumeRole", own),
    ]
    denial = {**trust("b.amazonaws.com"), "Effect": "Deny"}
    assert [one.principal for one in untrusted(wanted, [*wanted, denial])] == ["b.amazonaws.com"]


def test_what_denies_leave_is_granted_to_whoever_heeds_them() -> None:
    """A deny may refuse every request that does not say something; what is granted is then said with it."""
    subnets = {"sagemaker:VpcSubnets": ["subnet-1", "subnet-2"]}
    policy = [
        allow("sagemaker:*"),
        {**deny("sagemaker:CreateModel"), "Condition": {"Null": dict.fromkeys(subnets, "true")}},
        {**deny("sagemaker:*"), "Condition": {"ForAnyValue:StringNotEquals": subnets}},
        {**deny("sagemaker:CreateModel"), "Condition": {"ArnNotEquals": {"sagemaker:OutputKmsKey": "key"}}},
    ]
    bare = Request("sagemaker:CreateModel", "*")
    assert decision(policy, bare) == "deny"
    assert heeding(policy, bare).context == {"sagemaker:OutputKmsKey": "key", "sagemaker:VpcSubnets": ["subnet-1"]}
    assert decision(policy, heeding(policy, bare)) == "allow"
    said = Request("sagemaker:CreateModel", "*", {"sagemaker:VpcSubnets": ["subnet-9"]})
    assert decision(policy, heeding(policy, said)) == "deny", "what a request says stands"
    assert missing(policy, policy) == []
    assert missing([allow("sagemaker:CreateModel")], policy) == [bare], "that would run anywhere"
    assert heeding([allow("sagemaker:*"), deny("s3:*")], bare) == bare
