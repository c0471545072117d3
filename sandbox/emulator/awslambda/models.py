"""AWS Lambda: Python functions run in a process of their own, where moto asks for docker."""

import io
import json
import multiprocessing
import os
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from moto.awslambda.models import LambdaFunction

from sandbox.emulator.awslambda.runtime.invoke import invoke
from sandbox.emulator.core import callers
from sandbox.emulator.core.callers import Caller, RoleError
from sandbox.emulator.core.extension import replaces
from sandbox.emulator.core.not_known import not_known

_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload([f"{__package__}.runtime.imported"])
MAX_SECONDS = 60
"""No invocation takes longer, whatever its function's timeout, which the function is told: nothing here takes time."""

LOG_STREAM = "sandbox"
_KEPT = ("PATH", "LANG", "TMPDIR")


@replaces(LambdaFunction)
def _invoke_lambda(self: LambdaFunction, event: str | None = None) -> tuple[str, bool, str]:
    """Run the function once: its answer, whether it failed, and what it printed."""
    if not str(self.run_time).startswith("python"):
        return (
            _error("Runtime.Unsupported", not_known(f"the runtime {self.run_time}; it runs Python functions")),
            True,
            "",
        )
    try:
        caller = callers.current().assume(self.role, "lambda.amazonaws.com", self.function_name)
    except RoleError as error:
        return _error("AccessDeniedException", str(error)), True, ""
    seconds = min(int(self.timeout), MAX_SECONDS)
    with tempfile.TemporaryDirectory(prefix="sm-mlops-lambda-") as name:
        folder = Path(name)
        with zipfile.ZipFile(io.BytesIO(self.code_bytes)) as package:
            package.extractall(folder / "code")
        given: tuple[object, ...] = (folder, str(self.handler), event or {}, _environment(self, caller))
        # As a daemon it does not outlive the emulator.
        process = _PROCESSES.Process(target=invoke, args=given, daemon=True)
        process.start()
        process.join(seconds)
        if process.is_alive():
            process.kill()
            process.join()
            return _error("Sandbox.Timedout", f"Task timed out after {seconds:.2f} seconds"), True, ""
        printed = (folder / "printed").read_text(errors="replace")
        # Not the exit code, which another thread may have read.
        failed = not (folder / "answer").exists()
        said = folder / ("error" if failed else "answer")
        answer = said.read_text() if said.exists() else _error("Runtime.ExitError", printed)
    self.logs_backend.ensure_log_group(self.logs_group_name)
    self.save_logs(printed)
    return answer, failed, printed


def _environment(function: LambdaFunction, caller: Caller) -> dict[str, str]:
    return {
        **{name: os.environ[name] for name in _KEPT if name in os.environ},
        **{name: str(value) for name, value in function.environment_vars.items()},
        "AWS_ACCESS_KEY_ID": caller.access_key,
        "AWS_SECRET_ACCESS_KEY": "sandbox",
        "AWS_DEFAULT_REGION": function.region,
        "AWS_REGION": function.region,
        "AWS_ENDPOINT_URL": caller.endpoint,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_LAMBDA_FUNCTION_NAME": function.function_name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_size),
        "AWS_LAMBDA_LOG_GROUP_NAME": function.logs_group_name,
        "AWS_LAMBDA_LOG_STREAM_NAME": LOG_STREAM,
        "NO_PROXY": "127.0.0.1",
        "SANDBOX_FUNCTION_ARN": function.function_arn,
        "SANDBOX_SECONDS": str(function.timeout),
    }


def _error(kind: str, message: str) -> str:
    answer: dict[str, Any] = {"errorMessage": message, "errorType": kind}
    return json.dumps(answer)
