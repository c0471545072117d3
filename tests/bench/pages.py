"""What the page of a large company costs: 500 projects, 50 products, 16 regions, without what AWS takes to answer."""

import statistics
import time

from rich.console import Console

from tests.bench.figures import spread
from tests.tools import report_samples
from tools.report import page

ROUNDS = 5
SECONDS_BAR = 2.0
"""The most that rendering may take of the processor."""
MEGABYTES_BAR = 5.0
"""The most that the page may weigh."""


def main() -> int:
    """Measure, print, and return 1 where a bar is missed."""
    console, report = Console(highlight=False), report_samples.large()
    seconds, size = [], 0.0
    for _ in range(ROUNDS):
        started = time.process_time()
        size = len(page.render(report).encode()) / 1e6
        seconds.append(time.process_time() - started)
    console.print(f"the page of 500 projects: {spread(seconds)} s of the processor, {size:.1f} MB")
    verdicts = {
        f"it takes under {SECONDS_BAR:g} s": statistics.median(seconds) < SECONDS_BAR,
        f"and weighs under {MEGABYTES_BAR:g} MB": size < MEGABYTES_BAR,
    }
    for bar, met in verdicts.items():
        console.print(f"{'met   ' if met else 'MISSED'}  {bar}")
    return 0 if all(verdicts.values()) else 1


if __name__ == "__main__":
    raise SystemExit(main())
