"""`sm-mlops:network`: an existing VPC in which builds, functions and jobs run."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from components.core.section import Section, resource_id


class Network(Section):
    """An existing VPC of one region, and where in it things run."""

    vpc_id: Annotated[str, resource_id("vpc")]
    """The VPC."""
    subnet_ids: Annotated[tuple[Annotated[str, resource_id("subnet")], ...], Field(min_length=2, max_length=16)]
    """Private subnets of it, in at least two availability zones."""
    security_group_ids: Annotated[tuple[Annotated[str, resource_id("sg")], ...], Field(min_length=1, max_length=5)]
    """Security groups of it, all of them for each build, function and job."""

    @property
    def values(self) -> Mapping[str, str]:
        """What a product's template takes of it: lists as text with commas."""
        return {
            "VpcId": self.vpc_id,
            "SubnetIds": ",".join(self.subnet_ids),
            "SecurityGroupIds": ",".join(self.security_group_ids),
        }
