"""The rights on network interfaces that it takes to run builds, functions and jobs in an existing VPC.

Resource types and condition keys are those of "Actions, resources, and condition keys for Amazon EC2" in AWS's Service
Authorization Reference; which actions a service needs is said in its own guide, named at each function.
"""

from awsmodel.arns import ANY, ArnScope
from awsmodel.regions import Region
from components.core.network import Network
from components.iam.policies import Statement, allow


def subnet_arns(region: Region, network: Network) -> list[str]:
    """ARNs of the subnets. A shared subnet carries the account of its owner, so the account stays open."""
    return [ArnScope.of(region, ANY).subnet(subnet) for subnet in network.subnet_ids]


def network_interface_statements(region: Region, account_id: str, network: Network) -> list[Statement]:
    """What the role of a CodeBuild project needs so that its builds run in the network.

    The actions are those of "Allow CodeBuild access to AWS services required to create a VPC network interface".
    """
    lend = _permit_use(region, account_id, network)
    to_codebuild = {"StringEquals": {"ec2:AuthorizedService": "codebuild.amazonaws.com"}, **lend["Condition"]}
    return [
        _read(*_SEEN_BY_RUNS),
        _make(region, account_id, network),
        _remove(region, account_id, "ec2:DeleteNetworkInterface"),
        {**lend, "Condition": to_codebuild},
    ]


def job_interface_statements(region: Region, account_id: str, network: Network) -> list[Statement]:
    """What the role of SageMaker's jobs and models needs so that they run in the network.

    The actions are those of "Give SageMaker AI jobs access to resources in your Amazon VPC", which names no condition
    on whom SageMaker lends an interface to.
    """
    return [
        _read(*_SEEN_BY_RUNS),
        _make(region, account_id, network),
        _remove(region, account_id, "ec2:DeleteNetworkInterface", "ec2:DeleteNetworkInterfacePermission"),
        _permit_use(region, account_id, network),
    ]


def function_interface_statements(
    region: Region, account_id: str, network: Network, function_arn: str
) -> list[Statement]:
    """What the role of Lambda functions needs so that they run in the network.

    Actions, resources and the deny are those of "Giving Lambda functions access to resources in an Amazon VPC": Lambda
    tries some of the rights before there is an interface, and the code of a function has no use for any of them.

    Args:
        region: where the functions run.
        account_id: the account of the functions.
        network: where in the region they run.
        function_arn: ARN of the functions, or a pattern of it.
    """
    managed = ("ec2:AssignPrivateIpAddresses", "ec2:DeleteNetworkInterface", "ec2:UnassignPrivateIpAddresses")
    seen = ("ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets")
    return [
        _read(*seen),
        _make(region, account_id, network),
        allow("ManageInterfaces", managed, [ArnScope.of(region, account_id).arn("ec2", "*/*")]),
        {
            "Sid": "DenyFunctionCode",
            "Effect": "Deny",
            "Action": ["ec2:CreateNetworkInterface", *managed, *seen],
            "Resource": ["*"],  # a deny: the wider, the safer
            "Condition": {"ArnLike": {"lambda:SourceFunctionArn": function_arn}},
        },
    ]


_SEEN_BY_RUNS = (
    "ec2:DescribeDhcpOptions",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcs",
)


def _interfaces(region: Region, account_id: str) -> str:
    """An interface has no name before it is made."""
    return ArnScope.of(region, account_id).network_interface("*")


def _read(*actions: str) -> Statement:
    # EC2's describe calls know no resource.
    return allow("ReadNetwork", actions, ["*"])


def _make(region: Region, account_id: str, network: Network) -> Statement:
    groups = (ArnScope.of(region, ANY).security_group(group) for group in network.security_group_ids)
    resources = [_interfaces(region, account_id), *subnet_arns(region, network), *groups]
    return allow("CreateNetworkInterfaces", ["ec2:CreateNetworkInterface"], resources)


def _remove(region: Region, account_id: str, *actions: str) -> Statement:
    # Not bound to the subnets: interfaces of an earlier setting must not be left behind.
    return allow("DeleteNetworkInterfaces", actions, [_interfaces(region, account_id)])


def _permit_use(region: Region, account_id: str, network: Network) -> Statement:
    return allow(
        "PermitNetworkInterfaces",
        ["ec2:CreateNetworkInterfacePermission"],
        [_interfaces(region, account_id)],
        {"ArnLike": {"ec2:Subnet": subnet_arns(region, network)}},
    )
