"""The commands that a tool tells its reader to type, as they work where the reader stands."""

import os
import shlex
import sys
from pathlib import Path

PREFIX = "SM_MLOPS_COMMAND_PREFIX"
"""Environment variable with what comes before each command: words as a shell reads them, or nothing."""


def typed(*words: str) -> str:
    """Return a command as a person types it here.

    Args:
        words: the command, for instance `pulumi`, `up`.
    """
    return shlex.join([*shlex.split(os.environ.get(PREFIX, "")), *words])


def tool(*words: str) -> str:
    """Return a command of the tools as a person types it here: by the Python that runs this one.

    Args:
        words: what follows `python -m tools`.
    """
    python = "python" if os.environ.get(PREFIX) else _this_python()
    return typed(python, "-m", "tools", *words)


def _this_python() -> str:
    executable = Path(sys.executable)
    here = Path.cwd()
    return str(executable.relative_to(here) if executable.is_relative_to(here) else executable)
