"""Run a workflow in Airflow, and tell how each task went: `run.py WORKFLOW.yaml PARAMETERS.json RESULT.json`."""

import json
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import botocore.session
import pendulum  # type: ignore[import-not-found] # Airflow's environment has it
import yaml
from dagfactory import load_yaml_dags  # type: ignore[import-not-found] # likewise

# Each task makes clients anew, and each would read its service's model.
botocore.session.create_loader = cache(botocore.session.create_loader)


def _noting(errors: dict[str, str], execute: Callable[..., Any]) -> Callable[..., Any]:
    """An operator's work that notes down why it fails: callbacks of a task are not told."""

    def work(task: Any, *args: Any, **more: Any) -> Any:  # noqa: ANN401 - as Airflow calls it
        try:
            return execute(task, *args, **more)
        except Exception as error:
            errors[task.task_id] = str(error)
            raise

    return work


def main(workflow: str, parameters: str, result: str) -> int:
    """Run it; the exit code says whether all tasks succeeded."""
    found: dict[str, Any] = {}
    load_yaml_dags(globals_dict=found, config_filepath=workflow)
    (dag,) = (found[name] for name in yaml.safe_load(Path(workflow).read_text()))
    errors: dict[str, str] = {}
    for operator in {type(task) for task in dag.tasks}:
        operator.execute = _noting(errors, operator.execute)
    for task in dag.tasks:
        # Jobs take seconds here.
        task.check_interval = 1
    run = dag.test(run_conf=json.loads(parameters), logical_date=pendulum.now("UTC"))
    told = [
        {
            "TaskId": one.task_id,
            "OperatorName": one.operator,
            "Status": (one.state or "none").upper(),
            "ErrorMessage": errors.get(one.task_id, ""),
        }
        for one in run.get_task_instances()
    ]
    Path(result).write_text(json.dumps(told))
    return 0 if run.state == "success" else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
