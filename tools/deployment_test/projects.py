"""One project of each product, from its first commit to a model that serves, and its end."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from components.packaging import Product
from tools.deployment_test.data_scientist import DataScientist, Project
from tools.faults import ToolError

WATCHED = "ModelBuildProjectName"
"""Parameter of products that deploy what another project's pipeline registers."""

APPROVAL = "SageMaker Model Package State Change"
"""Event that starts the pipelines of products that deploy what is approved."""

_EMPTIED = {"ArtifactsOnProjectDeletion": "Delete"}
"""Parameters of projects that leave nothing behind."""

Say = Callable[[str], None]
"""Is told what has been done."""

Source = Callable[[Product], Mapping[str, Any]]
"""Where `CreateProject` finds a product."""


@dataclass
class Projects:
    """The projects of one test. Everything here can be run again."""

    scientist: DataScientist
    products: Sequence[Product]
    prefix: str
    """Start of the projects' names."""
    say: Say
    made: dict[str, Project] = field(default_factory=dict)
    """By product, what was created in this run."""

    @property
    def names(self) -> Mapping[str, str]:
        """By product, the name of its project."""
        return {product.slug: f"{self.prefix}-{product.slug.removeprefix('model-')}" for product in self.products}

    @property
    def _building(self) -> list[Product]:
        return [product for product in self.products if WATCHED not in product.parameters]

    @property
    def _watching(self) -> list[Product]:
        return [product for product in self.products if WATCHED in product.parameters]

    def create(self, source: Source) -> None:
        """Create a project of each product.

        Raises:
            ToolError: a launch failed.
        """
        for product in [*self._building, *self._watching]:
            parameters = {key: value for key, value in _EMPTIED.items() if key in product.parameters}
            if product in self._watching and self._building:
                parameters[WATCHED] = self.names[self._building[0].slug]
            name = self.names[product.slug]
            self.made[product.slug] = self.scientist.create(name, source(product), parameters)
            self.say(f"    project {name} of {product.slug} created")

    def run(self) -> None:
        """See the first run of every pipeline through, approve a model, and see it deployed.

        Raises:
            ToolError: a run fails, or does not come.
        """
        for product in [*self._building, *self._watching]:
            for pipeline in self._pipelines(product):
                self.scientist.await_run(pipeline)
                self.say(f"    first run of {pipeline} succeeded")
        for product in self._building:
            self.scientist.await_training(self.made[product.slug])
        if self._building and self._watching:
            model = self.scientist.await_model(self._group)
            before = {pipeline: len(self.scientist.executions(pipeline)) for pipeline in self._deploying}
            self.scientist.approve_model(model)
            self.say(f"    model {model} approved")
            for pipeline in self._deploying:
                self.scientist.await_run(pipeline, after=before[pipeline], approve=True)
                self.say(f"    {pipeline} deployed the model")

    @property
    def _group(self) -> str:
        """Model package group that the build project's pipeline registers models in."""
        return f"sagemaker-{self.names[self._building[0].slug]}"

    @property
    def _deploying(self) -> list[str]:
        deploying = [product for product in self._watching if APPROVAL in product.template]
        return [pipeline for product in deploying for pipeline in self._pipelines(product)]

    def _pipelines(self, product: Product) -> list[str]:
        """Pipelines of a product's project; every name of a project has the project's id in it.

        Raises:
            ToolError: there is none.
        """
        project = self.made[product.slug]
        found = self.scientist.pipelines(f"-{project.id}-")
        if not found:
            raise ToolError(f"project {project.name} has no pipeline: none has {project.id!r} in its name")
        return found

    def delete(self) -> None:
        """Delete the projects and the models that they registered.

        Raises:
            ToolError: a project cannot be deleted, or leaves something behind.
        """
        for product in [*self._watching, *self._building]:
            self.scientist.delete(self.names[product.slug])
        for product in self._building:
            self.scientist.forget_models(f"sagemaker-{self.names[product.slug]}")
        left = [name for made in self.made.values() for name in self.scientist.pipelines(f"-{made.id}-")]
        if left:
            raise ToolError(f"deleted projects have left pipelines behind: {', '.join(left)}")
