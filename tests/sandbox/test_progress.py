"""A step that takes long tells how far it is; without a terminal by a line of its own, now and then."""

import time
from collections.abc import Callable

import pytest

from sandbox import progress


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Lets seconds pass."""
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])

    def passes(seconds: float) -> None:
        now[0] += seconds

    return passes


def test_without_a_terminal_there_is_a_line_every_few_seconds(
    clock: Callable[[float], None], capsys: pytest.CaptureFixture[str]
) -> None:
    with progress.step("up") as detail:
        for number in range(1, 23):
            clock(0.5)
            detail(f"{number} of 86 resources: bucket-{number}")
    assert capsys.readouterr().err.splitlines() == [
        "up ...",
        "up (5 s) 10 of 86 resources: bucket-10",
        "up (10 s) 20 of 86 resources: bucket-20",
        "✓ up: 11.0 s",
    ]


def test_a_short_step_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.step("up") as detail:
        detail("1 of 1 resources: one")
    assert [line.split()[0] for line in capsys.readouterr().err.splitlines()] == ["up", "✓"]
