"""How a job ends when its input is wrong: one sentence where SageMaker and Studio show it, and no traceback."""

import sys
from collections.abc import Callable
from pathlib import Path

from abalone.schema import DataError

PROCESSING_MESSAGE_FILE = Path("/opt/ml/output/message")
"""What a processing job leaves here becomes its exit message."""

TRAINING_FAILURE_FILE = Path("/opt/ml/output/failure")
"""What a training job leaves here becomes its failure reason."""

LONGEST_MESSAGE = 1024
"""SageMaker cuts a longer reason."""


def run(script: str, work: Callable[[], None], message_file: Path) -> int:
    """Do the work; return 0, or 1 after reporting a `DataError`. Other errors are bugs and keep their traceback."""
    try:
        work()
    except DataError as error:
        message = f"{script}: {error}"
        print(f"error: {message}", file=sys.stderr)
        if message_file.parent.is_dir():
            message_file.write_text(message[:LONGEST_MESSAGE], encoding="utf-8")
        return 1
    return 0
