"""AWS CodeBuild: requests and answers, where moto's operations answer in another way or are missing."""

import json

from moto.codebuild.exceptions import InvalidInputException, ResourceAlreadyExistsException
from moto.codebuild.responses import CodeBuildResponse as MotoResponse
from moto.core.responses import ActionResult, EmptyResult
from moto.core.utils import unix_time

from sandbox.emulator.codebuild import images
from sandbox.emulator.codebuild.models import CodeBuildBackend, Json, backend, with_variables
from sandbox.emulator.core.callers import Caller

# A source or an artifact of these types lies where the pipeline, or nobody, says.
NO_LOCATION = ("CODEPIPELINE", "NO_SOURCE", "NO_ARTIFACTS")
MINUTES = range(5, 2161)


def _check(wanted: Json, account: str, partition: str) -> None:
    if not wanted["serviceRole"].startswith(f"arn:{partition}:iam::{account}:role/"):
        raise InvalidInputException("Invalid service role: Service role account ID does not match caller's account")
    for field in ("source", "artifacts"):
        if not wanted[field].get("location") and wanted[field]["type"] not in NO_LOCATION:
            raise InvalidInputException(f"Project {field} location is required")
    if (wanted["source"]["type"] == "CODEPIPELINE") is not (wanted["artifacts"]["type"] == "CODEPIPELINE"):
        raise InvalidInputException("Project source and artifacts must both be of type CODEPIPELINE, or neither")
    if wanted["timeoutInMinutes"] not in MINUTES:
        raise InvalidInputException(f"timeoutInMinutes must be {MINUTES.start} to {MINUTES.stop - 1}")


class CodeBuildResponse(MotoResponse):
    """moto's operations, and the ones that it answers in another way."""

    @property
    def backend(self) -> CodeBuildBackend:
        """The backend of the request's account and region."""
        return backend(self.current_account, self.region)

    def list_curated_environment_images(self) -> ActionResult:
        """ListCuratedEnvironmentImages."""
        return ActionResult({"platforms": images.offered()})

    def create_project(self) -> ActionResult:
        """CreateProject."""
        wanted = json.loads(self.body)
        wanted = {"timeoutInMinutes": 60, "queuedTimeoutInMinutes": 480, **wanted}
        name = wanted["name"]
        _check(wanted, self.current_account, self.partition)
        if name in self.backend.codebuild_projects:
            raise ResourceAlreadyExistsException(f"Project already exists: {self.backend.codebuild_projects[name].arn}")
        project = self.backend.create_project(
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

    def update_project(self) -> ActionResult:
        """UpdateProject: what the request leaves out stays."""
        wanted = json.loads(self.body)
        project = self.backend.project(wanted["name"])
        _check({**project, **wanted}, self.current_account, self.partition)
        project.update(wanted, lastModifiedDate=unix_time())
        return ActionResult({"project": project})

    def delete_project(self) -> EmptyResult:
        """DeleteProject; one that is gone already is no error."""
        self.backend.delete_project(json.loads(self.body)["name"])
        return EmptyResult()

    def start_build(self) -> ActionResult:
        """StartBuild."""
        asked = json.loads(self.body)
        project = self.backend.project(asked["projectName"])
        source = {
            **project["source"],
            **({"buildspec": asked["buildspecOverride"]} if "buildspecOverride" in asked else {}),
        }
        overrides = {
            "source": source,
            "sourceVersion": asked.get("sourceVersion"),
            "environment": with_variables(project["environment"], asked.get("environmentVariablesOverride") or []),
            "timeoutInMinutes": asked.get("timeoutInMinutesOverride"),
        }
        build = self.backend.start(Caller.of(self), asked["projectName"], overrides)
        return ActionResult({"build": build.described()})

    def stop_build(self) -> ActionResult:
        """StopBuild."""
        build = self.backend.build(json.loads(self.body)["id"])
        build.stop()
        return ActionResult({"build": build.described()})

    def batch_get_builds(self) -> ActionResult:
        """BatchGetBuilds."""
        known, asked = self.backend.builds, [one.rpartition("build/")[2] for one in json.loads(self.body)["ids"]]
        return ActionResult(
            {
                "builds": [known[one].described() for one in asked if one in known],
                "buildsNotFound": [one for one in asked if one not in known],
            }
        )

    def list_builds(self) -> ActionResult:
        """ListBuilds, the newest first."""
        return ActionResult({"ids": list(reversed(self.backend.builds))})

    def list_builds_for_project(self) -> ActionResult:
        """ListBuildsForProject, the newest first."""
        name = json.loads(self.body)["projectName"]
        self.backend.project(name)
        found = [build.id for build in self.backend.builds.values() if build.project["name"] == name]
        return ActionResult({"ids": list(reversed(found))})
