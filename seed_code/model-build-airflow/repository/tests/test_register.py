import json

import boto3
import pytest
from botocore.stub import Stubber
from conftest import measured

from abalone import register
from pipelines.workflow import REQUEST_FILE, build_registration, parameters

ARN = "arn:aws:sagemaker:eu-west-1:123456789012:model-package/sagemaker-demo/1"
RUN = "s3://sagemaker-p-0123456789ab-build/executions/20261127T203155"


@pytest.fixture
def folders(settings, trained, tmp_path):
    """The inputs of the job: the request as the build leaves it, and the report of a model that was measured."""
    (tmp_path / "registration").mkdir()
    request = build_registration(settings, "s3://b/code/1")
    (tmp_path / "registration" / REQUEST_FILE).write_text(json.dumps(request))
    measured(trained, tmp_path / "evaluation")
    return tmp_path


@pytest.fixture
def sagemaker():
    client = boto3.client("sagemaker", "eu-west-1", aws_access_key_id="x", aws_secret_access_key="x")  # noqa: S106
    client.requests = []
    client.meta.events.register(
        "provide-client-params.sagemaker.CreateModelPackage", lambda params, **_: client.requests.append(params)
    )
    with Stubber(client) as stub:
        stub.add_response("create_model_package", {"ModelPackageArn": ARN})
        yield client


def run(folders, sagemaker, **values):
    given = {"run": "20261127T203155", **parameters("s3://b/data"), "CommitId": "0a1b2c3d", **values}
    words = ["--registration-dir", str(folders / "registration"), "--evaluation-dir", str(folders / "evaluation")]
    words += ["--region", "eu-west-1", *(word for pair in given.items() for word in ("--value", "=".join(pair)))]
    (folders / "output").mkdir(exist_ok=True)
    return register.main(words, message_file=folders / "output" / "message", sagemaker=sagemaker)


def test_the_version_has_what_only_the_run_knows(folders, sagemaker, capsys):
    assert run(folders, sagemaker) == 0
    assert capsys.readouterr().out == f"registered {ARN}\n"
    (request,) = sagemaker.requests
    assert request["ModelApprovalStatus"] == "PendingManualApproval"
    container = request["InferenceSpecification"]["Containers"][0]
    model = f"{RUN}/models/sagemaker-p-0123456789ab-train-20261127T203155/output/model.tar.gz"
    assert container["ModelDataUrl"] == model
    quality = request["ModelMetrics"]["ModelQuality"]["Statistics"]["S3Uri"]
    assert quality == f"{RUN}/evaluate/evaluation/evaluation.json"
    assert request["CustomerMetadataProperties"]["CommitId"] == "0a1b2c3d"
    card = json.loads(request["ModelCard"]["ModelCardContent"])
    report = json.loads((folders / "evaluation" / "evaluation.json").read_text())
    told = {one["name"]: one["value"] for one in card["evaluation_details"][0]["metric_groups"][0]["metric_data"]}
    assert told == {name: one["value"] for name, one in report["regression_metrics"].items()}


def test_a_model_that_is_not_good_enough_ends_the_run(folders, sagemaker, trained):
    measured(trained, folders / "evaluation", error=0.001, share_of_baseline=0.002)
    assert run(folders, sagemaker) == 1
    assert sagemaker.requests == []
    message = (folders / "output" / "message").read_text()
    assert "no version was registered" in message
    assert "(limit 0.001)" in message
    assert "(limit 0.002)" in message
    assert "approved" not in message


def test_a_name_that_nobody_knows_registers_nothing(folders, sagemaker):
    path = folders / "registration" / "registration.json"
    path.write_text(path.read_text().replace("${CommitId}", "${Comit}"))
    assert run(folders, sagemaker) == 1
    assert sagemaker.requests == []
    assert "'Comit'" in (folders / "output" / "message").read_text()
