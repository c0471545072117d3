"""A preview finds out whether a VPC can carry what runs in it, and names the id that is at fault."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pulumi
import pytest

from components.core.network import Network
from components.preflight import network_check
from components.preflight.network_check import NetworkError, NetworkFacts, Verdict, judge
from settings import SettingsError
from tests.support.played_aws import Clients, Refused
from tests.support.recording import Recording, run_program, stack_values

REGION, ACCOUNT_ID, OWNER = "us-east-2", "111122223333", "444455556666"
VPC = "vpc-0a1b2c3d"
SUBNETS = ("subnet-0000000a", "subnet-0000000b")
GROUP, OF_ENDPOINTS = "sg-0a1b2c3d", "sg-00000000"
NETWORK = Network(vpc_id=VPC, subnet_ids=SUBNETS, security_group_ids=(GROUP,))
SERVICES = {"s3": "sources", "logs": "output", "sagemaker.api": "model-deploy"}
TABLE = "rtb-0a1b2c3d"
HTTPS: dict[str, Any] = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}


def subnet(ident: str, zone: str, **changes: object) -> dict[str, Any]:
    return {
        "SubnetId": ident,
        "VpcId": VPC,
        "AvailabilityZone": f"{REGION}{zone}",
        "CidrBlock": f"10.0.{ord(zone) - ord('a')}.0/24",
        "OwnerId": ACCOUNT_ID,
        **changes,
    }


def group(ident: str, **changes: object) -> dict[str, Any]:
    return {
        "GroupId": ident,
        "VpcId": VPC,
        "IpPermissions": [{**HTTPS, "UserIdGroupPairs": [{"GroupId": GROUP}]}],
        "IpPermissionsEgress": [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}],
        **changes,
    }


def table(*routes: dict[str, Any], ident: str = TABLE, **association: object) -> dict[str, Any]:
    local = {"DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local", "State": "active"}
    return {
        "RouteTableId": ident,
        "Routes": [local, *routes],
        "Associations": [{"Main": not association, **association}],
    }


def default(**target: str) -> dict[str, Any]:
    return {"DestinationCidrBlock": "0.0.0.0/0", "State": "active", **target}


def interface(service: str, **changes: object) -> dict[str, Any]:
    return {
        "VpcEndpointId": f"vpce-{service.replace('.', '')}",
        "ServiceName": f"com.amazonaws.{REGION}.{service}",
        "VpcEndpointType": "Interface",
        "State": "available",
        "PrivateDnsEnabled": True,
        "Groups": [{"GroupId": OF_ENDPOINTS}],
        **changes,
    }


def gateway(**changes: object) -> dict[str, Any]:
    return {
        "VpcEndpointId": "vpce-s3",
        "ServiceName": f"com.amazonaws.{REGION}.s3",
        "VpcEndpointType": "Gateway",
        "State": "available",
        "RouteTableIds": [TABLE],
        **changes,
    }


FACTS = NetworkFacts(
    account_id=ACCOUNT_ID,
    vpcs=[{"VpcId": VPC}],
    subnets=[subnet(SUBNETS[0], "a"), subnet(SUBNETS[1], "b")],
    groups=[group(GROUP, IpPermissions=[]), group(OF_ENDPOINTS)],
    route_tables=[table()],
    endpoints=[gateway(), interface("logs"), interface("sagemaker.api")],
)


def judged(**changes: Any) -> Verdict:
    verdict = Verdict()
    judge(REGION, NETWORK, replace(FACTS, **changes), SERVICES, verdict)
    return verdict


def lacking(**changes: Any) -> str:
    """The one fault, which is of both subnets."""
    (fault,) = judged(**changes).faults
    head = f"{REGION}.subnetIds: {SUBNETS[0]}, {SUBNETS[1]}: "
    assert fault.startswith(head), fault
    return fault.removeprefix(head)


def test_a_vpc_without_internet_that_has_the_endpoints_is_in_order() -> None:
    assert judged() == Verdict()


@pytest.mark.parametrize(
    "target",
    [
        {"NatGatewayId": "nat-1"},
        {"TransitGatewayId": "tgw-1"},
        {"GatewayId": "vpce-firewall"},
        {"GatewayId": "vgw-1"},
        {"NetworkInterfaceId": "eni-1", "InstanceId": "i-1"},
        {"CoreNetworkArn": "arn:aws:networkmanager::111122223333:core-network/core-network-1"},
    ],
)
def test_a_default_route_to_another_network_needs_no_endpoint(target: dict[str, str]) -> None:
    assert judged(route_tables=[table(default(**target))], endpoints=[]) == Verdict()


def test_ids_that_do_not_exist_are_all_named() -> None:
    assert judged(vpcs=[], subnets=[], groups=[], route_tables=[], endpoints=[]).faults == [
        f"{REGION}.vpcId: {VPC} does not exist in this account and region",
        f"{REGION}.subnetIds: {SUBNETS[0]} does not exist in this account and region",
        f"{REGION}.subnetIds: {SUBNETS[1]} does not exist in this account and region",
        f"{REGION}.securityGroupIds: {GROUP} does not exist in this account and region",
    ]


def test_a_group_that_does_not_exist_is_told_of_once_and_not_at_each_endpoint() -> None:
    from_another = {**HTTPS, "UserIdGroupPairs": [{"GroupId": "sg-9"}]}
    assert judged(groups=[group(OF_ENDPOINTS, IpPermissions=[from_another])]).faults == [
        f"{REGION}.securityGroupIds: {GROUP} does not exist in this account and region"
    ]


def test_ids_of_another_vpc_are_named_with_it() -> None:
    subnets = [FACTS.subnets[0], subnet(SUBNETS[1], "b", VpcId="vpc-9")]
    groups = [group(GROUP, VpcId="vpc-9"), group(OF_ENDPOINTS)]
    assert judged(subnets=subnets, groups=groups).faults == [
        f"{REGION}.subnetIds: {SUBNETS[1]} lies in vpc-9, not in {VPC}",
        f"{REGION}.securityGroupIds: {GROUP} lies in vpc-9, not in {VPC}",
    ]


def test_subnets_of_one_zone_are_too_few() -> None:
    (fault,) = judged(subnets=[subnet(SUBNETS[0], "a"), subnet(SUBNETS[1], "a", CidrBlock="10.0.9.0/24")]).faults
    assert fault.startswith(f"{REGION}.subnetIds: {SUBNETS[0]}, {SUBNETS[1]} all lie in {REGION}a; name subnets of at")


@pytest.mark.parametrize(
    ("rules", "fine"),
    [
        ([], False),
        ([{"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80}], False),
        ([{"IpProtocol": "udp", "FromPort": 0, "ToPort": 65535}], False),
        ([{"IpProtocol": "tcp", "FromPort": 0, "ToPort": 65535}], True),
        ([{"IpProtocol": "6", "FromPort": 443, "ToPort": 443}], True),
    ],
)
def test_a_security_group_lets_traffic_out(rules: list[dict[str, Any]], fine: bool) -> None:
    faults = judged(groups=[group(GROUP, IpPermissionsEgress=rules), group(OF_ENDPOINTS)]).faults
    blocked = (
        f"{REGION}.securityGroupIds: none of {GROUP} lets traffic out to port 443; what runs there could call nothing"
    )
    assert faults == ([] if fine else [blocked])


def test_without_a_way_out_each_missing_endpoint_is_named_with_who_calls_it() -> None:
    assert lacking(endpoints=[interface("logs")]) == (
        f"{TABLE} has no default route, and these services have no endpoint in {VPC} that serves it: s3 (sources); "
        "sagemaker.api (model-deploy). Add the endpoints, or a default route to a NAT or transit gateway or a firewall"
    )


def test_an_internet_gateway_is_no_way_out() -> None:
    words = lacking(route_tables=[table(default(GatewayId="igw-1"))], endpoints=[])
    assert words.startswith(
        f"the default route of {TABLE} goes to igw-1, an internet gateway, which serves public addresses, and builds, "
        "functions and jobs get none"
    )


def test_a_default_route_to_what_is_gone_is_no_way_out() -> None:
    words = lacking(route_tables=[table(default(NatGatewayId="nat-1", State="blackhole"))], endpoints=[])
    assert words.startswith(f"the default route of {TABLE} goes to nat-1, which is gone")


@pytest.mark.parametrize(
    ("endpoint", "words"),
    [
        (gateway(RouteTableIds=["rtb-9"]), f"s3 (vpce-s3 is not associated with {TABLE})"),
        (gateway(State="deleting"), "s3 (vpce-s3 is deleting)"),
        (interface("logs", State="pendingAcceptance"), "logs (vpce-logs is pendingAcceptance)"),
        (
            interface("logs", Groups=[{"GroupId": GROUP}]),
            f"logs ({GROUP} of vpce-logs lets nothing in from here on port 443)",
        ),
    ],
)
def test_an_endpoint_that_does_not_serve_the_subnet_is_named(endpoint: dict[str, Any], words: str) -> None:
    others = [one for one in FACTS.endpoints if one["VpcEndpointId"] != endpoint["VpcEndpointId"]]
    assert f"that serves it: {words}. Add" in lacking(endpoints=[*others, endpoint])


def test_an_endpoint_of_another_service_or_region_does_not_count() -> None:
    others = [gateway(ServiceName=f"com.amazonaws.{REGION}.dynamodb"), *FACTS.endpoints[1:]]
    assert "serves it: s3 (sources). Add" in lacking(endpoints=others)
    foreign = [interface("logs", ServiceName="com.amazonaws.eu-west-1.logs"), gateway(), interface("sagemaker.api")]
    assert "serves it: logs (output). Add" in lacking(endpoints=foreign)


def test_one_endpoint_that_serves_is_enough_whatever_others_of_its_service_lack() -> None:
    assert judged(endpoints=[gateway(RouteTableIds=[]), interface("s3"), *FACTS.endpoints[1:]]) == Verdict()


@pytest.mark.parametrize(
    ("source", "fine"),
    [
        ({"IpRanges": [{"CidrIp": "10.0.0.0/16"}]}, True),
        ({"IpRanges": [{"CidrIp": "10.0.0.0/23"}]}, True),
        ({"IpRanges": [{"CidrIp": "192.168.0.0/16"}]}, False),
        ({"PrefixListIds": [{"PrefixListId": "pl-1"}]}, True),
        ({"UserIdGroupPairs": [{"GroupId": "sg-9"}]}, False),
    ],
)
def test_the_group_of_an_endpoint_lets_the_subnets_in(source: dict[str, Any], fine: bool) -> None:
    groups = [FACTS.groups[0], group(OF_ENDPOINTS, IpPermissions=[{**HTTPS, **source}])]
    assert (judged(groups=groups) == Verdict()) is fine


def test_a_subnet_has_its_own_route_table_or_else_the_main_one() -> None:
    out = default(NatGatewayId="nat-1")
    own = table(out, ident="rtb-own", SubnetId=SUBNETS[0], Main=False)
    of_another = table(out, ident="rtb-other", SubnetId="subnet-9", Main=False)
    (fault,) = judged(route_tables=[own, table(), of_another], endpoints=[]).faults
    assert fault.startswith(f"{REGION}.subnetIds: {SUBNETS[1]}: {TABLE} has no default route")


@pytest.mark.parametrize(
    "changes",
    [
        {
            "route_tables": [table({"DestinationCidrBlock": "10.9.0.0/16", "TransitGatewayId": "tgw-1"})],
            "endpoints": [],
        },
        {"subnets": [subnet(SUBNETS[0], "a", OwnerId=OWNER), subnet(SUBNETS[1], "b", OwnerId=OWNER)], "endpoints": []},
        {"route_tables": [], "endpoints": []},
        {"endpoints": [gateway(), interface("logs", PrivateDnsEnabled=False), interface("sagemaker.api")]},
        {"endpoints": [gateway(RouteTableIds=[]), interface("s3", PrivateDnsEnabled=False), *FACTS.endpoints[1:]]},
    ],
    ids=["another network", "a shared VPC", "no visible route table", "own names", "own names beside a gateway"],
)
def test_what_is_not_seen_from_here_is_a_doubt_and_no_fault(changes: dict[str, Any]) -> None:
    verdict = judged(**changes)
    assert verdict.faults == []
    assert [SUBNETS[0] in one for one in verdict.warnings] == [True]


def test_the_route_of_a_gateway_endpoint_leads_to_no_other_network() -> None:
    to_s3 = {"DestinationPrefixListId": "pl-1", "GatewayId": "vpce-s3", "State": "active"}
    assert "logs (output)" in lacking(route_tables=[table(to_s3)], endpoints=[gateway()])


class PlayedEc2:
    """EC2 and STS with one VPC that is in order, a page at a time."""

    def __init__(self, **changes: Callable[..., object]) -> None:
        self.calls: list[str] = []
        self._changes = changes

    def __getattr__(self, operation: str) -> Callable[..., object]:
        answer: Callable[..., object] = self._changes.get(operation) or getattr(self, f"_{operation}")
        return answer

    def _GetCallerIdentity(self) -> dict[str, Any]:
        return {"Account": ACCOUNT_ID}

    def _DescribeVpcs(self, Filters: object) -> dict[str, Any]:
        assert Filters == [{"Name": "vpc-id", "Values": [VPC]}]
        return {"Vpcs": FACTS.vpcs}

    def _DescribeSubnets(self, Filters: object, NextToken: str = "") -> dict[str, Any]:
        assert Filters == [{"Name": "subnet-id", "Values": list(SUBNETS)}]
        return {"Subnets": FACTS.subnets[1:]} if NextToken else {"Subnets": FACTS.subnets[:1], "NextToken": "more"}

    def _DescribeSecurityGroups(self, Filters: object) -> dict[str, Any]:
        assert Filters == [{"Name": "group-id", "Values": [OF_ENDPOINTS, GROUP]}]
        return {"SecurityGroups": FACTS.groups}

    def _DescribeRouteTables(self, Filters: object) -> dict[str, Any]:
        assert Filters == [{"Name": "vpc-id", "Values": [VPC]}]
        return {"RouteTables": FACTS.route_tables}

    def _DescribeVpcEndpoints(self, Filters: object) -> dict[str, Any]:
        assert Filters == [{"Name": "vpc-id", "Values": [VPC]}]
        return {"VpcEndpoints": FACTS.endpoints}


def check(played: PlayedEc2, networks: Mapping[str, Network] | None = None) -> None:
    wanted = {REGION: NETWORK} if networks is None else networks
    network_check.check(wanted, SERVICES, Clients(played))  # type: ignore[arg-type] # plays the access, too


def test_facts_are_read_from_all_pages() -> None:
    played = PlayedEc2()
    check(played)
    assert played.calls.count("DescribeSubnets") == 2


def test_nothing_is_called_where_there_is_no_network() -> None:
    played = PlayedEc2()
    check(played, {})
    assert played.calls == []


def test_faults_stop_the_program_and_are_counted() -> None:
    with pytest.raises(NetworkError) as raised:
        check(PlayedEc2(DescribeSubnets=lambda **_: {"Subnets": []}))
    heading, *lines = str(raised.value).splitlines()
    assert heading == "sm-mlops:network has 2 faults:"
    assert all(line.startswith(f"  - {REGION}.subnetIds: {ident}") for line, ident in zip(lines, SUBNETS, strict=True))
    assert isinstance(raised.value, pulumi.RunError), "otherwise Pulumi prints a traceback"


def test_a_missing_permission_is_named() -> None:
    def denied(**_: object) -> object:
        raise Refused("UnauthorizedOperation", "You are not authorized")

    with pytest.raises(NetworkError, match=r"DescribeRouteTables failed.*Grant ec2:DescribeRouteTables to whoever"):
        check(PlayedEc2(DescribeRouteTables=denied))


def test_doubts_are_told_and_stop_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", told.append)
    endpoints = [gateway(), interface("logs", PrivateDnsEnabled=False), interface("sagemaker.api")]
    check(PlayedEc2(DescribeVpcEndpoints=lambda **_: {"VpcEndpoints": endpoints}))
    (warning,) = told
    assert "vpce-logs has no private DNS names" in warning


def test_the_program_registers_nothing_before_the_network_is_known_to_work(monkeypatch: pytest.MonkeyPatch) -> None:
    played = PlayedEc2(DescribeVpcs=lambda **_: {"Vpcs": []})
    monkeypatch.setattr("components.preflight.configured_access", lambda: Clients(played))
    values = stack_values("dev")
    ids = {"vpcId": VPC, "subnetIds": list(SUBNETS), "securityGroupIds": [GROUP]}
    values["sm-mlops:network"] = {REGION: ids}
    recording = Recording()
    with pytest.raises(SettingsError, match=f"{VPC} does not exist"):
        run_program(values, recording=recording)
    assert recording.resources == []
