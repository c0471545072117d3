"""The group's resource policy."""

import json

import pytest
from botocore.stub import ANY
from conftest import ACCOUNT, GROUP, OTHER, environment

from model_deploy.sharing import share_group

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
