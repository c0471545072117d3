"""The command line, from the environment variables to the files."""

import json
from pathlib import Path

import pytest
from conftest import ACCOUNT, OTHER, ROOT, VARIABLES, FakeGroup, arn

from model_deploy import __main__ as program

STACK = "sagemaker-fraud-deploy-p-abcdefghijkl-deploy-"


class FakeSession:
    """Hands out the stubbed clients of a test."""

    def __init__(self, clients):
        self._clients = clients

    def client(self, service, **_):
        return self._clients[service]


@pytest.fixture
def project(stub, monkeypatch, tmp_path):
    """A checkout with the committed files, its environment, and the stubbed services."""
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    for folder in ("config", "payload"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    monkeypatch.chdir(tmp_path)
    clients, stubbers = {}, {}
    for service in ("cloudformation", "codepipeline", "kms", "s3", "sagemaker", "sagemaker-runtime", "sts"):
        clients[service], stubbers[service] = stub(service)
    monkeypatch.setattr(program.boto3, "Session", lambda **_: FakeSession(clients))
    return stubbers


def no_stacks(project):
    for stage in ("staging", "prod"):
        project["cloudformation"].add_client_error(
            "describe_stacks",
            "ValidationError",
            f"Stack with id {STACK}{stage} does not exist",
            expected_params={"StackName": STACK + stage},
        )


def test_first_run_of_a_new_project_is_green_and_deploys_nothing(project, capsys):
    no_stacks(project)
    FakeGroup(project["sagemaker"]).does_not_exist()
    assert program.main(["build"]) == 0
    assert "has no Approved version yet" in capsys.readouterr().out
    assert decided() is None


def test_approval_event_renders_exactly_its_package(project, monkeypatch, capsys):
    monkeypatch.setenv("TRIGGER", "approved")
    monkeypatch.setenv("MODEL_PACKAGE_ARN", arn(4))
    no_stacks(project)
    FakeGroup(project["sagemaker"]).has(4, "Approved")
    assert program.main(["build"]) == 0
    assert capsys.readouterr().out == "Version 4 was approved.\n"
    for stage in ("staging", "prod"):
        assert json.loads(Path(f"build/{stage}-stack.json").read_text())["Parameters"]["ModelPackageArn"] == arn(4)


def test_unknown_package_fails_with_one_message(project, monkeypatch, capsys):
    monkeypatch.setenv("TRIGGER", "approved")
    monkeypatch.setenv("MODEL_PACKAGE_ARN", arn(7))
    no_stacks(project)
    FakeGroup(project["sagemaker"]).lacks(7)
    assert program.main(["build"]) == 1
    assert capsys.readouterr().err.startswith(f"error: Model package {arn(7)} is unknown")


def test_missing_permission_names_the_call_and_what_to_do(project, capsys):
    project["cloudformation"].add_client_error("describe_stacks", "AccessDenied", "not authorized")
    assert program.main(["build"]) == 1
    assert capsys.readouterr().err == (
        "error: DescribeStacks failed with AccessDenied: not authorized. Allow DescribeStacks in the role that runs "
        "this step, then run it again.\n"
    )


def chosen(package):
    """Leave what the build step leaves."""
    Path("build").mkdir()
    Path("build/decision.json").write_text(json.dumps({"package_arn": package, "reason": ""}))


def decided():
    """Return the package that the build step leaves for the next ones."""
    return json.loads(Path("build/decision.json").read_text())["package_arn"]


@pytest.mark.parametrize(
    ("step", "file"), [(["bake", "prod"], "prod-stack.json"), (["test", "staging"], "decision.json")]
)
@pytest.mark.parametrize("text", [None, "", "[]", '{"package_arn": null}', "[" * 100_000])
def test_a_step_without_a_decision_fails_with_one_message(project, capsys, step, file, text):
    if text is not None:
        Path("build").mkdir()
        Path("build", file).write_text(text)
    assert program.main(step) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"error: build/{file}: ")
    assert error.endswith("release the change again.\n")


def rollback(project, monkeypatch):
    """Prod runs version 5, which is rejected; 4 is approved."""
    monkeypatch.setenv("TRIGGER", "rejected")
    monkeypatch.setenv("MODEL_PACKAGE_ARN", arn(5))
    for stage in ("staging", "prod"):
        project["cloudformation"].add_response(
            "describe_stacks",
            {
                "Stacks": [
                    {
                        "StackName": STACK + stage,
                        "CreationTime": 0,
                        "StackStatus": "UPDATE_COMPLETE",
                        "Parameters": [{"ParameterKey": "ModelPackageArn", "ParameterValue": arn(5)}],
                    }
                ]
            },
        )
    group = FakeGroup(project["sagemaker"])
    group.has(5, "Rejected")
    group.lists((4,))


def test_a_rollback_goes_before_the_runs_that_wait(project, monkeypatch, capsys):
    rollback(project, monkeypatch)
    pipeline = "sagemaker-fraud-deploy-p-abcdefghijkl-modeldeploy"
    project["codepipeline"].add_response(
        "get_pipeline_state",
        {
            "stageStates": [
                {
                    "stageName": "DeployStaging",
                    "inboundExecutions": [{"pipelineExecutionId": "next", "status": "InProgress"}],
                    "latestExecution": {"pipelineExecutionId": "asks", "status": "InProgress"},
                    "actionStates": [
                        {"actionName": "ApproveProd", "latestExecution": {"status": "InProgress", "token": "x"}}
                    ],
                },
                {
                    "stageName": "DeployProd",
                    "latestExecution": {"pipelineExecutionId": "in-prod", "status": "InProgress"},
                },
            ]
        },
        {"name": pipeline},
    )
    reason = "Version 5, which prod runs, was rejected; version 4 replaces it."
    for execution, abandon in (("next", False), ("asks", True)):
        project["codepipeline"].add_response(
            "stop_pipeline_execution",
            {"pipelineExecutionId": execution},
            {
                "pipelineName": pipeline,
                "pipelineExecutionId": execution,
                "abandon": abandon,
                "reason": reason,
            },
        )
    assert program.main(["build"]) == 0
    output = capsys.readouterr().out
    assert output.startswith(f"{reason}\nStopped execution next, which was before this rollback.")
    assert "Stopped execution asks" in output
    assert decided() == arn(4)


@pytest.mark.parametrize("held", ["this-run", "done"])
def test_a_rollback_stops_neither_itself_nor_what_is_done(project, monkeypatch, capsys, held):
    rollback(project, monkeypatch)
    status = "InProgress" if held == "this-run" else "Succeeded"
    state = {"stageName": "DeployStaging", "latestExecution": {"pipelineExecutionId": held, "status": status}}
    project["codepipeline"].add_response("get_pipeline_state", {"stageStates": [state]})
    assert program.main(["build"]) == 0
    assert "Stopped" not in capsys.readouterr().out


def test_a_rollback_goes_on_where_the_runs_before_it_cannot_be_stopped(project, monkeypatch, capsys):
    rollback(project, monkeypatch)
    project["codepipeline"].add_client_error("get_pipeline_state", "AccessDeniedException", "no")
    assert program.main(["build"]) == 0
    assert "were not stopped: GetPipelineState failed with AccessDeniedException" in capsys.readouterr().out
    assert decided() == arn(4)


def test_test_step_reports_per_account(project, monkeypatch, capsys):
    monkeypatch.setattr(program.smoke, "check_endpoint", lambda *arguments: f"{arguments[2]} serves {arguments[4]}.")
    monkeypatch.setenv("PROD_ACCOUNT_IDS", f"{ACCOUNT},{OTHER}")
    monkeypatch.setenv("TARGET_TEST_ROLE_NAME", "sagemaker-tests")
    project["sts"].add_response(
        "assume_role",
        {"Credentials": {"AccessKeyId": "A" * 16, "SecretAccessKey": "s", "SessionToken": "t", "Expiration": 0}},
        {
            "RoleArn": f"arn:aws:iam::{OTHER}:role/sagemaker-tests",
            "RoleSessionName": "p-abcdefghijkl-endpoint-test",
        },
    )
    chosen(arn(4))
    assert program.main(["test", "prod"]) == 0
    lines = [f"{account}: sagemaker-p-abcdefghijkl-prod serves {arn(4)}." for account in (ACCOUNT, OTHER)]
    assert capsys.readouterr().out.splitlines() == lines
    assert Path("build/test.sh").read_text() == f"export TEST_REPORT='{' '.join(lines)}'\n"


def test_incomplete_environment_fails_before_any_call(project, monkeypatch, capsys):
    monkeypatch.delenv("ARTIFACT_BUCKET")
    assert program.main(["build"]) == 1
    assert "ARTIFACT_BUCKET is not set" in capsys.readouterr().err


@pytest.mark.parametrize(("stage", "told"), [("staging", False), ("prod", True)])
def test_a_failed_test_of_prod_says_how_to_go_back_also_past_an_update_of_the_product(project, capsys, stage, told):
    chosen(arn(4))
    project["sagemaker"].add_client_error("describe_endpoint", "ValidationException", "Could not find endpoint")
    assert program.main(["test", stage]) == 1
    error = capsys.readouterr().err
    assert "does not exist" in error
    assert ("then reject this version in the model registry" in error) is told
