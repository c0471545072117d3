"""AWS Service Catalog: what an account's catalog holds, and the rules about what may be done to it."""

import json
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any

from moto.core.base_backend import BaseBackend
from moto.core.utils import utcnow
from moto.iam.exceptions import NotFoundException
from moto.iam.models import iam_backends
from moto.moto_api._internal import mock_random
from moto.servicecatalog.models import servicecatalog_backends

from awsmodel.cloudformation.template import Template
from sandbox.emulator.core.callers import Caller
from sandbox.emulator.core.errors import ServiceError

MAX_ARTIFACTS = 100
SHARE_DELAY_VARIABLE = "SM_MLOPS_SHARE_DELAY"
"""In the emulator's environment: how many listings leave out a portfolio that has just been shared; default 1."""

_ROLE_NAME = re.compile(r"[\w+=,.@/-]{1,512}")
_ARN = re.compile(r"arn:[a-z-]+:(?:iam|sts)::\d{12}:(?:(?:role|user|group|assumed-role)/[^*?]+|root)")
_PATTERN = re.compile(r"arn:[a-z-]+:iam:::(?:role|user|group)/.+")


def missing(kind: str, identity: object) -> ServiceError:
    """Return the error for something that is not there."""
    return ServiceError("ResourceNotFoundException", f"{kind} {identity} not found.")


def invalid(message: str) -> ServiceError:
    """Return the error for a request that makes no sense."""
    return ServiceError("InvalidParametersException", message)


def in_use(message: str) -> ServiceError:
    """Return the error for something that others hold on to."""
    return ServiceError("ResourceInUseException", message)


def role_id(arn: str, account: str, partition: str) -> str:
    """Return the id that IAM gave to a role; empty for what is no role, or does not exist."""
    try:
        return str(iam_backends[account][partition].get_role_by_arn(arn).id)
    except NotFoundException:
        return ""


def new_id(prefix: str) -> str:
    """Return an id of the form that Service Catalog gives, e.g. `port-4kmtmpanfezhq`."""
    return f"{prefix}-{mock_random.get_random_string(length=13, lower_case=True)}"


@dataclass(kw_only=True)
class Artifact:
    """One version of a product."""

    id: str
    name: str
    description: str
    url: str
    template: Template
    """The template as it was when the version was made."""
    kind: str
    active: bool = True
    guidance: str = "DEFAULT"
    created: datetime = field(default_factory=utcnow)


@dataclass(kw_only=True)
class Constraint:
    """A rule for one product in one portfolio."""

    id: str
    kind: str
    portfolio: str
    product: str
    description: str
    parameters: str
    owner: str


@dataclass(kw_only=True)
class Product:
    """A product with its versions, by id in the order in which they were made."""

    id: str
    arn: str
    fields: dict[str, str]
    kind: str
    artifacts: dict[str, Artifact] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    created: datetime = field(default_factory=utcnow)


@dataclass(kw_only=True)
class Share:
    """A portfolio's share with an account or a part of an organization."""

    kind: str
    receiver: str
    tag_options: bool
    principals: bool
    token: str


@dataclass(kw_only=True)
class Portfolio:
    """A portfolio, its own or one that another account shares."""

    id: str
    arn: str
    name: str
    provider: str
    description: str
    imported: bool = False
    tags: dict[str, str] = field(default_factory=dict)
    principals: dict[tuple[str, str], str] = field(default_factory=dict)
    """By ARN or pattern and its type, in the order of association: the id that a role had then, empty for others."""
    products: dict[str, None] = field(default_factory=dict)
    shares: dict[tuple[str, str], Share] = field(default_factory=dict)
    created: datetime = field(default_factory=utcnow)
    hidden_for: int = 0
    """How many more listings of accepted shares leave it out."""

    def lets_in(self, caller: Caller) -> bool:
        """Say whether the caller is a principal of this portfolio.

        A role that was deleted and made anew is another role, though its name is the same.
        """
        pattern_of = caller.principal.replace(f":{caller.account}:", "::")
        return any(
            fnmatchcase(pattern_of, arn)
            if kind == "IAM_PATTERN"
            else arn == caller.principal and identity in ("", role_id(arn, caller.account, caller.partition))
            for (arn, kind), identity in self.principals.items()
        )


@dataclass(kw_only=True)
class Record:
    """One operation on a provisioned product."""

    id: str
    kind: str
    provisioned: str
    name: str
    product: str
    artifact: str
    path: str
    token: str
    role_arn: str | None
    status: str = "IN_PROGRESS"
    errors: list[dict[str, str]] = field(default_factory=list)
    outputs: list[dict[str, str]] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)
    created: datetime = field(default_factory=utcnow)
    updated: datetime = field(default_factory=utcnow)


@dataclass(kw_only=True)
class Provisioned:
    """A product that somebody has launched."""

    id: str
    arn: str
    name: str
    product: str
    artifact: str
    path: str
    role_arn: str | None
    user_arn: str
    token: str
    status: str = "UNDER_CHANGE"
    message: str = ""
    stack_id: str = ""
    tags: dict[str, str] = field(default_factory=dict)
    outputs: list[dict[str, str]] = field(default_factory=list)
    records: list[str] = field(default_factory=list)
    created: datetime = field(default_factory=utcnow)


@dataclass(kw_only=True)
class TagOption:
    """A tag's key and value that launches may or must carry."""

    id: str
    key: str
    value: str
    owner: str
    active: bool = True
    resources: dict[str, None] = field(default_factory=dict)


class Catalog:
    """The catalog of one account and region."""

    def __init__(self, partition: str, region: str, account: str) -> None:
        self._prefix = f"arn:{partition}:catalog:{region}:{account}"
        self._stack_prefix = f"arn:{partition}:servicecatalog:{region}:{account}"
        self.account = account
        self.partition = partition
        self.portfolios: dict[str, Portfolio] = {}
        self.products: dict[str, Product] = {}
        self.constraints: dict[str, Constraint] = {}
        self.tag_options: dict[str, TagOption] = {}
        self.provisioned: dict[str, Provisioned] = {}
        self.records: dict[str, Record] = {}
        self.budgets: dict[str, dict[str, None]] = {}
        """The names of the budgets of a portfolio or a product, by its id."""
        self.answers: dict[str, str] = {}
        """What a request with an idempotency token has made."""

    def add_portfolio(
        self, name: str, provider: str, description: str, tags: dict[str, str], *, imported: bool = False
    ) -> Portfolio:
        """Make a portfolio; an imported one shows after as many listings as the environment says."""
        identity = new_id("port")
        self.portfolios[identity] = Portfolio(
            id=identity,
            arn=f"{self._prefix}:portfolio/{identity}",
            name=name,
            provider=provider,
            description=description,
            tags=tags,
            imported=imported,
            hidden_for=int(os.environ.get(SHARE_DELAY_VARIABLE, "1")) if imported else 0,
        )
        return self.portfolios[identity]

    def portfolio(self, identity: str) -> Portfolio:
        """Return a portfolio."""
        if identity not in self.portfolios:
            raise missing("Portfolio", identity)
        return self.portfolios[identity]

    def own_portfolio(self, identity: str) -> Portfolio:
        """Return a portfolio that this account may change."""
        portfolio = self.portfolio(identity)
        if portfolio.imported:
            raise ServiceError("AccessDeniedException", f"Portfolio {identity} belongs to another account.")
        return portfolio

    def remove_portfolio(self, identity: str) -> None:
        """Remove a portfolio that nothing hangs on."""
        portfolio = self.own_portfolio(identity)
        held = {
            "products": portfolio.products,
            "principals": portfolio.principals,
            "shares": portfolio.shares,
            "constraints": self.constraints_of(identity),
        }
        kinds = [kind for kind, found in held.items() if found]
        if kinds:
            raise in_use(f"Portfolio {identity} is in use: it still has {', '.join(kinds)}.")
        self._forget(identity)
        del self.portfolios[identity]

    def associate_principal(self, portfolio: Portfolio, arn: str, kind: str) -> None:
        """Let a principal, or all that a pattern names, launch what is in a portfolio; again is no error."""
        form = _PATTERN if kind == "IAM_PATTERN" else _ARN
        if not form.fullmatch(arn):
            wanted = (
                "IAM_PATTERN takes an ARN without an account, e.g. arn:aws:iam:::role/name*"
                if kind == "IAM_PATTERN"
                else "IAM takes the full ARN of a user, group or role"
            )
            raise invalid(f"Invalid principal {arn}: {wanted}.")
        known = role_id(arn, self.account, self.partition) if kind == "IAM" else ""
        portfolio.principals.setdefault((arn, kind), known)

    def product(self, identity: str) -> Product:
        """Return a product."""
        if identity not in self.products:
            raise missing("Product", identity)
        return self.products[identity]

    def add_product(self, fields: dict[str, str], kind: str, tags: dict[str, str]) -> Product:
        """Make a product without versions."""
        identity = new_id("prod")
        return Product(id=identity, arn=f"{self._prefix}:product/{identity}", fields=fields, kind=kind, tags=tags)

    def remove_product(self, identity: str) -> None:
        """Remove a product that is in no portfolio and that nobody has launched."""
        self.product(identity)
        portfolios = [portfolio.id for portfolio in self.portfolios.values() if identity in portfolio.products]
        if portfolios:
            raise in_use(f"Product {identity} is associated with {', '.join(portfolios)}: disassociate it first.")
        launched = [one.name for one in self.provisioned.values() if one.product == identity]
        if launched:
            raise in_use(f"Product {identity} has provisioned products: {', '.join(launched)}.")
        self._forget(identity)
        del self.products[identity]

    def disassociate_product(self, product: str, portfolio: Portfolio) -> None:
        """Take a product from a portfolio that has no constraint for it."""
        self.product(product)
        if product not in portfolio.products:
            raise missing("Product", f"{product} in portfolio {portfolio.id}")
        constraints = [constraint.id for constraint in self.constraints_of(portfolio.id, product)]
        if constraints:
            raise in_use(f"Product {product} in portfolio {portfolio.id} has constraints: {', '.join(constraints)}.")
        del portfolio.products[product]

    def artifact(self, product: Product, identity: str) -> Artifact:
        """Return a version of a product."""
        if identity not in product.artifacts:
            raise missing("Provisioning Artifact", identity)
        return product.artifacts[identity]

    def add_artifact(self, product: Product, artifact: Artifact) -> Artifact:
        """Give a product one more version."""
        if len(product.artifacts) >= MAX_ARTIFACTS:
            raise ServiceError(
                "LimitExceededException", f"Product {product.id} has {MAX_ARTIFACTS} provisioning artifacts already."
            )
        product.artifacts[artifact.id] = artifact
        return artifact

    def remove_artifact(self, product: Product, artifact: Artifact) -> None:
        """Remove a version that is not the last and that nobody has launched."""
        if len(product.artifacts) == 1:
            raise in_use(f"{artifact.id} is the last provisioning artifact of {product.id}.")
        launched = [one.name for one in self.provisioned.values() if one.artifact == artifact.id]
        if launched:
            raise in_use(f"Provisioning artifact {artifact.id} has provisioned products: {', '.join(launched)}.")
        del product.artifacts[artifact.id]

    def constraints_of(self, portfolio: str, product: str | None = None) -> list[Constraint]:
        """Return the constraints of a portfolio, or of one product in it."""
        return [
            constraint
            for constraint in self.constraints.values()
            if constraint.portfolio == portfolio and product in {None, constraint.product}
        ]

    def add_constraint(self, portfolio: str, product: str, kind: str, description: str, parameters: str) -> Constraint:
        """Make a constraint for a product in a portfolio."""
        self.product(product)
        if product not in self.own_portfolio(portfolio).products:
            raise missing("Product", f"{product} in portfolio {portfolio}")
        check_constraint(kind, parameters)
        if kind in _SINGLE and any(one.kind == kind for one in self.constraints_of(portfolio, product)):
            raise ServiceError(
                "DuplicateResourceException",
                f"Product {product} in portfolio {portfolio} has a {kind} constraint already.",
            )
        made = Constraint(
            id=new_id("cons"),
            kind=kind,
            portfolio=portfolio,
            product=product,
            description=description,
            parameters=parameters,
            owner=self.account,
        )
        self.constraints[made.id] = made
        return made

    def constraint(self, identity: str) -> Constraint:
        """Return a constraint."""
        if identity not in self.constraints:
            raise missing("Constraint", identity)
        return self.constraints[identity]

    def tag_option(self, identity: str) -> TagOption:
        """Return a tag option."""
        if identity not in self.tag_options:
            raise missing("TagOption", identity)
        return self.tag_options[identity]

    def resource(self, identity: str) -> Portfolio | Product:
        """Return the portfolio or the product with that id."""
        found = self.portfolios.get(identity) or self.products.get(identity)
        if found is None:
            raise missing("Resource", identity)
        return found

    def tag_options_of(self, identity: str) -> list[TagOption]:
        """Return the tag options of a portfolio or a product."""
        return [option for option in self.tag_options.values() if identity in option.resources]

    def _forget(self, identity: str) -> None:
        self.budgets.pop(identity, None)
        for option in self.tag_options.values():
            option.resources.pop(identity, None)

    def paths(self, caller: Caller, product: str) -> dict[str, Portfolio]:
        """Return the portfolios through which the caller may launch a product, by the id of the launch path."""
        return {
            f"lpv3-{portfolio.id.removeprefix('port-')}": portfolio
            for portfolio in self.portfolios.values()
            if product in portfolio.products and portfolio.lets_in(caller)
        }

    def provisioned_arn(self, name: str, identity: str) -> str:
        """Return the ARN of a provisioned product."""
        return f"{self._stack_prefix}:stack/{name}/{identity}"


class ServiceCatalogBackend(BaseBackend):
    """The catalog of one account and region."""

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.catalog = Catalog(self.partition, region_name, account_id)

    def iter_tagged_resources(self) -> Iterable[Any]:
        """Nothing: the tagging service does not ask for the catalog."""
        return ()


def backend(account: str, region: str) -> ServiceCatalogBackend:
    """Return the catalog's backend of an account and region."""
    found: Any = servicecatalog_backends[account][region]
    assert isinstance(found, ServiceCatalogBackend)  # noqa: S101 - install put it there
    return found


_SINGLE = ("LAUNCH", "RESOURCE_UPDATE", "STACKSET")


def check_constraint(kind: str, parameters: str) -> dict[str, Any]:
    """Return the parameters of a constraint, read; the API's error where they are not what its type takes."""
    try:
        read = json.loads(parameters)
    except ValueError as error:
        raise invalid(f"The constraint's parameters are not JSON: {error}") from error
    if not isinstance(read, dict):
        raise invalid("The constraint's parameters must be a JSON object.")
    wanted = _CONSTRAINTS.get(kind)
    if wanted is None:
        raise invalid(f"Invalid constraint type {kind}: {', '.join(_CONSTRAINTS)} are allowed.")
    problem = wanted(read)
    if problem:
        raise invalid(f"Invalid parameters of a {kind} constraint: {problem}")
    return read


def _launch(parameters: dict[str, Any]) -> str:
    if len(parameters.keys() & {"RoleArn", "LocalRoleName"}) != 1 or len(parameters) != 1:
        return "either RoleArn or LocalRoleName is needed."
    if "RoleArn" in parameters and not _ARN.fullmatch(parameters["RoleArn"]):
        return f"{parameters['RoleArn']!r} is not the ARN of a role."
    if "LocalRoleName" in parameters and not _ROLE_NAME.fullmatch(parameters["LocalRoleName"]):
        return f"{parameters['LocalRoleName']!r} is not the name of a role."
    return ""


def _notification(parameters: dict[str, Any]) -> str:
    arns = parameters.get("NotificationArns")
    return "" if isinstance(arns, list) and arns else "NotificationArns must be a list of SNS topics."


def _resource_update(parameters: dict[str, Any]) -> str:
    value = parameters.get("Properties", {}).get("TagUpdateOnProvisionedProduct")
    allowed = ("ALLOWED", "NOT_ALLOWED")
    return "" if value in allowed else f"Properties.TagUpdateOnProvisionedProduct must be one of {', '.join(allowed)}."


def _template(parameters: dict[str, Any]) -> str:
    return "" if isinstance(parameters.get("Rules"), dict) else "Rules are needed."


_CONSTRAINTS = {
    "LAUNCH": _launch,
    "NOTIFICATION": _notification,
    "RESOURCE_UPDATE": _resource_update,
    "TEMPLATE": _template,
}
