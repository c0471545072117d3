"""What a launch role may do: the one that the program makes, AWS's own, or one that exists."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from awsmodel.arns import ArnScope
from awsmodel.iam.evaluation import Statement, statements, values
from awsmodel.regions import known_regions
from components.core.naming import ANY_ACCOUNT_ID, Names
from components.core.network import Network
from components.iam import role_documents
from components.iam.role_documents import WELL_KNOWN_PATH, WELL_KNOWN_USE_ROLE, RoleFacts
from components.providers import iam_roles
from components.providers.aws_access import explained
from components.sections.catalog import CatalogSpec, ProjectSource
from components.sections.iam import CreatedUseRoles, IamSpec, RoleMode, UseRole
from settings.roles import role_facts
from tools.faults import ToolError
from tools.launch_permissions.needs import Environment
from tools.launch_permissions.resource_rights import LaunchScope
from tools.stack_file import StackFile

MANAGED_POLICY = Path(__file__).parent / "managed_policy.json"
"""AWS's policy for launch roles of SageMaker Projects, as it was on the day that the file names."""

_ANY_REGION = known_regions()["eu-west-1"]
_ANY_CATALOG = CatalogSpec(
    products=("any",),
    notify_launches=True,
    project_source=ProjectSource(
        connection_arn=ArnScope.of(_ANY_REGION, ANY_ACCOUNT_ID).arn(
            "codeconnections", "connection/11111111-2222-3333-4444-555555555555"
        )
    ),
)
_ANY_FACTS = RoleFacts(
    names=Names("sm-mlops", "dev"),
    home=_ANY_REGION,
    account_id=ANY_ACCOUNT_ID,
    catalog=_ANY_CATALOG,
    networks={
        _ANY_REGION.name: Network(
            vpc_id="vpc-0a1b2c3d",
            subnet_ids=("subnet-0a1b2c3d", "subnet-1a2b3c4d"),
            security_group_ids=("sg-0a1b2c3d",),
        ),
    },
)


@dataclass(frozen=True, kw_only=True)
class LaunchRole:
    """A role, and the launches that it is judged for."""

    title: str
    """What it is, for people."""
    policy: Sequence[Statement]
    """Statements of all its policies."""
    boundary: Sequence[Statement] | None
    """Statements of its own permissions boundary; none means that it has none."""
    scope: LaunchScope
    """Where it launches."""
    environment: Environment
    """What the environment mapping of a template is filled with when this role launches it."""
    project_boundary: Sequence[Statement] | None = None
    """The boundary of the roles that projects make, where this check can tell it."""
    exact: bool = False
    """Whether every grant of it must be of use to a product."""


def ours(stack: StackFile | None, *, iam: IamSpec | None = None) -> LaunchRole:
    """Return the role that the program makes: of a stack, or of any.

    Args:
        stack: the stack, whose settings say who makes the roles that work in projects.
        iam: who makes them, where no stack says so; left out, each project.

    Raises:
        ToolError: the role is supplied to the stack.
    """
    facts = _facts(stack) if stack else replace(_ANY_FACTS, iam=iam or IamSpec())
    if stack and facts.iam.launch_mode is RoleMode.SUPPLIED:
        raise ToolError(f"{stack.path.name}: {facts.launch_role_arn} launches; check it with --role-arn")
    own, scope = role_documents.launch_role(facts), _scope(facts)
    # Whether projects may deploy stack sets, read data and have a key is for the settings to say: a boundary without
    # them has no gap.
    chosen = {
        "stack_set_role_arn": scope.arns.role("AWSCloudFormationStackSetAdministrationRole"),
        "data_buckets": None,
        "project_key_arns": {scope.region.name: _key_arn(facts)},
    }
    catalog = (facts.catalog or _ANY_CATALOG).model_copy(update=chosen)
    makes = "that make their own roles" if not facts.use_role_arns else "with roles of the environment"
    return LaunchRole(
        title=f"{own.name}, for projects {makes}",
        policy=own.statements,
        boundary=None,
        scope=scope,
        environment=_published(facts),
        project_boundary=role_documents.project_boundary(replace(facts, catalog=catalog)),
        exact=not stack,
    )


def of_any_stack() -> list[LaunchRole]:
    """Give the roles that the program makes: where projects make their own roles, and where the stack makes them."""
    return [ours(None), ours(None, iam=IamSpec(use=CreatedUseRoles(mode="create")))]


def managed(stack: StackFile | None) -> LaunchRole:
    """Return a role with AWS's managed policy and nothing else; projects may make their own roles or use AWS's."""
    facts = _facts(stack) if stack else replace(_ANY_FACTS, catalog=None)
    beginning = _ANY_FACTS.arns.form("")
    text = MANAGED_POLICY.read_text(encoding="utf-8").replace(beginning, facts.arns.form(""))
    fixture = json.loads(text)
    scope = _scope(facts)
    use_role = scope.arns.role(WELL_KNOWN_USE_ROLE, WELL_KNOWN_PATH)
    return LaunchRole(
        title=f"AWS's {fixture['name']}, {fixture['version']} of {fixture['updated']}",
        policy=statements(fixture["document"]),
        boundary=None,
        scope=scope,
        environment={**_published(facts), **{f"Roles.{role}": ["", use_role] for role in UseRole}},
    )


def existing(role_arn: str, stack: StackFile) -> LaunchRole:
    """Return a role of an account, read as the stack's `aws:` configuration reaches it.

    Raises:
        ToolError: that is no ARN of a role.
        AwsError: it cannot be read.
    """
    parts = role_arn.split(":", 5)
    if len(parts) != 6 or parts[2] != "iam" or not parts[5].startswith("role/"):
        raise ToolError(
            f"--role-arn: {role_arn!r} is not the ARN of a role, such as arn:...:iam::<account>:role/<name>"
        )
    facts, name = replace(_facts(stack), account_id=parts[4]), role_arn.rpartition("/")[2]
    with explained(f"reading role {name}", "iam", facts.home.name):
        policy, boundary = iam_roles.read(stack.access.client("iam", facts.home.name), name)
    return as_read(role_arn, policy, boundary, facts)


def as_read(
    role_arn: str, policy: Sequence[Statement], boundary: Sequence[Statement] | None, facts: RoleFacts
) -> LaunchRole:
    """Return a role of an account, as it was read, judged for the launches of a stack.

    Args:
        role_arn: the role.
        policy: statements of its policies.
        boundary: statements of its boundary; none means that it has none.
        facts: what the documents of the stack's roles depend on.
    """
    return LaunchRole(
        title=role_arn, policy=policy, boundary=boundary, scope=_scope(facts), environment=_published(facts)
    )


def grants(policy: Sequence[Statement]) -> Iterator[Statement]:
    """Each allow statement cut into its parts: one action, one resource and one value of each condition."""
    for statement in policy:
        if statement["Effect"] == "Allow":
            for condition in _parts(statement.get("Condition", {})):
                # What is granted but for some is one part.
                for action in [{}] if "NotAction" in statement else _each(statement, "Action"):
                    for resource in [{}] if "NotResource" in statement else _each(statement, "Resource"):
                        yield {**statement, **action, **resource, "Condition": condition}


def _each(statement: Statement, element: str) -> list[dict[str, str]]:
    return [{element: value} for value in values(statement.get(element, "*"))]


def _parts(condition: Mapping[str, Mapping[str, Any]]) -> Iterator[dict[str, dict[str, Any]]]:
    parts: list[dict[str, dict[str, Any]]] = [{}]
    for operator, keys in condition.items():
        for key, wanted in keys.items():
            # Several values of a negation hold together, those of anything else in turn.
            chosen = [wanted] if "Not" in operator else _listed(wanted)
            parts = [{**part, operator: {**part.get(operator, {}), key: value}} for part in parts for value in chosen]
    yield from parts


def _listed(value: Any) -> list[Any]:  # noqa: ANN401 - a text or a list of them
    return list(value) if isinstance(value, list | tuple) else [value]


def _facts(stack: StackFile) -> RoleFacts:
    if stack.settings.catalog is None:
        raise ToolError(f"{stack.path.name} has no sm-mlops:catalog, so nothing is launched")
    allowed = stack.values.get("aws:allowedAccountIds") or [ANY_ACCOUNT_ID]
    return role_facts(stack.settings, str(allowed[0]))


def _scope(facts: RoleFacts) -> LaunchScope:
    topic_arn = facts.topic_arn if facts.launches_tell_topic else ""
    return LaunchScope(region=facts.home, account_id=facts.account_id, topic_arn=topic_arn)


def _published(facts: RoleFacts) -> Environment:
    """Tell what the program fills in: a boundary always, and roles where the projects make none."""
    roles: dict[str, Sequence[str]] = {f"Roles.{role}": [facts.use_role_arns.get(role, "")] for role in UseRole}
    return {
        **roles,
        "Roles.PermissionsBoundary": [facts.names.project_boundary.value],
        "Names.Project": [facts.names.project],
        "Names.Environment": [facts.names.environment],
        "Notifications.TopicArn": ["", facts.topic_arn],
        "Source.ConnectionArn": [facts.connection_arn or ""],
        "Encryption.KmsKeyArn": ["", _key_arn(facts)],
        **_networks(facts),
    }


def _key_arn(facts: RoleFacts) -> str:
    """The customer key of projects, or one that they could have."""
    return next(iter(facts.key_arns), facts.arns.arn("kms", "key/11111111-2222-3333-4444-555555555555"))


def _networks(facts: RoleFacts) -> Environment:
    """Where projects may run in a VPC, launches of a region with one and of a region without one are looked at."""
    for network in facts.project_networks.values():
        return {f"Network.{key}": ["", value] if key == "VpcId" else [value] for key, value in network.values.items()}
    return {"Network.VpcId": [""]}
