"""The deploy product with stack sets, whole: staging and prod are in another account than the model's."""

import io
import json
import sysconfig
import tarfile
import zipfile
from collections.abc import Iterator
from typing import Any, NamedTuple

import boto3
import pytest
from botocore.exceptions import ClientError

from awsmodel.cloudformation.evaluation import Evaluation
from awsmodel.cloudformation.template import Template
from components.packaging import read_product
from tests.sandbox.conftest import REGION, REPOSITORY, Client, Clients
from tests.sandbox.support.pipelines import ACCOUNT, allow, role, wait

Json = dict[str, Any]
OTHER = "444455556666"
GROUP, PROJECT, IDENTITY = "sagemaker-fraud", "fraud-deploy", "p-deploy1"
BUILD_BUCKET = f"sagemaker-p-build1-build-{ACCOUNT}"
MODEL_ROLE, TEST_ROLE = "serving/sagemaker-models", "sagemaker-endpoint-test"
ADMIN = "AWSCloudFormationStackSetAdministrationRole"
EXECUTION = "AWSCloudFormationStackSetExecutionRole"
INFERENCE = """
def model_fn(folder):
    return None
def transform_fn(model, content, content_type, accept):
    from flask import Response
    return Response("".join("9.5\\\\n" for _ in content.decode().splitlines()), status=200, mimetype="text/csv")
""".replace("\\\\", "\\")
LIGHTER = ("buildspec.yml", "buildspec-test.yml")
PYTHON = f"PYTHONPATH={sysconfig.get_path('purelib')} python -m"
"""Builds check nothing and install nothing, which others test: boto3 is this test's own."""


@pytest.fixture(scope="module")
def there(emulator: Json, aws: Clients) -> Clients:
    """Clients of the other account."""
    given = aws("sts").assume_role(RoleArn=f"arn:aws:iam::{OTHER}:role/owner", RoleSessionName="owner")["Credentials"]
    session = boto3.Session(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"], REGION)
    made: dict[str, Client] = {}

    def client(service: str) -> Client:
        if service not in made:
            made[service] = session.client(service, endpoint_url=emulator["url"])  # type: ignore[call-overload]
        return made[service]

    return client


def product(slug: str) -> Any:
    return read_product(REPOSITORY / "seed_code" / slug)


@pytest.fixture(scope="module")
def package(aws: Clients) -> str:
    """A version in the account of the models, whose build bucket has the policy of the build product."""
    s3, sagemaker = aws("s3"), aws("sagemaker")
    s3.create_bucket(Bucket=BUILD_BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_bucket_policy(Bucket=BUILD_BUCKET, Policy=bucket_policy(OTHER))
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        info = tarfile.TarInfo("code/inference.py")
        info.size = len(INFERENCE.encode())
        archive.addfile(info, io.BytesIO(INFERENCE.encode()))
    s3.put_object(Bucket=BUILD_BUCKET, Key="executions/1/model.tar.gz", Body=content.getvalue())
    tags = [{"Key": "sagemaker:project-name", "Value": "fraud"}]
    sagemaker.create_model_package_group(ModelPackageGroupName=GROUP, Tags=tags)
    image = f"1.dkr.ecr.{REGION}.amazonaws.com/sagemaker-scikit-learn:1.9-0-cpu-py3"
    container = {
        "Image": image,
        "ModelDataUrl": f"s3://{BUILD_BUCKET}/executions/1/model.tar.gz",
        "Environment": {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"},
    }
    made = sagemaker.create_model_package(
        ModelPackageGroupName=GROUP,
        ModelApprovalStatus="Approved",
        InferenceSpecification={
            "Containers": [container],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
    )
    return str(made["ModelPackageArn"])


class Made(NamedTuple):
    """The bucket, as its policy refers to it."""

    physical_id: str
    attributes: dict[str, str]


def bucket_policy(accounts: str) -> str:
    """The policy of the build product's bucket, where these accounts serve its models."""
    build = product("model-build-train")
    template = Template.parse(build.render(build.environment))
    values = {"SageMakerProjectName": "fraud", "SageMakerProjectId": "p-build1", "StageAccountIds": accounts}
    pseudo = {"AWS::Region": REGION, "AWS::Partition": "aws", "AWS::AccountId": ACCOUNT}
    evaluation = Evaluation(template, template.resolve_parameters(values), pseudo, template.mappings)
    evaluation.made["ArtifactBucket"] = Made(BUILD_BUCKET, {"Arn": f"arn:aws:s3:::{BUILD_BUCKET}"})
    return json.dumps(evaluation.properties("ArtifactBucketPolicy")["PolicyDocument"])


@pytest.fixture(scope="module")
def roles_there(aws: Clients, there: Clients) -> None:
    """What the README of the product asks of the other account, and the administration role here."""
    admin = role(aws, ADMIN, "cloudformation.amazonaws.com", [allow("sts:AssumeRole")])
    for name, path, principal, actions in (
        ("owner", "/", {"AWS": f"arn:aws:iam::{OTHER}:root"}, ("*",)),
        (EXECUTION, "/", {"AWS": admin}, ("*",)),
        (MODEL_ROLE.rpartition("/")[2], "/serving/", {"Service": "sagemaker.amazonaws.com"}, ("s3:*",)),
        (
            TEST_ROLE,
            "/",
            {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
            (
                *("sagemaker:DescribeEndpoint", "sagemaker:DescribeEndpointConfig", "sagemaker:DescribeModel"),
                "sagemaker:InvokeEndpoint",
            ),
        ),
    ):
        trust = {"Statement": [{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}]}
        there("iam").create_role(RoleName=name, Path=path, AssumeRolePolicyDocument=json.dumps(trust))
        policy = {"Version": "2012-10-17", "Statement": [allow(*actions)]}
        there("iam").put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=json.dumps(policy))


@pytest.fixture(scope="module")
def project(aws: Clients, package: str, roles_there: None) -> Iterator[Json]:  # noqa: ARG001 - they are there
    """The product as it is published, launched; its repository checks nothing, which others test."""
    deploy = product("model-deploy")
    seed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(deploy.seed_zip())) as whole, zipfile.ZipFile(seed, "w") as lighter:
        for name in whole.namelist():
            text = whole.read(name)
            if name in LIGHTER:
                lines = [line for line in text.decode().splitlines() if "make " not in line and "pip" not in line]
                text = "\n".join(lines).replace(".venv/bin/python", "python").replace("python -m", PYTHON).encode()
            lighter.writestr(name, text)
    aws("s3").create_bucket(Bucket="seeds", CreateBucketConfiguration={"LocationConstraint": REGION})
    aws("s3").put_object(Bucket="seeds", Key="seed.zip", Body=seed.getvalue())
    key = aws("kms").create_key()["KeyMetadata"]["Arn"]
    environment = {group: dict(keys) for group, keys in deploy.environment.items()}
    environment |= {"Seed": {"Bucket": "seeds", "Key": "seed.zip"}, "Encryption": {"KmsKeyArn": key}}
    text = deploy.render(environment)
    values = {
        "SageMakerProjectName": PROJECT,
        "SageMakerProjectId": IDENTITY,
        "DeploymentTarget": "STACKSET",
        "StagingAccountIds": OTHER,
        "ProdAccountIds": OTHER,
        "TargetModelRoleName": MODEL_ROLE,
        "TargetTestRoleName": TEST_ROLE,
    }
    aws("cloudformation").create_stack(
        StackName="project",
        TemplateBody=text,
        Capabilities=["CAPABILITY_NAMED_IAM"],
        Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in values.items()],
    )
    (stack,) = aws("cloudformation").describe_stacks(StackName="project")["Stacks"]
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack
    yield {"pipeline": f"sagemaker-{PROJECT}-{IDENTITY}-modeldeploy", "key": key}
    aws("cloudformation").delete_stack(StackName="project")


def test_a_version_is_served_in_the_other_account_for_as_long_as_it_may_be_read(
    aws: Clients, there: Clients, project: Json
) -> None:
    pipelines, name = aws("codepipeline"), project["pipeline"]
    asked = wait(lambda: waiting(pipelines, name), "the request for approval")
    pipelines.put_approval_result(
        pipelineName=name,
        stageName="DeployStaging",
        actionName="ApproveProd",
        result={"summary": "", "status": "Approved"},
        token=asked,
    )

    def ended() -> str:
        (run,) = pipelines.list_pipeline_executions(pipelineName=name)["pipelineExecutionSummaries"]
        return "" if run["status"] == "InProgress" else str(run["status"])

    assert wait(ended, "the end") == "Succeeded"
    prod = f"sagemaker-{IDENTITY}-prod"
    served = {one["EndpointName"] for one in there("sagemaker").list_endpoints()["Endpoints"]}
    assert served == {f"sagemaker-{IDENTITY}-staging", prod}
    assert aws("sagemaker").list_endpoints()["Endpoints"] == []
    # The build has shared the group and the key, a parameter of the build project the bucket.
    (grant,) = aws("kms").list_grants(KeyId=project["key"])["Grants"]
    assert grant["GranteePrincipal"] == f"arn:aws:iam::{OTHER}:role/{MODEL_ROLE}"
    assert set(grant["Operations"]) == {"Decrypt", "DescribeKey"}
    policy = json.loads(aws("sagemaker").get_model_package_group_policy(ModelPackageGroupName=GROUP)["ResourcePolicy"])
    assert {one["Principal"]["AWS"][0] for one in policy["Statement"]} == {f"arn:aws:iam::{OTHER}:root"}

    aws("s3").put_bucket_policy(Bucket=BUILD_BUCKET, Policy=bucket_policy(""))
    with pytest.raises(ClientError, match=f"does not let account {OTHER} read executions/1/model.tar.gz"):
        there("sagemaker-runtime").invoke_endpoint(EndpointName=prod, ContentType="text/csv", Body=b"M,1")


def test_a_group_that_is_not_shared_gives_no_model(there: Clients, package: str) -> None:
    stranger = package.replace(GROUP, "sagemaker-other")
    with pytest.raises(ClientError, match="its group is not shared with this account"):
        there("sagemaker").create_model(
            ModelName="m",
            ExecutionRoleArn=f"arn:aws:iam::{OTHER}:role/x",
            PrimaryContainer={"ModelPackageName": stranger},
        )


def waiting(pipelines: Client, project: str) -> str:
    for stage in pipelines.get_pipeline_state(name=project)["stageStates"]:
        for action in stage["actionStates"]:
            if token := (action.get("latestExecution") or {}).get("token"):
                return str(token)
    return ""
