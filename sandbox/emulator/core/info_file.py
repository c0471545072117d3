"""The file by which others find a running emulator, and without which it has no reason to run."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

WATCH_SECONDS = 0.5


def write_atomically(path: Path, content: dict[str, Any]) -> None:
    """Write JSON so that a reader sees all of it or none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.write_text(json.dumps(content))
    draft.replace(path)


def watch(path: Path, instance: str, end: Callable[[], object]) -> None:
    """Wait until the file no longer tells of this instance, and call `end`."""
    while tells_of(path, instance):
        time.sleep(WATCH_SECONDS)
    end()


def tells_of(path: Path, instance: str) -> bool:
    """Say whether the file is there and names the instance."""
    try:
        return bool(json.loads(path.read_text())["instance"] == instance)
    except FileNotFoundError:
        return False
