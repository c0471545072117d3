"""The function that removes a project's endpoints and bucket; its code is inline in template.yaml."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import yaml
from botocore.stub import Stubber

STAGES = ["sagemaker-fraud-p-1-deploy-staging", "sagemaker-fraud-p-1-deploy-prod"]
BUCKET = "sagemaker-p-1-deploy-111122223333"
ROLE = "arn:aws:iam::111122223333:role/sagemaker-p-1-deploy-cloudformation"


class _Loader(yaml.CSafeLoader):
    """Reads a template without looking at its functions."""


_Loader.add_multi_constructor("!", lambda *_: None)
TEMPLATE = yaml.load(
    (Path(__file__).parent.parent / "template.yaml").read_text(encoding="utf-8"), Loader=_Loader
)
CODE = TEMPLATE["Resources"]["CleanUpFunction"]["Properties"]["Code"]["ZipFile"]


@pytest.fixture(scope="module")
def index() -> Iterator[Any]:
    """The function's module, loaded once; making real clients is slow."""
    answers: list[dict[str, Any]] = []

    def send(event, context, status, data, physical_id, noEcho=False, reason=None):  # noqa: N803 - cfnresponse's name
        answers.append({"status": status, "id": physical_id, "reason": reason})

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(
            sys.modules, "cfnresponse", SimpleNamespace(SUCCESS="SUCCESS", FAILED="FAILED", send=send)
        )
        patch.setenv("AWS_ACCESS_KEY_ID", "none")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "none")
        patch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
        module: Any = ModuleType("index")
        exec(compile(CODE, "index.py", "exec"), module.__dict__)  # our own code
        module.time = SimpleNamespace(sleep=lambda _seconds: None)
        module.answers = answers
        yield module


@pytest.fixture
def function(index: Any) -> Iterator[Any]:
    """The module with clients that answer only what a test tells them, and that were asked for all of it."""
    with Stubber(index.cloudformation) as index.stacks, Stubber(index.s3) as index.bucket:
        yield index
        index.stacks.assert_no_pending_responses()
        index.bucket.assert_no_pending_responses()


def run(
    module, request="Delete", milliseconds: Callable[[], int] = lambda: 900_000, **changes: Any
) -> dict[str, Any]:
    wanted = {
        "Bucket": BUCKET,
        "Artifacts": "Retain",
        "Endpoints": "Retain",
        "Target": "STACK",
        "Stages": STAGES,
        "StackRoleArn": ROLE,
        **changes,
    }
    event = {"RequestType": request, "ResourceProperties": wanted}
    module.handler(event, SimpleNamespace(get_remaining_time_in_millis=milliseconds))
    (answer,) = module.answers
    module.answers.clear()
    return answer


def stack(module, name, status=None, reason=""):
    if status is None:
        message = f"Stack with id {name} does not exist"
        module.stacks.add_client_error(
            "describe_stacks", "ValidationError", message, expected_params={"StackName": name}
        )
        return
    found = {"StackName": name, "CreationTime": 0, "StackStatus": status, "StackStatusReason": reason}
    module.stacks.add_response("describe_stacks", {"Stacks": [found]}, {"StackName": name})


def delete(module, name):
    module.stacks.add_response("delete_stack", {}, {"StackName": name, "RoleARN": ROLE})


SUCCESS = {"status": "SUCCESS", "id": "clean-up", "reason": None}


def test_code_fits_into_a_template():
    assert len(CODE) <= 4096


@pytest.mark.parametrize("request_type", ["Create", "Update"])
def test_create_and_update_touch_nothing_and_keep_the_same_id(function, request_type):
    assert run(function, request_type, Artifacts="Delete", Endpoints="Delete") == SUCCESS


def test_retain_touches_nothing(function):
    assert run(function) == SUCCESS


def test_both_stacks_are_deleted_side_by_side_and_waited_for(function):
    staging, prod = STAGES
    stack(function, staging, "UPDATE_COMPLETE")
    delete(function, staging)
    stack(function, prod, "UPDATE_IN_PROGRESS")  # the pipeline was deploying when the project was deleted
    stack(function, staging, "DELETE_IN_PROGRESS")
    stack(function, prod, "UPDATE_COMPLETE")
    delete(function, prod)
    stack(function, staging)
    stack(function, prod, "DELETE_IN_PROGRESS")
    stack(function, staging)
    stack(function, prod)
    assert run(function, Endpoints="Delete") == SUCCESS


@pytest.mark.parametrize("status", ["ROLLBACK_COMPLETE", "DELETE_FAILED", "REVIEW_IN_PROGRESS"])
def test_stack_in_an_odd_state_is_deleted_too(function, status):
    staging, prod = STAGES
    stack(function, staging, status)
    delete(function, staging)
    stack(function, prod)
    stack(function, staging)
    stack(function, prod)
    assert run(function, Endpoints="Delete") == SUCCESS


def test_stack_that_cannot_be_deleted_fails_with_cloudformation_s_reason(function):
    staging, prod = STAGES
    stack(function, staging, "CREATE_COMPLETE")
    delete(function, staging)
    stack(function, prod)
    stack(function, staging, "DELETE_FAILED", "Endpoint is in use")
    answer = run(function, Endpoints="Delete")
    assert answer["status"] == "FAILED"
    assert answer["reason"] == f"RuntimeError: stack {staging} cannot be deleted: Endpoint is in use"


def test_slow_deletion_answers_before_the_function_is_cut_off(function):
    staging, prod = STAGES
    stack(function, staging, "DELETE_IN_PROGRESS")
    stack(function, prod)
    answer = run(function, Endpoints="Delete", milliseconds=lambda: 30_000)
    assert answer["status"] == "FAILED"
    assert "delete the project once more" in answer["reason"]


def test_missing_permission_is_answered_not_swallowed(function):
    function.stacks.add_client_error("describe_stacks", "AccessDenied", "not authorized")
    answer = run(function, Endpoints="Delete")
    assert answer["status"] == "FAILED"
    assert "AccessDenied" in answer["reason"]


def test_stack_sets_lose_their_instances_first(function):
    staging, prod = STAGES
    described = {"StackSet": {"StackSetName": staging, "Status": "ACTIVE"}}
    one = {"Account": "444455556666", "Region": "eu-west-1"}
    two = {"Account": "111122223333", "Region": "eu-west-1"}
    gone = {"service_error_code": "StackSetNotFoundException", "expected_params": {"StackSetName": prod}}
    function.stacks.add_response("describe_stack_set", described, {"StackSetName": staging})
    function.stacks.add_response("list_stack_instances", {"Summaries": [one], "NextToken": "more"})
    function.stacks.add_response("list_stack_instances", {"Summaries": [two]})
    function.stacks.add_response(
        "delete_stack_instances",
        {"OperationId": "1"},
        {
            "StackSetName": staging,
            "Accounts": ["111122223333", "444455556666"],
            "Regions": ["eu-west-1"],
            "OperationPreferences": {"MaxConcurrentPercentage": 100},
            "RetainStacks": False,
        },
    )
    function.stacks.add_client_error("describe_stack_set", **gone)
    # Second look: the operation still runs.
    function.stacks.add_response("describe_stack_set", described)
    function.stacks.add_response("list_stack_instances", {"Summaries": [two]})
    function.stacks.add_client_error("delete_stack_instances", "OperationInProgressException")
    function.stacks.add_client_error("describe_stack_set", **gone)
    # Third look: no instance is left.
    function.stacks.add_response("describe_stack_set", described)
    function.stacks.add_response("list_stack_instances", {"Summaries": []})
    function.stacks.add_response("delete_stack_set", {}, {"StackSetName": staging})
    function.stacks.add_client_error("describe_stack_set", **gone)
    function.stacks.add_client_error("describe_stack_set", "StackSetNotFoundException")
    function.stacks.add_client_error("describe_stack_set", **gone)
    assert run(function, Endpoints="Delete", Target="STACKSET") == SUCCESS


def test_bucket_loses_every_version_and_marker_of_every_page_then_goes(function):
    function.bucket.add_response(
        "list_object_versions",
        {
            "IsTruncated": True,
            "NextKeyMarker": "b",
            "NextVersionIdMarker": "2",
            "Versions": [{"Key": "a", "VersionId": "1"}, {"Key": "b", "VersionId": "2"}],
        },
        {"Bucket": BUCKET},
    )
    function.bucket.add_response(
        "delete_objects",
        {},
        {
            "Bucket": BUCKET,
            "Delete": {
                "Objects": [{"Key": "a", "VersionId": "1"}, {"Key": "b", "VersionId": "2"}],
                "Quiet": True,
            },
        },
    )
    function.bucket.add_response(
        "list_object_versions",
        {"IsTruncated": False, "DeleteMarkers": [{"Key": "c", "VersionId": "3"}]},
        {"Bucket": BUCKET, "KeyMarker": "b", "VersionIdMarker": "2"},
    )
    function.bucket.add_response(
        "delete_objects",
        {},
        {"Bucket": BUCKET, "Delete": {"Objects": [{"Key": "c", "VersionId": "3"}], "Quiet": True}},
    )
    function.bucket.add_response("delete_bucket", {}, {"Bucket": BUCKET})
    assert run(function, Artifacts="Delete") == SUCCESS


def test_bucket_that_is_gone_is_fine(function):
    function.bucket.add_client_error("list_object_versions", "NoSuchBucket")
    assert run(function, Artifacts="Delete") == SUCCESS


def test_object_that_cannot_be_deleted_fails_with_its_reason(function):
    function.bucket.add_response("list_object_versions", {"Versions": [{"Key": "a", "VersionId": "1"}]})
    function.bucket.add_response("delete_objects", {"Errors": [{"Key": "a", "Code": "AccessDenied"}]})
    answer = run(function, Artifacts="Delete")
    assert answer["status"] == "FAILED"
    assert "AccessDenied" in answer["reason"]
