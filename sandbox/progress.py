"""How the sandbox speaks to the person at the terminal: on stderr, so that a command's own output stays clean."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.markup import escape

from tools.console import make_console

PLAIN_SECONDS = 5.0
"""Least seconds between two lines about one step, where no terminal can replace one by the next."""

console = make_console(stderr=True)


def say(sentence: str) -> None:
    """Print one sentence."""
    console.print(escape(sentence), soft_wrap=True)


def _spaced(tell: Callable[[str], None], seconds: float, last: float) -> Callable[[str], None]:
    """Pass on what is told, unless something has been passed on so few seconds ago."""

    def spaced(detail: str) -> None:
        nonlocal last
        if time.monotonic() - last >= seconds:
            last = time.monotonic()
            tell(detail)

    return spaced


@contextmanager
def step(title: str) -> Iterator[Callable[[str], None]]:
    """Show a step that takes a while, and afterwards how long it took.

    Yields a function that takes how far the step is. On a terminal that replaces the detail beside the title; without
    one it is a line of its own, at most one every few seconds. A step that raises leaves its line to the error that
    follows.
    """
    started = time.monotonic()

    def line(detail: str) -> str:
        return f"{title} ({time.monotonic() - started:.0f} s) {detail}"

    if console.is_terminal:
        with console.status(escape(line(""))) as status:
            yield lambda detail: status.update(escape(line(detail)))
    else:
        say(f"{title} ...")
        yield _spaced(lambda detail: say(line(detail)), PLAIN_SECONDS, started)
    console.print(f"[green]✓[/green] {escape(title)}: {time.monotonic() - started:.1f} s", soft_wrap=True)
