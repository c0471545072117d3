"""What the demo leaves to look at says what was played, and is text only."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest
from click.testing import CliRunner, Result

from sandbox import cli, demo_report, story
from sandbox.faults import SandboxError
from sandbox.world import World


def written(folder: Path, told: list[tuple[float, str]], **more: Any) -> str:
    story = SimpleNamespace(**{"metrics": {}, "predictions": [], "mails": [], **more})
    demo_report.write(folder / demo_report.FILE, story, told)  # type: ignore[arg-type] # what it reads of a story
    return (folder / demo_report.FILE).read_text()


def test_both_models_predictions_mails_and_the_time_line_are_shown(tmp_path: Path) -> None:
    text = written(
        tmp_path,
        [(1.0, "The platform is up."), (61.5, "<b>Nothing</b> is left.")],
        metrics={1: {"mse": 2.84, "r2": 0.74}, 2: {"mse": 2.81, "r2": 0.75}},
        predictions=[("sagemaker-p-1-prod", 5.9)],
        mails=["Training <script>succeeded</script>"],
    )
    for said in (
        "2.8400",
        "2.8100",
        "Version 2",
        "sagemaker-p-1-prod: 5.9 rings",
        "61.5",
        "&lt;b&gt;Nothing",
        "Played in 62",
    ):
        assert said in text, said
    assert "<script>" not in text


def test_a_story_that_ended_at_once_has_a_page_too(tmp_path: Path) -> None:
    assert "No model was trained." in written(tmp_path, [])


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a story is kept whose world is none."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cli, "_KEPT", tmp_path / "kept")
    monkeypatch.setattr(World, "start", lambda _world: None)
    monkeypatch.setattr(World, "emulator", SimpleNamespace(url="http://127.0.0.1:1"))
    monkeypatch.setattr(story, "offering", lambda _architecture, _source, folder: folder)
    monkeypatch.setattr(story, "Story", lambda *_: SimpleNamespace(metrics={}, predictions=[], mails=[]))
    return tmp_path / "kept"


def played(monkeypatch: pytest.MonkeyPatch, failure: Exception | None) -> Result:
    monkeypatch.setattr(story, "live", Mock(side_effect=failure))
    return CliRunner().invoke(cli.demo, ["--keep"])


def test_a_kept_story_that_fails_says_that_its_world_stands_and_what_ends_it(
    kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = played(monkeypatch, SandboxError("the training failed"))
    assert str(done.exception) == "the training failed"
    assert "The story has failed; what it has made stands. Open http://127.0.0.1:1 in a browser." in done.output
    assert f"make sandbox-down ends it, and removes {kept}." in done.output


@pytest.mark.parametrize("failure", [SandboxError("the training failed"), None], ids=["failed", "played"])
def test_a_page_that_cannot_be_written_hides_no_failure_and_is_one(
    kept: Path, monkeypatch: pytest.MonkeyPatch, failure: SandboxError | None
) -> None:
    (kept.parent / demo_report.FILE).mkdir()
    done = played(monkeypatch, failure)
    assert f"{demo_report.FILE} cannot be written" in done.output
    assert isinstance(done.exception, SandboxError)
    assert ("the training failed" if failure else "cannot be written") in str(done.exception)


def test_a_story_that_was_kept_is_not_played_over_and_ends_with_the_sandbox(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    monkeypatch.setattr(cli, "_KEPT", kept)
    monkeypatch.setenv("SM_MLOPS_SANDBOX", str(tmp_path / "none"))
    with pytest.raises(SandboxError, match="make sandbox-down"):
        CliRunner().invoke(cli.demo, ["--keep"], catch_exceptions=False)
    assert CliRunner().invoke(cli.down, catch_exceptions=False).exit_code == 0
    assert not kept.exists()
