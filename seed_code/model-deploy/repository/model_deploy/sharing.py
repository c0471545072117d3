"""Lets the accounts of a stack set create models from the watched group, and read what its key encrypts."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from model_deploy.environment import STAGES, Environment
from model_deploy.errors import UserError, error_code, error_text

# Reading only: no account that receives a model may approve one.
_PACKAGE_ACTIONS = ["sagemaker:CreateModel", "sagemaker:DescribeModelPackage"]
_GROUP_ACTIONS = ["sagemaker:DescribeModelPackageGroup"]


def share_group(client: Any, environment: Environment, group_arn: str) -> bool:
    """Put this project's statements into the group's resource policy; statements of others stay as they are.

    Returns whether the policy was changed. Does nothing when every stage is in the project's own account.
    """
    accounts = sorted({account for stage in STAGES for account in environment.other_accounts(stage)})
    if not accounts:
        return False
    policy = _policy(client, environment.group_name)
    mine = _statements(environment, group_arn, accounts)
    names = {statement["Sid"] for statement in mine}
    # The policy language lets one statement stand without a list.
    present = policy.get("Statement", [])
    others = [one for one in (present if isinstance(present, list) else [present]) if one.get("Sid") not in names]
    wanted = {"Version": "2012-10-17", "Statement": [*others, *mine]}
    if wanted == policy:
        return False
    client.put_model_package_group_policy(
        ModelPackageGroupName=environment.group_name, ResourcePolicy=json.dumps(wanted)
    )
    return True


def share_key(client: Any, environment: Environment, roles: Mapping[str, str]) -> list[str]:
    """Let the model roles of other accounts decrypt with the environment's key; return their ARNs.

    A grant, not the key's policy: the policy is its owner's, who may keep it by a program. KMS answers a second
    request with the same name and the same rest with the grant that there is (API reference of CreateGrant, Name).

    Args:
        client: of KMS.
        environment: names the key.
        roles: by stage, the model's role, its name with its path.

    Raises:
        UserError: a role does not exist.

    """
    partition = environment.role_arn.split(":")[1]
    wanted = sorted(
        {
            f"arn:{partition}:iam::{account}:role/{roles[stage]}"
            for stage in STAGES
            for account in environment.other_accounts(stage)
        }
    )
    for role in wanted if environment.kms_key_arn else ():
        name = f"{environment.project_id}-{hashlib.sha256(role.encode()).hexdigest()[:16]}"
        try:
            client.create_grant(
                KeyId=environment.kms_key_arn, GranteePrincipal=role, Operations=["Decrypt", "DescribeKey"], Name=name
            )
        except ClientError as error:
            if error_code(error) != "InvalidArnException":
                raise
            raise UserError(
                f"{role} cannot be let use key {environment.kms_key_arn}: {error_text(error)} Make the role, then run "
                "this again."
            ) from error
    return wanted if environment.kms_key_arn else []


def _policy(client: Any, group_name: str) -> dict[str, Any]:
    try:
        text = client.get_model_package_group_policy(ModelPackageGroupName=group_name)["ResourcePolicy"]
    except ClientError as error:
        # SageMaker's answer for a group that has no policy.
        if error_code(error) in {"ValidationException", "ResourceNotFound"}:
            return {"Version": "2012-10-17", "Statement": []}
        raise
    return dict(json.loads(text))


def _statements(environment: Environment, group_arn: str, accounts: list[str]) -> list[dict[str, Any]]:
    partition = group_arn.split(":")[1]
    principals = {"AWS": [f"arn:{partition}:iam::{account}:root" for account in accounts]}
    sid = "Deploy" + "".join(character for character in environment.project_id if character.isalnum())
    packages = group_arn.replace(":model-package-group/", ":model-package/") + "/*"
    return [
        {
            "Sid": f"{sid}{kind}",
            "Effect": "Allow",
            "Principal": principals,
            "Action": actions,
            "Resource": resource,
        }
        for kind, actions, resource in (
            ("Group", _GROUP_ACTIONS, group_arn),
            ("Packages", _PACKAGE_ACTIONS, packages),
        )
    ]
