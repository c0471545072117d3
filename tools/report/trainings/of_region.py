"""The trainings of a region's projects."""

from collections.abc import Mapping

from components.packaging import seed_code
from tools.doctor.account import StackRegion
from tools.projects import found
from tools.report.asking import asked
from tools.report.model import Known, NotKnown, Pipeline
from tools.report.trainings.pipelines import SageMakerPipeline
from tools.report.trainings.state_machines import StateMachine
from tools.report.trainings.training import Training
from tools.report.trainings.workflows import Workflow

WAYS: tuple[type[Training], ...] = (SageMakerPipeline, StateMachine, Workflow)


class Trainings:
    """What orders trainings in a region. A service is asked once, and only where a product on offer calls it."""

    def __init__(self, region: StackRegion) -> None:
        self._region = region
        offered = region.account.catalog.products
        products, _ = seed_code.readable(offered)
        # What a product calls whose folder is at fault in this checkout, nobody knows.
        any_service = frozenset(way.service for way in WAYS)
        self._called = dict.fromkeys(offered, any_service) | {
            product.slug: frozenset(("", *product.endpoints)) for product in products
        }
        called = frozenset[str]().union(*self._called.values())
        self._arns = {way: self._listed(way) for way in WAYS if way.service in called}

    def _listed(self, way: type[Training]) -> Known[Mapping[str, str]]:
        return asked(self._region.account, lambda: way.arns(self._region), f"trainings by {way.kind}")

    def of(self, project: found.Project) -> list[Known[Pipeline]]:
        """Return those of a project: their names begin like all that it makes."""
        made: list[Known[Pipeline]] = []
        for way, arns in self._arns.items():
            if not project.id or way.service not in self._called.get(project.product, ()):
                continue
            if isinstance(arns, NotKnown):
                made.append(arns)
                continue
            own = sorted(name for name in arns if name.startswith(f"sagemaker-{project.id}-"))
            trainings = (way(self._region, name, arns[name]) for name in own)
            made += [asked(self._region.account, one.pipeline, one.name) for one in trainings]
        return made
