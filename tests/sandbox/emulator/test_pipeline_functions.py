"""Emulated actions that invoke a function: it answers with the job's result, its variables and its artifact."""

import io
import itertools
import zipfile
from typing import Any

import pytest

from tests.sandbox.conftest import Clients
from tests.sandbox.support.pipelines import Pipeline, action, allow, approval, role, stage

ANSWER = """
def answer(event, context):
    job = event["CodePipeline.job"]
    s3 = boto3.client(
        "s3",
        aws_access_key_id=job["data"]["artifactCredentials"]["accessKeyId"],
        aws_secret_access_key=job["data"]["artifactCredentials"]["secretAccessKey"],
        aws_session_token=job["data"]["artifactCredentials"]["sessionToken"],
    )
    (given,), (made,) = ([one["location"]["s3Location"] for one in job["data"][f"{kind}Artifacts"]]
                         for kind in ("input", "output"))
    content = io.BytesIO(s3.get_object(Bucket=given["bucketName"], Key=given["objectKey"])["Body"].read())
    text = zipfile.ZipFile(content).read("README.md").decode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("said.txt", text.upper())
    s3.put_object(Bucket=made["bucketName"], Key=made["objectKey"], Body=out.getvalue())
    asked = job["data"]["actionConfiguration"]["configuration"]["UserParameters"]
    codepipeline.put_job_success_result(jobId=job["id"], outputVariables={"Said": f"{asked} {text}"})
"""
REFUSE = """
def answer(event, context):
    codepipeline.put_job_failure_result(
        jobId=event["CodePipeline.job"]["id"], failureDetails={"type": "JobFailed", "message": "not today"}
    )
"""
ABORT = """
import multiprocessing, os
def answer(event, context):
    os.write(1, b"\\xff")
    one = multiprocessing.Process(target=print, args=("aborted",))
    one.start()
    one.join()
    os._exit(3)
"""
"""Says what is no text, lets a process of its own speak, and ends without an answer."""
_numbers = itertools.count()
HEAD = 'import io, zipfile, boto3\ncodepipeline = boto3.client("codepipeline")\n'


def invoking(
    aws: Clients,
    code: str,
    *,
    statements: list[dict[str, Any]] | None = None,
    of_pipeline: list[dict[str, Any]] | None = None,
    seconds: int = 60,
) -> Pipeline:
    """A pipeline whose second stage invokes a function and whose third tells a person what it said."""
    name, packed = f"teller-{next(_numbers)}", io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("index.py", HEAD + code)
    arn = role(aws, name, "lambda.amazonaws.com", statements or [allow("codepipeline:PutJob*")])
    aws("lambda").create_function(
        FunctionName=name,
        Timeout=seconds,
        Runtime="python3.13",
        Role=arn,
        Handler="index.answer",
        Code={"ZipFile": packed.getvalue()},
    )
    invoke = action(
        "Ask",
        "Invoke/Lambda",
        {"FunctionName": name, "UserParameters": "#{SourceVariables.BranchName}"},
        inputArtifacts=[{"name": "source"}],
        outputArtifacts=[{"name": "said"}],
        namespace="Said",
    )
    tell = approval(configuration={"CustomData": "#{Said.Said}"})
    return Pipeline(
        aws, stage("Ask", invoke), stage("Wait", tell), files={"README.md": "first"}, statements=of_pipeline
    )


def test_a_function_hands_variables_and_an_artifact_on(aws: Clients) -> None:
    pipeline = invoking(aws, ANSWER)
    pipeline.answer("Wait")
    assert pipeline.ended()["status"] == "Succeeded", pipeline.state("Ask", "Ask")
    told, asked, *_ = pipeline.client.list_action_executions(pipelineName=pipeline.name)["actionExecutionDetails"]
    assert told["input"]["resolvedConfiguration"]["CustomData"] == "main first"
    place = asked["output"]["outputArtifacts"][0]["s3location"]
    content = aws("s3").get_object(Bucket=pipeline.bucket, Key=place["key"])["Body"].read()
    assert zipfile.ZipFile(io.BytesIO(content)).read("said.txt") == b"FIRST"


@pytest.mark.parametrize(
    ("code", "statements", "reason"),
    [
        (REFUSE, None, "not today"),
        ("def answer(event, context): pass", None, "has not called PutJobSuccessResult"),
        ("def answer(event, context): raise ValueError('broken')", None, "broken"),
        # What a process says last is told; and it knows nothing of this checkout, beside whose program it runs.
        (ABORT, None, "aborted"),
        ("import settings", None, "No module named 'settings'"),
        (REFUSE, [allow("logs:*")], "is not authorized to perform: codepipeline:PutJobFailureResult"),
    ],
)
def test_a_function_that_refuses_or_does_not_answer_fails_its_action(
    aws: Clients, code: str, statements: list[dict[str, Any]] | None, reason: str
) -> None:
    pipeline = invoking(aws, code, statements=statements)
    assert pipeline.ended()["status"] == "Failed"
    assert reason in pipeline.state("Ask", "Ask")["errorDetails"]["message"]


def test_a_function_ends_when_its_time_is_over(aws: Clients) -> None:
    pipeline = invoking(aws, "def answer(event, context):\n    while True: pass", seconds=1)
    assert pipeline.ended()["status"] == "Failed"
    assert "Task timed out after 1.00 seconds" in pipeline.state("Ask", "Ask")["errorDetails"]["message"]


def test_a_pipeline_needs_the_right_to_invoke(aws: Clients) -> None:
    pipeline = invoking(aws, ANSWER, of_pipeline=[allow("s3:*", "codecommit:*")])
    assert pipeline.ended()["status"] == "Failed"
    assert "lambda:InvokeFunction" in pipeline.state("Ask", "Ask")["errorDetails"]["message"]
