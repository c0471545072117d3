"""AWS::ApplicationAutoScaling: scalable targets and their policies."""

from typing_extensions import override

from sandbox.emulator.core.shapes import request
from sandbox.emulator.resource_types.base import Properties, Resource, ResourceType, Scope, unless_gone


class ScalableTarget(ResourceType):
    """AWS::ApplicationAutoScaling::ScalableTarget."""

    identity = ("ServiceNamespace", "ResourceId", "ScalableDimension")

    @override
    def create(self, scope: Scope, properties: Properties) -> Resource:
        client = scope.caller.client("application-autoscaling")
        client.register_scalable_target(**request(client, "register_scalable_target", properties))
        identity = "|".join(properties[key] for key in ("ResourceId", "ScalableDimension", "ServiceNamespace"))
        return Resource(name=identity, physical_id=identity, attributes={"Id": identity})

    @override
    def delete(self, scope: Scope, resource: Resource, properties: Properties) -> None:
        client = scope.caller.client("application-autoscaling")
        identity = {key: properties[key] for key in self.identity}
        unless_gone(("ObjectNotFoundException",), lambda: client.deregister_scalable_target(**identity))


class ScalingPolicy(ResourceType):
    """AWS::ApplicationAutoScaling::ScalingPolicy of a scalable target."""

    identity = ("PolicyName", "ScalingTargetId")

    @override
    def create(self, scope: Scope, properties: Properties) -> Resource:
        client = scope.caller.client("application-autoscaling")
        wanted = {key: value for key, value in properties.items() if key != "ScalingTargetId"}
        arguments = request(client, "put_scaling_policy", {**wanted, **_target(properties)})
        arn = client.put_scaling_policy(**arguments)["PolicyARN"]
        return Resource(name=properties["PolicyName"], physical_id=arn, attributes={"Arn": arn})

    @override
    def delete(self, scope: Scope, resource: Resource, properties: Properties) -> None:
        client = scope.caller.client("application-autoscaling")
        target = _target(properties)
        unless_gone(
            ("ObjectNotFoundException",), lambda: client.delete_scaling_policy(PolicyName=resource.name, **target)
        )


def _target(properties: Properties) -> dict[str, str]:
    names = ("ResourceId", "ScalableDimension", "ServiceNamespace")
    return dict(zip(names, properties["ScalingTargetId"].split("|"), strict=True))


TYPES: dict[str, ResourceType] = {
    "AWS::ApplicationAutoScaling::ScalableTarget": ScalableTarget(),
    "AWS::ApplicationAutoScaling::ScalingPolicy": ScalingPolicy(),
}
