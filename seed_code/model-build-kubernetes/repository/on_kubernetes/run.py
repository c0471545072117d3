"""Upload the code and the data, and apply to the cluster what SageMaker is to train; ACK's controller carries it out.

The build waits some minutes for the controller, so that what it cannot do is said here, and never for the training:
CodePipeline and CodeBuild bill by the minute, and an execution may take hours. See "What a push does" in README.md.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from botocore.exceptions import ClientError

from on_kubernetes.cluster import ClusterError, ClusterSettings, Namespace, Run, is_given_up, sentences
from on_kubernetes.manifests import FOLDER, LABEL, OPERATIONS, ManifestError, read, write_overlay
from pipelines.build import BotoClients, Clients, Prepared, exit_code, is_missing, prepare
from pipelines.settings import Settings, SettingsError

Json = dict[str, Any]
WAIT_SECONDS = 180
"""How long the controller has for what was applied; it does it in seconds where it can."""
LOOK_SECONDS = 3
ENDED_BADLY = ("Failed", "Stopped")
ENDED = (*ENDED_BADLY, "Succeeded")


@dataclass(frozen=True, kw_only=True)
class BuildSettings:
    """All that a build is told."""

    project: Settings
    cluster: ClusterSettings

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "BuildSettings":
        """Read the settings.

        Raises:
            SettingsError: with all faults.
        """
        found: dict[str, Any] = {}
        faults: list[str] = []
        for name, kind in {"project": Settings, "cluster": ClusterSettings}.items():
            try:
                found[name] = kind.from_environment(environment)
            except SettingsError as error:
                faults.append(str(error))
        if faults:
            raise SettingsError("\n".join(faults))
        return cls(**found)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a run did, for people and for the build."""

    execution: str
    """Name of the object."""
    execution_arn: str
    started: bool
    prepared: Prepared


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """How the build waits for the controller."""

    seconds: float = WAIT_SECONDS
    sleep: Callable[[float], None] = time.sleep

    def until(self, there: Callable[[], Any], why_not: Callable[[], list[str]]) -> Any:
        """Look until something is there; say what the controller says where it does not come.

        Raises:
            ClusterError: with a sentence for each object.
        """
        for _ in range(max(1, int(self.seconds / LOOK_SECONDS))):
            if found := there():
                return found
            self.sleep(LOOK_SECONDS)
        raise ClusterError("\n".join(why_not()))


def run(
    settings: Settings,
    clients: Clients,
    namespace: Namespace,
    *,
    always: bool,
    waiting: Waiting,
    folder: Path = FOLDER / "build",
) -> Outcome:
    """Bring the namespace to the state of this commit, and wait until the controller has started what is to be trained.

    Args:
        settings: of the build.
        clients: for ECR, S3 and SageMaker.
        namespace: of the project.
        always: start even if an execution of exactly this code, data location and these settings has succeeded.
        waiting: how long the controller has.
        folder: takes the kustomization that the build writes.
    """
    prepared = prepare(settings, clients)
    definition = write_overlay(folder, prepared, namespace.cluster.namespace)
    wished = read(namespace.rendered(folder))
    selector = f"{LABEL}={settings.project_id}"

    def told(*kinds: str) -> Callable[[], list[str]]:
        return lambda: [
            sentence
            for kind in kinds
            for one in namespace.objects(_plural(kind), selector)
            if one["metadata"]["name"] == wished[kind]["metadata"]["name"]
            for sentence in sentences(one, namespace.cluster)
        ]

    # The controller knows no order, and never again tries an execution of a pipeline that was not there.
    namespace.apply([wished["ModelPackageGroup"], wished["Pipeline"]])
    waiting.until(
        lambda: _is_carried_out(settings, clients.sagemaker, definition), told("ModelPackageGroup", "Pipeline")
    )
    name = wished["PipelineExecution"]["metadata"]["name"]
    there = _cleared(namespace, selector, name, ENDED if always else ENDED_BADLY)
    if not there:
        namespace.apply([wished["PipelineExecution"]])
    arn = waiting.until(lambda: _arn(namespace, selector, name), told("PipelineExecution"))
    return Outcome(execution=name, execution_arn=arn, started=not there, prepared=prepared)


def render(
    settings: Settings, clients: Clients, namespace: Namespace, file: Path, folder: Path = FOLDER / "build"
) -> Prepared:
    """Write the objects of this commit to a file, in the order in which they are to be applied; ask no cluster."""
    prepared = prepare(settings, clients)
    write_overlay(folder, prepared, namespace.cluster.namespace)
    wished = read(namespace.rendered(folder))
    file.write_text(yaml.safe_dump_all((wished[kind] for kind in OPERATIONS), sort_keys=False), encoding="utf-8")
    return prepared


def _plural(kind: str) -> str:
    return f"{kind.lower()}s.sagemaker.services.k8s.aws"


def _is_carried_out(settings: Settings, sagemaker: Any, definition: Json) -> bool:
    """Whether SageMaker has the pipeline. The conditions do not say for which version of the object they are."""
    try:
        present = sagemaker.describe_pipeline(PipelineName=settings.pipeline_name)
    except ClientError as error:
        if not is_missing(error):
            raise
        return False
    return json.loads(present["PipelineDefinition"]) == definition and present["RoleArn"] == settings.role_arn


def _cleared(namespace: Namespace, selector: str, name: str, over: tuple[str, ...]) -> bool:
    """Delete the objects of executions that have ended, and of the wished one where it is over and is to be again.

    SageMaker keeps the executions themselves. Returns whether the wished one is there, runs or has succeeded.
    """
    there = False
    for one in namespace.objects(_plural("PipelineExecution"), selector):
        found, status = one["metadata"]["name"], _status(one)
        if found == name and status not in over:
            there = True
        elif status in ENDED:
            namespace.delete(_plural("PipelineExecution"), found)
    return there


def _status(execution: Json) -> str:
    """How an execution is. One that the controller has given up before it began counts as failed."""
    if is_given_up(execution) and not _arn_of(execution):
        return "Failed"
    return execution.get("status", {}).get("pipelineExecutionStatus", "")


def _arn(namespace: Namespace, selector: str, name: str) -> str:
    for one in namespace.objects(_plural("PipelineExecution"), selector):
        if one["metadata"]["name"] == name:
            return _arn_of(one)
    return ""


def _arn_of(execution: Json) -> str:
    return execution.get("status", {}).get("ackResourceMetadata", {}).get("arn", "")


def report(settings: Settings, namespace: Namespace, outcome: Outcome) -> str:
    """Return what a person reads at the end of the build log."""
    place = f"-n {namespace.cluster.namespace}"
    execution = outcome.execution_arn.rsplit("/", maxsplit=1)[-1]
    head = (
        f"started execution {execution}"
        if outcome.started
        else f"not started: execution {execution} already runs, or has succeeded, with this code, data location and "
        "settings (--always starts another)"
    )
    return "\n".join(
        [
            f"cluster {namespace.cluster.name}, namespace {namespace.cluster.namespace}: {head}",
            *outcome.prepared.lines,
            "  this build does not wait for it; its end is notified to the environment's topic, where there is one",
            f"  in the cluster: kubectl get pipelineexecution {outcome.execution} {place} -o wide",
            f"  in Studio: Pipelines > {settings.pipeline_display_name} > Executions",
            "  in a shell: aws sagemaker list-pipeline-execution-steps --region "
            f"{settings.region} --pipeline-execution-arn {outcome.execution_arn}",
            f"  on success: a new version, pending approval, in model package group {settings.model_package_group}",
        ]
    )


def main(
    argv: list[str] | None = None,
    environment: Mapping[str, str] = os.environ,
    clients: Clients | None = None,
    kubectl: Run = subprocess.run,
    waiting: Waiting | None = None,
) -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(allow_abbrev=False, prog="python -m on_kubernetes.run", description=__doc__)
    parser.add_argument("--always", action="store_true", help="start an execution even if nothing has changed")
    parser.add_argument("--arn-file", type=Path, help="write the ARN of the execution to this file")
    parser.add_argument(
        "--render", type=Path, help="write the objects to this file, and leave it to others to apply them"
    )
    arguments = parser.parse_args(argv)

    def work() -> None:
        told = BuildSettings.from_environment(environment)
        settings = told.project
        namespace = Namespace(cluster=told.cluster, project_name=settings.project_name, run=kubectl)
        used = clients or BotoClients.connect(settings.region)
        if arguments.render:
            prepared = render(settings, used, namespace, arguments.render)
            print("\n".join([f"written, not applied: {arguments.render}", *prepared.lines]))
            return
        outcome = run(settings, used, namespace, always=arguments.always, waiting=waiting or Waiting())
        print(report(settings, namespace, outcome))
        if arguments.arn_file:
            arguments.arn_file.write_text(outcome.execution_arn + "\n", encoding="utf-8")

    try:
        return exit_code(work)
    except (ClusterError, ManifestError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
