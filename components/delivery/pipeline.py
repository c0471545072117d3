"""The stages of a pipeline as typed data, and the structure that CodePipeline takes for them.

Nothing here calls AWS or registers a resource. What an action is stands in `actions`, in a file for each kind;
`pipeline_limits` says what AWS would refuse of the whole.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Literal

import pulumi_aws as aws

from components.delivery.actions.action import Action, PipelineContext, Text
from components.delivery.actions.build import Build, BuildDefinition
from components.delivery.actions.source import PushFilter, Source, SourceProvider
from components.source.source_repository import SourceRepository


class OnFailure(StrEnum):
    """What becomes of a stage that failed."""

    FAIL = "FAIL"
    """It stays failed until somebody retries it, or a newer execution comes."""
    RETRY_FAILED_ACTIONS = "FAILED_ACTIONS"
    """What failed in it is tried once more."""
    RETRY_ALL_ACTIONS = "ALL_ACTIONS"
    """All of it is tried once more."""
    ROLLBACK = "ROLLBACK"
    """It runs again with the artifacts of its last successful execution."""


@dataclass(frozen=True, kw_only=True)
class DeploymentWindow:
    """Holds until a time at which the stage may be entered."""

    provider: ClassVar[str] = "DeploymentWindow"
    name: str = "Window"
    cron: str
    """Times, in the form of Quartz: `* * 9-17 ? * MON-FRI *`."""
    time_zone: str = "UTC"

    @property
    def configuration(self) -> dict[str, str]:
        """Configuration of the rule, by AWS's keys."""
        return {"Cron": self.cron, "TimeZone": self.time_zone}


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Actions that one execution at a time runs."""

    name: str
    actions: tuple[Action, ...]
    on_failure: OnFailure = OnFailure.FAIL
    entry: tuple[DeploymentWindow, ...] = ()
    """All of these hold before the stage is entered."""
    entry_result: Literal["FAIL", "SKIP"] = "FAIL"
    """What becomes of the stage if one does not."""


class ExecutionMode(StrEnum):
    """How executions of one pipeline stand to each other."""

    SUPERSEDED = "SUPERSEDED"
    """A newer one overtakes older ones that wait for a stage; one at a time is in a stage."""
    QUEUED = "QUEUED"
    """One after another, none left out."""
    PARALLEL = "PARALLEL"
    """All at once, each by itself; there is no rollback."""


@dataclass(frozen=True, kw_only=True)
class Variable:
    """A value that whoever starts the pipeline can choose."""

    name: str
    default: str | None = None
    """Value of an execution that says nothing; without one each start must name it."""
    description: str = ""


def source_stage(repository: SourceRepository) -> Stage:
    """The stage that takes the source from the platform's repository, whichever kind it is."""
    kind = SourceProvider.CONNECTION if repository.is_connection else SourceProvider.CODECOMMIT
    source = Source(kind=kind, repository=repository.repository_name, arn=repository.arn, branch=repository.branch)
    return Stage(name="Source", actions=(source,))


def actions(stages: Sequence[Stage]) -> Iterator[Action]:
    """All actions, in order."""
    return (action for stage in stages for action in stage.actions)


def sources(stages: Sequence[Stage]) -> list[Source]:
    """The source actions."""
    return [action for action in actions(stages) if isinstance(action, Source)]


def builds(stages: Sequence[Stage], home: str) -> dict[tuple[str, str], BuildDefinition]:
    """The build projects that the pipeline needs, by region and name."""
    return {
        (action.region or home, action.build.name): action.build
        for action in actions(stages)
        if isinstance(action, Build)
    }


def build_artifacts(stages: Sequence[Stage], home: str, region: str, name: str) -> tuple[list[str], list[str]]:
    """What a build project reads and makes in all of its actions."""
    found = [
        action
        for action in actions(stages)
        if isinstance(action, Build) and (action.region or home, action.build.name) == (region, name)
    ]
    return (
        list(dict.fromkeys(artifact for action in found for artifact in action.inputs)),
        list(dict.fromkeys(artifact for action in found for artifact in action.outputs)),
    )


def action_regions(stages: Sequence[Stage], home: str) -> list[str]:
    """Every region in which an action acts, the pipeline's own first."""
    found = {action.region for action in actions(stages) if action.region} - {home}
    return [home, *sorted(found)]


def stage_structure(
    stage: Stage, context: PipelineContext, limited: Callable[[str, Text], Text]
) -> aws.codepipeline.PipelineStageArgsDict:
    """A stage as CodePipeline takes it.

    Args:
        stage: the stage.
        context: the pipeline that it is in.
        limited: gives a value of an action's configuration back, or refuses it; it is told where the value stands.
    """
    structure: aws.codepipeline.PipelineStageArgsDict = {
        "name": stage.name,
        "actions": [_action_structure(stage, action, context, limited) for action in stage.actions],
    }
    if stage.on_failure is OnFailure.ROLLBACK:
        structure["on_failure"] = {"result": "ROLLBACK"}
    elif stage.on_failure is not OnFailure.FAIL:
        structure["on_failure"] = {
            "result": "RETRY",
            "retry_configuration": {"retry_mode": stage.on_failure.value},
        }
    if stage.entry:
        rules: list[aws.codepipeline.PipelineStageBeforeEntryConditionRuleArgsDict] = [
            {
                "name": rule.name,
                "rule_type_id": {"category": "Rule", "owner": "AWS", "provider": rule.provider, "version": "1"},
                "configuration": rule.configuration,
            }
            for rule in stage.entry
        ]
        structure["before_entry"] = {"condition": {"result": stage.entry_result, "rules": rules}}
    return structure


def trigger_structure(source: Source) -> aws.codepipeline.PipelineTriggerArgsDict:
    """What starts the pipeline when somebody pushes to a Git provider."""
    filters = source.pushes or (PushFilter(branches=(source.branch,)),)
    return {
        "provider_type": "CodeStarSourceConnection",
        "git_configuration": {
            "source_action_name": source.name,
            "pushes": [_push_structure(push) for push in filters],
        },
    }


def variable_structure(variable: Variable) -> aws.codepipeline.PipelineVariableArgsDict:
    """A variable as CodePipeline takes it."""
    structure: aws.codepipeline.PipelineVariableArgsDict = {"name": variable.name}
    if variable.default is not None:
        structure["default_value"] = variable.default
    if variable.description:
        structure["description"] = variable.description
    return structure


def _action_structure(
    stage: Stage, action: Action, context: PipelineContext, limited: Callable[[str, Text], Text]
) -> aws.codepipeline.PipelineStageActionArgsDict:
    structure: aws.codepipeline.PipelineStageActionArgsDict = {
        "name": action.name,
        "category": action.category,
        "owner": "AWS",
        "provider": action.provider_name,
        "version": action.version,
        "run_order": action.run_order,
        "configuration": {
            key: limited(f"stage {stage.name}, action {action.name}: {key}", value)
            for key, value in action.configuration(context).items()
        },
    }
    if action.inputs:
        structure["input_artifacts"] = list(action.inputs)
    if action.outputs:
        structure["output_artifacts"] = list(action.outputs)
    if action.namespace:
        structure["namespace"] = action.namespace
    if action.region:
        structure["region"] = action.region
    if action.timeout is not None:
        structure["timeout_in_minutes"] = action.timeout
    return structure


def _push_structure(push: PushFilter) -> aws.codepipeline.PipelineTriggerGitConfigurationPushArgsDict:
    structure: aws.codepipeline.PipelineTriggerGitConfigurationPushArgsDict = {}
    if push.branches or push.excluded_branches:
        structure["branches"] = _patterns(push.branches, push.excluded_branches)
    if push.paths or push.excluded_paths:
        structure["file_paths"] = _patterns(push.paths, push.excluded_paths)
    if push.tags or push.excluded_tags:
        structure["tags"] = _patterns(push.tags, push.excluded_tags)
    return structure


class _Patterns(aws.codepipeline.PipelineTriggerGitConfigurationPushBranchesArgsDict):
    """Patterns of branches, paths or tags: AWS takes the same for each."""


def _patterns(included: Sequence[str], excluded: Sequence[str]) -> _Patterns:
    found: _Patterns = {}
    if included:
        found["includes"] = list(included)
    if excluded:
        found["excludes"] = list(excluded)
    return found
