"""A build: the pipeline runs a project of CodeBuild, which it makes in the region of the action."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import ClassVar

import pulumi

from awsmodel.arns import ArnScope
from components.delivery.actions.action import SOURCE_ARTIFACT, Action, PipelineContext, Text
from components.iam.pipeline_policies import (
    Store,
    build_artifact_statements,
    build_role_name,
    project_name,
    run_statements,
)
from components.iam.policies import Statement, allow
from components.sections.build_machine import Machine

NOTHING: Mapping[str, pulumi.Input[str]] = MappingProxyType({})

ROLE_NAME = 64
"""Characters of a role's name in IAM."""

_PROJECT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{1,149}")
_ENVIRONMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, kw_only=True)
class BuildDefinition:
    """One build project of a pipeline: its buildspec, the machine that it runs on, what it is told and may do."""

    name: str
    """Last part of the project's name, after the pipeline's."""
    buildspec: str
    """Path of the buildspec in the source, or the buildspec itself."""
    machine: Machine = field(default_factory=Machine)
    """What it runs on."""
    variables: Mapping[str, pulumi.Input[str]] = field(default_factory=lambda: NOTHING)
    """Environment variables of every run."""
    secret_arns: Mapping[str, pulumi.Input[str]] = field(default_factory=lambda: NOTHING)
    """By environment variable: the secret in Secrets Manager that holds its value."""
    statements: pulumi.Input[Sequence[Statement]] = ()
    """What its role may do beside reading and writing artifacts and logs."""
    policy_arns: Sequence[pulumi.Input[str]] = ()
    """Managed policies that its role has beside these."""
    reports: bool = False
    """Whether it writes test reports."""
    role_arn: pulumi.Input[str] | None = None
    """A role that exists; left out, one is made."""

    def faults(self, pipeline: str, regions: Sequence[str], home: str) -> Iterator[str]:
        """What AWS would refuse of the project, and of its role in each region."""
        project = project_name(pipeline, self.name)
        yield from (f"build project {project}: {fault}" for fault in self._project_faults(project))
        for region in regions:
            role = build_role_name(project, region, home)
            if self.role_arn is None and len(role) > ROLE_NAME:
                yield f"role {role!r}: {len(role)} characters; IAM takes {ROLE_NAME}"

    def _project_faults(self, project: str) -> Iterator[str]:
        if not _PROJECT.fullmatch(project):
            yield "2 to 150 letters, digits, - and _ are allowed in its name, a letter or digit first"
        yield from self.machine.faults()
        yield from _variable_faults([*self.variables, *self.secret_arns])
        yield from (
            f"environment variable {name!r} is both plain and a secret"
            for name in self.variables
            if name in self.secret_arns
        )


@dataclass(frozen=True, kw_only=True)
class Build(Action):
    """Runs a build project, which the pipeline makes in the action's region."""

    category: ClassVar[str] = "Build"
    provider: ClassVar[str] = "CodeBuild"
    input_counts: ClassVar[range] = range(1, 6)
    output_counts: ClassVar[range] = range(6)

    inputs: tuple[str, ...] = (SOURCE_ARTIFACT,)
    build: BuildDefinition
    """The project. Actions can share one, with variables of their own."""
    variables: Mapping[str, Text] = field(default_factory=lambda: NOTHING)
    """Environment variables of this action; `#{...}` in a value is filled in when it runs."""

    def own_faults(self) -> Iterator[str]:
        """What CodeBuild would refuse of the action's variables."""
        return _variable_faults(self.variables)

    def configuration(self, context: PipelineContext) -> dict[str, Text]:
        """Its configuration, by AWS's keys."""
        found: dict[str, Text] = {"ProjectName": project_name(context.pipeline, self.build.name)}
        if len(self.inputs) > 1:
            found["PrimarySource"] = self.inputs[0]
        if self.variables:
            found["EnvironmentVariables"] = _json(
                [{"name": name, "value": value, "type": "PLAINTEXT"} for name, value in self.variables.items()]
            )
        return found

    def statements(self, context: PipelineContext) -> pulumi.Output[list[Statement]]:
        """Runs the project and sees how it ends."""
        project = project_name(context.pipeline, self.build.name)
        region = self.region or context.home.name
        return context.scope.apply(lambda scope: [run_builds(scope.in_region(region).build_project(project))])


def run_builds(*project_arns: str) -> Statement:
    """Runs build projects and sees how their builds end."""
    return allow("RunBuilds", ["codebuild:BatchGetBuilds", "codebuild:StartBuild"], project_arns)


def build_statements(
    scope: ArnScope,
    pipeline: str,
    project: str,
    store: Store,
    *,
    inputs: Sequence[str],
    outputs: Sequence[str] = (),
    secret_arns: Sequence[str] = (),
    reports: bool = False,
) -> list[Statement]:
    """What the role of every build needs: what it takes and makes, its own log group, its secrets, its own reports."""
    found = [
        *build_artifact_statements(pipeline, store, inputs=inputs, outputs=outputs),
        *run_statements(scope, project, secret_arns=secret_arns),
    ]
    if reports:
        found.append(
            allow(
                "WriteReports",
                [
                    *("codebuild:BatchPutCodeCoverages", "codebuild:BatchPutTestCases", "codebuild:CreateReport"),
                    *("codebuild:CreateReportGroup", "codebuild:UpdateReport"),
                ],
                [scope.report_group(f"{project}-*")],
            )
        )
    return found


def _variable_faults(names: Iterable[str]) -> Iterator[str]:
    for name in names:
        if not _ENVIRONMENT.fullmatch(name):
            yield f"environment variable {name!r}: letters, digits and _ are allowed, no digit first"
        elif name.startswith("CODEBUILD_"):
            yield f"environment variable {name!r}: the prefix CODEBUILD_ is AWS's own"


def _json(value: Sequence[Mapping[str, Text]]) -> Text:
    """JSON without spaces, which AWS would count; at once where all is known, so that its length is checked early."""
    plain = [dict(item) for item in value]
    try:
        return json.dumps(plain, separators=(",", ":"))
    except TypeError:
        return pulumi.Output.json_dumps(plain, separators=(",", ":"))
