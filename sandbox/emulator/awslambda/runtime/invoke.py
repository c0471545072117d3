"""One invocation of a Python function, in a process of its own."""

import importlib
import json
import multiprocessing
import os
import sys
import time
import traceback
import uuid
from collections.abc import Mapping
from pathlib import Path

_CHECKOUT = str(Path(__file__).parents[4])
"""What is there is none of the function's business."""
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


def invoke(folder: Path, handler: str, event: object, environment: Mapping[str, str]) -> None:
    """Invoke the handler of the code in `folder/code` once; the process is the function's from here on.

    `folder/answer` or, where it fails, `folder/error` becomes what Lambda answers, `folder/printed` what it prints.
    """
    with (folder / "printed").open("wb") as printed:
        for stream in (sys.stdout, sys.stderr):
            os.dup2(printed.fileno(), stream.fileno())
    # A daemon may start no processes, and a function may.
    multiprocessing.current_process().daemon = False
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder / "code")
    sys.path[:] = [str(folder / "code"), *(place for place in sys.path if place not in ("", _CHECKOUT))]
    sleep = time.sleep
    time.sleep = lambda seconds: sleep(min(float(seconds), LONGEST_SLEEP))
    module, _, name = handler.rpartition(".")
    try:
        function = getattr(importlib.import_module(module.replace("/", ".")), name)
        (folder / "answer").write_text(json.dumps(function(event, Context())))
    except Exception as error:  # whatever the function raises is its answer
        traceback.print_exc()
        (folder / "error").write_text(json.dumps({"errorMessage": str(error), "errorType": type(error).__name__}))
