"""`sm-mlops:source`: where the platform's code lives."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationInfo

from components.core.git_names import codecommit_repository_fault, full_name_fault
from components.core.section import Branch, Section, fault, judged, matching


class CodeCommitSource(Section):
    """A CodeCommit repository that the stack makes."""

    provider: Literal["CodeCommit"]
    """`CodeCommit`: the stack makes the repository."""
    repository: (
        Annotated[
            str,
            judged(
                codecommit_repository_fault,
                "1 to 100 letters, digits, dots, dashes and underscores, which do not end in `.git`",
            ),
        ]
        | None
    ) = None
    """Name of the repository; `<project>-<environment>` when left out."""
    branch: Branch = "main"
    """Branch that pipelines deliver."""
    approvals: Annotated[int, Field(ge=0, le=10)] = 1
    """Approvals that a pull request into the branch needs; 0 for no rule."""


def _full_name(value: str, info: ValidationInfo) -> str:
    """Take a full name that the provider takes, without `.git`."""
    # The provider is read first; where it is at fault, the name cannot be judged.
    provider = info.data.get("provider")
    if provider is not None and (reason := full_name_fault(provider, value)) is not None:
        raise fault(f"{value!r}: {reason}")
    return value


ConnectionArn = Annotated[
    str,
    matching(
        r"arn:[a-z-]+:(codeconnections|codestar-connections):[a-z0-9-]+:\d{12}:connection/.+",
        "the ARN of a connection, arn:<partition>:codeconnections:<region>:<account>:connection/<id>",
    ),
]


class ConnectionSource(Section):
    """A repository at a Git provider, reached through AWS CodeConnections."""

    provider: Literal["GitHub", "GitLab", "Bitbucket"]
    """`GitHub`, `GitLab` or `Bitbucket`: the repository exists, and a connection reaches it."""
    repository: Annotated[str, AfterValidator(_full_name)]
    """Full name at the provider: `owner/name`, or `group/subgroup/name` at GitLab."""
    branch: Branch = "main"
    """Branch that pipelines deliver."""
    connection_arn: ConnectionArn | None = None
    """An existing connection; left out, the stack makes one, and a person completes it once in the console."""


SourceSpec = Annotated[CodeCommitSource | ConnectionSource, Field(discriminator="provider")]
