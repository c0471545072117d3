"""Test the DAG in Airflow, beside it `training.json`; print what became of its tasks and what the YAML's tasks are.

Airflow's environment runs it, not that of the tests: `run_dag.py training.py training.yaml`.
"""

import json
import sys

import pendulum
from airflow.models.dagbag import DagBag
from dagfactory import load_yaml_dags


def tasks(dag):
    return {one.task_id: [one.task_type, sorted(one.upstream_task_ids), one.config] for one in dag.tasks}


(dag,) = DagBag(sys.argv[1], include_examples=False).dags.values()
found = {}
load_yaml_dags(globals_dict=found, config_filepath=sys.argv[2])
converted = found[dag.dag_id]
told = {"python": tasks(dag), "yaml": tasks(converted)}
for one in converted.tasks:
    one.check_interval = 1
run = converted.test(run_conf={"CommitId": "0a1b2c3d"}, logical_date=pendulum.datetime(2026, 11, 27, 20, 31, 55))
states = {one.task_id: one.state for one in run.get_task_instances()}
print("\n" + json.dumps({**told, "state": run.state, "states": states}))
