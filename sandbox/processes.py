"""Which of the processes that the sandbox wrote down are still its own."""

from pathlib import Path


def runs(pid: int, word: str) -> bool:
    """Tell whether process `pid` lives and carries `word` on its command line.

    The word guards against a number that the system has given to another process. A process that has ended and
    waits for its parent has no command line, so it counts as gone.
    """
    try:
        return word.encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
