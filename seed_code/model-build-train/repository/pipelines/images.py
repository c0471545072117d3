"""The image of the jobs and of the endpoint, by region.

AWS publishes its scikit-learn images from one account per region. The accounts below are those of the tables that
the SageMaker Python SDK ships (`sagemaker-core` 2.27.0, `image_uri_config/sklearn.json`, version 1.9-0). A region that
is not here needs the setting JOB_IMAGE_URI.
"""

import json
import re
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)

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


ECR_IMAGE = re.compile(
    r"(?P<registry>(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.[^/]+)/(?P<name>[^:@]+)"
    r"(:(?P<tag>[^@]+)|@(?P<digest>sha256:[0-9a-f]{64}))"
)
LISTS = (
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.index.v1+json",
)
MANIFESTS = (
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    *LISTS,
)
"""Every kind of manifest: ECR must not answer with the digest of another kind than the tag has."""


class ImageError(ValueError):
    """The image of the jobs is not there, or no job could run in it."""


@dataclass(frozen=True, kw_only=True)
class Image:
    """The image that jobs and endpoint will have."""

    uri: str
    """By its digest where ECR tells it: AWS builds its images anew under the same tag, and a later one may lack what
    the model or its server needs."""
    why: str = ""
    """What ECR does not tell, and why; the image then is what SageMaker finds."""


def pin(uri: str, ecr: Any, instance_type: str, fetch: Callable[[str], bytes] | None = None) -> Image:
    """Ask ECR which image a tag stands for now, name that one, and hold its processors against those of the jobs.

    Where ECR does not tell (the role may not ask, or the network has no way to its API) the tag stays: SageMaker pulls
    the image itself, by another way.

    Args:
        uri: of the image, in ECR.
        ecr: client of the region, see `run_pipeline`.
        instance_type: what the jobs run on.
        fetch: reads what is behind a URL.

    Raises:
        ImageError: there is no such image, or it is one for other processors.
    """
    parts = ECR_IMAGE.fullmatch(uri)
    asked = {"registryId": parts["account"], "repositoryName": parts["name"]}
    ident = {"imageTag": parts["tag"]} if parts["tag"] else {"imageDigest": parts["digest"]}
    try:
        answer = ecr.batch_get_image(**asked, imageIds=[ident], acceptedMediaTypes=list(MANIFESTS))
    except (EndpointConnectionError, ConnectTimeoutError, ReadTimeoutError) as error:
        return Image(uri=uri, why=f"ECR cannot be reached: {error}")
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code == "RepositoryNotFoundException":
            raise ImageError(f"image {uri}: there is no such repository; correct JOB_IMAGE_URI") from error
        if code.startswith(("AccessDenied", "RepositoryPolicyNotFound")):
            return Image(uri=uri, why="ECR does not let the build's role ask")
        raise
    if not answer.get("images"):
        said = ", ".join(failure.get("failureReason", "no reason") for failure in answer.get("failures", []))
        raise ImageError(f"image {uri}: {said or 'ECR has no such image'}; correct JOB_IMAGE_URI")
    image = answer["images"][0]
    pinned = f"{parts['registry']}/{parts['name']}@{image['imageId']['imageDigest']}"
    wanted = architecture(instance_type)
    try:
        manifest = json.loads(image.get("imageManifest") or "{}")
        found = _architectures(manifest, lambda digest: _layer(ecr, asked, digest, fetch or _read))
    except (BotoCoreError, ClientError, OSError, ValueError, KeyError, TypeError) as error:
        return Image(uri=pinned, why=f"its processors are not known: {error}")
    if found and wanted not in found:
        raise ImageError(
            f"image {uri}: it is for {', '.join(sorted(found))}, and {instance_type} has processors of {wanted}; "
            f"build it for linux/{wanted}, or change DEFAULT_INSTANCE in pipelines/jobs.py"
        )
    return Image(uri=pinned, why="" if found else "its processors are not known: its manifest does not tell them")


def architecture(instance_type: str) -> str:
    """Return the processors of an instance type, as images call them.

    AWS's Graviton processors have a `g` behind the generation (`m7g`, `c6gd`, `g5g`), and Grace stands in the name of
    the types that have it.
    """
    family = instance_type.split(".")[1]
    return "arm64" if re.match(r"[a-z]+\d+g|.*-gb\d+", family) else "amd64"


def _architectures(manifest: dict[str, Any], layer: Callable[[str], bytes]) -> set[str]:
    """What the image can run on: a list names it for each of its images, and one image in its configuration."""
    if manifest.get("mediaType") in LISTS or "manifests" in manifest:
        return {each["platform"]["architecture"] for each in manifest["manifests"]} - {"unknown"}
    if "config" not in manifest:
        return set()
    return {json.loads(layer(manifest["config"]["digest"]))["architecture"]}


def _layer(ecr: Any, asked: dict[str, str], digest: str, fetch: Callable[[str], bytes]) -> bytes:
    return fetch(ecr.get_download_url_for_layer(**asked, layerDigest=digest)["downloadUrl"])


def _read(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=20) as answer:  # noqa: S310 - ECR's own address
        return answer.read(1_000_000)
