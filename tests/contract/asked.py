"""What the plugin asks of AWS for a run's resources, as requests: each call of the contract with its ARN and tags."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from awsmodel.iam.evaluation import Request
from tests.contract import reference
from tests.contract.rows import Call, Operation, Row, rows
from tests.support.recording import ACCOUNT_ID, Recording, Registration
from tools.check.recording import Answers

PASSED_TO: Mapping[str, str] = {
    "aws:codebuild/project:Project": "codebuild.amazonaws.com",
    "aws:codepipeline/pipeline:Pipeline": "codepipeline.amazonaws.com",
    "aws:cloudwatch/eventTarget:EventTarget": "events.amazonaws.com",
    "aws:servicecatalog/constraint:Constraint": "servicecatalog.amazonaws.com",
}
"""Whom a resource hands its role to."""

WITHOUT_RIGHTS_OF_ITS_OWN = frozenset({"aws:sns/topicSubscription:TopicSubscription"})
"""Types whose calls are asked on what they belong to, though they have an ARN of their own."""

SERVICE_LINKED_ROLE = (
    f"arn:aws:iam::{ACCOUNT_ID}:role/aws-service-role/codestar-notifications.amazonaws.com/"
    "AWSServiceRoleForCodeStarNotifications"
)

NOT_ASKED: Mapping[str, str] = {
    "codebuild:UpdateProjectVisibility": "no project is public",
    "codecommit:UpdateApprovalRuleTemplateName": "another name is another template",
    "codecommit:UpdateRepositoryName": "a rename is refused before the plugin is called",
    "iam:DeleteRolePermissionsBoundary": "where a boundary is set it must stay",
    "iam:PutRolePermissionsBoundary": "judged by its own test: it hangs on the boundary of the settings",
    "iam:RemoveRoleFromInstanceProfile": "no role is in an instance profile",
    "iam:SetDefaultPolicyVersion": "asked only with a delay, which no policy has",
    "kms:DisableKey": "every key is enabled",
    "kms:Decrypt": "no parameter is a SecureString",
    "kms:Encrypt": "no parameter is a SecureString",
    "logs:PutLogGroupDeletionProtection": "no log group is protected so",
    "s3:PutObjectLegalHold": "no object is locked",
}
"""Calls of the contract that the program's resources do not make, and why."""


@dataclass(frozen=True)
class Asked:
    """One request, and for what."""

    resource: str
    """Logical name of the resource."""
    operation: Operation
    request: Request

    def __str__(self) -> str:
        return f"{self.operation} of {self.resource}: {self.request}"


class Plugin:
    """Makes the requests of all resources of a run."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._answers = Answers(ACCOUNT_ID, "us-east-2")

    def asked(self, operations: Sequence[Operation]) -> Iterator[Asked]:
        """Every request of some operations, on every resource of the plugin."""
        for resource in self._recording.resources:
            if resource.type in rows():
                row = rows()[resource.type]
                for operation in operations:
                    for call in row.calls(operation):
                        if call.action not in NOT_ASKED and _given(call, resource, operation):
                            yield from self._requests(resource, row, call, operation)

    def _requests(self, resource: Registration, row: Row, call: Call, operation: Operation) -> Iterator[Asked]:
        (action,) = reference.actions(call.action)
        for target in self._targets(resource, call, action):
            context = self._context(resource, row, call, action, operation, target)
            yield Asked(resource.name, operation, Request(call.action, target, context))

    def _targets(self, resource: Registration, call: Call, action: reference.Action) -> list[str]:
        """ARNs that the call is asked on: its own, or those of what the resource names."""
        if not action.arns or call.action == "iam:CreateServiceLinkedRole":
            return [SERVICE_LINKED_ROLE if action.arns else "*"]
        if call.resource:
            found = [text for value in _at(resource.inputs, call.resource) for text in _arns(value)]
            return sorted(set(found))
        if call.action in ("iam:AttachRolePolicy", "iam:DetachRolePolicy") and not _policy_arns(resource):
            return []
        own = self._arn(resource)
        if "object" in action.arns:
            return [f"{own}/any"] if ":s3:::" in own else list(_objects(resource))
        at_once = len(action.required) > 1
        if action.takes(own) and resource.type not in WITHOUT_RIGHTS_OF_ITS_OWN and not at_once:
            return [own]
        texts = [*_texts(resource.inputs), resource.name]
        texts += [own] if at_once else []
        named = {arn for text in texts for arn in (text, *self._known.get(text, ())) if arn.startswith("arn:")}
        return sorted(arn for arn in named if action.takes(arn)) or [_made_up(action, resource)]

    def _context(
        self, resource: Registration, row: Row, call: Call, action: reference.Action, operation: Operation, target: str
    ) -> dict[str, str | Sequence[str]]:
        context: dict[str, str | Sequence[str]] = {}
        tags: Mapping[str, str] = resource.inputs.get("tags") or {}
        # What the first call makes, and the tags that go with it, are asked before there is anything.
        tagging = re.search(r":(Tag|AddTags)", call.action) is not None
        making = operation == "create" and (call == row.create[0] or (call in row.create and tagging))
        own = target == self._arn(resource) or target == "*"
        if tags and (making or re.search(r":(Tag|AddTags|Update(Portfolio|Product)|PutRule)", call.action)):
            context |= {f"aws:RequestTag/{key}": value for key, value in tags.items()}
            context["aws:TagKeys"] = list(tags)
        # What is being made has no tags yet.
        there = {} if own and making else tags if own else self._tags.get(target, {})
        if any(key.startswith("aws:ResourceTag/") for key in action.keys):
            context |= {f"aws:ResourceTag/{key}": value for key, value in there.items()}
        if call.action == "iam:PassRole":
            context["iam:PassedToService"] = PASSED_TO[resource.type]
        if call.action.endswith(":PassConnection"):
            context[f"{call.action.split(':')[0]}:PassedToService"] = "codepipeline.amazonaws.com"
        if call.action == "iam:CreateServiceLinkedRole":
            context["iam:AWSServiceName"] = "codestar-notifications.amazonaws.com"
        if call.action in ("iam:AttachRolePolicy", "iam:DetachRolePolicy"):
            context["iam:PolicyARN"] = _policy_arns(resource)[0]
        if boundary := resource.inputs.get("permissionsBoundary"):
            context["iam:PermissionsBoundary"] = boundary
        return context

    def _arn(self, resource: Registration) -> str:
        # Answered as the run was: nothing else knows the ids.
        state = self._states[resource.urn]
        return str(state["arn"])

    @cached_property
    def _states(self) -> Mapping[str, Mapping[str, Any]]:
        return {one.urn: self._answers.state_of(one.type, one.name, one.inputs) for one in self._recording.resources}

    @cached_property
    def _known(self) -> Mapping[str, set[str]]:
        """ARNs by what other resources write in their place: names and ids."""
        found: dict[str, set[str]] = {}
        for one in self._recording.resources:
            if one.type not in rows():
                continue
            arn = self._arn(one)
            names = {one.inputs.get(key) for key in ("name", "bucket", "repositoryName")} | {f"{one.name}-id"}
            for name in names:
                if isinstance(name, str) and arn.endswith((name, "-id")):
                    found.setdefault(name, set()).add(arn)
        return found

    @cached_property
    def _tags(self) -> Mapping[str, Mapping[str, str]]:
        return {self._arn(one): one.inputs.get("tags") or {} for one in self._recording.resources if one.type in rows()}


def _given(call: Call, resource: Registration, operation: Operation) -> bool:
    """Whether the resource gives what the call hangs on. What is not given cannot change."""
    hangs_on = call.given + call.changed if operation in ("create", "update", "delete") else call.given
    return not hangs_on or any(_at(resource.inputs, path) for path in hangs_on)


def _at(value: object, path: str) -> list[object]:
    """What stands at a path, in each element of each list on the way."""
    if isinstance(value, list):
        return [found for one in value for found in _at(one, path)]
    if not path:
        return [value] if value else []
    head, _, rest = path.partition(".")
    return _at(value.get(head), rest) if isinstance(value, Mapping) else []


def _arns(value: object) -> Iterator[str]:
    for text in _texts(value):
        yield from re.findall(r"arn:[\w-]+:[\w-]+:[\w-]*:\d*:[\w./+=,@:-]+", text)


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, Sequence):
        for inner in value:
            yield from _texts(inner)


def _policy_arns(resource: Registration) -> list[str]:
    return [text for text in _texts(resource.inputs) if ":policy/" in text]


def _objects(resource: Registration) -> Iterator[str]:
    """The objects that a resource names by their addresses."""
    for text in _texts(resource.inputs):
        for bucket, key in re.findall(r"https://([\w.-]+?)\.s3[.\w-]*\.amazonaws\.com/([^\s\"?]+)", text):
            yield f"arn:aws:s3:::{bucket}/{key}"


def _made_up(action: reference.Action, resource: Registration) -> str:
    """An ARN of the action's type that AWS names by itself, in the run's account."""
    (pattern, *_) = next(iter(action.arns.values()))
    region = str(resource.inputs.get("region", ""))
    parts = pattern.split(":", 5)
    filled = ["arn", "aws", parts[2], region if parts[3] else "", ACCOUNT_ID if parts[4] else "", parts[5]]
    return ":".join(filled).replace("*", f"{resource.name}-id")


def documents(recording: Recording, role: str) -> list[Mapping[str, Any]]:
    """Every statement of a role of a recording, by the role's logical name."""
    name = recording.named(role).inputs["name"]
    policies = {one.inputs["name"]: one.policy() for one in recording.of_type("aws:iam/policy:Policy")}
    found: list[Mapping[str, Any]] = []
    for one in recording.resources:
        if one.inputs.get("role") != name:
            continue
        if one.type == "aws:iam/rolePolicy:RolePolicy":
            found += json.loads(one.inputs["policy"])["Statement"]
        elif one.type == "aws:iam/rolePolicyAttachment:RolePolicyAttachment":
            found += policies[one.inputs["policyArn"].rsplit("/", 1)[-1]]["Statement"]
    return found
