"""What a person reads when a stack file is wrong: every fault at once, each with its key and what is allowed."""

import json
import re
import subprocess
import sys
from typing import Any

import pulumi
import pytest

import settings
from components.core.naming import BucketNaming
from components.sections.source import CodeCommitSource
from settings.products import services_called
from tests.support.delivery_example import example
from tests.support.recording import ROOT, Recording, run_program, stack_values

MINIMAL: dict[str, Any] = {
    "aws:region": "us-east-2",
    "sm-mlops:project": "sm-mlops",
    "sm-mlops:environment": "dev",
    "sm-mlops:artifacts": {"regions": ["us-east-2"]},
    "sm-mlops:source": {"provider": "CodeCommit"},
    "sm-mlops:protection": {"protect": False, "retain": False},
}
GITHUB = {"provider": "GitHub", "repository": "acme/platform"}


def changed(key: str, value: object) -> dict[str, Any]:
    """The minimal file with one key set anew, or left out where the value is `...`."""
    section, _, inner = key.partition(".")
    values = dict(MINIMAL)
    if value is ...:
        target = values if not inner else values.setdefault(section, {})
        del target[inner or section]
    elif inner:
        values[section] = {**values.get(section, {}), inner: value}
    else:
        values[section] = value
    return values


def faults(values: dict[str, Any]) -> list[str]:
    with pytest.raises(settings.SettingsError) as raised:
        settings.parse(values, "dev")
    heading, *lines = str(raised.value).splitlines()
    assert re.fullmatch(r"Pulumi\.dev\.yaml has (1 fault|\d+ faults):", heading)
    return [line.removeprefix("  - ") for line in lines]


@pytest.mark.parametrize(
    ("key", "value", "fault"),
    [
        pytest.param(
            "sm-mlops:artefacts",
            {},
            "sm-mlops:artefacts: unknown key; did you mean 'artifacts'? (allowed: aws:region, project, environment, "
            "artifacts, source, notifications, catalog, projects, network, iam, deploymentTests, delivery, protection, "
            "tags)",
            id="unknown section",
        ),
        pytest.param(
            "sm-mlops:artifacts.region",
            ["us-east-2"],
            "sm-mlops:artifacts.region: unknown key; did you mean 'regions'? (allowed: regions, naming, artifactDays, "
            "noncurrentVersionDays, incompleteUploadDays, readerAccountIds)",
            id="unknown key",
        ),
        pytest.param(
            "sm-mlops:source",
            {**GITHUB, "approvals": 2},
            "sm-mlops:source.approvals: unknown key (allowed: provider, repository, branch, connectionArn)",
            id="key of the other kind of source",
        ),
        pytest.param(
            "sm-mlops:protection",
            ...,
            "sm-mlops:protection: missing; what guards buckets, keys and the repository against a mistake",
            id="missing section",
        ),
        pytest.param(
            "sm-mlops:source",
            {"provider": "GitLab"},
            "sm-mlops:source.repository: missing; full name at the provider: `owner/name`, or `group/subgroup/name` "
            "at GitLab",
            id="missing key",
        ),
        pytest.param(
            "aws:region",
            ...,
            "aws:region: missing; region of everything that is not made once per region",
            id="no region",
        ),
        pytest.param(
            "sm-mlops:source",
            {"branch": "main"},
            "sm-mlops:source: 'provider' is missing (allowed: CodeCommit, GitHub, GitLab, Bitbucket)",
            id="no provider",
        ),
        pytest.param(
            "sm-mlops:source",
            {"provider": "Github", "repository": "a/b"},
            "sm-mlops:source: 'Github' is not allowed; did you mean 'GitHub'? (allowed: CodeCommit, GitHub, GitLab, "
            "Bitbucket)",
            id="unknown provider",
        ),
        pytest.param(
            "sm-mlops:artifacts.artifactDays",
            "30",
            'sm-mlops:artifacts.artifactDays: expected a whole number, got "30"',
            id="text for a number",
        ),
        pytest.param(
            "sm-mlops:artifacts",
            ["us-east-2"],
            'sm-mlops:artifacts: expected a section with keys, got ["us-east-2"]',
            id="list for a section",
        ),
        pytest.param(
            "sm-mlops:artifacts.regions",
            "us-east-2",
            'sm-mlops:artifacts.regions: expected a list, got "us-east-2"',
            id="text for a list",
        ),
        pytest.param(
            "sm-mlops:protection.protect",
            "yes",
            'sm-mlops:protection.protect: expected true or false, got "yes"',
            id="text for a switch",
        ),
        pytest.param(
            "sm-mlops:artifacts.artifactDays",
            0,
            "sm-mlops:artifacts.artifactDays: 0 is too small; at least 1",
            id="too few days",
        ),
        pytest.param(
            "sm-mlops:protection.keyDeletionDays",
            31,
            "sm-mlops:protection.keyDeletionDays: 31 is too large; at most 30",
            id="too many days",
        ),
        pytest.param(
            "sm-mlops:artifacts.naming",
            "legasy",
            "sm-mlops:artifacts.naming: 'legasy' is not allowed; did you mean 'legacy'? (allowed: account-regional, "
            "legacy)",
            id="unknown naming",
        ),
        pytest.param(
            "sm-mlops:artifacts.regions",
            ["us-east-2", "eu-wst-1"],
            "sm-mlops:artifacts.regions[1]: 'eu-wst-1' is not an AWS region; did you mean 'eu-west-1'?",
            id="unknown region",
        ),
        pytest.param(
            "sm-mlops:artifacts.regions",
            ["eu-wst-1"],
            "sm-mlops:artifacts.regions[0]: 'eu-wst-1' is not an AWS region; did you mean 'eu-west-1'?",
            id="no known region at all",
        ),
        pytest.param(
            "sm-mlops:artifacts.regions",
            ["us-east-2", "eu-west-1", "us-east-2"],
            "sm-mlops:artifacts.regions[2]: 'us-east-2' is in the list already",
            id="region twice",
        ),
        pytest.param(
            "sm-mlops:artifacts.regions",
            ["eu-west-1"],
            "sm-mlops:artifacts.regions: the home region 'us-east-2' (aws:region) is not in the list; pipelines live "
            "there and need a bucket beside them",
            id="home region not in the list",
        ),
        pytest.param(
            "sm-mlops:artifacts.regions",
            [],
            "sm-mlops:artifacts.regions: the list is empty; it needs at least one entry",
            id="empty list",
        ),
        pytest.param(
            "sm-mlops:notifications",
            {"repositoryEvents": []},
            "sm-mlops:notifications.repositoryEvents: the list is empty; it needs at least one entry",
            id="no events",
        ),
        pytest.param(
            "sm-mlops:project",
            "a-project-with-a-long-name",
            "sm-mlops:project: 'a-project-with-a-long-name' with environment 'dev' is too long by 3: the artifact "
            "bucket of us-east-2 would be named 'a-project-with-a-long-name-dev-artifacts-000000000000-us-east-2-an', "
            "66 characters, and AWS allows 63",
            id="bucket name over S3's limit",
        ),
        pytest.param(
            "sm-mlops:project",
            "SM_mlops",
            "sm-mlops:project: 'SM_mlops': lower-case letters, digits and single dashes, a letter first",
            id="project with capitals",
        ),
        pytest.param(
            "sm-mlops:notifications",
            {"emails": ["ops@example.com", "ops.example.com"]},
            "sm-mlops:notifications.emails[1]: 'ops.example.com' is not an e-mail address: An email address must have "
            "an @-sign.",
            id="bad e-mail address",
        ),
        pytest.param(
            "sm-mlops:artifacts.readerAccountIds",
            ["12345678901"],
            "sm-mlops:artifacts.readerAccountIds[0]: '12345678901' is not an AWS account id: twelve digits, in quotes",
            id="account id of eleven digits",
        ),
        pytest.param(
            "sm-mlops:artifacts.readerAccountIds",
            [123456789012],
            "sm-mlops:artifacts.readerAccountIds[0]: expected text, got 123456789012 (put it in quotes)",
            id="account id without quotes",
        ),
        pytest.param(
            "sm-mlops:source",
            {**GITHUB, "connectionArn": "arn:aws:s3:::bucket"},
            "sm-mlops:source.connectionArn: 'arn:aws:s3:::bucket': the ARN of a connection, "
            "arn:<partition>:codeconnections:<region>:<account>:connection/<id>",
            id="ARN of something else",
        ),
        pytest.param(
            "sm-mlops:tags",
            {"aws:x": "y"},
            "sm-mlops:tags: 'aws:x': the prefixes 'aws:' and 'mlops:' are kept for AWS and for this program",
            id="tag",
        ),
    ],
)
def test_a_fault_is_named_with_its_key_and_what_is_allowed(key: str, value: object, fault: str) -> None:
    assert faults(changed(key, value)) == [fault]


def test_a_name_too_long_for_a_connection_names_the_connection() -> None:
    values = {**changed("sm-mlops:artifacts.naming", "legacy"), "sm-mlops:source": GITHUB}
    values["sm-mlops:project"] = "a" * 30
    assert faults(values) == [
        f"sm-mlops:project: '{'a' * 30}' with environment 'dev' is too long by 2: the connection would be named "
        f"'{'a' * 30}-dev', 34 characters, and AWS allows 32"
    ]


@pytest.mark.parametrize("length", [18, 19])
def test_the_limit_of_a_name_is_exact(length: int) -> None:
    """`<project>-dev-artifacts-<12 digits>-ap-southeast-1-an` has 45 characters beside the project: 63 - 45 = 18."""
    values = {**MINIMAL, "aws:region": "ap-southeast-1", "sm-mlops:artifacts": {"regions": ["ap-southeast-1"]}}
    values["sm-mlops:project"] = "p" * length
    if length > 18:
        assert "64 characters, and AWS allows 63" in faults(values)[0]
    else:
        assert settings.parse(values, "dev").project == "p" * length


def test_a_name_of_the_catalog_counts_even_where_the_artifacts_have_short_names() -> None:
    values = {**changed("sm-mlops:artifacts.naming", "legacy"), "sm-mlops:catalog": {"products": ["model-deploy"]}}
    values["sm-mlops:project"] = "p" * 34
    assert "the distribution bucket of us-east-2 would be named" in faults(values)[0]


@pytest.mark.parametrize(
    ("key", "value", "fault"),
    [
        (
            "sm-mlops:artifacts.regions",
            ["us-east-2", "cn-north-1"],
            "sm-mlops:artifacts.regions: 'cn-north-1' is not in partition 'aws', where the home region 'us-east-2' is; "
            "it needs an account and a stack of its own",
        ),
        (
            "sm-mlops:notifications",
            {"emails": ["ops@Example.com", "ops@example.com"]},
            "sm-mlops:notifications.emails[1]: 'ops@example.com' is in the list already, written differently",
        ),
        (
            "sm-mlops:tags",
            {"owner": "a, b"},
            "sm-mlops:tags: 'owner': AWS takes letters, digits, spaces and + - = . _ : / @ in tags, not 'a, b'",
        ),
        (
            "sm-mlops:tags",
            {"Owner": "a", "team": "b", "owner": "c"},
            "sm-mlops:tags: 'owner': differs from 'Owner' in case only, and IAM takes the two for one; keep one of "
            "them",
        ),
        (
            "sm-mlops:catalog",
            {"products": ["model-deploy"], "tagOptions": {"Unit": ["a"], "unit": ["b"]}},
            "sm-mlops:catalog.tagOptions: 'unit': differs from 'Unit' in case only, and IAM takes the two for one; "
            "keep one of them",
        ),
        (
            "sm-mlops:source.branch",
            "refs/heads/main",
            "sm-mlops:source.branch: 'refs/heads/main': give the name of the branch alone, without refs/heads/",
        ),
        (
            "sm-mlops:source.repository",
            "platform.git",
            "sm-mlops:source.repository: 'platform.git': CodeCommit takes no name that ends in .git; leave the ending "
            "out",
        ),
        (
            "sm-mlops:source",
            {**GITHUB, "repository": "acme/platform.git"},
            "sm-mlops:source.repository: 'acme/platform.git': GitHub has no repository whose name ends in .git, which "
            "is a part of its address only",
        ),
        ("sm-mlops:tags", {"GitHub": 1}, "sm-mlops:tags.GitHub: expected text, got 1 (put it in quotes)"),
        ("sm-mlops:source", "CodeCommit", 'sm-mlops:source: expected a section with keys, got "CodeCommit"'),
    ],
    ids=[
        *("partition", "e-mail twice", "tag text", "tags of one name", "tag options of one name", "reference"),
        *("repository of CodeCommit", "repository of GitHub", "tag like a provider", "text for a source"),
    ],
)
def test_faults_that_only_aws_or_the_engine_would_find(key: str, value: object, fault: str) -> None:
    assert faults(changed(key, value)) == [fault]


def test_all_faults_of_a_file_are_reported_together() -> None:
    values = {
        "aws:region": "us-east-9",
        "sm-mlops:project": "x" * 60,
        "sm-mlops:environment": "dev",
        "sm-mlops:artifacts": {"regions": ["us-east-2", "us-east-2"], "artifactDays": 0},
        "sm-mlops:source": {"provider": "CodeCommit", "approvals": 11},
        "sm-mlops:notifications": {"emails": ["nobody"]},
    }
    keys = [fault.split(": ")[0] for fault in faults(values)]
    assert keys == [
        "aws:region",
        "sm-mlops:artifacts.artifactDays",
        "sm-mlops:source.approvals",
        "sm-mlops:notifications.emails[0]",
        "sm-mlops:protection",
        "sm-mlops:artifacts.regions[1]",
    ]


def test_a_rule_between_sections_is_checked_beside_faults_of_other_sections() -> None:
    values = changed("sm-mlops:artifacts.regions", ["eu-west-1"])
    values["sm-mlops:tags"] = {"aws:x": "y"}
    assert [fault.split(": ")[0] for fault in faults(values)] == ["sm-mlops:tags", "sm-mlops:artifacts.regions"]


def with_options(*options: dict[str, Any]) -> dict[str, Any]:
    regions = dict.fromkeys(["us-east-2", *(option["region"] for option in options)])
    return {
        **MINIMAL,
        "sm-mlops:artifacts": {"regions": list(regions)},
        "sm-mlops:delivery": example(),
        "sm-mlops:deploymentTests": {"options": list(options)},
    }


def test_a_fault_in_an_option_is_found_before_its_test_is() -> None:
    options = (
        {"name": "one", "region": "eu-west-1"},
        {"name": "two", "region": "eu-west-1", "settings": {"artifacts": {"naming": "legcy"}}},
        {"name": "one", "region": "us-east-1", "settings": {"artefacts": {}}},
    )
    found = faults(with_options(*options))
    assert found[0] == (
        "sm-mlops:deploymentTests.options[1] (two): sm-mlops:artifacts.naming: 'legcy' is not allowed; did you mean "
        "'legacy'? (allowed: account-regional, legacy)"
    )
    assert found[1] == "sm-mlops:deploymentTests.options[2].name: 'one' is the name of another option already"
    assert found[2].startswith(
        "sm-mlops:deploymentTests.options[2] (one): sm-mlops:artefacts: unknown key; did you mean 'artifacts'?"
    )
    assert len(found) == 3


def test_the_names_of_a_stack_under_test_are_longer_and_are_checked() -> None:
    values = with_options({"name": "one", "region": "ap-southeast-2"})
    settings.parse({**values, "sm-mlops:project": "p" * 10}, "dev")
    (fault,) = faults({**values, "sm-mlops:project": "p" * 16})
    assert fault.startswith("sm-mlops:deploymentTests.options[0] (one): sm-mlops:project: 'pppppppppppppppp-000000'")


def test_a_fault_of_the_stack_itself_is_told_once_whatever_its_options() -> None:
    values = {**with_options({"name": "one", "region": "eu-west-1"}), "sm-mlops:environment": "Dev"}
    assert len(faults(values)) == 1


def test_a_section_stored_as_a_secret_is_refused_without_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    hidden = '{"emails": ["hidden@example.com"]}'
    monkeypatch.setenv("PULUMI_CONFIG", "{}")
    pulumi.runtime.set_all_config(
        {**{key: json.dumps(value) for key, value in MINIMAL.items()}, "sm-mlops:notifications": hidden},
        ["sm-mlops:notifications"],
    )
    try:
        with pytest.raises(settings.SettingsError) as raised:
            settings.load()
    finally:
        pulumi.runtime.set_all_config({}, [])
    assert "sm-mlops:notifications: is stored as a secret, but nothing in it is one; set it in plain text" in str(
        raised.value
    )
    assert "hidden" not in str(raised.value)


def test_left_out_sections_get_their_defaults() -> None:
    read = settings.parse(MINIMAL, "dev")
    assert read.artifacts.naming is BucketNaming.ACCOUNT_REGIONAL
    assert read.artifacts.artifact_days == 90
    assert read.notifications.emails == ()
    assert read.notifications.repository_event_type_ids == [
        "codecommit-repository-pull-request-created",
        "codecommit-repository-pull-request-merged",
    ]


def test_nothing_is_registered_when_a_stack_file_has_faults() -> None:
    values = {**stack_values("dev"), "sm-mlops:tags": {"aws:x": "y"}}
    recording = Recording()
    with pytest.raises(pulumi.RunError, match=r"Pulumi\.dev\.yaml has 1 fault"):
        run_program(values, recording=recording)
    assert recording.resources == []


def test_dev_and_prod_differ_as_environments_do() -> None:
    dev, prod = (settings.parse(stack_values(stack), stack) for stack in ("dev", "prod"))
    assert (dev.protection.protect, prod.protection.protect) == (False, True)
    assert (dev.protection.retain, prod.protection.retain) == (False, True)
    assert prod.artifacts.artifact_days > dev.artifacts.artifact_days
    assert isinstance(dev.source, CodeCommitSource)
    assert isinstance(prod.source, CodeCommitSource)
    assert prod.source.approvals > dev.source.approvals
    assert set(dev.notifications.emails).isdisjoint(prod.notifications.emails)


def test_dev_and_prod_can_live_in_one_account() -> None:
    """No physical name of one stack is a name of the other."""
    names = {
        stack: {name.value for name in _derived(settings.parse(stack_values(stack), stack))}
        for stack in ("dev", "prod")
    }
    assert names["dev"].isdisjoint(names["prod"])


def _derived(read: settings.Settings) -> list[Any]:
    return list(
        read.names.derived(
            read.artifacts.naming, read.artifacts.regions, connection=False, catalog_regions=[read.home_region]
        )
    )


VPC = {
    "vpcId": "vpc-0a1b2c3d",
    "subnetIds": ["subnet-0a1b2c3d", "subnet-1a2b3c4d5e6f70819"],
    "securityGroupIds": ["sg-0a1b2c3d"],
}
CATALOG: dict[str, Any] = {"products": ["model-deploy"], "regions": ["us-east-2", "eu-west-1"]}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"vpcId": "subnet-0a1b2c3d"},
            ["us-east-2.vpcId: 'subnet-0a1b2c3d': an id: vpc- and 8 or 17 hexadecimal digits"],
        ),
        ({"vpcId": "vpc-0a1b2c3d5"}, ["us-east-2.vpcId: 'vpc-0a1b2c3d5': an id: vpc- and 8 or 17 hexadecimal digits"]),
        ({"subnetIds": ["subnet-0a1b2c3d"]}, ["us-east-2.subnetIds: 1 entry; at least 2"]),
        (
            {"subnetIds": [f"subnet-{number:08x}" for number in range(17)]},
            ["us-east-2.subnetIds: 17 entries; at most 16"],
        ),
        ({"securityGroupIds": []}, ["us-east-2.securityGroupIds: the list is empty; it needs at least one entry"]),
        (
            {"securityGroupIds": [f"sg-{number:08x}" for number in range(6)]},
            ["us-east-2.securityGroupIds: 6 entries; at most 5"],
        ),
        (
            {"subnetIds": ["subnet-0a1b2c3d", "subnet-0a1b2c3d"]},
            ["us-east-2.subnetIds[1]: 'subnet-0a1b2c3d' is in the list already"],
        ),
        (
            {"subnets": []},
            ["us-east-2.subnets: unknown key; did you mean 'subnetIds'? (allowed: vpcId, subnetIds, securityGroupIds)"],
        ),
    ],
)
def test_the_forms_and_counts_of_a_networks_ids(changes: dict[str, Any], expected: list[str]) -> None:
    assert faults(changed("sm-mlops:network", {"us-east-2": {**VPC, **changes}})) == [
        f"sm-mlops:network.{fault}" for fault in expected
    ]


def test_a_network_lies_in_a_region_of_the_stack() -> None:
    assert faults(changed("sm-mlops:network", {"eu-west-1": VPC})) == [
        "sm-mlops:network: 'eu-west-1' is not a region of this stack (its regions: us-east-2)"
    ]
    assert faults(changed("sm-mlops:network", {"us-eats-2": VPC})) == [
        "sm-mlops:network.us-eats-2: 'us-eats-2' is not an AWS region; did you mean 'us-east-2'?"
    ]


def test_no_region_of_the_catalog_is_left_open_beside_one_that_is_locked_down() -> None:
    values = {**changed("sm-mlops:catalog", CATALOG), "sm-mlops:network": {"us-east-2": VPC}}
    (fault,) = faults(values)
    assert fault.startswith("sm-mlops:network: has nothing for 'eu-west-1', where the catalog is offered")
    values["sm-mlops:network"]["eu-west-1"] = VPC
    assert list(settings.parse(values, "dev").network) == ["us-east-2", "eu-west-1"]


def test_a_shared_portfolio_takes_no_network_of_this_account_along() -> None:
    shared = {"products": ["model-deploy"], "shares": [{"type": "ACCOUNT", "principalId": "444455556666"}]}
    (fault,) = faults({**changed("sm-mlops:catalog", shared), "sm-mlops:network": {"us-east-2": VPC}})
    assert fault.startswith("sm-mlops:network: does not go with catalog.shares")


def test_a_product_whose_projects_make_a_role_is_not_offered_where_they_share_roles() -> None:
    catalog = {"products": ["model-deploy", "model-build-stepfunctions"]}
    values = {**changed("sm-mlops:catalog", catalog), "sm-mlops:iam": {"use": {"mode": "create"}}}
    assert faults(values) == [
        "sm-mlops:catalog.products[1]: projects of 'model-build-stepfunctions' make a role that no environment shares; "
        "take it out, or set sm-mlops:iam.use.mode to project"
    ]
    assert settings.parse({**values, "sm-mlops:iam": {}}, "dev").catalog is not None


def test_a_connection_to_a_git_provider_is_not_shared_with_other_accounts() -> None:
    arn = "arn:aws:codeconnections:us-east-2:111122223333:connection/4c2f0e1a-6f1d-4a0e-9c55-2b1f0a7d9e33"
    catalog = {"products": ["model-deploy"], "projectSource": {"connectionArn": arn}}
    section = settings.parse(changed("sm-mlops:catalog", catalog), "dev").catalog
    assert section is not None
    assert section.project_source is not None
    assert section.project_source.connection_arn == arn
    (fault,) = faults(
        changed("sm-mlops:catalog", {**catalog, "shares": [{"type": "ACCOUNT", "principalId": "444455556666"}]})
    )
    assert fault.startswith("sm-mlops:catalog.projectSource: does not go with catalog.shares")
    (fault,) = faults(changed("sm-mlops:catalog", {**catalog, "projectSource": {"connectionArn": "github"}}))
    assert "the ARN of a connection" in fault


def test_what_runs_in_a_network_calls_what_its_products_say() -> None:
    assert set(services_called(settings.parse(MINIMAL, "dev"))) == {"s3", "logs"}
    catalog = {**CATALOG, "regions": ["us-east-2"]}
    of_deploy = {"s3", "logs", "cloudformation", "codepipeline", "monitoring", "sagemaker.api", "sagemaker.runtime"}
    assert set(services_called(settings.parse(changed("sm-mlops:catalog", catalog), "dev"))) == of_deploy
    catalog["stackSetRoleArn"] = "arn:aws:iam::111122223333:role/Administration"
    assert set(services_called(settings.parse(changed("sm-mlops:catalog", catalog), "dev"))) == {
        *of_deploy,
        "kms",
        "sts",
    }


def test_who_reads_no_settings_waits_for_no_products() -> None:
    """Most tools judge no product, and packaging is a tenth of what they would wait for."""
    code = "import sys, settings; print([name for name in sys.modules if name.startswith('components.packaging')])"
    loaded = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert loaded.stdout == "[]\n"
