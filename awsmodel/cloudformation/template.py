"""A template, read once: its parts as nodes with their places in the text, and as values to work with."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import yaml

from awsmodel.cloudformation.functions import VARIABLE, long_name
from awsmodel.cloudformation.java_patterns import java_pattern
from awsmodel.cloudformation.yaml_nodes import TEXT, compose, fields, walk

Json = Any
"""What a template is made of: mappings, lists, strings, numbers, booleans."""

STORED = "AWS::SSM::Parameter::Value<"
"""What the type of a parameter begins with that is the name of one of Systems Manager, whose value is meant."""

_BEYOND = ("Transform", "Rules")
_IF = 3
"""Arguments of Fn::If."""
_OF_OBJECTS = ("Parameters", "Mappings", "Conditions", "Resources", "Outputs")
_TEXTS = (TEXT, "tag:yaml.org,2002:timestamp")


class TemplateError(ValueError):
    """The template or a parameter is not valid; the text is the one that CloudFormation answers."""


@dataclass(frozen=True)
class Template:
    """A template as it is written."""

    text: str
    root: yaml.MappingNode

    @classmethod
    def parse(cls, text: str) -> "Template":
        """A template that CloudFormation would take.

        Raises:
            TemplateError: it would not.
        """
        try:
            root = compose(text)
            if not isinstance(root, yaml.MappingNode):
                raise TemplateError("Template format error: unsupported structure.")
            if any(again for _, again in walk(root)):
                raise TemplateError("Template error: YAML aliases are not allowed in CloudFormation templates")
            template = cls(text, root)
            document = template._document
        except yaml.YAMLError as error:
            raise TemplateError(f"Template format error: YAML not well-formed. {_where(error)}") from error
        if not isinstance(document.get("Resources"), dict) or not document["Resources"]:
            raise TemplateError("Template format error: At least one Resources member must be defined.")
        template._check_structure()
        template._check_references()
        return template

    def section(self, name: str) -> dict[str, yaml.Node]:
        """Nodes of a top-level section's entries; empty where the template has none."""
        return fields(fields(self.root).get(name))

    @property
    def beyond(self) -> Sequence[str]:
        """Sections that it has and nothing here works out, though CloudFormation does."""
        return [name for name in _BEYOND if self._document.get(name)]

    @property
    def description(self) -> str:
        """The description; empty where the template has none."""
        return str(self._document.get("Description", ""))

    @property
    def parameters(self) -> dict[str, dict[str, Json]]:
        """Declarations of the parameters."""
        return self._section("Parameters")

    @property
    def mappings(self) -> dict[str, Json]:
        """The mappings."""
        return self._section("Mappings")

    @property
    def conditions(self) -> dict[str, Json]:
        """The conditions."""
        return self._section("Conditions")

    @property
    def resources(self) -> dict[str, dict[str, Json]]:
        """The resources, with every function in its long form."""
        return self._section("Resources")

    @property
    def outputs(self) -> dict[str, dict[str, Json]]:
        """The outputs."""
        return self._section("Outputs")

    def resolve_parameters(self, given: Mapping[str, str]) -> dict[str, str]:
        """Return the value of every parameter: the one given, else its default.

        Raises:
            TemplateError: one is missing, unknown or not allowed.
        """
        unknown = sorted(given.keys() - self.parameters.keys())
        if unknown:
            raise TemplateError(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
        missing = [name for name, wanted in self.parameters.items() if name not in given and "Default" not in wanted]
        if missing:
            raise TemplateError(f"Parameters: [{', '.join(missing)}] must have values")
        values = {name: given.get(name, as_text(wanted.get("Default"))) for name, wanted in self.parameters.items()}
        for name, value in values.items():
            _check_parameter(name, value, self.parameters[name])
        return values

    @cached_property
    def _document(self) -> dict[str, Json]:
        document: dict[str, Json] = value_of(self.root)
        return document

    def _section(self, name: str) -> dict[str, Json]:
        return self._document.get(name) or {}

    def _check_structure(self) -> None:
        for section in _OF_OBJECTS:
            entries = self._document.get(section) or {}
            if not isinstance(entries, dict):
                raise TemplateError(f"Template format error: [/{section}] is no mapping.")
            for name, entry in entries.items():
                if not isinstance(entry, dict):
                    raise TemplateError(f"Template format error: [/{section}/{name}] is no mapping.")
        for name, resource in self.resources.items():
            _check_resource(f"/Resources/{name}", resource)
        for name, output in self.outputs.items():
            if "Value" not in output:
                raise TemplateError(f"Template format error: [/Outputs/{name}] Every Outputs member must have a Value.")

    def _check_references(self) -> None:
        known = self.parameters.keys() | self.resources.keys()
        for name, resource in self.resources.items():
            unknown = sorted(
                reference
                for reference in references({key: resource.get(key) for key in ("Properties", "DependsOn")})
                if reference not in known and not reference.startswith("AWS::")
            )
            if unknown:
                raise TemplateError(
                    f"Template format error: Unresolved resource dependencies [{', '.join(unknown)}] "
                    f"in the Resources block of the template (resource {name})"
                )


def _check_resource(place: str, resource: Mapping[str, Json]) -> None:
    if not _is_text(resource.get("Type")):
        raise TemplateError(f"Template format error: [{place}] Every Resources member must have a Type.")
    if not isinstance(resource.get("Properties") or {}, dict):
        raise TemplateError(f"Template format error: [{place}/Properties] is no mapping.")
    depends = resource.get("DependsOn", [])
    if not all(map(_is_text, depends if isinstance(depends, list) else [depends])):
        raise TemplateError(f"Template format error: [{place}] DependsOn must be a string or list of strings.")


def value_of(node: yaml.Node) -> Json:
    """What a part of a template is as a value: functions are in their long form, keys and dates are texts.

    Raises:
        yaml.YAMLError: it has a tag that CloudFormation does not know, or a key that is no text.
    """
    if node.tag.startswith("!"):
        return _short_form(node)
    if isinstance(node, yaml.ScalarNode) and node.tag not in _TEXTS:
        return yaml.constructor.SafeConstructor().construct_document(node)
    return _content(node)


def _short_form(node: yaml.Node) -> Json:
    name, argument = long_name(node.tag), _content(node)
    return {name: argument.split(".", 1) if name == "Fn::GetAtt" and isinstance(argument, str) else argument}


def _content(node: yaml.Node) -> Json:
    if isinstance(node, yaml.MappingNode):
        return {_key(key): value_of(value) for key, value in node.value}
    return [value_of(item) for item in node.value] if isinstance(node, yaml.SequenceNode) else node.value


def _key(node: yaml.Node) -> str:
    if isinstance(node, yaml.ScalarNode):
        return str(node.value)
    raise yaml.constructor.ConstructorError(None, None, "a key is a text", node.start_mark)


def as_text(value: Json) -> str:
    """Return a scalar as CloudFormation writes it into a string."""
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(as_text, value)) if isinstance(value, list) else str(value)


def substituted(argument: Json) -> tuple[Json, dict[str, Json]]:
    """Return the text of `Fn::Sub`, and the values that it brings with it."""
    parts = argument if isinstance(argument, list) and argument else [argument]
    return parts[0], parts[1] if len(parts) > 1 and isinstance(parts[1], dict) else {}


def references(node: Json, condition: Callable[[str], bool] | None = None) -> Iterator[str]:
    """Give the names that a part refers to; with `condition`, only those in the branches that are taken."""
    if isinstance(node, list):
        for item in node:
            yield from references(item, condition)
    elif isinstance(node, dict):
        for name, argument in node.items():
            yield from _references_of(name, argument, condition)


def _references_of(name: str, argument: Json, condition: Callable[[str], bool] | None) -> Iterator[str]:
    if name == "DependsOn":
        yield from filter(_is_text, argument if isinstance(argument, list) else [argument])
    elif name == "Ref" and isinstance(argument, str):
        yield argument
    elif name == "Fn::GetAtt":
        first = argument[0] if isinstance(argument, list) and argument else argument
        yield from [first.split(".", 1)[0]] if _is_text(first) else []
    elif name == "Fn::Sub":
        text, given = substituted(argument)
        yield from references(given, condition)
        for variable in VARIABLE.findall(text) if _is_text(text) else []:
            name = variable.strip()
            if not name.startswith("!") and name not in given:
                yield name.split(".", 1)[0]
    elif name == "Fn::If" and isinstance(argument, list) and len(argument) >= _IF:
        arms = [argument[1 if condition(argument[0]) else 2]] if condition else argument[1:]
        yield from references(arms, condition)
    elif name != "Fn::FindInMap":
        yield from references(argument, condition)


def _is_text(value: Json) -> bool:
    return isinstance(value, str)


def _check_parameter(name: str, value: str, wanted: dict[str, Json]) -> None:
    def refuse(rule: str) -> TemplateError:
        said = wanted.get("ConstraintDescription") or rule
        return TemplateError(f"Parameter {name} failed to satisfy constraint: {said}")

    allowed = [as_text(item) for item in wanted.get("AllowedValues", [])]
    if allowed and value not in allowed:
        raise TemplateError(f"Parameter '{name}' must be one of AllowedValues")
    if "AllowedPattern" in wanted:
        pattern = java_pattern(as_text(wanted["AllowedPattern"]))
        if pattern is None:
            raise TemplateError(f"Parameter {name}: not known: what pattern {wanted['AllowedPattern']} of Java takes")
        if not pattern.fullmatch(value):
            raise refuse(f"must match pattern {wanted['AllowedPattern']}")
    if len(value) < int(wanted.get("MinLength", 0)):
        raise refuse(f"must have length at least {wanted['MinLength']}")
    if len(value) > int(wanted.get("MaxLength", len(value))):
        raise refuse(f"must have length at most {wanted['MaxLength']}")
    if wanted.get("Type") == "Number":
        _check_number(name, value, wanted)


def _check_number(name: str, value: str, wanted: dict[str, Json]) -> None:
    try:
        number = float(value)
    except ValueError:
        raise TemplateError(f"Parameter '{name}' must be a number") from None
    if not float(wanted.get("MinValue", number)) <= number <= float(wanted.get("MaxValue", number)):
        raise TemplateError(f"Parameter '{name}' must be between its MinValue and MaxValue, not {value}")


def _where(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    return f"(line {mark.line + 1}, column {mark.column + 1})" if mark else str(error)
