"""The emulated AWS as handlers see it: clients by region, and who the account is."""

import ipaddress
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from awsmodel.regions import known_regions
from sandbox.signatures import NAMED

# A stand-in has no reason to wait: the emulator is on this machine and does not throttle.
CONFIG = Config(
    retries={"total_max_attempts": 1},
    s3={"addressing_style": "path"},
    proxies={},
    max_pool_connections=32,
    connect_timeout=10,
    read_timeout=60,
    signature_version=NAMED,
    # Nobody reads it, and botocore would put it together for each call: a fifth of its work.
    user_agent="sandbox",
)


Client: TypeAlias = Any
"""A botocore client: made at run time from the service's description, so without a static type."""


class EndpointError(Exception):
    """There is no emulated AWS to talk to, or it is not on this machine."""


def loopback_endpoint(environment: Mapping[str, str]) -> str:
    """Return AWS_ENDPOINT_URL when it is an address of this machine; else an `EndpointError`."""
    endpoint = environment.get("AWS_ENDPOINT_URL", "")
    if not _is_loopback(urlsplit(endpoint).hostname or ""):
        raise EndpointError(
            f"AWS_ENDPOINT_URL is {endpoint!r}, which is not a loopback address such as http://127.0.0.1:5000. "
            "This stand-in works on the emulated AWS alone and never touches a real account. Start it through "
            "`./sandbox/run`, or use the official AWS plugin for a real account."
        )
    return endpoint


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass
class Connections:
    """Clients of one endpoint, made once per service and region; safe to share between threads."""

    endpoint: str
    _clients: dict[tuple[str, str], Client] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @cached_property
    def _session(self) -> boto3.session.Session:
        # Keys are given here so that botocore never looks for others: profiles, metadata, the environment.
        return boto3.session.Session(
            aws_access_key_id=os.environ.get("AWS_ACCESS_KEY_ID", "sandbox"),
            aws_secret_access_key=os.environ.get("AWS_SECRET_ACCESS_KEY", "sandbox"),
        )

    def client(self, service: str, region: str) -> Client:
        """Return the client of a service in a region."""
        with self._lock:
            if (service, region) not in self._clients:
                client = self._session.client(  # type: ignore[call-overload]
                    service, region_name=region, endpoint_url=self.endpoint, config=CONFIG
                )
                client.meta.events.register("after-call", _region_marker(region))
                self._clients[service, region] = client
            return self._clients[service, region]


def _region_marker(region: str) -> Callable[..., None]:
    """Return a hook that writes the region into each answer: botocore's errors do not tell it."""

    def mark(parsed: dict[str, Any], **_: object) -> None:
        parsed.setdefault("ResponseMetadata", {})["Region"] = region

    return mark


def region_of(error: ClientError) -> str:
    """Return the region of the call that failed."""
    return str(error.response["ResponseMetadata"].get("Region"))


@dataclass(frozen=True)
class Aws:
    """One region of the account."""

    connections: Connections
    region: str
    account: str

    def client(self, service: str, region: str | None = None) -> Client:
        """Return the client of a service, here or in another region."""
        return self.connections.client(service, region or self.region)

    @cached_property
    def partition(self) -> str:
        """The partition of the region, e.g. `aws` or `aws-cn`."""
        return known_regions()[self.region].partition

    @property
    def dns_suffix(self) -> str:
        """The domain of the region's services, e.g. `amazonaws.com`."""
        return known_regions()[self.region].dns_suffix

    def arn(self, service: str, resource: str) -> str:
        """Return the ARN of a resource of this account and region."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"
