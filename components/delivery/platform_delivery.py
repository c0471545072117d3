"""The platform's own delivery: one pipeline from a push to the last stack, and one that looks for drift at night.

Both run Pulumi in CodeBuild, by the buildspecs in `delivery/`. What is delivered, in which order, and with whose
approval is a list of the settings; nothing here depends on what a stack is called.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import pulumi
import pulumi_aws as aws

from components.core.environment import Environment
from components.core.naming import ANY_ACCOUNT_ID
from components.delivery.build_definition import BuildDefinition
from components.delivery.delivery_pipeline import DeliveryPipeline, DeliveryPipelineArgs, PipelineEvent
from components.delivery.pipeline_stages import (
    Action,
    Approval,
    Build,
    DeploymentWindow,
    ExecutionMode,
    OnFailure,
    Source,
    Stage,
)
from components.delivery.pull_request_previews import PullRequestPreviews, PullRequestPreviewsArgs
from components.foundation.customer_key import customer_key
from components.iam import delivery_policies, pipeline_policies
from components.iam.delivery_policies import Target
from components.iam.pipeline_policies import Place
from components.iam.policies import Statement, document, key_administration
from components.iam.role_documents import RoleDocument, managed_policies
from components.notifications.notifications import Notifications
from components.sections.delivery import DeliveredStack, DeliverySpec
from components.sections.iam import IamSpec
from components.source.source_repository import SourceRepository
from components.storage.artifact_buckets import ArtifactStore

NO_DRIFT = "none"
"""What is remembered of a stack without drift."""

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
        read = args.spec.stacks if args.iam.build.supplied_arn is None else ()
        changed = args.spec.stacks if args.iam.delivery.supplied_arn is None else ()
        self._read = {one.stack: self._policies(one, "read", delivery_policies.reading_role) for one in read}
        self._change = {one.stack: self._policies(one, "change", delivery_policies.changing_role) for one in changed}
        delivery = self._pipeline(
            "deliver",
            names.delivery_pipeline.value,
            [self._source_stage(), self._check_stage(), *(self._stack_stage(one) for one in args.spec.stacks)],
        )
        self.summary = {"deliveryPipeline": delivery.name}
        if args.spec.drift_schedule is not None:
            drift = self._pipeline(
                "drift",
                names.drift_pipeline.value,
                [self._source_stage(), self._drift_stage()],
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

    def _source_stage(self) -> Stage:
        return Stage(name="Source", actions=(Source.of(self._args.source),))

    def _check_stage(self) -> Stage:
        check = self._build("check", {}, (), reports=True, secrets=False)
        return Stage(name="Check", actions=(Build(name="Check", build=check),))

    def _stack_stage(self, stack: DeliveredStack) -> Stage:
        """Preview, approval, change and examination: one execution at a time, so a preview is of what it changes."""
        title = stack.title
        preview = Build(
            name=f"Preview-{title}",
            namespace=f"Preview-{title}",
            outputs=(f"preview-{title}",),
            build=self._reading(stack, "preview"),
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
        steps.append(Build(name=f"Up-{title}", run_order=3, build=self._changing(stack)))
        steps.append(Build(name=f"Doctor-{title}", run_order=4, build=self._reading(stack, "doctor")))
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
            actions=tuple(Build(name=one.title, build=self._drifting(one)) for one in self._args.spec.stacks),
        )

    def _reading(self, stack: DeliveredStack, operation: str) -> BuildDefinition:
        variables = self._stack_variables(stack, stack.preview_role_arn)
        statements = self._statements(
            lambda place: [
                *self._state(place, delivery_policies.read_state_statements),
                *self._assumed(stack.preview_role_arn),
            ]
        )
        return self._build(operation, variables, statements, stack, policies=self._read.get(stack.stack, ()))

    def _changing(self, stack: DeliveredStack) -> BuildDefinition:
        variables = self._stack_variables(stack, stack.role_arn)
        statements = self._statements(
            lambda place: [
                *self._state(place, delivery_policies.write_state_statements),
                *self._assumed(stack.role_arn),
            ]
        )
        return self._build("up", variables, statements, stack, policies=self._change.get(stack.stack, ()))

    def _drifting(self, stack: DeliveredStack) -> BuildDefinition:
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
        variables = {
            **self._stack_variables(stack, stack.preview_role_arn),
            "DRIFT_PARAMETER": remembered.name,
            "TOPIC_ARN": args.notifications.topic_arn,
        }
        statements = pulumi.Output.all(args.environment.account_id, remembered.arn, args.notifications.topic_arn).apply(
            lambda known: [
                *self._state(Place(home, known[0]), delivery_policies.read_state_statements),
                *self._assumed(stack.preview_role_arn),
                *delivery_policies.remember_statements(known[1]),
                *pipeline_policies.publish_statements(home, known[2]),
            ]
        )
        return self._build("drift", variables, statements, stack, policies=self._read.get(stack.stack, ()))

    def _pull_request_previews(self, *, approves: bool) -> PullRequestPreviews:
        """Previews of every stack in one build: they make one comment."""
        args, environment, source = self._args, self._args.environment, self._args.source
        statements = self._statements(
            lambda place: [
                *self._state(place, delivery_policies.read_state_statements),
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
                project=environment.names.pull_requests.value,
                repository=source.repository,
                repository_arn=source.arn,
                clone_url=source.summary["cloneUrl"],
                branch=source.branch,
                build=self._build("pull_request", variables, statements, policies=policies),
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
        operation: str,
        variables: Mapping[str, pulumi.Input[str]],
        statements: pulumi.Input[Sequence[Statement]],
        stack: DeliveredStack | None = None,
        *,
        policies: Sequence[pulumi.Input[str]] = (),
        reports: bool = False,
        secrets: bool = True,
    ) -> BuildDefinition:
        args = self._args
        return BuildDefinition(
            name=f"{operation}-{stack.title}" if stack else operation,
            buildspec=f"delivery/{operation}.yml",
            machine=args.spec.machine,
            variables={
                "ENGINE_SHA256": args.spec.engine_sha256,
                "PLUGIN_SHA256": args.spec.plugin_sha256,
                "RELEASES_URL": args.spec.releases_url,
                **variables,
            },
            secret_arns={"PULUMI_ACCESS_TOKEN": args.spec.access_token_arn}
            if secrets and args.spec.access_token_arn
            else {},
            statements=statements,
            policy_arns=policies,
            role_arn=args.iam.delivery.supplied_arn if operation == "up" else args.iam.build.supplied_arn,
            reports=reports,
        )

    def _stack_variables(self, stack: DeliveredStack, role_arn: str | None) -> dict[str, pulumi.Input[str]]:
        found: dict[str, pulumi.Input[str]] = {"PULUMI_BACKEND_URL": self._args.spec.backend_url, "STACK": stack.stack}
        if role_arn:
            found["DELIVERY_ROLE_ARN"] = role_arn
        if role_arn and stack.external_id:
            found["DELIVERY_EXTERNAL_ID"] = stack.external_id
        return found

    def _statements(self, of: Callable[[Place], list[Statement]]) -> pulumi.Output[list[Statement]]:
        home = self._args.environment.home
        return self._args.environment.account_id.apply(lambda account: of(Place(home, account)))

    def _state(self, place: Place, of: Callable[[Place, delivery_policies.State], list[Statement]]) -> list[Statement]:
        return of(place, delivery_policies.state_of(self._args.spec.backend_url, self._args.spec.secrets_provider))

    @staticmethod
    def _assumed(role_arn: str | None) -> list[Statement]:
        return delivery_policies.assume_statements(role_arn) if role_arn else []

    def _policies(
        self, stack: DeliveredStack, kind: str, role: Callable[[Target, Sequence[str]], RoleDocument]
    ) -> list[pulumi.Output[str]]:
        """Managed policies of what the builds of a stack of this account may do: too much for a role's own policy."""
        if stack.role_arn:
            return []
        args, environment = self._args, self._args.environment

        def parts(account_id: str) -> list[list[Statement]]:
            target = Target(
                place=Place(environment.home, account_id),
                project=environment.names.project,
                environment=stack.environment_name,
                repository=args.source.repository,
                boundary_arn=args.iam.permissions_boundary_arn,
            )
            return list(managed_policies(role(target, [])))

        def part(index: int, account_id: str) -> str:
            return document(parts(account_id)[index])

        made = []
        # All accounts' ids are equally long, so each account gets the same parts.
        for index in range(len(parts(ANY_ACCOUNT_ID))):
            policy = aws.iam.Policy(
                f"{self._logical}-{stack.title}-{kind}-{index + 1}",
                name=environment.names.delivery_policy(stack.title, kind, index + 1).value,
                description=f"What builds that {kind} the stack {stack.stack} may do",
                policy=environment.account_id.apply(partial(part, index)),
                tags=environment.tags,
                opts=pulumi.ResourceOptions(parent=self),
            )
            made.append(policy.arn)
        return made


def _numbered(statements: Sequence[Statement], number: int) -> list[Statement]:
    """Statements whose Sids are theirs among those of several stacks."""
    return [{**statement, "Sid": f"{statement['Sid']}{number or ''}"} for statement in statements]
