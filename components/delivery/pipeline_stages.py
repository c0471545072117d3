"""The stages of a pipeline as typed data, and the structure that CodePipeline takes for them.

Nothing here calls AWS or registers a resource. `pipeline_limits` says what AWS would refuse of it.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import ClassVar, Literal, Self

import pulumi
import pulumi_aws as aws

from components.delivery.build_definition import NOTHING, BuildDefinition
from components.source.source_repository import SourceRepository

Text = pulumi.Input[str]


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What actions need to know of the pipeline that they are in."""

    pipeline: str
    """Its name."""
    topic_arn: Text | None = None
    """Topic that approvals are sent to."""

    def project_name(self, build: BuildDefinition) -> str:
        """Name of a build project of the pipeline; the same in each region."""
        return f"{self.pipeline}-{build.name}"


@dataclass(frozen=True, kw_only=True)
class Action(ABC):
    """One step of a stage."""

    category: ClassVar[str]
    provider: ClassVar[str]
    version: ClassVar[str] = "1"
    input_counts: ClassVar[range] = range(1)
    """How many input artifacts AWS takes."""
    output_counts: ClassVar[range] = range(1)
    """How many output artifacts AWS takes."""

    name: str
    """Name in its stage."""
    run_order: int = 1
    """Actions of a stage with the same number run at the same time, others one number after another."""
    region: str | None = None
    """Region that it acts in; left out, the pipeline's."""
    role_arn: Text | None = None
    """Role, of this account or another, that it acts as; left out, the pipeline's."""
    namespace: str | None = None
    """Name under which later actions find its variables: `#{<namespace>.<variable>}`."""
    inputs: tuple[str, ...] = ()
    """Artifacts that it reads."""
    outputs: tuple[str, ...] = ()
    """Artifacts that it makes."""

    @abstractmethod
    def configuration(self, surroundings: Surroundings) -> dict[str, Text]:
        """Its configuration, by AWS's keys."""

    @property
    def provider_name(self) -> str:
        """Provider of the action type."""
        return self.provider

    @property
    def timeout(self) -> int | None:
        """Minutes after which it fails; only approvals have a limit of their own."""
        return None


@dataclass(frozen=True, kw_only=True)
class PushFilter:
    """Which pushes to a Git provider start the pipeline: branches with paths, or tags. Patterns are globs."""

    branches: tuple[str, ...] = ()
    excluded_branches: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    excluded_paths: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    excluded_tags: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Source(Action):
    """Takes the source from where it is; what a push starts is said here, too."""

    category: ClassVar[str] = "Source"
    output_counts: ClassVar[range] = range(1, 2)

    name: str = "Source"
    namespace: str | None = "Source"
    outputs: tuple[str, ...] = ("source",)
    kind: str
    """`CodeCommit` or `CodeStarSourceConnection`."""
    settings: Mapping[str, Text]
    """Configuration of the action."""
    arn: Text
    """The repository's, or the connection's."""
    permissions: tuple[str, ...]
    """IAM actions on `arn` that the action needs."""
    branch: str
    """Branch that it reads, and whose pushes start the pipeline."""
    pushes: tuple[PushFilter, ...] = ()
    """Git provider: which pushes start the pipeline; none means those to the branch."""

    @classmethod
    def of(cls, repository: SourceRepository, pushes: tuple[PushFilter, ...] = ()) -> Self:
        """The source action of the platform's repository, whichever kind it is."""
        return cls(
            kind=repository.action_provider,
            settings=repository.action_configuration,
            arn=repository.arn,
            permissions=repository.action_permissions,
            branch=repository.branch,
            pushes=pushes,
        )

    @property
    def provider_name(self) -> str:
        """Provider of the action type."""
        return self.kind

    @property
    def is_connection(self) -> bool:
        """Whether a Git provider has the source, and so the pipeline's own trigger starts it."""
        return self.kind == "CodeStarSourceConnection"

    def configuration(self, surroundings: Surroundings) -> dict[str, Text]:  # noqa: ARG002 - a source needs nothing of it
        """Its configuration, by AWS's keys."""
        return dict(self.settings)


@dataclass(frozen=True, kw_only=True)
class Build(Action):
    """Runs a build project, which the pipeline makes in the action's region."""

    category: ClassVar[str] = "Build"
    provider: ClassVar[str] = "CodeBuild"
    input_counts: ClassVar[range] = range(1, 6)
    output_counts: ClassVar[range] = range(6)

    inputs: tuple[str, ...] = ("source",)
    build: BuildDefinition
    """The project. Actions can share one, with variables of their own."""
    variables: Mapping[str, Text] = field(default_factory=lambda: NOTHING)
    """Environment variables of this action; `#{...}` in a value is filled in when it runs."""

    def configuration(self, surroundings: Surroundings) -> dict[str, Text]:
        """Its configuration, by AWS's keys."""
        found: dict[str, Text] = {"ProjectName": surroundings.project_name(self.build)}
        if len(self.inputs) > 1:
            found["PrimarySource"] = self.inputs[0]
        if self.variables:
            found["EnvironmentVariables"] = _json(
                [{"name": name, "value": value, "type": "PLAINTEXT"} for name, value in self.variables.items()]
            )
        return found


REGION_VARIABLE = "DEPLOYMENT_REGION"
"""Environment variable that tells a build per region which one it is for."""


def per_region(build: Build, regions: Sequence[str]) -> tuple[Build, ...]:
    """The build once in each region, side by side: names, namespaces and outputs carry the region."""
    return tuple(
        replace(
            build,
            name=f"{build.name}-{region}",
            region=region,
            namespace=build.namespace and f"{build.namespace}-{region}",
            outputs=tuple(f"{output}-{region}" for output in build.outputs),
            variables={**build.variables, REGION_VARIABLE: region},
        )
        for region in regions
    )


@dataclass(frozen=True, kw_only=True)
class Approval(Action):
    """Waits for a person."""

    category: ClassVar[str] = "Approval"
    provider: ClassVar[str] = "Manual"

    text: Text
    """What is to be approved, up to 1,000 characters; `#{...}` is filled in when it runs."""
    link: Text | None = None
    """Address of what is to be reviewed."""
    timeout_minutes: int | None = None
    """Minutes after which it counts as rejected: 5 to 86,400; left out, AWS's seven days."""

    def configuration(self, surroundings: Surroundings) -> dict[str, Text]:
        """Its configuration, by AWS's keys."""
        return _present(CustomData=self.text, ExternalEntityLink=self.link, NotificationArn=surroundings.topic_arn)

    @property
    def timeout(self) -> int | None:
        """Minutes after which it fails."""
        return self.timeout_minutes


class StackMode(StrEnum):
    """What a CloudFormation action does with its stack."""

    CREATE_UPDATE = "CREATE_UPDATE"
    REPLACE_ON_FAILURE = "REPLACE_ON_FAILURE"
    DELETE_ONLY = "DELETE_ONLY"
    CHANGE_SET_REPLACE = "CHANGE_SET_REPLACE"
    CHANGE_SET_EXECUTE = "CHANGE_SET_EXECUTE"


Capability = Literal["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]


@dataclass(frozen=True, kw_only=True)
class CloudFormationStack(Action):
    """Deploys, changes or deletes a stack, in this account or, with `role_arn`, in another."""

    category: ClassVar[str] = "Deploy"
    provider: ClassVar[str] = "CloudFormation"
    input_counts: ClassVar[range] = range(11)
    output_counts: ClassVar[range] = range(2)

    mode: StackMode = StackMode.CREATE_UPDATE
    stack_name: str
    deployment_role_arn: Text | None = None
    """Role that CloudFormation works as; every mode but the execution of a change set needs one."""
    template: tuple[str, str] | None = None
    """Artifact and path of the template."""
    template_configuration: tuple[str, str] | None = None
    """Artifact and path of a file with parameters, tags and a stack policy."""
    parameters: Mapping[str, Text] = field(default_factory=lambda: NOTHING)
    """Parameters of the template that win over those of the file."""
    capabilities: tuple[Capability, ...] = ()
    change_set_name: str | None = None
    output_file: str | None = None
    """File of the output artifact that gets the stack's outputs."""

    def configuration(self, surroundings: Surroundings) -> dict[str, Text]:  # noqa: ARG002 - a stack needs nothing of it
        """Its configuration, by AWS's keys."""
        return _present(
            ActionMode=self.mode.value,
            StackName=self.stack_name,
            RoleArn=self.deployment_role_arn,
            TemplatePath=_path(self.template),
            TemplateConfiguration=_path(self.template_configuration),
            ParameterOverrides=_json(self.parameters) if self.parameters else None,
            Capabilities=",".join(self.capabilities) or None,
            ChangeSetName=self.change_set_name,
            OutputFileName=self.output_file,
        )


@dataclass(frozen=True, kw_only=True)
class StackSet(Action):
    """Deploys a stack set to accounts and regions. Not in China."""

    category: ClassVar[str] = "Deploy"
    provider: ClassVar[str] = "CloudFormationStackSet"
    input_counts: ClassVar[range] = range(1, 4)
    output_counts: ClassVar[range] = range(2)

    stack_set_name: str
    template: tuple[str, str]
    """Artifact and path of the template."""
    accounts: tuple[str, ...] = ()
    """Accounts that get an instance, with self-managed rights."""
    organizational_units: tuple[str, ...] = ()
    """Organizational units whose accounts get an instance, with rights that the organization manages."""
    regions: tuple[str, ...]
    """Regions that get an instance in each account."""
    parameters: Mapping[str, Text] = field(default_factory=lambda: NOTHING)
    capabilities: tuple[Capability, ...] = ()
    administration_role_arn: Text | None = None
    """Self-managed rights: the role that assumes the accounts' execution roles."""
    execution_role_name: str | None = None
    """Self-managed rights: the role of that name in each account."""
    failure_tolerance_percent: int = 0
    concurrency_percent: int = 1

    def configuration(self, surroundings: Surroundings) -> dict[str, Text]:  # noqa: ARG002 - a stack set needs nothing of it
        """Its configuration, by AWS's keys."""
        self_managed = not self.organizational_units
        return _present(
            StackSetName=self.stack_set_name,
            TemplatePath=_path(self.template),
            DeploymentTargets=",".join(self.organizational_units or self.accounts) or None,
            Regions=",".join(self.regions) or None,
            PermissionModel="SELF_MANAGED" if self_managed else "SERVICE_MANAGED",
            OrganizationsAutoDeployment=None if self_managed else "Disabled",
            AdministrationRoleArn=self.administration_role_arn,
            ExecutionRoleName=self.execution_role_name,
            Parameters=_json([{"ParameterKey": key, "ParameterValue": value} for key, value in self.parameters.items()])
            if self.parameters
            else None,
            Capabilities=",".join(self.capabilities) or None,
            FailureTolerancePercentage=str(self.failure_tolerance_percent),
            MaxConcurrentPercentage=str(self.concurrency_percent),
        )


@dataclass(frozen=True, kw_only=True)
class LambdaInvoke(Action):
    """Calls a function, which reports the job's end by itself."""

    category: ClassVar[str] = "Invoke"
    provider: ClassVar[str] = "Lambda"
    input_counts: ClassVar[range] = range(6)
    output_counts: ClassVar[range] = range(6)

    function_name: str
    """Name of a function in the action's region."""
    parameters: Mapping[str, Text] = field(default_factory=lambda: NOTHING)
    """What the function is told, as a JSON object."""

    def configuration(self, surroundings: Surroundings) -> dict[str, Text]:  # noqa: ARG002 - a function needs nothing of it
        """Its configuration, by AWS's keys."""
        return _present(
            FunctionName=self.function_name, UserParameters=_json(self.parameters) if self.parameters else None
        )


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
class QuietAlarm:
    """Holds while an alarm of CloudWatch is not in the state ALARM."""

    provider: ClassVar[str] = "CloudWatchAlarm"
    name: str = "Alarm"
    alarm_name: str
    wait_minutes: int = 5
    """How long the alarm is watched."""

    @property
    def configuration(self) -> dict[str, str]:
        """Configuration of the rule, by AWS's keys."""
        return {"AlarmName": self.alarm_name, "WaitTime": str(self.wait_minutes)}


@dataclass(frozen=True, kw_only=True)
class VariableCheck:
    """Holds where a variable of the pipeline or of an earlier action has a value."""

    provider: ClassVar[str] = "VariableCheck"
    name: str = "Variable"
    variable: str
    """For instance `#{variables.Deliver}`."""
    operator: Literal["EQ", "NE", "CONTAINS", "MATCHES"] = "EQ"
    value: str

    @property
    def configuration(self) -> dict[str, str]:
        """Configuration of the rule, by AWS's keys."""
        return {"Variable": self.variable, "Operator": self.operator, "Value": self.value}


Rule = DeploymentWindow | QuietAlarm | VariableCheck


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Actions that one execution at a time runs."""

    name: str
    actions: tuple[Action, ...]
    on_failure: OnFailure = OnFailure.FAIL
    entry: tuple[Rule, ...] = ()
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


def action_regions(stages: Sequence[Stage], home: str) -> list[str]:
    """Every region in which an action acts, the pipeline's own first."""
    found = {action.region for action in actions(stages) if action.region} - {home}
    return [home, *sorted(found)]


def stage_structure(
    stage: Stage, surroundings: Surroundings, limited: Callable[[str, Text], Text]
) -> aws.codepipeline.PipelineStageArgsDict:
    """A stage as CodePipeline takes it.

    Args:
        stage: the stage.
        surroundings: the pipeline that it is in.
        limited: gives a value of an action's configuration back, or refuses it; it is told where the value stands.
    """
    structure: aws.codepipeline.PipelineStageArgsDict = {
        "name": stage.name,
        "actions": [_action_structure(stage, action, surroundings, limited) for action in stage.actions],
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


def codecommit_pushes(branch: str, repository_arn: str) -> str:
    """Event pattern of the pushes to a branch of a CodeCommit repository; its deletion starts nothing."""
    return json.dumps(
        {
            "source": ["aws.codecommit"],
            "detail-type": ["CodeCommit Repository State Change"],
            "resources": [repository_arn],
            "detail": {
                "event": ["referenceCreated", "referenceUpdated"],
                "referenceType": ["branch"],
                "referenceName": [branch],
            },
        }
    )


def variable_structure(variable: Variable) -> aws.codepipeline.PipelineVariableArgsDict:
    """A variable as CodePipeline takes it."""
    structure: aws.codepipeline.PipelineVariableArgsDict = {"name": variable.name}
    if variable.default is not None:
        structure["default_value"] = variable.default
    if variable.description:
        structure["description"] = variable.description
    return structure


def _action_structure(
    stage: Stage, action: Action, surroundings: Surroundings, limited: Callable[[str, Text], Text]
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
            for key, value in action.configuration(surroundings).items()
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
    if action.role_arn is not None:
        structure["role_arn"] = action.role_arn
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


def _path(template: tuple[str, str] | None) -> str | None:
    return "::".join(template) if template else None


def _present(**values: Text | None) -> dict[str, Text]:
    return {key: value for key, value in values.items() if value is not None}


def _json(value: Mapping[str, Text] | Sequence[Mapping[str, Text]]) -> Text:
    """JSON without spaces, which AWS would count; at once where all is known, so that its length is checked early."""
    plain = dict(value) if isinstance(value, Mapping) else [dict(item) for item in value]
    try:
        return json.dumps(plain, separators=(",", ":"))
    except TypeError:
        return pulumi.Output.json_dumps(plain, separators=(",", ":"))
