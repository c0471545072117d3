"""What a launch role lacks for the products' templates, and what it has that none of them needs."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from awsmodel.iam.evaluation import Request, Statement, allowed, applies, heeding
from components.packaging import Product
from components.sections.iam import UseRole
from tools.faults import ToolError
from tools.launch_permissions.needs import Environment, Launch, Need
from tools.launch_permissions.resource_rights import LaunchScope
from tools.launch_permissions.roles import LaunchRole, grants

_SHARED = f"Roles.{UseRole.SAGEMAKER}"
"""Empty where projects make their own roles; all of them are, or none is."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A request that is refused, wherever it is made in the same way."""

    product: str
    logical_id: str
    type_name: str
    operations: Sequence[str]
    """When it is made: `create`, `update`, `delete`."""
    action: str
    resource: str
    context: Mapping[str, str]
    """Condition keys that a statement may ask for, without the tags."""
    choice: Mapping[str, str]
    """Choices without which it is not made; empty where every launch makes it."""


@dataclass(frozen=True, kw_only=True)
class Findings:
    """The result of the check."""

    missing: Sequence[Finding]
    """What the launch role may not do."""
    beyond_boundary: Sequence[Finding]
    """What roles of the projects are given and their boundary takes away again."""
    useless: Sequence[Statement]
    """Grants of the launch role that no product needs, one action and one resource each; nothing is told of them where
    something is unknown, which may need them."""
    unknown: Sequence[str]
    """What could not be judged, one sentence each; all else was."""

    @property
    def passed(self) -> bool:
        """Whether nothing was found."""
        return not (self.missing or self.beyond_boundary or self.useless)


def launched_by(role: LaunchRole, products: Iterable[Product]) -> list[Product]:
    """Leave out the products that need roles of their own, where the role launches projects that share roles."""
    return [one for one in products if not one.own_roles or "" in role.environment[_SHARED]]


def check(products: Iterable[Product], role: LaunchRole) -> Findings:
    """Compare what launching the products takes with what a role may do. What cannot be judged is told, and no more."""
    launches: list[Launch] = []
    unknown: list[str] = []
    for product in launched_by(role, products):
        try:
            launches.append(Launch(product, role.scope, _environment(product, role)))
        except ToolError as error:
            unknown.append(str(error))
    needs = [need for launch in launches for need in launch.needs()]
    own = [need for launch in launches for need in launch.role_needs()] if role.project_boundary is not None else []
    unknown += [reason for launch in launches for reason in launch.unknown]
    common, bound = _common(role.scope), role.project_boundary or ()
    # Keys are used through the service that keeps what they encrypt; here that of a topic.
    inside = {"aws:ResourceAccount": role.scope.account_id, "kms:ViaService": role.scope.region.endpoint("sns")}
    return Findings(
        missing=_grouped(_refused(needs, lambda one: allowed(role.policy, _with(one, common), role.boundary))),
        beyond_boundary=_grouped(_refused(own, lambda one: allowed(bound, heeding(bound, _with(one, inside))))),
        useless=list(_useless(role.policy, needs)) if role.exact and not unknown else [],
        unknown=unknown,
    )


def _environment(product: Product, role: LaunchRole) -> Environment:
    """What the mapping is filled with: where a role launches in both ways, only the one that the product knows."""
    own = {key: [""] for key in role.environment if key.startswith("Roles.") and key != "Roles.PermissionsBoundary"}
    return {**role.environment, **own} if product.own_roles else role.environment


def _refused(needs: Iterable[Need], may: Callable[[Request], bool]) -> Iterator[Need]:
    """Needs whose requests are refused; each request is judged once, however many choices lead to it."""
    verdicts: dict[str, bool] = {}
    for need in needs:
        text = str(need.request)
        if text not in verdicts:
            verdicts[text] = may(need.request)
        if not verdicts[text]:
            yield need


def _common(scope: LaunchScope) -> Mapping[str, str | Sequence[str]]:
    """Condition keys of every request that CloudFormation makes for a launch."""
    return {
        "aws:CalledVia": ["cloudformation.amazonaws.com"],
        "aws:PrincipalAccount": scope.account_id,
        "aws:RequestedRegion": scope.region.name,
        "aws:SecureTransport": "true",
        "aws:ViaAWSService": "true",
    }


def _with(request: Request, more: Mapping[str, str | Sequence[str]]) -> Request:
    return Request(request.action, request.resource, {**more, **request.context})


def _grouped(refused: Iterable[Need]) -> list[Finding]:
    groups: dict[tuple[str, str, str, str, str, tuple[tuple[str, str], ...]], list[Need]] = {}
    for need in refused:
        context = tuple(sorted(_telling(need.request.context)))
        key = (need.product, need.logical_id, need.type_name, need.request.action, need.request.resource, context)
        groups.setdefault(key, []).append(need)
    return [
        Finding(
            product=product,
            logical_id=logical_id,
            type_name=type_name,
            operations=list(dict.fromkeys(need.operation for need in group)),
            action=action,
            resource=resource,
            context=dict(context),
            choice=dict(set.intersection(*(set(need.choice.items()) for need in group))),
        )
        for (product, logical_id, type_name, action, resource, context), group in groups.items()
    ]


def _telling(context: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Keys that tell requests apart for people; tags are those of the template and would only fill the lines."""
    for key, value in context.items():
        if not key.startswith(("aws:RequestTag/", "aws:ResourceTag/", "aws:TagKeys")):
            yield key, str(value)


def _useless(policy: Sequence[Statement], needs: Sequence[Need]) -> Iterator[Statement]:
    asked: dict[str, list[Request]] = {}
    for need in needs:
        asked.setdefault(need.request.action, []).append(need.request)
    every = [request for requests in asked.values() for request in requests]
    for grant in grants(policy):
        # Actions that are named otherwise than as they are asked for are looked for among all.
        candidates = asked.get(grant.get("Action", ""), every)
        if not any(applies(grant, request) for request in candidates):
            yield grant
