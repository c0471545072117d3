"""The platform's own delivery: one pipeline from a push to the last stack, and one that looks for drift at night.

Both run Pulumi in CodeBuild, by the buildspecs in `delivery/`. What is delivered, in which order, and with whose
approval is a list of the settings; nothing here depends on what a stack is called.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from awsmodel.arns import ArnScope
from components.core.environment import Environment
from components.delivery.actions.action import Action
from components.delivery.actions.approval import Approval
from components.delivery.actions.build import NOTHING, Build, BuildDefinition
from components.delivery.delivery_builds import DeliveryBuild, Operation, delivery_builds
from components.delivery.delivery_pipeline import DeliveryPipeline, DeliveryPipelineArgs, PipelineEvent
from components.delivery.pipeline import DeploymentWindow, ExecutionMode, OnFailure, Stage, source_stage
from components.delivery.pull_request_previews import PullRequestPreviews, PullRequestPreviewsArgs
from components.foundation.customer_key import customer_key
from components.foundation.managed_policies import managed_policies
from components.iam import delivery_policies, pipeline_policies
from components.iam.delivery_policies import StackScope
from components.iam.policies import Statement, document, key_administration
from components.iam.role_documents import RoleDocument
from components.iam.state_policies import read_state_statements, write_state_statements
from components.notifications.notifications import Notifications
from components.sections.delivery import DeliveredStack, DeliverySpec
from components.sections.iam import IamSpec
from components.source.source_repository import SourceRepository
from components.storage.artifact_buckets import ArtifactStore

NO_DRIFT = "none"
"""What is remembered of a stack without drift."""

UNBOUND = (
    "sm-mlops:iam.permissionsBoundaryArn is missing: the roles that deploy write their own policies, so they amount to "
    "administrators of the account, and so does whoever can push to the branch; `python -m tools iam-policies` prints "
    "a boundary"
)
"""What is told of a delivery whose roles nothing bounds."""

APPROVAL_TEXT = "Deploy revision #{Source.CommitId} to %s? #{Preview-%s.Summary} All of it: #{Preview-%s.Link}"


@dataclass(frozen=True, kw_only=True)
class PlatformDeliveryArgs:
    """What `PlatformDelivery` is made from."""

    environment: Environment
    """The environment that holds the pipelines."""
    source: SourceRepository
    """Where the platform's code comes from."""
    stores: Mapping[str, ArtifactStore]
    """Artifact stores by region."""
    notifications: Notifications
    """Who is told, and asked for approvals."""
    spec: DeliverySpec
    """What is delivered, and with what."""
    iam: IamSpec
    """Who makes the roles: those that are not supplied, the stack makes, one for each pipeline, build and start."""


class PlatformDelivery(pulumi.ComponentResource):
    """The pipelines that check, preview, deploy, examine and watch the platform's stacks."""

    summary: Mapping[str, Any]
    """The pipelines' names, for the stack's outputs."""

    def __init__(self, name: str, args: PlatformDeliveryArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlops:delivery:PlatformDelivery", name, None, opts)
        self._logical = name
        self._args = args
        environment, names = args.environment, args.environment.names
        self._builds = delivery_builds(names, args.spec, args.spec.stacks)
        if args.iam.delivery.supplied_arn is None and args.iam.permissions_boundary_arn is None:
            pulumi.log.warn(UNBOUND, self)
        self._log_key = customer_key(
            name,
            environment,
            parent=self,
            region=environment.home,
            purpose="delivery",
            policy=environment.account_id.apply(
                lambda account: document(
                    [
                        key_administration(environment.home, account),
                        pipeline_policies.log_key_statement(
                            environment.home, account, pipeline_policies.log_group_name(f"{names.prefix}-*")
                        ),
                    ]
                )
            ),
        )
        made = [one for one in self._builds if one.supplied_role_arn(args.iam) is None]
        read = args.spec.stacks if any(not one.changes for one in made) else ()
        changed = args.spec.stacks if any(one.changes for one in made) else ()
        self._read = {one.stack: self._policies(one, "read", delivery_policies.reading_role) for one in read}
        self._change = {one.stack: self._policies(one, "change", delivery_policies.changing_role) for one in changed}
        delivery = self._pipeline(
            "deliver",
            names.delivery_pipeline.value,
            [source_stage(args.source), self._check_stage(), *(self._stack_stage(one) for one in args.spec.stacks)],
        )
        self.summary = {"deliveryPipeline": delivery.name}
        if args.spec.drift_schedule is not None:
            drift = self._pipeline(
                "drift",
                names.drift_pipeline.value,
                [source_stage(args.source), self._drift_stage()],
                starts_on_push=False,
                schedule=args.spec.drift_schedule,
                events=[PipelineEvent.FAILED],
            )
            self.summary = {**self.summary, "driftPipeline": drift.name}
        if args.spec.pull_requests is not None:
            previews = self._pull_request_previews(approves=args.spec.pull_requests == "approve")
            self.summary = {**self.summary, "pullRequestBuilds": previews.project}
        self.register_outputs(self.summary)

    def _pipeline(self, key: str, pipeline: str, stages: Sequence[Stage], **more: Any) -> DeliveryPipeline:
        args, home = self._args, self._args.environment.home.name
        return DeliveryPipeline(
            f"{self._logical}-{key}",
            DeliveryPipelineArgs(
                environment=args.environment,
                pipeline=pipeline,
                stages=stages,
                stores=args.stores,
                # A revision contains all earlier ones: the newest is all that is worth delivering, and what a failed
                # or rejected one has left undone, it does.
                mode=ExecutionMode.SUPERSEDED,
                notifications=args.notifications,
                log_days=args.spec.log_days,
                log_key_arns={home: self._log_key.arn},
                role_arn=args.iam.pipeline.supplied_arn,
                start_role_arn=args.iam.events.supplied_arn,
                permissions_boundary_arn=args.iam.permissions_boundary_arn,
                **more,
            ),
            pulumi.ResourceOptions(parent=self),
        )

    def _of(self, operation: Operation, stack: DeliveredStack | None = None) -> DeliveryBuild:
        return next(one for one in self._builds if one.operation is operation and one.stack == stack)

    def _check_stage(self) -> Stage:
        check = self._build(self._of(Operation.CHECK), {}, ())
        return Stage(name="Check", actions=(Build(name="Check", build=check),))

    def _stack_stage(self, stack: DeliveredStack) -> Stage:
        """Preview, approval, change and examination: one execution at a time, so a preview is of what it changes."""
        title = stack.title
        preview = Build(
            name=f"Preview-{title}",
            namespace=f"Preview-{title}",
            outputs=tuple(self._of(Operation.PREVIEW, stack).outputs),
            build=self._stack_build(stack, Operation.PREVIEW),
        )
        steps: list[Action] = [preview]
        if stack.approval:
            steps.append(
                Approval(
                    name=f"Approve-{title}",
                    run_order=2,
                    text=APPROVAL_TEXT % (title, title, title),
                )
            )
        steps.append(Build(name=f"Up-{title}", run_order=3, build=self._stack_build(stack, Operation.UP)))
        steps.append(Build(name=f"Doctor-{title}", run_order=4, build=self._stack_build(stack, Operation.DOCTOR)))
        return Stage(
            name=title,
            actions=tuple(steps),
            # `up` continues where it stopped. Where a person decides, a rejection is not to be asked again.
            on_failure=OnFailure.FAIL if stack.approval else OnFailure.RETRY_FAILED_ACTIONS,
            entry=(DeploymentWindow(cron=stack.window),) if stack.window else (),
        )

    def _drift_stage(self) -> Stage:
        return Stage(
            name="Drift",
            actions=tuple(Build(name=one.title, build=self._drift_build(one)) for one in self._args.spec.stacks),
        )

    def _stack_build(
        self,
        stack: DeliveredStack,
        operation: Operation,
        variables: Mapping[str, pulumi.Input[str]] = NOTHING,
        statements: pulumi.Input[Sequence[Statement]] = (),
    ) -> BuildDefinition:
        """A build that looks at one stack or changes it.

        Args:
            stack: the stack.
            operation: what the build does.
            variables: what it is told beside what every build of a stack is told.
            statements: what it may do beside what every build of a stack may do.
        """
        build = self._of(operation, stack)
        common = self._statements(
            lambda scope: [*self._state(scope, build), *self._assumed(build.account_role_arn)],
        )
        return self._build(
            build,
            {**self._stack_variables(stack, build.account_role_arn), **variables},
            pulumi.Output.all(common, statements).apply(lambda known: [*known[0], *known[1]]),
            policies=(self._change if build.changes else self._read).get(stack.stack, ()),
        )

    def _drift_build(self, stack: DeliveredStack) -> BuildDefinition:
        args, names, home = self._args, self._args.environment.names, self._args.environment.home
        remembered = aws.ssm.Parameter(
            f"{self._logical}-drift-{stack.title}-told",
            region=home.name,
            name=names.drift_parameter(stack.title).value,
            description=f"Fingerprint of the drift of the stack {stack.stack} that was told last",
            type="String",
            value=NO_DRIFT,
            tags=args.environment.tags,
            # The nightly build writes it.
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["value"]),
        )
        topic_arn = args.notifications.topic_arn
        return self._stack_build(
            stack,
            Operation.DRIFT,
            {"DRIFT_PARAMETER": remembered.name, "TOPIC_ARN": topic_arn},
            pulumi.Output.all(remembered.arn, topic_arn).apply(
                lambda known: [
                    *delivery_policies.remember_statements(known[0]),
                    *pipeline_policies.publish_statements(home, known[1]),
                ]
            ),
        )

    def _pull_request_previews(self, *, approves: bool) -> PullRequestPreviews:
        """Previews of every stack in one build: they make one comment."""
        args, environment, source = self._args, self._args.environment, self._args.source
        build = self._of(Operation.PULL_REQUEST)
        statements = self._statements(
            lambda scope: [
                *self._state(scope, build),
                *(
                    statement
                    for number, one in enumerate(args.spec.stacks)
                    for statement in _numbered(self._assumed(one.preview_role_arn), number)
                ),
            ]
        )
        stacks = (
            ",".join(part for part in (one.stack, one.preview_role_arn, one.external_id) if part)
            for one in args.spec.stacks
        )
        variables = {"PULUMI_BACKEND_URL": args.spec.backend_url, "STACKS": " ".join(stacks)}
        policies = [arn for one in args.spec.stacks for arn in self._read.get(one.stack, ())]
        return PullRequestPreviews(
            f"{self._logical}-pull-requests",
            PullRequestPreviewsArgs(
                environment=environment,
                project=build.project,
                repository=source.repository,
                repository_arn=source.arn,
                clone_url=source.summary["cloneUrl"],
                branch=source.branch,
                build=self._build(build, variables, statements, policies=policies),
                approves=approves,
                log_days=args.spec.log_days,
                log_key_arn=self._log_key.arn,
                start_role_arn=args.iam.events.supplied_arn,
                permissions_boundary_arn=args.iam.permissions_boundary_arn,
            ),
            pulumi.ResourceOptions(parent=self),
        )

    def _build(
        self,
        build: DeliveryBuild,
        variables: Mapping[str, pulumi.Input[str]],
        statements: pulumi.Input[Sequence[Statement]],
        *,
        policies: Sequence[pulumi.Input[str]] = (),
    ) -> BuildDefinition:
        spec, iam = self._args.spec, self._args.iam
        token = spec.access_token_arn if build.reads_state else None
        return BuildDefinition(
            name=build.name,
            buildspec=f"delivery/{build.operation}.yml",
            machine=spec.machine,
            variables={
                "ENGINE_SHA256": spec.engine_sha256,
                "PLUGIN_SHA256": spec.plugin_sha256,
                "RELEASES_URL": spec.releases_url,
                **variables,
            },
            secret_arns={"PULUMI_ACCESS_TOKEN": token} if token else {},
            statements=statements,
            policy_arns=policies,
            role_arn=build.supplied_role_arn(iam),
            reports=build.reports,
        )

    def _stack_variables(self, stack: DeliveredStack, role_arn: str | None) -> dict[str, pulumi.Input[str]]:
        found: dict[str, pulumi.Input[str]] = {"PULUMI_BACKEND_URL": self._args.spec.backend_url, "STACK": stack.stack}
        if role_arn:
            found["DELIVERY_ROLE_ARN"] = role_arn
        if role_arn and stack.external_id:
            found["DELIVERY_EXTERNAL_ID"] = stack.external_id
        return found

    def _statements(self, of: Callable[[ArnScope], list[Statement]]) -> pulumi.Output[list[Statement]]:
        home = self._args.environment.home
        return self._args.environment.account_id.apply(lambda account: of(ArnScope.of(home, account)))

    def _state(self, scope: ArnScope, build: DeliveryBuild) -> list[Statement]:
        of = write_state_statements if build.changes else read_state_statements
        return of(scope, build.states(self._args.spec))

    @staticmethod
    def _assumed(role_arn: str | None) -> list[Statement]:
        return delivery_policies.assume_statements(role_arn) if role_arn else []

    def _policies(
        self, stack: DeliveredStack, kind: str, role: Callable[[StackScope, Sequence[str]], RoleDocument]
    ) -> list[pulumi.Output[str]]:
        """Managed policies of what the builds of a stack of this account may do: too much for a role's own policy."""
        if stack.role_arn:
            return []
        args, environment = self._args, self._args.environment

        def document_in(account_id: str) -> RoleDocument:
            target = StackScope(
                scope=ArnScope.of(environment.home, account_id),
                project=environment.names.project,
                environment=stack.environment_name,
                repository=args.source.repository,
                boundary_arn=args.iam.permissions_boundary_arn,
                supplied_role_arns=args.iam.handed_over,
                connection_arns=args.source.supplied_connection_arns,
            )
            return role(target, [])

        made = managed_policies(
            f"{self._logical}-{stack.title}-{kind}",
            environment,
            parent=self,
            role=document_in,
            policy_name=lambda number: environment.names.delivery_policy(stack.title, kind, number).value,
            purpose=lambda _: f"What builds that {kind} the stack {stack.stack} may do",
        )
        return [policy.arn for policy in made]


def _numbered(statements: Sequence[Statement], number: int) -> list[Statement]:
    """Statements whose Sids are theirs among those of several stacks."""
    return [{**statement, "Sid": f"{statement['Sid']}{number or ''}"} for statement in statements]
