"""A role of the account that may exist already: used if it does what is needed, made if there is none.

The two well-known roles of SageMaker Projects belong to the account, not to a stack: AWS's console makes them, or an
administrator, or the first stack that needs them. A role that no stack has made is never changed. One that a stack has
made carries a tag that says so, a tag for each stack that uses it, and each of these stacks' own policies; so each
stack adds and removes only what is its own, and the last one that leaves removes the role. What no stack has given it,
no policy and no trust, shows as drift and is taken away.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi.dynamic import CheckFailure, CheckResult, CreateResult, DiffResult, ReadResult, Resource, UpdateResult
from pulumi.runtime import rpc

from awsmodel.iam.evaluation import Statement, UnknownElementError, comparable, missing, statements, untrusted, values
from components.iam.policies import document as as_json
from components.iam.project_policies import LAUNCHING, TELL_NO_SOURCE
from components.iam.role_documents import RoleDocument, managed_policies
from components.providers import iam_roles
from components.providers.aws_access import AwsError, AwsResourceProvider, explained
from components.sections.iam import UseRole

if TYPE_CHECKING:
    from types_boto3_iam import IAMClient
    from types_boto3_iam.type_defs import TagTypeDef

MADE = "sm-mlops:made"
"""Tag of a role that a stack has made."""

USED_BY = "sm-mlops:used-by:"
"""Start of the tags of the stacks that use such a role, by the stack's name prefix."""

_TOLD = 20
"""Gaps and differences that are told one by one; a role may have hundreds."""

_PLACE = ("name", "path", "claimant")
_WANTED = ("trust", "policies", "boundaryArn", "purpose")


class AdoptedRoleProvider(AwsResourceProvider):
    """Takes over a role of the account, or makes it."""

    def check(self, olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Tell in the preview already that a role is there which lacks something."""
        failures = []
        if rpc.UNKNOWN not in (news["trust"], news["policies"], *news["policies"]):
            with self._explained(news):
                iam = self._iam(news)
                role = iam_roles.find(iam, news["name"])
                if role is not None and not _is_ours(role, olds or {}) and (gaps := _gaps(iam, role, news)):
                    failures.append(CheckFailure("name", _insufficient(role, news, gaps)))
        return CheckResult(news, failures)

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        """Another name is another role. What `read` has found wrong is set right in place."""
        replaces = [key for key in _PLACE if olds.get(key) != news.get(key)]
        changed = [key for key in _WANTED if olds.get(key) != news.get(key)]
        # A state of an earlier release knows of none; in a refresh it is what is compared with.
        changed += ["otherPolicyArns"] * (olds.get("otherPolicyArns", []) != news.get("otherPolicyArns", []))
        return DiffResult(changes=bool(replaces or changed or olds.get("drift")), replaces=replaces, stables=[])

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Use the role that is there, or make it. What an interrupted run has begun is completed."""
        return CreateResult(f"{props['path']}{props['name']}", self._apply(props, {}))

    def update(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """Set right what is this stack's own; judge again what is not."""
        return UpdateResult(self._apply(news, olds))

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Whether the role is as it was left; `drift` tells in words what is not."""
        with self._explained(props):
            iam = self._iam(props)
            role = iam_roles.find(iam, props["name"])
            if role is None:
                return ReadResult(id_, {**props, "drift": ["it is gone"]})
            drift = [] if role["RoleId"] == props.get("roleId") else ["it was deleted and made anew"]
            ours = _is_ours(role, props)
            drift += _changes(iam, role, props) if ours else _gaps(iam, role, props)
            differences = [] if ours else _surplus(iam, props)
        return ReadResult(id_, {**props, "made": ours, "drift": drift, "differences": differences})

    def delete(self, _id: str, props: dict[str, Any]) -> None:
        """Take this stack's own away from a role that a stack has made; remove it if no other stack uses it."""
        with self._explained(props):
            iam, name = self._iam(props), props["name"]
            role = iam_roles.find(iam, name)
            ours = role is not None and _is_ours(role, props)
            if role is not None and ours and _others(role, props):
                iam.untag_role(RoleName=name, TagKeys=[_tag(props["claimant"])])
            elif ours:
                _empty(iam, name)
            _drop_policies(iam, props, keep=0)
            if role is not None and ours and not _others(role, props):
                with _perhaps_gone(iam):
                    iam.delete_role(RoleName=name)

    def _apply(self, props: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
        with self._explained(props):
            iam = self._iam(props)
            role = iam_roles.find(iam, props["name"]) or _make(iam, props)
            ours = _is_ours(role, known)
            if ours:
                _complete(iam, role, props)
            elif gaps := _gaps(iam, role, props):
                raise AwsError(_insufficient(role, props, gaps))
            differences = [] if ours else _surplus(iam, props)
        kept = {key: props[key] for key in ("region", "key", "otherPolicyArns", *_PLACE, *_WANTED)}
        found = {"arn": role["Arn"], "roleId": role["RoleId"], "made": ours}
        return {**kept, **found, "drift": [], "differences": differences}

    def _iam(self, props: Mapping[str, Any]) -> "IAMClient":
        client: IAMClient = self.client("iam", props["region"])
        return client

    @staticmethod
    def _explained(props: Mapping[str, Any]) -> AbstractContextManager[None]:
        return explained(f"role {props['name']}", "iam", props["region"])


def _tags(role: Mapping[str, Any]) -> Iterator[str]:
    return (tag["Key"] for tag in role.get("Tags", ()))


def _is_ours(role: Mapping[str, Any], known: Mapping[str, Any]) -> bool:
    """Whether a stack has made the role. One that was known as somebody else's stays so, whatever tags it gets."""
    somebody_elses = known.get("made") is False and known.get("roleId") == role["RoleId"]
    return MADE in _tags(role) and not somebody_elses


def _users(role: Mapping[str, Any]) -> set[str]:
    return {key.removeprefix(USED_BY) for key in _tags(role) if key.startswith(USED_BY)}


def _others(role: Mapping[str, Any], props: Mapping[str, Any]) -> set[str]:
    return _users(role) - {props["claimant"]}


def _tag(claimant: str) -> str:
    return f"{USED_BY}{claimant}"


def _bound(role: Mapping[str, Any]) -> str:
    return str(role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn", ""))


def _trust(role: Mapping[str, Any]) -> list[Statement]:
    return statements(iam_roles.loaded(role["AssumeRolePolicyDocument"]))


def _wanted_trust(props: Mapping[str, Any]) -> list[Statement]:
    return statements(json.loads(props["trust"]))


def _wanted(props: Mapping[str, Any]) -> list[Statement]:
    return [statement for text in props["policies"] for statement in statements(json.loads(text))]


# ---- a role that a stack has made


def _make(iam: "IAMClient", props: Mapping[str, Any]) -> Mapping[str, Any]:
    bound = {"PermissionsBoundary": props["boundaryArn"]} if props["boundaryArn"] else {}
    # The tags come with the role: whatever interrupts this, the next run knows whose it is.
    tags: list[TagTypeDef] = [{"Key": key, "Value": "true"} for key in (MADE, _tag(props["claimant"]))]
    try:
        role: Mapping[str, Any] = iam.create_role(
            Path=props["path"],
            RoleName=props["name"],
            Description=props["purpose"],
            AssumeRolePolicyDocument=props["trust"],
            Tags=tags,
            **bound,
        )["Role"]
    except iam.exceptions.EntityAlreadyExistsException:
        # An answer that got lost, or another stack at the same moment; the tags tell.
        found: Mapping[str, Any] = iam.get_role(RoleName=props["name"])["Role"]
        return found
    return {**role, "Tags": tags}


def _complete(iam: "IAMClient", role: Mapping[str, Any], props: Mapping[str, Any]) -> None:
    name = props["name"]
    if props["claimant"] not in _users(role):
        iam.tag_role(RoleName=name, Tags=[{"Key": _tag(props["claimant"]), "Value": "true"}])
    if not _is_trusted(role, props):
        iam.update_assume_role_policy(RoleName=name, PolicyDocument=_completed_trust(role, props))
    if not _is_bound(role, props):
        if props["boundaryArn"]:
            iam.put_role_permissions_boundary(RoleName=name, PermissionsBoundary=props["boundaryArn"])
        else:
            with _perhaps_gone(iam):
                iam.delete_role_permissions_boundary(RoleName=name)
    attached = iam_roles.attached(iam, name)
    for number, text in enumerate(props["policies"], 1):
        arn = _policy(iam, role, props, number, text)
        if arn not in attached:
            iam.attach_role_policy(RoleName=name, PolicyArn=arn)
    _drop_policies(iam, props, keep=len(props["policies"]))
    policies, inline = added_policies(iam, props)
    for arn in policies:
        _detach(iam, name, arn)
    for policy in inline:
        _delete_inline(iam, name, policy)


def _is_trusted(role: Mapping[str, Any], props: Mapping[str, Any]) -> bool:
    """Give a role of one stack this stack's trust; one that several share lets each of them work, and nobody else."""
    if _others(role, props):
        return not untrusted(_wanted_trust(props), _trust(role)) and not added_trust(role, props)
    return comparable(_trust(role)) == comparable(_wanted_trust(props))


def _completed_trust(role: Mapping[str, Any], props: Mapping[str, Any]) -> str:
    added, wanted = added_trust(role, props), _wanted_trust(props)
    present = [one for one in _trust(role) if one not in added] if _others(role, props) else []
    return as_json([dict(statement) for statement in (*present, *(one for one in wanted if one not in present))])


def added_trust(role: Mapping[str, Any], props: Mapping[str, Any]) -> list[Statement]:
    """Statements of a shared role's trust that are of no stack: each stack's lets services in, for its account.

    Args:
        role: the role, as IAM describes it.
        props: its `key` and wanted `trust`.
    """
    services = LAUNCHING if props["key"] == "launch" else [role.service for role in UseRole]
    wanted, account = _wanted_trust(props), role["Arn"].split(":")[4]
    return [
        one
        for one in _trust(role)
        if one not in wanted
        and not (
            isinstance(one.get("Principal"), Mapping)
            and one["Principal"].keys() == {"Service"}
            and set(values(one["Principal"]["Service"])) <= set(services)
            and _is_for(account, one)
        )
    ]


def _is_for(account: str, statement: Statement) -> bool:
    """Whether services may assume a role for an account only, or tell none when they assume one."""
    source = statement.get("Condition", {}).get("StringEquals", {}).get("aws:SourceAccount")
    return source == account if source else set(values(statement["Principal"]["Service"])) <= TELL_NO_SOURCE


def _is_bound(role: Mapping[str, Any], props: Mapping[str, Any]) -> bool:
    """Whether the boundary is right: a stack without one leaves alone the one that another stack has asked for."""
    wanted = props["boundaryArn"]
    return _bound(role) == wanted or (not wanted and bool(_others(role, props)))


def _changes(iam: "IAMClient", role: Mapping[str, Any], props: Mapping[str, Any]) -> list[str]:
    """Tell what somebody has changed of this stack's own."""
    attached = iam_roles.attached(iam, props["name"])
    found = {
        f"the tag {_tag(props['claimant'])} is gone": props["claimant"] not in _users(role),
        "its trust was changed": not _is_trusted(role, props),
        "its permissions boundary was changed": not _is_bound(role, props),
    }
    for number, text in enumerate(props["policies"], 1):
        arn = _policy_arn(role["Arn"], props, number)
        found[f"policy {arn} is not attached"] = arn not in attached
        found[f"policy {arn} was changed"] = iam_roles.policy_document(iam, arn) != json.loads(text)
    policies, inline = added_policies(iam, props)
    added = [
        *(f"it has the policy {arn}" for arn in policies),
        *(f"it has the inline policy {name}" for name in inline),
    ]
    return [*(words for words, is_so in found.items() if is_so), *added]


def added_policies(iam: "IAMClient", props: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Tell what is of no stack on a role that a stack has made: ARNs of managed policies, and names of inline ones.

    Args:
        iam: a client of IAM.
        props: the role's `name` and `path`, and the `otherPolicyArns` that others may attach.
    """
    own = f":policy{props['path']}{_policy_stem(props)}"
    attached = sorted(iam_roles.attached(iam, props["name"]) - set(props.get("otherPolicyArns", ())))
    return [arn for arn in attached if own not in arn], iam_roles.inline(iam, props["name"])


def _policy(iam: "IAMClient", role: Mapping[str, Any], props: Mapping[str, Any], number: int, text: str) -> str:
    """One of this stack's policies of the role, with the wanted text; its ARN."""
    arn = _policy_arn(role["Arn"], props, number)
    current = iam_roles.policy_document(iam, arn)
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


def _drop_policies(iam: "IAMClient", props: Mapping[str, Any], keep: int) -> None:
    """Remove this stack's policies of the role beyond so many; there may be some of an earlier release."""
    stem = f"{_policy_stem(props)}{props['claimant']}-"
    pages = iam.get_paginator("list_policies").paginate(Scope="Local", PathPrefix=props["path"])
    for policy in [item for page in pages for item in page["Policies"]]:
        number = policy["PolicyName"].removeprefix(stem)
        if number != policy["PolicyName"] and number.isdigit() and int(number) > keep:
            if policy["Arn"] in iam_roles.attached(iam, props["name"]):
                _detach(iam, props["name"], policy["Arn"])
            _drop_old_versions(iam, policy["Arn"])
            with _perhaps_gone(iam):
                iam.delete_policy(PolicyArn=policy["Arn"])


def _policy_stem(props: Mapping[str, Any]) -> str:
    """Start of the names of all stacks' policies of a role."""
    return f"{props['name'].removeprefix('AmazonSageMaker')}-"


def _policy_name(props: Mapping[str, Any], number: int) -> str:
    """Up to 128 characters: the well-known names have 47, a prefix has up to 64."""
    return f"{_policy_stem(props)}{props['claimant']}-{number}"


def _policy_arn(role_arn: str, props: Mapping[str, Any], number: int) -> str:
    return f"{role_arn.partition(':role/')[0]}:policy{props['path']}{_policy_name(props, number)}"


def _drop_old_versions(iam: "IAMClient", arn: str) -> None:
    for version in iam.list_policy_versions(PolicyArn=arn)["Versions"]:
        if not version["IsDefaultVersion"]:
            with _perhaps_gone(iam):
                iam.delete_policy_version(PolicyArn=arn, VersionId=version["VersionId"])


def _empty(iam: "IAMClient", name: str) -> None:
    """Take everything from a role: IAM deletes none that has policies."""
    for arn in sorted(iam_roles.attached(iam, name)):
        _detach(iam, name, arn)
    for policy in iam_roles.inline(iam, name):
        _delete_inline(iam, name, policy)


def _detach(iam: "IAMClient", name: str, arn: str) -> None:
    with _perhaps_gone(iam):
        iam.detach_role_policy(RoleName=name, PolicyArn=arn)


def _delete_inline(iam: "IAMClient", name: str, policy: str) -> None:
    with _perhaps_gone(iam):
        iam.delete_role_policy(RoleName=name, PolicyName=policy)


def _perhaps_gone(iam: "IAMClient") -> AbstractContextManager[None]:
    """Tell what is to go may have gone: a call whose answer got lost is made again."""
    gone: AbstractContextManager[None] = suppress(iam.exceptions.NoSuchEntityException)
    return gone


# ---- a role that somebody else has made


def _gaps(iam: "IAMClient", role: Mapping[str, Any], props: Mapping[str, Any]) -> list[str]:
    """Tell what a role lacks, each gap in words."""
    path = [] if role["Path"] == props["path"] else [f"the path {props['path']} (it has {role['Path']})"]
    try:
        trust = untrusted(_wanted_trust(props), _trust(role))
        rights = missing(
            _wanted(props), iam_roles.role_statements(iam, props["name"]), iam_roles.boundary_statements(iam, role)
        )
    except UnknownElementError as error:
        raise AwsError(f"role {role['Arn']} cannot be judged: {error}") from error
    told = [f"trust in {one.principal}{_with(one.context)}" for one in trust]
    return [*path, *_shortened([*told, *map(str, rights)])]


def _with(context: Mapping[str, Any]) -> str:
    keys = ", ".join(f"{key}={value}" for key, value in sorted(context.items()))
    return f" for {keys}" if keys else ""


def _surplus(iam: "IAMClient", props: Mapping[str, Any]) -> list[str]:
    """Tell what a role may do beyond what is needed."""
    broader = missing(iam_roles.role_statements(iam, props["name"]), _wanted(props))
    return list(_shortened([f"may also {request}" for request in broader]))


def _shortened(lines: Sequence[str]) -> Iterable[str]:
    yield from lines[:_TOLD]
    if len(lines) > _TOLD:
        yield f"and {len(lines) - _TOLD} more"


def _insufficient(role: Mapping[str, Any], props: Mapping[str, Any], gaps: Sequence[str]) -> str:
    return (
        f"role {role['Arn']} exists, was made by somebody else, and lacks what is needed: {'; '.join(gaps)}. Nothing "
        f"of it was changed. Let its owner add that (`.venv/bin/python -m tools iam-policies` writes the whole "
        f"document), or set sm-mlops:iam.{props['key']}.mode to 'create'."
    )


class AdoptedRole(Resource, module="iam", name="AdoptedRole"):
    """A role of the account, made or found."""

    arn: pulumi.Output[str]
    """The role."""
    made: pulumi.Output[bool]
    """Whether a stack has made it."""
    differences: pulumi.Output[list[str]]
    """What the role has beyond what is needed."""

    def __init__(
        self,
        name: str,
        *,
        region: str,
        claimant: str,
        document: pulumi.Output[RoleDocument],
        other_policy_arns: Sequence[str],
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
            "otherPolicyArns": list(other_policy_arns),
            "arn": None,
            "roleId": None,
            "made": None,
            "drift": None,
            "differences": None,
        }
        super().__init__(AdoptedRoleProvider(), name, props, opts)
