"""AWS::EKS: who may enter a cluster, and which role a service account has."""

from typing_extensions import override

from awsmodel.cloudformation.template import Json
from sandbox.emulator.core.shapes import request
from sandbox.emulator.resource_types.base import Properties, Resource, ResourceType, Scope, unless_gone

_GONE = ("ResourceNotFoundException",)


class AccessEntry(ResourceType):
    """AWS::EKS::AccessEntry."""

    identity = ("PrincipalArn", "ClusterName", "Type")

    @override
    def create(self, scope: Scope, properties: Properties) -> Resource:
        client = scope.caller.client("eks")
        made = client.create_access_entry(**request(client, "create_access_entry", properties))["accessEntry"]
        client.describe_access_entry(clusterName=made["clusterName"], principalArn=made["principalArn"])
        identity = f"{made['principalArn']}|{made['clusterName']}"
        return Resource(name=identity, physical_id=identity, attributes={"AccessEntryArn": made["accessEntryArn"]})

    @override
    def update(self, scope: Scope, resource: Resource, old: Properties, new: Properties) -> Resource:
        client = scope.caller.client("eks")
        wanted = {key: value for key, value in new.items() if key not in ("Type", "Tags")}
        client.update_access_entry(**request(client, "update_access_entry", wanted))
        return resource

    @override
    def delete(self, scope: Scope, resource: Resource, properties: Properties) -> None:
        client = scope.caller.client("eks")
        principal, _, cluster = resource.name.rpartition("|")
        unless_gone(_GONE, lambda: client.delete_access_entry(clusterName=cluster, principalArn=principal))


class PodIdentityAssociation(ResourceType):
    """AWS::EKS::PodIdentityAssociation."""

    identity = ("ClusterName", "Namespace", "ServiceAccount")

    @override
    def create(self, scope: Scope, properties: Properties) -> Resource:
        client = scope.caller.client("eks")
        arguments = request(client, "create_pod_identity_association", properties)
        made: Json = client.create_pod_identity_association(**arguments)["association"]
        client.describe_pod_identity_association(clusterName=made["clusterName"], associationId=made["associationId"])
        return Resource(
            name=made["associationId"],
            physical_id=made["associationArn"],
            attributes={"AssociationArn": made["associationArn"], "AssociationId": made["associationId"]},
        )

    @override
    def update(self, scope: Scope, resource: Resource, old: Properties, new: Properties) -> Resource:
        client = scope.caller.client("eks")
        client.update_pod_identity_association(
            clusterName=new["ClusterName"], associationId=resource.name, roleArn=new["RoleArn"]
        )
        return resource

    @override
    def delete(self, scope: Scope, resource: Resource, properties: Properties) -> None:
        client = scope.caller.client("eks")
        named = {"clusterName": properties["ClusterName"], "associationId": resource.name}
        unless_gone(_GONE, lambda: client.delete_pod_identity_association(**named))


TYPES: dict[str, ResourceType] = {
    "AWS::EKS::AccessEntry": AccessEntry(),
    "AWS::EKS::PodIdentityAssociation": PodIdentityAssociation(),
}
