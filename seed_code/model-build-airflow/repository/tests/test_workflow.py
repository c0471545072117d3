import json
import re
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import boto3
import pytest
from botocore.validate import validate_parameters

from pipelines.run_workflow import CONVERTER, DAG, ROOT, airflow_variables, converted
from pipelines.settings import Settings, SettingsError
from pipelines.workflow import build_registration, build_workflow, check

URLS = ("s3://b/code/1", "s3://b/data/1", "s3://b/code/registration-1")
NOTHING_CALLED = {"aws_access_key_id": "x", "aws_secret_access_key": "x"}
MODEL = boto3.client("sagemaker", "eu-west-1", **NOTHING_CALLED).meta.service_model


@pytest.fixture
def workflow(settings):
    return build_workflow(settings, *URLS)


def texts(value):
    if isinstance(value, dict):
        value = list(value.values())
    return [text for one in value for text in texts(one)] if isinstance(value, list) else [str(value)]


def test_each_task_asks_for_a_job_as_the_api_takes_it(workflow):
    assert [one["task_id"] for one in workflow["tasks"]] == ["preprocess", "train", "evaluate", "register"]
    for task in workflow["tasks"]:
        operation = MODEL.operation_model(f"Create{task['kind']}Job")
        validate_parameters(task["request"], operation.input_shape)
        name = task["request"][f"{task['kind']}JobName"].replace("{{ ts_nodash }}", "20261127T203155")
        longest = name.replace("p-0123456789ab", "p-012345678901234567")
        assert len(longest) <= 63
        assert re.fullmatch(r"[a-zA-Z0-9](-*[a-zA-Z0-9])*", name)
        # A task ends after 60 minutes, and its job takes some to start.
        assert task["request"]["StoppingCondition"] == {"MaxRuntimeInSeconds": 3000}


def test_it_says_nothing_that_mwaa_serverless_does_not_fill_in(workflow):
    words = {word for text in texts(workflow["tasks"]) for word in re.findall(r"\{\{ (.*?) \}\}", text)}
    assert words == {"ts_nodash", *(f"params.{name}" for name in workflow["params"])}
    assert not [text for text in texts(workflow["tasks"]) if "{%" in text]
    # The converter's schema takes texts alone.
    assert {type(value) for value in workflow["params"].values()} == {str}


def test_only_the_job_that_registers_has_a_network(environment):
    environment |= {"SUBNET_IDS": "subnet-1", "SECURITY_GROUP_IDS": "sg-1"}
    tasks = build_workflow(Settings.from_environment(environment), *URLS)["tasks"]
    requests = {one["task_id"]: {**one["request"], **one["request"].get("NetworkConfig", {})} for one in tasks}
    isolated = {name: request["EnableNetworkIsolation"] for name, request in requests.items()}
    assert isolated == {"preprocess": True, "train": True, "evaluate": True, "register": False}
    for request in requests.values():
        assert request["VpcConfig"] == {"Subnets": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("SPOT_TRAINING", "true", "a task ends after 60 minutes"),
        ("TUNING_JOBS", "4", "60 minutes of a task"),
        ("CACHE_DAYS", "7", "former runs"),
        ("INPUT_DATA_URL", f"s3://data/{'x' * 240}", "256 characters"),
    ],
)
def test_what_this_way_has_not_is_refused(environment, variable, value, words):
    settings = Settings.from_environment(environment | {variable: value})
    with pytest.raises(SettingsError, match=rf"{variable}.*{words}"):
        check(settings)


def test_the_longest_arguments_fit(environment):
    settings = Settings.from_environment(environment | {"INPUT_DATA_URL": f"s3://data/{'x' * 233}"})
    check(settings)
    (task,) = [one for one in build_workflow(settings, *URLS)["tasks"] if one["task_id"] == "register"]
    arguments = task["request"]["AppSpecification"]["ContainerArguments"]
    filled = [one.replace("{{ params.InputDataUrl }}", settings.input_data_url) for one in arguments]
    assert max(map(len, filled)) == 256
    assert len(arguments) <= 100


def test_the_registration_names_only_what_the_job_is_given(settings, workflow):
    named = {name for text in texts(build_registration(settings, URLS[0])) for name in re.findall(r"\$\{(.*?)\}", text)}
    arguments = workflow["tasks"][-1]["request"]["AppSpecification"]["ContainerArguments"]
    given = {word.partition("=")[0] for word in arguments if "=" in word}
    assert {name for name in named if not name.startswith("report.")} <= given


class SageMaker(BaseHTTPRequestHandler):
    """Every job is done as soon as it is made; every object and bucket is there."""

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        operation = self.headers["X-Amz-Target"].partition(".")[2]
        made = self.server.made
        (name,) = [body[key] for key in ("ProcessingJobName", "TrainingJobName") if key in body]
        if operation.startswith("Create"):
            made[name] = body
        elif name not in made:
            self.answer(400, {"__type": "ValidationException", "message": "Could not find job"})
            return
        done = {"ProcessingJobStatus": "Completed", "TrainingJobStatus": "Completed"}
        self.answer(200, {**made[name], **done, "TrainingStartTime": 1, "TrainingEndTime": 2})

    def do_HEAD(self):
        self.answer(200, {})

    def answer(self, code, told):
        content = json.dumps(told).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), SageMaker) as found:
        found.made = {}
        threading.Thread(target=found.serve_forever, daemon=True).start()
        yield found
        found.shutdown()


def test_the_dag_runs_in_airflow_and_the_workflow_is_the_same(workflow, server, tmp_path):
    (tmp_path / "training.py").write_text(DAG.read_text())
    (tmp_path / "training.json").write_text(json.dumps(workflow))
    yaml = tmp_path / "yaml" / "training.yaml"
    yaml.parent.mkdir()
    yaml.write_text(converted(workflow))
    environment = {
        **airflow_variables(tmp_path),
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}",
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "NO_PROXY": "127.0.0.1",
    }
    python = CONVERTER.parent

    def airflow(*command):
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout  # noqa: S603

    airflow(python / "airflow", "db", "migrate")
    printed = airflow(python / "python", ROOT / "tests" / "run_dag.py", tmp_path / "training.py", yaml)
    told = json.loads(printed.strip().rpartition("\n")[2])
    assert told["python"] == told["yaml"]
    assert told["states"] == dict.fromkeys(("preprocess", "train", "evaluate", "register"), "success")
    # The jobs are this run's own, and what it was given is in them.
    assert set(server.made) == {
        f"sagemaker-p-0123456789ab-{name}-20261127T203155" for name in ("preprocess", "train", "evaluate", "register")
    }
    made = server.made["sagemaker-p-0123456789ab-register-20261127T203155"]
    assert "CommitId=0a1b2c3d" in made["AppSpecification"]["ContainerArguments"]
    assert "{{" not in json.dumps(server.made)
