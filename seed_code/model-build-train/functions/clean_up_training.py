"""What is removed when a project of model-build-train is deleted: its pipeline and its bucket."""

from typing import Any

import boto3
from clean_up import answer, delete_bucket, wait

sagemaker = boto3.client("sagemaker")


def handler(event: dict[str, Any], context: Any) -> None:
    """Answer CloudFormation, whatever happens."""
    answer(event, context, lambda wanted: clean_up(wanted, context))


def clean_up(wanted: dict[str, Any], context: Any) -> None:
    """Remove the pipeline and the bucket, if the project wants that."""
    if wanted["Artifacts"] == "Delete":
        delete_pipeline(wanted["Pipeline"], context)
        delete_bucket(wanted["Bucket"], context)


def delete_pipeline(name: str, context: Any) -> None:
    """Stop what runs, then delete the pipeline, if there is one."""
    try:
        # A pipeline that runs cannot be deleted, and its jobs would write into the bucket.
        while running := unfinished(name):
            for execution in running:
                if execution["PipelineExecutionStatus"] == "Executing":
                    sagemaker.stop_pipeline_execution(PipelineExecutionArn=execution["PipelineExecutionArn"])  # type: ignore[call-arg] # botocore makes the token
            wait(context, f"an execution of {name} has not stopped yet")
        sagemaker.delete_pipeline(PipelineName=name)  # type: ignore[call-arg] # likewise
    except sagemaker.exceptions.ClientError as error:
        # No build has made it, or an earlier clean-up removed it.
        if not any(words in str(error) for words in ("ResourceNotFound", "does not exist", "Could not find")):
            raise


def unfinished(name: str) -> list[Any]:
    """List the executions of a pipeline that still run."""
    pages = sagemaker.get_paginator("list_pipeline_executions").paginate(PipelineName=name)
    found = (one for page in pages for one in page["PipelineExecutionSummaries"])
    return [one for one in found if one["PipelineExecutionStatus"] in ("Executing", "Stopping")]
