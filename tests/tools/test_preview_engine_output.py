"""What the engine prints is read whole, in both shapes, and what cannot be read is told."""

import json
from collections import Counter
from pathlib import Path

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


def test_a_step_that_only_its_outcome_tells_is_not_lost() -> None:
    text = made.events({"resOutputsEvent": {"metadata": {"op": "delete", "urn": made.urn("a"), "old": {}}}})
    assert fates(read(text)) == {"a": "delete"}


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
