"""Roles that the stack has made: whether anybody has given one of them more than the stack gives."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from awsmodel.iam import evaluation
from awsmodel.iam.evaluation import Statement
from components.iam import made_roles as judged
from components.iam import role_documents
from components.iam.policies import document as as_json
from components.iam.role_documents import RoleDocument
from components.providers import adopted_role, iam_roles
from components.sections.iam import RoleMode
from tools.doctor.account import Account
from tools.doctor.findings import SkipError, Verdict, broken, ok

if TYPE_CHECKING:
    from types_boto3_iam import IAMClient


def made_roles(account: Account) -> Verdict:
    """Check that no role of the stack has other policies, another boundary, or lets in others than the stack says."""
    iam = account.client("iam")
    documents = {role.name: role for role in _documents(account)}
    found, faults = [], []
    for name, adopted in _names(account, documents):
        role = iam_roles.find(iam, name)
        if role is None or not _is_made(account, role, adopted=adopted):
            continue
        found.append(name)
        told = _adopted(account, iam, role, documents[name]) if adopted else _own(account, iam, role)
        beyond = _beyond(account, iam, role, documents[name]) if name in documents and not adopted else ()
        faults += [f"{role['Arn']} {fault}" for fault in (*told, *beyond)]
    if faults:
        # All of them, however many: each is a right that somebody has.
        return broken("; ".join(faults))
    if not found:
        raise SkipError("the stack has made no role")
    return ok(f"{len(found)} roles have what the stack gives them, and no more")


def _documents(account: Account) -> list[RoleDocument]:
    return role_documents.roles(account.role_facts) if account.wanted.catalog else []


def _names(account: Account, documents: Mapping[str, RoleDocument]) -> Iterator[tuple[str, bool]]:
    """Names of roles that the stack may have made, and whether it has adopted them."""
    iam = account.wanted.iam
    for name, document in documents.items():
        if (iam.launch_mode if document.key == "launch" else iam.use_mode) is RoleMode.ADOPT:
            yield name, True
    pages = account.client("iam").get_paginator("list_roles").paginate()
    names = sorted(role["RoleName"] for page in pages for role in page["Roles"])
    yield from ((name, False) for name in names if name.startswith(f"{account.names.prefix}-"))


def _is_made(account: Account, role: Mapping[str, Any], *, adopted: bool) -> bool:
    tags = role.get("Tags", ())
    if adopted:
        return any(tag["Key"] == adopted_role.MADE for tag in tags)
    return judged.is_made_by(account.names, tags)


def _own(account: Account, iam: "IAMClient", role: Mapping[str, Any]) -> Iterator[str]:
    name, wanted = role["RoleName"], account.wanted.iam
    attached = judged.added_policies(iam_roles.attached(iam, name), account.names, wanted.other_policy_arns)
    yield from (f"has the policy {arn}" for arn in attached)
    yield from (f"has the inline policy {policy}" for policy in judged.added_inline(iam_roles.inline(iam, name)))
    yield from _trusted(judged.added_trust(_trust(role), name, account.names))
    bound = judged.boundary_of(role)
    if bound != wanted.permissions_boundary_arn:
        yield f"has {_boundary(bound)}, and the stack gives it {_boundary(wanted.permissions_boundary_arn)}"


def _boundary(arn: str | None) -> str:
    return f"the boundary {arn}" if arn else "no boundary"


def _adopted(account: Account, iam: "IAMClient", role: Mapping[str, Any], document: RoleDocument) -> Iterator[str]:
    """Tell what is of no stack on a role that several may share. Its boundary may be another stack's."""
    role_props = {"name": document.name, "path": document.path, "key": document.key}
    trust = as_json(document.trust)
    props = {**role_props, "trust": trust, "otherPolicyArns": account.wanted.iam.other_policy_arns}
    attached, inline = adopted_role.added_policies(iam, props)
    yield from (f"has the policy {arn}" for arn in attached)
    yield from (f"has the inline policy {policy}" for policy in inline)
    yield from _trusted(adopted_role.added_trust(role, props))


def _trust(role: Mapping[str, Any]) -> list[Statement]:
    return evaluation.statements(iam_roles.loaded(role["AssumeRolePolicyDocument"]))


def _trusted(statements: list[Statement]) -> Iterator[str]:
    for statement in statements:
        principal = statement.get("Principal", "everybody but some")
        named = principal.values() if isinstance(principal, Mapping) else [principal]
        yield f"trusts {', '.join(evaluation.values(named))}"


def _beyond(account: Account, iam: "IAMClient", role: Mapping[str, Any], document: RoleDocument) -> Iterator[str]:
    """Tell what differs where the whole document is known: the text of the role's own policies, and its trust."""
    trust = _trust(role)
    added = judged.added_trust(trust, role["RoleName"], account.names)
    if not added and evaluation.comparable(trust) != evaluation.comparable(document.trust):
        yield "has another trust policy than the stack gives it"
    for request in evaluation.missing(_own_statements(iam, role["RoleName"]), document.statements):
        yield f"may also {request}"


def _own_statements(iam: "IAMClient", name: str) -> list[Statement]:
    """Statements of the policies that the stack has given: the others are told whole."""
    inline = iam_roles.inline(iam, name)
    own = [policy for policy in inline if policy not in judged.added_inline(inline)]
    texts = [iam_roles.loaded(iam.get_role_policy(RoleName=name, PolicyName=one)["PolicyDocument"]) for one in own]
    texts += [
        iam_roles.policy_document(iam, arn) for arn in sorted(iam_roles.attached(iam, name)) if f"/{name}-" in arn
    ]
    return [statement for text in texts for statement in evaluation.statements(text)]
