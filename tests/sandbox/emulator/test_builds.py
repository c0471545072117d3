"""Emulated builds: a buildspec's phases run as processes of this machine."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import boto3
import pytest

from sandbox.emulator.codebuild import buildspec
from sandbox.emulator.codebuild.buildspec import BuildspecError, OutOfTimeError, Shell
from tests.sandbox.conftest import REGION, REPOSITORY, START_SECONDS, Clients
from tests.sandbox.support.pipelines import Ear, Pipeline, action, allow, approval, role, stage, wait

Json = dict[str, Any]


class Project:
    """A project without a source, whose buildspec is its own."""

    def __init__(self, aws: Clients, name: str, text: str, statements: list[Json] | None = None, **more: Any) -> None:
        self.aws, self.name = aws, name
        self.client = aws("codebuild")
        self.group = f"/builds/{name}"
        aws("logs").create_log_group(logGroupName=self.group)
        self.role = role(aws, f"{name}-build", "codebuild.amazonaws.com", statements or [allow("*")])
        environment = {
            "type": "LINUX_CONTAINER",
            "image": "aws/codebuild/amazonlinux-x86_64-standard:6.0",
            "computeType": "BUILD_GENERAL1_SMALL",
            "environmentVariables": more.pop("variables", []),
        }
        settings = {
            "source": {"type": "NO_SOURCE", "buildspec": text},
            "artifacts": {"type": "NO_ARTIFACTS"},
            "logsConfig": {"cloudWatchLogs": {"status": "ENABLED", "groupName": self.group}},
            **more,
        }
        self.client.create_project(name=name, serviceRole=self.role, environment=environment, **settings)

    def start(self, **more: Any) -> str:
        return str(self.client.start_build(projectName=self.name, **more)["build"]["id"])

    def ended(self, identity: str) -> Json:
        def complete() -> Json | None:
            (build,) = self.client.batch_get_builds(ids=[identity])["builds"]
            return build if build["buildComplete"] else None

        return dict(wait(complete, f"the end of {identity}"))

    def run(self, **more: Any) -> Json:
        return self.ended(self.start(**more))

    def log(self, build: Json) -> str:
        events = self.aws("logs").get_log_events(
            logGroupName=self.group, logStreamName=build["logs"]["streamName"], startFromHead=True
        )["events"]
        return "".join(event["message"] for event in events)


def spec(commands: str = "[]", **phases: str) -> str:
    told = {"build": f"{{commands: {commands}}}", **phases}
    return "version: 0.2\nphases:\n" + "".join(f"  {name}: {phase}\n" for name, phase in told.items())


def phases(build: Json) -> dict[str, str]:
    return {one["phaseType"]: one.get("phaseStatus", "") for one in build["phases"]}


def test_the_phases_run_in_order_and_share_one_shell(aws: Clients) -> None:
    text = """version: 0.2
env:
  exported-variables: [RESULT, NOT_SET]
phases:
  install:
    runtime-versions: {python: 3.13}
    commands: [mkdir -p deep, cd deep, "greeting=hello", "shout() { echo \\"$1!\\"; }"]
  pre_build:
    commands: [pwd, exit 0]
  build:
    commands:
      - |
        export RESULT="$(shout "$greeting")"
  post_build:
    commands: [echo "$RESULT" "$CODEBUILD_BUILD_SUCCEEDING"]
"""
    project = Project(aws, "order", text)

    build = project.run()

    assert build["buildStatus"] == "SUCCEEDED"
    assert build["exportedEnvironmentVariables"] == [{"name": "RESULT", "value": "hello!"}]
    assert [name for name in phases(build) if name in ("INSTALL", "PRE_BUILD", "BUILD", "POST_BUILD")] == [
        "INSTALL",
        "PRE_BUILD",
        "BUILD",
        "POST_BUILD",
    ]
    log = project.log(build)
    assert re.search(r"/src/deep\n", log)
    assert "hello! 1\n" in log
    assert "python 3.13 was asked for; the sandbox has what this machine has." in log


@pytest.mark.parametrize(
    ("text", "run", "left_out"),
    [
        (spec('["false", echo never]', post_build="{commands: [echo after]}"), "POST_BUILD", None),
        (spec(install='{commands: ["false"]}'), "INSTALL", "BUILD"),
        (spec(pre_build='{commands: ["false"], on-failure: CONTINUE}'), "BUILD", None),
        (
            spec('["false"]', build='{commands: ["false"], on-failure: ABORT}', post_build="{commands: [echo x]}"),
            "BUILD",
            "POST_BUILD",
        ),
    ],
)
def test_a_failed_phase_ends_the_build_where_aws_says(aws: Clients, text: str, run: str, left_out: str | None) -> None:
    project = Project(aws, f"failing-{abs(hash(text)) % 10**8}", text)

    build = project.run()

    assert build["buildStatus"] == "FAILED"
    assert run in phases(build)
    assert left_out not in phases(build)
    assert "never" not in project.log(build).replace("Running command", "")


def test_finally_runs_after_a_failure_and_knows_of_it(aws: Clients) -> None:
    text = spec(build='{commands: ["exit 7"], finally: [echo "ok=$CODEBUILD_BUILD_SUCCEEDING"]}')
    project = Project(aws, "finally", text)

    build = project.run()

    assert phases(build)["BUILD"] == "FAILED"
    assert "exit status 7" in project.log(build)
    assert "ok=0\n" in project.log(build)


def test_variables_of_the_start_beat_the_projects_and_those_the_buildspecs(aws: Clients) -> None:
    aws("ssm").put_parameter(Name="/build/word", Value="from ssm", Type="String")
    secret = aws("secretsmanager").create_secret(Name="build", SecretString=json.dumps({"key": "from a secret"}))
    text = """version: 0.2
env:
  variables: {A: spec, B: spec, C: spec, V: 3.10}
  parameter-store: {P: /build/word}
  secrets-manager: {S: "build:key"}
phases:
  build: {commands: ['echo "$A/$B/$C/$V/$P/$S"']}
"""
    assert secret["ARN"]
    variables = [{"name": "B", "value": "project"}, {"name": "C", "value": "project"}]
    project = Project(aws, "variables", text, variables=variables)

    build = project.run(environmentVariablesOverride=[{"name": "C", "value": "start", "type": "PLAINTEXT"}])

    assert "spec/project/start/3.10/from ssm/from a secret\n" in project.log(build)


def test_a_build_speaks_to_the_emulated_aws_as_its_role_and_sees_nothing_of_this_machine(
    aws: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "company")
    script = "import boto3; print(boto3.client('sts').get_caller_identity()['Arn'])"
    text = spec('["env | sort", "$SANDBOX_PYTHON -c \\"$SCRIPT\\""]')
    variables = [{"name": "SCRIPT", "value": script}, {"name": "SANDBOX_PYTHON", "value": _own_python()}]
    project = Project(aws, "identity", text, variables=variables)

    log = project.log(project.run())

    assert "arn:aws:sts::123456789012:assumed-role/identity-build/" in log
    assert "AWS_PROFILE" not in log
    assert re.search(r"\nHOME=/\S+/home\n", log)
    assert f"\nAWS_REGION={REGION}\n" in log


def _own_python() -> str:
    return sys.executable


def test_a_build_has_a_python_of_its_own_and_leaves_nothing(aws: Clients) -> None:
    own = "python -m venv .venv, python -m venv .venv, .venv/bin/pip --version, 'echo links $(find .venv/lib -type l)'"
    commands = f"[which python, python -m pip --version, which pip, pwd, touch left, {own}]"
    project = Project(aws, "python", spec(commands))

    build = project.run()

    log = project.log(build)
    assert build["buildStatus"] == "SUCCEEDED"
    (folder,) = re.findall(r"\n(/\S+)/src\n", log)
    assert f"{folder}/python/bin/python\n" in log
    assert f" from {folder}/src/.venv/linked/pip " in log, "an environment that a build makes links pip"
    assert "\nlinks\n" in log, "a build that installs another pip would write it through a link"
    assert not Path(folder).exists()


def test_a_stop_ends_the_processes_of_a_build(aws: Clients, tmp_path: Path) -> None:
    alive = tmp_path / "alive"
    project = Project(aws, "stopped", spec(f'["(while true; do date > {alive}; sleep 0.05; done) & wait"]'))
    identity = project.start()
    wait(alive.exists, "the build's process")

    stopped = project.client.stop_build(id=identity)["build"]

    assert stopped["buildStatus"] == "STOPPED"
    alive.unlink()
    time.sleep(0.3)
    assert not alive.exists()


def test_a_deleted_project_takes_its_builds_along(aws: Clients) -> None:
    project = Project(aws, "deleted", spec('["sleep 60"]'))
    identity = project.start()

    project.client.delete_project(name="deleted")

    assert project.client.batch_get_builds(ids=[identity])["buildsNotFound"] == [identity]


def test_a_build_needs_a_role_that_trusts_codebuild(aws: Clients) -> None:
    stranger = role(aws, "stranger-to-builds", "lambda.amazonaws.com", [allow("*")])
    project = Project(aws, "untrusted", spec("[echo x]"))
    project.client.update_project(name="untrusted", serviceRole=stranger)

    build = project.run()

    assert build["buildStatus"] == "FAILED"
    assert "sts:AssumeRole" in json.dumps(build["phases"], default=str)


def test_a_log_that_the_role_may_not_write_is_not_written(aws: Clients) -> None:
    project = Project(aws, "silent", spec("[echo x]"), statements=[allow("s3:*")])

    assert project.run()["buildStatus"] == "SUCCEEDED"
    assert aws("logs").describe_log_streams(logGroupName=project.group)["logStreams"] == []


def test_a_build_of_a_repository_has_its_history(aws: Clients) -> None:
    codecommit = aws("codecommit")
    codecommit.create_repository(repositoryName="history")
    file = {"filePath": "buildspec.yml", "fileContent": spec('["git log --format=%s"]').encode()}
    codecommit.create_commit(repositoryName="history", branchName="main", putFiles=[file], commitMessage="the first")
    url = f"https://git-codecommit.{REGION}.amazonaws.com/v1/repos/history"
    project = Project(aws, "repository", "", source={"type": "CODECOMMIT", "location": url})

    build = project.run()

    assert build["buildStatus"] == "SUCCEEDED"
    assert "the first\n" in project.log(build)
    tip = codecommit.get_branch(repositoryName="history", branchName="main")["branch"]["commitId"]
    assert build["resolvedSourceVersion"] == tip


def test_artifacts_go_to_the_bucket_of_the_project(aws: Clients) -> None:
    aws("s3").create_bucket(Bucket="built", CreateBucketConfiguration={"LocationConstraint": REGION})
    text = spec('["mkdir -p out/deep && echo 1 > out/a.txt && echo 2 > out/deep/b.txt"]')
    text += "artifacts: {files: ['**/*'], base-directory: out, exclude-paths: ['a.*']}\n"
    artifacts = {"type": "S3", "location": "built", "path": "x", "name": "n", "packaging": "NONE"}
    project = Project(aws, "bucket", text, artifacts=artifacts)

    assert project.run()["buildStatus"] == "SUCCEEDED"
    assert [one["Key"] for one in aws("s3").list_objects_v2(Bucket="built")["Contents"]] == ["x/n/deep/b.txt"]


def test_a_pipeline_hands_artifacts_and_variables_on(aws: Clients) -> None:
    make = """version: 0.2
env: {exported-variables: [VERSION]}
phases:
  build:
    commands: [export VERSION="7-$FLAVOUR", echo made > made.txt, cp run.sh deep.sh]
artifacts:
  files: [made.txt, deep.sh]
  secondary-artifacts:
    other: {files: [README.md]}
    made: {files: [made.txt]}
"""
    use = spec(
        '["cat made.txt $CODEBUILD_SRC_DIR_source/README.md", "test -z $CODEBUILD_RESOLVED_SOURCE_VERSION",'
        ' "test $CODEBUILD_INITIATOR = codepipeline/$PIPELINE"]'
    )
    flavour = json.dumps([{"name": "FLAVOUR", "value": "#{variables.Flavour}", "type": "PLAINTEXT"}])
    name = "pipeline-of-builds"

    def build(title: str, project: str, inputs: list[str], outputs: list[str], **more: Any) -> Json:
        configuration = {"ProjectName": project, **more.pop("configuration", {})}
        given = {
            "inputArtifacts": [{"name": one} for one in inputs],
            "outputArtifacts": [{"name": one} for one in outputs],
        }
        return action(title, "Build/CodeBuild", configuration, **given, **more)

    for project, text in (("make", make), ("use", use)):
        _project(aws, f"{name}-{project}", text)
    pipeline = Pipeline(
        aws,
        stage(
            "Make",
            build(
                "Make",
                f"{name}-make",
                ["source"],
                ["made", "other"],
                namespace="Made",
                configuration={"EnvironmentVariables": flavour},
            ),
        ),
        stage(
            "Use",
            build(
                "Use",
                f"{name}-use",
                ["source", "made"],
                [],
                configuration={
                    "PrimarySource": "made",
                    "EnvironmentVariables": json.dumps(
                        [{"name": "PIPELINE", "value": "#{variables.Name}", "type": "PLAINTEXT"}]
                    ),
                },
            ),
            approval(runOrder=2, configuration={"CustomData": "version #{Made.VERSION}"}),
        ),
        files={"README.md": "read me\n", "run.sh": "echo\n"},
        variables=[{"name": "Flavour", "defaultValue": "sweet"}, {"name": "Name", "defaultValue": "-"}],
    )
    started = pipeline.start(variables=[{"name": "Name", "value": pipeline.name}])
    ended = pipeline.ended(pipeline.executions[0]["pipelineExecutionId"])
    assert ended["status"] == "Failed", "nobody has told this execution the name"
    pipeline.answer("Use")

    assert pipeline.ended(started)["status"] == "Succeeded", pipeline.client.get_pipeline_state(name=pipeline.name)
    details = pipeline.client.list_action_executions(pipelineName=pipeline.name)["actionExecutionDetails"]
    assert details[0]["input"]["resolvedConfiguration"]["CustomData"] == "version 7-sweet"


def _project(aws: Clients, name: str, text: str) -> None:
    arn = role(aws, name, "codebuild.amazonaws.com", [allow("*")])
    aws("codebuild").create_project(
        name=name,
        source={"type": "CODEPIPELINE", "buildspec": text},
        artifacts={"type": "CODEPIPELINE"},
        environment={"type": "LINUX_CONTAINER", "image": "i", "computeType": "BUILD_GENERAL1_SMALL"},
        serviceRole=arn,
    )


def test_a_failed_build_fails_its_action_with_the_reason(aws: Clients) -> None:
    _project(aws, "bad-build", spec('["exit 3"]'))
    run = action("Build", "Build/CodeBuild", {"ProjectName": "bad-build"}, inputArtifacts=[{"name": "source"}])
    pipeline = Pipeline(aws, stage("Build", run))

    assert pipeline.ended()["status"] == "Failed"
    error = pipeline.state("Build", "Build")["errorDetails"]["message"]
    assert error == "Build terminated with state: FAILED. Failed phases: BUILD."


def test_an_artifact_that_the_buildspec_does_not_make_fails_the_build(aws: Clients) -> None:
    _project(aws, "empty-build", spec("[echo x]") + "artifacts: {files: [nothing.txt]}\n")
    more = {"inputArtifacts": [{"name": "source"}], "outputArtifacts": [{"name": "out"}]}
    pipeline = Pipeline(aws, stage("Build", action("Build", "Build/CodeBuild", {"ProjectName": "empty-build"}, **more)))

    assert pipeline.ended()["status"] == "Failed"
    assert "nothing.txt" in pipeline.state("Build", "Build")["errorDetails"]["message"]


def test_a_rule_hears_of_builds(aws: Clients) -> None:
    ear = Ear(aws)
    pattern = {"source": ["aws.codebuild"], "detail": {"project-name": ["heard"], "build-status": ["FAILED"]}}
    aws("events").put_rule(Name="builds", EventPattern=json.dumps(pattern))
    aws("events").put_targets(Rule="builds", Targets=[{"Id": "ear", "Arn": ear.arn}])
    project = Project(aws, "heard", spec('["false"]'))

    build = project.run()

    (event,) = ear.heard()
    assert (event["detail-type"], event["detail"]["build-id"]) == ("CodeBuild Build State Change", build["arn"])


@pytest.mark.parametrize(
    "text",
    ["version: 0.1\nphases: {}", "version: 0.2\nproxy: {}", "version: 0.2\nphases: {deploy: {}}", "a: [", "- 1"],
)
def test_a_buildspec_that_the_sandbox_cannot_run_is_refused(text: str) -> None:
    with pytest.raises(BuildspecError, match="YAML_FILE_ERROR"):
        buildspec.parse(text)


def test_the_time_limit_ends_the_whole_group(tmp_path: Path) -> None:
    alive, lines = tmp_path / "alive", list[str]()
    shell = Shell(tmp_path, tmp_path / "state", {"PATH": "/usr/bin:/bin"}, lines.append, seconds=1.5)

    with pytest.raises(OutOfTimeError):
        shell.run(f"(while true; do date > {alive}; sleep 0.05; done) & echo begun; wait", succeeding=True)

    assert "begun" in lines
    alive.unlink(missing_ok=True)
    time.sleep(0.2)
    assert not alive.exists()


def test_an_emulator_that_ends_takes_its_builds_and_their_files_along(tmp_path: Path) -> None:
    info, alive = tmp_path / "info.json", tmp_path / "alive"
    (tmp_path / "tmp").mkdir()
    environment = {**os.environ, "TMPDIR": str(tmp_path / "tmp")}
    command = [sys.executable, "-m", "sandbox.emulator", "--info", str(info)]
    with subprocess.Popen(command, cwd=REPOSITORY, env=environment) as process:
        wait(info.exists, "the emulator")
        session = boto3.Session("test", "test", region_name=REGION)
        url = json.loads(info.read_text())["url"]

        def connect(service: str) -> Any:
            return session.client(service, endpoint_url=url)  # type: ignore[call-overload]

        project = Project(connect, "left", spec(f'["touch {alive}; sleep 60"]'))
        project.start()
        wait(alive.exists, "the build's process")
        assert list((tmp_path / "tmp").glob("sm-mlops-build-*"))
        process.terminate()
        assert process.wait(timeout=START_SECONDS) == 0

    assert list((tmp_path / "tmp").iterdir()) == []
