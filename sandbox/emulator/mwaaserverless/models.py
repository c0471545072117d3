"""Amazon MWAA Serverless: workflows, their versions and their runs.

A run is Airflow itself, in a process of this machine: dag-factory, whose format workflows have, makes a DAG of the
YAML, and Airflow tests it (`dag.test()`, tasks one after another, on SQLite) with the credentials of the workflow's
role. The packages are those with which the product's build makes the YAML. Schedules, workers, networks, retention and
Airflow's page are not emulated, and a task looks once a second, not twice a minute, whether its job has ended.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError
from moto.core.base_backend import BackendDict, BaseBackend
from moto.core.utils import unix_time_millis, utcnow
from moto.moto_api._internal import mock_random

from sandbox.emulator.core import python_environments
from sandbox.emulator.core.callers import Caller, RoleError
from sandbox.emulator.core.errors import ServiceError
from sandbox.emulator.core.process_group import ProcessGroup

Json = dict[str, Any]

SERVICE = "airflow-serverless.amazonaws.com"
REPOSITORY = Path(__file__).resolve().parents[3]
PACKAGES = REPOSITORY / "seed_code/model-build-airflow/repository/requirements-airflow.txt"
RUNTIME = Path(__file__).parent / "airflow_runtime" / "run.py"
MAX_SECONDS = 900
GOING_ON = ("STARTING", "QUEUED", "RUNNING", "STOPPING")


@dataclass(kw_only=True)
class Version:
    """A version of a workflow, made by each create and update."""

    id: str
    request: Json
    definition: str
    """The YAML as it was when the version was made."""


@dataclass(kw_only=True)
class Workflow:
    """A workflow; the last version is the one that runs."""

    arn: str
    name: str
    tags: dict[str, str]
    created: datetime = field(default_factory=utcnow)
    versions: list[Version] = field(default_factory=list)
    runs: dict[str, "Run"] = field(default_factory=dict)
    """By id, the newest last."""

    @property
    def latest(self) -> Version:
        """The version that runs."""
        return self.versions[-1]


class Run:
    """One run of a workflow's version."""

    def __init__(self, caller: Caller, workflow: Workflow, parameters: Json) -> None:
        self.id = f"manual-{mock_random.get_random_hex(20)}"
        self.workflow, self.version, self.parameters = workflow, workflow.latest, parameters
        self.status, self.error = "RUNNING", ""
        self.started = self.ended = utcnow()
        self.tasks: list[Json] = []
        self._caller = caller.root()
        self._group = ProcessGroup()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End it, with its processes."""
        if self.status in GOING_ON:
            self.status = "STOPPING"
            self._group.close()
            self._thread.join(10)

    def _run(self) -> None:
        folder = Path(tempfile.mkdtemp(prefix="sm-mlops-airflow-"))
        try:
            role = self._caller.assume(self.version.request["RoleArn"], SERVICE, "airflow", source=self.workflow.arn)
            self._play(folder, role)
        except (RoleError, ClientError) as error:
            self.error = str(error)
        except Exception as error:  # a fault of the sandbox must not leave anybody waiting
            self.error = f"The sandbox failed: {error!r}"
        finally:
            self._group.close()
            shutil.rmtree(folder, ignore_errors=True)
        self.ended = utcnow()
        self.status = "STOPPED" if self.status == "STOPPING" else "FAILED" if self.error else "SUCCESS"

    def _play(self, folder: Path, role: Caller) -> None:
        variables = python_environments.environment_variables(folder)
        binaries = python_environments.make(folder / "python")
        if said := python_environments.install(binaries, PACKAGES, variables, self._group, "--no-deps"):
            raise RoleError(f"Airflow cannot be installed: {said}")
        del variables["PYTHONPATH"]
        home, workflow, result = folder / "airflow", folder / "dags" / "workflow.yaml", folder / "result.json"
        workflow.parent.mkdir()
        workflow.write_text(self.version.definition)
        variables |= {
            "PATH": f"{binaries}:{os.environ.get('PATH', os.defpath)}",
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(workflow.parent),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
            "DO_NOT_TRACK": "1",
            "AWS_ACCESS_KEY_ID": role.access_key,
            "AWS_SECRET_ACCESS_KEY": "sandbox",
            "AWS_ENDPOINT_URL": role.endpoint,
            "AWS_DEFAULT_REGION": role.region,
            **self.version.request.get("Environment", {}).get("Variables", {}),
        }
        self._make_database(home, variables)
        arguments = [str(workflow), json.dumps(self.parameters), str(result)]
        printed, code = self._command(["python", str(RUNTIME), *arguments], variables)
        self._log(role, printed)
        self.tasks = json.loads(result.read_text()) if result.exists() else []
        if code:
            told = [f"{one['TaskId']}: {one['ErrorMessage']}" for one in self.tasks if one["Status"] == "FAILED"]
            self.error = "; ".join(told) or printed.strip().rpartition("\n")[2]

    def _make_database(self, home: Path, variables: dict[str, str]) -> None:
        """Make Airflow's database; one that the same packages have made holds the same, and is copied."""
        made = hashlib.sha256(PACKAGES.read_bytes() + sys.version.encode()).hexdigest()[:32]
        kept = Path(variables["SANDBOX_PACKAGES"]).with_name("airflow") / f"{made}.db"
        database = home / "airflow.db"
        if kept.exists():
            home.mkdir()
            shutil.copy(kept, database)
            return
        _, code = self._command(["airflow", "db", "migrate"], variables)
        if code == 0:
            kept.parent.mkdir(parents=True, exist_ok=True)
            # Whoever looks finds all of it, or nothing.
            part = kept.with_name(f"{self.id}.part")
            shutil.copy(database, part)
            part.rename(kept)

    def _command(self, command: list[str], variables: dict[str, str]) -> tuple[str, int]:
        process = self._group.start(command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            printed: str = process.communicate(timeout=MAX_SECONDS)[0]
        except subprocess.TimeoutExpired:
            raise RoleError(f"{command[0]} took longer than {MAX_SECONDS} seconds.") from None
        return printed, process.returncode

    def _log(self, role: Caller, printed: str) -> None:
        group = self.version.request.get("LoggingConfiguration", {}).get("LogGroupName")
        if not group:
            return
        arn = f"arn:{role.partition}:logs:{role.region}:{role.account}:log-group:{group}:log-stream:{self.id}"
        for action in ("CreateLogStream", "PutLogEvents"):
            role.require(f"logs:{action}", arn)
        logs, now = self._caller.client("logs"), int(unix_time_millis())
        logs.create_log_stream(logGroupName=group, logStreamName=self.id)
        events = [{"timestamp": now, "message": line} for line in printed.splitlines() if line.strip()]
        # A request takes no more.
        for first in range(0, len(events), 1000):
            logs.put_log_events(logGroupName=group, logStreamName=self.id, logEvents=events[first : first + 1000])


class MwaaServerlessBackend(BaseBackend):
    """The workflows of one account and region, by ARN."""

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.workflows: dict[str, Workflow] = {}

    def reset(self) -> None:
        """Forget everything, and end what runs."""
        for workflow in self.workflows.values():
            for run in workflow.runs.values():
                run.stop()
        super().reset()

    def create(self, request: Json, definition: str) -> Workflow:
        """Make a workflow of its first version."""
        if any(one.name == request["Name"] for one in self.workflows.values()):
            raise ServiceError("ConflictException", f"A workflow named {request['Name']} exists already.")
        identity = f"{request['Name']}-{mock_random.get_random_string(length=10, lower_case=True)}"
        place = f"arn:{self.partition}:airflow-serverless:{self.region_name}:{self.account_id}"
        made = Workflow(arn=f"{place}:workflow/{identity}", name=request["Name"], tags=request.get("Tags") or {})
        self.workflows[made.arn] = made
        self.add_version(made, request, definition)
        return made

    def add_version(self, workflow: Workflow, request: Json, definition: str) -> Version:
        """Make another version of a workflow."""
        made = Version(id=mock_random.get_random_hex(32), request=request, definition=definition)
        workflow.versions.append(made)
        return made

    def get(self, arn: str) -> Workflow:
        """Return a workflow; `ResourceNotFoundException` where there is none."""
        if arn not in self.workflows:
            raise ServiceError("ResourceNotFoundException", f"Workflow {arn} not found")
        return self.workflows[arn]

    def run(self, arn: str, identity: str) -> Run:
        """Return a run of a workflow."""
        runs = self.get(arn).runs
        if identity not in runs:
            raise ServiceError("ResourceNotFoundException", f"Run {identity} of workflow {arn} not found")
        return runs[identity]


# Offered where EC2 is: the list of its regions is none of botocore's.
mwaaserverless_backends = BackendDict(MwaaServerlessBackend, "ec2")
