"""CloudFormation templates: reading them, and what their functions give. Nothing here touches a service."""

import base64
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

import yaml

from awsmodel.cloudformation.java_patterns import java_pattern

Json = Any
"""What a template is made of: mappings, lists, strings, numbers, booleans."""

UNSUPPORTED = ("Transform", "Rules")
_SUBSTITUTION = re.compile(r"\$\{(!?)([^}]+)\}")
_NO_VALUE = "AWS::NoValue"


class TemplateError(ValueError):
    """The template or a parameter is not valid; the text is the one that CloudFormation answers."""


class Made(Protocol):
    """A resource that exists, as other resources of the template refer to it."""

    @property
    def physical_id(self) -> str:
        """What `Ref` gives."""

    @property
    def attributes(self) -> Mapping[str, Json]:
        """What `Fn::GetAtt` gives."""


# The C parser is some ten times faster; PyYAML built without it has only the other.
class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc] # a safe loader either way
    """Reads the short forms of the functions; dates stay text, as CloudFormation takes them."""


def _short_form(loader: _Loader, tag: str, node: yaml.Node) -> Json:
    value: Json
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    if tag == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {tag if tag in ("Ref", "Condition") else f"Fn::{tag}": value}


_Loader.add_multi_constructor("!", _short_form)
_Loader.add_constructor("tag:yaml.org,2002:timestamp", _Loader.construct_yaml_str)


class Template:
    """A template that CloudFormation would take.

    Raises:
        TemplateError: it would not.

    """

    def __init__(self, text: str) -> None:
        try:
            document = yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader with the functions' tags
        except yaml.YAMLError as error:
            raise TemplateError(f"Template format error: YAML not well-formed. {_where(error)}") from error
        if not isinstance(document, dict):
            raise TemplateError("Template format error: unsupported structure.")
        if not isinstance(document.get("Resources"), dict) or not document["Resources"]:
            raise TemplateError("Template format error: At least one Resources member must be defined.")
        for section in UNSUPPORTED:
            if section in document:
                raise TemplateError(f"{section} is not supported; a template must do without it.")
        for name, resource in document["Resources"].items():
            if not isinstance(resource, dict) or "Type" not in resource:
                raise TemplateError(
                    f"Template format error: [/Resources/{name}] Every Resources member must have a Type."
                )
        self.text = text
        self.description: str = document.get("Description", "")
        self.parameters: dict[str, dict[str, Json]] = document.get("Parameters") or {}
        self.mappings: dict[str, Json] = document.get("Mappings") or {}
        self.conditions: dict[str, Json] = document.get("Conditions") or {}
        self.resources: dict[str, dict[str, Json]] = document["Resources"]
        self.outputs: dict[str, dict[str, Json]] = document.get("Outputs") or {}
        self._check_references()

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

    def _check_references(self) -> None:
        known = self.parameters.keys() | self.resources.keys()
        for name, resource in self.resources.items():
            unknown = sorted(
                reference
                for reference in _references({key: resource.get(key) for key in ("Properties", "DependsOn")})
                if reference not in known and not reference.startswith("AWS::")
            )
            if unknown:
                raise TemplateError(
                    f"Template format error: Unresolved resource dependencies [{', '.join(unknown)}] "
                    f"in the Resources block of the template (resource {name})"
                )


class Evaluation:
    """A template with its parameters and the names of the stack around it.

    Args:
        parameters: as `Template.resolve_parameters` gives them.
        pseudo: `AWS::Region` and the other pseudo parameters.
        mappings: what stands in the place of the template's own mappings.

    """

    def __init__(
        self,
        template: Template,
        parameters: Mapping[str, str],
        pseudo: Mapping[str, str],
        mappings: Mapping[str, Json] | None = None,
    ) -> None:
        self.template = template
        self._parameters = parameters
        self._pseudo = pseudo
        self._mappings = template.mappings if mappings is None else mappings
        self._conditions: dict[str, bool] = {}
        self.made: dict[str, Made] = {}
        """The resources that exist by now, by logical id."""

    def order(self) -> list[str]:
        """Return the logical ids of the resources whose conditions hold, each after those that it needs.

        Raises:
            TemplateError: they need each other.

        """
        wanted = {
            name: resource
            for name, resource in self.template.resources.items()
            if "Condition" not in resource or self.condition(resource["Condition"])
        }
        ordered: list[str] = []
        path: list[str] = []

        def visit(name: str) -> None:
            if name in path:
                raise TemplateError(f"Circular dependency between resources: [{', '.join(path[path.index(name) :])}]")
            if name in ordered:
                return
            path.append(name)
            for needed in self._needs(wanted[name]):
                if needed in wanted:
                    visit(needed)
            ordered.append(path.pop())

        for name in wanted:
            visit(name)
        return ordered

    def properties(self, name: str) -> dict[str, Json]:
        """Return the properties of a resource, with every function worked out."""
        properties: dict[str, Json] = self.value(self.template.resources[name].get("Properties") or {})
        return properties

    def outputs(self) -> dict[str, str]:
        """Return the outputs whose conditions hold."""
        return {
            name: as_text(self.value(output["Value"]))
            for name, output in self.template.outputs.items()
            if "Condition" not in output or self.condition(output["Condition"])
        }

    def condition(self, name: str) -> bool:
        """Say whether a condition of the template holds."""
        if name not in self.template.conditions:
            raise TemplateError(f"Template format error: Unresolved condition dependency {name}")
        if name not in self._conditions:
            self._conditions[name] = self._holds(self.template.conditions[name])
        return self._conditions[name]

    def value(self, node: Json) -> Json:
        """Return what a part of the template gives; `None` stands for AWS::NoValue."""
        if isinstance(node, list):
            return [value for value in map(self.value, node) if value is not None]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            ((name, argument),) = node.items()
            if name in _FUNCTIONS:
                return _FUNCTIONS[name](self, argument)
            if name.startswith("Fn::"):
                raise TemplateError(f"{name} is not supported")
        values = {key: self.value(value) for key, value in node.items()}
        return {key: value for key, value in values.items() if value is not None}

    def _typed(self, name: str, value: str) -> Json:
        kind = self.template.parameters[name].get("Type", "String")
        is_list = kind == "CommaDelimitedList" or kind.startswith("List<")
        return [item.strip() for item in value.split(",")] if is_list else value

    def _needs(self, resource: dict[str, Json]) -> Iterator[str]:
        depends = resource.get("DependsOn", [])
        yield from [depends] if isinstance(depends, str) else depends
        yield from _references(resource.get("Properties"), self.condition)

    def _holds(self, node: Json) -> bool:
        ((name, argument),) = node.items()
        if name == "Condition":
            return self.condition(argument)
        if name == "Fn::Equals":
            left, right = (as_text(self.value(side)) for side in argument)
            return left == right
        combine: dict[str, Callable[[Iterator[bool]], bool]] = {
            "Fn::Not": lambda held: not any(held),
            "Fn::And": all,
            "Fn::Or": any,
        }
        if name not in combine:
            raise TemplateError(f"{name} is no function for conditions")
        return combine[name](map(self._holds, argument))

    def _ref(self, name: str) -> Json:
        if name == _NO_VALUE:
            return None
        if name in self._parameters:
            return self._typed(name, self._parameters[name])
        if name in self._pseudo:
            return self._pseudo[name]
        if name not in self.made:
            raise TemplateError(f"Template error: resource {name} does not exist in this stack")
        return self.made[name].physical_id

    def _get_att(self, argument: Json) -> Json:
        name, attribute = argument.split(".", 1) if isinstance(argument, str) else argument
        attribute = self.value(attribute)
        if name not in self.made or attribute not in self.made[name].attributes:
            raise TemplateError(f"Requested attribute {attribute} does not exist for resource {name}")
        return self.made[name].attributes[attribute]

    def _sub(self, argument: Json) -> str:
        text, given = (argument, {}) if isinstance(argument, str) else argument
        values = {name: self.value(value) for name, value in given.items()}

        def replacement(match: re.Match[str]) -> str:
            literal, name = match.group(1), match.group(2).strip()
            if literal:
                return f"${{{name}}}"
            if name in values:
                return as_text(values[name])
            return as_text(self._get_att(name) if "." in name else self._ref(name))

        return _SUBSTITUTION.sub(replacement, text)

    def _find_in_map(self, argument: Json) -> Json:
        names = [as_text(self.value(part)) for part in argument[:3]]
        found: Json = self._mappings
        for name in names:
            if name not in found:
                raise TemplateError(f"Template error: Unable to get mapping for {'::'.join(names)}")
            found = found[name]
        return found

    def _if(self, argument: Json) -> Json:
        name, yes, no = argument
        return self.value(yes if self.condition(name) else no)

    def _join(self, argument: Json) -> str:
        separator, items = argument
        return str(separator).join(as_text(item) for item in self.value(items))

    def _split(self, argument: Json) -> list[str]:
        separator, text = argument
        return as_text(self.value(text)).split(separator)

    def _select(self, argument: Json) -> Json:
        index, items = int(self.value(argument[0])), self.value(argument[1])
        if index >= len(items):
            raise TemplateError(f"Template error: Fn::Select cannot select nonexistent value at index {index}")
        return items[index]

    def _base64(self, argument: Json) -> str:
        return base64.b64encode(as_text(self.value(argument)).encode()).decode()

    def _to_json(self, argument: Json) -> str:
        return json.dumps(self.value(argument), separators=(",", ":"))


_FUNCTIONS: dict[str, Callable[[Evaluation, Json], Json]] = {
    "Ref": Evaluation._ref,
    "Fn::Base64": Evaluation._base64,
    "Fn::FindInMap": Evaluation._find_in_map,
    "Fn::GetAtt": Evaluation._get_att,
    "Fn::If": Evaluation._if,
    "Fn::Join": Evaluation._join,
    "Fn::Select": Evaluation._select,
    "Fn::Split": Evaluation._split,
    "Fn::Sub": Evaluation._sub,
    "Fn::ToJsonString": Evaluation._to_json,
}


def as_text(value: Json) -> str:
    """Return a scalar as CloudFormation writes it into a string."""
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(as_text, value)) if isinstance(value, list) else str(value)


def _references(node: Json, condition: Callable[[str], bool] | None = None) -> Iterator[str]:
    """Give the names that a part refers to; with `condition`, only those in the branches that are taken."""
    if isinstance(node, list):
        for item in node:
            yield from _references(item, condition)
    elif isinstance(node, dict):
        for name, argument in node.items():
            yield from _references_of(name, argument, condition)


def _references_of(name: str, argument: Json, condition: Callable[[str], bool] | None) -> Iterator[str]:
    if name == "DependsOn" and argument:
        yield from [argument] if isinstance(argument, str) else argument
    elif name == "Ref" and isinstance(argument, str):
        yield argument
    elif name == "Fn::GetAtt":
        yield argument.split(".", 1)[0] if isinstance(argument, str) else argument[0]
    elif name == "Fn::Sub":
        text, given = (argument, {}) if isinstance(argument, str) else argument
        yield from _references(given, condition)
        for literal, inner in _SUBSTITUTION.findall(text):
            if not literal and inner.strip() not in given:
                yield inner.strip().split(".", 1)[0]
    elif name == "Fn::If" and condition:
        yield from _references(argument[1 if condition(argument[0]) else 2], condition)
    elif name == "Fn::If":
        yield from _references(argument[1:])
    elif name != "Fn::FindInMap":
        yield from _references(argument, condition)


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
