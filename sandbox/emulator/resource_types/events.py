"""AWS::Events: rules."""

from typing_extensions import override

from awsmodel.cloudformation.template import Json
from sandbox.emulator.core.callers import Client
from sandbox.emulator.core.shapes import request
from sandbox.emulator.resource_types.base import Api, Properties, Resource, ResourceType, Scope, Tagging, unless_gone


def _rule(client: Client, name: str) -> Resource:
    return Resource(name=name, physical_id=name, attributes={"Arn": client.describe_rule(Name=name)["Arn"]})


class Rule(Api):
    """AWS::Events::Rule, with its targets."""

    @override
    def complete(self, scope: Scope, name: str, properties: Properties) -> Resource:
        self._put_targets(scope, name, properties.get("Targets", []))
        return super().complete(scope, name, properties)

    @override
    def update(self, scope: Scope, resource: Resource, old: Properties, new: Properties) -> Resource:
        self._remove_targets(scope, resource.name, old.get("Targets", []))
        rule = super().update(scope, resource, old, new)
        self._put_targets(scope, rule.name, new.get("Targets", []))
        return rule

    @override
    def delete(self, scope: Scope, resource: Resource, properties: Properties) -> None:
        targets = properties.get("Targets", [])
        unless_gone(self.gone, lambda: self._remove_targets(scope, resource.name, targets))
        super().delete(scope, resource, properties)

    @staticmethod
    def _put_targets(scope: Scope, rule: str, targets: list[Json]) -> None:
        client = scope.caller.client("events")
        if targets:
            client.put_targets(**request(client, "put_targets", {"Rule": rule, "Targets": targets}))

    @staticmethod
    def _remove_targets(scope: Scope, rule: str, targets: list[Json]) -> None:
        if targets:
            scope.caller.client("events").remove_targets(Rule=rule, Ids=[target["Id"] for target in targets])


TYPES: dict[str, ResourceType] = {
    "AWS::Events::Rule": Rule(
        service="events",
        create_operation="put_rule",
        update_operation="put_rule",
        delete_operation="delete_rule",
        describe=_rule,
        name="Name",
        name_limit=64,
        tagging=Tagging(),
        gone=("ResourceNotFoundException",),
        template_only=frozenset({"Targets"}),
    ),
}
