"""A repository's name stays: the plugin would rename it in place, and the next refresh would lose it."""

import pytest

from components.providers.repository_name import RepositoryNameProvider
from tests.contract.rows import rows
from tests.support.recording import Recording

OLD: dict[str, str | bool] = {"region": "us-east-2", "repository": "sm-mlops-dev", "retained": True}


def refusals(olds: dict[str, str | bool], news: dict[str, str | bool]) -> list[str]:
    return [failure.reason for failure in RepositoryNameProvider().check(olds, news).failures]


@pytest.mark.parametrize("change", [{"repository": "platform"}, {"region": "eu-west-1"}])
def test_another_repository_is_refused_with_what_to_do(change: dict[str, str]) -> None:
    (reason,) = refusals(OLD, {**OLD, **change})
    assert "sm-mlops-dev in us-east-2" in reason
    assert f"{ {**OLD, **change}['repository'] } in { {**OLD, **change}['region'] }" in reason
    assert "docs/renaming.md" in reason
    assert "retain" not in reason


def test_where_the_old_one_would_be_deleted_the_refusal_says_so() -> None:
    (reason,) = refusals({**OLD, "retained": False}, {**OLD, "repository": "platform"})
    assert "set sm-mlops:protection.retain to true and run `pulumi up`" in reason
    assert refusals({**OLD, "retained": False}, OLD) == []


def test_the_first_one_and_the_same_one_are_none_of_its_business() -> None:
    assert refusals({}, OLD) == []
    assert refusals({**OLD, "__provider": "an older release's"}, OLD) == []


def test_the_repository_waits_for_it(dev: Recording) -> None:
    """Else the plugin would have renamed it by the time that the name is refused."""
    (guard,) = dev.of_type("pulumi-python:dynamic/codecommit:RepositoryName")
    repository = dev.named("source-repository")
    assert guard.inputs["region"] == OLD["region"]
    assert guard.inputs["repository"] == repository.inputs["repositoryName"]
    assert guard.inputs["retained"] == repository.request.retainOnDelete
    assert guard.name in repository.depends_on


def test_what_the_plugin_would_rename_and_lose_is_replaced(dev: Recording) -> None:
    for kind in ("aws:codecommit/repository:Repository", "aws:codecommit/approvalRuleTemplate:ApprovalRuleTemplate"):
        (resource,) = dev.of_type(kind)
        assert list(resource.request.replaceOnChanges) == list(rows()[kind].id_changes_with)
