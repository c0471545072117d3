"""A function that answers CloudFormation, which stands as text in a product's template, made callable."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from types import ModuleType, SimpleNamespace
from typing import Any, Final, NamedTuple

import boto3
import moto  # noqa: F401 - it does not see the clients of sessions from before its import
import pytest

from components.packaging import seed_code

REGION: Final = "eu-west-1"


class Answer(NamedTuple):
    """What CloudFormation is told."""

    status: str
    physical_id: str
    reason: str | None


DONE = Answer("SUCCESS", "clean-up", None)


class CleanUp:
    """The function and what it answers."""

    def __init__(self, product: str, named: str, answers: list[Answer]) -> None:
        self._answers = answers
        self.module: Any = ModuleType("index")
        exec(compile(code_of(product, named), "index.py", "exec"), self.module.__dict__)  # noqa: S102 - our own code
        self.module.__dict__["time"] = SimpleNamespace(sleep=lambda _seconds: None)

    def call(self, kind: str, properties: dict[str, Any], milliseconds: Callable[[], int] = lambda: 900_000) -> Answer:
        """The answer to a request of CloudFormation; `milliseconds` is the time that is left at each look."""
        context = SimpleNamespace(get_remaining_time_in_millis=milliseconds)
        self.module.handler({"RequestType": kind, "ResourceProperties": properties}, context)
        (answer,) = self._answers
        self._answers.clear()
        return answer


def code_of(product: str, named: str = "clean_up_") -> str:
    """The function's text, by how the name of its file begins."""
    (code,) = [code for path, code in seed_code.product(product).functions.items() if f"/{named}" in path]
    return code


@contextmanager
def loaded(product: str, named: str = "clean_up_") -> Iterator[CleanUp]:
    """The function of a product, with a `cfnresponse` that keeps the answer and credentials that open nothing."""
    answers: list[Answer] = []

    def send(
        _event: object,
        _context: object,
        status: str,
        _data: object,
        physical_id: str,
        noEcho: bool = False,  # noqa: ARG001 - cfnresponse's own name
        reason: str | None = None,
    ) -> None:
        answers.append(Answer(status, physical_id, reason))

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "cfnresponse", SimpleNamespace(SUCCESS="SUCCESS", FAILED="FAILED", send=send))
        patch.setattr(boto3, "DEFAULT_SESSION", _session())
        yield CleanUp(product, named, answers)


@cache
def _session() -> boto3.Session:
    """One session for all functions: what a session reads of AWS's services takes longer than the tests."""
    return boto3.Session("testing", "testing", region_name=REGION)
