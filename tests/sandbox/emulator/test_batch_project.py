"""A project of batch-inference, from launch to end: files come, a model answers, one file fails, all is told."""

import io
import json
import tarfile
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
from tests.sandbox.support.pipelines import wait

Json = dict[str, Any]
GROUP, MODELS = "sagemaker-fraud", f"sagemaker-p-1-build-{ACCOUNT}"
IMAGE = f"141502667606.dkr.ecr.{REGION}.amazonaws.com/sagemaker-scikit-learn:1.9-0-cpu-py3"
# A model that needs no training: it answers how long each row is, and takes none with a question mark.
CODE = """
def model_fn(folder):
    return len


def transform_fn(model, content, content_type, accept):
    from flask import Response

    rows = content.decode().splitlines()
    if "?" in content.decode():
        return Response("row 1 is a question", status=400, mimetype="text/plain")
    return Response("".join(f"{model(row)}\\n" for row in rows), status=200, mimetype=accept)
"""


@pytest.fixture
def catalog(aws: Clients, emulator: Json) -> Iterator[Catalog]:
    """A catalog with the product, a boundary for its roles, and an approved model of another project."""
    made = make_catalog(aws, emulator["url"])
    bounds = document(
        project_boundary(RoleFacts(names=Names("acme", "dev"), home=known_regions()[REGION], account_id=ACCOUNT))
    )
    boundary = aws("iam").create_policy(PolicyName=BOUNDARY.rpartition("/")[2], PolicyDocument=bounds)["Policy"]
    aws("s3").create_bucket(Bucket=MODELS, CreateBucketConfiguration={"LocationConstraint": REGION})
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        file = tarfile.TarInfo("code/inference.py")
        file.size = len(CODE)
        tar.addfile(file, io.BytesIO(CODE.encode()))
    aws("s3").put_object(Bucket=MODELS, Key="executions/1/model.tar.gz", Body=archive.getvalue())
    container = {
        "Image": IMAGE,
        "ModelDataUrl": f"s3://{MODELS}/executions/1/model.tar.gz",
        "Environment": {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"},
    }
    serves = {"SupportedContentTypes": ["text/csv"], "SupportedResponseMIMETypes": ["text/csv"]}
    aws("sagemaker").create_model_package_group(ModelPackageGroupName=GROUP)
    aws("sagemaker").create_model_package(
        ModelPackageGroupName=GROUP,
        ModelApprovalStatus="Approved",
        InferenceSpecification={"Containers": [container], **serves},
    )
    yield made
    aws("iam").delete_policy(PolicyArn=boundary["Arn"])


def launch(catalog: Catalog, sagemaker: Client) -> Json:
    """Make the project, and see its first run to its end."""
    product = read_product(REPOSITORY / "seed_code" / "batch-inference")
    # The repository's own checks are of no use here: what made the seed has run them.
    unchecked = tuple(replace(file, content=file.content.replace(b"make check", b"true")) for file in product.files)
    product = replace(product, files=unchecked)
    catalog.aws("s3").put_object(Bucket=catalog.bucket, Key="batch.zip", Body=product.seed_zip(), Tagging=PROVISIONING)
    text = catalog.filled(REPOSITORY / "seed_code" / "batch-inference").replace("Key: seed.zip", "Key: batch.zip")
    version = catalog.add_version("batch", catalog.put_text("batch.yaml", text))
    given = {"StartOnNewData": "YES", "ArtifactsOnProjectDeletion": "Delete"}
    sagemaker.create_project(
        ProjectName="fraud-batch",
        ServiceCatalogProvisioningDetails={
            "ProductId": catalog.product,
            "ProvisioningArtifactId": version,
            "ProvisioningParameters": [{"Key": key, "Value": value} for key, value in given.items()],
        },
    )
    project: Json = sagemaker.describe_project(ProjectName="fraud-batch")
    assert project["ProjectStatus"] == "CreateCompleted", project
    settled(catalog, "the first run")
    return project


def settled(catalog: Catalog, what: str) -> list[str]:
    """The states of the pipeline's runs, the newest first, once none is on its way."""
    codepipeline = catalog.aws("codepipeline")
    (name,) = [one["name"] for one in codepipeline.list_pipelines()["pipelines"] if "fraud-batch" in one["name"]]

    def found() -> list[str] | None:
        runs = codepipeline.list_pipeline_executions(pipelineName=name)["pipelineExecutionSummaries"]
        states = [one["status"] for one in runs]
        return None if not states or "InProgress" in states else states

    return list(wait(found, what))


def test_files_that_come_are_answered_and_told_and_nothing_stays(catalog: Catalog, aws: Clients) -> None:
    sagemaker, s3 = catalog.acting(catalog.scientist, "sagemaker"), aws("s3")
    identity = launch(catalog, sagemaker)["ProjectId"]
    bucket = f"sagemaker-{identity}-batch-{ACCOUNT}"

    s3.put_object(Bucket=bucket, Key="input/day/good.csv", Body=b"abc\nde\n")
    s3.put_object(Bucket=bucket, Key="input/bad.csv", Body=b"?\n")

    def told() -> list[Json] | None:
        listed = s3.list_objects_v2(Bucket=bucket, Prefix="runs/").get("Contents", [])
        keys = [one["Key"] for one in listed if one["Key"].endswith("/summary.json")]
        found = [json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read()) for key in keys]
        return found if sum(len(one["results"]) + len(one["failed"]) for one in found) == 2 else None

    summaries = list(wait(told, "the results"))
    # The last run sees that nothing waits. Nobody listens to a topic here, so a run with failures is red.
    states = settled(catalog, "the end")
    assert set(states) <= {"Succeeded", "Superseded", "Failed"}
    assert states.count("Failed") == 1
    results = {file: url for one in summaries for file, url in one["results"].items()}
    assert list(results) == ["input/day/good.csv"]
    key = results["input/day/good.csv"].removeprefix(f"s3://{bucket}/")
    assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == b"3\n2\n"
    failed = {file: why for one in summaries for file, why in one["failed"].items()}
    assert failed == {"input/bad.csv": "Bad HTTP status received from algorithm: 400 row 1 is a question"}
    assert sum(one["rows"] for one in summaries) == 2
    assert {one["model_package_arn"].rpartition("/")[2] for one in summaries} == {"1"}
    assert aws("sagemaker").list_models()["Models"] == []

    sagemaker.delete_project(ProjectName="fraud-batch")
    assert [one for one in s3.list_buckets()["Buckets"] if one["Name"] == bucket] == []
    assert [one for one in aws("iam").list_roles()["Roles"] if identity in one["RoleName"]] == []
