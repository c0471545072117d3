"""The traffic that is sent while an endpoint changes over."""

import io

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from conftest import ROOT

from model_deploy import bake
from model_deploy.deployed import Deployed
from model_deploy.errors import UserError
from model_deploy.smoke import Request

WANTED = {"ModelPackageArn": "new"}
NEW = Deployed(parameters=WANTED, status="UPDATE_COMPLETE", certain=True)
OLD = Deployed(parameters={"ModelPackageArn": "old"}, status="UPDATE_COMPLETE", certain=True)
MOVING = Deployed(parameters=WANTED, status="UPDATE_IN_PROGRESS", certain=True, moving=True)
UNDONE = Deployed(parameters=OLD.parameters, status="UPDATE_ROLLBACK_COMPLETE", certain=True)
FIRST = Deployed(parameters=WANTED, status="CREATE_IN_PROGRESS", certain=True, moving=True)


def refusal(status):
    return ClientError({"Error": {"Code": "ModelError"}, "OriginalStatusCode": status}, "InvokeEndpoint")


class World:
    """A stage that goes from state to state with each look, its endpoint, and a clock that only waiting moves."""

    def __init__(self, *states, endpoint="Updating", answers=()):
        self.states, self.status, self.answers = list(states), endpoint, list(answers)
        self.time = 0.0
        self.sent = 0

    def stage(self):
        return self.states.pop(0) if len(self.states) > 1 else self.states[0]

    def describe_endpoint(self, **_):
        if self.status is None:
            raise ClientError({"Error": {"Code": "ValidationException"}}, "DescribeEndpoint")
        return {"EndpointStatus": self.status}

    def invoke_endpoint(self, **_):
        self.sent += 1
        answer = self.answers.pop(0) if self.answers else None
        if answer:
            raise answer
        return {"Body": io.BytesIO(b"9.1")}

    def monotonic(self):
        return self.time

    def sleep(self, seconds):
        self.time += seconds

    def run(self, monkeypatch):
        monkeypatch.setattr(bake, "time", self)
        endpoint = bake.Endpoint(name="endpoint", sagemaker=self, runtime=self)
        request = Request.load(ROOT / "payload" / "request.toml")
        return bake.send_traffic(endpoint, request, self.stage, WANTED)


def test_the_payload_is_sent_for_as_long_as_the_endpoint_is_updated(monkeypatch):
    world = World(OLD, OLD, MOVING, MOVING, MOVING, NEW, answers=[None, refusal(500)])
    assert world.run(monkeypatch) == "During its update endpoint answered 2 of 3 requests."
    assert world.sent == 3


@pytest.mark.parametrize("end", [NEW, UNDONE, None])
def test_it_ends_with_the_deployment_however_that_ends(monkeypatch, end):
    world = World(OLD, MOVING, end)
    assert "answered 1 of 1 requests" in world.run(monkeypatch)


def test_a_deployment_between_two_looks_is_seen(monkeypatch):
    world = World(OLD, UNDONE)
    assert "no traffic was needed" in world.run(monkeypatch)
    assert world.time == bake.PAUSE_SECONDS


def test_a_stage_that_stands_as_it_shall_needs_no_traffic_and_no_time(monkeypatch):
    world = World(NEW)
    assert "no traffic was needed" in world.run(monkeypatch)
    assert (world.sent, world.time) == (0, 0)


def test_the_first_deployment_has_no_version_to_go_back_to(monkeypatch):
    world = World(None, FIRST, FIRST, NEW, endpoint=None)
    assert "no traffic was needed" in world.run(monkeypatch)
    assert world.sent == 0


def test_it_does_not_wait_for_a_deployment_that_never_begins(monkeypatch):
    world = World(OLD)
    assert "no traffic was needed" in world.run(monkeypatch)
    assert world.time <= bake.UNSEEN_SECONDS + bake.PAUSE_SECONDS


def test_a_stack_set_moves_until_every_account_stands(monkeypatch):
    moving = Deployed(parameters=WANTED, status="ACTIVE", certain=False, moving=True)
    world = World(moving, moving, Deployed(parameters=WANTED, status="ACTIVE", certain=True))
    assert "answered 2 of 2" in world.run(monkeypatch)


def test_a_stack_set_that_failed_in_an_account_moves_no_more(monkeypatch):
    moving = Deployed(parameters=WANTED, status="ACTIVE", certain=False, moving=True)
    failed = Deployed(parameters=WANTED, status="ACTIVE", certain=False)
    assert "answered 1 of 1" in World(moving, failed).run(monkeypatch)
    world = World(failed)
    assert "no traffic was needed" in world.run(monkeypatch)
    assert world.time == 0


def test_no_answer_at_all_is_not_health(monkeypatch):
    world = World(MOVING, MOVING, NEW, answers=[refusal(500), ReadTimeoutError(endpoint_url="https://runtime")])
    with pytest.raises(UserError, match="endpoint answered none of 2 requests during its update"):
        world.run(monkeypatch)


def test_inputs_that_the_version_before_does_not_know_are_not_sent_again(monkeypatch):
    """The alarm counts what both versions refuse: a change of the inputs that is meant would undo itself."""
    world = World(MOVING, MOVING, MOVING, NEW, answers=[refusal(400)])
    assert "the inputs of the model have changed" in world.run(monkeypatch)
    assert world.sent == 1


def test_a_missing_right_is_told(monkeypatch):
    denied = ClientError({"Error": {"Code": "AccessDeniedException"}}, "InvokeEndpoint")
    with pytest.raises(ClientError):
        World(MOVING, NEW, answers=[denied]).run(monkeypatch)
