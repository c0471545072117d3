"""What a stack under test is like."""

from typing import Any

import pytest

from settings.deployment_options import (
    NO_PROTECTION,
    is_stack_under_test,
    merged,
    settings_under_test,
    stack_name,
    suffix,
)

DEV: dict[str, Any] = {
    "project": "sm-mlops",
    "environment": "dev",
    "artifacts": {"regions": ["us-east-2", "eu-west-1"], "artifactDays": 30},
    "source": {"provider": "CodeCommit", "repository": "platform"},
    "catalog": {"products": ["model-deploy"], "regions": ["us-east-2"]},
    "notifications": {"emails": ["team@example.com"], "detail": "BASIC"},
    "protection": {"protect": True, "retain": True},
    "delivery": {"stacks": []},
    "deploymentTests": {"options": []},
}


def under_test(**changes: Any) -> dict[str, Any]:
    return settings_under_test(DEV, region="eu-west-1", changes=changes, test_suffix="t01234")


def test_a_stack_under_test_is_the_stack_that_tests_in_the_regions_of_the_option() -> None:
    assert under_test() == {
        "project": "sm-mlops-t01234",
        "environment": "dev",
        "artifacts": {"regions": ["eu-west-1"], "artifactDays": 30},
        "source": {"provider": "CodeCommit"},
        "catalog": {"products": ["model-deploy"]},
        "notifications": {"detail": "BASIC"},
        "protection": NO_PROTECTION,
    }


def test_an_option_changes_what_it_names_and_nothing_else() -> None:
    tested = under_test(artifacts={"regions": ["eu-west-1", "eu-west-2"]}, catalog=None, source={"branch": "next"})
    assert tested["artifacts"] == {"regions": ["eu-west-1", "eu-west-2"], "artifactDays": 30}
    assert tested["source"] == {"provider": "CodeCommit", "branch": "next"}
    assert "catalog" not in tested


def test_a_stack_under_test_runs_in_the_vpc_of_its_region_and_in_no_other() -> None:
    networks = {"us-east-2": {"vpcId": "vpc-0a1b2c3d"}, "eu-west-1": {"vpcId": "vpc-2"}}
    values = {**DEV, "network": networks}
    tested = settings_under_test(values, region="eu-west-1", changes={}, test_suffix="t01234")
    assert tested["network"] == {"eu-west-1": {"vpcId": "vpc-2"}}
    given = {"network": {"eu-west-2": {"vpcId": "vpc-3"}}}
    assert settings_under_test(values, region="eu-west-2", changes=given, test_suffix="t01234")["network"] == {
        "eu-west-2": {"vpcId": "vpc-3"}
    }


def test_no_option_can_make_a_stack_that_would_outlive_its_test() -> None:
    assert under_test(protection={"protect": True, "retain": True})["protection"] == NO_PROTECTION


def test_what_a_test_switches_on_for_the_account_it_switches_off_again() -> None:
    asked = {"principals": ["arn:aws:iam:::role/*Scientist*"]}
    assert under_test(projects=asked)["projects"] == {**asked, "disableOnDestroy": True}
    assert "projects" not in under_test()


def test_the_settings_of_the_testing_stack_stay_what_they_are() -> None:
    before = repr(DEV)
    under_test(artifacts={"artifactDays": 1})
    assert repr(DEV) == before


@pytest.mark.parametrize(
    ("base", "changes", "expected"),
    [
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 3}}, {"a": {"b": 3, "c": 2}}),
        ({"a": {"b": 1}}, {"a": [1]}, {"a": [1]}),
        ({"a": [1, 2]}, {"a": {"b": 1}}, {"a": {"b": 1}}),
        ({"a": 1}, {"a": None, "b": None}, {}),
        ({}, {"a": {"b": None, "c": 1}}, {"a": {"c": 1}}),
    ],
)
def test_changes_are_merged_section_by_section(
    base: dict[str, Any], changes: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert merged(base, changes) == expected


def test_each_execution_has_a_name_of_its_own_that_the_sweeper_knows_again() -> None:
    first, second = (stack_name("legacy-names", suffix(execution)) for execution in ("e-1", "e-2"))
    assert first != second
    assert first == stack_name("legacy-names", suffix("e-1"))
    assert all(map(is_stack_under_test, (first, second)))


@pytest.mark.parametrize("name", ["dev", "prod", "test", "test-dev", "test-option-", "testing-a-t01234"])
def test_no_stack_of_people_is_taken_for_one_under_test(name: str) -> None:
    assert not is_stack_under_test(name)


def test_domains_and_keys_of_other_regions_are_not_those_of_the_stack_under_test() -> None:
    catalog = {
        "studioDomains": {"us-east-2": ["d-1"], "eu-west-1": ["d-2"]},
        "projectKeyArns": {"us-east-2": "arn:aws:kms:us-east-2:111122223333:key/1"},
    }
    tested = settings_under_test({**DEV, "catalog": catalog}, region="eu-west-1", changes={}, test_suffix="t01234")
    assert tested["catalog"] == {"studioDomains": {"eu-west-1": ["d-2"]}, "projectKeyArns": {}}
