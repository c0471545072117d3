"""Run one invocation of a Python function: `invoke.py CODE_FOLDER HANDLER RESULT_FILE < event`.

The result's file holds what the handler returns, or its error in the form of Lambda, and then the exit code is 1.
"""

import importlib
import json
import os
import sys
import time
import traceback
import uuid
from pathlib import Path
from typing import Any

LONGEST_SLEEP = 0.05
"""Nothing in the emulated AWS takes time, so a function that waits for something has waited long enough by then."""


class Context:
    """What Lambda tells a function about its invocation."""

    def __init__(self) -> None:
        self.aws_request_id = str(uuid.uuid4())
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = "$LATEST"
        self.invoked_function_arn = os.environ["SANDBOX_FUNCTION_ARN"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self._deadline = time.monotonic() + float(os.environ["SANDBOX_SECONDS"])

    def get_remaining_time_in_millis(self) -> int:
        """Return what is left of the invocation's time."""
        return max(0, int((self._deadline - time.monotonic()) * 1000))


def main() -> int:
    """Invoke the handler once."""
    folder, handler, result = sys.argv[1:]
    sleep = time.sleep
    time.sleep = lambda seconds: sleep(min(float(seconds), LONGEST_SLEEP))
    sys.path.insert(0, folder)
    module, _, name = handler.rpartition(".")
    answer: Any
    try:
        function = getattr(importlib.import_module(module.replace("/", ".")), name)
        answer, code = function(json.load(sys.stdin), Context()), 0
        text = json.dumps(answer)
    except Exception as error:  # whatever the function raises is its answer
        traceback.print_exc()
        text, code = json.dumps({"errorMessage": str(error), "errorType": type(error).__name__}), 1
    Path(result).write_text(text)
    return code


if __name__ == "__main__":
    sys.exit(main())
