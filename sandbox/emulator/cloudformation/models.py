"""AWS CloudFormation: stacks that are made, changed, rolled back and removed as in AWS.

moto's stacks make what they know and forget the rest; these fail where AWS fails, undo what they did, and work with
the rights of the stack's role or of who asked. A request is answered when its work is done.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from botocore.exceptions import ClientError, ParamValidationError
from moto.cloudformation.exceptions import AlreadyExistsException, ValidationError
from moto.cloudformation.models import CloudFormationBackend as MotoBackend
from moto.cloudformation.models import Event
from moto.cloudformation.models import Stack as MotoStack
from moto.cloudformation.utils import generate_stack_id, generate_stackset_id
from moto.core.exceptions import JsonRESTError, ServiceException
from moto.core.utils import utcnow
from moto.utilities.utils import get_partition

from awsmodel.cloudformation.evaluation import Evaluation
from awsmodel.cloudformation.name_limits import name_rules
from awsmodel.cloudformation.template import STORED, Json, TemplateError
from sandbox.emulator.cloudformation import stack_sets
from sandbox.emulator.cloudformation.templates import parsed
from sandbox.emulator.core import callers
from sandbox.emulator.core.authorization import UnknownCallError
from sandbox.emulator.core.callers import Caller, RoleError
from sandbox.emulator.core.not_known import not_known, stumbled
from sandbox.emulator.core.shapes import UnsupportedPropertyError
from sandbox.emulator.resource_types import resource_type
from sandbox.emulator.resource_types.base import HandlerError, Properties, Resource, ResourceType, Scope
from sandbox.emulator.resource_types.custom import Custom

SERVICE = "cloudformation.amazonaws.com"
RETAINING = ("Retain", "RetainExceptOnCreate")
UPDATABLE = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE")
_UNDOABLE = (
    *(HandlerError, UnsupportedPropertyError, UnknownCallError),
    *(ParamValidationError, JsonRESTError, ServiceException),
)
"""Failures of a resource beside AWS's own answers, after which the stack goes back."""

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class StackResource:
    """A resource of a stack, with the names under which moto's answers look for its fields."""

    logical_resource_id: str
    cf_resource_type: str
    properties: Properties
    resource: Resource
    definition: Mapping[str, Any]
    """The resource as the template has it."""

    @property
    def physical_resource_id(self) -> str:
        """What identifies the resource in its service."""
        return self.resource.physical_id

    def retained_by(self, policy: str, *, on_create: bool = False) -> bool:
        """Say whether the template wants the resource kept."""
        kept = self.definition.get(policy, "Delete")
        return kept == "Retain" if on_create else kept in RETAINING


class StackError(Exception):
    """A resource could not be made, changed or removed; the text is the reason."""


class _Evaluation(Evaluation):
    """A template's functions, as far as the sandbox knows them."""

    def unknown_function(self, name: str) -> TemplateError:
        """Tell of a function that CloudFormation may know."""
        return TemplateError(not_known(f"the function {name}"))


class Stack(MotoStack):
    """One stack, in the fields that moto's answers read."""

    def __init__(self, account_id: str, region_name: str, name: str, template: str, parameters: dict[str, str]) -> None:
        self.stack_id = generate_stack_id(name, region_name, account_id)
        self.name = name
        self.account_id = account_id
        self.region_name = region_name
        self.notification_arns: list[str] = []
        self.role_arn: str | None = None
        self.tags: dict[str, str] = {}
        self.events: list[Event] = []
        self.timeout_in_minutes: int | None = None
        self.policy = ""
        self.enable_termination_protection = False
        self.disable_rollback = False
        self.creation_time = utcnow()
        self.last_updated_time: datetime | None = None
        self.status = "REVIEW_IN_PROGRESS"
        self.status_reason: str | None = None
        self.members: dict[str, StackResource] = {}
        """What exists, by logical id, each after those that it needs."""
        self._read(template, parameters)

    def _read(self, template: str, parameters: Mapping[str, str]) -> None:
        """Take a template and its parameters as what the stack is to be."""
        self._template = parsed(template)
        if self._template.beyond:
            raise TemplateError(not_known(f"the sections of a template [{', '.join(self._template.beyond)}]"))
        unknown = sorted({r["Type"] for r in self._template.resources.values() if resource_type(r["Type"]) is None})
        if unknown:
            raise TemplateError(not_known(f"the resource types [{', '.join(unknown)}]"))
        resolved = self._template.resolve_parameters(parameters)
        self.template, self.description, self.parameters = template, self._template.description, resolved
        self._evaluation = _Evaluation(self._template, self._stored(resolved), self._pseudo_parameters())
        self._order = self._evaluation.order()

    def _stored(self, parameters: Mapping[str, str]) -> dict[str, str]:
        """Return the parameters with what Systems Manager has in the place of the names that some of them are."""
        asked = {
            name: value
            for name, value in parameters.items()
            if str(self._template.parameters[name].get("Type")).startswith(STORED)
        }
        if not asked:
            return dict(parameters)
        client = callers.current().client("ssm")
        found: dict[str, dict[str, str]] = {}
        for name in sorted(set(asked.values())):
            try:
                found |= {one["Name"]: one for one in client.get_parameters(Names=[name])["Parameters"]}
            except ClientError as error:
                raise TemplateError(error.response["Error"]["Message"]) from error
        if missing := sorted(set(asked.values()) - found.keys()):
            said = f"Unable to fetch parameters [{','.join(missing)}] from parameter store for this account."
            raise TemplateError(said)
        if secret := sorted(name for name, one in found.items() if one["Type"] == "SecureString"):
            named = ",".join(secret)
            raise TemplateError(
                f"Parameters [{named}] referenced by template have types not supported by CloudFormation."
            )
        return {**parameters, **{name: found[value]["Value"] for name, value in asked.items()}}

    def _pseudo_parameters(self) -> dict[str, str]:
        return {
            "AWS::AccountId": self.account_id,
            "AWS::Partition": get_partition(self.region_name),
            "AWS::Region": self.region_name,
            "AWS::StackId": self.stack_id,
            "AWS::StackName": self.name,
            "AWS::URLSuffix": "amazonaws.com",
        }

    @property
    def parameter_list(self) -> list[dict[str, Any]]:
        """The parameters, with secret ones hidden."""
        hidden = {name for name, wanted in self._template.parameters.items() if wanted.get("NoEcho")}
        return [
            {"ParameterKey": name, "ParameterValue": "****" if name in hidden else value}
            for name, value in self.parameters.items()
        ]

    @property
    def stack_parameters(self) -> dict[str, Any]:
        """The parameters by name."""
        return self.parameters

    @property
    def stack_resources(self) -> Iterable[Any]:
        """The resources that exist."""
        return self.members.values()

    @property
    def outputs(self) -> list[dict[str, Any]] | None:
        """The outputs of a stack that is complete."""
        if not self.status.endswith("_COMPLETE") or not self.members:
            return None
        described = self._template.outputs
        return [
            {"OutputKey": name, "OutputValue": value, "Description": described[name].get("Description")}
            for name, value in self._evaluation.outputs().items()
        ]

    def create_resources(self) -> None:
        """Make everything, or undo it and tell why."""
        self._work("CREATE", "ROLLBACK")

    def change(self, template: str, parameters: Mapping[str, str], tags: dict[str, str] | None) -> None:
        """Become what another template or other parameters want, or go back and tell why."""
        before = (self._template.text, self.parameters, self.tags)
        members = dict(self.members)
        self._read(template, parameters)
        self.last_updated_time = utcnow()
        if tags is not None:
            self.tags = tags
        if not self._work("UPDATE", "UPDATE_ROLLBACK"):
            self._read(before[0], before[1])
            self.tags = before[2]
            self.members = {name: self.members.get(name, member) for name, member in members.items()}
            self._evaluation.made = {name: member.resource for name, member in self.members.items()}

    def delete(self) -> None:
        """Remove everything that is not to be kept; a failure leaves the rest in place and is told in the status."""
        caller = self.acting()
        self._note_stack("DELETE_IN_PROGRESS", "User Initiated")
        for member in reversed(list(self.members.values())):
            if member.retained_by("DeletionPolicy"):
                self._note(member, "DELETE_SKIPPED")
            else:
                try:
                    self._remove(caller, member)
                except StackError:
                    reason = f"The following resource(s) failed to delete: [{member.logical_resource_id}]. "
                    self._note_stack("DELETE_FAILED", reason)
                    return
            del self.members[member.logical_resource_id]
        self._note_stack("DELETE_COMPLETE")

    def acting(self) -> Caller:
        """Return with whose rights the stack works: those of its role, or of who asks."""
        caller = callers.current()
        try:
            return caller.assume(self.role_arn, SERVICE, callers.STACK, self.stack_id) if self.role_arn else caller
        except RoleError as error:
            raise ValidationError(message=f"Role {self.role_arn} is invalid or cannot be assumed: {error}") from error

    def _work(self, action: str, undoing: str) -> bool:
        """Bring the resources to what the template wants; on a failure undo it and return False."""
        caller = self.acting()
        self._note_stack(f"{action}_IN_PROGRESS", "User Initiated")
        undo: list[Callable[[], None]] = []
        leftovers = [member for name, member in self.members.items() if name not in self._order]
        try:
            for name in self._order:
                leftovers += self._settle(caller, name, undo)
            self._check_outputs()
        except StackError as failure:
            self._note_stack(f"{undoing}_IN_PROGRESS", str(failure))
            for step in reversed(undo):
                try:
                    step()
                except StackError as second:
                    self._note_stack(f"{undoing}_FAILED", str(second))
                    return False
            self._note_stack(f"{undoing}_COMPLETE")
            # The event tells the end; the status keeps telling the reason.
            self.status_reason = str(failure)
            return False
        self._clear(caller, leftovers)
        self.members = {name: self.members[name] for name in self._order}
        self._note_stack(f"{action}_COMPLETE")
        return True

    def _check_outputs(self) -> None:
        try:
            self._evaluation.outputs()
        except TemplateError as error:
            raise StackError(str(error)) from error
        except Exception as error:
            raise StackError(stumbled(error)) from error

    def _settle(self, caller: Caller, name: str, undo: list[Callable[[], None]]) -> list[StackResource]:
        """Bring one resource to what the template wants; what it leaves to be removed."""
        definition, old = self._template.resources[name], self.members.get(name)
        kind = resource_type(definition["Type"])
        assert kind is not None  # noqa: S101 - `_read` has seen to it
        scope = self._scope(caller, name, definition["Type"])
        try:
            properties = self._with_tags(kind, self._evaluation.properties(name))
        except TemplateError as error:
            raise self._failed(scope, "CREATE", str(error)) from error
        except Exception as error:
            raise self._failed(scope, "CREATE", stumbled(error)) from error
        if fault := _name_fault(definition["Type"], properties):
            message = f"Properties validation failed for resource {name} with message:\n{fault}"
            raise self._failed(scope, "UPDATE" if old else "CREATE", message)
        if old and old.cf_resource_type == definition["Type"] and not kind.must_replace(old.properties, properties):
            resource = old.resource
            if old.properties != properties:
                resource = self._do(
                    scope, "UPDATE", lambda: kind.update(scope, old.resource, old.properties, properties)
                )
                undo.append(lambda: self._revert(scope, kind, old, resource, properties))
            left = []
        else:
            if (
                old
                and kind.custom_name(properties)
                and kind.custom_name(properties) == kind.custom_name(old.properties)
            ):
                raise self._failed(
                    scope,
                    "UPDATE",
                    "CloudFormation cannot update a stack when a custom-named resource requires replacing. "
                    f"Rename {kind.custom_name(properties)} and update the stack again.",
                )
            resource = self._do(scope, "CREATE", lambda: kind.create(scope, properties))
            left = [old] if old else []
        member = StackResource(
            logical_resource_id=name,
            cf_resource_type=definition["Type"],
            properties=properties,
            resource=resource,
            definition=definition,
        )
        if not old or left:
            undo.append(lambda: self._unmake(caller, member, old))
        self.members[name] = member
        self._evaluation.made[name] = resource
        return left

    def _with_tags(self, kind: ResourceType, properties: dict[str, Any]) -> dict[str, Any]:
        """Add the stack's tags to those of a resource that has some, as CloudFormation does."""
        if "Tags" not in properties or isinstance(kind, Custom) or not isinstance(properties["Tags"], list):
            return properties
        own = {tag["Key"] for tag in properties["Tags"]}
        more = [
            {"Key": key, "Value": value}
            for key, value in sorted(self.tags.items())
            if key not in own and not key.startswith("aws:")
        ]
        return {**properties, "Tags": [*properties["Tags"], *more]}

    def _unmake(self, caller: Caller, member: StackResource, old: StackResource | None) -> None:
        if old:
            self.members[member.logical_resource_id] = old
        else:
            del self.members[member.logical_resource_id]
        if not member.retained_by("DeletionPolicy", on_create=True):
            self._remove(caller, member)

    def _revert(
        self, scope: Scope, kind: ResourceType, old: StackResource, resource: Resource, new: Properties
    ) -> None:
        self._do(scope, "UPDATE", lambda: kind.update(scope, resource, new, old.properties))
        self.members[scope.logical_id] = old

    def _clear(self, caller: Caller, leftovers: list[StackResource]) -> None:
        """Remove what the update has left over. A failure is told in the events and does not undo the update."""
        for member in reversed(leftovers):
            replaced = member.logical_resource_id in self._order
            if member.retained_by("UpdateReplacePolicy" if replaced else "DeletionPolicy"):
                self._note(member, "DELETE_SKIPPED")
                continue
            try:
                self._remove(caller, member)
            except StackError:
                continue

    def _remove(self, caller: Caller, member: StackResource) -> None:
        kind = resource_type(member.cf_resource_type)
        assert kind is not None  # noqa: S101 - it was made
        scope = self._scope(caller, member.logical_resource_id, member.cf_resource_type)
        self._do(scope, "DELETE", lambda: kind.delete(scope, member.resource, member.properties))

    def _scope(self, caller: Caller, logical_id: str, type_name: str) -> Scope:
        return Scope(
            caller=caller, stack_id=self.stack_id, stack_name=self.name, logical_id=logical_id, type_name=type_name
        )

    def _do(self, scope: Scope, action: str, work: Callable[[], T]) -> T:
        """Do one thing to one resource, with its events."""
        try:
            done = work()
        except ClientError as error:
            raise self._failed(scope, action, _told(error)) from error
        except _UNDOABLE as error:
            raise self._failed(scope, action, getattr(error, "message", str(error))) from error
        except Exception as error:  # moto's models can stumble over anything
            raise self._failed(scope, action, stumbled(error)) from error
        identity = done.physical_id if isinstance(done, Resource) else ""
        self._add_event(scope.logical_id, identity, scope.type_name, f"{action}_COMPLETE", None)
        return done

    def _failed(self, scope: Scope, action: str, reason: str) -> StackError:
        self._add_event(scope.logical_id, "", scope.type_name, f"{action}_FAILED", reason)
        return StackError(f"The following resource(s) failed to {action.lower()}: [{scope.logical_id}]. {reason}")

    def _note(self, member: StackResource, status: str) -> None:
        self._add_event(member.logical_resource_id, member.physical_resource_id, member.cf_resource_type, status, None)

    def _note_stack(self, status: str, reason: str | None = None) -> None:
        self.status, self.status_reason = status, reason
        self._add_event(self.name, self.stack_id, "AWS::CloudFormation::Stack", status, reason)

    def _add_event(self, logical_id: str, physical_id: str, kind: str, status: str, reason: str | None) -> None:
        event = Event(
            stack_id=self.stack_id,
            stack_name=self.name,
            logical_resource_id=logical_id,
            physical_resource_id=physical_id,
            resource_type=kind,
            resource_status=status,
            resource_status_reason=reason,
            resource_properties=None,
        )
        self.events.append(event)


def _name_fault(type_name: str, properties: Properties) -> str | None:
    """Return what CloudFormation finds wrong with the names that a resource is given, in its words."""
    for path, rule in name_rules(type_name).items():
        for name in _texts_at(properties, path.split(".")):
            if rule.most is not None and len(name) > rule.most:
                return f"#/{path}: expected maxLength: {rule.most}, actual: {len(name)}"
            if rule.wrong_form(name):
                return f"#/{path}: failed validation constraint for keyword [pattern]"
    return None


def _texts_at(value: Json, path: Sequence[str]) -> Iterator[str]:
    if not path:
        yield from [value] if isinstance(value, str) else []
    elif isinstance(value, list):
        for item in value:
            yield from _texts_at(item, path[1:])
    elif isinstance(value, Mapping) and path[0] in value:
        yield from _texts_at(value[path[0]], path[1:])


def _told(error: ClientError) -> str:
    said, status = error.response["Error"], error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400)
    code = said.get("Code", "GeneralServiceException").replace("AccessDeniedException", "AccessDenied")
    return (
        f'Resource handler returned message: "{said.get("Message", "")} (Operation: {error.operation_name}, '
        f'Status Code: {status})" (HandlerErrorCode: {code})'
    )


class CloudFormationBackend(MotoBackend):
    """The stacks of one account and region."""

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.pending: dict[tuple[str, str], dict[str, Any]] = {}
        """Change sets that are not executed yet, by the names of stack and change set."""

    def create_stack(
        self,
        name: str,
        template: str,
        parameters: dict[str, Any],
        notification_arns: list[str] | None = None,
        tags: dict[str, str] | None = None,
        role_arn: str | None = None,
        enable_termination_protection: bool | None = False,
        timeout_in_mins: int | None = None,
        stack_policy_body: str | None = None,
    ) -> Stack:
        """Make a stack and its resources; a failure shows in the status of the stack."""
        if any(stack.name == name for stack in self.stacks.values()):
            raise AlreadyExistsException(f"Stack [{name}] already exists")
        stack = self._new_stack(name, template, parameters)
        stack.notification_arns, stack.tags, stack.role_arn = notification_arns or [], tags or {}, role_arn
        stack.enable_termination_protection = enable_termination_protection or False
        stack.timeout_in_minutes, stack.policy = timeout_in_mins, stack_policy_body or ""
        stack.acting()
        self.stacks[stack.stack_id] = stack
        stack.create_resources()
        return stack

    def review(self, name: str, template: str, parameters: dict[str, str]) -> Stack:
        """Make a stack that has nothing yet, for a change set that will create it."""
        stack = self._new_stack(name, template, parameters)
        self.stacks[stack.stack_id] = stack
        return stack

    def _new_stack(self, name: str, template: str, parameters: dict[str, str]) -> Stack:
        try:
            return Stack(self.account_id, self.region_name, name, template, parameters)  # type: ignore[abstract] # by an oversight of moto
        except TemplateError as error:
            raise ValidationError(message=str(error)) from error

    def validate_template(self, template: str) -> list[Any]:
        """Find no fault in a template that CloudFormation would take; moto asks cfn-lint, which knows other rules."""
        try:
            parsed(template)
        except TemplateError as error:
            raise ValidationError(message=str(error)) from error
        return []

    def execute(self, change_set: Mapping[str, Any]) -> None:
        """Do what a change set says; a failure shows in the status of the stack."""
        stack = self.stack(change_set["StackName"])
        template, tags, role_arn = change_set["TemplateBody"], change_set["Tags"], change_set["RoleARN"]
        if stack.status == "REVIEW_IN_PROGRESS":
            stack.role_arn, stack.tags = role_arn, tags
            stack.create_resources()
        else:
            given = change_set["Parameters"].items()
            parameters = [{"ParameterKey": key, "ParameterValue": value} for key, value in given]
            self.update_stack(stack.name, template, role_arn, parameters, tags)

    def update_stack(
        self,
        name: str,
        template: str,
        role_arn: str | None,
        parameters: list[dict[str, Any]],
        tags: dict[str, str] | None,
    ) -> Stack:
        """Change a stack; a failure shows in its status."""
        stack = self.stack(name)
        if stack.status not in UPDATABLE:
            raise ValidationError(message=f"Stack:{stack.stack_id} is in {stack.status} state and can not be updated.")
        given = self._resolve_update_parameters(instance=stack, incoming_params=parameters)
        try:
            resolved = parsed(template).resolve_parameters(given)
            unchanged = resolved == stack.parameters and template == stack.template
            if unchanged and (tags is None or tags == stack.tags):
                raise ValidationError(message="No updates are to be performed.")
            stack.role_arn = role_arn or stack.role_arn
            stack.change(template, given, tags)
        except TemplateError as error:
            raise ValidationError(message=str(error)) from error
        return stack

    def delete_stack(self, name_or_stack_id: str, role_arn: str | None = None) -> None:
        """Remove a stack; one that is not there is no error. A failure shows in its status."""
        try:
            stack = self.stack(name_or_stack_id)
        except ValidationError:
            return
        if stack.enable_termination_protection:
            raise ValidationError(
                message=f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled"
            )
        if stack.status == "DELETE_COMPLETE":
            return
        stack.role_arn = role_arn or stack.role_arn
        stack.delete()
        if stack.status == "DELETE_COMPLETE":
            self.stacks.pop(stack.stack_id)
            self.deleted_stacks[stack.stack_id] = stack

    def create_stack_set(
        self,
        name: str,
        template: str,
        parameters: dict[str, str],
        tags: dict[str, str],
        permission_model: str,
        admin_role: str | None,
        exec_role: str | None,
        description: str | None,
    ) -> stack_sets.StackSet:
        """Make a stack set, with no stack yet."""
        made = stack_sets.StackSet(
            stackset_id=generate_stackset_id(name),
            account_id=self.account_id,
            name=name,
            region=self.region_name,
            template=template,
            parameters=parameters,
            description=description,
            tags=tags,
            permission_model=permission_model,
            admin_role=admin_role,
            execution_role=exec_role,
        )
        self.stacksets[made.id] = made
        return made

    def stack(self, name_or_stack_id: str) -> Stack:
        """Return a stack; a `ValidationError` where there is none."""
        stack = self.get_stack(name_or_stack_id)
        assert isinstance(stack, Stack)  # noqa: S101 - no others are made
        return stack
