"""Pipelines with their last run: stages, failures with their reason and log, and what waits for somebody."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from tools.doctor.account import StackRegion
from tools.report.asking import asked, moment
from tools.report.links import Console
from tools.report.model import Approval, Failure, Known, Mark, Pipeline, Stage

LOG_LINES = 15
"""Lines of a log that a report shows of a failed build."""

_MARKS = {
    "Succeeded": Mark.GOOD,
    "Failed": Mark.BAD,
    "Stopped": Mark.BAD,
    "Cancelled": Mark.BAD,
    "InProgress": Mark.BUSY,
    "Executing": Mark.BUSY,
    "Starting": Mark.BUSY,
    "Stopping": Mark.BUSY,
}


def mark(status: str) -> Mark:
    """Return how a status of a run, a stage or a step reads."""
    return _MARKS.get(status, Mark.PLAIN)


def pipeline(region: StackRegion, name: str) -> Pipeline:
    """Return a pipeline of CodePipeline with its last run."""
    client, link = region.client("codepipeline"), Console(region.details).pipeline(name)
    runs = client.list_pipeline_executions(pipelineName=name, maxResults=1)["pipelineExecutionSummaries"]
    run = runs[0] if runs else {}
    actions = _actions(region, name, run["pipelineExecutionId"]) if run else []
    trigger = run.get("trigger", {})
    stages = list(_stages(region, name))
    approvals = list(_approvals(region, name, stages, actions, link))
    return Pipeline(
        name=name,
        kind="CodePipeline",
        region=region.name,
        status=str(run.get("status", "")),
        mark=Mark.WAITING if approvals else mark(str(run.get("status", ""))),
        started=moment(run.get("startTime")),
        trigger=" ".join(filter(None, (trigger.get("triggerType", ""), trigger.get("triggerDetail", "")))),
        stages=[Stage(name=one["stageName"], status=_status(one), mark=mark(_status(one))) for one in stages],
        failures=[_failure(region, one) for one in last_tries(actions) if one["status"] == "Failed"],
        approvals=approvals,
        builds=[build for one in actions if (build := _build(one))],
        link=link,
    )


def training(region: StackRegion, name: str) -> Pipeline:
    """Return a pipeline of SageMaker with its last run."""
    client = region.client("sagemaker")
    listed = client.list_pipeline_executions(
        PipelineName=name, SortBy="CreationTime", SortOrder="Descending", MaxResults=1
    )["PipelineExecutionSummaries"]
    run = listed[0] if listed else {}
    arn = run.get("PipelineExecutionArn", "")
    steps = client.list_pipeline_execution_steps(PipelineExecutionArn=arn)["PipelineExecutionSteps"] if arn else []
    failed = [one for one in steps if one["StepStatus"] == "Failed"]
    failures = [
        Failure(where=str(one["StepName"]), reason=str(one.get("FailureReason", "no reason told")), log=())
        for one in failed
    ]
    status = str(run.get("PipelineExecutionStatus", ""))
    if status == "Failed" and not failures:
        reason = str(run.get("PipelineExecutionFailureReason", "no reason told"))
        failures = [Failure(where="the execution", reason=reason, log=())]
    return Pipeline(
        name=name,
        kind="SageMaker",
        region=region.name,
        status=status,
        mark=mark(status),
        started=moment(run.get("StartTime")),
        trigger=str(run.get("PipelineExecutionDisplayName", "")),
        stages=[
            Stage(name=str(one["StepName"]), status=str(one["StepStatus"]), mark=mark(str(one["StepStatus"])))
            for one in sorted(steps, key=lambda one: str(one.get("StartTime", "")))
        ],
        failures=failures,
        approvals=(),
        builds=(),
        link=Console(region.details).models(),
    )


def _stages(region: StackRegion, name: str) -> Iterator[Mapping[str, Any]]:
    yield from region.client("codepipeline").get_pipeline_state(name=name)["stageStates"]


def _status(stage: Mapping[str, Any]) -> str:
    return str(stage.get("latestExecution", {}).get("status", ""))


def _actions(region: StackRegion, name: str, run: str) -> list[Mapping[str, Any]]:
    """Actions of a run, in the order in which they began."""
    pages = region.client("codepipeline").get_paginator("list_action_executions")
    filtered = pages.paginate(pipelineName=name, filter={"pipelineExecutionId": run})
    return list(reversed([one for page in filtered for one in page["actionExecutionDetails"]]))


def last_tries(actions: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return of each action its last try: what a retry has mended has not failed."""
    return list({(one["stageName"], one["actionName"]): one for one in actions}.values())


def _approvals(
    region: StackRegion,
    name: str,
    stages: Sequence[Mapping[str, Any]],
    actions: Sequence[Mapping[str, Any]],
    link: str,
) -> Iterator[Approval]:
    texts = {
        one["actionName"]: one.get("input", {}).get("resolvedConfiguration", {}).get("CustomData", "")
        for one in actions
    }
    for stage in stages:
        for action in stage.get("actionStates", ()):
            latest = action.get("latestExecution", {})
            # Whoever was asked keeps the token, also where the question was abandoned.
            if latest.get("token") and latest.get("status") == "InProgress":
                yield Approval(
                    pipeline=name,
                    action=f"{stage['stageName']}/{action['actionName']}",
                    region=region.name,
                    since=moment(latest.get("lastStatusChange")),
                    text=str(texts.get(action["actionName"], "")),
                    link=link,
                )


def _build(action: Mapping[str, Any]) -> str:
    """Return the id of an action's build; empty where it is none."""
    if action.get("input", {}).get("actionTypeId", {}).get("provider") != "CodeBuild":
        return ""
    return str(action.get("output", {}).get("executionResult", {}).get("externalExecutionId", ""))


def _failure(region: StackRegion, action: Mapping[str, Any]) -> Failure:
    result, build = action.get("output", {}).get("executionResult", {}), _build(action)
    reason = result.get("errorDetails", {}).get("message") or result.get("externalExecutionSummary")
    nothing: Known[Sequence[str]] = ()
    return Failure(
        where=f"{action['stageName']}/{action['actionName']}",
        reason=str(reason or "no reason told"),
        log=asked(region.account, lambda: build_log(region, build, LOG_LINES)) if build else nothing,
        build=build,
    )


def build_log(region: StackRegion, build: str, lines: int) -> Sequence[str]:
    """Return the last lines of a build's log; none where it has written none.

    Args:
        region: where it has run.
        build: its id.
        lines: how many, up to 10,000.
    """
    found = region.client("codebuild").batch_get_builds(ids=[build])["builds"]
    logs = found[0].get("logs", {}) if found else {}
    if "groupName" not in logs or "streamName" not in logs:
        return ()
    place = {"logGroupName": logs["groupName"], "logStreamName": logs["streamName"]}
    events = region.client("logs").get_log_events(**place, limit=lines, startFromHead=False)["events"]
    return [str(one["message"]).rstrip("\n") for one in events][-lines:]


def known(region: StackRegion, name: str) -> Known[Pipeline]:
    """Return a pipeline of CodePipeline, or why it is not known."""
    return asked(region.account, lambda: pipeline(region, name))


def known_training(region: StackRegion, name: str) -> Known[Pipeline]:
    """Return a pipeline of SageMaker, or why it is not known."""
    return asked(region.account, lambda: training(region, name))
