"""What the build does with the state machine in AWS: every call is stubbed, checked and expected in this order."""

import json
from datetime import timedelta

import boto3
import pytest
from botocore.stub import ANY, Stubber
from build_calls import CHANGED, IMAGE, expect_approved, expect_group, expect_uploads

from pipelines import run_workflow

MACHINE = "arn:aws:states:eu-west-1:123456789012:stateMachine:sagemaker-p-0123456789ab-train"
RUNS = MACHINE.replace("stateMachine", "execution")
VERSION = f"{MACHINE}:3"


@pytest.fixture
def states():
    """A stubbed client; at the end, every expected call has been made."""
    client = boto3.client("stepfunctions", "eu-west-1", aws_access_key_id="x", aws_secret_access_key="x")  # noqa: S106
    with Stubber(client) as stub:
        stub.client = client
        yield stub
        stub.assert_no_pending_responses()


def expect_prepared(aws, settings):
    expect_uploads(aws, settings)
    expect_group(aws, settings)
    expect_approved(aws, settings)


def expect_definition(states, settings, *, changed):
    text = "{}" if changed else run_workflow.definition(settings)
    described = {"stateMachineArn": MACHINE, "name": "x", "definition": text, "roleArn": settings.role_arn}
    states.add_response(
        "describe_state_machine",
        described | {"type": "STANDARD", "creationDate": CHANGED},
        {"stateMachineArn": MACHINE},
    )
    if changed:
        asked = {"stateMachineArn": MACHINE, "definition": run_workflow.definition(settings), "publish": True}
        states.add_response("update_state_machine", {"updateDate": CHANGED, "stateMachineVersionArn": VERSION}, asked)
    else:
        answer = {"creationDate": CHANGED, "stateMachineVersionArn": VERSION}
        states.add_response("publish_state_machine_version", answer, {"stateMachineArn": MACHINE})


def expect_runs(states, *runs):
    found = [
        {
            "executionArn": f"{RUNS}:{name}",
            "stateMachineArn": MACHINE,
            "name": name,
            "status": status,
            "startDate": CHANGED - timedelta(minutes=age),
        }
        for age, (name, status) in enumerate(runs)
    ]
    states.add_response("list_executions", {"executions": found}, {"stateMachineArn": MACHINE, "maxResults": 1000})


def expect_start(states, name=ANY):
    answer = {"executionArn": f"{RUNS}:started", "startDate": CHANGED}
    states.add_response("start_execution", answer, {"stateMachineArn": VERSION, "name": name, "input": ANY})


@pytest.fixture
def name(aws, settings, states, monkeypatch) -> str:
    """The name of the first run of this content."""
    expect_prepared(aws, settings)
    expect_definition(states, settings, changed=True)
    expect_runs(states)
    names = []
    start = run_workflow._start
    monkeypatch.setattr(run_workflow, "_start", lambda *given: names.append(given[2]) or start(*given))
    expect_start(states)
    run_workflow.run(settings, aws.clients, states.client, always=False)
    return names[0]


def test_the_first_push_updates_the_state_machine_and_starts_what_it_has_published(
    aws, settings, states, environment, capsys, tmp_path
):
    expect_prepared(aws, settings)
    expect_definition(states, settings, changed=True)
    expect_runs(states)
    expect_start(states)
    arn_file = tmp_path / "arn.txt"
    assert run_workflow.main(["--arn-file", str(arn_file)], environment, aws.clients, states.client) == 0
    output = capsys.readouterr().out
    assert "state machine sagemaker-p-0123456789ab-train: updated; started run started" in output
    assert f"image of jobs and endpoint: {IMAGE}\n" in output
    assert "this build does not wait for it" in output
    assert arn_file.read_text() == f"{RUNS}:started\n"


def test_a_run_is_named_by_its_content_its_commit_and_its_attempt(name):
    assert run_workflow.OF_A_BUILD.fullmatch(name)["commit"] == "0a1b2c3d"
    assert name.endswith("-1")
    # What the state machine makes of it: <id>-<run>-preprocess-<try>.
    assert len(f"{'p' * 20}-{name}-preprocess-0") <= 63


@pytest.mark.parametrize(("status", "started"), [("SUCCEEDED", False), ("RUNNING", False), ("FAILED", True)])
def test_the_same_content_starts_only_when_its_last_run_did_not_work(aws, settings, states, name, status, started):
    expect_prepared(aws, settings)
    expect_definition(states, settings, changed=False)
    # A person's own run may have had another input.
    expect_runs(states, ("tried-by-hand", "SUCCEEDED"), (name, status))
    if started:
        expect_start(states, f"{name.removesuffix('1')}2")
    outcome = run_workflow.run(settings, aws.clients, states.client, always=False)
    assert (outcome.definition, outcome.started) == ("unchanged", started)
    if not started:
        assert f"not started: run {name} already runs, or has succeeded" in run_workflow.report(settings, outcome)


def test_always_starts(aws, settings, states, name):
    expect_prepared(aws, settings)
    expect_definition(states, settings, changed=False)
    expect_runs(states, (name, "SUCCEEDED"))
    expect_start(states, f"{name.removesuffix('1')}2")
    assert run_workflow.run(settings, aws.clients, states.client, always=True).started


def test_the_input_has_the_commit_and_the_version_of_the_data(aws, settings, states, monkeypatch):
    expect_prepared(aws, settings)
    expect_definition(states, settings, changed=True)
    expect_runs(states)
    given = []
    monkeypatch.setattr(states.client, "start_execution", lambda **call: given.append(call) or {"executionArn": "x:y"})
    run_workflow.run(settings, aws.clients, states.client, always=False)
    told = json.loads(given[0]["input"])
    assert (told["project"], told["commit"]) == ("p-0123456789ab", "0a1b2c3d")
    assert told["requests"]["Register"]["MetadataProperties"]["CommitId"] == "0a1b2c3d"
    assert len(given[0]["input"]) < 262_144
