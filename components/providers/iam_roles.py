"""What a role of an account is and may do, as IAM tells it."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from awsmodel.iam.evaluation import Statement, statements

if TYPE_CHECKING:
    from types_boto3_iam import IAMClient


def find(iam: "IAMClient", name: str) -> Mapping[str, Any] | None:
    """Return a role, with its tags; None where there is none of the name."""
    try:
        role: Mapping[str, Any] = iam.get_role(RoleName=name)["Role"]
    except iam.exceptions.NoSuchEntityException:
        return None
    return role


def loaded(document: Any) -> Any:  # noqa: ANN401 - botocore gives a mapping where it can read the document
    """Return a policy document as data."""
    return json.loads(document) if isinstance(document, str) else document


def attached(iam: "IAMClient", name: str) -> set[str]:
    """ARNs of the managed policies of a role; none where there is no role."""
    try:
        pages = list(iam.get_paginator("list_attached_role_policies").paginate(RoleName=name))
    except iam.exceptions.NoSuchEntityException:
        return set()
    return {item["PolicyArn"] for page in pages for item in page["AttachedPolicies"]}


def inline(iam: "IAMClient", name: str) -> list[str]:
    """Names of a role's own policies."""
    pages = iam.get_paginator("list_role_policies").paginate(RoleName=name)
    return [policy for page in pages for policy in page["PolicyNames"]]


def policy_document(iam: "IAMClient", arn: str) -> Any:  # noqa: ANN401
    """Return the document of a managed policy that counts; None where there is no such policy."""
    try:
        version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        return loaded(iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"])
    except iam.exceptions.NoSuchEntityException:
        return None


def role_statements(iam: "IAMClient", name: str) -> list[Statement]:
    """Statements of all policies of a role, its own and the managed ones."""
    found: list[Statement] = []
    for policy in inline(iam, name):
        found += statements(loaded(iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]))
    for arn in sorted(attached(iam, name)):
        found += statements(policy_document(iam, arn))
    return found


def boundary_statements(iam: "IAMClient", role: Mapping[str, Any]) -> list[Statement] | None:
    """Statements of a role's permissions boundary; None where it has none."""
    arn = role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
    return statements(policy_document(iam, arn)) if arn else None


def read(iam: "IAMClient", name: str) -> tuple[list[Statement], list[Statement] | None]:
    """Statements of all policies of a role that exists, and of its permissions boundary."""
    role = iam.get_role(RoleName=name)["Role"]
    return role_statements(iam, name), boundary_statements(iam, role)
