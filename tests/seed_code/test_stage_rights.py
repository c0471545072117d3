"""Whether the role that deploys a stage's stack may make, change and remove all that endpoint.yaml can hold."""

import importlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from awsmodel.cloudformation.template import Template
from awsmodel.iam.evaluation import Request, Statement, allowed
from awsmodel.regions import known_regions
from components.core.naming import Names
from components.core.network import Network
from components.iam.role_documents import RoleFacts, project_boundary, use_roles
from components.packaging import read_product
from components.sections.catalog import CatalogSpec
from components.sections.iam import CreatedUseRoles, IamSpec, UseRole
from tests.seed_code.product_templates import product_template
from tools.launch_permissions.needs import Environment, Launch
from tools.launch_permissions.resource_rights import LaunchScope

TEMPLATE = product_template("model-deploy")
PRODUCT = read_product(TEMPLATE.repository.parent)
REGION, ACCOUNT = known_regions()["eu-west-1"], "111122223333"
STAGE = Template.parse((TEMPLATE.repository / "endpoint.yaml").read_text(encoding="utf-8"))
SCOPE = LaunchScope(region=REGION, account_id=ACCOUNT)
KEY = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/11111111-2222-3333-4444-555555555555"
TOPIC = f"arn:aws:sns:eu-west-1:{ACCOUNT}:approvals"
PACKAGE = f"arn:aws:sagemaker:eu-west-1:{ACCOUNT}:model-package/sagemaker-fraud/1"
OWN_ROLES = (
    f"arn:aws:iam::{ACCOUNT}:role/sagemaker-p-abcdefghijkl-deploy-sagemaker",
    f"arn:aws:iam::{ACCOUNT}:role/sagemaker-p-abcdefghijkl-deploy-monitoring",
    f"arn:aws:iam::{ACCOUNT}:role/sagemaker-p-abcdefghijkl-deploy-events",
)
"""The model's, the monitoring's, and that of the rules."""
OWN = {
    "SageMakerProjectName": ["fraud-deploy"],
    "SageMakerProjectId": ["p-abcdefghijkl"],
    "MonitoringSchedule": ["rate(1 day)"],
}
ROLES = {"staging": "StagingStackRole", "prod": "StackRole"}
FACTS = RoleFacts(
    names=Names("sm-mlops", "dev"),
    home=REGION,
    account_id=ACCOUNT,
    iam=IamSpec(use=CreatedUseRoles(mode="create")),
    catalog=CatalogSpec(products=("model-deploy",), project_key_arns={REGION.name: KEY}),
)
EVERY_KIND = {
    "ErrorAlarmThreshold": ["0", "5"],
    "ClientErrorAlarmPercent": ["0", "50"],
    "LatencyAlarmMicroseconds": ["0", "1000000"],
    "DataCapturePercent": ["0", "10"],
    "MaxInstanceCount": ["0", "4"],
    "UpdateStrategy": ["ALL_AT_ONCE", "CANARY", "LINEAR"],
    "MonitoringDefinition": ["", "{}"],
    "MonitoringSchedule": ["rate(1 day)"],
    "RetrainPipelineName": ["", "sagemaker-p-1-train"],
}
"""What a stage's configuration can ask for."""


@pytest.fixture(params=["staging", "prod"])
def stage(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def needs(
    stage: str, given: tuple[str, str, str], key: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[str, Request]]:
    """What CloudFormation asks of the role, for every stack that the build can have it make: by resource."""
    model_role, monitoring_role, events_role = given
    monkeypatch.syspath_prepend(str(TEMPLATE.repository))
    module: Any = importlib.import_module("model_deploy.environment")
    environment = module.Environment.load(
        {
            "SAGEMAKER_PROJECT_NAME": OWN["SageMakerProjectName"][0],
            "SAGEMAKER_PROJECT_ID": OWN["SageMakerProjectId"][0],
            "PLATFORM": "sm-mlops",
            "ENVIRONMENT": "dev",
            "AWS_ACCOUNT_ID": ACCOUNT,
            "AWS_REGION": "eu-west-1",
            "ARTIFACT_BUCKET": f"sagemaker-p-abcdefghijkl-deploy-{ACCOUNT}",
            "KMS_KEY_ARN": key,
            "SAGEMAKER_ROLE_ARN": model_role,
            "MODEL_PACKAGE_GROUP_NAME": "sagemaker-fraud",
            "SUBNET_IDS": "subnet-0a1b2c3d",
            "SECURITY_GROUP_IDS": "sg-0a1b2c3d",
            "NOTIFICATION_TOPIC_ARN": TOPIC,
            "MONITORING_SCHEDULE": "rate(1 day)",
        }
    )
    files = {stage: TEMPLATE.repository / "config" / f"{stage}.toml"}
    config = importlib.import_module("model_deploy.stage_config").load_stages(files)[stage]
    rendered = importlib.import_module("model_deploy.render").parameters(environment, stage, config, PACKAGE)
    parameters = {name: [value] for name, value in rendered.items()} | EVERY_KIND
    parameters |= {"MonitoringRoleArn": [monitoring_role], "EventsRoleArn": [events_role]}
    launch = Launch(PRODUCT, SCOPE, {}, file="repository/endpoint.yaml", parameters=parameters)
    assert parameters.keys() == launch.template.parameters.keys()
    for need in launch.resource_needs():
        yield f"{need.logical_id} {need.operation}", need.request


def shared_roles() -> tuple[str, str, str]:
    shared = FACTS.use_role_arns
    return shared[UseRole.SAGEMAKER], shared[UseRole.SAGEMAKER], shared[UseRole.EVENTS]


def refused(asked: Iterator[tuple[str, Request]], policy: Sequence[Statement]) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = {}
    for who, request in asked:
        if not allowed(policy, request) and str(request) not in found.setdefault(who, []):
            found[who].append(str(request))
    return {who: requests for who, requests in found.items() if requests}


def environment(key: str) -> Environment:
    roles = {f"Roles.{role}": [""] for role in UseRole}
    return {
        **roles,
        "Encryption.KmsKeyArn": [key],
        "Notifications.TopicArn": [TOPIC],
        "Network.VpcId": ["vpc-0a1b2c3d"],
    }


@pytest.mark.parametrize("key", ["", KEY], ids=["no-key", "key"])
def test_a_projects_own_role_may_deploy_each_stage(stage: str, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    project = Launch(PRODUCT, SCOPE, environment(key), parameters=OWN)
    policy = project.role_statements(ROLES[stage])
    asked = list(needs(stage, OWN_ROLES, key, monkeypatch))
    assert {who.split()[0] for who, _ in asked} == set(STAGE.resources)
    assert refused(iter(asked), policy) == {}
    assert refused(iter(asked), project_boundary(FACTS)) == {}


@pytest.mark.parametrize("key", ["", KEY], ids=["no-key", "key"])
def test_the_environments_role_may_deploy_each_stage(stage: str, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (role,) = [role for role in use_roles(FACTS) if role.key == "use.CloudFormation"]
    asked = needs(stage, shared_roles(), key, monkeypatch)
    assert refused(asked, role.statements) == {}


@pytest.mark.parametrize(("subnet", "lacking"), [("subnet-0a1b2c3d", set()), ("subnet-9a1b2c3d", {"Model create"})])
def test_a_stage_stays_in_the_network(
    stage: str, subnet: str, lacking: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever writes the repository writes endpoint.yaml, too: only roles can hold its models to the subnets."""
    network = Network(
        vpc_id="vpc-0a1b2c3d", subnet_ids=(subnet, "subnet-1a2b3c4d"), security_group_ids=("sg-0a1b2c3d",)
    )
    inside = replace(FACTS, networks={REGION.name: network})
    (role,) = [role for role in use_roles(inside) if role.key == "use.CloudFormation"]
    asked = list(needs(stage, shared_roles(), KEY, monkeypatch))
    assert refused(iter(asked), role.statements).keys() == lacking
    asked = list(needs(stage, OWN_ROLES, KEY, monkeypatch))
    assert refused(iter(asked), project_boundary(inside)).keys() == lacking


def test_the_role_of_another_project_may_not(stage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    other = {**OWN, "SageMakerProjectName": ["other-deploy"], "SageMakerProjectId": ["p-other"]}
    policy = Launch(PRODUCT, SCOPE, environment(KEY), parameters=other).role_statements(ROLES[stage])
    assert_changes_nothing(refused(needs(stage, OWN_ROLES, KEY, monkeypatch), policy))


def test_the_role_of_the_other_stage_may_not(stage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Staging's stack is what whoever pushes says; nobody is asked before it is deployed."""
    (other,) = ROLES.keys() - {stage}
    policy = Launch(PRODUCT, SCOPE, environment(KEY), parameters=OWN).role_statements(ROLES[other])
    assert_changes_nothing(refused(needs(stage, OWN_ROLES, KEY, monkeypatch), policy))


def assert_changes_nothing(lacking: Mapping[str, list[str]]) -> None:
    # Application Auto Scaling asks about its own targets, whose ids tell nothing; what is tagged tells it.
    changed = {f"{name} {operation}" for name in STAGE.resources for operation in ("create", "update", "delete")}
    assert lacking.keys() >= changed - {"ScalingPolicy create", "ScalingPolicy update", "ScalingPolicy delete"}
