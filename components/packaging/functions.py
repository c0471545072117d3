"""Code of Lambda functions: files beside the template, which are put into it when it is filled in.

In the template `ZipFile: functions/<name>.py` names the file: the product's own, or else that of the product on which
its repository is built; `ZipFile: ../_parts/functions/<name>.py` names one that products share. What several functions
have in common is a module of `seed_code/_parts/functions`, whose text takes the place of the line
`from <module> import ...`. So the code is seen by linters and tests, and what is published is one whole template, as
CloudFormation takes it.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml

from awsmodel.cloudformation.template import Template
from awsmodel.cloudformation.yaml_nodes import fields, line, text_of
from components.packaging.faults import Report
from components.packaging.whole_template import PARTS
from components.packaging.yaml_source import read_text

FOLDER = "functions"
"""Folder of the code, beside the template."""
MAX_CODE_BYTES = 4_194_304
"""Most bytes that Lambda takes of code in a template."""

_FILE = re.compile(rf"(\.\./{PARTS}/)?{FOLDER}/[\w-]+\.py")
_IMPORT = re.compile(r"^from (\w+) import .+\n", re.MULTILINE)


def code_nodes(template: Template) -> Iterator[tuple[yaml.ScalarNode, str]]:
    """Places of the template that name a file of code, each with the file's path from the product's folder."""
    for body in template.section("Resources").values():
        resource = fields(body)
        if text_of(resource.get("Type")) == "AWS::Lambda::Function":
            node = fields(fields(resource.get("Properties")).get("Code")).get("ZipFile")
            if isinstance(node, yaml.ScalarNode) and _FILE.fullmatch(node.value):
                yield node, node.value


def read_functions(folder: Path, template: Template, report: Report, base: Path | None = None) -> Mapping[str, str]:
    """Texts of the files that the template names, by their paths.

    Args:
        folder: the product's folder.
        template: its template.
        report: takes a file that is missing, cannot be read, is too long, or is named by no function.
        base: folder of the product on which its repository is built.
    """
    found: dict[str, str] = {}
    for node, path in code_nodes(template):
        reasons: list[str] = []
        file = folder / path
        if base is not None and not file.exists() and (base / path).exists():
            file = base / path
        text = read_text(file, lambda _, reason: reasons.append(reason))  # noqa: B023 - called at once
        text = _whole(text or "", folder.parent / PARTS / FOLDER, reasons)
        size = len(text.encode())
        if not file.exists():
            reasons = ["is missing; the function's code stands there"]
        if size > MAX_CODE_BYTES:
            reasons.append(f"has {size:,} bytes; Lambda takes {MAX_CODE_BYTES:,} in a template")
        for reason in reasons:
            report(line(node), f"{path} {reason}")
        found[path] = text
    for file in sorted((folder / FOLDER).glob("*.py")):
        path = f"{FOLDER}/{file.name}"
        if path not in found:
            report(0, f"no function has `ZipFile: {path}`; name the file there, or delete it")
    return found


def _whole(text: str, shared: Path, reasons: list[str]) -> str:
    """Code with the modules that it shares with others, each in the place where it is imported."""

    def module(found: re.Match[str]) -> str:
        file = shared / f"{found[1]}.py"
        if not file.exists():
            return found[0]
        told = f"imports {PARTS}/{FOLDER}/{file.name}, which"
        return f"\n{read_text(file, lambda _, reason: reasons.append(f'{told} {reason}')) or ''}\n"

    return _IMPORT.sub(module, text)


def block(node: yaml.ScalarNode, code: str) -> str:
    """Code as a literal block in the place of a node, which stands behind its key on one line."""
    indent = " " * (node.start_mark.column - len("ZipFile: ") + 2)
    lines = (f"{indent}{text}" if text else "" for text in code.rstrip("\n").split("\n"))
    return "\n".join(["|", *lines])
