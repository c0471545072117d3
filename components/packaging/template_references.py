"""Where the parts of a template lead: parameters, resources, attributes, mappings and conditions that must exist.

CloudFormation finds most of these mistakes only at a launch: in front of the data scientist, after the product was
published. What a macro adds to a template is known to CloudFormation alone, so nothing is refused where one may have
its part in it; the notes say so.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

import yaml

from awsmodel.cloudformation.functions import (
    FUNCTIONS,
    LOOP,
    NO_VALUE,
    PSEUDO_PARAMETERS,
    PSEUDO_PARAMETERS_OF_A_STACK,
    VARIABLE,
    attribute_path,
    call,
    plain,
    substitution,
    texts,
)
from awsmodel.cloudformation.template import Template
from awsmodel.cloudformation.yaml_nodes import children, fields, items, key_line, line
from components.core.faults import nearest
from components.packaging.exceptions import Exceptions, or_else
from components.packaging.faults import Report
from components.packaging.resource_types import resource_type, type_names
from components.packaging.template import ENVIRONMENT, ENVIRONMENT_VALUES

_LANGUAGE_EXTENSIONS = "AWS::LanguageExtensions"
"""The one transform that adds no names of its own."""
_MACRO = "Fn::Transform"
_MODULE = "::MODULE"
_BODIES = ("Rules", "Conditions", "Resources", "Outputs")
_SECTIONS = ("Parameters", "Mappings", *_BODIES)
_SEED = (("Seed", "Bucket"), ("Seed", "Key"))


def check_references(
    template: Template, report: Report, exceptions: Exceptions, *, seed: bool = True
) -> Sequence[tuple[int, str]]:
    """Report everything that leads nowhere, and every name that two projects would fight over.

    Args:
        template: the template.
        report: takes the faults.
        exceptions: what is meant as it is: `AWS::New::Type`, `Thing.Attribute`, `Thing.Name`.
        seed: whether a project gets the files of `repository/`.

    Returns:
        What cannot be judged before a launch, by line.
    """
    references = _References(template, report, exceptions, seed=seed)
    references.check()
    return references.notes


class _References:
    """Follows the references of one template."""

    def __init__(self, template: Template, report: Report, exceptions: Exceptions, *, seed: bool) -> None:
        self._top = fields(template.root)
        self._report = report
        self._exceptions = exceptions
        self._seed = seed
        self.notes: list[tuple[int, str]] = []
        sections = {name: template.section(name) for name in _SECTIONS}
        self._sections = {
            name: {key: body for key, body in entries.items() if not key.startswith("Fn::")}
            for name, entries in sections.items()
        }
        self._mappings = {
            name: {key: fields(values) for key, values in fields(body).items()}
            for name, body in self._sections["Mappings"].items()
        }
        self._types = {name: plain(fields(body).get("Type")) for name, body in self._sections["Resources"].items()}
        self._transformed = False
        self._open: set[str] = set()
        """Sections to which a macro may add."""
        self._find_macros(sections)
        loops = _loop_variables(template.root) if LOOP in template.text else ()
        self._names = {*self._sections["Parameters"], *PSEUDO_PARAMETERS, *loops}
        self._asked: set[tuple[str, str]] = set()
        """What is asked of the environment mapping, by its two keys."""
        self._follow: Mapping[str, Callable[[yaml.Node, str], None]] = {
            "Ref": self._ref,
            "Condition": self._condition,
            "Fn::FindInMap": self._find_in_map,
            "Fn::GetAtt": self._get_att,
            "Fn::If": self._if,
            "Fn::Sub": self._sub,
        }

    def check(self) -> None:
        for logical_id, body in self._sections["Resources"].items():
            self._check_resource(logical_id, fields(body), line(body))
        for body in self._sections["Outputs"].values():
            self._check_condition(fields(body))
        for section in _BODIES:
            if section in self._top:
                self._walk(self._top[section], section)
        self._check_seed()

    # Macros -----------------------------------------------------------------------------------------------------------

    def _find_macros(self, sections: Mapping[str, Mapping[str, yaml.Node]]) -> None:
        for node in _listed(self._top.get("Transform")):
            name = plain(node) or plain(fields(node).get("Name"))
            if name != _LANGUAGE_EXTENSIONS:
                self._opened(node, f"what the transform {name} makes of the template", _SECTIONS)
        if _MACRO in self._top:
            self._opened(self._top[_MACRO], "what the macro makes of the template", _SECTIONS)
        for section, entries in sections.items():
            for name, body in entries.items():
                if name == _MACRO or name.startswith(LOOP):
                    self._opened(body, f"what {name} adds to {section}", [section])
        for logical_id, kind in self._types.items():
            if kind and kind.endswith(_MODULE):
                place = self._sections["Resources"][logical_id]
                self._opened(place, f"what the module {kind} adds to Resources", ["Resources"])

    def _opened(self, node: yaml.Node, what: str, sections: Sequence[str]) -> None:
        self._open.update(sections)
        self._transformed = self._transformed or len(sections) > 1
        self._note(line(node), f"{what} is known to CloudFormation only; names that may lead there are not checked")

    def _note(self, place: int, reason: str) -> None:
        self.notes.append((place, reason))

    # Resources --------------------------------------------------------------------------------------------------------

    def _check_resource(self, logical_id: str, body: Mapping[str, yaml.Node], place: int) -> None:
        self._check_condition(body)
        for node in _listed(body.get("DependsOn")):
            if (name := plain(node)) is not None:
                self._check_entry(line(node), "DependsOn", name, "Resources")
        kind = self._types[logical_id]
        if kind is None:
            self._report(place, f"{logical_id}: has no Type")
        elif resource_type(kind) is not None:
            self._check_identity(logical_id, kind, fields(body.get("Properties")))
        elif not self._transformed and not kind.endswith(_MODULE):
            self._check_type(logical_id, kind, line(body["Type"]))

    def _check_type(self, logical_id: str, kind: str, place: int) -> None:
        if kind.startswith("AWS::") or kind.count("::") != 2:
            reason = f"{logical_id}: CloudFormation has no resource type {kind!r}{nearest(kind, type_names())}"
            self._refuse(kind, place, reason)
        else:
            self._note(place, f"{logical_id}: {kind} is not a type of AWS; its name and attributes are not checked")

    def _check_identity(self, logical_id: str, kind: str, properties: Mapping[str, yaml.Node]) -> None:
        """A name that is the same in every project: the second launch of the product would find it taken."""
        known = resource_type(kind)
        identity = known.identity if known else ()
        nodes = [properties[name] for name in identity if name in properties]
        if nodes and len(nodes) == len(identity) and not any(self._differs(node) for node in nodes):
            subject = f"{logical_id}.{identity[-1]}"
            reason = (
                f"{subject}: two projects would fight over it: it is the same in both, and one account and region has "
                f"one {kind} of it; make SageMakerProjectId, SageMakerProjectName or AWS::StackName a part of it"
            )
            self._refuse(subject, line(nodes[-1]), reason)

    def _differs(self, node: yaml.Node) -> bool:
        """Whether two projects get different values, as far as can be told."""
        found = call(node)
        if found is None:
            return any(self._differs(child) for child in children(node))
        name, argument = found
        if name == "Ref":
            return self._name_differs(_text(argument))
        if name == "Fn::Sub":
            node, own = substitution(argument)
            return any(self._differs(own[one]) if one in own else self._name_differs(one) for one in _variables(node))
        if name == "Fn::If":
            return all(self._differs(arm) for arm in items(argument)[1:])
        if name in ("Fn::Base64", "Fn::FindInMap", "Fn::Join", "Fn::Select", "Fn::Split"):
            return any(self._differs(child) for child in children(argument))
        return True

    def _name_differs(self, name: str) -> bool:
        if name in self._sections["Parameters"]:
            return "AllowedValues" not in fields(self._sections["Parameters"][name])
        return name not in PSEUDO_PARAMETERS or name in (*PSEUDO_PARAMETERS_OF_A_STACK, NO_VALUE)

    def _check_seed(self) -> None:
        if not self._sections["Resources"] or self._transformed:
            return
        place = key_line(self._top.get("Mappings"), ENVIRONMENT)
        missing = [f"{group}.{key}" for group, key in _SEED if (group, key) not in self._asked]
        if self._seed and missing:
            self._report(
                place,
                f"no project gets the files of repository/: nothing asks for {' or '.join(missing)} of "
                f"Mappings.{ENVIRONMENT}; give an AWS::CodeCommit::Repository both as Code.S3, or write `seed: none` "
                "in product.yaml",
            )
        elif not self._seed and not missing:
            self._report(place, "product.yaml says `seed: none`, but a resource takes the files of repository/")

    # References -------------------------------------------------------------------------------------------------------

    def _walk(self, node: yaml.Node, section: str) -> None:
        pending = [node]
        while pending:
            part = pending.pop()
            # Most of a template are plain texts, of which there is nothing to say.
            pending += [
                child for child in children(part) if not isinstance(child, yaml.ScalarNode) or child.tag[0] == "!"
            ]
            found = call(part)
            if found is None:
                if section == "Conditions" and isinstance(part, yaml.MappingNode) and len(part.value) == 1:
                    self._check_condition(fields(part))
                continue
            name, argument = found
            if name in self._follow:
                self._follow[name](argument, section)
            elif name not in FUNCTIONS and not name.startswith(LOOP):
                self._report(line(part), f"{name} is no function of CloudFormation{nearest(name, FUNCTIONS)}")

    def _ref(self, argument: yaml.Node, section: str) -> None:
        if name := _text(argument):
            self._check_name(line(argument), "Ref", name, section)

    def _get_att(self, argument: yaml.Node, section: str) -> None:
        path = attribute_path(argument)
        self._check_attribute(line(argument), "Fn::GetAtt", path, section)

    def _sub(self, argument: yaml.Node, section: str) -> None:
        node, own = substitution(argument)
        for name, place in _variables(node).items():
            if name in own:
                continue
            if "." in name:
                self._check_attribute(place, "Fn::Sub", name, section)
            else:
                self._check_name(place, "Fn::Sub", name, section)

    def _if(self, argument: yaml.Node, _section: str) -> None:
        for node in items(argument)[:1]:
            if (name := plain(node)) is not None:
                self._check_entry(line(node), "Fn::If", name, "Conditions")

    def _condition(self, argument: yaml.Node, _section: str) -> None:
        self._check_entry(line(argument), "Condition", _text(argument), "Conditions")

    def _check_condition(self, body: Mapping[str, yaml.Node]) -> None:
        node = body.get("Condition")
        if node is not None and (name := plain(node)) is not None:
            self._check_entry(line(node), "Condition", name, "Conditions")

    def _check_name(self, place: int, what: str, name: str, section: str) -> None:
        """What `Ref` names: a parameter, a pseudo parameter or a resource."""
        if name in self._names:
            return
        if name not in self._types:
            if not self._open & {"Parameters", "Resources"}:
                near = nearest(name, [*sorted(self._names), *self._types])
                self._report(place, f"{what}: no parameter or resource is called {name!r}{near}")
        elif section in ("Conditions", "Rules"):
            self._report(place, f"{what}: {section} are decided before the resource {name!r} is made")

    def _check_entry(self, place: int, what: str, name: str, section: str) -> bool:
        """Whether a section has an entry; a fault where it is known that it has not."""
        known = self._sections[section]
        if name not in known and section not in self._open:
            one = section.removesuffix("s").lower()
            self._report(place, f"{what}: no {one} is called {name!r}{nearest(name, list(known))}")
        return name in known

    def _check_attribute(self, place: int, what: str, path: str, section: str) -> None:
        logical_id, _, attribute = path.partition(".")
        if not self._check_entry(place, what, logical_id, "Resources"):
            return
        if section in ("Conditions", "Rules"):
            self._report(place, f"{what}: {section} are decided before the resource {logical_id!r} is made")
            return
        name = self._types[logical_id] or ""
        kind = resource_type(name)
        # An attribute whose name is a function's value is known at a launch only.
        if kind is not None and attribute and not kind.has(attribute):
            known = ", ".join(kind.attributes) or "none"
            near = nearest(attribute, kind.attributes)
            self._refuse(path, place, f"{what}: {name} has no attribute {attribute!r}{near} (allowed: {known})")

    def _find_in_map(self, argument: yaml.Node, _section: str) -> None:
        parts = items(argument)
        if len(parts) < 3:
            self._report(line(argument), f"Fn::FindInMap takes a mapping and two keys, not {len(parts)} parts")
            return
        name = plain(parts[0])
        if name is None or not self._check_entry(line(parts[0]), "Fn::FindInMap", name, "Mappings"):
            return
        mapping = self._mappings[name]
        # A default value stands in for keys that are missing, and a macro may add some.
        if len(parts) == 3 and _MACRO not in mapping:
            self._check_keys(name, mapping, parts[1], parts[2])

    def _check_keys(
        self, name: str, mapping: Mapping[str, Mapping[str, yaml.Node]], first: yaml.Node, second: yaml.Node
    ) -> None:
        outer, inner = self._keys(first), self._keys(second)
        for key in outer:
            if key not in mapping:
                self._report(line(first), _no_key(name, key, list(mapping)))
        if not outer:
            # Which entry is meant, a launch knows: a key that none of them has is a mistake in any case.
            mapping, outer = {"": {key: node for entry in mapping.values() for key, node in entry.items()}}, [""]
        for one in outer:
            for key in inner if one in mapping else ():
                if name == ENVIRONMENT:
                    self._asked.add((one, key))
                if key not in mapping[one]:
                    self._report(line(second), _no_key(f"{name}.{one}".rstrip("."), key, list(mapping[one])))

    def _keys(self, node: yaml.Node) -> Sequence[str]:
        """The keys that a part of `Fn::FindInMap` can be; none where only a launch knows."""
        found = call(node)
        if found is None:
            return texts(node)
        parameter = self._sections["Parameters"].get(_text(found[1])) if found[0] == "Ref" else None
        return texts(fields(parameter).get("AllowedValues"))

    def _refuse(self, subject: str, place: int, reason: str) -> None:
        """Report what somebody may mean as it is."""
        if not self._exceptions.excuse(subject):
            self._report(place, f"{reason} {or_else(subject)}")


def _no_key(path: str, key: str, known: Sequence[str]) -> str:
    group = path.removeprefix(f"{ENVIRONMENT}.")
    if path.startswith(f"{ENVIRONMENT}.") and key in ENVIRONMENT_VALUES.get(group, {}):
        return f'Fn::FindInMap: Mappings.{path} does not ask for {key}; add {key}: "" there'
    return f"Fn::FindInMap: Mappings.{path} has no key {key!r}{nearest(key, known)} (allowed: {', '.join(known)})"


def _text(node: yaml.Node) -> str:
    """Text of a function's argument; empty where it is another function's value."""
    return node.value if isinstance(node, yaml.ScalarNode) else ""


def _listed(node: yaml.Node | None) -> Sequence[yaml.Node]:
    """Elements of a list, or the one thing in its place."""
    if node is None:
        return ()
    return items(node) if isinstance(node, yaml.SequenceNode) else [node]


def _variables(node: yaml.Node) -> Mapping[str, int]:
    """What a text of `Fn::Sub` asks for, each with its line; lines are joined in any style but a literal block."""
    text, place = _text(node), line(node)
    inside = isinstance(node, yaml.ScalarNode) and node.style == "|"
    found: dict[str, int] = {}
    for match in VARIABLE.finditer(text):
        name = match[1].strip()
        if not name.startswith("!"):
            found.setdefault(name, place + 1 + text.count("\n", 0, match.start()) if inside else place)
    return found


def _loop_variables(root: yaml.Node) -> Iterator[str]:
    """Names that stand for the elements of a loop within it."""
    pending = [root]
    while pending:
        part = pending.pop()
        pending += children(part)
        for name, body in fields(part).items():
            if name.startswith(LOOP):
                yield from texts(body)[:1]
