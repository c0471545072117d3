"""The roles that a stack would make, beside those of a snapshot.

Only the stack's own roles are compared, and the policy that bounds its projects' roles: a stack file says nothing of
anybody else's. Roles that are supplied, or that were there before the stack adopted them, are somebody else's.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from components.iam import role_documents
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
    """The stack's roles and boundary as an account has them, and as the stack would make them.

    Raises:
        ToolError: the stack has no catalog, or the snapshot does not tell its account.
        SettingsError: the stack file has faults.
    """
    if not snapshot.account:
        raise ToolError("the snapshot does not tell of which account it is; take it with `iam-snapshot take`")
    facts = facts_of(file, snapshot.account)
    before: dict[str, dict[str, Entity]] = {kind: {} for kind in snapshot.entities}
    after: dict[str, dict[str, Entity]] = {kind: {} for kind in snapshot.entities}
    for role in _made(facts, snapshot):
        there = snapshot.entities["role"].get(role.name)
        if there is not None:
            before["role"][role.name] = _as_it_is(there, snapshot)
        after["role"][role.name] = _as_wanted(role, facts)
    bound = role_documents.boundary(facts)
    if bound is not None and facts.iam.launch_mode is not RoleMode.SUPPLIED:
        arn = facts.project_boundary_arn
        policy = snapshot.document(arn)
        if policy is not None:
            before["policy"][arn] = _policy(arn, policy)
        after["policy"][arn] = _policy(arn, _document(bound.statements))
    # Boundaries of roles, and who has a policy, are looked up among all of the account.
    known = {arn: entry for arn, entry in snapshot.entities["policy"].items() if arn != facts.project_boundary_arn}
    for side in (before, after):
        side["policy"] = {**known, **side["policy"]}
    was, will = (Snapshot(snapshot.account, snapshot.partition, side) for side in (before, after))
    return was, will


def _made(facts: RoleFacts, snapshot: Snapshot) -> Iterator[RoleDocument]:
    for role in role_documents.roles(facts):
        mode = facts.iam.launch_mode if role.key == "launch" else facts.iam.use_mode
        there = snapshot.entities["role"].get(role.name)
        ours = there is None or any(tag["Key"] == MADE for tag in there.get("Tags", ()))
        if mode is RoleMode.CREATE or (mode is RoleMode.ADOPT and ours):
            yield role


def _as_it_is(role: Entity, snapshot: Snapshot) -> Entity:
    kept = {
        key: role[key] for key in ("RoleName", "Arn", "AssumeRolePolicyDocument", "PermissionsBoundary") if key in role
    }
    return {**kept, ALL: joined(held(role, snapshot).values())}


def _as_wanted(role: RoleDocument, facts: RoleFacts) -> Entity:
    bound = {"PermissionsBoundary": {"PermissionsBoundaryArn": role.boundary_arn}} if role.boundary_arn else {}
    return {
        "RoleName": role.name,
        "Arn": role.arn(facts.home, facts.account_id),
        "AssumeRolePolicyDocument": _document(role.trust),
        ALL: _document(role.statements),
        **bound,
    }


def _policy(arn: str, content: Any) -> Entity:  # noqa: ANN401 - JSON
    return {"Arn": arn, "PolicyVersionList": [{"VersionId": "", "IsDefaultVersion": True, "Document": content}]}


def _document(statements: Sequence[Statement]) -> Any:  # noqa: ANN401 - JSON
    return json.loads(document(statements))
