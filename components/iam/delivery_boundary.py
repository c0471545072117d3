"""The most that any role of a stack with a delivery can have: a permissions boundary, made from what its roles have.

Whoever deploys writes the policies of the environment's roles, its own included, so these bind it to nothing. The
boundary does: it allows what the roles are given, wider in three ways only, so that it fits into one policy. Of a
service whose things have names it allows everything on these names; the names are those of the whole project, because
one boundary serves every role; and of calls without a resource it allows whatever lists or describes. So it keeps the
stacks of one account from all else, and not from one another.
"""

import json
from collections.abc import Iterable, Iterator, Sequence

from awsmodel.arns import ANY, ArnScope
from awsmodel.iam.evaluation import matches, values
from components.iam.delivery_policies import CONNECTION_SERVICES
from components.iam.policies import Statement, allow
from components.iam.role_documents import WELL_KNOWN_PATH, ManagedPolicyDocument

_CONNECTIONS = tuple(CONNECTION_SERVICES)
"""Both names of the service of connections: AWS may check actions of the one on an ARN of the other."""

_EXACT = ("eks", "iam", "sts", "secretsmanager", *_CONNECTIONS)
"""Services of which single actions are allowed on names, too: whatever is one more there can be a way out."""

_VERBS = {
    "iam": ("CreatePolicy", "DeletePolicy", "DeleteRole", "Get", "List", "Tag", "Untag", "Update"),
    # What it changes are products and portfolios. A launch runs as its own role.
    "servicecatalog": ("Associate", "Create", "Delete", "Describe", "Disassociate", "List", "Search", "Update"),
    "sagemaker": ("Describe", "Disable", "Enable", "List"),
}
"""By service, what actions begin with of which all are allowed where one is."""

_READING = ("Describe", "List", "Search")
"""The same of other services."""

_OF_MANY_KINDS = ("codebuild", "sagemaker")
"""Services of whose things one pattern takes all kinds, by their names."""

_BOUND = ("iam:AttachRolePolicy", "iam:CreateRole", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy")
"""What gives a role rights: refused on each role that has no boundary."""


def delivery_boundary(
    name: str, of_roles: Iterable[Statement], scope: ArnScope, project: str, kept: Iterable[str], *, adopts: bool
) -> ManagedPolicyDocument:
    """Bound every role of a stack.

    Args:
        name: name of the policy.
        of_roles: all that the stack gives its roles.
        scope: the account.
        project: what the names of all things of the stack begin with.
        kept: ARNs of the boundaries within which roles may be made, this one's and those of projects: whoever rewrites
            one of them, or makes one that a pattern takes, has made a way out.
        adopts: whether the stack adopts the well-known roles of the account.
    """
    boundaries = list(kept)
    granted = list(_granted(of_roles, project, adopts=adopts))
    return ManagedPolicyDocument(
        key="delivery.boundary",
        name=name,
        purpose=f"The most that a role of {project} can have, whatever the roles that deploy give it",
        statements=[
            *_named(granted),
            *_unnamed(granted),
            *_keys(granted, scope, project),
            *_refused(boundaries),
        ],
    )


_Grant = tuple[str, str, str]
"""An action, what it is on, and the condition as JSON."""

_ALWAYS = "null"
"""No condition."""


def _granted(of_roles: Iterable[Statement], project: str, *, adopts: bool) -> Iterator[_Grant]:
    for statement in of_roles:
        if statement["Effect"] != "Allow":
            continue
        condition = statement.get("Condition")
        for action in values(statement["Action"]):
            for resource in values(statement["Resource"]):
                if adopts or WELL_KNOWN_PATH not in resource:
                    free = action in _BOUND or action.startswith(_CONNECTIONS)
                    on = _ALWAYS if free else json.dumps(condition)
                    wide = resource if action == "sts:AssumeRole" else _widened(resource, project)
                    yield _all_of_a_kind(action), wide, on


def _all_of_a_kind(action: str) -> str:
    service, _, name = action.partition(":")
    # The names of a bucket's objects are data.
    if "ApprovalRuleTemplate" in name:
        return f"{service}:*ApprovalRuleTemplate*"
    verbs = _VERBS.get(service, () if service == "s3" else _READING)
    return next((f"{service}:{verb}*" for verb in verbs if name.startswith(verb)), action)


def _widened(arn: str, project: str) -> str:
    """A resource in any region and account, with all whose names begin alike; another account has its own say."""
    if arn == ANY:
        return arn
    start, partition, service, region, account, name = arn.split(":", 5)
    for prefix in (f"{project}-", "sagemaker-", ".pulumi/"):
        if prefix in name:
            name = name[: name.index(prefix) + len(prefix)] + ANY
            name = f"{ANY}/{name.rpartition('/')[2]}" if service in _OF_MANY_KINDS and "/" in name else name
            break
    whose = account if service in _EXACT or not account else ANY
    return ":".join([start, partition, service, ANY if region else "", whose, name])


def _named(granted: Sequence[_Grant]) -> Iterator[Statement]:
    """Everything on the names of the project, and single actions of what could give rights."""
    everywhere = {action for action, resource, condition in granted if resource == ANY and condition == _ALWAYS}
    whole: dict[str, set[str]] = {}
    exact: dict[tuple[str, str], set[str]] = {}
    passed: tuple[set[str], set[str]] = (set(), set())
    for action, resource, condition in granted:
        service = action.partition(":")[0]
        if resource == ANY or service == "kms" or action in everywhere:
            continue
        if service not in _EXACT:
            whole.setdefault(f"{service}:*", set()).add(resource)
        elif action == "iam:PassRole":
            passed[0].add(resource)
            passed[1].update(values(json.loads(condition)["StringEquals"]["iam:PassedToService"]))
        else:
            # What does not hold for a resource of the other kind allows nothing on it.
            family = "connections" if service in _CONNECTIONS else service
            exact.setdefault((family, condition), set()).update((f"action {action}", resource))
    resources = set().union(*whole.values())
    yield allow("Named", sorted(whole), sorted(one for one in resources if not _within_another(one, resources)))
    yield allow(
        "Passed", ["iam:PassRole"], sorted(passed[0]), {"StringEquals": {"iam:PassedToService": sorted(passed[1])}}
    )
    for number, ((_, condition), both) in enumerate(sorted(exact.items())):
        actions = sorted(one.removeprefix("action ") for one in both if one.startswith("action "))
        on = sorted(one for one in both if not one.startswith("action "))
        yield allow(f"Single{number}", actions, on, json.loads(condition))


def _within_another(arn: str, arns: Iterable[str]) -> bool:
    return any(other != arn and matches(other, arn) for other in arns)


def _unnamed(granted: Sequence[_Grant]) -> Iterator[Statement]:
    """Calls that know no resource, or whose resources AWS names: as the roles have them, with the reasons there."""
    found = {action for action, resource, condition in granted if resource == ANY and _is_bare(action, condition)}
    yield allow("Unnamed", sorted(found), [ANY])
    # What is read of any bucket is so on a condition, which stays. Keys have statements of their own.
    data: dict[str, set[str]] = {}
    for action, resource, condition in granted:
        if resource == ANY and action.startswith("s3:") and not _is_bare(action, condition):
            data.setdefault(condition, set()).add(action)
    for number, (condition, actions) in enumerate(sorted(data.items())):
        yield allow(f"Data{number}", sorted(actions), [ANY], json.loads(condition))


def _is_bare(action: str, condition: str) -> bool:
    return condition == _ALWAYS or action.partition(":")[0] not in ("kms", "s3")


def _keys(granted: Iterable[_Grant], scope: ArnScope, project: str) -> Iterator[Statement]:
    """The project's keys by their tags, the keys of its state by their ARNs, and no other key of the account."""
    keys = {resource for action, resource, _ in granted if action.startswith("kms:") and resource != ANY}
    named = sorted(key for key in keys if "/" in key and (":alias/" in key or ANY not in key.rpartition("/")[2]))
    if named:
        yield allow("KeysByName", ["kms:*"], named)
    tags = {"StringLike": {"aws:ResourceTag/mlops:project": f"{project}*"}}
    yield allow("KeysByTag", ["kms:*"], [scope.in_region(ANY).of_account(ANY).arn("kms", "key/*")], tags)
    new = {"StringLike": {"aws:RequestTag/mlops:project": f"{project}*"}}
    # A key that is being made has no ARN yet.
    yield allow("NewKeys", ["kms:CreateKey", "kms:TagResource"], [ANY], new)


def _refused(boundaries: list[str]) -> Iterator[Statement]:
    """What would lead out of the boundary: a role without one, or with another, or another text of one of them."""
    deny = {"Effect": "Deny"}
    making = allow("RolesWithinBoundary", _BOUND, [ANY])
    yield {**making, **deny, "Condition": {"StringNotLike": {"iam:PermissionsBoundary": boundaries}}}
    yield {**allow("KeepBoundaryOfRoles", ["iam:DeleteRolePermissionsBoundary"], [ANY]), **deny}
    rewriting = ("iam:CreatePolicyVersion", "iam:DeletePolicy*", "iam:SetDefaultPolicyVersion")
    yield {**allow("KeepBoundaries", rewriting, [one for one in boundaries if ANY not in one]), **deny}
