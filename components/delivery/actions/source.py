"""A source: the pipeline takes the code from CodeCommit, or from a Git provider through a connection."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import ClassVar

import pulumi

from components.delivery.actions.action import SOURCE_ARTIFACT, Action, PipelineContext, Text
from components.iam.policies import Statement, allow

PUSH_FILTERS = 3
PATTERNS = 8
PATTERN = 255


class SourceProvider(StrEnum):
    """CodePipeline's providers of source actions that the platform uses."""

    CODECOMMIT = "CodeCommit"
    CONNECTION = "CodeStarSourceConnection"
    """A Git provider, through AWS CodeConnections."""


PERMISSIONS: Mapping[SourceProvider, tuple[str, ...]] = MappingProxyType(
    {
        SourceProvider.CODECOMMIT: (
            "codecommit:CancelUploadArchive",
            "codecommit:GetBranch",
            "codecommit:GetCommit",
            "codecommit:GetRepository",
            "codecommit:GetUploadArchiveStatus",
            "codecommit:UploadArchive",
        ),
        # The service was renamed in 2024, and AWS still checks either prefix, by the age of the connection.
        SourceProvider.CONNECTION: ("codeconnections:UseConnection", "codestar-connections:UseConnection"),
    }
)
"""IAM actions that reading a source takes, on the repository or on the connection."""


@dataclass(frozen=True, kw_only=True)
class PushFilter:
    """Which pushes to a Git provider start the pipeline: branches with paths, or tags. Patterns are globs."""

    branches: tuple[str, ...] = ()
    excluded_branches: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    excluded_paths: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    excluded_tags: tuple[str, ...] = ()

    def faults(self) -> Iterator[str]:
        """What AWS would refuse of it."""
        branches = (*self.branches, *self.excluded_branches)
        paths = (*self.paths, *self.excluded_paths)
        tags = (*self.tags, *self.excluded_tags)
        if tags and (branches or paths):
            yield "a filter of pushes names branches and paths, or tags; use a filter for each"
        if paths and not branches:
            yield "a filter of pushes names paths of branches; name the branches, too"
        if not (branches or paths or tags):
            yield "a filter of pushes is empty"
        for kind, patterns in (
            ("branches", self.branches),
            ("excluded branches", self.excluded_branches),
            ("paths", self.paths),
            ("excluded paths", self.excluded_paths),
            ("tags", self.tags),
            ("excluded tags", self.excluded_tags),
        ):
            if len(patterns) > PATTERNS:
                yield f"{len(patterns)} {kind} in a filter of pushes; AWS takes {PATTERNS}"
            yield from (
                f"{pattern!r} in {kind}: 1 to {PATTERN} characters are allowed"
                for pattern in patterns
                if not 1 <= len(pattern) <= PATTERN
            )


@dataclass(frozen=True, kw_only=True)
class Source(Action):
    """Takes the source from where it is; what a push starts is said here, too."""

    category: ClassVar[str] = "Source"
    output_counts: ClassVar[range] = range(1, 2)

    name: str = "Source"
    namespace: str | None = "Source"
    outputs: tuple[str, ...] = (SOURCE_ARTIFACT,)
    kind: SourceProvider
    """Who has it."""
    repository: Text
    """Name of the repository at CodeCommit, or its full name at the Git provider."""
    arn: Text
    """The repository's, or the connection's."""
    branch: str
    """Branch that it reads, and whose pushes start the pipeline."""
    pushes: tuple[PushFilter, ...] = ()
    """Git provider: which pushes start the pipeline; none means those to the branch."""

    @property
    def provider_name(self) -> str:
        """Provider of the action type."""
        return self.kind.value

    @property
    def is_connection(self) -> bool:
        """Whether a Git provider has the source, and so the pipeline's own trigger starts it."""
        return self.kind is SourceProvider.CONNECTION

    def own_faults(self) -> Iterator[str]:
        """What AWS would refuse of what starts the pipeline."""
        if self.pushes and not self.is_connection:
            yield "filters of pushes are for Git providers; of CodeCommit the pushes to the branch start the pipeline"
        if len(self.pushes) > PUSH_FILTERS:
            yield f"{len(self.pushes)} filters of pushes; AWS takes {PUSH_FILTERS}"
        for push in self.pushes:
            yield from push.faults()

    def configuration(self, context: PipelineContext) -> dict[str, Text]:  # noqa: ARG002 - a source needs nothing of it
        """Its configuration, by AWS's keys."""
        if self.is_connection:
            return {
                "ConnectionArn": self.arn,
                "FullRepositoryId": self.repository,
                "BranchName": self.branch,
                # The pipeline's own trigger decides, with its filters.
                "DetectChanges": "false",
            }
        return {
            "RepositoryName": self.repository,
            "BranchName": self.branch,
            # Started by an event instead: polling is slower, and AWS turns it off on idle pipelines.
            "PollForSourceChanges": "false",
        }

    def statements(self, context: PipelineContext) -> pulumi.Output[list[Statement]]:  # noqa: ARG002 - nor here
        """Reads the source."""
        return pulumi.Output.from_input(self.arn).apply(lambda arn: [read_source(self.kind, arn)])


def read_source(kind: SourceProvider, arn: str) -> Statement:
    """Reads a source, by the ARN of its repository or connection."""
    return allow("ReadSource", PERMISSIONS[kind], [arn])


def codecommit_pushes(branch: str, repository_arn: str) -> str:
    """Event pattern of the pushes to a branch of a CodeCommit repository; its deletion starts nothing."""
    return json.dumps(
        {
            "source": ["aws.codecommit"],
            "detail-type": ["CodeCommit Repository State Change"],
            "resources": [repository_arn],
            "detail": {
                "event": ["referenceCreated", "referenceUpdated"],
                "referenceType": ["branch"],
                "referenceName": [branch],
            },
        }
    )
