"""What AWS would refuse of a pipeline, found before anything is registered, all of it at once.

The numbers are from the service model of CodePipeline and from its quotas ("Quotas in AWS CodePipeline"); the rules
of structure from "CodePipeline pipeline structure reference".
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence

import pulumi

from components.delivery.build_definition import BuildDefinition
from components.delivery.pipeline_stages import (
    Action,
    Approval,
    Build,
    CloudFormationStack,
    ExecutionMode,
    OnFailure,
    PushFilter,
    Source,
    StackMode,
    StackSet,
    Stage,
    Surroundings,
    Variable,
    action_regions,
    actions,
    builds,
    sources,
)
from components.iam.pipeline_policies import build_role_name

CONFIGURATION_VALUE = 1000
"""Characters of one value of an action's configuration; environment variables and overrides are one value each."""
VARIABLE_VALUE = 1000
"""Characters of a pipeline variable."""
STAGES = range(2, 51)
ACTIONS = range(1, 51)
VARIABLES = 50
RULES = 5
PUSH_FILTERS = 3
PATTERNS = 8
PATTERN = 255
ROLE_NAME = 64
PIPELINE_NAME = 64 - len("-schedule")
"""A pipeline can have 100, but the rules that start it carry the name and have 64."""
APPROVAL_MINUTES = range(5, 86401)

_NAME = re.compile(r"[A-Za-z0-9.@_-]{1,100}")
_ARTIFACT = re.compile(r"[A-Za-z0-9_-]{1,100}")
_NAMESPACE = re.compile(r"[A-Za-z0-9@_-]{1,100}")
_VARIABLE = re.compile(r"[A-Za-z0-9@_-]{1,128}")
_PROJECT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{1,149}")
_STACK = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,127}")
_ENVIRONMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_RESERVED = ("codepipeline", "variables")


class PipelineError(pulumi.RunError):
    """AWS would refuse the pipeline; the message names every fault. Pulumi prints it without a traceback."""

    def __init__(self, pipeline: str, faults: Sequence[str]) -> None:
        count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
        super().__init__("\n".join([f"pipeline {pipeline} has {count}:", *(f"  - {fault}" for fault in faults)]))
        self.faults = list(faults)


def faults(
    surroundings: Surroundings,
    stages: Sequence[Stage],
    *,
    home: str,
    store_regions: Iterable[str],
    mode: ExecutionMode = ExecutionMode.SUPERSEDED,
    variables: Sequence[Variable] = (),
    vpc_regions: Collection[str] = (),
) -> list[str]:
    """Everything that AWS would refuse, in the order of the pipeline. What only a deployment tells is not judged."""
    return [
        *_pipeline_faults(surroundings.pipeline, stages),
        *_region_faults(stages, home, list(store_regions)),
        *_variable_faults(variables),
        *(fault for index, stage in enumerate(stages) for fault in _stage_faults(stage, index, mode)),
        *(
            f"stage {stage.name}, action {action.name}: {fault}"
            for stage in stages
            for action in stage.actions
            for fault in _action_faults(action, surroundings)
        ),
        *_artifact_faults(stages),
        *_project_faults(surroundings, stages, home, vpc_regions),
    ]


def limited(pipeline: str, where: str, value: pulumi.Input[str]) -> pulumi.Input[str]:
    """The value of a configuration, which is refused when it is known and too long."""

    def check(text: str) -> str:
        if len(text) > CONFIGURATION_VALUE:
            raise PipelineError(pipeline, [f"{where}: {_too_long(text)}"])
        return text

    return check(value) if isinstance(value, str) else pulumi.Output.format("{}", value).apply(check)


def _pipeline_faults(pipeline: str, stages: Sequence[Stage]) -> Iterator[str]:
    if not _NAME.fullmatch(pipeline):
        yield f"the name {pipeline!r}: {_NAME_RULE}"
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
    if not _NAME.fullmatch(stage.name):
        yield f"{where}: {_NAME_RULE}"
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
    yield from (f"condition {rule.name!r}: {_NAME_RULE}" for rule in stage.entry if not _NAME.fullmatch(rule.name))


def _action_faults(action: Action, surroundings: Surroundings) -> Iterator[str]:
    if not _NAME.fullmatch(action.name):
        yield _NAME_RULE
    if not 1 <= action.run_order <= 999:
        yield f"run order {action.run_order}; AWS takes 1 to 999"
    if action.namespace is not None and not _NAMESPACE.fullmatch(action.namespace):
        yield f"namespace {action.namespace!r}: 1 to 100 letters, digits, @, - and _ are allowed"
    if action.namespace in _RESERVED:
        yield f"namespace {action.namespace!r} is AWS's own"
    yield from _artifact_count_faults(action)
    for key, value in action.configuration(surroundings).items():
        if isinstance(value, str) and not 1 <= len(value) <= CONFIGURATION_VALUE:
            yield f"{key}: {_too_long(value) if value else 'it is empty, and AWS takes no empty value'}"
    yield from _kind_faults(action)


def _kind_faults(action: Action) -> Iterator[str]:
    match action:
        case Source():
            yield from _trigger_faults(action)
        case Build():
            yield from _name_faults(action.variables)
        case Approval():
            yield from _approval_faults(action)
        case CloudFormationStack():
            yield from _stack_faults(action)
        case StackSet():
            yield from _stack_set_faults(action)


def _artifact_count_faults(action: Action) -> Iterator[str]:
    for kind, found, allowed in (
        ("input", action.inputs, action.input_counts),
        ("output", action.outputs, action.output_counts),
    ):
        if len(found) not in allowed:
            yield f"{len(found)} {kind} artifacts; AWS takes {_span(allowed)} of {action.provider_name}"
        yield from (
            f"{kind} artifact {name!r}: 1 to 100 letters, digits, - and _ are allowed"
            for name in found
            if not _ARTIFACT.fullmatch(name)
        )


def _approval_faults(approval: Approval) -> Iterator[str]:
    if approval.timeout_minutes is not None and approval.timeout_minutes not in APPROVAL_MINUTES:
        yield f"a time limit of {approval.timeout_minutes} minutes; AWS takes 5 to 86400"
    if isinstance(approval.link, str) and not re.match(r"https?://", approval.link):
        yield f"link {approval.link!r} is not an address that starts with https://"


def _stack_faults(action: CloudFormationStack) -> Iterator[str]:
    if not _STACK.fullmatch(action.stack_name):
        yield f"stack {action.stack_name!r}: a letter, then up to 127 letters, digits and dashes are allowed"
    of_change_set = action.mode in (StackMode.CHANGE_SET_EXECUTE, StackMode.CHANGE_SET_REPLACE)
    if of_change_set and not action.change_set_name:
        yield f"{action.mode} needs the name of a change set"
    if action.mode is not StackMode.CHANGE_SET_EXECUTE and action.deployment_role_arn is None:
        yield f"{action.mode} needs the role that CloudFormation works as"
    deploys = action.mode in (StackMode.CREATE_UPDATE, StackMode.REPLACE_ON_FAILURE, StackMode.CHANGE_SET_REPLACE)
    if deploys and action.template is None:
        yield f"{action.mode} needs a template"
    for read in (action.template, action.template_configuration):
        if read and read[0] not in action.inputs:
            yield f"{'::'.join(read)}: {read[0]!r} is not an input artifact of the action"
    if action.output_file and not action.outputs:
        yield f"the stack's outputs go to {action.output_file!r}, but there is no output artifact for it"


def _stack_set_faults(action: StackSet) -> Iterator[str]:
    if not _STACK.fullmatch(action.stack_set_name):
        yield f"stack set {action.stack_set_name!r}: a letter, then up to 127 letters, digits and dashes are allowed"
    if bool(action.accounts) is bool(action.organizational_units):
        yield "a stack set goes either to accounts or to organizational units"
    if action.organizational_units and (action.administration_role_arn or action.execution_role_name):
        yield "where the organization manages the rights, no roles are named"
    if action.template[0] not in action.inputs:
        yield f"{'::'.join(action.template)}: {action.template[0]!r} is not an input artifact of the action"
    for name, percent in (
        ("failure tolerance", action.failure_tolerance_percent),
        ("concurrency", action.concurrency_percent),
    ):
        if not 0 <= percent <= 100:
            yield f"a {name} of {percent} %; AWS takes 0 to 100"


def _trigger_faults(source: Source) -> Iterator[str]:
    if source.pushes and not source.is_connection:
        yield "filters of pushes are for Git providers; of CodeCommit the pushes to the branch start the pipeline"
    if len(source.pushes) > PUSH_FILTERS:
        yield f"{len(source.pushes)} filters of pushes; AWS takes {PUSH_FILTERS}"
    for push in source.pushes:
        yield from _push_faults(push)


def _push_faults(push: PushFilter) -> Iterator[str]:
    branches = (*push.branches, *push.excluded_branches)
    paths = (*push.paths, *push.excluded_paths)
    tags = (*push.tags, *push.excluded_tags)
    if tags and (branches or paths):
        yield "a filter of pushes names branches and paths, or tags; use a filter for each"
    if paths and not branches:
        yield "a filter of pushes names paths of branches; name the branches, too"
    if not (branches or paths or tags):
        yield "a filter of pushes is empty"
    for kind, patterns in (
        ("branches", push.branches),
        ("excluded branches", push.excluded_branches),
        ("paths", push.paths),
        ("excluded paths", push.excluded_paths),
        ("tags", push.tags),
        ("excluded tags", push.excluded_tags),
    ):
        if len(patterns) > PATTERNS:
            yield f"{len(patterns)} {kind} in a filter of pushes; AWS takes {PATTERNS}"
        yield from (
            f"{pattern!r} in {kind}: 1 to {PATTERN} characters are allowed"
            for pattern in patterns
            if not 1 <= len(pattern) <= PATTERN
        )


def _artifact_faults(stages: Sequence[Stage]) -> Iterator[str]:
    """An artifact is made once, before it is read."""
    yield from (
        f"two actions make the artifact {name!r}"
        for name in _twice(output for action in actions(stages) for output in action.outputs)
    )
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


def _project_faults(
    surroundings: Surroundings, stages: Sequence[Stage], home: str, vpc_regions: Collection[str]
) -> Iterator[str]:
    if not sources(stages):
        yield "there is no source action"
    defined: dict[str, BuildDefinition] = {}
    for action in actions(stages):
        if isinstance(action, Build) and defined.setdefault(action.build.name, action.build) is not action.build:
            yield f"build project {surroundings.project_name(action.build)}: two definitions have this name"
    placed = builds(stages, home)
    for key, build in defined.items():
        name, regions = surroundings.project_name(build), [region for region, other in placed if other == key]
        in_vpc = any(region in vpc_regions for region in regions)
        yield from (f"build project {name}: {fault}" for fault in _definition_faults(name, build, in_vpc=in_vpc))
        for region in regions:
            role = build_role_name(name, region, home)
            if build.role_arn is None and len(role) > ROLE_NAME:
                yield f"role {role!r}: {len(role)} characters; IAM takes {ROLE_NAME}"


def _definition_faults(name: str, build: BuildDefinition, *, in_vpc: bool) -> Iterator[str]:
    if not _PROJECT.fullmatch(name):
        yield "2 to 150 letters, digits, - and _ are allowed in its name, a letter or digit first"
    yield from build.machine.faults(in_vpc=in_vpc)
    yield from _name_faults([*build.variables, *build.secret_arns])
    yield from (
        f"environment variable {name!r} is both plain and a secret"
        for name in build.variables
        if name in build.secret_arns
    )


def _name_faults(names: Iterable[str]) -> Iterator[str]:
    for name in names:
        if not _ENVIRONMENT.fullmatch(name):
            yield f"environment variable {name!r}: letters, digits and _ are allowed, no digit first"
        elif name.startswith("CODEBUILD_"):
            yield f"environment variable {name!r}: the prefix CODEBUILD_ is AWS's own"


def _twice(names: Iterable[str]) -> list[str]:
    return [name for name, count in Counter(names).items() if count > 1]


def _span(allowed: range) -> str:
    last = allowed.stop - 1
    return str(last) if allowed.start == last else f"{allowed.start} to {last}"


def _too_long(text: str) -> str:
    return f"{len(text)} characters; AWS takes {CONFIGURATION_VALUE}"


_NAME_RULE = "1 to 100 letters, digits, dots, @, - and _ are allowed"
