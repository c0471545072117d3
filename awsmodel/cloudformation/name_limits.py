"""AWS's rules for the names that a template gives: most characters and forms, by resource type and path.

`name_limits.txt` has a line for each name: the type, the path (`*` stands for every element of a list), the most
characters (`-` where AWS says nothing), and after tabs the forms that it must have, all of them, as Java's regular
expressions. The first line of a type is the resource's own name. It comes from the registry's schemas and botocore's
service models: `make name-limits` renews it, and a test holds it against them.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from awsmodel.cloudformation.java_patterns import java_pattern

FILE = Path(__file__).with_suffix(".txt")
"""What is known of every name."""


@dataclass(frozen=True)
class NameRule:
    """What AWS takes as one name."""

    most: int | None
    """Most characters; none where AWS says nothing."""
    forms: Sequence[str]
    """Java's regular expressions that the whole name must match."""

    def wrong_form(self, name: str) -> str | None:
        """A form that the name has not got; one that nobody here can judge is taken for met."""
        for form in self.forms:
            pattern = java_pattern(form)
            if pattern is not None and pattern.fullmatch(name) is None:
                return form
        return None


@cache
def _text() -> str:
    return "\n" + FILE.read_text(encoding="utf-8")


@cache
def name_rules(kind: str) -> Mapping[str, NameRule]:
    """The rules of the names of a type, by path; the resource's own comes first. None of what has no name."""
    # A template has few types of the many: looking for each is faster than reading them all.
    lines = re.findall(rf"\n{re.escape(kind)} (\S+) (\S+)(.*)", _text())
    return {
        path: NameRule(None if most == "-" else int(most), tuple(forms.split("\t")[1:])) for path, most, forms in lines
    }


NAMED_BY_REF = frozenset(
    {
        "AWS::CloudWatch::Alarm",
        "AWS::CloudWatch::Dashboard",
        "AWS::CodeBuild::Project",
        "AWS::CodePipeline::Pipeline",
        "AWS::DynamoDB::Table",
        "AWS::ECR::Repository",
        "AWS::Events::EventBus",
        "AWS::Events::Rule",
        "AWS::Glue::Job",
        "AWS::IAM::Group",
        "AWS::IAM::InstanceProfile",
        "AWS::IAM::Role",
        "AWS::IAM::User",
        "AWS::KMS::Alias",
        "AWS::KinesisFirehose::DeliveryStream",
        "AWS::Lambda::Function",
        "AWS::Logs::LogGroup",
        "AWS::Pipes::Pipe",
        "AWS::S3::Bucket",
        "AWS::SSM::Parameter",
        "AWS::SageMaker::FeatureGroup",
        "AWS::SageMaker::Pipeline",
        "AWS::Scheduler::Schedule",
        "AWS::Scheduler::ScheduleGroup",
    }
)
"""Types whose `Ref` is the name; of the others it is an ARN or an id."""
