"""The emulator's evaluator of policies and the program's say the same, and both what AWS says."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from awsmodel.iam import evaluation
from sandbox.emulator.core import policies

EXAMPLES = yaml.safe_load((Path(__file__).parent / "policy_examples.yaml").read_text())
SAID = {policies.Verdict.ALLOWED: "allow", policies.Verdict.DENIED: "deny", policies.Verdict.SILENT: "none"}


def emulators(document: Mapping[str, Any], call: policies.Call) -> str:
    return SAID[policies.verdict([json.dumps(document)], call)]


def programs(document: Mapping[str, Any], call: policies.Call) -> str:
    request = evaluation.Request(call.action, call.resource, call.keys, call.principal)
    return evaluation.decision(evaluation.statements(document), request)


@pytest.mark.parametrize("evaluator", [emulators, programs])
@pytest.mark.parametrize("example", EXAMPLES, ids=[one["rule"] for one in EXAMPLES])
def test_documented_examples(example: Mapping[str, Any], evaluator: Any) -> None:
    document = {"Version": example.get("version", "2012-10-17"), "Statement": example["policy"]}
    for action, resource, keys, expected, *principal in example["calls"]:
        call = policies.Call(action, resource, keys, *principal)
        assert evaluator(document, call) == expected, call


@pytest.mark.parametrize(
    "operator", ["StringAlike", "BoolNot", "NotBool", "NumericLike", "DateNotLessThan", "For:Bool"]
)
def test_an_operator_that_iam_does_not_document_is_an_error_for_both(operator: str) -> None:
    statement = {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {operator: {"k": "1"}}}
    document = {"Version": "2012-10-17", "Statement": statement}
    for evaluator, error in ((emulators, policies.PolicyError), (programs, evaluation.UnknownElementError)):
        with pytest.raises(error):
            evaluator(document, policies.Call("s3:GetObject", keys={"k": "1"}))


# Few words, so that a policy and a call often speak of the same.
ACTIONS = ["s3:GetObject", "S3:getobject", "s3:GetBucketTagging", "iam:PassRole", "sts:AssumeRole"]
RESOURCES = ["arn:aws:s3:::b", "arn:aws:s3:::b/a", "arn:aws:s3:::b/a:b/a", "arn:aws:iam::111122223333:role/a", "*"]
SIGNS = ["a", "*", "?", "$", ":", "a:a", "/"]
VALUES = ["a", "A", "ab", "a/b", "*", "a*", "1", "2.5", "true", "False", "10.0.0.1", "2026-01-01", ""]
PRINCIPALS = [
    *("arn:aws:iam::111122223333:role/a", "arn:aws:iam::111122223333:root", "arn:aws:iam::444455556666:user/a"),
    *("codebuild.amazonaws.com", "sns.amazonaws.com"),
]
SINGLE = ["aws:username", "aws:PrincipalTag/team", "aws:SourceArn", "aws:CurrentTime"]
SEVERAL = ["aws:TagKeys", "x:Names"]

VARIABLES = [*(f"${{{key}}}" for key in SINGLE), "${AWS:UserName}", "${aws:username, 'a'}", "${*}", "${?}", "${$}"]
"""Variables of keys with one value."""

actions = st.sampled_from([*ACTIONS, "*", "s3:*", "s3:Get*", "*:*Role", "s3:Get?bject", "iam:passrole"])
words = st.lists(st.sampled_from([*SIGNS, *VARIABLES]), min_size=1, max_size=3).map("".join)
resources = st.one_of(
    st.sampled_from([*RESOURCES, "arn:aws:s3:::*", "arn:*:s3:::b", "arn:aws:*/a", "arn:aws:iam::*:role/*"]),
    words.map("arn:aws:s3:::b/{}".format),
)
wanted = st.one_of(st.sampled_from([*VALUES, *RESOURCES, "10.0.0.0/8", "2026", "2025-12", True, 1]), words)


def some(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """One value, or a list."""
    return st.one_of(values, st.lists(values, min_size=1, max_size=3))


def either(element: str, values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """An element or its negation; often it means everything, so that what else the statement says decides."""
    named = st.builds(lambda negation, value: {negation + element: value}, st.sampled_from(["", "Not"]), some(values))
    return st.one_of(st.just({element: "*"}), named)


OPERATORS = [
    *("StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase"),
    *("StringLike", "StringNotLike", "ArnEquals", "ArnNotEquals", "ArnLike", "ArnNotLike"),
    *(
        f"{kind}{name}"
        for kind in ("Numeric", "Date")
        for name in ("Equals", "NotEquals", "LessThan", "LessThanEquals")
    ),
    *(f"{kind}{name}" for kind in ("Numeric", "Date") for name in ("GreaterThan", "GreaterThanEquals")),
    *("Bool", "BinaryEquals", "IpAddress", "NotIpAddress"),
]
exists = st.sampled_from(["", "", "IfExists"])
simple = st.builds("{}{}".format, st.sampled_from(OPERATORS), exists)
of_sets = st.builds("{}:{}".format, st.sampled_from(["ForAllValues", "ForAnyValue"]), simple)
null = st.dictionaries(st.sampled_from([*SINGLE, *SEVERAL]), st.sampled_from(["true", "false", True]), min_size=1)
conditions = st.one_of(
    st.just({}),
    st.dictionaries(
        simple, st.dictionaries(st.sampled_from([*SINGLE, "AWS:Username"]), some(wanted), min_size=1), max_size=2
    ),
    st.dictionaries(of_sets, st.dictionaries(st.sampled_from(SEVERAL), some(wanted), min_size=1), max_size=1),
    null.map(lambda keys: {"Null": keys}),
)
accounts = st.sampled_from([*PRINCIPALS[:3], "111122223333", "*"])
services = st.sampled_from(PRINCIPALS[3:])
who = st.one_of(
    st.just({}),
    st.just({"Principal": "*"}),
    st.builds(
        lambda kind, names: {kind: {"AWS": names}}, st.sampled_from(["Principal", "NotPrincipal"]), some(accounts)
    ),
    st.builds(lambda names: {"Principal": {"Service": names}}, some(services)),
)
anything = st.just({"Action": "*", "Resource": "*"})
condition = st.builds(lambda condition: {"Condition": condition}, conditions)
PARTS = {
    "actions": [either("Action", actions), st.just({"Resource": "*"})],
    "resources": [st.just({"Action": "*"}), either("Resource", resources)],
    "conditions": [anything, condition],
    "principals": [anything, who],
    "all": [either("Action", actions), either("Resource", resources), condition, who],
}
"""By what a statement's decision hangs on: its parts."""


def documents(parts: Sequence[st.SearchStrategy[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    statements = st.builds(
        lambda effect, *found: {"Effect": effect} | {key: value for part in found for key, value in part.items()},
        st.sampled_from(["Allow", "Allow", "Deny"]),
        *parts,
    )
    return st.builds(
        lambda version, found: {"Version": version, "Statement": found},
        st.sampled_from(["2012-10-17", "2012-10-17", "2012-10-17", "2008-10-17"]),
        st.one_of(statements, st.lists(statements, min_size=1, max_size=3)),
    )


calls = st.builds(
    policies.Call,
    st.sampled_from(ACTIONS),
    st.one_of(st.sampled_from(RESOURCES), st.sampled_from(SIGNS).map("arn:aws:s3:::b/{}".format)),
    st.fixed_dictionaries(
        {},
        optional={
            **{key: st.one_of(st.sampled_from(SIGNS), st.sampled_from([*VALUES, *RESOURCES[1:4]])) for key in SINGLE},
            **{key: st.lists(st.sampled_from(["a", "ab", "*", ""]), max_size=2) for key in SEVERAL},
        },
    ),
    st.sampled_from(PRINCIPALS),
)


@pytest.mark.parametrize("about", PARTS)
def test_both_say_the_same_of_every_policy_and_call(about: str) -> None:
    @settings(max_examples=250)
    @given(documents(PARTS[about]), calls)
    def compare(document: Mapping[str, Any], call: policies.Call) -> None:
        said.append(emulators(document, call))
        assert programs(document, call) == said[-1]

    said: list[str] = []
    compare()
    # A property that every policy meets alike would hold for any two evaluators.
    assert min(said.count(verdict) for verdict in SAID.values()) > 15, {one: said.count(one) for one in SAID.values()}
