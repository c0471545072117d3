"""The image of jobs and endpoint, where the project builds its own: from `container/`, pushed to ECR by the build."""

import base64
import hashlib
import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from pipelines.images import ECR_IMAGE, MANIFESTS, ImageError, architecture

CONTAINER = Path(__file__).resolve().parent.parent / "container"


def ensure_image(
    uri: str,
    ecr: Any,
    instance_type: str,
    *,
    folder: Path = CONTAINER,
    run: Callable[..., Any] = subprocess.run,
    environment: Mapping[str, str] = os.environ,
) -> str:
    """Build and push the image, unless ECR has it; return its URI.

    Its tag is the one given and a hash of the folder, so that the same content is built once and no tag is ever moved.

    Args:
        uri: of the repository in ECR, with a tag.
        ecr: client of the region.
        instance_type: what the jobs run on, whose processors the image is for.
        folder: holds the Dockerfile and what it copies.
        run: runs a command.
        environment: of docker.

    Raises:
        ImageError: there is no such repository, or docker fails.
    """
    parts = ECR_IMAGE.fullmatch(uri)
    platform = f"linux/{architecture(instance_type)}"
    tagged = f"{parts['registry']}/{parts['name']}:{parts['tag']}-{_digest(folder, platform)}"
    if _is_there(tagged, ecr):
        return tagged
    token = ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"]
    user, _, password = base64.b64decode(token).decode().partition(":")
    index = ["--build-arg", "PIP_INDEX_URL"] if environment.get("PIP_INDEX_URL") else []
    # SageMaker takes one image, not the list that an attestation beside it would make of it.
    environment = {**environment, "BUILDX_NO_DEFAULT_ATTESTATIONS": "1"}
    for words, given in (
        (["login", "--username", user, "--password-stdin", parts["registry"]], password),
        (["build", "--platform", platform, *index, "--tag", tagged, str(folder)], None),
        (["push", tagged], None),
    ):
        try:
            run(["docker", *words], input=given, env=environment, text=True, check=True)
        except FileNotFoundError as error:
            raise ImageError("the image cannot be built: docker is not installed") from error
        except subprocess.CalledProcessError as error:
            raise ImageError(f"docker {words[0]} failed with code {error.returncode}; it says why above") from error
    return tagged


def _digest(folder: Path, platform: str) -> str:
    digest = hashlib.sha256(platform.encode())
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(folder).as_posix()}\0{content}\n".encode())
    return digest.hexdigest()[:12]


def _is_there(uri: str, ecr: Any) -> bool:
    parts = ECR_IMAGE.fullmatch(uri)
    try:
        answer = ecr.batch_get_image(
            registryId=parts["account"],
            repositoryName=parts["name"],
            imageIds=[{"imageTag": parts["tag"]}],
            acceptedMediaTypes=list(MANIFESTS),
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "RepositoryNotFoundException":
            raise
        raise ImageError(f"there is no repository {parts['name']} in ECR: make it, or correct JOB_IMAGE_URI") from error
    return bool(answer.get("images"))
