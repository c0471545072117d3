"""Accounts for the tests of IAM snapshots: their details as AWS lists them, and AWS played with them."""

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from tests.support.played_aws import Clients, Refused
from tools.iam_snapshot.snapshot import LISTS, Snapshot

ACCOUNT = "111122223333"
MOMENT = "2026-01-01T00:00:00+00:00"
TRUST = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
KINDS = {title: kind for kind, title in LISTS.items()}


def policy(*statements: object) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(action: object, resource: object = "*", **more: object) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: object, resource: object = "*", **more: object) -> dict[str, Any]:
    return {**allow(action, resource, **more), "Effect": "Deny"}


def arn(kind: str, name: str, account: str = ACCOUNT) -> str:
    return f"arn:aws:iam::{account}:{kind}/{name}"


def _entity(kind: str, name: str, inline: dict[str, Any], attached: list[str]) -> dict[str, Any]:
    title = kind.title()
    return {
        "Path": "/",
        f"{title}Name": name,
        f"{title}Id": f"A{title}EXAMPLE00000{name}".upper(),
        "Arn": arn(kind, name),
        "CreateDate": MOMENT,
        f"{title}PolicyList": [{"PolicyName": key, "PolicyDocument": value} for key, value in inline.items()],
        "AttachedManagedPolicies": [{"PolicyName": item.rpartition("/")[2], "PolicyArn": item} for item in attached],
    }


def role(
    name: str,
    inline: dict[str, Any] | None = None,
    attached: list[str] | None = None,
    trust: object = None,
    boundary: str = "",
    tags: dict[str, str] | None = None,
) -> dict[str, Any]:
    limit = {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": boundary}
    return {
        **_entity("role", name, inline or {}, attached or []),
        "AssumeRolePolicyDocument": policy(TRUST) if trust is None else trust,
        "InstanceProfileList": [],
        **({"PermissionsBoundary": limit} if boundary else {}),
        "Tags": [{"Key": key, "Value": value} for key, value in (tags or {}).items()],
    }


def user(name: str, inline: dict[str, Any] | None = None, groups: list[str] | None = None) -> dict[str, Any]:
    return {**_entity("user", name, inline or {}, []), "GroupList": groups or []}


def group(name: str, inline: dict[str, Any] | None = None, attached: list[str] | None = None) -> dict[str, Any]:
    return _entity("group", name, inline or {}, attached or [])


def managed(name: str, *documents: dict[str, Any], account: str = ACCOUNT, default: int = 0) -> dict[str, Any]:
    """A managed policy with its versions, of which the last is in force unless another is named."""
    in_force = default or len(documents)
    return {
        "PolicyName": name,
        "PolicyId": f"ANPAEXAMPLE00000{name}".upper(),
        "Arn": arn("policy", name, account),
        "Path": "/",
        "DefaultVersionId": f"v{in_force}",
        "AttachmentCount": 1,
        "IsAttachable": True,
        "CreateDate": MOMENT,
        "PolicyVersionList": [
            {"VersionId": f"v{number}", "IsDefaultVersion": number == in_force, "Document": document}
            for number, document in enumerate(documents, 1)
        ],
    }


def details(*entries: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Entries as `get-account-authorization-details` lists them."""
    keys = {"RoleDetailList": "RoleName", "UserDetailList": "UserName", "GroupDetailList": "GroupName"}
    found: dict[str, list[dict[str, Any]]] = {title: [] for title in LISTS.values()}
    for entry in entries:
        title = next((title for title, key in keys.items() if key in entry), "Policies")
        found[title].append(entry)
    return found


def snapshot(*entries: dict[str, Any]) -> Snapshot:
    return Snapshot.of(details(*entries), ACCOUNT, "aws")


def _encoded(value: Any) -> Any:
    """An entry with its documents as IAM sends them: JSON in URL encoding."""
    if isinstance(value, list):
        return [_encoded(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {key: quote(json.dumps(item)) if "Document" in key else _encoded(item) for key, item in value.items()}


@dataclass
class PlayedAccount:
    """An account whose listings have two entries to a page."""

    entries: dict[str, list[dict[str, Any]]]
    denied: str = ""
    calls: list[str] = field(default_factory=list)
    filters: list[str] = field(default_factory=list)

    def client(self, service: str, region: str) -> Any:
        return Clients(self).client(service, region)

    def GetCallerIdentity(self) -> dict[str, Any]:
        return {"Account": ACCOUNT, "UserId": "A", "Arn": arn("role", "administrator")}

    def GetAccountAuthorizationDetails(
        self,
        *,
        Filter: list[str],
        MaxItems: int,
        Marker: str = "0",
    ) -> dict[str, Any]:
        assert MaxItems <= 1000
        if self.denied:
            raise Refused(self.denied, "not authorized")
        self.filters += Filter if Marker == "0" else []
        asked = [
            (title, entry)
            for title, entries in self.entries.items()
            for entry in entries
            if self._kind(title, entry) in Filter
        ]
        start = int(Marker)
        page: dict[str, Any] = {title: [] for title in self.entries}
        for title, entry in asked[start : start + 2]:
            page[title].append(_encoded(entry))
        more = start + 2 < len(asked)
        return {**page, "IsTruncated": more, **({"Marker": str(start + 2)} if more else {})}

    @staticmethod
    def _kind(title: str, entry: dict[str, Any]) -> str:
        if title == "Policies":
            return "AWSManagedPolicy" if ":aws:policy" in entry["Arn"] else "LocalManagedPolicy"
        return title.removesuffix("DetailList")
