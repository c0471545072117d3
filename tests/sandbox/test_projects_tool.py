"""Projects are listed with their versions and brought to the newest, by each route, on an emulated AWS."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from components.catalog.publication import product_name
from components.packaging import seed_code
from tests.sandbox.conftest import REGION, REPOSITORY, Client, Clients
from tests.sandbox.support.catalog import ACCOUNT, Catalog, make_catalog
from tools.deployment_test.waiting import Waiting
from tools.doctor.account import Account
from tools.faults import ToolError
from tools.projects import command
from tools.projects.found import Project, Route, Run
from tools.stack_file import StackFile

OLD, NEW = "1.0.0-aaaaaaaa.eeeeeeee", "1.1.0-bbbbbbbb.eeeeeeee"
SLUG = "model-deploy"
BROKEN = """
Parameters: {SageMakerProjectName: {Type: String}, SageMakerProjectId: {Type: String}}
Resources:
  Bucket: {Type: AWS::S3::Bucket, Properties: {BucketName: catalog}}
"""


@dataclass
class World:
    """A stack's catalog with one product, and a person who may launch it."""

    catalog: Catalog
    file: StackFile
    made: dict[str, Client] = field(default_factory=dict)

    def client(self, service: str, region: str) -> Client:
        assert region == REGION
        if service not in self.made:
            self.made[service] = self.catalog.acting(self.catalog.scientist, service)
        return self.made[service]

    @property
    def account(self) -> Account:
        return Account.of(self.file, access=self)

    @property
    def listed(self) -> dict[str, Project]:
        return {one.name: one for one in command.projects(self.account)}

    def project(self, name: str, **parameters: str) -> None:
        pairs = [{"Key": key, "Value": value} for key, value in parameters.items()]
        details = {"ProductId": self.catalog.product, "ProvisioningArtifactId": self.catalog.artifact}
        self.client("sagemaker", REGION).create_project(
            ProjectName=name, ServiceCatalogProvisioningDetails={**details, "ProvisioningParameters": pairs}
        )

    def release(self, text: str | None = None) -> None:
        """A version beside the old one, which is deprecated."""
        url = self.catalog.put_text("new.yaml", text) if text else self.catalog.put_template("new.yaml")
        self.catalog.add_version(NEW, url)
        self.catalog.aws("servicecatalog").update_provisioning_artifact(
            ProductId=self.catalog.product, ProvisioningArtifactId=self.catalog.artifact, Guidance="DEPRECATED"
        )

    def sizes(self, name: str) -> str:
        stack = self.catalog.aws("cloudformation").describe_stacks(StackName=self.listed[name].stack)["Stacks"][0]
        return str({item["ParameterKey"]: item["ParameterValue"] for item in stack["Parameters"]}["Size"])


@pytest.fixture
def world(aws: Clients, emulator: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    values = yaml.safe_load((REPOSITORY / "tests" / "example" / "Pulumi.dev.yaml").read_text())
    config = values["config"]
    config["aws:region"] = REGION
    config["sm-mlops:artifacts"] = {"regions": [REGION]}
    config["sm-mlops:catalog"] = {"products": [SLUG]}
    for section in ("sm-mlops:delivery", "sm-mlops:deploymentTests", "sm-mlops:projects", "sm-mlops:network"):
        config.pop(section, None)
    (tmp_path / "Pulumi.dev.yaml").write_text(yaml.safe_dump(values))
    made = World(make_catalog(aws, emulator["url"]), StackFile("dev", tmp_path))
    servicecatalog = aws("servicecatalog")
    name = product_name(seed_code.product(SLUG), made.file.settings.names)
    servicecatalog.update_product(Id=made.catalog.product, Name=name)
    servicecatalog.update_provisioning_artifact(
        ProductId=made.catalog.product, ProvisioningArtifactId=made.catalog.artifact, Name=OLD
    )
    monkeypatch.setattr(command, "WAITING", Waiting(interval=0.0, limit=60.0))
    monkeypatch.setattr("tools.stack_file.StackFile.access", made)
    yield made
    sagemaker = aws("sagemaker")
    for one in sagemaker.list_projects()["ProjectSummaryList"]:
        made.client("sagemaker", REGION).delete_project(ProjectName=one["ProjectName"])
    for item in servicecatalog.scan_provisioned_products(AccessLevelFilter={"Key": "Account", "Value": "self"})[
        "ProvisionedProducts"
    ]:
        made.client("servicecatalog", REGION).terminate_provisioned_product(ProvisionedProductId=item["Id"])
    servicecatalog.update_product(Id=made.catalog.product, Name=f"done-{made.catalog.bucket}")


Run_ = Callable[..., Any]


@pytest.fixture
def run(world: World) -> Run_:
    def call(*words: str, answer: str = "") -> Any:
        where = ["-s", "dev", "--folder", str(world.file.folder)]
        return CliRunner().invoke(command.command, [*words, *where], input=answer, catch_exceptions=False)

    return call


def test_a_project_of_an_old_version_is_shown_and_brought_to_the_newest_with_its_parameters(
    world: World, run: Run_
) -> None:
    world.project("fraud", Size="large")
    assert not world.listed["fraud"].behind
    world.release()
    told = run("list").output
    assert OLD in told
    assert NEW in told
    assert "1 project, 1 behind the newest version." in told
    done = run("upgrade", "fraud", "--yes")
    assert done.exit_code == 0, done.output
    assert f"fraud  {SLUG}  {REGION}  {OLD} -> {NEW}" in done.output
    assert "1 of 1 project at the newest version." in done.output
    project = world.listed["fraud"]
    assert (project.version, project.behind, project.route) == (NEW, False, Route.SAGEMAKER)
    assert project.status == "UpdateCompleted, AVAILABLE", "SageMaker knows of it, too"
    assert world.sizes("fraud") == "large"
    assert "Nothing to do" in run("upgrade", "--all").output


def test_nothing_is_done_before_somebody_has_said_yes(world: World, run: Run_) -> None:
    world.project("fraud")
    world.release()
    assert run("upgrade", "--all", answer="n\n").exit_code == 1
    assert world.listed["fraud"].version == OLD
    assert run("upgrade", "--all", answer="y\n").exit_code == 0
    assert world.listed["fraud"].version == NEW


def test_after_a_failure_no_other_is_begun_and_running_again_goes_on(world: World, run: Run_) -> None:
    for name in ("a", "b", "c"):
        world.project(name)
    world.release(BROKEN.replace("catalog}", f"{world.catalog.bucket}}}"))
    done = run("upgrade", "--all", "--yes")
    assert done.exit_code == 1
    assert "0 of 3 projects at the newest version." in done.output
    assert "Not begun: b, c." in done.output
    assert "Bucket" in done.output, "the reason, as AWS tells it"
    listed = world.listed
    assert {one.version for one in listed.values()} == {OLD}, "what failed was rolled back"
    assert listed["a"].status == "UpdateFailed, TAINTED"
    newest = listed["a"].target
    servicecatalog = world.catalog.aws("servicecatalog")
    servicecatalog.update_provisioning_artifact(
        ProductId=world.catalog.product, ProvisioningArtifactId=newest, Active=False
    )
    world.catalog.add_version("1.2.0-cccccccc.eeeeeeee", world.catalog.put_template("third.yaml", description="Third"))
    again = run("upgrade", "--all", "--yes", "--at-once", "2")
    assert again.exit_code == 0, again.output
    assert {one.version for one in world.listed.values()} == {"1.2.0-cccccccc.eeeeeeee"}


def test_one_by_name_leaves_the_others_and_a_wrong_name_is_told_with_the_nearest(world: World, run: Run_) -> None:
    for name in ("fraud", "churn"):
        world.project(name)
    world.release()
    with pytest.raises(ToolError, match=r"no project 'frau'; did you mean 'fraud'\?"):
        run("upgrade", "frau", "--yes")
    assert run("upgrade", "fraud", "--yes").exit_code == 0
    assert {name: one.version for name, one in world.listed.items()} == {"fraud": NEW, "churn": OLD}


def test_what_was_launched_without_sagemaker_is_updated_by_service_catalog(world: World, run: Run_) -> None:
    parameters = {"SageMakerProjectName": "direct", "SageMakerProjectId": "p-direct", "Size": "large"}
    world.client("servicecatalog", REGION).provision_product(
        ProductId=world.catalog.product,
        ProvisioningArtifactId=world.catalog.artifact,
        ProvisionedProductName="direct",
        ProvisioningParameters=[{"Key": key, "Value": value} for key, value in parameters.items()],
    )
    assert world.listed["direct"].route is Route.CATALOG
    world.release()
    assert run("upgrade", "direct", "--yes").exit_code == 0
    assert world.listed["direct"].version == NEW
    assert world.sizes("direct") == "large"


def test_a_project_from_a_template_in_s3_gets_the_one_that_studio_lists_now(world: World, run: Run_) -> None:
    bucket = world.file.settings.names.distribution_bucket(ACCOUNT, REGION).value
    s3 = world.catalog.aws("s3")
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    text = s3.get_object(Bucket=world.catalog.bucket, Key="first.yaml")["Body"].read()
    old, new = (f"studio/{SLUG}.{version}.yaml" for version in (OLD, NEW))
    s3.put_object(Bucket=bucket, Key=old, Body=text)
    world.client("sagemaker", REGION).create_project(
        ProjectName="from-s3",
        TemplateProviders=[
            {
                "CfnTemplateProvider": {
                    "TemplateName": "model",
                    "TemplateURL": f"https://{bucket}.s3.{REGION}.amazonaws.com/{old}",
                    "RoleARN": world.catalog.launch_role,
                    "Parameters": [{"Key": "Size", "Value": "large"}],
                }
            }
        ],
    )
    s3.put_object(Bucket=bucket, Key=new, Body=text.replace(b"First", b"Second"))
    s3.delete_object(Bucket=bucket, Key=old)
    project = world.listed["from-s3"]
    assert (project.route, project.version, project.newest) == (Route.TEMPLATE, OLD, NEW)
    done = run("upgrade", "from-s3", "--yes")
    assert done.exit_code == 0, done.output
    assert world.listed["from-s3"].version == NEW
    assert world.sizes("from-s3") == "large"


def test_neither_names_nor_all_is_refused(run: Run_) -> None:
    with pytest.raises(ToolError, match="name the projects to upgrade, or say --all"):
        run("upgrade")


PROJECT = Project(
    name="fraud",
    region=REGION,
    product=SLUG,
    route=Route.SAGEMAKER,
    owner="ann",
    status="CreateCompleted, AVAILABLE",
    message="",
    ready=True,
    version=OLD,
    newest=NEW,
    target="pa-2",
    runs=(Run(pipeline="p-1-build", status="Succeeded", started="2026-11-24 12:00"),),
    stack="arn",
)


def test_a_project_that_is_in_use_or_is_not_whole_is_left_alone_and_told_why() -> None:
    assert PROJECT.hindrance == ""
    busy = replace(PROJECT, runs=(*PROJECT.runs, Run(pipeline="p-1-deploy", status="InProgress", started="2026-12")))
    assert busy.hindrance == "p-1-deploy runs; wait for its end, or stop it"
    assert busy.last_run == busy.runs[1]
    failed = replace(PROJECT, ready=False, status="CreateFailed, ERROR", message="no role")
    assert failed.hindrance == "it is CreateFailed, ERROR: no role"
    told = list(command.plan([], [busy], 1))
    assert told == ["1 project cannot be updated now:", "  fraud: p-1-deploy runs; wait for its end, or stop it"]
