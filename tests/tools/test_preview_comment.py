"""The comment shows what matters first, within its limit, whatever the engine printed."""

import json
import random
import re
import time
from collections import Counter
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tools.previews import made
from tests.tools.previews.record import CASES, FOLDER, HOSTILE, PASSWORD
from tools.preview_comment.comment import (
    CODECOMMIT,
    GITHUB,
    LEAST_LIMIT,
    Context,
    Style,
    header,
    outdated,
    render,
    worth_telling,
)
from tools.preview_comment.dangers import HARMLESS
from tools.preview_comment.engine_output import read
from tools.preview_comment.findings import VERSION_TYPE
from tools.preview_comment.markdown import code
from tools.preview_comment.previews import Preview
from tools.preview_comment.verdict import Rules, stops

SMALL = Style(limit=LEAST_LIMIT, collapses=False)
LESS_IN_DIGEST = ("drift", "outputs", "renamed", "unprotected")
"""Cases of which the digest does not tell everything."""
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
    """The stream tells more: of drift, of what is the same but for its options, and whether the engine finished."""
    digest, events = (comment(*recorded(name, suffix=suffix)) for suffix in (".json", ".jsonl"))
    if name not in LESS_IN_DIGEST:
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
    arn = "arn:aws:sns:eu-west-1:123456789012:alarms"
    assert (
        "- `replace` **replace** `aws:s3/bucket:Bucket` `store` in AWS `samples`: because `bucket` changes "
        "(needs approval, holds data)\n" in top
    )
    assert f"> - `replace` **replace** `aws:sns/topic:Topic` `alarms` in AWS `{arn}`: because `name` changes\n" in top
    assert "`delete` **delete** `aws:s3/bucket:Bucket` `store` in AWS `samples` (needs approval" in top
    assert top.count("not in the program any more") == 1, "once for all of them"
    lines = [line for line in top.splitlines() if line.startswith("> - ")]
    assert ["Bucket" in line for line in lines] == [True, True, False, False], "what holds data stands first"


def test_what_is_protected_or_stays_in_aws_says_so() -> None:
    assert "protected, so Pulumi refuses" in told("protected")
    assert "protected, so Pulumi refuses" in told("protected-replace")
    kept = told("retained")
    assert "stays in AWS" in kept
    assert "1 of them only forgotten" in kept
    assert "needs approval" not in kept


def test_what_a_replacement_keeps_stays_in_aws_and_needs_no_approval() -> None:
    preview = recorded("kept-replace", suffix=".jsonl")
    text = comment(*preview)
    assert "`store` in AWS `samples`: because `bucket` changes (holds data, stays in AWS)" in text
    assert not stops(preview, Rules())
    asked = made.event(
        "replace", "x", "aws:s3/bucket:Bucket", old={"id": "x"}, new={"retainOnDelete": True}, keys=["bucket"]
    )
    assert stops([read(made.events(asked), "dev")], Rules()), "what is there is deleted as the state has it"


def test_a_safeguard_that_is_taken_away_is_told_above_everything_that_collapses() -> None:
    text = comment(*recorded("unprotected", suffix=".jsonl"))
    assert "2 safeguards taken away" in text.splitlines()[2]
    assert "- ⚠️ `unprotected`: no changes, 3 unchanged" in text
    assert "`store`: no longer protected, so that a later deployment may delete it" in text
    assert "`logs`: no longer kept in AWS when it leaves the program (retainOnDelete)" in text
    assert worth_telling(recorded("unprotected", suffix=".jsonl"))
    given = made.event("update", "x", old={}, new={"protect": True, "retainOnDelete": True})
    assert "afeguard" not in comment(read(made.events(given), "dev"))


def test_renamed_resources_are_told_and_are_none_that_go() -> None:
    text = comment(*recorded("renamed", suffix=".jsonl"))
    assert "- ⚠️ `renamed`: **1 to replace**, 2 unchanged" in text
    assert "`alerts`: renamed, it was alarms" in text
    assert "`archive`: renamed, it was store" in text
    assert "1 resource would be deleted or replaced" in text.splitlines()[2]


def test_outputs_of_the_stack_that_change_are_told() -> None:
    text = comment(*recorded("outputs", suffix=".jsonl"))
    assert "no resource changes, and 3 things beside" in text.splitlines()[2]
    for line in ('-   gone: "x"', '+   new: "y"', '-   topic: "alarms"', '+   topic: "alerts"'):
        assert f"\n{line}\n" in text


def test_another_provider_is_told_once_for_all_resources() -> None:
    def of(provider: str) -> dict[str, str]:
        return {"provider": f"urn:pulumi:dev::samples::pulumi:providers:aws::{provider}"}

    moved = [
        made.event("same", name, type_, old=of("default_7_1::1"), new=of("default_7_2::2"))
        for name, type_ in (("a", "x:y:Z"), ("b", "x:y:W"))
    ]
    anew = made.event("same", "c", old=of("other::1"), new=of("other::2"))
    text = comment(read(made.events(*moved, anew), "dev"))
    assert "- `dev` `a`, `b`: `now of the provider default_7_2, it was of default_7_1`" in text
    assert "- `dev` `c`: of the provider other, which is made anew" in text


def test_a_tainted_resource_says_why_it_is_replaced() -> None:
    found = made.event("replace", "x", old={"id": "1", "taint": True}, new={})
    assert "`x` in AWS `1`: because it is tainted" in comment(read(made.events(found), "dev"))


def test_a_difference_that_the_program_hides_is_not_shown() -> None:
    text = comment(*recorded("hidden", suffix=".jsonl"))
    assert "!   displayName: changes, and the program hides what (hideDiffs)" in text
    assert "All alarms" not in text
    assert "platform" in text
    inner = ["environment.variables[*].value", ["policy"]]
    given = {
        "environment": {"variables": [{"name": "a", "value": "hunter2"}], "size": "small"},
        "policy": made.policy("a:b"),
    }
    other = {"environment": {"variables": [{"name": "a", "value": "o"}], "size": "large"}, "policy": made.policy("a:c")}
    for old in (None, {"inputs": other}):
        state = {"inputs": given, "hideDiffs": inner}
        text = comment(read(made.events(made.event("update" if old else "create", "x", old=old, new=state)), "dev"))
        assert "hunter2" not in text
        assert "a:b" not in text
        assert "environment" in text
        assert "policy: changes, and the program hides what (hideDiffs)" in text
        assert ('"large"' in text) == bool(old)


def test_every_error_that_is_counted_is_shown() -> None:
    errors = [{"severity": "error", "message": message} for message in ("one", "two", "preview failed")]
    text = comment(read(made.digest(diagnostics=errors), "dev"))
    assert "the preview has 2 errors" in text
    assert text.partition("### Errors")[2].count("```text") == 2


def test_components_are_no_resources_that_are_lost() -> None:
    component = {"custom": False, "provider": ""}
    found = [
        made.event("delete", "group", "mlops:storage:Store", old=component),
        made.event("delete", "store", "aws:s3/bucket:Bucket", old={"id": "store-1"}),
        made.event("create", "new", "mlops:storage:Store", new=component),
    ]
    text = comment(read(made.events(*found), "dev"))
    assert "## Infrastructure preview: 1 resource would be deleted or replaced\n" in text
    assert "1 to create (1 component among them), **2 to delete** (1 component among them)" in text
    assert "and 1 component, nothing in AWS by themselves" in text
    lines = [line for line in text.splitlines() if line.startswith("> - ")]
    assert ["(a component)" in line for line in lines] == [False, True]
    assert "create `mlops:storage:Store` (components, nothing in AWS): `new`" in text
    only = read(made.events(found[0]), "dev")
    assert "⚠️" not in comment(only).splitlines()[4]


def test_the_same_change_in_several_regions_and_products_is_shown_once() -> None:
    products = [
        made.event("same", f"catalog-{region}-{product}", "mlops:catalog:Product", old={}, new={})
        for region in ("eu-west-1", "us-east-2")
        for product in ("model-build", "model-deploy")
    ]
    changed = [
        made.event(
            "update",
            f"{event['resourcePreEvent']['metadata']['urn'].rsplit('::')[-1]}-topic",
            old={"inputs": {"name": "old", "same": "x"}},
            new={"inputs": {"name": event["resourcePreEvent"]["metadata"]["urn"].rsplit("::")[-1], "same": "x"}},
        )
        for event in products
    ]
    other = made.event(
        "update", "catalog-eu-west-3-model-build-topic", old={"inputs": {"name": "a"}}, new={"inputs": {}}
    )
    text = comment(read(made.events(*products, *changed, other), "dev"))
    assert text.count("```diff") == 2
    assert '+   name: "catalog-eu-west-1-model-build"' in text
    assert (
        "(and the same of catalog-eu-west-1-model-deploy-topic, catalog-us-east-2-model-build-topic, "
        "catalog-us-east-2-model-deploy-topic)" in text
    )
    policies = [
        made.event(
            "update",
            f"roles-{region}",
            made.POLICY,
            old={"inputs": {"policy": made.policy("a:b")}},
            new={"inputs": {"policy": made.policy("a:b", "a:c")}},
        )
        for region in ("eu-west-1", "us-east-2")
    ]
    text = comment(read(made.events(*policies), "dev"))
    assert "Access: 2 changes, of which 2 allow more" in text
    assert "`roles-eu-west-1` `policy`, and the same of `roles-us-east-2` **gets broader**" in text


def test_what_is_created_and_changed_is_named_without_a_click_and_no_block_is_empty() -> None:
    names = [f"n{number}" for number in range(50)]
    found = [made.event("create", name, new={}) for name in names]
    text = comment(read(made.events(*found, made.event("update", "x", old={}, new={})), "dev"))
    top = before(text, "mlops-preview:v1 ·")
    assert "- `dev` create `aws:sns/topic:Topic`: `n0`, `n1`, " in top
    assert " and 10 more" in top
    assert "- `dev` update `aws:sns/topic:Topic`: `x`" in top
    assert "```" not in text, "there is nothing to show of them"


HOLDER = made.event("delete", "store", "aws:s3/bucket:Bucket", old={"id": "samples", "outputs": {"arn": "arn:samples"}})
DENIAL = json.dumps({"Statement": {"Effect": "Deny", "Action": "s3:*", "Resource": "*", "Principal": "*"}})


@pytest.mark.parametrize(
    ("type_", "inputs"),
    [
        ("aws:s3/bucketPolicy:BucketPolicy", {"bucket": "samples", "policy": DENIAL}),
        ("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", {"bucket": "samples", "blockPublicAcls": True}),
    ],
)
def test_a_policy_that_goes_with_what_it_is_about_lets_nobody_in(type_: str, inputs: dict[str, Any]) -> None:
    gone = made.event("delete", "policy", type_, old={"id": "samples", "inputs": inputs})
    assert "### Access" not in comment(read(made.events(HOLDER, gone), "dev"))
    assert "broader**" in comment(read(made.events(gone), "dev")), "what it was about stays"
    kept = json.loads(json.dumps(HOLDER))
    kept["resourcePreEvent"]["metadata"]["old"]["retainOnDelete"] = True
    assert "broader**" in comment(read(made.events(kept, gone), "dev")), "it stays in AWS"


def test_a_deleted_key_takes_its_own_policy_with_it() -> None:
    key = made.event("delete", "key", "aws:kms/key:Key", old={"id": "k", "inputs": {"policy": DENIAL}})
    assert "### Access" not in comment(read(made.events(key), "dev"))
    shared = made.event("delete", "p", "aws:iam/policy:Policy", old={"id": "p", "inputs": {"policy": DENIAL}})
    assert "broader**" in comment(read(made.events(shared), "dev")), "whoever had it stays"


@pytest.mark.parametrize("unknown", ["04da6b54-80e4-46f7-96ec-b56ff0331ba9", "[secret]"])
def test_what_is_not_known_of_a_policy_proves_nothing(unknown: str) -> None:
    def state(resource: str) -> dict[str, Any]:
        return {"inputs": {"policy": {"Statement": [{"Effect": "Allow", "Action": "s3:Get", "Resource": resource}]}}}

    text = comment(
        read(made.events(made.event("update", "p", made.POLICY, old=state("arn:a"), new=state(unknown))), "dev")
    )
    assert "**may get broader**" in text
    assert "04da6b54" not in text
    assert "a part of the policy is" in text


def test_a_statement_without_a_sid_is_named_once() -> None:
    old, new = (made.policy(*actions).replace('"Sid": "Some", ', "") for actions in (("a:b",), ("a:b", "a:c")))
    found = made.event("update", "p", made.POLICY, old={"inputs": {"policy": old}}, new={"inputs": {"policy": new}})
    assert "\n! changed statement 1\n" in comment(read(made.events(found), "dev"))


def test_a_comment_is_marked_as_outdated_once_and_not_where_it_is_of_the_commit() -> None:
    body = told("update", commit="abc")
    assert outdated(body, "abc") == body
    marked = outdated(body, "def")
    assert marked.splitlines()[0] == body.splitlines()[0], "it is found again"
    assert "**Outdated:**" in marked
    assert "`def`" in marked
    assert outdated(outdated(marked, "x"), "def") == marked
    large = render([read(made.large(2000), "dev")], CODECOMMIT)
    assert all(len(outdated(part, "a" * 40).encode()) <= CODECOMMIT.limit for part in large)


def test_the_hidden_line_counts_for_machines() -> None:
    first = told("replace", "update").splitlines()[0]
    found = json.loads(first.removesuffix(" -->").partition("} ")[2])
    assert found["counts"] == {"replace": {"replace": 2, "same": 1}, "update": {"same": 1, "update": 1}}
    many = [read(made.events(made.event("create", "x", new={})), f"stack-{number}") for number in range(100)]
    found = json.loads(comment(*many).splitlines()[0].removesuffix(" -->").partition("} ")[2])
    assert found["counts"] == {"": {"create": 100}}


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
        assert "!   displayName: changes, and what changes is not shown" in text
        assert "+   name: [secret]" in text
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
    assert all(worth_telling(recorded(name, suffix=".jsonl")) for name in CASES if name != "no-change")
    assert worth_telling([read("")])


def test_a_large_preview_keeps_the_list_of_what_is_destroyed_and_says_what_is_left_out() -> None:
    preview = read(made.large(400), "dev")
    text = comment(preview, run_url="https://example.com/1")
    assert text.count("**replace** `aws:sns/topic:Topic`") == 100
    assert "because `name` changes" in text
    assert "- `dev` create `aws:sns/topic:Topic`: `resource-103-of-many" in text, "names need no click"
    left = re.search(r"Left out, .*: (?:(\d+) access changes, )?(\d+) differences\. Everything", text)
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


@settings(max_examples=60)
@given(st.lists(made.texts(), max_size=3), st.sampled_from(STYLES))
def test_no_output_of_an_engine_makes_it_fail(outputs: list[str], style: Style) -> None:
    previews = [read(text, name) for name, text in zip(["dev", "prod", "`\n<!--"], outputs, strict=False)]
    holds(render(previews, style), style)
    holds(render(previews[::-1], style), style)
    stops(previews, Rules())


@settings(max_examples=60)
@given(st.lists(made.STEPS, max_size=30), st.integers(1, 30), st.sampled_from(STYLES), st.booleans())
def test_a_destructive_step_is_never_missing(
    found: list[dict[str, Any]], times: int, style: Style, streamed: bool
) -> None:
    """Each has a line of its own in one of the comments; a replacement's halves are told with it."""
    steps = [{**each, "urn": f"{each['urn']}{turn}"} for turn in range(times) for each in found]
    preview = read(made.many(steps) if streamed else made.digest(*steps), "dev")
    bodies = render([preview], style)
    holds(bodies, style)
    lines = [line.removeprefix("> ") for body in bodies for line in body.splitlines()]
    lines = [line for line in lines if line.startswith("- `dev` **")]
    wanted, halves = Counter[str](), Counter[str]()
    for each in steps:
        name = code(each["urn"].split("::", 3)[-1])
        if each["op"] in made.PHYSICAL:
            halves[name] += 1
        elif each["op"] not in HARMLESS:
            wanted[name] += 1
    told = Counter[str]()
    for name in {*wanted, *halves}:
        told[name] = sum(
            line.endswith(name) or any(f" {name}{end}" in line for end in (":", " (", " in AWS")) for line in lines
        )
        assert told[name] >= wanted[name], name
        assert told[name] + 2 * wanted[name] >= wanted[name] + halves[name], "one makes and one removes; more is more"


@settings(max_examples=60)
@given(st.lists(made.STEPS, max_size=30), st.booleans())
def test_what_is_told_adds_up_to_what_the_engine_counts(found: list[dict[str, Any]], streamed: bool) -> None:
    """Beside what the engine does not count, and what it counts only where it matters."""
    uncounted = (*made.NOT_COUNTED, "read", "diff")
    steps = [
        {**each, "urn": f"{each['urn']}{place}"} for place, each in enumerate(found) if each["op"] not in uncounted
    ]
    preview = read(made.many(steps) if streamed else made.digest(*steps), "dev")
    assert not [fault for fault in preview.faults if "counts" in fault]
    line = comment(preview).splitlines()[4]
    told = re.findall(r"(?:\A|[ *])(\d[\d,]*)(?= to | unchanged)", line)
    assert sum(int(number.replace(",", "")) for number in told) == len(steps), line


@settings(max_examples=60)
@given(st.data())
def test_no_secret_survives(data: st.DataObject) -> None:
    """Wherever it stands, by whatever its name or its form tells."""
    secret = "hunter2" + "x" * data.draw(st.sampled_from([0, 1, 40, 300]))
    value: Any = data.draw(st.sampled_from(made.hiding(secret)))
    for _ in range(data.draw(st.integers(0, 3))):
        value = data.draw(st.sampled_from([{"a": value}, [value], {"a": json.dumps(value)}, [1, value, "z" * 300]]))
    pad = data.draw(st.sampled_from(["", "y " * 70, "line\n" * 20]))
    new: Any = {"inputs": {"some": value, "text": f"{pad}password={secret} {pad}", "b": pad}}
    old: Any = data.draw(
        st.sampled_from([new, {"inputs": {}}, {"inputs": {"some": "x", "text": f"{pad}password=o {pad}"}}])
    )
    diff = data.draw(st.sampled_from([None, {"some": {"kind": "update"}, "text": {"kind": "update"}}]))
    kinds = ("create", "update", "replace")
    steps = [
        {**made.step(kind, kind), "oldState": None if kind == "create" else old, "newState": new, "detailedDiff": diff}
        for kind in kinds
    ]
    errors = [{"severity": "error", "message": f"{pad}cannot log in with --password {secret}{pad}"}]
    preview = read(made.digest(*steps, diagnostics=errors), "dev")
    for style in STYLES:
        assert all("hunter2" not in body for body in render([preview], style))


@settings(max_examples=30)
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
