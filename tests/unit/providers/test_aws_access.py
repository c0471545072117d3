"""Providers of one process reach AWS through one session: each would assume the roles, and learn the limits, anew."""

import pytest
from pulumi.dynamic import Config, ConfigureRequest

from components.providers.domain_tag import DomainTagProvider
from components.providers.repository_name import RepositoryNameProvider

REGION = "eu-west-1"
CONFIGURATION = {"aws:region": REGION, "aws:accessKey": "one", "aws:secretKey": "secret"}
Kind = type[DomainTagProvider] | type[RepositoryNameProvider]


def configured(kind: Kind, **changes: str) -> DomainTagProvider | RepositoryNameProvider:
    """A provider, as the process of dynamic providers makes it."""
    made = kind()
    changed = {f"aws:{key}": value for key, value in changes.items()}
    made.configure(ConfigureRequest(Config({**CONFIGURATION, **changed}, "sm-mlops")))
    return made


def test_providers_share_a_client_where_they_are_configured_alike() -> None:
    first = configured(DomainTagProvider)
    assert configured(RepositoryNameProvider).client("sts", REGION) is first.client("sts", REGION)


@pytest.mark.parametrize("key", ["accessKey", "secretKey", "token"])
def test_no_client_calls_as_somebody_else(key: str) -> None:
    first, other = configured(DomainTagProvider), configured(DomainTagProvider, **{key: "another"})
    assert other.client("sts", REGION) is not first.client("sts", REGION)
