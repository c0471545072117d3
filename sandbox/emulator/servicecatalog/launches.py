"""AWS Service Catalog: the half of the people who launch - search, provision, update, terminate.

A launch is a stack that is made with the launch role of the portfolio's constraint, or with the rights of who asks.
Like the stack, it is done when the request is answered; how it ended is in its record.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from botocore.exceptions import ClientError
from moto.core.responses import ActionResult, BaseResponse
from moto.core.utils import utcnow

from sandbox.emulator.core import callers
from sandbox.emulator.core.callers import Caller, RoleError
from sandbox.emulator.core.errors import ServiceError
from sandbox.emulator.core.not_known import stumbled
from sandbox.emulator.servicecatalog.models import (
    Artifact,
    Catalog,
    Portfolio,
    Product,
    Provisioned,
    Record,
    check_constraint,
    invalid,
    missing,
    new_id,
)
from sandbox.emulator.servicecatalog.views import (
    artifact_summary,
    as_list,
    parameters_of,
    product_summary,
    provisioned_attributes,
    provisioned_detail,
    record_detail,
)

SERVICE = "servicecatalog.amazonaws.com"
PAGE_SIZE = 20
SUCCEEDED = ("CREATE_COMPLETE", "UPDATE_COMPLETE")
UNCHANGED = "No updates are to be performed."


class LaunchOperations(BaseResponse):
    """The operations of people who launch."""

    def __init__(self) -> None:
        super().__init__(service_name="servicecatalog")
        self.automated_parameter_parsing = True

    @property
    def catalog(self) -> Catalog:
        """The catalog of the request's account and region."""
        raise NotImplementedError

    @property
    def caller(self) -> Caller:
        """Who asks."""
        return Caller.of(self)

    def search_products(self) -> ActionResult:
        """SearchProducts: those that the caller may launch."""
        offered = [one for one in self.catalog.products.values() if self.catalog.paths(self.caller, one.id)]
        return self._page("ProductViewSummaries", [product_summary(one) for one in self.filtered(offered)])

    def describe_product(self) -> ActionResult:
        """DescribeProduct, with the versions that can be launched or updated to."""
        product = self._offered(self.product_by("Id", "Name"))
        paths = self.catalog.paths(self.caller, product.id)
        return ActionResult(
            {
                "ProductViewSummary": product_summary(product),
                "ProvisioningArtifacts": [artifact_summary(one) for one in product.artifacts.values() if one.active],
                "Budgets": [{"BudgetName": name} for name in self.catalog.budgets.get(product.id, {})],
                "LaunchPaths": [{"Id": path, "Name": portfolio.name} for path, portfolio in paths.items()],
            }
        )

    def list_launch_paths(self) -> ActionResult:
        """ListLaunchPaths."""
        product = self._offered(self.catalog.product(self._get_param("ProductId")))
        paths = [
            {
                "Id": path,
                "Name": portfolio.name,
                "ConstraintSummaries": self._constraint_summaries(portfolio, product),
                "Tags": as_list(portfolio.tags),
            }
            for path, portfolio in self.catalog.paths(self.caller, product.id).items()
        ]
        return self._page("LaunchPathSummaries", paths)

    def describe_provisioning_parameters(self) -> ActionResult:
        """DescribeProvisioningParameters."""
        product = self._offered(self.product_by("ProductId", "ProductName"))
        artifact = self.artifact_by(product)
        _, portfolio = self._path(product)
        options: dict[str, list[str]] = {}
        for option in [*self.catalog.tag_options_of(product.id), *self.catalog.tag_options_of(portfolio.id)]:
            if option.active:
                options.setdefault(option.key, []).append(option.value)
        outputs = [
            {"Key": name, "Description": output.get("Description", "")}
            for name, output in artifact.template.outputs.items()
        ]
        return ActionResult(
            {
                "ProvisioningArtifactParameters": parameters_of(artifact.template),
                "ConstraintSummaries": self._constraint_summaries(portfolio, product),
                "UsageInstructions": [],
                "TagOptions": [{"Key": key, "Values": values} for key, values in options.items()],
                "ProvisioningArtifactOutputKeys": outputs,
            }
        )

    def provision_product(self) -> ActionResult:
        """ProvisionProduct."""
        token = self._get_param("ProvisionToken")
        for record in self.catalog.records.values():
            if record.token == token and record.kind == "PROVISION_PRODUCT":
                return ActionResult({"RecordDetail": record_detail(record)})
        product = self._offered(self.product_by("ProductId", "ProductName"))
        artifact = self._launchable(self.artifact_by(product), allow_deprecated=False)
        path, portfolio = self._path(product)
        name = self._get_param("ProvisionedProductName")
        if any(one.name == name for one in self.catalog.provisioned.values()):
            raise ServiceError("DuplicateResourceException", f"A provisioned product named {name} exists already.")
        identity = new_id("pp")
        one = Provisioned(
            id=identity,
            arn=self.catalog.provisioned_arn(name, identity),
            name=name,
            product=product.id,
            artifact=artifact.id,
            path=path,
            role_arn=self._launch_role(portfolio, product),
            user_arn=self.caller.principal,
            token=token,
            tags={**product.tags, **portfolio.tags, **self._tags("Tags")},
        )
        self.catalog.provisioned[identity] = one
        record = self._record(one, "PROVISION_PRODUCT", token)
        parameters = [
            {"ParameterKey": given["Key"], "ParameterValue": given.get("Value", "")}
            for given in self._get_param("ProvisioningParameters", [])
        ]
        self._carry_out(one, record, "create_stack", artifact, parameters)
        return ActionResult({"RecordDetail": record_detail(record)})

    def update_provisioned_product(self) -> ActionResult:
        """UpdateProvisionedProduct; a parameter that is not given keeps its value."""
        one = self._provisioned("ProvisionedProductId", "ProvisionedProductName")
        if one.status not in {"AVAILABLE", "TAINTED"}:
            raise invalid(f"Provisioned product {one.name} is {one.status} and cannot be updated.")
        product = self._offered(self.product_by("ProductId", "ProductName", default=one.product))
        artifact = self._launchable(self.artifact_by(product, default=one.artifact), allow_deprecated=True)
        one.path, portfolio = self._path(product, default=one.path)
        one.role_arn = self._launch_role(portfolio, product)
        one.tags |= self._tags("Tags")
        record = self._record(one, "UPDATE_PROVISIONED_PRODUCT", self._get_param("UpdateToken"), artifact)
        given = {item["Key"]: item for item in self._get_param("ProvisioningParameters", [])}
        before = self._parameters_of_stack(one)
        parameters = []
        for name in artifact.template.parameters:
            if name in given and not given[name].get("UsePreviousValue"):
                parameters.append({"ParameterKey": name, "ParameterValue": given[name].get("Value", "")})
            elif name in before:
                parameters.append({"ParameterKey": name, "ParameterValue": before[name]})
        self._carry_out(one, record, "update_stack", artifact, parameters)
        return ActionResult({"RecordDetail": record_detail(record)})

    def terminate_provisioned_product(self) -> ActionResult:
        """TerminateProvisionedProduct."""
        one = self._provisioned("ProvisionedProductId", "ProvisionedProductName")
        record = self._record(one, "TERMINATE_PROVISIONED_PRODUCT", self._get_param("TerminateToken"))
        reason = "" if self._get_param("RetainPhysicalResources") else self._remove_stack(one)
        if reason and not self._get_param("IgnoreErrors"):
            self._fail(one, record, reason, "TAINTED")
        else:
            record.status, record.updated = "SUCCEEDED", utcnow()
            del self.catalog.provisioned[one.id]
        return ActionResult({"RecordDetail": record_detail(record)})

    def describe_provisioned_product(self) -> ActionResult:
        """DescribeProvisionedProduct."""
        one = self._provisioned("Id", "Name")
        return ActionResult({"ProvisionedProductDetail": provisioned_detail(one, self._records(one))})

    def get_provisioned_product_outputs(self) -> ActionResult:
        """GetProvisionedProductOutputs."""
        one = self._provisioned("ProvisionedProductId", "ProvisionedProductName")
        wanted = self._get_param("OutputKeys")
        known = {output["OutputKey"] for output in one.outputs}
        if unknown := sorted(set(wanted or []) - known):
            raise invalid(f"Provisioned product {one.name} has no outputs {', '.join(unknown)}.")
        chosen = [output for output in one.outputs if not wanted or output["OutputKey"] in wanted]
        return self._page("Outputs", chosen)

    def scan_provisioned_products(self) -> ActionResult:
        """ScanProvisionedProducts."""
        return self._page(
            "ProvisionedProducts", [provisioned_detail(one, self._records(one)) for one in self._visible()]
        )

    def search_provisioned_products(self) -> ActionResult:
        """SearchProvisionedProducts: filters such as `productId:prod-...` or a bare word."""
        found = [
            provisioned_attributes(one, self.catalog.products.get(one.product), self._records(one))
            for one in self._visible()
        ]
        for query in (self._get_param("Filters") or {}).get("SearchQuery", []):
            field, _, value = query.rpartition(":")
            found = [one for one in found if _matches(one, field.strip(), value.strip().strip('"'))]
        answer = self._page("ProvisionedProducts", found)
        answer.result["TotalResultsCount"] = len(found)  # type: ignore[index] # the dict of _page
        return answer

    def describe_record(self) -> ActionResult:
        """DescribeRecord."""
        identity = self._get_param("Id")
        if identity not in self.catalog.records:
            raise missing("Record", identity)
        record = self.catalog.records[identity]
        return ActionResult({"RecordDetail": record_detail(record), "RecordOutputs": record.outputs})

    def list_record_history(self) -> ActionResult:
        """ListRecordHistory, newest first; filtered by `provisionedproduct` or `product`."""
        chosen = self._get_param("SearchFilter") or {}
        fields = {"provisionedproduct": "provisioned", "product": "product"}
        records = [
            record
            for record in reversed(self.catalog.records.values())
            if not chosen or getattr(record, fields[chosen["Key"]]) == chosen["Value"]
        ]
        return self._page("RecordDetails", [record_detail(record) for record in records])

    def product_by(self, id_member: str, name_member: str, default: str | None = None) -> Product:
        """Return the product that a request names by its id or its name."""
        identity, name = self._get_param(id_member) or default, self._get_param(name_member)
        if name:
            for product in self.catalog.products.values():
                if product.fields["Name"] == name:
                    return product
            raise missing("Product", name)
        if not identity:
            raise invalid(f"Either {id_member} or {name_member} is needed.")
        return self.catalog.product(identity)

    def artifact_by(self, product: Product, default: str | None = None) -> Artifact:
        """Return the version of the product that a request names by its id or its name."""
        name = self._get_param("ProvisioningArtifactName")
        for artifact in product.artifacts.values():
            if name and artifact.name == name:
                return artifact
        identity = self._get_param("ProvisioningArtifactId") or (None if name else default)
        if not identity:
            if name:
                raise missing("Provisioning Artifact", name)
            raise invalid("Either ProvisioningArtifactId or ProvisioningArtifactName is needed.")
        return self.catalog.artifact(product, identity)

    def filtered(self, products: Iterable[Product]) -> list[Product]:
        """Return the products that match the request's filters."""
        found = list(products)
        fields = {"Owner": "Owner", "ProductType": "Type"}
        for key, values in (self._get_param("Filters") or {}).items():
            if key == "FullTextSearch":
                words = [value.lower() for value in values]
                found = [one for one in found if any(word in " ".join(one.fields.values()).lower() for word in words)]
            elif key in fields:
                found = [one for one in found if product_summary(one).get(fields[key]) in values]
        return found

    def _tags(self, member: str) -> dict[str, str]:
        return {tag["Key"]: tag["Value"] for tag in self._get_param(member) or []}

    def _page(self, member: str, items: Sequence[Any], next_token: str = "NextPageToken") -> ActionResult:  # noqa: S107
        start = int(self._get_param("PageToken") or 0)
        end = start + int(self._get_param("PageSize") or PAGE_SIZE)
        answer: dict[str, Any] = {member: items[start:end]}
        if end < len(items):
            answer[next_token] = str(end)
        return ActionResult(answer)

    def _offered(self, product: Product) -> Product:
        """Return the product when the caller may launch it."""
        if not self.catalog.paths(self.caller, product.id):
            raise ServiceError("ResourceNotFoundException", f"No launch paths found for resource: {product.id}.")
        return product

    def _path(self, product: Product, default: str | None = None) -> tuple[str, Portfolio]:
        """Return the launch path that the request names, or the only one."""
        paths = self.catalog.paths(self.caller, product.id)
        wanted, name = self._get_param("PathId"), self._get_param("PathName")
        if name:
            paths = {path: portfolio for path, portfolio in paths.items() if portfolio.name == name}
        if wanted is None and default in paths:
            wanted = default
        if wanted or name:
            found = [(path, portfolio) for path, portfolio in paths.items() if wanted in {None, path}]
            if not found:
                raise missing("Launch path", wanted or name)
            return found[0]
        if len(paths) > 1:
            raise invalid(f"Product {product.id} has several launch paths, name one: {', '.join(paths)}.")
        return next(iter(paths.items()))

    @staticmethod
    def _launchable(artifact: Artifact, *, allow_deprecated: bool) -> Artifact:
        if not artifact.active:
            raise missing("Provisioning Artifact", f"{artifact.id} is not active and")
        if artifact.guidance == "DEPRECATED" and not allow_deprecated:
            raise invalid(f"Provisioning artifact {artifact.id} is deprecated: it takes updates, not new launches.")
        return artifact

    def _constraint_summaries(self, portfolio: Portfolio, product: Product) -> list[dict[str, str]]:
        found = self.catalog.constraints_of(portfolio.id, product.id)
        return [{"Type": constraint.kind, "Description": constraint.description} for constraint in found]

    def _launch_role(self, portfolio: Portfolio, product: Product) -> str | None:
        for constraint in self.catalog.constraints_of(portfolio.id, product.id):
            if constraint.kind == "LAUNCH":
                parameters = check_constraint("LAUNCH", constraint.parameters)
                local = f"arn:{self.partition}:iam::{self.current_account}:role/{parameters.get('LocalRoleName')}"
                return str(parameters.get("RoleArn", local))
        return None

    def _topics(self, portfolio: str, product: str) -> list[str]:
        topics: list[str] = list(self._get_param("NotificationArns") or [])
        for constraint in self.catalog.constraints_of(portfolio, product):
            if constraint.kind == "NOTIFICATION":
                topics += check_constraint("NOTIFICATION", constraint.parameters)["NotificationArns"]
        return topics

    def _provisioned(self, id_member: str, name_member: str) -> Provisioned:
        identity, name = self._get_param(id_member), self._get_param(name_member)
        for one in self.catalog.provisioned.values():
            if one.id == identity or (name and one.name == name):
                return one
        raise missing("Provisioned product", identity or name)

    def _records(self, one: Provisioned) -> list[Record]:
        return [self.catalog.records[identity] for identity in one.records]

    def _visible(self) -> list[Provisioned]:
        """Return what the caller has launched, or all that the account has, as the access level says."""
        level = self._get_param("AccessLevelFilter") or {"Key": "User"}
        everyone = list(self.catalog.provisioned.values())
        if level["Key"] == "Account":
            return everyone
        return [one for one in everyone if one.user_arn == self.caller.principal]

    def _record(self, one: Provisioned, kind: str, token: str, artifact: Artifact | None = None) -> Record:
        record = Record(
            id=new_id("rec"),
            kind=kind,
            provisioned=one.id,
            name=one.name,
            product=one.product,
            artifact=artifact.id if artifact else one.artifact,
            path=one.path,
            token=token,
            role_arn=one.role_arn,
            tags=dict(one.tags),
        )
        self.catalog.records[record.id] = record
        one.records.append(record.id)
        return record

    def _acting(self, one: Provisioned) -> Caller:
        return self.caller.assume(one.role_arn, SERVICE, callers.LAUNCHING) if one.role_arn else self.caller

    def _stack_name(self, one: Provisioned) -> str:
        return f"SC-{self.current_account}-{one.id}"

    def _carry_out(
        self, one: Provisioned, record: Record, operation: str, artifact: Artifact, parameters: list[dict[str, str]]
    ) -> None:
        """Make or change the stack of a provisioned product, and write down how it ended."""
        failed = "ERROR" if operation == "create_stack" else "TAINTED"
        try:
            portfolio = self.catalog.paths(self.caller, one.product)[one.path]
            request = {
                "StackName": self._stack_name(one),
                "TemplateBody": artifact.template.text,
                "Parameters": parameters,
                "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
                "NotificationARNs": self._topics(portfolio.id, one.product),
                "Tags": as_list({**one.tags, **self._own_tags(one, portfolio, artifact)}),
            }
            stack = self._stack_after(one, operation, request)
        except Exception as error:
            # Whatever it is, a launch ends.
            self._fail(one, record, _reason(error), failed)
            return
        one.stack_id = stack["StackId"]
        if stack["StackStatus"] not in SUCCEEDED:
            self._fail(one, record, stack.get("StackStatusReason", ""), failed)
            return
        arn = {"OutputKey": "CloudformationStackARN", "OutputValue": one.stack_id, "Description": "The launched stack"}
        one.outputs = [arn, *stack.get("Outputs", [])]
        one.artifact, one.status, one.message = artifact.id, "AVAILABLE", ""
        record.status, record.outputs, record.updated = "SUCCEEDED", one.outputs, utcnow()

    def _stack_after(self, one: Provisioned, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """Make or change the stack, and return it as it is then."""
        cloudformation = self._acting(one).client("cloudformation")
        try:
            getattr(cloudformation, operation)(**request)
        except ClientError as error:
            if UNCHANGED not in error.response["Error"]["Message"]:
                raise
        (stack,) = cloudformation.describe_stacks(StackName=request["StackName"])["Stacks"]
        found: dict[str, Any] = stack
        return found

    def _own_tags(self, one: Provisioned, portfolio: Portfolio, artifact: Artifact) -> dict[str, str]:
        return {
            "aws:servicecatalog:portfolioArn": portfolio.arn,
            "aws:servicecatalog:productArn": self.catalog.product(one.product).arn,
            "aws:servicecatalog:provisionedProductArn": one.arn,
            "aws:servicecatalog:provisioningArtifactIdentifier": artifact.id,
            "aws:servicecatalog:provisioningPrincipalArn": one.user_arn,
        }

    def _fail(self, one: Provisioned, record: Record, reason: str, status: str) -> None:
        one.status, one.message = status, reason
        record.status, record.updated = "FAILED", utcnow()
        record.errors = [{"Code": "InternalFailure", "Description": reason}]

    def _parameters_of_stack(self, one: Provisioned) -> dict[str, str]:
        (stack,) = self._acting(one).client("cloudformation").describe_stacks(StackName=one.stack_id)["Stacks"]
        return {item["ParameterKey"]: item["ParameterValue"] for item in stack.get("Parameters", [])}

    def _remove_stack(self, one: Provisioned) -> str:
        """Remove the stack; the reason where that fails."""
        if not one.stack_id:
            return ""
        try:
            cloudformation = self._acting(one).client("cloudformation")
            cloudformation.delete_stack(StackName=one.stack_id)
            (stack,) = cloudformation.describe_stacks(StackName=one.stack_id)["Stacks"]
        except Exception as error:
            return _reason(error)
        return "" if stack["StackStatus"] == "DELETE_COMPLETE" else str(stack.get("StackStatusReason"))


def _reason(error: Exception) -> str:
    if isinstance(error, ClientError):
        return str(error.response["Error"]["Message"])
    return str(error) if isinstance(error, RoleError) else stumbled(error)


def _matches(one: dict[str, Any], field: str, value: str) -> bool:
    """Say whether an attribute that the query names, or any without a name, has the value."""
    by_name = {key.lower(): str(held) for key, held in one.items()}
    return by_name.get(field.lower()) == value if field else any(value in held for held in by_name.values())
