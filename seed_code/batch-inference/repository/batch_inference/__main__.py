"""Command line of the pipeline: `python -m batch_inference` ends the run that has ended, and starts the next.

Whatever started the pipeline, it does the same, so a start that is lost or comes twice does no harm.
"""

import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from batch_inference import run as runs
from batch_inference import settings, summary, waiting
from batch_inference.project import Project
from batch_inference.run import Run
from batch_inference.waiting import OPEN_RUN, Memory
from model_deploy.errors import UserError, explain
from model_deploy.registry import Registry

CONFIG = Path("config/batch.toml")
CLIENT = Config(retries={"mode": "adaptive", "max_attempts": 8})
SOON = Config(connect_timeout=5, read_timeout=20, retries={"total_max_attempts": 3})
"""For a call that nothing has to wait for."""


def main(variables: Mapping[str, str] = os.environ) -> int:
    """Run; return the exit status: 0 done, 1 a message was printed."""
    try:
        project, given = Project.load(variables), settings.load(CONFIG)
        session = boto3.Session(region_name=project.environment.region)
        return carry_on(session, project, given, datetime.now(UTC))
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
    except (ClientError, BotoCoreError) as error:
        print(f"error: {explain(error)}", file=sys.stderr)
    return 1


def carry_on(session: Any, project: Project, given: settings.Settings, now: datetime) -> int:
    """End what has ended, start what waits; return the exit status."""
    s3, sagemaker = session.client("s3", config=CLIENT), session.client("sagemaker", config=CLIENT)
    memory = Memory(s3, project.environment.artifact_bucket)
    waiting.hear_of_files(s3, project)
    status = 0
    if document := memory.read(OPEN_RUN):
        run = Run.read(document)
        job = runs.job(run, sagemaker)
        if job and job["TransformJobStatus"] not in runs.ENDED:
            print(f"{run.name} is {job['TransformJobStatus']}; its end starts this pipeline again")
            return 0
        if run.files and not job:
            # Its build was cut off, or failed: its files are as they were, and wait.
            print(f"{run.name} has never had a job")
            close(run, sagemaker, memory)
        else:
            status = end(session, project, run, job, memory)
    files, outcomes = waiting.files(s3, project), memory.outcomes()
    taken = waiting.waiting(files, outcomes, project, take_all=given["input.files"] == "all")
    place = f"s3://{project.input_bucket}/{project.input_prefix}"
    if not taken:
        print(f"No file of {place} waits: {len(files)} are there, {len(outcomes)} have been in a run.")
        return status
    approved = Registry(sagemaker, project.environment.group_name).approved()
    if not approved:
        print(
            f"{len(taken)} files of {place} wait, and {project.environment.group_name} has no Approved version yet: "
            "approve one, and the next run takes it."
        )
        return status
    run = runs.plan(project, given, approved[0], taken, now)
    runs.start(run, project, given, sagemaker, memory)
    if not run.files:
        return end(session, project, run, {}, memory) or status
    return status


def end(session: Any, project: Project, run: Run, job: Mapping[str, Any], memory: Memory) -> int:
    """Write down what came of a run, tell it, and remove its model; return the exit status.

    A run that has files which failed, and of which nobody could be told, is an error, so that the pipeline tells it.
    """
    sagemaker, s3 = session.client("sagemaker", config=CLIENT), session.client("s3", config=CLIENT)
    found = summary.summarise(run, job, project, s3, session.client("logs", config=CLIENT))
    memory.write(f"{run.folder}summary.json", found)
    memory.remember(memory.outcomes() | summary.outcomes(run, found))
    subject, text = summary.message(found, project)
    print(text)
    told = tell(session, project, subject, text)
    close(run, sagemaker, memory)
    return 1 if found["failed"] and not told else 0


def close(run: Run, sagemaker: Any, memory: Memory) -> None:
    """Remove a run's model; from then on the run is over."""
    runs.delete_model(run, sagemaker)
    memory.forget(OPEN_RUN)


def tell(session: Any, project: Project, subject: str, text: str) -> bool:
    """Tell the environment's topic; whether it was told. What hinders that must not hinder the next run."""
    topic = project.environment.topic_arn
    if not topic:
        return False
    try:
        session.client("sns", config=SOON).publish(TopicArn=topic, Subject=subject, Message=text)
    except (ClientError, BotoCoreError) as error:
        print(f"The topic could not be told: {explain(error)}")
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
