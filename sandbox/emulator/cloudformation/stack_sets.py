"""CloudFormation's stack sets: a stack of one template in each account and region, made, changed and removed.

moto's stack sets make stacks and never change them. (An account that nobody has acted in has no execution role, and a
stack set fails there as in AWS.) These work as AWS's self-managed ones do: the administration role
assumes the execution role of each account, with whose rights the stack there is made; one stack comes after the other,
and after the first that fails none. A request is answered when its work is done.
"""

from collections.abc import Sequence
from typing import Any

from moto.cloudformation.exceptions import ValidationError
from moto.cloudformation.models import CloudFormationBackend, cloudformation_backends
from moto.cloudformation.models import StackSet as MotoStackSet
from moto.moto_api._internal import mock_random
from typing_extensions import override

from sandbox.emulator.core import callers
from sandbox.emulator.core.callers import Caller, RoleError
from sandbox.emulator.core.not_known import not_known

SERVICE = "cloudformation.amazonaws.com"
MADE = ("CREATE_COMPLETE", "UPDATE_COMPLETE")


class Instance:
    """One stack of a stack set, with the names under which moto's answers look for its fields."""

    def __init__(self, stack_set: "StackSet", account_id: str, region_name: str) -> None:
        self.account_id, self.region_name = account_id, region_name
        self._set = stack_set
        self._name = f"StackSet-{stack_set.name}-{mock_random.uuid4()}"
        self._stack: Any = None
        self.reason = "Cancelled since failure tolerance has exceeded"
        """Why the stack is not what the set wants; empty where it is. At first, because nobody has come to it."""

    def settle(self) -> bool:
        """Bring the stack to what the set wants; whether that has worked is told in `reason`, too."""
        try:
            with callers.calling(self._acting()):
                self._change() if self._stack else self._create()
        except (RoleError, ValidationError) as error:
            self.reason = getattr(error, "message", str(error))
        else:
            done = self._stack.status in MADE
            self.reason = "" if done else f"Stack {self._name} is {self._stack.status}: {self._stack.status_reason}"
        return not self.reason

    def remove(self) -> bool:
        """Remove the stack, if there is one; whether that has worked is told in `reason`, too."""
        self.reason = ""
        try:
            if self._stack:
                with callers.calling(self._acting()):
                    self._backend.delete_stack(self._stack.stack_id)
        except (RoleError, ValidationError) as error:
            self.reason = getattr(error, "message", str(error))
        else:
            if self._stack and self._stack.status != "DELETE_COMPLETE":
                self.reason = f"Stack {self._name} is {self._stack.status}: {self._stack.status_reason}"
        return not self.reason

    @property
    def _backend(self) -> CloudFormationBackend:
        return cloudformation_backends[self.account_id][self.region_name]

    def _acting(self) -> Caller:
        """Return the execution role of the account, as the administration role assumes it."""
        admin, partition = self._set.administration_role_arn, callers.current().partition
        role = f"arn:{partition}:iam::{self.account_id}:role/{self._set.execution_role_name}"
        administrator = callers.current().assume(admin, SERVICE, callers.STACK)
        administrator.require("sts:AssumeRole", role)
        return administrator.assume(role, admin, callers.STACK).in_region(self.region_name)

    def _create(self) -> None:
        self._stack = self._backend.create_stack(
            self._name, self._set.template, self._set.parameters, tags=self._set.tags
        )

    def _change(self) -> None:
        parameters = [{"ParameterKey": key, "ParameterValue": value} for key, value in self._set.parameters.items()]
        try:
            self._backend.update_stack(self._stack.stack_id, self._set.template, None, parameters, self._set.tags)
        except ValidationError as error:
            if "No updates are to be performed" not in str(error):
                raise

    def to_dict(self) -> dict[str, Any]:
        """Return the instance as the API tells it."""
        return {
            "StackId": self._stack.stack_id if self._stack else None,
            "StackSetId": self._set.id,
            "Region": self.region_name,
            "Account": self.account_id,
            "Status": "OUTDATED" if self.reason else "CURRENT",
            "StatusReason": self.reason or None,
            "ParameterOverrides": [],
            "StackInstanceStatus": {"DetailedStatus": "FAILED" if self.reason else "SUCCEEDED"},
        }


class StackSet(MotoStackSet):
    """A stack set of which this account is the administrator."""

    @override
    def create_stack_instances(
        self,
        accounts: list[str],
        regions: list[str],
        deployment_targets: dict[str, Any] | None,
        parameters: list[dict[str, Any]],
    ) -> str:
        if self.permission_model != "SELF_MANAGED" or (deployment_targets or {}).get("OrganizationalUnitIds"):
            raise ValidationError(message=not_known("stack sets but self-managed ones, over accounts"))
        if parameters:
            raise ValidationError(message=not_known("parameter overrides of stack sets"))
        wanted = [*accounts, *(deployment_targets or {}).get("Accounts", [])]
        there = {(one.account_id, one.region_name) for one in self.stack_instances}
        new = [
            Instance(self, account, region)
            for region in regions
            for account in wanted
            if (account, region) not in there
        ]
        self.stack_instances += new  # type: ignore[arg-type] # an instance of this module
        return self._worked("CREATE", new, all(instance.settle() for instance in new))

    @override
    def update(
        self,
        template: str,
        description: str,
        parameters: dict[str, str],
        tags: dict[str, str],
        admin_role: str,
        execution_role: str,
        accounts: list[str],
        regions: list[str],
        operation_id: str,
    ) -> dict[str, Any]:
        # The set itself takes what is wanted, and its stacks follow.
        super().update(template, description, parameters, tags, admin_role, execution_role, [], [], operation_id)
        self.operations.pop()
        chosen = self._chosen(accounts, regions)
        self._worked("UPDATE", chosen, all(instance.settle() for instance in chosen), operation_id)
        return self.operations[-1]

    @override
    def delete_stack_instances(self, accounts: list[str], regions: list[str]) -> None:
        chosen = self._chosen(accounts, regions)
        gone = [instance for instance in chosen if instance.remove()]
        for instance in gone:
            self.stack_instances.remove(instance)  # type: ignore[arg-type]
        self._worked("DELETE", chosen, gone == chosen)

    def _chosen(self, accounts: list[str], regions: list[str]) -> list[Instance]:
        """Return the instances in some accounts and regions; all of them where none is named."""
        found: list[Any] = [
            one
            for one in self.stack_instances
            if (not accounts or one.account_id in accounts) and (not regions or one.region_name in regions)
        ]
        return found

    def _worked(self, action: str, instances: Sequence[Instance], done: bool, operation_id: str = "") -> str:
        identity = operation_id or str(mock_random.uuid4())
        operation = self._create_operation(identity, action, "SUCCEEDED" if done else "FAILED")
        operation["Instances"] = [{instance.account_id: instance.region_name} for instance in instances]
        return identity
