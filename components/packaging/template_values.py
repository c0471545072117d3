"""Values of a template that a service refuses though CloudFormation takes them: tags, and what git would not take."""

from collections.abc import Mapping, Sequence

import yaml

from awsmodel.cloudformation.functions import nodes_at, plain
from awsmodel.cloudformation.template import Template
from awsmodel.cloudformation.yaml_nodes import fields, items, line
from components.core.git_names import branch_fault
from components.packaging.exceptions import Exceptions, or_else
from components.packaging.faults import Report

_CONFIGURATION = "Stages.*.Actions.*.Configuration"
_BRANCHES: Mapping[str, Sequence[str]] = {
    "AWS::CodeCommit::Repository": ["Code.BranchName"],
    "AWS::CodePipeline::Pipeline": [f"{_CONFIGURATION}.BranchName", f"{_CONFIGURATION}.Branch"],
    "AWS::SageMaker::CodeRepository": ["GitConfig.Branch"],
}


def check_values(template: Template, report: Report, exceptions: Exceptions) -> None:
    """Report every branch that git refuses, and tags of one name.

    Tags of one name can be meant, because some services tell `Owner` from `owner`: `tags Topic.Tags`.
    """
    for logical_id, resource in template.section("Resources").items():
        kind = plain(fields(resource).get("Type")) or ""
        properties = fields(resource).get("Properties")
        for path in _BRANCHES.get(kind, ()):
            for node in nodes_at(properties, path.split(".")):
                if (branch := plain(node)) is not None and (reason := branch_fault(branch)) is not None:
                    report(line(node), f"{logical_id}: {path}: {branch!r}: {reason}")
        _check_tags(logical_id, fields(properties).get("Tags"), report, exceptions)


def _check_tags(logical_id: str, tags: yaml.Node | None, report: Report, exceptions: Exceptions) -> None:
    first: dict[str, str] = {}
    keys = [fields(tag).get("Key") for tag in items(tags)] or [
        key for key, _ in (tags.value if isinstance(tags, yaml.MappingNode) else [])
    ]
    for node in keys:
        key = plain(node)
        if node is None or key is None or (other := first.setdefault(key.lower(), key)) == key:
            continue
        subject = f"tags {logical_id}.Tags"
        if not exceptions.excuse(subject):
            reason = f"{logical_id}: tag {key!r} differs from {other!r} in case only, and IAM takes the two for one"
            report(line(node), f"{reason}; keep one of them {or_else(subject)}")
