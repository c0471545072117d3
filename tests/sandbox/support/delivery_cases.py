"""The cases of the resource types of deliveries."""

from typing import Any

from tests.sandbox.support.case import ACCOUNT, BUCKET, TAG_PATHS, Case, case, tags


def role(name: str) -> str:
    """Return the ARN of a role."""
    return f"arn:aws:iam::{ACCOUNT}:role/{name}"


def build_action(project: str, variables: str) -> dict[str, Any]:
    """Return an action that runs a build project."""
    return {
        "name": "Build",
        "category": "Build",
        "owner": "AWS",
        "provider": "CodeBuild",
        "version": "1",
        "inputArtifacts": ["source"],
        "namespace": "Build",
        "region": "eu-west-2",
        "configuration": {"ProjectName": project, "EnvironmentVariables": variables},
    }


def make_delivery_cases(key: str) -> dict[str, Case]:
    """Return the cases by type."""
    connection = f"arn:aws:codeconnections:eu-west-1:{ACCOUNT}:connection/4c2f"
    source = {
        "name": "Source",
        "category": "Source",
        "owner": "AWS",
        "provider": "CodeStarSourceConnection",
        "version": "1",
        "outputArtifacts": ["source"],
        "configuration": {"ConnectionArn": connection, "FullRepositoryId": "acme/platform", "BranchName": "main"},
    }
    window = {
        "name": "Window",
        "ruleTypeId": {"category": "Rule", "owner": "AWS", "provider": "DeploymentWindow", "version": "1"},
        "configuration": {"Cron": "* * 9-17 ? * MON-FRI *", "TimeZone": "UTC"},
    }
    approval: dict[str, Any] = {
        "name": "Approve",
        "category": "Approval",
        "owner": "AWS",
        "provider": "Manual",
        "version": "1",
    }
    approval |= {"runOrder": 2, "timeoutInMinutes": 60, "configuration": {"CustomData": "Deliver?"}}

    def stages(project: str, variables: str = "[]") -> list[dict[str, Any]]:
        retry = {"result": "RETRY", "retryConfiguration": {"retryMode": "FAILED_ACTIONS"}}
        entry = {"condition": {"result": "SKIP", "rules": [window]}}
        return [
            {"name": "Source", "actions": [source]},
            {"name": "Build", "actions": [build_action(project, variables)], "onFailure": retry},
            {"name": "Approve", "actions": [approval], "beforeEntry": entry},
        ]

    stores = [
        {"type": "S3", "location": BUCKET, "region": region, "encryptionKey": {"type": "KMS", "id": key}}
        for region in ("eu-west-1", "eu-west-2")
    ]
    push = {"branches": {"includes": ["main"]}, "filePaths": {"excludes": ["docs/**"]}}
    trigger = {
        "providerType": "CodeStarSourceConnection",
        "gitConfiguration": {"sourceActionName": "Source", "pushes": [push]},
    }
    variable = {"name": "Region", "value": "eu-west-1", "type": "PLAINTEXT"}
    machine = {"type": "ARM_CONTAINER", "computeType": "BUILD_GENERAL1_SMALL", "image": "image:1"}
    return {
        "aws:codepipeline/pipeline:Pipeline": case(
            {
                "name": "one",
                "pipelineType": "V2",
                "executionMode": "QUEUED",
                "roleArn": role("pipeline"),
                "artifactStores": stores,
                "stages": stages("one"),
                "triggers": [trigger],
                "variables": [{"name": "Target", "defaultValue": "dev", "description": "Where to"}],
                "tags": tags("a"),
            },
            {"executionMode": "SUPERSEDED", "stages": stages("two", '[{"name": "a"}]'), "tags": tags("b")},
            "executionMode",
            "stages[1].actions[0].configuration.ProjectName",
            "stages[1].actions[0].configuration.EnvironmentVariables",
            *TAG_PATHS,
        ),
        "aws:ssm/parameter:Parameter": case(
            {"name": "/one", "type": "String", "value": "none", "description": "one", "tags": tags("a")},
            {"value": "drift", "description": "two", "tags": tags("b")},
            "value",
            "description",
            *TAG_PATHS,
        ),
        "aws:codebuild/project:Project": case(
            {
                "name": "one",
                "description": "one",
                "serviceRole": role("sample"),
                "source": {"type": "CODEPIPELINE", "buildspec": "one.yml"},
                "artifacts": {"type": "CODEPIPELINE"},
                "environment": {**machine, "environmentVariables": [variable]},
                "buildTimeout": 30,
                "encryptionKey": key,
                "logsConfig": {"cloudwatchLogs": {"status": "ENABLED", "groupName": "/one"}},
                "vpcConfig": {"vpcId": "vpc-1", "subnets": ["subnet-1"], "securityGroupIds": ["sg-1"]},
                "tags": tags("a"),
            },
            {
                "buildTimeout": 60,
                "environment": {**machine, "environmentVariables": [{**variable, "value": "eu-west-2"}]},
                "source": {"type": "CODEPIPELINE", "buildspec": "two.yml"},
                "tags": tags("b"),
            },
            "buildTimeout",
            "environment.environmentVariables[0].value",
            "source.buildspec",
            *TAG_PATHS,
        ),
    }
