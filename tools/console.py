"""Where tools print: as wide as a terminal is, and whole where nobody's terminal says how wide it is."""

import os
import sys

from rich.console import Console

_WHOLE = 1_000_000
"""Characters of a line that is read by a program, or later, elsewhere: more than any line has."""


def make_console(*, stderr: bool = False) -> Console:
    """Return a console for what a tool prints, or for how it gets on.

    `COLUMNS` says how wide it is, where it is set; else its terminal does. What goes into a pipe or a file is neither
    wrapped nor cut. `NO_COLOR` is obeyed.

    Args:
        stderr: whether it prints to standard error, so that a command's own output stays clean.
    """
    return Console(stderr=stderr, highlight=False, width=_width(stderr=stderr))


def _width(*, stderr: bool) -> int:
    stated = os.environ.get("COLUMNS", "")
    if stated.isdecimal() and int(stated):
        return int(stated)
    try:
        # A terminal that nobody has told its size says 0.
        return os.get_terminal_size((sys.stderr if stderr else sys.stdout).fileno()).columns or _WHOLE
    except (OSError, ValueError):
        return _WHOLE
