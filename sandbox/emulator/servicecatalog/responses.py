"""AWS Service Catalog: the administrator's half - portfolios, products, versions, constraints, shares.

moto has little of it; this takes its place. What people launch is in `sandbox.emulator.servicecatalog.launches`.
"""

from typing import Any

from moto.core.responses import ActionResult

from awsmodel.cloudformation.template import TemplateError
from sandbox.emulator.cloudformation.templates import parsed
from sandbox.emulator.cloudtrail import models as cloudtrail
from sandbox.emulator.core.errors import ServiceError
from sandbox.emulator.core.not_known import not_known
from sandbox.emulator.servicecatalog import template_files
from sandbox.emulator.servicecatalog.launches import LaunchOperations
from sandbox.emulator.servicecatalog.models import (
    Artifact,
    Catalog,
    Constraint,
    Portfolio,
    Product,
    Share,
    TagOption,
    backend,
    check_constraint,
    in_use,
    invalid,
    missing,
    new_id,
)
from sandbox.emulator.servicecatalog.template_files import TemplateFileError
from sandbox.emulator.servicecatalog.views import (
    artifact_detail,
    as_list,
    constraint_answer,
    constraint_detail,
    parameters_of,
    portfolio_detail,
    product_detail,
    tag_option_detail,
)

PRODUCT_FIELDS = ("Name", "Owner", "Description", "Distributor", "SupportDescription", "SupportEmail", "SupportUrl")


class ServiceCatalogResponse(LaunchOperations):
    """The administrator's operations beside those on launches."""

    @property
    def catalog(self) -> Catalog:
        """The catalog of the request's account and region."""
        return backend(self.current_account, self.region).catalog

    def create_portfolio(self) -> ActionResult:
        """CreatePortfolio."""
        known = self.catalog.answers.get(self._token())
        portfolio = self.catalog.portfolios.get(known or "") or self.catalog.add_portfolio(
            self._get_param("DisplayName"),
            self._get_param("ProviderName"),
            self._get_param("Description", ""),
            self._tags("Tags"),
        )
        self.catalog.answers[self._token()] = portfolio.id
        return ActionResult({"PortfolioDetail": portfolio_detail(portfolio), "Tags": as_list(portfolio.tags)})

    def describe_portfolio(self) -> ActionResult:
        """DescribePortfolio."""
        portfolio = self._portfolio("Id")
        return ActionResult(
            {
                "PortfolioDetail": portfolio_detail(portfolio),
                "Tags": as_list(portfolio.tags),
                "TagOptions": [tag_option_detail(option) for option in self.catalog.tag_options_of(portfolio.id)],
                "Budgets": self._budgets(portfolio.id),
            }
        )

    def list_portfolios(self) -> ActionResult:
        """ListPortfolios."""
        own = [portfolio for portfolio in self.catalog.portfolios.values() if not portfolio.imported]
        return self._page("PortfolioDetails", [portfolio_detail(portfolio) for portfolio in own])

    def update_portfolio(self) -> ActionResult:
        """UpdatePortfolio."""
        portfolio = self.catalog.own_portfolio(self._get_param("Id"))
        portfolio.name = self._get_param("DisplayName", portfolio.name)
        portfolio.description = self._get_param("Description", portfolio.description)
        portfolio.provider = self._get_param("ProviderName", portfolio.provider)
        self._retag(portfolio)
        return ActionResult({"PortfolioDetail": portfolio_detail(portfolio), "Tags": as_list(portfolio.tags)})

    def delete_portfolio(self) -> ActionResult:
        """DeletePortfolio."""
        self.catalog.remove_portfolio(self._get_param("Id"))
        return ActionResult({})

    def associate_principal_with_portfolio(self) -> ActionResult:
        """AssociatePrincipalWithPortfolio."""
        portfolio = self._portfolio("PortfolioId")
        principal, kind = self._get_param("PrincipalARN"), self._get_param("PrincipalType")
        self.catalog.associate_principal(portfolio, principal, kind)
        cloudtrail.record(
            self.current_account,
            self.region,
            "AssociatePrincipalWithPortfolio",
            "servicecatalog.amazonaws.com",
            {"portfolioId": portfolio.id, "principalARN": principal, "principalType": kind},
        )
        return ActionResult({})

    def disassociate_principal_from_portfolio(self) -> ActionResult:
        """DisassociatePrincipalFromPortfolio; of a principal that is not associated is no error."""
        kind = self._get_param("PrincipalType") or "IAM"
        self._portfolio("PortfolioId").principals.pop((self._get_param("PrincipalARN"), kind), None)
        return ActionResult({})

    def list_principals_for_portfolio(self) -> ActionResult:
        """ListPrincipalsForPortfolio."""
        principals = self._portfolio("PortfolioId").principals
        return self._page("Principals", [{"PrincipalARN": arn, "PrincipalType": kind} for arn, kind in principals])

    def create_portfolio_share(self) -> ActionResult:
        """CreatePortfolioShare."""
        portfolio, (kind, receiver) = self.catalog.own_portfolio(self._get_param("PortfolioId")), self._receiver()
        share = Share(
            kind=kind,
            receiver=receiver,
            tag_options=bool(self._get_param("ShareTagOptions", False)),
            principals=bool(self._get_param("SharePrincipals", False)),
            token=new_id("share"),
        )
        portfolio.shares[kind, receiver] = share
        return ActionResult({"PortfolioShareToken": share.token} if kind != "ACCOUNT" else {})

    def update_portfolio_share(self) -> ActionResult:
        """UpdatePortfolioShare."""
        share = self._share()
        share.tag_options = bool(self._get_param("ShareTagOptions", share.tag_options))
        share.principals = bool(self._get_param("SharePrincipals", share.principals))
        return ActionResult({"PortfolioShareToken": share.token, "Status": "COMPLETED"})

    def delete_portfolio_share(self) -> ActionResult:
        """DeletePortfolioShare."""
        share = self._share()
        del self.catalog.portfolio(self._get_param("PortfolioId")).shares[share.kind, share.receiver]
        return ActionResult({"PortfolioShareToken": share.token} if share.kind != "ACCOUNT" else {})

    def describe_portfolio_shares(self) -> ActionResult:
        """DescribePortfolioShares."""
        kind = self._get_param("Type")
        details = [
            {
                "PrincipalId": share.receiver,
                "Type": share.kind,
                # An organization's members have a share without accepting it; the emulated accounts never accept.
                "Accepted": share.kind != "ACCOUNT",
                "ShareTagOptions": share.tag_options,
                "SharePrincipals": share.principals,
            }
            for share in self._portfolio("PortfolioId").shares.values()
            if share.kind == kind
        ]
        return self._page("PortfolioShareDetails", details)

    def describe_portfolio_share_status(self) -> ActionResult:
        """DescribePortfolioShareStatus: every share is done at once."""
        token = self._get_param("PortfolioShareToken")
        for portfolio in self.catalog.portfolios.values():
            for share in portfolio.shares.values():
                if share.token == token:
                    return ActionResult(
                        {
                            "PortfolioShareToken": token,
                            "PortfolioId": portfolio.id,
                            "OrganizationNodeValue": share.receiver,
                            "Status": "COMPLETED",
                            "ShareDetails": {"SuccessfulShares": [], "ShareErrors": []},
                        }
                    )
        raise missing("Portfolio share", token)

    def list_portfolio_access(self) -> ActionResult:
        """ListPortfolioAccess."""
        shares = self._portfolio("PortfolioId").shares
        return self._page("AccountIds", [receiver for kind, receiver in shares if kind == "ACCOUNT"])

    def list_organization_portfolio_access(self) -> ActionResult:
        """ListOrganizationPortfolioAccess."""
        wanted = self._get_param("OrganizationNodeType")
        shares = self._portfolio("PortfolioId").shares
        nodes = [{"Type": kind, "Value": receiver} for kind, receiver in shares if kind == wanted]
        return self._page("OrganizationNodes", nodes)

    def accept_portfolio_share(self) -> ActionResult:
        """AcceptPortfolioShare; again is no error."""
        self._imported("PortfolioId")
        return ActionResult({})

    def reject_portfolio_share(self) -> ActionResult:
        """RejectPortfolioShare."""
        del self.catalog.portfolios[self._imported("PortfolioId").id]
        return ActionResult({})

    def list_accepted_portfolio_shares(self) -> ActionResult:
        """ListAcceptedPortfolioShares: of type IMPORTED; a share shows some listings after it was made."""
        found = []
        for portfolio in self.catalog.portfolios.values():
            if portfolio.imported and self._get_param("PortfolioShareType", "IMPORTED") == "IMPORTED":
                if portfolio.hidden_for:
                    portfolio.hidden_for -= 1
                else:
                    found.append(portfolio_detail(portfolio))
        return self._page("PortfolioDetails", found)

    def create_product(self) -> ActionResult:
        """CreateProduct."""
        known = self.catalog.products.get(self.catalog.answers.get(self._token(), ""))
        product = known or self._new_product()
        self.catalog.products[product.id] = product
        self.catalog.answers[self._token()] = product.id
        first = next(iter(product.artifacts.values()), None)
        return ActionResult(
            {
                "ProductViewDetail": product_detail(product),
                "ProvisioningArtifactDetail": artifact_detail(first) if first else {},
                "Tags": as_list(product.tags),
            }
        )

    def describe_product_as_admin(self) -> ActionResult:
        """DescribeProductAsAdmin."""
        product = self.product_by("Id", "Name")
        return ActionResult(
            {
                "ProductViewDetail": product_detail(product),
                "ProvisioningArtifactSummaries": [artifact_detail(one) for one in product.artifacts.values()],
                "Tags": as_list(product.tags),
                "TagOptions": [tag_option_detail(option) for option in self.catalog.tag_options_of(product.id)],
                "Budgets": self._budgets(product.id),
            }
        )

    def update_product(self) -> ActionResult:
        """UpdateProduct."""
        product = self.catalog.product(self._get_param("Id"))
        product.fields |= self._product_fields()
        self._retag(product)
        return ActionResult({"ProductViewDetail": product_detail(product), "Tags": as_list(product.tags)})

    def delete_product(self) -> ActionResult:
        """DeleteProduct."""
        self.catalog.remove_product(self._get_param("Id"))
        return ActionResult({})

    def search_products_as_admin(self) -> ActionResult:
        """SearchProductsAsAdmin: all products, or those of one portfolio; filters by full text, owner and type."""
        chosen = self._get_param("PortfolioId")
        products = self.catalog.products.values()
        if chosen:
            products = [self.catalog.product(one) for one in self.catalog.portfolio(chosen).products]  # type: ignore[assignment]
        return self._page("ProductViewDetails", [product_detail(one) for one in self.filtered(products)])

    def associate_product_with_portfolio(self) -> ActionResult:
        """AssociateProductWithPortfolio; again is no error."""
        product = self.catalog.product(self._get_param("ProductId"))
        self.catalog.own_portfolio(self._get_param("PortfolioId")).products[product.id] = None
        return ActionResult({})

    def disassociate_product_from_portfolio(self) -> ActionResult:
        """DisassociateProductFromPortfolio."""
        self.catalog.disassociate_product(self._get_param("ProductId"), self._portfolio("PortfolioId"))
        return ActionResult({})

    def list_portfolios_for_product(self) -> ActionResult:
        """ListPortfoliosForProduct."""
        product = self.catalog.product(self._get_param("ProductId"))
        found = [one for one in self.catalog.portfolios.values() if product.id in one.products]
        return self._page("PortfolioDetails", [portfolio_detail(portfolio) for portfolio in found])

    def create_provisioning_artifact(self) -> ActionResult:
        """CreateProvisioningArtifact."""
        product = self.catalog.product(self._get_param("ProductId"))
        known = product.artifacts.get(self.catalog.answers.get(self._token(), ""))
        artifact = known or self._new_artifact(product, self._get_param("Parameters"))
        self.catalog.answers[self._token()] = artifact.id
        return self._artifact_answer(artifact)

    def describe_provisioning_artifact(self) -> ActionResult:
        """DescribeProvisioningArtifact."""
        artifact = self.artifact_by(self.product_by("ProductId", "ProductName"))
        more = {}
        if self._get_param("IncludeProvisioningArtifactParameters"):
            more["ProvisioningArtifactParameters"] = parameters_of(artifact.template)
        return self._artifact_answer(artifact, more)

    def update_provisioning_artifact(self) -> ActionResult:
        """UpdateProvisioningArtifact."""
        product = self.catalog.product(self._get_param("ProductId"))
        artifact = self.catalog.artifact(product, self._get_param("ProvisioningArtifactId"))
        artifact.name = self._get_param("Name", artifact.name)
        artifact.description = self._get_param("Description", artifact.description)
        active = self._get_param("Active")
        artifact.active = artifact.active if active is None else active
        artifact.guidance = self._get_param("Guidance", artifact.guidance)
        return self._artifact_answer(artifact)

    def delete_provisioning_artifact(self) -> ActionResult:
        """DeleteProvisioningArtifact."""
        product = self.catalog.product(self._get_param("ProductId"))
        artifact = self.catalog.artifact(product, self._get_param("ProvisioningArtifactId"))
        self.catalog.remove_artifact(product, artifact)
        return ActionResult({})

    def list_provisioning_artifacts(self) -> ActionResult:
        """ListProvisioningArtifacts: all at once, as the API has no way to ask for a second page."""
        product = self.catalog.product(self._get_param("ProductId"))
        return ActionResult(
            {"ProvisioningArtifactDetails": [artifact_detail(one) for one in product.artifacts.values()]}
        )

    def create_constraint(self) -> ActionResult:
        """CreateConstraint."""
        known = self.catalog.constraints.get(self.catalog.answers.get(self._token(), ""))
        constraint = known or self.catalog.add_constraint(
            self._get_param("PortfolioId"),
            self._get_param("ProductId"),
            self._get_param("Type"),
            self._get_param("Description", ""),
            self._get_param("Parameters"),
        )
        self.catalog.answers[self._token()] = constraint.id
        return ActionResult(constraint_answer(constraint))

    def describe_constraint(self) -> ActionResult:
        """DescribeConstraint."""
        return ActionResult(constraint_answer(self._constraint()))

    def update_constraint(self) -> ActionResult:
        """UpdateConstraint."""
        constraint = self._constraint()
        parameters = self._get_param("Parameters", constraint.parameters)
        check_constraint(constraint.kind, parameters)
        constraint.parameters = parameters
        constraint.description = self._get_param("Description", constraint.description)
        return ActionResult(constraint_answer(constraint))

    def delete_constraint(self) -> ActionResult:
        """DeleteConstraint."""
        del self.catalog.constraints[self._constraint().id]
        return ActionResult({})

    def list_constraints_for_portfolio(self) -> ActionResult:
        """ListConstraintsForPortfolio."""
        portfolio = self._portfolio("PortfolioId")
        found = self.catalog.constraints_of(portfolio.id, self._get_param("ProductId"))
        return self._page("ConstraintDetails", [constraint_detail(constraint) for constraint in found])

    def create_tag_option(self) -> ActionResult:
        """CreateTagOption."""
        key, value = self._get_param("Key"), self._get_param("Value")
        if any((option.key, option.value) == (key, value) for option in self.catalog.tag_options.values()):
            raise ServiceError("DuplicateResourceException", f"There is a TagOption {key}={value} already.")
        option = TagOption(id=new_id("tag"), key=key, value=value, owner=self.current_account)
        self.catalog.tag_options[option.id] = option
        return self._tag_option_answer(option)

    def describe_tag_option(self) -> ActionResult:
        """DescribeTagOption."""
        return self._tag_option_answer(self.catalog.tag_option(self._get_param("Id")))

    def update_tag_option(self) -> ActionResult:
        """UpdateTagOption."""
        option = self.catalog.tag_option(self._get_param("Id"))
        option.value = self._get_param("Value", option.value)
        active = self._get_param("Active")
        option.active = option.active if active is None else active
        return self._tag_option_answer(option)

    def delete_tag_option(self) -> ActionResult:
        """DeleteTagOption."""
        option = self.catalog.tag_option(self._get_param("Id"))
        if option.resources:
            raise in_use(f"TagOption {option.id} is associated with {', '.join(option.resources)}.")
        del self.catalog.tag_options[option.id]
        return ActionResult({})

    def list_tag_options(self) -> ActionResult:
        """ListTagOptions."""
        wanted = self._get_param("Filters") or {}
        found = [
            detail
            for detail in map(tag_option_detail, self.catalog.tag_options.values())
            if all(detail[field] == value for field, value in wanted.items() if value is not None)
        ]
        return self._page("TagOptionDetails", found, next_token="PageToken")  # noqa: S106 - a member's name

    def associate_tag_option_with_resource(self) -> ActionResult:
        """AssociateTagOptionWithResource."""
        option = self.catalog.tag_option(self._get_param("TagOptionId"))
        resource = self.catalog.resource(self._get_param("ResourceId"))
        if resource.id in option.resources:
            raise ServiceError("DuplicateResourceException", f"{option.id} is associated with {resource.id} already.")
        option.resources[resource.id] = None
        return ActionResult({})

    def disassociate_tag_option_from_resource(self) -> ActionResult:
        """DisassociateTagOptionFromResource."""
        option = self.catalog.tag_option(self._get_param("TagOptionId"))
        resource = self._get_param("ResourceId")
        if resource not in option.resources:
            raise missing("TagOption", f"{option.id} of {resource}")
        del option.resources[resource]
        return ActionResult({})

    def list_resources_for_tag_option(self) -> ActionResult:
        """ListResourcesForTagOption."""
        option = self.catalog.tag_option(self._get_param("TagOptionId"))
        details = []
        for resource in map(self.catalog.resource, option.resources):
            name = resource.name if isinstance(resource, Portfolio) else resource.fields["Name"]
            details.append({"Id": resource.id, "ARN": resource.arn, "Name": name, "CreatedTime": resource.created})
        return self._page("ResourceDetails", details, next_token="PageToken")  # noqa: S106 - a member's name

    def associate_budget_with_resource(self) -> ActionResult:
        """AssociateBudgetWithResource."""
        name, resource = self._get_param("BudgetName"), self.catalog.resource(self._get_param("ResourceId"))
        budgets = self.catalog.budgets.setdefault(resource.id, {})
        if name in budgets:
            raise ServiceError("DuplicateResourceException", f"Budget {name} is associated with {resource.id} already.")
        budgets[name] = None
        return ActionResult({})

    def disassociate_budget_from_resource(self) -> ActionResult:
        """DisassociateBudgetFromResource."""
        name, resource = self._get_param("BudgetName"), self._get_param("ResourceId")
        if name not in self.catalog.budgets.get(resource, {}):
            raise missing("Budget", f"{name} of {resource}")
        del self.catalog.budgets[resource][name]
        return ActionResult({})

    def list_budgets_for_resource(self) -> ActionResult:
        """ListBudgetsForResource."""
        return self._page("Budgets", self._budgets(self.catalog.resource(self._get_param("ResourceId")).id))

    def _portfolio(self, member: str) -> Portfolio:
        return self.catalog.portfolio(self._get_param(member))

    def _imported(self, member: str) -> Portfolio:
        portfolio = self._portfolio(member)
        if not portfolio.imported:
            raise missing("Shared portfolio", portfolio.id)
        return portfolio

    def _constraint(self) -> Constraint:
        return self.catalog.constraint(self._get_param("Id"))

    def _token(self) -> str:
        # A token counts for one operation.
        return f"{self._get_action()}:{self._get_param('IdempotencyToken')}"

    def _receiver(self) -> tuple[str, str]:
        account, node = self._get_param("AccountId"), self._get_param("OrganizationNode")
        if bool(account) is bool(node):
            raise invalid("Either AccountId or OrganizationNode is needed.")
        if account:
            return "ACCOUNT", account
        # An account that is named as a node is a member of the organization, and accepts nothing.
        kind = "ORGANIZATION_MEMBER_ACCOUNT" if node["Type"] == "ACCOUNT" else node["Type"]
        return kind, node["Value"]

    def _share(self) -> Share:
        portfolio, receiver = self.catalog.own_portfolio(self._get_param("PortfolioId")), self._receiver()
        if receiver not in portfolio.shares:
            raise missing("Share", f"of {portfolio.id} with {receiver[1]}")
        return portfolio.shares[receiver]

    def _retag(self, resource: Portfolio | Product) -> None:
        for key in self._get_param("RemoveTags", []):
            resource.tags.pop(key, None)
        resource.tags |= self._tags("AddTags")

    def _budgets(self, identity: str) -> list[dict[str, str]]:
        return [{"BudgetName": name} for name in self.catalog.budgets.get(identity, {})]

    def _product_fields(self) -> dict[str, str]:
        given = {field: self._get_param(field) for field in PRODUCT_FIELDS}
        return {field: value for field, value in given.items() if value is not None}

    def _new_product(self) -> Product:
        if self._get_param("SourceConnection"):
            raise invalid(not_known("SourceConnection: give the template's address instead"))
        product = self.catalog.add_product(self._product_fields(), self._get_param("ProductType"), self._tags("Tags"))
        self._new_artifact(product, self._get_param("ProvisioningArtifactParameters") or {})
        return product

    def _new_artifact(self, product: Product, parameters: dict[str, Any]) -> Artifact:
        url = parameters.get("Info", {}).get("LoadTemplateFromURL")
        if not url:
            raise invalid("ProvisioningArtifactParameters.Info needs LoadTemplateFromURL.")
        try:
            template = parsed(template_files.read(self.caller, url))
        except (TemplateFileError, TemplateError) as error:
            raise invalid(str(error)) from error
        artifact = Artifact(
            id=new_id("pa"),
            name=parameters.get("Name", ""),
            description=parameters.get("Description", ""),
            url=url,
            template=template,
            kind=parameters.get("Type") or "CLOUD_FORMATION_TEMPLATE",
        )
        return self.catalog.add_artifact(product, artifact)

    def _artifact_answer(self, artifact: Artifact, more: dict[str, Any] | None = None) -> ActionResult:
        return ActionResult(
            {
                "ProvisioningArtifactDetail": artifact_detail(artifact),
                "Info": {"TemplateUrl": artifact.url},
                "Status": "AVAILABLE",
                **(more or {}),
            }
        )

    @staticmethod
    def _tag_option_answer(option: TagOption) -> ActionResult:
        return ActionResult({"TagOptionDetail": tag_option_detail(option)})
