"""A release, and a data scientist's day, on the real engine: find the products, launch, update, delete."""

import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from components.packaging import VersionName
from sandbox.world import REPOSITORY, World

from .conftest import MakeWorld, alter, copy_project, deploy, stay_at_home
from .test_stacks import make_client

pytestmark = pytest.mark.engine

REGION = "us-east-2"
ACCOUNT = "123456789012"
SCIENTIST = "TeamDataScientist"
STRANGER = "Accountant"
PRODUCTS = ("model-build-train", "model-deploy")
PROGRAM = ("__main__.py", "awsmodel", "components", "seed_code", "settings")
COMMIT = "CODEBUILD_RESOLVED_SOURCE_VERSION"
SEED_FILE = "seed_code/model-build-train/repository/README.md"


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout of the program of the test's own, so that seed code can be changed in it."""
    project = copy_project(tmp_path_factory.mktemp("catalog"))
    for name in PROGRAM:
        source, target = REPOSITORY / name, project / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns(".venv", "__pycache__", ".*_cache"))
        else:
            shutil.copy(source, target)
    # What builds do is tested where projects run: here they end at once.
    for slug in PRODUCTS:
        buildspec = project / "seed_code" / slug / "repository" / "buildspec.yml"
        buildspec.write_text("version: 0.2\nphases: {build: {commands: ['true']}}\n")
    return project


@pytest.fixture(scope="module")
def world(make_world: MakeWorld, checkout: Path) -> World:
    """Dev, deployed, with the roles of two people."""
    world = make_world(checkout)
    stay_at_home(world)
    iam = client(world, "iam")
    for role in (SCIENTIST, STRANGER):
        iam.create_role(RoleName=role, AssumeRolePolicyDocument="{}")
    deploy(world)
    return world


@pytest.fixture
def restored(world: World, checkout: Path) -> Iterator[World]:
    """The world, whose seed code and settings a test may change and release."""
    before = {path: path.read_text() for path in (checkout / SEED_FILE, checkout / "Pulumi.dev.yaml")}
    yield world
    if any(path.read_text() != text for path, text in before.items()):
        for path, text in before.items():
            path.write_text(text)
        deploy(world)


def client(world: World, service: str, role: str | None = None) -> Any:
    """A plain boto3 client, of the account's administrator or of somebody in a role."""
    environment = world.environment() | (credentials(world, role) if role else {})
    return make_client(environment, service, REGION)


def credentials(world: World, role: str) -> dict[str, str]:
    """Variables with which a command runs as somebody in a role."""
    arn = f"arn:aws:iam::{ACCOUNT}:role/{role}"
    given = client(world, "sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
    return {
        "AWS_ACCESS_KEY_ID": given["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": given["SecretAccessKey"],
        "AWS_SESSION_TOKEN": given["SessionToken"],
    }


def tool(world: World, *words: str) -> subprocess.CompletedProcess[str]:
    """Run `tools projects` as the data scientist."""
    command = [sys.executable, "-P", "-m", "tools", "projects", *words, "--stack", "dev"]
    command += ["--folder", str(world.project.source)]
    environment = {"PYTHONPATH": str(REPOSITORY), **credentials(world, SCIENTIST)}
    return world.run(command, check=False, env=environment)


def offered(catalog: Any) -> dict[str, str]:
    """Ids of the products that somebody sees, by name."""
    found = catalog.search_products()["ProductViewSummaries"]
    return {product["Name"]: product["ProductId"] for product in found}


def launched(catalog: Any, product_id: str, **parameters: str) -> dict[str, Any]:
    """Launch the newest version of a product as a project, and wait until that is done."""
    (version,) = [
        artifact["Id"]
        for artifact in catalog.describe_product(Id=product_id)["ProvisioningArtifacts"]
        if artifact["Guidance"] == "DEFAULT"
    ]
    record = catalog.provision_product(
        ProductId=product_id,
        ProvisioningArtifactId=version,
        ProvisionedProductName=f"project-{parameters['SageMakerProjectId']}",
        ProvisioningParameters=[{"Key": key, "Value": value} for key, value in parameters.items()],
    )["RecordDetail"]
    return ended(catalog, record["RecordId"])


def ended(catalog: Any, record_id: str) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while True:
        record: dict[str, Any] = catalog.describe_record(Id=record_id)["RecordDetail"]
        if record["Status"] not in ("CREATED", "IN_PROGRESS") or time.monotonic() > deadline:
            return record
        time.sleep(0.1)


def removed(catalog: Any, record: dict[str, Any]) -> dict[str, Any]:
    answer = catalog.terminate_provisioned_product(ProvisionedProductId=record["ProvisionedProductId"])
    return ended(catalog, answer["RecordDetail"]["RecordId"])


def versions(world: World, product_id: str) -> list[dict[str, Any]]:
    listed = client(world, "servicecatalog").list_provisioning_artifacts(ProductId=product_id)
    return sorted(listed["ProvisioningArtifactDetails"], key=lambda artifact: artifact["CreatedTime"])


def preview(world: World, commit: str = "c0ffee1") -> dict[str, set[str]]:
    digest = json.loads(world.pulumi("preview", "--stack", "dev", "--json", env={COMMIT: commit}).stdout)
    fates: dict[str, set[str]] = {}
    for step in digest["steps"]:
        if step["op"] != "same":
            fates.setdefault(step["op"], set()).add(step["urn"].rsplit("::", 1)[-1])
    return fates


def test_a_data_scientist_finds_both_products_and_a_stranger_none(world: World) -> None:
    assert set(offered(client(world, "servicecatalog", SCIENTIST))) == {
        "MLOps model building and training (sm-mlops-dev)",
        "MLOps model deployment (sm-mlops-dev)",
    }
    assert offered(client(world, "servicecatalog", STRANGER)) == {}


def test_studio_offers_the_products(world: World) -> None:
    admin = client(world, "servicecatalog")
    for product_id in offered(client(world, "servicecatalog", SCIENTIST)).values():
        tags = admin.describe_product_as_admin(Id=product_id)["Tags"]
        assert {"Key": "sagemaker:studio-visibility", "Value": "true"} in tags


def test_the_form_asks_for_the_project_and_describes_every_field(world: World) -> None:
    catalog = client(world, "servicecatalog", SCIENTIST)
    for product_id in offered(catalog).values():
        (version,) = catalog.describe_product(Id=product_id)["ProvisioningArtifacts"]
        form = catalog.describe_provisioning_parameters(ProductId=product_id, ProvisioningArtifactId=version["Id"])
        fields = {field["ParameterKey"]: field for field in form["ProvisioningArtifactParameters"]}
        assert {"SageMakerProjectName", "SageMakerProjectId"} <= set(fields)
        assert all(field["Description"] for field in fields.values())
        required = {key for key, field in fields.items() if "DefaultValue" not in field}
        assert required == {"SageMakerProjectName", "SageMakerProjectId"}


def test_a_project_of_each_kind_works_from_the_first_commit_and_leaves_nothing(world: World) -> None:
    catalog = client(world, "servicecatalog", SCIENTIST)
    before = _account(world)
    records = {}
    for name, product_id in offered(catalog).items():
        project_id = f"p-{'build' if 'build' in name else 'deploy'}1"
        records[name] = launched(catalog, product_id, SageMakerProjectName="fraud", SageMakerProjectId=project_id)
        assert records[name]["Status"] == "SUCCEEDED", records[name].get("RecordErrors")
    codecommit, pipelines = client(world, "codecommit"), client(world, "codepipeline")
    for project_id, suffix in (("p-build1", "model-build-train"), ("p-deploy1", "model-deploy")):
        repository = f"sagemaker-fraud-{project_id}-{suffix}"
        folder = codecommit.get_folder(repositoryName=repository, folderPath="/")
        assert {"README.md", "buildspec.yml"} <= {file["relativePath"] for file in folder["files"]}
        readme = codecommit.get_file(repositoryName=repository, filePath="README.md")["fileContent"]
        assert readme == (REPOSITORY / "seed_code" / suffix / "repository" / "README.md").read_bytes()
        kind = "modelbuild" if "build" in project_id else "modeldeploy"
        pipeline = pipelines.get_pipeline(name=f"sagemaker-fraud-{project_id}-{kind}")["pipeline"]
        assert pipeline["pipelineType"] == "V2"
    rules = {rule["Name"] for rule in client(world, "events").list_rules()["Rules"]}
    assert {"sagemaker-p-build1-build-push", "sagemaker-p-deploy1-deploy-approved"} <= rules
    for record in records.values():
        ended_record = removed(catalog, record)
        assert ended_record["Status"] == "SUCCEEDED", ended_record.get("RecordErrors")
    leftovers = {kind: names - before[kind] for kind, names in _account(world).items() if names - before[kind]}
    # A build project's bucket stays by default: registered models live in it.
    assert leftovers == {"buckets": {f"sagemaker-p-build1-build-{ACCOUNT}"}}


def _account(world: World) -> dict[str, set[str]]:
    """What the account holds that a project could leave behind."""
    pipelines = client(world, "codepipeline").list_pipelines()["pipelines"]
    repositories = client(world, "codecommit").list_repositories()["repositories"]
    functions = client(world, "lambda").list_functions()["Functions"]
    return {
        "buckets": {bucket["Name"] for bucket in client(world, "s3").list_buckets()["Buckets"]},
        "functions": {function["FunctionName"] for function in functions},
        "log groups": {group["logGroupName"] for group in client(world, "logs").describe_log_groups()["logGroups"]},
        "pipelines": {pipeline["name"] for pipeline in pipelines},
        "repositories": {repository["repositoryName"] for repository in repositories},
        "roles": {role["RoleName"] for role in client(world, "iam").list_roles()["Roles"]},
        "rules": {rule["Name"] for rule in client(world, "events").list_rules()["Rules"]},
    }


def test_a_stranger_may_not_launch(world: World) -> None:
    product_id = offered(client(world, "servicecatalog", SCIENTIST))["MLOps model deployment (sm-mlops-dev)"]
    (version,) = versions(world, product_id)[-1:]
    with pytest.raises(ClientError, match=r"AccessDenied|ResourceNotFound"):
        client(world, "servicecatalog", STRANGER).provision_product(
            ProductId=product_id,
            ProvisioningArtifactId=version["Id"],
            ProvisionedProductName="stolen",
            ProvisioningParameters=[
                {"Key": "SageMakerProjectName", "Value": "stolen"},
                {"Key": "SageMakerProjectId", "Value": "p-stolen"},
            ],
        )


def test_a_seed_object_without_its_tag_fails_the_launch_and_up_puts_the_tag_back(world: World) -> None:
    s3, bucket = client(world, "s3"), f"sm-mlops-dev-products-{ACCOUNT}-{REGION}-an"
    prefix = "products/model-deploy/seed/"
    (seed,) = s3.list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]
    s3.delete_object_tagging(Bucket=bucket, Key=seed["Key"])
    catalog = client(world, "servicecatalog", SCIENTIST)
    product_id = offered(catalog)["MLOps model deployment (sm-mlops-dev)"]
    record = launched(catalog, product_id, SageMakerProjectName="untagged", SageMakerProjectId="p-untagged")
    assert record["Status"] == "FAILED"
    assert "is not authorized to perform: s3:GetObject" in json.dumps(record["RecordErrors"])
    removed(catalog, record)
    changes = deploy(world, "--refresh").changes
    assert {fate: count for fate, count in changes.items() if fate != "same"} == {"update": 1}
    tags = s3.get_object_tagging(Bucket=bucket, Key=seed["Key"])["TagSet"]
    assert {"Key": "servicecatalog:provisioning", "Value": "true"} in tags


def _lacking(world: World, role: str) -> list[dict[str, Any]]:
    """What the launch-permission check says that the role lacks."""
    arn = f"arn:aws:iam::{ACCOUNT}:role/{role}"
    command = ["-P", "-m", "tools", "launch-permissions", "--role-arn", arn, "--stack", "dev", "--json"]
    command += ["--folder", str(world.project.source)]
    done = world.run([sys.executable, *command], check=False, env={"PYTHONPATH": str(REPOSITORY)})
    (result,) = json.loads(done.stdout)
    assert done.returncode == (1 if result["missing"] else 0)
    missing: list[dict[str, Any]] = result["missing"]
    return missing


_PROJECTS = ("BuildProject", "CheckProject", "FirstPushProject")
"""What each product makes in CodeBuild."""


def test_a_right_that_the_launch_role_has_lost_fails_exactly_its_resource_and_up_gives_it_back(world: World) -> None:
    iam, role = client(world, "iam"), "sm-mlops-dev-project-launch"
    (policy,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
    document = iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
    for statement in document["Statement"]:
        statement["Action"] = [action for action in statement["Action"] if action != "codebuild:CreateProject"]
    iam.put_role_policy(RoleName=role, PolicyName=policy, PolicyDocument=json.dumps(document))
    told = _lacking(world, role)
    assert {(one["product"], one["logicalId"], one["action"]) for one in told} == {
        *((product, project, "codebuild:CreateProject") for product in PRODUCTS for project in _PROJECTS),
        (PRODUCTS[1], "TestProject", "codebuild:CreateProject"),
    }
    catalog = client(world, "servicecatalog", SCIENTIST)
    product_id = offered(catalog)["MLOps model building and training (sm-mlops-dev)"]
    record = launched(catalog, product_id, SageMakerProjectName="less", SageMakerProjectId="p-less")
    assert record["Status"] == "FAILED"
    (error,) = record["RecordErrors"]
    assert "failed to create: [CheckProject]" in error["Description"]
    assert (
        "is not authorized to perform: codebuild:CreateProject on resource: arn:aws:codebuild:"
        in (error["Description"])
    )
    removed(catalog, record)
    changes = deploy(world, "--refresh").changes
    assert {fate: count for fate, count in changes.items() if fate != "same"} == {"update": 1}
    assert _lacking(world, role) == []
    again = launched(catalog, product_id, SageMakerProjectName="less", SageMakerProjectId="p-less")
    assert again["Status"] == "SUCCEEDED", again.get("RecordErrors")
    assert removed(catalog, again)["Status"] == "SUCCEEDED"


def test_one_changed_line_is_one_new_version_that_tells_it_and_a_project_gets_it(
    restored: World, checkout: Path
) -> None:
    s3, bucket = client(restored, "s3"), f"sm-mlops-dev-products-{ACCOUNT}-{REGION}-an"
    keys = {item["Key"] for item in s3.list_objects_v2(Bucket=bucket)["Contents"]}
    products = offered(client(restored, "servicecatalog", SCIENTIST))
    product_id = products["MLOps model building and training (sm-mlops-dev)"]
    sagemaker = client(restored, "sagemaker", SCIENTIST)
    sagemaker.create_project(ProjectName="old", ServiceCatalogProvisioningDetails={"ProductId": product_id})
    (old,) = versions(restored, product_id)
    with (checkout / SEED_FILE).open("a") as readme:
        readme.write("One line more.\n")
    name = f"catalog-{REGION}-model-build-train"
    assert preview(restored) == {"update": {f"{name}-files", f"{name}-version"}}
    shown = restored.pulumi("preview", "--stack", "dev", "--diff", env={COMMIT: "c0ffee1"}).stdout
    assert re.findall(r"~ (repository/\S+|template\.yaml) *: ", shown) == ["repository/README.md"]
    assert "Changed: repository/README.md. Commit c0ffee1." in shown
    restored.pulumi("up", "--stack", "dev", "--yes", "--skip-preview", env={COMMIT: "c0ffee1"})
    new_keys = {item["Key"] for item in s3.list_objects_v2(Bucket=bucket)["Contents"]}
    assert keys < new_keys
    assert len(new_keys - keys) == 2, "one template and one zip"
    first, second = versions(restored, product_id)
    assert (first["Id"], first["Guidance"], first["Active"]) == (old["Id"], "DEPRECATED", True)
    assert (second["Guidance"], second["Active"]) == ("DEFAULT", True)
    assert second["Description"] == "Changed: repository/README.md. Commit c0ffee1."
    before, after = (VersionName.read(version["Name"]) for version in (first, second))
    assert before is not None
    assert after is not None
    assert before.content != after.content
    assert before.environment == after.environment
    assert offered(client(restored, "servicecatalog", SCIENTIST)) == products, "the products are the same ones"
    assert preview(restored, commit="0ddba11") == {}, "another commit of the same content"
    told = tool(restored, "list")
    assert "1 project, 1 behind the newest version.\nNext: " in told.stdout, told.stderr
    assert f"{first['Name']}  {second['Name']}" in told.stdout
    done = _upgraded(restored)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 of 1 project at the newest version." in done.stdout
    project = sagemaker.describe_project(ProjectName="old")
    assert project["ProjectStatus"] == "UpdateCompleted"
    assert project["ServiceCatalogProvisioningDetails"]["ProvisioningArtifactId"] == second["Id"]
    sagemaker.delete_project(ProjectName="old")


def _upgraded(world: World) -> subprocess.CompletedProcess[str]:
    """All projects brought to the newest version, once none is in use: the first run of a pipeline comes by itself."""
    deadline = time.monotonic() + 120
    while (done := tool(world, "upgrade", "--all", "--yes")).returncode and time.monotonic() < deadline:
        assert "runs; wait for its end" in done.stdout, done.stdout + done.stderr
        time.sleep(2)
    return done


def test_a_version_switched_off_behind_our_back_is_switched_on_again(world: World) -> None:
    product_id = offered(client(world, "servicecatalog", SCIENTIST))["MLOps model deployment (sm-mlops-dev)"]
    newest = versions(world, product_id)[-1]
    admin = client(world, "servicecatalog")
    admin.update_provisioning_artifact(ProductId=product_id, ProvisioningArtifactId=newest["Id"], Active=False)
    deploy(world, "--refresh")
    assert versions(world, product_id)[-1]["Active"] is True


def test_a_product_with_projects_may_not_go_as_the_preview_says_already_and_stays_whole(restored: World) -> None:
    catalog = client(restored, "servicecatalog", SCIENTIST)
    product_id = offered(catalog)["MLOps model deployment (sm-mlops-dev)"]
    record = launched(catalog, product_id, SageMakerProjectName="kept", SageMakerProjectId="p-kept")
    alter(restored, "dev", lambda config: config["sm-mlops:catalog"]["products"].remove("model-deploy"))
    sentence = "1 launched from it still exist: project-p-kept. Delete these projects first."
    for command in (("preview",), ("up", "--yes", "--skip-preview"), ("destroy", "--yes", "--skip-preview")):
        refused = restored.pulumi(*command, "--stack", "dev", check=False)
        printed = refused.stdout + refused.stderr
        assert refused.returncode != 0
        assert sentence in printed
        assert "Traceback" not in printed, printed
        if command[0] == "up":
            again = launched(catalog, product_id, SageMakerProjectName="still", SageMakerProjectId="p-still")
            assert again["Status"] == "SUCCEEDED", "the refusal left half a product behind"
            removed(catalog, again)
    assert versions(restored, product_id), "a refused destroy leaves the product"
    removed(catalog, record)


def test_studio_finds_the_templates_in_s3_and_launches_one(restored: World) -> None:
    sagemaker, s3 = client(restored, "sagemaker"), client(restored, "s3")
    domain = sagemaker.create_domain(
        DomainName="research",
        AuthMode="IAM",
        DefaultUserSettings={"ExecutionRole": f"arn:aws:iam::{ACCOUNT}:role/{SCIENTIST}"},
        SubnetIds=["subnet-1"],
        VpcId="vpc-1",
        Tags=[{"Key": "owner", "Value": "research"}],
    )
    domain_id = domain["DomainArn"].rpartition("/")[2]
    domains = {REGION: [domain_id]}
    alter(restored, "dev", lambda config: config["sm-mlops:catalog"].update(studioDomains=domains))
    deploy(restored)
    tags = {tag["Key"]: tag["Value"] for tag in sagemaker.list_tags(ResourceArn=domain["DomainArn"])["Tags"]}
    location = tags.pop("sagemaker:projectS3TemplatesLocation")
    assert tags == {"owner": "research"}
    bucket, _, prefix = location.removeprefix("s3://").partition("/")
    assert s3.get_bucket_cors(Bucket=bucket)["CORSRules"][0]["AllowedOrigins"] == ["https://*.sagemaker.aws"]
    listed = [item["Key"] for item in s3.list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]]
    assert [key.removeprefix(prefix).split(".")[0] for key in listed] == list(PRODUCTS)
    for key in listed:
        visible = s3.get_object_tagging(Bucket=bucket, Key=key)["TagSet"]
        assert {"Key": "sagemaker:studio-visibility", "Value": "true"} in visible
    client(restored, "sagemaker", SCIENTIST).create_project(
        ProjectName="from-s3",
        TemplateProviders=[
            {
                "CfnTemplateProvider": {
                    "TemplateName": "model-deploy",
                    "TemplateURL": f"https://{bucket}.s3.{REGION}.amazonaws.com/{listed[1]}",
                    "RoleARN": f"arn:aws:iam::{ACCOUNT}:role/sm-mlops-dev-project-launch",
                }
            }
        ],
    )
    project = sagemaker.describe_project(ProjectName="from-s3")
    assert project["ProjectStatus"] == "CreateCompleted", project
    repository = f"sagemaker-from-s3-{project['ProjectId']}-model-deploy"
    assert client(restored, "codecommit").get_file(repositoryName=repository, filePath="buildspec.yml")["fileContent"]
    sagemaker.delete_project(ProjectName="from-s3")
    alter(restored, "dev", lambda config: config["sm-mlops:catalog"].pop("studioDomains"))
    deploy(restored)
    assert sagemaker.list_tags(ResourceArn=domain["DomainArn"])["Tags"] == [{"Key": "owner", "Value": "research"}]
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket, Prefix=prefix)


def test_a_malformed_folder_is_refused_before_anything(world: World, checkout: Path) -> None:
    template = checkout / "seed_code" / "model-deploy" / "product.yaml"
    text = template.read_text()
    template.write_text(text.replace("owner:", "ower:"))
    try:
        failed = world.pulumi("preview", "--stack", "dev", check=False)
    finally:
        template.write_text(text)
    printed = failed.stdout + failed.stderr
    assert failed.returncode != 0
    assert "seed_code/model-deploy/product.yaml" in printed
    assert "did you mean 'owner'?" in printed
    assert "Traceback" not in printed
