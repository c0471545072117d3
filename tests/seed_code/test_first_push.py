"""The function that has a project's first commit made at a Git provider: what it asks for, and what it says."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.stub import Stubber

from tests.seed_code.clean_up import Answer, CleanUp, loaded

CONNECTION = "arn:aws:codeconnections:us-east-2:111122223333:connection/4c2f"
URL = "https://codeconnections.us-east-2.amazonaws.com/git-http/111122223333/us-east-2/4c2f/acme/churn.git"
PROPERTIES = {
    "BuildProject": "sagemaker-churn-p-1-modelbuild-first-push",
    "ConnectionArn": CONNECTION,
    "UrlSuffix": "amazonaws.com",
    "RepositoryId": "acme/churn",
    "FormerRepository": "sagemaker-churn-p-1-model-build-train",
}
DONE = Answer("SUCCESS", "first-push", None)


@pytest.fixture(scope="module")
def function() -> Iterator[CleanUp]:
    """The function, loaded once; making its clients is slow."""
    with loaded("model-build-train", "first_push") as function:
        yield function


@pytest.fixture
def codecommit(function: CleanUp) -> Iterator[Stubber]:
    with Stubber(function.module.codecommit) as codecommit:
        yield codecommit
        codecommit.assert_no_pending_responses()


@pytest.fixture
def codebuild(function: CleanUp, codecommit: Stubber) -> Iterator[Stubber]:
    """CodeBuild's answers, all of which are asked for; the project has no repository in CodeCommit."""
    codecommit.add_client_error("get_repository", "RepositoryDoesNotExistException")
    with Stubber(function.module.codebuild) as codebuild:
        yield codebuild
        codebuild.assert_no_pending_responses()


def build(codebuild: Stubber, *states: str, message: str = "") -> None:
    """A build that is in these states, one look after the other."""
    variable = {"name": "CLONE_URL", "value": URL, "type": "PLAINTEXT"}
    asked = {"projectName": PROPERTIES["BuildProject"], "environmentVariablesOverride": [variable]}
    for number, state in enumerate(states):
        found: dict[str, Any] = {"id": "push:1", "buildStatus": state}
        if message:
            found["phases"] = [{"phaseType": "SUBMITTED"}, {"contexts": [{"message": message}]}]
        if number:
            codebuild.add_response("batch_get_builds", {"builds": [found]}, {"ids": ["push:1"]})
        else:
            codebuild.add_response("start_build", {"build": found}, asked)


def test_the_build_is_told_where_to_push_and_waited_for(function: CleanUp, codebuild: Stubber) -> None:
    build(codebuild, "IN_PROGRESS", "IN_PROGRESS", "SUCCEEDED")
    assert function.call("Create", PROPERTIES) == DONE


def test_a_connection_of_the_older_name_is_asked_under_that_name(function: CleanUp) -> None:
    older = {**PROPERTIES, "ConnectionArn": CONNECTION.replace("codeconnections", "codestar-connections")}
    assert function.module.clone_url(older) == URL.replace("//codeconnections", "//codestar-connections")


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("Error while executing command. Reason: exit status 3", "acme/churn cannot be read through the connection: "),
        ("Error while executing command. Reason: exit status 4", "acme/churn is not empty, and nothing in it is "),
        ("Error while executing command. Reason: exit status 5", "acme/churn takes no push to its branch main: "),
        ("Reason: exit status 1", "acme/churn got no first commit: Reason: exit status 1. Build: push:1"),
    ],
)
def test_a_build_that_fails_is_told_in_words(function: CleanUp, codebuild: Stubber, message: str, said: str) -> None:
    build(codebuild, "IN_PROGRESS", "FAILED", message=message)
    answer = function.call("Create", PROPERTIES)
    assert (answer.status, answer.physical_id) == ("FAILED", DONE.physical_id)
    assert answer.reason is not None
    assert answer.reason.startswith(f"RuntimeError: {said}")


def test_a_build_that_does_not_end_in_time_says_what_to_do(function: CleanUp, codebuild: Stubber) -> None:
    build(codebuild, "IN_PROGRESS")
    answer = function.call("Create", PROPERTIES, lambda: 5)
    assert answer.reason == "TimeoutError: build push:1 has not ended yet; delete the project and make it once more"


def test_without_a_connection_the_launch_says_what_to_do(function: CleanUp) -> None:
    answer = function.call("Create", {**PROPERTIES, "ConnectionArn": ""})
    assert answer.status == "FAILED"
    assert "RepositoryId is acme/churn, and this platform is connected to no Git provider" in str(answer.reason)


def test_a_project_that_has_its_code_in_codecommit_does_not_lose_it(function: CleanUp, codecommit: Stubber) -> None:
    name = PROPERTIES["FormerRepository"]
    codecommit.add_response("get_repository", {"repositoryMetadata": {}}, {"repositoryName": name})
    answer = function.call("Create", PROPERTIES)
    assert answer.status == "FAILED"
    assert f"the CodeCommit repository {name}, which this change would delete" in str(answer.reason)


@pytest.mark.parametrize("kind", ["Update", "Delete"])
def test_later_on_nothing_is_pushed(function: CleanUp, codecommit: Stubber, kind: str) -> None:
    codecommit.assert_no_pending_responses()
    assert function.call(kind, PROPERTIES) == DONE
