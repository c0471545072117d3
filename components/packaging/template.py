"""`template.yaml`: its parts, AWS's limits, and the values that the publisher fills in."""

import re
from collections.abc import Iterable, Iterator, Mapping

import yaml

from awsmodel.cloudformation.template import Template
from awsmodel.cloudformation.yaml_nodes import TEXT, fields, key_line, line, quoted, text_of
from components.core.faults import nearest
from components.packaging.aws_accounts import aws_accounts
from components.packaging.exceptions import Exceptions, or_else
from components.packaging.faults import Report
from components.packaging.yaml_source import parse

ENVIRONMENT = "Environment"
"""Name of the mapping whose values depend on the environment."""
ENVIRONMENT_VALUES: Mapping[str, Mapping[str, str]] = {
    "Names": {
        "Project": "First part of every physical name of the environment.",
        "Environment": "Second part of every physical name of the environment.",
    },
    "Seed": {
        "Bucket": "Bucket with the zip of `repository/`, in the region of the launch.",
        "Key": "Key of the zip.",
    },
    "Source": {
        "ConnectionArn": "Connection to the Git provider of projects that name a repository; empty where there is none."
    },
    "Encryption": {"KmsKeyArn": "Customer key for what projects make; empty for AWS's own keys."},
    "Roles": {
        "PermissionsBoundary": "Name of the policy that bounds each role of a project; empty where they share roles.",
        "CodePipeline": "Role of pipelines, where projects share roles; else empty, and the project makes its own.",
        "CodeBuild": "The same for builds.",
        "Events": "The same for rules of EventBridge.",
        "CloudFormation": "The same for stacks that a project deploys.",
        "SageMaker": "The same for pipelines, jobs and models of SageMaker.",
        "Lambda": "The same for functions.",
    },
    "Network": {
        "VpcId": "VPC in which builds, functions and jobs run; empty for outside any VPC.",
        "SubnetIds": "Its subnets, with commas between them.",
        "SecurityGroupIds": "Its security groups, with commas between them.",
    },
    "Notifications": {"TopicArn": "Topic that projects tell; empty where there is none."},
}
"""All that a template can ask of its environment: values of that mapping by their two keys, with their meaning."""
REQUIRED_PARAMETERS = ("SageMakerProjectName", "SageMakerProjectId")
"""Parameters that SageMaker fills in when it makes a project; without them the launch fails."""

MAX_BODY_BYTES = 1_048_576
"""Most bytes that CloudFormation takes of a template in S3."""
# CloudFormation's quotas that cannot be raised.
_MAX_ENTRIES: Mapping[str, int] = {"Resources": 500, "Parameters": 200, "Outputs": 200, "Mappings": 200}
_MAX_MAPPING_KEYS = 200
_MAX_DESCRIPTION_BYTES = 1024

# The last group of a UUID has twelve digits, too, and so has a moment from its year to its minute.
_ACCOUNT_ID = re.compile(
    r"(?<![0-9A-Za-z])(?<!-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-)"
    r"(?!(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])(?:[01][0-9]|2[0-3])[0-5][0-9](?<!:[0-9]{12}))"
    r"[0-9]{12}(?![0-9A-Za-z])"
)
_TWELVE_DIGITS = re.compile("[0-9]{12}")
_ARN = re.compile(r"\barn:(aws[a-z-]*):")


def environment_nodes(template: Template) -> Mapping[str, Mapping[str, yaml.Node]]:
    """Values of the environment mapping as they stand in the text, by its two keys."""
    return {key: fields(values) for key, values in fields(template.section("Mappings").get(ENVIRONMENT)).items()}


def committed_environment(template: Template) -> Mapping[str, Mapping[str, str]]:
    """Values of the environment mapping as they are committed, by its two keys."""
    return {
        key: {name: text_of(node) or "" for name, node in values.items()}
        for key, values in environment_nodes(template).items()
    }


def filled(
    template: Template, environment: Mapping[str, Mapping[str, str]], others: Iterable[tuple[yaml.Node, str]] = ()
) -> str:
    """The text with these values in the environment mapping, which must declare exactly these keys.

    Everything else, comments and order included, stays as it is written.

    Args:
        template: the template.
        environment: values of the mapping, by its two keys.
        others: other scalars, each with the YAML that takes its place.
    """
    values = (
        (node, quoted(environment[key][name]))
        for key, nodes in environment_nodes(template).items()
        for name, node in nodes.items()
        if environment[key][name] != text_of(node)
    )
    pieces, done = [], 0
    for node, written in sorted([*values, *others], key=lambda one: one[0].start_mark.index):
        pieces += [template.text[done : node.start_mark.index], written]
        done = node.end_mark.index
    return "".join([*pieces, template.text[done:]])


def read_template(text: str, report: Report, exceptions: Exceptions | None = None) -> Template | None:
    """The template, or None where it is not YAML; every other fault is reported.

    Accounts (`account 111122223333`) and partitions (`partition aws`) can be meant as they are.
    """
    _check_size(text, report)
    _check_literals(text, report, exceptions or Exceptions())
    root = parse(text, report)
    if root is None:
        return None
    template = Template(text, root)
    _check_entries(template, report)
    _check_parameters(template, report)
    _check_environment(template, report)
    return template


def environment_faults(template: Template, given: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    """Keys that are given but not declared, and keys that are declared but not given."""
    declared = {f"{key}.{name}" for key, values in environment_nodes(template).items() for name in values}
    offered = {f"{key}.{name}" for key, values in given.items() for name in values}
    for path in sorted(offered - declared):
        yield f"a value is given for {path}, which Mappings.{ENVIRONMENT} lacks{nearest(path, sorted(declared))}"
    for path in sorted(declared - offered):
        yield f"no value is given for {path} of Mappings.{ENVIRONMENT}{nearest(path, sorted(offered))}"


def _check_size(text: str, report: Report) -> None:
    size = len(text.encode())
    if size > MAX_BODY_BYTES:
        report(0, f"has {size:,} bytes; CloudFormation takes {MAX_BODY_BYTES:,}: {size - MAX_BODY_BYTES:,} too many")


def _check_literals(text: str, report: Report, exceptions: Exceptions) -> None:
    if "arn:aws" not in text and _TWELVE_DIGITS.search(text) is None:
        return
    for number, content in enumerate(text.splitlines(), 1):
        for account in dict.fromkeys(_ACCOUNT_ID.findall(content)):
            if account not in aws_accounts() and not exceptions.excuse(f"account {account}"):
                advice = f"use ${{AWS::AccountId}} or a parameter {or_else(f'account {account}')}"
                report(number, f"{account} looks like an account id; {advice}")
        for partition in dict.fromkeys(_ARN.findall(content)):
            if not exceptions.excuse(f"partition {partition}"):
                advice = f"write arn:${{AWS::Partition}}: {or_else(f'partition {partition}')}"
                report(number, f"'arn:{partition}:' holds in one partition only; {advice}")


def _check_entries(template: Template, report: Report) -> None:
    top = fields(template.root)
    if not template.section("Resources"):
        report(key_line(template.root, "Resources"), "Resources: is missing or empty")
    for name, limit in _MAX_ENTRIES.items():
        count = len(template.section(name))
        if count > limit:
            report(key_line(template.root, name), f"{name}: has {count} entries; CloudFormation takes {limit}")
    for name, mapping in template.section("Mappings").items():
        count = len(fields(mapping))
        if count > _MAX_MAPPING_KEYS:
            report(
                key_line(top["Mappings"], name),
                f"Mappings.{name}: has {count} keys; CloudFormation takes {_MAX_MAPPING_KEYS}",
            )
    size = len((text_of(top.get("Description")) or "").encode())
    if size > _MAX_DESCRIPTION_BYTES:
        report(key_line(template.root, "Description"), f"Description: has {size:,} bytes; CloudFormation takes 1,024")


def _check_parameters(template: Template, report: Report) -> None:
    declared = template.section("Parameters")
    others = [name for name in declared if name not in REQUIRED_PARAMETERS]
    for name in REQUIRED_PARAMETERS:
        if name not in declared:
            report(0, f"Parameters: has no {name}, which SageMaker fills in{nearest(name, others)}")


def _check_environment(template: Template, report: Report) -> None:
    mapping = template.section("Mappings").get(ENVIRONMENT)
    if mapping is None:
        return
    for key, values in fields(mapping).items():
        path = f"Mappings.{ENVIRONMENT}.{key}"
        if key not in ENVIRONMENT_VALUES:
            known = list(ENVIRONMENT_VALUES)
            report(
                key_line(mapping, key),
                f"{path}: no environment has it{nearest(key, known)} (allowed: {', '.join(known)})",
            )
            continue
        if not fields(values):
            report(line(values), f"{path}: must hold names with texts")
        for name, node in fields(values).items():
            if name not in ENVIRONMENT_VALUES[key]:
                known = list(ENVIRONMENT_VALUES[key])
                reason = f"no environment has it{nearest(name, known)} (allowed: {', '.join(known)})"
                report(key_line(values, name), f"{path}.{name}: {reason}")
            # A block scalar's end takes its line end with it, and an empty scalar has no place of its own.
            if not isinstance(node, yaml.ScalarNode) or node.tag != TEXT or node.style in ("|", ">"):
                report(line(node), f'{path}.{name}: must be a text on one line; write "" where it has no value yet')
