"""AWS CodeStar Notifications: rules that tell an SNS topic what happens to a developer tool."""

import re
from typing import Any

from moto.codebuild.models import codebuild_backends
from moto.codecommit.models import codecommit_backends
from moto.codepipeline.models import codepipeline_backends
from moto.core.base_backend import BackendDict, BaseBackend
from moto.core.exceptions import JsonRESTError
from moto.core.utils import unix_time
from moto.iam.models import SERVICE_NAME_CONVERSION, iam_backends
from moto.kms.models import kms_backends
from moto.moto_api._internal import mock_random
from moto.sns.models import sns_backends

from sandbox.emulator.core.errors import ServiceError
from sandbox.emulator.core.resource_policies import allows_service

PRINCIPAL = "codestar-notifications.amazonaws.com"
SERVICE_LINKED_ROLE = "AWSServiceRoleForCodeStarNotifications"
NAME = re.compile(r"[A-Za-z0-9\-_ ]{1,64}")
MAX_TARGETS = 10
IN_USE = "target cannot be deleted because it is subscribed"
DETAIL_TYPES = ("BASIC", "FULL")
STATUSES = ("ENABLED", "DISABLED")
# By the service of the resource that a rule watches, the prefix and the rest of each event type's id.
EVENT_TYPES = {
    "codebuild": (
        "codebuild-project-",
        "build-state-failed build-state-succeeded build-state-in-progress build-state-stopped "
        "build-phase-failure build-phase-success",
    ),
    "codecommit": (
        "codecommit-repository-",
        "comments-on-commits comments-on-pull-requests approvals-status-changed approvals-rule-override "
        "pull-request-created pull-request-source-updated pull-request-status-changed pull-request-merged "
        "branches-and-tags-created branches-and-tags-deleted branches-and-tags-updated",
    ),
    "codepipeline": (
        "codepipeline-pipeline-",
        "action-execution-succeeded action-execution-failed action-execution-canceled "
        "action-execution-started stage-execution-started stage-execution-succeeded "
        "stage-execution-resumed stage-execution-canceled stage-execution-failed "
        "pipeline-execution-failed pipeline-execution-canceled pipeline-execution-started "
        "pipeline-execution-resumed pipeline-execution-succeeded pipeline-execution-superseded "
        "manual-approval-failed manual-approval-needed manual-approval-succeeded",
    ),
}


def event_types(service: str) -> tuple[str, ...]:
    """Return the ids of the event types that resources of `service` have; none for an unknown service."""
    prefix, rest = EVENT_TYPES.get(service, ("", ""))
    return tuple(prefix + name for name in rest.split())


class CodeStarNotificationsBackend(BaseBackend):
    """The notification rules of one account and region, by ARN."""

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.rules: dict[str, dict[str, Any]] = {}

    def create(self, request: dict[str, Any]) -> str:
        """Make a rule; its ARN. A repeated client token gives the rule of the first request."""
        token = request.get("ClientRequestToken")
        for arn, rule in self.rules.items():
            if token and rule["token"] == token:
                return arn
        self._check_name(request["Name"])
        self._check_choice("DetailType", request["DetailType"], DETAIL_TYPES)
        self._check_resource(request["Resource"])
        self._check_event_types(request["Resource"], request["EventTypeIds"])
        self._make_service_linked_role()
        arn = (
            f"arn:{self.partition}:codestar-notifications:{self.region_name}:{self.account_id}"
            f":notificationrule/{mock_random.get_random_hex(40)}"
        )
        now = unix_time()
        self.rules[arn] = {
            "Arn": arn,
            "Name": request["Name"],
            "EventTypes": list(request["EventTypeIds"]),
            "Resource": request["Resource"],
            "DetailType": request["DetailType"],
            "Targets": self._reach(request["Targets"]),
            "Status": self._check_choice("Status", request.get("Status", "ENABLED"), STATUSES),
            "CreatedBy": f"arn:{self.partition}:iam::{self.account_id}:root",
            "CreatedTimestamp": now,
            "LastModifiedTimestamp": now,
            "Tags": dict(request.get("Tags") or {}),
            "token": token,
        }
        return arn

    def _make_service_linked_role(self) -> None:
        """AWS makes it with the first rule of an account."""
        iam = iam_backends[self.account_id][self.partition]
        if not any(role.name == SERVICE_LINKED_ROLE for role in iam.get_roles()):
            iam.create_service_linked_role(PRINCIPAL, "", "")

    def update(self, arn: str, request: dict[str, Any]) -> None:
        """Change what the request names. Targets that it names are looked at afresh."""
        rule, changes = self.get(arn), dict[str, Any]()
        if (name := request.get("Name")) and name != rule["Name"]:
            self._check_name(name)
            changes["Name"] = name
        if ids := request.get("EventTypeIds"):
            self._check_event_types(rule["Resource"], ids)
            changes["EventTypes"] = list(ids)
        for field, allowed in (("DetailType", DETAIL_TYPES), ("Status", STATUSES)):
            if value := request.get(field):
                changes[field] = self._check_choice(field, value, allowed)
        if "Targets" in request:
            changes["Targets"] = self._reach(request["Targets"])
        rule |= changes | {"LastModifiedTimestamp": unix_time()}

    def get(self, arn: str) -> dict[str, Any]:
        """Return the rule; `ResourceNotFoundException` where there is none."""
        if arn not in self.rules:
            raise ServiceError("ResourceNotFoundException", f"Notification rule {arn} not found")
        return self.rules[arn]

    def subscribe(self, arn: str, target: dict[str, str]) -> None:
        """Add one target to a rule, or look at it afresh."""
        rule = self.get(arn)
        others = [t for t in rule["Targets"] if t["TargetAddress"] != target["TargetAddress"]]
        rule["Targets"] = others + self._reach([target])

    def unsubscribe(self, arn: str, address: str) -> None:
        """Take one target from a rule."""
        rule = self.get(arn)
        rule["Targets"] = [t for t in rule["Targets"] if t["TargetAddress"] != address]

    def delete_target(self, address: str, everywhere: bool) -> None:
        """Forget a target that no rule uses; one in use only when the caller says so."""
        users = [rule for rule in self.rules.values() if address in addresses(rule)]
        if users and not everywhere:
            raise ServiceError("ValidationException", f"This {IN_USE} to {len(users)} notification rules.")
        for rule in users:
            rule["Targets"] = [t for t in rule["Targets"] if t["TargetAddress"] != address]

    def targets(self) -> list[dict[str, str]]:
        """Every target of every rule, once."""
        found = {t["TargetAddress"]: t for rule in self.rules.values() for t in rule["Targets"]}
        return list(found.values())

    def listeners(self, resource: str, notice: str) -> list[tuple[str, str]]:
        """Return the rules of a resource that ask for an event type, each with a topic that it reaches.

        `notice` is the event type without its prefix, e.g. `manual-approval-needed`.
        """
        event_type = EVENT_TYPES[resource.split(":")[2]][0] + notice
        return [
            (arn, target["TargetAddress"])
            for arn, rule in list(self.rules.items())
            if (rule["Resource"], rule["Status"]) == (resource, "ENABLED") and event_type in rule["EventTypes"]
            for target in rule["Targets"]
            if (target["TargetType"], target["TargetStatus"]) == ("SNS", "ACTIVE")
        ]

    def _check_name(self, name: str) -> None:
        if not NAME.fullmatch(name):
            raise ServiceError(
                "ValidationException",
                f"Rule name '{name}' must have 1 to 64 letters, digits, spaces, hyphens or underscores.",
            )
        if any(rule["Name"] == name for rule in self.rules.values()):
            raise ServiceError("ResourceAlreadyExistsException", f"A rule named '{name}' exists already.")

    @staticmethod
    def _check_choice(field: str, value: str, allowed: tuple[str, ...]) -> str:
        if value not in allowed:
            raise ServiceError("ValidationException", f"{field} '{value}' is not one of {', '.join(allowed)}.")
        return value

    def _check_resource(self, arn: str) -> None:
        service, name = arn.split(":")[2], arn.split(":", 5)[-1]
        names: dict[str, list[str]] = {
            "codebuild": [
                f"project/{p}" for p in codebuild_backends[self.account_id][self.region_name].codebuild_projects
            ],
            "codecommit": list(codecommit_backends[self.account_id][self.region_name].repositories),
            "codepipeline": list(codepipeline_backends[self.account_id][self.region_name].pipelines),
        }
        if name not in names.get(service, []):
            raise ServiceError("ConfigurationException", f"The resource {arn} does not exist.")

    @staticmethod
    def _check_event_types(resource: str, ids: list[str]) -> None:
        known = event_types(resource.split(":")[2])
        unknown = [name for name in ids if name not in known]
        if unknown:
            raise ServiceError(
                "ValidationException", f"Event types {unknown} are not events of {resource}: {', '.join(known)}."
            )

    def _reach(self, targets: list[dict[str, str]]) -> list[dict[str, str]]:
        if len(targets) > MAX_TARGETS:
            raise ServiceError("LimitExceededException", f"A rule has at most {MAX_TARGETS} targets.")
        return [target | {"TargetStatus": self._status(target)} for target in targets]

    def _status(self, target: dict[str, str]) -> str:
        """AWS tries the target when the rule is made, and does not try again when its policy changes."""
        if target["TargetType"] != "SNS":
            return "ACTIVE"
        address = target["TargetAddress"]
        topics = sns_backends[self.account_id][address.split(":")[3]].topics
        if address not in topics:
            raise ServiceError("ConfigurationException", f"The topic {address} does not exist.")
        topic = topics[address]
        may_publish = allows_service(topic.policy, PRINCIPAL, "sns:Publish", self.account_id)
        return "ACTIVE" if may_publish and self._may_encrypt(topic.kms_master_key_id) else "UNREACHABLE"

    def _may_encrypt(self, key: str | None) -> bool:
        if not key:
            return True
        try:
            policy = kms_backends[self.account_id][self.region_name].describe_key(key).policy
        except (JsonRESTError, KeyError):
            return False
        actions = ("kms:GenerateDataKey", "kms:Decrypt")
        return all(allows_service(policy, PRINCIPAL, action, self.account_id) for action in actions)


def addresses(rule: dict[str, Any]) -> list[str]:
    """Return the ARNs of a rule's targets."""
    return [target["TargetAddress"] for target in rule["Targets"]]


SERVICE_NAME_CONVERSION["codestar-notifications"] = "CodeStarNotifications"
codestarnotifications_backends = BackendDict(CodeStarNotificationsBackend, "ec2")
