"""Launches from the emulated catalog, played as a data scientist does: with boto3 and a role."""

import io
import json
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from awsmodel.regions import known_regions
from components.core.naming import Names
from components.iam.policies import document
from components.iam.role_documents import RoleFacts, project_boundary
from components.packaging import read_product
from tests.sandbox.conftest import REGION, REPOSITORY, Client, Clients
from tests.sandbox.support.catalog import ACCOUNT, BOUNDARY, PROVISIONING, Catalog, launch_policy, make_catalog
from tests.sandbox.support.pipelines import wait
from tests.sandbox.support.refusals import refusal
from tools.product import make

PRODUCTS = [REPOSITORY / "seed_code" / name for name in ("model-build-train", "model-deploy")]


@pytest.fixture(scope="module")
def catalog(aws: Clients, emulator: dict[str, Any]) -> Catalog:
    return make_catalog(aws, emulator["url"])


@pytest.fixture(scope="module")
def scientist(catalog: Catalog) -> Callable[[str], Client]:
    """Clients of somebody who may launch."""
    made: dict[str, Client] = {}

    def client(service: str) -> Client:
        if service not in made:
            made[service] = catalog.acting(catalog.scientist, service)
        return made[service]

    return client


Scientist = Callable[[str], Client]


def repositories(catalog: Catalog) -> list[str]:
    return [one["repositoryName"] for one in catalog.aws("codecommit").list_repositories()["repositories"]]


def test_a_launch_makes_the_stack_and_the_repository_with_its_files(catalog: Catalog, scientist: Scientist) -> None:
    servicecatalog = scientist("servicecatalog")
    record = catalog.launch(servicecatalog, "fraud")

    assert (record["Status"], record["LaunchRoleArn"]) == ("SUCCEEDED", catalog.launch_role)
    stack = catalog.aws("cloudformation").describe_stacks(StackName=f"SC-123456789012-{record['ProvisionedProductId']}")
    assert stack["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE"
    outputs = servicecatalog.get_provisioned_product_outputs(
        ProvisionedProductName="fraud", OutputKeys=["RepositoryName"]
    )
    assert [one["OutputValue"] for one in outputs["Outputs"]] == ["sagemaker-fraud-p-1"]
    folder = catalog.aws("codecommit").get_folder(repositoryName="sagemaker-fraud-p-1", folderPath="/")
    assert {one["absolutePath"]: one["fileMode"] for one in folder["files"]} == {
        "README.md": "NORMAL",
        "run.sh": "NORMAL",
    }
    assert [one["absolutePath"] for one in folder["subFolders"]] == ["pipelines"]

    servicecatalog.terminate_provisioned_product(ProvisionedProductName="fraud")
    assert repositories(catalog) == []
    gone = refusal(lambda: servicecatalog.describe_provisioned_product(Name="fraud"))
    assert gone[0] == "ResourceNotFoundException"


def test_the_parameters_of_a_launch_are_told(catalog: Catalog, scientist: Scientist) -> None:
    told = scientist("servicecatalog").describe_provisioning_parameters(
        ProductId=catalog.product, ProvisioningArtifactId=catalog.artifact
    )

    size = told["ProvisioningArtifactParameters"][2]
    assert size == {
        "ParameterKey": "Size",
        "DefaultValue": "small",
        "ParameterType": "String",
        "IsNoEcho": False,
        "Description": "How big.",
        "ParameterConstraints": {"AllowedValues": ["small", "large"]},
    }
    assert told["ConstraintSummaries"][0]["Type"] == "LAUNCH"


def test_who_is_not_associated_finds_and_launches_nothing(catalog: Catalog) -> None:
    stranger = catalog.acting(catalog.role("stranger", "sagemaker.amazonaws.com"), "servicecatalog")

    assert stranger.search_products()["ProductViewSummaries"] == []
    assert refusal(lambda: catalog.launch(stranger, "stranger")) == (
        "ResourceNotFoundException",
        f"No launch paths found for resource: {catalog.product}.",
    )
    root = catalog.aws("servicecatalog")
    assert refusal(lambda: catalog.launch(root, "root"))[0] == "ResourceNotFoundException"
    assert repositories(catalog) == []


def test_a_pattern_lets_in_the_roles_that_it_names(catalog: Catalog) -> None:
    arn = catalog.role("analyst", "sagemaker.amazonaws.com")
    analyst = catalog.acting(arn, "servicecatalog")
    assert analyst.search_products()["ProductViewSummaries"] == []

    pattern = {"PrincipalARN": "arn:aws:iam:::role/analyst*", "PrincipalType": "IAM_PATTERN"}
    catalog.aws("servicecatalog").associate_principal_with_portfolio(PortfolioId=catalog.portfolio, **pattern)
    found = analyst.search_products()["ProductViewSummaries"]
    assert [one["ProductId"] for one in found] == [catalog.product]
    catalog.aws("servicecatalog").disassociate_principal_from_portfolio(PortfolioId=catalog.portfolio, **pattern)
    assert analyst.search_products()["ProductViewSummaries"] == []


def test_an_update_takes_the_new_version_and_keeps_parameters_and_files(catalog: Catalog, scientist: Scientist) -> None:
    servicecatalog, codecommit = scientist("servicecatalog"), catalog.aws("codecommit")
    own = [{"Key": "SageMakerProjectName", "Value": "upd"}, {"Key": "SageMakerProjectId", "Value": "p-2"}]
    catalog.launch(servicecatalog, "upd", ProvisioningParameters=[*own, {"Key": "Size", "Value": "large"}])
    before = codecommit.get_branch(repositoryName="sagemaker-upd-p-2", branchName="main")["branch"]
    newer = catalog.add_version("2.0.0", catalog.put_template("second.yaml", key="other.zip", description="Second"))

    record = servicecatalog.update_provisioned_product(ProvisionedProductName="upd", ProvisioningArtifactId=newer)

    assert record["RecordDetail"]["Status"] == "SUCCEEDED"
    described = servicecatalog.describe_provisioned_product(Name="upd")["ProvisionedProductDetail"]
    assert (described["ProvisioningArtifactId"], described["Status"]) == (newer, "AVAILABLE")
    metadata = codecommit.get_repository(repositoryName="sagemaker-upd-p-2")["repositoryMetadata"]
    assert metadata["repositoryDescription"] == "Second"
    assert codecommit.get_branch(repositoryName="sagemaker-upd-p-2", branchName="main")["branch"] == before
    outputs = servicecatalog.get_provisioned_product_outputs(ProvisionedProductName="upd")["Outputs"]
    assert {"OutputKey": "Size", "OutputValue": "large"} in outputs
    in_use = refusal(
        lambda: catalog.aws("servicecatalog").delete_provisioning_artifact(
            ProductId=catalog.product, ProvisioningArtifactId=newer
        )
    )
    assert in_use == ("ResourceInUseException", f"Provisioning artifact {newer} has provisioned products: upd.")
    servicecatalog.terminate_provisioned_product(ProvisionedProductName="upd")


def test_a_deprecated_version_takes_updates_only_and_an_inactive_one_nothing(
    catalog: Catalog, scientist: Scientist
) -> None:
    servicecatalog, admin = scientist("servicecatalog"), catalog.aws("servicecatalog")
    old = catalog.add_version("old", catalog.put_template("old.yaml", description="Old"))
    catalog.launch(servicecatalog, "dep")
    ids = {"ProductId": catalog.product, "ProvisioningArtifactId": old}
    admin.update_provisioning_artifact(**ids, Guidance="DEPRECATED")

    code, message = refusal(lambda: catalog.launch(servicecatalog, "no", ProvisioningArtifactId=old))
    assert (code, "deprecated" in message) == ("InvalidParametersException", True)
    updated = servicecatalog.update_provisioned_product(ProvisionedProductName="dep", ProvisioningArtifactId=old)
    assert updated["RecordDetail"]["Status"] == "SUCCEEDED"

    admin.update_provisioning_artifact(**ids, Guidance="DEFAULT", Active=False)
    assert refusal(lambda: catalog.launch(servicecatalog, "no", ProvisioningArtifactId=old))[0] == (
        "ResourceNotFoundException"
    )
    offered = servicecatalog.describe_product(Id=catalog.product)["ProvisioningArtifacts"]
    assert old not in [one["Id"] for one in offered]
    servicecatalog.terminate_provisioned_product(ProvisionedProductName="dep")


def test_seed_code_without_its_tag_fails_the_launch_and_leaves_nothing(catalog: Catalog, scientist: Scientist) -> None:
    servicecatalog = scientist("servicecatalog")
    s3 = catalog.aws("s3")
    body = s3.get_object(Bucket=catalog.bucket, Key="seed.zip")["Body"].read()
    s3.put_object(Bucket=catalog.bucket, Key="untagged.zip", Body=body)
    version = catalog.add_version("untagged", catalog.put_template("untagged.yaml", key="untagged.zip"))

    record = catalog.launch(servicecatalog, "untagged", ProvisioningArtifactId=version)

    (error,) = servicecatalog.describe_record(Id=record["RecordId"])["RecordDetail"]["RecordErrors"]
    assert (
        f"is not authorized to perform: s3:GetObject on resource: arn:aws:s3:::{catalog.bucket}" in error["Description"]
    )
    assert "Status Code: 403" in error["Description"]
    described = servicecatalog.describe_provisioned_product(Name="untagged")["ProvisionedProductDetail"]
    assert (described["Status"], described["StatusMessage"]) == ("ERROR", error["Description"])
    assert repositories(catalog) == []
    servicecatalog.terminate_provisioned_product(ProvisionedProductName="untagged")


@pytest.mark.parametrize("files", [{"README.md": "x", "__init__.py": ""}, {}], ids=["an empty file", "no file"])
def test_a_zip_that_codecommit_does_not_take_fails_the_launch(
    catalog: Catalog, scientist: Scientist, files: dict[str, str]
) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    catalog.aws("s3").put_object(Bucket=catalog.bucket, Key="bad.zip", Body=buffer.getvalue(), Tagging=PROVISIONING)
    version = catalog.add_version("bad zip", catalog.put_template("bad-zip.yaml", key="bad.zip"))
    servicecatalog = scientist("servicecatalog")

    record = catalog.launch(servicecatalog, "bad-zip", ProvisioningArtifactId=version)

    assert record["RecordErrors"][0]["Description"].endswith("Code supplied is not a valid .zip archive")
    servicecatalog.terminate_provisioned_product(ProvisionedProductName="bad-zip")
    assert repositories(catalog) == []


def test_a_launch_ends_as_failed_whatever_the_emulator_stumbles_over(catalog: Catalog, scientist: Scientist) -> None:
    servicecatalog = scientist("servicecatalog")
    text = "Resources: {A: {Type: AWS::Kinesis::Stream, Properties: {ShardCount: many}}}"
    version = catalog.add_version("stumbling", catalog.put_text("stumbling.yaml", text))

    record = catalog.launch(servicecatalog, "stumbles", ProvisioningArtifactId=version, ProvisioningParameters=[])

    assert record["Status"] == "FAILED"
    assert "[A]. the sandbox does not know what AWS answers here (" in record["RecordErrors"][0]["Description"]
    servicecatalog.terminate_provisioned_product(ProvisionedProductName="stumbles")


def test_a_name_over_its_limit_makes_no_project(catalog: Catalog, scientist: Scientist) -> None:
    details = {"ProductId": catalog.product, "ProvisioningArtifactId": catalog.artifact}
    for name, rule in (
        ("a" + "-" * 31 + "b", "length less than or equal to 32"),
        ("a_b", "regular expression pattern"),
    ):
        create = partial(scientist("sagemaker").create_project, ServiceCatalogProvisioningDetails=details)
        code, message = refusal(partial(create, ProjectName=name))
        assert code == "ValidationException"
        assert f"Value '{name}' at 'projectName' failed to satisfy constraint: Member must" in message
        assert rule in message


def test_a_launch_needs_a_role_that_trusts_service_catalog(aws: Clients, emulator: dict[str, Any]) -> None:
    other, admin = make_catalog(aws, emulator["url"]), aws("servicecatalog")
    (constraint,) = admin.list_constraints_for_portfolio(PortfolioId=other.portfolio)["ConstraintDetails"]
    untrusting = other.role("untrusting", "lambda.amazonaws.com")
    admin.update_constraint(Id=constraint["ConstraintId"], Parameters=json.dumps({"RoleArn": untrusting}))

    record = other.launch(other.acting(other.scientist, "servicecatalog"), "untrusting")

    assert record["Status"] == "FAILED"
    assert untrusting in record["RecordErrors"][0]["Description"]


def test_a_product_that_was_launched_cannot_be_deleted(aws: Clients, emulator: dict[str, Any]) -> None:
    other, admin = make_catalog(aws, emulator["url"]), aws("servicecatalog")
    scientist = other.acting(other.scientist, "servicecatalog")
    other.launch(scientist, "kept")
    (constraint,) = admin.list_constraints_for_portfolio(PortfolioId=other.portfolio)["ConstraintDetails"]
    admin.delete_constraint(Id=constraint["ConstraintId"])
    admin.disassociate_product_from_portfolio(ProductId=other.product, PortfolioId=other.portfolio)

    assert refusal(lambda: admin.delete_product(Id=other.product)) == (
        "ResourceInUseException",
        f"Product {other.product} has provisioned products: kept.",
    )
    scientist.terminate_provisioned_product(ProvisionedProductName="kept")
    admin.delete_product(Id=other.product)


def test_a_project_from_s3_is_a_stack_of_its_own(catalog: Catalog, scientist: Scientist) -> None:
    sagemaker = scientist("sagemaker")
    provider = {
        "TemplateName": "model",
        "TemplateURL": catalog.put_template("s3.yaml"),
        "RoleARN": catalog.launch_role,
        "Parameters": [{"Key": "Size", "Value": "large"}],
    }
    identity = sagemaker.create_project(ProjectName="from-s3", TemplateProviders=[{"CfnTemplateProvider": provider}])[
        "ProjectId"
    ]

    project = sagemaker.describe_project(ProjectName="from-s3")
    detail = project["TemplateProviderDetails"][0]["CfnTemplateProviderDetail"]
    assert project["ProjectStatus"] == "CreateCompleted"
    assert detail["StackDetail"]["Name"] == f"SP-123456789012-{identity}"
    assert repositories(catalog) == [f"sagemaker-from-s3-{identity}"]

    change = {"TemplateName": "model", "TemplateURL": catalog.put_template("s3-2.yaml", description="Changed")}
    sagemaker.update_project(ProjectName="from-s3", TemplateProvidersToUpdate=[{"CfnTemplateProvider": change}])
    metadata = catalog.aws("codecommit").get_repository(repositoryName=f"sagemaker-from-s3-{identity}")
    assert metadata["repositoryMetadata"]["repositoryDescription"] == "Changed"

    sagemaker.delete_project(ProjectName="from-s3")
    assert sagemaker.list_projects()["ProjectSummaryList"] == []
    assert repositories(catalog) == []


@pytest.mark.parametrize("product", PRODUCTS, ids=lambda path: path.name)
def test_the_products_of_this_repository_launch_update_and_leave_nothing(
    catalog: Catalog, scientist: Scientist, product: Path
) -> None:
    aws, sagemaker = catalog.aws, scientist("sagemaker")
    before = _everything(aws)
    text = catalog.filled(product)
    first = catalog.add_version("first", catalog.put_text("product.yaml", text))
    newer = text.replace("RetentionInDays: 365", "RetentionInDays: 180")
    assert newer != text
    second = catalog.add_version("second", catalog.put_text("product-2.yaml", newer))
    parameters = [{"Key": "ArtifactsOnProjectDeletion", "Value": "Delete"}]

    identity = sagemaker.create_project(
        ProjectName="fraud-deploy",
        ServiceCatalogProvisioningDetails={
            "ProductId": catalog.product,
            "ProvisioningArtifactId": first,
            "ProvisioningParameters": parameters,
        },
    )["ProjectId"]

    project = sagemaker.describe_project(ProjectName="fraud-deploy")
    message = project["ServiceCatalogProvisionedProductDetails"]["ProvisionedProductStatusMessage"]
    assert (project["ProjectStatus"], message) == ("CreateCompleted", "")
    name = f"sagemaker-fraud-deploy-{identity}-{product.name}"
    assert aws("codecommit").get_file(repositoryName=name, filePath="run.sh")["fileMode"] == "NORMAL"
    (pipeline,) = aws("codepipeline").list_pipelines()["pipelines"]
    assert pipeline["pipelineType"] == "V2"
    push = [rule for rule in aws("events").list_rules()["Rules"] if rule["Name"].endswith("-push")]
    (target,) = aws("events").list_targets_by_rule(Rule=push[0]["Name"])["Targets"]
    assert target["Arn"].endswith(f":{pipeline['name']}")

    update = {"ProvisioningArtifactId": second}
    sagemaker.update_project(ProjectName="fraud-deploy", ServiceCatalogProvisioningUpdateDetails=update)
    assert sagemaker.describe_project(ProjectName="fraud-deploy")["ProjectStatus"] == "UpdateCompleted"
    retention = {group["retentionInDays"] for group in aws("logs").describe_log_groups()["logGroups"]}
    assert retention == {180}

    sagemaker.delete_project(ProjectName="fraud-deploy")
    assert _everything(aws) == before


@pytest.mark.parametrize("product", PRODUCTS, ids=lambda path: path.name)
def test_a_launch_that_fails_at_its_last_resources_leaves_nothing(
    catalog: Catalog, scientist: Scientist, product: Path
) -> None:
    servicecatalog = scientist("servicecatalog")
    version = catalog.add_version("failing", catalog.put_text("failing.yaml", catalog.filled(product)))
    before = _everything(catalog.aws)
    policy = launch_policy()
    less = [{**one, "Action": [action for action in one["Action"] if action != "events:PutTargets"]} for one in policy]
    catalog.allow(less)
    try:
        record = catalog.launch(servicecatalog, "failing", ProvisioningArtifactId=version)
    finally:
        catalog.allow(policy)
    (error,) = record["RecordErrors"]
    assert "is not authorized to perform: events:PutTargets" in error["Description"]
    stack = f"SC-123456789012-{record['ProvisionedProductId']}"
    events = catalog.aws("cloudformation").describe_stack_events(StackName=stack)["StackEvents"]
    # With a pipeline there would be a first run, and with its artifacts a bucket that cannot be rolled back.
    assert "AWS::CodePipeline::Pipeline" not in {event["ResourceType"] for event in events}
    assert events[0]["ResourceStatus"] == "ROLLBACK_COMPLETE"
    servicecatalog.terminate_provisioned_product(ProvisionedProductName="failing")
    assert _everything(catalog.aws) == before


def test_the_product_that_everybody_begins_with_launches_builds_and_leaves_its_bucket(
    catalog: Catalog, scientist: Scientist, tmp_path: Path
) -> None:
    aws, sagemaker = catalog.aws, scientist("sagemaker")
    folder = make("acme-train", tmp_path)
    aws("s3").put_object(
        Bucket=catalog.bucket, Key="acme.zip", Body=read_product(folder).seed_zip(), Tagging=PROVISIONING
    )
    text = catalog.filled(folder).replace("Key: seed.zip", "Key: acme.zip")
    version = catalog.add_version("acme", catalog.put_text("acme.yaml", text))
    bounds = project_boundary(RoleFacts(names=Names("acme", "dev"), home=known_regions()[REGION], account_id=ACCOUNT))
    boundary = aws("iam").create_policy(PolicyName=BOUNDARY.rpartition("/")[2], PolicyDocument=document(bounds))
    before = _everything(aws)

    identity = sagemaker.create_project(
        ProjectName="churn",
        ServiceCatalogProvisioningDetails={"ProductId": catalog.product, "ProvisioningArtifactId": version},
    )["ProjectId"]

    project = sagemaker.describe_project(ProjectName="churn")
    message = project["ServiceCatalogProvisionedProductDetails"]["ProvisionedProductStatusMessage"]
    assert (project["ProjectStatus"], message) == ("CreateCompleted", "")
    pipeline = f"sagemaker-churn-{identity}-build"

    def ended() -> list[str]:
        runs = aws("codepipeline").list_pipeline_executions(pipelineName=pipeline)["pipelineExecutionSummaries"]
        return [run["status"] for run in runs if run["status"] != "InProgress"]

    assert wait(ended, "the first run's end") == ["Succeeded"]

    sagemaker.delete_project(ProjectName="churn")
    aws("iam").delete_policy(PolicyArn=boundary["Policy"]["Arn"])
    bucket = f"sagemaker-{identity}-build-{ACCOUNT}"
    assert _everything(aws) == {**before, "buckets": sorted([*before["buckets"], bucket])}
    boto = aws("s3")
    for item in boto.list_object_versions(Bucket=bucket)["Versions"]:
        boto.delete_object(Bucket=bucket, Key=item["Key"], VersionId=item["VersionId"])
    boto.delete_bucket(Bucket=bucket)


def _everything(aws: Clients) -> dict[str, list[str]]:
    return {
        "buckets": sorted(one["Name"] for one in aws("s3").list_buckets()["Buckets"]),
        "functions": [one["FunctionName"] for one in aws("lambda").list_functions()["Functions"]],
        "groups": [one["logGroupName"] for one in aws("logs").describe_log_groups()["logGroups"]],
        "pipelines": [one["name"] for one in aws("codepipeline").list_pipelines()["pipelines"]],
        "projects": aws("codebuild").list_projects()["projects"],
        "repositories": [one["repositoryName"] for one in aws("codecommit").list_repositories()["repositories"]],
        "roles": [one["RoleName"] for one in aws("iam").list_roles()["Roles"]],
        "rules": [one["Name"] for one in aws("events").list_rules()["Rules"]],
        "stacks": [one["StackName"] for one in aws("cloudformation").describe_stacks()["Stacks"]],
        "wrapped": [
            one["CodeRepositoryName"] for one in aws("sagemaker").list_code_repositories()["CodeRepositorySummaryList"]
        ],
    }
