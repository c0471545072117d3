"""What CloudFormation's functions give. Nothing here touches a service."""

import base64
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

from awsmodel.cloudformation.functions import NO_VALUE, VARIABLE, is_function
from awsmodel.cloudformation.template import (
    STORED,
    Json,
    Template,
    TemplateError,
    as_text,
    references,
    substituted,
)


class Made(Protocol):
    """A resource that exists, as other resources of the template refer to it."""

    @property
    def physical_id(self) -> str:
        """What `Ref` gives."""

    @property
    def attributes(self) -> Mapping[str, Json]:
        """What `Fn::GetAtt` gives."""


class Functions(ABC):
    """Works functions out; what names stand for, and which of several values is meant, is for a subclass to say."""

    def __init__(self) -> None:
        self._functions: dict[str, Callable[[Json], Json]] = {
            "Ref": self._ref,
            "Fn::FindInMap": self._find_in_map,
            "Fn::GetAtt": self._get_att,
            "Fn::If": self.chosen,
            "Fn::Join": self._join,
            "Fn::Select": self._select,
            "Fn::Sub": self._sub,
        }

    def value(self, node: Json) -> Json:
        """Return what a part of the template gives; `None` stands for AWS::NoValue."""
        if isinstance(node, dict) and len(node) == 1:
            ((name, argument),) = node.items()
            if name in self._functions:
                return self._functions[name](argument)
            if is_function(name):
                raise self.unknown_function(name)
        return self.plain(node)

    @abstractmethod
    def plain(self, node: Json) -> Json:
        """Return what anything else than a call gives."""

    @abstractmethod
    def reference(self, name: str) -> Json:
        """Return what a parameter or a resource gives."""

    @abstractmethod
    def attribute(self, logical_id: str, attribute: str) -> Json:
        """Return an attribute of a resource."""

    @abstractmethod
    def mapped(self, keys: list[Json]) -> Json:
        """Return what a mapping has by these keys."""

    @abstractmethod
    def chosen(self, argument: Json) -> Json:
        """Return what `Fn::If` gives of its condition and its two arms."""

    @abstractmethod
    def selected(self, index: Json, items: Json) -> Json:
        """Return one of several values."""

    @abstractmethod
    def listed(self, items: Json) -> list[Json]:
        """Return the values of a list."""

    @abstractmethod
    def joined(self, separator: str, values: list[Json]) -> Json:
        """Return the text of several values."""

    @abstractmethod
    def unknown_function(self, name: str) -> TemplateError:
        """Tell of a function that cannot be worked out."""

    def word(self, node: Json) -> str:
        """Return a part that can only be a text of the template itself.

        Raises:
            TemplateError: it is none.
        """
        if isinstance(node, dict | list):
            raise TemplateError("a part of it is not a text")
        return "" if node is None else as_text(node)

    def arguments(self, function: str, argument: Json, count: int) -> list[Json]:
        """Return the arguments of a function.

        Raises:
            TemplateError: there are too few.
        """
        given = argument if isinstance(argument, list) else []
        if len(given) < count:
            raise TemplateError(f"{function} takes {count} arguments, not {len(given)}")
        return given

    def _ref(self, argument: Json) -> Json:
        return self.reference(self.word(argument))

    def _find_in_map(self, argument: Json) -> Json:
        return self.mapped(self.arguments("Fn::FindInMap", argument, 3)[:3])

    def _select(self, argument: Json) -> Json:
        index, items = self.arguments("Fn::Select", argument, 2)[:2]
        return self.selected(index, items)

    def _get_att(self, argument: Json) -> Json:
        parts = argument if isinstance(argument, list) else [argument]
        logical_id, _, attribute = ".".join(map(self.word, parts)).partition(".")
        return self.attribute(logical_id, attribute)

    def _join(self, argument: Json) -> Json:
        separator, items = self.arguments("Fn::Join", argument, 2)[:2]
        return self.joined(self.word(separator), self.listed(items))

    def _sub(self, argument: Json) -> Json:
        text, given = substituted(argument)

        def variable(name: str) -> Json:
            if name.startswith("!"):
                return self.plain(f"${{{name[1:]}}}")
            if name in given:
                return self.value(given[name])
            logical_id, dot, attribute = name.partition(".")
            return self.attribute(logical_id, attribute) if dot else self.reference(name)

        # Between the texts of `split` stand the names.
        pieces = VARIABLE.split(self.word(text))
        return self.joined(
            "", [variable(piece.strip()) if place % 2 else self.plain(piece) for place, piece in enumerate(pieces)]
        )


class Evaluation(Functions):
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
        super().__init__()
        self._functions |= {
            "Fn::Base64": self._base64,
            "Fn::Split": self._split,
            "Fn::ToJsonString": self._to_json,
        }
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

    def condition(self, name: Json) -> bool:
        """Say whether a condition of the template holds."""
        if not isinstance(name, str) or name not in self.template.conditions:
            raise TemplateError(f"Template format error: Unresolved condition dependency {name}")
        if name not in self._conditions:
            self._conditions[name] = self._holds(self.template.conditions[name])
        return self._conditions[name]

    def plain(self, node: Json) -> Json:
        """Return the parts of a list or a mapping, without those that give nothing."""
        if isinstance(node, list):
            return [value for value in map(self.value, node) if value is not None]
        if not isinstance(node, dict):
            return node
        values = {key: self.value(value) for key, value in node.items()}
        return {key: value for key, value in values.items() if value is not None}

    def reference(self, name: str) -> Json:
        """Return the value of a parameter, or the physical id of a resource."""
        if name == NO_VALUE:
            return None
        if name in self._parameters:
            return self._typed(name, self._parameters[name])
        if name in self._pseudo:
            return self._pseudo[name]
        if name not in self.made:
            raise TemplateError(f"Template error: resource {name} does not exist in this stack")
        return self.made[name].physical_id

    def attribute(self, logical_id: str, attribute: str) -> Json:
        """Return an attribute of a resource that exists."""
        if logical_id not in self.made or attribute not in self.made[logical_id].attributes:
            raise TemplateError(f"Requested attribute {attribute} does not exist for resource {logical_id}")
        return self.made[logical_id].attributes[attribute]

    def mapped(self, keys: list[Json]) -> Json:
        """Return the one value."""
        names = [as_text(self.value(key)) for key in keys]
        found: Json = self._mappings
        for name in names:
            if not isinstance(found, Mapping) or name not in found:
                raise TemplateError(f"Template error: Unable to get mapping for {'::'.join(names)}")
            found = found[name]
        return found

    def chosen(self, argument: Json) -> Json:
        """Return the arm that the condition takes."""
        name, yes, no = self.arguments("Fn::If", argument, 3)[:3]
        return self.value(yes if self.condition(name) else no)

    def selected(self, index: Json, items: Json) -> Json:
        """Return the value at the index."""
        number, values = as_text(self.value(index)), self.value(items)
        if not isinstance(values, list) or not number.isdecimal() or int(number) >= len(values):
            raise TemplateError(f"Template error: Fn::Select cannot select nonexistent value at index {number}")
        return values[int(number)]

    def listed(self, items: Json) -> list[Json]:
        """Return the values of a list, or of the function that gives it."""
        values: Json = self.value(items)
        if not isinstance(values, list):
            raise TemplateError("Template error: every Fn::Join object has a list to join")
        return values

    def joined(self, separator: str, values: list[Json]) -> Json:
        """Return the text of several values."""
        return separator.join(map(as_text, values))

    def word(self, node: Json) -> str:
        """Return a text, which a function may give."""
        return super().word(self.value(node))

    def unknown_function(self, name: str) -> TemplateError:
        """Tell of a function that is not worked out here."""
        return TemplateError(f"{name} is not supported")

    def _typed(self, name: str, value: str) -> Json:
        kind = str(self.template.parameters[name].get("Type", "String")).removeprefix(STORED)
        is_list = kind == "CommaDelimitedList" or kind.startswith("List<")
        return [item.strip() for item in value.split(",")] if is_list else value

    def _needs(self, resource: dict[str, Json]) -> Iterator[str]:
        yield from references({key: resource.get(key) for key in ("DependsOn", "Properties")}, self.condition)

    def _holds(self, node: Json) -> bool:
        if not isinstance(node, dict) or len(node) != 1:
            raise TemplateError("Template format error: a condition is one function")
        ((name, argument),) = node.items()
        if name == "Condition":
            return self.condition(argument)
        if name == "Fn::Equals":
            left, right = (as_text(self.value(side)) for side in self.arguments(name, argument, 2)[:2])
            return left == right
        combine: dict[str, Callable[[Iterator[bool]], bool]] = {
            "Fn::Not": lambda held: not any(held),
            "Fn::And": all,
            "Fn::Or": any,
        }
        if name not in combine:
            raise TemplateError(f"{name} is no function for conditions")
        return combine[name](map(self._holds, self.arguments(name, argument, 1)))

    def _split(self, argument: Json) -> list[str]:
        separator, text = self.arguments("Fn::Split", argument, 2)[:2]
        return as_text(self.value(text)).split(separator)

    def _base64(self, argument: Json) -> str:
        return base64.b64encode(as_text(self.value(argument)).encode()).decode()

    def _to_json(self, argument: Json) -> str:
        return json.dumps(self.value(argument), separators=(",", ":"))
