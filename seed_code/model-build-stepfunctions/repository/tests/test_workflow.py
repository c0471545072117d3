"""The input of a run and the state machine: what each step asks for, and that the two fit together."""

import json
import re
from dataclasses import replace
from typing import Any

import boto3
import pytest
from botocore.validate import ParamValidator

from pipelines.build import Prepared
from pipelines.images import Image
from pipelines.references import References
from pipelines.run_workflow import WORKFLOW, definition, state_machine_arn
from pipelines.settings import SettingsError
from pipelines.workflow import RunReferences, requests, require_options

KEY = "arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555"
CALLS = {
    "Preprocess": ("sagemaker", "CreateProcessingJob", {"ProcessingJobName": "x"}),
    "Train": ("sagemaker", "CreateTrainingJob", {"TrainingJobName": "x"}),
    "Evaluate": ("sagemaker", "CreateProcessingJob", {"ProcessingJobName": "x"}),
    "Report": ("s3", "GetObject", {}),
    "Register": ("sagemaker", "CreateModelPackage", {}),
}


@pytest.fixture
def asked(settings) -> dict[str, Any]:
    """The requests in an environment with a key and a VPC."""
    settings = replace(settings, kms_key_arn=KEY, subnet_ids=("subnet-0a",), security_group_ids=("sg-0a",))
    prepared = Prepared(
        settings=settings,
        image=Image(uri=settings.image_uri),
        code_url=f"s3://{settings.bucket}/code/abc",
        data_url=f"s3://{settings.bucket}/data/sample",
        data_version="1",
        approved="no version is approved",
    )
    return requests(prepared, commit_id="0a1b2c3d", data_version="1")


@pytest.fixture
def states() -> dict[str, Any]:
    return json.loads(WORKFLOW.read_text(encoding="utf-8"))["States"]


@pytest.mark.parametrize("step", CALLS)
def test_each_request_is_a_valid_one(asked, step):
    service, operation, added = CALLS[step]
    client = boto3.client(service, "eu-west-1", aws_access_key_id="x", aws_secret_access_key="x")  # noqa: S106
    shape = client.meta.service_model.operation_model(operation).input_shape
    assert ParamValidator().validate(asked[step] | added, shape).generate_report() == ""


def test_the_state_machine_makes_every_request_and_no_other(asked, states):
    text = WORKFLOW.read_text(encoding="utf-8")
    assert set(re.findall(r"\$requests\.(\w+)", text)) == set(asked) == set(CALLS)
    for name in ("Preprocess", "Train", "Evaluate"):
        kind = "Training" if name == "Train" else "Processing"
        assert states[name]["Resource"] == f"arn:aws:states:::sagemaker:create{kind}Job.sync"


def test_every_place_in_the_requests_is_one_that_the_state_machine_fills_in(asked):
    places = set(re.findall(r"\{([a-z][\w.-]*)\}", json.dumps(asked)))
    metrics = {f"report.regression_metrics.{name}.value" for name in ("mse", "mae", "r2", "baseline_mse")}
    assert places == {"run", "run-arn", "model"} | metrics
    text = WORKFLOW.read_text(encoding="utf-8")
    for place in ("'{run}'", "'{run-arn}'", "'{model}'", "'{report.regression_metrics.' & $name & '.value}'"):
        assert place in text


def test_each_run_writes_below_its_own_prefix(asked, settings):
    outputs = [
        output["S3Output"]["S3Uri"]
        for name in ("Preprocess", "Evaluate")
        for output in asked[name]["ProcessingOutputConfig"]["Outputs"]
    ]
    outputs.append(asked["Train"]["OutputDataConfig"]["S3OutputPath"])
    assert all(url.startswith(f"s3://{settings.bucket}/executions/{{run}}/") for url in outputs)
    assert asked["Report"]["Key"] == "executions/{run}/evaluate/evaluation/evaluation.json"


def test_every_step_that_can_fail_says_so(states):
    for name, state in states.items():
        if state["Type"] == "Task":
            (catch,) = state["Catch"]
            assert (catch["ErrorEquals"], catch["Assign"]["step"], catch["Next"]) == (["States.ALL"], name, "Explain")
            assert all("States.ALL" not in one["ErrorEquals"] for one in state["Retry"])


def test_every_state_leads_to_one_that_is_there(states):
    start = json.loads(WORKFLOW.read_text(encoding="utf-8"))["StartAt"]
    led = set(re.findall(r'"(?:Next|Default)": "(\w+)"', WORKFLOW.read_text(encoding="utf-8")))
    assert led | {start} == set(states)


def test_nothing_is_registered_as_approved(asked):
    assert asked["Register"]["ModelApprovalStatus"] == "PendingManualApproval"


def test_the_definition_is_that_of_the_partition(settings):
    china = replace(settings, role_arn="arn:aws-cn:iam::123456789012:role/jobs", region="cn-north-1")
    assert state_machine_arn(china) == (
        "arn:aws-cn:states:cn-north-1:123456789012:stateMachine:sagemaker-p-0123456789ab-train"
    )
    assert "arn:aws:" not in definition(china)
    assert json.loads(definition(settings)) == json.loads(WORKFLOW.read_text(encoding="utf-8"))


def test_a_run_tells_what_a_pipeline_would():
    methods = {name for name in vars(References) if not name.startswith("_")}
    assert methods <= set(vars(RunReferences))


def test_options_that_only_a_pipeline_has_are_refused(settings):
    with pytest.raises(SettingsError) as caught:
        require_options(replace(settings, tuning_jobs=2, cache_days=7))
    assert [line.split(":")[0] for line in str(caught.value).splitlines()] == ["TUNING_JOBS", "CACHE_DAYS"]
    require_options(replace(settings, spot=True))
