"""Errors that a person reads: no traceback, one message that says what to do next."""

from botocore.exceptions import BotoCoreError, ClientError


class UserError(Exception):
    """Something that the person who runs the pipeline can put right; the text is the whole message."""


def error_code(error: ClientError) -> str:
    """The AWS error code, for example `ThrottlingException`; empty when AWS gave none."""
    return str(error.response.get("Error", {}).get("Code", ""))


def error_text(error: ClientError) -> str:
    """AWS's own sentence about the failure."""
    return str(error.response.get("Error", {}).get("Message", ""))


def explain(error: ClientError | BotoCoreError) -> str:
    """One sentence about a failed AWS call, with the call, the reason and the next step."""
    if isinstance(error, BotoCoreError):
        return f"AWS could not be reached: {error}. Check the network (VPC endpoints, proxy) and run again."
    call, code = error.operation_name, error_code(error)
    message = f"{call} failed with {code}: {error_text(error)}"
    if "AccessDenied" in code:
        return f"{message}. Allow {call} in the role that runs this step, then run it again."
    if "Throttl" in code or code == "TooManyRequestsException":
        return f"{message}. AWS refused the call after every retry because of its rate: run the stage again."
    return message
