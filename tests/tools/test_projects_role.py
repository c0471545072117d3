"""As whom a deployment test creates and deletes projects: one role for the builds of all tests, or whoever runs it."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest

from components.providers.aws_access import AwsAccess
from tools.deployment_test.deployment_test import RENEWED, DeploymentTest
from tools.deployment_test.stack_under_test import StackUnderTest
from tools.deployment_test.waiting import Waiting

ROLE = "arn:aws:iam::111122223333:role/sm-mlops-dev-tests-scientist"


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Access:
    """Gives clients that tell as whom they call."""

    acting: tuple[str, ...] = ()
    assumed: list[str] = field(default_factory=list)

    def acting_as(self, role_arn: str) -> "Access":
        self.assumed.append(role_arn)
        return Access((*self.acting, f"{role_arn} #{len(self.assumed)}"))

    def client(self, service: str, region: str) -> tuple[str, str, tuple[str, ...]]:
        return service, region, self.acting


def made(role_arn: str | None) -> tuple[DeploymentTest, Access, Clock]:
    access, clock = Access(), Clock()
    tested = SimpleNamespace(of=SimpleNamespace(access=access), option=SimpleNamespace(region="eu-west-1"))
    waiting = Waiting(clock=clock)
    return DeploymentTest(cast("StackUnderTest", tested), waiting, projects_role_arn=role_arn), access, clock


def scientist(test: DeploymentTest) -> Any:
    return test._scientist_client("sagemaker")


def test_projects_are_created_as_the_role_and_stacks_are_not() -> None:
    test, _, _ = made(ROLE)
    assert scientist(test) == ("sagemaker", "eu-west-1", (f"{ROLE} #1",))
    assert test._client("sagemaker") == ("sagemaker", "eu-west-1", ())


def test_the_role_is_assumed_anew_before_its_session_ends() -> None:
    """A role that assumes another one has it for an hour at most, and a test with trainings takes longer."""
    test, access, clock = made(ROLE)
    scientist(test)
    clock.now = RENEWED
    scientist(test)
    assert access.assumed == [ROLE]
    clock.now = RENEWED + 1
    assert scientist(test)[2] == (f"{ROLE} #2",)
    assert RENEWED < 3600


def test_without_a_role_whoever_runs_the_test_creates_the_projects() -> None:
    test, access, _ = made(None)
    assert scientist(test)[2] == ()
    assert access.assumed == []


@pytest.mark.parametrize("kept", [None, '[{"roleArn": "arn:first"}]', [{"roleArn": "arn:first"}]])
def test_a_role_is_assumed_after_those_of_the_configuration(kept: object) -> None:
    access = AwsAccess({"assumeRoles": kept, "region": "us-east-2"}).acting_as(ROLE)
    roles = [one["roleArn"] for one in access.values["assumeRoles"]]
    assert roles == ([ROLE] if kept is None else ["arn:first", ROLE])
    assert access.values["region"] == "us-east-2"
