import tarfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
import threadpoolctl
from botocore.stub import Stubber

from abalone import evaluate, preprocess, train
from pipelines.sample_data import sample_csv
from pipelines.settings import Settings

ROWS = 600

ENVIRONMENT = {
    "SAGEMAKER_PROJECT_NAME": "Demo",
    "SAGEMAKER_PROJECT_ID": "p-0123456789ab",
    "PLATFORM": "sm-mlops",
    "ENVIRONMENT": "dev",
    "AWS_REGION": "eu-west-1",
    "ARTIFACT_BUCKET": "sagemaker-p-0123456789ab-build",
    "SAGEMAKER_ROLE_ARN": "arn:aws:iam::123456789012:role/sagemaker-jobs",
    "MODEL_PACKAGE_GROUP_NAME": "sagemaker-Demo",
    "KMS_KEY_ARN": "",
    "SUBNET_IDS": "",
    "SECURITY_GROUP_IDS": "",
    "INPUT_DATA_URL": "",
    "CODEBUILD_RESOLVED_SOURCE_VERSION": "0a1b2c3d",
}


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """Threads that wait for a busy core make such small models many times slower."""
    with threadpoolctl.threadpool_limits(1):
        yield


@pytest.fixture
def environment() -> dict[str, str]:
    return dict(ENVIRONMENT)


@pytest.fixture
def settings(environment: dict[str, str]) -> Settings:
    return Settings.from_environment(environment)


@pytest.fixture
def aws():
    """Stubbed clients; at the end, every expected call has been made."""
    clients, stubs = SimpleNamespace(), SimpleNamespace()
    for service in ("ecr", "s3", "sagemaker"):
        client = boto3.client(service, "eu-west-1", aws_access_key_id="x", aws_secret_access_key="x")  # noqa: S106
        setattr(clients, service, client)
        setattr(stubs, service, Stubber(client))
        getattr(stubs, service).activate()
    yield SimpleNamespace(clients=clients, ecr=stubs.ecr, s3=stubs.s3, sagemaker=stubs.sagemaker)
    stubs.ecr.assert_no_pending_responses()
    stubs.s3.assert_no_pending_responses()
    stubs.sagemaker.assert_no_pending_responses()


@pytest.fixture
def raw(tmp_path: Path):
    """Write texts as files of an input directory: `raw("a,b\\n", ...)`."""

    def write(*texts: str) -> Path:
        directory = tmp_path / "raw"
        directory.mkdir()
        for number, text in enumerate(texts):
            (directory / f"part-{number}.csv").write_text(text, encoding="utf-8")
        return directory

    return write


LIMITS = evaluate.Limits(error=6.0, share_of_baseline=0.9, share_of_approved=1.1)


def measured(trained: SimpleNamespace, output: Path, *, approved: Path | None = None, **limits: float) -> Any:
    """The report on the small data set, with no approved version unless a folder of one is given."""
    return evaluate.evaluate(
        trained.archive,
        test_dir=trained.split / "test",
        approved_dir=approved or trained.root / "approved",
        summary_dir=trained.split / "summary",
        output_dir=output,
        limits=evaluate.Limits(**(vars(LIMITS) | limits)),
    )


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """The jobs' folders after preprocessing and training on the small data set, and the archive as AWS packs it."""
    root = tmp_path_factory.mktemp("trained")
    (root / "raw").mkdir()
    (root / "raw" / "abalone.csv").write_text(sample_csv(ROWS), encoding="utf-8")
    preprocess.preprocess(root / "raw", root / "split", seed=0)
    train.train(root / "split/train", root / "split/validation", root / "model", train.Hyperparameters())
    (root / "approved").mkdir()
    (root / "approved/approved.json").write_text('{"version": null, "why": "no version is approved"}')
    archive = root / "model.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(root / "model", arcname=".")
    return SimpleNamespace(root=root, raw=root / "raw", split=root / "split", model=root / "model", archive=archive)
