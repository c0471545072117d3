"""The role that launches projects, those that work in them, and the boundary of the roles that a project makes."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from awsmodel.iam import evaluation
from awsmodel.iam.evaluation import Request
from components.iam import role_documents
from components.iam.role_documents import RoleDocument
from components.packaging import seed_code
from components.providers import iam_roles
from components.sections.iam import RoleMode
from tools import hints
from tools.doctor.account import Account
from tools.doctor.findings import SkipError, Verdict, broken, ok, unknown
from tools.launch_permissions.findings import check
from tools.launch_permissions.roles import as_read

SHOWN = 3
"""Faults that a finding names; the others are counted."""


def launch_role(account: Account) -> Verdict:
    """Check that the role that the launch constraints name exists."""
    return _existence(account, _launch(account), account.role_facts.iam.launch_mode)


def launch_role_trust(account: Account) -> Verdict:
    """Check that whoever launches by the routes that the catalog offers may act as the launch role."""
    return _trust(account, _launch(account), account.role_facts.iam.launch_mode, "launch-role")


def launch_role_permissions(account: Account) -> Verdict:
    """Check that the launch role may do what launching, updating and deleting the products takes."""
    ((wanted, role),) = _found(account, _launch(account), "launch-role")
    policy, boundary = iam_roles.read(account.client("iam"), role["RoleName"])
    if evaluation.missing(wanted.statements, policy, boundary):
        # It is not the program's own policy, so what the templates make is worked out one by one.
        judged = as_read(role["Arn"], policy, boundary, account.role_facts)
        products, unreadable = seed_code.readable(account.catalog.products)
        found = check(products, judged)
        if lacking := found.missing:
            needs = [f"{need.action} on {need.resource}, for {need.logical_id} of {need.product}" for need in lacking]
            return broken(
                f"{role['Arn']} lacks {some(needs)}",
                f"{_remedy(account, account.role_facts.iam.launch_mode)}; all that is missing: "
                + hints.tool("launch-permissions", "--role-arn", role["Arn"], "--stack", account.stack),
            )
        if not_known := [*unreadable, *found.unknown]:
            return unknown(
                f"not known: {some(not_known)}; it may all else that the products' templates take",
                "see to it that its policy has what these take",
            )
    return ok(f"{role['Arn']} may create, update and delete what {', '.join(account.catalog.products)} make")


def use_roles(account: Account) -> Verdict:
    """Check that the roles that work in projects exist, where projects do not make their own."""
    return _existence(account, _use(account), account.role_facts.iam.use_mode)


def use_roles_trust(account: Account) -> Verdict:
    """Check that the services may act as the roles that work in projects."""
    return _trust(account, _use(account), account.role_facts.iam.use_mode, "use-roles")


def use_roles_permissions(account: Account) -> Verdict:
    """Check that the roles that work in projects may do what projects take."""
    lacking = []
    for wanted, role in _found(account, _use(account), "use-roles"):
        policy, boundary = iam_roles.read(account.client("iam"), role["RoleName"])
        lacking += [
            f"{role['Arn']} lacks {request}" for request in evaluation.missing(wanted.statements, policy, boundary)
        ]
    if lacking:
        return broken(some(lacking), _remedy(account, account.role_facts.iam.use_mode))
    return ok(f"{_names(_use(account))} may do what projects take")


def project_boundary(account: Account) -> Verdict:
    """Check that the boundary without which the launch role may make no role exists, and allows what projects need."""
    iam, facts = account.client("iam"), account.role_facts
    _ = account.catalog
    if facts.iam.use_mode is not RoleMode.PROJECT:
        raise SkipError("projects make no roles: sm-mlops:iam.use names theirs")
    arn, wanted = facts.project_boundary_arn, role_documents.project_boundary(facts)
    remedy = _remedy(account, facts.iam.launch_mode)
    document = iam_roles.policy_document(iam, arn)
    if document is None:
        return broken(f"there is no policy {arn}", remedy)
    missing = evaluation.missing(wanted, evaluation.statements(document))
    if missing:
        return broken(f"{arn} does not allow {some(missing)}", remedy)
    return ok(f"{arn} allows what projects need")


def some(things: Sequence[object]) -> str:
    """Return the first few things, and how many more there are."""
    more = f" and {len(things) - SHOWN} more" if len(things) > SHOWN else ""
    return "; ".join(map(str, things[:SHOWN])) + more


def _launch(account: Account) -> list[RoleDocument]:
    _ = account.catalog
    arn = account.role_facts.launch_role_arn
    if arn.split(":")[4] != account.id:
        raise SkipError(f"{arn} belongs to another account, which can be asked only from there")
    return [role_documents.launch_role(account.role_facts)]


def _use(account: Account) -> list[RoleDocument]:
    _ = account.catalog
    wanted = role_documents.use_roles(account.role_facts)
    if not wanted:
        raise SkipError("each project makes its own roles")
    return wanted


def _existence(account: Account, wanted: Sequence[RoleDocument], mode: RoleMode) -> Verdict:
    found = [(document, _role(account, document)) for document in wanted]
    gone = [document.arn(account.home, account.id) for document, role in found if role is None]
    if gone:
        return broken(f"there is no role {some(gone)}", _remedy(account, mode))
    return ok(", ".join(f"{role['Arn']} ({role['RoleId']})" for _, role in found if role))


def _trust(account: Account, wanted: Sequence[RoleDocument], mode: RoleMode, needs: str) -> Verdict:
    refused = [
        f"{role['Arn']} does not trust {request.principal}"
        for document, role in _found(account, wanted, needs)
        for request in _assumptions(document, role["Arn"])
        if evaluation.decision(evaluation.statements(role["AssumeRolePolicyDocument"]), request) != "allow"
    ]
    if refused:
        return broken(some(refused), _remedy(account, mode))
    services = sorted({request.principal for document in wanted for request in _assumptions(document, "")})
    return ok(f"{_names(wanted)}: trusted are {', '.join(services)}")


def _assumptions(document: RoleDocument, arn: str) -> Iterator[Request]:
    """Return the services' requests to act as a role. Each says what the document asks for."""
    for statement in document.trust:
        keys: Mapping[str, Any] = {
            key: value for entry in statement.get("Condition", {}).values() for key, value in entry.items()
        }
        context = {key: evaluation.values(value)[0] for key, value in keys.items()}
        for service in evaluation.values(statement["Principal"]["Service"]):
            yield Request("sts:AssumeRole", arn, context, service)


def _role(account: Account, document: RoleDocument) -> Mapping[str, Any] | None:
    role = iam_roles.find(account.client("iam"), document.name)
    return role if role and role["Path"] == document.path else None


def _found(
    account: Account, wanted: Sequence[RoleDocument], needs: str
) -> list[tuple[RoleDocument, Mapping[str, Any]]]:
    """Return the roles, each with its document; those that are missing are another check's to tell."""
    found = [(document, _role(account, document)) for document in wanted]
    there = [(document, role) for document, role in found if role is not None]
    if not there:
        raise SkipError(f"needs the role: see `{needs}`")
    return there


def _names(wanted: Sequence[RoleDocument]) -> str:
    return ", ".join(document.name for document in wanted)


def _remedy(account: Account, mode: RoleMode) -> str:
    if mode is RoleMode.SUPPLIED:
        policies = hints.tool("iam-policies", "-s", account.stack)
        return f"whoever administers what sm-mlops:iam supplies sets it right; `{policies}` prints it"
    return account.up
