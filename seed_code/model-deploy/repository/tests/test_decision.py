"""Which package a run deploys."""

import pytest
from conftest import GROUP, arn

from model_deploy.decision import Decision, decide
from model_deploy.deployed import Deployed
from model_deploy.errors import UserError
from model_deploy.registry import Registry


def live(version: int, *, certain: bool = True) -> Deployed:
    return Deployed(parameters={"ModelPackageArn": arn(version)}, status="UPDATE_COMPLETE", certain=certain)


def version(decision: Decision) -> int | None:
    return decision.package.version if decision.package else None


def test_approval_deploys_the_package_of_the_event_even_when_a_newer_one_is_approved(registry):
    reader, group = registry
    group.has(4, "Approved")
    decision = decide(trigger="approved", requested=arn(4), registry=reader, live=live(5))
    assert version(decision) == 4


def test_package_that_lost_its_approval_before_the_build_is_not_deployed(registry):
    reader, group = registry
    group.has(4, "Rejected")
    decision = decide(trigger="approved", requested=arn(4), registry=reader, live=None)
    assert decision.package is None
    assert decision.reason == f"Version 4 of {GROUP} is Rejected by now. Nothing is deployed."


def test_push_deploys_the_newest_approved_version_of_all_pages(registry):
    reader, group = registry
    group.lists((3, 9), (10, 2))
    decision = decide(trigger="push", requested="newest", registry=reader, live=live(3))
    assert version(decision) == 10


@pytest.mark.parametrize(
    ("before", "told"),
    [
        (live(3), " Prod runs version 3, so this moves it to another version as well."),
        (live(10), ""),
        (None, ""),
    ],
)
def test_a_push_that_moves_prod_to_another_version_says_so_to_who_is_asked(registry, before, told):
    reader, group = registry
    group.lists((10, 3))
    decision = decide(trigger="push", requested="newest", registry=reader, live=before)
    assert decision.reason == f"The repository changed; version 10 is the newest Approved one.{told}"


def test_version_whose_registration_is_not_complete_is_passed_over(registry):
    reader, group = registry
    group.lists((3,), status="InProgress")
    assert decide(trigger="push", requested="newest", registry=reader, live=None).package is None


@pytest.mark.parametrize("exists", [True, False])
def test_push_with_nothing_approved_deploys_nothing_and_says_what_to_do(registry, exists):
    reader, group = registry
    if exists:
        group.lists(())
    else:
        group.does_not_exist()
    decision = decide(trigger="push", requested="newest", registry=reader, live=None)
    assert decision.package is None
    assert f"{GROUP} has no Approved version yet. Approve one" in decision.reason
    assert "ModelBuildProjectName" in decision.reason


def test_unknown_package_is_an_error_that_names_it(registry):
    reader, group = registry
    group.lacks(7)
    with pytest.raises(UserError, match=r"model-package/sagemaker-fraud/7 is unknown: .* does not exist"):
        decide(trigger="approved", requested=arn(7), registry=reader, live=None)


def test_package_of_another_group_is_refused(registry):
    reader, group = registry
    group.has(7, "Approved", group="sagemaker-other")
    with pytest.raises(UserError, match="belongs to group sagemaker-other, but this project deploys group sagemaker-f"):
        decide(trigger="approved", requested=arn(7), registry=reader, live=None)


def test_rejection_of_the_live_version_deploys_the_last_approved_one_before_it(registry):
    reader, group = registry
    group.has(5, "Rejected")
    group.lists((6, 4), (3,))
    decision = decide(trigger="rejected", requested=arn(5), registry=reader, live=live(5))
    assert version(decision) == 4
    assert decision.reason == "Version 5, which prod runs, was rejected; version 4 replaces it."


def test_rejection_with_only_a_newer_version_left_chooses_it(registry):
    reader, group = registry
    group.has(5, "Rejected")
    group.lists((6,))
    decision = decide(trigger="rejected", requested=arn(5), registry=reader, live=live(5))
    assert version(decision) == 6


@pytest.mark.parametrize("runs", [None, live(6)])
def test_rejection_of_a_version_that_prod_does_not_run_deploys_nothing(registry, runs):
    reader, group = registry
    group.has(5, "Rejected")
    decision = decide(trigger="rejected", requested=arn(5), registry=reader, live=runs)
    assert decision.package is None
    assert decision.reason == "Version 5 was rejected, but prod does not run it. Nothing is deployed."


def test_rejection_goes_back_when_some_account_may_still_run_the_version(registry):
    reader, group = registry
    group.has(5, "Rejected")
    group.lists((4,))
    decision = decide(trigger="rejected", requested=arn(5), registry=reader, live=live(6, certain=False))
    assert version(decision) == 4


def test_rejection_that_was_taken_back_deploys_nothing(registry):
    reader, group = registry
    group.has(5, "Approved")
    assert decide(trigger="rejected", requested=arn(5), registry=reader, live=live(5)).package is None


def test_rejection_of_the_last_approved_version_is_loud(registry):
    reader, group = registry
    group.has(5, "Rejected")
    group.lists(())
    with pytest.raises(UserError, match="no Approved version is left to go back to"):
        decide(trigger="rejected", requested=arn(5), registry=reader, live=live(5))


def test_rejection_without_a_package_is_refused(registry):
    with pytest.raises(UserError, match="MODEL_PACKAGE_ARN must be the ARN of the rejected package"):
        decide(trigger="rejected", requested="newest", registry=registry[0], live=live(5))


@pytest.mark.parametrize(
    ("status", "message"),
    [
        ("Failed", "Version 7 of sagemaker-fraud is Failed, not Completed: no such image\\. Only a version"),
        ("InProgress", "Version 7 of sagemaker-fraud is InProgress, not Completed\\. Only a version"),
    ],
)
def test_a_package_that_is_not_completed_is_refused(registry, status, message):
    reader, group = registry
    group.has(7, "Approved", status=status)
    with pytest.raises(UserError, match=message):
        decide(trigger="approved", requested=arn(7), registry=reader, live=None)


def test_a_package_of_another_account_is_named(stub):
    client, stubber = stub("sagemaker")
    stubber.add_client_error("describe_model_package", "AccessDeniedException", "not authorized.")
    other = arn(7).replace("111122223333", "444455556666")
    with pytest.raises(
        UserError, match=r"444455556666:model-package/sagemaker-fraud/7 may not be read: not authorized"
    ):
        decide(trigger="approved", requested=other, registry=Registry(client, GROUP), live=None)


@pytest.mark.parametrize("given", ["7", "sagemaker-fraud/7", "arn:aws:s3:::bucket", arn(7) + "\n", "newest "])
def test_what_is_no_arn_of_a_package_is_refused_before_any_call(registry, given):
    with pytest.raises(UserError, match="which is no ARN of a model package"):
        decide(trigger="approved", requested=given, registry=registry[0], live=None)
