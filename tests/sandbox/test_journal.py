"""A state that a killed engine left is completed from what the plugins wrote down."""

import json
from pathlib import Path
from typing import Any

import pytest

from sandbox import journal

URN = "urn:pulumi:dev::sm-mlops::aws:s3/bucket:Bucket::one"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    journals = tmp_path / "journal"
    journals.mkdir()
    monkeypatch.setenv("SM_MLOPS_JOURNAL", str(journals))
    return journals


def completed(tmp_path: Path, folder: Path, *, kind: str = "creating", **known: object) -> list[dict[str, Any]]:
    """Complete a state with one pending operation, and perhaps a resource of the same URN; its resources then."""
    latest = {
        "resources": [{"urn": URN, **known}] if known else [],
        "pending_operations": [{"type": kind, "resource": {"urn": URN, "inputs": {"region": "r"}}}],
    }
    state = tmp_path / "dev.json"
    state.write_text(json.dumps({"version": 3, "checkpoint": {"latest": latest}}))
    assert journal.complete(state, folder) == 1
    assert journal.complete(state, folder) == 0
    resources: list[dict[str, Any]] = json.loads(state.read_text())["checkpoint"]["latest"]["resources"]
    return resources


def test_a_resource_that_was_made_becomes_part_of_the_state(tmp_path: Path, folder: Path) -> None:
    journal.record(URN, "b")
    journal.record(URN, "b", {"arn": "a"})
    assert completed(tmp_path, folder) == [
        {"urn": URN, "inputs": {"region": "r"}, "id": "b", "outputs": {"arn": "a"}},
    ]


def test_a_resource_that_was_half_made_is_marked_to_be_finished(tmp_path: Path, folder: Path) -> None:
    journal.record(URN, "b")
    (resource,) = completed(tmp_path, folder)
    assert resource["initErrors"] == ["The engine was killed while this was being made."]
    assert resource["outputs"] == {"region": "r"}


def test_a_resource_that_was_not_made_is_forgotten(tmp_path: Path, folder: Path) -> None:
    journal.record(URN.replace("one", "other"), "b")
    assert completed(tmp_path, folder) == []


def test_what_a_replacement_replaces_remains_to_be_deleted(tmp_path: Path, folder: Path) -> None:
    journal.record(URN, "new", {"arn": "a"})
    old, new = completed(tmp_path, folder, id="old")
    assert (old["id"], old["delete"], new["id"]) == ("old", True, "new")


@pytest.mark.parametrize("kind", ["updating", "deleting"])
def test_other_operations_leave_the_resource_to_the_next_up(tmp_path: Path, folder: Path, kind: str) -> None:
    journal.record(URN, "b", {"arn": "a"})
    assert completed(tmp_path, folder, kind=kind, id="b") == [{"urn": URN, "id": "b"}]


def test_a_resource_that_the_state_has_is_not_added_twice(tmp_path: Path, folder: Path) -> None:
    journal.record(URN, "b", {"arn": "a"})
    assert completed(tmp_path, folder, id="b") == [{"urn": URN, "id": "b"}]


def test_nothing_is_written_outside_a_world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SM_MLOPS_JOURNAL", raising=False)
    monkeypatch.chdir(tmp_path)
    journal.record(URN, "b")
    assert list(tmp_path.iterdir()) == []


def test_journals_of_ended_plugins_are_removed(folder: Path) -> None:
    (folder / "999999999.jsonl").touch()
    journal.prune(folder)
    assert list(folder.iterdir()) == []
