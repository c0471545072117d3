"""What came of a run, for programs (`summary.json`) and for people (a message to the environment's topic)."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from batch_inference.project import Project
from batch_inference.run import Run, result_of
from batch_inference.waiting import Outcome
from model_deploy.errors import explain

LOG_GROUP = "/aws/sagemaker/TransformJobs"
BY_LINE = ("text/csv", "application/jsonlines", "application/x-jsonlines")
"""Answers with one row a line, so that lines can be counted."""

SHOWN = 20
"""Most files that a message names."""

_SAYS = re.compile(r"\[sagemaker logs\]: (.*)", flags=re.DOTALL)


def summarise(run: Run, job: Mapping[str, Any], project: Project, s3: Any, logs: Any) -> dict[str, Any]:
    """Look at what a run's job left, and return the summary.

    Args:
        run: what was started.
        job: as SageMaker describes it; empty where nothing was sent.
        project: whose run it is.
        s3: a client.
        logs: a client; it is asked only why files failed.

    """
    bucket = project.environment.artifact_bucket
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=run.output)
    outputs = {one["Key"].removeprefix(run.output) for page in pages for one in page.get("Contents", [])}
    results = {file.key: result_of(file.key, outputs) for file in run.files}
    failed = [key for key, result in results.items() if result is None]
    reasons = _reasons(logs, run, project.input_bucket, failed) if failed else {}
    general = job.get("FailureReason") or f"it is {job.get('TransformJobStatus')}"
    limit = f"more than requests.max_payload_mb ({run.max_payload_mb}) in one request; split it, or see input.split"
    return {
        "run": run.name,
        "status": job.get("TransformJobStatus", "Nothing sent"),
        "reason": job.get("FailureReason", ""),
        "model_package_arn": run.package_arn,
        "model_package_version": run.package_version,
        "results": {key: f"s3://{bucket}/{run.output}{result}" for key, result in results.items() if result},
        "rows": _rows(s3, bucket, run, [result for result in results.values() if result]),
        "failed": {
            **{key: reasons.get(key) or f"no reason is known for this file; of the whole: {general}" for key in failed},
            **{file.key: f"not sent: it has {file.size:,} bytes, {limit}" for file in run.too_large},
        },
        **_cost(run, job),
    }


def outcomes(run: Run, summary: Mapping[str, Any]) -> dict[str, Outcome]:
    """Return what became of each file."""
    return {
        file.key: Outcome(file.etag, run.name, failed=file.key in summary["failed"])
        for file in (*run.files, *run.too_large)
    }


def _rows(s3: Any, bucket: str, run: Run, results: Sequence[str]) -> int | None:
    """How many predictions there are; None where the answers do not have one a line."""
    if run.accept not in BY_LINE:
        return None
    count = 0
    for result in results:
        lines = s3.get_object(Bucket=bucket, Key=run.output + result)["Body"].iter_lines()
        count += sum(bool(line.strip()) for line in lines)
    return count


def _cost(run: Run, job: Mapping[str, Any]) -> dict[str, Any]:
    started, ended = job.get("TransformStartTime"), job.get("TransformEndTime")
    seconds = int((ended - started).total_seconds()) * run.instance_count if started and ended else 0
    price = run.usd_per_instance_hour
    return {
        "started": started.isoformat() if started else None,
        "ended": ended.isoformat() if ended else None,
        "instance": {"type": run.instance_type, "count": run.instance_count},
        "instance_seconds": seconds,
        "usd": round(seconds / 3600 * price, 4) if price else None,
        "usd_per_instance_hour": price or None,
        "price_as_of": run.price_as_of or None,
    }


def _reasons(logs: Any, run: Run, bucket: str, failed: Sequence[str]) -> dict[str, str]:
    """Why files failed, by their keys, from the log that SageMaker keeps of a job's data.

    A line of it begins with `[sagemaker logs]: <bucket>/<key>: `, and the model's own answer follows "Message:".
    """
    try:
        pages = logs.get_paginator("filter_log_events").paginate(
            logGroupName=LOG_GROUP, logStreamNamePrefix=f"{run.name}/", filterPattern='"[sagemaker logs]"'
        )
        events = [one for page in pages for one in page["events"] if one["logStreamName"].startswith(f"{run.name}/")]
    except (ClientError, BotoCoreError) as error:
        return dict.fromkeys(failed, f"the job's log cannot be read: {explain(error)}")
    said = [found[1] for one in events if (found := _SAYS.search(one["message"]))]
    reasons: dict[str, str] = {}
    for key in failed:
        start = f"{bucket}/{key}: "
        words = [line.removeprefix(start).strip() for line in said if line.startswith(start)]
        reasons[key] = " ".join(word for word in words if word and word != "Message:")[:500]
    return reasons


def message(summary: Mapping[str, Any], project: Project) -> tuple[str, str]:
    """Return subject and text for people. SNS takes 100 characters of ASCII as a subject."""
    name, region = project.environment.project_name, project.environment.region
    failed, results = summary["failed"], summary["results"]
    subject = f"Batch run of {name}: {len(results)} of {len(results) + len(failed)} files"
    rows = "" if summary["rows"] is None else f", {summary['rows']:,} predictions"
    instance, seconds = summary["instance"], summary["instance_seconds"]
    cost = "its price is not set (config/batch.toml)"
    if summary["usd"] is not None:
        cost = f"about {summary['usd']} USD by the price of {summary['price_as_of']}"
    bucket = project.environment.artifact_bucket
    more = [f"  and {len(failed) - SHOWN} more"] if len(failed) > SHOWN else []
    return subject, "\n".join(
        [
            f"Batch run of project {name} in {region}: {summary['status']}, {len(results)} files answered{rows}, "
            f"{len(failed)} failed.",
            f"Model: version {summary['model_package_version']}, {summary['model_package_arn']}",
            f"Cost: {seconds} seconds of {instance['type']} ({instance['count']}); {cost}",
            f"Results: s3://{bucket}/runs/{summary['run']}/summary.json",
            *(["Failed:"] if failed else []),
            *(f"  {key}: {why}" for key, why in list(failed.items())[:SHOWN]),
            *more,
        ]
    )
