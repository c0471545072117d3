"""Command line of the pipeline: `python -m model_deploy build | bake STAGE | test STAGE`."""

import argparse
import os
import shlex
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from model_deploy import bake, decision, queue, render, smoke, stage_config
from model_deploy.deployed import Deployed, deployed
from model_deploy.environment import STAGES, Environment
from model_deploy.errors import UserError, explain
from model_deploy.files import read_decision
from model_deploy.registry import Registry

BUILD = Path("build")
# Throttled calls are slowed down and repeated; a request to an endpoint may take SageMaker's limit of 60 seconds.
CLIENT = Config(retries={"mode": "adaptive", "max_attempts": 8}, read_timeout=70)

SOON = Config(connect_timeout=5, read_timeout=20, retries={"total_max_attempts": 3})
"""For calls that nothing has to wait for."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one step; return the exit status: 0 done, 1 a message was printed."""
    parser = argparse.ArgumentParser(prog="model_deploy", description=__doc__)
    steps = parser.add_subparsers(dest="step", required=True)
    steps.add_parser("build", help="choose the model package and write the files for the deploy stages")
    steps.add_parser("bake", help="send the payload while a stage's endpoint is updated").add_argument(
        "stage", choices=STAGES
    )
    steps.add_parser("test", help="invoke a stage's endpoint").add_argument("stage", choices=STAGES)
    options = parser.parse_args(arguments)
    try:
        environment = Environment.load(os.environ)
        session = boto3.Session(region_name=environment.region)
        if options.step == "build":
            build(session, environment)
        elif options.step == "bake":
            send_traffic(session, environment, options.stage)
        else:
            test(session, environment, options.stage)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except (ClientError, BotoCoreError) as error:
        print(f"error: {explain(error)}", file=sys.stderr)
        return 1
    return 0


def build(session: boto3.Session, environment: Environment) -> None:
    """Decide what this run deploys and write the files that the deploy actions read."""
    # The files are checked on every run, also when nothing is deployed: a fault shows at the push that made it.
    stages = stage_config.load_stages({stage: Path("config") / f"{stage}.toml" for stage in STAGES})
    smoke.Request.load(Path("payload/request.toml"))
    sagemaker = session.client("sagemaker", config=CLIENT)
    cloudformation = session.client("cloudformation", config=CLIENT)
    running = {stage: deployed(cloudformation, environment, stage) for stage in STAGES}
    choice = decision.decide(
        trigger=environment.trigger,
        requested=environment.requested,
        registry=Registry(sagemaker, environment.group_name),
        live=running["prod"],
    )
    if choice.package is not None:
        render.check(environment, stages, running)
    render.write(BUILD, environment, choice, stages)
    print(choice.reason)
    if choice.package is not None and environment.trigger == "rejected":
        _go_first(session, environment, choice.reason)


def _go_first(session: boto3.Session, environment: Environment, reason: str) -> None:
    """Stop the runs before a rollback; what hinders that must not hinder the rollback."""
    try:
        stopped = queue.clear_way(session.client("codepipeline", config=SOON), environment, reason)
    except (ClientError, BotoCoreError) as error:
        print(f"Runs that wait before this rollback were not stopped: {explain(error)} Stop them by hand.")
        return
    for execution in stopped:
        print(
            f"Stopped execution {execution}, which was before this rollback. To deploy its version, start the pipeline "
            "with Trigger = approved and its ModelPackageArn."
        )


def send_traffic(session: boto3.Session, environment: Environment, stage: str) -> None:
    """Send the payload to the stage's endpoint, in each of its accounts, while the deployment beside this runs."""
    request = smoke.Request.load(Path("payload/request.toml"))
    stages = stage_config.load_stages({stage: Path("config") / f"{stage}.toml"})
    wanted = render.parameters(environment, stage, stages[stage], read_decision(BUILD / "decision.json"))
    cloudformation = session.client("cloudformation", config=CLIENT)

    def look() -> Deployed | None:
        return deployed(cloudformation, environment, stage)

    def send(account: str) -> str:
        local = _session(session, environment, account)
        endpoint = bake.Endpoint(
            name=environment.endpoint_name(stage),
            sagemaker=local.client("sagemaker", config=CLIENT),
            runtime=local.client("sagemaker-runtime", config=CLIENT),
        )
        return bake.send_traffic(endpoint, request, look, wanted)

    with ThreadPoolExecutor(max_workers=len(environment.accounts[stage])) as pool:
        for account, report in zip(
            environment.accounts[stage], pool.map(send, environment.accounts[stage]), strict=True
        ):
            print(f"{account}: {report}")


def test(session: boto3.Session, environment: Environment, stage: str) -> None:
    """Invoke the stage's endpoint in each of its accounts."""
    request = smoke.Request.load(Path("payload/request.toml"))
    chosen = read_decision(BUILD / "decision.json")
    reports = []
    for account in environment.accounts[stage]:
        local = _session(session, environment, account)
        report = smoke.check_endpoint(
            local.client("sagemaker", config=CLIENT),
            local.client("sagemaker-runtime", config=CLIENT),
            environment.endpoint_name(stage),
            request,
            chosen,
        )
        reports.append(f"{account}: {report}")
        print(reports[-1])
    BUILD.mkdir(exist_ok=True)
    (BUILD / "test.sh").write_text(f"export TEST_REPORT={shlex.quote(' '.join(reports)[:400])}\n", encoding="utf-8")


def _session(session: boto3.Session, environment: Environment, account: str) -> boto3.Session:
    """A session in an account of a stage: this project's own, or another one's test role."""
    if account == environment.account_id:
        return session
    partition = environment.role_arn.split(":")[1]
    credentials = session.client("sts", config=CLIENT).assume_role(
        RoleArn=f"arn:{partition}:iam::{account}:role/{environment.target_test_role}",
        RoleSessionName=f"{environment.project_id}-endpoint-test",
    )["Credentials"]
    return boto3.Session(
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
        region_name=environment.region,
    )


if __name__ == "__main__":
    sys.exit(main())
