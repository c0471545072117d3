"""AWS::Logs: log groups."""

from typing_extensions import override

from sandbox.emulator.core.callers import Client
from sandbox.emulator.resource_types.base import Api, Properties, Resource, ResourceType, Scope, Tagging


def _log_group(client: Client, name: str) -> Resource:
    groups = client.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    (arn,) = (group["arn"] for group in groups if group["logGroupName"] == name)
    return Resource(name=name, physical_id=name, attributes={"Arn": arn})


class LogGroup(Api):
    """AWS::Logs::LogGroup, with its retention."""

    @override
    def complete(self, scope: Scope, name: str, properties: Properties) -> Resource:
        if "RetentionInDays" in properties:
            self._retain(scope, name, properties)
        return super().complete(scope, name, properties)

    @override
    def update(self, scope: Scope, resource: Resource, old: Properties, new: Properties) -> Resource:
        if old.get("RetentionInDays") != new.get("RetentionInDays"):
            self._retain(scope, resource.name, new)
        return super().update(scope, resource, old, new)

    @override
    def must_replace(self, old: Properties, new: Properties) -> bool:
        return self.custom_name(old) != self.custom_name(new)

    @staticmethod
    def _retain(scope: Scope, group: str, properties: Properties) -> None:
        client = scope.caller.client("logs")
        if "RetentionInDays" in properties:
            client.put_retention_policy(logGroupName=group, retentionInDays=int(properties["RetentionInDays"]))
        else:
            client.delete_retention_policy(logGroupName=group)


TYPES: dict[str, ResourceType] = {
    "AWS::Logs::LogGroup": LogGroup(
        service="logs",
        create_operation="create_log_group",
        delete_operation="delete_log_group",
        describe=_log_group,
        name="LogGroupName",
        name_limit=512,
        tagging=Tagging(),
        gone=("ResourceNotFoundException",),
        template_only=frozenset({"RetentionInDays"}),
    ),
}
