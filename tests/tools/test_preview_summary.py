"""A preview in one line: what is destroyed comes first, no longer than an approval takes, nothing a pipeline reads."""

from pathlib import Path

import pytest
from click.testing import CliRunner

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


@pytest.mark.parametrize("path", sorted(FOLDER.iterdir()), ids=lambda path: path.name)
def test_whatever_the_engine_printed_is_summed_up_or_refused(path: Path) -> None:
    done = CliRunner().invoke(command, [str(path)])
    if read(path.read_text()).failed:
        assert isinstance(done.exception, ToolError)
        assert "the preview failed" in str(done.exception)
    else:
        assert done.exit_code == 0
        assert 0 < len(done.output.strip()) <= LENGTH
