"""`make bench`: every measurement, one after another; exit code 1 where one misses its bar."""

import sys

from tests.bench import iam_snapshots, latency, packaging, pages, preview_comments, previews, start, training_rows

if __name__ == "__main__":
    documents = (packaging.main, pages.main, preview_comments.main, iam_snapshots.main)
    measurements = (start.main, *documents, latency.main, previews.main, training_rows.main)
    sys.exit(max(measure() for measure in measurements))
