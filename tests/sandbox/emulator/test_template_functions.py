"""What CloudFormation's functions give, by the shared evaluator, by moto's and by cfn-lint's: three readings of AWS.

cfn-lint reads the text for both judges. It gives nothing for what only a launch knows, and moto has faults of its own:
what they do otherwise than AWS says stands beside the code that makes up for it.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
from cfnlint.conditions._errors import UnknownSatisfisfaction
from cfnlint.context.parameters import ParameterSet
from cfnlint.decode import decode_str
from cfnlint.jsonschema import CfnTemplateValidator
from cfnlint.template import Template as LintedTemplate
from hypothesis import given, settings
from hypothesis import strategies as st
from moto.cloudformation.parsing import ResourceMap, clean_json

from awsmodel.cloudformation.evaluation import Evaluation
from awsmodel.cloudformation.functions import is_function
from awsmodel.cloudformation.template import Json, Template, TemplateError, as_text
from tests.seed_code.product_templates import PRODUCTS, shipped
from tools.template_lint import choices

REGION = "eu-west-1"
STACK = f"arn:aws:cloudformation:{REGION}:123456789012:stack/teststack/51af3dc0-da77-11e4-872e-1234567db123"
# cfn-lint makes these up, and takes no others.
PSEUDO = {
    "AWS::AccountId": "123456789012",
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::StackId": STACK,
    "AWS::StackName": "teststack",
    "AWS::URLSuffix": "amazonaws.com",
}


class Attributes(dict[str, Json]):
    """Any attribute of a resource that was made."""

    def __init__(self, logical_id: str) -> None:
        super().__init__()
        self._logical_id = logical_id

    def __contains__(self, name: object) -> bool:
        return True

    def __missing__(self, name: str) -> str:
        return f"{self._logical_id}-{name}"


@dataclass
class Made:
    """A resource as the shared evaluator sees it, and as moto does."""

    physical_id: str
    attributes: Attributes = field(init=False)

    def __post_init__(self) -> None:
        self.attributes = Attributes(self.physical_id)

    @property
    def physical_resource_id(self) -> str:
        return self.physical_id

    def get_cfn_attribute(self, name: str) -> Json:
        return self.attributes[name]


class Judged:
    """One template with the values of its parameters, in the three evaluators."""

    def __init__(self, text: str, parameters: Mapping[str, str]) -> None:
        template = Template.parse(text)
        values = template.resolve_parameters(parameters)
        self.ours = Evaluation(template, values, PSEUDO)
        self.ours.made |= {name: Made(f"{name}-made") for name in template.resources}
        self.document, faults = decode_str(text)
        assert not faults
        self.conditions = {name: self.ours.condition(name) for name in template.conditions}
        self._moto = self._of_moto(values)
        self.known_to_linter: dict[str, bool] = {}
        self._linter = self._of_linter({name: self.ours.reference(name) for name in values})

    def moto(self, node: Json) -> Json:
        return clean_json(node, self._moto)

    def linter(self, function: Json) -> list[Json]:
        """The values that a function can have in the conditions as they are; none where that is not known."""
        return [value for value, _, error in self._linter.resolve_value(function) if error is None]

    def moto_conditions(self) -> Mapping[str, bool]:
        return {name: self._moto.lazy_condition_map[name] for name in self.conditions}

    def _of_moto(self, values: Mapping[str, str]) -> ResourceMap:
        found = ResourceMap(
            PSEUDO["AWS::StackId"], "teststack", dict(values), {}, REGION, "123456789012", self.document, {}
        )
        found.load_mapping()
        found.load_parameters()
        # It makes numbers of them, of which its functions take no parts.
        numbers = [name for name, declared in self.ours.template.parameters.items() if declared["Type"] == "Number"]
        found._parsed_resources |= {**self.ours.made, **{name: values[name] for name in numbers}}
        found.load_conditions()
        return found

    def _of_linter(self, values: Mapping[str, Json]) -> Any:
        chosen = ParameterSet(parameters=dict(values))
        template = LintedTemplate(None, self.document, [REGION], [chosen])
        template.conditions.satisfiable = _remembered(template.conditions.satisfiable)
        made = {name: made.physical_id for name, made in self.ours.made.items()}
        for name, holds in self.conditions.items():
            with suppress(UnknownSatisfisfaction):  # it compares what is no parameter
                possible = [template.conditions.satisfiable({name: one}, {**PSEUDO, **values}) for one in (True, False)]
                assert possible == [holds, not holds], name
                self.known_to_linter[name] = holds
        context = template.context.evolve(
            conditions=template.context.conditions.evolve(self.known_to_linter),
            ref_values=made,
        )
        return CfnTemplateValidator({}).evolve(context=context, cfn=template)


def _remembered(satisfiable: Callable[..., bool]) -> Callable[..., bool]:
    """cfn-lint asks the same of a template's conditions thousands of times, each time for milliseconds."""
    known: dict[str, bool] = {}

    def answer(*asked: Mapping[str, Json]) -> bool:
        key = json.dumps(asked, sort_keys=True)
        if key not in known:
            known[key] = satisfiable(*asked)
        return known[key]

    return answer


def same(value: Json) -> Json:
    """A value in a form that is equal where CloudFormation makes no difference; moto has numbers, and None is none."""
    if isinstance(value, Mapping):
        return {str(key): same(one) for key, one in value.items() if one is not None}
    if isinstance(value, list):
        return [same(one) for one in value if one is not None]
    return value if value is None else as_text(value)


def functions(node: Json) -> Iterator[Json]:
    """Every call of a function in a part of a template, those in the arms of conditions too."""
    if isinstance(node, list):
        for one in node:
            yield from functions(one)
    elif isinstance(node, dict):
        if len(node) == 1 and is_function(next(iter(node))):
            yield node
        for one in node.values():
            yield from functions(one)


def plain(node: Json) -> Json:
    """cfn-lint's nodes, which know their places, as what they are."""
    return json.loads(json.dumps(node))


PUBLISHED = [
    pytest.param(product, choice, id=f"{product} {choice}")
    for product in PRODUCTS
    for choice in choices(shipped(product))
]


@pytest.mark.parametrize(("product", "choice"), PUBLISHED)
def test_a_products_template_gives_what_moto_and_cfn_lint_make_of_it(product: str, choice: Any) -> None:
    text = shipped(product).render(choice.environment)
    judged = Judged(text, choice.parameters)
    assert judged.moto_conditions() == judged.conditions
    resolved = 0
    for name, resource in judged.document["Resources"].items():
        if "Condition" in resource and not judged.conditions[resource["Condition"]]:
            continue
        assert same(judged.moto(plain(resource["Properties"]))) == same(judged.ours.properties(name)), name
        resolved += agreed_with_linter(judged, resource["Properties"])
    assert resolved > 50


def agreed_with_linter(judged: Judged, node: Json) -> int:
    """How many functions of a part of a template cfn-lint gives a value for, all of them the shared evaluator's."""
    count = 0
    for function in functions(node):
        if "${!" in json.dumps(function):
            continue  # It leaves the exclamation mark in the text, which AWS takes away.
        for value in judged.linter(function):
            # What it gives may hold other functions, which have their own turn.
            assert same(judged.ours.value(plain(value))) == same(judged.ours.value(plain(function))), function
            count += 1
    return count


# Without signs of which moto makes something else than AWS: in a text of `Fn::Sub` it reads quotes, carets and
# exclamation marks as the end of a variable, and two dollars as one.
words = st.sampled_from(["", "a", "b", "a,b", "x-y", "true", "1", " a", "ü", "{b}", "a/b/c"])
PARAMETERS = {"Text": "b", "Number": "3", "List": "a,b,a"}
HEAD: Mapping[str, Json] = {
    "Parameters": {
        "Text": {"Type": "String"},
        "Number": {"Type": "Number"},
        "List": {"Type": "CommaDelimitedList"},
        "Other": {"Type": "String", "Default": "x-y"},
    },
    "Mappings": {"M": {"a": {"one": "1", "list": ["l", "m"]}, "b": {"one": "2", "list": ["n"]}, REGION: {"one": "r"}}},
}
references = st.sampled_from(
    [{"Ref": name} for name in ("Text", "Number", "Other", "AWS::Region", "AWS::Partition", "AWS::StackName", "Made")]
)
attributes = st.sampled_from([{"Fn::GetAtt": ["Made", "Arn"]}, {"Fn::GetAtt": ["Made", "Nested.Id"]}])
found = st.one_of(
    st.just({"Fn::FindInMap": ["M", {"Ref": "Text"}, "one"]}),
    st.just({"Fn::FindInMap": ["M", {"Ref": "AWS::Region"}, "one"]}),
    st.just({"Fn::FindInMap": ["M", "a", "one"]}),
)
variables = ["${Text}", "${AWS::Region}", "${Made}", "${Made.Arn}", "${Other}", "${!Literal}", "${Own}"]
CONDITIONS = ["Here", "There"]


def chosen(values: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    return st.builds(lambda name, yes, no: {"Fn::If": [name, yes, no]}, st.sampled_from(CONDITIONS), values, values)


def lists(texts: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    written = st.lists(st.one_of(texts, chosen(texts)), max_size=3)
    split = st.builds(
        lambda sign, text: {"Fn::Split": [sign, text]}, st.sampled_from([",", "/", "-", "a"]), st.one_of(texts, words)
    )
    return st.one_of(
        written, split, st.just({"Ref": "List"}), st.just({"Fn::FindInMap": ["M", "a", "list"]}), chosen(split)
    )


def texts_of(texts: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    substituted = st.lists(st.one_of(words, st.sampled_from(variables)), max_size=4).map("".join)
    plain_text = substituted.filter(lambda text: "${Own}" not in text).map(lambda text: {"Fn::Sub": text})
    own = st.builds(lambda text, value: {"Fn::Sub": ["${Own}" + text, {"Own": value}]}, substituted, texts)
    selected = st.builds(lambda place, items: {"Fn::Select": [place, items]}, st.integers(0, 3), lists(texts))
    joined = st.builds(
        lambda sign, items: {"Fn::Join": [sign, items]}, st.sampled_from([",", "", "-", "::"]), lists(texts)
    )
    encoded = texts.map(lambda text: {"Fn::Base64": text})
    return st.one_of(plain_text, own, selected, joined, encoded, chosen(texts))


expressions = st.recursive(st.one_of(words, references, attributes, found), texts_of, max_leaves=6)
equal = st.builds(
    lambda one, other: {"Fn::Equals": [one, other]},
    st.sampled_from([{"Ref": "Text"}, {"Ref": "AWS::Region"}, {"Ref": "Other"}]),
    st.one_of(words, st.just(REGION)),
)
# In the list of another function moto takes it for a value.
nothing = st.just({"Ref": "AWS::NoValue"})
conditions = st.recursive(
    equal,
    lambda inner: st.one_of(
        inner.map(lambda one: {"Fn::Not": [one]}),
        st.builds(
            lambda name, parts: {name: parts},
            st.sampled_from(["Fn::And", "Fn::Or"]),
            st.lists(st.one_of(inner, st.just({"Condition": "There"})), min_size=2, max_size=3),
        ),
    ),
    max_leaves=4,
)


def test_generated_functions_give_what_moto_and_cfn_lint_make_of_them() -> None:
    agreed = {"moto": 0, "linter": 0, "refused": 0, "conditions": 0}

    @settings(max_examples=120, deadline=None, derandomize=True, database=None)
    @given(st.lists(st.one_of(expressions, chosen(st.one_of(expressions, nothing))), max_size=3), conditions, equal)
    def compare(found: list[Json], here: Json, there: Json) -> None:
        made = {"Made": {"Type": "A"}, "Asked": {"Type": "A", "Properties": {"P": found}}}
        document = {**HEAD, "Conditions": {"Here": here, "There": there}, "Resources": made}
        judged = Judged(json.dumps(document), PARAMETERS)
        assert judged.moto_conditions() == judged.conditions
        agreed["conditions"] += len(judged.known_to_linter)
        for expression in found:
            try:
                ours = judged.ours.value(expression)
            except TemplateError:
                # Fn::Select names a value that is not there.
                with pytest.raises(IndexError):
                    judged.moto(expression)
                agreed["refused"] += 1
                continue
            assert same(judged.moto(expression)) == same(ours)
            agreed["moto"] += 1
            agreed["linter"] += agreed_with_linter(judged, expression)

    compare()
    assert min(agreed.values()) > 4, agreed


@pytest.mark.parametrize("function", ["Fn::ImportValue", "Fn::GetAZs", "Fn::Cidr", "Fn::Transform"])
def test_what_only_an_account_knows_is_refused_by_name_and_resolved_by_no_judge(function: str) -> None:
    document = {"Resources": {"Asked": {"Type": "A", "Properties": {"P": {function: "x"}}}}}
    judged = Judged(json.dumps(document), {})
    with pytest.raises(TemplateError, match=f"{function} is not supported"):
        judged.ours.properties("Asked")
