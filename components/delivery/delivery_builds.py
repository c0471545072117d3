"""The builds of the platform's own delivery: which there are, who runs each, and whether it changes a stack.

The pipelines' stages, the names of the builds' roles, the documents of the roles that an administrator makes, and whom
the roles of other accounts trust are derived from this list.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from components.core.naming import Names
from components.delivery.actions.action import SOURCE_ARTIFACT
from components.iam.pipeline_policies import project_name
from components.iam.state_policies import State, state_of, tests_backend
from components.sections.delivery import DeliveredStack, DeliverySpec
from components.sections.deployment_tests import DeploymentTestsSpec
from components.sections.iam import IamSpec
from settings import NAMESPACE


class Operation(StrEnum):
    """What a build does; its buildspec in `delivery/` has this name."""

    CHECK = "check"
    PREVIEW = "preview"
    DOCTOR = "doctor"
    UP = "up"
    DRIFT = "drift"
    PULL_REQUEST = "pull_request"


@dataclass(frozen=True, kw_only=True)
class DeliveryBuild:
    """One build project of the delivery."""

    operation: Operation
    """What it does."""
    pipeline: str | None
    """Pipeline that runs it; without one an event does."""
    stack: DeliveredStack | None = None
    """The one stack that it looks at or changes."""
    names: Names
    """Physical names of the environment that holds it."""

    @property
    def project(self) -> str:
        """Name of the project, and of the role that the stack makes for it."""
        return project_name(self.pipeline, self.name) if self.pipeline else self.names.pull_requests.value

    @property
    def name(self) -> str:
        """What tells it from the other builds."""
        return f"{self.operation}-{self.stack.title}" if self.stack else self.operation.value

    @property
    def changes(self) -> bool:
        """Whether it changes its stack; all others read."""
        return self.operation is Operation.UP

    @property
    def reports(self) -> bool:
        """Whether it writes test reports."""
        return self.operation is Operation.CHECK

    @property
    def inputs(self) -> Sequence[str]:
        """Artifacts that it reads."""
        return (SOURCE_ARTIFACT,)

    @property
    def outputs(self) -> Sequence[str]:
        """Artifacts that it makes."""
        return (self.name,) if self.operation is Operation.PREVIEW else ()

    @property
    def reads_state(self) -> bool:
        """Whether it reads Pulumi's state, for which Pulumi Cloud asks for an access token."""
        return self.operation is not Operation.CHECK

    def states(self, spec: DeliverySpec) -> list[State]:
        """State of each stack that it reads or changes."""
        previewed = spec.stacks if self.operation is Operation.PULL_REQUEST else ()
        return [stack_state(spec, one.stack) for one in ((self.stack,) if self.stack else previewed)]

    def supplied_role_arn(self, iam: IamSpec) -> str | None:
        """Role of somebody else that it runs as; without one the stack makes a role of the project's name."""
        if self.operation is Operation.PULL_REQUEST:
            return iam.pull_requests.supplied_arn
        return (iam.delivery if self.changes else iam.build).supplied_arn

    @property
    def account_role_arn(self) -> str | None:
        """Stack of another account: the role there that the build acts as."""
        if self.stack is None:
            return None
        return self.stack.role_arn if self.changes else self.stack.preview_role_arn


def stack_state(spec: DeliverySpec, stack: str) -> State:
    """Where a stack of the delivery has its state.

    Args:
        spec: what is delivered.
        stack: name of the stack: `dev`, or `organization/<project>/dev`.
    """
    *_, project, title = f"{NAMESPACE}/{stack}".rsplit("/", 2)
    return state_of(f"{project}/{title}", spec.backend_url, spec.secrets_provider_of(stack), spec.secrets_provider)


def tests_state(spec: DeliverySpec, tests: DeploymentTestsSpec, stack: str) -> State:
    """Where the stacks under test have their state, apart from all others.

    Args:
        spec: what is delivered.
        tests: what is tested.
        stack: the stack that tests.
    """
    key = tests.secrets_provider or spec.secrets_provider_of(stack)
    return state_of(f"{NAMESPACE}/*", tests_backend(spec.backend_url), key, spec.secrets_provider)


def delivery_builds(names: Names, spec: DeliverySpec, stacks: Sequence[DeliveredStack]) -> list[DeliveryBuild]:
    """Every build of a delivery, operation by operation.

    Args:
        names: physical names of the environment that holds the pipelines.
        spec: what is delivered.
        stacks: its stacks, in the order that is wanted.
    """
    delivery = names.delivery_pipeline.value
    found = [DeliveryBuild(operation=Operation.CHECK, pipeline=delivery, names=names)]
    of_stacks = [(operation, delivery) for operation in (Operation.PREVIEW, Operation.DOCTOR, Operation.UP)]
    if spec.drift_schedule is not None:
        of_stacks.append((Operation.DRIFT, names.drift_pipeline.value))
    found += [
        DeliveryBuild(operation=operation, pipeline=pipeline, stack=stack, names=names)
        for operation, pipeline in of_stacks
        for stack in stacks
    ]
    if spec.pull_requests is not None:
        found.append(DeliveryBuild(operation=Operation.PULL_REQUEST, pipeline=None, names=names))
    return found
