"""What a launch role may do: the one that the program makes, AWS's own, or one that exists."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import settings
from components import project_policies
from components.naming import ANY_ACCOUNT_ID, Names
from components.permissions import Statement, statements
from components.providers.aws_access import explained
from components.regions import known_regions
from components.role_documents import RoleChoices
from tools.faults import ToolError
from tools.launch_permissions.needs import Environment
from tools.launch_permissions.resource_rights import Place
from tools.stack_file import StackFile

MANAGED_POLICY = Path(__file__).parent / "managed_policy.json"
"""AWS's policy for launch roles of SageMaker Projects, as it was on the day that the file names."""

_ANY_REGION = "eu-west-1"
_ANY_NAMES = Names("sm-mlops", "dev")
_STACK_SET_ADMINISTRATION = "AWSCloudFormationStackSetAdministrationRole"
_PROJECT_ROLES = ("CodePipeline", "CodeBuild", "Events", "CloudFormation", "SageMaker", "Lambda")


@dataclass(frozen=True, kw_only=True)
class LaunchRole:
    """A role, and the launches that it is judged for."""

    title: str
    """What it is, for people."""
    policy: Sequence[Statement]
    """Statements of all its policies."""
    boundary: Sequence[Statement] | None
    """Statements of its own permissions boundary; none means that it has none."""
    place: Place
    """Where it launches."""
    environment: Environment
    """What the environment mapping of a template is filled with when this role launches it."""
    project_boundary: Sequence[Statement] | None = None
    """The boundary of the roles that projects make, where this check can tell it."""
    exact: bool = False
    """Whether every grant of it must be of use to a product."""


def ours(stack: StackFile | None) -> LaunchRole:
    """The role that the program makes: of a stack, or of any.

    Raises:
        ToolError: the stack makes none.
    """
    catalog = _catalog(stack) if stack else None
    launch = stack.settings.iam.choices if stack else RoleChoices()
    if stack and launch.launch_role_arn:
        raise ToolError(f"{stack.path.name}: {launch.launch_role_arn} launches; check it with --role-arn")
    region = known_regions()[stack.settings.home_region if stack else _ANY_REGION]
    names = stack.settings.names if stack else _ANY_NAMES
    account_id = _account_id(stack) if stack else ANY_ACCOUNT_ID
    told = catalog is None or catalog.notify_launches
    in_network = stack is None or bool(stack.settings.network)
    topic_arn = f"arn:{region.partition}:sns:{region.name}:{account_id}:{names.prefix}" if told else ""
    boundary_arn = f"arn:{region.partition}:iam::{account_id}:policy/{names.project_boundary.value}"
    # Whether projects may deploy stack sets is for the settings to say: the boundary without them has no gap.
    stack_sets = f"arn:{region.partition}:iam::{account_id}:role/{_STACK_SET_ADMINISTRATION}"
    return LaunchRole(
        title=f"{names.launch_role.value}, which the program makes",
        policy=project_policies.launch_statements(
            region, account_id, boundary_arn, topic_arn or None, in_network=in_network
        ),
        boundary=None,
        place=Place(region=region, account_id=account_id, topic_arn=topic_arn),
        environment=_published(names, in_network=in_network),
        project_boundary=project_policies.boundary_statements(region, account_id, stack_sets, in_network=in_network),
        exact=not stack,
    )


def managed(stack: StackFile | None) -> LaunchRole:
    """A role with AWS's managed policy and nothing else; projects may bring their own roles or use AWS's."""
    region = known_regions()[stack.settings.home_region if stack else _ANY_REGION]
    account_id = _account_id(stack) if stack else ANY_ACCOUNT_ID
    text = MANAGED_POLICY.read_text(encoding="utf-8").replace("arn:aws:", f"arn:{region.partition}:")
    fixture = json.loads(text)
    place = Place(region=region, account_id=account_id)
    use_role = place.arn("iam::{account}:role/service-role/AmazonSageMakerServiceCatalogProductsUseRole")
    names = stack.settings.names if stack else _ANY_NAMES
    in_network = stack is not None and bool(stack.settings.network)
    return LaunchRole(
        title=f"AWS's {fixture['name']}, {fixture['version']} of {fixture['updated']}",
        policy=statements(fixture["document"]),
        boundary=None,
        place=place,
        environment={
            **_published(names, in_network=in_network),
            **{f"Roles.{key}": ["", use_role] for key in _PROJECT_ROLES},
        },
    )


def existing(role_arn: str, stack: StackFile) -> LaunchRole:
    """A role of an account, read as the stack's `aws:` configuration reaches it.

    Raises:
        ToolError: that is no ARN of a role.
        AwsError: it cannot be read.
    """
    catalog, region = _catalog(stack), known_regions()[stack.settings.home_region]
    parts = role_arn.split(":", 5)
    if len(parts) != 6 or parts[2] != "iam" or not parts[5].startswith("role/"):
        raise ToolError(
            f"--role-arn: {role_arn!r} is not the ARN of a role, such as arn:...:iam::<account>:role/<name>"
        )
    name = role_arn.rpartition("/")[2]
    with explained(f"reading role {name}", "iam", region.name):
        policy, boundary = read_role(stack.access.client("iam", region.name), name)
    topic = Place(region=region, account_id=parts[4]).arn("sns:{region}:{account}:" + stack.settings.names.prefix)
    return LaunchRole(
        title=role_arn,
        policy=policy,
        boundary=boundary,
        place=Place(region=region, account_id=parts[4], topic_arn=topic if catalog.notify_launches else ""),
        environment=_published(stack.settings.names, in_network=bool(stack.settings.network)),
    )


def read_role(iam: Any, name: str) -> tuple[list[Statement], list[Statement] | None]:  # noqa: ANN401 - a botocore client
    """Statements of a role's inline and attached policies, and of its boundary."""
    found: list[Statement] = []
    for page in iam.get_paginator("list_role_policies").paginate(RoleName=name):
        for policy in page["PolicyNames"]:
            document = iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
            found += statements(_decoded(document))
    for page in iam.get_paginator("list_attached_role_policies").paginate(RoleName=name):
        for attached in page["AttachedPolicies"]:
            found += _default_version(iam, attached["PolicyArn"])
    boundary = iam.get_role(RoleName=name)["Role"].get("PermissionsBoundary")
    return found, _default_version(iam, boundary["PermissionsBoundaryArn"]) if boundary else None


def grants(policy: Sequence[Statement]) -> Iterator[Statement]:
    """Each allow statement cut into its parts: one action, one resource and one value of each condition."""
    for statement in policy:
        if statement["Effect"] == "Allow":
            for condition in _parts(statement.get("Condition", {})):
                for action in _listed(statement["Action"]):
                    for resource in _listed(statement["Resource"]):
                        yield {**statement, "Action": action, "Resource": resource, "Condition": condition}


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


def _published(names: Names, *, in_network: bool) -> Environment:
    """What the program fills in: a boundary always, and roles of the project's own."""
    own_roles: dict[str, Sequence[str]] = {f"Roles.{key}": [""] for key in _PROJECT_ROLES}
    return {
        **own_roles,
        "Roles.PermissionsBoundary": [names.project_boundary.value],
        "Names.Project": [names.project],
        "Names.Environment": [names.environment],
        # Where projects may run in a VPC, launches of a region with one and of a region without one are looked at.
        **({} if in_network else {"Network.VpcId": [""]}),
    }


def _catalog(stack: StackFile) -> settings.Catalog:
    if stack.settings.catalog is None:
        raise ToolError(f"{stack.path.name} has no sm-mlops:catalog, so nothing is launched")
    return stack.settings.catalog


def _account_id(stack: StackFile) -> str:
    allowed = stack.values.get("aws:allowedAccountIds") or [ANY_ACCOUNT_ID]
    return str(allowed[0])


def _default_version(iam: Any, arn: str) -> list[Statement]:  # noqa: ANN401 - a botocore client
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    document = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
    return statements(_decoded(document))


def _decoded(document: Any) -> Mapping[str, Any]:  # noqa: ANN401 - botocore reads policies out of their URL encoding
    loaded: Mapping[str, Any] = json.loads(document) if isinstance(document, str) else document
    return loaded
