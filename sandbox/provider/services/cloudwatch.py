"""Handlers of `aws:cloudwatch/*`: EventBridge rules and their targets, and log groups."""
# ruff: noqa: ARG002 - the handlers share one signature

import uuid
from typing import ClassVar

from sandbox.provider.aws import Aws
from sandbox.provider.resource import Change, Resource, Tagging
from sandbox.provider.values import Names, Properties, present, tag_list, tag_map

DEFAULT_BUS = "default"
ABSENT = frozenset({"ResourceNotFoundException"})


class EventRule(Resource):
    """A rule; its id is its name, on a bus other than the default `<bus>/<name>`."""

    kind = "aws:cloudwatch/eventRule:EventRule"
    service = "events"
    settings: ClassVar = ("description", "eventPattern", "roleArn", "scheduleExpression", "state")
    replaces = frozenset({"eventBusName", "name"})
    updates = frozenset({*settings, "forceDestroy", "tags"})
    computed = frozenset({"arn"})
    unread = frozenset({"forceDestroy"})
    defaults: ClassVar = {"eventBusName": DEFAULT_BUS, "forceDestroy": False, "state": "ENABLED"}
    name = "name"
    absent = ABSENT
    tagged = True
    tagging = Tagging(member="ResourceARN", arn="rule/{}")

    def create(self, aws: Aws, inputs: Properties) -> str:
        """PutRule."""
        self._put(aws, inputs, Tags=tag_list(inputs.get("tags", {})))
        bus, name = inputs["eventBusName"], inputs["name"]
        return str(name if bus == DEFAULT_BUS else f"{bus}/{name}")

    def configure(self, aws: Aws, ident: str, change: Change) -> None:
        """PutRule again."""
        if change.old and change.any(*self.settings):
            self._put(aws, dict(change.new))

    def _put(self, aws: Aws, inputs: Properties, **more: object) -> None:
        aws.client("events").put_rule(
            Name=inputs["name"],
            EventBusName=inputs["eventBusName"],
            **present(**Names({}).to_api({key: inputs.get(key) for key in self.settings})),
            **more,
        )

    def read(self, aws: Aws, ident: str) -> Properties:
        """DescribeRule."""
        events, (bus, name) = aws.client("events"), _bus_and_rule(ident)
        rule = events.describe_rule(Name=name, EventBusName=bus)
        return {
            "arn": rule["Arn"],
            "description": rule.get("Description"),
            "eventBusName": bus,
            "eventPattern": rule.get("EventPattern"),
            "name": name,
            "roleArn": rule.get("RoleArn"),
            "scheduleExpression": rule.get("ScheduleExpression"),
            "state": rule["State"],
            "tagsAll": tag_map(events.list_tags_for_resource(ResourceARN=rule["Arn"])["Tags"]),
        }

    def delete(self, aws: Aws, ident: str, state: Properties) -> None:
        """DeleteRule; AWS refuses it while the rule has targets."""
        events, (bus, name) = aws.client("events"), _bus_and_rule(ident)
        if state.get("forceDestroy"):
            targets = events.list_targets_by_rule(Rule=name, EventBusName=bus)["Targets"]
            if targets:
                ids = [target["Id"] for target in targets]
                events.remove_targets(Rule=name, EventBusName=bus, Ids=ids)
        events.delete_rule(Name=name, EventBusName=bus)


class EventTarget(Resource):
    """What a rule calls; its id is `<bus>/<rule>/<target id>`, the one by which it is imported."""

    kind = "aws:cloudwatch/eventTarget:EventTarget"
    service = "events"
    names: ClassVar = Names(
        {
            "inputPaths": "InputPathsMap",
            "inputTransformer": "InputTransformer",
            "maximumEventAgeInSeconds": "MaximumEventAgeInSeconds",
            "pipelineParameterLists": "PipelineParameterList",
            "sagemakerPipelineTarget": "SageMakerPipelineParameters",
            "sqsTarget": "SqsParameters",
        }
    )
    settings: ClassVar = (
        "arn",
        "deadLetterConfig",
        "input",
        "inputPath",
        "inputTransformer",
        "retryPolicy",
        "roleArn",
        "sagemakerPipelineTarget",
        "sqsTarget",
    )
    replaces = frozenset({"eventBusName", "rule", "targetId"})
    updates = frozenset({*settings, "forceDestroy"})
    keeps = frozenset({"targetId"})
    unread = frozenset({"forceDestroy"})
    defaults: ClassVar = {"eventBusName": DEFAULT_BUS, "forceDestroy": False}
    absent = ABSENT

    def create(self, aws: Aws, inputs: Properties) -> str:
        """PutTargets."""
        target = inputs.get("targetId") or f"target-{uuid.uuid4().hex}"
        ident = f"{inputs['eventBusName']}/{inputs['rule']}/{target}"
        self._put(aws, ident, inputs)
        return ident

    def configure(self, aws: Aws, ident: str, change: Change) -> None:
        """PutTargets again."""
        if change.old:
            self._put(aws, ident, dict(change.new))

    def _put(self, aws: Aws, ident: str, inputs: Properties) -> None:
        bus, rule, target = ident.split("/", 2)
        wanted = {name: inputs[name] for name in self.settings if inputs.get(name) is not None}
        paths = wanted.get("inputTransformer", {}).get("inputPaths")
        settings = self.names.to_api(wanted)
        if paths:
            # Their keys are the program's own words, not names of properties.
            settings["InputTransformer"]["InputPathsMap"] = paths
        answer = aws.client("events").put_targets(Rule=rule, EventBusName=bus, Targets=[{"Id": target, **settings}])
        if answer.get("FailedEntryCount"):
            raise RuntimeError(f"PutTargets refused the target: {answer['FailedEntries']}")

    def read(self, aws: Aws, ident: str) -> Properties | None:
        """Look for the target among those of the rule."""
        bus, rule, target = ident.split("/", 2)
        pages = aws.client("events").get_paginator("list_targets_by_rule").paginate(Rule=rule, EventBusName=bus)
        found = next((t for page in pages for t in page["Targets"] if t["Id"] == target), None)
        if found is None:
            return None
        settings = self.names.from_api({key: value for key, value in found.items() if key != "Id"})
        if "InputTransformer" in found:
            settings["inputTransformer"]["inputPaths"] = found["InputTransformer"].get("InputPathsMap", {})
        return {**settings, "eventBusName": bus, "rule": rule, "targetId": target}

    def delete(self, aws: Aws, ident: str, state: Properties) -> None:
        """RemoveTargets."""
        bus, rule, target = ident.split("/", 2)
        aws.client("events").remove_targets(Rule=rule, EventBusName=bus, Ids=[target])


class LogGroup(Resource):
    """A log group."""

    kind = "aws:cloudwatch/logGroup:LogGroup"
    service = "logs"
    replaces = frozenset({"logGroupClass", "name"})
    updates = frozenset({"kmsKeyId", "retentionInDays", "skipDestroy", "tags"})
    computed = frozenset({"arn"})
    keeps = frozenset({"logGroupClass"})
    unread = frozenset({"skipDestroy"})
    defaults: ClassVar = {"skipDestroy": False}
    name = "name"
    absent = ABSENT
    tagged = True
    tagging = Tagging(member="resourceArn", arn="log-group:{}", keys="tagKeys", tags="tags", form=dict)

    def create(self, aws: Aws, inputs: Properties) -> str:
        """CreateLogGroup."""
        aws.client("logs").create_log_group(
            logGroupName=inputs["name"],
            **present(kmsKeyId=inputs.get("kmsKeyId"), logGroupClass=inputs.get("logGroupClass")),
            **({"tags": inputs["tags"]} if inputs.get("tags") else {}),
        )
        return str(inputs["name"])

    def configure(self, aws: Aws, ident: str, change: Change) -> None:
        """Retention and key."""
        logs = aws.client("logs")
        if "retentionInDays" in change:
            if days := change["retentionInDays"]:
                logs.put_retention_policy(logGroupName=ident, retentionInDays=days)
            else:
                logs.delete_retention_policy(logGroupName=ident)
        if change.old and "kmsKeyId" in change:
            if key := change["kmsKeyId"]:
                logs.associate_kms_key(logGroupName=ident, kmsKeyId=key)
            else:
                logs.disassociate_kms_key(logGroupName=ident)

    def read(self, aws: Aws, ident: str) -> Properties | None:
        """Find the group among those whose names start alike."""
        logs = aws.client("logs")
        pages = logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=ident)
        found = next((g for page in pages for g in page["logGroups"] if g["logGroupName"] == ident), None)
        if found is None:
            return None
        arn = found["arn"].removesuffix(":*")
        return {
            "arn": arn,
            "kmsKeyId": found.get("kmsKeyId"),
            "logGroupClass": found.get("logGroupClass", "STANDARD"),
            "name": ident,
            "retentionInDays": found.get("retentionInDays", 0),
            "tagsAll": logs.list_tags_for_resource(resourceArn=arn).get("tags", {}),
        }

    def delete(self, aws: Aws, ident: str, state: Properties) -> None:
        """DeleteLogGroup, unless the program said `skipDestroy`."""
        if not state.get("skipDestroy"):
            aws.client("logs").delete_log_group(logGroupName=ident)


def _bus_and_rule(ident: str) -> tuple[str, str]:
    bus, _, name = ident.rpartition("/")
    return bus or DEFAULT_BUS, name
