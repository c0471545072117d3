"""The sandbox's stand-in of the plugin has each type, and replaces, tells and reads what the contract says."""

from collections.abc import Mapping

import pytest

from sandbox.provider.registry import handler
from sandbox.provider.resource import Resource
from tests.contract.rows import Row, rows

NOT_PLAYED: Mapping[str, frozenset[str]] = {
    "aws:codebuild/project:Project": frozenset({"badgeUrl", "publicProjectAlias"}),
    "aws:s3/bucket:Bucket": frozenset({"hostedZoneId", "websiteDomain", "websiteEndpoint"}),
    "aws:sns/topic:Topic": frozenset({"beginningArchiveTime"}),
    "aws:ssm/parameter:Parameter": frozenset({"hasValueWo"}),
}
"""Outputs of things that the platform has not: badges, websites, archives, values that are only written."""

ALSO_CHOSEN: Mapping[str, frozenset[str]] = {"aws:ssm/parameter:Parameter": frozenset({"arn"})}
"""Outputs that upstream also takes as inputs."""

NEVER_GIVEN: Mapping[str, frozenset[str]] = {"aws:codecommit/repository:Repository": frozenset({"defaultBranch"})}
"""Inputs that upstream reads only where the program gives them, which it does not."""


@pytest.fixture(params=sorted(rows()))
def row(request: pytest.FixtureRequest) -> Row:
    return rows()[request.param]


@pytest.fixture
def played(row: Row) -> Resource:
    return handler(row.type)


def test_it_replaces_what_the_plugin_replaces(row: Row, played: Resource) -> None:
    inputs = played.replaces | played.updates
    assert played.replaces == set(row.replaces) & inputs


def test_it_tells_what_only_aws_says(row: Row, played: Resource) -> None:
    told = (played.computed - ALSO_CHOSEN.get(row.type, frozenset())) | NOT_PLAYED.get(row.type, frozenset())
    assert told == set(row.outputs)


def test_it_reads_no_input_that_the_plugin_does_not_read(row: Row, played: Resource) -> None:
    inputs = played.replaces | played.updates
    assert played.unread - NEVER_GIVEN.get(row.type, frozenset()) == set(row.never_read) & inputs
