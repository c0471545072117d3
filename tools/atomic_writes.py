"""Files that are written whole or not at all: whoever reads one never sees half of it."""

import os
from collections.abc import Iterable
from pathlib import Path

from tools.faults import ToolError


def write_whole(path: Path, lines: Iterable[str]) -> None:
    """Write a file, whatever interrupts it.

    Raises:
        ToolError: it cannot be written.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        try:
            with draft.open("w", encoding="utf-8") as file:
                file.writelines(lines)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise ToolError(f"{path} cannot be written: {error.strerror}") from error
