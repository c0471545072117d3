"""All that a report shows, as data: the page and the JSON are two forms of it.

Whatever AWS does not tell is `NotKnown`, with the reason; it never stops the rest from being told.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias, TypeVar

from tools.doctor.findings import Finding

PERSONAL = {"personal": True}
"""Metadata of a field that says who somebody is."""

FREE = {"free": True}
"""Metadata of a field that holds what somebody wrote, or a program: it may hold anything."""

NO_DRIFT = "none"
"""Stands for drift where AWS is as a stack says."""


@dataclass(frozen=True, kw_only=True)
class NotKnown:
    """Something that AWS did not tell."""

    why: str
    """What was asked, what came back, and what to grant where a right is missing."""
    what: str = ""
    """Name of what is not known, where it stands among others that are."""


T = TypeVar("T")
Known: TypeAlias = T | NotKnown
"""What is asked for, or why it is not known."""


def known(found: Sequence[Known[T]]) -> list[T]:
    """Return those that are known."""
    return [one for one in found if not isinstance(one, NotKnown)]


def whole(found: Sequence[Known[T]]) -> bool:
    """Whether all of them are known."""
    return not any(isinstance(one, NotKnown) for one in found)


class Mark(StrEnum):
    """How something stands, for the eye: each page shows it as a word and a colour."""

    GOOD = "good"
    BAD = "bad"
    BUSY = "busy"
    WAITING = "waiting"
    PLAIN = "plain"


@dataclass(frozen=True, kw_only=True)
class Part:
    """Something that the stack has in AWS, or should have."""

    kind: str
    """What it is, in AWS's words."""
    name: str
    region: str
    there: Known[bool]
    """Whether AWS has it."""
    link: str
    """Its page in AWS's console."""
    detail: str = ""
    """What else is worth knowing; mostly nothing."""
    independent: bool = False
    """Whether it may be there without the stack."""


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody, or a role that people have, with what the platform lets them do."""

    part: str
    """What they are for the platform, such as `data scientist`."""
    who: str = field(metadata=PERSONAL)
    """A role, a pattern of roles, or an e-mail address."""
    may: str
    """What the platform gives them."""
    source: str
    """Where that is said in AWS."""


@dataclass(frozen=True, kw_only=True)
class Right:
    """What a role may do with one service."""

    service: str
    """Prefix of the service's IAM actions."""
    actions: Sequence[str]
    """Actions that its policies allow, by name; conditions and resources narrow them."""


@dataclass(frozen=True, kw_only=True)
class Role:
    """A role of the stack."""

    name: str
    trusted: Sequence[str]
    """Who may take it: services, roles, accounts."""
    rights: Sequence[Right]
    bounded: bool
    """Whether a permissions boundary limits it."""
    link: str


@dataclass(frozen=True, kw_only=True)
class Version:
    """A version of a product."""

    name: str
    made: str
    """Date, UTC."""
    note: str = field(metadata=FREE)
    """What changed, as its release says."""
    state: str
    """`current`, `older`, `deprecated` or `switched off`."""


@dataclass(frozen=True, kw_only=True)
class Product:
    """A product in a region."""

    slug: str
    """Its folder in `seed_code`."""
    name: str
    region: str
    versions: Known[Sequence[Version]]
    """Newest first."""
    released: str
    """The version that people launch; empty where there is none."""
    content: str
    """What is in it, without what the environment fills in: two stacks with the same offer the same."""
    checkout: str
    """The version that this checkout would publish."""
    link: str


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Why a run has failed."""

    where: str
    """Stage and action, or step."""
    reason: str = field(metadata=FREE)
    log: Known[Sequence[str]] = field(metadata=FREE)
    """Last lines of its build's log; none where it has none."""
    build: str = ""
    """Id of its build; empty where it has none."""


@dataclass(frozen=True, kw_only=True)
class Earlier:
    """The last run that has failed, where later ones have not."""

    started: str
    """Date and time, UTC."""
    mended: bool
    """Whether a later run has succeeded."""
    failures: Sequence[Failure]


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A stage of a pipeline, or a step of a training."""

    name: str
    status: str
    """As AWS says it."""
    mark: Mark
    earlier: bool = False
    """Whether the last run has not come to it, and this is of one before."""


@dataclass(frozen=True, kw_only=True)
class Approval:
    """What waits for somebody's answer."""

    pipeline: str
    action: str
    region: str
    since: str
    """Date and time, UTC."""
    text: str = field(metadata=FREE)
    """What is asked."""
    link: str


@dataclass(frozen=True, kw_only=True)
class Pipeline:
    """A pipeline, or whatever else orders steps, with its last run."""

    name: str
    kind: str
    """`CodePipeline`, or what orders a training: `SageMaker`, `Step Functions` or `MWAA`."""
    region: str
    status: str
    """Of the last run; empty where there was none."""
    mark: Mark
    started: str
    """Date and time, UTC."""
    trigger: str = field(metadata=FREE)
    """What has started it."""
    stages: Sequence[Stage]
    failures: Sequence[Failure]
    """Of the last run."""
    earlier: Earlier | None
    """None where the last run has failed itself, or none of the latest has."""
    approvals: Sequence[Approval]
    builds: Sequence[str]
    """Ids of the builds of its last run, whose logs can be read."""
    link: str


@dataclass(frozen=True, kw_only=True)
class ModelVersion:
    """A version of a model in the registry."""

    version: int
    approval: str
    """As AWS says it."""
    mark: Mark
    made: str
    """Date and time, UTC."""
    commit: str
    description: str = field(metadata=FREE)
    metrics: Known[Mapping[str, float]]
    """By name, in the order of the names."""
    link: str


@dataclass(frozen=True, kw_only=True)
class Model:
    """A model of the registry, with its newest versions."""

    group: str
    region: str
    project: str
    """Project that has registered it; empty where its newest version does not say."""
    count: int
    """How many versions there are."""
    versions: Sequence[ModelVersion]
    """The newest, newest first."""


@dataclass(frozen=True, kw_only=True)
class Variant:
    """What an endpoint runs for a share of its requests."""

    name: str
    instance_type: str
    """Empty where it is serverless."""
    instances: int
    share: float
    """Of the traffic, 0 to 1."""
    serves: str
    """The version of a model, such as `churn 3`; the model's name where that is no version."""


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """An endpoint."""

    name: str
    region: str
    project_id: str
    stage: str
    status: str
    mark: Mark
    made: str
    variants: Sequence[Variant]
    requests: Known[Sequence[float]]
    """Requests day by day of the last two weeks, the oldest first; a day without one may be missing."""
    idle: bool
    """Whether nobody has asked it for two weeks, and it is older."""
    monthly: float | None
    """US dollars by the price table; None where that does not have its instances."""
    link: str


@dataclass(frozen=True, kw_only=True)
class Project:
    """A project that somebody has made of a product."""

    name: str
    id: str
    product: str
    region: str
    owner: str = field(metadata=PERSONAL)
    status: str
    mark: Mark
    message: str = field(metadata=FREE)
    version: str
    newest: str
    """Version that people launch now; empty where there is none."""
    behind: bool
    pipelines: Sequence[Known[Pipeline]]
    link: str


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a part costs."""

    what: str
    amount: int
    """How many of it there are."""
    monthly: float | None
    """US dollars a month for all of them, whatever happens; None where it costs by use, or no price is known."""
    by_use: str
    """The price of using it; empty where there is none, or why no price is known."""


@dataclass(frozen=True, kw_only=True)
class Environment:
    """A stack as AWS has it."""

    stack: str
    prefix: str
    """What its physical names begin with."""
    account: str
    region: str
    """The home region."""
    regions: Sequence[str]
    """All its regions, the home region first."""
    caller: str = field(metadata=PERSONAL)
    """ARN of whoever has looked."""
    deployed: bool
    """Whether AWS has any of its parts, or does not tell."""
    findings: Known[Sequence[Finding]]
    """The doctor's, the worst first."""
    drift: Known[str]
    """What the nightly look has told."""
    delivery_pipeline: str
    """Name of the pipeline that delivers this stack and others; empty where the stack has none of its own."""
    deliveries: Sequence[Known[Pipeline]]
    """Pipelines of the platform: that one, and those that look for drift, preview and test."""
    parts: Sequence[Part]
    people: Sequence[Known[Person]]
    roles: Sequence[Known[Role]]
    products: Sequence[Known[Product]]
    projects: Sequence[Known[Project]]
    models: Sequence[Known[Model]]
    endpoints: Sequence[Known[Endpoint]]
    costs: Sequence[Cost]

    @property
    def drifted(self) -> bool:
        """Whether AWS is known not to be as the stack says."""
        return not isinstance(self.drift, NotKnown) and self.drift != NO_DRIFT

    @property
    def delivery(self) -> Known[Pipeline] | None:
        """The pipeline that delivers; None where the stack has none of its own, or AWS does not have it."""
        if not self.delivery_pipeline:
            return None
        own = (one for one in self.deliveries if isinstance(one, NotKnown) or one.name == self.delivery_pipeline)
        return min(own, key=lambda one: isinstance(one, NotKnown), default=None)

    @property
    def whole(self) -> bool:
        """Whether every pipeline is known, so that nothing waits or has failed unseen."""
        theirs = (project.pipelines for project in known(self.projects))
        return whole(self.projects) and all(whole(one) for one in (self.deliveries, *theirs))

    @property
    def pipelines(self) -> Sequence[Pipeline]:
        """Every pipeline that is known."""
        theirs = (pipeline for project in known(self.projects) for pipeline in known(project.pipelines))
        return [*known(self.deliveries), *theirs]

    @property
    def approvals(self) -> Sequence[Approval]:
        """All that waits for somebody."""
        return [approval for pipeline in self.pipelines for approval in pipeline.approvals]

    @property
    def monthly(self) -> float:
        """US dollars a month that it costs whatever happens, as far as prices are known."""
        return sum(cost.monthly for cost in self.costs if cost.monthly is not None)


@dataclass(frozen=True, kw_only=True)
class Absent:
    """A stack that could not be looked at."""

    stack: str
    why: str


class Use(StrEnum):
    """What the platform does with a feature of SageMaker."""

    USED = "used"
    OFFERED = "offered"
    CLOSED = "closed to new customers"
    LEFT_OUT = "left out"


@dataclass(frozen=True, kw_only=True)
class Feature:
    """A feature of SageMaker."""

    name: str
    use: Use
    why: str
    """Where it is used, how it is had, or why not."""
    page: str
    """AWS's page on it, or on its end."""
    since: str = ""
    """Date from which on AWS admits no new customer."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """Everything that a page shows."""

    made: str
    """Date and time, UTC."""
    environments: Sequence[Environment]
    absent: Sequence[Absent]
    features: Sequence[Feature]
    features_date: str
    """When the table of features was last compared with AWS's pages."""
    prices_date: str
    prices_region: str
