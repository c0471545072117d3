"""What a preview means beside its steps: who may do more than before, and which products get which version."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from awsmodel.iam.comparison import PolicyChanges, compare
from components.packaging import VersionName
from tools.preview_comment.dangers import QUIET, destructive
from tools.preview_comment.previews import Preview, State, Step
from tools.preview_comment.values import LATER, is_secret, is_unknown, shown, told

VERSION_TYPE = "pulumi-python:dynamic/servicecatalog:ProductVersion"

_MOST_DEPTH = 6
"""Depth at which a policy document may stand in a resource's inputs, as those of a role's inline policies do."""
_LETS_IN: Mapping[str, tuple[str, ...]] = {
    "aws:iam/groupPolicyAttachment:GroupPolicyAttachment": ("policyArn", "group"),
    "aws:iam/policyAttachment:PolicyAttachment": ("policyArn", "roles", "users", "groups"),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": ("policyArn", "role"),
    "aws:iam/rolePolicyAttachmentsExclusive:RolePolicyAttachmentsExclusive": ("policyArns", "roleName"),
    "aws:iam/userPolicyAttachment:UserPolicyAttachment": ("policyArn", "user"),
    "aws:kms/grant:Grant": ("granteePrincipal", "keyId", "operations"),
    "aws:lambda/permission:Permission": ("principal", "action", "function", "sourceArn", "sourceAccount"),
    "aws:servicecatalog/portfolioShare:PortfolioShare": ("principalId", "portfolioId"),
    "aws:servicecatalog/principalPortfolioAssociation:PrincipalPortfolioAssociation": ("principalArn", "portfolioId"),
}
"""Resources that let somebody in without a document of their own, and the properties that say whom into what."""
_BARRIERS: Mapping[str, tuple[str, ...]] = {
    "aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock": (
        "blockPublicAcls",
        "blockPublicPolicy",
        "ignorePublicAcls",
        "restrictPublicBuckets",
    ),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": (
        "blockPublicAcls",
        "blockPublicPolicy",
        "ignorePublicAcls",
        "restrictPublicBuckets",
    ),
}
"""Resources whose flags keep people out."""


@dataclass(frozen=True)
class AccessChange:
    """How one policy of a resource changes."""

    stack: str
    step: Step
    path: str
    """Property that holds the policy."""
    changes: PolicyChanges
    notes: tuple[str, ...] = ()
    """What there is to say beside the statements; each makes more possible, or may."""

    @property
    def broader(self) -> tuple[str, ...]:
        """What is possible that was not, or cannot be seen not to be."""
        return (*self.notes, *self.changes.unreadable, *self.changes.broader)

    @property
    def proved(self) -> bool:
        """Whether a request shows that it is broader."""
        return any(statement.proved for statement in self.changes.statements)


def access_changes(preview: Preview) -> list[AccessChange]:
    """Every change of a policy, a trust or a boundary, in the order of the steps."""
    return [change for step in preview.steps if step.op not in QUIET for change in _of_step(preview.stack, step)]


def _of_step(stack: str, step: Step) -> Iterator[AccessChange]:
    old, new = _inputs(step.old), _inputs(step.new)
    before, after = dict(_documents(old)), dict(_documents(new))
    for path in sorted(before.keys() | after.keys()):
        have, want = before.get(path), after.get(path)
        if have == want:
            continue
        hidden = [value for value in (have, want) if is_unknown(value) or is_secret(value)]
        if hidden and step.old is not None:
            why = "is known only after the deployment" if is_unknown(hidden[0]) else "is a secret"
            yield AccessChange(
                stack, step, path, PolicyChanges(), (f"the policy {why}: what it allows cannot be told",)
            )
        elif not hidden and (found := compare(have, want)):
            yield AccessChange(stack, step, path, found)
    for path, note in _other_access(step, old, new):
        yield AccessChange(stack, step, path, PolicyChanges(), (note,))


def _inputs(state: State | None) -> Mapping[str, Any]:
    inputs = state.get("inputs") if state else None
    return inputs if isinstance(inputs, Mapping) else {}


def is_policy(value: object) -> bool:
    """Whether a value looks like a document of IAM's policy language."""
    return '"Statement"' in value if isinstance(value, str) else isinstance(value, Mapping) and "Statement" in value


def _documents(inputs: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    """Every policy document among a resource's inputs, with its path.

    A property that is named as a policy and is not known yet, or secret, counts as one.
    """
    yield from _documents_in(inputs, "", "", 0)


def _documents_in(value: object, path: str, name: str, depth: int) -> Iterator[tuple[str, object]]:
    if isinstance(value, str):
        named = name.lower().endswith(("policy", "policydocument"))
        if is_policy(value) or (named and (is_unknown(value) or is_secret(value))):
            yield path, value
    elif depth > _MOST_DEPTH:
        return
    elif isinstance(value, Mapping):
        if is_policy(value) or (is_secret(value) and name.lower().endswith("policy")):
            yield path, value
            return
        for key, item in value.items():
            if not key.startswith("__"):
                yield from _documents_in(item, f"{path}.{key}" if path else key, key, depth + 1)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _documents_in(item, f"{path}[{index}]", name, depth + 1)


def _other_access(step: Step, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What lets somebody in, or no longer keeps somebody out, without a document that says so."""
    if step.type in _LETS_IN and step.new is not None:
        fields = _LETS_IN[step.type]
        if any(old.get(field) != new.get(field) for field in fields):
            yield fields[0], "lets in " + ", ".join(f"{field} {shown(new[field])}" for field in fields if field in new)
    for flag in _BARRIERS.get(step.type, ()):
        if old.get(flag) is True and new.get(flag) is not True:
            yield flag, f"{flag} is no longer on"
    boundary = "permissionsBoundary"
    if old.get(boundary) and step.new is not None and old.get(boundary) != new.get(boundary):
        yield boundary, f"the permissions boundary becomes {shown(new.get(boundary) or 'none')}"
    arns = "managedPolicyArns"
    have, want = (_listed(given.get(arns)) for given in (old, new))
    if added := [arn for arn in want if arn not in have]:
        yield arns, f"lets in {shown(added)}"


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else []


@dataclass(frozen=True)
class Release:
    """A version of a product that becomes the one people launch."""

    stack: str
    product: str
    before: str
    """Empty where the product is new."""
    after: str
    """Empty where the product goes."""
    description: str
    """What the version will say of itself: files that differ, and the commit; empty where the product goes."""
    regions: tuple[str, ...]

    @property
    def same_content(self) -> bool:
        """Whether only what the environment fills in differs."""
        before, after = VersionName.read(self.before), VersionName.read(self.after)
        return before is not None and after is not None and before.of_content == after.of_content


def releases(previews: Sequence[Preview]) -> list[Release]:
    """The product versions that would be published or withdrawn, those of several regions together."""
    regions: dict[tuple[str, str, str, str, str], list[str]] = {}
    for preview in previews:
        for step in preview.steps:
            if step.type != VERSION_TYPE or step.op in QUIET:
                continue
            old, new = _inputs(step.old), _inputs(step.new)
            before, after = _text(old, "version"), _text(new, "version")
            if before != after or destructive(step):
                place = new or old
                region = place.get("region") if isinstance(place.get("region"), str) else ""
                key = (preview.stack, _product(step, str(region)), before, after, _text(new, "description"))
                regions.setdefault(key, []).append(str(region))
    return [Release(*key, tuple(sorted(found))) for key, found in sorted(regions.items())]


def _text(inputs: Mapping[str, Any], name: str) -> str:
    value = inputs.get(name)
    return LATER if is_unknown(value) else value if isinstance(value, str) else told(value) if value else ""


def _product(step: Step, region: str) -> str:
    """The product's folder: the version's logical name is `catalog-<region>-<folder>-version`."""
    return step.name.removesuffix("-version").partition(f"-{region}-")[2] or step.name
