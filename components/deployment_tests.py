"""Deployment options tested: a pipeline for each brings a stack up in the option's region, examines and destroys it.

A test destroys its stack itself, whatever it found. Where a run was stopped, failed outside of the test or was
rejected, an event starts the sweep for that run; and by the clock the sweep destroys whatever is older than a limit.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import pulumi
import pulumi_aws as aws

from components import delivery_policies, deployment_policies
from components.artifact_buckets import ArtifactStore
from components.build_definition import BuildDefinition, Machine
from components.delivery_pipeline import DeliveryPipeline, DeliveryPipelineArgs, PipelineEvent
from components.delivery_policies import Target
from components.environment import Environment
from components.naming import ANY_ACCOUNT_ID
from components.notifications import Notifications
from components.pipeline_policies import Place, start_statements
from components.pipeline_stages import Approval, Build, ExecutionMode, Source, Stage, Variable
from components.platform_delivery import DeliveryRoles
from components.policies import Statement, document
from components.role_documents import managed_policies
from components.service_role import ServiceRole
from components.source_repository import SourceRepository
from components.start_rule import Rule, start_role, start_rule

SWEEP_SCHEDULE = "rate(1 hour)"
"""How often what tests have left behind is looked for."""

NONE = "none"
"""Value of the sweep's variables where no single run is meant; CodePipeline takes no empty value."""

EXECUTION = "#{codepipeline.PipelineExecutionId}"
"""What tells one test from another."""


class DeploymentOption(Protocol):
    """One option, as the settings have it."""

    @property
    def name(self) -> str:
        """Name of the option."""

    @property
    def region(self) -> str:
        """Region of its stack, and of the build that brings it up."""

    @property
    def approval(self) -> bool:
        """Whether a person approves before the stack is destroyed."""


class PulumiInBuilds(Protocol):
    """How builds get Pulumi, and where its state is, as the settings of the delivery have it."""

    @property
    def backend_url(self) -> str:
        """Where Pulumi keeps its state."""

    @property
    def secrets_provider(self) -> str | None:
        """Key that decrypts the stacks' secrets."""

    @property
    def access_token_arn(self) -> str | None:
        """Secret with an access token of Pulumi Cloud."""

    @property
    def engine_sha256(self) -> str:
        """SHA-256 of the archive of Pulumi's engine."""

    @property
    def plugin_sha256(self) -> str:
        """SHA-256 of the archive of Pulumi's AWS plugin."""

    @property
    def releases_url(self) -> str:
        """Where both archives are."""

    @property
    def machine(self) -> Machine:
        """What builds run on."""

    @property
    def log_days(self) -> int:
        """Days after which a build's log is removed."""


@dataclass(frozen=True, kw_only=True)
class DeploymentTestsArgs:
    """What `DeploymentTests` is made from."""

    environment: Environment
    """The environment that holds the pipelines."""
    stack: str
    """Stack whose file has the options."""
    source: SourceRepository
    """Where the platform's code comes from."""
    stores: Mapping[str, ArtifactStore]
    """Artifact stores by region; each option's region has one."""
    notifications: Notifications
    """Who is told of failures, and asked for approvals."""
    roles: DeliveryRoles
    """Who makes the roles; those of the delivery's deployments bring stacks under test up, too."""
    options: Sequence[DeploymentOption]
    """What is tested."""
    pulumi: PulumiInBuilds
    """How builds get Pulumi."""


class DeploymentTests(pulumi.ComponentResource):
    """The pipelines that test deployment options, and the sweep after them."""

    summary: Mapping[str, Any]
    """Names of the pipelines, by option, for the stack's outputs."""

    def __init__(self, name: str, args: DeploymentTestsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlops:delivery:DeploymentTests", name, None, opts)
        self._logical = name
        self._args = args
        self._policies = [] if args.roles.deploy_arn else self._managed_policies()
        tests = {option.name: self._test(option) for option in args.options}
        sweep = self._sweep()
        self._sweep_after(list(tests.values()), sweep)
        self.summary = {**{option: test.name for option, test in tests.items()}, "sweep": sweep.name}
        self.register_outputs(self.summary)

    def _test(self, option: DeploymentOption) -> DeliveryPipeline:
        names = self._args.environment.names
        test = Build(
            name="Test",
            region=option.region,
            build=self._build("test", {"OPTION": option.name, "KEEP": "yes" if option.approval else "no"}),
            variables={"DEPLOYMENT_TEST": EXECUTION},
        )
        stages = [Stage(name="Source", actions=(Source.of(self._args.source),)), Stage(name="Test", actions=(test,))]
        if option.approval:
            text = f"The stack of the deployment option {option.name} stands in {option.region}. Destroy it?"
            approve = Approval(name="Approve", text=text, timeout_minutes=240)
            destroy = Build(
                name="Destroy",
                region=option.region,
                run_order=2,
                build=self._build("destroy", {"OPTION": option.name}),
                variables={"DEPLOYMENT_TEST": EXECUTION},
            )
            stages.append(Stage(name="Destroy", actions=(approve, destroy)))
        return self._pipeline(f"option-{option.name}", names.test_pipeline(option.name).value, stages)

    def _sweep(self) -> DeliveryPipeline:
        sweep = Build(
            name="Sweep",
            build=self._build("sweep", {}),
            variables={"OPTION": "#{variables.Option}", "DEPLOYMENT_TEST": "#{variables.Test}"},
        )
        return self._pipeline(
            "sweep",
            self._args.environment.names.sweep_pipeline.value,
            [Stage(name="Source", actions=(Source.of(self._args.source),)), Stage(name="Sweep", actions=(sweep,))],
            variables=(
                Variable(name="Option", default=NONE, description="Pipeline of the option whose run is swept after"),
                Variable(name="Test", default=NONE, description="Execution of it; none sweeps all that is too old"),
            ),
            schedule=SWEEP_SCHEDULE,
        )

    def _pipeline(self, key: str, pipeline: str, stages: Sequence[Stage], **more: Any) -> DeliveryPipeline:
        args = self._args
        return DeliveryPipeline(
            f"{self._logical}-{key}",
            DeliveryPipelineArgs(
                environment=args.environment,
                pipeline=pipeline,
                stages=stages,
                stores=args.stores,
                # Each run has a stack of its own, and none may be dropped before it has destroyed it.
                mode=ExecutionMode.QUEUED,
                starts_on_push=False,
                notifications=args.notifications,
                events=(PipelineEvent.FAILED, PipelineEvent.APPROVAL_NEEDED),
                log_days=args.pulumi.log_days,
                role_arn=args.roles.pipeline_arn,
                start_role_arn=args.roles.start_arn,
                permissions_boundary_arn=args.roles.permissions_boundary_arn,
                **more,
            ),
            pulumi.ResourceOptions(parent=self),
        )

    def _build(self, operation: str, variables: Mapping[str, pulumi.Input[str]]) -> BuildDefinition:
        args, tools = self._args, self._args.pulumi
        secrets = {"PULUMI_ACCESS_TOKEN": tools.access_token_arn} if tools.access_token_arn else {}
        home = args.environment.home
        return BuildDefinition(
            name=operation,
            buildspec=f"delivery/deployment-{operation}.yml",
            machine=tools.machine,
            variables={
                "ENGINE_SHA256": tools.engine_sha256,
                "PLUGIN_SHA256": tools.plugin_sha256,
                "RELEASES_URL": tools.releases_url,
                "PULUMI_BACKEND_URL": tools.backend_url,
                "STACK": args.stack,
                "TEST_PIPELINES": args.environment.names.test_pipeline("").value,
                **variables,
            },
            secret_arns=dict(secrets),
            statements=args.environment.account_id.apply(
                lambda account: delivery_policies.write_state_statements(
                    Place(home, account), delivery_policies.state(tools.backend_url, tools.secrets_provider)
                )
            ),
            policy_arns=self._policies,
            role_arn=args.roles.deploy_arn,
        )

    def _managed_policies(self) -> list[pulumi.Output[str]]:
        """What bringing a stack up, trying and destroying it takes: too much for a role's own policy."""
        environment = self._args.environment

        def parts(account_id: str) -> list[list[Statement]]:
            target = Target(
                place=Place(environment.home, account_id),
                project=f"{environment.names.project}-t*",
                environment=environment.names.environment,
                boundary_arn=self._args.roles.permissions_boundary_arn,
            )
            return list(managed_policies(deployment_policies.testing_role(target)))

        def part(index: int, account_id: str) -> str:
            return document(parts(account_id)[index])

        return [
            aws.iam.Policy(
                f"{self._logical}-policy-{index + 1}",
                name=environment.names.test_policy(index + 1).value,
                description=f"What tests of deployment options of {environment.names.prefix} may do, part {index + 1}",
                policy=environment.account_id.apply(partial(part, index)),
                tags=environment.tags,
                opts=pulumi.ResourceOptions(parent=self),
            ).arn
            # All accounts' ids are equally long, so each account gets the same parts.
            for index in range(len(parts(ANY_ACCOUNT_ID)))
        ]

    def _sweep_after(self, tests: Sequence[DeliveryPipeline], sweep: DeliveryPipeline) -> None:
        """Start the sweep for a run that has ended without its own end: stopped, failed, rejected."""
        environment, roles = self._args.environment, self._args.roles
        rule_name = environment.names.test_rule.value
        variables = [{"name": "Option", "value": "<pipeline>"}, {"name": "Test", "value": "<execution>"}]
        start_rule(
            f"{self._logical}-ended",
            environment,
            parent=self,
            rule=Rule(
                name=rule_name,
                purpose="A test of a deployment option was stopped, failed or was rejected",
                event_pattern=pulumi.Output.json_dumps(
                    {
                        "source": ["aws.codepipeline"],
                        "detail-type": ["CodePipeline Pipeline Execution State Change"],
                        "resources": [test.arn for test in tests],
                        "detail": {"state": ["CANCELED", "FAILED", "STOPPED"]},
                    }
                ),
            ),
            target_name=f"{self._logical}-ended-target",
            target_id="sweep",
            target_arn=sweep.arn,
            role=ServiceRole(pulumi.Output.from_input(roles.start_arn))
            if roles.start_arn
            else start_role(
                f"{self._logical}-ended-role",
                environment,
                parent=self,
                role_name=rule_name,
                purpose=f"Starts the pipeline {sweep.name} after a test that was cut off",
                rules=[rule_name],
                statements=lambda place: start_statements(place, sweep.name),
                boundary_arn=roles.permissions_boundary_arn,
            ),
            transformer={
                "input_paths": {"pipeline": "$.detail.pipeline", "execution": "$.detail.execution-id"},
                "input_template": json.dumps({"variables": variables}),
            },
        )
