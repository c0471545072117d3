"""`make bench`: every measurement, one after another; exit code 1 where one misses its bar."""

import sys

from tests.bench import iam_snapshots, latency, packaging, preview_comments, previews, start

if __name__ == "__main__":
    measurements = (start.main, packaging.main, preview_comments.main, iam_snapshots.main, latency.main, previews.main)
    sys.exit(max(measure() for measure in measurements))
