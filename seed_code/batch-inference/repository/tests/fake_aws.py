"""A small AWS in memory; what it is asked must have the shape that botocore's models demand."""

# ruff: noqa: N803 - arguments are named as AWS names them

import io
from datetime import UTC, datetime, timedelta
from typing import Any

import botocore.session
from botocore.exceptions import ClientError
from botocore.response import StreamingBody
from botocore.validate import ParamValidator

from tests.conftest import GROUP, arn

STARTED = datetime(2026, 11, 27, 3, 2, tzinfo=UTC)
_CORE = botocore.session.get_session()


def _refusal(operation: str, code: str, message: str = "") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


class Client:
    """Operations are methods; each is checked, and can be told to fail."""

    def __init__(self, aws: "Aws", service: str) -> None:
        self._aws = aws
        self._model = _CORE.get_service_model(service)

    def __getattr__(self, name: str) -> Any:
        operation = "".join(part.title() for part in name.split("_"))

        def call(**asked: Any) -> Any:
            shape = self._model.operation_model(operation).input_shape
            report = ParamValidator().validate(asked, shape)
            assert not report.has_errors(), report.generate_report()
            self._aws.calls.append((operation, asked))
            if operation in self._aws.failing:
                raise _refusal(operation, self._aws.failing[operation], "no")
            return getattr(self._aws, name)(**asked)

        return call

    def get_paginator(self, name: str) -> Any:
        call = getattr(self, name)

        class Paginator:
            def paginate(self, **asked: Any) -> list[Any]:
                return [call(**asked)]

        return Paginator()


class Aws:
    """The account: a session, and what there is."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.failing: dict[str, str] = {}
        self.objects: dict[tuple[str, str], bytes] = {}
        self.models: set[str] = set()
        self.jobs: dict[str, dict[str, Any]] = {}
        self.approved: list[int] = []
        self.log: list[tuple[str, str]] = []
        self.mails: list[dict[str, Any]] = []
        self.notifications: dict[str, Any] = {
            "QueueConfigurations": [{"QueueArn": "q", "Events": ["s3:ObjectRemoved:*"]}]
        }

    def client(self, service: str, config: Any = None) -> Client:
        return Client(self, service)

    def asked(self, operation: str) -> list[dict[str, Any]]:
        return [asked for name, asked in self.calls if name == operation]

    def get_object(self, Bucket: str, Key: str) -> Any:
        if (Bucket, Key) not in self.objects:
            raise _refusal("GetObject", "NoSuchKey")
        content = self.objects[Bucket, Key]
        return {"Body": StreamingBody(io.BytesIO(content), len(content))}

    def put_object(self, Bucket: str, Key: str, Body: bytes, ContentType: str = "") -> None:
        self.objects[Bucket, Key] = Body

    def delete_object(self, Bucket: str, Key: str) -> None:
        del self.objects[Bucket, Key]

    def list_objects_v2(self, Bucket: str, Prefix: str) -> Any:
        found = {key: body for (bucket, key), body in self.objects.items() if bucket == Bucket}
        listed = [
            {"Key": key, "ETag": f'"{hash(body)}"', "Size": len(body)}
            for key, body in sorted(found.items())
            if key.startswith(Prefix)
        ]
        return {"Contents": listed} if listed else {}

    def get_bucket_notification_configuration(self, Bucket: str) -> Any:
        return {**self.notifications, "ResponseMetadata": {}}

    def put_bucket_notification_configuration(self, Bucket: str, NotificationConfiguration: dict[str, Any]) -> None:
        self.notifications = NotificationConfiguration

    def list_model_packages(self, ModelPackageGroupName: str, **_: str) -> Any:
        assert ModelPackageGroupName == GROUP
        shown = {"ModelPackageStatus": "Completed", "ModelApprovalStatus": "Approved"}
        found = [{"ModelPackageArn": arn(one), "ModelPackageVersion": one, **shown} for one in self.approved]
        return {"ModelPackageSummaryList": found}

    def create_model(self, ModelName: str, **_: Any) -> None:
        self.models.add(ModelName)

    def delete_model(self, ModelName: str) -> None:
        if ModelName not in self.models:
            raise _refusal("DeleteModel", "ValidationException", "Could not find model")
        self.models.remove(ModelName)

    def create_transform_job(self, TransformJobName: str, ModelName: str, **_: Any) -> None:
        assert ModelName in self.models
        self.jobs[TransformJobName] = {"TransformJobStatus": "InProgress"}

    def describe_transform_job(self, TransformJobName: str) -> Any:
        if TransformJobName not in self.jobs:
            raise _refusal("DescribeTransformJob", "ResourceNotFound")
        return self.jobs[TransformJobName]

    def ends(self, status: str = "Completed", reason: str = "", **results: bytes) -> str:
        """The job that runs ends, with results below its output folder; its name."""
        (name,) = [name for name, job in self.jobs.items() if job["TransformJobStatus"] == "InProgress"]
        (asked,) = [one for one in self.asked("CreateTransformJob") if one["TransformJobName"] == name]
        bucket, _, folder = asked["TransformOutput"]["S3OutputPath"].removeprefix("s3://").partition("/")
        for file, body in results.items():
            self.objects[bucket, f"{folder}{file.replace('__', '/')}.csv.out"] = body
        times = {"TransformStartTime": STARTED, "TransformEndTime": STARTED + timedelta(seconds=180)}
        self.jobs[name] = {"TransformJobStatus": status, **times, **({"FailureReason": reason} if reason else {})}
        return name

    def filter_log_events(self, logGroupName: str, **_: str) -> Any:
        assert logGroupName == "/aws/sagemaker/TransformJobs"
        return {"events": [{"logStreamName": stream, "message": message} for stream, message in self.log]}

    def publish(self, **mail: Any) -> None:
        self.mails.append(mail)
