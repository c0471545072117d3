"""Which files wait for a run, by what the project's bucket remembers of those that were in one."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from botocore.exceptions import ClientError

from batch_inference.project import Project
from model_deploy.errors import error_code

LEDGER = "state/files.json"
OPEN_RUN = "state/run.json"


@dataclass(frozen=True)
class File:
    """A file in S3."""

    key: str
    etag: str
    """Changes with the content."""
    size: int


@dataclass(frozen=True)
class Outcome:
    """What became of a file in the last run that it was in."""

    etag: str
    run: str
    failed: bool


class Memory:
    """JSON documents in the project's bucket. Runs of the pipeline follow one another, so nobody else writes them."""

    def __init__(self, s3: Any, bucket: str) -> None:
        self._s3, self._bucket = s3, bucket

    def read(self, key: str) -> dict[str, Any]:
        """Return a document; an empty one where there is none."""
        try:
            content = self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        except ClientError as error:
            if error_code(error) == "NoSuchKey":
                return {}
            raise
        return json.loads(content)

    def write(self, key: str, document: Any) -> None:
        """Keep a document."""
        body = json.dumps(document, indent=2).encode()
        self._s3.put_object(Bucket=self._bucket, Key=key, Body=body, ContentType="application/json")

    def forget(self, key: str) -> None:
        """Delete a document."""
        self._s3.delete_object(Bucket=self._bucket, Key=key)

    def outcomes(self) -> dict[str, Outcome]:
        """Return what became of each file, by its key."""
        return {key: Outcome(**one) for key, one in self.read(LEDGER).items()}

    def remember(self, outcomes: Mapping[str, Outcome]) -> None:
        """Keep what became of each file."""
        self.write(LEDGER, {key: asdict(outcomes[key]) for key in sorted(outcomes)})


def hear_of_files(s3: Any, project: Project) -> None:
    """See to it that the project's own bucket tells EventBridge of new files, beside whom else it tells."""
    bucket = project.environment.artifact_bucket
    if not project.starts_on_new_data or project.input_bucket != bucket:
        return
    found = s3.get_bucket_notification_configuration(Bucket=bucket)
    told = {key: value for key, value in found.items() if key.endswith(("Configuration", "Configurations"))}
    if "EventBridgeConfiguration" not in told:
        s3.put_bucket_notification_configuration(
            Bucket=bucket, NotificationConfiguration={**told, "EventBridgeConfiguration": {}}
        )


def files(s3: Any, project: Project) -> list[File]:
    """List the files of the input folder, also in folders below it. What is empty holds no row: marks, and folders."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=project.input_bucket, Prefix=project.input_prefix)
    found = (one for page in pages for one in page.get("Contents", []))
    return [File(one["Key"], one["ETag"].strip('"'), one["Size"]) for one in found if one["Size"]]


def waiting(there: list[File], outcomes: Mapping[str, Outcome], project: Project, *, take_all: bool) -> list[File]:
    """Return the files that this run of the pipeline takes.

    A file that failed is tried again by the clock and by people. The end of a run starts another for files that came
    meanwhile, and for no others: a file that fails always would otherwise be tried without end.
    """
    if project.trigger == "ended":
        if not project.starts_on_new_data:
            return []
    elif take_all:
        return there
    again = project.trigger in ("push", "schedule")
    return [file for file in there if _waits(file, outcomes.get(file.key), again=again)]


def _waits(file: File, outcome: Outcome | None, *, again: bool) -> bool:
    return outcome is None or outcome.etag != file.etag or (outcome.failed and again)
