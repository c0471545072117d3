"""Custom::..., resources that a Lambda function makes."""

import json
from collections.abc import Mapping

from moto.moto_api._internal import mock_random
from typing_extensions import override

from awsmodel.cloudformation.template import Json
from sandbox.emulator.resource_types.base import HandlerError, Properties, Resource, ResourceType, Scope


class Custom(ResourceType):
    """Custom::..., a resource that a Lambda function makes."""

    identity = ("ServiceToken",)

    @override
    def create(self, scope: Scope, properties: Properties) -> Resource:
        return self._ask(scope, "Create", properties)

    @override
    def update(self, scope: Scope, resource: Resource, old: Properties, new: Properties) -> Resource:
        changed = self._ask(scope, "Update", new, resource, OldResourceProperties=_as_strings(old))
        if changed.physical_id != resource.physical_id:
            self.delete(scope, resource, old)
        return changed

    @override
    def delete(self, scope: Scope, resource: Resource, properties: Properties) -> None:
        self._ask(scope, "Delete", properties, resource)

    @staticmethod
    def _ask(
        scope: Scope, kind: str, properties: Properties, resource: Resource | None = None, **more: Json
    ) -> Resource:
        caller, request_id = scope.caller, str(mock_random.uuid4())
        event = {
            "RequestType": kind,
            "RequestId": request_id,
            "ResponseURL": f"{caller.endpoint}/cloudformation_{caller.region}/cfnresponse?stack={scope.stack_id}",
            "ServiceToken": properties["ServiceToken"],
            "StackId": scope.stack_id,
            "LogicalResourceId": scope.logical_id,
            "ResourceType": scope.type_name,
            "ResourceProperties": _as_strings(properties),
            **({"PhysicalResourceId": resource.physical_id} if resource else {}),
            **more,
        }
        said = caller.client("lambda").invoke(FunctionName=properties["ServiceToken"], Payload=json.dumps(event))
        answer = custom_answers.pop(request_id, None)
        if answer is None:
            last_words = said["Payload"].read().decode()
            raise HandlerError(f"The function answered nothing to CloudFormation. It ended with: {last_words}")
        if answer["Status"] != "SUCCESS":
            raise HandlerError(
                f"Received response status [FAILED] from custom resource. Message returned: {answer['Reason']}"
            )
        identity = answer["PhysicalResourceId"]
        return Resource(name=identity, physical_id=identity, attributes=answer.get("Data") or {})


custom_answers: dict[str, dict[str, Json]] = {}
"""What functions have answered to CloudFormation, by request, until it is read."""


def _as_strings(value: Json) -> Json:
    """Return properties as CloudFormation hands them to a function: every scalar is text."""
    if isinstance(value, Mapping):
        return {key: _as_strings(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_as_strings(item) for item in value]
    return str(value).lower() if isinstance(value, bool) else str(value)
