"""Processes that end together: with the group, or with the emulator, however that ends."""

import subprocess
from collections.abc import Sequence
from typing import Any


class ProcessGroup:
    """A group of processes, led by one that waits for the end of a pipe which only the emulator holds."""

    def __init__(self) -> None:
        command = ["sh", "-c", "cat > /dev/null; kill -KILL 0"]
        self._leader = subprocess.Popen(command, stdin=subprocess.PIPE, process_group=0)
        self.closed = False

    def start(self, command: Sequence[str], **more: Any) -> "subprocess.Popen[Any]":
        """Start a process of the group; `more` is what `Popen` takes."""
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, process_group=self._leader.pid, **more)

    def close(self) -> None:
        """End every process of the group; again is no error."""
        self.closed = True
        if self._leader.stdin and not self._leader.stdin.closed:
            self._leader.stdin.close()
        self._leader.wait()
