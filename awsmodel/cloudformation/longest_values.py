"""The longest text that an expression of a template can become, whatever is chosen at a launch."""

from collections.abc import Mapping
from functools import cache

import yaml

from awsmodel.arns import ArnScope
from awsmodel.cloudformation.evaluation import Functions
from awsmodel.cloudformation.functions import NO_VALUE, is_function, plain, texts
from awsmodel.cloudformation.name_limits import NAME_LIMITS, NAMED_BY_REF
from awsmodel.cloudformation.template import Json, Template, TemplateError, as_text, value_of
from awsmodel.cloudformation.yaml_nodes import fields
from awsmodel.regions import known_regions

# SageMaker's own limits: ProjectEntityName and ProjectId in botocore's service model.
_SAGEMAKER_LENGTHS: Mapping[str, int] = {"SageMakerProjectName": 32, "SageMakerProjectId": 20}
_STACK_NAME_LENGTH = 128
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


class LongestValues(Functions):
    """The longest text that each expression of one template can become.

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

    def of(self, node: yaml.Node) -> str:
        """The longest text.

        Raises:
            TemplateError: nobody can tell before a launch; the text says because of what.
        """
        return as_text(self.value(value_of(node)))

    def plain(self, node: Json) -> Json:
        """Return a text of the template."""
        return self.word(node)

    def reference(self, name: str) -> Json:
        """Return a parameter at its longest, or the name of a resource whose `Ref` it is."""
        if name in _pseudo_parameters():
            return _pseudo_parameters()[name]
        if name in self._parameters:
            return self._parameter(name)
        kind = self._type_of(name)
        if kind in NAMED_BY_REF:
            return self._name_of(name)
        raise TemplateError(f"it refers to {name}" + (f", whose Ref is not its name ({kind})" if kind else ""))

    def attribute(self, logical_id: str, attribute: str) -> Json:
        """Return the name of a resource, where that is the attribute."""
        limits = NAME_LIMITS.get(self._type_of(logical_id) or "", {})
        if limits and attribute in ("Name", next(iter(limits))):
            return self._name_of(logical_id)
        raise TemplateError(f"it uses attribute {f'{logical_id}.{attribute}' if attribute else logical_id}")

    def mapped(self, keys: list[Json]) -> Json:
        """Return the longest value that the keys can lead to: a key that a function gives can be any."""
        name, first, second = (None if isinstance(key, dict | list) else as_text(key) for key in keys)
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
        return max(found, key=len)

    def chosen(self, argument: Json) -> Json:
        """Return the longer arm."""
        return self._longest(argument[1:] if isinstance(argument, list) else [])

    def selected(self, index: Json, items: Json) -> Json:
        """Return the value at the index, or the longest where only a launch knows which it is."""
        number = int(index) if isinstance(index, int | str) and str(index).isdecimal() else None
        function = next(iter(items)) if isinstance(items, dict) and len(items) == 1 else ""
        if not is_function(function):
            choices = items if isinstance(items, list) else []
            if number is not None and number < len(choices):
                return self.value(choices[number])
            return self._longest(choices)
        if function != "Fn::Split":
            raise TemplateError(f"it uses {function} in Fn::Select")
        delimiter, source = self.arguments("Fn::Split", items[function], 2)[:2]
        return _piece(self.value(source), self.word(delimiter), number)

    def joined(self, items: Json) -> list[Json]:
        """Return the texts of a list that is written out."""
        if isinstance(items, dict) and len(items) == 1 and is_function(next(iter(items))):
            raise TemplateError("Fn::Join takes a list that is not written out")
        return [self.value(item) for item in (items if isinstance(items, list) else []) if item != {"Ref": NO_VALUE}]

    def unknown_function(self, name: str) -> TemplateError:
        """Tell of a function whose value only a launch knows."""
        return TemplateError(f"it uses {name}")

    def _longest(self, choices: list[Json]) -> str:
        return max((as_text(self.value(choice)) for choice in choices), key=len, default="")

    def _parameter(self, name: str) -> str:
        declared = fields(self._parameters[name])
        if allowed := texts(declared.get("AllowedValues")):
            return max(allowed, key=len)
        lengths = [length for length in (_SAGEMAKER_LENGTHS.get(name), _number(declared.get("MaxLength"))) if length]
        if lengths:
            return _filled(name, min(lengths))
        raise TemplateError(f"parameter {name} has neither MaxLength nor AllowedValues")

    def _type_of(self, logical_id: str) -> str | None:
        return plain(fields(self._resources.get(logical_id)).get("Type"))

    def _name_of(self, logical_id: str) -> str:
        """A resource's own name; where it has none, CloudFormation makes one that keeps to the limit."""
        path, limit = next(iter(NAME_LIMITS[self._type_of(logical_id) or ""].items()))
        node = fields(fields(self._resources[logical_id]).get("Properties")).get(path)
        if node is None:
            return _filled(logical_id, limit)
        if logical_id in self._pending:
            raise TemplateError(f"{logical_id} is named after itself")
        self._pending.add(logical_id)
        try:
            return self.of(node)
        finally:
            self._pending.remove(logical_id)


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


def _number(node: yaml.Node | None) -> int | None:
    value = plain(node)
    return int(value) if value is not None and value.isdecimal() else None
