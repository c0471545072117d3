"""What differs between two snapshots: by role, user, group and policy, then by statement, with what got broader.

What somebody may do is compared as a whole: a statement that moves from one policy of a role to another changes
nothing. The document of a managed policy is compared once, at the policy, not at each of those who have it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Literal

from awsmodel.iam.comparison import PolicyChanges, StatementChange, compare
from tools.iam_snapshot.snapshot import LISTS, Entity, Snapshot

Status = Literal["added", "removed", "changed"]

ALL = "all policies"
"""What a role may do as one document, where two are compared that may be in different policies."""

_INLINE = "inline policy "
_ATTACHED = "attached policy "
_IDS = ("RoleId", "UserId", "GroupId", "PolicyId")
_SHOWN = 5
"""Holders of a policy that are named."""


class Breadth(IntEnum):
    """What a change does to what is allowed; the greatest of several is that of all together."""

    SAME = 0
    NARROWER = 1
    UNDECIDED = 2
    BROADER = 3

    def __str__(self) -> str:
        """Return the breadth as people read it."""
        return ("same rights", "narrower", "may be broader", "broader")[self]


@dataclass(frozen=True, kw_only=True)
class Change:
    """Something of IAM that was added, removed or changed: an entity, a part of it, or one statement of a policy."""

    what: str
    """Name of it, within what has it."""
    status: Status
    breadth: Breadth
    notes: tuple[str, ...] = ()
    """What differs, as text; lines of a document begin with `+` or `-`."""
    allowed: tuple[str, ...] = ()
    """What is allowed that was not, as far as the texts tell."""
    forbidden: tuple[str, ...] = ()
    """What is not allowed any more."""
    parts: tuple["Change", ...] = ()


@dataclass(frozen=True)
class EntityChange:
    """A role, user, group or managed policy that is other than it was."""

    kind: str
    name: str
    change: Change


def differences(old: Snapshot, new: Snapshot) -> list[EntityChange]:
    """All that differs: roles, users, groups, policies; of each kind the broadened ones first, then by name."""
    found = []
    for kind in LISTS:
        before, after = old.entities[kind], new.entities[kind]
        # A policy of AWS comes and goes with those who have it, and is told there.
        names = sorted(before.keys() | after.keys()) if kind != "policy" else _told_policies(before, after)
        pairs = ((name, before.get(name), after.get(name)) for name in names)
        changed = [
            EntityChange(kind, name, one) for name, was, now in pairs if (one := _entity(kind, was, now, old, new))
        ]
        found += sorted(changed, key=lambda item: (-item.change.breadth, item.name))
    return found


def _told_policies(before: Mapping[str, Entity], after: Mapping[str, Entity]) -> list[str]:
    return sorted(
        arn for arn in before.keys() | after.keys() if arn.split(":")[4] != "aws" or (arn in before and arn in after)
    )


def _entity(kind: str, before: Entity | None, after: Entity | None, old: Snapshot, new: Snapshot) -> Change | None:
    if before == after:
        return None
    if after is None:
        return Change(what=_arn(before), status="removed", breadth=Breadth.NARROWER)
    parts = _policy_parts(before, after) if kind == "policy" else _holder_parts(before, after, old, new)
    notes = list(_plain_notes(before, after))
    if before and not parts and not notes:
        return None
    return Change(
        what=_arn(after),
        status="changed" if before else "added",
        breadth=max((part.breadth for part in parts), default=Breadth.SAME),
        notes=(*notes, *_held_by(new, _arn(after))) if kind == "policy" else tuple(notes),
        parts=tuple(parts),
    )


def _arn(entity: Entity | None) -> str:
    return str(entity["Arn"]) if entity else ""


def _holder_parts(before: Entity | None, after: Entity, old: Snapshot, new: Snapshot) -> list[Change]:
    """Tell what differs in who may be a role, and in what a role, user or group may do."""
    had, has = held(before or {}, old), held(after, new)
    parts = [_document("trust policy", *(entity.get("AssumeRolePolicyDocument") for entity in (before or {}, after)))]
    for label in sorted(had.keys() | has.keys()):
        # What stands in a document of its own, and is held before and after, is compared there.
        both = label in had and label in has
        if both and (not label.startswith((_INLINE, ALL)) or had[label] == has[label]):
            continue
        beside = [[document for name, document in held.items() if name != label] for held in (had, has)]
        unknown = any(held.get(label, ()) is None for held in (had, has))
        changes = compare(had.get(label), has.get(label), had=beside[0], has=beside[1])
        status: Status = "changed" if both else "added" if label in has else "removed"
        parts.append(
            Change(what=label, status=status, breadth=Breadth.UNDECIDED, notes=("its document is not in the snapshot",))
            if unknown
            else _policy_change(label, status, changes, listed=label.startswith((_INLINE, ALL)))
        )
    parts.append(_boundary(before or {}, after, old, new))
    return [part for part in parts if part]


def held(entity: Entity, snapshot: Snapshot) -> dict[str, Any]:
    """By label: the documents that give somebody rights; None for one that the snapshot does not have."""
    documents: dict[str, Any] = {ALL: entity[ALL]} if ALL in entity else {}
    for key in ("RolePolicyList", "UserPolicyList", "GroupPolicyList"):
        documents |= {f"{_INLINE}{policy['PolicyName']}": policy["PolicyDocument"] for policy in entity.get(key, ())}
    for policy in entity.get("AttachedManagedPolicies", ()):
        documents[f"{_ATTACHED}{policy['PolicyArn']}"] = snapshot.document(policy["PolicyArn"])
    for name in entity.get("GroupList", ()):
        documents[f"group {name}"] = joined(held(snapshot.entities["group"].get(name, {}), snapshot).values())
    return documents


def joined(documents: Iterable[Any]) -> Any:  # noqa: ANN401 - JSON
    """Several documents as one; None where one of them is not known."""
    statements: list[Any] = []
    for document in documents:
        if document is None:
            return None
        found = document.get("Statement", ())
        statements += [found] if isinstance(found, Mapping) else found
    return {"Statement": statements}


def _document(label: str, before: object, after: object) -> Change | None:
    if before == after or not (changes := compare(before, after)):
        return None
    status: Status = "added" if not before else "removed" if not after else "changed"
    return _policy_change(label, status, changes, listed=True)


def _policy_change(label: str, status: Status, changes: PolicyChanges, *, listed: bool) -> Change | None:
    """Return a policy's change; `listed` with each statement, else with what they allow and forbid together."""
    parts = tuple(_statement(change) for change in changes.statements)
    if not changes and status == "changed":
        return None
    undecided = [Breadth.UNDECIDED] if changes.unreadable else []
    return Change(
        what=label,
        status=status,
        breadth=max([part.breadth for part in parts] + undecided, default=Breadth.SAME),
        notes=changes.unreadable,
        allowed=() if listed else changes.broader,
        forbidden=() if listed else changes.narrower,
        parts=parts if listed else (),
    )


def _statement(change: StatementChange) -> Change:
    broader = Breadth.BROADER if change.proved else Breadth.UNDECIDED
    return Change(
        what=change.name if change.name.startswith("statement ") else f"statement {change.name}",
        status=change.kind,
        breadth=broader if change.broader else Breadth.NARROWER if change.narrower else Breadth.SAME,
        notes=tuple(f"{sign} {element} {value}" for sign, element, value in change.differences),
        allowed=change.broader,
        forbidden=change.narrower,
    )


def _boundary(before: Entity, after: Entity, old: Snapshot, new: Snapshot) -> Change | None:
    """Compare boundaries. One takes rights away, and gives none: without it all that the policies say holds."""
    was, now = (entity.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn", "") for entity in (before, after))
    if was == now:
        return None
    notes = (f"- {was}",) * bool(was) + (f"+ {now}",) * bool(now)
    if not was or not now:
        status: Status = "added" if now else "removed"
        breadth = Breadth.NARROWER if now else Breadth.BROADER
        return Change(what="permissions boundary", status=status, breadth=breadth, notes=notes)
    documents = [old.document(was), new.document(now)]
    if None in documents:
        return Change(what="permissions boundary", status="changed", breadth=Breadth.UNDECIDED, notes=notes)
    found = _document("permissions boundary", *documents)
    return Change(
        what="permissions boundary",
        status="changed",
        breadth=found.breadth if found else Breadth.SAME,
        notes=notes,
        parts=found.parts if found else (),
    )


def _policy_parts(before: Entity | None, after: Entity) -> list[Change]:
    changes = compare(_in_force(before or {}), _in_force(after))
    one = _policy_change("", "changed", changes, listed=True)
    return list(one.parts) if one else []


def _in_force(policy: Entity) -> Any:  # noqa: ANN401 - JSON
    versions: Iterable[Mapping[str, Any]] = policy.get("PolicyVersionList", ())
    return next((version["Document"] for version in versions if version["IsDefaultVersion"]), None)


def _plain_notes(before: Entity | None, after: Entity) -> Iterator[str]:
    """Tell what differs beside rights; of what is new, nothing."""
    if before is None:
        return
    if any(before.get(key) != after.get(key) for key in _IDS):
        yield "made anew: what names it by its old id has lost it"
    if before["Arn"] != after["Arn"]:
        yield f"- {before['Arn']}"
        yield f"+ {after['Arn']}"
    if _versions(before) != _versions(after):
        yield f"version in force: {_versions(before)} -> {_versions(after)}"
    tags = [{tag["Key"]: tag["Value"] for tag in entity.get("Tags", ())} for entity in (before, after)]
    yield from _lines("tag", *(frozenset(f"{key} = {value}" for key, value in found.items()) for found in tags))
    profiles = (
        frozenset(profile["InstanceProfileName"] for profile in entity.get("InstanceProfileList", ()))
        for entity in (before, after)
    )
    yield from _lines("instance profile", *profiles)


def _lines(what: str, before: frozenset[str], after: frozenset[str]) -> Iterator[str]:
    yield from (f"- {what} {text}" for text in sorted(before - after))
    yield from (f"+ {what} {text}" for text in sorted(after - before))


def _versions(policy: Entity) -> str:
    listed = sorted(version["VersionId"] for version in policy.get("PolicyVersionList", ()))
    return f"{policy.get('DefaultVersionId')} of {', '.join(listed)}"


def _held_by(snapshot: Snapshot, arn: str) -> Iterator[str]:
    holders = snapshot.holders.get(arn, ())
    yield f"held by {len(holders)}: {', '.join(holders[:_SHOWN])}{', ...' * (len(holders) > _SHOWN)}".rstrip(": ")
