"""Whether an existing VPC can carry what runs in it, found out before anything is registered.

`judge` decides from facts and calls nothing; `gather` reads the facts. EC2 is asked directly and not through the AWS
plugin's functions: those list no endpoints, fail where one is missing, and leave out routes that a gateway propagates.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

import pulumi

from components.core.faults import listed
from components.core.network import Network
from components.providers.aws_access import AwsAccess, AwsError, explained

if TYPE_CHECKING:
    from types_boto3_ec2 import EC2Client
    from types_boto3_ec2.type_defs import FilterTypeDef

Described = Mapping[str, Any]
"""One thing as EC2 describes it."""

HTTPS = 443
MIN_ZONES = 2


class NetworkError(pulumi.RunError):
    """A VPC of the settings cannot carry what runs in it; the message lists every fault."""


@dataclass(frozen=True, kw_only=True)
class NetworkFacts:
    """What EC2 knows of one region's network."""

    account_id: str
    """The account that asks. What others own in a VPC that they share is only partly visible to it."""
    vpcs: Sequence[Described]
    """The VPC, if it exists."""
    subnets: Sequence[Described]
    """Those of the settings that exist, in whatever VPC."""
    groups: Sequence[Described]
    """Security groups of the settings and of the endpoints, as far as they exist."""
    route_tables: Sequence[Described]
    """Those of the VPC."""
    endpoints: Sequence[Described]
    """Those of the VPC."""


@dataclass(frozen=True)
class Verdict:
    """What is wrong with the networks."""

    faults: list[str] = field(default_factory=list)
    """What cannot work."""
    warnings: list[str] = field(default_factory=list)
    """What works only by something that is not seen from here, such as the endpoints of another network."""


def check(networks: Mapping[str, Network], services: Mapping[str, str], access: AwsAccess) -> None:
    """Find out whether each network can carry what runs in it; what is doubtful is a warning.

    Args:
        networks: the networks; where there is none, nothing is called.
        services: what the things that run there call (`settings.products.services_called`).
        access: who asks AWS.

    Raises:
        NetworkError: there are faults, or AWS does not answer.
    """
    if not networks:
        return
    verdict = Verdict()
    for region, facts in _facts(networks, access).items():
        judge(region, networks[region], facts, services, verdict)
    if verdict.warnings:
        pulumi.log.warn("\n".join(["sm-mlops:network may not work:", *(f"  - {one}" for one in verdict.warnings)]))
    if verdict.faults:
        raise NetworkError(listed("sm-mlops:network", verdict.faults))


def _facts(networks: Mapping[str, Network], access: AwsAccess) -> Mapping[str, NetworkFacts]:
    """Return the facts of all regions, read at the same time."""
    try:
        # A session makes its clients one after the other; calling them is safe for threads.
        clients = [access.client("ec2", region) for region in networks]
        home = next(iter(networks))
        with explained("check of the network", "sts", home):
            account_id = access.client("sts", home).get_caller_identity()["Account"]
        with ThreadPoolExecutor() as pool:
            found = pool.map(gather, clients, networks, networks.values(), [account_id] * len(clients))
            return dict(zip(networks, found, strict=True))
    except AwsError as error:
        raise NetworkError(f"sm-mlops:network: {error}") from error


def gather(client: "EC2Client", region: str, network: Network, account_id: str) -> NetworkFacts:
    """Ask EC2 for everything that `judge` wants to know.

    Raises:
        AwsError: EC2 does not answer; the message names the call and a missing permission.
    """

    def only(name: str, values: Sequence[str]) -> "list[FilterTypeDef]":
        # By filter: in a list of ids, one that is missing would be an error that hides the others.
        return [{"Name": name, "Values": list(values)}]

    of_vpc = only("vpc-id", [network.vpc_id])
    with explained(f"check of {network.vpc_id}", "ec2", region):
        pages = client.get_paginator("describe_vpc_endpoints").paginate(Filters=of_vpc)
        endpoints: list[Described] = [found for page in pages for found in page["VpcEndpoints"]]
        groups = {group["GroupId"] for endpoint in endpoints for group in endpoint.get("Groups", ())}
        used = only("group-id", sorted(groups.union(network.security_group_ids)))
        subnets = only("subnet-id", network.subnet_ids)
        return NetworkFacts(
            account_id=account_id,
            vpcs=[
                found
                for page in client.get_paginator("describe_vpcs").paginate(Filters=of_vpc)
                for found in page["Vpcs"]
            ],
            subnets=[
                found
                for page in client.get_paginator("describe_subnets").paginate(Filters=subnets)
                for found in page["Subnets"]
            ],
            groups=[
                found
                for page in client.get_paginator("describe_security_groups").paginate(Filters=used)
                for found in page["SecurityGroups"]
            ],
            route_tables=[
                found
                for page in client.get_paginator("describe_route_tables").paginate(Filters=of_vpc)
                for found in page["RouteTables"]
            ],
            endpoints=endpoints,
        )


def judge(region: str, network: Network, facts: NetworkFacts, services: Mapping[str, str], verdict: Verdict) -> None:
    """Add to the verdict what is wrong with the network of one region."""
    groups = {group["GroupId"]: group for group in facts.groups}
    subnets = {subnet["SubnetId"]: subnet for subnet in facts.subnets}
    if not facts.vpcs:
        verdict.faults.append(f"{region}.vpcId: {network.vpc_id} does not exist in this account and region")
    verdict.faults.extend(_outside(f"{region}.subnetIds", network.subnet_ids, subnets, network.vpc_id))
    verdict.faults.extend(_outside(f"{region}.securityGroupIds", network.security_group_ids, groups, network.vpc_id))
    own = [subnet for subnet in facts.subnets if subnet["VpcId"] == network.vpc_id]
    zones = {subnet["AvailabilityZone"] for subnet in own}
    # Where subnets are missing, the zones of the others say nothing.
    if len(own) == len(network.subnet_ids) and len(zones) < MIN_ZONES:
        verdict.faults.append(
            f"{region}.subnetIds: {', '.join(network.subnet_ids)} all lie in {', '.join(zones)}; name subnets of at "
            f"least {MIN_ZONES} availability zones, so that the failure of one stops nothing"
        )
    given = [groups[group] for group in network.security_group_ids if group in groups]
    if given and not any(_carries_https(rule) for group in given for rule in group["IpPermissionsEgress"]):
        verdict.faults.append(
            f"{region}.securityGroupIds: none of {', '.join(network.security_group_ids)} lets traffic out to port "
            f"{HTTPS}; what runs there could call nothing"
        )
    lacks: dict[_Lack, list[str]] = {}
    for subnet in own:
        if lack := _Subnet(region, network, subnet, facts).lack(services):
            lacks.setdefault(lack, []).append(subnet["SubnetId"])
    for lack, subnet_ids in lacks.items():
        told = verdict.faults if lack.certain else verdict.warnings
        told.append(f"{region}.subnetIds: {', '.join(subnet_ids)}: {lack.words}")


def _outside(key: str, wanted: Sequence[str], found: Mapping[str, Described], vpc_id: str) -> Iterator[str]:
    for ident in wanted:
        if ident not in found:
            yield f"{key}: {ident} does not exist in this account and region"
        elif found[ident]["VpcId"] != vpc_id:
            yield f"{key}: {ident} lies in {found[ident]['VpcId']}, not in {vpc_id}"


def _carries_https(rule: Described) -> bool:
    """Whether a rule of a security group is about TCP's port 443."""
    if rule["IpProtocol"] == "-1":
        return True
    return rule["IpProtocol"] in ("tcp", "6") and rule["FromPort"] <= HTTPS <= rule["ToPort"]


@dataclass(frozen=True)
class _Lack:
    """What is not reached, and why."""

    words: str
    certain: bool
    """Whether nothing that is not seen from here can make up for it."""


@dataclass(frozen=True)
class _Subnet:
    """A subnet of the network, and the ways that lead out of it."""

    region: str
    network: Network
    described: Described
    facts: NetworkFacts

    def lack(self, services: Mapping[str, str]) -> _Lack | None:
        """Tell what of the services cannot be reached from here."""
        table = self._route_table()
        routes = table["Routes"] if table else ()
        default = next((route for route in routes if route.get("DestinationCidrBlock") == "0.0.0.0/0"), None)
        if default and _leads_out(default):
            return None
        lacks = {service: self._without_endpoint(service, table) for service in services}
        missing = {service: lack for service, lack in lacks.items() if lack}
        if not missing:
            return None
        named = "; ".join(f"{service} ({lack.words or services[service]})" for service, lack in missing.items())
        words = (
            f"{_default_words(table, default)}, and these services have no endpoint in {self.network.vpc_id} that "
            f"serves it: {named}. Add the endpoints, or a default route to a NAT or transit gateway or a firewall"
        )
        shared = self.described["OwnerId"] != self.facts.account_id
        hidden = table is None or shared or any(map(_leads_out, routes))
        return _Lack(words, certain=not hidden and any(lack.certain for lack in missing.values()))

    def _route_table(self) -> Described | None:
        """Return the subnet's own table, else the main one; None where neither is visible."""
        found = None
        for table in self.facts.route_tables:
            for association in table["Associations"]:
                if association.get("SubnetId") == self.described["SubnetId"]:
                    return table
                if association["Main"]:
                    found = table
        return found

    def _without_endpoint(self, service: str, table: Described | None) -> _Lack | None:
        """Why no endpoint leads to the service, with the words for the endpoint that is nearest to it."""
        name = f".{self.region}.{service}"
        found = [endpoint for endpoint in self.facts.endpoints if endpoint["ServiceName"].endswith(name)]
        lacks = [lack for endpoint in found if (lack := self._misses(endpoint, table))]
        if len(lacks) < len(found):
            return None
        return min(lacks, key=lambda lack: lack.certain) if lacks else _Lack("", certain=True)

    def _misses(self, endpoint: Described, table: Described | None) -> _Lack | None:
        """Why an endpoint does not serve the subnet."""
        ident, state = endpoint["VpcEndpointId"], endpoint["State"]
        if state.lower() != "available":
            return _Lack(f"{ident} is {state}", certain=True)
        if endpoint["VpcEndpointType"] == "Gateway":
            if table and table["RouteTableId"] not in endpoint["RouteTableIds"]:
                return _Lack(f"{ident} is not associated with {table['RouteTableId']}", certain=True)
            return None
        groups = [group["GroupId"] for group in endpoint.get("Groups", ())]
        seen = {group["GroupId"]: group["IpPermissions"] for group in self.facts.groups}
        rules = [rule for group in groups for rule in seen.get(group, ())]
        # A group that does not exist is told of already, and nothing can let it in.
        known = groups and seen.keys() >= set(self.network.security_group_ids)
        if known and not any(_carries_https(rule) and self._is_source(rule) for rule in rules):
            return _Lack(f"{', '.join(groups)} of {ident} lets nothing in from here on port {HTTPS}", certain=True)
        if not endpoint["PrivateDnsEnabled"]:
            # A private hosted zone of the company's own may stand in for it.
            return _Lack(f"{ident} has no private DNS names", certain=False)
        return None

    def _is_source(self, rule: Described) -> bool:
        """Whether a rule lets traffic in from the subnet. What a prefix list holds is not looked up."""
        block = ip_network(self.described["CidrBlock"], strict=False)
        return (
            bool(rule.get("PrefixListIds"))
            or any(pair.get("GroupId") in self.network.security_group_ids for pair in rule.get("UserIdGroupPairs", ()))
            or any(block.overlaps(ip_network(source["CidrIp"], strict=False)) for source in rule.get("IpRanges", ()))
        )


_TARGETS = (
    "NatGatewayId",
    "TransitGatewayId",
    "GatewayId",
    "NetworkInterfaceId",
    "InstanceId",
    "VpcPeeringConnectionId",
    "CoreNetworkArn",
    "LocalGatewayId",
    "CarrierGatewayId",
    "EgressOnlyInternetGatewayId",
)
"""Where a route can go: the keys of EC2's `Route`."""


def _target(route: Described) -> str:
    return next((str(route[key]) for key in _TARGETS if route.get(key)), "nowhere")


def _leads_out(route: Described) -> bool:
    """Whether a route leads to something that can pass traffic of private addresses on to another network."""
    target = _target(route)
    to_endpoint = "DestinationPrefixListId" in route and target.startswith("vpce-")
    to_nobody = target.startswith(("local", "igw-", "eigw-", "VpcLattice", "nowhere"))
    return route.get("State") != "blackhole" and not to_endpoint and not to_nobody


def _default_words(table: Described | None, default: Described | None) -> str:
    if table is None:
        return "its route table is not visible to this account"
    ident = table["RouteTableId"]
    if default is None:
        return f"{ident} has no default route"
    if default.get("State") == "blackhole":
        return f"the default route of {ident} goes to {_target(default)}, which is gone"
    return (
        f"the default route of {ident} goes to {_target(default)}, an internet gateway, which serves public addresses, "
        f"and builds, functions and jobs get none"
    )
