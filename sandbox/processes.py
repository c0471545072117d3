"""The lives of the sandbox's processes: which are still its own, and which must end with the one that started them."""

import os
import threading
import time
from contextlib import suppress
from pathlib import Path

_WATCH_SECONDS = 0.5


def runs(pid: int, word: str) -> bool:
    """Tell whether process `pid` lives and carries `word` on its command line.

    The word guards against a number that the system has given to another process. A process that has ended and
    waits for its parent has no command line, so it counts as gone.
    """
    try:
        return word.encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def having(*words: str) -> list[int]:
    """Find the processes, whoever started them, that have each of these words among their arguments."""
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdecimal():
            with suppress(OSError):  # it has just ended
                arguments = (process / "cmdline").read_bytes().split(b"\0")
                if {word.encode() for word in words} <= set(arguments):
                    found.append(int(process.name))
    return found


def end_with_parent() -> None:
    """End this process, from now on, when the one that started it is gone: a killed engine ends no plugin itself."""
    threading.Thread(target=_watch, args=(os.getppid(),), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_WATCH_SECONDS)
    os._exit(0)
