"""AWS CodeBuild: projects with all their fields, and their update, both of which moto lacks."""

import json
import re
from typing import Any

from moto.codebuild.exceptions import (
    InvalidInputException,
    ResourceAlreadyExistsException,
    ResourceNotFoundException,
)
from moto.codebuild.models import CodeBuildBackend, codebuild_backends
from moto.codebuild.responses import CodeBuildResponse
from moto.core.responses import ActionResult
from moto.core.utils import unix_time

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9\-_]{1,149}")
# A source or an artifact of these types lies where the pipeline, or nobody, says.
NO_LOCATION = ("CODEPIPELINE", "NO_SOURCE", "NO_ARTIFACTS")
MINUTES = range(5, 2161)


def _check(wanted: dict[str, Any], account: str, partition: str) -> None:
    if not wanted["serviceRole"].startswith(f"arn:{partition}:iam::{account}:role/"):
        raise InvalidInputException("Invalid service role: Service role account ID does not match caller's account")
    for field in ("source", "artifacts"):
        if not wanted[field].get("location") and wanted[field]["type"] not in NO_LOCATION:
            raise InvalidInputException(f"Project {field} location is required")
    if (wanted["source"]["type"] == "CODEPIPELINE") is not (wanted["artifacts"]["type"] == "CODEPIPELINE"):
        raise InvalidInputException("Project source and artifacts must both be of type CODEPIPELINE, or neither")
    if wanted["timeoutInMinutes"] not in MINUTES:
        raise InvalidInputException(f"timeoutInMinutes must be {MINUTES.start} to {MINUTES.stop - 1}")


def create_project(self: CodeBuildResponse) -> ActionResult:
    """CreateProject."""
    wanted = json.loads(self.body)
    wanted = {"timeoutInMinutes": 60, "queuedTimeoutInMinutes": 480, **wanted}
    backend: CodeBuildBackend = codebuild_backends[self.current_account][self.region]
    name = wanted["name"]
    if not NAME.fullmatch(name):
        raise InvalidInputException(f"Invalid project name {name!r}: 2 to 150 letters, digits, - and _ are allowed")
    _check(wanted, self.current_account, self.partition)
    if name in backend.codebuild_projects:
        raise ResourceAlreadyExistsException(f"Project already exists: {backend.codebuild_projects[name].arn}")
    project = backend.create_project(
        project_name=name,
        description=wanted.get("description"),
        project_source=wanted["source"],
        artifacts=wanted["artifacts"],
        environment=wanted["environment"],
        service_role=wanted["serviceRole"],
        tags=wanted.get("tags"),
        cache=wanted.get("cache"),
        timeout=wanted["timeoutInMinutes"],
        queued_timeout=wanted["queuedTimeoutInMinutes"],
        source_version=wanted.get("sourceVersion"),
        logs_config=wanted.get("logsConfig"),
        vpc_config=wanted.get("vpcConfig"),
    )
    # moto takes the fields above and forgets the others.
    project.update(wanted)
    return ActionResult({"project": project})


def update_project(self: CodeBuildResponse) -> ActionResult:
    """UpdateProject: what the request leaves out stays."""
    wanted = json.loads(self.body)
    backend: CodeBuildBackend = codebuild_backends[self.current_account][self.region]
    if wanted["name"] not in backend.codebuild_projects:
        raise ResourceNotFoundException(f"Project cannot be found: {wanted['name']}")
    project = backend.codebuild_projects[wanted["name"]].project_metadata
    changed = {**project, **wanted}
    _check(changed, self.current_account, self.partition)
    project.update(wanted, lastModifiedDate=unix_time())
    return ActionResult({"project": project})


def install() -> None:
    """Put this module's operations in the place of moto's."""
    CodeBuildResponse.create_project = create_project  # type: ignore[method-assign]
    CodeBuildResponse.update_project = update_project  # type: ignore[attr-defined] # moto lacks it
