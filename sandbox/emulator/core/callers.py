"""Who asks the emulated AWS for something, and the emulated services' own requests on behalf of a role.

A service that does something for its caller - CloudFormation for a role, say - does it through the emulator's own
address, as that role. So each of its calls is one that AWS would see too: botocore checks its shape, and the role's
policies judge it.
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import lru_cache, wraps
from typing import Any, TypeVar

import botocore.session
from botocore.config import Config
from botocore.model import OperationModel
from moto.core.responses import BaseResponse
from moto.iam.exceptions import NotFoundException
from moto.iam.models import iam_backends
from moto.sts.models import sts_backends
from moto.utilities.utils import get_partition

from sandbox.emulator.core import authorization
from sandbox.signatures import NAMED

LAUNCHING, STACK, STATES, CONTROLLER = (
    "servicecatalog",
    "AWSCloudFormation",
    "StepFunctions",
    "ack-sagemaker-controller",
)
"""Names of the sessions in which Service Catalog works with a launch role, CloudFormation with a stack's role, Step
Functions with that of a state machine, and a controller in a cluster with its own."""

# One request of ours may wait for another service's whole work, and is never worth a second try.
R = TypeVar("R", bound=BaseResponse)
A = TypeVar("A")
Client = Any
"""A client of botocore, which makes them at run time."""

_CONFIG = Config(
    read_timeout=900,
    retries={"total_max_attempts": 1},
    proxies={},
    signature_version=NAMED,
    # Nobody reads it, and botocore would put it together for each call.
    user_agent="sandbox",
)
_SECRET = "sandbox"  # noqa: S105 - signatures are not judged
_SESSION = botocore.session.Session()
_SESSION_LOCK = threading.Lock()


class RoleError(Exception):
    """A service cannot assume a role; the text says why."""


@dataclass(frozen=True, kw_only=True)
class Caller:
    """A principal, and where it talks to the emulator."""

    endpoint: str
    region: str
    account: str
    access_key: str
    principal: str
    """ARN of the user, of the role (not of its session) or of the account's root."""
    session: str = ""
    """Name of the role's session; empty where the principal is no role."""

    @classmethod
    def of(cls, response: BaseResponse) -> "Caller":
        """Return who sent the request that `response` answers; unknown keys are the account's root."""
        access_key = response.access_key
        principal, session = _identify(access_key, response.current_account, response.partition)
        return cls(
            endpoint=f"http://{response.headers['Host']}",
            region=response.region,
            account=response.current_account,
            access_key=access_key,
            principal=principal,
            session=session,
        )

    @classmethod
    def on_server(cls, endpoint: str, region: str, account: str) -> "Caller":
        """Return the account's root for what is no request of the API, such as a `git push`."""
        root = f"arn:{get_partition(region)}:iam::{account}:root"
        return cls(endpoint=endpoint, region=region, account=account, access_key=_SECRET, principal=root)

    @classmethod
    def with_key(cls, endpoint: str, region: str, account: str, access_key: str) -> "Caller":
        """Return who has an access key, for what is no request of the API."""
        principal, session = _identify(access_key, account, get_partition(region))
        return cls(
            endpoint=endpoint,
            region=region,
            account=account,
            access_key=access_key,
            principal=principal,
            session=session,
        )

    @property
    def partition(self) -> str:
        """The partition of the caller's region."""
        return get_partition(self.region)

    def client(self, service: str) -> Client:
        """Return a client with which the emulator is asked as this caller."""
        return _client(service, self)

    @property
    def is_judged(self) -> bool:
        """Whether each call is judged by the policies of the role: of those that services work with call by call."""
        return self.session in (LAUNCHING, STACK, STATES, CONTROLLER)

    def judge(self, service: str, operation: str, **parameters: object) -> None:
        """Refuse what the role may not do, for a call that the emulator makes in another way.

        Raises:
            ClientError: in the words of AWS.

        """
        if self.is_judged:
            _judge(self, _client(service, self).meta.service_model.operation_model(operation), parameters)

    def assume(
        self,
        role_arn: str,
        service: str,
        session: str,
        source: str = "",
        tags: Mapping[str, str] | None = None,
    ) -> "Caller":
        """Return the role as `service`, e.g. `cloudformation.amazonaws.com`, assumes it for this caller.

        Where `source` names the resource that the service works for, the conditions of the trust are judged as well,
        and with the session's `tags` whether it may be tagged.
        Instead of a service a role may assume another one: then `service` is its ARN.

        Raises:
            RoleError: there is no such role, or it does not trust the service.

        """
        account = role_arn.split(":")[4] if role_arn.count(":") > 4 else self.account
        try:
            role = iam_backends[account][self.partition].get_role_by_arn(role_arn)
        except NotFoundException:
            raise RoleError(f"There is no role {role_arn}.") from None
        context = {"aws:SourceAccount": self.account, "aws:SourceArn": source} if source else None
        if context and tags:
            context |= {f"aws:RequestTag/{key}": value for key, value in tags.items()}
        for action in ("sts:AssumeRole", *(["sts:TagSession"] if tags else [])):
            if not authorization.trusts(role.assume_role_policy_document, service, context, action=action):
                raise RoleError(f"{service} is not authorized to perform {action} on {role_arn}.")
        sessions = sts_backends[account][self.partition].assumed_roles
        credentials = next((one for one in sessions if (one.role_arn, one.session_name) == (role_arn, session)), None)
        # A new session would have keys, and so clients, of its own, which take longer to make than to use.
        credentials = credentials or sts_backends[self.account][self.partition].assume_role(
            region_name=self.region,
            role_session_name=session,
            role_arn=role_arn,
            policy="",
            duration=3600,
            external_id="",
        )
        return replace(self, account=account, access_key=credentials.access_key_id, principal=role_arn, session=session)

    def root(self) -> "Caller":
        """Return the account's root, as which the emulated services speak among themselves."""
        return Caller.on_server(self.endpoint, self.region, self.account)

    def in_region(self, region: str) -> "Caller":
        """Return the same principal as it talks to another region."""
        return replace(self, region=region)

    def require(self, action: str, resource: str, **context: str | Sequence[str]) -> None:
        """See to it that a role may do something; nobody else is judged.

        `context` gives the condition keys of the request; `__` stands for their colon.

        Raises:
            RoleError: its policies, or its boundary, do not allow it.

        """
        keys = {key.replace("__", ":"): value for key, value in context.items()}
        # All that roles reach here is their own account's.
        keys.setdefault("aws:ResourceAccount", self.account)
        if self.session and not authorization.allows(self.principal, action, resource, keys):
            raise RoleError(f"{self.principal} is not authorized to perform: {action} on resource: {resource}")


_current: ContextVar[Caller] = ContextVar("caller")


@contextmanager
def calling(asked: BaseResponse | Caller) -> Iterator[Caller]:
    """Remember the caller, or who sent a request, for the backends that work for it."""
    caller = asked if isinstance(asked, Caller) else Caller.of(asked)
    token = _current.set(caller)
    try:
        yield caller
    finally:
        _current.reset(token)


def remembered(operation: Callable[[R], A]) -> Callable[[R], A]:
    """Return one of moto's operations that remembers who asks."""

    @wraps(operation)
    def answer(response: R) -> A:
        with calling(response):
            return operation(response)

    return answer


def current() -> Caller:
    """Return the caller of the request that is worked on."""
    return _current.get()


def _identify(access_key: str, account: str, partition: str) -> tuple[str, str]:
    role = sts_backends[account][partition].get_assumed_role_from_access_key(access_key)
    if role:
        return role.role_arn, role.session_name
    user = iam_backends[account][partition].get_user_from_access_key_id(access_key)
    return (user.arn if user else f"arn:{partition}:iam::{account}:root"), ""


@lru_cache(maxsize=128)
def _client(service: str, caller: Caller) -> Client:
    with _SESSION_LOCK:
        client = _SESSION.create_client(
            service,
            region_name=caller.region,
            endpoint_url=caller.endpoint,
            aws_access_key_id=caller.access_key,
            aws_secret_access_key=_SECRET,
            config=_CONFIG,
        )
    if caller.is_judged:
        client.meta.events.register("before-parameter-build", lambda params, model, **_: _judge(caller, model, params))
    return client


def _judge(caller: Caller, model: OperationModel, parameters: Mapping[str, object]) -> None:
    def tags_of(bucket: str, key: str) -> dict[str, str]:
        found = _client("s3", replace(caller, session="")).get_object_tagging(Bucket=bucket, Key=key)["TagSet"]
        return {tag["Key"]: tag["Value"] for tag in found}

    authorization.judge(
        model,
        parameters,
        role_arn=caller.principal,
        session=caller.session,
        region=caller.region,
        tags_of=tags_of,
    )
