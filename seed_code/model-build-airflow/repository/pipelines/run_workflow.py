"""Upload the code and the data, make the DAG a workflow or hand it to an Airflow environment, and start it.

With RUN_ON=serverless AWS's converter turns the DAG into the YAML of MWAA Serverless. The workflow is made, or gets
another version where the YAML differs, and a run of it starts. The build does not wait for it. With RUN_ON=environment
the DAG and its requests go into the environment's bucket; when they run is Airflow's matter. See "What a push does" in
README.md.
"""

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from pipelines.build import BotoClients, Clients, Prepared, exit_code, prepare
from pipelines.references import Json
from pipelines.settings import Settings, SettingsError
from pipelines.workflow import REQUEST_FILE, build_registration, build_workflow, check, workflow_name

ROOT = Path(__file__).resolve().parent.parent
DAG = ROOT / "workflow" / "training.py"
CONVERTER = ROOT / ".airflow" / "bin" / "dag-converter"
FINISHED_WELL_OR_RUNNING = ("STARTING", "QUEUED", "RUNNING", "SUCCESS")


class ConversionError(SettingsError):
    """The DAG is none that MWAA Serverless runs; the message is the converter's."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where the DAG runs."""

    role_arn: str = ""
    """The workflow's role; empty: in an environment."""
    log_group: str = ""
    dag_bucket: str = ""
    """The environment's bucket."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Place":
        """Read it.

        Raises:
            SettingsError: a variable that is missing.
        """
        where = environment.get("RUN_ON", "")
        wanted = {"serverless": ("WORKFLOW_ROLE_ARN", "WORKFLOW_LOG_GROUP"), "environment": ("DAG_BUCKET",)}
        if where not in wanted:
            raise SettingsError(f"RUN_ON: {where!r} is not serverless or environment")
        missing = [name for name in wanted[where] if not environment.get(name)]
        if missing:
            raise SettingsError("\n".join(f"{name}: not set; RUN_ON={where} needs it" for name in missing))
        role_arn, log_group, dag_bucket = (
            environment[name] if name in wanted[where] else ""
            for name in ("WORKFLOW_ROLE_ARN", "WORKFLOW_LOG_GROUP", "DAG_BUCKET")
        )
        return cls(role_arn=role_arn, log_group=log_group, dag_bucket=dag_bucket)


@dataclass(frozen=True)
class Outcome:
    """What a build did."""

    done: str
    """A sentence."""
    run: str
    """ARN of the workflow and id of its run; empty in an environment."""
    where: list[str]
    """Where a person looks."""
    prepared: Prepared


def run(settings: Settings, place: Place, clients: Clients, airflow: Any, *, always: bool) -> Outcome:
    """Bring the account to the state of this commit, and start a run when there is something to train.

    Args:
        settings: of the build.
        place: where the DAG runs.
        clients: for S3, ECR and SageMaker.
        airflow: client of MWAA Serverless.
        always: start even if a run of exactly this code, data location and these settings is going on or has succeeded.
    """
    check(settings)
    prepared = prepare(settings, clients)
    request = build_registration(prepared.settings, prepared.code_url)
    registration_url = _upload(settings, clients.s3, {REQUEST_FILE: json.dumps(request, indent=2)}, "registration")
    workflow = build_workflow(prepared.settings, prepared.code_url, prepared.data_url, registration_url)
    if place.dag_bucket:
        return _hand_over(settings, place, clients.s3, workflow, prepared)
    definition = _upload(settings, clients.s3, {"training.yaml": converted(workflow)}, "workflow") + "/training.yaml"
    arn, version, state = upsert(settings, place, airflow, definition.removeprefix(f"s3://{settings.bucket}/"))
    found = "" if always else current_run(airflow, arn, version)
    identity = (
        found
        or airflow.start_workflow_run(
            WorkflowArn=arn,
            OverrideParameters={"CommitId": settings.commit_id, "DataVersion": prepared.data_version},
        )["RunId"]
    )
    head = (
        f"not started: run {identity} already goes on, or has succeeded, with this code, data location and settings "
        "(--always starts another)"
        if found
        else f"started run {identity}"
    )
    tasks = (
        f"aws mwaa-serverless list-task-instances --region {settings.region} --workflow-arn {arn} --run-id {identity}"
    )
    return Outcome(
        done=f"workflow {workflow_name(settings.project_id)}: {state}; {head}",
        run=f"{arn} {identity}",
        where=[f"  in a shell: {tasks}", f"  logs of the tasks: log group {place.log_group}"],
        prepared=prepared,
    )


def _upload(settings: Settings, s3: Any, files: Mapping[str, str], name: str) -> str:
    """Upload texts under a prefix that carries their hash; return the prefix's URL."""
    digest = hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()[:20]
    for file, content in files.items():
        s3.put_object(Bucket=settings.bucket, Key=f"code/{name}-{digest}/{file}", Body=content.encode())
    return f"s3://{settings.bucket}/code/{name}-{digest}"


def converted(workflow: Json, dag: Path = DAG, converter: Path = CONVERTER) -> str:
    """Return the DAG as YAML of MWAA Serverless, by AWS's converter, which loads both and compares them.

    Raises:
        ConversionError: it does not take the DAG.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copy(dag, folder / "training.py")
        (folder / "training.json").write_text(json.dumps(workflow), encoding="utf-8")
        done = subprocess.run(  # noqa: S603 - what `make` has installed
            [converter, "convert", folder / "training.py", "--output", folder / "yaml"],
            env=airflow_variables(folder),
            capture_output=True,
            text=True,
            check=False,
        )
        result = folder / "yaml" / f"{workflow['dag_id']}.yaml"
        if done.returncode or not result.exists():
            raise ConversionError(f"the DAG cannot be converted:\n{(done.stdout + done.stderr)[-4000:]}")
        return result.read_text(encoding="utf-8")


def airflow_variables(folder: Path) -> dict[str, str]:
    """Environment variables of an Airflow that keeps to a folder and tells nobody of itself."""
    # What is on the path of the build is none of Airflow's.
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | {
        "AIRFLOW_HOME": str(folder / "airflow"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(folder),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "DO_NOT_TRACK": "1",
    }


def upsert(settings: Settings, place: Place, airflow: Any, key: str) -> tuple[str, str, str]:
    """Make the workflow, or a version of it where it differs; return its ARN, its version and what was done."""
    name = workflow_name(settings.project_id)
    wanted = {
        "DefinitionS3Location": {"Bucket": settings.bucket, "ObjectKey": key},
        "RoleArn": place.role_arn,
        "Description": f"Trains and registers the model of project {settings.project_name}",
        "LoggingConfiguration": {"LogGroupName": place.log_group},
    }
    if settings.subnet_ids:
        network = {"SubnetIds": list(settings.subnet_ids), "SecurityGroupIds": list(settings.security_group_ids)}
        wanted["NetworkConfiguration"] = network
    pages = airflow.get_paginator("list_workflows").paginate()
    arns = [one["WorkflowArn"] for page in pages for one in page["Workflows"] if one["Name"] == name]
    if not arns:
        tags = {tag["Key"]: tag["Value"] for tag in settings.tags}
        encryption = {"Type": "CUSTOMER_MANAGED_KEY", "KmsKeyId": settings.kms_key_arn}
        more = {"EncryptionConfiguration": encryption} if settings.kms_key_arn else {}
        made = airflow.create_workflow(Name=name, Tags=tags, **more, **wanted)
        return made["WorkflowArn"], made["WorkflowVersion"], "created"
    present = airflow.get_workflow(WorkflowArn=arns[0])
    # Only what is asked for: the answer has defaults beside it.
    if all(_holds(present.get(name), value) for name, value in wanted.items()):
        return arns[0], present["WorkflowVersion"], "unchanged"
    return arns[0], airflow.update_workflow(WorkflowArn=arns[0], **wanted)["WorkflowVersion"], "updated"


def _holds(present: Any, wanted: Any) -> bool:
    if isinstance(wanted, dict):
        return isinstance(present, dict) and all(_holds(present.get(name), value) for name, value in wanted.items())
    return bool(present == wanted)


def current_run(airflow: Any, arn: str, version: str) -> str:
    """Return the newest run of a version that a build has started, if it goes on or has succeeded; else nothing.

    A build gives the commit. What a schedule or a person has started is passed over: it may have had other parameters.
    """
    pages = airflow.get_paginator("list_workflow_runs").paginate(WorkflowArn=arn, WorkflowVersion=version)
    found = [one for page in pages for one in page["WorkflowRuns"]]
    for one in sorted(found, key=lambda one: one["RunDetailSummary"]["CreatedOn"], reverse=True):
        detail = airflow.get_workflow_run(WorkflowArn=arn, RunId=one["RunId"])
        if "CommitId" in detail.get("OverrideParameters", {}):
            return one["RunId"] if one["RunDetailSummary"]["Status"] in FINISHED_WELL_OR_RUNNING else ""
    return ""


def _hand_over(settings: Settings, place: Place, s3: Any, workflow: Json, prepared: Prepared) -> Outcome:
    """Put the DAG and its requests where the environment finds them."""
    folder = f"dags/sagemaker-{settings.project_id}"
    # The commit is the default here: who starts the DAG gives none.
    told = {"CommitId": settings.commit_id, "DataVersion": prepared.data_version}
    workflow = {**workflow, "params": {**workflow["params"], **told}}
    # What the DAG reads comes before it.
    for name, content in (("json", json.dumps(workflow, indent=2)), ("py", DAG.read_text(encoding="utf-8"))):
        s3.put_object(Bucket=place.dag_bucket, Key=f"{folder}/training.{name}", Body=content.encode())
    return Outcome(
        done=f"DAG {workflow_name(settings.project_id)}: in s3://{place.dag_bucket}/{folder}; Airflow runs it",
        run="",
        where=["  in Airflow: DAGs, by that name; a new one is paused until somebody switches it on"],
        prepared=prepared,
    )


def report(settings: Settings, outcome: Outcome) -> str:
    """Return what a person reads at the end of the build log."""
    return "\n".join(
        [
            outcome.done,
            *outcome.prepared.lines,
            "  this build does not wait for it; the environment's topic hears of a failed job and a new version",
            *outcome.where,
            f"  on success: a new version, pending approval, in model package group {settings.model_package_group}",
        ]
    )


def main(argv: list[str] | None = None, environment: Mapping[str, str] = os.environ) -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(allow_abbrev=False, prog="python -m pipelines.run_workflow", description=__doc__)
    parser.add_argument("--always", action="store_true", help="start a run even if nothing has changed")
    parser.add_argument("--run-file", type=Path, help="write the workflow's ARN and the run's id to this file")
    arguments = parser.parse_args(argv)

    def work() -> None:
        settings, place = Settings.from_environment(environment), Place.from_environment(environment)
        config = Config(region_name=settings.region, retries={"mode": "adaptive", "max_attempts": 8})
        airflow = boto3.client("mwaa-serverless", config=config)
        clients = BotoClients.connect(settings.region)
        outcome = run(settings, place, clients, airflow, always=arguments.always)
        print(report(settings, outcome))
        if arguments.run_file:
            arguments.run_file.write_text(outcome.run + "\n", encoding="utf-8")

    return exit_code(work)


if __name__ == "__main__":
    sys.exit(main())
