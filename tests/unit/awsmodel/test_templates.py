"""What CloudFormation's functions, conditions and parameters give, with no service behind them."""

from dataclasses import dataclass, field

import pytest

from awsmodel.cloudformation.evaluation import Evaluation
from awsmodel.cloudformation.template import Json, Template, TemplateError

PSEUDO = {"AWS::Region": "eu-west-1", "AWS::Partition": "aws", "AWS::AccountId": "123456789012"}


@dataclass
class Made:
    physical_id: str
    attributes: dict[str, Json] = field(default_factory=dict)


def evaluate(properties: str, head: str = "", parameters: dict[str, str] | None = None) -> Json:
    indented = "\n".join(f"      {line}" for line in properties.splitlines())
    template = Template.parse(
        f"{head}\nResources:\n  Made: {{Type: A}}\n  Asked:\n    Type: A\n    Properties:\n{indented}\n"
    )
    evaluation = Evaluation(template, template.resolve_parameters(parameters or {}), PSEUDO)
    evaluation.made["Made"] = Made("made-1", {"Arn": "arn:made", "Nested.Id": 7})
    return evaluation.properties("Asked")["P"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("P: !Ref Made", "made-1"),
        ("P: !GetAtt Made.Nested.Id", 7),
        ("P: !Sub ${Made}/${Made.Arn}/${AWS::Region}/${!Literal}", "made-1/arn:made/eu-west-1/${Literal}"),
        ('P: !Sub ["${X}-${AWS::Partition}", {X: !Join ["+", [a, !Ref Made]]}]', "a+made-1-aws"),
        ('P: !Select [1, !Split [",", "a,b,c"]]', "b"),
        ('P: !Select [0, !Split ["-deploy", "fraud-deploy"]]', "fraud"),
        ("P: !If [Here, {A: 1}, !Ref AWS::NoValue]", {"A": 1}),
        ("P: [1, !If [Elsewhere, 2, !Ref AWS::NoValue], 3]", [1, 3]),
        ("P: {A: !If [Elsewhere, 2, !Ref AWS::NoValue], B: !If [Both, x, y]}", {"B": "y"}),
        ("P: !FindInMap [Map, !Ref AWS::Region, Name]", "Ireland"),
        ("P: {Fn::Base64: ab}", "YWI="),
        ("P: {Fn::ToJsonString: {a: !Ref Made}}", '{"a":"made-1"}'),
        ("P: {Condition: {StringEquals: {a: b}}}", {"Condition": {"StringEquals": {"a": "b"}}}),
        ("P: {Version: 2012-10-17}", {"Version": "2012-10-17"}),
        ("P: !Sub yes-${Flag}", "yes-true"),
    ],
)
def test_functions_give_what_aws_gives(text: str, expected: Json) -> None:
    head = """
Parameters: {Flag: {Type: String, Default: true}}
Mappings: {Map: {eu-west-1: {Name: Ireland}}}
Conditions:
  Here: !Equals [!Ref AWS::Region, eu-west-1]
  Elsewhere: !Not [!Condition Here]
  Both: !And [!Condition Here, !Condition Elsewhere]
"""
    assert evaluate(text, head) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("P: !GetAtt Made.Missing", "Requested attribute Missing does not exist for resource Made"),
        ("P: !FindInMap [Map, a, b]", "Unable to get mapping for Map::a::b"),
        ("P: !Select [3, [a]]", "nonexistent value at index 3"),
        ("P: !If [Unknown, 1, 2]", "Unresolved condition dependency Unknown"),
        ("P: !ImportValue x", "Fn::ImportValue is not supported"),
    ],
)
def test_a_function_that_gives_nothing_says_why(text: str, reason: str) -> None:
    with pytest.raises(TemplateError, match=reason.replace("[", r"\[")):
        evaluate(text)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({}, "Parameters: [Name] must have values"),
        ({"Name": "ab", "Other": "x"}, "Parameters: [Other] do not exist in the template"),
        ({"Name": "abcdef"}, "Parameter Name failed to satisfy constraint: must have length at most 5"),
        ({"Name": "-"}, "Parameter Name failed to satisfy constraint: must match pattern [a-z]+"),
        ({"Name": "ab", "Size": "huge"}, "Parameter 'Size' must be one of AllowedValues"),
        ({"Name": "ab", "Count": "many"}, "Parameter 'Count' must be a number"),
        ({"Name": "ab", "Count": "9"}, "Parameter 'Count' must be between its MinValue and MaxValue, not 9"),
    ],
)
def test_parameters_are_checked(given: dict[str, str], reason: str) -> None:
    template = Template.parse("""
Parameters:
  Name: {Type: String, AllowedPattern: "[a-z]+", MaxLength: 5}
  Size: {Type: String, Default: small, AllowedValues: [small, large]}
  Count: {Type: Number, Default: 1, MaxValue: 3}
Resources: {A: {Type: A}}
""")
    with pytest.raises(TemplateError) as refused:
        template.resolve_parameters(given)
    assert str(refused.value) == reason


def test_lists_of_parameters_are_split() -> None:
    head = "Parameters: {Subnets: {Type: CommaDelimitedList}}"
    assert evaluate("P: !Ref Subnets", head, {"Subnets": "a, b"}) == ["a", "b"]


def test_resources_come_after_those_that_they_need() -> None:
    template = Template.parse("""
Conditions: {Never: !Equals [a, b]}
Resources:
  A: {Type: A, Properties: {X: !Sub "${B.Arn}"}}
  B: {Type: A, Properties: {X: !If [Never, !Ref Skipped, !Ref C]}}
  Skipped: {Type: A, Condition: Never, Properties: {X: !Ref A}}
  C: {Type: A, DependsOn: D}
  D: {Type: A}
""")
    assert Evaluation(template, {}, PSEUDO).order() == ["D", "C", "B", "A"]


def test_a_circle_of_resources_is_refused() -> None:
    template = Template.parse("Resources: {A: {Type: A, Properties: {X: !Ref B}}, B: {Type: A, DependsOn: A}}")
    with pytest.raises(TemplateError, match="Circular dependency between resources: \\[A, B\\]"):
        Evaluation(template, {}, PSEUDO).order()


def test_sections_that_nothing_here_works_out_are_told() -> None:
    rest = "Resources: {A: {Type: A}}"
    assert Template.parse(f"Transform: AWS::Serverless-2016-10-31\nRules: {{}}\n{rest}").beyond == ["Transform"]
    assert Template.parse(f"Rules: {{R: {{Assertions: []}}}}\n{rest}").beyond == ["Rules"]
    assert Template.parse(rest).beyond == []


def test_yaml_aliases_are_refused_and_anchors_are_not() -> None:
    assert Template.parse("Resources: {A: &a {Type: A}}").resources == {"A": {"Type": "A"}}
    with pytest.raises(TemplateError, match="YAML aliases are not allowed"):
        Template.parse("Resources: {A: &a {Type: A}, B: *a}")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Resources: {A: {Type: [a]}}", "Every Resources member must have a Type"),
        ("Resources: {A: text}", "/Resources/A"),
        ("Resources: {A: {Type: A, Properties: [a]}}", "/Resources/A/Properties"),
        ("Resources: {A: {Type: A, DependsOn: {a: b}}}", "DependsOn must be a string or list of strings"),
        ("{Parameters: [a], Resources: {A: {Type: A}}}", "/Parameters"),
        ("{Parameters: {P: text}, Resources: {A: {Type: A}}}", "/Parameters/P"),
        ("{Outputs: {O: {}}, Resources: {A: {Type: A}}}", "/Outputs/O"),
        ("{Conditions: {C: text}, Resources: {A: {Type: A}}}", "/Conditions/C"),
        ("{Conditions: {C: {a: 1, b: 2}}, Resources: {A: {Type: A, Condition: C}}}", "a condition is one function"),
        ("{Conditions: {C: {Fn::And: C}}, Resources: {A: {Type: A, Condition: C}}}", "Fn::And takes 1 arguments"),
        ("{Conditions: {C: {Fn::Equals: [a]}}, Resources: {A: {Type: A, Condition: C}}}", "Fn::Equals takes 2"),
        ("Resources: {A: {Type: A, Condition: {a: b}}}", "Unresolved condition dependency"),
        ("Resources: {A: {Type: A, Properties: {P: !Sub {a: b}}}}", "not a text"),
        ("Resources: {A: {Type: A, Properties: {P: !Sub ['${a}', null]}}}", r"Unresolved resource dependencies \[a\]"),
        ("Resources: {A: {Type: A, Properties: {P: !GetAtt []}}}", "does not exist for resource"),
        ("Resources: {A: {Type: A, Properties: {P: !If [a]}}}", "Fn::If takes 3 arguments"),
        ("Resources: {A: {Type: A, Properties: {P: !Select [x, [a]]}}}", "nonexistent value at index x"),
        ("Resources: {A: {Type: A, Properties: {P: !Join ['', text]}}}", "has a list to join"),
        ("{Mappings: {M: {a: text}}, Resources: {A: {Type: A, Properties: {P: !FindInMap [M, a, b]}}}}", "M::a::b"),
    ],
)
def test_whatever_is_wrong_with_a_template_is_told_as_its_fault(text: str, reason: str) -> None:
    def work_out() -> None:
        template = Template.parse(text)
        evaluation = Evaluation(template, template.resolve_parameters({}), PSEUDO)
        for name in evaluation.order():
            evaluation.properties(name)

    with pytest.raises(TemplateError, match=reason):
        work_out()
