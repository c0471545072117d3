"""A preview in one line: what is destroyed comes first, no longer than an approval takes, nothing a pipeline reads."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.tools.previews import made
from tests.tools.previews.record import FOLDER
from tools.faults import ToolError
from tools.preview_comment.engine_output import read
from tools.preview_comment.previews import Preview, Step
from tools.preview_summary import LENGTH, command, summary


def preview(*fates: tuple[str, str]) -> Preview:
    steps = tuple(Step(op=op, urn=f"urn:pulumi:dev::p::a:b:C::{name}", type="a:b:C") for op, name in fates)
    return Preview(stack="dev", steps=steps)


@pytest.mark.parametrize(
    ("fates", "told"),
    [
        ([], "No changes."),
        ([("same", "a"), ("read", "b")], "No changes."),
        ([("create", "a"), ("update", "b"), ("create", "c")], "2 to create, 1 to update."),
        ([("create", "a"), ("delete", "b")], "1 to delete, 1 to create. delete b."),
        ([("replace", "a"), ("delete", "b")], "1 to delete, 1 to replace. replace a, delete b."),
        ([("create", "a"), ("vanish", "b")], "1 to vanish, 1 to create. vanish b."),
    ],
)
def test_what_would_happen_is_counted_and_what_is_destroyed_is_named(fates: list[tuple[str, str]], told: str) -> None:
    assert summary(preview(*fates)) == told


def test_many_destroyed_resources_are_counted_where_their_names_do_not_fit() -> None:
    text = summary(preview(*(("delete", f"resource-{number:03}") for number in range(200))))
    assert len(text) <= LENGTH
    assert text.startswith("200 to delete. delete resource-000, ")
    named = text.count("delete resource-")
    assert text.endswith(f" and {200 - named} that destroy.")


def test_hostile_names_reach_neither_the_pipeline_nor_a_second_line() -> None:
    text = summary(preview(("delete", "a\nb #{variables.Secret}\u202e")))
    assert "#{" not in text
    assert len(text.splitlines()) == 1
    assert "\u202e" not in text


def test_what_is_left_over_and_what_loses_its_safeguard_is_named() -> None:
    older, old = {"id": "store-1", "delete": True}, {"id": "store-2"}
    text = made.events(
        made.event("delete-replaced", "store", old=older),
        made.event("replace", "store", old=old, new={}),
        made.event("same", "key", old={"protect": True}, new={}),
        made.event("delete", "group", "mlops:storage:Store", old={"custom": False}),
    )
    assert summary(read(text)) == (
        "1 to delete, 1 to delete (left over), 1 to replace. delete (left over) store, replace store, delete group, "
        "key no longer protected, so that a later deployment may delete it."
    )
    assert "No changes" not in summary(read(made.events(made.event("same", "key", old={"protect": True}, new={}))))


def test_secrets_are_in_neither_the_summary_nor_the_reason_of_a_failure(tmp_path: Path) -> None:
    file = tmp_path / "preview.json"
    error = {"severity": "error", "message": "refused: --password hunter2, and project-x"}
    file.write_text(made.digest(diagnostics=[error]))
    done = CliRunner().invoke(command, [str(file), "--mask", "project-.*"])
    assert "refused: --password [hidden], and [hidden]" in str(done.exception)
    file.write_text(made.digest(made.step("delete", "token=hunter2")))
    assert CliRunner().invoke(command, [str(file)]).output == "1 to delete. delete token=[hidden].\n"
    assert "hidden" in CliRunner().invoke(command, [str(file), "--mask", "token"]).output


@pytest.mark.parametrize("path", sorted(FOLDER.iterdir()), ids=lambda path: path.name)
def test_whatever_the_engine_printed_is_summed_up_or_refused(path: Path) -> None:
    done = CliRunner().invoke(command, [str(path)])
    if read(path.read_text()).failed:
        assert isinstance(done.exception, ToolError)
        assert "the preview failed" in str(done.exception)
    else:
        assert done.exit_code == 0
        assert 0 < len(done.output.strip()) <= LENGTH
