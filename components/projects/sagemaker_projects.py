"""SageMaker Projects switched on: AWS's own portfolio of project templates, for whom the settings name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from components.core.environment import Environment
from components.providers.projects_portfolio import ProjectsPortfolio
from components.sections.projects import ProjectsSpec


@dataclass(frozen=True, kw_only=True)
class SageMakerProjectsArgs:
    """What `SageMakerProjects` is made from."""

    environment: Environment
    """The environment."""
    regions: Sequence[str]
    """Regions in which projects are switched on."""
    spec: ProjectsSpec
    """Who finds the portfolio, and what becomes of it."""


class SageMakerProjects(pulumi.ComponentResource):
    """SageMaker Projects of an account, in the regions of one stack.

    The switch and the portfolio belong to the account: what people, or other stacks, have associated stays.
    """

    summary: Mapping[str, Mapping[str, Any]]
    """Portfolio, its name and status, and the principals, by region, for the stack's outputs."""

    def __init__(self, name: str, args: SageMakerProjectsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlops:sagemaker:SageMakerProjects", name, None, opts)
        self.summary = {region: self._region(name, region, args) for region in args.regions}
        self.register_outputs({"regions": self.summary})

    def _region(self, name: str, region: str, args: SageMakerProjectsArgs) -> Mapping[str, Any]:
        portfolio = ProjectsPortfolio(
            f"{name}-{region}",
            region=region,
            claimant=args.environment.names.prefix,
            principals=args.spec.principals,
            disable_on_delete=args.spec.disable_on_destroy,
            opts=pulumi.ResourceOptions(parent=self),
        )
        return {
            "portfolioId": portfolio.portfolioId,
            "displayName": portfolio.displayName,
            "status": portfolio.status,
            "principals": portfolio.principals,
        }
