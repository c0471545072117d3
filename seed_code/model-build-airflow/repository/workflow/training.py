"""The DAG: preprocess, train, evaluate, register, one after another, each a job of SageMaker.

The requests of the jobs stand in `training.json` beside this file, which the build writes (`pipelines/workflow.py`).
A workflow of MWAA Serverless has no branches, so registering is what ends a run whose model is not good enough. A
schedule goes here; Airflow keeps it.
"""

import json
from pathlib import Path

from airflow.models.dag import DAG
from airflow.providers.amazon.aws.operators.sagemaker import SageMakerProcessingOperator, SageMakerTrainingOperator

WORKFLOW = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
OPERATORS = {"Processing": SageMakerProcessingOperator, "Training": SageMakerTrainingOperator}

with DAG(dag_id=WORKFLOW["dag_id"], schedule=None, params=WORKFLOW["params"], catchup=False) as dag:
    previous = None
    for task in WORKFLOW["tasks"]:
        operator = OPERATORS[task["kind"]](
            task_id=task["task_id"],
            config=task["request"],
            # Names are made of the moment of the run: a job of that name is one of this run, so none is made beside it.
            action_if_job_exists="fail",
            # The job's own log has it.
            print_log=False,
        )
        if previous:
            previous >> operator
        previous = operator
