"""The sandbox's stand-in of the plugin has each type, and replaces, checks, tells and reads what the contract says."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox.provider import plan_checks
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


REFUSED: Mapping[str, Mapping[str, list[dict[str, Any]]]] = yaml.safe_load(
    (Path(__file__).parent / "refused_inputs.yaml").read_text()
)


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


def checked_in_the_plan(row: Row, played: Resource) -> Iterator[str]:
    """The inputs that the plugin checks before any call; what stands beside inputs that are not played is none."""
    inputs = played.replaces | played.updates
    for path, text in row.plan_checks.items():
        parts = [part for part in text.split("; ") if "when it is made" not in part]
        others = [re.fullmatch(r"not beside (\w+)", part) for part in parts]
        if path.partition(".")[0] in inputs and any(one is None or one[1] in inputs for one in others):
            yield path


def test_it_refuses_in_the_plan_what_the_plugin_refuses(row: Row, played: Resource) -> None:
    examples = REFUSED.get(row.type, {})
    assert sorted(examples) == sorted(checked_in_the_plan(row, played)), "each check has an example"
    for path, refused in examples.items():
        for inputs in map(spelled_out, refused):
            faults = plan_checks.faults(row.type, inputs, {})
            assert path.partition(".")[0] in faults, inputs


def test_versioning_that_was_on_is_suspended_and_never_disabled() -> None:
    kind = "aws:s3/bucketVersioning:BucketVersioning"
    enabled, disabled = ({"versioningConfiguration": {"status": one}} for one in ("Enabled", "Disabled"))
    assert list(plan_checks.faults(kind, disabled, enabled)) == ["versioningConfiguration"]
    assert plan_checks.faults(kind, disabled, disabled) == plan_checks.faults(kind, disabled, {}) == {}


def spelled_out(value: Any) -> Any:
    """An example with its long texts and lists, which are written as `64*x`."""
    if isinstance(value, dict):
        return {key: spelled_out(one) for key, one in value.items()}
    if isinstance(value, str) and (found := re.search(r"(\d+)\*(x|rules)", value)):
        count = int(found[1])
        return [{}] * count if found[2] == "rules" else value.replace(found[0], "x" * count)
    return [spelled_out(one) for one in value] if isinstance(value, list) else value
