"""What a build is, as plain data: its buildspec, the machine that it runs on, and what it is told and may do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import pulumi

from components.iam.policies import Statement
from components.sections.build_machine import Machine

NOTHING: Mapping[str, pulumi.Input[str]] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True)
class BuildDefinition:
    """One build project of a pipeline."""

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
