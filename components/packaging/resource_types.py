"""The resource types that CloudFormation knows, with what identifies a resource and the attributes that it has.

`resource_types.txt` has a line for each: the type, the properties that identify a resource in an account and region
(`-` where AWS gives the identity), and the attributes of `Fn::GetAtt`. It comes from the registry's schemas, as the
pinned cfn-lint ships them: `make resource-types` renews it, and a test holds it against them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

from awsmodel.cloudformation.name_limits import name_rules

FILE = Path(__file__).with_suffix(".txt")
"""What is known of every type."""

_NAMED_ALONE = frozenset(
    {
        "AWS::CloudFormation::StackSet",
        *("AWS::CodeBuild::Project", "AWS::CodeBuild::ReportGroup", "AWS::CodeCommit::Repository"),
        *("AWS::CodeConnections::Connection", "AWS::CodeStarNotifications::NotificationRule"),
        *("AWS::EC2::SecurityGroup", "AWS::Events::Rule", "AWS::IAM::ManagedPolicy", "AWS::Lambda::LayerVersion"),
        *("AWS::SNS::Topic", "AWS::SQS::Queue", "AWS::SageMaker::CodeRepository"),
        *("AWS::SageMaker::DataQualityJobDefinition", "AWS::SageMaker::Endpoint", "AWS::SageMaker::EndpointConfig"),
        *("AWS::SageMaker::Image", "AWS::SageMaker::InferenceComponent", "AWS::SageMaker::Model"),
        *("AWS::SageMaker::ModelBiasJobDefinition", "AWS::SageMaker::ModelExplainabilityJobDefinition"),
        *("AWS::SageMaker::ModelPackageGroup", "AWS::SageMaker::ModelQualityJobDefinition"),
        *("AWS::SageMaker::MonitoringSchedule", "AWS::SageMaker::NotebookInstance"),
        *("AWS::SageMaker::NotebookInstanceLifecycleConfig", "AWS::SageMaker::Project"),
        *("AWS::SecretsManager::Secret", "AWS::StepFunctions::StateMachine"),
    }
)
"""Types that AWS identifies by an ARN or an id, and whose names are unique in an account and region all the same."""


@dataclass(frozen=True)
class ResourceType:
    """A resource type, as templates depend on it."""

    identity: Sequence[str]
    """Properties that together are unique in account and region; none where AWS gives the identity."""
    attributes: Sequence[str]
    """Attributes of `Fn::GetAtt`; `*` stands for anything."""

    def has(self, attribute: str) -> bool:
        """Whether `Fn::GetAtt` can ask for the attribute."""
        return any(fnmatchcase(attribute, known) for known in self.attributes)


@cache
def _text() -> str:
    return "\n" + FILE.read_text(encoding="utf-8")


def type_names() -> Sequence[str]:
    """Names of all types, in their order."""
    return [line.partition(" ")[0] for line in _text().splitlines()[1:]]


@cache
def resource_type(name: str) -> ResourceType | None:
    """A type by its name; none where it is not known."""
    if name.startswith("Custom::"):
        name = "AWS::CloudFormation::CustomResource"
    # A template has few types of the many: looking for each is faster than reading them all.
    start = _text().find(f"\n{name} ") + 1
    if not start:
        return None
    _, identity, *attributes = _text()[start : _text().index("\n", start)].split()
    own_name = list(name_rules(name))[:1] if name in _NAMED_ALONE else []
    return ResourceType(own_name if identity == "-" else identity.split(","), attributes)
