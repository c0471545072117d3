"""An existing VPC in which builds, functions and jobs run, and the rights on network interfaces that this takes.

Resource types and condition keys are those of "Actions, resources, and condition keys for Amazon EC2" in AWS's Service
Authorization Reference; which actions a service needs is said in its own guide, named at each function.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from components.policies import Statement
from components.regions import Region


@dataclass(frozen=True, kw_only=True)
class Network:
    """A VPC of one region, and where in it things run."""

    vpc_id: str
    """`vpc-...`."""
    subnet_ids: Sequence[str]
    """`subnet-...`: each run gets an interface in one of them."""
    security_group_ids: Sequence[str]
    """`sg-...`: all of them, on each interface."""


def subnet_arns(region: Region, network: Network) -> list[str]:
    """ARNs of the subnets. A shared subnet carries the account of its owner, so the account stays open."""
    return [f"arn:{region.partition}:ec2:{region.name}:*:subnet/{subnet}" for subnet in network.subnet_ids]


def network_interface_statements(region: Region, account_id: str, network: Network) -> list[Statement]:
    """What the role of a CodeBuild project needs so that its builds run in the network.

    The actions are those of "Allow CodeBuild access to AWS services required to create a VPC network interface".
    """
    interfaces = f"arn:{region.partition}:ec2:{region.name}:{account_id}:network-interface/*"
    groups = [
        f"arn:{region.partition}:ec2:{region.name}:*:security-group/{group}" for group in network.security_group_ids
    ]
    return [
        {
            "Sid": "ReadNetwork",
            "Effect": "Allow",
            "Action": [
                "ec2:DescribeDhcpOptions",
                "ec2:DescribeNetworkInterfaces",
                "ec2:DescribeSecurityGroups",
                "ec2:DescribeSubnets",
                "ec2:DescribeVpcs",
            ],
            "Resource": ["*"],  # EC2's describe calls know no resource
        },
        {
            "Sid": "MakeInterfaces",
            "Effect": "Allow",
            "Action": ["ec2:CreateNetworkInterface"],
            # An interface has no name before it is made; the subnets and the groups say where it may be.
            "Resource": [interfaces, *subnet_arns(region, network), *groups],
        },
        {
            "Sid": "RemoveInterfaces",
            "Effect": "Allow",
            "Action": ["ec2:DeleteNetworkInterface"],
            # Not bound to the subnets: those of an earlier setting must not be left behind.
            "Resource": [interfaces],
        },
        {
            "Sid": "LendInterfaces",
            "Effect": "Allow",
            "Action": ["ec2:CreateNetworkInterfacePermission"],
            "Resource": [interfaces],
            "Condition": {
                "StringEquals": {"ec2:AuthorizedService": "codebuild.amazonaws.com"},
                "ArnLike": {"ec2:Subnet": subnet_arns(region, network)},
            },
        },
    ]
