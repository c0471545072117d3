"""Emulated training: the product's pipeline really trains, registers and serves its model."""

import importlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.conftest import REGION, REPOSITORY, Client, Clients
from tests.sandbox.support.pipelines import ACCOUNT, Ear, allow, role, wait

Json = dict[str, Any]
PRODUCT = REPOSITORY / "seed_code" / "model-build-train" / "repository"
DEPLOY = REPOSITORY / "seed_code" / "model-deploy" / "repository"
ROWS = b"M,0.455,0.365,0.095,0.514,0.2245,0.101,0.15\nF,0.53,0.42,0.135,0.677,0.2565,0.1415,0.21\n"
BUCKET, GROUP, PIPELINE = "training-data", "sagemaker-abalone", "sagemaker-p-1-train"


@pytest.fixture(scope="module")
def sagemaker(aws: Clients) -> Client:
    return aws("sagemaker")


@pytest.fixture(scope="module")
def ear(aws: Clients) -> Ear:
    made = Ear(aws)
    aws("events").put_rule(Name="training", EventPattern=json.dumps({"source": ["aws.sagemaker"]}))
    aws("events").put_targets(Rule="training", Targets=[{"Id": "ear", "Arn": made.arn}])
    return made


@pytest.fixture(scope="module")
def trained(aws: Clients, emulator: Json, sagemaker: Client, ear: Ear) -> Json:
    """The first execution of the product's pipeline, which its build's last command has started."""
    assert ear.arn
    aws("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    condition = {"ArnLike": {"aws:SourceArn": f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:*"}}
    statements = [allow("s3:*", "sagemaker:*")]
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(PRODUCT),
        "AWS_ENDPOINT_URL": emulator["url"],
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": REGION,
        "NO_PROXY": "127.0.0.1",
        "SAGEMAKER_PROJECT_NAME": "abalone",
        "SAGEMAKER_PROJECT_ID": "p-1",
        "PLATFORM": "sm-mlops",
        "ENVIRONMENT": "dev",
        "ARTIFACT_BUCKET": BUCKET,
        "SAGEMAKER_ROLE_ARN": role(aws, "trainer", "sagemaker.amazonaws.com", statements, condition),
        "MODEL_PACKAGE_GROUP_NAME": GROUP,
    }
    command = [sys.executable, "-P", "-B", "-m", "pipelines.run_pipeline"]
    subprocess.run(command, cwd=PRODUCT, env=environment, check=True, capture_output=True)
    (one,) = sagemaker.list_pipeline_executions(PipelineName=PIPELINE)["PipelineExecutionSummaries"]
    return {**ended(sagemaker, one["PipelineExecutionArn"]), "build": (command, environment)}


def ended(sagemaker: Client, arn: str) -> Json:
    def final() -> Json | None:
        found = sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)
        return None if found["PipelineExecutionStatus"] == "Executing" else found

    return dict(wait(final, f"the end of {arn}"))


def steps(sagemaker: Client, execution: Json) -> dict[str, str]:
    arn = execution["PipelineExecutionArn"]
    found = sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=arn)["PipelineExecutionSteps"]
    return {one["StepName"]: one["StepStatus"] for one in reversed(found)}


def package(sagemaker: Client) -> Json:
    (one,) = sagemaker.list_model_packages(ModelPackageGroupName=GROUP)["ModelPackageSummaryList"]
    return dict(sagemaker.describe_model_package(ModelPackageName=one["ModelPackageArn"]))


def test_the_steps_run_and_register_a_model_that_waits_for_approval(
    aws: Clients, sagemaker: Client, trained: Json
) -> None:
    assert trained["PipelineExecutionStatus"] == "Succeeded", trained["FailureReason"]
    assert steps(sagemaker, trained) == dict.fromkeys(
        ["Preprocess", "Train", "Evaluate", "CheckError", "Register"], "Succeeded"
    )
    found = package(sagemaker)
    assert found["ModelApprovalStatus"] == "PendingManualApproval"
    (container,) = found["InferenceSpecification"]["Containers"]
    assert re.search(r"/sagemaker-scikit-learn@sha256:[0-9a-f]{64}$", container["Image"])
    assert found["CustomerMetadataProperties"]["PipelineExecutionArn"] == trained["PipelineExecutionArn"]
    bucket, _, key = found["ModelMetrics"]["ModelQuality"]["Statistics"]["S3Uri"][5:].partition("/")
    report = json.loads(aws("s3").get_object(Bucket=bucket, Key=key)["Body"].read())["regression_metrics"]
    assert 0 < report["mse"]["value"] < report["baseline_mse"]["value"]
    baselines = found["DriftCheckBaselines"]["ModelDataQuality"]["Statistics"]["S3Uri"]
    bucket, _, key = baselines[5:].partition("/")
    columns = json.loads(aws("s3").get_object(Bucket=bucket, Key=key)["Body"].read())["columns"]
    assert columns["length"]["kind"] == "numeric"


def test_approvals_and_executions_are_told(sagemaker: Client, trained: Json, ear: Ear) -> None:
    arn = package(sagemaker)["ModelPackageArn"]
    sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")

    heard = [one["detail"] for one in ear.heard()]
    statuses = [
        one["currentPipelineExecutionStatus"]
        for one in heard
        if one.get("pipelineExecutionArn") == trained["PipelineExecutionArn"]
    ]
    assert statuses == ["Executing", "Succeeded"]
    approvals = [
        (one["ModelApprovalStatus"], one.get("UpdatedModelPackageFields"))
        for one in heard
        if one.get("ModelPackageGroupName") == GROUP
    ]
    assert approvals == [("PendingManualApproval", None), ("Approved", ["ModelApprovalStatus"])]
    assert package(sagemaker)["CustomerMetadataProperties"]["ProjectName"] == "abalone"


def test_a_model_is_compared_with_the_newest_approved_version(aws: Clients, sagemaker: Client, trained: Json) -> None:
    arn = package(sagemaker)["ModelPackageArn"]
    sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")
    command, environment = trained["build"]
    built = subprocess.run([*command], cwd=PRODUCT, env=environment, check=True, capture_output=True, text=True)
    assert "compared with the newest approved version: version 1\n" in built.stdout

    started = sagemaker.start_pipeline_execution(
        PipelineName=PIPELINE,
        PipelineParameters=[
            {"Name": "MaxIterations", "Value": "1"},
            {"Name": "MaxMeanSquaredError", "Value": "100"},
            {"Name": "MaxShareOfBaselineError", "Value": "100"},
        ],
    )
    execution = ended(sagemaker, started["PipelineExecutionArn"])

    assert execution["PipelineExecutionStatus"] == "Failed"
    report = execution["FailureReason"].rpartition("Report: s3://")[2]
    bucket, _, prefix = report.partition("/")
    told = json.loads(aws("s3").get_object(Bucket=bucket, Key=f"{prefix}/evaluation.json")["Body"].read())
    assert told["approved"]["version"] == 1
    assert {name: one["met"] for name, one in told["conditions"].items()} == {
        "error": True,
        "share_of_baseline": True,
        "share_of_approved": False,
    }


def test_a_model_that_errs_too_much_fails_the_execution_and_is_not_registered(
    sagemaker: Client, trained: Json, ear: Ear
) -> None:
    assert trained
    arn = sagemaker.start_pipeline_execution(
        PipelineName=PIPELINE,
        PipelineParameters=[
            {"Name": "MaxMeanSquaredError", "Value": "0.01"},
            {"Name": "MaxIterations", "Value": "2"},
        ],
    )["PipelineExecutionArn"]

    execution = ended(sagemaker, arn)

    assert execution["PipelineExecutionStatus"] == "Failed"
    reason = execution["FailureReason"]
    told = re.fullmatch(
        r"No version was registered: one of three is above its limit\. Mean squared error on the test rows: ([\d.]+) "
        r"\(MaxMeanSquaredError = 0\.01\); .* \(MaxShareOfBaselineError = 0\.9\); .* "
        r"\(MaxShareOfApprovedError = 1\.1\)\. Commit: unknown Report: s3://\S+",
        reason,
    )
    assert told, reason
    assert float(told[1]) > 0.01
    (heard,) = [
        one["detail"]
        for one in ear.heard()
        if one["detail"].get("currentStepStatus") == "Failed" and one["detail"]["pipelineExecutionArn"] == arn
    ]
    assert (heard["stepName"], heard["failureReason"]) == ("ErrorTooHigh", reason)
    assert steps(sagemaker, execution)["ErrorTooHigh"] == "Failed"
    assert package(sagemaker)["ModelPackageVersion"] == 1


def test_a_job_tells_why_it_failed(sagemaker: Client, trained: Json) -> None:
    assert trained
    arn = sagemaker.start_pipeline_execution(
        PipelineName=PIPELINE, PipelineParameters=[{"Name": "InputDataUrl", "Value": f"s3://{BUCKET}/code"}]
    )["PipelineExecutionArn"]

    execution = ended(sagemaker, arn)

    assert execution["PipelineExecutionStatus"] == "Failed"
    assert "exit code 1" in execution["FailureReason"]


@pytest.mark.parametrize(
    "parameter", [{"Name": "Nothing", "Value": "1"}, {"Name": "ModelApprovalStatus", "Value": "Approved"}]
)
def test_a_parameter_that_the_pipeline_does_not_take_is_refused(
    sagemaker: Client, trained: Json, parameter: Json
) -> None:
    assert trained
    with pytest.raises(ClientError, match=parameter["Name"]):
        sagemaker.start_pipeline_execution(PipelineName=PIPELINE, PipelineParameters=[parameter])


def test_a_job_runs_in_an_image_that_a_build_has_pushed(aws: Clients, sagemaker: Client, trained: Json) -> None:
    """The product's own code makes the image, in a build that has docker; the job needs the right to pull it."""
    aws("ecr").create_repository(repositoryName="sagemaker-own")
    uri = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/sagemaker-own"
    made = f"ensure_image('{uri}:1', boto3.client('ecr'), 'ml.m5.large')"
    program = f"import boto3; from pipelines.container import ensure_image; {made}"
    commands = [f'PYTHONPATH="{PRODUCT}" "{sys.executable}" -P -B -c "{program}"']
    buildspec = json.dumps({"version": 0.2, "phases": {"build": {"commands": commands}}}, indent=1)
    codebuild = aws("codebuild")
    codebuild.create_project(
        name="image",
        source={"type": "NO_SOURCE", "buildspec": buildspec},
        artifacts={"type": "NO_ARTIFACTS"},
        environment={
            "type": "LINUX_CONTAINER",
            "image": "aws/codebuild/amazonlinux-x86_64-standard:6.0",
            "computeType": "BUILD_GENERAL1_SMALL",
            "privilegedMode": True,
        },
        serviceRole=role(aws, "image-build", "codebuild.amazonaws.com", [allow("logs:*", "ecr:PutImage")]),
    )
    ident = codebuild.start_build(projectName="image")["build"]["id"]

    def complete() -> Json | None:
        (found,) = codebuild.batch_get_builds(ids=[ident])["builds"]
        return found if found["buildComplete"] else None

    build = wait(complete, "the end of the build")
    assert build["buildStatus"] == "SUCCEEDED", build["phases"]
    (image,) = aws("ecr").describe_images(repositoryName="sagemaker-own")["imageDetails"]
    assert image["imageTags"][0].startswith("1-")

    trainer = trained["build"][1]["SAGEMAKER_ROLE_ARN"]
    cluster = {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
    arguments = {
        "AppSpecification": {
            "ImageUri": f"{uri}@{image['imageDigest']}",
            "ContainerEntrypoint": ["python3", "-c", "import sklearn"],
        },
        "ProcessingOutputConfig": {"Outputs": []},
        "ProcessingResources": {"ClusterConfig": cluster},
        "RoleArn": trainer,
    }
    steps = [{"Name": "Own", "Type": "Processing", "Arguments": arguments}]
    definition = json.dumps({"Version": "2020-12-01", "Steps": steps})
    sagemaker.create_pipeline(PipelineName="own", PipelineDefinition=definition, RoleArn=trainer)

    def run() -> Json:
        return ended(sagemaker, sagemaker.start_pipeline_execution(PipelineName="own")["PipelineExecutionArn"])

    refused = run()
    assert "ecr:BatchGetImage" in refused["FailureReason"]
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow("ecr:BatchGetImage")]})
    aws("iam").put_role_policy(RoleName="trainer", PolicyName="images", PolicyDocument=policy)
    execution = run()
    assert execution["PipelineExecutionStatus"] == "Succeeded", execution["FailureReason"]


@pytest.fixture(scope="module")
def endpoint(aws: Clients, sagemaker: Client, trained: Json) -> str:
    assert trained
    server = role(aws, "server", "sagemaker.amazonaws.com", [allow("s3:GetObject", "s3:PutObject")])
    container = {"ModelPackageName": package(sagemaker)["ModelPackageArn"]}
    sagemaker.create_model(ModelName="abalone", ExecutionRoleArn=server, PrimaryContainer=container)
    variant = {"VariantName": "AllTraffic", "ModelName": "abalone", "InitialInstanceCount": 1}
    variants = [{**variant, "InstanceType": "ml.m5.large"}]
    capture = {
        "EnableCapture": True,
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": f"s3://{BUCKET}/data-capture",
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"]},
    }
    sagemaker.create_endpoint_config(
        EndpointConfigName="abalone", ProductionVariants=variants, DataCaptureConfig=capture
    )
    sagemaker.create_endpoint(EndpointName="abalone", EndpointConfigName="abalone")
    return "abalone"


@pytest.mark.parametrize(
    ("content_type", "body", "read"),
    [
        ("text/csv", ROWS, lambda text: [float(line) for line in text.splitlines()]),
        (
            "application/json",
            json.dumps({"instances": [["M", 0.455, 0.365, 0.095, 0.514, 0.2245, 0.101, 0.15]]}).encode(),
            lambda text: json.loads(text)["predictions"],
        ),
    ],
)
def test_an_endpoint_answers_with_its_model(
    aws: Clients, endpoint: str, content_type: str, body: bytes, read: Callable[[str], list[float]]
) -> None:
    answer = aws("sagemaker-runtime").invoke_endpoint(EndpointName=endpoint, ContentType=content_type, Body=body)

    assert answer["ContentType"] == content_type
    predictions = read(answer["Body"].read().decode())
    assert predictions
    assert all(1 < value < 30 for value in predictions)


def test_what_an_endpoint_is_asked_is_captured_and_compared_with_the_baseline(
    aws: Clients, sagemaker: Client, endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The deploy product's job, as its build describes it: the model was trained on the shells of females alone."""
    monkeypatch.syspath_prepend(str(DEPLOY))
    monitoring: Any = importlib.import_module("model_deploy.monitoring")
    registry: Any = importlib.import_module("model_deploy.registry")
    s3 = aws("s3")
    aws("sagemaker-runtime").invoke_endpoint(EndpointName=endpoint, ContentType="text/csv", Body=ROWS * 60)
    (captured, *_) = [
        s3.get_object(Bucket=BUCKET, Key=one["Key"])["Body"].read()
        for one in s3.list_objects_v2(Bucket=BUCKET, Prefix=f"data-capture/{endpoint}/AllTraffic/")["Contents"]
        if one["Size"] > len(ROWS) * 60
    ]
    told = json.loads(captured)["captureData"]
    assert (told["endpointInput"]["data"], told["endpointInput"]["encoding"]) == ((ROWS * 60).decode(), "CSV")
    assert told["endpointOutput"]["encoding"] == "CSV"

    names = ["length", "diameter", "height", "whole_weight", "shucked_weight", "viscera_weight", "shell_weight"]
    number = {"kind": "numeric", "missing": 0, "edges": [0.1] * 9, "shares": [0] * 9 + [1]}
    sex = {"kind": "category", "missing": 0, "values": {"F": 1}}
    baseline = {"version": 1, "rows": 1000, "columns": {"sex": sex, **dict.fromkeys(names, number)}}
    s3.put_object(Bucket=BUCKET, Key="executions/1/baseline.json", Body=json.dumps(baseline))
    job = role(aws, "monitor", "sagemaker.amazonaws.com", [allow("s3:*", "sagemaker:*", "cloudwatch:PutMetricData")])
    origin = registry.Origin(
        arn="",
        image=package(sagemaker)["InferenceSpecification"]["Containers"][0]["Image"],
        baseline_url=f"s3://{BUCKET}/executions/1/baseline.json",
        training_pipeline="",
    )
    config = importlib.import_module("model_deploy.stage_config").load_stages({"prod": DEPLOY / "config/prod.toml"})
    values = {
        **config["prod"].values,
        "monitoring.least_rows": 100,
        "data_capture.s3_uri": f"s3://{BUCKET}/data-capture",
    }
    module: Any = importlib.import_module("model_deploy.environment")
    environment = module.Environment.load(
        {
            **dict.fromkeys(
                ("SAGEMAKER_PROJECT_NAME", "SAGEMAKER_PROJECT_ID", "PLATFORM", "ENVIRONMENT", "SAGEMAKER_ROLE_ARN"), "x"
            ),
            "AWS_ACCOUNT_ID": ACCOUNT,
            "AWS_REGION": REGION,
            "ARTIFACT_BUCKET": BUCKET,
            "MODEL_PACKAGE_GROUP_NAME": GROUP,
            "MONITORING_ROLE_ARN": job,
        }
    )
    monkeypatch.setattr(module.Environment, "endpoint_name", lambda _self, _stage: endpoint)
    code = monitoring.upload_code(s3, environment, (DEPLOY / monitoring.CODE).read_bytes())
    stage: Any = importlib.import_module("model_deploy.stage_config").StageConfig(values)
    definition = json.dumps(monitoring.definition(environment, "prod", stage, origin, code))
    sagemaker.create_pipeline(
        PipelineName="drift", PipelineDefinition=definition, RoleArn=job, ClientRequestToken="0" * 32
    )
    execution = ended(sagemaker, sagemaker.start_pipeline_execution(PipelineName="drift")["PipelineExecutionArn"])
    assert execution["PipelineExecutionStatus"] == "Succeeded", execution["FailureReason"]

    identity = execution["PipelineExecutionArn"].rsplit("/", 1)[-1]
    key = f"monitoring/reports/prod/{identity}/drift.json"
    report = json.loads(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())
    assert {name for name, one in report["features"].items() if one["drifted"]} == {"sex", "height"}
    (metric,) = aws("cloudwatch").get_metric_statistics(
        Namespace="/aws/sagemaker/Endpoints/data-metrics",
        MetricName="DriftedFeatures",
        Dimensions=[{"Name": "EndpointName", "Value": endpoint}],
        StartTime=datetime.now(UTC) - timedelta(hours=1),
        EndTime=datetime.now(UTC) + timedelta(hours=1),
        Period=7200,
        Statistics=["Maximum"],
    )["Datapoints"]
    assert metric["Maximum"] == 2


def test_a_request_that_the_model_refuses_is_its_error(aws: Clients, endpoint: str) -> None:
    with pytest.raises(ClientError) as refused:
        aws("sagemaker-runtime").invoke_endpoint(EndpointName=endpoint, ContentType="text/html", Body=b"<p>")

    answer: Json = {**refused.value.response}
    assert (answer["Error"]["Code"], answer["OriginalStatusCode"]) == ("ModelError", 415)


def test_an_endpoint_that_is_not_there_is_an_error(aws: Clients) -> None:
    with pytest.raises(ClientError, match="not found"):
        aws("sagemaker-runtime").invoke_endpoint(EndpointName="nowhere", ContentType="text/csv", Body=b"1")


def test_a_transform_job_answers_the_files_of_a_manifest_and_tells_of_those_that_the_model_refuses(
    aws: Clients, sagemaker: Client, endpoint: str, ear: Ear
) -> None:
    files = {"night/good.csv": ROWS, "night/bad.csv": b"a,b\n"}
    listed = json.dumps([{"prefix": f"s3://{BUCKET}/night/"}, "good.csv", "bad.csv"]).encode()
    for key, body in {**files, "list.json": listed}.items():
        aws("s3").put_object(Bucket=BUCKET, Key=key, Body=body)
    server = role(aws, "transformer", "sagemaker.amazonaws.com", [allow("s3:GetObject", "s3:PutObject")])
    container = {"ModelPackageName": package(sagemaker)["ModelPackageArn"]}
    sagemaker.create_model(ModelName="night", ExecutionRoleArn=server, PrimaryContainer=container)
    source = {"S3DataType": "ManifestFile", "S3Uri": f"s3://{BUCKET}/list.json"}
    sagemaker.create_transform_job(
        TransformJobName="night",
        ModelName="night",
        TransformInput={"DataSource": {"S3DataSource": source}, "ContentType": "text/csv"},
        TransformOutput={"S3OutputPath": f"s3://{BUCKET}/answers/", "Accept": "text/csv"},
        TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
    )

    def final() -> Json | None:
        found = sagemaker.describe_transform_job(TransformJobName="night")
        return None if found["TransformJobStatus"] == "InProgress" else found

    job = dict(wait(final, "the end of the transform job"))
    assert (job["TransformJobStatus"], job["FailureReason"]) == (
        "Failed",
        "ClientError: See job logs for more information",
    )
    answers = aws("s3").list_objects_v2(Bucket=BUCKET, Prefix="answers/")["Contents"]
    assert [one["Key"] for one in answers] == ["answers/good.csv.out"]
    predictions = aws("s3").get_object(Bucket=BUCKET, Key="answers/good.csv.out")["Body"].read()
    asked = aws("sagemaker-runtime").invoke_endpoint(EndpointName=endpoint, ContentType="text/csv", Body=ROWS)
    assert predictions == asked["Body"].read()
    said = [
        one["message"]
        for one in aws("logs").filter_log_events(logGroupName="/aws/sagemaker/TransformJobs")["events"]
        if f"[sagemaker logs]: {BUCKET}/night/bad.csv: " in one["message"]
    ]
    assert said[0].endswith("Bad HTTP status received from algorithm: 400")
    assert "columns, expected 8" in said[-1]
    (heard,) = [one["detail"] for one in ear.heard() if one["detail"].get("TransformJobName") == "night"]
    assert heard["TransformJobStatus"] == "Failed"
