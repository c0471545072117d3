"""The roles that a stack means, and those that a snapshot has.

Only the stack's own roles are compared, and the policy that bounds its projects' roles: a stack file says nothing of
anybody else's. Roles that are supplied, or that were there before the stack adopted them, are somebody else's. Of the
catalog's roles the whole document is known; of the others that the stack has made, by their tags, what was added.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from awsmodel.iam import evaluation
from components.iam import made_roles, role_documents
from components.iam.policies import Statement, document
from components.iam.role_documents import RoleDocument, RoleFacts
from components.providers.adopted_role import MADE
from components.sections.iam import RoleMode
from tools.faults import ToolError
from tools.iam_policies import facts_of
from tools.iam_snapshot.difference import ALL, held, joined
from tools.iam_snapshot.snapshot import Entity, Snapshot
from tools.stack_file import StackFile


def beside(snapshot: Snapshot, file: StackFile) -> tuple[Snapshot, Snapshot]:
    """Return the stack's roles and boundary as the stack means them, and as an account has them.

    In this order what somebody has added is more than what was meant, and so is a boundary that is gone.

    Raises:
        ToolError: the stack has no catalog, or the snapshot does not tell its account.
        SettingsError: the stack file has faults.
    """
    if not snapshot.account:
        raise ToolError("the snapshot does not tell of which account it is; take it with `iam-snapshot take`")
    facts = facts_of(file, snapshot.account)
    meant: dict[str, dict[str, Entity]] = {kind: {} for kind in snapshot.entities}
    there: dict[str, dict[str, Entity]] = {kind: {} for kind in snapshot.entities}
    for name, role in snapshot.entities["role"].items():
        if made_roles.is_made_by(facts.names, role.get("Tags", ())):
            meant["role"][name] = _without_additions(role, facts)
            there["role"][name] = _as_it_is(role, facts)
    for wanted in _made(facts, snapshot):
        meant["role"][wanted.name] = _as_wanted(wanted, facts)
        if wanted.name in snapshot.entities["role"]:
            there["role"][wanted.name] = _as_one(snapshot.entities["role"][wanted.name], snapshot, facts)
    bound = role_documents.boundary(facts)
    if bound is not None and facts.iam.launch_mode is not RoleMode.SUPPLIED:
        arn = facts.project_boundary_arn
        meant["policy"][arn] = _policy(arn, _document(bound.statements))
        policy = snapshot.document(arn)
        if policy is not None:
            there["policy"][arn] = _policy(arn, policy)
    # Boundaries of roles, and who has a policy, are looked up among all of the account.
    known = {arn: entry for arn, entry in snapshot.entities["policy"].items() if arn != facts.project_boundary_arn}
    for side in (meant, there):
        side["policy"] = {**known, **side["policy"]}
    before, after = (Snapshot(snapshot.account, snapshot.partition, side) for side in (meant, there))
    return before, after


def _made(facts: RoleFacts, snapshot: Snapshot) -> Iterator[RoleDocument]:
    for role in role_documents.roles(facts):
        mode = facts.iam.launch_mode if role.key == "launch" else facts.iam.use_mode
        there = snapshot.entities["role"].get(role.name)
        ours = there is None or any(tag["Key"] == MADE for tag in there.get("Tags", ()))
        if mode is RoleMode.CREATE or (mode is RoleMode.ADOPT and ours):
            yield role


_COMPARED = (
    *("RoleName", "Arn", "AssumeRolePolicyDocument", "PermissionsBoundary"),
    *("RolePolicyList", "AttachedManagedPolicies"),
)


def _as_it_is(role: Entity, facts: RoleFacts) -> dict[str, Any]:
    """Return a role but for what others may attach, and for what no stack file speaks of."""
    kept = {key: role[key] for key in _COMPARED if key in role}
    attached = [one for one in role["AttachedManagedPolicies"] if one["PolicyArn"] not in _others(facts)]
    return {**kept, "AttachedManagedPolicies": attached}


def _others(facts: RoleFacts) -> Sequence[str]:
    return facts.iam.other_policy_arns


def _without_additions(role: Entity, facts: RoleFacts) -> Entity:
    found = _as_it_is(role, facts)
    arns = [one["PolicyArn"] for one in found["AttachedManagedPolicies"]]
    more = made_roles.added_policies(arns, facts.names)
    inline = made_roles.added_inline(one["PolicyName"] for one in found["RolePolicyList"])
    trust = evaluation.statements(found["AssumeRolePolicyDocument"])
    added = made_roles.added_trust(trust, role["RoleName"], facts.names)
    kept = {key: value for key, value in found.items() if key != "PermissionsBoundary"}
    return {
        **kept,
        "AttachedManagedPolicies": [one for one in found["AttachedManagedPolicies"] if one["PolicyArn"] not in more],
        "RolePolicyList": [one for one in found["RolePolicyList"] if one["PolicyName"] not in inline],
        "AssumeRolePolicyDocument": {"Statement": [one for one in trust if one not in added]},
        **_bound(facts.iam.permissions_boundary_arn),
    }


def _bound(arn: str | None) -> Entity:
    return {"PermissionsBoundary": {"PermissionsBoundaryArn": arn}} if arn else {}


def _as_one(role: Entity, snapshot: Snapshot, facts: RoleFacts) -> Entity:
    """Return a role with all that its policies say as one document: whose policy says it counts for nothing."""
    found = _as_it_is(role, facts)
    together = joined(held(found, snapshot).values())
    return {**{key: value for key, value in found.items() if key not in _COMPARED[4:]}, ALL: together}


def _as_wanted(role: RoleDocument, facts: RoleFacts) -> Entity:
    return {
        "RoleName": role.name,
        "Arn": role.arn(facts.home, facts.account_id),
        "AssumeRolePolicyDocument": _document(role.trust),
        ALL: _document(role.statements),
        **_bound(role.boundary_arn),
    }


def _policy(arn: str, content: Any) -> Entity:  # noqa: ANN401 - JSON
    return {"Arn": arn, "PolicyVersionList": [{"VersionId": "", "IsDefaultVersion": True, "Document": content}]}


def _document(statements: Sequence[Statement]) -> Any:  # noqa: ANN401 - JSON
    return json.loads(document(statements))
