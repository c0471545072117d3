"""Stack sets as a deploy pipeline uses them: made, changed, widened and removed, with the two roles that AWS asks for.

The emulated AWS is one account, so what AWS does over accounts is played over regions.
"""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.conftest import REGION, Clients
from tests.sandbox.support.pipelines import ACCOUNT, Pipeline, action, allow, role, stage

OTHER = "eu-central-1"
EXECUTION = "StackSetExecution"
GROUP = {
    "Parameters": {"Name": {"Type": "String"}, "Days": {"Type": "String", "Default": "7"}},
    "Resources": {
        "Group": {
            "Type": "AWS::Logs::LogGroup",
            "Properties": {"LogGroupName": {"Ref": "Name"}, "RetentionInDays": {"Ref": "Days"}},
        }
    },
}
DEPLOYING = [
    allow(
        *("cloudformation:CreateStackInstances", "cloudformation:CreateStackSet", "cloudformation:DescribeStackSet"),
        *("cloudformation:DescribeStackSetOperation", "cloudformation:UpdateStackSet", "iam:PassRole"),
    ),
    allow("codecommit:*", "s3:*"),
]
LOGS = ("logs:CreateLogGroup", "logs:DeleteLogGroup", "logs:DescribeLogGroups", "logs:PutRetentionPolicy")


@pytest.fixture(scope="module")
def admin(aws: Clients) -> str:
    """The administration role, which the execution role trusts."""
    arn = role(aws, "StackSetAdmin", "cloudformation.amazonaws.com", [allow("sts:AssumeRole")])
    trust = {"Statement": [{"Effect": "Allow", "Principal": {"AWS": arn}, "Action": "sts:AssumeRole"}]}
    aws("iam").create_role(RoleName=EXECUTION, AssumeRolePolicyDocument=json.dumps(trust))
    grant(aws, *LOGS)
    return arn


def grant(aws: Clients, *actions: str) -> None:
    policy = {"Version": "2012-10-17", "Statement": [allow(*actions)]}
    aws("iam").put_role_policy(RoleName=EXECUTION, PolicyName="all", PolicyDocument=json.dumps(policy))


def pipeline(aws: Clients, admin: str, name: str, *, days: str = "7", **more: Any) -> Pipeline:
    """A pipeline that deploys a stack set, at the end of its first run."""
    parameters = {"Name": f"/{name}", "Days": days}
    configuration = {
        "StackSetName": name,
        "TemplatePath": "source::template.json",
        "Parameters": "source::parameters.json",
        "PermissionModel": "SELF_MANAGED",
        "AdministrationRoleArn": admin,
        "ExecutionRoleName": EXECUTION,
        "DeploymentTargets": more.get("accounts", ACCOUNT),
        "Regions": more.get("regions", REGION),
    }
    deploy = action("Deploy", "Deploy/CloudFormationStackSet", configuration, inputArtifacts=[{"name": "source"}])
    files = {
        "template.json": json.dumps(GROUP),
        "parameters.json": json.dumps(
            [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()]
        ),
    }
    made = Pipeline(aws, stage("Deploy", deploy), files=files, statements=more.get("statements", DEPLOYING))
    made.ended()
    return made


def outcome(made: Pipeline) -> tuple[str, str]:
    state = made.state("Deploy", "Deploy")
    return made.stages()["Deploy"], state.get("errorDetails", {}).get("message", "")


def retention(aws: Clients, region: str, name: str) -> list[int]:
    found = aws("logs", region).describe_log_groups(logGroupNamePrefix=f"/{name}")["logGroups"]
    return [group["retentionInDays"] for group in found]


def test_a_stack_set_is_made_changed_widened_and_removed(aws: Clients, admin: str) -> None:
    cloudformation, both = aws("cloudformation"), f"{REGION},{OTHER}"
    assert outcome(pipeline(aws, admin, "staging")) == ("Succeeded", "")
    assert (retention(aws, REGION, "staging"), retention(aws, OTHER, "staging")) == ([7], [])
    assert outcome(pipeline(aws, admin, "staging", days="30", regions=both)) == ("Succeeded", "")
    assert (retention(aws, REGION, "staging"), retention(aws, OTHER, "staging")) == ([30], [30])
    assert outcome(pipeline(aws, admin, "staging", days="30", regions=both)) == ("Succeeded", ""), "nothing to change"

    instances = cloudformation.list_stack_instances(StackSetName="staging")["Summaries"]
    assert {(one["Region"], one["Status"]) for one in instances} == {(REGION, "CURRENT"), (OTHER, "CURRENT")}
    (stack,) = aws("cloudformation", OTHER).describe_stacks()["Stacks"]
    assert stack["StackId"] in {one["StackId"] for one in instances}
    assert {"ParameterKey": "Days", "ParameterValue": "30"} in stack["Parameters"]

    with pytest.raises(ClientError, match="StackSetNotEmpty"):
        cloudformation.delete_stack_set(StackSetName="staging")
    cloudformation.delete_stack_instances(
        StackSetName="staging", Accounts=[ACCOUNT], Regions=[REGION, OTHER], RetainStacks=False
    )
    assert (retention(aws, REGION, "staging"), retention(aws, OTHER, "staging")) == ([], [])
    cloudformation.delete_stack_set(StackSetName="staging")
    with pytest.raises(ClientError, match="StackSetNotFound"):
        cloudformation.describe_stack_set(StackSetName="staging")


def test_after_the_first_stack_that_fails_none_is_touched(aws: Clients, admin: str) -> None:
    grant(aws, "logs:DescribeLogGroups")
    try:
        status, message = outcome(pipeline(aws, admin, "careful", regions=f"{REGION},{OTHER}"))
    finally:
        grant(aws, *LOGS)
    assert status == "Failed"
    assert f"{ACCOUNT}: Stack StackSet-careful-" in message
    assert "not authorized to perform: logs:CreateLogGroup" in message
    instances = aws("cloudformation").list_stack_instances(StackSetName="careful")["Summaries"]
    assert [(one["Region"], one["Status"]) for one in instances] == [(REGION, "OUTDATED"), (OTHER, "OUTDATED")]
    assert aws("cloudformation", OTHER).describe_stacks()["Stacks"] == []
    aws("cloudformation").delete_stack_instances(
        StackSetName="careful", Accounts=[ACCOUNT], Regions=[REGION, OTHER], RetainStacks=False
    )
    assert aws("cloudformation").list_stack_instances(StackSetName="careful")["Summaries"] == []


def test_the_roles_of_a_stack_set_must_be_there_and_be_allowed(aws: Clients, admin: str) -> None:
    elsewhere = "777788889999"
    status, message = outcome(pipeline(aws, admin, "elsewhere", accounts=elsewhere))
    assert (status, f"There is no role arn:aws:iam::{elsewhere}:role/{EXECUTION}" in message) == ("Failed", True)
    powerless = role(aws, "Powerless", "cloudformation.amazonaws.com", [allow(*LOGS)])
    status, message = outcome(pipeline(aws, powerless, "powerless"))
    assert (status, "Powerless is not authorized to perform: sts:AssumeRole" in message) == ("Failed", True)
    assert retention(aws, REGION, "powerless") == []


@pytest.mark.parametrize(
    "missing", ["cloudformation:CreateStackInstances", "cloudformation:CreateStackSet", "iam:PassRole"]
)
def test_a_pipelines_role_needs_each_right(aws: Clients, admin: str, missing: str) -> None:
    less = [{**one, "Action": [name for name in one["Action"] if name != missing]} for one in DEPLOYING]
    status, message = outcome(pipeline(aws, admin, f"less-{missing.rpartition(':')[2]}", statements=less))
    assert (status, f"is not authorized to perform: {missing}" in message) == ("Failed", True)
