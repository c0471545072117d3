"""AWS played by a Python object, behind real botocore clients.

Requests are checked by botocore as always; answers are checked against the service model, too. So neither a provider
nor a test can use a shape that AWS does not have, and a listing that is not paginated is found out.
"""

from copy import copy
from functools import cache
from types import SimpleNamespace
from typing import Any, Protocol

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.validate import ParamValidator


class KilledError(BaseException):
    """The process ends here, whatever it is doing."""


class Played(Protocol):
    """What plays AWS: one method per operation, named like it."""

    calls: list[str]


class Refused(Exception):  # noqa: N818 - the answer of AWS, not a fault of the test
    """An answer that is an error."""

    def __init__(self, code: str, message: str = "no") -> None:
        super().__init__(code)
        self.code, self.message = code, message


@cache
def _client(service: str, region: str) -> Any:
    """A client that nobody uses: to make one takes longer than a test, to copy it does not."""
    return boto3.client(  # type: ignore[call-overload]
        service,
        region,
        aws_access_key_id="played",
        aws_secret_access_key="played",  # noqa: S106
        # Which nobody reads, and what botocore would put together for each call is a fifth of its work.
        config=Config(user_agent="played"),
    )


class Clients:
    """Gives clients of the played AWS.

    Args:
        played: the state.
        kill_before: number of the call, from 1, that is never made because the process has ended.
        kill_after: number of the call whose answer nobody reads because the process has ended.
    """

    def __init__(self, played: Played, kill_before: int = 0, kill_after: int = 0) -> None:
        self._made: dict[tuple[str, str], Any] = {}
        self.play(played, kill_before, kill_after)

    def play(self, played: Played, kill_before: int = 0, kill_after: int = 0) -> "Clients":
        """Another state behind the same clients, which take longer to make than to use."""
        self._played, self._kill_before, self._kill_after = played, kill_before, kill_after
        self._count = 0
        return self

    def client(self, service: str, region: str) -> Any:
        if (service, region) not in self._made:
            shared = _client(service, region)
            # Not by `copy`, which asks an empty client for attributes that it then looks for without end.
            client = object.__new__(type(shared))
            vars(client).update(vars(shared), meta=copy(shared.meta))
            client.meta.events = copy(shared.meta.events)
            client.meta.events.register("before-parameter-build", self._keep)
            client.meta.events.register("before-call", self._answer)
            self._made[service, region] = client
        return self._made[service, region]

    def _keep(self, params: dict[str, Any], context: dict[str, Any], **_: object) -> None:
        context["arguments"] = dict(params)

    def _answer(self, model: Any, context: dict[str, Any], **_: object) -> tuple[Any, dict[str, Any]]:
        self._count += 1
        if self._count == self._kill_before:
            raise KilledError
        self._played.calls.append(model.name)
        try:
            answer = getattr(self._played, model.name)(**context["arguments"]) or {}
        except Refused as refused:
            if self._count == self._kill_after:
                raise KilledError from None
            raise self._error(refused, model) from None
        if model.output_shape is not None:
            report = ParamValidator().validate(answer, model.output_shape)
            assert not report.has_errors(), f"{model.name}: {report.generate_report()}"
        if self._count == self._kill_after:
            raise KilledError
        return SimpleNamespace(status_code=200), {"ResponseMetadata": {"HTTPStatusCode": 200}, **answer}

    def _error(self, refused: Refused, model: Any) -> ClientError:
        clients = {service: client for (service, _), client in list(self._made.items())}
        service = model.service_model.service_name
        error: type[ClientError] = clients[service].exceptions.from_code(refused.code)
        return error({"Error": {"Code": refused.code, "Message": refused.message}}, model.name)
