"""What ends and goes when a project of model-build-stepfunctions is deleted: its runs, their jobs, and its bucket."""

from typing import Any

import boto3
from clean_up import answer, delete_bucket, wait

sagemaker, states = boto3.client("sagemaker"), boto3.client("stepfunctions")


def handler(event: dict[str, Any], context: Any) -> None:
    """Answer CloudFormation, whatever happens."""
    answer(event, context, lambda wanted: clean_up(wanted, context))


def clean_up(wanted: dict[str, Any], context: Any) -> None:
    """End what trains, for which the state machine would be waited; remove the bucket, if the project wants that."""
    end_runs(wanted["StateMachine"], wanted["Project"], context)
    if wanted["Artifacts"] == "Delete":
        delete_bucket(wanted["Bucket"], context)


def end_runs(machine: str, project: str, context: Any) -> None:
    """Stop what runs, and wait until no job of it writes any more: stopped jobs still upload what they have."""
    try:
        pages = states.get_paginator("list_executions").paginate(stateMachineArn=machine, statusFilter="RUNNING")
        for run in [one for page in pages for one in page["executions"]]:
            states.stop_execution(executionArn=run["executionArn"], cause="The project is deleted")
    except states.exceptions.StateMachineDoesNotExist:
        pass  # somebody has deleted it, and its runs with it
    while jobs := unfinished(project):
        wait(context, f"{len(jobs)} jobs of the project have not stopped yet")


def unfinished(project: str) -> list[Any]:
    """List the jobs of a project that have not ended."""
    found: list[Any] = []
    for status in ("InProgress", "Stopping"):
        asked: Any = {"NameContains": f"{project}-", "StatusEquals": status}
        found += sagemaker.list_processing_jobs(**asked)["ProcessingJobSummaries"]
        found += sagemaker.list_training_jobs(**asked)["TrainingJobSummaries"]
    return found
