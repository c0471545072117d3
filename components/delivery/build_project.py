"""One build project in one region: its role, its log group, and what it runs on."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from awsmodel.regions import Region
from components.core.environment import Environment
from components.core.network import Network
from components.delivery.build_definition import BuildDefinition
from components.foundation.service_role import ServiceRole, service_role
from components.iam import pipeline_policies
from components.iam.network_policies import network_interface_statements
from components.iam.pipeline_policies import Place, Store
from components.iam.policies import document
from components.sections.build_machine import IMAGES
from components.storage.artifact_buckets import ArtifactStore


@dataclass(frozen=True, kw_only=True)
class BuildProjectArgs:
    """What `BuildProject` is made from."""

    environment: Environment
    """The environment."""
    region: Region
    """Region of the project."""
    pipeline: str
    """Pipeline that runs it."""
    build: BuildDefinition
    """What it does."""
    store: ArtifactStore
    """The pipeline's artifact store of the region."""
    log_days: int
    """Days after which a log is removed, one of those that CloudWatch Logs takes."""
    log_key_arn: pulumi.Input[str] | None
    """Customer key of the region that encrypts the logs; without one CloudWatch encrypts with its own."""
    permissions_boundary_arn: str | None = None
    """Policy that bounds the role, where one is made."""
    network: Network | None = None
    """Where in a VPC builds run; without one they run outside of any."""


class BuildProject(pulumi.ComponentResource):
    """A build project that CodePipeline runs."""

    name: str
    """Name of the project."""
    role_arn: pulumi.Output[str]
    """Role that its builds have."""
    project_arn: pulumi.Output[str]
    """ARN of the project."""

    def __init__(self, name: str, args: BuildProjectArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlops:delivery:BuildProject", name, None, opts)
        self._logical = name
        self._args = args
        self.name = f"{args.pipeline}-{args.build.name}"
        environment, region, build = args.environment, args.region, args.build
        child = pulumi.ResourceOptions(parent=self)
        logs = aws.cloudwatch.LogGroup(
            f"{name}-logs",
            region=region.name,
            name=pipeline_policies.log_group_name(self.name),
            retention_in_days=args.log_days,
            kms_key_id=args.log_key_arn,
            tags=environment.tags,
            opts=child,
        )
        role = self._role() if build.role_arn is None else ServiceRole(pulumi.Output.from_input(build.role_arn))
        self.role_arn = role.arn
        on_lambda = build.machine.type.is_lambda
        project = aws.codebuild.Project(
            f"{name}-project",
            region=region.name,
            name=self.name,
            description=f"{build.name} of the pipeline {args.pipeline}",
            service_role=role.arn,
            source={"type": "CODEPIPELINE", "buildspec": build.buildspec},
            artifacts={"type": "CODEPIPELINE"},
            environment={
                "type": build.machine.type.value,
                "compute_type": build.machine.size,
                "image": build.machine.image or IMAGES[build.machine.type],
                "image_pull_credentials_type": "CODEBUILD",
                "environment_variables": environment_variables(build),
            },
            # AWS takes no time limit on Lambda's compute, where it is always 15 minutes.
            build_timeout=None if on_lambda else build.machine.timeout_minutes,
            encryption_key=args.store.key_arn,
            vpc_config=None
            if args.network is None
            else {
                "vpc_id": args.network.vpc_id,
                "subnets": list(args.network.subnet_ids),
                "security_group_ids": list(args.network.security_group_ids),
            },
            logs_config={"cloudwatch_logs": {"status": "ENABLED", "group_name": logs.name}},
            tags=environment.tags,
            # A build that starts before its role has its rights fails.
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(role.policies)),
        )
        self.project_arn = project.arn
        self.register_outputs({"name": self.name, "projectArn": project.arn, "roleArn": self.role_arn})

    def _role(self) -> ServiceRole:
        args, environment = self._args, self._args.environment
        home, region, build, project = environment.home, args.region, args.build, self.name
        return service_role(
            f"{self._logical}-role",
            environment,
            parent=self,
            role_name=pipeline_policies.build_role_name(project, region.name, home.name),
            purpose=f"Builds {build.name} of the pipeline {args.pipeline}",
            trust=environment.account_id.apply(
                lambda account: document([pipeline_policies.build_trust(Place(home, account), project, region.name)])
            ),
            policy=pulumi.Output.all(
                account=environment.account_id,
                store={"bucket_arn": args.store.bucket_arn, "key_arn": args.store.key_arn},
                secrets=list(build.secret_arns.values()),
                more=build.statements,
            ).apply(
                lambda known: document(
                    [
                        *pipeline_policies.build_statements(
                            Place(home, known["account"]),
                            args.pipeline,
                            project,
                            Store(**known["store"]),
                            region=region.name,
                            secret_arns=known["secrets"],
                            reports=build.reports,
                        ),
                        *(
                            network_interface_statements(region, known["account"], args.network)
                            if args.network is not None
                            else ()
                        ),
                        *known["more"],
                    ]
                )
            ),
            policy_arns=build.policy_arns,
            boundary_arn=args.permissions_boundary_arn,
        )


def environment_variables(build: BuildDefinition) -> list[aws.codebuild.ProjectEnvironmentEnvironmentVariableArgsDict]:
    """Variables of the project; the values of secrets stay in Secrets Manager until a build runs."""
    plain: list[aws.codebuild.ProjectEnvironmentEnvironmentVariableArgsDict] = [
        {"name": name, "value": value, "type": "PLAINTEXT"} for name, value in build.variables.items()
    ]
    return [
        *plain,
        *(
            aws.codebuild.ProjectEnvironmentEnvironmentVariableArgsDict(name=name, value=arn, type="SECRETS_MANAGER")
            for name, arn in build.secret_arns.items()
        ),
    ]
