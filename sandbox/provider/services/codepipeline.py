"""Handlers of `aws:codepipeline/*`."""
# ruff: noqa: ARG002 - the handlers share one signature

from typing import Any, ClassVar

from sandbox.provider.aws import Aws
from sandbox.provider.resource import Change, Resource, Tagging
from sandbox.provider.values import Properties, lower_tag_list

SERVICE = "codepipeline"
TYPE_ID = ("category", "owner", "provider", "version")
ARTIFACTS = ("inputArtifacts", "outputArtifacts")


class Pipeline(Resource):
    """A pipeline; its id is its name."""

    kind = "aws:codepipeline/pipeline:Pipeline"
    service = SERVICE
    replaces = frozenset({"name"})
    settings: ClassVar = (
        *("artifactStores", "executionMode", "pipelineType", "roleArn", "stages", "triggers", "variables"),
    )
    updates = frozenset({*settings, "tags"})
    computed = frozenset({"arn", "triggerAlls"})
    defaults: ClassVar = {"executionMode": "SUPERSEDED", "pipelineType": "V1"}
    name = "name"
    unread = frozenset({"triggers"})
    unordered = frozenset({"artifactStores"})
    server_side = frozenset({"runOrder"})
    absent = frozenset({"PipelineNotFoundException"})
    tagged = True
    tagging = Tagging(member="resourceArn", arn="{}", keys="tagKeys", tags="tags", form=lower_tag_list)

    def create(self, aws: Aws, inputs: Properties) -> str:
        """CreatePipeline."""
        aws.client(SERVICE).create_pipeline(pipeline=_to_api(inputs), tags=lower_tag_list(inputs.get("tags", {})))
        return str(inputs["name"])

    def configure(self, aws: Aws, ident: str, change: Change) -> None:
        """UpdatePipeline."""
        if change.old and change.any(*self.settings):
            aws.client(SERVICE).update_pipeline(pipeline=_to_api(dict(change.new)))

    def read(self, aws: Aws, ident: str) -> Properties:
        """GetPipeline."""
        client = aws.client(SERVICE)
        answer = client.get_pipeline(name=ident)
        found, arn = answer["pipeline"], answer["metadata"]["pipelineArn"]
        tags = client.list_tags_for_resource(resourceArn=arn)["tags"]
        triggers = [_trigger_from_api(trigger) for trigger in found.get("triggers", [])]
        return {
            "arn": arn,
            "artifactStores": _stores_from_api(found),
            "executionMode": found["executionMode"],
            "name": found["name"],
            "pipelineType": found["pipelineType"],
            "roleArn": found["roleArn"],
            "stages": [_stage_from_api(stage) for stage in found["stages"]],
            "tagsAll": {tag["key"]: tag["value"] for tag in tags},
            "triggerAlls": triggers,
            "triggers": triggers,
            "variables": found.get("variables", []),
        }

    def delete(self, aws: Aws, ident: str, state: Properties) -> None:
        """DeletePipeline, which succeeds for one that is gone."""
        aws.client(SERVICE).delete_pipeline(name=ident)


def _to_api(inputs: Properties) -> dict[str, Any]:
    pipeline = {
        **{key: inputs[key] for key in ("name", "roleArn", "executionMode", "pipelineType")},
        "stages": [_stage_to_api(stage) for stage in inputs["stages"]],
    }
    if inputs.get("triggers"):
        pipeline["triggers"] = [_trigger_to_api(trigger) for trigger in inputs["triggers"]]
    if inputs.get("variables"):
        pipeline["variables"] = inputs["variables"]
    stores = inputs["artifactStores"]
    if len(stores) == 1 and not stores[0].get("region"):
        return {**pipeline, "artifactStore": stores[0]}
    by_region = {store["region"]: {key: store[key] for key in store if key != "region"} for store in stores}
    return {**pipeline, "artifactStores": by_region}


def _stores_from_api(found: Properties) -> list[Properties]:
    if "artifactStore" in found:
        return [found["artifactStore"]]
    return [{**store, "region": region} for region, store in sorted(found["artifactStores"].items())]


def _stage_to_api(stage: Properties) -> Properties:
    return {
        "name": stage["name"],
        "actions": [_action_to_api(action) for action in stage["actions"]],
        **{key: _outcome_to_api(stage[key]) for key in ("beforeEntry", "onFailure", "onSuccess") if stage.get(key)},
    }


def _stage_from_api(stage: Properties) -> Properties:
    return {
        "name": stage["name"],
        "actions": [_action_from_api(action) for action in stage["actions"]],
        **{key: _outcome_from_api(stage[key]) for key in ("beforeEntry", "onFailure", "onSuccess") if stage.get(key)},
    }


def _action_to_api(action: Properties) -> Properties:
    rest = {key: value for key, value in action.items() if key not in (*TYPE_ID, *ARTIFACTS)}
    return {
        **rest,
        "actionTypeId": {key: action[key] for key in TYPE_ID},
        **{key: [{"name": name} for name in action[key]] for key in ARTIFACTS if action.get(key)},
    }


def _action_from_api(action: Properties) -> Properties:
    rest = {key: value for key, value in action.items() if key not in ("actionTypeId", *ARTIFACTS)}
    artifacts = {key: [artifact["name"] for artifact in action.get(key, [])] for key in ARTIFACTS}
    return {**rest, **action["actionTypeId"], **artifacts}


def _outcome_to_api(outcome: Properties) -> Properties:
    """What is said of a stage's entry or end: Pulumi has one condition, the API a list of one."""
    rest = {key: value for key, value in outcome.items() if key != "condition"}
    return {**rest, "conditions": [outcome["condition"]]} if outcome.get("condition") else rest


def _outcome_from_api(outcome: Properties) -> Properties:
    rest = {key: value for key, value in outcome.items() if key != "conditions"}
    return {**rest, "condition": outcome["conditions"][0]} if outcome.get("conditions") else rest


GIT = {"pushes": "push", "pullRequests": "pullRequest"}


def _trigger_to_api(trigger: Properties) -> Properties:
    git = {GIT.get(key, key): value for key, value in trigger["gitConfiguration"].items()}
    return {**trigger, "gitConfiguration": git}


def _trigger_from_api(trigger: Properties) -> Properties:
    names = {api: pulumi for pulumi, api in GIT.items()}
    git = {names.get(key, key): value for key, value in trigger["gitConfiguration"].items()}
    return {**trigger, "gitConfiguration": git}
