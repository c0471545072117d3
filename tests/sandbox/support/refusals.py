"""What AWS answers when it refuses."""

from collections.abc import Callable

import pytest
from botocore.exceptions import ClientError


def code_of(raised: pytest.ExceptionInfo[ClientError]) -> str:
    """Return the error code of a refusal."""
    return raised.value.response["Error"]["Code"]


def refusal(call: Callable[[], object]) -> tuple[str, str]:
    """Make a call that is refused; the error's code and message."""
    with pytest.raises(ClientError) as raised:
        call()
    return code_of(raised), raised.value.response["Error"]["Message"]
