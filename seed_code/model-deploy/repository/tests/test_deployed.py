"""What a stage runs now."""

import pytest
from botocore.exceptions import ClientError
from conftest import arn, environment

from model_deploy.deployed import deployed

STACK = "sagemaker-fraud-deploy-p-abcdefghijkl-deploy-prod"
PARAMETERS = [{"ParameterKey": "ModelPackageArn", "ParameterValue": arn(5)}]


def describe(stubber, status):
    stack = {"StackName": STACK, "CreationTime": 0, "StackStatus": status, "Parameters": PARAMETERS}
    stubber.add_response("describe_stacks", {"Stacks": [stack]}, {"StackName": STACK})


def test_stack_tells_its_package(stub):
    client, stubber = stub("cloudformation")
    describe(stubber, "UPDATE_ROLLBACK_COMPLETE")
    found = deployed(client, environment(), "prod")
    assert found.package_arn == arn(5)
    assert found.certain


def test_missing_stack_runs_nothing(stub):
    client, stubber = stub("cloudformation")
    stubber.add_client_error("describe_stacks", "ValidationError", f"Stack with id {STACK} does not exist")
    assert deployed(client, environment(), "prod") is None


def test_stack_under_review_runs_nothing(stub):
    client, stubber = stub("cloudformation")
    describe(stubber, "REVIEW_IN_PROGRESS")
    assert deployed(client, environment(), "prod") is None


@pytest.mark.parametrize("code", ["AccessDenied", "ValidationError"])
def test_other_errors_are_not_taken_for_a_missing_stack(stub, code):
    client, stubber = stub("cloudformation")
    stubber.add_client_error("describe_stacks", code, "something else")
    with pytest.raises(ClientError):
        deployed(client, environment(), "prod")


@pytest.mark.parametrize(("last", "certain"), [("CURRENT", True), ("OUTDATED", False), ("INOPERABLE", False)])
def test_stack_set_is_certain_only_when_every_account_is_current(stub, last, certain):
    client, stubber = stub("cloudformation")
    stubber.add_response(
        "describe_stack_set",
        {"StackSet": {"StackSetName": STACK, "Status": "ACTIVE", "Parameters": PARAMETERS}},
        {"StackSetName": STACK},
    )
    stubber.add_response(
        "list_stack_instances", {"Summaries": [{"Status": "CURRENT"}], "NextToken": "more"}, {"StackSetName": STACK}
    )
    stubber.add_response(
        "list_stack_instances", {"Summaries": [{"Status": last}]}, {"StackSetName": STACK, "NextToken": "more"}
    )
    found = deployed(client, environment(DEPLOYMENT_TARGET="STACKSET"), "prod")
    assert found.package_arn == arn(5)
    assert found.certain is certain


@pytest.mark.parametrize(
    ("detail", "moving"), [("PENDING", True), ("RUNNING", True), ("FAILED", False), ("SUCCEEDED", False)]
)
def test_a_stack_set_moves_while_a_stack_of_it_is_at_work(stub, detail, moving):
    client, stubber = stub("cloudformation")
    stubber.add_response("describe_stack_set", {"StackSet": {"StackSetName": STACK, "Status": "ACTIVE"}})
    instance = {"Status": "OUTDATED", "StackInstanceStatus": {"DetailedStatus": detail}}
    stubber.add_response("list_stack_instances", {"Summaries": [{"Status": "CURRENT"}, instance]})
    assert deployed(client, environment(DEPLOYMENT_TARGET="STACKSET"), "prod").moving is moving


def test_missing_stack_set_runs_nothing(stub):
    client, stubber = stub("cloudformation")
    stubber.add_client_error("describe_stack_set", "StackSetNotFoundException", "StackSet not found")
    assert deployed(client, environment(DEPLOYMENT_TARGET="STACKSET"), "prod") is None
