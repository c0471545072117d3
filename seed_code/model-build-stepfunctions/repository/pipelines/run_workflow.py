"""Upload the code and the data, update the state machine, and start a run.

The build does not wait for the run: CodePipeline and CodeBuild bill by the minute, and a run may take hours. It prints
where to look, and each run's end is an EventBridge event that the project sends to the environment's notification
topic. See "What a push does" in README.md.
"""

import argparse
import hashlib
import json
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from pipelines.build import BotoClients, Clients, Prepared, exit_code, prepare
from pipelines.settings import Settings
from pipelines.workflow import requests, require_options

WORKFLOW = Path(__file__).resolve().parent.parent / "workflow/train.asl.json"
OF_A_BUILD = re.compile(r"(?P<content>[0-9a-f]{12})-(?P<commit>[0-9a-zA-Z]{1,8})-\d+")
"""Name of a run that a build has started: what it trains, the commit, and which attempt it is."""
FINISHED_WELL_OR_RUNNING = ("RUNNING", "SUCCEEDED")


@dataclass(frozen=True)
class Outcome:
    """What a build did, for people."""

    definition: str
    """updated or unchanged."""
    run_arn: str
    started: bool
    prepared: Prepared


def state_machine_arn(settings: Settings) -> str:
    """Return the ARN of the project's state machine, which is of the account and the partition of its job role."""
    _, partition, _, _, account, _ = settings.role_arn.split(":", 5)
    return f"arn:{partition}:states:{settings.region}:{account}:stateMachine:{settings.pipeline_name}"


def definition(settings: Settings) -> str:
    """Return the definition of the state machine, with the integrations of the partition."""
    partition = settings.role_arn.split(":")[1]
    text = WORKFLOW.read_text(encoding="utf-8").replace('"arn:aws:', f'"arn:{partition}:')
    return json.dumps(json.loads(text), separators=(",", ":"))


def run(settings: Settings, clients: Clients, states: Any, *, always: bool) -> Outcome:
    """Bring the account to the state of this commit, and start a run when there is something to train.

    Args:
        settings: of the build.
        clients: see `pipelines.build`.
        states: client of Step Functions.
        always: start even if a run of exactly this code, data location and these settings runs or has succeeded.
    """
    require_options(settings)
    prepared = prepare(settings, clients)
    machine, wanted = state_machine_arn(settings), definition(settings)
    present = states.describe_state_machine(stateMachineArn=machine)["definition"]
    # A run that starts right after an update may have the definition before it, unless it names a version. Publishing
    # one that is published already gives that one.
    changed = json.loads(present) != json.loads(wanted)
    version = (
        states.update_state_machine(stateMachineArn=machine, definition=wanted, publish=True)
        if changed
        else states.publish_state_machine_version(stateMachineArn=machine)
    )["stateMachineVersionArn"]
    # Not the commit: a push that touches nothing but a README does not train the same model again.
    content = json.dumps([wanted, requests(prepared, commit_id="", data_version="")], sort_keys=True)
    digest = hashlib.sha256(content.encode()).hexdigest()[:12]
    newest = states.list_executions(stateMachineArn=machine, maxResults=1000)["executions"]
    own = [one for one in newest if OF_A_BUILD.fullmatch(one["name"])]
    found = own[0] if own and own[0]["name"].startswith(f"{digest}-") else None
    if not always and found and found["status"] in FINISHED_WELL_OR_RUNNING:
        arn, started = found["executionArn"], False
    else:
        prefix = f"{digest}-{settings.commit_id[:8]}-"
        attempt = 1 + sum(one["name"].startswith(prefix) for one in own)
        arn, started = _start(states, version, f"{prefix}{attempt}", prepared), True
    return Outcome("updated" if changed else "unchanged", arn, started, prepared)


def _start(states: Any, version: str, name: str, prepared: Prepared) -> str:
    settings = prepared.settings
    asked = requests(prepared, commit_id=settings.commit_id, data_version=prepared.data_version)
    given = {"project": settings.project_id, "commit": settings.commit_id, "requests": asked}
    return states.start_execution(stateMachineArn=version, name=name, input=json.dumps(given))["executionArn"]


def report(settings: Settings, outcome: Outcome) -> str:
    """Return what a person reads at the end of the build log."""
    name = outcome.run_arn.rsplit(":", maxsplit=1)[-1]
    head = (
        f"started run {name}"
        if outcome.started
        else f"not started: run {name} already runs, or has succeeded, with this code, data location and settings "
        "(--always starts another)"
    )
    return "\n".join(
        [
            f"state machine {settings.pipeline_name}: {outcome.definition}; {head}",
            *outcome.prepared.lines,
            "  this build does not wait for it; its end is notified to the environment's topic, where there is one",
            f"  in the console: Step Functions > State machines > {settings.pipeline_name} > {name}",
            "  in a shell: aws stepfunctions describe-execution --region "
            f"{settings.region} --execution-arn {outcome.run_arn}",
            f"  on success: a new version, pending approval, in model package group {settings.model_package_group}",
        ]
    )


def main(
    argv: list[str] | None = None,
    environment: Mapping[str, str] = os.environ,
    clients: Clients | None = None,
    states: Any = None,
) -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(allow_abbrev=False, prog="python -m pipelines.run_workflow", description=__doc__)
    parser.add_argument("--always", action="store_true", help="start a run even if nothing has changed")
    parser.add_argument("--arn-file", type=Path, help="write the ARN of the run to this file")
    arguments = parser.parse_args(argv)

    def work() -> None:
        settings = Settings.from_environment(environment)
        config = Config(region_name=settings.region, retries={"mode": "adaptive", "max_attempts": 8})
        outcome = run(
            settings,
            clients or BotoClients.connect(settings.region),
            states or boto3.client("stepfunctions", config=config),
            always=arguments.always,
        )
        print(report(settings, outcome))
        if arguments.arn_file:
            arguments.arn_file.write_text(outcome.run_arn + "\n", encoding="utf-8")

    return exit_code(work)


if __name__ == "__main__":
    sys.exit(main())
