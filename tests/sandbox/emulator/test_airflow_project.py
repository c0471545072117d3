"""A project of model-build-airflow, from launch to end: Airflow runs its workflow, and what comes of it is told."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from awsmodel.regions import known_regions
from components.core.naming import Names
from components.iam.policies import document
from components.iam.role_documents import RoleFacts, project_boundary
from components.packaging import read_product
from tests.sandbox.conftest import REGION, REPOSITORY, Client, Clients
from tests.sandbox.support.catalog import ACCOUNT, BOUNDARY, PROVISIONING, Catalog, make_catalog
from tests.sandbox.support.pipelines import Ear, wait

pytestmark = pytest.mark.airflow

Json = dict[str, Any]
PRODUCT = REPOSITORY / "seed_code" / "model-build-airflow"
TASKS = ("preprocess", "train", "evaluate", "register")


@pytest.fixture(scope="module")
def catalog(aws: Clients, emulator: Json) -> Iterator[Catalog]:
    made = make_catalog(aws, emulator["url"])
    facts = RoleFacts(names=Names("acme", "dev"), home=known_regions()[REGION], account_id=ACCOUNT)
    boundary = aws("iam").create_policy(
        PolicyName=BOUNDARY.rpartition("/")[2], PolicyDocument=document(project_boundary(facts))
    )["Policy"]
    yield made
    aws("iam").delete_policy(PolicyArn=boundary["Arn"])


@pytest.fixture(scope="module")
def ear(aws: Clients) -> Ear:
    return Ear(aws)


@pytest.fixture(scope="module")
def project(catalog: Catalog, ear: Ear) -> Json:
    """The project, once its first build has ended."""
    aws = catalog.aws
    topic = aws("sns").create_topic(Name="environment")["TopicArn"]
    publish = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sns:Publish"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [{**publish, "Resource": topic}]})
    aws("sns").set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)
    aws("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=ear.arn)
    product = read_product(PRODUCT)
    # The repository's own checks are of no use here: what made the seed has run them.
    unchecked = tuple(replace(file, content=file.content.replace(b"make check", b"true")) for file in product.files)
    product = replace(product, files=unchecked)
    aws("s3").put_object(Bucket=catalog.bucket, Key="airflow.zip", Body=product.seed_zip(), Tagging=PROVISIONING)
    text = catalog.filled(PRODUCT).replace("Key: seed.zip", "Key: airflow.zip")
    told = text.replace('TopicArn: ""', f"TopicArn: {topic}")
    assert told != text
    version = catalog.add_version("airflow", catalog.put_text("airflow.yaml", told))
    sagemaker = catalog.acting(catalog.scientist, "sagemaker")
    sagemaker.create_project(
        ProjectName="abalone",
        ServiceCatalogProvisioningDetails={
            "ProductId": catalog.product,
            "ProvisioningArtifactId": version,
            "ProvisioningParameters": [{"Key": "ArtifactsOnProjectDeletion", "Value": "Delete"}],
        },
    )
    found: Json = sagemaker.describe_project(ProjectName="abalone")
    assert found["ProjectStatus"] == "CreateCompleted", json.dumps(found, default=str)
    assert built(aws) == "Succeeded", build_log(aws)
    return found


def built(aws: Clients, count: int = 1) -> str:
    """The state of the newest of so many runs of the pipeline."""
    (name,) = [one["name"] for one in aws("codepipeline").list_pipelines()["pipelines"] if "abalone" in one["name"]]

    def found() -> str | None:
        runs = aws("codepipeline").list_pipeline_executions(pipelineName=name)["pipelineExecutionSummaries"]
        return runs[0]["status"] if len(runs) == count and runs[0]["status"] != "InProgress" else None

    return str(wait(found, f"build {count}"))


def build_log(aws: Clients) -> str:
    """The end of what the builds have written."""
    logs = aws("logs")
    (group,) = logs.describe_log_groups(logGroupNamePrefix="/aws/codebuild/sagemaker-abalone")["logGroups"]
    events = logs.filter_log_events(logGroupName=group["logGroupName"])["events"]
    return "".join(one["message"] for one in events)[-4000:]


def workflow_log(aws: Clients, project: Json, run: Json) -> str:
    """What a run of the workflow has written."""
    (stream,) = run["logs"]
    group = f"/aws/vendedlogs/airflow/sagemaker-{project['ProjectId']}-train"
    events = aws("logs").filter_log_events(logGroupName=group, logStreamNames=[stream])["events"]
    return "\n".join(one["message"] for one in events)


def ended(airflow: Client, count: int) -> Json:
    """The newest of so many runs of the workflow, at its end, with its tasks."""
    (workflow,) = airflow.list_workflows()["Workflows"]
    arn = workflow["WorkflowArn"]

    def found() -> Json | None:
        runs = airflow.list_workflow_runs(WorkflowArn=arn)["WorkflowRuns"]
        return runs[0] if len(runs) == count and runs[0]["RunDetailSummary"]["Status"] != "RUNNING" else None

    run = wait(found, f"the end of run {count}")
    place = {"WorkflowArn": arn, "RunId": run["RunId"]}
    tasks = [
        airflow.get_task_instance(**place, TaskInstanceId=one["TaskInstanceId"])
        for one in airflow.list_task_instances(**place)["TaskInstances"]
    ]
    detail = airflow.get_workflow_run(**place)
    return {
        **detail,
        "tasks": {one["TaskId"]: one["Status"] for one in tasks},
        "logs": {one["LogStream"] for one in tasks},
    }


def test_a_run_registers_a_version_that_waits_for_approval(project: Json, aws: Clients, ear: Ear) -> None:
    identity, sagemaker = project["ProjectId"], aws("sagemaker")
    run = ended(aws("mwaa-serverless"), 1)
    assert run["RunDetail"]["RunState"] == "SUCCESS", workflow_log(aws, project, run)
    assert run["tasks"] == dict.fromkeys(TASKS, "SUCCESS")
    (package,) = sagemaker.list_model_packages(ModelPackageGroupName="sagemaker-abalone")["ModelPackageSummaryList"]
    found = sagemaker.describe_model_package(ModelPackageName=package["ModelPackageArn"])
    assert found["ModelApprovalStatus"] == "PendingManualApproval"
    assert found["CustomerMetadataProperties"]["CommitId"] == run["OverrideParameters"]["CommitId"]
    bucket = f"sagemaker-{identity}-build-{ACCOUNT}"
    report = found["ModelMetrics"]["ModelQuality"]["Statistics"]["S3Uri"].removeprefix(f"s3://{bucket}/")
    measured = json.loads(aws("s3").get_object(Bucket=bucket, Key=report)["Body"].read())
    assert measured["conditions"]["error"]["met"]
    assert [one for one in ear.heard() if "succeeded. Version 1 waits for approval" in one["Message"]]


def test_a_training_that_fails_is_told_with_its_job_its_reason_and_its_log(
    project: Json, aws: Clients, ear: Ear
) -> None:
    codecommit = aws("codecommit")
    (name,) = [one["repositoryName"] for one in codecommit.list_repositories()["repositories"]]
    head = codecommit.get_branch(repositoryName=name, branchName="main")["branch"]["commitId"]
    path = "abalone/train.py"
    code = codecommit.get_file(repositoryName=name, commitSpecifier=head, filePath=path)["fileContent"].decode()
    reading = "features, labels = schema.read_labelled(train_dir, missing=True)"
    broken = code.replace(reading, 'raise schema.DataError("the flux capacitor is empty")', 1)
    assert broken != code
    put = {"filePath": path, "fileContent": broken.encode()}
    codecommit.put_file(repositoryName=name, branchName="main", parentCommitId=head, commitMessage="Break it", **put)
    assert built(aws, 2) == "Succeeded"
    run = ended(aws("mwaa-serverless"), 2)
    assert run["RunDetail"]["RunState"] == "FAILED"
    assert run["tasks"] == {"preprocess": "SUCCESS", "train": "FAILED"} | dict.fromkeys(TASKS[2:], "UPSTREAM_FAILED")
    assert "the flux capacitor is empty" in run["RunDetail"]["ErrorMessage"]
    assert "the flux capacitor is empty" in workflow_log(aws, project, run)
    (told,) = [json.loads(one["Message"]) for one in ear.heard() if "flux" in one["Message"]]
    assert "job sagemaker-" in told["failed"]
    assert "/aws/sagemaker/TrainingJobs" in told["log"]
    assert "the flux capacitor is empty" in told["reason"]


def test_a_build_that_is_run_again_starts_what_is_not_there_and_nothing_twice(project: Json, aws: Clients) -> None:
    assert project
    (name,) = [one["name"] for one in aws("codepipeline").list_pipelines()["pipelines"] if "abalone" in one["name"]]
    aws("codepipeline").start_pipeline_execution(name=name)
    assert built(aws, 3) == "Succeeded"
    # The run of this commit has failed, so it is tried again; while it goes on, no other starts.
    aws("codepipeline").start_pipeline_execution(name=name)
    assert built(aws, 4) == "Succeeded"
    assert ended(aws("mwaa-serverless"), 3)["RunDetail"]["RunState"] == "FAILED"


def test_nothing_of_a_deleted_project_stays(project: Json, aws: Clients, catalog: Catalog) -> None:
    catalog.acting(catalog.scientist, "sagemaker").delete_project(ProjectName="abalone")
    identity = project["ProjectId"]
    assert aws("mwaa-serverless").list_workflows()["Workflows"] == []
    assert [one for one in aws("s3").list_buckets()["Buckets"] if identity in one["Name"]] == []
    assert [one for one in aws("iam").list_roles()["Roles"] if identity in one["RoleName"]] == []
    assert [one for one in aws("logs").describe_log_groups()["logGroups"] if identity in one["logGroupName"]] == []
