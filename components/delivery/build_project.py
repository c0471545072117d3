"""One project of CodeBuild in one region, with its role and its log group; and the one that a pipeline runs."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from awsmodel.arns import ArnScope
from awsmodel.regions import Region
from components.core.environment import Environment
from components.core.network import Network
from components.delivery.actions.build import BuildDefinition, build_statements
from components.foundation.service_role import ServiceRole, service_role
from components.iam import pipeline_policies
from components.iam.network_policies import network_interface_statements
from components.iam.pipeline_policies import Store
from components.iam.policies import Statement, document
from components.sections.build_machine import IMAGES
from components.storage.artifact_buckets import ArtifactStore


@dataclass(frozen=True, kw_only=True)
class ProjectArgs:
    """What a project of CodeBuild is made from."""

    environment: Environment
    """The environment."""
    region: Region
    """Region of the project."""
    project: str
    """Name of the project; the log group carries it, too."""
    description: str
    """What it does, in a few words."""
    build: BuildDefinition
    """What it does."""
    source: aws.codebuild.ProjectSourceArgsDict
    """Where its code comes from, and its buildspec."""
    artifacts: aws.codebuild.ProjectArtifactsArgsDict
    """Where what it makes goes."""
    role_purpose: str
    """What the role is for, in a few words; its description."""
    statements: pulumi.Input[Sequence[Statement]]
    """What the role may do, before what the build states itself."""
    log_days: int
    """Days after which a log is removed, one of those that CloudWatch Logs takes."""
    log_key_arn: pulumi.Input[str] | None
    """Customer key of the region that encrypts the logs; without one CloudWatch encrypts with its own."""
    artifact_key_arn: pulumi.Input[str] | None = None
    """Key that encrypts what it makes."""
    network: Network | None = None
    """Where in a VPC builds run; without one they run outside of any."""
    boundary_arn: str | None = None
    """Policy that bounds the role, where one is made."""


@dataclass(frozen=True)
class Project:
    """A project of CodeBuild, and the role that its builds have."""

    arn: pulumi.Output[str]
    role_arn: pulumi.Output[str]


def build_project(name: str, args: ProjectArgs, *, parent: pulumi.Resource) -> Project:
    """Register a project of CodeBuild, its log group, and its role where none is supplied.

    Args:
        name: start of the logical names.
        args: what it is made from.
        parent: the component that they belong to.
    """
    environment, region, build = args.environment, args.region, args.build
    logs = aws.cloudwatch.LogGroup(
        f"{name}-logs",
        region=region.name,
        name=pipeline_policies.log_group_name(args.project),
        retention_in_days=args.log_days,
        kms_key_id=args.log_key_arn,
        tags=environment.tags,
        opts=pulumi.ResourceOptions(parent=parent),
    )
    role = (
        _role(name, args, parent) if build.role_arn is None else ServiceRole(pulumi.Output.from_input(build.role_arn))
    )
    project = aws.codebuild.Project(
        f"{name}-project",
        region=region.name,
        name=args.project,
        description=args.description,
        service_role=role.arn,
        source=args.source,
        artifacts=args.artifacts,
        environment={
            "type": build.machine.type.value,
            "compute_type": build.machine.size,
            "image": build.machine.image or IMAGES[build.machine.type],
            "image_pull_credentials_type": "CODEBUILD",
            "environment_variables": _environment_variables(build),
        },
        build_timeout=build.machine.timeout_minutes,
        encryption_key=args.artifact_key_arn,
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
        opts=pulumi.ResourceOptions(parent=parent, depends_on=list(role.policies)),
    )
    return Project(project.arn, role.arn)


def _role(name: str, args: ProjectArgs, parent: pulumi.Resource) -> ServiceRole:
    environment, region = args.environment, args.region
    return service_role(
        f"{name}-role",
        environment,
        parent=parent,
        role_name=pipeline_policies.build_role_name(args.project, region.name, environment.home.name),
        purpose=args.role_purpose,
        trust=environment.account_id.apply(
            lambda account: document([pipeline_policies.build_trust(ArnScope.of(region, account), args.project)])
        ),
        policy=pulumi.Output.all(args.statements, args.build.statements).apply(
            lambda known: document([*known[0], *known[1]])
        ),
        policy_arns=args.build.policy_arns,
        boundary_arn=args.boundary_arn,
    )


def _environment_variables(build: BuildDefinition) -> list[aws.codebuild.ProjectEnvironmentEnvironmentVariableArgsDict]:
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
    inputs: Sequence[str]
    """Artifacts that it reads."""
    outputs: Sequence[str]
    """Artifacts that it makes."""
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

    def __init__(self, name: str, args: BuildProjectArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlops:delivery:BuildProject", name, None, opts)
        self.name = pipeline_policies.project_name(args.pipeline, args.build.name)
        project = build_project(
            name,
            ProjectArgs(
                environment=args.environment,
                region=args.region,
                project=self.name,
                description=f"{args.build.name} of the pipeline {args.pipeline}",
                build=args.build,
                source={"type": "CODEPIPELINE", "buildspec": args.build.buildspec},
                artifacts={"type": "CODEPIPELINE"},
                role_purpose=f"Builds {args.build.name} of the pipeline {args.pipeline}",
                statements=self._statements(args),
                log_days=args.log_days,
                log_key_arn=args.log_key_arn,
                artifact_key_arn=args.store.key_arn,
                network=args.network,
                boundary_arn=args.permissions_boundary_arn,
            ),
            parent=self,
        )
        self.role_arn = project.role_arn
        self.register_outputs({"name": self.name, "projectArn": project.arn, "roleArn": self.role_arn})

    def _statements(self, args: BuildProjectArgs) -> pulumi.Output[list[Statement]]:
        region, build, network = args.region, args.build, args.network
        return pulumi.Output.all(
            account=args.environment.account_id,
            store={"bucket_arn": args.store.bucket_arn, "key_arn": args.store.key_arn},
            secrets=list(build.secret_arns.values()),
        ).apply(
            lambda known: [
                *build_statements(
                    ArnScope.of(region, known["account"]),
                    args.pipeline,
                    self.name,
                    Store(**known["store"]),
                    inputs=args.inputs,
                    outputs=args.outputs,
                    secret_arns=known["secrets"],
                    reports=build.reports,
                ),
                *(network_interface_statements(region, known["account"], network) if network is not None else ()),
            ]
        )
