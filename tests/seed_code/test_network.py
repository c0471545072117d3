"""What a project runs in a VPC: all of it, with rights in the environment's subnets and groups and nowhere else."""

import re
from typing import Any

import pytest

from awsmodel.cloudformation.evaluation import Evaluation
from components.core.network import Network
from components.packaging.called_services import EVERY_PROJECT, STACK_SETS
from tests.seed_code.product_templates import REQUIRED, ProductTemplate, shipped
from tests.support.access import decision

NETWORK = Network(
    vpc_id="vpc-0a1b2c3d", subnet_ids=("subnet-0a1b2c3d", "subnet-1a2b3c4d"), security_group_ids=("sg-0a1b2c3d",)
)
NOWHERE = dict.fromkeys(NETWORK.values, "")
PSEUDO = {"AWS::Region": "eu-west-1", "AWS::Partition": "aws", "AWS::AccountId": "111122223333"}
ARNS = "arn:aws:ec2:eu-west-1"
INTERFACE = f"{ARNS}:111122223333:network-interface/eni-1"
ENDPOINT_OF_CLIENT = {
    "stepfunctions": "states",
    "cloudwatch": "monitoring",
    "mwaa-serverless": "airflow-serverless",
    "sagemaker": "sagemaker.api",
    "sagemaker-runtime": "sagemaker.runtime",
}
"""Where a service's endpoint is named otherwise than boto3's client."""

NOT_NEEDED = {"ecr", "sns"}
"""What goes on without an answer: an image keeps its tag, and CloudFormation alone tells what is kept of a project."""

OUTSIDE = {"FirstPushFunction", "FirstPushProject"}
"""What runs nothing of the project's, and calls what has no endpoint in a VPC: the git of a connection."""

FUNCTIONS = {"CleanUpRole": "CleanUpFunction", "ConfirmRole": "ConfirmFunction"}
"""By role, the function that it is for."""

OWN_SUBNET = {"ec2:SubnetID": "subnet-1a2b3c4d"}
IN_OWN_SUBNET, IN_FOREIGN_SUBNET = (
    {"ec2:Subnet": f"{ARNS}:444455556666:subnet/{ident}"} for ident in ("subnet-1a2b3c4d", "subnet-9")
)


def evaluation(template: ProductTemplate, network: dict[str, str]) -> Evaluation:
    parsed = template.parsed
    parameters = {"SageMakerProjectName": "fraud", "SageMakerProjectId": "p-1", **REQUIRED.get(template.product, {})}
    environment = {**parsed.mappings["Environment"], "Network": network}
    return Evaluation(parsed, parsed.resolve_parameters(parameters), PSEUDO, {"Environment": environment})


def rights(template: ProductTemplate, network: dict[str, str]) -> dict[str, list[dict[str, Any]]]:
    """The statements about the network, by the role's logical name."""
    evaluated = evaluation(template, network)
    found: dict[str, list[dict[str, Any]]] = {}
    for name, resource in evaluated.template.resources.items():
        for policy in resource.get("Properties", {}).get("Policies", ()):
            if "Fn::If" in policy and (given := evaluated.value(policy)):
                found[name] = given["PolicyDocument"]["Statement"]
    return found


def test_a_product_says_which_services_its_code_calls(template: ProductTemplate) -> None:
    """So that a preview can tell which endpoints a VPC lacks."""
    product = shipped(template.product)
    files = [file.content.decode() for file in product.files if re.fullmatch(r"(?!tests/).*\.py", file.path)]
    sources = [*files, *(path.read_text() for path in (template.repository.parent / "functions").glob("*.py"))]
    clients = {name for text in [*sources, template.text] for name in re.findall(r"\.client\(\s*\"([\w-]+)\"", text)}
    assert "sagemaker" in clients
    buildspecs = [file.content.decode() for file in product.files if file.path.startswith("buildspec")]
    clients |= {name for text in buildspecs for name in re.findall(r"^ +- aws ([\w-]+)", text, re.MULTILINE)}
    called = {ENDPOINT_OF_CLIENT.get(client, client) for client in clients}
    assert called - set(EVERY_PROJECT) - set(STACK_SETS) - NOT_NEEDED == set(product.endpoints)


def test_builds_and_functions_run_in_the_vpc(template: ProductTemplate) -> None:
    inside, outside = evaluation(template, dict(NETWORK.values)), evaluation(template, NOWHERE)
    builds, functions = template.of_type("AWS::CodeBuild::Project"), template.of_type("AWS::Lambda::Function")
    assert builds
    assert functions
    for name in {*builds, *functions} - OUTSIDE:
        config = inside.template.resources[name]["Properties"]["VpcConfig"]
        found = inside.value(config)
        assert found.pop("Subnets" if name in builds else "SubnetIds") == list(NETWORK.subnet_ids), name
        assert found.pop("SecurityGroupIds") == list(NETWORK.security_group_ids), name
        assert found == ({"VpcId": NETWORK.vpc_id} if name in builds else {}), name
        assert outside.value(config) is None, name


def test_without_a_network_no_role_has_a_right_in_ec2(template: ProductTemplate) -> None:
    assert rights(template, NOWHERE) == {}
    unconditional = [
        statement
        for resource in template.parsed.resources.values()
        for policy in resource.get("Properties", {}).get("Policies", ())
        if "Fn::If" not in policy
        for statement in policy["PolicyDocument"]["Statement"]
    ]
    assert unconditional
    assert "ec2:" not in str(unconditional)


def test_the_roles_of_what_runs_there_have_rights_there(template: ProductTemplate) -> None:
    own = {
        "batch-inference": {"ModelRole"},
        "model-build-airflow": {"JobRole", "WorkflowRole"},
        "model-deploy": {"ConfirmRole", "ModelRole", "MonitorRole"},
    }.get(template.product, {"JobRole"})
    assert set(rights(template, dict(NETWORK.values))) == {"BuildRole", "CheckRole", "CleanUpRole", *own}


@pytest.mark.parametrize(
    ("action", "resource", "keys", "expected"),
    [
        ("CreateNetworkInterface", INTERFACE, {}, "allow"),
        ("CreateNetworkInterface", INTERFACE.replace("eu-west-1", "eu-west-2"), {}, "none"),
        ("CreateNetworkInterface", f"{ARNS}:444455556666:subnet/subnet-1a2b3c4d", OWN_SUBNET, "allow"),
        ("CreateNetworkInterface", f"{ARNS}:111122223333:subnet/subnet-9", {"ec2:SubnetID": "subnet-9"}, "none"),
        (
            "CreateNetworkInterface",
            f"{ARNS}:111122223333:security-group/sg-0a1b2c3d",
            {"ec2:SecurityGroupID": "sg-0a1b2c3d"},
            "allow",
        ),
        (
            "CreateNetworkInterface",
            f"{ARNS}:111122223333:security-group/sg-9",
            {"ec2:SecurityGroupID": "sg-9"},
            "none",
        ),
        ("DeleteNetworkInterface", INTERFACE, IN_FOREIGN_SUBNET, "allow"),
        ("DeleteNetworkInterface", INTERFACE.replace("111122223333", "444455556666"), {}, "none"),
        ("DescribeSubnets", "*", {}, "allow"),
        ("RunInstances", f"{ARNS}:111122223333:instance/*", {}, "none"),
        ("AttachNetworkInterface", INTERFACE, IN_OWN_SUBNET, "none"),
    ],
)
def test_interfaces_are_made_in_the_environments_subnets_and_groups_alone(
    template: ProductTemplate, action: str, resource: str, keys: dict[str, str], expected: str
) -> None:
    for role, statements in rights(template, dict(NETWORK.values)).items():
        assert decision(statements, "role", f"ec2:{action}", resource, keys) == expected, role


def test_an_interface_is_lent_in_the_environments_subnets_and_by_builds_to_codebuild_alone(
    template: ProductTemplate,
) -> None:
    to_codebuild, to_another = ({"ec2:AuthorizedService": f"{name}.amazonaws.com"} for name in ("codebuild", "lambda"))
    for role, statements in rights(template, dict(NETWORK.values)).items():

        def lent(keys: dict[str, str], statements: list[dict[str, Any]] = statements) -> bool:
            return decision(statements, "role", "ec2:CreateNetworkInterfacePermission", INTERFACE, keys) == "allow"

        if role in FUNCTIONS:
            assert not lent({**to_codebuild, **IN_OWN_SUBNET}), "Lambda lends none"
            continue
        assert lent({**to_codebuild, **IN_OWN_SUBNET}), role
        assert not lent({**to_codebuild, **IN_FOREIGN_SUBNET}), role
        assert lent({**to_another, **IN_OWN_SUBNET}) is (role not in ("BuildRole", "CheckRole")), role


def test_the_code_of_a_function_has_none_of_its_rights_on_interfaces(template: ProductTemplate) -> None:
    """Lambda asks without the key, the function's own calls carry it."""
    functions = template.of_type("AWS::Lambda::Function")
    assert functions.keys() - OUTSIDE <= set(FUNCTIONS.values())
    for role, statements in rights(template, dict(NETWORK.values)).items():
        if role not in FUNCTIONS:
            continue
        name = evaluation(template, NOWHERE).value(template_name(template, FUNCTIONS[role]))
        by_code = {"lambda:SourceFunctionArn": f"arn:aws:lambda:eu-west-1:111122223333:function:{name}"}
        for statement in statements:
            for action in _listed(statement["Action"]):
                assert decision(statements, "role", action, INTERFACE, by_code) == "deny", action


def template_name(template: ProductTemplate, function: str) -> Any:
    return template.parsed.resources[function]["Properties"]["FunctionName"]


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value
