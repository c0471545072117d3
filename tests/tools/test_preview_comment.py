"""The comment shows what matters first, within its limit, whatever the engine printed."""

import json
import random
import re
import time
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tools.previews import made
from tests.tools.previews.record import CASES, FOLDER, HOSTILE, PASSWORD
from tools.preview_comment.comment import CODECOMMIT, GITHUB, LEAST_LIMIT, Context, Style, header, render, worth_telling
from tools.preview_comment.dangers import HARMLESS
from tools.preview_comment.engine_output import read
from tools.preview_comment.findings import VERSION_TYPE
from tools.preview_comment.markdown import code
from tools.preview_comment.previews import Preview
from tools.preview_comment.verdict import Rules, stops

SMALL = Style(limit=LEAST_LIMIT, collapses=False)
STYLES = (GITHUB, CODECOMMIT, SMALL)


def recorded(*names: str, suffix: str = ".json") -> list[Preview]:
    return [read((FOLDER / f"{name}{suffix}").read_text(encoding="utf-8"), name) for name in names]


def comment(*previews: Preview, style: Style = GITHUB, **context: Any) -> str:
    (text,) = render(previews, style, Context(**context))
    return text


def told(*names: str, **context: Any) -> str:
    return comment(*recorded(*names), **context)


def before(text: str, mark: str) -> str:
    assert mark in text
    return text.partition(mark)[0]


@pytest.mark.parametrize("name", sorted(CASES))
def test_both_shapes_give_the_same_comment(name: str) -> None:
    """The stream tells more: of drift, and whether the engine finished."""
    digest, events = (comment(*recorded(name, suffix=suffix)) for suffix in (".json", ".jsonl"))
    if name != "drift":  # the digest does not tell it
        events = re.sub(r"- \*\*stops the merge:\*\* .*the engine says that the preview failed\n", "", events)
        assert digest == events


def test_the_first_line_is_hidden_and_says_whose_comment_it_is() -> None:
    first, _, rest = told("update", "no-change", name="platform").partition("\n")
    assert first.startswith(header("platform", 1))
    assert first.endswith("-->")
    assert '"stacks":["no-change","update"]' in first
    assert "<!--" not in rest


def test_counts_of_each_stack_stand_above_everything_that_collapses() -> None:
    text = told("replace", "update", "no-change")
    top = before(text, "<details>")
    assert "- ⚠️ `replace`: **2 to replace**, 1 unchanged" in top
    assert "- ✏️ `update`: 1 to update, 1 unchanged" in top
    assert "- ✅ `no-change`: no changes, 2 unchanged" in top
    assert "2 resources would be deleted or replaced" in top.splitlines()[2]


def test_deletions_and_replacements_come_first_with_their_cause_and_what_they_hold() -> None:
    top = before(told("replace", "delete"), "<details>")
    assert (
        "- `replace` **replace** `aws:s3/bucket:Bucket` `store`: because `bucket` changes (needs approval, holds data)"
        in top
    )
    assert "> - `replace` **replace** `aws:sns/topic:Topic` `alarms`: because `name` changes\n" in top
    assert "`delete` **delete** `aws:s3/bucket:Bucket` `store`: not in the program any more (needs approval" in top
    lines = [line for line in top.splitlines() if line.startswith("> - ")]
    assert ["Bucket" in line for line in lines] == [True, True, False, False], "what holds data stands first"


def test_what_is_protected_or_stays_in_aws_says_so() -> None:
    assert "protected, so Pulumi refuses" in told("protected")
    assert "protected, so Pulumi refuses" in told("protected-replace")
    kept = told("retained")
    assert "stays in AWS" in kept
    assert "1 of them only forgotten" in kept
    assert "needs approval" not in kept


def test_an_operation_that_is_not_known_is_taken_for_a_destruction() -> None:
    preview = read(made.digest(made.step("frobnicate", "x"), made.step("", "y")), "dev")
    text = comment(preview)
    assert "2 resources would be deleted or replaced" in text
    assert "- `dev` **`frobnicate`** `aws:sns/topic:Topic` `x`: this operation is not known here" in text
    assert len(stops([preview], Rules())) == 1, "and needs approval, whatever the type"


def test_broader_access_stands_before_other_access_with_what_is_new() -> None:
    text = told("policies")
    top = before(text, "<details>")
    assert "### Access: 3 changes, of which 3 allow more" in top
    assert "`store-policy` `policy` **gets broader**" in top
    assert "- allows more: `s3:PutObject on arn:aws:s3:::samples/* by AWS: 123456789012`" in top
    assert "- allows more: `sts:AssumeRole by Service: codebuild.amazonaws.com`" in top
    assert "-   Action: s3:ListBucket\n+   Action: s3:PutObject" in top
    assert "Access" in top.partition("### ")[2].splitlines()[0], "it is the first of what is not destroyed"
    assert "is told under Access" in text.partition("<details>")[2], "a document is not shown twice"


@pytest.mark.parametrize(
    ("type_", "old", "new", "note"),
    [
        ("aws:iam/role:Role", {"permissionsBoundary": "arn:b"}, {}, 'the permissions boundary becomes "none"'),
        ("aws:iam/role:Role", {"managedPolicyArns": []}, {"managedPolicyArns": ["arn:admin"]}, 'lets in ["arn:admin"]'),
        (
            "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
            {"blockPublicAcls": True},
            {"blockPublicAcls": False},
            "blockPublicAcls is no longer on",
        ),
        (
            "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
            {"policyArn": "arn:a", "role": "r"},
            {"policyArn": "arn:admin", "role": "r"},
            'lets in policyArn "arn:admin", role "r"',
        ),
        ("aws:kms/key:Key", {"policy": made.policy("kms:Get")}, {"policy": "[secret]"}, "the policy is a secret"),
        (
            "aws:kms/key:Key",
            {"policy": made.policy("kms:Get")},
            {"policy": "04da6b54-80e4-46f7-96ec-b56ff0331ba9"},
            "known only after the deployment",
        ),
        ("aws:x/y:Z", {"policy": made.policy("a:b")}, {"policy": '{"Statement": 7}'}, "cannot be read"),
        (
            "aws:iam/role:Role",
            {"inlinePolicies": [{"policy": made.policy("a:b")}]},
            {"inlinePolicies": [{"policy": made.policy("a:b", "a:c")}]},
            "a:c on arn:aws:s3:::samples/*",
        ),
    ],
)
def test_access_that_no_statement_tells_is_told(type_: str, old: object, new: object, note: str) -> None:
    found = {**made.step("update", "x", type_), "oldState": {"inputs": old}, "newState": {"inputs": new}}
    text = comment(read(made.digest(found), "dev"))
    assert "Access: 1 change, of which 1 allows more" in text
    assert note in text


def test_a_deleted_denial_allows_more() -> None:
    denial = json.dumps({"Statement": {"Effect": "Deny", "Action": "s3:*", "Resource": "*", "Principal": "*"}})
    found = {**made.step("delete", "x", "aws:s3/bucketPolicy:BucketPolicy"), "oldState": {"inputs": {"policy": denial}}}
    assert "no longer denied: s3:* on * by AWS: *" in comment(read(made.digest(found), "dev"))


def test_versions_of_products_are_told_once_for_all_regions() -> None:
    assert (
        "- `versions` `model-build-train`: `1.2.0-abc12345.e0e0e0e0` → `1.2.0-def56789.e0e0e0e0` in `eu-west-1`: "
        "`Changed: template.yaml. Commit c0ffee1.`"
    ) in told("versions")
    kind = "pulumi-python:dynamic/servicecatalog:ProductVersion"
    steps = [
        {
            **made.step("update", f"catalog-{region}-model-deploy-version", kind),
            "oldState": {"inputs": {"version": "1", "region": region}},
            "newState": {"inputs": {"version": "2", "region": region}},
        }
        for region in ("us-east-2", "eu-west-1")
    ]
    assert "- `dev` `model-deploy`: `1` → `2` in `eu-west-1`, `us-east-2`" in comment(read(made.digest(*steps), "dev"))


def test_a_version_of_the_same_content_is_told_apart() -> None:
    step = {
        **made.step("update", "catalog-eu-west-1-model-deploy-version", VERSION_TYPE),
        "oldState": {"inputs": {"version": "1.0.0-c1c1c1c1.e1e1e1e1", "region": "eu-west-1"}},
        "newState": {"inputs": {"version": "1.0.0-c1c1c1c1.e2e2e2e2", "region": "eu-west-1"}},
    }
    assert "in `eu-west-1`, the same content in another environment" in comment(read(made.digest(step), "dev"))


def test_drift_and_unknown_events_are_told() -> None:
    drift = comment(*recorded("drift", suffix=".jsonl"))
    assert "2 resources changed in AWS, not by Pulumi" in drift.splitlines()[2]
    assert "`gone`: it is not there any more" in drift
    assert "`alarms`: `displayName` changed" in drift
    text = comment(read(made.events({"quantumEvent": {"x": 1}}, {"resourcePreEvent": {"metadata": {}}}), "dev"))
    assert '"quantumEvent": {"x": 1}' in text


def test_errors_are_shown_and_the_engine_s_last_word_only_where_it_is_the_only_one() -> None:
    text = told("protected")
    assert "### Errors" in text
    assert "cannot be deleted" in text
    assert "preview failed\n" not in text
    assert "preview failed\n" in comment(
        read(made.digest(diagnostics=[{"severity": "error", "message": "preview failed"}]))
    )


def test_secrets_do_not_show_in_any_shape() -> None:
    for suffix in (".json", ".jsonl"):
        assert PASSWORD in (FOLDER / f"secrets{suffix}").read_text(), "the recording must hold the secret to prove this"
        text = comment(*recorded("secrets", suffix=suffix))
        assert PASSWORD not in text
        assert "+   displayName: [secret]" in text
        assert "1b47061264138c4ac30d75fd1eb44270" not in text


@pytest.mark.parametrize(
    "inputs",
    [
        {"masterPassword": "hunter2hunter2"},
        {"settings": {"api_token": ["hunter2hunter2"]}},
        {"text": "postgres://admin:hunter2hunter2@db"},
        {"text": "x aws_secret_access_key=hunter2hunter2"},
        {"v": {"4dabf18193072939515e22adb298388d": "a new kind", "value": "hunter2hunter2"}},
        {"text": "-----BEGIN RSA PRIVATE KEY-----\nhunter2hunter2\n-----END RSA PRIVATE KEY-----"},
    ],
)
def test_what_looks_like_a_secret_is_not_shown_though_nobody_marked_it(inputs: dict[str, Any]) -> None:
    created = {**made.step("create", "x"), "newState": {"inputs": inputs}}
    (key,) = inputs
    changed = {**made.step("update", "y"), "oldState": {"inputs": {key: "old"}}, "newState": {"inputs": inputs}}
    detailed = {**changed, "urn": made.urn("z"), "detailedDiff": {key: {"kind": "update"}}}
    text = comment(read(made.digest(created, changed, detailed), "dev"))
    assert "hunter2" not in text
    assert key in text


def test_credentials_in_messages_are_not_shown() -> None:
    message = "denied for AKIAABCDEFGHIJKLMNOP with ghp_abcdefghijklmnopqrstuvwxyz0123456789"
    text = comment(read(made.digest(diagnostics=[{"severity": "error", "message": message}]), "dev"))
    assert "AKIA" not in text
    assert "ghp_" not in text
    assert "denied for" in text


def test_hostile_text_stays_text() -> None:
    text = comment(*recorded("hostile", "error-before-steps"))
    outside = _outside_of_code(text)
    for mark in ("<script", "@everyone", "http://evil", "# not a heading", "<!-- -->"):
        assert mark in text, "the recording must hold what this proves harmless"
        assert mark not in outside
    assert outside.count("<details>") == outside.count("</details>")
    assert "\u202e" not in text
    assert "\\u202e" in text
    assert HOSTILE.splitlines()[2] not in text.splitlines(), "the name's last line is no line of the comment"


def _outside_of_code(text: str) -> str:
    """What Markdown would interpret: without fenced blocks and code spans, as CommonMark ends them."""
    kept, fence = [], ""
    for line in text.splitlines():
        mark = re.match(r"`{3,}", line)
        if fence:
            fence = "" if line.strip() == fence else fence
        elif mark and "`" not in line[mark.end() :]:
            fence = mark.group()
        else:
            kept.append(re.sub(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", "", line))
    assert not fence, "a block is left open"
    return "\n".join(kept[1:])


def test_a_commit_and_a_link_stand_below_and_a_link_that_is_none_does_not() -> None:
    text = told("update", commit="abc123", run_url="https://example.com/runs/1")
    assert text.endswith(
        "Commit `abc123` · [the whole output](https://example.com/runs/1) · mlops-preview:v1 · not included: costs\n"
    )
    for bad in ("javascript:alert(1)", "https://x/) [y](z", "https://", "http://[", "https://x/\n"):
        assert "the whole output" not in told("update", run_url=bad)


def test_nothing_is_worth_telling_where_nothing_changes() -> None:
    assert not worth_telling(recorded("no-change"))
    assert "nothing changes" in told("no-change")
    assert all(worth_telling(recorded(name)) for name in CASES if name != "no-change")
    assert worth_telling([read("")])


def test_a_large_preview_keeps_the_list_of_what_is_destroyed_and_says_what_is_left_out() -> None:
    preview = read(made.large(400), "dev")
    text = comment(preview, run_url="https://example.com/1")
    assert text.count("**replace** `aws:sns/topic:Topic`") == 100
    assert "because `name` changes" in text
    left = re.search(r"Left out, .*: (?:(\d+) access changes, )?(\d+) changed resources\. Everything", text)
    assert left
    assert text.count("```diff") == (100 - int(left[1] or 0)) + (400 - int(left[2]))
    shown = [
        line.split()[1] for line in text.partition("<details>")[2].splitlines() if re.match(r"[-+!] \w+ aws:", line)
    ]
    assert shown == sorted(shown, key=["replace", "update", "create"].index), "the least dangerous is left out first"


def test_what_is_destroyed_may_take_several_comments_and_each_is_complete() -> None:
    names = [f"a-resource-with-a-long-name-{number}" for number in range(500)]
    preview = read(made.digest(*(made.step("delete", name) for name in names)), "dev")
    bodies = render([preview], CODECOMMIT)
    assert 3 <= len(bodies) <= 12
    assert [body.startswith(header("preview", part)) for part, body in enumerate(bodies, 1)] == [True] * len(bodies)
    assert all(f"(part {part} of {len(bodies)})" in body for part, body in enumerate(bodies, 1))
    listed = re.findall(r"^- `dev` \*\*delete\*\* `aws:sns/topic:Topic` `(.*?)`$", "\n".join(bodies), re.MULTILINE)
    assert sorted(listed) == sorted(names)


def test_reasons_give_way_before_another_comment_is_begun() -> None:
    steps = [made.step("replace", f"name-{number}", replaceReasons=["property" * 8]) for number in range(100)]
    (body,) = render([read(made.digest(*steps), "dev")], CODECOMMIT)
    assert body.count("**replace**") == 100
    assert "because" not in body
    (body,) = render([read(made.digest(*steps), "dev")], GITHUB)
    assert body.count("because `property") == 100


def test_two_long_names_that_differ_in_the_middle_stay_apart() -> None:
    one, other = (code("a" * 200 + middle + "b" * 200) for middle in "xy")
    assert one != other
    assert len(one) < 200


def test_a_limit_that_holds_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 4096"):
        render([], Style(limit=100, collapses=False))


def test_the_order_of_the_engine_makes_no_difference() -> None:
    found = json.loads((FOLDER / "hostile.json").read_text())
    found["steps"] += json.loads((FOLDER / "policies.json").read_text())["steps"]
    expected = comment(read(json.dumps(found), "dev"), read(made.digest(made.step("delete", "x")), "prod"))
    for seed in range(5):
        random.Random(seed).shuffle(found["steps"])  # noqa: S311 - an order, not a secret
        previews = [read(json.dumps(found), "dev"), read(made.digest(made.step("delete", "x")), "prod")]
        assert comment(*(previews if seed % 2 else previews[::-1])) == expected


@pytest.mark.parametrize(
    ("case", "rules", "reasons"),
    [
        ("update", Rules(), 0),
        ("no-change", Rules(), 0),
        ("retained", Rules(), 0),
        ("replace", Rules(), 1),
        ("replace", Rules(approved=True), 0),
        ("replace", Rules(guard=()), 0),
        ("replace", Rules(guard=("aws:sns/*",)), 1),
        ("protected", Rules(approved=True), 1),
        ("error-before-steps", Rules(approved=True), 1),
    ],
)
def test_a_failed_preview_and_an_unapproved_destruction_stop_the_merge(case: str, rules: Rules, reasons: int) -> None:
    previews = recorded(case)
    found = stops(previews, rules)
    assert len(found) == reasons
    assert all(f"stops the merge:** {reason}" in comment(*previews, rules=rules) for reason in found)


def holds(bodies: tuple[str, ...], style: Style) -> None:
    """What is true of every comment."""
    for part, body in enumerate(bodies, 1):
        assert len(body.encode("utf-8")) <= style.limit
        assert body.startswith(header("preview", part))
        _outside_of_code(body)


@settings(max_examples=60, deadline=None)
@given(st.lists(made.texts(), max_size=3), st.sampled_from(STYLES))
def test_no_output_of_an_engine_makes_it_fail(outputs: list[str], style: Style) -> None:
    previews = [read(text, name) for name, text in zip(["dev", "prod", "`\n<!--"], outputs, strict=False)]
    holds(render(previews, style), style)
    holds(render(previews[::-1], style), style)
    stops(previews, Rules())


@settings(max_examples=60, deadline=None)
@given(st.lists(made.STEPS, max_size=30), st.integers(1, 30), st.sampled_from(STYLES), st.booleans())
def test_a_destructive_step_is_never_missing(
    found: list[dict[str, Any]], times: int, style: Style, streamed: bool
) -> None:
    """Each has its line, with its name, in one of the comments; no half of a replacement stands for two."""
    steps = [{**each, "urn": f"{each['urn']}{turn}"} for turn in range(times) for each in found]
    preview = read(made.many(steps) if streamed else made.digest(*steps), "dev")
    bodies = render([preview], style)
    holds(bodies, style)
    lines = [line.removeprefix("> ") for body in bodies for line in body.splitlines()]
    lines = [line for line in lines if line.startswith("- `dev` **")]
    replaced = {each["urn"] for each in steps if each["op"] == "replace"}
    halves = ("create-replacement", "delete-replaced", "discard-replaced", "import-replacement", "read-replacement")
    for each in steps:
        if each["op"] in HARMLESS or (each["op"] in halves and each["urn"] in replaced):
            continue
        name = code(each["urn"].split("::", 3)[-1])
        assert any(line.endswith(name) or f" {name}: " in line for line in lines), (each["op"], name)


@settings(max_examples=30, deadline=None)
@given(st.lists(made.STEPS, max_size=10), st.randoms(use_true_random=False))
def test_equal_previews_give_equal_text(found: list[dict[str, Any]], order: random.Random) -> None:
    shuffled = list(found)
    order.shuffle(shuffled)
    assert render([read(made.digest(*found), "dev")]) == render([read(made.digest(*shuffled), "dev")])


@given(made.TEXT)
def test_a_code_span_holds_whatever_is_put_into_it(text: str) -> None:
    span = code(text)
    assert "\n" not in span
    fence = re.match("`+", span)
    assert fence
    runs = [len(run) for run in re.findall("`+", span)]
    assert runs[0] == runs[-1] == len(fence.group())
    assert all(run != runs[0] for run in runs[1:-1])
    span.encode("utf-8")


@pytest.mark.parametrize("depth", [50, 500, 900])
def test_a_value_of_absurd_depth_does_not_hide_the_rest(depth: int) -> None:
    inputs = json.loads('{"policy":' + '{"Statement":[' * (depth // 2) + "]}" * (depth // 2) + "}")
    deep = {**made.step("update", "deep"), "oldState": {"inputs": inputs}, "newState": {"inputs": {"policy": inputs}}}
    text = comment(read(made.digest(deep, made.step("delete", "x")), "dev"))
    assert "**delete** `aws:sns/topic:Topic` `x`" in text
    assert "deep" in text


def test_values_and_messages_of_many_megabytes_are_not_waited_for() -> None:
    huge = "ä`" * 2_000_000
    found = {**made.step("update", "x"), "oldState": {"inputs": {"a": "1"}}, "newState": {"inputs": {"a": huge}}}
    text = made.digest(found, diagnostics=[{"severity": "error", "message": huge}])
    preview = read(text, "dev")
    started = time.process_time()
    body = comment(preview)
    assert time.process_time() - started < 1
    assert "+   a: " in body


def test_pages_are_filled_before_another_is_begun() -> None:
    steps = [made.step("delete", f"name-{number}") for number in range(2000)]
    bodies = render([read(made.digest(*steps), "dev")], CODECOMMIT)
    sizes = [len(body.encode()) for body in bodies]
    assert all(size > 0.8 * CODECOMMIT.limit for size in sizes[:-1]), sizes
    assert all(one != other for one, other in pairwise(bodies))
