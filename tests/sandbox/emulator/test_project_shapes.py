"""The shapes of the project templates that AWS publishes: launched and deleted, or named as not known at once."""

import io
import json
import uuid
import zipfile
from collections.abc import Mapping
from typing import Any
from urllib.request import Request, urlopen

import pytest
import yaml

from tests.sandbox.conftest import REPOSITORY, Client, Clients
from tests.sandbox.support.catalog import PROVISIONING, Catalog, make_catalog, trust

SHAPES: Mapping[str, Any] = yaml.safe_load((REPOSITORY / "tests/sandbox/project_shapes.yaml").read_text())
SERVICES = ("codebuild", "codepipeline", "cloudformation", "events", "lambda", "sagemaker")
EVERYTHING = [{"Effect": "Allow", "Action": "*", "Resource": "*"}]

# What the templates have in S3: it answers the custom resource that calls it.
FUNCTION = """
import json, urllib.request
def lambda_handler(event, context):
    kept = {key: event[key] for key in ("StackId", "RequestId", "LogicalResourceId")}
    answer = {**kept, "Status": "SUCCESS", "PhysicalResourceId": "seeded", "Data": {}}
    call = urllib.request.Request(event["ResponseURL"], data=json.dumps(answer).encode(), method="PUT")
    urllib.request.urlopen(call)
"""


@pytest.fixture(scope="module")
def catalog(aws: Clients, emulator: dict[str, Any]) -> Catalog:
    made = make_catalog(aws, emulator["url"])
    # The roles that AWS has for its templates may do what they like with anything of that name.
    made.allow(EVERYTHING)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as package:
        package.writestr("lambda_function.py", FUNCTION)
    aws("s3").put_object(Bucket=made.bucket, Key="function.zip", Body=buffer.getvalue(), Tagging=PROVISIONING)
    return made


@pytest.fixture(scope="module")
def sagemaker(catalog: Catalog) -> Client:
    return catalog.acting(catalog.scientist, "sagemaker")


@pytest.fixture(scope="module")
def placeholders(aws: Clients, emulator: dict[str, Any], catalog: Catalog) -> dict[str, str]:
    """What the words in capitals of the data stand for."""
    name = f"uses-{uuid.uuid4().hex[:8]}"
    trusted = trust(*(f"{service}.amazonaws.com" for service in SERVICES))
    aws("iam").create_role(RoleName=name, Path="/service-role/", AssumeRolePolicyDocument=trusted)
    statement = json.dumps({"Version": "2012-10-17", "Statement": EVERYTHING})
    aws("iam").put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=statement)
    connection = aws("codeconnections").create_connection(ConnectionName=name, ProviderType="GitHub")["ConnectionArn"]
    accept = Request(f"{emulator['url']}/sandbox/connections/handshake", connection.encode())  # noqa: S310 - ours
    with urlopen(accept):  # noqa: S310 - the emulator's
        return {"SEED_BUCKET": catalog.bucket, "USE_ROLE": f"role/service-role/{name}", "CONNECTION": connection}


def template(name: str, placeholders: Mapping[str, str]) -> str:
    """The template of a shape."""
    shape = SHAPES["shapes"][name]
    wanted = shape["resources"].split()
    document = {
        "Parameters": SHAPES["parameters"],
        "Conditions": SHAPES["conditions"],
        "Resources": {one: SHAPES["resources"][one] for one in wanted},
        **({"Rules": shape["rules"]} if "rules" in shape else {}),
    }
    text = json.dumps(document)
    for word, value in placeholders.items():
        text = text.replace(word, value)
    return text


def left(aws: Clients) -> dict[str, list[str]]:
    """What is there, but for the buckets that the templates want kept."""
    return {
        "functions": [one["FunctionName"] for one in aws("lambda").list_functions()["Functions"]],
        "groups": [
            one["ModelPackageGroupName"]
            for one in aws("sagemaker").list_model_package_groups()["ModelPackageGroupSummaryList"]
        ],
        "pipelines": [one["name"] for one in aws("codepipeline").list_pipelines()["pipelines"]],
        "projects": aws("codebuild").list_projects()["projects"],
        "repositories": [one["repositoryName"] for one in aws("codecommit").list_repositories()["repositories"]],
        "roles": [one["RoleName"] for one in aws("iam").list_roles()["Roles"]],
        "rules": [one["Name"] for one in aws("events").list_rules()["Rules"]],
        "stacks": [one["StackName"] for one in aws("cloudformation").describe_stacks()["Stacks"]],
        "tables": aws("dynamodb").list_tables()["TableNames"],
        "wrapped": [
            one["CodeRepositoryName"] for one in aws("sagemaker").list_code_repositories()["CodeRepositorySummaryList"]
        ],
    }


@pytest.mark.parametrize("shape", SHAPES["shapes"])
def test_a_shape_that_aws_publishes_is_launched_and_deleted_or_named_as_not_known(
    catalog: Catalog, sagemaker: Client, placeholders: dict[str, str], shape: str
) -> None:
    before = left(catalog.aws)
    version = catalog.add_version(shape, catalog.put_text(f"{shape}.json", template(shape, placeholders)))
    name = f"Shape-{list(SHAPES['shapes']).index(shape)}"

    sagemaker.create_project(
        ProjectName=name,
        ServiceCatalogProvisioningDetails={"ProductId": catalog.product, "ProvisioningArtifactId": version},
    )

    project = sagemaker.describe_project(ProjectName=name)
    message = project["ServiceCatalogProvisionedProductDetails"]["ProvisionedProductStatusMessage"]
    unknown = SHAPES["shapes"][shape].get("unknown")
    wanted = ("CreateFailed", f"the sandbox does not know {unknown}") if unknown else ("CreateCompleted", "")
    assert (project["ProjectStatus"], message) == wanted
    sagemaker.delete_project(ProjectName=name)
    assert left(catalog.aws) == before


def test_each_resource_of_the_data_is_of_a_shape() -> None:
    shapes = SHAPES["shapes"].values()
    named = {name for shape in shapes for name in shape["resources"].split()}
    assert named == SHAPES["resources"].keys()
