"""Code of Lambda functions: files beside the template, which are put into it when it is filled in.

In the template `ZipFile: functions/<name>.py` names the file, or `ZipFile: ../_parts/functions/<name>.py` one that
products share. So the code is seen by linters and tests, and what is published is one whole template, as
CloudFormation takes it.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml

from awsmodel.cloudformation.template import Template
from awsmodel.cloudformation.yaml_nodes import fields, line, text_of
from components.packaging.faults import Report
from components.packaging.yaml_source import read_text

FOLDER = "functions"
"""Folder of the code, beside the template."""
MAX_CODE_BYTES = 4_194_304
"""Most bytes that Lambda takes of code in a template."""

_FILE = re.compile(rf"(\.\./_parts/)?{FOLDER}/[\w-]+\.py")


def code_nodes(template: Template) -> Iterator[tuple[yaml.ScalarNode, str]]:
    """Places of the template that name a file of code, each with the file's path from the product's folder."""
    for body in template.section("Resources").values():
        resource = fields(body)
        if text_of(resource.get("Type")) == "AWS::Lambda::Function":
            node = fields(fields(resource.get("Properties")).get("Code")).get("ZipFile")
            if isinstance(node, yaml.ScalarNode) and _FILE.fullmatch(node.value):
                yield node, node.value


def read_functions(folder: Path, template: Template, report: Report) -> Mapping[str, str]:
    """Texts of the files that the template names, by their paths.

    Args:
        folder: the product's folder.
        template: its template.
        report: takes a file that is missing, cannot be read, is too long, or is named by no function.
    """
    found: dict[str, str] = {}
    for node, path in code_nodes(template):
        reasons: list[str] = []
        text = read_text(folder / path, lambda _, reason: reasons.append(reason))  # noqa: B023 - called at once
        size = len((text or "").encode())
        if not (folder / path).exists():
            reasons = ["is missing; the function's code stands there"]
        if size > MAX_CODE_BYTES:
            reasons.append(f"has {size:,} bytes; Lambda takes {MAX_CODE_BYTES:,} in a template")
        for reason in reasons:
            report(line(node), f"{path} {reason}")
        found[path] = text or ""
    for file in sorted((folder / FOLDER).glob("*.py")):
        path = f"{FOLDER}/{file.name}"
        if path not in found:
            report(0, f"no function has `ZipFile: {path}`; name the file there, or delete it")
    return found


def block(node: yaml.ScalarNode, code: str) -> str:
    """Code as a literal block in the place of a node, which stands behind its key on one line."""
    indent = " " * (node.start_mark.column - len("ZipFile: ") + 2)
    lines = (f"{indent}{text}" if text else "" for text in code.rstrip("\n").split("\n"))
    return "\n".join(["|", *lines])
