"""What runs in a VPC gets interfaces in the environment's subnets, and nowhere else."""

import pytest

from components.network import Network, network_interface_statements
from components.regions import known_regions
from tests.unit.access import decision

REGION, ACCOUNT_ID = known_regions()["us-east-2"], "111122223333"
NETWORK = Network(
    vpc_id="vpc-0a1b2c3d", subnet_ids=("subnet-0a1b2c3d", "subnet-1a2b3c4d"), security_group_ids=("sg-0a1b2c3d",)
)
BUILDS = network_interface_statements(REGION, ACCOUNT_ID, NETWORK)
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
def test_builds_make_interfaces_in_the_subnets_and_groups_of_the_network(resource: str, expected: str) -> None:
    assert decision(BUILDS, "build", "ec2:CreateNetworkInterface", resource, {}) == expected


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


def test_an_interface_is_removed_wherever_an_earlier_setting_made_it() -> None:
    assert decision(BUILDS, "build", "ec2:DeleteNetworkInterface", INTERFACE, {"ec2:Subnet": FOREIGN}) == "allow"
