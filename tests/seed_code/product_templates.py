"""A product's template as data, for tests."""

import functools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from awsmodel.cloudformation.template import Template
from components.packaging import Product, read_product

SEED_CODE = Path(__file__).parents[2] / "seed_code"
PRODUCTS = (
    *("batch-inference", "model-build-airflow", "model-build-kubernetes", "model-build-stepfunctions"),
    *("model-build-train", "model-deploy"),
)
REQUIRED = {"model-build-kubernetes": {"ClusterName": "shared", "Namespace": "fraud"}}
"""By product what a person has to say, beside what SageMaker fills in: whose cluster it is, nobody else can."""


class _Loader(yaml.CSafeLoader):
    """Reads `!Name value` as {"Name": value}."""


def _function(loader: yaml.CSafeLoader, name: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        return {name: loader.construct_scalar(node)}
    assert isinstance(node, yaml.SequenceNode)
    return {name: loader.construct_sequence(node, deep=True)}


_Loader.add_multi_constructor("!", _function)


@functools.cache
def shipped(product: str) -> Product:
    """A product of this repository, read once."""
    return read_product(SEED_CODE / product)


class ProductTemplate:
    """A template; CloudFormation's functions stand in it as {"Ref": ...}, {"Sub": ...} and so on."""

    def __init__(self, product: str) -> None:
        self.product = product
        read = shipped(product)
        bases = sorted({file.base for file in read.files if file.base})
        self.repository = SEED_CODE / product / "repository"
        self.repositories = [SEED_CODE / name / "repository" for name in (product, *bases)]
        """The product's own files, then those of the product that it is built on."""
        self.text = read.template
        self.body: dict[str, Any] = yaml.load(self.text, Loader=_Loader)  # noqa: S506 - it is a safe loader
        self.resources: dict[str, dict[str, Any]] = self.body["Resources"]

    @functools.cached_property
    def parsed(self) -> Template:
        """The template as CloudFormation reads it, for all tests: none may change it."""
        return Template.parse(self.text)

    def of_type(self, kind: str) -> dict[str, dict[str, Any]]:
        """Properties of the resources of a type, by logical name."""
        return {name: body["Properties"] for name, body in self.resources.items() if body["Type"] == kind}

    def statements(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Every statement of every role, with every choice of a condition, by the role's logical name."""
        for name in self.of_type("AWS::IAM::Role"):
            for document in self.policies(name):
                for statement in document["Statement"]:
                    choices = statement["If"][1:] if "If" in statement else [statement]
                    yield from ((name, choice) for choice in choices if "Action" in choice)

    def policies(self, role: str) -> list[dict[str, Any]]:
        """Documents of a role's policies, also of those that it has in some environments only."""
        given = self.resources[role]["Properties"]["Policies"]
        return [(policy["If"][1] if "If" in policy else policy)["PolicyDocument"] for policy in given]

    def actions(self, stage: str) -> list[dict[str, Any]]:
        """Actions of a stage of the pipeline, with every choice of a condition."""
        (found,) = [one for one in self.resources["Pipeline"]["Properties"]["Stages"] if one["Name"] == stage]
        return [choice for one in found["Actions"] for choice in (one["If"][1:] if "If" in one else [one])]


@functools.cache
def product_template(product: str) -> ProductTemplate:
    """The template of a product, read once."""
    return ProductTemplate(product)


def substituted(text: str, values: dict[str, str]) -> str:
    """A text of `Fn::Sub` with its `${...}` filled in."""
    return re.sub(r"\$\{([\w:.]+)\}", lambda found: values[found[1]], text)
