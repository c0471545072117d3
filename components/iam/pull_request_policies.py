"""What previews of pull requests may do: start a build, and keep one comment up to date."""

from collections.abc import Sequence

from awsmodel.arns import ArnScope
from components.iam.pipeline_policies import run_statements
from components.iam.policies import Statement, allow

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


def comment_statements(
    scope: ArnScope, project: str, repository_arn: str, *, secret_arns: Sequence[str] = (), approves: bool = False
) -> list[Statement]:
    """Reads the repository, keeps the comment, writes the log; with `approves` approves pull requests, too."""
    found = [
        allow("ReadSource", ["codecommit:GitPull"], [repository_arn]),
        allow("Comment", COMMENTING, [repository_arn]),
        *run_statements(scope, project, secret_arns=secret_arns),
    ]
    if approves:
        found.append(allow("Approve", ["codecommit:UpdatePullRequestApprovalState"], [repository_arn]))
    return found


def start_statements(scope: ArnScope, project: str) -> list[Statement]:
    """Starts the one build."""
    return [allow("StartBuild", ["codebuild:StartBuild"], [scope.build_project(project)])]
