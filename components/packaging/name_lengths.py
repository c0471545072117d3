"""Every name that a template gives, at its longest, against AWS's limit.

A name that is too long fails when a project is made: in front of the data scientist, and only for long project names.
"""

from collections.abc import Collection, Iterator, Mapping

import yaml

from awsmodel.cloudformation.functions import call, plain
from awsmodel.cloudformation.name_limits import NAME_LIMITS
from awsmodel.cloudformation.possible_values import LongestValues
from awsmodel.cloudformation.template import Template, TemplateError
from awsmodel.cloudformation.yaml_nodes import fields, items, line
from components.packaging.faults import Report
from components.packaging.template import ENVIRONMENT, committed_environment


def check_names(
    template: Template,
    report: Report,
    environment: Mapping[str, Mapping[str, str]] | None = None,
    *,
    faulty: Collection[int] = (),
) -> None:
    """Report each name that can become longer than AWS allows.

    `environment` are the values of the environment mapping; without them, those that are committed. In a line that is
    `faulty` already, a length that nobody can tell is no second fault.
    """
    longest = LongestValues(
        template, {ENVIRONMENT: committed_environment(template) if environment is None else environment}
    )
    for logical_id, resource in template.section("Resources").items():
        kind = plain(fields(resource).get("Type"))
        for path, limit in NAME_LIMITS.get(kind or "", {}).items():
            for node in _at(fields(resource).get("Properties"), path.split(".")):
                what = f"{logical_id}: {path} of {kind} takes {limit} characters"
                try:
                    _check(longest.of(node), what, limit, line(node), report)
                except TemplateError as error:
                    if line(node) not in faulty:
                        advice = "build it from parameters with MaxLength or AllowedValues"
                        report(line(node), f"{what}, and its length is unknown because {error}; {advice}")


def _check(value: str, what: str, limit: int, place: int, report: Report) -> None:
    excess = len(value) - limit
    if excess > 0:
        report(
            place,
            f"{what}; at its longest it is {value!r}, which has {len(value)}: "
            f"{excess} too many; shorten what is fixed or leave out a part",
        )


def _at(node: yaml.Node | None, path: list[str]) -> Iterator[yaml.Node]:
    """Nodes at a path of properties, through both arms of every condition."""
    if node is None:
        return
    function = call(node)
    if function is not None and function[0] == "Fn::If" and path:
        for arm in items(function[1])[1:]:
            yield from _at(arm, path)
    elif not path:
        yield node
    elif path[0] == "*":
        for item in items(node):
            yield from _at(item, path[1:])
    else:
        yield from _at(fields(node).get(path[0]), path[1:])
