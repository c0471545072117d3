"""How a stage's monitoring is made: the pipeline's definition, the notes, and the stack that holds it."""

import hashlib
import json

import pytest
from conftest import ACCOUNT, OTHER, ROOT, VARIABLES, arn, environment
from test_render import configured, endpoint_template

from model_deploy import monitoring, render
from model_deploy.errors import UserError
from model_deploy.registry import Origin, Registry
from monitoring import drift

ROLE = f"arn:aws:iam::{ACCOUNT}:role/monitoring"
ON = {
    "MONITORING_SCHEDULE": "rate(1 day)",
    "MONITORING_ROLE_ARN": ROLE,
    "EVENTS_ROLE_ARN": f"arn:aws:iam::{ACCOUNT}:role/events",
}
ORIGIN = Origin(
    arn=arn(4),
    image=f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com/image@sha256:1",
    baseline_url="s3://build/executions/1/baseline.json",
    training_pipeline="sagemaker-p-build-train",
)
CODE = "s3://bucket/monitoring/code/0/"


def planned(tmp_path, text="data_capture.percent = 10", origin=ORIGIN, stage="prod", **changes):
    config = configured(tmp_path, text)[stage]
    return monitoring.plan(environment(**ON, **changes), stage, config, origin, CODE)


def request(plan):
    (step,) = json.loads(plan.parameters["MonitoringDefinition"])["Steps"]
    assert step["Type"] == "Processing"
    return step["Arguments"]


def test_the_job_runs_the_code_in_the_model_s_own_image_with_all_that_it_asks_for(tmp_path, monkeypatch):
    job = request(planned(tmp_path))
    assert job["AppSpecification"]["ImageUri"] == ORIGIN.image
    assert job["AppSpecification"]["ContainerEntrypoint"][1].endswith("/input/code/drift.py")
    assert job["ProcessingInputs"][0]["S3Input"]["S3Uri"] == CODE
    assert (ROOT / monitoring.CODE).is_file()
    taken = []
    monkeypatch.setattr(drift, "run", lambda _s3, _cloudwatch, options, _now: taken.append(options))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "none")
    assert drift.main(job["AppSpecification"]["ContainerArguments"]) == 0
    (options,) = taken
    assert options.captured == f"s3://{VARIABLES['ARTIFACT_BUCKET']}/data-capture/prod/{options.endpoint}/AllTraffic"
    assert options.baseline == ORIGIN.baseline_url
    assert (options.hours, options.least_rows, options.stability_index) == (24, 500, 0.25)


def test_the_request_is_one_that_sagemaker_takes(tmp_path, stub):
    client, stubber = stub("sagemaker")
    job = request(planned(tmp_path))
    job["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["S3Uri"] = "s3://bucket/report"
    stubber.add_response("create_processing_job", {"ProcessingJobArn": f"arn:aws:sagemaker:eu-west-1:{ACCOUNT}:x"})
    client.create_processing_job(ProcessingJobName="job", **job)


def test_key_and_network_are_the_environment_s_where_it_has_them(tmp_path):
    job = request(planned(tmp_path))
    assert job["NetworkConfig"]["VpcConfig"]["Subnets"] == ["subnet-0a1", "subnet-0b2"]
    assert job["ProcessingResources"]["ClusterConfig"]["VolumeKmsKeyId"] == VARIABLES["KMS_KEY_ARN"]
    assert job["ProcessingOutputConfig"]["KmsKeyId"] == VARIABLES["KMS_KEY_ARN"]


def test_without_key_and_network_neither_is_named(tmp_path):
    job = request(planned(tmp_path, KMS_KEY_ARN="", SUBNET_IDS="", SECURITY_GROUP_IDS=""))
    assert "VpcConfig" not in job["NetworkConfig"]
    assert "Kms" not in json.dumps(job)


def test_settings_and_a_bucket_of_one_s_own_reach_the_job(tmp_path):
    text = """
    data_capture.percent = 10
    data_capture.s3_uri = "s3://mine/here/"
    monitoring.hours = 48
    monitoring.least_rows = 900
    monitoring.stability_index = 0.1
    """
    words = request(planned(tmp_path, text))["AppSpecification"]["ContainerArguments"]
    told = dict(zip(words[::2], words[1::2], strict=True))
    assert told["--captured"] == "s3://mine/here/sagemaker-p-abcdefghijkl-prod/AllTraffic"
    assert (told["--hours"], told["--least-rows"], told["--stability-index"]) == ("48", "900", "0.1")


def test_the_longest_definition_fits_into_a_parameter(tmp_path):
    network = {
        "SUBNET_IDS": ",".join(f"subnet-{number:017x}" for number in range(16)),
        "SECURITY_GROUP_IDS": ",".join(f"sg-{number:017x}" for number in range(5)),
        "SAGEMAKER_PROJECT_NAME": "n" * 32,
        "SAGEMAKER_PROJECT_ID": "p" * 20,
        "ARTIFACT_BUCKET": f"sagemaker-{'p' * 20}-deploy-{ACCOUNT}",
    }
    longest = planned(tmp_path, **network).parameters["MonitoringDefinition"]
    assert len(longest) <= monitoring.MOST_DEFINITION
    (tmp_path / "more").mkdir()
    with pytest.raises(UserError, match="CloudFormation no more than 4096: shorten data_capture"):
        planned(
            tmp_path / "more", f"data_capture.percent = 1\ndata_capture.s3_uri = 's3://bucket/{'x' * 2000}'", **network
        )


@pytest.mark.parametrize(
    ("text", "origin", "changes", "note"),
    [
        ("", ORIGIN, {}, "prod is not monitored: set data_capture.percent in config/prod.toml above 0."),
        (
            "data_capture.percent = 10",
            ORIGIN,
            {"DEPLOYMENT_TARGET": "STACKSET", "PROD_ACCOUNT_IDS": OTHER},
            f"prod is not monitored: the job's role exists in account {ACCOUNT} alone.",
        ),
        (
            "data_capture.percent = 10",
            Origin(arn=arn(4), image="image", baseline_url="", training_pipeline=""),
            {},
            f"prod is not monitored: {arn(4)} has no baseline (ModelDataQuality.Statistics of its "
            "DriftCheckBaselines); register one with the next version.",
        ),
    ],
    ids=["no capture", "another account", "no baseline"],
)
def test_what_cannot_be_monitored_is_said_and_makes_nothing(tmp_path, text, origin, changes, note):
    plan = planned(tmp_path, text, origin, **changes)
    assert plan.note == note
    assert set(plan.parameters.values()) == {""}


def test_drift_in_prod_starts_the_pipeline_that_the_version_names_when_it_is_asked_for(tmp_path):
    for number, (stage, asked, origin, expected) in enumerate(
        [
            ("prod", "YES", ORIGIN, ORIGIN.training_pipeline),
            ("prod", "NO", ORIGIN, ""),
            ("staging", "YES", ORIGIN, ""),
            ("prod", "YES", Origin(arn=arn(4), image="i", baseline_url="s3://b/k", training_pipeline=""), ""),
        ]
    ):
        (tmp_path / str(number)).mkdir()
        plan = planned(tmp_path / str(number), origin=origin, stage=stage, RETRAIN_ON_DRIFT=asked)
        assert plan.parameters["RetrainPipelineName"] == expected
    assert plan.note.endswith("starts nothing: the version does not say which build project has made it.")


@pytest.mark.parametrize(
    ("said", "pipeline"),
    [
        ({"ProjectName": "fraud", "ProjectId": "p-build"}, "sagemaker-p-build-train"),
        ({"ProjectName": "other", "ProjectId": "p-build"}, ""),
        ({}, ""),
    ],
)
def test_a_version_says_where_it_comes_from(stub, said, pipeline):
    client, stubber = stub("sagemaker")
    url = "s3://build/executions/1/baseline.json"
    answer = {
        "ModelPackageName": "x",
        "ModelPackageArn": arn(4),
        "CreationTime": 0,
        "ModelPackageStatus": "Completed",
        "ModelPackageStatusDetails": {"ValidationStatuses": []},
        "InferenceSpecification": {"Containers": [{"Image": "image"}]},
        "CustomerMetadataProperties": said,
    }
    with_baseline = {
        "DriftCheckBaselines": {"ModelDataQuality": {"Statistics": {"ContentType": "application/json", "S3Uri": url}}}
    }
    for more, baseline in ((with_baseline, url), ({}, "")):
        stubber.add_response("describe_model_package", {**answer, **more}, {"ModelPackageName": arn(4)})
        assert Registry(client, "sagemaker-fraud").origin(arn(4)) == Origin(
            arn=arn(4), image="image", baseline_url=baseline, training_pipeline=pipeline
        )


def test_code_is_kept_by_its_content(stub):
    client, stubber = stub("s3")
    digest = hashlib.sha256(b"code").hexdigest()[:16]
    bucket = VARIABLES["ARTIFACT_BUCKET"]
    stubber.add_response(
        "put_object", {}, {"Bucket": bucket, "Key": f"monitoring/code/{digest}/drift.py", "Body": b"code"}
    )
    assert monitoring.upload_code(client, environment(), b"code") == f"s3://{bucket}/monitoring/code/{digest}/"


def test_the_stack_looks_for_drift_on_its_schedule_and_undoes_no_update_for_it(tmp_path):
    template = endpoint_template()
    resources = template["Resources"]
    conditions = {name: one.get("Condition") for name, one in resources.items() if "Condition" in one}
    assert conditions["MonitoringPipeline"] == conditions["MonitoringRule"] == conditions["DriftAlarm"]
    alarm = resources["DriftAlarm"]["Properties"]
    assert (alarm["Namespace"], alarm["MetricName"]) == (drift.NAMESPACE, "DriftedFeatures")
    assert alarm["TreatMissingData"] == "ignore", "what is not judged changes nothing"
    assert "DriftAlarm" not in json.dumps(resources["Endpoint"])
    assert resources["MonitoringRule"]["Properties"]["ScheduleExpression"] == "MonitoringSchedule"
    assert resources["RetrainRule"]["Properties"]["EventPattern"]["resources"] == ["DriftAlarm.Arn"]
    values = render.parameters(environment(**ON), "prod", configured(tmp_path, "")["prod"], arn(4))
    assert values["MonitoringDefinition"] == "", "nothing is monitored unless it was planned"
