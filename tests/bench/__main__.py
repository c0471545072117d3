"""`make bench`: every measurement, one after another; exit code 1 where one misses its bar."""

import sys

from tests.bench import latency, packaging, previews

if __name__ == "__main__":
    sys.exit(max(measure() for measure in (packaging.main, latency.main, previews.main)))
