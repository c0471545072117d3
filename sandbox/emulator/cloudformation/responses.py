"""AWS CloudFormation: requests, with the caller at hand, and change sets."""

import json
from typing import Any

from moto.cloudformation.exceptions import ValidationError
from moto.cloudformation.models import Change
from moto.cloudformation.responses import CloudFormationResponse as MotoResponse
from moto.core.common_types import TYPE_RESPONSE
from moto.core.responses import ActionResult, EmptyResult

from sandbox.emulator.cloudformation.models import CloudFormationBackend
from sandbox.emulator.cloudformation.templates import parsed
from sandbox.emulator.core import callers
from sandbox.emulator.core.errors import ServiceError
from sandbox.emulator.resource_types.custom import custom_answers


class CloudFormationResponse(MotoResponse):
    """moto's operations, with the caller at hand, and the ones that it answers in another way."""

    def call_action(self) -> TYPE_RESPONSE:
        """Answer, remembering who asks."""
        with callers.calling(self):
            return super().call_action()

    @classmethod
    def cfnresponse(cls, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401, ARG003 - moto's interface
        """Take the answer of a custom resource's function."""
        request = args[0]
        answer = json.loads(request.get_data())
        custom_answers[answer["RequestId"]] = answer
        return 200, {"status": 200}, "{}"

    def delete_stack(self) -> ActionResult:
        """DeleteStack."""
        self._backend.delete_stack(self._get_param("StackName"), self._get_param("RoleARN"))
        return EmptyResult()

    def create_change_set(self) -> ActionResult:
        """CreateChangeSet; what it would change is told by logical id only."""
        name, backend = self._get_param("StackName"), self._backend
        given = self._get_param("Parameters") or []
        known = [stack for stack in backend.stacks.values() if stack.name == name]
        wanted = self._get_param("ChangeSetType", "UPDATE")
        if wanted == "CREATE" and known and known[0].status != "REVIEW_IN_PROGRESS":
            raise ValidationError(message=f"Stack [{name}] already exists and cannot be created again.")
        template = self._get_param("TemplateBody")
        if wanted == "CREATE":
            for one in known:
                del backend.stacks[one.stack_id]
            backend.review(name, template, {one["ParameterKey"]: one["ParameterValue"] for one in given})
        stack = backend.stack(name)
        resources = parsed(template).resources
        types = {one: resource["Type"] for one, resource in resources.items()}
        types |= {one: member.cf_resource_type for one, member in stack.members.items() if one not in types}
        actions = {one: "Add" if one not in stack.members else "Modify" for one in resources}
        actions |= dict.fromkeys(stack.members.keys() - resources.keys(), "Remove")
        title = self._get_param("ChangeSetName")
        arn = f"arn:{self.partition}:cloudformation:{self.region}:{self.current_account}:changeSet/{title}"
        backend.pending[name, title] = {
            "ChangeSetId": arn,
            "ChangeSetName": title,
            "StackName": name,
            "StackId": stack.stack_id,
            "Status": "CREATE_COMPLETE",
            "ExecutionStatus": "AVAILABLE",
            "Parameters": {one["ParameterKey"]: one["ParameterValue"] for one in given},
            "Changes": [Change(actions[one], one, types[one]) for one in sorted(actions)],
            "TemplateBody": template,
            "RoleARN": self._get_param("RoleARN"),
            "Tags": {tag["Key"]: tag["Value"] for tag in self._get_param("Tags") or []},
        }
        return ActionResult({"Id": arn, "StackId": stack.stack_id})

    def describe_change_set(self) -> ActionResult:
        """DescribeChangeSet."""
        hidden = ("TemplateBody", "RoleARN", "Tags")
        return ActionResult({key: value for key, value in self._change_set().items() if key not in hidden})

    def execute_change_set(self) -> ActionResult:
        """ExecuteChangeSet; it is gone afterwards."""
        change_set = self._change_set()
        del self._backend.pending[change_set["StackName"], change_set["ChangeSetName"]]
        self._backend.execute(change_set)
        return EmptyResult()

    def delete_change_set(self) -> ActionResult:
        """DeleteChangeSet; one that is not there is no error."""
        self._backend.pending.pop((self._get_param("StackName"), self._get_param("ChangeSetName")), None)
        return EmptyResult()

    def _change_set(self) -> dict[str, Any]:
        name, title = self._get_param("StackName"), self._get_param("ChangeSetName")
        if (name, title) not in self._backend.pending:
            raise ServiceError("ChangeSetNotFound", f"ChangeSet [{title}] does not exist")
        return self._backend.pending[name, title]

    @property
    def _backend(self) -> CloudFormationBackend:
        found = self.cloudformation_backend
        assert isinstance(found, CloudFormationBackend)  # noqa: S101 - install put it there
        return found
