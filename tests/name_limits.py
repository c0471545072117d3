"""Writes down what AWS takes as names of resources: `python -m tests.name_limits`.

The rules are those of the registry's schemas, as the installed cfn-lint ships them, and of botocore's service models,
where both know a name: both hold. A number stands where neither knows what AWS documents.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from botocore.loaders import Loader
from cfnlint.helpers import REGIONS
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

from awsmodel.cloudformation.name_limits import FILE

_POLICIES = {"Policies.*.PolicyName": "iam:policyNameType"}
_CODE_PIPELINE = "Stages.*.Actions.*.Configuration"
_NAMES: Mapping[str, Mapping[str, str | int | None]] = {
    "AWS::ApplicationAutoScaling::ScalingPolicy": {"PolicyName": None},
    "AWS::CloudFormation::StackSet": {"StackSetName": 128},
    "AWS::CloudWatch::Alarm": {"AlarmName": "cloudwatch:AlarmName"},
    "AWS::CloudWatch::Dashboard": {"DashboardName": 255},
    "AWS::CodeBuild::Project": {"Name": "codebuild:ProjectName"},
    "AWS::CodeBuild::ReportGroup": {"Name": "codebuild:ReportGroupName"},
    "AWS::CodeCommit::Repository": {"RepositoryName": "codecommit:RepositoryName"},
    "AWS::CodeConnections::Connection": {"ConnectionName": None},
    "AWS::CodePipeline::Pipeline": {
        "Name": "codepipeline:PipelineName",
        "Stages.*.Name": "codepipeline:StageName",
        "Stages.*.Actions.*.Name": "codepipeline:ActionName",
        f"{_CODE_PIPELINE}.StackName": 128,
        f"{_CODE_PIPELINE}.ChangeSetName": "cloudformation:ChangeSetName",
        f"{_CODE_PIPELINE}.StackSetName": 128,
    },
    "AWS::CodeStarNotifications::NotificationRule": {"Name": None},
    "AWS::DynamoDB::Table": {"TableName": "dynamodb:TableName"},
    "AWS::EC2::SecurityGroup": {"GroupName": 255},
    "AWS::ECR::Repository": {"RepositoryName": None},
    "AWS::Events::EventBus": {"Name": None},
    "AWS::Events::Rule": {"Name": None, "Targets.*.Id": None},
    "AWS::Glue::Job": {"Name": None},
    "AWS::IAM::Group": {"GroupName": None, **_POLICIES},
    "AWS::IAM::InstanceProfile": {"InstanceProfileName": None},
    "AWS::IAM::ManagedPolicy": {"ManagedPolicyName": "iam:policyNameType"},
    "AWS::IAM::Policy": {"PolicyName": None},
    "AWS::IAM::Role": {"RoleName": "iam:roleNameType", **_POLICIES},
    "AWS::IAM::User": {"UserName": None, **_POLICIES},
    "AWS::KMS::Alias": {"AliasName": None},
    "AWS::KinesisFirehose::DeliveryStream": {"DeliveryStreamName": "firehose:DeliveryStreamName"},
    "AWS::Lambda::Function": {"FunctionName": 64},
    "AWS::Lambda::LayerVersion": {"LayerName": None},
    "AWS::Logs::LogGroup": {"LogGroupName": None},
    "AWS::Logs::MetricFilter": {"FilterName": None},
    "AWS::Pipes::Pipe": {"Name": None},
    "AWS::S3::Bucket": {"BucketName": None},
    "AWS::SNS::Topic": {"TopicName": None, "DisplayName": 100},
    "AWS::SQS::Queue": {"QueueName": 80},
    # With the ARN's beginning, which counts, it has 2048.
    "AWS::SSM::Parameter": {"Name": 1011},
    "AWS::SageMaker::CodeRepository": {"CodeRepositoryName": None},
    "AWS::SageMaker::DataQualityJobDefinition": {"JobDefinitionName": None},
    "AWS::SageMaker::Endpoint": {"EndpointName": "sagemaker:EndpointName"},
    "AWS::SageMaker::EndpointConfig": {"EndpointConfigName": "sagemaker:EndpointConfigName"},
    "AWS::SageMaker::ModelBiasJobDefinition": {"JobDefinitionName": None},
    "AWS::SageMaker::ModelExplainabilityJobDefinition": {"JobDefinitionName": None},
    "AWS::SageMaker::ModelQualityJobDefinition": {"JobDefinitionName": None},
    "AWS::SageMaker::NotebookInstance": {"NotebookInstanceName": "sagemaker:NotebookInstanceName"},
    "AWS::SageMaker::Pipeline": {"PipelineName": None, "PipelineDisplayName": None},
    "AWS::SecretsManager::Secret": {"Name": None},
    "AWS::StepFunctions::StateMachine": {"StateMachineName": None},
}
"""By type: the paths of names that no rule finds, or that botocore's shape, or a number, says more of. The first one is
the resource's own."""


def described() -> str:
    """The file as it is by the cfn-lint and botocore that are installed."""
    regions = {
        name: region
        for region in (*sorted(REGIONS), "us-east-1")
        for name in PROVIDER_SCHEMA_MANAGER.get_resource_types(region)
    }
    return "".join(f"{line}\n" for name, region in sorted(regions.items()) for line in _lines(name, region))


def _lines(name: str, region: str) -> Iterator[str]:
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema(region, name).schema
    for path, more in _names(name, schema).items():
        declared = _at(schema, schema, path.split("."))
        found = [declared, _shape(more)]
        most = [length for one in found if isinstance(length := one.get("maxLength", one.get("max")), int)]
        patterns = dict.fromkeys(one["pattern"] for one in found if "pattern" in one)
        if most or patterns:
            yield "\t".join([f"{name} {path} {min(most) if most else '-'}", *patterns])


def _names(name: str, schema: Mapping[str, Any]) -> Mapping[str, str | int | None]:
    if name in _NAMES:
        return _NAMES[name]
    given = schema.get("readOnlyProperties", ())
    own = (f"{name.rpartition('::')[2]}Name", "Name")
    paths: Sequence[str] = [path for path in own if path in schema.get("properties", {})][:1]
    return {path: None for path in paths if f"/properties/{path}" not in given}


def _shape(more: str | int | None) -> Mapping[str, Any]:
    if not isinstance(more, str):
        return {} if more is None else {"max": more}
    service, shape = more.split(":")
    found: Mapping[str, Any] = Loader().load_service_model(service, "service-2")["shapes"][shape]
    return found


def _at(schema: Mapping[str, Any], node: Mapping[str, Any], path: Sequence[str]) -> Mapping[str, Any]:
    """What a schema says of a path; nothing where it does not go as far."""
    if "$ref" in node:
        referred: Any = schema
        for part in node["$ref"].removeprefix("#/").split("/"):
            referred = referred[part]
        node = {**node, **referred}
    if not path:
        return node
    inner = node.get("items") if path[0] == "*" else node.get("properties", {}).get(path[0])
    return _at(schema, inner, path[1:]) if isinstance(inner, dict) else {}


if __name__ == "__main__":
    FILE.write_text(described(), encoding="utf-8")
