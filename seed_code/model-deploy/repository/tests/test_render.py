"""The files for the deploy actions, and what the build refuses to deploy."""

import json
import re
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from conftest import ACCOUNT, OTHER, ROOT, VARIABLES, arn, environment

from model_deploy import render
from model_deploy.decision import Decision
from model_deploy.deployed import BLOCKED, Deployed
from model_deploy.errors import UserError
from model_deploy.instances import LOCAL_STORAGE
from model_deploy.registry import Package
from model_deploy.stage_config import load_stages

STAGES = ("staging", "prod")
NOTHING = {"staging": None, "prod": None}


class _Template(yaml.SafeLoader):
    """Reads CloudFormation's short functions as plain values."""


def _plain(loader: yaml.Loader, _suffix: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_mapping(node, deep=True)


_Template.add_multi_constructor("!", _plain)


def endpoint_template() -> dict[str, Any]:
    return yaml.load((ROOT / "endpoint.yaml").read_text(encoding="utf-8"), Loader=_Template)  # noqa: S506 - SafeLoader


def committed() -> dict[str, Any]:
    return load_stages({stage: ROOT / "config" / f"{stage}.toml" for stage in STAGES})


def configured(tmp_path: Path, text: str) -> dict[str, Any]:
    paths = {stage: tmp_path / "config" / f"{stage}.toml" for stage in STAGES}
    (tmp_path / "config").mkdir()
    for path in paths.values():
        path.write_text(text, encoding="utf-8")
    return load_stages(paths)


def written(folder: Path, name: str) -> Any:
    return json.loads((folder / name).read_text(encoding="utf-8"))


def decision(version: int = 4) -> Decision:
    package = Package(arn=arn(version), version=version, approval="Approved")
    return Decision(package=package, reason="Version 4's turn.")


@pytest.mark.parametrize("stage", STAGES)
def test_parameter_files_match_the_endpoint_template_in_both_directions(tmp_path, stage):
    render.write(tmp_path, environment(), decision(), committed())
    declared = set(endpoint_template()["Parameters"])
    assert set(written(tmp_path, f"{stage}-stack.json")["Parameters"]) == declared
    assert {item["ParameterKey"] for item in written(tmp_path, f"{stage}-stackset.json")} == declared


def test_endpoint_template_has_no_default_that_could_hide_a_forgotten_parameter():
    assert [name for name, body in endpoint_template()["Parameters"].items() if "Default" in body] == []


def test_stack_file_has_parameters_as_text_and_the_project_tags(tmp_path):
    render.write(tmp_path, environment(), decision(), committed())
    content = written(tmp_path, "prod-stack.json")
    assert set(content) == {"Parameters", "Tags"}
    assert all(isinstance(value, str) for value in content["Parameters"].values())
    assert content["Tags"] == {
        "sagemaker:project-name": "fraud-deploy",
        "sagemaker:project-id": "p-abcdefghijkl",
        "project": "sm-mlops",
        "environment": "dev",
    }


def test_stack_set_file_is_the_same_list_of_parameters(tmp_path):
    render.write(tmp_path, environment(), decision(), committed())
    listed = {item["ParameterKey"]: item["ParameterValue"] for item in written(tmp_path, "prod-stackset.json")}
    assert listed == written(tmp_path, "prod-stack.json")["Parameters"]


def test_stage_in_the_own_account_takes_the_project_s_values():
    values = render.parameters(environment(), "prod", committed()["prod"], arn(4))
    assert values["ModelPackageArn"] == arn(4)
    assert values["EndpointName"] == "sagemaker-p-abcdefghijkl-prod"
    assert values["ModelRoleName"] == "service-role/models"
    assert values["KmsKeyArn"] == VARIABLES["KMS_KEY_ARN"]
    assert values["SubnetIds"] == "subnet-0a1,subnet-0b2"
    assert values["SecurityGroupIds"] == "sg-0c3"
    assert values["DataCaptureUri"] == f"s3://{VARIABLES['ARTIFACT_BUCKET']}/data-capture/prod"
    assert values["AlarmTopicArn"] == VARIABLES["NOTIFICATION_TOPIC_ARN"]


@pytest.mark.parametrize(
    ("kind", "takes_key"),
    [("ml.m5.large", True), ("ml.m5d.large", False), ("ml.g4dn.xlarge", False), ("ml.p5.48xlarge", False)],
)
def test_a_type_with_local_storage_gets_no_key_for_its_volume_and_captures_with_it(tmp_path, kind, takes_key):
    config = configured(tmp_path, f"instances.type = '{kind}'")["prod"]
    values = render.parameters(environment(), "prod", config, arn(4))
    assert values["VolumeKmsKeyArn"] == (VARIABLES["KMS_KEY_ARN"] if takes_key else "")
    assert values["KmsKeyArn"] == VARIABLES["KMS_KEY_ARN"]
    properties = endpoint_template()["Resources"]["EndpointConfig"]["Properties"]
    assert "VolumeKmsKeyArn" in properties["KmsKeyId"]
    assert "KmsKeyArn" in properties["DataCaptureConfig"][1]["KmsKeyId"]


def test_the_list_of_types_with_local_storage_has_families_that_sagemaker_has():
    client = boto3.client("sagemaker", "eu-west-1", aws_access_key_id="x", aws_secret_access_key="x")
    types = set(client.meta.service_model.shape_for("ProductionVariantInstanceType").enum)
    families = {kind.split(".")[1] for kind in types}
    # In EC2's names a "d" behind the generation means local disks, as in m5d or c6gd.
    named = {family for family in families if re.fullmatch(r"[a-z]\d+[a-z]*d[a-z]*", family)}
    assert named <= LOCAL_STORAGE


def test_captured_rows_are_kept_as_text():
    capture = endpoint_template()["Resources"]["EndpointConfig"]["Properties"]["DataCaptureConfig"][1]
    assert capture["CaptureContentTypeHeader"] == {
        "CsvContentTypes": ["text/csv"],
        "JsonContentTypes": ["application/json"],
    }


def test_an_update_is_undone_for_errors_of_the_server_refusals_and_latency():
    resources = endpoint_template()["Resources"]
    alarms = {name: one["Properties"] for name, one in resources.items() if one["Type"] == "AWS::CloudWatch::Alarm"}
    assert set(alarms) == {"ErrorAlarm", "ClientErrorAlarm", "LatencyAlarm"}
    watching = resources["Endpoint"]["Properties"]["DeploymentConfig"]["AutoRollbackConfiguration"][1]["Alarms"]
    assert [one[1]["AlarmName"] for one in watching] == ["ErrorAlarm", "ClientErrorAlarm", "LatencyAlarm"]
    assert {alarm["TreatMissingData"] for alarm in alarms.values()} == {"missing"}, "no traffic is not health"
    share, refused, requests = alarms["ClientErrorAlarm"]["Metrics"]
    assert share["Expression"] == "IF(requests >= 10, 100 * refused / requests, 0)"
    assert refused["MetricStat"]["Metric"]["MetricName"] == "Invocation4XXErrors"
    assert requests["MetricStat"]["Metric"]["MetricName"] == "Invocations"


def test_the_endpoint_says_which_package_it_serves():
    tags = endpoint_template()["Resources"]["Endpoint"]["Properties"]["Tags"]
    assert {"Key": "model-package", "Value": "ModelPackageArn"} in tags


def test_stage_file_overrides_the_project(tmp_path):
    stages = configured(tmp_path, "target.model_role_name = 'mine'\ndata_capture.s3_uri = 's3://capture/here'")
    values = render.parameters(environment(), "prod", stages["prod"], arn(4))
    assert values["ModelRoleName"] == "mine"
    assert values["DataCaptureUri"] == "s3://capture/here"


def test_stage_in_another_account_gets_nothing_that_exists_only_in_this_one():
    there = environment(DEPLOYMENT_TARGET="STACKSET", PROD_ACCOUNT_IDS=OTHER, TARGET_MODEL_ROLE_NAME="path/models")
    values = render.parameters(there, "prod", committed()["prod"], arn(4))
    assert values["ModelRoleName"] == "path/models"
    assert {name for name, value in values.items() if value == ""} == {
        "AlarmTopicArn",
        "DataCaptureUri",
        "KmsKeyArn",
        "SecurityGroupIds",
        "SubnetIds",
        "VolumeKmsKeyArn",
    }
    assert ACCOUNT not in "".join(value for name, value in values.items() if name != "ModelPackageArn")


def test_nothing_to_deploy_writes_no_parameter_file(tmp_path):
    nothing = Decision(package=None, reason="Nothing approved yet.")
    render.write(tmp_path, environment(), nothing, committed())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["decision.json"]
    assert written(tmp_path, "decision.json") == {"package_arn": None, "reason": "Nothing approved yet."}


def test_committed_configuration_can_be_deployed_first_time():
    render.check(environment(), committed(), NOTHING)


def running(status: str = "UPDATE_COMPLETE", **parameters: str) -> dict[str, Deployed | None]:
    return {"staging": None, "prod": Deployed(parameters=parameters, status=status, certain=True)}


@pytest.mark.parametrize("status", sorted(BLOCKED))
def test_prod_stack_that_cannot_be_updated_is_reported_with_the_way_out(status):
    with pytest.raises(UserError) as caught:
        render.check(environment(), committed(), running(status))
    assert f"prod: stack sagemaker-fraud-deploy-p-abcdefghijkl-deploy-prod is {status}: " in str(caught.value)


def test_instance_type_cannot_change_while_the_endpoint_scales():
    with pytest.raises(UserError, match=r"from ml\.c5\.large to ml\.m5\.large while auto scaling is on"):
        render.check(environment(), committed(), running(InstanceType="ml.c5.large", MaxInstanceCount="4"))


def test_instance_type_may_change_when_the_endpoint_does_not_scale():
    render.check(environment(), committed(), running(InstanceType="ml.c5.large", MaxInstanceCount="0"))


def test_other_accounts_need_what_the_project_cannot_give_them(tmp_path):
    there = environment(DEPLOYMENT_TARGET="STACKSET", PROD_ACCOUNT_IDS=f"{ACCOUNT},{OTHER}")
    with pytest.raises(UserError) as caught:
        render.check(there, configured(tmp_path, "data_capture.percent = 10"), NOTHING)
    lines = str(caught.value).splitlines()[1:]
    assert len(lines) == 3
    assert all(f"prod: account {OTHER} is not this project's own, so" in line for line in lines)
    assert [word for word in ("model_role_name", "TargetTestRoleName", "s3_uri") if word in str(caught.value)] == [
        "model_role_name",
        "TargetTestRoleName",
        "s3_uri",
    ]
