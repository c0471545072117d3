"""Deployment options tested: a pipeline for each brings a stack up in the option's region, examines and destroys it.

A test destroys its stack itself, whatever it found. Where a run was stopped, failed outside of the test or was
rejected, an event starts the sweep for that run; and by the clock the sweep destroys whatever is older than a limit.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from awsmodel.arns import ArnScope
from components.core.naming import ANY_ACCOUNT_ID
from components.delivery.actions.approval import Approval
from components.delivery.actions.build import Build, BuildDefinition
from components.delivery.delivery_builds import tests_state
from components.delivery.delivery_pipeline import DeliveryPipeline, DeliveryPipelineArgs, PipelineEvent
from components.delivery.pipeline import ExecutionMode, Stage, Variable, source_stage
from components.delivery.platform_delivery import PlatformDeliveryArgs
from components.delivery.start_rule import Rule, start_role, start_rule
from components.foundation.managed_policies import managed_policies
from components.foundation.service_role import ServiceRole, service_role
from components.iam import deployment_policies
from components.iam.delivery_policies import StackScope
from components.iam.pipeline_policies import start_statements
from components.iam.policies import Statement, allow, document
from components.iam.role_documents import RoleDocument
from components.iam.state_policies import tests_backend, write_backend_statements
from components.sections.deployment_tests import DeploymentOption, DeploymentTestsSpec
from components.sections.iam import WORKS_FOR

SWEEP_SCHEDULE = "rate(1 hour)"
"""How often what tests have left behind is looked for."""

NONE = "none"
"""Value of the sweep's variables where no single run is meant; CodePipeline takes no empty value."""

EXECUTION = "#{codepipeline.PipelineExecutionId}"
"""What tells one test from another."""


@dataclass(frozen=True, kw_only=True)
class DeploymentTestsArgs:
    """What `DeploymentTests` is made from."""

    delivery: PlatformDeliveryArgs
    """What the delivery is made from; tests share its environment, its source, its roles, and how it gets Pulumi."""
    spec: DeploymentTestsSpec
    """What is tested."""
    stack: str
    """Stack whose file has the options."""


class DeploymentTests(pulumi.ComponentResource):
    """The pipelines that test deployment options, and the sweep after them."""

    summary: Mapping[str, Any]
    """Names of the pipelines, by option, for the stack's outputs."""

    def __init__(self, name: str, args: DeploymentTestsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlops:delivery:DeploymentTests", name, None, opts)
        self._logical = name
        self._args = args
        self._shared = args.delivery
        supplied = self._shared.iam.delivery.supplied_arn is not None
        self._policies = [] if supplied else self._managed_policies()
        # A role that is supplied is that of all builds of tests already, and launches and ends projects itself.
        self._scientist = None if supplied else self._scientist_role()
        tests = {option.name: self._test(option) for option in args.spec.options}
        sweep = self._sweep()
        self._sweep_after(list(tests.values()), sweep)
        self.summary = {**{option: test.name for option, test in tests.items()}, "sweep": sweep.name}
        self.register_outputs(self.summary)

    def _test(self, option: DeploymentOption) -> DeliveryPipeline:
        names = self._shared.environment.names
        test = Build(
            name="Test",
            region=option.region,
            build=self._build("test", {"OPTION": option.name, "KEEP": "yes" if option.approval else "no"}),
            variables={"DEPLOYMENT_TEST": EXECUTION},
        )
        stages = [source_stage(self._shared.source), Stage(name="Test", actions=(test,))]
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
            self._shared.environment.names.sweep_pipeline.value,
            [source_stage(self._shared.source), Stage(name="Sweep", actions=(sweep,))],
            variables=(
                Variable(name="Option", default=NONE, description="Pipeline of the option whose run is swept after"),
                Variable(name="Test", default=NONE, description="Execution of it; none sweeps all that is too old"),
            ),
            schedule=SWEEP_SCHEDULE,
        )

    def _pipeline(self, key: str, pipeline: str, stages: Sequence[Stage], **more: Any) -> DeliveryPipeline:
        shared = self._shared
        return DeliveryPipeline(
            f"{self._logical}-{key}",
            DeliveryPipelineArgs(
                environment=shared.environment,
                pipeline=pipeline,
                stages=stages,
                stores=shared.stores,
                # Each run has a stack of its own, and none may be dropped before it has destroyed it.
                mode=ExecutionMode.QUEUED,
                starts_on_push=False,
                notifications=shared.notifications,
                events=(PipelineEvent.FAILED, PipelineEvent.APPROVAL_NEEDED),
                log_days=shared.spec.log_days,
                role_arn=shared.iam.pipeline.supplied_arn,
                start_role_arn=shared.iam.events.supplied_arn,
                permissions_boundary_arn=shared.iam.permissions_boundary_arn,
                **more,
            ),
            pulumi.ResourceOptions(parent=self),
        )

    def _build(self, operation: str, variables: Mapping[str, pulumi.Input[str]]) -> BuildDefinition:
        shared, tools = self._shared, self._shared.spec
        secrets = {"PULUMI_ACCESS_TOKEN": tools.access_token_arn} if tools.access_token_arn else {}
        scientist = self._scientist
        return BuildDefinition(
            name=operation,
            buildspec=f"delivery/deployment-{operation}.yml",
            machine=tools.machine,
            variables={
                "ENGINE_SHA256": tools.engine_sha256,
                "PLUGIN_SHA256": tools.plugin_sha256,
                "RELEASES_URL": tools.releases_url,
                "PULUMI_BACKEND_URL": tests_backend(tools.backend_url),
                "STACK": self._args.stack,
                "TEST_PIPELINES": shared.environment.names.test_pipeline("").value,
                **({"PROJECTS_ROLE_ARN": scientist.arn} if scientist else {}),
                **variables,
            },
            secret_arns=dict(secrets),
            statements=shared.environment.account_id.apply(self._statements),
            policy_arns=self._policies,
            role_arn=shared.iam.delivery.supplied_arn,
        )

    def _statements(self, account_id: str) -> list[Statement]:
        environment = self._shared.environment
        scope = ArnScope.of(environment.home, account_id)
        found = write_backend_statements(scope, tests_state(self._shared.spec, self._args.spec, self._args.stack))
        if self._scientist is not None:
            role_arn = scope.role(environment.names.test_scientist.value)
            found.append(allow("ActAsDataScientist", ["sts:AssumeRole"], [role_arn]))
        return found

    def _handed_over(self) -> Mapping[str, Sequence[str]]:
        """By service, the roles of somebody else that any stack under test works with."""
        found = {service: list(arns) for service, arns in self._shared.iam.handed_over.items()}
        for option in self._args.spec.options:
            for key, role in (option.settings.get("iam") or {}).items():
                if key in WORKS_FOR and isinstance(role, Mapping) and "roleArn" in role:
                    arns = found.setdefault(WORKS_FOR[key], [])
                    arns += [role["roleArn"]] if role["roleArn"] not in arns else []
        return found

    def _connections(self) -> Sequence[str]:
        """Connections of somebody else that any stack under test reads through."""
        of_options = [(option.settings.get("source") or {}).get("connectionArn") for option in self._args.spec.options]
        return list(dict.fromkeys([*self._shared.source.supplied_connection_arns, *filter(None, of_options)]))

    def _target(self, account_id: str) -> StackScope:
        """The stacks under test, whatever tells one from another."""
        environment = self._shared.environment
        return StackScope(
            scope=ArnScope.of(environment.home, account_id),
            project=f"{environment.names.project}-t*",
            environment=environment.names.environment,
            boundary_arn=self._shared.iam.permissions_boundary_arn,
            supplied_role_arns=self._handed_over(),
            connection_arns=self._connections(),
        )

    def _scientist_role(self) -> ServiceRole:
        """The one role that launches the projects of all tests: Service Catalog lets it end these and no others."""
        environment = self._shared.environment
        names, account_id = environment.names, environment.account_id

        def role(account: str) -> RoleDocument:
            return deployment_policies.scientist_role(self._target(account), names)

        return service_role(
            f"{self._logical}-scientist",
            environment,
            parent=self,
            role_name=names.test_scientist.value,
            purpose=role(ANY_ACCOUNT_ID).purpose,
            trust=account_id.apply(lambda account: document(role(account).trust)),
            policy=account_id.apply(lambda account: document(role(account).statements)),
            boundary_arn=self._shared.iam.permissions_boundary_arn,
        )

    def _managed_policies(self) -> list[pulumi.Output[str]]:
        """What bringing a stack up and destroying it takes: too much for a role's own policy."""
        environment = self._shared.environment
        made = managed_policies(
            f"{self._logical}-policy",
            environment,
            parent=self,
            role=lambda account_id: deployment_policies.testing_role(self._target(account_id)),
            policy_name=lambda number: environment.names.test_policy(number).value,
            purpose=lambda number: (
                f"What tests of deployment options of {environment.names.prefix} may do, part {number}"
            ),
        )
        return [policy.arn for policy in made]

    def _sweep_after(self, tests: Sequence[DeliveryPipeline], sweep: DeliveryPipeline) -> None:
        """Start the sweep for a run that has ended without its own end: stopped, failed, rejected."""
        environment, iam = self._shared.environment, self._shared.iam
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
            role=ServiceRole(pulumi.Output.from_input(iam.events.supplied_arn))
            if iam.events.supplied_arn
            else start_role(
                f"{self._logical}-ended-role",
                environment,
                parent=self,
                role_name=rule_name,
                purpose=f"Starts the pipeline {sweep.name} after a test that was cut off",
                rules=[rule_name],
                statements=lambda scope: start_statements(scope, sweep.name),
                boundary_arn=iam.permissions_boundary_arn,
            ),
            transformer={
                "input_paths": {"pipeline": "$.detail.pipeline", "execution": "$.detail.execution-id"},
                "input_template": json.dumps({"variables": variables}),
            },
        )
