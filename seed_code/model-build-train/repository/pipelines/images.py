"""The image of the jobs and of the endpoint, by region.

AWS publishes its scikit-learn images from one account per region. The accounts below are those of the tables that
the SageMaker Python SDK ships (`sagemaker-core` 2.27.0, `image_uri_config/sklearn.json`, version 1.9-0). A region that
is not here needs the setting JOB_IMAGE_URI.
"""

import re
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError, ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError

REPOSITORY = "sagemaker-scikit-learn"
TAG = "1.9-0-cpu-py3"
"""scikit-learn 1.9.0, NumPy 2.5.1, Python 3.12; `requirements-dev.in` pins the same for the tests."""

ACCOUNTS = {
    "af-south-1": "510948584623",
    "ap-east-1": "651117190479",
    "ap-northeast-1": "354813040037",
    "ap-northeast-2": "366743142698",
    "ap-northeast-3": "867004704886",
    "ap-south-1": "720646828776",
    "ap-south-2": "628508329040",
    "ap-southeast-1": "121021644041",
    "ap-southeast-2": "783357654285",
    "ap-southeast-3": "951798379941",
    "ap-southeast-4": "106583098589",
    "ca-central-1": "341280168497",
    "ca-west-1": "190319476487",
    "cn-north-1": "450853457545",
    "cn-northwest-1": "451049120500",
    "eu-central-1": "492215442770",
    "eu-central-2": "680994064768",
    "eu-north-1": "662702820516",
    "eu-south-1": "978288397137",
    "eu-south-2": "104374241257",
    "eu-west-1": "141502667606",
    "eu-west-2": "764974769150",
    "eu-west-3": "659782779980",
    "il-central-1": "898809789911",
    "me-central-1": "272398656194",
    "me-south-1": "801668240914",
    "sa-east-1": "737474898029",
    "us-east-1": "683313688378",
    "us-east-2": "257758044811",
    "us-gov-east-1": "237065988967",
    "us-gov-west-1": "414596584902",
    "us-west-1": "746614075791",
    "us-west-2": "246618743249",
}


class UnknownRegionError(ValueError):
    """No image account is known for a region."""


def job_image(region: str) -> str:
    """Return the image URI for a region.

    Raises:
        UnknownRegionError: the region is not in the table.
    """
    account = ACCOUNTS.get(region)
    if account is None:
        raise UnknownRegionError(
            f"AWS_REGION: no scikit-learn image account is known for {region!r}; set JOB_IMAGE_URI to an image that "
            f"holds scikit-learn ({', '.join(sorted(ACCOUNTS))} need no setting)"
        )
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return f"{account}.dkr.ecr.{region}.{suffix}/{REPOSITORY}:{TAG}"


def framework_of(uri: str) -> tuple[str, str]:
    """Return framework and version of one of AWS's scikit-learn images, by its tag; two empty texts for others."""
    found = re.search(rf"/{REPOSITORY}:(\d+\.\d+-\d+)-", uri)
    return ("SAGEMAKER-SCIKIT-LEARN", found[1]) if found else ("", "")


ECR_IMAGE = re.compile(r"(?P<registry>(?P<account>\d{12})\.dkr\.ecr\.[^/]+)/(?P<name>[^:@]+):(?P<tag>[^@]+)")
MANIFESTS = (
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
)
"""Every kind of manifest: ECR must not answer with the digest of another kind than the tag has."""

KNOWN_DIGEST = re.compile(r".+@sha256:[0-9a-f]{64}")


class ImageError(ValueError):
    """The image of the jobs is not there."""


@dataclass(frozen=True, kw_only=True)
class Image:
    """The image that jobs and endpoint will have."""

    uri: str
    pinned: bool
    """Whether the URI has a digest: AWS builds its images anew under the same tag, and a later one may lack what the
    model or its server needs."""
    why: str = ""
    """Why it has none."""


def pin(uri: str, ecr: Any) -> Image:
    """Ask ECR which image a tag stands for now, and name that one.

    Where ECR does not tell (the role may not ask, or the network has no way to its API) the tag stays: SageMaker pulls
    the image itself, by another way.

    Args:
        uri: of the image.
        ecr: client of the region, see `run_pipeline`.

    Raises:
        ImageError: there is no such image.
    """
    if KNOWN_DIGEST.fullmatch(uri):
        return Image(uri=uri, pinned=True)
    parts = ECR_IMAGE.fullmatch(uri)
    if parts is None:
        return Image(uri=uri, pinned=False, why="it is no tag in ECR")
    try:
        answer = ecr.batch_get_image(
            registryId=parts["account"],
            repositoryName=parts["name"],
            imageIds=[{"imageTag": parts["tag"]}],
            acceptedMediaTypes=list(MANIFESTS),
        )
    except (EndpointConnectionError, ConnectTimeoutError, ReadTimeoutError) as error:
        return Image(uri=uri, pinned=False, why=f"ECR cannot be reached: {error}")
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code == "RepositoryNotFoundException":
            raise ImageError(f"image {uri}: there is no such repository; correct JOB_IMAGE_URI") from error
        if code.startswith("AccessDenied"):
            return Image(uri=uri, pinned=False, why="ECR does not let the build's role ask")
        raise
    digests = [image["imageId"]["imageDigest"] for image in answer.get("images", [])]
    if not digests:
        said = ", ".join(failure.get("failureReason", "no reason") for failure in answer.get("failures", []))
        raise ImageError(f"image {uri}: {said or 'ECR has no such image'}; correct JOB_IMAGE_URI")
    return Image(uri=f"{parts['registry']}/{parts['name']}@{digests[0]}", pinned=True)
