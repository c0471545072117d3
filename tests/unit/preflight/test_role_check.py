"""A preview finds out whether a role that somebody else makes is there and lets in whom it must."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml

from components.iam.expected_roles import ExpectedRole
from components.iam.policies import document
from components.preflight import role_check
from components.preflight.role_check import SuppliedRoleError, Verdict, judge
from components.preflight.supplied_roles import supplied_roles
from components.providers.aws_access import AwsAccess
from components.sections.iam import UseRole
from settings import Settings, SettingsError
from tests.support.delivery_example import SECTION, example
from tests.support.played_aws import Clients, Refused
from tests.support.recording import Recording, run_program, stack_values
from tools.stack_file import StackFile

ACCOUNT, OTHER = "111122223333", "444455556666"
KEY, ARN = "sm-mlops:iam.launch.roleArn", f"arn:aws:iam::{ACCOUNT}:role/team/Launch"
TRUST = {"Effect": "Allow", "Principal": {"Service": "servicecatalog.amazonaws.com"}, "Action": "sts:AssumeRole"}
LOOK = role_check.check
"""The look-up itself: a fixture of the folder replaces it."""
WANTED = ExpectedRole(key=KEY, arn=ARN, trust=[TRUST])
NEEDS = "`python -m tools iam-policies` prints"


def described(trust: object, arn: str = ARN) -> dict[str, Any]:
    return {
        "Arn": arn,
        "Path": "/team/",
        "RoleName": arn.rpartition("/")[2],
        "RoleId": "AROA0123456789ABCDEF",
        "CreateDate": "2026-01-01T00:00:00Z",
        "AssumeRolePolicyDocument": document([trust] if isinstance(trust, dict) else []),
    }


def judged(role: dict[str, Any] | None, wanted: ExpectedRole = WANTED) -> Verdict:
    verdict = Verdict()
    judge(wanted, ACCOUNT, role, verdict)
    return verdict


def test_a_role_that_lets_its_service_in_is_in_order() -> None:
    assert judged(described(TRUST)) == Verdict()


def test_a_role_that_is_not_there_or_another_is_a_fault_with_its_key() -> None:
    (gone,) = judged(None).faults
    assert gone.startswith(f"{KEY}: there is no role {ARN}; let an administrator make it first ({NEEDS}")
    elsewhere = f"arn:aws:iam::{ACCOUNT}:role/Launch"
    (moved,) = judged(described(TRUST, elsewhere)).faults
    assert moved == f"{KEY}: there is no role {ARN}; the role of this name is {elsewhere}: set the path right"
    foreign = ARN.replace(ACCOUNT, OTHER)
    (told,) = judged(None, ExpectedRole(key=KEY, arn=foreign)).faults
    assert told.startswith(f"{KEY}: {foreign} is a role of account {OTHER}, and the stack deploys to {ACCOUNT}")


@pytest.mark.parametrize(
    "trust",
    [
        {},
        {**TRUST, "Principal": {"Service": "codebuild.amazonaws.com"}},
        {**TRUST, "Action": "sts:TagSession"},
        {**TRUST, "Effect": "Deny"},
    ],
)
def test_a_role_that_does_not_let_its_service_in_is_a_fault(trust: dict[str, Any]) -> None:
    verdict = judged(described(trust or None))
    assert verdict.faults == [
        f"{KEY}: {ARN} does not trust servicecatalog.amazonaws.com; {NEEDS} the trust policy that it needs"
    ]


@pytest.mark.parametrize(
    "condition", [{"StringEquals": {"aws:SourceOrgID": "o-0123456789"}}, {"NoOperator": {"aws:SourceAccount": ACCOUNT}}]
)
def test_a_condition_that_nobody_here_can_judge_is_a_doubt(condition: dict[str, Any]) -> None:
    verdict = judged(described({**TRUST, "Condition": condition}))
    assert verdict.faults == []
    assert verdict.warnings[0].startswith(f"{KEY}: ")


class Iam:
    """Roles of the account; some calls are denied."""

    def __init__(self, *roles: dict[str, Any], denied: Sequence[str] = ()) -> None:
        self.roles = {role["RoleName"]: role for role in roles}
        self.denied = denied
        self.calls: list[str] = []

    def GetCallerIdentity(self) -> dict[str, str]:
        return {"Account": ACCOUNT, "Arn": f"arn:aws:iam::{ACCOUNT}:user/operator", "UserId": "AIDA"}

    def GetRole(self, RoleName: str) -> dict[str, Any]:
        if RoleName in self.denied:
            raise Refused("AccessDenied", "not authorized")
        if RoleName not in self.roles:
            raise Refused("NoSuchEntity")
        return {"Role": self.roles[RoleName]}


def check(iam: Iam, *wanted: ExpectedRole) -> None:
    LOOK(lambda _: wanted, Clients(iam), "us-east-2")  # type: ignore[arg-type] # plays the access, too


def test_all_faults_are_told_together() -> None:
    others = [ExpectedRole(key=f"sm-mlops:iam.{key}.roleArn", arn=f"{ARN}{key}") for key in ("build", "pipeline")]
    with pytest.raises(SuppliedRoleError) as raised:
        check(Iam(described(None)), WANTED, *others)
    heading, *lines = str(raised.value).splitlines()
    assert heading == "roles of the settings have 3 faults:"
    assert [line.split(": ")[0] for line in lines] == [f"  - {one.key}" for one in (WANTED, *others)]
    assert isinstance(raised.value, pulumi.RunError), "otherwise Pulumi prints a traceback"


def test_what_may_not_be_looked_at_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", told.append)
    check(Iam(denied=["Launch"]), WANTED)
    assert f"{KEY}: {ARN} could not be looked at; grant iam:GetRole on it to whoever deploys" in told[0]


def test_of_a_role_of_another_account_nobody_asks_here() -> None:
    iam = Iam()
    check(iam, ExpectedRole(key=KEY, arn=ARN.replace(ACCOUNT, OTHER), elsewhere=True))
    assert iam.calls == ["GetCallerIdentity"]


def test_without_supplied_roles_nobody_is_asked() -> None:
    LOOK(lambda _: [], AwsAccess({}), "us-east-2")


def settings_with(folder: Path, **sections: Any) -> Settings:

    values = stack_values("dev") | {f"sm-mlops:{key}": value for key, value in sections.items()}
    (folder / "Pulumi.own.yaml").write_text(yaml.safe_dump({"config": values}))
    return StackFile("own", folder).settings


def test_every_role_that_settings_can_name_is_looked_at_with_the_trust_that_it_needs(tmp_path: Path) -> None:
    role = {"mode": "supplied", "roleArn": ARN}
    use = {**{str(one): f"{ARN}Use" for one in UseRole}, "Lambda": f"{ARN}Lambda"}
    iam = {**dict.fromkeys(("launch", "pipeline", "build", "events", "delivery"), role)}
    sections = {"iam": {**iam, "use": {"mode": "supplied", "roleArns": use}}, "delivery": example()}
    found = supplied_roles(settings_with(tmp_path, **sections), ACCOUNT)
    services = {
        one.key: sorted(
            {service for statement in one.trust for service in _services(statement["Principal"].get("Service", ()))}
        )
        for one in found
    }
    assert services == {
        KEY: ["servicecatalog.amazonaws.com"],
        ", ".join(f"sm-mlops:iam.use.roleArns.{role}" for role in UseRole if role != "Lambda"): sorted(
            role.service for role in UseRole if role != "Lambda"
        ),
        "sm-mlops:iam.use.roleArns.Lambda": ["lambda.amazonaws.com"],
        "sm-mlops:iam.pipeline.roleArn": ["codepipeline.amazonaws.com"],
        "sm-mlops:iam.build.roleArn": ["codebuild.amazonaws.com"],
        "sm-mlops:iam.events.roleArn": ["events.amazonaws.com"],
        "sm-mlops:iam.delivery.roleArn": ["codebuild.amazonaws.com"],
        "sm-mlops:delivery.stacks[1].roleArn": [],
        "sm-mlops:delivery.stacks[1].previewRoleArn": [],
    }
    (changes,) = [one for one in found if one.key == "sm-mlops:delivery.stacks[1].roleArn"]
    # Every build works as the one supplied role, and no role has a build project's name.
    assert changes.trust[0]["Condition"]["ArnEquals"] == {"aws:PrincipalArn": [ARN]}
    assert [one.key for one in found if one.elsewhere] == [one.key for one in found if SECTION in one.key]


def test_roles_that_nothing_works_with_yet_are_not_looked_at(tmp_path: Path) -> None:
    role = {"mode": "supplied", "roleArn": ARN}
    iam = dict.fromkeys(("launch", "pipeline", "build", "events", "delivery"), role)
    assert [one.key for one in supplied_roles(settings_with(tmp_path, iam=iam), ACCOUNT)] == [KEY]


def _services(element: str | Sequence[str]) -> Sequence[str]:
    return [element] if isinstance(element, str) else element


def test_the_program_registers_nothing_before_supplied_roles_are_known_to_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("components.preflight.role_check.check", LOOK)
    monkeypatch.setattr("components.preflight.configured_access", lambda: Clients(Iam()))
    values = {**stack_values("dev"), "sm-mlops:iam": {"launch": {"mode": "supplied", "roleArn": ARN}}}
    recording = Recording()
    with pytest.raises(SettingsError, match=f"there is no role {ARN}"):
        run_program(values, recording=recording)
    assert recording.resources == []
