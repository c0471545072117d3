"""What holds for all tests: none reads what a company edits, and those of injected faults tell how many survived."""

import gc
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from hypothesis import settings

# The same examples in every run, however busy the machine is.
settings.register_profile("ours", deadline=None, derandomize=True, database=None)
settings.load_profile("ours")

# The processes of xdist are told a width that nobody has; tests of a width say their own.
os.environ.pop("COLUMNS", None)

_ROOT = os.fspath(Path(__file__).resolve().parents[1])
_PROPERTY = "faults"
_NEW_OBJECTS = 100_000
"""So many live ones more, and cycles are looked for; a run of the program makes some 50,000."""


def _refuse_own_stack_files(event: str, arguments: tuple[object, ...]) -> None:
    """Let no test stand on the stack files beside the program: a company's own values would fail it."""
    if event == "open" and isinstance(arguments[0], str | os.PathLike):
        folder, name = os.path.split(os.path.abspath(arguments[0]))  # noqa: PTH100 - runs at every opening of a file
        if name.startswith("Pulumi.") and folder == _ROOT:
            raise AssertionError(f"a test reads {name}, which a company edits; tests stand on tests/example")


sys.addaudithook(_refuse_own_stack_files)
# To look for cycles of what is imported and collected takes a tenth of that, and there are few.
gc.set_threshold(_NEW_OBJECTS, 20, 20)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the engine's files, which take longest: a process that is done has small ones to go on with."""
    items.sort(key=lambda item: item.get_closest_marker("engine") is None)


def pytest_collection_finish() -> None:
    """Let the collector of cycles leave alone what is there by now; its looks were a third of the unit tests' time."""
    gc.freeze()


Tried = Callable[..., AbstractContextManager[None]]
"""`tried(kind, count)`: what runs inside survives so many faults of a kind, unless it fails."""


@pytest.fixture
def tried(record_property: Callable[[str, object], None]) -> Tried:
    """Counts faults that a test injects."""

    @contextmanager
    def trying(kind: str, count: Callable[[], int] = lambda: 1) -> Iterator[None]:
        survived = False
        try:
            yield
            survived = True
        finally:
            record_property(_PROPERTY, [kind, count(), count() if survived else 0])

    return trying


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table. Properties of reports are what also comes from the processes of xdist."""
    totals: dict[str, list[int]] = {}
    for outcome in ("passed", "failed"):
        for report in terminalreporter.stats.get(outcome, ()):
            for name, value in getattr(report, "user_properties", ()):
                if name == _PROPERTY and report.when == "call":
                    kind, count, survived = value
                    before = totals.get(kind, [0, 0])
                    totals[kind] = [before[0] + count, before[1] + survived]
    if not totals:
        return
    totals["all"] = [sum(column) for column in zip(*totals.values(), strict=True)]
    width = max(map(len, totals))
    terminalreporter.section("faults injected between the providers and AWS")
    terminalreporter.write_line(f"{'kind':{width}}  tried  survived")
    for kind, (count, survived) in totals.items():
        terminalreporter.write_line(f"{kind:{width}}  {count:5}  {survived:8}", red=count != survived)
