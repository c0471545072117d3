"""The stage files: what they may say, and what a person reads when they say something else."""

from pathlib import Path

import pytest
from conftest import ROOT

from model_deploy.errors import UserError
from model_deploy.stage_config import SETTINGS, load_stages


def load(tmp_path: Path, text: str) -> dict[str, str]:
    (tmp_path / "config").mkdir(exist_ok=True)
    path = tmp_path / "config" / "prod.toml"
    path.write_text(text, encoding="utf-8")
    return load_stages({"prod": path})["prod"].parameters()


def fault(tmp_path: Path, text: str) -> str:
    with pytest.raises(UserError) as caught:
        load(tmp_path, text)
    return str(caught.value)


@pytest.mark.parametrize("stage", ["staging", "prod"])
def test_committed_files_are_valid(stage):
    assert load_stages({stage: ROOT / "config" / f"{stage}.toml"})


def test_empty_file_takes_every_default(tmp_path):
    defaults = {setting.parameter: setting.text(setting.default) for setting in SETTINGS if setting.parameter}
    assert load(tmp_path, "") == defaults


def test_values_become_parameters(tmp_path):
    found = load(
        tmp_path,
        """
        instances = {type = "ml.c5.xlarge", count = 3}
        autoscaling = {max_instances = 6}
        update = {strategy = "linear", step_percent = 30}
        alarms = {latency_ms = 250, errors_per_minute = 0}
        [target]
        subnet_ids = ["subnet-0a1", "{{resolve:ssm:/network/subnet-b}}"]
        security_group_ids = ["sg-0a1"]
        """,
    )
    assert found["InstanceType"] == "ml.c5.xlarge"
    assert found["InstanceCount"] == "3"
    assert found["MaxInstanceCount"] == "6"
    assert found["UpdateStrategy"] == "LINEAR"
    assert found["LatencyAlarmMicroseconds"] == "250000"
    assert found["ErrorAlarmThreshold"] == "0"
    assert found["SubnetIds"] == "subnet-0a1,{{resolve:ssm:/network/subnet-b}}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("instances.cuont = 2", "config/prod.toml: instances.cuont is not a setting; did you mean instances.count?"),
        ("instances.count = '2'", "instances.count is '2'; allowed: a whole number from 1 to 100"),
        ("instances.count = true", "instances.count is True; allowed: a whole number from 1 to 100"),
        ("instances.count = 0", "instances.count is 0; allowed: a whole number from 1 to 100"),
        ("instances.type = 'm5.large'", "instances.type is 'm5.large'; allowed: an instance type for endpoints"),
        ("update.strategy = 'blue'", "update.strategy is 'blue'; allowed: one of 'all-at-once', 'canary', 'linear'"),
        ("data_capture.percent = 101", "data_capture.percent is 101; allowed: a whole number from 1 to 100, or 0 for"),
        ("data_capture.s3_uri = 'bucket'", "data_capture.s3_uri is 'bucket'; allowed: an address such as 's3://"),
        ("target.subnet_ids = 'subnet-1'", "target.subnet_ids is 'subnet-1'; allowed: a list"),
        ("target.subnet_ids = ['sg-1']", "target.subnet_ids is ['sg-1']; allowed: a list"),
        ("target.model_role_name = 'arn:aws:iam::1:role/x'", "allowed: the name of a role, with its path and without"),
        ("target.kms_key_arn = 'key'", "target.kms_key_arn is 'key'; allowed: the ARN of a KMS key"),
        ("instances = 3", "config/prod.toml: instances is not a setting"),
        ("instances.count = ", "config/prod.toml: not valid TOML: Invalid value"),
        ("autoscaling.max_instances = 1\ninstances.count = 2", "autoscaling.max_instances is 1, less than instances.c"),
        (
            "autoscaling.max_instances = 2\ninstances.type = 'ml.t2.medium'",
            "burstable instances (ml.t2.medium) cannot scale",
        ),
        ("update.strategy = 'canary'", "it needs instances.count of 2 or more, or 'all-at-once'"),
        ("target.subnet_ids = ['subnet-1']", "target.subnet_ids and target.security_group_ids belong together"),
    ],
)
def test_fault_says_what_where_and_what_is_allowed(tmp_path, text, message):
    assert message in fault(tmp_path, text)


def test_all_faults_of_all_files_come_in_one_message(tmp_path):
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "staging.toml").write_text("instances.count = 0\nupdate.strategy = 'x'", encoding="utf-8")
    files = {stage: tmp_path / "config" / f"{stage}.toml" for stage in ("staging", "prod")}
    with pytest.raises(UserError) as caught:
        load_stages(files)
    assert [line.split(" is ")[0].strip() for line in str(caught.value).splitlines()[1:]] == [
        "config/staging.toml: instances.count",
        "config/staging.toml: update.strategy",
        "config/prod.toml: the file",
    ]


def test_readme_lists_every_setting_with_its_default():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for setting in SETTINGS:
        default = repr(setting.default).replace("'", '"')
        assert f"| `{setting.key}` | `{default}` |" in readme, setting.key


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff\xfe[instances]", "config/prod.toml: not UTF-8 text"),
        (b"instances.type = " + b"[" * 5000, "config/prod.toml: not valid TOML"),
        (b"a." * 3000 + b"a = 1", "config/prod.toml: a.a.a"),
        (b"instances.count = nan", "instances.count is nan; allowed: a whole number from 1 to 100"),
        (b"instances = 3", "config/prod.toml: instances is not a setting"),
        (b"alarms.client_errors_percent = 101", "client_errors_percent is 101; allowed: a whole number from 1 to 100"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_sentence(tmp_path, content, message):
    path = tmp_path / "config" / "prod.toml"
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(UserError) as caught:
        load_stages({"prod": path})
    assert message in str(caught.value)
    assert len(str(caught.value)) < 500


def test_a_sample_runs_two_instances_and_the_small_one_is_staging_s():
    stages = load_stages({stage: ROOT / "config" / f"{stage}.toml" for stage in ("staging", "prod")})
    assert {stage: (config["instances.type"], config["instances.count"]) for stage, config in stages.items()} == {
        "staging": ("ml.t2.medium", 1),
        "prod": ("ml.m5.large", 1),
    }
