"""What every action of a pipeline has, whatever it does.

Nothing here calls AWS or registers a resource. The numbers are from the service model of CodePipeline and from its
quotas ("Quotas in AWS CodePipeline").
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import pulumi

from awsmodel.arns import ArnScope
from awsmodel.regions import Region
from components.iam.policies import Statement

Text = pulumi.Input[str]

CONFIGURATION_VALUE = 1000
"""Characters of one value of an action's configuration; all environment variables of a build are one value."""

NAME = re.compile(r"[A-Za-z0-9.@_-]{1,100}")
"""Names of pipelines, stages, actions and conditions."""

NAME_RULE = "1 to 100 letters, digits, dots, @, - and _ are allowed"

SOURCE_ARTIFACT = "source"
"""Artifact that the source is, in every pipeline."""

_ARTIFACT = re.compile(r"[A-Za-z0-9_-]{1,100}")
_NAMESPACE = re.compile(r"[A-Za-z0-9@_-]{1,100}")
_RESERVED = ("codepipeline", "variables")


@dataclass(frozen=True, kw_only=True)
class PipelineContext:
    """What actions need to know of the pipeline that they are in."""

    pipeline: str
    """Its name."""
    home: Region
    """Its region."""
    account_id: Text
    """Its account."""
    topic_arn: Text | None = None
    """Topic that approvals are sent to."""

    @property
    def scope(self) -> pulumi.Output[ArnScope]:
        """Its account and region, which name what actions act on."""
        return pulumi.Output.from_input(self.account_id).apply(lambda account: ArnScope.of(self.home, account))


@dataclass(frozen=True, kw_only=True)
class Action(ABC):
    """One step of a stage."""

    category: ClassVar[str]
    provider: ClassVar[str]
    version: ClassVar[str] = "1"
    input_counts: ClassVar[range] = range(1)
    """How many input artifacts AWS takes."""
    output_counts: ClassVar[range] = range(1)
    """How many output artifacts AWS takes."""

    name: str
    """Name in its stage."""
    run_order: int = 1
    """Actions of a stage with the same number run at the same time, others one number after another."""
    region: str | None = None
    """Region that it acts in; left out, the pipeline's."""
    namespace: str | None = None
    """Name under which later actions find its variables: `#{<namespace>.<variable>}`."""
    inputs: tuple[str, ...] = ()
    """Artifacts that it reads."""
    outputs: tuple[str, ...] = ()
    """Artifacts that it makes."""

    @abstractmethod
    def configuration(self, context: PipelineContext) -> dict[str, Text]:
        """Its configuration, by AWS's keys."""

    @abstractmethod
    def statements(self, context: PipelineContext) -> pulumi.Output[list[Statement]]:
        """What the pipeline's role may do for it, beside reading and writing artifacts."""

    @property
    def provider_name(self) -> str:
        """Provider of the action type."""
        return self.provider

    @property
    def timeout(self) -> int | None:
        """Minutes after which it fails; only approvals have a limit of their own."""
        return None

    def own_faults(self) -> Iterator[str]:
        """What AWS would refuse of an action of this kind."""
        return iter(())

    def faults(self, context: PipelineContext) -> Iterator[str]:
        """Everything that AWS would refuse of it. What only a deployment tells is not judged."""
        if not NAME.fullmatch(self.name):
            yield NAME_RULE
        if not 1 <= self.run_order <= 999:
            yield f"run order {self.run_order}; AWS takes 1 to 999"
        if self.namespace is not None and not _NAMESPACE.fullmatch(self.namespace):
            yield f"namespace {self.namespace!r}: 1 to 100 letters, digits, @, - and _ are allowed"
        if self.namespace in _RESERVED:
            yield f"namespace {self.namespace!r} is AWS's own"
        yield from self._artifact_faults()
        for key, value in self.configuration(context).items():
            if isinstance(value, str) and not 1 <= len(value) <= CONFIGURATION_VALUE:
                yield f"{key}: {too_long(value) if value else 'it is empty, and AWS takes no empty value'}"
        yield from self.own_faults()

    def _artifact_faults(self) -> Iterator[str]:
        for kind, found, allowed in (
            ("input", self.inputs, self.input_counts),
            ("output", self.outputs, self.output_counts),
        ):
            if len(found) not in allowed:
                yield f"{len(found)} {kind} artifacts; AWS takes {_span(allowed)} of {self.provider_name}"
            yield from (
                f"{kind} artifact {name!r}: 1 to 100 letters, digits, - and _ are allowed"
                for name in found
                if not _ARTIFACT.fullmatch(name)
            )


def too_long(text: str) -> str:
    """Say that a value of a configuration is too long."""
    return f"{len(text)} characters; AWS takes {CONFIGURATION_VALUE}"


def _span(allowed: range) -> str:
    last = allowed.stop - 1
    return str(last) if allowed.start == last else f"{allowed.start} to {last}"
