"""`sm-mlops:deploymentTests`: deployment options that are tested."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from components.core.section import NamePart, RegionName, Section
from components.sections.delivery import KeyProvider


class DeploymentOption(Section):
    """One way of deploying the platform, tested by bringing it up."""

    name: Annotated[NamePart, Field(max_length=24)]
    """Name of the option."""
    region: RegionName
    """Home region of the stack under test; the only one, unless `settings` names more."""
    settings: Mapping[str, Any] = {}
    """What differs from this stack's settings, by section: mappings are merged, null leaves a key out."""
    expected: tuple[str, ...] = ()
    """Ids of `tools doctor` that this option is known to break, such as `connection` before a person completes it."""
    projects: Literal["none", "create", "run"] = "run"
    """`run`: a project of each product is created, run and deleted. `create`: not run, which is quicker. `none`."""
    approval: bool = False
    """Whether a person approves before the stack is destroyed."""


class DeploymentTestsSpec(Section):
    """Deployment options that are tested: each is brought up, examined and destroyed."""

    options: Annotated[tuple[DeploymentOption, ...], Field(min_length=1)]
    """The options; each gets a pipeline."""
    secrets_provider: KeyProvider | None = None
    """Key of the secrets of stacks under test, `awskms:///<ARN of the key>`; left out, that of the stack that tests."""
    sweep_after_hours: Annotated[int, Field(ge=1, le=72)] = 6
    """Age in hours at which a stack that a test has left behind is destroyed."""
