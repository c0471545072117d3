"""Rights on Pulumi's state: each build's are those on its own stacks, whatever the attacker tries with them.

The objects are those that `pkg/backend/diy` in pulumi/pulumi reads and writes.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

import pytest
import yaml

from awsmodel.arns import ArnScope
from awsmodel.iam.evaluation import Request, Statement, allowed
from awsmodel.regions import known_regions
from components.delivery.delivery_builds import Operation, delivery_builds, stack_state
from components.iam import state_policies
from components.sections.delivery import DeliverySpec
from settings import NAMESPACE, SettingsError, parse
from settings.rules import project_faults
from tests.support.delivery_example import SECTION, TESTS, example, example_of_tests
from tests.support.recording import EXAMPLE, Recording, recorded, stack_values
from tests.unit.delivery.test_platform_delivery import rights

BUCKET = "arn:aws:s3:::acme-pulumi-state"
REGION = known_regions()["us-east-2"]
SCOPE = ArnScope.of(REGION, "111122223333")
KEY = "arn:aws:kms:us-east-2:111122223333:key/{}"
DEV, PROD, OF_TESTS, SHARED = (KEY.format(f"{number}f14e45f-ceea-467f-9d1a-0c3b2a1d4e5f") for number in (1, 2, 3, 8))

READ = [
    ".pulumi/meta.yaml",
    *(f".pulumi/stacks/sm-mlops/{{}}{end}" for end in (".json", ".json.gz", ".json.bak", ".pulumi-tags")),
]
WRITTEN = [
    *READ[1:],
    ".pulumi/history/sm-mlops/{0}/{0}-1.history.json",
    ".pulumi/history/sm-mlops/{0}/{0}-1.checkpoint.json",
    ".pulumi/backups/sm-mlops/{0}/{0}.1.json",
    ".pulumi/locks/organization/sm-mlops/{}/8f14e45f.json",
]
LISTED_BY_PREVIEW = [".pulumi/stacks/sm-mlops/{}.json"]
LISTED_BY_UP = [
    *LISTED_BY_PREVIEW,
    ".pulumi/locks/organization/sm-mlops/{}/",
    ".pulumi/history/sm-mlops/{}/",
    ".pulumi/backups/sm-mlops/{}/",
]
CHANGES = ("s3:PutObject", "s3:DeleteObject")


@cache
def delivered() -> Recording:
    """Dev and prod in one account, each with a key of its own, and tests."""
    stacks = [
        {"stack": "dev", "secretsProvider": f"awskms:///{DEV}"},
        {"stack": "prod", "secretsProvider": f"awskms:///{PROD}", "approval": True},
    ]
    delivery = example(stacks=stacks, secretsProvider=f"awskms:///{SHARED}", pullRequests="comment")
    tests = {**example_of_tests(), "secretsProvider": f"awskms:///{OF_TESTS}"}
    return recorded({**stack_values("dev"), SECTION: delivery, TESTS: tests})


def may(statements: Sequence[Statement], action: str, key: str) -> bool:
    return allowed(statements, Request(action, f"{BUCKET}/{key}"))


def may_list(statements: Sequence[Statement], prefix: str) -> bool:
    return allowed(statements, Request("s3:ListBucket", BUCKET, {"s3:prefix": prefix}))


@pytest.mark.parametrize("build", ["preview", "doctor", "drift"])
def test_a_build_that_reads_a_stack_reads_its_state_and_writes_none(build: str) -> None:
    statements = rights(delivered(), f"delivery-{'drift-drift' if build == 'drift' else f'deliver-{build}'}-dev")
    assert [key for key in READ if not may(statements, "s3:GetObject", key.format("dev"))] == []
    assert [key for key in LISTED_BY_PREVIEW if not may_list(statements, key.format("dev"))] == []
    # S3 takes the key of a missing object for the prefix, and answers that it is missing only where that may be listed.
    assert may_list(statements, ".pulumi/stacks/sm-mlops/dev.pulumi-tags")
    for stack in ("dev", "prod"):
        written = [key for key in WRITTEN for action in CHANGES if may(statements, action, key.format(stack))]
        assert written == []


def test_an_update_writes_all_that_pulumi_writes_of_its_stack() -> None:
    statements = rights(delivered(), "delivery-deliver-up-dev")
    for action in ("s3:GetObject", *CHANGES):
        assert [key for key in WRITTEN if not may(statements, action, key.format("dev"))] == []
    assert [key for key in LISTED_BY_UP if not may_list(statements, key.format("dev"))] == []
    assert may(statements, "s3:GetObject", ".pulumi/meta.yaml")
    assert not may(statements, "s3:PutObject", ".pulumi/meta.yaml"), "every other stack would be lost with it"


@pytest.mark.parametrize("build", ["preview", "up", "doctor", "drift"])
@pytest.mark.parametrize(("own", "other"), [("dev", "prod"), ("prod", "dev")])
def test_no_build_touches_the_state_or_the_secrets_of_another_stack(build: str, own: str, other: str) -> None:
    """What the unapproved `up` of dev would do to prod: read and rewrite its state, take its lock, lose its history."""
    statements = rights(delivered(), f"delivery-{'drift-drift' if build == 'drift' else f'deliver-{build}'}-{own}")
    calls = [
        (action, key.format(stack))
        for action in ("s3:GetObject", *CHANGES)
        for key in WRITTEN
        for stack in (other, f"{own}2")
    ]
    assert [call for call in calls if may(statements, *call)] == []
    assert [key for key in LISTED_BY_UP if may_list(statements, key.format(other))] == []
    assert not may_list(statements, "")
    assert not allowed(statements, Request("s3:ListBucket", BUCKET))
    keys = {"dev": DEV, "prod": PROD}
    assert allowed(statements, Request("kms:Decrypt", keys[own]))
    for key in (keys[other], OF_TESTS, SHARED):
        assert not allowed(statements, Request("kms:Decrypt", key))


def test_a_key_that_encrypts_the_bucket_decrypts_its_objects_and_no_secret() -> None:
    statements = rights(delivered(), "delivery-deliver-preview-dev")
    through = {"kms:ViaService": "s3.us-east-2.amazonaws.com", "kms:EncryptionContext:aws:s3:arn": BUCKET}
    assert allowed(statements, Request("kms:Decrypt", SHARED, through))
    assert not allowed(statements, Request("kms:Decrypt", SHARED, {**through, "kms:ViaService": "kms"}))
    elsewhere = {**through, "kms:EncryptionContext:aws:s3:arn": f"{BUCKET}-2"}
    assert not allowed(statements, Request("kms:Decrypt", SHARED, elsewhere))


def test_the_build_of_pull_requests_reads_the_stacks_that_it_previews_and_writes_none() -> None:
    statements = rights(delivered(), "delivery-pull-requests")
    for stack in ("dev", "prod"):
        assert [key for key in READ if not may(statements, "s3:GetObject", key.format(stack))] == []
        assert [key for key in WRITTEN for one in CHANGES if may(statements, one, key.format(stack))] == []
    assert not may(statements, "s3:GetObject", READ[1].format("other"))


def test_tests_have_their_state_in_a_folder_of_their_own_and_see_no_other() -> None:
    projects = [one.name for one in delivered().of_type("aws:codebuild/project:Project")]
    builds = [name.removesuffix("-project") for name in projects if name.startswith("tests-")]
    assert len(builds) > 8
    for build in builds:
        statements = rights(delivered(), build)
        for stack in ("dev", "prod", "test-everything-t01234"):
            keys = [key.format(stack) for key in (READ[0], *WRITTEN)]
            assert [key for key in keys if may(statements, "s3:GetObject", key)] == []
            assert [key for key in keys for one in CHANGES if may(statements, one, key)] == []
            assert [key for key in keys if not may(statements, "s3:PutObject", f"deployment-tests/{key}")] == []
        assert may_list(statements, "deployment-tests/.pulumi/stacks/")
        assert not may_list(statements, ".pulumi/stacks/")
        assert allowed(statements, Request("kms:Decrypt", OF_TESTS))
        assert not any(allowed(statements, Request("kms:Decrypt", key)) for key in (DEV, PROD, SHARED))
    for project in delivered().of_type("aws:codebuild/project:Project"):
        if project.inputs["name"].startswith("sm-mlops-dev-test"):
            told = {one["name"]: one["value"] for one in project.inputs["environment"]["environmentVariables"]}
            assert told["PULUMI_BACKEND_URL"] == "s3://acme-pulumi-state/deployment-tests?region=us-east-2"


@pytest.mark.parametrize(
    ("address", "folder", "of_tests"),
    [
        ("s3://acme", "", "s3://acme/deployment-tests"),
        ("s3://acme/", "", "s3://acme/deployment-tests"),
        ("s3://acme/team/a/?region=x", "team/a/", "s3://acme/team/a/deployment-tests?region=x"),
    ],
)
def test_addresses_are_read_as_pulumi_reads_them(address: str, folder: str, of_tests: str) -> None:
    state = state_policies.state_of("sm-mlops/dev", address, None)
    assert (state.bucket, state.folder) == ("acme", folder)
    statements = state_policies.read_state_statements(SCOPE, [state])
    assert allowed(statements, Request("s3:GetObject", f"arn:aws:s3:::acme/{folder}.pulumi/stacks/sm-mlops/dev.json"))
    assert state_policies.tests_backend(address) == of_tests


def test_pulumi_cloud_takes_no_right_on_a_bucket() -> None:
    state = state_policies.state_of("sm-mlops/dev", "https://api.pulumi.com", None)
    assert state_policies.read_state_statements(SCOPE, [state]) == []
    assert state_policies.write_state_statements(SCOPE, [state]) == []
    assert state_policies.write_backend_statements(SCOPE, state) == []
    assert state_policies.tests_backend("https://api.pulumi.com") == "https://api.pulumi.com"


def spec(**more: Any) -> DeliverySpec:
    delivery = parse({**stack_values("dev"), SECTION: example(**more)}, "dev").delivery
    assert delivery is not None
    return delivery


def test_a_stack_belongs_to_the_project_that_its_name_says() -> None:
    assert stack_state(spec(), "dev").stack == "sm-mlops/dev"
    assert stack_state(spec(), "organization/platform/dev").stack == "platform/dev"


def test_a_project_of_another_name_is_said_with_each_stack() -> None:
    """Else every build would be denied its state."""
    assert yaml.safe_load((EXAMPLE / "Pulumi.yaml").read_text())["name"] == NAMESPACE
    assert list(project_faults(spec(), NAMESPACE)) == []
    told = list(project_faults(spec(), "platform"))
    assert told[0].endswith("and Pulumi.yaml names 'platform'; write organization/platform/dev")
    assert len(told) == 2
    named = spec(stacks=[{"stack": "organization/platform/dev"}])
    assert list(project_faults(named, "platform")) == []


def test_state_in_s3_needs_a_key_for_each_stack_its_own_or_that_of_all() -> None:
    own = [{"stack": "dev", "secretsProvider": f"awskms:///{DEV}"}]
    assert spec(stacks=own, secretsProvider=None).secrets_provider_of("dev") == f"awskms:///{DEV}"
    with pytest.raises(SettingsError, match=r"delivery\.secretsProvider: missing; state in S3 needs the key"):
        spec(stacks=[*own, {"stack": "prod"}], secretsProvider=None)


def test_the_checks_read_no_state() -> None:
    names = parse(stack_values("dev"), "dev").names
    found = delivery_builds(names, spec(), spec().stacks)
    assert [one.states(spec()) for one in found if one.operation is Operation.CHECK] == [[]]
