"""The IAM snapshot of an account that is there, as botocore reads it over the wire."""

import json
from pathlib import Path
from typing import Any

from components.providers.aws_access import AwsAccess
from tools.iam_snapshot.difference import Breadth, differences
from tools.iam_snapshot.snapshot import Snapshot, take

from .conftest import REGION, Clients

AWS_OWN = "arn:aws:iam::aws:policy/AmazonSageMakerReadOnly"


def policy(action: str, **more: object) -> str:
    statement = {"Effect": "Allow", "Action": action, **({} if "Principal" in more else {"Resource": "*"}), **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def test_an_account_is_taken_and_what_changes_in_it_shows(
    aws: Clients, emulator: dict[str, Any], tmp_path: Path
) -> None:
    iam = aws("iam")
    trust = policy("sts:AssumeRole", Principal={"Service": "sagemaker.amazonaws.com"})
    for name in ("studio", "build"):
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust, Tags=[{"Key": "owner", "Value": "ml"}])
    iam.put_role_policy(RoleName="studio", PolicyName="inline", PolicyDocument=policy("s3:GetObject"))
    iam.attach_role_policy(RoleName="studio", PolicyArn=AWS_OWN)
    own = iam.create_policy(PolicyName="own", PolicyDocument=policy("kms:Decrypt"))["Policy"]["Arn"]
    iam.create_group(GroupName="scientists")
    iam.create_user(UserName="somebody")
    iam.add_user_to_group(GroupName="scientists", UserName="somebody")

    url = emulator["url"]
    access = AwsAccess(
        {"region": REGION, "accessKey": "test", "secretKey": "test", "endpoints": [{"iam": url, "sts": url}]}
    )

    def taken(name: str) -> Snapshot:
        take(access, REGION, lambda _: None).write(tmp_path / name)
        return Snapshot.read(tmp_path / name)

    before = taken("before")
    assert {kind: list(entries) for kind, entries in before.entities.items()} == {
        "role": ["build", "studio"],
        "user": ["somebody"],
        "group": ["scientists"],
        "policy": sorted([own, AWS_OWN]),
    }
    assert taken("again") == before
    assert (tmp_path / "again").read_bytes() == (tmp_path / "before").read_bytes()

    iam.put_role_policy(RoleName="studio", PolicyName="inline", PolicyDocument=policy("s3:*"))
    iam.attach_group_policy(GroupName="scientists", PolicyArn=own)
    iam.delete_role(RoleName="build")
    found = {(item.kind, item.name): item.change for item in differences(before, taken("after"))}
    assert {key: (change.status, change.breadth) for key, change in found.items()} == {
        ("role", "studio"): ("changed", Breadth.BROADER),
        ("role", "build"): ("removed", Breadth.NARROWER),
        ("group", "scientists"): ("changed", Breadth.BROADER),
    }
