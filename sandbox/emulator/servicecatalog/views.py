"""AWS Service Catalog: what its API answers about the things in a catalog."""

from typing import Any

from awsmodel.cloudformation.template import Template, as_text
from sandbox.emulator.servicecatalog.models import (
    Artifact,
    Constraint,
    Portfolio,
    Product,
    Provisioned,
    Record,
    TagOption,
)

# By a parameter's key in a template, the member of the API.
_CONSTRAINTS = ("AllowedPattern", "ConstraintDescription", "MaxLength", "MinLength", "MaxValue", "MinValue")
_SUMMARY = {"Description": "ShortDescription"}


def as_list(tags: dict[str, str]) -> list[dict[str, str]]:
    """Return tags in the API's form."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def portfolio_detail(portfolio: Portfolio) -> dict[str, Any]:
    """Return a PortfolioDetail."""
    return {
        "Id": portfolio.id,
        "ARN": portfolio.arn,
        "DisplayName": portfolio.name,
        "Description": portfolio.description,
        "CreatedTime": portfolio.created,
        "ProviderName": portfolio.provider,
    }


def product_summary(product: Product) -> dict[str, Any]:
    """Return a ProductViewSummary."""
    described = {_SUMMARY.get(field, field): value for field, value in product.fields.items()}
    view = f"prodview-{product.id.removeprefix('prod-')}"
    return {"Id": view, "ProductId": product.id, "Type": product.kind, "HasDefaultPath": False, **described}


def product_detail(product: Product) -> dict[str, Any]:
    """Return a ProductViewDetail."""
    return {
        "ProductViewSummary": product_summary(product),
        "Status": "AVAILABLE",
        "ProductARN": product.arn,
        "CreatedTime": product.created,
    }


def artifact_summary(artifact: Artifact) -> dict[str, Any]:
    """Return a ProvisioningArtifact, as people who launch see it."""
    return {
        "Id": artifact.id,
        "Name": artifact.name,
        "Description": artifact.description,
        "CreatedTime": artifact.created,
        "Guidance": artifact.guidance,
    }


def artifact_detail(artifact: Artifact) -> dict[str, Any]:
    """Return a ProvisioningArtifactDetail, as administrators see it."""
    return {**artifact_summary(artifact), "Type": artifact.kind, "Active": artifact.active}


def constraint_detail(constraint: Constraint) -> dict[str, Any]:
    """Return a ConstraintDetail."""
    return {
        "ConstraintId": constraint.id,
        "Type": constraint.kind,
        "Description": constraint.description,
        "Owner": constraint.owner,
        "ProductId": constraint.product,
        "PortfolioId": constraint.portfolio,
    }


def constraint_answer(constraint: Constraint) -> dict[str, Any]:
    """Return what the operations on one constraint answer."""
    return {
        "ConstraintDetail": constraint_detail(constraint),
        "ConstraintParameters": constraint.parameters,
        "Status": "AVAILABLE",
    }


def tag_option_detail(option: TagOption) -> dict[str, Any]:
    """Return a TagOptionDetail."""
    return {
        "Key": option.key,
        "Value": option.value,
        "Active": option.active,
        "Id": option.id,
        "Owner": option.owner,
    }


def parameters_of(template: Template) -> list[dict[str, Any]]:
    """Return the parameters that somebody who launches the template may give."""
    found = []
    for name, parameter in template.parameters.items():
        limits = {key: as_text(parameter[key]) for key in _CONSTRAINTS if key in parameter}
        allowed = [as_text(value) for value in parameter.get("AllowedValues", [])]
        default = {"DefaultValue": as_text(parameter["Default"])} if "Default" in parameter else {}
        found.append(
            {
                "ParameterKey": name,
                "ParameterType": parameter.get("Type", "String"),
                "IsNoEcho": as_text(parameter.get("NoEcho", False)) == "true",
                "Description": parameter.get("Description", ""),
                "ParameterConstraints": {"AllowedValues": allowed, **limits},
                **default,
            }
        )
    return found


def record_detail(record: Record) -> dict[str, Any]:
    """Return a RecordDetail."""
    return {
        "RecordId": record.id,
        "ProvisionedProductName": record.name,
        "Status": record.status,
        "CreatedTime": record.created,
        "UpdatedTime": record.updated,
        "ProvisionedProductType": "CFN_STACK",
        "RecordType": record.kind,
        "ProvisionedProductId": record.provisioned,
        "ProductId": record.product,
        "ProvisioningArtifactId": record.artifact,
        "PathId": record.path,
        "RecordErrors": record.errors,
        "RecordTags": as_list(record.tags),
        **({"LaunchRoleArn": record.role_arn} if record.role_arn else {}),
    }


def provisioned_detail(one: Provisioned, records: list[Record]) -> dict[str, Any]:
    """Return a ProvisionedProductDetail; `records` are its own, oldest first."""
    launches = [record.id for record in records if record.kind != "TERMINATE_PROVISIONED_PRODUCT"]
    succeeded = [record.id for record in records if record.id in launches and record.status == "SUCCEEDED"]
    return {
        "Name": one.name,
        "Arn": one.arn,
        "Type": "CFN_STACK",
        "Id": one.id,
        "Status": one.status,
        "StatusMessage": one.message,
        "CreatedTime": one.created,
        "IdempotencyToken": one.token,
        "LastRecordId": records[-1].id,
        "LastProvisioningRecordId": launches[-1],
        **({"LastSuccessfulProvisioningRecordId": succeeded[-1]} if succeeded else {}),
        "ProductId": one.product,
        "ProvisioningArtifactId": one.artifact,
        **({"LaunchRoleArn": one.role_arn} if one.role_arn else {}),
    }


def provisioned_attributes(one: Provisioned, product: Product | None, records: list[Record]) -> dict[str, Any]:
    """Return a ProvisionedProductAttribute, which searches answer."""
    artifact = product.artifacts.get(one.artifact) if product else None
    return {
        **provisioned_detail(one, records),
        "Tags": as_list(one.tags),
        "PhysicalId": one.stack_id,
        "ProductName": product.fields["Name"] if product else "",
        "ProvisioningArtifactName": artifact.name if artifact else "",
        "UserArn": one.user_arn,
        "UserArnSession": one.user_arn,
    }
