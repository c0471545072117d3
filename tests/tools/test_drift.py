"""Drift is told apart from pending code, told once, told again when it changes, and its end is told."""

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.support.played_aws import Clients, KilledError, Refused
from tests.tools.previews import made
from tests.tools.previews.record import FOLDER
from tools.drift import MESSAGE_LINES, NONE, Change, command, drift, fingerprint, message, tell
from tools.faults import ToolError
from tools.preview_comment.engine_output import read
from tools.preview_comment.previews import Preview, Step

TOPIC = "arn:aws:sns:us-east-2:111122223333:sm-mlops-dev-notifications"
PARAMETER = "/sm-mlops-dev/delivery/drift/dev"
URN = "urn:pulumi:dev::sm-mlops::aws:sns/topic:Topic::"


def step(op: str, name: str, *paths: str) -> Step:
    return Step(op=op, urn=f"{URN}{name}", type="aws:sns/topic:Topic", paths=dict.fromkeys(paths, "update"))


def preview(*steps: Step) -> Preview:
    return Preview(stack="dev", steps=steps)


def test_what_only_a_refresh_finds_is_drift() -> None:
    refreshed = preview(step("create", "gone"), step("update", "a", "tags.owner"), step("same", "b"))
    assert drift(refreshed, preview()) == [
        Change(f"{URN}a", "update", ("tags.owner",)),
        Change(f"{URN}gone", "create"),
    ]


def test_code_that_waits_to_be_deployed_is_no_drift() -> None:
    waiting = preview(step("create", "new"), step("update", "a", "name"), step("delete", "old"))
    assert drift(waiting, waiting) == []


def test_drift_of_a_resource_that_also_waits_for_a_change_is_found() -> None:
    refreshed = preview(step("update", "a", "name", "policy"))
    assert drift(refreshed, preview(step("update", "a", "name"))) == [Change(f"{URN}a", "update", ("policy",))]
    assert drift(preview(step("create", "a")), preview(step("update", "a", "name"))) == [Change(f"{URN}a", "create")]


def test_two_things_of_one_urn_are_told_apart() -> None:
    gone, older = (made.event("delete-replaced", "a", old={"id": id_}) for id_ in ("1", "2"))
    pending, refreshed = (read(made.events(*found)) for found in ([gone], [gone, older]))
    assert [change.op for change in drift(refreshed, pending)] == ["delete-replaced"]
    assert drift(refreshed, refreshed) == []


def test_a_change_is_told_on_one_line_and_without_secrets() -> None:
    told = str(Change("urn:pulumi:dev::p::a:b:C::x\npassword=hunter2", "update", ("token=hunter2",)))
    assert "hunter2" not in told
    assert len(told.splitlines()) == 1


def test_a_failed_preview_says_why_without_secrets_and_masks_hide_names(tmp_path: Path) -> None:
    failed, whole = tmp_path / "failed.json", tmp_path / "whole.json"
    failed.write_text(made.digest(diagnostics=[{"severity": "error", "message": "no: --password hunter2 of team-a"}]))
    whole.write_text(made.digest(made.step("update", "team-a", detailedDiff={"name": {"kind": "update"}})))
    arguments = ["--stack", "dev", "--mask", "team-.", "--pending", str(FOLDER / "no-change.json"), "--refreshed"]
    done = CliRunner().invoke(command, [*arguments, str(failed)])
    assert str(done.exception).endswith("no: --password [hidden] of [hidden]")
    assert "update aws:sns/topic:Topic::[hidden] (name)" in CliRunner().invoke(command, [*arguments, str(whole)]).output


def test_the_fingerprint_knows_the_drift_and_not_its_order() -> None:
    one, other = Change("a", "update", ("x", "y")), Change("b", "create")
    assert fingerprint([one, other]) == fingerprint([other, one])
    told = {fingerprint(found) for found in ([one], [other], [one, other], [Change("a", "update", ("x",))], [])}
    assert len(told) == 5
    assert fingerprint([]) == NONE


class Account:
    """Systems Manager and SNS of an account."""

    def __init__(self, value: str = NONE) -> None:
        self.calls: list[str] = []
        self.value = value
        self.messages: list[dict[str, str]] = []
        self.refuses: str | None = None

    def GetParameter(self, Name: str) -> dict[str, Any]:
        assert Name == PARAMETER
        return {"Parameter": {"Name": Name, "Value": self.value}}

    def PutParameter(self, Name: str, Value: str, Overwrite: bool) -> None:
        assert (Name, Overwrite) == (PARAMETER, True)
        self.value = Value

    def Publish(self, TopicArn: str, Subject: str, Message: str) -> dict[str, str]:
        assert TopicArn == TOPIC
        if self.refuses:
            raise Refused(self.refuses)
        self.messages.append({"subject": Subject, "text": Message})
        return {"MessageId": "1"}


def night(account: Account, *found: Change, clients: Clients | None = None) -> bool:
    return tell(clients or Clients(account), TOPIC, PARAMETER, "dev", list(found), "https://build")


ONE, OTHER = Change(f"{URN}a", "update", ("tags.owner",)), Change(f"{URN}b", "create")


def test_the_same_drift_is_told_once_however_many_nights_it_stays() -> None:
    account = Account()
    assert [night(account, ONE) for _ in range(3)] == [True, False, False]
    (told,) = account.messages
    assert told["subject"] == "dev: drift of 1 resource"
    assert "update aws:sns/topic:Topic::a (tags.owner)" in told["text"]
    assert "https://build" in told["text"]


def test_another_drift_is_told_and_so_is_the_end_of_it() -> None:
    account = Account()
    nights: list[tuple[Change, ...]] = [(ONE,), (ONE, OTHER), (OTHER,), (), (), (ONE,)]
    assert [night(account, *found) for found in nights] == [True, True, True, True, False, True]
    assert [told["subject"] for told in account.messages] == [
        "dev: drift of 1 resource",
        "dev: drift of 2 resources",
        "dev: drift of 1 resource",
        "dev: no drift any more",
        "dev: drift of 1 resource",
    ]


def test_a_night_without_drift_says_nothing() -> None:
    account = Account()
    assert night(account) is False
    assert account.calls == ["GetParameter"]


@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize("moment", ["kill_before", "kill_after"])
def test_a_job_that_is_killed_loses_no_message(number: int, moment: str) -> None:
    account = Account()
    with pytest.raises(KilledError):
        night(account, ONE, clients=Clients(account, **{moment: number}))
    night(account, ONE)
    night(account, ONE)
    assert 1 <= len(account.messages) <= 2
    assert account.value == fingerprint([ONE])


def test_a_topic_that_refuses_is_tried_again_the_next_night() -> None:
    account = Account()
    account.refuses = "AuthorizationError"
    with pytest.raises(Exception, match="telling the drift of dev in us-east-2: Publish failed: AuthorizationError"):
        night(account, ONE)
    account.refuses = None
    assert night(account, ONE) is True


def test_a_message_fits_into_sns_and_names_what_it_can() -> None:
    many = [Change(f"{URN}{number:04}", "update", ("tags",)) for number in range(MESSAGE_LINES + 5)]
    subject, text = message("d" * 200, many, "")
    assert len(subject) == 100
    assert text.count("update aws:sns") == MESSAGE_LINES
    assert "... and 5 more" in text
    subject, _ = message("prüf", many, "")
    assert subject.isascii()


def run(*arguments: str) -> Any:
    return CliRunner().invoke(command, ["--stack", "dev", *arguments], catch_exceptions=False)


def test_real_output_of_the_engine_is_read() -> None:
    plain, refreshed = str(FOLDER / "no-change.json"), str(FOLDER / "update.json")
    done = run("--pending", plain, "--refreshed", refreshed)
    assert done.exit_code == 0
    assert "drift: update" in done.output
    assert run("--pending", refreshed, "--refreshed", refreshed).output == "dev: 0 resources have drifted\n"
    assert read((FOLDER / "update.json").read_text()).steps


def test_a_preview_that_failed_is_not_taken_for_drift() -> None:
    with pytest.raises(ToolError, match="nothing can be said of drift"):
        run("--pending", str(FOLDER / "no-change.json"), "--refreshed", str(FOLDER / "protected.json"))


def test_what_is_told_is_remembered() -> None:
    plain = str(FOLDER / "no-change.json")
    with pytest.raises(ToolError, match="--topic-arn and --parameter belong together"):
        run("--pending", plain, "--refreshed", plain, "--topic-arn", TOPIC)


def test_values_have_no_part_in_what_is_told() -> None:
    text = made.digest(made.step("update", "a", detailedDiff={"password": {"kind": "update"}}))
    (change,) = drift(read(text), preview())
    assert str(change).endswith("(password)")
