"""The roles that deliver, preview, examine, watch and test may make each call that the plugin makes for them.

The calls are the contract's, each with the ARN and the tags of a run's resources; the rights are those of a run, too.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import pytest

from awsmodel.iam.evaluation import Request, allowed
from components.delivery.delivery_documents import account_documents, delivery_facts, deploy_role
from settings import NAMESPACE, deployment_options, own_sections, parse
from tests.contract.asked import Asked, Plugin, documents
from tests.contract.policies import CONNECTION, recording, variants
from tests.contract.rows import Operation
from tests.support.delivery_example import TESTS, example_of_tests
from tests.support.recording import ACCOUNT_ID, Recording, run_program
from tests.unit.preflight.test_network_check import PlayedEc2
from tests.unit.preflight.test_network_check import check as look_at_vpc
from tools.check.recording import nothing_looked_up

EVERYTHING: Sequence[Operation] = ("create", "read", "update", "delete")
DELIVERED = ["dev with delivery and tests", "dev from GitHub", "dev from a supplied connection", "dev in a VPC"]


def refused(statements: Sequence[Mapping[str, Any]], asked: Iterator[Asked]) -> list[str]:
    return sorted({str(one) for one in asked if not allowed(statements, one.request)})


@cache
def with_everything(variant: str) -> Recording:
    """A stack with what hangs on settings that the example leaves out."""
    # What tests of options share is what goes with all of them.
    values = {key: value for key, value in variants()[variant][1].items() if key != TESTS}
    catalog = values["sm-mlops:catalog"]
    more = {"tagOptions": {"team": ["a", "b"]}, "budget": {"monthlyUsd": 100, "emails": ["ml@example.com"]}}
    if "sm-mlops:network" not in values:
        more["shares"] = variants()["dev shared"][1]["sm-mlops:catalog"]["shares"]
    notified = {**values.get("sm-mlops:notifications", {}), "emails": ["ml@example.com"]}
    with nothing_looked_up():
        return run_program({**values, "sm-mlops:catalog": {**catalog, **more}, "sm-mlops:notifications": notified})


@pytest.mark.parametrize("variant", DELIVERED)
def test_the_build_that_deploys_may_do_all_that_the_plugin_does(variant: str) -> None:
    found = with_everything(variant)
    assert refused(documents(found, "delivery-deliver-up-dev-role"), Plugin(found).asked(EVERYTHING)) == []


_OF_PIPELINES = ("deliver-preview-dev", "deliver-doctor-dev", "drift-drift-dev")
READING = [
    *((variant, build) for variant in DELIVERED for build in _OF_PIPELINES),
    # Pull requests are CodeCommit's.
    *((variant, "pull-requests") for variant in ("dev with delivery and tests", "dev in a VPC")),
]


@pytest.mark.parametrize(("variant", "build"), READING)
def test_the_builds_that_read_may_do_all_that_a_refresh_does(variant: str, build: str) -> None:
    found = with_everything(variant)
    assert refused(documents(found, f"delivery-{build}-role"), Plugin(found).asked(["read"])) == []


def under_test() -> Mapping[str, Mapping[str, Any]]:
    """By option, the whole configuration of a stack that tests it."""
    dev = variants()["dev with delivery and tests"][1]
    found = {}
    for option in example_of_tests()["options"]:
        sections = deployment_options.settings_under_test(
            own_sections(dev), region=option["region"], changes=option.get("settings", {}), test_suffix="t0a1b2"
        )
        found[option["name"]] = {
            "aws:region": option["region"],
            **{f"{NAMESPACE}:{section}": value for section, value in sections.items()},
        }
    return found


@pytest.mark.parametrize("option", sorted(under_test()))
def test_the_build_that_tests_may_do_all_that_the_plugin_does_for_a_stack_under_test(option: str) -> None:
    testing = recording("dev with delivery and tests")
    with nothing_looked_up():
        tested = run_program(under_test()[option], deployment_options.stack_name(option, "t0a1b2"))
    (role,) = [name for name in testing.names() if re.fullmatch(rf"tests-option-{option}-.*test-role", name)]
    assert refused(documents(testing, role), Plugin(tested).asked(EVERYTHING)) == []


def test_whoever_deploys_hands_over_the_roles_that_others_supply() -> None:
    """What an administrator is told to give the delivery's role is what the supplied roles of the stack take."""
    stack, values = variants()["locked-down with delivery"]
    settings = parse(values, stack)
    facts = delivery_facts(settings, ACCOUNT_ID)
    assert facts is not None
    statements = deploy_role(facts).statements
    delivered = Plugin(recording("locked-down with delivery"))
    handed_over = [one for one in delivered.asked(EVERYTHING) if one.request.action == "iam:PassRole"]
    services = {str(one.request.context["iam:PassedToService"]) for one in handed_over}
    assert services >= {"codepipeline.amazonaws.com", "codebuild.amazonaws.com", "events.amazonaws.com"}
    assert refused(statements, iter(handed_over)) == []
    pairs = {(one.request.resource, str(one.request.context["iam:PassedToService"])) for one in handed_over}
    elsewhere = [
        Request("iam:PassRole", arn, {"iam:PassedToService": service})
        for arn, _ in pairs
        for service in (*services, "ec2.amazonaws.com")
        if (arn, service) not in pairs
    ]
    assert [str(one) for one in elsewhere if allowed(statements, one)] == []


@pytest.mark.parametrize("service", ["codeconnections", "codestar-connections"])
def test_a_connection_is_handed_to_pipelines_only(service: str) -> None:
    statements = documents(with_everything("dev from a supplied connection"), "delivery-deliver-up-dev-role")
    for to, expected in (("codepipeline.amazonaws.com", True), ("codebuild.amazonaws.com", False)):
        request = Request(f"{service}:PassConnection", CONNECTION, {f"{service}:PassedToService": to})
        assert allowed(statements, request) is expected
    assert not allowed(statements, Request(f"{service}:DeleteConnection", CONNECTION))


def test_every_run_may_look_at_the_vpc_of_the_settings() -> None:
    played = PlayedEc2()
    look_at_vpc(played)
    calls = [f"ec2:{call}" for call in played.calls if call != "GetCallerIdentity"]
    assert "ec2:DescribeVpcEndpoints" in calls
    found = with_everything("dev in a VPC")
    for role in ("delivery-deliver-up-dev-role", "delivery-deliver-preview-dev-role", "delivery-drift-drift-dev-role"):
        assert [call for call in calls if not allowed(documents(found, role), Request(call, "*"))] == []


def test_each_build_that_acts_as_a_role_of_another_account_is_trusted_there() -> None:
    """The roles that are told to trust are those that the recorded builds run as, made or supplied."""
    for variant in ("dev with delivery and tests", "locked-down with delivery"):
        stack, values = variants()[variant]
        facts = delivery_facts(parse(values, stack), ACCOUNT_ID)
        assert facts is not None
        acting: dict[str, set[str]] = {}
        for project in recording(variant).of_type("aws:codebuild/project:Project"):
            told = {one["name"]: str(one["value"]) for one in project.inputs["environment"]["environmentVariables"]}
            for arn in account_documents(facts):
                if arn in [told.get("DELIVERY_ROLE_ARN"), *told.get("STACKS", "").replace(" ", ",").split(",")]:
                    acting.setdefault(arn, set()).add(project.inputs["serviceRole"])
        trusted = {
            arn: set(role.trust[0]["Condition"]["ArnEquals"]["aws:PrincipalArn"])
            for arn, role in account_documents(facts).items()
        }
        assert trusted == acting
