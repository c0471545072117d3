"""All settings of one stack, composed of the sections, and what several sections together say."""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated

import pulumi
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from awsmodel.regions import Region, known_regions
from components.core.environment import Environment, Protection
from components.core.naming import Names
from components.core.network import Network
from components.core.section import NamePart, RegionName, fault, keys_that_differ
from components.sections.artifacts import ArtifactsSpec
from components.sections.catalog import CatalogSpec
from components.sections.delivery import DeliverySpec
from components.sections.deployment_tests import DeploymentTestsSpec
from components.sections.iam import IamSpec
from components.sections.notifications import NotificationsSpec
from components.sections.projects import ProjectsSpec
from components.sections.source import SourceSpec

NAMESPACE = "sm-mlops"
"""Namespace of the program's own keys in a stack file."""

SECRET = "[secret]"  # noqa: S105 - what is shown in place of a secret
"""Shown in place of the values of a section that the stack keeps encrypted."""


def _tags(values: Mapping[str, str]) -> Mapping[str, str]:
    """Tags as AWS takes them, with keys that are nobody else's."""
    for key, value in values.items():
        if key.lower().startswith(("aws:", "mlops:")):
            raise fault(f"{key!r}: the prefixes 'aws:' and 'mlops:' are kept for AWS and for this program")
        if not 1 <= len(key) <= 128 or len(value) > 256:
            raise fault(f"{key!r}: AWS takes keys of 1 to 128 characters and values of up to 256")
        if not re.fullmatch(r"[\w\s+=.@:/-]*", key + value):
            raise fault(f"{key!r}: AWS takes letters, digits, spaces and + - = . _ : / @ in tags, not {value!r}")
    return values


def _key(field: str) -> str:
    return f"{NAMESPACE}:{to_camel(field)}"


class Settings(BaseModel):
    """All settings of one stack."""

    model_config = ConfigDict(alias_generator=_key, defer_build=True, extra="forbid", frozen=True, strict=True)

    home_region: Annotated[RegionName, Field(alias="aws:region")]
    """Region of everything that is not made once per region."""
    project: NamePart
    """First part of every physical name."""
    environment: NamePart
    """Second part of every physical name; two environments can share an account."""
    artifacts: ArtifactsSpec
    """The artifact buckets of the pipelines."""
    source: SourceSpec
    """Where the platform's code lives."""
    notifications: NotificationsSpec = Field(default_factory=NotificationsSpec)
    """Who is told of what."""
    catalog: CatalogSpec | None = None
    """Project templates that people launch; left out, no catalog is made."""
    projects: ProjectsSpec | None = None
    """SageMaker Projects, switched on; left out, the account's switch is left as it is."""
    network: Mapping[RegionName, Network] = {}
    """By region, an existing VPC in which builds, functions and jobs run; left out, they run outside any VPC."""
    iam: IamSpec = Field(default_factory=IamSpec)
    """Who makes the roles; left out, the stack makes its own, and each project its own."""
    deployment_tests: DeploymentTestsSpec | None = None
    """Deployment options that are brought up and destroyed to test them; left out, none is."""
    delivery: DeliverySpec | None = None
    """Pipelines that deliver the platform, in one stack only; left out, people run `pulumi up` themselves."""
    protection: Protection
    """What guards buckets, keys and the repository against a mistake."""
    tags: Annotated[
        Mapping[str, str], Field(max_length=17), AfterValidator(keys_that_differ), AfterValidator(_tags)
    ] = {}
    """Tags of every resource that takes tags, beside `mlops:project` and `mlops:environment`."""

    @property
    def project_regions(self) -> tuple[str, ...]:
        """Regions in which SageMaker Projects are switched on."""
        named = self.projects.regions if self.projects else ()
        offered = self.catalog.regions if self.catalog else ()
        return named or offered or (self.home_region,)

    @property
    def catalog_regions(self) -> tuple[str, ...]:
        """Regions of the catalog; none where there is no catalog."""
        return (self.catalog.regions or (self.home_region,)) if self.catalog else ()

    @property
    def state_bucket(self) -> str | None:
        """Bucket of Pulumi's state, where the delivery's settings name it."""
        return self.delivery.state_bucket if self.delivery else None

    @property
    def home(self) -> Region:
        """The home region."""
        return known_regions()[self.home_region]

    def environment_in(
        self, account_id: pulumi.Output[str], *, other_policies: Mapping[str, Sequence[str]]
    ) -> Environment:
        """Tell what every component of the environment shares.

        Args:
            account_id: the account that the stack deploys to.
            other_policies: by name of a role, the policies of `iam.other_policy_arns` that it has there.
        """
        return Environment(
            names=self.names,
            home=self.home,
            account_id=account_id,
            protection=self.protection,
            tags=self.all_tags,
            networks=self.network,
            state_bucket=self.state_bucket,
            other_policy_arns=self.iam.other_policy_arns,
            other_policies=other_policies,
        )

    @property
    def names(self) -> Names:
        """The environment's physical names."""
        return Names(self.project, self.environment)

    @property
    def all_tags(self) -> Mapping[str, str]:
        """The tags of every resource."""
        return {**self.tags, "mlops:project": self.project, "mlops:environment": self.environment}
