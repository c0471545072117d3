"""Every name that a template gives, against AWS's rules: at its longest, and with the characters that it can have.

A name that is too long, or has a character that AWS refuses, fails when a project is made: in front of the data
scientist, and only for some project names.
"""

from collections.abc import Collection, Iterable, Mapping

import yaml

from awsmodel.cloudformation.functions import nodes_at, plain
from awsmodel.cloudformation.name_limits import NameRule, name_rules
from awsmodel.cloudformation.possible_values import LongestValues, SampleValues
from awsmodel.cloudformation.template import Template, TemplateError
from awsmodel.cloudformation.yaml_nodes import fields, line
from components.packaging.exceptions import Exceptions, or_else
from components.packaging.faults import Report
from components.packaging.template import ENVIRONMENT, committed_environment

PROJECT_ID_LENGTH = 14
"""Characters of the ids that SageMaker gives: `p-` and 12. Its API would take more."""
MAX_PROJECT_ID_LENGTH = 20
"""Most characters of a project's id: ProjectId in botocore's service model."""
_PROJECT_NAME, _PROJECT_ID = "SageMakerProjectName", "SageMakerProjectId"
_PROJECT_NAME_LENGTH = 32
"""ProjectEntityName in botocore's service model."""
_SAMPLE_ID = "p-abcdefgh0123"
_PROJECT_NAMES = ("churn", "Churn", "9-churn--Model")
"""Names that people can give projects; all of them have the form that SageMaker takes."""
_SHOWN = 140
"""Most characters of a name that a fault shows whole."""


def names_of(template: Template) -> list["Name"]:
    """Each name that a template gives, in its order."""
    return [
        Name(f"{logical_id}.{path}", f"{logical_id}: {path} of {kind}", rule, node)
        for logical_id, resource in template.section("Resources").items()
        for kind in (plain(fields(resource).get("Type")) or "",)
        for path, rule in name_rules(kind).items()
        for node in nodes_at(fields(resource).get("Properties"), path.split("."))
    ]


def check_names(
    names: Iterable["Name"],
    template: Template,
    report: Report,
    exceptions: Exceptions,
    environment: Mapping[str, Mapping[str, str]] | None = None,
    *,
    id_length: int = PROJECT_ID_LENGTH,
    faulty: Collection[int] = (),
) -> tuple["Name", ...]:
    """Report each of the names that can become longer than AWS allows, or have a form that it refuses.

    Returns those that stand on the environment: where it is another one, only they need another look.

    `environment` are the values of the environment mapping; without them, those that are committed. In a line that is
    `faulty` already, a length that nobody can tell is no second fault. What is meant as it is: `length Role.RoleName`,
    `form Data.BucketName`.
    """
    mappings = {ENVIRONMENT: committed_environment(template) if environment is None else environment}
    longest = LongestValues(template, mappings, {_PROJECT_NAME: _PROJECT_NAME_LENGTH, _PROJECT_ID: id_length})
    samples = {
        name: SampleValues(template, mappings, {_PROJECT_NAME: name, _PROJECT_ID: _SAMPLE_ID})
        for name in _PROJECT_NAMES
    }
    judges, standing = (longest, *samples.values()), []
    for name in names:
        for judge in judges:
            judge.consulted.clear()
        place = line(name.node)
        fault = name.length_fault(longest) if place not in faulty else name.excess_fault(longest)
        if fault is not None and not exceptions.excuse(f"length {name.subject}"):
            report(place, f"{fault} {or_else(f'length {name.subject}')}")
        wrong = name.form_fault(samples) if fault is None else None
        if wrong is not None and not exceptions.excuse(f"form {name.subject}"):
            report(place, f"{wrong} {or_else(f'form {name.subject}')}")
        if any(ENVIRONMENT in judge.consulted for judge in judges):
            standing.append(name)
    return tuple(standing)


class Name:
    """A name that a template gives."""

    def __init__(self, subject: str, title: str, rule: NameRule, node: yaml.Node) -> None:
        self.subject = subject
        self._title = title
        self._rule = rule
        self.node = node

    def length_fault(self, longest: LongestValues) -> str | None:
        """Why it can become too long."""
        try:
            return self._excess(longest)
        except TemplateError as error:
            advice = "build it from parameters with MaxLength or AllowedValues"
            most = f"{self._title} takes {self._rule.most} characters"
            return f"{most}, and its length is unknown because {error}; {advice}"

    def excess_fault(self, longest: LongestValues) -> str | None:
        """The same, where a length that nobody knows is none."""
        try:
            return self._excess(longest)
        except TemplateError:
            return None

    def _excess(self, longest: LongestValues) -> str | None:
        most = self._rule.most
        value = "" if most is None else longest.of(self.node)
        if most is None or len(value) <= most:
            return None
        return (
            f"{self._title} takes {most} characters; at its longest it is {_shown(value)}, which has {len(value)}: "
            f"{len(value) - most} too many; shorten what is fixed or leave out a part"
        )

    def form_fault(self, samples: Mapping[str, SampleValues]) -> str | None:
        """Why AWS can refuse its characters: in a project of some name, or in every one."""
        for project, sample in samples.items():
            sample.asked.clear()
            for value in sample.texts(self.node):
                if (form := self._rule.wrong_form(value)) is not None:
                    where = "" if project == _PROJECT_NAMES[0] else f" in a project called {project!r}"
                    return (
                        f"{self._title} has the form {form}, and{where} it can be {_shown(value)}; "
                        f"{'change what is fixed' if not where else f'use {_PROJECT_ID}, which has no capitals'}"
                    )
            # Most names say nothing of the project's: they are the same in all projects.
            if _PROJECT_NAME not in sample.asked:
                break
        return None


def _shown(value: str) -> str:
    return repr(value) if len(value) <= _SHOWN else f"{value[:60]!r} ... {value[-20:]!r}"
