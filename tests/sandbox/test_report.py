"""The report tells what boto3 tells of an emulated AWS, by calls that only read, and what is refused it names."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from botocore.exceptions import ClientError

from components.catalog.publication import product_name
from components.packaging import seed_code
from tests.sandbox.conftest import REGION, REPOSITORY, Client, Clients
from tests.sandbox.support.catalog import Catalog, make_catalog
from tests.sandbox.support.pipelines import Pipeline, action, approval, stage, wait
from tools.report.as_json import as_json
from tools.report.collection import report
from tools.report.model import Earlier, Environment, Known, Mark, NotKnown, known
from tools.report.page import render
from tools.stack_file import StackFile

SLUG = "model-deploy"
VERSION = "1.0.0-aaaaaaaa.eeeeeeee"
QUESTION = "Deploy version 2 to prod?"
BUILDSPEC = "version: 0.2\nphases: {build: {commands: ['echo the reason of it all', 'exit 3']}}\n"
GROUP = "sagemaker-fraud"
METRICS = ({"mse": 2.84, "r2": 0.74}, {"mse": 2.81, "r2": 0.75})
READS = ("BatchGet", "Describe", "Filter", "Get", "Head", "List", "Scan", "Search")


@dataclass
class World:
    """A stack with a project, its pipelines, a model and an endpoint; who looks at it, and how."""

    catalog: Catalog
    file: StackFile
    url: str
    project_id: str = ""
    calls: list[str] = field(default_factory=list)
    denied: set[str] = field(default_factory=set)
    """Operations that are refused; `*` stands for all but asking who one is."""
    patience: Any = None
    made: dict[tuple[str, str], Client] = field(default_factory=dict)

    def client(self, service: str, region: str) -> Client:
        """How the report reaches AWS: each call is written down, and refused where that is wanted."""
        if (service, region) not in self.made:
            client = boto3.client(  # type: ignore[call-overload]
                service,
                region_name=region,
                endpoint_url=self.url,
                aws_access_key_id="test",
                aws_secret_access_key="test",  # noqa: S106
            )
            client.meta.events.register("before-call", self._called)
            self.made[service, region] = client
        return self.made[service, region]

    def _called(self, model: Any, **_: object) -> None:
        self.calls.append(model.name)
        if model.name in self.denied or ("*" in self.denied and model.name != "GetCallerIdentity"):
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "you may not"}}, model.name)

    def look(self) -> Environment:
        (found,) = report([self.file], datetime.now(UTC)).environments
        return found


def models(aws: Clients, bucket: str) -> None:
    sagemaker = aws("sagemaker")
    sagemaker.create_model_package_group(ModelPackageGroupName=GROUP)
    for number, metrics in enumerate(METRICS, start=1):
        body = {"regression_metrics": {name: {"value": value} for name, value in metrics.items()}}
        aws("s3").put_object(Bucket=bucket, Key=f"evaluation-{number}.json", Body=json.dumps(body).encode())
        image = {
            "Image": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/model:1",
            "ModelDataUrl": f"s3://{bucket}/model",
        }
        sagemaker.create_model_package(
            ModelPackageGroupName=GROUP,
            ModelPackageDescription="Finds fraud",
            ModelApprovalStatus="Approved" if number == 1 else "PendingManualApproval",
            InferenceSpecification={
                "Containers": [image],
                "SupportedContentTypes": ["text/csv"],
                "SupportedResponseMIMETypes": ["text/csv"],
            },
            ModelMetrics={
                "ModelQuality": {
                    "Statistics": {
                        "ContentType": "application/json",
                        "S3Uri": f"s3://{bucket}/evaluation-{number}.json",
                    }
                }
            },
            CustomerMetadataProperties={"ProjectName": "fraud", "CommitId": "0123456789abcdef"},
        )


def others(aws: Clients, project_id: str) -> None:
    """An endpoint of the project, and what another stack of the account has."""
    sagemaker = aws("sagemaker")
    tags = [{"Key": "project", "Value": "sm-mlops"}, {"Key": "environment", "Value": "prod"}]
    sagemaker.create_model_package_group(ModelPackageGroupName="sagemaker-other", Tags=tags)
    sagemaker.create_model_package(ModelPackageGroupName="sagemaker-other", ModelPackageDescription="of prod")
    role = "arn:aws:iam::123456789012:role/models"
    for identity in (project_id, "p-ofanother"):
        name = f"sagemaker-{identity}-prod"
        sagemaker.create_model(ModelName=name, ExecutionRoleArn=role, PrimaryContainer={"Image": "image"})
        variant = {"VariantName": "AllTraffic", "ModelName": name, "InitialInstanceCount": 2}
        sagemaker.create_endpoint_config(
            EndpointConfigName=name, ProductionVariants=[{**variant, "InstanceType": "ml.m5.large"}]
        )
        sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)


@pytest.fixture(scope="module")
def world(aws: Clients, emulator: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("stack")
    values = yaml.safe_load((REPOSITORY / "tests" / "example" / "Pulumi.dev.yaml").read_text())
    config = values["config"]
    config |= {"aws:region": REGION, "sm-mlops:artifacts": {"regions": [REGION]}}
    config["sm-mlops:catalog"] = {"products": [SLUG]}
    for section in ("sm-mlops:delivery", "sm-mlops:deploymentTests", "sm-mlops:projects", "sm-mlops:network"):
        config.pop(section, None)
    (folder / "Pulumi.dev.yaml").write_text(yaml.safe_dump(values))
    made = World(make_catalog(aws, emulator["url"]), StackFile("dev", folder), emulator["url"])
    names, servicecatalog = made.file.settings.names, aws("servicecatalog")
    aws("sns").create_topic(Name=names.topic.value)
    servicecatalog.update_product(Id=made.catalog.product, Name=product_name(seed_code.product(SLUG), names))
    servicecatalog.update_provisioning_artifact(
        ProductId=made.catalog.product, ProvisioningArtifactId=made.catalog.artifact, Name=VERSION
    )
    sagemaker = made.catalog.acting(made.catalog.scientist, "sagemaker")
    details = {"ProductId": made.catalog.product, "ProvisioningArtifactId": made.catalog.artifact}
    made.project_id = sagemaker.create_project(ProjectName="fraud", ServiceCatalogProvisioningDetails=details)[
        "ProjectId"
    ]
    failing = action("Check", "Build/CodeBuild", inputArtifacts=[{"name": "source"}])
    sample = Pipeline(aws, stage("Wait", approval()), buildspecs={"check": BUILDSPEC})
    failing["configuration"] = {"ProjectName": f"{sample.name}-check"}
    aws("logs").create_log_group(logGroupName=f"/aws/codebuild/{sample.name}-check")
    asking = approval(configuration={"CustomData": QUESTION})
    source = sample.declaration["stages"][0]
    for name, rest in (("build", stage("Build", failing)), ("deploy", stage("Deploy", asking))):
        declared = {**sample.declaration, "name": pipeline_name(made, name), "stages": [source, rest]}
        aws("codepipeline").create_pipeline(pipeline=declared)
    models(aws, made.catalog.bucket)
    others(aws, made.project_id)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tools.stack_file.StackFile.access", made)
        wait(lambda: state(aws, pipeline_name(made, "build")) == "Failed", "the failure")
        wait(lambda: made.look().approvals, "the question")
        made.calls.clear()
        yield made


@contextmanager
def denied(world: World, *operations: str) -> Iterator[None]:
    world.denied.update(operations)
    try:
        yield
    finally:
        world.denied.clear()


def pipeline_name(world: World, kind: str) -> str:
    return f"sagemaker-fraud-{world.project_id}-model{kind}"


def state(aws: Clients, name: str) -> str:
    return str(
        aws("codepipeline").list_pipeline_executions(pipelineName=name)["pipelineExecutionSummaries"][0]["status"]
    )


@pytest.fixture(scope="module")
def found(world: World) -> Environment:
    return world.look()


def test_projects_and_their_pipelines_are_as_aws_has_them(world: World, found: Environment, aws: Clients) -> None:
    (project,) = known(found.projects)
    assert (project.name, project.id, project.product) == ("fraud", world.project_id, SLUG)
    assert project.version == VERSION
    told = {one.name: one for one in known(project.pipelines)}
    assert set(told) == {pipeline_name(world, "build"), pipeline_name(world, "deploy")}
    for name, one in told.items():
        states = aws("codepipeline").get_pipeline_state(name=name)["stageStates"]
        wanted = [(each["stageName"], each["latestExecution"]["status"]) for each in states]
        assert [(each.name, each.status) for each in one.stages] == wanted
        assert one.status == state(aws, name)


def test_a_failure_has_its_reason_and_the_end_of_its_log(world: World, found: Environment, aws: Clients) -> None:
    (failure,) = [one for each in found.pipelines for one in each.failures]
    name = pipeline_name(world, "build")
    listed = aws("codepipeline").list_action_executions(pipelineName=name)["actionExecutionDetails"]
    (result,) = [one["output"]["executionResult"] for one in listed if one["status"] == "Failed"]
    assert failure.where == "Build/Check"
    assert failure.reason == result["errorDetails"]["message"]
    assert failure.build == result["externalExecutionId"]
    assert not isinstance(failure.log, NotKnown), failure.log
    assert "the reason of it all" in failure.log
    assert failure.log[-1].startswith("Failed phases: BUILD")


def test_what_waits_for_somebody_is_told_with_its_question(world: World, found: Environment) -> None:
    (asked,) = found.approvals
    assert (asked.pipeline, asked.action, asked.text) == (pipeline_name(world, "deploy"), "Deploy/Approve", QUESTION)
    (waiting,) = [one for one in found.pipelines if one.name == asked.pipeline]
    assert waiting.mark is Mark.WAITING


def test_models_have_the_metrics_that_their_evaluation_wrote(found: Environment) -> None:
    (model,) = known(found.models)
    assert (model.group, model.project, model.count) == (GROUP, "fraud", 2)
    assert [(one.version, one.approval, one.metrics) for one in model.versions] == [
        (2, "PendingManualApproval", METRICS[1]),
        (1, "Approved", METRICS[0]),
    ]


def test_endpoints_of_the_stacks_projects_are_told_with_what_they_serve_and_cost(
    world: World, found: Environment, aws: Clients
) -> None:
    (endpoint,) = known(found.endpoints)
    told = aws("sagemaker").describe_endpoint(EndpointName=f"sagemaker-{world.project_id}-prod")
    assert (endpoint.name, endpoint.status) == (told["EndpointName"], told["EndpointStatus"])
    (variant,) = endpoint.variants
    assert (variant.instance_type, variant.instances, variant.share) == ("ml.m5.large", 2, 1.0)
    assert variant.serves == endpoint.name, "the model is no version of the registry"
    assert endpoint.monthly == pytest.approx(2 * 0.115 * 730)
    assert not endpoint.idle


def test_parts_that_are_missing_are_told_from_those_that_are_there(found: Environment) -> None:
    there = {part.kind: part.there for part in found.parts}
    assert there["Topic"] is True
    assert there["Artifact bucket"] is False
    assert there["Repository"] is False
    assert there["Launch role"] is False
    assert all(part.link.startswith("https://eu-west-1.console.aws.amazon.com/") for part in found.parts if part.there)


@pytest.mark.parametrize("supplied", [False, True], ids=["own", "supplied"])
def test_a_stack_that_a_connection_reaches_is_deployed_once_something_of_it_is_there(
    world: World, aws: Clients, tmp_path: Path, supplied: bool
) -> None:
    values = yaml.safe_load((world.file.folder / "Pulumi.dev.yaml").read_text())
    connections, source = aws("codeconnections"), {"provider": "GitHub", "repository": "acme/platform"}
    name = "people-made-this" if supplied else "sm-mlops-other"
    values["config"] |= {"sm-mlops:environment": "other", "sm-mlops:source": source}
    if supplied:
        made = connections.create_connection(ProviderType="GitHub", ConnectionName=name)
        source["connectionArn"] = made["ConnectionArn"]
    (tmp_path / "Pulumi.other.yaml").write_text(yaml.safe_dump(values))
    other = World(world.catalog, StackFile("other", tmp_path), world.url)

    def looked() -> tuple[bool, Known[bool]]:
        found = other.look()
        (part,) = [one for one in found.parts if one.kind == "Connection"]
        return found.deployed, part.there

    assert looked() == (False, supplied)
    if not supplied:
        connections.create_connection(ProviderType="GitHub", ConnectionName=name)
        assert looked() == (True, True)


def test_nothing_is_changed_to_know_all_this(world: World) -> None:
    world.calls.clear()
    world.look()
    assert world.calls
    assert [one for one in set(world.calls) if not one.startswith(READS)] == []
    assert not {"ListStateMachines", "ListWorkflows"} & set(world.calls), "no product on offer has one"


def test_what_aws_refuses_is_named_and_nothing_crashes(world: World) -> None:
    with denied(world, "*"):
        made = report([world.file], datetime.now(UTC))
    (found,) = made.environments
    assert found.deployed, "what is not known may be there"
    sections = (found.deliveries, found.roles, found.products, found.projects, found.models, found.endpoints)
    assert [known(one) for one in sections] == [[]] * len(sections)
    assert all(sections), "nobody takes it for nothing"
    assert "grant sns:GetTopicAttributes to arn:aws:" in as_json(made)
    assert "grant sagemaker:ListEndpoints" in render(made)


def test_a_stack_that_loses_a_right_shows_the_rest(world: World) -> None:
    with denied(world, "ListModelPackageGroups", "GetPipelineState", "ListRoles", "DescribeEndpointConfig"):
        found = world.look()

    def lost(found: Sequence[Known[object]]) -> dict[str, str]:
        return {one.what: one.why for one in found if isinstance(one, NotKnown)}

    assert "grant sagemaker:ListModelPackageGroups" in lost(found.models)[f"models in {REGION}"]
    assert lost(found.roles).keys() == {"roles"}
    (project,) = known(found.projects)
    pipelines = lost(project.pipelines)
    assert pipelines.keys() == {pipeline_name(world, "build"), pipeline_name(world, "deploy")}
    assert all("grant codepipeline:GetPipelineState" in why for why in pipelines.values())
    assert lost(found.endpoints).keys() == {f"sagemaker-{world.project_id}-prod in {REGION}"}
    assert known(found.products)


def test_a_file_that_is_no_evaluation_hides_its_metrics_alone(world: World, aws: Clients) -> None:
    key = {"Bucket": world.catalog.bucket, "Key": "evaluation-1.json"}
    before = aws("s3").get_object(**key)["Body"].read()
    aws("s3").put_object(**key, Body=b"no JSON")
    try:
        found = world.look()
    finally:
        aws("s3").put_object(**key, Body=before)
    newest, oldest = known(found.models)[0].versions
    assert newest.metrics == METRICS[1]
    assert isinstance(oldest.metrics, NotKnown)


def test_a_question_that_was_abandoned_waits_for_nobody(world: World, aws: Clients) -> None:
    name, client = pipeline_name(world, "deploy"), aws("codepipeline")
    (run,) = client.list_pipeline_executions(pipelineName=name)["pipelineExecutionSummaries"]
    client.stop_pipeline_execution(pipelineName=name, pipelineExecutionId=run["pipelineExecutionId"], abandon=True)
    wait(lambda: state(aws, name) == "Stopped", "the end of the question")
    (asked,) = [
        one["latestExecution"]
        for each in client.get_pipeline_state(name=name)["stageStates"]
        for one in each["actionStates"]
        if one["actionName"] == "Approve"
    ]
    assert asked["token"], "it is kept"
    assert world.look().approvals == []


def test_a_failure_stays_to_be_seen_while_a_later_run_goes_on(world: World, found: Environment, aws: Clients) -> None:
    name, client = pipeline_name(world, "build"), aws("codepipeline")
    (failed,) = [one for one in found.pipelines if one.name == name]
    declared = client.get_pipeline(name=name)["pipeline"]
    client.update_pipeline(pipeline={**declared, "stages": [declared["stages"][0], stage("Wait", approval())]})
    client.start_pipeline_execution(name=name)
    wait(lambda: state(aws, name) == "InProgress", "another run")
    (now,) = [one for one in world.look().pipelines if one.name == name]
    assert (now.status, now.failures) == ("InProgress", [])
    assert now.earlier == Earlier(started=failed.started, mended=False, failures=failed.failures)
