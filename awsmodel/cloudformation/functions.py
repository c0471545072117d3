"""CloudFormation's functions as they stand in a template, in either notation."""

import re
from collections.abc import Iterator, Sequence

import yaml

from awsmodel.cloudformation.yaml_nodes import fields, items

FUNCTIONS = (
    *("Condition", "Fn::And", "Fn::Base64", "Fn::Cidr", "Fn::Contains", "Fn::EachMemberEquals", "Fn::EachMemberIn"),
    *("Fn::Equals", "Fn::FindInMap", "Fn::GetAZs", "Fn::GetAtt", "Fn::GetStackOutput", "Fn::If", "Fn::ImportValue"),
    *("Fn::Join", "Fn::Length", "Fn::Not", "Fn::Or", "Fn::RefAll", "Fn::Select", "Fn::Split", "Fn::Sub"),
    *("Fn::ToJsonString", "Fn::Transform", "Fn::ValueOf", "Fn::ValueOfAll", "Ref"),
)
"""All that CloudFormation has, but for loops: their names end with a name of the template's own."""

LOOP = "Fn::ForEach::"
"""What the name of a loop begins with."""

VARIABLE = re.compile(r"\$\{([^}]*)\}")
"""A variable of `Fn::Sub`; one that begins with an exclamation mark is a literal."""

NO_VALUE = "AWS::NoValue"
"""Pseudo parameter that takes a property away."""

PSEUDO_PARAMETERS_OF_A_STACK = ("AWS::StackId", "AWS::StackName")
"""Pseudo parameters that are another in each stack of an account and region."""

PSEUDO_PARAMETERS = (
    *("AWS::AccountId", "AWS::NotificationARNs", NO_VALUE, "AWS::Partition", "AWS::Region", "AWS::URLSuffix"),
    *PSEUDO_PARAMETERS_OF_A_STACK,
)
"""What every template can refer to."""


def long_name(tag: str) -> str:
    """Name of a function by its YAML tag."""
    name = tag[1:]
    return name if name in ("Ref", "Condition") else f"Fn::{name}"


def is_function(name: str) -> bool:
    """Whether the key of a mapping that has no other makes it a call."""
    return name == "Ref" or name.startswith("Fn::")


def call(node: yaml.Node) -> tuple[str, yaml.Node] | None:
    """Intrinsic function and argument, in either notation; None for a plain value."""
    if node.tag.startswith("!"):
        return long_name(node.tag), node
    if isinstance(node, yaml.MappingNode) and len(node.value) == 1:
        ((key, argument),) = node.value
        if is_function(key.value):
            return key.value, argument
    return None


def plain(node: yaml.Node | None) -> str | None:
    """Text of a scalar that is no function's call; None for anything else."""
    return node.value if isinstance(node, yaml.ScalarNode) and not node.tag.startswith("!") else None


def texts(node: yaml.Node | None) -> list[str]:
    """Texts of the scalars of a list, or of the one scalar."""
    nodes = items(node) if isinstance(node, yaml.SequenceNode) else [node]
    return [text for item in nodes if (text := plain(item)) is not None]


def attribute_path(argument: yaml.Node) -> str:
    """What `Fn::GetAtt` names: `resource.attribute`, or the resource alone where a function gives the attribute."""
    if isinstance(argument, yaml.ScalarNode):
        return str(argument.value)
    return ".".join(texts(argument))


def substitution(argument: yaml.Node) -> tuple[yaml.Node, dict[str, yaml.Node]]:
    """Text of `Fn::Sub`, and the values that it brings with it."""
    parts = items(argument)
    return (parts[0] if parts else argument), fields(parts[1]) if len(parts) > 1 else {}


def nodes_at(node: yaml.Node | None, path: Sequence[str]) -> Iterator[yaml.Node]:
    """Nodes at a path of properties, through both arms of every condition; `*` stands for every element of a list."""
    if node is None:
        return
    function = call(node)
    if function is not None and function[0] == "Fn::If" and path:
        for arm in items(function[1])[1:]:
            yield from nodes_at(arm, path)
    elif not path:
        yield node
    elif path[0] == "*":
        for item in items(node):
            yield from nodes_at(item, path[1:])
    else:
        yield from nodes_at(fields(node).get(path[0]), path[1:])
