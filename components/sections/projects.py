"""`sm-mlops:projects`: SageMaker Projects switched on."""

from typing import Annotated

from pydantic import Field

from components.core.section import PrincipalArn, RegionName, Section


class ProjectsSpec(Section):
    """SageMaker Projects switched on, for AWS's own project templates."""

    regions: tuple[RegionName, ...] = ()
    """Regions in which SageMaker Projects are switched on; left out, those of the catalog, else the home region."""
    principals: Annotated[tuple[PrincipalArn, ...], Field(min_length=1)]
    """Who finds AWS's templates: ARNs of Studio's execution roles, of groups and users, or patterns of them."""
    disable_on_destroy: bool = False
    """Whether `pulumi destroy` switches projects off again, if this stack switched them on and no other needs them."""
