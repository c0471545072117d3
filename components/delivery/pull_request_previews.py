"""Previews of pull requests at CodeCommit: an event of the repository starts a build, which comments.

The build runs the change's own code: whoever may push a branch of the repository can do with it what its role may do.
So that role reads, writes comments and its log, and has no other right; to approve is one more, and not given by
itself.
"""

import json
from dataclasses import dataclass, replace
from functools import partial

import pulumi

from awsmodel.arns import ArnScope
from components.core.environment import Environment
from components.delivery.actions.build import BuildDefinition
from components.delivery.build_project import ProjectArgs, build_project
from components.delivery.start_rule import Rule, start_role, start_rule
from components.foundation.service_role import ServiceRole
from components.iam import pull_request_policies
from components.iam.policies import Statement


def pull_request_events(branch: str, repository_arn: str) -> str:
    """Event pattern of pull requests into a branch that are made, or whose source has moved."""
    return json.dumps(
        {
            "source": ["aws.codecommit"],
            "detail-type": ["CodeCommit Pull Request State Change"],
            "resources": [repository_arn],
            "detail": {
                "event": ["pullRequestCreated", "pullRequestSourceBranchUpdated"],
                "destinationReference": [f"refs/heads/{branch}"],
            },
        }
    )


EVENT_PATHS = {"commit": "$.detail.sourceCommit", "pullRequest": "$.detail.pullRequestId"}
"""What a build is told of an event, by the names that `BUILD_INPUT` has for it."""

BUILD_INPUT = (
    '{"sourceVersion": <commit>, "environmentVariablesOverride": ['
    '{"name": "COMMIT", "type": "PLAINTEXT", "value": <commit>}, '
    '{"name": "PULL_REQUEST", "type": "PLAINTEXT", "value": <pullRequest>}]}'
)
"""The build's input, as EventBridge fills it in: the pull request's own commit, and which one it is."""


@dataclass(frozen=True, kw_only=True)
class PullRequestPreviewsArgs:
    """What `PullRequestPreviews` is made from."""

    environment: Environment
    """The environment. Everything is made in its home region, where the repository is."""
    project: str
    """Name of the build project; roles, the log group and the rule carry it, too."""
    repository: str
    """Name of the CodeCommit repository."""
    repository_arn: pulumi.Input[str]
    """Its ARN."""
    clone_url: pulumi.Input[str]
    """Its HTTPS address."""
    branch: str
    """Branch into which the pull requests go."""
    build: BuildDefinition
    """What a build runs, is told, and may do beside commenting; the name of it is not used."""
    approves: bool = False
    """Whether a build approves a pull request that nothing stops, and takes that back otherwise.

    It counts as one approval, by a role that runs the change's own code: the rule should need another one, of a person.
    """
    log_days: int = 90
    """Days after which a build's log is removed."""
    log_key_arn: pulumi.Input[str] | None = None
    """Customer key of the region that encrypts the logs; without one CloudWatch encrypts with its own."""
    start_role_arn: pulumi.Input[str] | None = None
    """A role that exists, for the rule that starts builds; left out, one is made."""
    permissions_boundary_arn: str | None = None
    """Policy that bounds every role that is made."""


class PullRequestPreviews(pulumi.ComponentResource):
    """A build for each pull request, that shows on it what it would change."""

    project: str
    """Name of the build project."""
    role_arn: pulumi.Output[str]
    """Role of the builds."""

    def __init__(self, name: str, args: PullRequestPreviewsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlops:delivery:PullRequestPreviews", name, None, opts)
        self._logical = name
        self._args = args
        self.project = args.project
        environment = args.environment
        variables = {**args.build.variables, "REPOSITORY": args.repository, "APPROVES": str(args.approves).lower()}
        project = build_project(
            name,
            ProjectArgs(
                environment=environment,
                region=environment.home,
                project=args.project,
                description=f"Shows on pull requests of {args.repository} what they would change",
                build=replace(args.build, variables=variables),
                source={"type": "CODECOMMIT", "location": args.clone_url, "buildspec": args.build.buildspec},
                artifacts={"type": "NO_ARTIFACTS"},
                role_purpose=f"Previews pull requests of {args.repository}",
                statements=self._statements(),
                log_days=args.log_days,
                log_key_arn=args.log_key_arn,
                boundary_arn=args.permissions_boundary_arn,
            ),
            parent=self,
        )
        self.role_arn = project.role_arn
        self._start(project.arn)
        self.register_outputs({"project": self.project, "roleArn": self.role_arn})

    def _statements(self) -> pulumi.Output[list[Statement]]:
        args, home = self._args, self._args.environment.home
        return pulumi.Output.all(
            account=args.environment.account_id,
            repository=args.repository_arn,
            secrets=list(args.build.secret_arns.values()),
        ).apply(
            lambda known: pull_request_policies.comment_statements(
                ArnScope.of(home, known["account"]),
                args.project,
                known["repository"],
                secret_arns=known["secrets"],
                approves=args.approves,
            )
        )

    def _start(self, project_arn: pulumi.Output[str]) -> None:
        """Lets an event start a build of the pull request's own commit."""
        args = self._args
        role = (
            self._start_role()
            if args.start_role_arn is None
            else ServiceRole(pulumi.Output.from_input(args.start_role_arn))
        )
        start_rule(
            f"{self._logical}-rule",
            args.environment,
            parent=self,
            rule=Rule(
                name=args.project,
                purpose=f"A pull request into {args.branch} of {args.repository} is previewed",
                event_pattern=pulumi.Output.from_input(args.repository_arn).apply(
                    partial(pull_request_events, args.branch)
                ),
            ),
            target_name=f"{self._logical}-target",
            target_id="build",
            target_arn=project_arn,
            role=role,
            transformer={"input_paths": EVENT_PATHS, "input_template": BUILD_INPUT},
        )

    def _start_role(self) -> ServiceRole:
        args = self._args
        return start_role(
            f"{self._logical}-start-role",
            args.environment,
            parent=self,
            role_name=f"{args.project}-start",
            purpose=f"Starts builds of {args.project}",
            rules=[args.project],
            statements=lambda scope: pull_request_policies.start_statements(scope, args.project),
            boundary_arn=args.permissions_boundary_arn,
        )
