"""Emulated stacks: made, changed, rolled back and removed as in AWS."""

import itertools
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.conftest import REPOSITORY, Client, Clients
from tests.sandbox.support.catalog import trust
from tests.sandbox.support.refusals import refusal

_numbers = itertools.count()
LAMBDA_TRUST = trust("lambda.amazonaws.com")

# A function for custom resources: it answers with what it was asked, and fails when it is told to.
FUNCTION = """
import os, boto3, cfnresponse
def handler(event, context):
    properties = event["ResourceProperties"]
    boto3.client("ssm").put_parameter(
        Name=properties["Log"], Value=event["RequestType"], Type="String", Overwrite=True
    )
    status = cfnresponse.FAILED if properties.get("Fail") == event["RequestType"] else cfnresponse.SUCCESS
    if properties.get("Silent") != "true":
        cfnresponse.send(event, context, status, {"Said": properties["Word"]}, "one", reason="told to fail")
"""


class Stack:
    """One stack and its template, in the form of Python."""

    def __init__(self, aws: Clients, resources: dict[str, Any]) -> None:
        self.aws = aws
        self.client: Client = aws("cloudformation")
        self.name = f"stack-{next(_numbers)}"
        self.id: str = self.client.create_stack(StackName=self.name, TemplateBody=text(resources))["StackId"]

    @property
    def described(self) -> dict[str, Any]:
        (found,) = self.client.describe_stacks(StackName=self.id)["Stacks"]
        described: dict[str, Any] = found
        return described

    @property
    def status(self) -> str:
        return str(self.described["StackStatus"])

    @property
    def resources(self) -> list[str]:
        found = self.client.list_stack_resources(StackName=self.id)["StackResourceSummaries"]
        return [one["LogicalResourceId"] for one in found]

    def update(self, resources: dict[str, Any], **more: str) -> None:
        self.client.update_stack(StackName=self.name, TemplateBody=text(resources), **more)

    def delete(self) -> None:
        self.client.delete_stack(StackName=self.id)

    def events(self, status: str) -> list[str]:
        found = self.client.describe_stack_events(StackName=self.id)["StackEvents"]
        return [one["LogicalResourceId"] for one in reversed(found) if one["ResourceStatus"] == status]


def text(resources: dict[str, Any]) -> str:
    return json.dumps({"Resources": resources})


def group(name: object, days: int = 7, **more: object) -> dict[str, Any]:
    return {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": name, "RetentionInDays": days}, **more}


def groups(aws: Clients, prefix: str) -> dict[str, int]:
    found = aws("logs").describe_log_groups(logGroupNamePrefix=prefix)["logGroups"]
    return {one["logGroupName"]: one["retentionInDays"] for one in found}


# Making it fails: the role that it names is not there.
BROKEN = {
    "Type": "AWS::CodeBuild::Project",
    "Properties": {
        "ServiceRole": "arn:aws:iam::999999999999:role/elsewhere",
        "Source": {"Type": "CODEPIPELINE"},
        "Artifacts": {"Type": "CODEPIPELINE"},
        "Environment": {"Type": "LINUX_CONTAINER", "ComputeType": "BUILD_GENERAL1_SMALL", "Image": "x"},
    },
}


def test_a_template_is_valid_when_a_stack_could_begin_with_it(aws: Clients) -> None:
    client, dangling = aws("cloudformation"), text({"Group": group({"Ref": "Missing"})})
    client.validate_template(TemplateBody=text({"Group": group("valid/a")}))
    refused = refusal(lambda: client.validate_template(TemplateBody=dangling))
    assert "Unresolved resource dependencies [Missing]" in refused[1]
    assert refused == refusal(lambda: client.create_stack(StackName="dangling", TemplateBody=dangling))


def test_a_failed_create_leaves_nothing_and_says_why(aws: Clients) -> None:
    stack = Stack(aws, {"First": group("rollback/a"), "Broken": {**BROKEN, "DependsOn": "First"}})

    described = stack.described
    assert described["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "[Broken]" in described["StackStatusReason"]
    assert "Service role account ID does not match caller's account" in described["StackStatusReason"]
    assert (groups(aws, "rollback/"), stack.resources) == ({}, [])
    with pytest.raises(ClientError, match="ROLLBACK_COMPLETE state and can not be updated"):
        stack.update({"First": group("rollback/a")})


def test_a_failed_update_goes_back_to_what_was(aws: Clients) -> None:
    old = {"Changed": group("back/changed", 7), "Removed": group("back/removed")}
    stack = Stack(aws, old)

    stack.update(
        {
            "Changed": group("back/changed", 30),
            "Added": group("back/added"),
            "Broken": {**BROKEN, "DependsOn": ["Changed", "Added"]},
        }
    )

    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    assert groups(aws, "back/") == {"back/changed": 7, "back/removed": 7}
    assert sorted(stack.resources) == ["Changed", "Removed"]
    assert json.loads(json.dumps(stack.client.get_template(StackName=stack.name)["TemplateBody"])) == json.loads(
        text(old)
    )
    stack.update({"Changed": group("back/changed", 14)})
    assert groups(aws, "back/") == {"back/changed": 14}
    stack.delete()
    assert groups(aws, "back/") == {}


def test_an_update_changes_adds_replaces_and_removes(aws: Clients) -> None:
    stack = Stack(aws, {"Kept": group("up/kept"), "Renamed": group("up/old"), "Removed": group("up/removed")})

    stack.update({"Kept": group("up/kept"), "Renamed": group("up/new"), "Added": group("up/added", 1)})

    assert stack.status == "UPDATE_COMPLETE"
    assert groups(aws, "up/") == {"up/added": 1, "up/kept": 7, "up/new": 7}
    assert stack.events("UPDATE_COMPLETE") == [stack.name]


def test_an_update_that_changes_nothing_is_refused(aws: Clients) -> None:
    stack = Stack(aws, {"Group": group("same/a")})
    with pytest.raises(ClientError, match="No updates are to be performed"):
        stack.update({"Group": group("same/a")})


def test_a_resource_with_a_name_of_its_own_cannot_be_replaced_under_that_name(aws: Clients) -> None:
    def config(count: int) -> dict[str, Any]:
        variant = {"VariantName": "a", "ModelName": "m", "InitialInstanceCount": count, "InstanceType": "ml.m5.large"}
        properties = {"EndpointConfigName": "own-name", "ProductionVariants": [{**variant, "InitialVariantWeight": 1}]}
        return {"Type": "AWS::SageMaker::EndpointConfig", "Properties": properties}

    aws("sagemaker").create_model(ModelName="m", ExecutionRoleArn="arn:aws:iam::123456789012:role/model-role-name")
    stack = Stack(aws, {"Config": config(1)})
    assert stack.status == "CREATE_COMPLETE", stack.described

    stack.update({"Config": config(2)})
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    assert "custom-named resource requires replacing" in stack.described["StackStatusReason"]


def test_retained_resources_stay_after_the_stack(aws: Clients) -> None:
    stack = Stack(
        aws,
        {
            "Kept": group("retain/kept", DeletionPolicy="Retain"),
            "KeptOnceMade": group("retain/made", DeletionPolicy="RetainExceptOnCreate"),
            "Gone": group("retain/gone"),
        },
    )
    stack.delete()

    assert stack.status == "DELETE_COMPLETE"
    assert sorted(groups(aws, "retain/")) == ["retain/kept", "retain/made"]
    assert sorted(stack.events("DELETE_SKIPPED")) == ["Kept", "KeptOnceMade"]


def test_only_a_plain_retain_outlives_a_failed_create(aws: Clients) -> None:
    Stack(
        aws,
        {
            "Kept": group("failed/kept", DeletionPolicy="Retain"),
            "Gone": group("failed/gone", DeletionPolicy="RetainExceptOnCreate"),
            "Broken": {**BROKEN, "DependsOn": ["Kept", "Gone"]},
        },
    )
    assert list(groups(aws, "failed/")) == ["failed/kept"]


def test_a_deletion_that_fails_can_be_repeated(aws: Clients) -> None:
    stack = Stack(aws, {"Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "full-of-objects"}}})
    aws("s3").put_object(Bucket="full-of-objects", Key="a", Body=b"1")

    stack.delete()
    assert stack.status == "DELETE_FAILED"
    assert "[Bucket]" in stack.described["StackStatusReason"]

    aws("s3").delete_object(Bucket="full-of-objects", Key="a")
    stack.delete()
    assert stack.status == "DELETE_COMPLETE"


def test_the_role_of_a_stack_must_trust_cloudformation(aws: Clients) -> None:
    aws("iam").create_role(RoleName="not-for-stacks", AssumeRolePolicyDocument=LAMBDA_TRUST)
    with pytest.raises(ClientError, match="is invalid or cannot be assumed"):
        aws("cloudformation").create_stack(
            StackName="with-role",
            TemplateBody=text({"Group": group("role/a")}),
            RoleARN="arn:aws:iam::123456789012:role/not-for-stacks",
        )


@pytest.mark.parametrize(
    ("resources", "reason"),
    [
        ({"A": {"Type": "AWS::Nothing::Known"}}, "the sandbox does not know the resource types [AWS::Nothing::Known]"),
        ({"A": {"Type": "AWS::SNS::Topic", "Properties": {"X": {"Ref": "B"}}}}, "Unresolved resource dependencies [B]"),
    ],
)
def test_a_template_that_is_refused_makes_no_stack(aws: Clients, resources: dict[str, Any], reason: str) -> None:
    with pytest.raises(ClientError) as refused:
        Stack(aws, resources)
    assert reason in refused.value.response["Error"]["Message"]


@pytest.mark.parametrize(
    ("kind", "properties", "fault"),
    [
        (
            "AWS::S3::Bucket",
            {"BucketName": "Churn-data"},
            "#/BucketName: failed validation constraint for keyword [pattern]",
        ),
        ("AWS::S3::Bucket", {"BucketName": "a" * 64}, "#/BucketName: expected maxLength: 63, actual: 64"),
        ("AWS::CodeBuild::Project", {"Name": "a" * 151}, "#/Name: expected maxLength: 150, actual: 151"),
        ("AWS::CodeCommit::Repository", {"RepositoryName": "platform.git"}, "#/RepositoryName: failed validation"),
        ("AWS::IAM::Role", {"Policies": [{"PolicyName": "a b"}]}, "#/Policies.*.PolicyName: failed validation"),
    ],
)
def test_a_name_that_aws_does_not_take_fails_the_stack(
    aws: Clients, kind: str, properties: dict[str, Any], fault: str
) -> None:
    described = Stack(aws, {"Named": {"Type": kind, "Properties": properties}}).described
    assert described["StackStatus"] == "ROLLBACK_COMPLETE"
    assert f"Properties validation failed for resource Named with message:\n{fault}" in described["StackStatusReason"]


def test_a_parameter_is_read_from_systems_manager(aws: Clients) -> None:
    ssm, client = aws("ssm"), aws("cloudformation")
    ssm.put_parameter(Name="/names/group", Value="stored/a", Type="String")
    ssm.put_parameter(Name="days", Value="7,14", Type="StringList")
    ssm.put_parameter(Name="secret", Value="x", Type="SecureString")

    def template(kind: str, value: object) -> str:
        group = {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": value}}
        parameter = {"Type": f"AWS::SSM::Parameter::Value<{kind}>"}
        return json.dumps({"Parameters": {"P": parameter}, "Resources": {"Group": group}})

    def make(name: str, kind: str, given: str, value: object) -> dict[str, Any]:
        client.create_stack(
            StackName=name,
            TemplateBody=template(kind, value),
            Parameters=[{"ParameterKey": "P", "ParameterValue": given}],
        )
        (stack,) = client.describe_stacks(StackName=name)["Stacks"]
        found: dict[str, Any] = stack
        return found

    assert make("stored-one", "String", "/names/group", {"Ref": "P"})["StackStatus"] == "CREATE_COMPLETE"
    second = {"Fn::Join": ["/", ["stored", {"Fn::Select": [1, {"Ref": "P"}]}]]}
    assert make("stored-list", "List<String>", "days", second)["StackStatus"] == "CREATE_COMPLETE"
    found = aws("logs").describe_log_groups(logGroupNamePrefix="stored/")["logGroups"]
    assert [one["logGroupName"] for one in found] == ["stored/14", "stored/a"]
    with pytest.raises(ClientError, match=r"Unable to fetch parameters \[/nobody/has\] from parameter store"):
        make("stored-none", "String", "/nobody/has", "x")
    with pytest.raises(ClientError, match=r"Parameters \[secret\] referenced by template have types not supported"):
        make("stored-secret", "String", "secret", "x")


def test_what_cannot_be_worked_out_fails_the_stack(aws: Clients) -> None:
    stack = Stack(aws, {"A": group("out/a") | {"Properties": {"LogGroupName": {"Fn::ImportValue": "x"}}}})
    assert (stack.status, stack.described["StackStatusReason"].rpartition(". ")[2]) == (
        "ROLLBACK_COMPLETE",
        "the sandbox does not know the function Fn::ImportValue",
    )
    client = aws("cloudformation")
    outputs = {"O": {"Value": {"Fn::GetAtt": ["A", "Colour"]}}}
    client.create_stack(
        StackName="output", TemplateBody=json.dumps({"Resources": {"A": group("out/b")}, "Outputs": outputs})
    )
    (described,) = client.describe_stacks(StackName="output")["Stacks"]
    assert (described["StackStatus"], described["StackStatusReason"]) == (
        "ROLLBACK_COMPLETE",
        "Requested attribute Colour does not exist for resource A",
    )
    assert groups(aws, "out/") == {}


@pytest.mark.parametrize(
    "template",
    [
        "Resources: {A: &a {Type: AWS::SNS::Topic}, B: *a}",
        "Resources: {A: {Type: [AWS::SNS::Topic]}}",
        "Resources: {A: {Type: AWS::SNS::Topic, Properties: [a]}}",
        "Resources: {A: {Type: AWS::SNS::Topic, Condition: {a: b}}}",
        "Resources: {A: {Type: AWS::SNS::Topic, DependsOn: {a: b}}}",
        "{Parameters: [a], Resources: {A: {Type: AWS::SNS::Topic}}}",
        "{Parameters: {P: text}, Resources: {A: {Type: AWS::SNS::Topic}}}",
        "{Conditions: {C: text}, Resources: {A: {Type: AWS::SNS::Topic, Condition: C}}}",
        "{Mappings: [a], Resources: {A: {Type: AWS::SNS::Topic, Properties: {TopicName: !FindInMap [a, b, c]}}}}",
        "{Outputs: [a], Resources: {A: {Type: AWS::SNS::Topic}}}",
        "Resources: {A: {Type: AWS::SNS::Topic, Properties: {TopicName: !Sub {a: b}}}}",
        "Resources: {A: {Type: AWS::SNS::Topic, Properties: {TopicName: !Select [x, [a]]}}}",
        "Resources: {A: {Type: AWS::SNS::Topic, Properties: {TopicName: !GetAtt []}}}",
        "Resources: {A: {Type: AWS::Kinesis::Stream, Properties: {ShardCount: many}}}",
    ],
)
def test_no_template_brings_the_emulator_down(aws: Clients, template: str) -> None:
    client, name = aws("cloudformation"), f"hostile-{next(_numbers)}"
    try:
        client.create_stack(StackName=name, TemplateBody=template)
    except ClientError as refused:
        assert refused.response["ResponseMetadata"]["HTTPStatusCode"] == 400  # noqa: PT017 - it may be taken, too
    else:
        assert client.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"] == "ROLLBACK_COMPLETE"


def test_an_unknown_property_is_named(aws: Clients) -> None:
    broken = group("unknown/a")
    broken["Properties"]["Colour"] = "red"
    reason = Stack(aws, {"Group": broken}).described["StackStatusReason"]
    assert "Encountered unsupported property Colour" in reason


def test_types_that_moto_makes_work_beside_the_others(aws: Clients) -> None:
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "made-by-moto"}}
    outer = {**group("moto/a"), "DependsOn": "Topic"}
    stack = Stack(aws, {"Topic": topic, "Group": outer})

    assert stack.status == "CREATE_COMPLETE"
    assert [one["TopicArn"].split(":")[-1] for one in aws("sns").list_topics()["Topics"]] == ["made-by-moto"]
    stack.delete()
    assert aws("sns").list_topics()["Topics"] == []


def custom(word: str, **more: object) -> dict[str, Any]:
    properties = {"ServiceToken": {"Fn::GetAtt": ["Function", "Arn"]}, "Word": word, "Log": "/custom/last", **more}
    return {
        "Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {"AssumeRolePolicyDocument": json.loads(LAMBDA_TRUST), "Policies": []},
        },
        "Function": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "Role": {"Fn::GetAtt": ["Role", "Arn"]},
                "Runtime": "python3.13",
                "Handler": "index.handler",
                "Timeout": 30,
                "Code": {"ZipFile": FUNCTION},
            },
        },
        "Custom": {"Type": "Custom::Word", "Properties": properties},
        "Group": group("custom/PLACE") | {"Properties": {"LogGroupName": {"Fn::GetAtt": ["Custom", "Said"]}}},
    }


def last_request(aws: Clients) -> str:
    return str(aws("ssm").get_parameter(Name="/custom/last")["Parameter"]["Value"])


def test_a_custom_resource_is_made_changed_and_removed_by_its_function(aws: Clients) -> None:
    stack = Stack(aws, custom("custom-a"))
    assert stack.status == "CREATE_COMPLETE", stack.described
    assert last_request(aws) == "Create"
    assert len(aws("logs").describe_log_groups(logGroupNamePrefix="custom-a")["logGroups"]) == 1

    stack.update(custom("custom-b"))
    assert (stack.status, last_request(aws)) == ("UPDATE_COMPLETE", "Update")
    assert len(aws("logs").describe_log_groups(logGroupNamePrefix="custom-b")["logGroups"]) == 1

    stack.delete()
    assert (stack.status, last_request(aws)) == ("DELETE_COMPLETE", "Delete")
    assert aws("lambda").list_functions()["Functions"] == []


def test_a_custom_resource_that_fails_fails_the_stack(aws: Clients) -> None:
    stack = Stack(aws, custom("custom-c", Fail="Create"))
    assert stack.status == "ROLLBACK_COMPLETE"
    assert "Message returned: told to fail" in stack.described["StackStatusReason"]


def test_a_function_that_does_not_answer_fails_the_stack(aws: Clients) -> None:
    stack = Stack(aws, custom("custom-d", Silent="true"))
    assert stack.status == "ROLLBACK_COMPLETE"
    assert "The function answered nothing to CloudFormation" in stack.described["StackStatusReason"]


def test_a_function_tells_its_error(aws: Clients) -> None:
    stack = Stack(aws, custom("custom-e"))
    name = aws("lambda").list_functions()["Functions"][0]["FunctionName"]
    answer = aws("lambda").invoke(FunctionName=name, Payload=b"{}")

    assert answer["FunctionError"]
    assert json.loads(answer["Payload"].read()) == {"errorMessage": "'ResourceProperties'", "errorType": "KeyError"}
    stack.delete()


def test_the_endpoint_of_the_deploy_product_is_made_changed_and_removed(aws: Clients) -> None:
    sagemaker, cloudformation = aws("sagemaker"), aws("cloudformation")
    template = (REPOSITORY / "seed_code/model-deploy/repository/endpoint.yaml").read_text()
    sagemaker.create_model_package_group(ModelPackageGroupName="sagemaker-fraud")
    package = sagemaker.create_model_package(
        ModelPackageGroupName="sagemaker-fraud",
        InferenceSpecification={
            "Containers": [{"Image": "image", "ModelDataUrl": "s3://bucket/model"}],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
    )["ModelPackageArn"]
    numbers = {
        "InstanceCount": "1",
        "MaxInstanceCount": "3",
        "InvocationsPerInstance": "100",
        "UpdateStepPercent": "10",
        "UpdateWaitSeconds": "60",
        "ErrorAlarmThreshold": "1",
        "ClientErrorAlarmPercent": "50",
        "LatencyAlarmMicroseconds": "1000",
        "DataCapturePercent": "10",
    }
    names = {
        "ModelPackageArn": package,
        "EndpointName": "sagemaker-p-1-staging",
        "StageName": "staging",
        "InstanceType": "ml.m5.large",
        "UpdateStrategy": "CANARY",
        "ModelRoleName": "model",
        "DataCaptureUri": "s3://bucket/capture",
    }
    empty = [
        *("KmsKeyArn", "VolumeKmsKeyArn", "SubnetIds", "SecurityGroupIds", "AlarmTopicArn"),
        *("MonitoringDefinition", "MonitoringSchedule", "RetrainPipelineName"),
    ]
    wanted = [one["ParameterKey"] for one in cloudformation.get_template_summary(TemplateBody=template)["Parameters"]]

    def parameters(**changes: str) -> list[dict[str, str]]:
        given = {**dict.fromkeys(wanted, "x"), **numbers, **names, **dict.fromkeys(empty, ""), **changes}
        return [{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()]

    cloudformation.create_stack(StackName="endpoint", TemplateBody=template, Parameters=parameters())
    (stack,) = cloudformation.describe_stacks(StackName="endpoint")["Stacks"]
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack
    first = sagemaker.describe_endpoint(EndpointName="sagemaker-p-1-staging")["EndpointConfigName"]

    change = parameters(InstanceCount="2", LatencyAlarmMicroseconds="0")
    cloudformation.update_stack(StackName="endpoint", TemplateBody=template, Parameters=change)
    second = sagemaker.describe_endpoint(EndpointName="sagemaker-p-1-staging")["EndpointConfigName"]
    configs = [one["EndpointConfigName"] for one in sagemaker.list_endpoint_configs()["EndpointConfigs"]]
    assert first != second
    assert (second in configs, first in configs) == (True, False)
    alarms = [one["AlarmName"] for one in aws("cloudwatch").describe_alarms()["MetricAlarms"]]
    assert sorted(alarms) == ["sagemaker-p-1-staging-client-errors", "sagemaker-p-1-staging-errors"]

    cloudformation.delete_stack(StackName="endpoint")
    assert sagemaker.list_endpoints()["Endpoints"] == []
    assert aws("cloudwatch").describe_alarms()["MetricAlarms"] == []
