"""AWS CodeBuild: projects with all their fields, and builds that run their buildspec on this machine.

A build has a folder, a home and a Python of its own, the credentials of its service role, and no more of the
environment of this machine than the way to the package index. Its image, its compute type and its VPC are not
emulated; neither are caches and reports. The Python is this machine's, whatever `runtime-versions` says.
"""

import json
import os
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError
from moto.codebuild.exceptions import InvalidInputException, ResourceNotFoundException
from moto.codebuild.models import CodeBuildBackend as MotoBackend
from moto.codebuild.models import codebuild_backends
from moto.codecommit.models import codecommit_backends
from moto.core.utils import unix_time
from moto.moto_api._internal import mock_random

from sandbox import git_client
from sandbox.emulator.codebuild import buildspec
from sandbox.emulator.codebuild.buildspec import Artifacts, Buildspec, BuildspecError, OutOfTimeError, Shell
from sandbox.emulator.core import python_environments
from sandbox.emulator.core.callers import Caller, RoleError
from sandbox.emulator.core.not_known import not_known
from sandbox.emulator.events.models import publish

SERVICE = "codebuild.amazonaws.com"

_NOTICES = {"IN_PROGRESS": "in-progress", "SUCCEEDED": "succeeded", "STOPPED": "stopped"}

Json = dict[str, Any]
Variables = Iterable[Mapping[str, str]]


@dataclass(frozen=True, kw_only=True)
class FromPipeline:
    """What a pipeline gives a build, and wants of it."""

    pipeline: str
    sources: Mapping[str, tuple[str, str]]
    """Bucket and key of each input artifact."""
    primary: str
    artifacts: Mapping[str, tuple[str, str, str | None]]
    """Bucket, key and encryption key of each output artifact."""
    revision: str = ""
    """Commit of the primary source."""


class BuildError(Exception):
    """A build cannot go on; the text says why."""


class Build:
    """One build, which runs in a thread of its own."""

    def __init__(self, caller: Caller, project: Json, number: int, overrides: Json, given: FromPipeline | None) -> None:
        self.project = {**project, **{key: value for key, value in overrides.items() if value is not None}}
        self.id = f"{project['name']}:{mock_random.uuid4()}"
        self.number = number
        self.given = given
        self.initiator = f"codepipeline/{given.pipeline}" if given else caller.principal.split("/")[-1]
        self.started = unix_time()
        self.ended: float | None = None
        self.phases: list[Json] = []
        self.status, self.failure = "IN_PROGRESS", ""
        self.exported: dict[str, str] = {}
        self.source_version = str(self.project.get("sourceVersion") or "")
        self.resolved_version = given.revision if given else ""
        self._user = caller.root()
        self._role = self._user
        self._done = threading.Event()
        self._shell: Shell | None = None
        self._stopping = False
        self._lines: list[Json] = []
        self._thread = threading.Thread(target=self._run, daemon=True)

    @property
    def arn(self) -> str:
        """The build's ARN."""
        return f"{self.project['arn'].rpartition(':project/')[0]}:build/{self.id}"

    def start(self) -> None:
        """Begin."""
        self._begin_phase("SUBMITTED")
        self._end_phase("SUCCEEDED")
        self._tell("IN_PROGRESS")
        self._thread.start()

    def wait(self) -> None:
        """Wait for its end."""
        self._done.wait()

    def stop(self) -> None:
        """End it, with all its processes, and wait until it has ended."""
        self._stopping = True
        if self._shell:
            self._shell.close()
        if threading.current_thread() is not self._thread:
            self._done.wait(10)

    def _run(self) -> None:
        folder = Path(tempfile.mkdtemp(prefix="sm-mlops-build-"))
        try:
            self._work(folder)
            status = "SUCCEEDED"
        except OutOfTimeError:
            self.failure = f"Build timed out after {self.project['timeoutInMinutes']} minutes."
            status = "TIMED_OUT"
        except (BuildError, BuildspecError, RoleError, ClientError) as error:
            self.failure = str(error)
            status = "FAILED"
        except Exception as error:  # a fault of the sandbox must not leave anybody waiting
            self.failure = f"The sandbox failed: {error!r}"
            status = "FAULT"
        finally:
            if self._shell:
                self._shell.close()
            shutil.rmtree(folder, ignore_errors=True)
        status = "STOPPED" if self._stopping else status
        if self.phases[-1].get("phaseStatus") is None:
            self._end_phase(status, self.failure)
        if self.failure and not self._stopping:
            self._log(self.failure)
            self._flush()
        self._begin_phase("COMPLETED")
        self.ended = unix_time()
        if not self._stopping:
            self._tell(status)
        self.status = status
        self._done.set()

    def _work(self, folder: Path) -> None:
        self._begin_phase("PROVISIONING")
        source = self.project["arn"]
        self._role = self._user.assume(self.project["serviceRole"], SERVICE, "AWSCodeBuild", source=source)
        (folder / "src").mkdir()
        self._end_phase("SUCCEEDED")
        self._begin_phase("DOWNLOAD_SOURCE")
        sources = self._download(folder)
        primary = sources[""]
        spec = self._buildspec(primary)
        environment = self._environment(folder, sources, spec)
        self._end_phase("SUCCEEDED")
        seconds = 60.0 * int(self.project["timeoutInMinutes"])
        self._shell = Shell(primary, folder / "shell", environment, self._log, seconds)
        if self._stopping:
            raise BuildError("The build was stopped.")
        failed = self._play(self._shell, spec)
        self.exported = self._shell.variables(spec.exported)
        self._begin_phase("UPLOAD_ARTIFACTS")
        if not failed or "BUILD" in failed:
            try:
                self._upload(primary, spec)
            except (BuildspecError, ClientError, RoleError):
                if not failed:
                    raise
        self._end_phase("SUCCEEDED")
        self._begin_phase("FINALIZING")
        self._end_phase("SUCCEEDED")
        if failed:
            raise BuildError(f"Failed phases: {', '.join(failed)}.")

    def _play(self, shell: Shell, spec: Buildspec) -> list[str]:
        """Run the phases; those that failed."""
        failed: list[str] = []
        for name in buildspec.PHASES:
            phase = spec.phases.get(name)
            if phase is None:
                continue
            self._begin_phase(name.upper())
            for runtime, version in phase.runtimes.items():
                self._log(f"{runtime} {version} was asked for; the sandbox has what this machine has.")
            code = next((code for one in phase.commands if (code := shell.run(one, succeeding=not failed))), 0)
            for one in phase.last:
                code = shell.run(one, succeeding=not failed and not code) or code
            self._end_phase("FAILED" if code else "SUCCEEDED", f"exit status {code}" if code else "")
            if shell.stopped:
                raise BuildError("The build was stopped.")
            if code:
                failed.append(name.upper())
                goes_on = phase.on_failure == "CONTINUE" or (name == "build" and phase.on_failure != "ABORT")
                if not goes_on:
                    break
        return failed

    def _download(self, folder: Path) -> dict[str, Path]:
        """Bring the sources here; the primary one has an empty name."""
        if self.given:
            found = {}
            for name, (bucket, key) in self.given.sources.items():
                folder_name = "src" if name == self.given.primary else f"src-{name}"
                buildspec.unpack(self._get(bucket, key), folder / folder_name)
                found["" if name == self.given.primary else name] = folder / folder_name
            bucket, key = self.given.sources[self.given.primary]
            self.source_version = f"arn:{self._role.partition}:s3:::{bucket}/{key}"
            return found
        source, target = self.project["source"], folder / "src"
        if source["type"] == "CODECOMMIT":
            self._clone(source["location"].rsplit("/", 1)[-1], target)
        elif source["type"] == "S3":
            bucket, _, key = source["location"].removeprefix("arn:aws:s3:::").partition("/")
            buildspec.unpack(self._get(bucket, key), target)
        elif source["type"] != "NO_SOURCE":
            raise BuildError(not_known(f"sources of type {source['type']}"))
        return {"": target}

    def _clone(self, repository: str, target: Path) -> None:
        role = self._role
        arn = f"arn:{role.partition}:codecommit:{role.region}:{role.account}:{repository}"
        role.require("codecommit:GitPull", arn)
        backend: Any = codecommit_backends[role.account][role.region]
        metadata = backend.get_repository(repository)
        self.source_version = self.source_version or f"refs/heads/{metadata.get('defaultBranch', 'main')}"
        content = backend.content(metadata)
        self.resolved_version = content.resolve(self.source_version) or ""
        if not self.resolved_version:
            raise BuildError(f"{repository} has no {self.source_version}.")
        content.clone(target, self.resolved_version)

    def _get(self, bucket: str, key: str) -> bytes:
        tags = self._user.client("s3").get_object_tagging(Bucket=bucket, Key=key)["TagSet"]
        said = {f"s3__ExistingObjectTag/{tag['Key']}": tag["Value"] for tag in tags}
        self._role.require("s3:GetObject", f"arn:{self._role.partition}:s3:::{bucket}/{key}", **said)
        content: bytes = self._role.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        return content

    def _buildspec(self, source: Path) -> Buildspec:
        told = self.project["source"].get("buildspec") or "buildspec.yml"
        if "\n" in told:
            return buildspec.parse(told)
        path = source / told
        if not path.is_file():
            raise BuildspecError(f"YAML_FILE_ERROR: stat {told}: no such file or directory")
        return buildspec.parse(path.read_text())

    def _environment(self, folder: Path, sources: Mapping[str, Path], spec: Buildspec) -> dict[str, str]:
        """Make all that the processes of the build see; the project's variables win over the buildspec's."""
        role, project = self._role, self.project
        binaries = python_environments.make(folder / "python")
        here = Path(__file__).parent
        programs = {"aws": "-m awscli", "kubectl": f'"{here}/kubectl.py"'}
        if project["environment"].get("privilegedMode"):
            programs["docker"] = f'"{here}/docker.py"'
        for name, program in programs.items():
            # Of the sandbox's packages, and not with what the build's own Python is told.
            (binaries / name).write_text(f'#!/bin/sh\nPYTHONPATH= exec "{sys.executable}" -P {program} "$@"\n')
            (binaries / name).chmod(0o755)
        repository = project["source"].get("location", "")
        return {
            **python_environments.environment_variables(folder),
            "PATH": f"{binaries}:{os.environ.get('PATH', os.defpath)}",
            "AWS_ACCESS_KEY_ID": role.access_key,
            "AWS_SECRET_ACCESS_KEY": "sandbox",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_DEFAULT_REGION": role.region,
            "AWS_REGION": role.region,
            "AWS_ENDPOINT_URL": role.endpoint,
            "AWS_EC2_METADATA_DISABLED": "true",
            **git_client.settings(role.endpoint),
            **self._variables(spec),
            "CI": "true",
            "CODEBUILD_BUILD_ARN": self.arn,
            "CODEBUILD_BUILD_ID": self.id,
            "CODEBUILD_BUILD_IMAGE": project["environment"]["image"],
            "CODEBUILD_BUILD_NUMBER": str(self.number),
            "CODEBUILD_INITIATOR": self.initiator,
            "CODEBUILD_KMS_KEY_ID": project.get("encryptionKey", ""),
            "CODEBUILD_LOG_PATH": self.id.partition(":")[2],
            "CODEBUILD_RESOLVED_SOURCE_VERSION": self.resolved_version,
            "CODEBUILD_SOURCE_REPO_URL": repository,
            "CODEBUILD_SOURCE_VERSION": self.source_version,
            "CODEBUILD_SRC_DIR": str(sources[""]),
            **{f"CODEBUILD_SRC_DIR_{name}": str(path) for name, path in sources.items() if name},
            "CODEBUILD_START_TIME": str(int(self.started * 1000)),
        }

    def _variables(self, spec: Buildspec) -> dict[str, str]:
        wanted = [
            *({"name": name, "value": value} for name, value in spec.variables.items()),
            *({"name": name, "value": value, "type": "PARAMETER_STORE"} for name, value in spec.parameters.items()),
            *({"name": name, "value": value, "type": "SECRETS_MANAGER"} for name, value in spec.secrets.items()),
            *(self.project["environment"].get("environmentVariables") or []),
        ]
        readers: dict[str, Callable[[str], str]] = {
            "PLAINTEXT": str,
            "PARAMETER_STORE": self._parameter,
            "SECRETS_MANAGER": self._secret,
        }
        return {one["name"]: readers[one.get("type", "PLAINTEXT")](one["value"]) for one in wanted}

    def _parameter(self, name: str) -> str:
        role = self._role
        role.require(
            "ssm:GetParameters", f"arn:{role.partition}:ssm:{role.region}:{role.account}:parameter/{name.lstrip('/')}"
        )
        return str(role.client("ssm").get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"])

    def _secret(self, told: str) -> str:
        """Return a secret, or one key of it, as `id:key` asks; an ARN has colons of its own."""
        parts = told.split(":")
        split = 7 if told.startswith("arn:") else 1
        identity, key = ":".join(parts[:split]), (parts[split:] or [""])[0]
        secret = self._role.client("secretsmanager").get_secret_value(SecretId=identity)
        self._role.require("secretsmanager:GetSecretValue", secret["ARN"])
        return str(json.loads(secret["SecretString"])[key] if key else secret["SecretString"])

    def _upload(self, source: Path, spec: Buildspec) -> None:
        if self.given:
            for name, (bucket, key, encryption) in self.given.artifacts.items():
                chosen = spec.artifacts if len(self.given.artifacts) == 1 else spec.secondary.get(name)
                chosen = chosen or spec.secondary.get(name)
                if chosen is None:
                    raise BuildspecError(f"the buildspec says nothing of artifact {name}")
                self._put(bucket, key, chosen.pack(source), encryption)
        elif self.project["artifacts"]["type"] == "S3" and spec.artifacts:
            self._upload_to_bucket(source, spec.artifacts)

    def _upload_to_bucket(self, source: Path, chosen: Artifacts) -> None:
        told = self.project["artifacts"]
        name = chosen.name or told.get("name") or self.project["name"]
        identity = [self.id.partition(":")[2]] if told.get("namespaceType") == "BUILD_ID" else []
        parts = [told.get("path", "").strip("/"), *identity, name]
        key = "/".join(part for part in parts if part)
        content = chosen.pack(source)
        if told.get("packaging") == "ZIP":
            self._put(told["location"], key, content, None)
            return
        with tempfile.TemporaryDirectory() as folder:
            buildspec.unpack(content, Path(folder))
            for path in sorted(Path(folder).rglob("*")):
                if path.is_file():
                    inner = path.relative_to(folder).as_posix()
                    self._put(told["location"], f"{key}/{inner}", path.read_bytes(), None)

    def _put(self, bucket: str, key: str, content: bytes, encryption: str | None) -> None:
        self._role.require("s3:PutObject", f"arn:{self._role.partition}:s3:::{bucket}/{key}")
        encrypted = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": encryption} if encryption else {}
        self._role.client("s3").put_object(Bucket=bucket, Key=key, Body=content, **encrypted)

    def _begin_phase(self, name: str) -> None:
        self.phases.append({"phaseType": name, "startTime": unix_time()})
        self._log(f"Entering phase {name}")

    def _end_phase(self, status: str, reason: str = "") -> None:
        phase = self.phases[-1]
        ended = unix_time()
        phase |= {"phaseStatus": status, "endTime": ended, "durationInSeconds": int(ended - phase["startTime"])}
        if reason:
            phase["contexts"] = [{"statusCode": "CLIENT_ERROR", "message": reason}]
        self._log(f"Phase complete: {phase['phaseType']} State: {status} {reason}".rstrip())
        self._flush()

    def _log(self, text: str) -> None:
        now = int(time.time() * 1000)
        self._lines += [{"timestamp": now, "message": f"{line}\n"} for line in text.splitlines()]

    def log_place(self) -> tuple[str, str]:
        """Return the log's group and stream."""
        told = (self.project.get("logsConfig") or {}).get("cloudWatchLogs") or {}
        prefix = f"{told['streamName']}/" if told.get("streamName") else ""
        group = told.get("groupName") or f"/aws/codebuild/{self.project['name']}"
        return group, prefix + self.id.partition(":")[2]

    def _flush(self) -> None:
        """Write the log. AWS builds on where the role may not write it, and so does this."""
        told = (self.project.get("logsConfig") or {}).get("cloudWatchLogs") or {}
        if self._role is self._user or self._stopping or told.get("status") == "DISABLED" or not self._lines:
            return
        group, stream = self.log_place()
        role, client = self._role, self._role.client("logs")
        arn = f"arn:{role.partition}:logs:{role.region}:{role.account}:log-group:{group}"
        lines, self._lines = self._lines, []
        with suppress(RoleError, ClientError):
            if not client.describe_log_streams(logGroupName=group, logStreamNamePrefix=stream)["logStreams"]:
                role.require("logs:CreateLogStream", f"{arn}:log-stream:{stream}")
                client.create_log_stream(logGroupName=group, logStreamName=stream)
            role.require("logs:PutLogEvents", f"{arn}:log-stream:{stream}")
            client.put_log_events(logGroupName=group, logStreamName=stream, logEvents=lines)

    def _tell(self, status: str) -> None:
        publish(
            self._user,
            source="aws.codebuild",
            kind="CodeBuild Build State Change",
            detail={"build-status": status, "project-name": self.project["name"], "build-id": self.arn},
            resource=self.project["arn"],
            notice=f"build-state-{_NOTICES.get(status, 'failed')}",
        )

    def described(self) -> Json:
        """Return the build as the API tells it."""
        group, stream = self.log_place()
        role = self._user
        log = f"arn:{role.partition}:logs:{role.region}:{role.account}:log-group:{group}:log-stream:{stream}"
        told = {
            key: self.project[key]
            for key in ("source", "artifacts", "environment", "serviceRole", "timeoutInMinutes", "encryptionKey")
        }
        return {
            **told,
            "id": self.id,
            "arn": self.arn,
            "buildNumber": self.number,
            "projectName": self.project["name"],
            "initiator": self.initiator,
            "startTime": self.started,
            **({"endTime": self.ended} if self.ended else {}),
            "buildStatus": self.status,
            "buildComplete": self.status != "IN_PROGRESS",
            "currentPhase": self.phases[-1]["phaseType"],
            "phases": list(self.phases),
            "sourceVersion": self.source_version,
            "resolvedSourceVersion": self.resolved_version,
            "logs": {"groupName": group, "streamName": stream, "cloudWatchLogsArn": log},
            "exportedEnvironmentVariables": [{"name": name, "value": self.exported[name]} for name in self.exported],
        }


class CodeBuildBackend(MotoBackend):
    """The projects and builds of one account and region."""

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.builds: dict[str, Build] = {}

    def reset(self) -> None:
        """Forget everything, and end what runs."""
        self._end(list(self.builds.values()))
        super().reset()

    def delete_project(self, project_name: str) -> None:
        """Remove a project, with its builds."""
        super().delete_project(project_name)
        gone = [build for build in self.builds.values() if build.project["name"] == project_name]
        self._end(gone)
        for build in gone:
            del self.builds[build.id]

    @staticmethod
    def _end(builds: list[Build]) -> None:
        for build in builds:
            if build.status == "IN_PROGRESS":
                build.stop()

    def project(self, name: str) -> Json:
        """Return a project."""
        if name not in self.codebuild_projects:
            raise ResourceNotFoundException(f"Project cannot be found: {name}")
        found: Json = self.codebuild_projects[name].project_metadata
        return found

    def build(self, identity: str) -> Build:
        """Return a build, by its id or ARN."""
        identity = identity.rpartition("build/")[2]
        if ":" not in identity:
            raise InvalidInputException("Invalid build ID provided")
        if identity not in self.builds:
            raise ResourceNotFoundException(f"Build {identity} does not exist")
        return self.builds[identity]

    def start(self, caller: Caller, name: str, overrides: Json, given: FromPipeline | None = None) -> Build:
        """Start a build."""
        project = self.project(name)
        if (project["source"]["type"] == "CODEPIPELINE") is not (given is not None):
            raise InvalidInputException(
                f"Project {name}: a source of type CODEPIPELINE is for builds of pipelines only"
            )
        number = 1 + sum(build.project["name"] == name for build in self.builds.values())
        build = Build(caller, project, number, overrides, given)
        self.builds[build.id] = build
        build.start()
        return build


def backend(account: str, region: str) -> CodeBuildBackend:
    """Return the backend of an account and region."""
    found = codebuild_backends[account][region]
    assert isinstance(found, CodeBuildBackend)  # noqa: S101 - install put it there
    return found


def start(caller: Caller, name: str, *, variables: Variables, from_pipeline: FromPipeline) -> Build:
    """Start a build for a pipeline, whose variables win over the project's."""
    projects = backend(caller.account, caller.region)
    environment = with_variables(projects.project(name)["environment"], variables)
    return projects.start(caller, name, {"environment": environment}, from_pipeline)


def with_variables(environment: Json, variables: Variables) -> Json:
    """Return an environment in which variables win over its own."""
    known = {one["name"]: one for one in environment.get("environmentVariables") or []}
    return {**environment, "environmentVariables": [*(known | {one["name"]: one for one in variables}).values()]}
