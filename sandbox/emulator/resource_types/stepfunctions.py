"""AWS::StepFunctions: state machines, to which CloudFormation refers by ARN."""

import json

from typing_extensions import override

from awsmodel.cloudformation.template import Json
from sandbox.emulator.core.callers import Client
from sandbox.emulator.resource_types.base import Api, Properties, Resource, ResourceType, Scope, Tagging


class StateMachine(Api):
    """AWS::StepFunctions::StateMachine. Its API names a state machine by ARN, but for the one that makes it."""

    @override
    def create(self, scope: Scope, properties: Properties) -> Resource:
        client, name = scope.caller.client("stepfunctions"), self.custom_name(properties) or scope.generated_name(80)
        self._call(
            client, "create_state_machine", {**_members(properties), "name": name, "tags": properties.get("Tags", [])}
        )
        arn = f"arn:{scope.caller.partition}:states:{scope.caller.region}:{scope.caller.account}:stateMachine:{name}"
        return self.describe(client, arn)


def _machine(client: Client, arn: str) -> Resource:
    name = client.describe_state_machine(stateMachineArn=arn)["name"]
    return Resource(name=arn, physical_id=arn, attributes={"Arn": arn, "Name": name})


def _members(properties: Properties) -> dict[str, Json]:
    """Return the properties as the members of the API's requests."""
    found = {
        key: properties[key]
        for key in ("RoleArn", "LoggingConfiguration", "EncryptionConfiguration")
        if key in properties
    }
    if "StateMachineType" in properties:
        found["type"] = properties["StateMachineType"]
    definition = properties.get("DefinitionString") or json.dumps(properties["Definition"])
    return {**found, "definition": definition}


TYPES: dict[str, ResourceType] = {
    "AWS::StepFunctions::StateMachine": StateMachine(
        service="stepfunctions",
        create_operation="create_state_machine",
        update_operation="update_state_machine",
        delete_operation="delete_state_machine",
        describe=_machine,
        name="StateMachineName",
        name_limit=80,
        key="stateMachineArn",
        tagging=Tagging(),
        gone=("StateMachineDoesNotExist",),
        fixed=frozenset({"StateMachineType"}),
        prepare=_members,
    ),
}
