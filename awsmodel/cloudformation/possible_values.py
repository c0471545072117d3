"""The texts that an expression of a template can become, whatever is chosen at a launch; the longest of them."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import islice, product

import yaml

from awsmodel.arns import ArnScope
from awsmodel.cloudformation.evaluation import Functions
from awsmodel.cloudformation.functions import NO_VALUE, is_function, plain, texts
from awsmodel.cloudformation.name_limits import NAMED_BY_REF, name_rules
from awsmodel.cloudformation.template import Json, Template, TemplateError, as_text, value_of
from awsmodel.cloudformation.yaml_nodes import fields
from awsmodel.regions import known_regions

_STACK_NAME_LENGTH = 128
_MOST_WAYS = 32
_UUID = "00000000-0000-0000-0000-000000000000"


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
        "AWS::StackId": ArnScope(partition, region_name, account).stack(stack, _UUID),
        "AWS::StackName": stack,
        "AWS::URLSuffix": max((region.dns_suffix for region in regions), key=len),
        NO_VALUE: "",
    }


class PossibleValues(Functions):
    """The texts that each expression of one template can become, as far as they matter: a list for each value.

    Args:
        template: the template.
        mappings: mappings whose values stand in the place of the template's own.
    """

    def __init__(self, template: Template, mappings: Mapping[str, Mapping[str, Mapping[str, str]]]) -> None:
        super().__init__()
        self._parameters = template.section("Parameters")
        self._resources = template.section("Resources")
        self._mappings = {**_mappings(template), **mappings}
        self._pending: set[str] = set()
        self.consulted: set[str] = set()
        """Mappings that what was evaluated stands on; whoever asks of one expression clears it before."""

    @abstractmethod
    def relevant(self, values: Sequence[str]) -> list[str]:
        """Return those of several possible texts that matter."""

    @abstractmethod
    def pseudo_parameters(self) -> Mapping[str, str]:
        """Return the values of the pseudo parameters."""

    @abstractmethod
    def parameter(self, name: str, declared: Mapping[str, yaml.Node]) -> list[str]:
        """Return the values of a parameter that has no list of them.

        Raises:
            TemplateError: nobody can tell.
        """

    @abstractmethod
    def invented_name(self, logical_id: str, limit: int | None) -> str:
        """Return what CloudFormation calls a resource that has no name; it keeps to the limit, if AWS has one.

        Raises:
            TemplateError: nobody can tell.
        """

    def texts(self, node: yaml.Node) -> list[str]:
        """Return the texts.

        Raises:
            TemplateError: nobody can tell before a launch; the text says because of what.
        """
        found: list[str] = self.value(value_of(node))
        return found

    def plain(self, node: Json) -> list[str]:
        """Return a text of the template."""
        return [self.word(node)]

    def reference(self, name: str) -> list[str]:
        """Return a parameter's values, or the name of a resource whose `Ref` it is."""
        if name in self.pseudo_parameters():
            return [self.pseudo_parameters()[name]]
        if name in self._parameters:
            declared = fields(self._parameters[name])
            allowed = texts(declared.get("AllowedValues"))
            return self.relevant(allowed) if allowed else self.parameter(name, declared)
        kind = self._type_of(name)
        if kind in NAMED_BY_REF:
            return self._name_of(name)
        raise TemplateError(f"it refers to {name}" + (f", whose Ref is not its name ({kind})" if kind else ""))

    def attribute(self, logical_id: str, attribute: str) -> list[str]:
        """Return the name of a resource, where that is the attribute."""
        rules = name_rules(self._type_of(logical_id) or "")
        if rules and attribute in ("Name", next(iter(rules))):
            return self._name_of(logical_id)
        raise TemplateError(f"it uses attribute {f'{logical_id}.{attribute}' if attribute else logical_id}")

    def mapped(self, keys: list[Json]) -> list[str]:
        """Return the values that the keys can lead to: a key that a function gives can be any."""
        name, first, second = (None if isinstance(key, dict | list) else as_text(key) for key in keys)
        self.consulted.add(name or "")
        found = [
            value
            for key, values in self._mappings.get(name or "", {}).items()
            if first in (None, key)
            for inner, value in values.items()
            if second in (None, inner)
        ]
        if not found:
            path = ".".join(key or "*" for key in (name, first, second))
            raise TemplateError(f"Mappings has no {path}")
        return self.relevant(found)

    def chosen(self, argument: Json) -> list[str]:
        """Return the values of both arms."""
        return self._all(argument[1:] if isinstance(argument, list) else [])

    def selected(self, index: Json, items: Json) -> list[str]:
        """Return the value at the index, or all where only a launch knows which it is."""
        number = int(index) if isinstance(index, int | str) and str(index).isdecimal() else None
        function = next(iter(items)) if isinstance(items, dict) and len(items) == 1 else ""
        if not is_function(function):
            choices = items if isinstance(items, list) else []
            if number is not None and number < len(choices):
                return self._all([choices[number]])
            return self._all(choices)
        if function != "Fn::Split":
            raise TemplateError(f"it uses {function} in Fn::Select")
        delimiter, source = self.arguments("Fn::Split", items[function], 2)[:2]
        return [self._piece(text, self.word(delimiter), number) for text in self.value(source)]

    def listed(self, items: Json) -> list[list[str]]:
        """Return the values of a list that is written out."""
        if isinstance(items, dict) and len(items) == 1 and is_function(next(iter(items))):
            raise TemplateError("Fn::Join takes a list that is not written out")
        return [self.value(item) for item in (items if isinstance(items, list) else []) if item != {"Ref": NO_VALUE}]

    def joined(self, separator: str, values: list[list[str]]) -> list[str]:
        """Return the texts of several values, some of many."""
        return self.relevant([separator.join(way) for way in islice(product(*values), _MOST_WAYS)])

    def unknown_function(self, name: str) -> TemplateError:
        """Tell of a function whose value only a launch knows."""
        return TemplateError(f"it uses {name}")

    def _all(self, choices: list[Json]) -> list[str]:
        return self.relevant([text for choice in choices for text in self.value(choice)])

    def _type_of(self, logical_id: str) -> str | None:
        return plain(fields(self._resources.get(logical_id)).get("Type"))

    def _name_of(self, logical_id: str) -> list[str]:
        path, rule = next(iter(name_rules(self._type_of(logical_id) or "").items()))
        node = fields(fields(self._resources[logical_id]).get("Properties")).get(path)
        if node is None:
            return [self.invented_name(logical_id, rule.most)]
        if logical_id in self._pending:
            raise TemplateError(f"{logical_id} is named after itself")
        self._pending.add(logical_id)
        try:
            return self.texts(node)
        finally:
            self._pending.remove(logical_id)

    def _piece(self, source: str, delimiter: str, number: int | None) -> str:
        """What Fn::Select takes from Fn::Split: exact for a stack's id and the UUID in it, else at most the whole."""
        known = {(self.pseudo_parameters()["AWS::StackId"], "/"), (_UUID, "-")}
        pieces = source.split(delimiter) if delimiter else []
        exact = (source, delimiter) in known and number is not None and number < len(pieces)
        return pieces[number or 0] if exact else source


class LongestValues(PossibleValues):
    """The longest text that each expression of one template can become.

    Args:
        template: the template.
        mappings: mappings whose values stand in the place of the template's own.
        lengths: most characters of parameters of which more is known than the template says.
    """

    def __init__(
        self,
        template: Template,
        mappings: Mapping[str, Mapping[str, Mapping[str, str]]],
        lengths: Mapping[str, int],
    ) -> None:
        super().__init__(template, mappings)
        self._lengths = lengths

    def of(self, node: yaml.Node) -> str:
        """The longest text.

        Raises:
            TemplateError: nobody can tell before a launch; the text says because of what.
        """
        return self.texts(node)[0]

    def relevant(self, values: Sequence[str]) -> list[str]:
        """Return the longest."""
        return [max(values, key=len, default="")]

    def pseudo_parameters(self) -> Mapping[str, str]:
        """Return the pseudo parameters at their longest."""
        return _pseudo_parameters()

    def parameter(self, name: str, declared: Mapping[str, yaml.Node]) -> list[str]:
        """Return a text of as many characters as the parameter can have."""
        lengths = [length for length in (self._lengths.get(name), _number(declared.get("MaxLength"))) if length]
        if lengths:
            return [_filled(name, min(lengths))]
        raise TemplateError(f"parameter {name} has neither MaxLength nor AllowedValues")

    def invented_name(self, logical_id: str, limit: int | None) -> str:
        """Return a name of as many characters as the limit allows."""
        if limit is None:
            raise TemplateError(f"CloudFormation names {logical_id}")
        return _filled(logical_id, limit)


_UNKNOWN = "a"
"""Stands for what nobody knows before a launch: nearly every form takes it."""

# A product's stack is made by Service Catalog, or by Studio, which give it such a name.
_SAMPLE_STACK = "SC-000000000000-pp-abcdefghijklm"
_PSEUDO_SAMPLES: Mapping[str, str] = {
    "AWS::AccountId": "000000000000",
    "AWS::Partition": "aws",
    "AWS::Region": "eu-west-1",
    "AWS::StackId": ArnScope("aws", "eu-west-1", "000000000000").stack(_SAMPLE_STACK, _UUID),
    "AWS::StackName": _SAMPLE_STACK,
    "AWS::URLSuffix": "amazonaws.com",
    NO_VALUE: "",
}


class SampleValues(PossibleValues):
    """Some texts that each expression of one template can become; what nobody knows is a letter.

    Args:
        template: the template.
        mappings: mappings whose values stand in the place of the template's own.
        samples: values of parameters.
    """

    def __init__(
        self,
        template: Template,
        mappings: Mapping[str, Mapping[str, Mapping[str, str]]],
        samples: Mapping[str, str],
    ) -> None:
        known = {
            name: {key: {inner: text or _UNKNOWN for inner, text in values.items()} for key, values in mapping.items()}
            for name, mapping in mappings.items()
        }
        super().__init__(template, known)
        self._samples = samples
        self.asked: set[str] = set()
        """Parameters that what was evaluated stands on; whoever asks of one expression clears it before."""

    def value(self, node: Json) -> Json:
        """Return the texts of a part, or a letter."""
        try:
            return super().value(node)
        except TemplateError:
            return [_UNKNOWN]

    def reference(self, name: str) -> list[str]:
        """Return a parameter's values or a resource's name, or a letter."""
        try:
            return super().reference(name)
        except TemplateError:
            return [_UNKNOWN]

    def attribute(self, logical_id: str, attribute: str) -> list[str]:
        """Return the name of a resource, or a letter."""
        try:
            return super().attribute(logical_id, attribute)
        except TemplateError:
            return [_UNKNOWN]

    def relevant(self, values: Sequence[str]) -> list[str]:
        """Return some of them, each once."""
        return list(dict.fromkeys(values))[:_MOST_WAYS]

    def pseudo_parameters(self) -> Mapping[str, str]:
        """Return a sample of each pseudo parameter."""
        return _PSEUDO_SAMPLES

    def parameter(self, name: str, declared: Mapping[str, yaml.Node]) -> list[str]:
        """Return a sample of the parameter, its default, or a letter."""
        self.asked.add(name)
        return [self._samples.get(name) or plain(declared.get("Default")) or _UNKNOWN]

    def invented_name(self, _logical_id: str, _limit: int | None) -> str:
        """Return a letter."""
        return _UNKNOWN


def _mappings(template: Template) -> dict[str, Mapping[str, Mapping[str, str]]]:
    """Texts of every mapping; of a list, its longest element."""
    return {
        name: {
            key: {inner: max(texts(node), key=len, default="") for inner, node in fields(values).items()}
            for key, values in fields(mapping).items()
        }
        for name, mapping in template.section("Mappings").items()
    }


def _number(node: yaml.Node | None) -> int | None:
    value = plain(node)
    return int(value) if value is not None and value.isdecimal() else None
