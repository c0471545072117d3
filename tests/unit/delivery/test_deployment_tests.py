"""A pipeline for each deployment option, and the sweep after runs that were cut off."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

import settings
from awsmodel.iam.evaluation import Request, allowed
from tests.support.access import decision
from tests.support.delivery_example import SECTION, TESTS, example, example_of_tests
from tests.support.recording import ROOT, Recording, recorded, stack_values
from tests.unit.settings.test_settings import faults
from tools.doctor.checks.principal import OFFERED, PROJECTS

OPTIONS = [
    {"name": "everything", "region": "eu-central-1"},
    {"name": "legacy-names", "region": "eu-west-1", "settings": {"artifacts": {"naming": "legacy"}}, "approval": True},
]
ACCOUNT = "111122223333"


def values(*options: dict[str, Any]) -> dict[str, Any]:
    return {**stack_values("dev"), SECTION: example(), TESTS: {"options": list(options or OPTIONS)}}


@pytest.fixture(scope="module")
def tests() -> Recording:
    return recorded(values())


def test_the_example_is_in_order_and_tests_every_option_in_the_regions_of_dev() -> None:
    section = example_of_tests()
    dev = settings.parse({**stack_values("dev"), SECTION: example(), TESTS: section}, "dev")
    assert dev.deployment_tests is not None
    options = {option.name: option for option in dev.deployment_tests.options}
    assert list(options) == [
        "everything",
        "supplied-roles",
        "adopted-roles",
        "connection",
        "legacy-names",
        "s3-templates",
        "several-regions",
        "existing-vpc",
    ]
    assert {option.region for option in options.values()} == set(dev.artifacts.regions)
    assert options["everything"].settings == {}
    assert [name for name, option in options.items() if option.projects == "run"] == ["everything"]


def pipeline(recording: Recording, option: str) -> Mapping[str, Any]:
    return recording.named(f"tests-option-{option}-pipeline").inputs


def actions(recording: Recording, option: str) -> list[tuple[str, str, str | None]]:
    return [
        (stage["name"], action["name"], action.get("region"))
        for stage in pipeline(recording, option)["stages"]
        for action in stage["actions"]
    ]


def test_each_option_is_tested_in_its_region_and_not_by_a_push(tests: Recording) -> None:
    assert actions(tests, "everything") == [("Source", "Source", None), ("Test", "Test", "eu-central-1")]
    stores = {store["region"] for store in pipeline(tests, "everything")["artifactStores"]}
    assert stores == {"us-east-2", "eu-central-1"}
    assert not [name for name in tests.names() if name.startswith("tests-") and name.endswith("-push")]
    assert tests.outputs["deploymentTests"] == {
        "everything": "sm-mlops-dev-test-everything",
        "legacy-names": "sm-mlops-dev-test-legacy-names",
        "sweep": "sm-mlops-dev-tests-sweep",
    }


def test_a_person_is_asked_only_where_the_settings_say_so_and_before_the_stack_is_destroyed(tests: Recording) -> None:
    assert actions(tests, "legacy-names")[2:] == [
        ("Destroy", "Approve", None),
        ("Destroy", "Destroy", "eu-west-1"),
    ]
    kept = {
        option: next(
            one["value"]
            for project in tests.of_type("aws:codebuild/project:Project")
            if project.inputs["name"] == f"sm-mlops-dev-test-{option}-test"
            for one in project.inputs["environment"]["environmentVariables"]
            if one["name"] == "KEEP"
        )
        for option in ("everything", "legacy-names")
    }
    assert kept == {"everything": "no", "legacy-names": "yes"}


def test_no_run_is_dropped_before_it_has_destroyed_its_stack(tests: Recording) -> None:
    assert {pipeline(tests, option)["executionMode"] for option in ("everything", "legacy-names")} == {"QUEUED"}


def test_a_run_that_ends_without_its_own_end_starts_the_sweep_for_it(tests: Recording) -> None:
    pattern = json.loads(tests.named("tests-ended").inputs["eventPattern"])
    assert pattern["detail"]["state"] == ["CANCELED", "FAILED", "STOPPED"]
    assert len(pattern["resources"]) == len(OPTIONS)
    target = tests.named("tests-ended-target").inputs
    assert json.loads(target["inputTransformer"]["inputTemplate"]) == {
        "variables": [{"name": "Option", "value": "<pipeline>"}, {"name": "Test", "value": "<execution>"}]
    }
    assert target["inputTransformer"]["inputPaths"] == {
        "pipeline": "$.detail.pipeline",
        "execution": "$.detail.execution-id",
    }
    sweep = tests.named("tests-sweep-pipeline").inputs
    assert {variable["name"]: variable["defaultValue"] for variable in sweep["variables"]} == {
        "Option": "none",
        "Test": "none",
    }
    assert tests.named("tests-sweep-schedule").inputs["scheduleExpression"] == "rate(1 hour)"


def test_every_buildspec_and_script_of_a_test_exists(tests: Recording) -> None:
    specs = {
        project.inputs["source"]["buildspec"]
        for project in tests.of_type("aws:codebuild/project:Project")
        if "-test" in project.inputs["name"]
    }
    assert specs == {f"delivery/deployment-{operation}.yml" for operation in ("destroy", "sweep", "test")}
    for spec in specs:
        text = (ROOT / spec).read_text()
        assert spec.replace(".yml", ".sh") in text
        assert (ROOT / spec.replace(".yml", ".sh")).exists()


def rights(recording: Recording) -> list[dict[str, Any]]:
    policies = [one for one in recording.of_type("aws:iam/policy:Policy") if one.name.startswith("tests-policy-")]
    assert 1 < len(policies) <= 9
    of_builds = [statement for policy in policies for statement in policy.policy()["Statement"]]
    return [*of_builds, *of_scientist(recording)]


def of_scientist(recording: Recording) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = recording.named("tests-scientist-policy").policy()["Statement"]
    return found


SCIENTIST = f"arn:aws:iam::{ACCOUNT}:role/sm-mlops-dev-tests-scientist"


@pytest.mark.parametrize(
    "action",
    [
        "servicecatalog:TerminateProvisionedProduct",
        "servicecatalog:UpdateProvisionedProduct",
        "servicecatalog:DescribeProvisionedProduct",
    ],
)
def test_a_test_ends_what_tests_have_launched_and_no_launch_of_anybody_else(tests: Recording, action: str) -> None:
    """A call on a launch knows no resource, only whose it is: people's carry another role than that of tests."""
    of_others = {"servicecatalog:accountLevel": "self"}
    own = {**of_others, "servicecatalog:roleLevel": "self"}
    assert not allowed(rights(tests), Request(action, "*", of_others))
    assert not allowed(rights(tests), Request(action, "*"))
    assert allowed(rights(tests), Request(action, "*", own)) is (action != "servicecatalog:UpdateProvisionedProduct")


def test_the_builds_of_all_tests_launch_and_end_projects_as_one_role(tests: Recording) -> None:
    """The sweep, too: else it could end nothing that a test has launched."""
    (trust,) = json.loads(tests.named("tests-scientist").inputs["assumeRolePolicy"])["Statement"]
    assert trust["Principal"] == {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    builds = [one for one in tests.of_type("aws:codebuild/project:Project") if one.name.startswith("tests-")]
    assert {one.inputs["source"]["buildspec"] for one in builds} == {
        f"delivery/deployment-{operation}.yml" for operation in ("destroy", "sweep", "test")
    }
    for build in builds:
        told = {one["name"]: one["value"] for one in build.inputs["environment"]["environmentVariables"]}
        assert told["PROJECTS_ROLE_ARN"] == SCIENTIST
        assert_trusted(trust, build.inputs["serviceRole"])
        own = tests.named(f"{build.name.removesuffix('-project')}-role-policy").policy()["Statement"]
        assert allowed(own, Request("sts:AssumeRole", SCIENTIST))
        assert not allowed(own, Request("sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/sm-mlops-dev-delivery-up-dev"))
    for other in ("sm-mlops-dev-delivery-up-dev", "sm-mlops-dev-pull-requests", "DataScientist"):
        context = {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/{other}"}
        assert decision([trust], context["aws:PrincipalArn"], "sts:AssumeRole", "*", context) == "none"


def test_whoever_creates_the_projects_of_tests_may_do_what_a_data_scientist_must(tests: Recording) -> None:
    """By both routes: what the doctor asks of a person's role, of the role of tests."""
    statements = of_scientist(tests)
    project = f"arn:aws:sagemaker:eu-west-1:{ACCOUNT}:project/t1a2b3-train"
    for action in PROJECTS:
        assert allowed(statements, Request(action, project))
    for action in OFFERED:
        assert allowed(statements, Request(action, f"arn:aws:catalog:eu-west-1:{ACCOUNT}:product/prod-1"))
    bucket = "arn:aws:s3:::sm-mlops-t1a2b3-dev-products-111122223333-eu-west-1-an"
    assert allowed(statements, Request("s3:ListBucket", bucket))
    for action in ("s3:GetObject", "s3:GetObjectTagging"):
        assert allowed(statements, Request(action, f"{bucket}/studio/model-deploy.yaml"))
        assert not allowed(
            statements, Request(action, f"{bucket.replace('sm-mlops-t1a2b3-dev', 'sm-mlops-dev')}/studio/x")
        )


def assert_trusted(trust: dict[str, Any], role_arn: str) -> None:
    assert decision([trust], role_arn, "sts:AssumeRole", "*", {"aws:PrincipalArn": role_arn}) == "allow"


@pytest.mark.parametrize(
    ("action", "resource", "expected"),
    [
        ("s3:CreateBucket", "arn:aws:s3:::sm-mlops-t1a2b3-dev-artifacts-111122223333-eu-west-1-an", True),
        ("s3:CreateBucket", "arn:aws:s3:::codepipeline-sm-mlops-t1a2b3-eu-west-1", True),
        ("s3:DeleteBucket", "arn:aws:s3:::sm-mlops-dev-artifacts-111122223333-eu-west-1-an", False),
        ("iam:CreateRole", f"arn:aws:iam::{ACCOUNT}:role/sm-mlops-t1a2b3-dev-project-launch", True),
        ("iam:DeleteRole", f"arn:aws:iam::{ACCOUNT}:role/sm-mlops-dev-project-launch", False),
        ("sagemaker:CreateProject", f"arn:aws:sagemaker:eu-west-1:{ACCOUNT}:project/t1a2b3-deploy", True),
        ("sagemaker:DeleteProject", f"arn:aws:sagemaker:eu-west-1:{ACCOUNT}:project/fraud", False),
        (
            "sagemaker:UpdateModelPackage",
            f"arn:aws:sagemaker:eu-west-1:{ACCOUNT}:model-package/sagemaker-fraud/1",
            False,
        ),
        (
            "codepipeline:PutApprovalResult",
            f"arn:aws:codepipeline:eu-west-1:{ACCOUNT}:sagemaker-t1a2b3-deploy-p-1-x/S/A",
            True,
        ),
        (
            "codepipeline:PutApprovalResult",
            f"arn:aws:codepipeline:eu-west-1:{ACCOUNT}:sm-mlops-dev-delivery/S/A",
            False,
        ),
    ],
)
def test_a_test_touches_what_tests_make_and_nothing_that_people_have(
    tests: Recording, action: str, resource: str, expected: bool
) -> None:
    assert allowed(rights(tests), Request(action, resource)) is expected


def test_keys_are_those_of_stacks_under_test_by_their_tags(tests: Recording) -> None:
    key = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/1"
    for project, expected in (("sm-mlops-t1a2b3", True), ("sm-mlops", False)):
        tags = {"aws:ResourceTag/mlops:project": project, "aws:ResourceTag/mlops:environment": "dev"}
        assert allowed(rights(tests), Request("kms:ScheduleKeyDeletion", key, tags)) is expected


def test_tests_make_roles_within_the_boundary_of_the_settings_only() -> None:
    boundary = f"arn:aws:iam::{ACCOUNT}:policy/company"
    bounded = recorded({**values(), "sm-mlops:iam": {"permissionsBoundaryArn": boundary}})
    role = f"arn:aws:iam::{ACCOUNT}:role/sm-mlops-t1a2b3-dev-project-launch"
    for action in ("iam:CreateRole", "iam:PutRolePolicy"):
        assert not allowed(rights(bounded), Request(action, role))
        assert allowed(rights(bounded), Request(action, role, {"iam:PermissionsBoundary": boundary}))


def test_tests_need_the_delivery_and_a_bucket_in_their_region() -> None:
    found = faults(
        {key: value for key, value in values({"name": "one", "region": "us-west-1"}).items() if key != SECTION}
    )
    assert found == [
        "sm-mlops:deploymentTests: needs sm-mlops:delivery, which says where Pulumi and its state are",
        "sm-mlops:deploymentTests.options[0].region: 'us-west-1' is not one of sm-mlops:artifacts.regions (us-east-2, "
        "eu-central-1, eu-west-1, eu-west-2); the test's build acts there and needs a bucket beside it",
    ]


def test_where_the_delivery_has_supplied_roles_its_tests_make_none() -> None:
    supplied = {"mode": "supplied", "roleArn": f"arn:aws:iam::{ACCOUNT}:role/team/Supplied"}
    own = dict.fromkeys(("launch", "pipeline", "build", "events", "delivery"), supplied)
    use = {
        "mode": "supplied",
        "roleArns": dict.fromkeys(
            ("CodePipeline", "CodeBuild", "Events", "CloudFormation", "SageMaker", "Lambda"), supplied["roleArn"]
        ),
    }
    recording = recorded({**values(), "sm-mlops:iam": {**own, "use": use}})
    assert not [one.name for one in recording.resources if one.type.startswith("aws:iam/")]
    tests = [one for one in recording.of_type("aws:codebuild/project:Project") if "-test" in one.inputs["name"]]
    assert {one.inputs["serviceRole"] for one in tests} == {supplied["roleArn"]}
