"""How dynamic providers reach AWS: as the stack's `aws:` configuration says, like the AWS plugin itself."""

import json
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from threading import RLock
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi.dynamic import ConfigureRequest, ResourceProvider

from components.core.faults import UserError

if TYPE_CHECKING:
    import boto3

SESSION_NAME = "sm-mlops"
"""Name of the session in an assumed role, as CloudTrail shows it, where the configuration gives none."""

KEYS = ("profile", "accessKey", "secretKey", "token", "region", "assumeRoles", "allowedAccountIds", "endpoints")
"""Keys of the configuration that say how AWS is reached."""

DENIED = ("403", "AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation")
"""Error codes of AWS that mean a missing permission; S3 tells a number where an answer has no body."""

_MAKING = RLock()


class AwsError(UserError):
    """A call to AWS failed; the message says which, where, and what to do."""


@dataclass(frozen=True)
class AwsAccess:
    """The `aws:` configuration that decides who calls AWS, and where."""

    values: Mapping[str, Any]
    """The configuration by key without its namespace; lists and mappings as JSON text."""
    patience: Mapping[str, Any] = field(default_factory=lambda: {"retries": {"mode": "adaptive", "max_attempts": 10}})
    """botocore's settings of how long a call is waited for, and tried again."""

    @cached_property
    def _session(self) -> "boto3.Session":
        # Imported here, in the provider's own process: a preview that calls nothing need not wait for it.
        import boto3  # noqa: PLC0415

        session = boto3.Session(
            profile_name=self.values.get("profile"),
            aws_access_key_id=self.values.get("accessKey"),
            aws_secret_access_key=self.values.get("secretKey"),
            aws_session_token=self.values.get("token"),
        )
        # What a role gives ends after an hour, and nothing renews it here: a deployment takes minutes.
        for role in self._list("assumeRoles"):
            optional = {"ExternalId": role["externalId"]} if "externalId" in role else {}
            credentials = session.client("sts", region_name=self.values.get("region")).assume_role(
                RoleArn=role["roleArn"], RoleSessionName=role.get("sessionName", SESSION_NAME), **optional
            )["Credentials"]
            session = boto3.Session(
                aws_access_key_id=credentials["AccessKeyId"],
                aws_secret_access_key=credentials["SecretAccessKey"],
                aws_session_token=credentials["SessionToken"],
            )
        allowed = self._list("allowedAccountIds")
        if allowed:
            account = session.client("sts", region_name=self.values.get("region")).get_caller_identity()["Account"]
            if account not in allowed:
                raise AwsError(f"the credentials are of account {account}; aws:allowedAccountIds names {allowed}")
        return session

    @cached_property
    def _clients(self) -> dict[tuple[str, str], Any]:
        return {}

    def client(self, service: str, region: str) -> Any:  # noqa: ANN401 - botocore makes the class at run time
        """Return a client that waits and tries again when AWS throttles or stumbles.

        It is the same one each time: what it has learnt of AWS's limits holds for the next call, too.
        """
        from botocore.config import Config as ClientConfig  # noqa: PLC0415

        # The engine calls a provider from several threads; clients may be shared by them, but not made by them at once.
        with _MAKING:
            if (service, region) not in self._clients:
                endpoints = {key: url for entry in self._list("endpoints") for key, url in entry.items()}
                self._clients[service, region] = self._session.client(  # type: ignore[call-overload]
                    service,
                    region_name=region,
                    endpoint_url=endpoints.get(service),
                    config=ClientConfig(**self.patience),
                )
            return self._clients[service, region]

    def acting_as(self, role_arn: str) -> "AwsAccess":
        """The same, acting as a role from there on; its session ends after an hour at most."""
        roles = [*self._list("assumeRoles"), {"roleArn": role_arn}]
        return replace(self, values={**self.values, "assumeRoles": roles})

    def _list(self, key: str) -> list[Any]:
        value = self.values.get(key) or []
        loaded: list[Any] = json.loads(value) if isinstance(value, str) else value
        return loaded


@cache
def _shared(*values: str | None) -> AwsAccess:
    """The access that all providers of this process share: each session reads botocore's data anew."""
    return AwsAccess(dict(zip(KEYS, values, strict=True)))


def configured_access() -> AwsAccess:
    """How the program itself reaches AWS: by the stack's `aws:` configuration, as the AWS plugin does."""
    config = pulumi.Config("aws")
    return AwsAccess({key: config.get(key) for key in KEYS})


def told() -> str:
    """Tell the failure that is being handled as people see it: what AWS or a provider refuses is its message."""
    failure = sys.exc_info()[1]
    return str(failure) if isinstance(failure, AwsError) else traceback.format_exc()


def tell_refusals_plainly() -> None:
    """Let this process, if it is the one that runs dynamic providers, send messages of refusals without a traceback.

    Pulumi sends the engine `traceback.format_exc()` of whatever a provider raises, and has no way to raise anything
    that is told otherwise. The name is replaced where that module looks it up, and nowhere else; a Pulumi that does
    not look there shows tracebacks again, and `tests/engine` finds that out.
    """
    main = sys.modules["__main__"]
    if getattr(getattr(main, "__spec__", None), "name", "") == "pulumi.dynamic.__main__":
        main.traceback = SimpleNamespace(format_exc=told)  # type: ignore[attr-defined] # the module's own import


class AwsResourceProvider(ResourceProvider):
    """A dynamic provider that calls AWS."""

    # No secret is captured, and a diff that shows this as one would hide the rest.
    serialize_as_secret_always = False

    def configure(self, req: ConfigureRequest) -> None:
        """Take over the stack's `aws:` configuration; once per process, never stored."""
        self._access = _shared(*(req.config.get(f"aws:{key}") for key in KEYS))
        tell_refusals_plainly()

    def client(self, service: str, region: str) -> Any:  # noqa: ANN401 - botocore makes the class at run time
        """Return a client as the stack's configuration demands."""
        return self._access.client(service, region)


PERMISSIONS = {"GetBucketCors": "GetBucketCORS", "HeadBucket": "ListBucket", "ListObjectsV2": "ListBucket"}
"""IAM actions that are not named like the operation that needs them."""

PREFIXES = {"mwaa-serverless": "airflow-serverless", "service-quotas": "servicequotas", "stepfunctions": "states"}
"""Prefixes of IAM actions that are not botocore's name of the service."""


@contextmanager
def explained(subject: str, service: str | Sequence[str], region: str) -> Iterator[None]:
    """Turn a failure of AWS into a sentence that names the subject, the call, the region and a missing permission.

    Args:
        subject: what is being done, and to what.
        service: prefix of the service's IAM actions; several where calls go to several services.
        region: where.
    """
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

    try:
        yield
    except ClientError as error:
        code, message = error.response["Error"]["Code"], error.response["Error"]["Message"]
        hint = f" Grant {action_of(service, error.operation_name)} to whoever deploys." if code in DENIED else ""
        raise AwsError(f"{subject} in {region}: {error.operation_name} failed: {code}: {message}.{hint}") from error
    except BotoCoreError as error:
        raise AwsError(f"{subject} in {region}: {error}") from error


@cache
def _operations(service: str) -> frozenset[str]:
    """Operations of a service; a model takes a tenth of a second to read, and one run may be refused many calls."""
    from botocore.session import get_session  # noqa: PLC0415

    return frozenset(get_session().get_service_model(service).operation_names)


def action_of(services: str | Sequence[str], operation: str) -> str:
    """Return the IAM action that a call needs, by botocore's names of services and of the operation.

    An error of botocore names the operation only; the models tell whose it is.
    """
    if not isinstance(services, str):
        services = next((name for name in services if operation in _operations(name)), services[0])
    return f"{PREFIXES.get(services, services)}:{PERMISSIONS.get(operation, operation)}"
