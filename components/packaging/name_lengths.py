"""Every name that a template gives, at its longest, against AWS's limit.

A name that is too long fails when a project is made: in front of the data scientist, and only for long project names.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import cache

import yaml

from awsmodel.regions import known_regions
from components.packaging.faults import Report
from components.packaging.name_limits import NAME_LIMITS, NAMED_BY_REF
from components.packaging.template import ENVIRONMENT, Template
from components.packaging.template_functions import NO_VALUE, VARIABLE, call, plain, substitution, texts
from components.packaging.yaml_source import fields, items, line

# SageMaker's own limits: ProjectEntityName and ProjectId in botocore's service model.
_SAGEMAKER_LENGTHS: Mapping[str, int] = {"SageMakerProjectName": 32, "SageMakerProjectId": 20}
_STACK_NAME_LENGTH = 128
_UUID = "00000000-0000-0000-0000-000000000000"


class _UnknownLengthError(Exception):
    """A value whose length nobody knows before launch; the text says because of what."""


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
    longest = _Longest(template, template.environment if environment is None else environment)
    for logical_id, resource in template.section("Resources").items():
        kind = plain(fields(resource).get("Type"))
        for path, limit in NAME_LIMITS.get(kind or "", {}).items():
            for node in _at(fields(resource).get("Properties"), path.split(".")):
                what = f"{logical_id}: {path} of {kind} takes {limit} characters"
                try:
                    _check(longest.of(node), what, limit, line(node), report)
                except _UnknownLengthError as error:
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


def _filled(name: str, length: int) -> str:
    """A value of so many characters that shows where it comes from: the name, over and over."""
    letters = name.replace("::", "")
    return (letters * (length // len(letters) + 1))[:length]


@cache
def _pseudo_parameters() -> Mapping[str, str]:
    """Pseudo parameters at their longest, from every region that botocore knows."""
    regions = known_regions().values()
    partition = max((region.partition for region in regions), key=len)
    region_name = max((region.name for region in regions), key=len)
    account, stack = "0" * 12, _filled("AWS::StackName", _STACK_NAME_LENGTH)
    return {
        "AWS::AccountId": account,
        "AWS::Partition": partition,
        "AWS::Region": region_name,
        "AWS::StackId": f"arn:{partition}:cloudformation:{region_name}:{account}:stack/{stack}/{_UUID}",
        "AWS::StackName": stack,
        "AWS::URLSuffix": max((region.dns_suffix for region in regions), key=len),
        NO_VALUE: "",
    }


class _Longest:
    """The longest text that an expression of one template can become."""

    def __init__(self, template: Template, environment: Mapping[str, Mapping[str, str]]) -> None:
        self._parameters = template.section("Parameters")
        self._resources = template.section("Resources")
        self._mappings = {**_mappings(template), ENVIRONMENT: environment}
        self._pending: set[str] = set()
        self._functions: Mapping[str, Callable[[yaml.Node], str]] = {
            "Ref": self._ref,
            "Fn::FindInMap": self._find_in_map,
            "Fn::GetAtt": self._get_att,
            "Fn::If": self._if,
            "Fn::Join": self._join,
            "Fn::Select": self._select,
            "Fn::Sub": self._sub,
        }

    def of(self, node: yaml.Node) -> str:
        """The longest text; raises `_UnknownLengthError` where nobody can tell."""
        function = call(node)
        if function is None:
            return _scalar(node)
        name, argument = function
        if name not in self._functions:
            raise _UnknownLengthError(f"it uses {name}")
        return self._functions[name](argument)

    def _longest(self, nodes: list[yaml.Node]) -> str:
        return max((self.of(node) for node in nodes), key=len, default="")

    def _ref(self, argument: yaml.Node) -> str:
        return self._named(_scalar(argument))

    def _named(self, name: str) -> str:
        if name in _pseudo_parameters():
            return _pseudo_parameters()[name]
        if name in self._parameters:
            return self._parameter(name)
        kind = self._type_of(name)
        if kind in NAMED_BY_REF:
            return self._name_of(name)
        raise _UnknownLengthError(f"it refers to {name}" + (f", whose Ref is not its name ({kind})" if kind else ""))

    def _parameter(self, name: str) -> str:
        declared = fields(self._parameters[name])
        if allowed := texts(declared.get("AllowedValues")):
            return max(allowed, key=len)
        lengths = [length for length in (_SAGEMAKER_LENGTHS.get(name), _number(declared.get("MaxLength"))) if length]
        if lengths:
            return _filled(name, min(lengths))
        raise _UnknownLengthError(f"parameter {name} has neither MaxLength nor AllowedValues")

    def _type_of(self, logical_id: str) -> str | None:
        return plain(fields(self._resources.get(logical_id)).get("Type"))

    def _name_of(self, logical_id: str) -> str:
        """A resource's own name; where it has none, CloudFormation makes one that keeps to the limit."""
        path, limit = next(iter(NAME_LIMITS[self._type_of(logical_id) or ""].items()))
        node = fields(fields(self._resources[logical_id]).get("Properties")).get(path)
        if node is None:
            return _filled(logical_id, limit)
        if logical_id in self._pending:
            raise _UnknownLengthError(f"{logical_id} is named after itself")
        self._pending.add(logical_id)
        try:
            return self.of(node)
        finally:
            self._pending.remove(logical_id)

    def _get_att(self, argument: yaml.Node) -> str:
        parts = [_scalar(item) for item in items(argument)] or _scalar(argument).split(".")
        return self._attribute(".".join(parts))

    def _attribute(self, path: str) -> str:
        logical_id, _, attribute = path.partition(".")
        limits = NAME_LIMITS.get(self._type_of(logical_id) or "", {})
        if limits and attribute in ("Name", next(iter(limits))):
            return self._name_of(logical_id)
        raise _UnknownLengthError(f"it uses attribute {path}")

    def _if(self, argument: yaml.Node) -> str:
        return self._longest(list(items(argument)[1:]))

    def _join(self, argument: yaml.Node) -> str:
        delimiter, elements = _arguments("Fn::Join", argument, 2)
        if call(elements) is not None:
            raise _UnknownLengthError("Fn::Join takes a list that is not written out")
        return _scalar(delimiter).join(self.of(item) for item in items(elements) if not _is_no_value(item))

    def _select(self, argument: yaml.Node) -> str:
        index, elements = _arguments("Fn::Select", argument, 2)
        number = _number(index)
        function = call(elements)
        if function is None:
            choices = list(items(elements))
            return self.of(choices[number]) if number is not None and number < len(choices) else self._longest(choices)
        if function[0] != "Fn::Split":
            raise _UnknownLengthError(f"it uses {function[0]} in Fn::Select")
        delimiter, source = _arguments("Fn::Split", function[1], 2)
        return _piece(self.of(source), _scalar(delimiter), number)

    def _sub(self, argument: yaml.Node) -> str:
        node, own = substitution(argument)
        text = _scalar(node)

        def value(found: re.Match[str]) -> str:
            name = found[1].strip()
            if name.startswith("!"):
                return f"${{{name[1:]}}}"
            if name in own:
                return self.of(own[name])
            return self._attribute(name) if "." in name else self._named(name)

        return VARIABLE.sub(value, text)

    def _find_in_map(self, argument: yaml.Node) -> str:
        name, *keys = (plain(node) for node in _arguments("Fn::FindInMap", argument, 3)[:3])
        first, second = keys
        found = [
            value
            for key, values in self._mappings.get(name or "", {}).items()
            if first in (None, key)
            for inner, value in values.items()
            if second in (None, inner)
        ]
        if not found:
            path = ".".join(key or "*" for key in (name, first, second))
            raise _UnknownLengthError(f"Mappings has no {path}")
        return max(found, key=len)


def _mappings(template: Template) -> dict[str, Mapping[str, Mapping[str, str]]]:
    """Texts of every mapping; of a list, its longest element."""
    return {
        name: {
            key: {inner: max(texts(node), key=len, default="") for inner, node in fields(values).items()}
            for key, values in fields(mapping).items()
        }
        for name, mapping in template.section("Mappings").items()
    }


def _piece(source: str, delimiter: str, number: int | None) -> str:
    """What Fn::Select takes from Fn::Split: exact for a stack's id and the UUID in it, else at most the whole."""
    known = {(_pseudo_parameters()["AWS::StackId"], "/"), (_UUID, "-")}
    pieces = source.split(delimiter) if delimiter else []
    return pieces[number] if (source, delimiter) in known and number is not None and number < len(pieces) else source


def _arguments(function: str, argument: yaml.Node, count: int) -> list[yaml.Node]:
    arguments = list(items(argument))
    if len(arguments) < count:
        raise _UnknownLengthError(f"{function} takes {count} arguments, not {len(arguments)}")
    return arguments


def _scalar(node: yaml.Node) -> str:
    if isinstance(node, yaml.ScalarNode):
        return str(node.value)
    raise _UnknownLengthError("a part of it is not a text")


def _is_no_value(node: yaml.Node) -> bool:
    function = call(node)
    return (
        function is not None
        and function[0] == "Ref"
        and isinstance(function[1], yaml.ScalarNode)
        and function[1].value == NO_VALUE
    )


def _number(node: yaml.Node | None) -> int | None:
    value = plain(node)
    return int(value) if value is not None and value.isdecimal() else None
