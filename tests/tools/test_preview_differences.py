"""Of two values only what differs is shown, and a secret not even then."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tools.previews import made
from tools.preview_comment.differences import lines, places
from tools.preview_comment.values import NOTHING, redacted, safe


def told(old: object, new: object) -> list[str]:
    return [line for place in places("v", old, new) for line in lines(*place)]


LINES = [f"line {number}" for number in range(60)]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("a", "b", ['-   v: "a"', '+   v: "b"']),
        (NOTHING, "b", ['+   v: "b"']),
        ({"a": 1, "b": {"c": 2}}, {"a": 1, "b": {"c": 3}}, ["-   v.b.c: 2", "+   v.b.c: 3"]),
        ({"a": 1}, {"a": 1, "b": 2}, ["+   v.b: 2"]),
        (["a", "b", "c"], ["a", "c"], ['-   v[1]: "b"']),
        (
            [{"name": "x", "v": 1}, {"name": "y", "v": 2}],
            [{"name": "y", "v": 3}, {"name": "x", "v": 1}],
            ["-   v[y].v: 2", "+   v[y].v: 3"],
        ),
        ('{"a": [1, 2]}', '{"a": [1, 3]}', ["-   v (JSON) a[1]: 2", "+   v (JSON) a[1]: 3"]),
        ('{"a": 1}', '{"a":1}', ['-   v: "{\\"a\\": 1}"', '+   v: "{\\"a\\":1}"']),
        (
            "\n".join(LINES),
            "\n".join([*LINES[:30], "other", *LINES[31:]]),
            [
                "!   v: changes in these lines",
                "    @@ line 30 @@",
                "      line 29",
                "-     line 30",
                "+     other",
                "      line 31",
            ],
        ),
        (
            "x" * 200 + "old" + "y" * 200,
            "x" * 200 + "new!" + "y" * 200,
            [f'-   v: "…{"x" * 30}old{"y" * 30}…"', f'+   v: "…{"x" * 30}new!{"y" * 30}…"'],
        ),
        ({"password": "hunter1"}, {"password": "hunter2"}, ["!   v.password: changes, and what changes is not shown"]),
        ({"password": "hunter1"}, {}, ["-   v.password: [secret]"]),
        ({"password": True}, {"password": False}, ["-   v.password: true", "+   v.password: false"]),
        (["--token", "hunter1"], ["--token", "hunter2"], ["!   v[1]: changes, and what changes is not shown"]),
        (
            [{"name": "TOKEN", "value": "hunter1", "type": "PLAINTEXT"}],
            [{"name": "TOKEN", "value": "of/secret", "type": "SECRETS_MANAGER"}],
            [
                '-   v[TOKEN].type: "PLAINTEXT"',
                '+   v[TOKEN].type: "SECRETS_MANAGER"',
                "!   v[TOKEN].value: changes, and what changes is not shown",
            ],
        ),
    ],
)
def test_only_what_differs_is_shown(old: object, new: object, expected: list[str]) -> None:
    assert told(old, new) == expected


@pytest.mark.parametrize("value", made.hiding("hunter2"), ids=range(len(made.hiding("hunter2"))))
def test_a_difference_of_secrets_is_told_and_not_shown(value: object) -> None:
    text = "\n".join(told({"a": value}, {"a": "x"}) + told({"a": "x"}, {"a": value}))
    assert "hunter2" not in text
    assert text


@pytest.mark.parametrize(
    "text",
    [
        "arn:aws:secretsmanager:eu-west-1:1:secret:token-AbCdEf",
        "the secretArn: arn:x",
        "AccessKeyId of a role",
        "https://example.com:8443/path",
        "git@github.com:a/b",
        "kms:Decrypt on key/1234",
        "tokens expire in 5 days",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redacted(text) == text


@pytest.mark.parametrize(
    "secret",
    [
        "AKIAABCDEFGHIJKLMNOP",
        "ghp_" + "a1" * 18,
        "glpat-" + "a1" * 10,
        "xoxb-" + "1" * 12,
        "npm_" + "a" * 36,
        "sk-" + "a" * 32,
        "AIza" + "b" * 35,
        "hf_" + "c" * 34,
        "dckr_pat_" + "d" * 27,
        "eyJhbGciOiJI.eyJzdWIiOiIx.c2ln",
    ],
)
def test_tokens_are_known_by_their_form(secret: str) -> None:
    assert secret not in redacted(f"x {secret} y")
    assert secret[4:] not in safe(f"{'z' * 100}{' '}{secret} " + "z" * 900, 160), "redacted before it is cut"


@pytest.mark.parametrize("place", range(0, 200, 3))
def test_no_part_of_a_secret_shows_where_a_text_is_cut(place: int) -> None:
    told = safe("z" * place + " ghp_" + "a1" * 18 + " " + "z" * 300, 160)
    assert "a1a1" not in told


@given(made.JSON, made.JSON)
def test_whatever_differs_has_a_line_and_what_is_equal_has_none(old: object, new: object) -> None:
    found = told(old, new)
    assert all("\n" not in line for line in found)
    if repr(old) == repr(new):
        assert not [line for line in found if not line.startswith("!")] or old != old  # noqa: PLR0124 - not a number


@given(st.text(max_size=400), st.text(max_size=400))
def test_texts_that_differ_have_a_line(old: str, new: str) -> None:
    assert bool(told({"a": old}, {"a": new})) == (old != new)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("a\n" * 200_000, "b\n" * 200_000),
        ("a" * 2_000_000, "a" * 1_000_000 + "b" * 1_000_000),
        ("token=a " * 50_000, "token=b " * 50_000),
        ("x://a" * 50_000, "y://a" * 50_000),
        ("-" * 500_000, "--password" * 50_000),
        ([*range(20_000)], [*range(1, 20_001), 7]),
    ],
)
def test_large_values_are_not_waited_for(old: object, new: object) -> None:
    started = time.process_time()
    assert told(old, new)
    assert time.process_time() - started < 2
