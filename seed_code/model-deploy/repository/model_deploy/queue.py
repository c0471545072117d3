"""Lets a rollback go first: the pipeline works through its runs in their order, and one may wait days for a person."""

from typing import Any

from botocore.exceptions import ClientError

from model_deploy.environment import Environment
from model_deploy.errors import error_code

HELD = "DeployStaging"
"""The stage in which a run waits for approval, and before which the next ones wait; template.yaml names it."""

APPROVAL = "ApproveProd"
"""The action that waits for a person."""

_GONE = {"DuplicatedStopRequestException", "PipelineExecutionNotStoppableException"}


def clear_way(client: Any, environment: Environment, reason: str) -> list[str]:
    """Stop the runs that hold staging or wait for it; return their ids.

    A run that waits for approval is abandoned: nothing of it is in progress. One that deploys or tests finishes the
    action that it is at. A run that deploys to prod is left alone: it ends by itself, and the rollback comes after it.
    """
    state = client.get_pipeline_state(name=environment.pipeline_name)
    stage = next((one for one in state["stageStates"] if one["stageName"] == HELD), {})
    actions = {one["actionName"]: one.get("latestExecution", {}) for one in stage.get("actionStates", [])}
    holder = stage.get("latestExecution", {})
    held = [holder["pipelineExecutionId"]] if holder.get("status") == "InProgress" else []
    waiting = [one["pipelineExecutionId"] for one in stage.get("inboundExecutions", [])]
    asks = actions.get(APPROVAL, {}).get("status") == "InProgress"
    stopped = []
    for execution in dict.fromkeys([*waiting, *held]):
        if execution == environment.execution_id:
            continue
        try:
            client.stop_pipeline_execution(
                pipelineName=environment.pipeline_name,
                pipelineExecutionId=execution,
                abandon=asks and execution in held,
                reason=reason[:200],
            )
        except ClientError as error:
            if error_code(error) not in _GONE:
                raise
        else:
            stopped.append(execution)
    return stopped
