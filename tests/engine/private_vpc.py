"""A VPC without internet in the emulated AWS, with all that projects need to run in it."""

from dataclasses import dataclass
from typing import Any

REGION = "us-east-2"
INTERFACES = ("logs", "sagemaker.api", "sagemaker.runtime", "cloudformation", "codepipeline", "monitoring")


@dataclass(frozen=True)
class PrivateVpc:
    """What was made."""

    vpc_id: str
    subnet_ids: tuple[str, ...]
    """One in each of two availability zones, and last a second one in the first zone."""
    group_id: str
    endpoint_ids: dict[str, str]
    """By service."""

    def section(self, **changes: object) -> dict[str, dict[str, Any]]:
        """The section `sm-mlops:network` for it."""
        given = {"vpcId": self.vpc_id, "subnetIds": list(self.subnet_ids[:2]), "securityGroupIds": [self.group_id]}
        return {REGION: {**given, **changes}}


def make_private_vpc(ec2: Any) -> PrivateVpc:
    """Make it."""
    vpc_id = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc_id, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=f"{REGION}{zone}")["Subnet"]
        for number, zone in enumerate("aba")
    ]
    group_id, of_endpoints = (
        ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc_id)["GroupId"]
        for name in ("projects", "endpoints")
    )
    https = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "UserIdGroupPairs": [{"GroupId": group_id}]}
    ec2.authorize_security_group_ingress(GroupId=of_endpoints, IpPermissions=[https])
    (table,) = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc_id]}])["RouteTables"]
    subnet_ids = tuple(subnet["SubnetId"] for subnet in subnets)
    made = {
        "s3": ec2.create_vpc_endpoint(
            VpcId=vpc_id,
            ServiceName=f"com.amazonaws.{REGION}.s3",
            VpcEndpointType="Gateway",
            RouteTableIds=[table["RouteTableId"]],
        )
    }
    for service in INTERFACES:
        made[service] = ec2.create_vpc_endpoint(
            VpcId=vpc_id,
            ServiceName=f"com.amazonaws.{REGION}.{service}",
            VpcEndpointType="Interface",
            SubnetIds=subnet_ids[:2],
            SecurityGroupIds=[of_endpoints],
            PrivateDnsEnabled=True,
        )
    endpoint_ids = {service: endpoint["VpcEndpoint"]["VpcEndpointId"] for service, endpoint in made.items()}
    return PrivateVpc(vpc_id, subnet_ids, group_id, endpoint_ids)
