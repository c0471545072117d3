"""A role of the account that may exist already: used if it does what is needed, made if there is none.

The two well-known roles of SageMaker Projects belong to the account, not to a stack: AWS's console makes them, or an
administrator, or the first stack that needs them. A role that no stack has made is never changed. One that a stack has
made carries a tag that says so, a tag for each stack that uses it, and each of these stacks' own policies; so each
stack adds and removes only what is its own, and the last one that leaves removes the role.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, ReadResult, Resource, UpdateResult

from components.permissions import Statement, missing, statements, values
from components.policies import document as as_json
from components.providers.aws_access import AwsError, AwsResourceProvider, explained
from components.role_documents import RoleDocument, managed_policies

MADE = "sm-mlops:made"
"""Tag of a role that a stack has made."""

USED_BY = "sm-mlops:used-by:"
"""Start of the tags of the stacks that use such a role, by the stack's name prefix."""

_TOLD = 20
"""Differences that are told one by one; a role may have hundreds."""

_PLACE = ("name", "path", "claimant")
_WANTED = ("trust", "policies", "boundaryArn", "purpose")


class AdoptedRoleProvider(AwsResourceProvider):
    """Takes over a role of the account, or makes it."""

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        """Another name is another role. What `read` has found wrong is set right in place."""
        replaces = [key for key in _PLACE if olds.get(key) != news.get(key)]
        changed = [key for key in _WANTED if olds.get(key) != news.get(key)]
        return DiffResult(changes=bool(replaces or changed) or not olds.get("sound"), replaces=replaces, stables=[])

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Use the role that is there, or make it. What an interrupted run has begun is completed."""
        return CreateResult(f"{props['path']}{props['name']}", self._apply(props))

    def update(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """Set right what is this stack's own; judge again what is not."""
        return UpdateResult(self._apply(news))

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Whether the role is as it was left: there, by the same maker, trusted and allowed what is needed."""
        with self._explained(props):
            iam = self._iam(props)
            role = _find(iam, props["name"])
            if role is None:
                return ReadResult(id_, {**props, "sound": False})
            made = _is_ours(role)
            if made != props.get("made"):
                return ReadResult(id_, {**props, "sound": False, "made": made})
            if made:
                return ReadResult(id_, {**props, "sound": self._is_whole(iam, role, props)})
            gaps = list(_gaps(iam, role, props))
            return ReadResult(id_, {**props, "sound": not gaps, "differences": _differences(iam, props)})

    def delete(self, _id: str, props: dict[str, Any]) -> None:
        """Take this stack's own away from a role that a stack has made; remove it if no other stack uses it."""
        with self._explained(props):
            iam = self._iam(props)
            role = _find(iam, props["name"])
            if role is not None and _is_ours(role):
                others = _users(role) - {props["claimant"]}
                if others:
                    iam.untag_role(RoleName=props["name"], TagKeys=[_tag(props["claimant"])])
                    self._drop_policies(iam, props, keep=0)
                else:
                    _empty(iam, props["name"])
                    self._drop_policies(iam, props, keep=0)
                    with _perhaps_gone(iam):
                        iam.delete_role(RoleName=props["name"])
            else:
                self._drop_policies(iam, props, keep=0)

    def _apply(self, props: Mapping[str, Any]) -> dict[str, Any]:
        with self._explained(props):
            iam = self._iam(props)
            role = _find(iam, props["name"])
            if role is None:
                role = self._make(iam, props)
            made = _is_ours(role)
            if made:
                self._complete(iam, role, props)
                differences = []
            else:
                gaps = list(_gaps(iam, role, props))
                if gaps:
                    raise AwsError(
                        f"role {role['Arn']} exists, was made by somebody else, and lacks what is needed: "
                        + "; ".join(gaps)
                        + f". Add it to the role (`python -m tools iam-policies` prints the whole document), or set "
                        f"sm-mlops:iam.{props['key']}.mode to 'create'."
                    )
                differences = _differences(iam, props)
        kept = {key: props[key] for key in ("region", "key", *_PLACE, *_WANTED)}
        return {**kept, "arn": role["Arn"], "made": made, "sound": True, "differences": differences}

    def _make(self, iam: Any, props: Mapping[str, Any]) -> Mapping[str, Any]:  # noqa: ANN401 - a botocore client
        bound = {"PermissionsBoundary": props["boundaryArn"]} if props["boundaryArn"] else {}
        # The tags come with the role: whatever interrupts this, the next run knows whose it is.
        try:
            role: Mapping[str, Any] = iam.create_role(
                Path=props["path"],
                RoleName=props["name"],
                Description=props["purpose"],
                AssumeRolePolicyDocument=props["trust"],
                Tags=[{"Key": MADE, "Value": "true"}, {"Key": _tag(props["claimant"]), "Value": "true"}],
                **bound,
            )["Role"]
        except iam.exceptions.EntityAlreadyExistsException:
            # An answer that got lost, or another stack at the same moment; the tags tell.
            role = iam.get_role(RoleName=props["name"])["Role"]
        return role

    def _complete(self, iam: Any, role: Mapping[str, Any], props: Mapping[str, Any]) -> None:  # noqa: ANN401
        name = props["name"]
        if props["claimant"] not in _users(role):
            iam.tag_role(RoleName=name, Tags=[{"Key": _tag(props["claimant"]), "Value": "true"}])
        if _loaded(role["AssumeRolePolicyDocument"]) != json.loads(props["trust"]):
            iam.update_assume_role_policy(RoleName=name, PolicyDocument=props["trust"])
        bound = role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn", "")
        if props["boundaryArn"] and bound != props["boundaryArn"]:
            iam.put_role_permissions_boundary(RoleName=name, PermissionsBoundary=props["boundaryArn"])
        attached = _attached(iam, name)
        for number, text in enumerate(props["policies"], 1):
            arn = self._policy(iam, role, props, number, text)
            if arn not in attached:
                iam.attach_role_policy(RoleName=name, PolicyArn=arn)
        self._drop_policies(iam, props, keep=len(props["policies"]))

    def _policy(
        self,
        iam: Any,  # noqa: ANN401
        role: Mapping[str, Any],
        props: Mapping[str, Any],
        number: int,
        text: str,
    ) -> str:
        """One of this stack's policies of the role, with the wanted text; its ARN."""
        arn = _policy_arn(role["Arn"], props, number)
        current = _policy_text(iam, arn)
        if current is None:
            # After an answer that got lost there is one.
            with suppress(iam.exceptions.EntityAlreadyExistsException):
                iam.create_policy(
                    PolicyName=_policy_name(props, number),
                    Path=props["path"],
                    PolicyDocument=text,
                    Description=f"What {props['claimant']} needs of {props['name']}",
                )
        elif current != json.loads(text):
            # IAM keeps five versions: those that no longer count make room for the new one.
            _drop_old_versions(iam, arn)
            iam.create_policy_version(PolicyArn=arn, PolicyDocument=text, SetAsDefault=True)
        return arn

    def _drop_policies(self, iam: Any, props: Mapping[str, Any], keep: int) -> None:  # noqa: ANN401
        """Remove this stack's policies of the role beyond so many; there may be some of an earlier release."""
        prefix = _policy_name(props, 0).removesuffix("0")
        pages = iam.get_paginator("list_policies").paginate(Scope="Local", PathPrefix=props["path"])
        for policy in [item for page in pages for item in page["Policies"]]:
            number = policy["PolicyName"].removeprefix(prefix)
            if number != policy["PolicyName"] and number.isdigit() and int(number) > keep:
                if policy["Arn"] in _attached(iam, props["name"]):
                    _detach(iam, props["name"], policy["Arn"])
                _drop_old_versions(iam, policy["Arn"])
                with _perhaps_gone(iam):
                    iam.delete_policy(PolicyArn=policy["Arn"])

    def _is_whole(self, iam: Any, role: Mapping[str, Any], props: Mapping[str, Any]) -> bool:  # noqa: ANN401
        attached = _attached(iam, props["name"])
        arns = [_policy_arn(role["Arn"], props, number) for number in range(1, len(props["policies"]) + 1)]
        bound = role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn", "")
        return (
            props["claimant"] in _users(role)
            and _loaded(role["AssumeRolePolicyDocument"]) == json.loads(props["trust"])
            and (not props["boundaryArn"] or bound == props["boundaryArn"])
            and set(arns) <= attached
            and all(
                _policy_text(iam, arn) == json.loads(text) for arn, text in zip(arns, props["policies"], strict=True)
            )
        )

    def _iam(self, props: Mapping[str, Any]) -> Any:  # noqa: ANN401 - botocore makes the class at run time
        return self.client("iam", props["region"])

    @staticmethod
    def _explained(props: Mapping[str, Any]) -> Any:  # noqa: ANN401 - a context manager
        return explained(f"role {props['name']}", "iam", props["region"])


def _find(iam: Any, name: str) -> Mapping[str, Any] | None:  # noqa: ANN401
    try:
        role: Mapping[str, Any] = iam.get_role(RoleName=name)["Role"]
    except iam.exceptions.NoSuchEntityException:
        return None
    return role


def _tags(role: Mapping[str, Any]) -> Iterator[str]:
    return (tag["Key"] for tag in role.get("Tags", ()))


def _is_ours(role: Mapping[str, Any]) -> bool:
    return MADE in _tags(role)


def _users(role: Mapping[str, Any]) -> set[str]:
    return {key.removeprefix(USED_BY) for key in _tags(role) if key.startswith(USED_BY)}


def _tag(claimant: str) -> str:
    return f"{USED_BY}{claimant}"


def _policy_name(props: Mapping[str, Any], number: int) -> str:
    """Up to 128 characters: the well-known names have 47, a prefix has up to 64."""
    return f"{props['name'].removeprefix('AmazonSageMaker')}-{props['claimant']}-{number}"


def _policy_arn(role_arn: str, props: Mapping[str, Any], number: int) -> str:
    start = role_arn.partition(":role/")[0]
    return f"{start}:policy{props['path']}{_policy_name(props, number)}"


def _loaded(document: Any) -> Any:  # noqa: ANN401 - botocore gives a mapping where it can read the document
    return json.loads(document) if isinstance(document, str) else document


def _attached(iam: Any, role_name: str) -> set[str]:  # noqa: ANN401
    try:
        pages = list(iam.get_paginator("list_attached_role_policies").paginate(RoleName=role_name))
    except iam.exceptions.NoSuchEntityException:
        return set()
    return {item["PolicyArn"] for page in pages for item in page["AttachedPolicies"]}


def _policy_text(iam: Any, arn: str) -> Any:  # noqa: ANN401 - a policy document, or None where there is no policy
    try:
        version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        return _loaded(iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"])
    except iam.exceptions.NoSuchEntityException:
        return None


def _drop_old_versions(iam: Any, arn: str) -> None:  # noqa: ANN401
    for version in iam.list_policy_versions(PolicyArn=arn)["Versions"]:
        if not version["IsDefaultVersion"]:
            with _perhaps_gone(iam):
                iam.delete_policy_version(PolicyArn=arn, VersionId=version["VersionId"])


def _empty(iam: Any, name: str) -> None:  # noqa: ANN401
    """Take everything from a role: IAM deletes none that has policies."""
    for arn in sorted(_attached(iam, name)):
        _detach(iam, name, arn)
    for page in iam.get_paginator("list_role_policies").paginate(RoleName=name):
        for policy in page["PolicyNames"]:
            with _perhaps_gone(iam):
                iam.delete_role_policy(RoleName=name, PolicyName=policy)


def _detach(iam: Any, name: str, arn: str) -> None:  # noqa: ANN401
    with _perhaps_gone(iam):
        iam.detach_role_policy(RoleName=name, PolicyArn=arn)


def _perhaps_gone(iam: Any) -> AbstractContextManager[None]:  # noqa: ANN401
    """What is to go may have gone: a call whose answer got lost is made again."""
    gone: AbstractContextManager[None] = suppress(iam.exceptions.NoSuchEntityException)
    return gone


def role_statements(iam: Any, name: str) -> list[Statement]:  # noqa: ANN401
    """Statements of all policies of a role, inline and attached."""
    found: list[Statement] = []
    for page in iam.get_paginator("list_role_policies").paginate(RoleName=name):
        for policy in page["PolicyNames"]:
            document = iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
            found += statements(_loaded(document))
    for arn in sorted(_attached(iam, name)):
        found += statements(_policy_text(iam, arn))
    return found


def _boundary(iam: Any, role: Mapping[str, Any]) -> list[Statement] | None:  # noqa: ANN401
    arn = role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
    return statements(_policy_text(iam, arn)) if arn else None


def _wanted(props: Mapping[str, Any]) -> list[Statement]:
    return [statement for text in props["policies"] for statement in statements(json.loads(text))]


def _trusted(trust: Iterable[Statement]) -> set[str]:
    """Services that a trust policy lets assume the role."""
    allowing = (statement for statement in trust if statement["Effect"] == "Allow")
    principals = (statement.get("Principal", {}) for statement in allowing)
    return {name for one in principals if isinstance(one, Mapping) for name in values(one.get("Service", []))}


def _gaps(iam: Any, role: Mapping[str, Any], props: Mapping[str, Any]) -> Iterator[str]:  # noqa: ANN401
    """What a role lacks, each gap in words."""
    wanted = _trusted(statements(json.loads(props["trust"])))
    lacking = wanted - _trusted(statements(_loaded(role["AssumeRolePolicyDocument"])))
    yield from (f"trust in {service}" for service in sorted(lacking))
    gaps = missing(_wanted(props), role_statements(iam, props["name"]), _boundary(iam, role))
    yield from _shortened([str(request) for request in gaps])


def _differences(iam: Any, props: Mapping[str, Any]) -> list[str]:  # noqa: ANN401
    """What a role that somebody else made may do beyond what is needed."""
    broader = missing(role_statements(iam, props["name"]), _wanted(props))
    return list(_shortened([f"may also {request}" for request in broader]))


def _shortened(lines: Sequence[str]) -> Iterator[str]:
    yield from lines[:_TOLD]
    if len(lines) > _TOLD:
        yield f"and {len(lines) - _TOLD} more"


class AdoptedRole(Resource, module="iam", name="AdoptedRole"):
    """A role of the account, made or found."""

    arn: pulumi.Output[str]
    """The role."""
    made: pulumi.Output[bool]
    """Whether a stack has made it."""
    differences: pulumi.Output[list[str]]
    """What a role that somebody else made may do beyond what is needed."""

    def __init__(
        self,
        name: str,
        *,
        region: str,
        claimant: str,
        document: pulumi.Output[RoleDocument],
        opts: pulumi.ResourceOptions,
    ) -> None:
        props = {
            "region": region,
            "claimant": claimant,
            "key": document.key,
            "name": document.name,
            "path": document.path,
            "purpose": document.purpose,
            "trust": document.apply(lambda role: as_json(role.trust)),
            "policies": document.apply(lambda role: [as_json(part) for part in managed_policies(role)]),
            "boundaryArn": document.apply(lambda role: role.boundary_arn or ""),
            "arn": None,
            "made": None,
            "sound": None,
            "differences": None,
        }
        super().__init__(AdoptedRoleProvider(), name, props, opts)
