"""What every component of one environment shares, and `sm-mlops:protection`: how it is guarded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated

import pulumi
from pydantic import Field

from awsmodel.regions import Region
from components.core.naming import Names
from components.core.network import Network
from components.core.section import Section


class Protection(Section):
    """What guards buckets, keys and the repository against a mistake."""

    protect: bool
    """Pulumi refuses to delete or replace buckets, keys and the repository."""
    retain: bool
    """Buckets, keys and the repository stay in AWS when they leave the program; if false, buckets are emptied, too."""
    key_deletion_days: Annotated[int, Field(ge=7, le=30)] = 30
    """Days during which the deletion of a key can still be taken back."""


@dataclass(frozen=True, kw_only=True)
class Environment:
    """One environment: where it lives, how it is named, and how what it must not lose is guarded."""

    names: Names
    """Physical names."""
    home: Region
    """Region of everything that is not made once per region."""
    account_id: pulumi.Output[str]
    """The account that the stack deploys to."""
    protection: Protection
    """What guards buckets, keys and repositories against a mistake."""
    tags: Mapping[str, str]
    """Tags of every resource that takes tags."""
    networks: Mapping[str, Network] = field(default_factory=dict)
    """By region, where in an existing VPC builds, functions and jobs run; without one they run outside any VPC."""
    state_bucket: str | None = None
    """Bucket with the state of Pulumi, where the settings name it."""
    other_policy_arns: Sequence[str] = ()
    """Managed policies that others may attach to the roles that the stack makes."""
    other_policies: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """By name of a role, those of them that it has now."""

    def guarded(self, parent: pulumi.Resource) -> pulumi.ResourceOptions:
        """Options of a child that must not be lost. `retain_on_delete` is not inherited, so each such child gets it."""
        return pulumi.ResourceOptions(
            parent=parent, protect=self.protection.protect, retain_on_delete=self.protection.retain
        )

    def kept_with(self, parent: pulumi.Resource, depends_on: Sequence[pulumi.Resource] = ()) -> pulumi.ResourceOptions:
        """Options of what belongs to such a child: a retained bucket keeps its policy, its encryption and the rest."""
        return pulumi.ResourceOptions(
            parent=parent, retain_on_delete=self.protection.retain, depends_on=list(depends_on)
        )
