"""What orders a training, whichever service does."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from tools.doctor.account import StackRegion
from tools.report import logs
from tools.report.asking import moment
from tools.report.links import Console
from tools.report.model import Failure, Known, Pipeline, Stage
from tools.report.runs import Run, earlier, mark

JOBS = ("ProcessingJob", "TrainingJob", "TransformJob")
"""Kinds of jobs, as SageMaker's keys are called."""


@dataclass(frozen=True, kw_only=True)
class Look:
    """What a run has done."""

    stages: Sequence[Stage] = ()
    """Its steps, in the order in which they began."""
    failures: Sequence[Failure] = ()


@dataclass
class Training(ABC):
    """Something that orders the steps of a training: a pipeline of SageMaker, a state machine, a workflow."""

    region: StackRegion
    name: str
    arn: str

    kind: ClassVar[str]
    """As a report calls it."""
    service: ClassVar[str] = ""
    """What a product that trains so has among its endpoints; empty where any product may."""

    @staticmethod
    @abstractmethod
    def arns(region: StackRegion) -> Mapping[str, str]:
        """Return all that there are in a region, by name."""

    @property
    @abstractmethod
    def link(self) -> str:
        """Its page in AWS's console."""

    @abstractmethod
    def runs(self) -> Sequence[Run]:
        """Return its latest runs, newest first."""

    @abstractmethod
    def look(self, run: Run) -> Look:
        """Look at a run closely."""

    def pipeline(self) -> Pipeline:
        """Return it with its last run."""
        runs = self.runs()
        last = runs[0] if runs else Run(id="", status="", started=None)
        seen = self.look(last) if runs else Look()
        return Pipeline(
            name=self.name,
            kind=self.kind,
            region=self.region.name,
            status=last.status,
            mark=mark(last.status),
            started=moment(last.started),
            trigger=last.title,
            stages=seen.stages,
            failures=seen.failures,
            earlier=earlier(runs, lambda run: self.look(run).failures),
            approvals=(),
            builds=(),
            link=self.link,
        )

    @property
    def console(self) -> Console:
        """The console in its region."""
        return Console(self.region.details)

    def log_of_job(self, names: Mapping[str, str]) -> Known[Sequence[str]]:
        """Return the end of the log of a job that is named by its kind; none where no job is named."""
        kind = next((kind for kind in JOBS if names.get(kind)), None)
        return logs.of_job(self.region, f"/aws/sagemaker/{kind}s", names[kind]) if kind else ()


def stage(name: object, status: object) -> Stage:
    """Return a step of a run."""
    return Stage(name=str(name), status=str(status), mark=mark(str(status)))
