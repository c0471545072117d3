"""Calls that builds make: each is stubbed, checked by botocore's API model and expected in this order."""

import hashlib
import io
from datetime import UTC, datetime

from botocore.response import StreamingBody
from botocore.stub import ANY

from pipelines.build import PACKAGE

ARN = "arn:aws:sagemaker:eu-west-1:123456789012"
GROUP_ARN = f"{ARN}:model-package-group/sagemaker-demo"
CHANGED = datetime(2026, 1, 1, tzinfo=UTC)
LISTED = [{"Key": "data/sample/abalone.csv", "Size": 7, "ETag": '"1"'}]
VERSION = hashlib.sha256(b'data/sample/abalone.csv\x007\x00"1"\n').hexdigest()[:20]
DIGEST = f"sha256:{'5' * 64}"
MANIFEST = '{"manifests": [{"platform": {"architecture": "amd64"}}]}'
IMAGE = f"141502667606.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-scikit-learn@{DIGEST}"
CODE_FILES = sorted(path.relative_to(PACKAGE.parent) for path in PACKAGE.rglob("*.py"))


class Bucket:
    """Keeps what is put."""

    def __init__(self):
        self.objects = {}
        self.puts = 0

    def list_objects_v2(self, **call):
        return {"Contents": [{"Key": key} for key in self.objects if key.startswith(call["Prefix"])]}

    def put_object(self, **call):
        self.objects[call["Key"]] = call["Body"]
        self.puts += 1


def expect_uploads(aws, settings):
    """The image is asked for; then the code and the sample data go into an empty bucket."""
    aws.ecr.add_response(
        "batch_get_image",
        {"images": [{"imageId": {"imageTag": "1.9-0-cpu-py3", "imageDigest": DIGEST}, "imageManifest": MANIFEST}]},
        {
            "registryId": "141502667606",
            "repositoryName": "sagemaker-scikit-learn",
            "imageIds": [{"imageTag": "1.9-0-cpu-py3"}],
            "acceptedMediaTypes": ANY,
        },
    )
    aws.s3.add_response("list_objects_v2", {}, {"Bucket": settings.bucket, "Prefix": ANY})
    for _ in CODE_FILES:
        aws.s3.add_response("put_object", {}, {"Bucket": settings.bucket, "Key": ANY, "Body": ANY})
    if not settings.input_data_url:
        aws.s3.add_response("list_objects_v2", {}, {"Bucket": settings.bucket, "Prefix": ANY})
        aws.s3.add_response(
            "put_object", {}, {"Bucket": settings.bucket, "Key": ANY, "Body": ANY, "ContentType": "text/csv"}
        )
    expect_listing(aws, settings, LISTED)


def expect_listing(aws, settings, *pages):
    """What the data's version is made from."""
    asked = {"Bucket": settings.bucket, "Prefix": ANY}
    for number, page in enumerate(pages, start=1):
        more = {"IsTruncated": True, "NextContinuationToken": "more"} if number < len(pages) else {}
        aws.s3.add_response("list_objects_v2", {"Contents": page} | more, asked)
        asked = asked | {"ContinuationToken": "more"}


def expect_group(aws, settings):
    aws.sagemaker.add_response(
        "describe_model_package_group",
        {
            "ModelPackageGroupName": settings.model_package_group,
            "ModelPackageGroupArn": GROUP_ARN,
            "CreationTime": CHANGED,
            "ModelPackageGroupStatus": "Completed",
            "CreatedBy": {},
        },
        {"ModelPackageGroupName": "sagemaker-Demo"},
    )
    aws.sagemaker.add_response("add_tags", {"Tags": []}, {"ResourceArn": GROUP_ARN, "Tags": settings.tags})


def expect_approved(aws, settings, kept=None):
    """Nothing is approved; `kept` is what the bucket says of it already."""
    aws.sagemaker.add_response(
        "list_model_packages",
        {"ModelPackageSummaryList": []},
        {"ModelPackageGroupName": settings.model_package_group, "ModelApprovalStatus": "Approved"},
    )
    expect_kept(aws, settings, kept)
    if kept is None:
        expect_told(aws, settings)


def expect_kept(aws, settings, text):
    asked = {"Bucket": settings.bucket, "Key": "approved/approved.json"}
    if text is None:
        aws.s3.add_client_error("get_object", "NoSuchKey", "not there", expected_params=asked)
    else:
        body = text.encode()
        aws.s3.add_response("get_object", {"Body": StreamingBody(io.BytesIO(body), len(body))}, asked)


def expect_told(aws, settings, body=ANY):
    told = {"Bucket": settings.bucket, "Key": "approved/approved.json", "ContentType": "application/json", "Body": body}
    aws.s3.add_response("put_object", {}, told)
