"""Handlers of `aws:servicecatalog/*`."""
# ruff: noqa: ARG002 - the handlers share one signature

from collections.abc import Callable, Iterator
from typing import Any, ClassVar

from sandbox.provider.aws import Aws, Client
from sandbox.provider.resource import Change, Resource
from sandbox.provider.values import Names, Properties, present, tag_list, tag_map

SERVICE = "servicecatalog"
ABSENT = frozenset({"ResourceNotFoundException"})
ENGLISH = {"acceptLanguage": "en"}
NAMES = Names({"principalArn": "PrincipalARN"})


class Portfolio(Resource):
    """A portfolio."""

    kind = "aws:servicecatalog/portfolio:Portfolio"
    service = SERVICE
    replaces = frozenset[str]()
    updates = frozenset({"description", "name", "providerName", "tags"})
    computed = frozenset({"arn", "createdTime"})
    keeps = frozenset({"description"})
    name = "name"
    absent = ABSENT
    tagged = True

    def create(self, aws: Aws, inputs: Properties) -> str:
        """CreatePortfolio."""
        made = aws.client(SERVICE).create_portfolio(**_portfolio(inputs), Tags=tag_list(inputs.get("tags", {})))
        return str(made["PortfolioDetail"]["Id"])

    def configure(self, aws: Aws, ident: str, change: Change) -> None:
        """UpdatePortfolio."""
        if change.old and change.any("description", "name", "providerName"):
            aws.client(SERVICE).update_portfolio(Id=ident, **_portfolio(dict(change.new)))

    def retag(self, aws: Aws, ident: str, tags: dict[str, str], gone: list[str]) -> None:
        """UpdatePortfolio, which also tags."""
        aws.client(SERVICE).update_portfolio(Id=ident, AddTags=tag_list(tags), RemoveTags=gone)

    def read(self, aws: Aws, ident: str) -> Properties:
        """DescribePortfolio."""
        answer = aws.client(SERVICE).describe_portfolio(Id=ident)
        found = answer["PortfolioDetail"]
        return {
            "arn": found["ARN"],
            "createdTime": found["CreatedTime"].isoformat(),
            "description": found.get("Description", ""),
            "name": found["DisplayName"],
            "providerName": found["ProviderName"],
            "tagsAll": tag_map(answer.get("Tags", [])),
        }

    def delete(self, aws: Aws, ident: str, state: Properties) -> None:
        """DeletePortfolio."""
        aws.client(SERVICE).delete_portfolio(Id=ident)


def _portfolio(inputs: Properties) -> dict[str, Any]:
    return present(
        DisplayName=inputs["name"], Description=inputs.get("description"), ProviderName=inputs["providerName"]
    )


class Product(Resource):
    """A product with its first version; further versions are no business of this type."""

    kind = "aws:servicecatalog/product:Product"
    awaits_end = True
    service = SERVICE
    replaces = frozenset({"provisioningArtifactParameters"})
    texts: ClassVar = ("description", "distributor", "owner", "supportDescription", "supportEmail", "supportUrl")
    # As in the official plugin another type is an update that does not carry it, and a difference ever after.
    updates = frozenset({*texts, "acceptLanguage", "name", "tags", "type"})
    computed = frozenset({"arn", "createdTime", "hasDefaultPath", "status"})
    keeps = frozenset(texts) - {"owner"}
    # AWS tells versions, but not which of them this resource made.
    unread = frozenset({"acceptLanguage", "provisioningArtifactParameters"})
    defaults: ClassVar = ENGLISH
    name = "name"
    absent = ABSENT
    tagged = True

    def create(self, aws: Aws, inputs: Properties) -> str:
        """CreateProduct."""
        made = aws.client(SERVICE).create_product(
            ProductType=inputs["type"],
            ProvisioningArtifactParameters=_version(inputs["provisioningArtifactParameters"]),
            Tags=tag_list(inputs.get("tags", {})),
            **self._fields(inputs),
        )
        return str(made["ProductViewDetail"]["ProductViewSummary"]["ProductId"])

    def configure(self, aws: Aws, ident: str, change: Change) -> None:
        """UpdateProduct."""
        if change.old and change.any(*self.texts, "name"):
            aws.client(SERVICE).update_product(Id=ident, **self._fields(dict(change.new)))

    def retag(self, aws: Aws, ident: str, tags: dict[str, str], gone: list[str]) -> None:
        """UpdateProduct, which also tags."""
        aws.client(SERVICE).update_product(Id=ident, AddTags=tag_list(tags), RemoveTags=gone)

    def read(self, aws: Aws, ident: str) -> Properties:
        """DescribeProductAsAdmin."""
        answer = aws.client(SERVICE).describe_product_as_admin(Id=ident)
        found = answer["ProductViewDetail"]
        summary = found["ProductViewSummary"]
        return {
            "arn": found["ProductARN"],
            "createdTime": found["CreatedTime"].isoformat(),
            "description": summary.get("ShortDescription", ""),
            "distributor": summary.get("Distributor", ""),
            "hasDefaultPath": summary["HasDefaultPath"],
            "name": summary["Name"],
            "owner": summary["Owner"],
            "status": found["Status"],
            "supportDescription": summary.get("SupportDescription", ""),
            "supportEmail": summary.get("SupportEmail", ""),
            "supportUrl": summary.get("SupportUrl", ""),
            "tagsAll": tag_map(answer.get("Tags", [])),
            "type": summary["Type"],
        }

    def delete(self, aws: Aws, ident: str, state: Properties) -> None:
        """DeleteProduct, its versions included."""
        aws.client(SERVICE).delete_product(Id=ident)

    def _fields(self, inputs: Properties) -> dict[str, Any]:
        named = (*self.texts, "acceptLanguage", "name")
        return dict(NAMES.to_api({key: inputs[key] for key in named if inputs.get(key) is not None}))


def _version(parameters: Properties) -> dict[str, Any]:
    source = present(
        LoadTemplateFromURL=parameters.get("templateUrl"), ImportFromPhysicalId=parameters.get("templatePhysicalId")
    )
    return present(
        Name=parameters.get("name"),
        Description=parameters.get("description"),
        Type=parameters.get("type"),
        DisableTemplateValidation=parameters.get("disableTemplateValidation"),
        Info=source,
    )


class Constraint(Resource):
    """A rule for a product in a portfolio."""

    kind = "aws:servicecatalog/constraint:Constraint"
    awaits_end = True
    service = SERVICE
    replaces = frozenset({"portfolioId", "productId", "type"})
    updates = frozenset({"acceptLanguage", "description", "parameters"})
    computed = frozenset({"owner", "status"})
    keeps = frozenset({"description"})
    unread = frozenset({"acceptLanguage"})
    defaults: ClassVar = ENGLISH
    absent = ABSENT

    def create(self, aws: Aws, inputs: Properties) -> str:
        """CreateConstraint."""
        made = aws.client(SERVICE).create_constraint(
            PortfolioId=inputs["portfolioId"],
            ProductId=inputs["productId"],
            Type=inputs["type"],
            **_constraint(inputs),
        )
        return str(made["ConstraintDetail"]["ConstraintId"])

    def configure(self, aws: Aws, ident: str, change: Change) -> None:
        """UpdateConstraint."""
        if change.old and change.any("description", "parameters"):
            aws.client(SERVICE).update_constraint(Id=ident, **_constraint(dict(change.new)))

    def read(self, aws: Aws, ident: str) -> Properties:
        """DescribeConstraint."""
        answer = aws.client(SERVICE).describe_constraint(Id=ident)
        found = answer["ConstraintDetail"]
        return {
            "description": found.get("Description", ""),
            "owner": found["Owner"],
            "parameters": answer["ConstraintParameters"],
            "portfolioId": found["PortfolioId"],
            "productId": found["ProductId"],
            "status": answer["Status"],
            "type": found["Type"],
        }

    def delete(self, aws: Aws, ident: str, state: Properties) -> None:
        """DeleteConstraint."""
        aws.client(SERVICE).delete_constraint(Id=ident)


def _constraint(inputs: Properties) -> dict[str, Any]:
    return present(
        AcceptLanguage=inputs["acceptLanguage"],
        Description=inputs.get("description"),
        Parameters=inputs["parameters"],
    )


class TagOption(Resource):
    """One value that a tag of launched products may have."""

    kind = "aws:servicecatalog/tagOption:TagOption"
    awaits_end = True
    service = SERVICE
    replaces = frozenset({"key"})
    updates = frozenset({"active", "value"})
    computed = frozenset({"owner"})
    defaults: ClassVar = {"active": True}
    absent = ABSENT

    def create(self, aws: Aws, inputs: Properties) -> str:
        """CreateTagOption."""
        made = aws.client(SERVICE).create_tag_option(Key=inputs["key"], Value=inputs["value"])
        return str(made["TagOptionDetail"]["Id"])

    def configure(self, aws: Aws, ident: str, change: Change) -> None:
        """UpdateTagOption; also of a new one that is to be off, for AWS makes them switched on."""
        was = change.old or {"active": True, "value": change["value"]}
        changed = {key: change[key] for key in ("active", "value") if change[key] != was[key]}
        if changed:
            aws.client(SERVICE).update_tag_option(Id=ident, **NAMES.to_api(changed))

    def read(self, aws: Aws, ident: str) -> Properties:
        """DescribeTagOption."""
        found = aws.client(SERVICE).describe_tag_option(Id=ident)["TagOptionDetail"]
        return {
            "active": found["Active"],
            "key": found["Key"],
            "owner": found.get("Owner", ""),
            "value": found["Value"],
        }

    def delete(self, aws: Aws, ident: str, state: Properties) -> None:
        """DeleteTagOption."""
        aws.client(SERVICE).delete_tag_option(Id=ident)


class Association(Resource):
    """One thing hung on another; what identifies both is its id."""

    service = SERVICE
    absent = ABSENT
    parts: ClassVar[tuple[str, ...]]
    """The inputs in the id, in their order."""
    separator: ClassVar = ":"
    calls: ClassVar[tuple[str, str]]
    """The client's methods that make and remove it; both take the parts."""

    def find(self, catalog: Client, parts: dict[str, str]) -> Properties | None:
        """Return the outputs beside the parts; None when there is no such association."""
        raise NotImplementedError

    def create(self, aws: Aws, inputs: Properties) -> str:
        """Associate."""
        named = self.replaces | self.updates
        getattr(aws.client(SERVICE), self.calls[0])(
            **NAMES.to_api({key: value for key, value in inputs.items() if key in named})
        )
        return self.separator.join(inputs[part] for part in self.parts)

    def read(self, aws: Aws, ident: str) -> Properties | None:
        """Look for the one thing among those of the other."""
        parts = self._parts(ident)
        found = self.find(aws.client(SERVICE), parts)
        return None if found is None else {**parts, **found}

    def delete(self, aws: Aws, ident: str, state: Properties) -> None:
        """Disassociate."""
        getattr(aws.client(SERVICE), self.calls[1])(**NAMES.to_api(self._parts(ident)))

    def _parts(self, ident: str) -> dict[str, str]:
        return dict(zip(self.parts, ident.split(self.separator, len(self.parts) - 1), strict=True))


class ProductPortfolioAssociation(Association):
    """A product in a portfolio."""

    kind = "aws:servicecatalog/productPortfolioAssociation:ProductPortfolioAssociation"
    awaits_end = True
    replaces = frozenset({"acceptLanguage", "portfolioId", "productId", "sourcePortfolioId"})
    unread = frozenset({"sourcePortfolioId"})
    defaults: ClassVar = ENGLISH
    parts = ("acceptLanguage", "portfolioId", "productId")
    calls = ("associate_product_with_portfolio", "disassociate_product_from_portfolio")

    def find(self, catalog: Client, parts: dict[str, str]) -> Properties | None:
        """ListPortfoliosForProduct."""
        found = _pages(catalog.list_portfolios_for_product, "PortfolioDetails", ProductId=parts["productId"])
        return {} if any(portfolio["Id"] == parts["portfolioId"] for portfolio in found) else None


class PrincipalPortfolioAssociation(Association):
    """Somebody who may launch the products of a portfolio."""

    kind = "aws:servicecatalog/principalPortfolioAssociation:PrincipalPortfolioAssociation"
    awaits_end = True
    replaces = frozenset({"acceptLanguage", "portfolioId", "principalArn", "principalType"})
    defaults: ClassVar = {**ENGLISH, "principalType": "IAM"}
    parts = ("acceptLanguage", "principalArn", "portfolioId", "principalType")
    separator = ","
    calls = ("associate_principal_with_portfolio", "disassociate_principal_from_portfolio")

    def find(self, catalog: Client, parts: dict[str, str]) -> Properties | None:
        """ListPrincipalsForPortfolio."""
        found = _pages(catalog.list_principals_for_portfolio, "Principals", PortfolioId=parts["portfolioId"])
        wanted = {"PrincipalARN": parts["principalArn"], "PrincipalType": parts["principalType"]}
        return {} if wanted in found else None


class TagOptionResourceAssociation(Association):
    """A tag option of a portfolio or a product."""

    kind = "aws:servicecatalog/tagOptionResourceAssociation:TagOptionResourceAssociation"
    awaits_end = True
    replaces = frozenset({"resourceId", "tagOptionId"})
    computed = frozenset({"resourceArn", "resourceCreatedTime", "resourceDescription", "resourceName"})
    parts = ("tagOptionId", "resourceId")
    calls = ("associate_tag_option_with_resource", "disassociate_tag_option_from_resource")

    def find(self, catalog: Client, parts: dict[str, str]) -> Properties | None:
        """ListResourcesForTagOption."""
        call = catalog.list_resources_for_tag_option
        for found in _pages(call, "ResourceDetails", TagOptionId=parts["tagOptionId"]):
            if found["Id"] == parts["resourceId"]:
                return {
                    "resourceArn": found["ARN"],
                    "resourceCreatedTime": found["CreatedTime"].isoformat(),
                    "resourceDescription": found.get("Description", ""),
                    "resourceName": found["Name"],
                }
        return None


class BudgetResourceAssociation(Association):
    """A budget of a portfolio or a product."""

    kind = "aws:servicecatalog/budgetResourceAssociation:BudgetResourceAssociation"
    awaits_end = True
    replaces = frozenset({"budgetName", "resourceId"})
    parts = ("budgetName", "resourceId")
    calls = ("associate_budget_with_resource", "disassociate_budget_from_resource")

    def find(self, catalog: Client, parts: dict[str, str]) -> Properties | None:
        """ListBudgetsForResource."""
        found = _pages(catalog.list_budgets_for_resource, "Budgets", ResourceId=parts["resourceId"])
        return {} if {"BudgetName": parts["budgetName"]} in found else None


class PortfolioShare(Resource):
    """A portfolio's share with an account or a part of an organization; its id is `<portfolio>:<type>:<receiver>`."""

    kind = "aws:servicecatalog/portfolioShare:PortfolioShare"
    service = SERVICE
    replaces = frozenset({"portfolioId", "principalId", "type"})
    switches: ClassVar = ("sharePrincipals", "shareTagOptions")
    updates = frozenset({*switches, "acceptLanguage", "waitForAcceptance"})
    computed = frozenset({"accepted"})
    unread = frozenset({"acceptLanguage", "waitForAcceptance"})
    defaults: ClassVar = {**ENGLISH, **dict.fromkeys((*switches, "waitForAcceptance"), False)}
    absent = ABSENT

    def create(self, aws: Aws, inputs: Properties) -> str:
        """CreatePortfolioShare; nobody in the sandbox accepts, so `waitForAcceptance` waits for nothing."""
        ident = f"{inputs['portfolioId']}:{inputs['type']}:{inputs['principalId']}"
        aws.client(SERVICE).create_portfolio_share(**_share(ident), **self._switches(inputs))
        return ident

    def configure(self, aws: Aws, ident: str, change: Change) -> None:
        """UpdatePortfolioShare."""
        if change.old and change.any(*self.switches):
            aws.client(SERVICE).update_portfolio_share(**_share(ident), **self._switches(dict(change.new)))

    def read(self, aws: Aws, ident: str) -> Properties | None:
        """DescribePortfolioShares of that type."""
        portfolio, kind, receiver = ident.split(":", 2)
        call = aws.client(SERVICE).describe_portfolio_shares
        for found in _pages(call, "PortfolioShareDetails", PortfolioId=portfolio, Type=kind):
            # AWS answers with the id alone where it was given the ARN of an organization or a part of it.
            if found["PrincipalId"] == receiver or receiver.endswith(f"/{found['PrincipalId']}"):
                return {
                    "accepted": found["Accepted"],
                    "portfolioId": portfolio,
                    "principalId": receiver,
                    "sharePrincipals": found["SharePrincipals"],
                    "shareTagOptions": found["ShareTagOptions"],
                    "type": kind,
                }
        return None

    def delete(self, aws: Aws, ident: str, state: Properties) -> None:
        """DeletePortfolioShare."""
        aws.client(SERVICE).delete_portfolio_share(**_share(ident))

    def _switches(self, inputs: Properties) -> dict[str, bool]:
        return dict(NAMES.to_api({name: inputs[name] for name in self.switches}))


def _share(ident: str) -> dict[str, Any]:
    """Return the arguments that name a share: an account outside of the organization is no node of it."""
    portfolio, kind, receiver = ident.split(":", 2)
    if kind == "ACCOUNT":
        return {"PortfolioId": portfolio, "AccountId": receiver}
    node = "ACCOUNT" if kind == "ORGANIZATION_MEMBER_ACCOUNT" else kind
    return {"PortfolioId": portfolio, "OrganizationNode": {"Type": node, "Value": receiver}}


def _pages(call: Callable[..., dict[str, Any]], member: str, **arguments: str) -> Iterator[dict[str, Any]]:
    """Yield the items of all pages; botocore knows the pages of some of these operations only."""
    token: dict[str, str] = {}
    while True:
        answer = call(**arguments, **token)
        yield from answer[member]
        # ListResourcesForTagOption names it as the request does.
        more = answer.get("NextPageToken") or answer.get("PageToken")
        if not more:
            return
        token = {"PageToken": more}
