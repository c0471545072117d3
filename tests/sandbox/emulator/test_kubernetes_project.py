"""A project of model-build-kubernetes, from launch to end: what is applied to a cluster trains a model."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
import yaml

from awsmodel.regions import known_regions
from components.core.naming import Names
from components.iam.policies import document
from components.iam.role_documents import RoleFacts, project_boundary
from components.packaging import Product, read_product
from tests.sandbox.conftest import REGION, REPOSITORY, Client, Clients
from tests.sandbox.support.catalog import ACCOUNT, BOUNDARY, PROVISIONING, Catalog, make_catalog
from tests.sandbox.support.kubernetes import play
from tests.sandbox.support.pipelines import Ear, wait

Json = dict[str, Any]
FOLDER = REPOSITORY / "seed_code" / "model-build-kubernetes"
CLUSTER, NAMESPACE, PROJECT = "shared", "churn", "Fraud"
ARN = f"arn:aws:eks:{REGION}:{ACCOUNT}:cluster/{CLUSTER}"


@pytest.fixture
def catalog(aws: Clients, emulator: Json) -> Iterator[Catalog]:
    """A catalog with the product, a boundary for its roles, and a cluster whose administrator has prepared it."""
    made = make_catalog(aws, emulator["url"])
    bounds = document(
        project_boundary(RoleFacts(names=Names("acme", "dev"), home=known_regions()[REGION], account_id=ACCOUNT))
    )
    boundary = aws("iam").create_policy(PolicyName=BOUNDARY.rpartition("/")[2], PolicyDocument=bounds)["Policy"]
    role = f"arn:aws:iam::{ACCOUNT}:role/cluster"
    aws("eks").create_cluster(name=CLUSTER, roleArn=role, resourcesVpcConfig={})
    prepared = (FOLDER / "repository" / "kustomize" / "access.yaml").read_text()
    for placeholder, value in (("my-namespace", NAMESPACE), ("my-project", PROJECT)):
        prepared = prepared.replace(placeholder, value)
    objects = list(yaml.safe_load_all(prepared))
    done = play(emulator["url"], ARN, "admin", "apply", "--server-side", "-f", "-", objects=objects)
    assert done.returncode == 0, done.stderr
    yield made
    aws("iam").delete_policy(PolicyArn=boundary["Arn"])


def product() -> Product:
    """The product without its repository's own checks, which what made the seed has run."""
    found = read_product(FOLDER)
    files = tuple(replace(file, content=file.content.replace(b"make check", b"true")) for file in found.files)
    return replace(found, files=files)


def launch(catalog: Catalog, sagemaker: Client, topic: str) -> str:
    """Make the project; its id."""
    seed = product().seed_zip()
    catalog.aws("s3").put_object(Bucket=catalog.bucket, Key="build.zip", Body=seed, Tagging=PROVISIONING)
    text = catalog.filled(FOLDER).replace("Key: seed.zip", "Key: build.zip")
    assert 'TopicArn: ""' in text
    text = text.replace('TopicArn: ""', f'TopicArn: "{topic}"')
    version = catalog.add_version("build", catalog.put_text("build.yaml", text))
    given = {"ClusterName": CLUSTER, "Namespace": NAMESPACE, "ArtifactsOnProjectDeletion": "Delete"}
    sagemaker.create_project(
        ProjectName=PROJECT,
        ServiceCatalogProvisioningDetails={
            "ProductId": catalog.product,
            "ProvisioningArtifactId": version,
            "ProvisioningParameters": [{"Key": key, "Value": value} for key, value in given.items()],
        },
    )
    project: Json = sagemaker.describe_project(ProjectName=PROJECT)
    assert project["ProjectStatus"] == "CreateCompleted", project
    return str(project["ProjectId"])


def built(catalog: Catalog, runs: int) -> str:
    """Wait for the end of so many runs of the pipeline; the log of the last build."""
    codepipeline, logs = catalog.aws("codepipeline"), catalog.aws("logs")
    (name,) = [one["name"] for one in codepipeline.list_pipelines()["pipelines"]]

    def ended() -> bool:
        found = codepipeline.list_pipeline_executions(pipelineName=name)["pipelineExecutionSummaries"]
        return len(found) == runs and "InProgress" not in {one["status"] for one in found}

    wait(ended, f"run {runs}", seconds=300)
    (group,) = [one["logGroupName"] for one in logs.describe_log_groups()["logGroups"] if "codebuild" in str(one)]
    streams = logs.describe_log_streams(logGroupName=group)["logStreams"]
    newest = max(streams, key=lambda one: one["creationTime"])["logStreamName"]
    events = logs.get_log_events(logGroupName=group, logStreamName=newest, startFromHead=True)["events"]
    return "".join(one["message"] for one in events)


def push(catalog: Catalog, files: Mapping[str, str]) -> None:
    codecommit = catalog.aws("codecommit")
    (name,) = [one["repositoryName"] for one in codecommit.list_repositories()["repositories"]]
    parent = codecommit.get_branch(repositoryName=name, branchName="main")["branch"]["commitId"]
    put = [{"filePath": path, "fileContent": content.encode()} for path, content in files.items()]
    codecommit.create_commit(
        repositoryName=name, branchName="main", parentCommitId=parent, putFiles=put, commitMessage="change"
    )


def kubectl(emulator: Json, *words: str) -> list[Json]:
    done = play(emulator["url"], ARN, "admin", "get", *words, "-n", NAMESPACE, "-o", "json")
    return list(json.loads(done.stdout)["items"])


def test_what_is_applied_trains_and_registers_a_model_or_says_why_not_and_nothing_stays(
    catalog: Catalog, aws: Clients, emulator: Json
) -> None:
    sagemaker, ear = aws("sagemaker"), Ear(aws)
    topic = aws("sns").create_topic(Name="sagemaker-told")["TopicArn"]
    aws("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=ear.arn, Attributes={"RawMessageDelivery": "true"})
    scientist = catalog.acting(catalog.scientist, "sagemaker")
    identity = launch(catalog, scientist, topic)
    log = built(catalog, 1)
    assert f"cluster {CLUSTER}, namespace {NAMESPACE}: started execution " in log, log

    def ended() -> Json | None:
        (found,) = kubectl(emulator, "pipelineexecutions")
        return None if found["status"]["pipelineExecutionStatus"] == "Executing" else dict(found["status"])

    status = wait(ended, "training", 300)
    assert status["pipelineExecutionStatus"] == "Succeeded", status
    assert {one["type"]: one["status"] for one in status["conditions"]} == {"ACK.ResourceSynced": "True"}
    (version,) = sagemaker.list_model_packages(ModelPackageGroupName=f"sagemaker-{PROJECT}")["ModelPackageSummaryList"]
    assert version["ModelApprovalStatus"] == "PendingManualApproval"

    push(catalog, {"README.md": "Something else."})
    log = built(catalog, 2)
    assert "not started: execution " in log, log
    assert len(kubectl(emulator, "pipelineexecutions")) == 1

    jobs = "pipelines/jobs.py"
    (text,) = (file.content.decode() for file in product().files if file.path == jobs)
    push(catalog, {jobs: text.replace("MOST_ERROR = 6.0", "MOST_ERROR = 0.0")})
    assert "started execution " in built(catalog, 3)
    status = wait(ended, "training that fails", 300)
    assert status["pipelineExecutionStatus"] == "Failed"
    told = [one for one in ear.heard() if isinstance(one, dict) and "step ErrorTooHigh" in one.get("failed", "")]
    assert [one["reason"] for one in told] == [status["failureReason"]]

    scientist.delete_project(ProjectName=PROJECT)
    assert [one for one in aws("s3").list_buckets()["Buckets"] if identity in one["Name"]] == []
    assert [one for one in aws("iam").list_roles()["Roles"] if identity in one["RoleName"]] == []
    assert sagemaker.list_pipelines()["PipelineSummaries"] == []
