"""What a preview means beside its steps: who may do more than before, and which products get which version."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from awsmodel.iam.comparison import PolicyChanges, compare
from components.packaging import VersionName
from tools.preview_comment.dangers import QUIET, destructive, known, retained
from tools.preview_comment.previews import Preview, State, Step, name_of
from tools.preview_comment.values import HIDDEN, LATER, NOTHING, SECRET, is_secret, is_unknown, plain, shown, told

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


_HOLDERS: Mapping[str, tuple[str, ...]] = {
    "arn": ("aws:sns/topic:Topic", "aws:secretsmanager/secret:Secret"),
    "bucket": ("aws:s3/bucket:Bucket", "aws:s3/bucketV2:BucketV2", "aws:s3/directoryBucket:DirectoryBucket"),
    "function": ("aws:lambda/function:Function",),
    "group": ("aws:iam/group:Group",),
    "keyId": ("aws:kms/key:Key", "aws:kms/replicaKey:ReplicaKey", "aws:kms/externalKey:ExternalKey"),
    "portfolioId": ("aws:servicecatalog/portfolio:Portfolio",),
    "queueUrl": ("aws:sqs/queue:Queue",),
    "repository": ("aws:ecr/repository:Repository",),
    "role": ("aws:iam/role:Role",),
    "roleName": ("aws:iam/role:Role",),
    "secretArn": ("aws:secretsmanager/secret:Secret",),
    "user": ("aws:iam/user:User",),
}
"""By the property of a policy, an attachment or a barrier that names what it is about: the types of that."""
_HOLDERS_TYPES = frozenset(type_ for types in _HOLDERS.values() for type_ in types)


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
        """Whether a request shows that it is broader, and nothing of the policy is unknown."""
        return not self.notes and any(statement.proved for statement in self.changes.statements)


def access_changes(preview: Preview) -> list[AccessChange]:
    """Every change of a policy, a trust or a boundary, in the order of the steps.

    What goes together with all that it is about lets nobody in: there is nothing left to reach.
    """
    gone = _gone(preview)
    return [
        change
        for step in preview.steps
        if step.op not in QUIET and not _goes_with(step, gone)
        for change in _of_step(preview.stack, step)
    ]


def _gone(preview: Preview) -> frozenset[tuple[str, str]]:
    """Tell what is deleted, by its type and each of its names."""
    return frozenset(
        (step.type, name)
        for step in preview.steps
        if _deleted(step) and not retained(step) and step.type in _HOLDERS_TYPES
        for state in (step.old or {},)
        for name in (state.get("id"), *(_named(state, key) for key in ("arn", "bucket", "name", "url")))
        if isinstance(name, str) and name
    )


def _named(state: State, key: str) -> object:
    found = [
        part[key] for part in (state.get("outputs"), state.get("inputs")) if isinstance(part, Mapping) and key in part
    ]
    return found[0] if found else None


def _deleted(step: Step) -> bool:
    return destructive(step) and known(step) and step.new is None


def _goes_with(step: Step, gone: frozenset[tuple[str, str]]) -> bool:
    """Whether a step deletes a policy together with the resource that it is about, which may be the same."""
    if not _deleted(step) or retained(step):
        return False
    if step.type in _HOLDERS_TYPES:
        return True
    inputs = _inputs(step.old)
    return any((type_, inputs.get(key)) in gone for key, types in _HOLDERS.items() if key in inputs for type_ in types)


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
        elif not hidden:
            # Within text the engine knows everything, or nothing.
            read = [plain(document) if isinstance(document, Mapping) else document for document in (have, want)]
            if found := compare(*read, narrower=False):
                yield AccessChange(stack, step, path, found, tuple(_gaps(read)))
    for path, note in _other_access(step, old, new):
        yield AccessChange(stack, step, path, PolicyChanges(), (note,))


def _gaps(read: Sequence[object]) -> Iterator[str]:
    """Tell what cannot be seen of a policy, and so proves nothing."""
    text = " ".join(document if isinstance(document, str) else told(document) for document in read)
    if LATER in text:
        yield "a part of the policy is known only after the deployment"
    if SECRET in text or HIDDEN in text:
        yield "a part of the policy is a secret"


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
    """Tell what lets somebody in, or no longer keeps somebody out, without a document that says so."""
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
    """Return the product versions that would be published or withdrawn, those of several regions together."""
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
    """Return the product's folder: the version's logical name is `catalog-<region>-<folder>-version`."""
    return step.name.removesuffix("-version").partition(f"-{region}-")[2] or step.name


@dataclass(frozen=True)
class Aside:
    """Something that a deployment changes beside the properties of resources; the same of several resources at once."""

    stack: str
    what: str
    """What it is, in words."""
    names: tuple[str, ...]
    """Of which resources, by logical name."""
    type: str = ""
    danger: bool = False
    """Whether it takes a safeguard away."""
    before: object = NOTHING
    after: object = NOTHING


_OPTIONS = {
    "protect": "no longer protected, so that a later deployment may delete it",
    "retainOnDelete": "no longer kept in AWS when it leaves the program (retainOnDelete)",
}


def asides(preview: Preview) -> list[Aside]:
    """Safeguards taken away, renamed resources, other providers and changed outputs of the stack."""
    found: dict[tuple[str, str, bool], list[str]] = {}
    for step in preview.steps:
        for what, danger in _beside(step):
            # Whatever their types: a provider's change is one, of many resources.
            type_ = "" if "provider" in what else step.type
            found.setdefault((what, type_, danger), []).append(step.name)
    listed = [
        Aside(preview.stack, what, tuple(sorted(names)), type_, danger)
        for (what, type_, danger), names in sorted(found.items(), key=lambda item: (not item[0][2], item[0]))
    ]
    return [*listed, *_outputs(preview)]


def _beside(step: Step) -> Iterator[tuple[str, bool]]:
    if step.old is None or step.new is None:
        return
    for option, what in _OPTIONS.items():
        if step.old.get(option) is True and step.new.get(option) is not True:
            yield what, True
    if step.old_urn != step.urn:
        yield f"renamed, it was {_told_urn(step.old_urn, step.urn)}", False
    before, after = (_provider(state) for state in (step.old, step.new))
    if before and after and before[0] != after[0]:
        yield f"now of the provider {name_of(after[0])}, it was of {name_of(before[0])}", False
    elif before and after and before[1] != after[1]:
        yield f"of the provider {name_of(before[0])}, which is made anew", False


def _told_urn(old: str, new: str) -> str:
    """Tell what differs of a URN: the name, else the types that lead to it."""
    return name_of(old) if name_of(old) != name_of(new) else old.removeprefix("urn:pulumi:").partition("::")[2]


def _provider(state: State) -> tuple[str, str] | None:
    """Return a provider's URN and its id, as a state refers to it."""
    found = state.get("provider")
    urn, _, own = found.rpartition("::") if isinstance(found, str) else ("", "", "")
    return (urn, own) if urn else None


def _outputs(preview: Preview) -> Iterator[Aside]:
    if preview.outputs is None:
        return
    old, new = preview.outputs
    for key in sorted(old.keys() | new.keys()):
        before, after = old.get(key, NOTHING), new.get(key, NOTHING)
        if before != after:
            yield Aside(preview.stack, "output", (key,), before=before, after=after)
