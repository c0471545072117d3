"""An account's authorization details as a file that two takes of an unchanged account make byte by byte the same."""

import gc
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from components.providers.aws_access import AwsAccess, explained
from tools import hints
from tools.atomic_writes import write_whole
from tools.faults import ToolError

SCHEMA = 1
"""Version of the file's form."""

LISTS = {"role": "RoleDetailList", "user": "UserDetailList", "group": "GroupDetailList", "policy": "Policies"}
"""By kind of entity: AWS's name for the list of them, which is the file's name for it, too."""

NAMES = {"role": "RoleName", "user": "UserName", "group": "GroupName", "policy": "Arn"}
"""By kind of entity: what tells one from another. Policies of AWS and of the account can have one name."""

Entity = Mapping[str, Any]

_FILTERS = (("Role", "User", "Group"), ("LocalManagedPolicy", "AWSManagedPolicy"))
"""Two listings: what the first one attaches tells which of AWS's thousand policies the second one is to keep."""

_PAGE = 1000
_DOCUMENTS = ("AssumeRolePolicyDocument", "PolicyDocument", "Document")
_LEFT_OUT = ("RoleLastUsed", "AttachmentCount", "PermissionsBoundaryUsageCount", "Roles")
"""What changes while nobody changes anything, and what other entries of the file tell already."""


@dataclass(frozen=True)
class Snapshot:
    """Roles, users, groups and policies of one account at one moment."""

    account: str
    """Id of the account; empty where neither the file nor an ARN in it tells."""
    partition: str
    entities: Mapping[str, Mapping[str, Entity]]
    """By kind and name: AWS's description, without what changes by itself, lists in a stable order."""

    @classmethod
    def of(
        cls, details: Mapping[str, Iterable[Mapping[str, Any]]], account: str = "", partition: str = ""
    ) -> "Snapshot":
        """Return a snapshot of what `get-account-authorization-details` answers."""
        entities: dict[str, dict[str, Entity]] = {}
        for kind, title in LISTS.items():
            found = (_stable(entry) for entry in details.get(title, ()))
            entities[kind] = dict(sorted((entry[NAMES[kind]], entry) for entry in found))
        used = _used(entry for entries in entities.values() for entry in entries.values())
        entities["policy"] = {arn: entry for arn, entry in entities["policy"].items() if not _unused(arn, used)}
        if not account:
            arns = (entry["Arn"] for entries in entities.values() for entry in entries.values())
            parts = next((arn.split(":") for arn in arns if not _of_aws(arn)), [""] * 5)
            partition, account = parts[1], parts[4]
        return cls(account, partition, entities)

    @classmethod
    def read(cls, path: Path) -> "Snapshot":
        """Return the snapshot in a file: one of `take`, or the output of `aws iam get-account-authorization-details`.

        Raises:
            ToolError: the file is neither.
        """
        try:
            loaded = _loaded(path.read_text(encoding="utf-8"))
            schema = loaded.get("Schema", SCHEMA)
            if schema != SCHEMA:
                raise ToolError(f"{path} has schema {schema}; this version reads schema {SCHEMA}. Take it anew.")
            if not any(title in loaded for title in LISTS.values()):
                raise ToolError(f"{path} has none of {', '.join(LISTS.values())}: it is no snapshot of IAM")
            _check_whole(path, loaded)
            if "Schema" not in loaded:
                return cls.of(loaded)
            entities = {
                kind: {entry[NAMES[kind]]: entry for entry in loaded[title] if entry["Arn"]}
                for kind, title in LISTS.items()
            }
            return cls(loaded["Account"], loaded["Partition"], entities)
        except OSError as error:
            raise ToolError(f"{path} cannot be read: {error.strerror}") from error
        except (ValueError, AttributeError, KeyError, TypeError) as error:
            raise ToolError(f"{path} is no snapshot of IAM: {error}") from error

    def write(self, path: Path) -> None:
        """Write the file whole or not at all.

        Raises:
            ToolError: it cannot be written.
        """
        write_whole(path, self._text())

    def _text(self) -> Iterator[str]:
        """Return the file, one entity a line: one change is one line of a diff, and 5,000 roles need no seconds."""
        yield f'{{"Schema": {SCHEMA},\n"Account": {json.dumps(self.account)},\n'
        yield f'"Partition": {json.dumps(self.partition)}'
        for kind, title in LISTS.items():
            yield f',\n"{title}": ['
            for number, entry in enumerate(self.entities[kind].values()):
                yield ("," if number else "") + "\n" + json.dumps(entry, sort_keys=True)
            yield "]"
        yield "}\n"

    @cached_property
    def holders(self) -> Mapping[str, tuple[str, ...]]:
        """By a policy's ARN: whom it is attached to, or is the boundary of."""
        found: dict[str, list[str]] = {}
        for kind in ("role", "user", "group"):
            for name, entry in self.entities[kind].items():
                for arn in _used([entry]):
                    found.setdefault(arn, []).append(f"{kind} {name}")
        return {arn: tuple(names) for arn, names in found.items()}

    def document(self, arn: str) -> Mapping[str, Any] | None:
        """Return the document of a managed policy that is in force; None where the snapshot does not have it."""
        versions = self.entities["policy"].get(arn, {}).get("PolicyVersionList", ())
        return next((version["Document"] for version in versions if version["IsDefaultVersion"]), None)


_MARKS = ("IsTruncated", "Marker", "NextToken")
"""What a page says of the pages after it; `NextToken` is the AWS CLI's word."""


def _loaded(text: str) -> Any:  # noqa: ANN401 - what JSON can be
    """Read JSON, which has no cycles: to look for some again and again takes half of the time of a large account."""
    collects = gc.isenabled()
    gc.disable()
    try:
        return json.loads(text)
    finally:
        if collects:
            gc.enable()


def _check_whole(path: Path, loaded: Mapping[str, Any]) -> None:
    """A page is not the account: what stands on the next one would be told as gone."""
    again = (
        f"take it whole, by `{hints.tool('iam-snapshot', 'take')}`, or by "
        "`aws iam get-account-authorization-details` without --max-items, --no-paginate and --filter"
    )
    if mark := next((name for name in _MARKS if loaded.get(name)), None):
        raise ToolError(f"{path} is one page of several ({mark}): {again}")
    if missing := [title for title in LISTS.values() if not isinstance(loaded.get(title), list)]:
        raise ToolError(f"{path} has no list {', '.join(missing)}: {again}")


def take(access: AwsAccess, region: str, progress: Callable[[int], None]) -> Snapshot:
    """Ask IAM for all that an account has.

    Args:
        access: who asks, and how AWS is reached.
        region: any region of the account's partition.
        progress: told how many entities have come, after each page.

    Raises:
        AwsError: a call failed; the message names it, and the permission that it needs.
    """
    details: dict[str, list[dict[str, Any]]] = {title: [] for title in LISTS.values()}
    with explained("IAM snapshot", ("iam", "sts"), region):
        caller = access.client("sts", region).get_caller_identity()
        pages = access.client("iam", region).get_paginator("get_account_authorization_details")
        for chosen in _FILTERS:
            used = _used(entry for entries in details.values() for entry in entries)
            for page in pages.paginate(Filter=list(chosen), PaginationConfig={"PageSize": _PAGE}):
                for title, found in details.items():
                    found.extend(entry for entry in page.get(title, ()) if not _unused(entry["Arn"], used))
                progress(sum(map(len, details.values())))
    return Snapshot.of(details, caller["Account"], caller["Arn"].split(":")[1])


def _of_aws(arn: str) -> bool:
    return arn.split(":")[4] == "aws"


def _unused(arn: str, used: set[str]) -> bool:
    """Whether it is a policy of AWS that nobody has: there are over a thousand, and AWS changes them at will."""
    return _of_aws(arn) and arn not in used


def _used(entries: Iterable[Mapping[str, Any]]) -> set[str]:
    """Return managed policies that roles, users and groups have attached, or as their boundary."""
    used = set()
    for entry in entries:
        used |= {policy["PolicyArn"] for policy in entry.get("AttachedManagedPolicies", ())}
        used |= {entry["PermissionsBoundary"]["PermissionsBoundaryArn"]} if "PermissionsBoundary" in entry else set()
    return used


def _stable(entry: Mapping[str, Any]) -> dict[str, Any]:
    stable: dict[str, Any] = {key: _stable_value(key, value) for key, value in entry.items() if key not in _LEFT_OUT}
    versions = stable.get("PolicyVersionList")
    if versions and _of_aws(stable["Arn"]):
        # Nobody but AWS can bring one of its older versions back.
        stable["PolicyVersionList"] = [version for version in versions if version["IsDefaultVersion"]]
    return stable


def _stable_value(key: str, value: Any) -> Any:  # noqa: ANN401 - JSON, and botocore's moments
    if key in _DOCUMENTS:
        return _ordered(_decoded(value) if isinstance(value, str) else value)
    if isinstance(value, Mapping):
        return {inner: _stable_value(inner, item) for inner, item in value.items() if inner not in _LEFT_OUT}
    if isinstance(value, list):
        items = [_stable_value("", item) for item in value]
        return sorted(items, key=lambda item: json.dumps(item, sort_keys=True))
    return value if isinstance(value, str | int | float | None) else value.isoformat()


def _decoded(text: str) -> Any:  # noqa: ANN401 - JSON
    """Return a document as IAM sends it, JSON in URL encoding; botocore leaves what it cannot decode."""
    try:
        return json.loads(unquote(text))
    except ValueError:
        return text


def _ordered(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Put a document's sets in order: IAM gives the principals of one trust policy in one order and in another."""
    if isinstance(value, Mapping):
        return {key: _ordered(item) for key, item in value.items()}
    if isinstance(value, list):
        items = [_ordered(item) for item in value]
        return sorted(items) if all(isinstance(item, str) for item in items) else items
    return value
