"""Previews of pull requests at CodeCommit: an event of the repository starts a build, which comments.

The build runs the change's own code: whoever may push a branch of the repository can do with it what its role may do.
So that role reads, writes comments and its log, and has no other right; to approve is one more, and not given by
itself.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import pulumi
import pulumi_aws as aws

from components import pipeline_policies
from components.build_definition import IMAGES, BuildDefinition
from components.build_project import environment_variables
from components.environment import Environment
from components.pipeline_policies import Place
from components.policies import Statement, allow, document

COMMENTING = (
    "codecommit:DeleteCommentContent",
    "codecommit:GetCommentsForPullRequest",
    "codecommit:GetPullRequest",
    "codecommit:PostCommentForPullRequest",
    "codecommit:UpdateComment",
)
"""What keeping one comment of a pull request up to date takes.

A comment may only be changed by the very session that posted it. A build has a session of its own, so it posts anew
and deletes what an earlier one has posted.
"""


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


def comment_statements(
    place: Place, project: str, repository_arn: str, *, secret_arns: Sequence[str] = (), approves: bool = False
) -> list[Statement]:
    """Reads the repository, keeps the comment, writes the log; with `approves` approves pull requests, too."""
    found = [
        allow("ReadSource", ["codecommit:GitPull"], [repository_arn]),
        allow("Comment", COMMENTING, [repository_arn]),
        allow("WriteLogs", ["logs:CreateLogStream", "logs:PutLogEvents"], [f"{place.log_group(project)}:*"]),
    ]
    if secret_arns:
        found.append(allow("ReadSecrets", ["secretsmanager:GetSecretValue"], secret_arns))
    if approves:
        found.append(allow("Approve", ["codecommit:UpdatePullRequestApprovalState"], [repository_arn]))
    return found


def start_statements(place: Place, project: str) -> list[Statement]:
    """Starts the one build."""
    return [allow("StartBuild", ["codebuild:StartBuild"], [place.project(project)])]


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
        environment, build = args.environment, args.build
        logs = aws.cloudwatch.LogGroup(
            f"{name}-logs",
            region=environment.home.name,
            name=pipeline_policies.log_group_name(args.project),
            retention_in_days=args.log_days,
            kms_key_id=args.log_key_arn,
            tags=environment.tags,
            opts=pulumi.ResourceOptions(parent=self),
        )
        policies: list[pulumi.Resource] = []
        self.role_arn = self._role(policies) if build.role_arn is None else pulumi.Output.from_input(build.role_arn)
        variables = {**build.variables, "REPOSITORY": args.repository, "APPROVES": str(args.approves).lower()}
        project = aws.codebuild.Project(
            f"{name}-project",
            region=environment.home.name,
            name=args.project,
            description=f"Shows on pull requests of {args.repository} what they would change",
            service_role=self.role_arn,
            source={"type": "CODECOMMIT", "location": args.clone_url, "buildspec": build.buildspec},
            artifacts={"type": "NO_ARTIFACTS"},
            environment={
                "type": build.machine.type.value,
                "compute_type": build.machine.size,
                "image": build.machine.image or IMAGES[build.machine.type],
                "image_pull_credentials_type": "CODEBUILD",
                "environment_variables": environment_variables(replace(build, variables=variables)),
            },
            build_timeout=None if build.machine.type.is_lambda else build.machine.timeout_minutes,
            logs_config={"cloudwatch_logs": {"status": "ENABLED", "group_name": logs.name}},
            tags=environment.tags,
            # A build that starts before its role has its rights fails.
            opts=pulumi.ResourceOptions(parent=self, depends_on=policies),
        )
        self._start(project)
        self.register_outputs({"project": self.project, "roleArn": self.role_arn})

    def _role(self, policies: list[pulumi.Resource]) -> pulumi.Output[str]:
        args, environment = self._args, self._args.environment
        home, project, build = environment.home, args.project, args.build
        role = aws.iam.Role(
            f"{self._logical}-role",
            name=project,
            description=f"Previews pull requests of {args.repository}",
            assume_role_policy=environment.account_id.apply(
                lambda account: document([pipeline_policies.build_trust(Place(home, account), project)])
            ),
            permissions_boundary=args.permissions_boundary_arn,
            tags=environment.tags,
            opts=pulumi.ResourceOptions(parent=self),
        )
        policy = aws.iam.RolePolicy(
            f"{self._logical}-role-policy",
            role=role.name,
            policy=pulumi.Output.all(
                account=environment.account_id,
                repository=args.repository_arn,
                secrets=list(build.secret_arns.values()),
                more=build.statements,
            ).apply(
                lambda known: document(
                    [
                        *comment_statements(
                            Place(home, known["account"]),
                            project,
                            known["repository"],
                            secret_arns=known["secrets"],
                            approves=args.approves,
                        ),
                        *known["more"],
                    ]
                )
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        policies.append(policy)
        policies.extend(
            aws.iam.RolePolicyAttachment(
                f"{self._logical}-role-policy-{number}",
                role=role.name,
                policy_arn=arn,
                opts=pulumi.ResourceOptions(parent=self),
            )
            for number, arn in enumerate(build.policy_arns, start=1)
        )
        return role.arn

    def _start(self, project: aws.codebuild.Project) -> None:
        """Lets an event start a build of the pull request's own commit."""
        args, environment, home = self._args, self._args.environment, self._args.environment.home
        policies: list[pulumi.Resource] = []
        role_arn = self._start_role(policies) if args.start_role_arn is None else args.start_role_arn
        rule = aws.cloudwatch.EventRule(
            f"{self._logical}-rule",
            region=home.name,
            name=args.project,
            description=f"A pull request into {args.branch} of {args.repository} is previewed",
            event_pattern=pulumi.Output.from_input(args.repository_arn).apply(
                partial(pull_request_events, args.branch)
            ),
            tags=environment.tags,
            opts=pulumi.ResourceOptions(parent=self),
        )
        aws.cloudwatch.EventTarget(
            f"{self._logical}-target",
            region=home.name,
            rule=rule.name,
            target_id="build",
            arn=project.arn,
            role_arn=role_arn,
            input_transformer={"input_paths": EVENT_PATHS, "input_template": BUILD_INPUT},
            # The first event would be lost on a role that has no right yet.
            opts=pulumi.ResourceOptions(parent=self, depends_on=policies),
        )

    def _start_role(self, policies: list[pulumi.Resource]) -> pulumi.Output[str]:
        args, environment, home = self._args, self._args.environment, self._args.environment.home
        role = aws.iam.Role(
            f"{self._logical}-start-role",
            name=f"{args.project}-start",
            description=f"Starts builds of {args.project}",
            assume_role_policy=environment.account_id.apply(
                lambda account: document([pipeline_policies.start_trust(Place(home, account), [args.project])])
            ),
            permissions_boundary=args.permissions_boundary_arn,
            tags=environment.tags,
            opts=pulumi.ResourceOptions(parent=self),
        )
        policy = aws.iam.RolePolicy(
            f"{self._logical}-start-role-policy",
            role=role.name,
            policy=environment.account_id.apply(
                lambda account: document(start_statements(Place(home, account), args.project))
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        policies.append(policy)
        return role.arn
