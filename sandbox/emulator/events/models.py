"""What the emulated services tell of themselves: to Amazon EventBridge, and to notification rules.

moto's rules know few kinds of targets; here they also start pipelines and builds, publish to topics and invoke
functions, each with the rights that AWS asks for. A target that cannot be reached is told on standard error, where
AWS would only count it.
"""

import json
import re
import sys
import threading
import uuid
from copy import copy
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError
from jsonpath_ng.ext.parser import parse
from moto.awslambda.models import lambda_backends
from moto.codepipeline.models import codepipeline_backends
from moto.core.exceptions import JsonRESTError
from moto.events.models import Rule, events_backends
from moto.events.utils import EventMessageType, EventTemplateParser
from moto.sns.models import sns_backends

from sandbox.emulator.codestarnotifications import models as codestar_notifications
from sandbox.emulator.core import callers
from sandbox.emulator.core.callers import Caller, RoleError
from sandbox.emulator.core.extension import replaces
from sandbox.emulator.core.resource_policies import allows_service

Json = dict[str, Any]

SERVICE = "events.amazonaws.com"

_send_to_targets = Rule.send_to_targets


class TargetError(Exception):
    """A rule cannot reach a target; the text says why."""


def timestamp(seconds: float | None = None) -> str:
    """Return a moment, or now, as events write it."""
    moment = datetime.now(UTC) if seconds is None else datetime.fromtimestamp(seconds, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def publish(caller: Caller, *, source: str, kind: str, detail: Json, resource: str, notice: str = "") -> None:
    """Send an event of a resource to the default bus, and where `notice` names its type to notification rules."""
    entry = {"Source": source, "DetailType": kind, "Detail": json.dumps(detail), "Resources": [resource]}
    with callers.calling(caller.root()):
        events_backends[caller.account][caller.region].put_events([entry])
    if notice:
        notify(caller, source, kind, detail, resource, notice)


def notify(caller: Caller, source: str, kind: str, detail: Json, resource: str, notice: str) -> None:
    """Tell the topics of a resource's notification rules that ask for an event type."""
    backend = codestar_notifications.codestarnotifications_backends[caller.account][caller.region]
    for rule, topic in backend.listeners(resource, notice):
        message = {
            "account": caller.account,
            "detailType": kind,
            "region": caller.region,
            "source": source,
            "time": timestamp(),
            "notificationRuleArn": rule,
            "detail": detail,
            "resources": [resource],
            "additionalAttributes": {},
        }
        region = topic.split(":")[3]
        try:
            caller.root().in_region(region).client("sns").publish(TopicArn=topic, Message=json.dumps(message))
        except ClientError as error:
            _complain(f"notification rule {rule}", topic, str(error))


@replaces(Rule)
def send_to_targets(self: Rule, original_event: EventMessageType, transform_input: bool = True) -> None:
    """Send an event to each target of a rule that it fits."""
    if self.state != "ENABLED" or not self.event_pattern.get_pattern():
        return
    if not self.event_pattern.matches_event(original_event):
        return
    for target in list(self.targets):
        reach = _TARGETS.get(target["Arn"].split(":")[2])
        try:
            if reach:
                reach(self, target, _input(target, original_event))
            else:
                lone = copy(self)
                lone.targets = [target]
                _send_to_targets(lone, original_event, transform_input)
        except (TargetError, RoleError, ClientError, JsonRESTError, NotImplementedError, ValueError) as error:
            _complain(f"rule {self.name}", target["Arn"], str(error) or type(error).__name__)


def _input(target: Json, event: EventMessageType) -> Any:  # noqa: ANN401 - any JSON
    """Return what a target gets: the event, a part of it, or what the rule makes of it."""
    if isinstance(event["time"], float | int):
        event = {**event, "time": timestamp(event["time"])}
    if "Input" in target:
        return json.loads(target["Input"])
    if "InputPath" in target:
        return EventTemplateParser.parse("<it>", {"it": target["InputPath"]}, event)
    if transformer := target.get("InputTransformer"):
        return transformed(transformer["InputTemplate"], transformer.get("InputPathsMap") or {}, event)
    return {key: value for key, value in event.items() if key != "ingestion-time"}


def transformed(template: str, paths: dict[str, str], event: Any) -> Any:  # noqa: ANN401 - any JSON
    """Return a template with an event's values filled in.

    As EventBridge does it: inside a string a value is its text, elsewhere it is JSON. moto never quotes.
    """
    values = {"aws.events.event.json": event} | {
        name: next((found.value for found in parse(path).find(event)), "") for name, path in paths.items()
    }
    text, inside = "", False
    for number, part in enumerate(re.split(r"<([\w.-]+)>", template)):
        if number % 2:
            value = values.get(part, f"<{part}>")
            told = value if isinstance(value, str) else json.dumps(value)
            text += json.dumps(told)[1:-1] if inside else json.dumps(value)
        else:
            text += part
            inside ^= len(re.findall(r'(?<!\\)"', part)) % 2 == 1
    return json.loads(text)


def _role(rule: Rule, target: Json) -> Caller:
    if "RoleArn" not in target:
        raise TargetError("a target of this kind needs a RoleArn")
    return callers.current().assume(target["RoleArn"], SERVICE, uuid.uuid4().hex, source=rule.arn)


def _start_pipeline(rule: Rule, target: Json, given: Any) -> None:  # noqa: ANN401 - any JSON
    arn = target["Arn"]
    _role(rule, target).require("codepipeline:StartPipelineExecution", arn)
    *_, region, account, name = arn.split(":")
    wanted = given if isinstance(given, dict) and "source" not in given else {}

    def listed(key: str) -> list[Json]:
        found = wanted.get(key) or []
        return found if isinstance(found, list) else [found]

    backend: Any = codepipeline_backends[account][region]
    trigger = {"triggerType": "CloudWatchEvent", "triggerDetail": rule.arn}
    caller = callers.current().in_region(region)
    backend.start(caller, name, listed("variables"), listed("sourceRevisions"), trigger)


def _start_build(rule: Rule, target: Json, given: Any) -> None:  # noqa: ANN401 - any JSON
    arn, role = target["Arn"], _role(rule, target)
    role.require("codebuild:StartBuild", arn)
    overrides = given if isinstance(given, dict) and "source" not in given else {}
    role.in_region(arn.split(":")[3]).client("codebuild").start_build(projectName=arn.split("/", 1)[1], **overrides)


def _tell_topic(rule: Rule, target: Json, given: Any) -> None:  # noqa: ANN401 - any JSON
    *_, region, account, _name = target["Arn"].split(":")
    topic = sns_backends[account][region].topics.get(target["Arn"])
    if topic is None:
        raise TargetError("there is no such topic")
    if not allows_service(topic.policy, SERVICE, "sns:Publish", rule.account_id):
        raise TargetError(f"the topic's policy does not let {SERVICE} publish")
    message = given if isinstance(given, str) else json.dumps(given)
    caller = callers.current().root().in_region(region)
    caller.client("sns").publish(TopicArn=target["Arn"], Message=message)


def _invoke(rule: Rule, target: Json, given: Any) -> None:  # noqa: ANN401 - any JSON
    """Invoke a function beside what goes on: nobody waits for its answer."""
    *_, region, account, _kind, _name = target["Arn"].split(":")
    function = lambda_backends[account][region].get_function(target["Arn"])
    policy = json.dumps({"Statement": function.policy.statements})
    if not allows_service(policy, SERVICE, "lambda:InvokeFunction", rule.account_id):
        raise TargetError(f"the function's policy does not let {SERVICE} invoke it")
    client = callers.current().root().in_region(region).client("lambda")
    request = {"FunctionName": target["Arn"], "Payload": json.dumps(given)}
    threading.Thread(target=client.invoke, kwargs=request, daemon=True).start()


_TARGETS = {"codepipeline": _start_pipeline, "codebuild": _start_build, "sns": _tell_topic, "lambda": _invoke}


def _complain(sender: str, target: str, reason: str) -> None:
    print(f"{sender}: {target} was not reached: {reason}", file=sys.stderr, flush=True)
