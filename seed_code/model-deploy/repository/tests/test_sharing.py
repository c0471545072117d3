"""The group's resource policy."""

import json

import pytest
from botocore.stub import ANY
from conftest import ACCOUNT, GROUP, OTHER, VARIABLES, environment

from model_deploy.errors import UserError
from model_deploy.sharing import share_group, share_key

GROUP_ARN = f"arn:aws:sagemaker:eu-west-1:{ACCOUNT}:model-package-group/{GROUP}"
THERE = environment(DEPLOYMENT_TARGET="STACKSET", PROD_ACCOUNT_IDS=f"{ACCOUNT},{OTHER}")
FOREIGN = {"Sid": "SomebodyElse", "Effect": "Allow", "Principal": "*", "Action": "sagemaker:List", "Resource": "*"}


@pytest.fixture
def group(stub):
    """A client, its stubber, and the policies that were put."""
    client, stubber = stub("sagemaker")
    put = []
    client.meta.events.register(
        "provide-client-params.sagemaker.PutModelPackageGroupPolicy",
        lambda params, **_: put.append(json.loads(params["ResourcePolicy"])),
    )
    return client, stubber, put


def has_policy(stubber, statements):
    text = json.dumps({"Version": "2012-10-17", "Statement": statements})
    stubber.add_response("get_model_package_group_policy", {"ResourcePolicy": text}, {"ModelPackageGroupName": GROUP})


def accepts_policy(stubber):
    stubber.add_response(
        "put_model_package_group_policy",
        {"ModelPackageGroupArn": GROUP_ARN},
        {"ModelPackageGroupName": GROUP, "ResourcePolicy": ANY},
    )


def test_first_share_lets_the_accounts_read_and_never_approve(group):
    client, stubber, put = group
    stubber.add_client_error("get_model_package_group_policy", "ValidationException", "Cannot find resource policy")
    accepts_policy(stubber)
    assert share_group(client, THERE, GROUP_ARN)
    (policy,) = put
    assert {statement["Principal"]["AWS"][0] for statement in policy["Statement"]} == {f"arn:aws:iam::{OTHER}:root"}
    assert sorted(action for statement in policy["Statement"] for action in statement["Action"]) == [
        "sagemaker:CreateModel",
        "sagemaker:DescribeModelPackage",
        "sagemaker:DescribeModelPackageGroup",
    ]
    assert [statement["Resource"] for statement in policy["Statement"]] == [
        GROUP_ARN,
        f"arn:aws:sagemaker:eu-west-1:{ACCOUNT}:model-package/{GROUP}/*",
    ]


@pytest.mark.parametrize("statements", [[FOREIGN], FOREIGN], ids=["list", "one"])
def test_statements_of_others_stay_and_a_second_share_changes_nothing(group, statements):
    client, stubber, put = group
    has_policy(stubber, statements)
    accepts_policy(stubber)
    assert share_group(client, THERE, GROUP_ARN)
    assert put[0]["Statement"][0] == FOREIGN
    has_policy(stubber, put[0]["Statement"])
    assert not share_group(client, THERE, GROUP_ARN)


def test_stages_in_the_own_account_share_nothing(group):
    assert not share_group(group[0], environment(), GROUP_ARN)


ROLES = {"staging": "models", "prod": "path/models"}


def granted(stubber, role, error=None):
    wanted = {
        "KeyId": VARIABLES["KMS_KEY_ARN"],
        "GranteePrincipal": role,
        "Operations": ["Decrypt", "DescribeKey"],
        "Name": ANY,
    }
    if error:
        stubber.add_client_error("create_grant", error, "no such principal", expected_params=wanted)
    else:
        stubber.add_response("create_grant", {}, wanted)


def test_the_model_roles_of_other_accounts_may_decrypt_and_nothing_else(stub):
    client, stubber = stub("kms")
    role = f"arn:aws:iam::{OTHER}:role/path/models"
    granted(stubber, role)
    assert share_key(client, THERE, ROLES) == [role]


def test_a_second_grant_has_the_same_name_and_a_role_a_name_of_its_own(stub):
    client, stubber = stub("kms")
    names = []
    client.meta.events.register(
        "provide-client-params.kms.CreateGrant", lambda params, **_: names.append(params["Name"])
    )
    both = environment(DEPLOYMENT_TARGET="STACKSET", STAGING_ACCOUNT_IDS=OTHER, PROD_ACCOUNT_IDS=OTHER)
    for _ in range(2):
        for role in ("models", "path/models"):
            granted(stubber, f"arn:aws:iam::{OTHER}:role/{role}")
        share_key(client, both, ROLES)
    assert names[:2] == names[2:]
    assert names[0] != names[1]


def test_a_role_that_does_not_exist_yet_is_named(stub):
    client, stubber = stub("kms")
    granted(stubber, f"arn:aws:iam::{OTHER}:role/path/models", "InvalidArnException")
    with pytest.raises(UserError, match=f"{OTHER}:role/path/models cannot be let use key .* Make the role"):
        share_key(client, THERE, ROLES)


def test_without_a_key_of_its_own_the_environment_shares_none(stub):
    there = environment(DEPLOYMENT_TARGET="STACKSET", PROD_ACCOUNT_IDS=OTHER, KMS_KEY_ARN="")
    assert share_key(stub("kms")[0], there, ROLES) == []
