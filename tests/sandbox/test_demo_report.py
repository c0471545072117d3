"""What the demo leaves to look at says what was played, and is text only."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from sandbox import demo_report


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
