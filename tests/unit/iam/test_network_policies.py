"""What runs in a VPC gets interfaces in the environment's subnets, and nowhere else."""

import pytest

from awsmodel.regions import known_regions
from components.core.network import Network
from components.iam.network_policies import (
    function_interface_statements,
    job_interface_statements,
    network_interface_statements,
)
from tests.support.access import decision

REGION, ACCOUNT_ID = known_regions()["us-east-2"], "111122223333"
NETWORK = Network(
    vpc_id="vpc-0a1b2c3d", subnet_ids=("subnet-0a1b2c3d", "subnet-1a2b3c4d"), security_group_ids=("sg-0a1b2c3d",)
)
BUILDS = network_interface_statements(REGION, ACCOUNT_ID, NETWORK)
JOBS = job_interface_statements(REGION, ACCOUNT_ID, NETWORK)
FUNCTION = f"arn:aws:lambda:us-east-2:{ACCOUNT_ID}:function:sagemaker-1"
FUNCTIONS = function_interface_statements(REGION, ACCOUNT_ID, NETWORK, FUNCTION.replace("-1", "-*"))
INTERFACE = f"arn:aws:ec2:us-east-2:{ACCOUNT_ID}:network-interface/eni-1"
OWN, FOREIGN = (f"arn:aws:ec2:us-east-2:444455556666:subnet/{subnet}" for subnet in ("subnet-1a2b3c4d", "subnet-9"))


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        (OWN, "allow"),
        (FOREIGN, "none"),
        (f"arn:aws:ec2:us-east-2:{ACCOUNT_ID}:security-group/sg-0a1b2c3d", "allow"),
        (f"arn:aws:ec2:us-east-2:{ACCOUNT_ID}:security-group/sg-9", "none"),
        (INTERFACE, "allow"),
        (INTERFACE.replace("us-east-2", "eu-west-1"), "none"),
        (INTERFACE.replace(ACCOUNT_ID, "444455556666"), "none"),
    ],
)
def test_interfaces_are_made_in_the_subnets_and_groups_of_the_network(resource: str, expected: str) -> None:
    for statements in (BUILDS, JOBS, FUNCTIONS):
        assert decision(statements, "role", "ec2:CreateNetworkInterface", resource, {}) == expected


@pytest.mark.parametrize(
    ("service", "subnet", "expected"),
    [
        ("codebuild.amazonaws.com", OWN, "allow"),
        ("codebuild.amazonaws.com", FOREIGN, "none"),
        ("lambda.amazonaws.com", OWN, "none"),
    ],
)
def test_interfaces_are_lent_to_codebuild_alone_and_in_the_subnets_alone(
    service: str, subnet: str, expected: str
) -> None:
    keys = {"ec2:AuthorizedService": service, "ec2:Subnet": subnet}
    assert decision(BUILDS, "build", "ec2:CreateNetworkInterfacePermission", INTERFACE, keys) == expected


def test_jobs_lend_interfaces_in_the_subnets_and_functions_lend_none() -> None:
    lend = "ec2:CreateNetworkInterfacePermission"
    assert decision(JOBS, "job", lend, INTERFACE, {"ec2:Subnet": OWN}) == "allow"
    assert decision(JOBS, "job", lend, INTERFACE, {"ec2:Subnet": FOREIGN}) == "none"
    assert decision(FUNCTIONS, "function", lend, INTERFACE, {"ec2:Subnet": OWN}) == "none"


def test_an_interface_is_removed_wherever_an_earlier_setting_made_it() -> None:
    for statements in (BUILDS, JOBS, FUNCTIONS):
        keys = {"ec2:Subnet": FOREIGN}
        assert decision(statements, "role", "ec2:DeleteNetworkInterface", INTERFACE, keys) == "allow"


def test_the_code_of_a_function_has_no_right_on_interfaces() -> None:
    actions = {action for statement in FUNCTIONS for action in statement["Action"]}
    by_code = {"lambda:SourceFunctionArn": FUNCTION}
    assert {decision(FUNCTIONS, "function", action, INTERFACE, by_code) for action in actions} == {"deny"}
