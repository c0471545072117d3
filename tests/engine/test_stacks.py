"""The program on the real engine: what the emulated AWS holds afterwards, and what a second run changes."""

import json
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest

from sandbox.world import World

from .conftest import MakeWorld, alter, copy_project, deploy, destroy

pytestmark = pytest.mark.engine

REGIONS = ("us-east-2", "eu-central-1", "eu-west-1", "eu-west-2")
HOME = "us-east-2"


_SESSION = boto3.Session()
"""One for all worlds and people: to read the description of a service takes longer than to call it."""


def make_client(environment: Mapping[str, str], service: str, region: str) -> Any:
    """A client of whoever has these variables."""
    return _SESSION.client(  # type: ignore[call-overload]
        service,
        region_name=region,
        endpoint_url=environment["AWS_ENDPOINT_URL"],
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=environment.get("AWS_SESSION_TOKEN"),
    )


class Aws:
    """Plain boto3 clients at a world's emulator, as any script would make them."""

    def __init__(self, world: World) -> None:
        self._environment = world.environment()

    def client(self, service: str, region: str = HOME) -> Any:
        return make_client(self._environment, service, region)

    def buckets(self) -> list[str]:
        return [bucket["Name"] for bucket in self.client("s3").list_buckets()["Buckets"]]

    def keys(self, region: str) -> list[dict[str, Any]]:
        """Customer keys that are not waiting for their deletion."""
        kms = self.client("kms", region)
        described = [kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"] for key in kms.list_keys()["Keys"]]
        return [key for key in described if key["KeyManager"] == "CUSTOMER" and key["KeyState"] == "Enabled"]


@pytest.fixture(scope="module")
def project_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_project(tmp_path_factory.mktemp("stacks"))


@pytest.fixture(scope="module")
def world_of_stacks(make_world: MakeWorld, project_folder: Path) -> World:
    world = make_world(project_folder)
    up(world)
    return world


@pytest.fixture
def deployed(world_of_stacks: World, project_folder: Path) -> Iterator[World]:
    """Dev, deployed as committed. A test may change the settings: they are put back, and so is what it deployed."""
    committed = {path: path.read_text() for path in project_folder.glob("Pulumi.*.yaml")}
    yield world_of_stacks
    if any(path.read_text() != text for path, text in committed.items()):
        for path, text in committed.items():
            path.write_text(text)
        up(world_of_stacks)


@pytest.fixture
def aws(deployed: World) -> Aws:
    return Aws(deployed)


def up(world: World, *flags: str, stack: str = "dev") -> dict[str, int]:
    """Deploy; how many resources met each fate, without those that stay the same."""
    changes = deploy(world, *flags, stack=stack).changes
    return {fate: count for fate, count in changes.items() if fate != "same"}


def preview(world: World, *flags: str) -> dict[str, set[str]]:
    """The logical names that a preview would change, by what it would do to them."""
    digest = json.loads(world.pulumi("preview", "--stack", "dev", "--json", *flags).stdout)
    fates: dict[str, set[str]] = {}
    for step in digest["steps"]:
        if step["op"] not in ("same", "refresh"):
            fates.setdefault(step["op"], set()).add(step["urn"].rsplit("::", 1)[-1])
    return fates


def test_every_region_has_an_encrypted_versioned_private_bucket(aws: Aws) -> None:
    artifacts = [bucket for bucket in aws.buckets() if "-artifacts-" in bucket]
    assert sorted(artifacts) == sorted(f"sm-mlops-dev-artifacts-123456789012-{region}-an" for region in REGIONS)
    for region in REGIONS:
        s3, name = aws.client("s3", region), f"sm-mlops-dev-artifacts-123456789012-{region}-an"
        (key,) = [key for key in aws.keys(region) if key["Description"] == "sm-mlops-dev artifacts"]
        (rule,) = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]
        assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key["Arn"]}
        assert rule["BucketKeyEnabled"] is True
        assert s3.get_bucket_versioning(Bucket=name)["Status"] == "Enabled"
        assert all(s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"].values())
        assert "RefusePlainHttp" in s3.get_bucket_policy(Bucket=name)["Policy"]
        assert len(s3.get_bucket_lifecycle_configuration(Bucket=name)["Rules"]) == 2
        assert aws.client("kms", region).get_key_rotation_status(KeyId=key["KeyId"])["KeyRotationEnabled"] is True


def test_the_repository_needs_approvals_and_notifies_through_the_topic(aws: Aws) -> None:
    codecommit = aws.client("codecommit")
    repository = codecommit.get_repository(repositoryName="sm-mlops-dev")["repositoryMetadata"]
    assert repository["kmsKeyId"] in {key["Arn"] for key in aws.keys(HOME)}
    templates = codecommit.list_associated_approval_rule_templates_for_repository(repositoryName="sm-mlops-dev")
    assert templates["approvalRuleTemplateNames"] == ["sm-mlops-dev-approvals"]
    notifications = aws.client("codestar-notifications")
    (rule,) = notifications.list_notification_rules()["NotificationRules"]
    described = notifications.describe_notification_rule(Arn=rule["Arn"])
    assert described["Resource"] == repository["Arn"]
    (target,) = described["Targets"]
    assert target["TargetStatus"] == "ACTIVE", "the rule was made before the topic's policy let it publish"
    attributes = aws.client("sns").get_topic_attributes(TopicArn=target["TargetAddress"])["Attributes"]
    assert attributes["KmsMasterKeyId"] in {key["Arn"] for key in aws.keys(HOME)}


def test_the_state_tells_where_the_program_makes_a_resource_and_nothing_below_that(deployed: World) -> None:
    made = [resource for resource in state(deployed) if "parent" in resource]
    for resource in made:
        told = [frame.get("sourcePosition", "").rpartition("#")[0] for frame in resource["stackTrace"]]
        assert [place.endswith("/__main__.py") for place in told].count(True) == 1
        assert [place for place in told if place.endswith("/language_host.py")] == []
    assert len(made) > 50


def test_a_second_up_changes_nothing(deployed: World) -> None:
    assert preview(deployed) == {}
    assert up(deployed) == {}


def test_one_changed_setting_changes_only_what_it_is_about(deployed: World) -> None:
    alter(deployed, "dev", lambda config: config["sm-mlops:artifacts"].update(artifactDays=31))
    expected = {f"artifacts-{region}-lifecycle" for region in REGIONS}
    assert preview(deployed) == {"update": expected}
    assert up(deployed) == {"update": 4}
    assert preview(deployed) == {}


def test_a_changed_tag_changes_tags_and_replaces_nothing(deployed: World) -> None:
    alter(deployed, "dev", lambda config: config["sm-mlops:tags"].update(owner="somebody-else"))
    fates = preview(deployed)
    assert set(fates) == {"update"}
    assert up(deployed) == {"update": len(fates["update"])}
    tags = (
        Aws(deployed)
        .client("s3", "eu-west-1")
        .get_bucket_tagging(Bucket="sm-mlops-dev-artifacts-123456789012-eu-west-1-an")["TagSet"]
    )
    assert {"Key": "owner", "Value": "somebody-else"} in tags


def test_a_region_more_adds_and_a_region_less_removes_only_its_own(deployed: World) -> None:
    alter(deployed, "dev", lambda config: config["sm-mlops:artifacts"]["regions"].append("ap-southeast-2"))
    fates = preview(deployed)
    assert set(fates) == {"create"}
    assert all(name.startswith("artifacts-ap-southeast-2") for name in fates["create"])
    assert up(deployed) == {"create": 10}
    alter(deployed, "dev", lambda config: config["sm-mlops:artifacts"]["regions"].remove("ap-southeast-2"))
    assert preview(deployed) == {"delete": fates["create"]}


def test_a_policy_deleted_behind_our_back_shows_in_a_refreshed_preview_and_is_repaired(
    deployed: World, aws: Aws
) -> None:
    s3, name = aws.client("s3", "eu-west-1"), "sm-mlops-dev-artifacts-123456789012-eu-west-1-an"
    s3.delete_bucket_policy(Bucket=name)
    assert preview(deployed) == {}, "without a refresh the engine trusts its state"
    assert preview(deployed, "--refresh") == {"create": {"artifacts-eu-west-1-policy"}}
    up(deployed, "--refresh")
    assert "RefusePlainHttp" in s3.get_bucket_policy(Bucket=name)["Policy"]


def test_settings_changed_behind_our_back_show_and_are_repaired(deployed: World, aws: Aws) -> None:
    s3, name = aws.client("s3", "eu-west-2"), "sm-mlops-dev-artifacts-123456789012-eu-west-2-an"
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Suspended"})
    (key,) = [key for key in aws.keys("eu-west-2") if key["Description"] == "sm-mlops-dev artifacts"]
    aws.client("kms", "eu-west-2").disable_key_rotation(KeyId=key["KeyId"])
    fates = preview(deployed, "--refresh")
    assert fates == {"update": {"artifacts-eu-west-2-versioning", "artifacts-eu-west-2-key"}}
    up(deployed, "--refresh")
    assert s3.get_bucket_versioning(Bucket=name)["Status"] == "Enabled"
    assert aws.client("kms", "eu-west-2").get_key_rotation_status(KeyId=key["KeyId"])["KeyRotationEnabled"] is True


def test_a_fault_in_the_settings_stops_before_anything_and_without_a_traceback(deployed: World) -> None:
    alter(deployed, "dev", lambda config: config["sm-mlops:artifacts"].update(regions=["eu-wst-1"], artifactDays=0))
    failed = deployed.pulumi("preview", "--stack", "dev", check=False)
    printed = failed.stdout + failed.stderr
    assert failed.returncode != 0
    assert "Pulumi.dev.yaml has 2 faults:" in printed
    assert "'eu-wst-1' is not an AWS region; did you mean 'eu-west-1'?" in printed
    assert "0 is too small; at least 1" in printed
    assert "Traceback" not in printed


def test_prod_stands_beside_dev_and_survives_its_own_destroy(deployed: World, aws: Aws) -> None:
    up(deployed, stack="prod")
    assert len([name for name in aws.buckets() if name.startswith("sm-mlops-prod-")]) == 5
    refused = deployed.pulumi("destroy", "--stack", "prod", "--yes", "--skip-preview", check=False)
    assert refused.returncode != 0
    assert "protect" in refused.stdout + refused.stderr
    deployed.pulumi("destroy", "--stack", "prod", "--yes", "--skip-preview", "--ignore-protect")
    assert len([name for name in aws.buckets() if name.startswith("sm-mlops-prod-")]) == 5, "retained in AWS"
    assert preview(deployed) == {}, "dev is untouched"


def test_destroy_leaves_an_empty_account(make_world: MakeWorld, project: Path) -> None:
    world = make_world(project)
    aws = Aws(world)
    up(world)
    s3, bucket = aws.client("s3"), "sm-mlops-dev-artifacts-123456789012-us-east-2-an"
    for body in (b"first", b"second"):
        s3.put_object(Bucket=bucket, Key="pipeline/source.zip", Body=body)
    destroy(world)
    assert aws.buckets() == []
    assert [key for region in REGIONS for key in aws.keys(region)] == []
    assert aws.client("codecommit").list_repositories()["repositories"] == []
    assert aws.client("codecommit").list_approval_rule_templates()["approvalRuleTemplateNames"] == []
    assert aws.client("sns").list_topics()["Topics"] == []
    assert aws.client("codestar-notifications").list_notification_rules()["NotificationRules"] == []
    assert aws.client("servicecatalog").list_portfolios()["PortfolioDetails"] == []
    assert aws.client("servicecatalog").search_products_as_admin()["ProductViewDetails"] == []
    assert [role for role in aws.client("iam").list_roles()["Roles"] if "sm-mlops" in role["RoleName"]] == []


@pytest.mark.parametrize("resources", [3, 20])
def test_an_engine_killed_in_the_middle_of_up_is_finished_by_the_next_one(
    make_world: MakeWorld, project: Path, resources: int
) -> None:
    world = make_world(project)
    command = world.pulumi_command(["up", "--stack", "dev", "--yes", "--skip-preview", "--non-interactive"])
    engine = subprocess.Popen(
        command,
        cwd=world.project.target,
        env=world.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 60
    while recorded(world) < resources and engine.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    assert engine.poll() is None, "the engine was done before it could be killed"
    engine.kill()
    engine.wait()
    up(world)
    assert preview(world) == {}
    aws = Aws(world)
    assert len(aws.buckets()) == 5
    assert aws.client("codecommit").list_repositories()["repositories"][0]["repositoryName"] == "sm-mlops-dev"


def recorded(world: World, stack: str = "dev") -> int:
    """How many resources the state holds."""
    return len(state(world, stack))


def state(world: World, stack: str = "dev") -> list[dict[str, Any]]:
    """The resources that the state holds."""
    states = list(world.directory.glob(f"backend/.pulumi/stacks/*/{stack}.json"))
    try:
        checkpoint = json.loads(states[0].read_text())["checkpoint"]["latest"]
    except (IndexError, KeyError, ValueError, OSError):
        return []
    return list(checkpoint.get("resources") or ())
