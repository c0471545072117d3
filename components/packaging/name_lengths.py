"""Every name that a template gives, against AWS's rules: at its longest, and with the characters that it can have.

A name that is too long, or has a character that AWS refuses, fails when a project is made: in front of the data
scientist, and only for some project names.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache
from itertools import islice, product

import yaml

from awsmodel.regions import known_regions
from components.packaging.exceptions import Exceptions, or_else
from components.packaging.faults import Report
from components.packaging.name_limits import NAMED_BY_REF, NameRule, name_rules
from components.packaging.template import ENVIRONMENT, Template
from components.packaging.template_functions import NO_VALUE, VARIABLE, call, nodes_at, plain, substitution, texts
from components.packaging.yaml_source import fields, items, line

PROJECT_ID_LENGTH = 14
"""Characters of the ids that SageMaker gives: `p-` and 12. Its API would take more."""
MAX_PROJECT_ID_LENGTH = 20
"""Most characters of a project's id: ProjectId in botocore's service model."""
_PROJECT_NAME, _PROJECT_ID = "SageMakerProjectName", "SageMakerProjectId"
_PROJECT_NAME_LENGTH = 32
"""ProjectEntityName in botocore's service model."""
_PROJECT_NAMES = ("churn", "Churn", "9-churn--Model")
"""Names that people can give projects; all of them have the form that SageMaker takes."""
_STACK_NAME_LENGTH = 128
_UUID = "00000000-0000-0000-0000-000000000000"
_MOST_SAMPLES = 32
_SHOWN = 140
"""Most characters of a name that a fault shows whole."""


class _UnknownLengthError(Exception):
    """A value whose length nobody knows before launch; the text says because of what."""


def check_names(
    template: Template,
    report: Report,
    exceptions: Exceptions,
    environment: Mapping[str, Mapping[str, str]] | None = None,
    *,
    id_length: int = PROJECT_ID_LENGTH,
    faulty: Collection[int] = (),
) -> None:
    """Report each name that can become longer than AWS allows, or have a form that it refuses.

    `environment` are the values of the environment mapping; without them, those that are committed. In a line that is
    `faulty` already, a length that nobody can tell is no second fault. What is meant as it is: `length Role.RoleName`,
    `form Data.BucketName`.
    """
    values = template.environment if environment is None else environment
    longest = _Longest(template, values, id_length)
    samples = [_Samples(template, values, name) for name in _PROJECT_NAMES]
    for logical_id, resource in template.section("Resources").items():
        kind = plain(fields(resource).get("Type")) or ""
        for path, rule in name_rules(kind).items():
            for node in nodes_at(fields(resource).get("Properties"), path.split(".")):
                name = _Name(f"{logical_id}.{path}", f"{logical_id}: {path} of {kind}", rule, node)
                fault = name.length_fault(longest) if line(node) not in faulty else name.excess_fault(longest)
                if fault is not None and not exceptions.excuse(f"length {name.subject}"):
                    report(line(node), f"{fault} {or_else(f'length {name.subject}')}")
                wrong = name.form_fault(samples) if fault is None else None
                if wrong is not None and not exceptions.excuse(f"form {name.subject}"):
                    report(line(node), f"{wrong} {or_else(f'form {name.subject}')}")


class _Name:
    """A name that a template gives."""

    def __init__(self, subject: str, title: str, rule: NameRule, node: yaml.Node) -> None:
        self.subject = subject
        self._title = title
        self._rule = rule
        self._node = node

    def length_fault(self, longest: "_Longest") -> str | None:
        """Why it can become too long."""
        try:
            return self._excess(longest)
        except _UnknownLengthError as error:
            advice = "build it from parameters with MaxLength or AllowedValues"
            most = f"{self._title} takes {self._rule.most} characters"
            return f"{most}, and its length is unknown because {error}; {advice}"

    def excess_fault(self, longest: "_Longest") -> str | None:
        """The same, where a length that nobody knows is none."""
        try:
            return self._excess(longest)
        except _UnknownLengthError:
            return None

    def _excess(self, longest: "_Longest") -> str | None:
        most = self._rule.most
        value = "" if most is None else longest.of(self._node)
        if most is None or len(value) <= most:
            return None
        return (
            f"{self._title} takes {most} characters; at its longest it is {_shown(value)}, which has {len(value)}: "
            f"{len(value) - most} too many; shorten what is fixed or leave out a part"
        )

    def form_fault(self, samples: "Sequence[_Samples]") -> str | None:
        """Why AWS can refuse its characters: in a project of some name, or in every one."""
        for sample in samples:
            for value in sample.of(self._node):
                if (form := self._rule.wrong_form(value)) is not None:
                    where = "" if sample is samples[0] else f" in a project called {sample.project_name!r}"
                    return (
                        f"{self._title} has the form {form}, and{where} it can be {_shown(value)}; "
                        f"{'change what is fixed' if not where else f'use {_PROJECT_ID}, which has no capitals'}"
                    )
        return None


def _shown(value: str) -> str:
    return repr(value) if len(value) <= _SHOWN else f"{value[:60]!r} ... {value[-20:]!r}"


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


class _Possible(ABC):
    """The texts that an expression of one template can become, as far as they matter."""

    def __init__(self, template: Template, environment: Mapping[str, Mapping[str, str]]) -> None:
        self._parameters = template.section("Parameters")
        self._resources = template.section("Resources")
        self._mappings = {**_mappings(template), ENVIRONMENT: environment}
        self._pending: set[str] = set()
        self._functions: Mapping[str, Callable[[yaml.Node], list[str]]] = {
            "Ref": self._ref,
            "Fn::FindInMap": self._find_in_map,
            "Fn::GetAtt": self._get_att,
            "Fn::If": self._if,
            "Fn::Join": self._join,
            "Fn::Select": self._select,
            "Fn::Sub": self._sub,
        }

    def _texts(self, node: yaml.Node) -> list[str]:
        """The texts; raises `_UnknownLengthError` where nobody can tell."""
        function = call(node)
        if function is None:
            return [_scalar(node)]
        name, argument = function
        if name not in self._functions:
            raise _UnknownLengthError(f"it uses {name}")
        return self._functions[name](argument)

    @abstractmethod
    def _chosen(self, values: Sequence[str]) -> list[str]:
        """Those of several possible texts that matter."""

    @abstractmethod
    def _pseudo(self) -> Mapping[str, str]:
        """Values of the pseudo parameters."""

    @abstractmethod
    def _parameter(self, name: str, declared: Mapping[str, yaml.Node]) -> list[str]:
        """Values of a parameter without a list of them; raises `_UnknownLengthError` where nobody can tell."""

    @abstractmethod
    def _unnamed(self, logical_id: str, most: int | None) -> str:
        """What CloudFormation calls a resource that has no name."""

    def _all(self, nodes: Sequence[yaml.Node]) -> list[str]:
        return self._chosen([text for node in nodes for text in self._texts(node)])

    def _ref(self, argument: yaml.Node) -> list[str]:
        return self._named(_scalar(argument))

    def _named(self, name: str) -> list[str]:
        if name in self._pseudo():
            return [self._pseudo()[name]]
        if name in self._parameters:
            declared = fields(self._parameters[name])
            allowed = texts(declared.get("AllowedValues"))
            return self._chosen(allowed) if allowed else self._parameter(name, declared)
        kind = self._type_of(name)
        if kind in NAMED_BY_REF:
            return self._name_of(name)
        raise _UnknownLengthError(f"it refers to {name}" + (f", whose Ref is not its name ({kind})" if kind else ""))

    def _type_of(self, logical_id: str) -> str | None:
        return plain(fields(self._resources.get(logical_id)).get("Type"))

    def _name_of(self, logical_id: str) -> list[str]:
        """A resource's own name; where it has none, CloudFormation makes one that keeps to the rules."""
        path, rule = next(iter(name_rules(self._type_of(logical_id) or "").items()))
        node = fields(fields(self._resources[logical_id]).get("Properties")).get(path)
        if node is None:
            return [self._unnamed(logical_id, rule.most)]
        if logical_id in self._pending:
            raise _UnknownLengthError(f"{logical_id} is named after itself")
        self._pending.add(logical_id)
        try:
            return self._texts(node)
        finally:
            self._pending.remove(logical_id)

    def _get_att(self, argument: yaml.Node) -> list[str]:
        parts = [_scalar(item) for item in items(argument)] or _scalar(argument).split(".")
        return self._attribute(".".join(parts))

    def _attribute(self, path: str) -> list[str]:
        logical_id, _, attribute = path.partition(".")
        rules = name_rules(self._type_of(logical_id) or "")
        if rules and attribute in ("Name", next(iter(rules))):
            return self._name_of(logical_id)
        raise _UnknownLengthError(f"it uses attribute {path}")

    def _if(self, argument: yaml.Node) -> list[str]:
        return self._all(list(items(argument)[1:]))

    def _join(self, argument: yaml.Node) -> list[str]:
        delimiter, elements = _arguments("Fn::Join", argument, 2)
        if call(elements) is not None:
            raise _UnknownLengthError("Fn::Join takes a list that is not written out")
        parts = [self._texts(item) for item in items(elements) if not _is_no_value(item)]
        return self._chosen([_scalar(delimiter).join(way) for way in islice(product(*parts), _MOST_SAMPLES)])

    def _select(self, argument: yaml.Node) -> list[str]:
        index, elements = _arguments("Fn::Select", argument, 2)
        number = _number(index)
        function = call(elements)
        if function is None:
            choices = list(items(elements))
            one = number is not None and number < len(choices)
            return self._texts(choices[number or 0]) if one else self._all(choices)
        if function[0] != "Fn::Split":
            raise _UnknownLengthError(f"it uses {function[0]} in Fn::Select")
        delimiter, source = _arguments("Fn::Split", function[1], 2)
        return [self._piece(text, _scalar(delimiter), number) for text in self._texts(source)]

    def _piece(self, source: str, delimiter: str, number: int | None) -> str:
        """What Fn::Select takes from Fn::Split: exact for a stack's id and the UUID in it, else at most the whole."""
        known = {(self._pseudo()["AWS::StackId"], "/"), (_UUID, "-")}
        pieces = source.split(delimiter) if delimiter else []
        exact = (source, delimiter) in known and number is not None and number < len(pieces)
        return pieces[number or 0] if exact else source

    def _sub(self, argument: yaml.Node) -> list[str]:
        node, own = substitution(argument)
        text = _scalar(node)

        def values(name: str) -> list[str]:
            if name.startswith("!"):
                return [f"${{{name[1:]}}}"]
            if name in own:
                return self._texts(own[name])
            return self._attribute(name) if "." in name else self._named(name)

        # Between the texts of `split` stand the names.
        parts = [
            values(part.strip()) if place % 2 else [part] for place, part in enumerate(re.split(VARIABLE.pattern, text))
        ]
        return self._chosen(["".join(way) for way in islice(product(*parts), _MOST_SAMPLES)])

    def _find_in_map(self, argument: yaml.Node) -> list[str]:
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
        return self._chosen(found)


class _Longest(_Possible):
    """The longest text that an expression can become."""

    def __init__(self, template: Template, environment: Mapping[str, Mapping[str, str]], id_length: int) -> None:
        super().__init__(template, environment)
        self._lengths = {_PROJECT_NAME: _PROJECT_NAME_LENGTH, _PROJECT_ID: id_length}

    def of(self, node: yaml.Node) -> str:
        """The longest text; raises `_UnknownLengthError` where nobody can tell."""
        return self._texts(node)[0]

    def _chosen(self, values: Sequence[str]) -> list[str]:
        return [max(values, key=len, default="")]

    def _pseudo(self) -> Mapping[str, str]:
        return _pseudo_parameters()

    def _parameter(self, name: str, declared: Mapping[str, yaml.Node]) -> list[str]:
        lengths = [length for length in (self._lengths.get(name), _number(declared.get("MaxLength"))) if length]
        if lengths:
            return [_filled(name, min(lengths))]
        raise _UnknownLengthError(f"parameter {name} has neither MaxLength nor AllowedValues")

    def _unnamed(self, logical_id: str, most: int | None) -> str:
        if most is None:
            raise _UnknownLengthError(f"CloudFormation names {logical_id}")
        return _filled(logical_id, most)


_ANY = "a"
"""Stands for what nobody knows before a launch: nearly every form takes it."""


class _Samples(_Possible):
    """Texts that an expression can become in a project of some name; what nobody knows is a letter."""

    def __init__(self, template: Template, environment: Mapping[str, Mapping[str, str]], project_name: str) -> None:
        known = {key: {name: value or _ANY for name, value in values.items()} for key, values in environment.items()}
        super().__init__(template, known)
        self.project_name = project_name

    def of(self, node: yaml.Node) -> list[str]:
        """Some of the texts."""
        return self._texts(node)

    def _texts(self, node: yaml.Node) -> list[str]:
        try:
            return super()._texts(node)
        except _UnknownLengthError:
            return [_ANY]

    def _named(self, name: str) -> list[str]:
        try:
            return super()._named(name)
        except _UnknownLengthError:
            return [_ANY]

    def _attribute(self, path: str) -> list[str]:
        try:
            return super()._attribute(path)
        except _UnknownLengthError:
            return [_ANY]

    def _chosen(self, values: Sequence[str]) -> list[str]:
        return list(dict.fromkeys(values))[:_MOST_SAMPLES]

    def _pseudo(self) -> Mapping[str, str]:
        return _PSEUDO_SAMPLES

    def _parameter(self, name: str, declared: Mapping[str, yaml.Node]) -> list[str]:
        samples = {_PROJECT_NAME: self.project_name, _PROJECT_ID: "p-abcdefgh0123"}
        return [samples.get(name) or plain(declared.get("Default")) or _ANY]

    def _unnamed(self, _logical_id: str, _most: int | None) -> str:
        return _ANY


# A product's stack is made by Service Catalog, or by Studio, which give it such a name.
_PSEUDO_SAMPLES: Mapping[str, str] = {
    "AWS::AccountId": "000000000000",
    "AWS::Partition": "aws",
    "AWS::Region": "eu-west-1",
    "AWS::StackId": f"arn:aws:cloudformation:eu-west-1:000000000000:stack/SC-000000000000-pp-abcdefghijklm/{_UUID}",
    "AWS::StackName": "SC-000000000000-pp-abcdefghijklm",
    "AWS::URLSuffix": "amazonaws.com",
    NO_VALUE: "",
}


def _mappings(template: Template) -> dict[str, Mapping[str, Mapping[str, str]]]:
    """Texts of every mapping; of a list, its longest element."""
    return {
        name: {
            key: {inner: max(texts(node), key=len, default="") for inner, node in fields(values).items()}
            for key, values in fields(mapping).items()
        }
        for name, mapping in template.section("Mappings").items()
    }


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
