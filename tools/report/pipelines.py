"""Pipelines of CodePipeline with their last run: stages, failures with reason and log, and what waits for somebody."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from tools.doctor.account import StackRegion
from tools.report import logs
from tools.report.asking import asked, moment
from tools.report.links import Console
from tools.report.model import Approval, Failure, Known, Mark, Pipeline, Stage
from tools.report.runs import LATEST, NO_REASON, Run, earlier, mark


def pipeline(region: StackRegion, name: str) -> Pipeline:
    """Return a pipeline of CodePipeline with its last run."""
    client, link = region.client("codepipeline"), Console(region.details).pipeline(name)
    listed = client.list_pipeline_executions(pipelineName=name, maxResults=LATEST)["pipelineExecutionSummaries"]
    runs = [
        Run(id=str(one["pipelineExecutionId"]), status=str(one["status"]), started=one.get("startTime"))
        for one in listed
    ]
    last = runs[0] if runs else Run(id="", status="", started=None)
    actions = _actions(region, name, last) if runs else []
    trigger = listed[0].get("trigger", {}) if listed else {}
    stages = list(_stages(region, name))
    approvals = list(_approvals(region, name, stages, actions, link))
    return Pipeline(
        name=name,
        kind="CodePipeline",
        region=region.name,
        status=last.status,
        mark=Mark.WAITING if approvals else mark(last.status),
        started=moment(last.started),
        trigger=" ".join(filter(None, (trigger.get("triggerType", ""), trigger.get("triggerDetail", "")))),
        stages=[_stage(one, last) for one in stages],
        failures=_failures(region, actions),
        earlier=earlier(runs, lambda run: _failures(region, _actions(region, name, run))),
        approvals=approvals,
        builds=[build for one in actions if (build := _build(one))],
        link=link,
    )


def _stages(region: StackRegion, name: str) -> Iterator[Mapping[str, Any]]:
    yield from region.client("codepipeline").get_pipeline_state(name=name)["stageStates"]


def _stage(told: Mapping[str, Any], last: Run) -> Stage:
    latest = told.get("latestExecution", {})
    status = str(latest.get("status", ""))
    # AWS tells of each stage the last run that has come to it.
    earlier = bool(latest) and latest["pipelineExecutionId"] != last.id
    return Stage(name=told["stageName"], status=status, mark=Mark.PLAIN if earlier else mark(status), earlier=earlier)


def _actions(region: StackRegion, name: str, run: Run) -> list[Mapping[str, Any]]:
    """Actions of a run, in the order in which they began."""
    pages = region.client("codepipeline").get_paginator("list_action_executions")
    filtered = pages.paginate(pipelineName=name, filter={"pipelineExecutionId": run.id})
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


def _failures(region: StackRegion, actions: Iterable[Mapping[str, Any]]) -> list[Failure]:
    return [_failure(region, one) for one in last_tries(actions) if one["status"] == "Failed"]


def _failure(region: StackRegion, action: Mapping[str, Any]) -> Failure:
    result, build = action.get("output", {}).get("executionResult", {}), _build(action)
    reason = result.get("errorDetails", {}).get("message") or result.get("externalExecutionSummary")
    nothing: Known[Sequence[str]] = ()
    return Failure(
        where=f"{action['stageName']}/{action['actionName']}",
        reason=str(reason or NO_REASON),
        log=asked(region.account, lambda: logs.of_build(region, build, logs.LINES)) if build else nothing,
        build=build,
    )


def known(region: StackRegion, name: str) -> Known[Pipeline]:
    """Return a pipeline of CodePipeline, or why it is not known."""
    return asked(region.account, lambda: pipeline(region, name), name)
