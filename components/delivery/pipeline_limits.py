"""What AWS would refuse of a pipeline, found before anything is registered, all of it at once.

What it would refuse of an action stands with the action, in `actions`. The numbers are from the service model of
CodePipeline and from its quotas ("Quotas in AWS CodePipeline"); the rules of structure from "CodePipeline pipeline
structure reference".
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import pulumi

from components.delivery.actions.action import CONFIGURATION_VALUE, NAME, NAME_RULE, PipelineContext, too_long
from components.delivery.actions.approval import Approval
from components.delivery.actions.build import Build, BuildDefinition
from components.delivery.actions.source import Source
from components.delivery.pipeline import (
    ExecutionMode,
    OnFailure,
    Stage,
    Variable,
    action_regions,
    actions,
    builds,
    sources,
)
from components.iam.pipeline_policies import ARTIFACT_NAME, SCHEDULE, project_name, start_rule_name

VARIABLE_VALUE = 1000
"""Characters of a pipeline variable."""
STAGES = range(2, 51)
ACTIONS = range(1, 51)
VARIABLES = 50
RULES = 5
PIPELINE_NAME = 64 - len(start_rule_name("", SCHEDULE))
"""A pipeline can have 100, but the rules that start it carry the name and have 64."""

_VARIABLE = re.compile(r"[A-Za-z0-9@_-]{1,128}")


class PipelineError(pulumi.RunError):
    """AWS would refuse the pipeline; the message names every fault. Pulumi prints it without a traceback."""

    def __init__(self, pipeline: str, faults: Sequence[str]) -> None:
        count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
        super().__init__("\n".join([f"pipeline {pipeline} has {count}:", *(f"  - {fault}" for fault in faults)]))
        self.faults = list(faults)


def faults(
    context: PipelineContext,
    stages: Sequence[Stage],
    *,
    store_regions: Iterable[str],
    mode: ExecutionMode = ExecutionMode.SUPERSEDED,
    variables: Sequence[Variable] = (),
) -> list[str]:
    """Everything that AWS would refuse, in the order of the pipeline. What only a deployment tells is not judged."""
    return [
        *_pipeline_faults(context.pipeline, stages),
        *_region_faults(stages, context.home.name, list(store_regions)),
        *_variable_faults(variables),
        *(fault for index, stage in enumerate(stages) for fault in _stage_faults(stage, index, mode)),
        *(
            f"stage {stage.name}, action {action.name}: {fault}"
            for stage in stages
            for action in stage.actions
            for fault in action.faults(context)
        ),
        *_artifact_faults(stages),
        *_project_faults(context, stages),
    ]


def limited(pipeline: str, where: str, value: pulumi.Input[str]) -> pulumi.Input[str]:
    """The value of a configuration, which is refused when it is known and too long."""

    def check(text: str) -> str:
        if len(text) > CONFIGURATION_VALUE:
            raise PipelineError(pipeline, [f"{where}: {too_long(text)}"])
        return text

    return check(value) if isinstance(value, str) else pulumi.Output.format("{}", value).apply(check)


def _pipeline_faults(pipeline: str, stages: Sequence[Stage]) -> Iterator[str]:
    if not NAME.fullmatch(pipeline):
        yield f"the name {pipeline!r}: {NAME_RULE}"
    if len(pipeline) > PIPELINE_NAME:
        yield f"the name {pipeline!r}: {len(pipeline)} characters; roles and rules carry it, and {PIPELINE_NAME} fit"
    if len(stages) not in STAGES:
        yield f"{len(stages)} stages; AWS takes 2 to 50"
    yield from (f"two stages are named {name!r}" for name in _twice(stage.name for stage in stages))
    namespaces = (action.namespace for action in actions(stages) if action.namespace)
    yield from (f"two actions have the namespace {name!r}" for name in _twice(namespaces))


def _region_faults(stages: Sequence[Stage], home: str, store_regions: Sequence[str]) -> Iterator[str]:
    for region in action_regions(stages, home):
        if region not in store_regions:
            yield f"region {region}: there is no artifact store (regions with one: {', '.join(sorted(store_regions))})"


def _variable_faults(variables: Sequence[Variable]) -> Iterator[str]:
    if len(variables) > VARIABLES:
        yield f"{len(variables)} variables; AWS takes {VARIABLES}"
    yield from (f"two variables are named {name!r}" for name in _twice(variable.name for variable in variables))
    for variable in variables:
        if not _VARIABLE.fullmatch(variable.name):
            yield f"variable {variable.name!r}: 1 to 128 letters, digits, @, - and _ are allowed"
        if variable.default is not None and not 1 <= len(variable.default) <= VARIABLE_VALUE:
            yield (
                f"variable {variable.name}: its default has {len(variable.default)} characters; "
                f"AWS takes 1 to {VARIABLE_VALUE}"
            )
        if len(variable.description) > 200:
            yield f"variable {variable.name}: its description has {len(variable.description)} characters; at most 200"


def _stage_faults(stage: Stage, index: int, mode: ExecutionMode) -> Iterator[str]:
    where = f"stage {stage.name}"
    if not NAME.fullmatch(stage.name):
        yield f"{where}: {NAME_RULE}"
    if len(stage.actions) not in ACTIONS:
        yield f"{where}: {len(stage.actions)} actions; AWS takes 1 to 50"
    yield from (f"{where}: two actions are named {name!r}" for name in _twice(one.name for one in stage.actions))
    yield from (f"{where}: {fault}" for fault in _place_faults(stage, first=index == 0))
    if mode is ExecutionMode.PARALLEL and stage.on_failure is OnFailure.ROLLBACK:
        yield f"{where}: there is no rollback where executions run in parallel"
    retried = stage.on_failure in (OnFailure.RETRY_ALL_ACTIONS, OnFailure.RETRY_FAILED_ACTIONS)
    if retried and any(isinstance(action, Approval) for action in stage.actions):
        yield f"{where}: it is tried again when it fails, so whoever rejects its approval would be asked again"
    yield from (f"{where}: {fault}" for fault in _entry_faults(stage))


def _place_faults(stage: Stage, *, first: bool) -> Iterator[str]:
    taking = [action.name for action in stage.actions if isinstance(action, Source)]
    if first and len(taking) < len(stage.actions):
        yield "the first stage holds source actions only"
    if not first and taking:
        yield f"source actions stand in the first stage only, not {', '.join(taking)}"
    if first and (stage.on_failure is OnFailure.ROLLBACK or stage.entry):
        yield "the first stage can neither be rolled back nor have conditions of entry"


def _entry_faults(stage: Stage) -> Iterator[str]:
    if len(stage.entry) > RULES:
        yield f"{len(stage.entry)} conditions of entry; AWS takes {RULES}"
    yield from (f"two conditions are named {name!r}" for name in _twice(rule.name for rule in stage.entry))
    yield from (f"condition {rule.name!r}: {NAME_RULE}" for rule in stage.entry if not NAME.fullmatch(rule.name))


def _artifact_faults(stages: Sequence[Stage]) -> Iterator[str]:
    """An artifact is made once, before it is read."""
    yield from (
        f"two actions make the artifact {name!r}"
        for name in _twice(output for action in actions(stages) for output in action.outputs)
    )
    yield from _shared_keys(stages)
    made: set[str] = set()
    for stage in stages:
        for action in stage.actions:
            earlier = {
                output for other in stage.actions if other.run_order < action.run_order for output in other.outputs
            }
            for name in action.inputs:
                if name not in made | earlier:
                    yield (f"stage {stage.name}, action {action.name}: no earlier action makes the artifact {name!r}")
        made |= {output for action in stage.actions for output in action.outputs}


def _shared_keys(stages: Sequence[Stage]) -> Iterator[str]:
    """Whoever may write one artifact may write those whose keys begin alike; none of these may be read by another."""
    outputs = [output for action in actions(stages) for output in action.outputs]
    for name in dict.fromkeys(name for action in actions(stages) for name in action.inputs):
        for other in outputs:
            if other != name and other[:ARTIFACT_NAME] == name[:ARTIFACT_NAME]:
                yield (
                    f"artifacts {name!r} and {other!r} begin with the same {ARTIFACT_NAME} characters, so what makes "
                    f"{other!r} could overwrite {name!r}, which is read; name one of them differently"
                )


def _project_faults(context: PipelineContext, stages: Sequence[Stage]) -> Iterator[str]:
    if not sources(stages):
        yield "there is no source action"
    defined: dict[str, BuildDefinition] = {}
    for action in actions(stages):
        if isinstance(action, Build) and defined.setdefault(action.build.name, action.build) is not action.build:
            project = project_name(context.pipeline, action.build.name)
            yield f"build project {project}: two definitions have this name"
    placed = builds(stages, context.home.name)
    for key, build in defined.items():
        regions = [region for region, other in placed if other == key]
        yield from build.faults(context.pipeline, regions, context.home.name)


def _twice(names: Iterable[str]) -> list[str]:
    return [name for name, count in Counter(names).items() if count > 1]
