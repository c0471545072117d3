"""Upload the code and the data, create or update the SageMaker pipeline, and start it.

The build does not wait for the execution: CodePipeline and CodeBuild bill by the minute, and an execution may take
hours. It prints where to look, and each execution's end is an EventBridge event that the project sends to the
environment's notification topic. See "What a push does" in README.md.
"""

import argparse
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from pipelines.build import BotoClients, Clients, Prepared, exit_code, is_missing, prepare
from pipelines.definition import build_definition
from pipelines.settings import Settings

OF_A_BUILD = "Commit "
"""What the description of an execution begins with that a build has started."""
FINISHED_WELL_OR_RUNNING = ("Executing", "Succeeded")


@dataclass(frozen=True)
class Outcome:
    """What a run did, for people and for the build."""

    pipeline: str
    """created, updated or unchanged."""
    execution_arn: str
    started: bool
    prepared: Prepared


def run(settings: Settings, clients: Clients, *, always: bool) -> Outcome:
    """Bring the account to the state of this commit, and start an execution when there is something to train.

    Args:
        settings: of the build.
        clients: for S3 and SageMaker.
        always: start even if an execution of exactly this code, data location and these settings runs or has succeeded.
    """
    prepared = prepare(settings, clients)
    definition = build_definition(prepared.settings, prepared.code_url, prepared.data_url)
    state = upsert(settings, clients.sagemaker, definition)
    found = None if always else current_execution(settings, clients.sagemaker)
    arn = (
        found
        or clients.sagemaker.start_pipeline_execution(
            PipelineName=settings.pipeline_name,
            PipelineExecutionDescription=f"{OF_A_BUILD}{settings.commit_id}",
            PipelineParameters=[
                {"Name": "CommitId", "Value": settings.commit_id},
                {"Name": "DataVersion", "Value": prepared.data_version},
            ],
        )["PipelineExecutionArn"]
    )
    return Outcome(pipeline=state, execution_arn=arn, started=not found, prepared=prepared)


def upsert(settings: Settings, sagemaker: Any, definition: dict[str, Any]) -> str:
    """Create the pipeline, or update it where it differs; return created, updated or unchanged."""
    wanted = {
        "PipelineDisplayName": settings.pipeline_display_name,
        "PipelineDescription": f"Trains and registers the model of project {settings.project_name}",
        "PipelineDefinition": json.dumps(definition, sort_keys=True),
        "RoleArn": settings.role_arn,
    }
    try:
        present = sagemaker.describe_pipeline(PipelineName=settings.pipeline_name)
    except ClientError as error:
        if not is_missing(error):
            raise
        sagemaker.create_pipeline(PipelineName=settings.pipeline_name, Tags=settings.tags, **wanted)
        return "created"
    if json.loads(present["PipelineDefinition"]) == definition and present["RoleArn"] == settings.role_arn:
        return "unchanged"
    sagemaker.update_pipeline(PipelineName=settings.pipeline_name, **wanted)
    return "updated"


def current_execution(settings: Settings, sagemaker: Any) -> str | None:
    """Return the newest execution that a build has started, if it has the present definition and runs or has succeeded.

    The definition changes with the code, the data's location and the settings, and only then. So a push that touches
    nothing but a README does not train the same model again. What a person or drift has started is passed over: it may
    have had other parameters, and its success says nothing of the ones that stand in the repository.
    """
    changed = sagemaker.describe_pipeline(PipelineName=settings.pipeline_name)["LastModifiedTime"]
    newest = sagemaker.list_pipeline_executions(
        PipelineName=settings.pipeline_name, SortBy="CreationTime", SortOrder="Descending", MaxResults=100
    )["PipelineExecutionSummaries"]
    own = [one for one in newest if one.get("PipelineExecutionDescription", "").startswith(OF_A_BUILD)]
    for execution in own[:1]:
        if execution["StartTime"] >= changed and execution["PipelineExecutionStatus"] in FINISHED_WELL_OR_RUNNING:
            return execution["PipelineExecutionArn"]
    return None


def report(settings: Settings, outcome: Outcome) -> str:
    """Return what a person reads at the end of the build log."""
    execution = outcome.execution_arn.rsplit("/", maxsplit=1)[-1]
    head = (
        f"started execution {execution}"
        if outcome.started
        else f"not started: execution {execution} already runs, or has succeeded, with this code, data location and "
        "settings (--always starts another)"
    )
    return "\n".join(
        [
            f"pipeline {settings.pipeline_name}: {outcome.pipeline}; {head}",
            *outcome.prepared.lines,
            "  this build does not wait for it; its end is notified to the environment's topic, where there is one",
            f"  in Studio: Pipelines > {settings.pipeline_display_name} > Executions",
            "  in a shell: aws sagemaker list-pipeline-execution-steps --region "
            f"{settings.region} --pipeline-execution-arn {outcome.execution_arn}",
            f"  on success: a new version, pending approval, in model package group {settings.model_package_group}",
        ]
    )


def main(
    argv: list[str] | None = None, environment: Mapping[str, str] = os.environ, clients: Clients | None = None
) -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(allow_abbrev=False, prog="python -m pipelines.run_pipeline", description=__doc__)
    parser.add_argument("--always", action="store_true", help="start an execution even if nothing has changed")
    parser.add_argument("--arn-file", type=Path, help="write the ARN of the execution to this file")
    parser.add_argument("--definition-only", action="store_true", help="print the definition; call nothing in AWS")
    arguments = parser.parse_args(argv)

    def work() -> None:
        settings = Settings.from_environment(environment)
        if arguments.definition_only:
            root = f"s3://{settings.bucket}"
            data_url = settings.input_data_url or f"{root}/data/sample"
            print(json.dumps(build_definition(settings, f"{root}/code/example", data_url), indent=2))
            return
        outcome = run(settings, clients or BotoClients.connect(settings.region), always=arguments.always)
        print(report(settings, outcome))
        if arguments.arn_file:
            arguments.arn_file.write_text(outcome.execution_arn + "\n", encoding="utf-8")

    return exit_code(work)


if __name__ == "__main__":
    sys.exit(main())
