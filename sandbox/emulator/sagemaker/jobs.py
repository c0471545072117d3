"""Amazon SageMaker's containers, played by processes of this machine: jobs of pipelines, and models that serve.

A container has `/opt/ml`; a process here has a folder instead. Wherever the request or the code that is brought in
says `/opt/ml`, the process finds its folder, and what it leaves is told with `/opt/ml` again. Instance types,
encryption, networks and logs are not emulated.
"""

import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from moto.s3.models import s3_backends

from sandbox.emulator.core import python_environments
from sandbox.emulator.core.callers import Caller
from sandbox.emulator.core.not_known import not_known
from sandbox.emulator.core.process_group import ProcessGroup
from sandbox.emulator.core.resource_policies import allows_account

Json = dict[str, Any]

REPOSITORY = Path(__file__).resolve().parents[3]
MAX_SECONDS = 600
IMAGES = {
    # The product's tests run with the very packages of the image that its jobs and models have.
    "sagemaker-scikit-learn:1.9-0-cpu-py3": REPOSITORY / "seed_code/model-build-train/repository/requirements-dev.txt"
}
"""By repository and tag of an image, the locked list of the packages that it has."""


def digest(image: str) -> str:
    """Return the digest of one of the images, given by repository and tag."""
    return f"sha256:{hashlib.sha256(image.encode()).hexdigest()}"


_BY_URI = IMAGES | {f"{name.partition(':')[0]}@{digest(name)}": packages for name, packages in IMAGES.items()}

_SERVE = Path(__file__).parent / "model_runtime" / "serve.py"
_ROOT = "/opt/ml"


class JobError(Exception):
    """A job failed; the text is its reason."""


class Container:
    """One process with its folder; what it reads and writes in S3 it does as its role.

    Args:
        image: URI of the image that it is made of.
        role: as whom SageMaker moves its data.
        isolated: without a network, and so without credentials of the role.

    """

    def __init__(self, image: str, role: Caller, *, isolated: bool) -> None:
        self._role = role
        packages = _BY_URI.get(image.rpartition("/")[2]) or self._pushed(image)
        if packages is None:
            raise JobError(not_known(f"the packages of image {image}; it has {', '.join(IMAGES)}"))
        self._folder = Path(tempfile.mkdtemp(prefix="sm-mlops-job-"))
        self._environment = python_environments.environment_variables(self._folder)
        self._group = ProcessGroup()
        (self._folder / "ml").mkdir()
        binaries = python_environments.make(self._folder / "python")
        self._environment |= {"PATH": f"{binaries}:{os.environ.get('PATH', os.defpath)}"}
        if said := python_environments.install(binaries, packages, self._environment, self._group):
            self.close()
            raise JobError(f"The packages of image {image} cannot be installed: {said}")
        del self._environment["PYTHONPATH"]
        if not isolated:
            # The role's own, as SageMaker gives them to a container that has a network.
            self._environment |= {
                "AWS_ACCESS_KEY_ID": role.access_key,
                "AWS_SECRET_ACCESS_KEY": "sandbox",
                "AWS_ENDPOINT_URL": role.endpoint,
            }

    def _pushed(self, image: str) -> Path | None:
        """The packages of an image that a build of the sandbox has pushed: those of AWS's, since nothing was built."""
        registry, _, name = image.partition("/")
        repository, _, digest = name.partition("@")
        role, account = self._role, registry.partition(".")[0]
        if account != role.account or not digest:
            return None
        role.require("ecr:BatchGetImage", f"arn:{role.partition}:ecr:{role.region}:{account}:repository/{repository}")
        found = role.client("ecr").batch_get_image(repositoryName=repository, imageIds=[{"imageDigest": digest}])
        return next(iter(IMAGES.values())) if found["images"] else None

    def close(self) -> None:
        """End the process, and remove the folder."""
        self._group.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def path(self, inside: str) -> Path:
        """Return where a path of the container is."""
        return Path(self._here(inside))

    def _here(self, text: str) -> str:
        return text.replace(_ROOT, str(self._folder / "ml"))

    def _there(self, text: str) -> str:
        return text.replace(str(self._folder / "ml"), _ROOT)

    def fetch(self, url: str, inside: str) -> None:
        """Bring the objects below a URL into a folder of the container."""
        bucket, prefix = _split(url)
        folder, client = self.path(inside), self._role.client("s3")
        folder.mkdir(parents=True, exist_ok=True)
        self._role.require("s3:ListBucket", f"arn:{self._role.partition}:s3:::{bucket}", s3__prefix=prefix)
        found = client.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
        if not found:
            raise JobError(f"There is no data at {url}.")
        for key in (one["Key"] for one in found):
            content = self.get(f"s3://{bucket}/{key}")
            target = folder / (key.removeprefix(prefix).lstrip("/") or key.rpartition("/")[2])
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(self._here(content.decode()).encode() if key.endswith(".py") else content)

    def fetch_archive(self, url: str, inside: str) -> None:
        """Unpack a `tar.gz` into a folder of the container."""
        with tarfile.open(fileobj=io.BytesIO(self.get(url)), mode="r:gz") as archive:
            archive.extractall(self.path(inside), filter="data")

    def store(self, inside: str, url: str) -> None:
        """Take the files of a folder to S3."""
        bucket, prefix = _split(url)
        folder = self.path(inside)
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            self.put(f"s3://{bucket}/{prefix}/{path.relative_to(folder).as_posix()}", path.read_bytes())

    def store_archive(self, inside: str, url: str) -> None:
        """Take a folder to S3 as a `tar.gz`."""
        for path in self.path(inside).rglob("*.py"):
            path.write_text(self._there(path.read_text()))
        content = io.BytesIO()
        with tarfile.open(fileobj=content, mode="w:gz") as archive:
            archive.add(self.path(inside), arcname=".")
        self.put(url, content.getvalue())

    def run(self, command: Sequence[str], variables: Mapping[str, str], seconds: float = MAX_SECONDS) -> str:
        """Run a command to its end; what it printed.

        Raises:
            JobError: it failed, or took too long.

        """
        process = self._group.start(
            [self._here(word) for word in command],
            cwd=self._folder / "ml",
            env={**self._environment, **{name: self._here(value) for name, value in variables.items()}},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            printed = self._there(process.communicate(timeout=seconds)[0])
        except subprocess.TimeoutExpired:
            raise JobError(f"The job took longer than {seconds} seconds.") from None
        if process.returncode:
            raise JobError(f"AlgorithmError: exit code {process.returncode}: {printed[-1024:]}")
        return printed

    def get(self, url: str) -> bytes:
        """Return an object of S3."""
        bucket, key = _split(url)
        arn = f"arn:{self._role.partition}:s3:::{bucket}/{key}"
        self._role.require("s3:GetObject", arn)
        _, owner = s3_backends.bucket_accounts.get(bucket, ("", self._role.account))
        if owner != self._role.account:
            policy = s3_backends[owner][self._role.partition].get_bucket_policy(bucket)
            if not allows_account(policy.decode() if policy else None, self._role.account, "s3:GetObject", arn):
                raise JobError(f"The policy of bucket {bucket} does not let account {self._role.account} read {key}.")
        content: bytes = self._role.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        return content

    def put(self, url: str, content: bytes) -> None:
        """Write an object of S3."""
        bucket, key = _split(url)
        self._role.require("s3:PutObject", f"arn:{self._role.partition}:s3:::{bucket}/{key}")
        self._role.client("s3").put_object(Bucket=bucket, Key=key, Body=content)


def process(container: Container, request: Json) -> None:
    """Play a processing job, given as the request of CreateProcessingJob."""
    for one in request.get("ProcessingInputs") or []:
        container.fetch(one["S3Input"]["S3Uri"], one["S3Input"]["LocalPath"])
    outputs = request.get("ProcessingOutputConfig", {}).get("Outputs", [])
    for one in outputs:
        container.path(one["S3Output"]["LocalPath"]).mkdir(parents=True, exist_ok=True)
    application = request["AppSpecification"]
    command = [*application["ContainerEntrypoint"], *application.get("ContainerArguments", [])]
    container.run(command, request.get("Environment") or {})
    for one in outputs:
        container.store(one["S3Output"]["LocalPath"], one["S3Output"]["S3Uri"])


def train(container: Container, request: Json, artifacts: str) -> None:
    """Play a training job, given as the request of CreateTrainingJob; the model goes to `artifacts`."""
    for channel in request.get("InputDataConfig") or []:
        url = channel["DataSource"]["S3DataSource"]["S3Uri"]
        container.fetch(url, f"{_ROOT}/input/data/{channel['ChannelName']}")
    configuration = container.path(f"{_ROOT}/input/config")
    configuration.mkdir(parents=True)
    (configuration / "hyperparameters.json").write_text(json.dumps(request.get("HyperParameters") or {}))
    for name in ("model", "output"):
        container.path(f"{_ROOT}/{name}").mkdir()
    algorithm = request["AlgorithmSpecification"]
    command = [*algorithm["ContainerEntrypoint"], *algorithm.get("ContainerArguments", [])]
    container.run(command, request.get("Environment") or {})
    container.store_archive(f"{_ROOT}/model", artifacts)


def answer(container: Container, model: Json, content: bytes, content_type: str, accept: str) -> tuple[int, str, str]:
    """Let a model, given as a container of a package, answer one request: status, body and content type."""
    container.fetch_archive(model["ModelDataUrl"], f"{_ROOT}/model")
    request = container.path(f"{_ROOT}/request")
    request.write_bytes(content)
    command = ["python3", str(_SERVE), f"{_ROOT}/model", f"{_ROOT}/request", content_type, accept, f"{_ROOT}/answer"]
    container.run(command, model.get("Environment") or {}, seconds=60)
    told = json.loads(container.path(f"{_ROOT}/answer").read_text())
    return told["status"], told["body"], told["content_type"]


def _split(url: str) -> tuple[str, str]:
    bucket, _, key = url.removeprefix("s3://").partition("/")
    return bucket, key.rstrip("/")
