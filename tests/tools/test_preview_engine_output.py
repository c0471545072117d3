"""What the engine prints is read whole, in both shapes, and what cannot be read is told."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.tools.previews import made
from tests.tools.previews.record import CASES, FOLDER
from tools.preview_comment.dangers import QUIET
from tools.preview_comment.engine_output import read
from tools.preview_comment.previews import Preview

REPLACE = made.step("replace", "a", replaceReasons=["name"])


def recorded(name: str) -> Preview:
    return read((FOLDER / name).read_text(encoding="utf-8"))


def fates(preview: Preview) -> dict[str, str]:
    return {step.name: step.op for step in preview.steps if step.op not in QUIET}


def test_every_case_is_recorded_in_both_shapes() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {
        f"{name}{suffix}" for name in CASES for suffix in (".json", ".jsonl")
    }


@pytest.mark.parametrize("name", sorted(CASES))
def test_both_shapes_say_the_same(name: str) -> None:
    digest, events = recorded(f"{name}.json"), recorded(f"{name}.jsonl")
    assert digest.stack == events.stack == "dev"
    assert fates(digest) == fates(events)
    assert digest.faults == events.faults[: len(digest.faults)]
    for one, other in zip(digest.steps, [step for step in events.steps if step.op != "same"], strict=False):
        if one.op != "same":
            assert (one.replacing, one.changing, one.paths, one.type) == (
                other.replacing,
                other.changing,
                other.paths,
                other.type,
            )
    assert digest.counts == events.counts
    assert [(item.severity, item.urn, item.message) for item in digest.diagnostics] == [
        (item.severity, item.urn, item.message) for item in events.diagnostics
    ]
    assert digest.failed == events.failed == (name in ("protected", "protected-replace", "error-before-steps"))
    assert not digest.unknown
    assert not events.unknown


def test_the_engine_s_steps_are_those_that_the_case_is_about() -> None:
    assert fates(recorded("replace.jsonl")) == {"alarms": "replace", "store": "replace"}
    assert fates(recorded("delete.jsonl")) == {"alarms": "delete", "store": "delete"}
    assert fates(recorded("protected.json")) == {"store": "delete"}
    assert fates(recorded("import.jsonl"))["alarms"] == "import"
    assert fates(recorded("no-change.jsonl")) == {}


def test_drift_is_read_from_the_outcome_of_a_refresh() -> None:
    assert [(item.urn.rsplit("::", 1)[-1], item.gone, item.paths) for item in recorded("drift.jsonl").drift] == [
        ("alarms", False, ("displayName",)),
        ("gone", True, ()),
    ]


@pytest.mark.parametrize("noise", ["warning: something\n", "{broken\n", "{\n", '{"level": "info"}\n', "\ufeff"])
@pytest.mark.parametrize("suffix", [".json", ".jsonl"])
def test_text_before_the_json_does_not_hide_it(noise: str, suffix: str) -> None:
    text = (FOLDER / f"replace{suffix}").read_text(encoding="utf-8")
    preview = read(noise + text)
    assert fates(preview) == fates(read(text))
    assert bool(preview.faults) == (noise in ("{broken\n", "{\n"))
    assert bool(preview.unknown) == ("level" in noise), "an object that is not known is shown, not dropped"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "printed nothing"),
        ("error: no stack selected", "printed no preview"),
        ('{"steps": [{"op": "delete", "urn":', "cut off"),
        (made.many([REPLACE]).rpartition("\n")[0], "end before their summary"),
        (made.events(result="failed"), "the preview failed"),
        (made.events(result="odd"), "the preview odd"),
        (made.digest(), "tells of no resource"),
        (json.dumps({"steps": [7], "changeSummary": {}}), "cannot be read"),
        (json.dumps({"steps": {}, "changeSummary": {}}), "is no list"),
        (made.digest(REPLACE, maybeCorrupt=True), "may be corrupt"),
        (made.digest(REPLACE, made.step("same", "b", stack="prod")), "several stacks: dev, prod"),
        (made.digest(REPLACE) + '\n{"summaryEvent": {"resourceChanges": {"delete": 2}}}', "counts 2 steps 'delete'"),
        (made.digest(REPLACE) + "\n{half", "a part of the engine's output"),
    ],
)
def test_what_is_not_the_whole_preview_has_failed(text: str, fault: str) -> None:
    preview = read(text, "dev")
    assert any(fault in told for told in preview.faults), preview.faults
    assert preview.failed


def test_what_the_engine_printed_instead_is_its_error() -> None:
    (error,) = read("error: \x1b[31mno stack\x1b[0m selected\n").errors
    assert error.message == "error: no stack selected"


def test_an_event_that_is_not_known_is_kept() -> None:
    preview = read(made.events({"resourcePreEvent": {"metadata": REPLACE}}, {"quantumEvent": {"x": 1}}))
    assert [json.loads(text)["quantumEvent"] for text in preview.unknown] == [{"x": 1}]


def test_policy_violations_stop_a_merge_where_they_are_mandatory() -> None:
    """The digest has no violations at all: a known limit of the engine."""
    event = {
        "resourceUrn": made.urn("a"),
        "policyName": "no-public",
        "policyPackName": "company",
        "message": "<{%fg 1%}>No",
    }
    for level, failed in (("mandatory", True), ("advisory", False)):
        preview = read(
            made.events(
                {"resourcePreEvent": {"metadata": REPLACE}}, {"policyEvent": {**event, "enforcementLevel": level}}
            )
        )
        (violation,) = preview.violations
        assert (violation.pack, violation.policy, violation.message) == ("company", "no-public", "No")
        assert preview.failed is failed


def test_the_halves_of_a_replacement_are_one_step_and_a_half_alone_is_not_lost() -> None:
    halves = [made.step("create-replacement", "a"), REPLACE, made.step("delete-replaced", "a")]
    assert fates(read(made.many(halves))) == {"a": "replace"}
    assert fates(read(made.many([made.step("delete-replaced", "a")]))) == {"a": "delete-replaced"}


def lost(*found: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Operation, name and physical id of all that is not quiet."""
    return [(step.op, step.name, step.physical_id) for step in read(made.events(*found)).steps if step.op != "same"]


def test_what_is_left_over_and_what_is_replaced_are_two_deletions_of_one_urn() -> None:
    older, old = {"id": "store-1", "delete": True}, {"id": "store-2"}
    found = [
        made.event("delete-replaced", "store", old=older),
        made.event("create-replacement", "store", old=old, new={}),
        made.event("replace", "store", old=old, new={}),
        made.event("delete-replaced", "store", old=old),
    ]
    for order in (found, found[::-1]):
        assert lost(*order) == [("delete-replaced", "store", "store-1"), ("replace", "store", "store-2")]
    oldest = made.event("delete-replaced", "store", old={"id": "store-0"})
    assert len(lost(*found, oldest)) == 3, "as many as there are"
    assert len(lost(*found, found[3])) == 3, "one replacement removes one thing"


def test_a_resource_that_is_renamed_and_replaced_is_one() -> None:
    old = {"id": "store-1", "urn": made.urn("old")}
    found = [
        made.event("create-replacement", "new", old=old, new={}),
        made.event("replace", "new", old=old, new={}),
        made.event("delete-replaced", "old", old=old),
    ]
    assert lost(*found) == [("replace", "new", "store-1")]


def test_two_deletions_of_one_urn_are_two() -> None:
    assert len(lost(*(made.event("delete", "a", old={"id": id_}) for id_ in ("1", "2")))) == 2


def test_a_step_that_only_its_outcome_tells_is_not_lost_and_something_else_may_be() -> None:
    preview = read(
        made.events(
            {"resOutputsEvent": {"metadata": {"op": "delete", "urn": made.urn("a"), "old": {}}}},
        ).replace('"resourceChanges": {}', '"resourceChanges": {"delete": 1}')
    )
    assert fates(preview) == {"a": "delete"}
    assert preview.faults == ("of 1 operation the engine tells the end and not the beginning",)


def ended(event: dict[str, Any]) -> dict[str, Any]:
    """The outcome of what begins with an event."""
    return {"resOutputsEvent": event["resourcePreEvent"]}


SAME = made.event("same", "s", old={"id": "s"}, new={"id": "s"})
CREATED = made.event("create", "c", new={})
WHOLE = [SAME, ended(SAME), CREATED, ended(CREATED)]


@pytest.mark.parametrize("place", range(len(WHOLE)))
def test_an_event_that_is_missing_between_others_is_noticed(place: int) -> None:
    whole = made.events(*WHOLE)
    assert not read(whole).faults
    lines = whole.splitlines()
    preview = read("\n".join([*lines[:place], *lines[place + 1 :]]))
    assert preview.failed, lines[place]


@pytest.mark.parametrize("name", sorted({*CASES} - {"protected", "protected-replace", "error-before-steps"}))
def test_any_event_of_a_resource_that_a_recording_lacks_is_noticed(name: str) -> None:
    lines = (FOLDER / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    assert not read("\n".join(lines)).faults
    for place, line in enumerate(lines):
        (kind,) = [key for key in json.loads(line) if key.endswith("Event")]
        # Of the stack itself there are two outcomes; the second tells its outputs.
        if (
            kind in ("resourcePreEvent", "resOutputsEvent", "summaryEvent")
            and "pulumi:Stack::" not in line.split('"type"')[0]
        ):
            assert read("\n".join(lines[:place] + lines[place + 1 :])).failed, line[:200]
        assert read("\n".join([*lines[:place], line[: len(line) // 2], *lines[place + 1 :]])).failed


@pytest.mark.parametrize("op", ["same", "create", "update", "replace", "delete", "import", "discard", "frobnicate"])
@pytest.mark.parametrize("more", [1, -1])
def test_a_count_of_any_operation_that_differs_is_told(op: str, more: int) -> None:
    found = made.event(op, "x", old={"id": "x"}, new={})
    text = made.events(*[found] * 2).replace(f'"{op}": 2', f'"{op}": {2 + more}')
    (fault,) = read(text).faults
    assert fault == f"the engine counts {2 + more} steps {op!r} and tells of 2"


def test_what_is_told_beside_logical_steps_is_not_counted_and_no_fault() -> None:
    quiet = ["refresh", "read", "remove-pending-replace", "delete-replaced", "create-replacement"]
    assert not read(made.events(*(made.event(op, op, old={"id": op}, new={}) for op in quiet))).faults


def test_what_fails_is_told_though_the_engine_does_not_count_it() -> None:
    error = {"diagnosticEvent": {"severity": "error", "message": "no", "urn": made.urn("x")}}
    text = made.events(made.event("update", "x", old={}, new={}), error).replace('"update": 1', '"update": 0')
    preview = read(text)
    assert (preview.faults, [item.message for item in preview.errors]) == ((), ["no"])


def test_two_previews_in_one_file_are_told() -> None:
    assert "the file tells of 2 previews" in read("\n".join([made.events(*WHOLE)] * 2)).faults


@pytest.mark.parametrize("between", ["", " ", "\t", "a provider's text", "}", "{ half "])
@pytest.mark.parametrize("before", ["", "no line end"])
def test_events_that_share_a_line_are_all_read(before: str, between: str) -> None:
    lines = made.events(*WHOLE, {"policyEvent": {"policyName": "p", "enforcementLevel": "mandatory"}}).splitlines()
    preview = read(before + between.join(lines))
    assert len(preview.violations) == 1
    assert fates(preview) == {"c": "create"}
    assert bool(preview.faults) == ("half" in between)


def test_a_digest_behind_text_without_a_line_end_is_read() -> None:
    text = json.dumps(json.loads((FOLDER / "delete.json").read_text()), indent=4)
    assert fates(read(f"a provider says{text}")) == {"alarms": "delete", "store": "delete"}


def test_a_policy_that_failed_and_of_which_no_violation_tells_is_noticed() -> None:
    summary = {"policyAnalyzeSummaryEvent": {"policyPackName": "company", "failed": ["no-public"]}}
    violation = {"policyEvent": {"policyName": "no-public", "enforcementLevel": "advisory"}}
    assert not read(made.events(*WHOLE, violation, summary)).faults
    assert read(made.events(*WHOLE, summary)).faults == (
        "the engine names 1 policy that failed and does not tell on what",
    )


def test_the_stack_s_outputs_are_those_that_it_registers_last() -> None:
    outputs = recorded("outputs.jsonl").outputs
    assert outputs is not None
    assert [dict(sorted(side.items())) for side in outputs] == [
        {"gone": "x", "topic": "alarms"},
        {"new": "y", "topic": "alerts"},
    ]
    assert recorded("outputs.json").outputs is None, "the digest does not tell them"


def test_recordings_tell_nothing_of_the_machine() -> None:
    for path in FOLDER.iterdir():
        text = path.read_text(encoding="utf-8")
        assert str(Path.home()) + "/" not in text
        assert str(Path(__file__).parents[2]) not in text


def test_errors_are_all_severities_that_are_not_known_to_be_harmless() -> None:
    severities = ["info", "info#err", "warning", "error", "fatal", ""]
    diagnostics = [{"severity": severity, "message": severity} for severity in severities]
    preview = read(made.digest(REPLACE, diagnostics=diagnostics))
    assert Counter(item.message for item in preview.errors) == Counter(["error", "fatal", ""])
