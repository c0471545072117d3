"""An account's IAM is taken whole and the same each time, and a file of it is there whole or not at all."""

import copy
import json
from pathlib import Path
from typing import Any, cast

import pytest

from components.providers.aws_access import AwsAccess, AwsError
from tools.faults import ToolError
from tools.iam_snapshot.difference import differences
from tools.iam_snapshot.snapshot import Snapshot, take

from .iam_accounts import ACCOUNT, PlayedAccount, allow, arn, details, group, managed, policy, role, snapshot, user

READ_ONLY = arn("policy", "ReadOnlyAccess", "aws")
LIMIT = arn("policy", "Limit", "aws")


def account() -> list[dict[str, Any]]:
    return [
        role("b", {"x": policy(allow(["s3:GetObject", "s3:PutObject"]))}, [READ_ONLY], tags={"b": "1", "a": "2"}),
        role("a", boundary=LIMIT),
        user("u", groups=["g", "f"]),
        group("g"),
        group("f"),
        managed("Own", policy(allow("s3:*")), policy(allow("kms:*"))),
        managed("ReadOnlyAccess", policy(allow("a:b")), policy(allow("a:c")), account="aws"),
        managed("Limit", policy(allow("*")), account="aws"),
        managed("Unattached", policy(allow("*")), account="aws"),
    ]


def taken(played: PlayedAccount) -> Snapshot:
    return take(cast("AwsAccess", played), "eu-west-1", lambda _: None)


def test_all_pages_of_every_kind_are_taken() -> None:
    played = PlayedAccount(details(*account()))
    counts: list[int] = []
    found = take(cast("AwsAccess", played), "eu-west-1", counts.append)
    assert {kind: list(entries) for kind, entries in found.entities.items()} == {
        "role": ["a", "b"],
        "user": ["u"],
        "group": ["f", "g"],
        "policy": [arn("policy", "Own"), LIMIT, READ_ONLY],
    }
    assert (found.account, found.partition) == (ACCOUNT, "aws")
    assert set(played.filters) == {"User", "Role", "Group", "LocalManagedPolicy", "AWSManagedPolicy"}
    assert counts == sorted(counts)
    assert counts[-1] == 8, "AWS's own policies that nobody has are not kept, even in between"
    assert found.document(READ_ONLY) == policy(allow("a:c")), "documents are decoded"
    assert found == snapshot(*account())


def test_of_aws_own_policies_only_what_is_in_force_is_kept_and_of_own_ones_each_version() -> None:
    entities = snapshot(*account()).entities["policy"]
    kept = {name: {version["VersionId"] for version in entry["PolicyVersionList"]} for name, entry in entities.items()}
    assert kept == {arn("policy", "Own"): {"v1", "v2"}, READ_ONLY: {"v2"}, LIMIT: {"v1"}}


def test_two_takes_of_an_unchanged_account_are_the_same_byte_by_byte(tmp_path: Path) -> None:
    """Whatever order AWS lists things in, and whatever it counts and dates by itself."""
    again = copy.deepcopy(account())[::-1]
    for entry in again:
        for key in ("Tags", "GroupList", "AttachedManagedPolicies", "PolicyVersionList"):
            entry.get(key, []).reverse()
        if "PolicyName" in entry:
            entry["AttachmentCount"] += 1
        if entry.get("RoleName") == "b":
            entry["RoleLastUsed"] = {"LastUsedDate": "2026-05-01T00:00:00Z", "Region": "eu-west-1"}
            entry["RolePolicyList"][0]["PolicyDocument"]["Statement"][0]["Action"].reverse()
    for name, entries in (("one", account()), ("two", again)):
        taken(PlayedAccount(details(*entries))).write(tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert Snapshot.read(tmp_path / "one") == snapshot(*account())
    assert not differences(Snapshot.read(tmp_path / "one"), Snapshot.read(tmp_path / "two"))


def test_the_file_says_its_schema_and_account_and_the_aws_command_line_could_have_written_the_rest(
    tmp_path: Path,
) -> None:
    snapshot(*account()).write(tmp_path / "own.json")
    loaded = json.loads((tmp_path / "own.json").read_text())
    head = {key: loaded.pop(key) for key in ("Schema", "Account", "Partition")}
    assert head == {"Schema": 1, "Account": ACCOUNT, "Partition": "aws"}
    assert list(loaded) == list(details())
    (tmp_path / "cli.json").write_text(json.dumps(details(*account())))
    assert Snapshot.read(tmp_path / "cli.json") == Snapshot.read(tmp_path / "own.json")


def test_access_denied_names_the_call_and_the_permission() -> None:
    with pytest.raises(
        AwsError,
        match=r"IAM snapshot in eu-west-1: GetAccountAuthorizationDetails failed: AccessDenied.* "
        r"Grant iam:GetAccountAuthorizationDetails",
    ):
        taken(PlayedAccount(details(), denied="AccessDenied"))


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "iam.json"
    path.write_text("before")
    broken = Snapshot(ACCOUNT, "aws", {**snapshot().entities, "role": {"a": role("a"), "b": {"x": object()}}})
    with pytest.raises(TypeError):
        broken.write(path)
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(ToolError, match=r"nowhere.iam\.json cannot be written: No such file"):
        snapshot().write(tmp_path / "nowhere" / "iam.json")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is no snapshot of IAM"),
        ("[]", "is no snapshot of IAM"),
        ("{}", "has none of RoleDetailList"),
        (
            '{"RoleDetailList": [{}], "UserDetailList": [], "GroupDetailList": [], "Policies": []}',
            "is no snapshot of IAM",
        ),
        (
            '{"RoleDetailList": 3}',
            "has no list RoleDetailList, UserDetailList, GroupDetailList, Policies: take it whole",
        ),
        ('{"RoleDetailList": [], "Policies": []}', "has no list UserDetailList, GroupDetailList: take it whole"),
        ('{"RoleDetailList": [], "IsTruncated": true}', r"is one page of several \(IsTruncated\): take it whole, by"),
        ('{"RoleDetailList": [], "NextToken": "x"}', r"is one page of several \(NextToken\): take it whole, by"),
        ('{"Schema": 2, "RoleDetailList": []}', "has schema 2; this version reads schema 1"),
    ],
)
def test_what_is_no_snapshot_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "odd.json").write_text(text)
    with pytest.raises(ToolError, match=rf"odd\.json {message}"):
        Snapshot.read(tmp_path / "odd.json")
    with pytest.raises(ToolError, match="cannot be read: No such file"):
        Snapshot.read(tmp_path / "nowhere.json")
