"""The endpoint test."""

import io
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.response import StreamingBody
from conftest import ROOT, arn

from model_deploy.__main__ import CLIENT
from model_deploy.errors import UserError, explain
from model_deploy.smoke import Request, check_endpoint

NAME = "sagemaker-p-abcdefghijkl-staging"
PACKAGE = arn(4)


@pytest.fixture
def request_() -> Request:
    return Request.load(ROOT / "payload" / "request.toml")


def in_service(stubber, status="InService", **more):
    stubber.add_response(
        "describe_endpoint",
        {
            "EndpointName": NAME,
            "EndpointArn": f"arn:aws:sagemaker:eu-west-1:111122223333:endpoint/{NAME}",
            "EndpointConfigName": "config-4",
            "EndpointStatus": status,
            "CreationTime": 0,
            "LastModifiedTime": 0,
            **more,
        },
        {"EndpointName": NAME},
    )


def serves(stubber, *packages):
    """The endpoint in service serves these packages: a variant and a model for each."""
    in_service(stubber)
    stubber.add_response(
        "describe_endpoint_config",
        {
            "EndpointConfigName": "config-4",
            "EndpointConfigArn": "arn:aws:sagemaker:eu-west-1:111122223333:endpoint-config/config-4",
            "ProductionVariants": [
                {"VariantName": "AllTraffic", "ModelName": f"model-{number}"} for number in range(len(packages))
            ],
            "CreationTime": 0,
        },
        {"EndpointConfigName": "config-4"},
    )
    for number, package in enumerate(packages):
        stubber.add_response(
            "describe_model",
            {
                "ModelName": f"model-{number}",
                "ModelArn": f"arn:aws:sagemaker:eu-west-1:111122223333:model/model-{number}",
                "PrimaryContainer": {"ModelPackageName": package} if package else {"Image": "an image"},
                "CreationTime": 0,
            },
            {"ModelName": f"model-{number}"},
        )


def answers(stubber, request_, body, content_type="text/csv; charset=utf-8"):
    stubber.add_response(
        "invoke_endpoint",
        {"Body": StreamingBody(io.BytesIO(body), len(body)), "ContentType": content_type},
        {"EndpointName": NAME, "ContentType": "text/csv", "Accept": "text/csv", "Body": request_.body},
    )


def check(stub, request_, body, content_type="text/csv"):
    sagemaker, stubber = stub("sagemaker")
    serves(stubber, PACKAGE)
    runtime, stubber = stub("sagemaker-runtime")
    answers(stubber, request_, body, content_type)
    return check_endpoint(sagemaker, runtime, NAME, request_, PACKAGE)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"9.1\n8.2\n7.3\n", "text/csv; charset=utf-8"),
        (b"9.1,8.2,7.3", "text/csv"),
        (b"[9.1, 8.2, 7.3]", "application/json"),
        (b'{"predictions": [[9.1], [8.2], [7.3]]}', "application/json"),
    ],
)
def test_numbers_within_bounds_pass(stub, request_, body, content_type):
    assert check(stub, request_, body, content_type).startswith(
        f"Endpoint {NAME} serves sagemaker-fraud/4 and answered 3 rows within bounds in "
    )


@pytest.mark.parametrize(
    ("body", "content_type", "message"),
    [
        (b"9.1\n8.2", "text/csv", r"answered 2 numbers; payload/request\.toml expects 3"),
        (b"", "text/csv", "answered 0 numbers"),
        (b"9.1\n8.2\n-1", "text/csv", r"answered -1; payload/request\.toml allows 0 to 60"),
        (b"9.1\nnan\n99", "text/csv", "answered nan, 99;"),
        (b"<html>", "text/html", "did not answer numbers but text/html: '<html>'"),
        (b'{"error": 1}', "application/json", "did not answer numbers but application/json"),
        (b"\xff\xfe", "text/csv", "did not answer numbers"),
        (b"[" * 100_000, "application/json", "did not answer numbers"),
        (b"[1" + b"0" * 400 + b"]", "application/json", "did not answer numbers"),
    ],
)
def test_wrong_answer_is_named(stub, request_, body, content_type, message):
    with pytest.raises(UserError, match=message):
        check(stub, request_, body, content_type)


@pytest.mark.parametrize("status", ["Creating", "Updating", "RollingBack", "OutOfService"])
def test_endpoint_that_is_not_in_service_is_not_invoked(stub, request_, status):
    sagemaker, stubber = stub("sagemaker")
    in_service(stubber, status)
    with pytest.raises(UserError, match=f"is {status}, not InService: SageMaker gives no reason"):
        check_endpoint(sagemaker, stub("sagemaker-runtime")[0], NAME, request_, PACKAGE)


@pytest.mark.parametrize(
    ("served", "message"),
    [
        (
            (arn(3),),
            r"serves arn:.*sagemaker-fraud/3, but this run deploys arn:.*sagemaker-fraud/4\. The update was und",
        ),
        ((PACKAGE, arn(3)), "sagemaker-fraud/4, arn:.*sagemaker-fraud/3, but this run"),
        ((None,), "serves no package, but this run deploys"),
    ],
)
def test_an_endpoint_that_serves_another_package_is_not_invoked(stub, request_, served, message):
    """SageMaker may undo an update and leave the endpoint in service."""
    sagemaker, stubber = stub("sagemaker")
    serves(stubber, *served)
    with pytest.raises(UserError, match=message):
        check_endpoint(sagemaker, stub("sagemaker-runtime")[0], NAME, request_, PACKAGE)


def test_an_endpoint_in_service_with_a_failure_is_refused(stub, request_):
    sagemaker, stubber = stub("sagemaker")
    in_service(stubber, FailureReason="Alarms went off, the update was rolled back.")
    with pytest.raises(
        UserError, match="is InService, but its last update failed: Alarms went off, the update was rol"
    ):
        check_endpoint(sagemaker, stub("sagemaker-runtime")[0], NAME, request_, PACKAGE)


def test_failed_endpoint_tells_why(stub, request_):
    sagemaker, stubber = stub("sagemaker")
    in_service(stubber, "Failed", FailureReason="The image does not exist.")
    with pytest.raises(UserError, match=r"is Failed, not InService: The image does not exist\. Its log group is /aws"):
        check_endpoint(sagemaker, stub("sagemaker-runtime")[0], NAME, request_, PACKAGE)


def test_missing_endpoint_points_to_the_deploy_action(stub, request_):
    sagemaker, stubber = stub("sagemaker")
    stubber.add_client_error("describe_endpoint", "ValidationException", "Could not find endpoint.")
    with pytest.raises(UserError, match=r"does not exist: Could not find endpoint\. Look at the deploy action"):
        check_endpoint(sagemaker, stub("sagemaker-runtime")[0], NAME, request_, PACKAGE)


def test_error_of_the_model_shows_what_the_model_said(stub, request_):
    sagemaker, stubber = stub("sagemaker")
    serves(stubber, PACKAGE)
    runtime, stubber = stub("sagemaker-runtime")
    stubber.add_client_error(
        "invoke_endpoint",
        "ModelError",
        "Received server error (500)",
        modeled_fields={"OriginalStatusCode": 415, "OriginalMessage": "text/csv is not supported"},
    )
    with pytest.raises(UserError, match=r"answered 415: text/csv is not supported\. Check that payload/"):
        check_endpoint(sagemaker, runtime, NAME, request_, PACKAGE)


def test_throttling_that_outlasts_the_retries_says_to_run_again(stub, request_):
    sagemaker, stubber = stub("sagemaker")
    serves(stubber, PACKAGE)
    runtime, stubber = stub("sagemaker-runtime")
    stubber.add_client_error("invoke_endpoint", "ThrottlingException", "Rate exceeded", http_status_code=429)
    with pytest.raises(ClientError) as caught:
        check_endpoint(sagemaker, runtime, NAME, request_, PACKAGE)
    assert explain(caught.value) == (
        "InvokeEndpoint failed with ThrottlingException: Rate exceeded. AWS refused the call after every retry because "
        "of its rate: run the stage again."
    )


class _Throttling(BaseHTTPRequestHandler):
    """Refuses the first invocation because of its rate and answers the next."""

    seen = 0

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        type(self).seen += 1
        throttled = self.seen == 1
        body = json.dumps({"message": "Rate exceeded"}).encode() if throttled else b"9\n8\n7"
        self.send_response(429 if throttled else 200)
        if throttled:
            self.send_header("x-amzn-ErrorType", "ThrottlingException")
        self.send_header("Content-Type", "application/json" if throttled else "text/csv")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def throttling_server() -> Iterator[str]:
    _Throttling.seen = 0
    server = HTTPServer(("127.0.0.1", 0), _Throttling)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_one_throttled_call_is_repeated(stub, request_, throttling_server, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    sagemaker, stubber = stub("sagemaker")
    serves(stubber, PACKAGE)
    runtime = boto3.client(
        "sagemaker-runtime",
        region_name="eu-west-1",
        endpoint_url=throttling_server,
        aws_access_key_id="none",
        aws_secret_access_key="none",
        config=CLIENT,
    )
    assert "answered 3 rows" in check_endpoint(sagemaker, runtime, NAME, request_, PACKAGE)
    assert _Throttling.seen == 2
    runtime.close()


def write_request(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "request.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_faults_of_the_request_file_come_in_one_message(tmp_path):
    path = write_request(tmp_path, 'file = "x.csv"\ncontent_type = 3\naccept = "text/csv"\nrows = 1\nminimum = 0')
    with pytest.raises(UserError) as caught:
        Request.load(path)
    assert [line.strip() for line in str(caught.value).splitlines()[1:]] == [
        "predictions is missing",
        "maximum is missing",
        "rows is not a setting; allowed: content_type, accept, file, predictions, minimum, maximum",
        "content_type is 3, which has the wrong type",
    ]


def test_missing_payload_is_named(tmp_path):
    text = (ROOT / "payload" / "request.toml").read_text(encoding="utf-8")
    with pytest.raises(UserError, match=r"file names abalone\.csv, which is not in"):
        Request.load(write_request(tmp_path, text))


def test_request_file_that_is_no_toml_is_named(tmp_path):
    with pytest.raises(UserError, match=r"request\.toml: cannot be read"):
        Request.load(write_request(tmp_path, "file ="))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("minimum = 0", "minimum = nan", "minimum is nan, which is no finite number"),
        ("maximum = 60", "maximum = inf", "maximum is inf, which is no finite number"),
        ("maximum = 60", f"maximum = 1{'0' * 400}", "maximum is 1000"),
        ('file = "abalone.csv"', 'file = ""', "which is not in"),
        ('file = "abalone.csv"', f'file = "{"a" * 300}"', "file names aaaa"),
        ("maximum = 60", "maximum = -1", "minimum is 0, more than maximum, -1"),
        ("predictions = 3", "predictions = 0", "predictions is 0; the answer has at least one number"),
        ("minimum = 0", "minimum = [1]", r"minimum is \[1\], which has the wrong type"),
        ("minimum = 0", "minimum = " + "[" * 5000, "cannot be read: not valid TOML"),
        ("text/csv", "text/\udcff", "cannot be read: not UTF-8 text"),
    ],
)
def test_request_file_that_no_answer_can_keep_to_is_named(tmp_path, old, new, message):
    text = (ROOT / "payload" / "request.toml").read_text(encoding="utf-8").replace(old, new)
    path = tmp_path / "request.toml"
    path.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(UserError, match=message):
        Request.load(path)
