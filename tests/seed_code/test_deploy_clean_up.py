"""The deploy product's clean-up of the endpoints' stacks and stack sets."""

from collections.abc import Callable, Iterator

import pytest
from botocore.stub import Stubber

from tests.seed_code.clean_up import DONE, Answer, CleanUp, loaded

STAGING, PROD = "sagemaker-fraud-p-1-deploy-staging", "sagemaker-fraud-p-1-deploy-prod"
ROLES = {
    STAGING: "arn:aws:iam::111122223333:role/sagemaker-p-1-deploy-cloudformation-staging",
    PROD: "arn:aws:iam::111122223333:role/sagemaker-p-1-deploy-cloudformation",
}
PROPERTIES = {
    "Bucket": "sagemaker-p-1-deploy-111122223333",
    "Artifacts": "Retain",
    "Endpoints": "Delete",
    "Stages": [{"Name": name, "RoleArn": role} for name, role in ROLES.items()],
}


@pytest.fixture(scope="module")
def function() -> Iterator[CleanUp]:
    """The function, loaded once; making its clients is slow."""
    with loaded("model-deploy") as function:
        yield function


@pytest.fixture
def stacks(function: CleanUp) -> Iterator[Stubber]:
    """CloudFormation's answers, all of which are asked for."""
    with Stubber(function.module.cloudformation) as stacks:
        yield stacks
        stacks.assert_no_pending_responses()


def run(function: CleanUp, target: str = "STACK", milliseconds: Callable[[], int] = lambda: 900_000) -> Answer:
    return function.call("Delete", {**PROPERTIES, "Target": target}, milliseconds)


def seen(stacks: Stubber, name: str, status: str, reason: str = "") -> None:
    found = {"StackName": name, "CreationTime": 0, "StackStatus": status, "StackStatusReason": reason}
    stacks.add_response("describe_stacks", {"Stacks": [found]}, {"StackName": name})


def gone(stacks: Stubber, name: str) -> None:
    message = f"Stack with id {name} does not exist"
    stacks.add_client_error("describe_stacks", "ValidationError", message, expected_params={"StackName": name})


def deleted(stacks: Stubber, name: str) -> None:
    stacks.add_response("delete_stack", {}, {"StackName": name, "RoleARN": ROLES[name]})


@pytest.mark.parametrize(("kind", "endpoints"), [("Create", "Delete"), ("Update", "Delete"), ("Delete", "Retain")])
@pytest.mark.usefixtures("stacks")
def test_no_endpoint_goes_before_the_project_or_when_it_is_to_stay(
    function: CleanUp, kind: str, endpoints: str
) -> None:
    assert function.call(kind, {**PROPERTIES, "Target": "STACK", "Endpoints": endpoints}) == DONE


def test_both_stacks_are_deleted_side_by_side_and_waited_for(function: CleanUp, stacks: Stubber) -> None:
    seen(stacks, STAGING, "UPDATE_COMPLETE")
    deleted(stacks, STAGING)
    seen(stacks, PROD, "UPDATE_IN_PROGRESS")  # the pipeline was deploying when the project was deleted
    seen(stacks, STAGING, "DELETE_IN_PROGRESS")
    seen(stacks, PROD, "UPDATE_COMPLETE")
    deleted(stacks, PROD)
    gone(stacks, STAGING)
    seen(stacks, PROD, "DELETE_IN_PROGRESS")
    gone(stacks, STAGING)
    gone(stacks, PROD)
    assert run(function) == DONE


@pytest.mark.parametrize("status", ["ROLLBACK_COMPLETE", "DELETE_FAILED", "REVIEW_IN_PROGRESS"])
def test_a_stack_in_an_odd_state_is_deleted_too(function: CleanUp, stacks: Stubber, status: str) -> None:
    seen(stacks, STAGING, status)
    deleted(stacks, STAGING)
    gone(stacks, PROD)
    gone(stacks, STAGING)
    gone(stacks, PROD)
    assert run(function) == DONE


def test_a_stack_that_cannot_be_deleted_fails_with_cloudformations_reason(function: CleanUp, stacks: Stubber) -> None:
    seen(stacks, STAGING, "CREATE_COMPLETE")
    deleted(stacks, STAGING)
    gone(stacks, PROD)
    seen(stacks, STAGING, "DELETE_FAILED", "Endpoint is in use")
    reason = f"RuntimeError: stack {STAGING} cannot be deleted: Endpoint is in use"
    assert run(function) == Answer("FAILED", DONE.physical_id, reason)


def test_a_slow_deletion_answers_before_the_function_is_cut_off(function: CleanUp, stacks: Stubber) -> None:
    seen(stacks, STAGING, "DELETE_IN_PROGRESS")
    gone(stacks, PROD)
    answer = run(function, milliseconds=lambda: 30_000)
    assert answer.status == "FAILED"
    assert "delete the project once more" in str(answer.reason)


def test_a_missing_permission_is_answered_not_swallowed(function: CleanUp, stacks: Stubber) -> None:
    stacks.add_client_error("describe_stacks", "AccessDenied", "not authorized")
    answer = run(function)
    assert answer.status == "FAILED"
    assert "AccessDenied" in str(answer.reason)


def test_stack_sets_lose_their_instances_first(function: CleanUp, stacks: Stubber) -> None:
    described = {"StackSet": {"StackSetName": STAGING, "Status": "ACTIVE"}}
    one = {"Account": "444455556666", "Region": "eu-west-1"}
    two = {"Account": "111122223333", "Region": "eu-west-1"}

    def set_gone(name: str) -> None:
        stacks.add_client_error(
            "describe_stack_set", "StackSetNotFoundException", expected_params={"StackSetName": name}
        )

    stacks.add_response("describe_stack_set", described, {"StackSetName": STAGING})
    stacks.add_response("list_stack_instances", {"Summaries": [one], "NextToken": "more"})
    stacks.add_response("list_stack_instances", {"Summaries": [two]})
    stacks.add_response(
        "delete_stack_instances",
        {"OperationId": "1"},
        {
            "StackSetName": STAGING,
            "Accounts": ["111122223333", "444455556666"],
            "Regions": ["eu-west-1"],
            "OperationPreferences": {"MaxConcurrentPercentage": 100},
            "RetainStacks": False,
        },
    )
    set_gone(PROD)
    # Second look: the operation still runs.
    stacks.add_response("describe_stack_set", described)
    stacks.add_response("list_stack_instances", {"Summaries": [two]})
    stacks.add_client_error("delete_stack_instances", "OperationInProgressException")
    set_gone(PROD)
    # Third look: no instance is left.
    stacks.add_response("describe_stack_set", described)
    stacks.add_response("list_stack_instances", {"Summaries": []})
    stacks.add_response("delete_stack_set", {}, {"StackSetName": STAGING})
    set_gone(PROD)
    set_gone(STAGING)
    set_gone(PROD)
    assert run(function, "STACKSET") == DONE
