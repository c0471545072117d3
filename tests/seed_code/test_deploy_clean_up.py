"""The deploy product's clean-up of the endpoints' stacks and stack sets."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from botocore.stub import ANY, Stubber

from tests.seed_code.clean_up import DONE, Answer, CleanUp, loaded

STAGING, PROD = "sagemaker-fraud-p-1-deploy-staging", "sagemaker-fraud-p-1-deploy-prod"
ENDPOINT = "sagemaker-p-1-prod"
TOPIC = "arn:aws:sns:eu-west-1:111122223333:approvals"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ROLES = {
    STAGING: "arn:aws:iam::111122223333:role/sagemaker-p-1-deploy-cloudformation-staging",
    PROD: "arn:aws:iam::111122223333:role/sagemaker-p-1-deploy-cloudformation",
}
PROPERTIES = {
    "Bucket": "sagemaker-p-1-deploy-111122223333",
    "Artifacts": "Retain",
    "Endpoints": "Delete",
    "Stages": [{"Name": name, "RoleArn": role} for name, role in ROLES.items()],
    "ProdStack": PROD,
    "ProdEndpoint": ENDPOINT,
    "Topic": "",
}


@pytest.fixture(scope="module")
def function() -> Iterator[CleanUp]:
    """The function, loaded once; making its clients is slow."""
    with loaded("model-deploy") as function:
        function.module.datetime = SimpleNamespace(now=lambda _zone: NOW)
        yield function


@pytest.fixture(autouse=True)
def used(function: CleanUp) -> Iterator[Stubber]:
    """CloudWatch's answers: nobody asks prod, where a test says nothing else."""
    with Stubber(function.module.cloudwatch) as used:
        yield used
        used.assert_no_pending_responses()


def asked(used: Stubber, *requests: tuple[float, float]) -> None:
    """So many requests, so many hours ago."""
    points = [{"Timestamp": NOW - timedelta(hours=hours), "Sum": count} for count, hours in requests]
    wanted = {
        "Namespace": "AWS/SageMaker",
        "MetricName": "Invocations",
        "Dimensions": [{"Name": "EndpointName", "Value": ENDPOINT}, {"Name": "VariantName", "Value": "AllTraffic"}],
        "StartTime": NOW - timedelta(days=1),
        "EndTime": NOW,
        "Period": 300,
        "Statistics": ["Sum"],
    }
    used.add_response("get_metric_statistics", {"Datapoints": points}, wanted)


@pytest.fixture
def stacks(function: CleanUp) -> Iterator[Stubber]:
    """CloudFormation's answers, all of which are asked for."""
    with Stubber(function.module.cloudformation) as stacks:
        yield stacks
        stacks.assert_no_pending_responses()


def run(function: CleanUp, target: str = "STACK", milliseconds: Callable[[], int] = lambda: 900_000) -> Answer:
    return function.call("Delete", {**PROPERTIES, "Target": target}, milliseconds)


def seen(stacks: Stubber, name: str, status: str, reason: str = "") -> None:
    made = NOW - timedelta(days=9)
    found = {"StackName": name, "CreationTime": made, "StackStatus": status, "StackStatusReason": reason}
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


def test_both_stacks_are_deleted_side_by_side_and_waited_for(function: CleanUp, stacks: Stubber, used: Stubber) -> None:
    seen(stacks, PROD, "UPDATE_IN_PROGRESS")
    asked(used)
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
    gone(stacks, PROD)
    seen(stacks, STAGING, status)
    deleted(stacks, STAGING)
    gone(stacks, PROD)
    gone(stacks, STAGING)
    gone(stacks, PROD)
    assert run(function) == DONE


def test_a_stack_that_cannot_be_deleted_fails_with_cloudformations_reason(function: CleanUp, stacks: Stubber) -> None:
    gone(stacks, PROD)
    seen(stacks, STAGING, "CREATE_COMPLETE")
    deleted(stacks, STAGING)
    gone(stacks, PROD)
    seen(stacks, STAGING, "DELETE_FAILED", "Endpoint is in use")
    reason = f"RuntimeError: stack {STAGING} cannot be deleted: Endpoint is in use"
    assert run(function) == Answer("FAILED", DONE.physical_id, reason)


def test_a_slow_deletion_answers_before_the_function_is_cut_off(function: CleanUp, stacks: Stubber) -> None:
    gone(stacks, PROD)
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


def test_stack_sets_lose_their_instances_first(function: CleanUp, stacks: Stubber, used: Stubber) -> None:
    asked(used)
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


@pytest.fixture
def topic(function: CleanUp) -> Iterator[Stubber]:
    """The topic's answers, all of which are asked for."""
    with Stubber(function.module.sns) as topic:
        yield topic
        topic.assert_no_pending_responses()


@pytest.mark.parametrize("mail", ["", "sent", "refused"])
def test_a_prod_endpoint_that_is_used_stays_with_all_that_it_needs(
    function: CleanUp, stacks: Stubber, used: Stubber, topic: Stubber, mail: str
) -> None:
    seen(stacks, PROD, "UPDATE_COMPLETE")
    asked(used, (30, 2), (12, 23.5))
    seen(stacks, STAGING, "UPDATE_COMPLETE")
    deleted(stacks, STAGING)
    gone(stacks, STAGING)
    reason = (
        f"{ENDPOINT} was kept: it was asked 42 times in the last day. Its roles and the project's bucket stay with it. "
        f"Delete the project once more when nobody asks it, or after deleting {PROD} if it shall go now"
    )
    if mail == "sent":
        topic.add_response("publish", {}, {"TopicArn": TOPIC, "Subject": ANY, "Message": reason})
    if mail == "refused":
        topic.add_client_error("publish", "AuthorizationError")
    # The bucket is to be deleted: it has to stay all the same, captured data goes into it.
    wanted = {**PROPERTIES, "Target": "STACK", "Artifacts": "Delete", "Topic": TOPIC if mail else ""}
    assert function.call("Delete", wanted) == Answer("FAILED", DONE.physical_id, f"RuntimeError: {reason}")


def test_requests_of_the_pipeline_itself_are_no_use(function: CleanUp, stacks: Stubber, used: Stubber) -> None:
    """The stack was changed five hours ago; what came then came from its test."""
    found = {"StackName": PROD, "CreationTime": 0, "StackStatus": "UPDATE_COMPLETE"}
    changed = {**found, "LastUpdatedTime": NOW - timedelta(hours=5)}
    stacks.add_response("describe_stacks", {"Stacks": [changed]}, {"StackName": PROD})
    asked(used, (60, 5.05), (60, 4.1))
    for name in (STAGING, PROD):
        gone(stacks, name)
    assert run(function) == DONE


def test_what_cannot_be_told_is_not_taken_for_unused(function: CleanUp, stacks: Stubber, used: Stubber) -> None:
    seen(stacks, PROD, "UPDATE_COMPLETE")
    used.add_client_error("get_metric_statistics", "AccessDenied", "not authorized")
    answer = run(function)
    assert answer.status == "FAILED"
    assert f"whether {ENDPOINT} is used cannot be told" in str(answer.reason)


def test_what_is_to_stay_is_not_asked_about(function: CleanUp, stacks: Stubber) -> None:
    assert function.call("Delete", {**PROPERTIES, "Target": "STACK", "Endpoints": "Retain"}) == DONE
    stacks.assert_no_pending_responses()
