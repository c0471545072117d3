"""AWS::Lambda: functions and permissions."""

import io
import zipfile
from pathlib import Path

from typing_extensions import override

from awsmodel.cloudformation.template import Json
from sandbox.emulator.core.callers import Client
from sandbox.emulator.core.shapes import request
from sandbox.emulator.resource_types.base import Api, Properties, Resource, ResourceType, Scope, Tagging, unless_gone

CFNRESPONSE = Path(__file__).parents[1] / "awslambda" / "runtime" / "cfnresponse.py"


def _function(client: Client, name: str) -> Resource:
    arn = client.get_function(FunctionName=name)["Configuration"]["FunctionArn"]
    return Resource(name=name, physical_id=name, attributes={"Arn": arn})


class Function(Api):
    """AWS::Lambda::Function; inline code comes with the module `cfnresponse`, as in AWS."""

    @override
    def create(self, scope: Scope, properties: Properties) -> Resource:
        return super().create(scope, {**properties, "Code": _package(properties["Code"])})

    @override
    def update(self, scope: Scope, resource: Resource, old: Properties, new: Properties) -> Resource:
        client = scope.caller.client("lambda")
        if old["Code"] != new["Code"]:
            code = {"FunctionName": resource.name, **_package(new["Code"])}
            client.update_function_code(**request(client, "update_function_code", code))
        return super().update(scope, resource, old, new)


def _package(code: dict[str, Json]) -> dict[str, Json]:
    if "ZipFile" not in code:
        return code
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as package:
        package.writestr("index.py", code["ZipFile"])
        package.write(CFNRESPONSE, "cfnresponse.py")
    return {"ZipFile": buffer.getvalue()}


class Permission(ResourceType):
    """AWS::Lambda::Permission."""

    @override
    def must_replace(self, old: Properties, new: Properties) -> bool:
        return True

    @override
    def create(self, scope: Scope, properties: Properties) -> Resource:
        client, statement = scope.caller.client("lambda"), scope.generated_name(100)
        client.add_permission(**request(client, "add_permission", {**properties, "StatementId": statement}))
        return Resource(name=statement, physical_id=statement)

    @override
    def delete(self, scope: Scope, resource: Resource, properties: Properties) -> None:
        client = scope.caller.client("lambda")
        function = properties["FunctionName"]
        unless_gone(
            ("ResourceNotFoundException",),
            lambda: client.remove_permission(FunctionName=function, StatementId=resource.name),
        )


TYPES: dict[str, ResourceType] = {
    "AWS::Lambda::Function": Function(
        service="lambda",
        create_operation="create_function",
        update_operation="update_function_configuration",
        delete_operation="delete_function",
        describe=_function,
        name="FunctionName",
        name_limit=64,
        tagging=Tagging(member="Resource"),
        gone=("ResourceNotFoundException",),
    ),
    "AWS::Lambda::Permission": Permission(),
}
