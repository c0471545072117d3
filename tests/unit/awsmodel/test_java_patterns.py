"""Patterns of a template are judged as CloudFormation does, which has them from Java, or not at all."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from awsmodel.cloudformation.java_patterns import java_pattern, sample_of
from awsmodel.cloudformation.template import Template, TemplateError

JUDGED = {
    r"\p{Lower}+": ("dev", "Dev"),
    r"\P{Lower}+": ("DEV1", "Dev"),
    r"[\p{Alnum}-]+": ("a-B", "a_b"),
    r"[^\p{Upper}]*": ("abc", "aBc"),
    r"\p{L}+": ("é", "1"),
    r"\p{javaLowerCase}\p{IsUppercase}": ("aB", "AB"),
    r"\Qa.b\E+": ("a.bb", "axb"),
    r"[\w-.]+": ("a-.", "é"),
    r"\d{2}": ("12", "٣٤"),
    r"(?i)abc": ("ABC", "abd"),
    r"(?<name>a)b": ("ab", "b"),
    r"a++b": ("aab", "a"),
    r"\h*\x{41}": ("\tA", "B"),
    r"[a[]": (None, None),
    r"[a-z&&[^x]]": (None, None),
    r"[a-z[0-9]]": (None, None),
    r"\G.": (None, None),
    r"x(?i)y": (None, None),
    r"\p{InGreek}": (None, None),
    r"(": (None, None),
    r"[]-a]": ("]", "b"),
}


@pytest.mark.parametrize(("pattern", "values"), JUDGED.items(), ids=JUDGED)
def test_a_pattern_takes_and_refuses_as_java_does(pattern: str, values: tuple[str | None, str | None]) -> None:
    taken, refused = values
    judged = java_pattern(pattern)
    assert (judged is None) is (taken is None)
    if judged is not None and taken is not None and refused is not None:
        assert judged.fullmatch(taken)
        assert not judged.fullmatch(refused)


@example("0++")
@given(st.from_regex(r"[a-z0-9\\\[\](){}|*+?^$.&pL-]{0,12}", fullmatch=True))
def test_no_pattern_ends_in_an_error_and_a_sample_is_always_taken(pattern: str) -> None:
    judged, sample = java_pattern(pattern), sample_of(pattern)
    assert sample is None or (judged is not None and judged.fullmatch(sample))


@pytest.mark.parametrize(
    "pattern",
    [
        r"[^@]+@[^@]+",
        r"arn:aws[a-z-]*:codeconnections:[a-z0-9-]+:\d{12}:connection/[0-9a-f-]{36}",
        r"ml\.[a-z0-9]+\.(x?large|medium)",
        r"(?!xx)[A-Z]{3}",
        r"v[0-9]+(\.[0-9]+){2}",
        r"[^\W_]{4}",
        r"\p{Upper}\p{Digit}{2}",
    ],
)
def test_a_sample_comes_from_the_pattern(pattern: str) -> None:
    judged, sample = java_pattern(pattern), sample_of(pattern)
    assert judged is not None
    assert sample is not None
    assert judged.fullmatch(sample)


TEMPLATE = "Parameters: {{Env: {{Type: String, AllowedPattern: '{}'}}}}\nResources: {{T: {{Type: AWS::SNS::Topic}}}}\n"


def test_a_launch_is_judged_by_the_pattern_or_says_that_it_cannot_be() -> None:
    lower = Template.parse(TEMPLATE.format(r"\p{Lower}+"))
    assert lower.resolve_parameters({"Env": "dev"}) == {"Env": "dev"}
    with pytest.raises(TemplateError, match=re.escape(r"must match pattern \p{Lower}+")):
        lower.resolve_parameters({"Env": "Dev"})
    with pytest.raises(TemplateError, match=r"Parameter Env: not known: what pattern \[a-z&&\[\^x\]\] of Java takes"):
        Template.parse(TEMPLATE.format("[a-z&&[^x]]")).resolve_parameters({"Env": "a"})
