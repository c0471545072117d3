"""How the sandbox speaks to the person at the terminal: on stderr, so that a command's own output stays clean."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape

console = Console(stderr=True, highlight=False)


def say(sentence: str) -> None:
    """Print one sentence."""
    console.print(escape(sentence), soft_wrap=True)


@contextmanager
def step(title: str) -> Iterator[Callable[[str], None]]:
    """Show a step that takes a while, and afterwards how long it took.

    Yields a function that replaces the detail beside the title; without a terminal only the title and the time
    appear. A step that raises leaves its line to the error that follows.
    """
    started = time.monotonic()

    def line(detail: str) -> str:
        return escape(f"{title} ({time.monotonic() - started:.0f} s) {detail}")

    if not console.is_terminal:
        say(f"{title} ...")
    with console.status(line("")) as status:
        yield lambda detail: status.update(line(detail))
    console.print(f"[green]✓[/green] {escape(title)}: {time.monotonic() - started:.1f} s", soft_wrap=True)
