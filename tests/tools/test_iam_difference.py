"""What differs between two snapshots is told by what it allows, not by how it is written."""

import json
from collections.abc import Callable, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from awsmodel.iam.evaluation import Request, decision
from components.iam.role_documents import WELL_KNOWN_LAUNCH_ROLE
from tests.support.recording import EXAMPLE, stack_values
from tests.unit.awsmodel.test_comparison import POLICIES, STATEMENTS
from tools.iam_policies import documents, facts_of
from tools.iam_snapshot import report
from tools.iam_snapshot.command import command
from tools.iam_snapshot.difference import Breadth, Change, EntityChange, differences
from tools.iam_snapshot.snapshot import Snapshot
from tools.iam_snapshot.stack_roles import beside
from tools.stack_file import StackFile

from .iam_accounts import ACCOUNT, TRUST, allow, arn, deny, details, group, managed, policy, role, snapshot, user
from .test_cli import run

OWN, OTHER = arn("policy", "Own"), arn("policy", "Other")
AWS_OWN = arn("policy", "ReadOnlyAccess", "aws")
ATTACHED = {"PolicyName": "Administration", "PolicyArn": arn("policy", "Administration")}
INLINE = {"PolicyName": "star", "PolicyDocument": policy(allow("*"))}
INTRUDER = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::444455556666:root"}, "Action": "sts:AssumeRole"}


def administration() -> dict[str, Any]:
    return managed("Administration", policy(allow("*")))


def one(old: Sequence[dict[str, Any]], new: Sequence[dict[str, Any]]) -> Change:
    (found,) = differences(snapshot(*old), snapshot(*new))
    return found.change


def part(old: Sequence[dict[str, Any]], new: Sequence[dict[str, Any]]) -> Change:
    (found,) = one(old, new).parts
    return found


def test_what_is_written_otherwise_is_no_difference() -> None:
    before = role("a", {"x": policy(allow(["s3:GetObject", "s3:PutObject"]), deny("kms:*"))})
    after = role("a", {"x": policy(deny(["KMS:*"]), allow(["s3:putObject", "s3:GetObject"], ["*"], Sid="Named"))})
    assert not differences(snapshot(before), snapshot(after))


def test_a_statement_that_got_broader_is_marked_and_says_what_it_allows() -> None:
    before = role("a", {"x": policy(allow("s3:GetObject", Sid="Read"), allow("kms:*"))})
    after = role("a", {"x": policy(allow("kms:*"), allow(["s3:GetObject", "s3:PutObject"], Sid="Read"))})
    change = one([before], [after])
    assert (change.status, change.breadth) == ("changed", Breadth.BROADER)
    (inline,) = change.parts
    (statement,) = inline.parts
    assert (inline.what, statement.what) == ("inline policy x", "statement Read")
    assert (statement.notes, statement.allowed) == (("+ Action s3:PutObject",), ("s3:PutObject on *",))
    assert one([after], [before]).breadth is Breadth.NARROWER


def test_a_right_that_moves_to_another_policy_of_the_role_is_none_more() -> None:
    before = role("a", {"x": policy(allow("s3:*"))}, [OWN])
    after = role("a", {"y": policy(allow("s3:*"))}, [OTHER])
    policies = [managed("Own", policy(allow("kms:*"))), managed("Other", policy(allow("kms:Decrypt")))]
    change = one([before, *policies], [after, *policies])
    assert {item.what: item.breadth for item in change.parts} == {
        "inline policy x": Breadth.SAME,
        "inline policy y": Breadth.SAME,
        f"attached policy {OTHER}": Breadth.SAME,
        f"attached policy {OWN}": Breadth.NARROWER,
    }


def test_a_deny_that_is_gone_makes_broader_wherever_it_stood() -> None:
    forbidding = managed("Own", policy(deny("iam:*")))
    inline = {"x": policy(allow("*"))}
    attached = part([role("a", inline, [OWN]), forbidding], [role("a", inline), forbidding])
    assert (attached.status, attached.breadth) == ("removed", Breadth.BROADER)
    assert attached.allowed == ("no longer denied: iam:* on *",)
    left = one(
        [user("u", inline, ["g"]), group("g", {"y": policy(deny("iam:*"))})],
        [user("u", inline), group("g", {"y": policy(deny("iam:*"))})],
    )
    assert (left.parts[0].what, left.breadth) == ("group g", Breadth.BROADER)


def test_a_deny_is_told_in_words_that_fit_its_direction() -> None:
    free, forbidding = [role("a", {"x": policy(allow("*"))})], [role("a", {"x": policy(allow("*"), deny("iam:*"))})]
    for old, new, told in ((free, forbidding, "now denied"), (forbidding, free, "no longer denied")):
        with StringIO() as page:
            report.tell(differences(snapshot(*old), snapshot(*new)), Console(file=page))
            lines = [line.strip() for line in page.getvalue().splitlines() if "denied" in line]
        assert lines == [f"{told}: iam:* on *"]


def test_who_may_assume_a_role_is_compared_too() -> None:
    wider = {**TRUST, "Principal": {"Service": ["sagemaker.amazonaws.com", "ec2.amazonaws.com"]}}
    trust = part([role("a")], [role("a", trust=policy(wider))])
    assert (trust.what, trust.breadth) == ("trust policy", Breadth.BROADER)
    assert trust.parts[0].allowed == ("sts:AssumeRole by Service: ec2.amazonaws.com",)
    guarded = {**TRUST, "Condition": {"StringEquals": {"aws:SourceAccount": "1"}}}
    assert part([role("a", trust=policy(guarded))], [role("a")]).breadth is Breadth.BROADER
    assert part([role("a")], [role("a", trust=policy(guarded))]).breadth is Breadth.NARROWER


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (OWN, "", Breadth.BROADER),
        ("", OWN, Breadth.NARROWER),
        (OWN, OTHER, Breadth.BROADER),
        (OTHER, OWN, Breadth.NARROWER),
        (OWN, arn("policy", "unknown"), Breadth.UNDECIDED),
    ],
)
def test_a_boundary_that_goes_or_widens_makes_broader(before: str, after: str, expected: Breadth) -> None:
    policies = [managed("Own", policy(allow("s3:*"))), managed("Other", policy(allow("*")))]
    change = part([role("a", boundary=before), *policies], [role("a", boundary=after), *policies])
    assert (change.what, change.breadth) == ("permissions boundary", expected)


def test_a_managed_policy_is_told_once_with_those_who_have_it() -> None:
    holders = [role(name, attached=[OWN]) for name in "abcdefg"]
    narrow, wide = policy(allow("s3:Get*")), policy(allow("s3:*"))
    change = one([*holders, managed("Own", narrow)], [*holders, managed("Own", narrow, wide)])
    assert (change.what, change.breadth) == (OWN, Breadth.BROADER)
    assert change.notes == (
        "version in force: v1 of v1 -> v2 of v1, v2",
        "held by 7: role a, role b, role c, role d, role e, ...",
    )
    prepared = one([managed("Own", narrow)], [managed("Own", narrow, wide, default=1)])
    assert (prepared.breadth, prepared.parts) == (Breadth.SAME, ())


def test_a_policy_of_aws_is_told_where_it_is_attached_and_where_aws_has_changed_it() -> None:
    small, great = (managed("ReadOnlyAccess", policy(allow(x)), account="aws") for x in ("s3:Get*", "s3:*"))
    attached = one([role("a")], [role("a", attached=[AWS_OWN]), small])
    assert [(item.what, item.breadth) for item in attached.parts] == [(f"attached policy {AWS_OWN}", Breadth.BROADER)]
    assert one([role("a", attached=[AWS_OWN]), small], [role("a", attached=[AWS_OWN]), great]).what == AWS_OWN
    unknown = part([role("a")], [role("a", attached=[AWS_OWN])])
    assert (unknown.breadth, unknown.notes) == (Breadth.UNDECIDED, ("its document is not in the snapshot",))


def test_where_neither_can_be_shown_it_may_be_broader() -> None:
    before = role("a", {"x": policy(allow("s3:*")), "y": policy(deny("s3:PutObject"))})
    after = role("a", {"x": policy(allow("s3:*"), allow("kms:*")), "y": policy(deny("s3:PutObject"), deny("*"))})
    assert {item.what: item.breadth for item in one([before], [after]).parts} == {
        "inline policy x": Breadth.UNDECIDED,
        "inline policy y": Breadth.NARROWER,
    }


def test_roles_come_and_go_and_are_made_anew() -> None:
    gone, come = role("gone", {"x": policy(deny("*"))}), role("come", {"x": policy(allow("s3:*"))})
    anew = {**role("anew"), "RoleId": "AROAOTHER"}
    found = differences(snapshot(gone, role("anew")), snapshot(come, anew))
    assert [(item.name, item.change.status, item.change.breadth) for item in found] == [
        ("come", "added", Breadth.BROADER),
        ("gone", "removed", Breadth.NARROWER),
        ("anew", "changed", Breadth.SAME),
    ]
    assert found[2].change.notes == ("made anew: what names it by its old id has lost it",)


def test_tags_and_instance_profiles_are_plain_changes() -> None:
    profile = {"InstanceProfileName": "p", "Arn": arn("instance-profile", "p"), "Roles": [role("a")]}
    after = {**role("a", tags={"owner": "y"}), "InstanceProfileList": [profile]}
    change = one([role("a", tags={"owner": "x"})], [after])
    assert change.notes == ("- tag owner = x", "+ tag owner = y", "+ instance profile p")
    assert change.breadth is Breadth.SAME


def joined(documents: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {f"p{number}": document for number, document in enumerate(documents)}


@given(st.lists(POLICIES, max_size=3), st.lists(POLICIES, max_size=3))
def test_whatever_a_role_may_newly_do_shows_as_broader(
    before: list[dict[str, Any]], after: list[dict[str, Any]]
) -> None:
    changes = differences(snapshot(role("a", joined(before))), snapshot(role("a", joined(after))))
    breadth = max((item.change.breadth for item in changes), default=Breadth.SAME)
    old, new = ([statement for document in listed for statement in document["Statement"]] for listed in (before, after))
    for action in ("a:b", "a:c", "d:b", "e:f"):
        for resource in ("x", "y", "xz"):
            for context in ({}, {"k": "v"}, {"k": "w"}):
                request = Request(action, resource, context)
                if decision(new, request) == "allow" != decision(old, request):
                    assert breadth >= Breadth.UNDECIDED, request


@given(st.lists(POLICIES, max_size=2), STATEMENTS)
def test_an_allow_more_is_never_reported_as_not_broader(
    documents: list[dict[str, Any]], statement: dict[str, Any]
) -> None:
    """Unless a statement without a condition allows it all already; and where no statement names it, for certain."""
    added = {key: value for key, value in statement.items() if key not in ("NotAction", "NotResource")}
    added |= {"Effect": "Allow", "Action": "new:Action", "Resource": "new"}
    (found,) = differences(
        snapshot(role("a", joined(documents))), snapshot(role("a", {**joined(documents), "new": policy(added)}))
    )
    others = [item for document in documents for item in document["Statement"]]
    naming = [item for item in others if "*" in item.get("Action", ()) or "NotAction" in item]
    if not naming:
        assert found.change.breadth is Breadth.BROADER
    elif not any(item["Effect"] == "Allow" and item["Condition"] in ({}, added["Condition"]) for item in naming):
        assert found.change.breadth >= Breadth.UNDECIDED


@given(st.lists(POLICIES, max_size=3), st.lists(POLICIES, max_size=1))
def test_a_difference_with_itself_is_empty(inline: list[dict[str, Any]], own: list[dict[str, Any]]) -> None:
    entries = [
        role("a", joined(inline), [OWN], trust=policy(TRUST), boundary=OTHER),
        user("u", joined(inline), ["g"]),
        group("g", joined(inline)),
        *(managed("Own", document) for document in own),
    ]
    assert not differences(snapshot(*entries), snapshot(*entries))


class TestCommand:
    """What people and pipelines see of a difference."""

    def written(self, folder: Path, name: str, *entries: dict[str, Any]) -> str:
        snapshot(*entries).write(folder / name)
        return str(folder / name)

    @pytest.fixture
    def files(self, tmp_path: Path) -> dict[str, str]:
        narrow = role("a", {"x": policy(allow("s3:GetObject"))}, tags={"t": "[bold]1[/bold]"})
        wide = role("a", {"x": policy(allow("s3:*"))}, tags={"t": "[bold]2[/bold]"})
        return {
            "narrow": self.written(tmp_path, "narrow", narrow),
            "wide": self.written(tmp_path, "wide", wide, role("b")),
        }

    @pytest.mark.parametrize(
        ("arguments", "code"),
        [
            (["narrow", "narrow"], 0),
            (["narrow", "wide"], 1),
            (["wide", "narrow"], 1),
            (["wide", "narrow", "--fail-on", "broader"], 0),
            (["narrow", "wide", "--fail-on", "broader"], 1),
            (["narrow", "narrow", "--json"], 0),
        ],
    )
    def test_the_exit_code_tells_whether_something_differs(
        self, files: dict[str, str], arguments: list[str], code: int
    ) -> None:
        given = [files.get(argument, argument) for argument in arguments]
        assert CliRunner().invoke(command, ["diff", *given]).exit_code == code

    def test_people_get_a_summary_first_and_no_colours_in_a_pipe(self, files: dict[str, str]) -> None:
        told = CliRunner().invoke(command, ["diff", files["narrow"], files["wide"]]).stdout
        lines = told.splitlines()
        assert lines[0] == "roles: 1 added, 1 broader"
        assert f"~ role {arn('role', 'a')}: broader" in lines
        assert "    + tag t = [bold]2[/bold]" in lines
        assert "        allows s3:* on *" in lines
        assert f"+ role {arn('role', 'b')}: added, broader" in lines
        assert "\x1b" not in told

    def test_nothing_is_said_to_be_nothing(self, files: dict[str, str]) -> None:
        assert CliRunner().invoke(command, ["diff", files["wide"], files["wide"]]).stdout == "no difference\n"

    def test_machines_get_the_same_as_json(self, files: dict[str, str]) -> None:
        told = json.loads(CliRunner().invoke(command, ["diff", files["narrow"], files["wide"], "--json"]).stdout)
        assert told["schema"] == 1
        assert told["summary"]["role"] == {"added": 1, "broader": 1}
        assert [(item["kind"], item["name"], item["breadth"]) for item in told["changes"]] == [
            ("role", "a", "broader"),
            ("role", "b", "broader"),
        ]
        statement = told["changes"][0]["parts"][0]["parts"][0]
        assert statement["allowed"] == ["s3:* on *"]

    def test_another_account_is_noted(self, files: dict[str, str], tmp_path: Path) -> None:
        Snapshot.of(details(role("a")), "999999999999", "aws").write(tmp_path / "other")
        told = CliRunner().invoke(command, ["diff", files["wide"], str(tmp_path / "other")])
        assert "of account 111122223333" in told.stderr
        assert "of account 999999999999" in told.stderr

    def test_a_fault_is_code_2_and_one_line(self, files: dict[str, str], tmp_path: Path) -> None:
        (tmp_path / "odd").write_text("{")
        told = run("iam-snapshot", "diff", files["wide"], str(tmp_path / "odd"))
        assert told.returncode == 2
        assert told.stderr.startswith("error: ")
        assert "Traceback" not in told.stderr


class TestStack:
    """From what a stack means to what the account has."""

    def made(self, folder: Path) -> list[dict[str, Any]]:
        """The roles and the boundary of dev as IAM would describe them, in policies of other names than the stack's."""
        found = []
        for document in documents(facts_of(StackFile("dev", EXAMPLE), ACCOUNT)):
            parts = dict(document.parts)
            if document.key == "boundary":
                found.append(managed(document.content["name"], dict(parts["policy"])))
            else:
                trust = parts.pop("trust")
                found.append(role(document.content["name"], dict(parts), trust=trust, tags={"a": "b"}))
        snapshot(*found, role("somebody")).write(folder / "iam.json")
        return found

    def told(self, folder: Path, *flags: str) -> Any:
        return CliRunner().invoke(
            command, ["diff", str(folder / "iam.json"), "--stack", "dev", "--folder", str(EXAMPLE), *flags]
        )

    def test_an_account_that_has_what_the_stack_makes_has_no_difference(self, tmp_path: Path) -> None:
        self.made(tmp_path)
        told = self.told(tmp_path)
        assert (told.exit_code, told.stdout) == (0, "no difference\n")

    def test_what_the_account_lacks_or_has_otherwise_is_told_and_nobody_elses_roles_are_not(
        self, tmp_path: Path
    ) -> None:
        first, *others = self.made(tmp_path)
        (launch,) = [entry for entry in others if entry.get("RoleName", "").endswith("-launch")]
        launch["RolePolicyList"][0]["PolicyDocument"]["Statement"] = []
        snapshot(*others, role("somebody")).write(tmp_path / "iam.json")
        told = json.loads(self.told(tmp_path, "--json").stdout)
        assert [(item["kind"], item["status"], item["breadth"]) for item in told["changes"]] == [
            ("role", "changed", "narrower"),
            ("policy", "removed", "narrower"),
        ]
        assert self.told(tmp_path, "--fail-on", "broader").exit_code == 0
        assert told["changes"][0]["parts"][0]["what"] == "all policies"
        assert told["changes"][1]["name"] == first["Arn"]

    @pytest.mark.parametrize(
        ("escalate", "part"),
        [
            (lambda launch: launch["AttachedManagedPolicies"].append(ATTACHED), "all policies"),
            (lambda launch: launch["RolePolicyList"].append(INLINE), "all policies"),
            (lambda launch: launch["AssumeRolePolicyDocument"]["Statement"].append(INTRUDER), "trust policy"),
        ],
    )
    def test_a_role_that_may_more_than_is_meant_is_broader_and_fails(
        self, tmp_path: Path, escalate: Callable[[dict[str, Any]], object], part: str
    ) -> None:
        *_, launch = made = self.made(tmp_path)
        assert launch["RoleName"].endswith("-launch")
        escalate(launch)
        snapshot(*made, role("somebody"), administration()).write(tmp_path / "iam.json")
        told = self.told(tmp_path, "--fail-on", "broader")
        assert told.exit_code == 1
        assert told.stdout.startswith(f"+ is what {tmp_path}/iam.json has and the stack dev does not mean")
        assert f"~ role {launch['Arn']}: broader" in told.stdout
        assert f"{part}: broader" in told.stdout

    def own(self, folder: Path, **iam: object) -> Path:
        values = {**stack_values("dev"), "sm-mlops:iam": iam}
        (folder / "Pulumi.own.yaml").write_text(yaml.safe_dump({"config": values}))
        return folder

    def breadths(self, folder: Path, *entries: dict[str, Any]) -> dict[str, str]:
        """By role: what became of it, from what the stack `own` means to the account."""
        changes = differences(*beside(snapshot(*entries), StackFile("own", folder)))
        return {item.name: f"{item.change.status} {item.change.breadth}" for item in changes if item.kind == "role"}

    def test_a_boundary_that_is_gone_is_broader(self, tmp_path: Path) -> None:
        folder = self.own(tmp_path, permissionsBoundaryArn=arn("policy", "company"))
        made = self.made(tmp_path)
        assert self.breadths(folder, *made)[made[-1]["RoleName"]] == "changed broader"
        made[-1]["PermissionsBoundary"] = {"PermissionsBoundaryArn": arn("policy", "company")}
        assert self.breadths(folder, *made) == {}

    def test_what_others_may_attach_is_no_difference(self, tmp_path: Path) -> None:
        folder = self.own(tmp_path, otherPolicyArns=[ATTACHED["PolicyArn"]])
        made = self.made(tmp_path)
        made[-1]["AttachedManagedPolicies"].append(ATTACHED)
        assert self.breadths(folder, *made, administration()) == {}

    def test_of_the_other_roles_that_the_stack_has_made_what_was_added_is_told(self, tmp_path: Path) -> None:
        tags = {"mlops:project": "sm-mlops", "mlops:environment": "dev"}
        own, text = arn("policy", "sm-mlops-dev-deliver-change-1"), policy(allow("s3:*"))
        folder, made = self.own(tmp_path), self.made(tmp_path)

        def breadths(**changes: Any) -> dict[str, str]:
            build = role("sm-mlops-dev-deliver-up-dev", {"role-policy-0a1b2c3": text}, [own], tags=tags)
            policies = [managed("sm-mlops-dev-deliver-change-1", text), administration()]
            return self.breadths(folder, *made, {**build, **changes}, *policies)

        assert breadths() == {}
        (name,) = broader = breadths(AttachedManagedPolicies=[{"PolicyName": "own", "PolicyArn": own}, ATTACHED])
        assert broader == {name: "changed broader"}
        assert (
            breadths(RolePolicyList=[{"PolicyName": "role-policy-0a1b2c3", "PolicyDocument": text}, INLINE]) == broader
        )
        assert breadths(AssumeRolePolicyDocument=policy(TRUST, INTRUDER)) == broader
        assert breadths(PermissionsBoundary={"PermissionsBoundaryArn": own}) == {name: "changed narrower"}
        assert breadths(Tags=[], AttachedManagedPolicies=[ATTACHED]) == {}, "not of this stack"

    def test_a_role_of_somebody_else_is_not_compared_though_the_stack_adopts_it(self, tmp_path: Path) -> None:
        values = {**stack_values("dev"), "sm-mlops:iam": {"launch": {"mode": "adopt"}}}
        (tmp_path / "Pulumi.own.yaml").write_text(yaml.safe_dump({"config": values}))
        file = StackFile("own", tmp_path)
        there = role(WELL_KNOWN_LAUNCH_ROLE, {"x": policy(allow("*"))})
        names = [list(beside(snapshot(*roles), file)[0].entities["role"]) for roles in ([there], [])]
        assert names == [[], [WELL_KNOWN_LAUNCH_ROLE]]

    @pytest.mark.parametrize("arguments", [[], ["iam.json", "--stack", "dev"]])
    def test_one_thing_is_compared_with_one_other(self, tmp_path: Path, arguments: list[str]) -> None:
        path = str(tmp_path / "iam.json")
        snapshot().write(Path(path))
        given = [path if argument == "iam.json" else argument for argument in arguments]
        told = CliRunner().invoke(command, ["diff", path, *given])
        assert told.exit_code == 2
        assert "a second file, or --stack" in told.stderr


def test_the_broadened_ones_come_first() -> None:
    before = [role("a", {"x": policy(allow("s3:*"))}), role("b", {"x": policy(allow("s3:Get*"))})]
    after = [role("a", {"x": policy(allow("s3:Get*"))}), role("b", {"x": policy(allow("s3:*"))})]
    found: list[EntityChange] = differences(snapshot(*before), snapshot(*after))
    assert [item.name for item in found] == ["b", "a"]
