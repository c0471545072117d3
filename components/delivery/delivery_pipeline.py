"""A pipeline of CodePipeline (type V2) with all that belongs to it.

From typed stages it makes the build projects, their log groups, one role for the pipeline, one for each project and
one for what starts it, and the start itself: an event rule for CodeCommit, the pipeline's own trigger for a Git
provider, a rule with a time table.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from itertools import chain
from typing import Any

import pulumi
import pulumi_aws as aws

from awsmodel.arns import ArnScope
from awsmodel.regions import known_regions
from components.core.environment import Environment
from components.delivery.actions.action import PipelineContext
from components.delivery.actions.source import codecommit_pushes
from components.delivery.build_project import BuildProject, BuildProjectArgs
from components.delivery.pipeline import (
    ExecutionMode,
    Stage,
    Variable,
    action_regions,
    actions,
    build_artifacts,
    builds,
    sources,
    stage_structure,
    trigger_structure,
    variable_structure,
)
from components.delivery.pipeline_limits import PipelineError, faults, limited
from components.delivery.start_rule import Rule, start_role, start_rule
from components.foundation.service_role import ServiceRole, service_role
from components.iam import pipeline_policies
from components.iam.pipeline_policies import PUSH, SCHEDULE, Store, start_rule_name
from components.iam.policies import document
from components.notifications.notifications import Notifications
from components.storage.artifact_buckets import ArtifactStore


class PipelineEvent(StrEnum):
    """What can be notified of a pipeline: AWS's event type ids without `codepipeline-pipeline-`."""

    FAILED = "pipeline-execution-failed"
    SUCCEEDED = "pipeline-execution-succeeded"
    STARTED = "pipeline-execution-started"
    STOPPED = "pipeline-execution-canceled"
    SUPERSEDED = "pipeline-execution-superseded"
    APPROVAL_NEEDED = "manual-approval-needed"
    APPROVAL_FAILED = "manual-approval-failed"
    APPROVAL_SUCCEEDED = "manual-approval-succeeded"


@dataclass(frozen=True, kw_only=True)
class DeliveryPipelineArgs:
    """What `DeliveryPipeline` is made from."""

    environment: Environment
    """The environment. The pipeline is made in its home region; its actions can act in others.

    Builds run in the environment's network of their region, if there is one.
    """
    pipeline: str
    """Name of the pipeline. Build projects, roles and rules carry it, too."""
    stages: Sequence[Stage]
    """What it does. The first stage takes the source."""
    stores: Mapping[str, ArtifactStore]
    """Artifact stores by region: one for each region in which an action acts, and for the home region."""
    mode: ExecutionMode = ExecutionMode.SUPERSEDED
    """How executions stand to each other.

    `SUPERSEDED` where each revision contains the ones before it, so that the newest is all that is worth delivering;
    `QUEUED` where each one counts; `PARALLEL` where they have nothing in common, such as tests of branches.
    """
    variables: Sequence[Variable] = ()
    """Values that whoever starts it can choose."""
    starts_on_push: bool = True
    """Whether a push to the branch of the source starts it."""
    schedule: str | None = None
    """`cron(...)` or `rate(...)`, in UTC, at which it is started, too."""
    notifications: Notifications | None = None
    """Who is told of events and asked for approvals."""
    events: Sequence[PipelineEvent] = (PipelineEvent.FAILED, PipelineEvent.SUCCEEDED, PipelineEvent.APPROVAL_NEEDED)
    """What they are told."""
    log_days: int = 90
    """Days after which a build's log is removed."""
    log_key_arns: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    """By region, a customer key for the logs of builds; where there is none CloudWatch encrypts with its own."""
    role_arn: pulumi.Input[str] | None = None
    """A role of the pipeline that exists; left out, one is made."""
    start_role_arn: pulumi.Input[str] | None = None
    """A role that exists, for the rules that start the pipeline; left out, one is made."""
    permissions_boundary_arn: str | None = None
    """Policy that bounds every role that is made."""


class DeliveryPipeline(pulumi.ComponentResource):
    """A pipeline, its builds, its roles and what starts it."""

    name: str
    """Name of the pipeline."""
    arn: pulumi.Output[str]
    """ARN of the pipeline."""
    builds: Mapping[tuple[str, str], BuildProject]
    """Build projects by region and name of their definition."""

    def __init__(self, name: str, args: DeliveryPipelineArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlops:delivery:DeliveryPipeline", name, None, opts)
        self._logical = name
        self._args = args
        self.name = args.pipeline
        topic_arn = args.notifications.topic_arn if args.notifications else None
        self._context = PipelineContext(
            pipeline=args.pipeline,
            home=args.environment.home,
            account_id=args.environment.account_id,
            topic_arn=topic_arn,
        )
        self._refuse_faults()
        home = args.environment.home.name
        regions = action_regions(args.stages, home)
        self.builds = {key: self._build(*key) for key in builds(args.stages, home)}
        role = self._role() if args.role_arn is None else ServiceRole(pulumi.Output.from_input(args.role_arn))
        connections = [source for source in sources(args.stages) if source.is_connection]
        pipeline = aws.codepipeline.Pipeline(
            f"{name}-pipeline",
            region=home,
            name=args.pipeline,
            pipeline_type="V2",
            execution_mode=args.mode.value,
            role_arn=role.arn,
            artifact_stores=[self._store(region, several=len(regions) > 1) for region in regions],
            stages=[
                stage_structure(stage, self._context, lambda where, value: limited(args.pipeline, where, value))
                for stage in args.stages
            ],
            triggers=[trigger_structure(source) for source in connections if args.starts_on_push] or None,
            variables=[variable_structure(variable) for variable in args.variables] or None,
            tags=args.environment.tags,
            # AWS starts a pipeline when it is made: by then its role and its builds must have their rights.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[*role.policies, *self.builds.values()]),
        )
        self.arn = pipeline.arn
        self._start(pipeline)
        if args.notifications is not None and args.events:
            args.notifications.notify(
                args.pipeline.removeprefix(f"{args.environment.names.prefix}-"),
                pipeline.arn,
                [f"codepipeline-pipeline-{event}" for event in _event_types(args.events, args.stages)],
            )
        self.register_outputs(self.summary)

    @property
    def summary(self) -> Mapping[str, Any]:
        """The pipeline as plain data, for the stack's outputs."""
        return {"name": self.name, "arn": self.arn}

    def _refuse_faults(self) -> None:
        args = self._args
        found = faults(
            self._context,
            args.stages,
            store_regions=args.stores,
            mode=args.mode,
            variables=args.variables,
        )
        if found:
            raise PipelineError(args.pipeline, found)

    def _build(self, region: str, key: str) -> BuildProject:
        args, home = self._args, self._args.environment.home.name
        inputs, outputs = build_artifacts(args.stages, home, region, key)
        return BuildProject(
            f"{self._logical}-{key}" if region == home else f"{self._logical}-{region}-{key}",
            BuildProjectArgs(
                environment=args.environment,
                region=known_regions()[region],
                pipeline=args.pipeline,
                build=builds(args.stages, home)[region, key],
                inputs=inputs,
                outputs=outputs,
                store=args.stores[region],
                log_days=args.log_days,
                log_key_arn=args.log_key_arns.get(region),
                network=args.environment.networks.get(region),
                permissions_boundary_arn=args.permissions_boundary_arn,
            ),
            pulumi.ResourceOptions(parent=self),
        )

    def _store(self, region: str, *, several: bool) -> aws.codepipeline.PipelineArtifactStoreArgsDict:
        store = self._args.stores[region]
        found: aws.codepipeline.PipelineArtifactStoreArgsDict = {
            "type": "S3",
            "location": store.bucket,
            "encryption_key": {"type": "KMS", "id": store.key_arn},
        }
        # AWS refuses a region where there is one store only.
        return {**found, "region": region} if several else found

    def _role(self) -> ServiceRole:
        args, environment, home = self._args, self._args.environment, self._args.environment.home
        return service_role(
            f"{self._logical}-role",
            environment,
            parent=self,
            role_name=args.pipeline,
            purpose=f"Runs the pipeline {args.pipeline}",
            trust=environment.account_id.apply(
                lambda account: document([pipeline_policies.pipeline_trust(ArnScope.of(home, account), args.pipeline)])
            ),
            policy=self._policy(),
            boundary_arn=args.permissions_boundary_arn,
        )

    def _policy(self) -> pulumi.Output[str]:
        """What the role may do, some of it known only when the pipeline is made."""
        args, home = self._args, self._args.environment.home.name
        stores = [args.stores[region] for region in action_regions(args.stages, home)]
        return pulumi.Output.all(
            stores=[{"bucket_arn": store.bucket_arn, "key_arn": store.key_arn} for store in stores],
            actions=[action.statements(self._context) for action in actions(args.stages)],
        ).apply(
            lambda known: document(
                pipeline_policies.pipeline_statements(
                    args.pipeline,
                    [Store(**store) for store in known["stores"]],
                    chain.from_iterable(known["actions"]),
                )
            )
        )

    def _start(self, pipeline: aws.codepipeline.Pipeline) -> None:
        args, environment = self._args, self._args.environment
        rules: dict[str, Rule] = {}
        pushed = [source for source in sources(args.stages) if args.starts_on_push and not source.is_connection]
        for index, source in enumerate(pushed):
            key = f"{PUSH}-{index}" if index else PUSH
            rules[key] = Rule(
                name=start_rule_name(args.pipeline, key),
                purpose=f"A push to {source.branch} starts the pipeline {args.pipeline}",
                event_pattern=pulumi.Output.from_input(source.arn).apply(partial(codecommit_pushes, source.branch)),
            )
        if args.schedule is not None:
            rules[SCHEDULE] = Rule(
                name=start_rule_name(args.pipeline, SCHEDULE),
                purpose=f"Starts the pipeline {args.pipeline} by the clock",
                schedule=args.schedule,
            )
        if not rules:
            return
        role = (
            self._start_role([rule.name for rule in rules.values()])
            if args.start_role_arn is None
            else ServiceRole(pulumi.Output.from_input(args.start_role_arn))
        )
        for key, rule in rules.items():
            start_rule(
                f"{self._logical}-{key}",
                environment,
                parent=self,
                rule=rule,
                target_name=f"{self._logical}-{key}-target",
                target_id="pipeline",
                target_arn=pipeline.arn,
                role=role,
            )

    def _start_role(self, rules: Sequence[str]) -> ServiceRole:
        args = self._args
        return start_role(
            f"{self._logical}-start-role",
            args.environment,
            parent=self,
            role_name=f"{args.pipeline}-start",
            purpose=f"Starts the pipeline {args.pipeline}",
            rules=rules,
            statements=lambda scope: pipeline_policies.start_statements(scope, args.pipeline),
            boundary_arn=args.permissions_boundary_arn,
        )


def _event_types(events: Sequence[PipelineEvent], stages: Sequence[Stage]) -> list[str]:
    """AWS's event type ids of what is told, without their common start.

    A failure is told by the action that failed: with its reason and the address of its log, which the pipeline's own
    event lacks. That one is needed where a condition of a stage can fail, which is no action.
    """
    told: list[str] = []
    for event in events:
        if event is PipelineEvent.FAILED:
            told += ["action-execution-failed", *([event] if any(stage.entry for stage in stages) else [])]
        else:
            told.append(event)
    return told
