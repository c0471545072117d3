"""`make bench`: every measurement, one after another; exit code 1 where one misses its bar."""

import sys

from tests.bench import iam_snapshots, latency, packaging, previews

if __name__ == "__main__":
    sys.exit(max(measure() for measure in (packaging.main, iam_snapshots.main, latency.main, previews.main)))
