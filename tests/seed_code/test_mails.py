"""The mail of a failure says what failed, why, and where to look; and nothing of success."""

import json
from typing import Any

import pytest

from sandbox.emulator.events.models import transformed
from tests.seed_code.product_templates import ProductTemplate

Json = dict[str, Any]
BUILD, DEPLOY = ProductTemplate("model-build-train"), ProductTemplate("model-deploy")
REASON = 'Error while executing command: echo "no". Reason: exit status 1'
LOG = "https://console.aws.amazon.com/codebuild/home?region=eu-west-1#/builds/b:1/view/new"
EXECUTION = "arn:aws:sagemaker:eu-west-1:111122223333:pipeline/p/execution/e"

ACTION: Json = {
    "region": "eu-west-1",
    "detail": {
        "pipeline": "line",
        "execution-id": "94fb261b",
        "stage": "Build",
        "action": "Compile",
        "state": "FAILED",
        "execution-result": {
            "external-execution-url": LOG,
            "external-execution-summary": REASON,
            "external-execution-id": "b:1",
            "error-code": "JobFailed",
        },
    },
}
"""As CodePipeline sends it, but for what these mails do not read."""

STEP: Json = {
    "region": "eu-west-1",
    "detail": {
        "stepName": "Train",
        "stepType": "Training",
        "currentStepStatus": "Failed",
        "failureReason": REASON,
        "pipelineExecutionArn": EXECUTION,
    },
}
"""As SageMaker sends it."""


def ended(status: str) -> Json:
    return {
        "region": "eu-west-1",
        "detail": {
            "currentPipelineExecutionStatus": status,
            "pipelineExecutionDescription": "Commit 0a1b2c",
            "pipelineExecutionArn": EXECUTION,
        },
    }


def mail(template: ProductTemplate, rule: str, event: Json) -> Any:
    """What a rule makes of an event, in a project named churn."""
    transformer = template.resources[rule]["Properties"]["Targets"][0]["InputTransformer"]
    text = transformer["InputTemplate"]["Sub"].replace("${SageMakerProjectName}", "churn")
    return transformed(text, transformer["InputPathsMap"], event)


def pattern(template: ProductTemplate, rule: str) -> tuple[str, Json]:
    found = template.resources[rule]["Properties"]["EventPattern"]
    (kind,) = found["detail-type"]
    return kind, found.get("detail", {})


@pytest.mark.parametrize(("template", "rule"), [(BUILD, "FailedBuildRule"), (DEPLOY, "FailureRule")])
def test_a_failed_action_is_told_with_its_reason_log_and_execution(template: ProductTemplate, rule: str) -> None:
    assert pattern(template, rule) == ("CodePipeline Action Execution State Change", {"state": ["FAILED"]})
    told = mail(template, rule, ACTION)
    assert "churn" in told["failed"]
    assert told["where"] == "action Compile of stage Build of pipeline line"
    assert told["reason"] == REASON
    assert told["log"] == LOG
    assert "execution 94fb261b" in told["commit"]


def test_a_failed_step_of_a_training_is_told_with_its_reason() -> None:
    kind, detail = pattern(BUILD, "FailedStepRule")
    assert kind == "SageMaker Model Building Pipeline Execution Step Status Change"
    assert detail["currentStepStatus"] == ["Failed"]
    assert mail(BUILD, "FailedStepRule", STEP) == {
        "failed": "Training of project churn in eu-west-1, step Train",
        "reason": REASON,
        "execution": EXECUTION,
    }


@pytest.mark.parametrize("status", ["Failed", "Stopped"])
def test_a_training_that_came_to_nothing_is_told_with_its_commit_and_no_word_of_success(status: str) -> None:
    assert pattern(BUILD, "FailedTrainingRule")[1]["currentPipelineExecutionStatus"] == ["Failed", "Stopped"]
    told = mail(BUILD, "FailedTrainingRule", ended(status))
    assert f"churn in eu-west-1: {status}. Commit 0a1b2c." in told
    assert EXECUTION in told
    assert "success" not in told.lower()
    assert "succeed" not in told.lower()


def test_a_training_that_succeeded_says_what_waits() -> None:
    assert pattern(BUILD, "TrainingRule")[1]["currentPipelineExecutionStatus"] == ["Succeeded"]
    told = mail(BUILD, "TrainingRule", ended("Succeeded"))
    assert "succeeded. Commit 0a1b2c. A new version waits for approval" in told


def test_each_value_that_others_write_stands_where_eventbridge_quotes_it() -> None:
    """Inside of quotation marks a reason with quotation marks of its own would spoil the message."""
    for template in (BUILD, DEPLOY):
        for rule, properties in template.of_type("AWS::Events::Rule").items():
            for target in properties["Targets"]:
                text = json.dumps(target.get("InputTransformer", {}).get("InputTemplate", ""))
                assert '\\"<reason>' not in text, rule
