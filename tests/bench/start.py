"""What a start costs: `import settings` and `tools --help`, each beside the packages that it cannot do without.

CPU time of the user, of processes that end at once; the least of some rounds, because what else the machine does can
only add. Python's own cache of compiled modules is used, as it is wherever somebody works.
"""

import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

ROUNDS = 10
SETTINGS = ("-c", "import settings")
SETTINGS_NEED = ("-c", "import pulumi, pydantic")
HELP = ("-m", "tools", "--help")
HELP_NEEDS = ("-c", "import click, rich")
SETTINGS_BAR = 1.3
"""The most that `import settings` may take, as a multiple of what it cannot do without."""
HELP_BAR = 0.7 / 0.3
"""The most that `python -m tools --help` may take, as a multiple of what it cannot do without."""


def main() -> int:
    """Measure, print, and return 1 where a bar is missed."""
    cases = (SETTINGS, SETTINGS_NEED, HELP, HELP_NEEDS)
    seconds: dict[Sequence[str], list[float]] = {case: [] for case in cases}
    with tempfile.TemporaryDirectory() as compiled:
        for case in cases:
            _user_seconds(case, compiled)
        for _ in range(ROUNDS):
            for case in cases:
                seconds[case].append(_user_seconds(case, compiled))
    console = Console(highlight=False)
    table = Table("python", "user CPU, s", title="A start, at its quickest")
    for case in cases:
        table.add_row(" ".join(case), f"{min(seconds[case]):.3f}")
    console.print(table)
    missed = False
    for case, needs, bar in ((SETTINGS, SETTINGS_NEED, SETTINGS_BAR), (HELP, HELP_NEEDS, HELP_BAR)):
        ratio = min(seconds[case]) / min(seconds[needs])
        missed = missed or ratio >= bar
        told = f"{case[-1]}: {ratio:.2f} times {needs[-1]}, at most {bar:.2f}"
        console.print(f"{'met   ' if ratio < bar else 'MISSED'}  {told}", soft_wrap=True)
    return 1 if missed else 0


def _user_seconds(arguments: Sequence[str], compiled: str) -> float:
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": compiled}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    command = [sys.executable, "-P", *arguments]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before


if __name__ == "__main__":
    sys.exit(main())
