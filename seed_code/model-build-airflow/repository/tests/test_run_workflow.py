from datetime import UTC, datetime
from types import SimpleNamespace

import boto3
import pytest
from botocore.stub import ANY, Stubber
from build_calls import Bucket

from pipelines import run_workflow
from pipelines.build import Prepared
from pipelines.images import Image
from pipelines.run_workflow import ConversionError, Place, converted, current_run, main, report, run, upsert
from pipelines.settings import SettingsError

ARN = "arn:aws:airflow-serverless:eu-west-1:123456789012:workflow/sagemaker-p-0123456789ab-train-0123456789"
VERSION = "0" * 32
ROLE = "arn:aws:iam::123456789012:role/sagemaker-airflow"
SERVERLESS = Place(role_arn=ROLE, log_group="/aws/vendedlogs/airflow/train")
KEY = "code/workflow-1/training.yaml"
THIS = {"WorkflowArn": ARN}


@pytest.fixture
def airflow():
    """A stubbed client; at the end, every expected call has been made."""
    client = boto3.client("mwaa-serverless", "eu-west-1", aws_access_key_id="x", aws_secret_access_key="x")  # noqa: S106
    stub = Stubber(client)
    with stub:
        yield SimpleNamespace(client=client, stub=stub)
        stub.assert_no_pending_responses()


@pytest.fixture
def prepared(settings, monkeypatch):
    """The account as every build prepares it, and a converter that takes no seconds."""
    found = Prepared(settings, Image(uri=settings.image_uri), "s3://b/code/1", "s3://b/data/1", "7", "none")
    monkeypatch.setattr(run_workflow, "prepare", lambda *_: found)
    monkeypatch.setattr(run_workflow, "converted", lambda workflow: f"{workflow['dag_id']}: {{}}\n")
    return found


def expect_workflows(airflow, *names):
    found = [{"Name": name, "WorkflowArn": ARN} for name in names]
    airflow.stub.add_response("list_workflows", {"Workflows": found}, {})


def wanted(settings):
    return {
        "DefinitionS3Location": {"Bucket": settings.bucket, "ObjectKey": KEY},
        "RoleArn": ROLE,
        "Description": ANY,
        "LoggingConfiguration": {"LogGroupName": "/aws/vendedlogs/airflow/train"},
    }


def expect_present(airflow, settings, **other):
    there = {**wanted(settings), "Description": "Trains and registers the model of project Demo", **other}
    airflow.stub.add_response("get_workflow", {"WorkflowArn": ARN, "WorkflowVersion": VERSION, **there}, THIS)


def expect_runs(airflow, *runs):
    """Runs of the version, each with its status and its parameters, the oldest first."""
    airflow.stub.add_response(
        "list_workflow_runs",
        {
            "WorkflowRuns": [
                {
                    "RunId": f"run-{at}",
                    "RunDetailSummary": {"Status": status, "CreatedOn": datetime(2026, 1, at, tzinfo=UTC)},
                }
                for at, (status, _) in enumerate(runs, start=1)
            ]
        },
        {**THIS, "WorkflowVersion": VERSION},
    )
    for at in range(len(runs), 0, -1):
        given = runs[at - 1][1]
        told = {"RunId": f"run-{at}", "OverrideParameters": given}
        airflow.stub.add_response("get_workflow_run", told, {**THIS, "RunId": f"run-{at}"})
        if given:
            return


def test_a_first_build_makes_the_workflow_with_the_projects_tags(settings, airflow):
    expect_workflows(airflow, "sagemaker-p-other-train")
    tags = {tag["Key"]: tag["Value"] for tag in settings.tags}
    asked = {"Name": "sagemaker-p-0123456789ab-train", "Tags": tags, **wanted(settings)}
    airflow.stub.add_response("create_workflow", {"WorkflowArn": ARN, "WorkflowVersion": VERSION}, asked)
    assert upsert(settings, SERVERLESS, airflow.client, KEY) == (ARN, VERSION, "created")


@pytest.mark.parametrize(
    ("other", "state"),
    [
        ({"EngineVersion": 1}, "unchanged"),
        ({"RoleArn": ROLE + "-old"}, "updated"),
        ({"DefinitionS3Location": {"Bucket": "b", "ObjectKey": "old.yaml"}}, "updated"),
    ],
)
def test_another_version_only_where_the_workflow_differs(settings, airflow, other, state):
    expect_workflows(airflow, "sagemaker-p-0123456789ab-train")
    expect_present(airflow, settings, **other)
    if state == "updated":
        asked = {**THIS, **wanted(settings)}
        airflow.stub.add_response("update_workflow", {"WorkflowArn": ARN, "WorkflowVersion": "1" * 32}, asked)
    arn, version, done = upsert(settings, SERVERLESS, airflow.client, KEY)
    assert (arn, version, done) == (ARN, VERSION if state == "unchanged" else "1" * 32, state)


@pytest.mark.parametrize(
    ("runs", "found"),
    [
        ([], ""),
        ([("SUCCESS", {"CommitId": "1"})], "run-1"),
        ([("RUNNING", {"CommitId": "1"})], "run-1"),
        ([("FAILED", {"CommitId": "1"})], ""),
        ([("SUCCESS", {"CommitId": "1"}), ("FAILED", {"CommitId": "2"})], ""),
        # What a schedule or a person has started is passed over.
        ([("SUCCESS", {"CommitId": "1"}), ("FAILED", {})], "run-1"),
        ([("SUCCESS", {})], ""),
    ],
)
def test_what_a_build_has_started_and_goes_on_or_has_succeeded_is_not_started_again(airflow, runs, found):
    expect_runs(airflow, *runs)
    assert current_run(airflow.client, ARN, VERSION) == found


@pytest.mark.parametrize("runs", [[], [("RUNNING", {"CommitId": "1"})]])
@pytest.mark.usefixtures("prepared")
def test_a_build_starts_a_run_with_its_commit_unless_one_goes_on(settings, airflow, runs):
    bucket = Bucket()
    clients = SimpleNamespace(s3=bucket)
    expect_workflows(airflow, "sagemaker-p-0123456789ab-train")
    expect_present(airflow, settings)
    airflow.stub.add_response("update_workflow", {"WorkflowArn": ARN, "WorkflowVersion": VERSION})
    expect_runs(airflow, *runs)
    if not runs:
        given = {"CommitId": "0a1b2c3d", "DataVersion": "7"}
        asked = {**THIS, "OverrideParameters": given}
        airflow.stub.add_response("start_workflow_run", {"RunId": "run-1"}, asked)
    outcome = run(settings, SERVERLESS, clients, airflow.client, always=False)
    assert outcome.run == f"{ARN} run-1"
    assert ("not started" in outcome.done) == bool(runs)
    assert "run-1" in report(settings, outcome)
    assert [key.partition("-")[0] for key in bucket.objects] == ["code/registration", "code/workflow"]


@pytest.mark.usefixtures("prepared")
def test_an_environment_gets_the_dag_after_its_requests(settings):
    bucket = Bucket()
    place = Place(dag_bucket="sagemaker-airflow")
    outcome = run(settings, place, SimpleNamespace(s3=bucket), None, always=False)
    folder = "dags/sagemaker-p-0123456789ab"
    assert list(bucket.objects)[1:] == [f"{folder}/training.json", f"{folder}/training.py"]
    assert b'"CommitId": "0a1b2c3d"' in bucket.objects[f"{folder}/training.json"]
    assert outcome.run == ""
    assert "s3://sagemaker-airflow/dags" in report(settings, outcome)


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({}, "RUN_ON: '' is not serverless or environment"),
        ({"RUN_ON": "environment"}, "DAG_BUCKET: not set"),
        ({"RUN_ON": "serverless", "WORKFLOW_ROLE_ARN": ROLE}, "WORKFLOW_LOG_GROUP: not set"),
    ],
)
def test_a_place_that_is_not_told_is_a_fault(given, fault):
    with pytest.raises(SettingsError, match=fault):
        Place.from_environment(given)


def test_a_fault_is_told_in_a_sentence_and_by_the_exit_code(environment, capsys):
    assert main([], environment | {"RUN_ON": "nowhere"}) == 2
    assert "RUN_ON: 'nowhere'" in capsys.readouterr().err


def test_a_dag_that_cannot_be_converted_is_refused_in_the_converters_words(tmp_path):
    dag = tmp_path / "broken.py"
    dag.write_text("from airflow.models.dag import DAG\nraise RuntimeError('the DAG is broken')\n")
    with pytest.raises(ConversionError, match="the DAG is broken"):
        converted({"dag_id": "train"}, dag)
