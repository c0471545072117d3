"""The buildspecs and scripts of the delivery, run as CodeBuild runs them, with Pulumi and the network played."""

import hashlib
import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.recording import ROOT
from tests.tools.previews import made

DELIVERY = ROOT / "delivery"
BUILDSPECS = sorted(DELIVERY.glob("*.yml"))
RECORDED = ROOT / "tests" / "tools" / "previews" / "recorded"
PHASES = {"install", "pre_build", "build", "post_build"}


def buildspec(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(path.read_text())
    return loaded


@pytest.mark.parametrize("path", BUILDSPECS, ids=lambda path: path.name)
def test_a_buildspec_has_the_form_that_codebuild_reads(path: Path) -> None:
    loaded = buildspec(path)
    assert loaded["version"] == 0.2
    assert set(loaded) <= {"version", "env", "phases", "artifacts", "reports"}
    assert set(loaded["phases"]) <= PHASES
    for phase in loaded["phases"].values():
        assert set(phase) <= {"runtime-versions", "commands", "finally", "on-failure"}
        assert all(isinstance(command, str) for command in phase["commands"])


def commands(path: Path) -> list[str]:
    return [command for phase in buildspec(path)["phases"].values() for command in phase["commands"]]


def test_the_checks_are_those_that_a_person_makes() -> None:
    prepare, judge = commands(DELIVERY / "check.yml")
    makefile = (ROOT / "Makefile").read_text()
    for command in (prepare, "make check-mine"):
        assert f"\n{command.removeprefix('make ')}: " in makefile
    tool, _, report = judge.partition(" --junit ")
    assert tool.removeprefix(".venv/bin/python") in makefile.partition("\ncheck-mine: ")[2].splitlines()[1]
    assert buildspec(DELIVERY / "check.yml")["reports"]["check"]["files"] == [report]


@pytest.mark.parametrize("path", sorted({*BUILDSPECS} - {DELIVERY / "check.yml"}), ids=lambda path: path.name)
def test_every_file_that_a_buildspec_runs_exists(path: Path) -> None:
    named = [name for command in commands(path) for name in re.findall(r"(?<!\.)delivery/[\w.-]+", command)]
    assert named
    for name in named:
        assert (ROOT / name).is_file(), name


@pytest.mark.parametrize("path", sorted(DELIVERY.glob("*.sh")), ids=lambda path: path.name)
def test_a_script_is_one_that_every_shell_reads(path: Path) -> None:
    subprocess.run(["sh", "-n", str(path)], check=True)


def test_what_a_preview_exports_is_what_the_approval_shows() -> None:
    loaded = buildspec(DELIVERY / "preview.yml")
    exported = [
        name for command in loaded["phases"]["build"]["commands"] for name in re.findall(r"export (\w+)=", command)
    ]
    assert exported == loaded["env"]["exported-variables"] == ["Summary", "Link"]


def played(folder: Path, name: str, text: str) -> None:
    """Put a program of this name first on the path of the scripts."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o755)


Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """The source as CodePipeline hands it over, without a repository around it, in a path with a space."""
    folder = tmp_path / "a b"
    (folder / "delivery").mkdir(parents=True)
    for name in ("awsmodel", "components", "requirements.txt", "seed_code", "settings", "tools"):
        (folder / name).symlink_to(ROOT / name)
    for path in DELIVERY.iterdir():
        (folder / "delivery" / path.name).write_text(path.read_text())
    return folder


@pytest.fixture
def run(source: Path) -> Run:
    def script(name: str, *, runs: str = "sh", **variables: str) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": f"{source}/played:{os.environ['PATH']}", "HOME": str(source), **variables}
        command = [runs, f"delivery/{name}"]
        return subprocess.run(command, cwd=source, env=environment, capture_output=True, text=True, check=False)

    return script


@pytest.fixture
def installed(source: Path) -> Path:
    """What `install.sh` leaves behind, with a Pulumi that writes down how it is called."""
    venv = source / ".venv" / "bin"
    played(venv, "python", f'exec {sys.executable} "$@"')
    played(source / ".delivery" / "pulumi", "pulumi", 'echo "$@" >>calls.txt; . ./answer.sh')
    return source


def answers(source: Path, **files: str) -> None:
    """What `pulumi preview` prints, plain and with a refresh; a refresh that finds something ends with an error."""
    text = 'case "$*" in\n'
    for kind, pattern in (("refreshed", "preview*--refresh*"), ("plain", "preview*"), ("other", "*")):
        if kind in files:
            text += f"{pattern}) {files[kind]} ;;\n"
    (source / "answer.sh").write_text(f"{text}esac\n")


def calls(source: Path) -> list[str]:
    return (source / "calls.txt").read_text().splitlines()


DEV: Mapping[str, str] = {"STACK": "acme/sm-mlops/dev", "PULUMI_BACKEND_URL": "s3://state"}


def test_a_preview_is_summed_up_for_whoever_approves(installed: Path, run: Run) -> None:
    answers(installed, plain=f"cat {RECORDED}/update.json")
    done = run("preview.sh", **DEV)
    assert done.returncode == 0, done.stderr
    assert (installed / "preview" / "preview.json").read_text() == (RECORDED / "update.json").read_text()
    comment, summary = ((installed / "preview" / name).read_text() for name in ("preview.md", "summary.txt"))
    assert done.stdout == comment + summary
    assert " to update." in summary
    assert "`dev`" in comment
    assert calls(installed) == ["preview --non-interactive --json --stack acme/sm-mlops/dev"]


def test_who_approves_reads_the_events_and_not_the_digest_which_hides_what_is_left_over(
    installed: Path, run: Run
) -> None:
    leftover = made.events(
        made.event("delete-replaced", "store", "aws:s3/bucket:Bucket", old={"id": "store-1"}),
        made.event("replace", "store", "aws:s3/bucket:Bucket", old={"id": "store-2"}, new={}),
    )
    (installed / "events.json").write_text(f"{leftover}\n")
    script = '[ "$PULUMI_ENABLE_STREAMING_JSON_PREVIEW" = true ] || exit 9\ncat events.json\n'
    (installed / "answer.sh").write_text(script)
    done = run("preview.sh", **DEV)
    assert done.returncode == 0, done.stderr
    assert "delete (left over) store" in (installed / "preview" / "summary.txt").read_text()
    assert "2 resources would be deleted or replaced" in (installed / "preview" / "preview.md").read_text()
    assert json.loads((installed / "preview" / "counts.json").read_text())["stacks"]["dev"]["destroyed"] == 2


def test_a_preview_that_fails_says_why_and_ends_the_build(installed: Path, run: Run) -> None:
    answers(installed, plain=f"cat {RECORDED}/protected.json; exit 255")
    done = run("preview.sh", **DEV)
    assert done.returncode != 0
    assert "the preview failed" in done.stderr
    assert not (installed / "preview" / "summary.txt").exists()


def test_a_stack_of_another_account_is_reached_through_its_role(installed: Path, run: Run) -> None:
    answers(installed, plain=f"cat {RECORDED}/no-change.json", other="true")
    role = "arn:aws:iam::444455556666:role/reads"
    done = run("preview.sh", DELIVERY_ROLE_ARN=role, DELIVERY_EXTERNAL_ID="ours", **DEV)
    assert done.returncode == 0, done.stderr
    assert calls(installed)[:3] == [
        f"config set --stack acme/sm-mlops/dev --path aws:assumeRoles[0].roleArn {role}",
        "config set --stack acme/sm-mlops/dev --path aws:assumeRoles[0].sessionName sm-mlops-delivery",
        "config set --stack acme/sm-mlops/dev --path aws:assumeRoles[0].externalId ours",
    ]


def test_a_pull_request_gets_one_comment_of_all_stacks_though_one_fails(installed: Path, run: Run) -> None:
    """The tool that posts is played: what it is called with, and what each stack said."""
    text = f"""\
case "$*" in
*--stack\\ dev*) cat {RECORDED}/update.jsonl ;;
preview*) echo "$PULUMI_ENABLE_STREAMING_JSON_PREVIEW"; echo 'no such stack' >&2; exit 255 ;;
esac
"""
    (installed / "answer.sh").write_text(text)
    played(installed / ".venv" / "bin", "python", 'echo "$@" >posted.txt; exit 1')
    reads = "arn:aws:iam::444455556666:role/reads"
    done = run(
        "pull_request.sh",
        STACKS=f"dev acme/sm-mlops/prod,{reads},ours test,{reads}",
        PULUMI_BACKEND_URL="s3://state",
        AWS_REGION="us-east-2",
        REPOSITORY="platform",
        PULL_REQUEST="7",
        COMMIT="c0ffee",
        APPROVES="false",
        CODEBUILD_BUILD_URL="https://example.com/build",
    )
    assert done.returncode == 1, done.stderr
    assert (installed / "posted.txt").read_text().split() == [
        *("-P", "-m", "tools", "preview-comment"),
        *("dev=previews/dev.json", "prod=previews/prod.json", "test=previews/test.json"),
        *("--to", "codecommit", "--region", "us-east-2", "--repository", "platform", "--pull-request", "7"),
        *("--commit", "c0ffee", "--run-url", "https://example.com/build"),
    ]
    assert (installed / "previews" / "dev.json").read_text() == (RECORDED / "update.jsonl").read_text()
    assert (installed / "previews" / "prod.json").read_text() == "true\nno such stack\n"
    roles = [call for call in calls(installed) if call.startswith("config set")]
    assert [call for call in roles if "--stack dev " in call] == []
    assert len([call for call in roles if "--stack acme/sm-mlops/prod " in call]) == 3
    assert len([call for call in roles if "--stack test " in call]) == 2, "no external id of another stack"


def test_a_stack_of_another_account_is_not_previewed_with_the_builds_own_rights(installed: Path, run: Run) -> None:
    refused = 'case "$*" in "config set"*) echo "cannot write" >&2; exit 255 ;; esac'
    (installed / "answer.sh").write_text(f"{refused}\n")
    played(installed / ".venv" / "bin", "python", "exit 1")
    named = dict.fromkeys(("AWS_REGION", "REPOSITORY", "PULL_REQUEST", "COMMIT", "PULUMI_BACKEND_URL"), "x")
    # The shell of Amazon Linux; not every shell goes on here.
    run("pull_request.sh", runs="bash", STACKS="prod,arn:aws:iam::444455556666:role/reads", **named)
    assert len(calls(installed)) == 1, "what follows would act as somebody else"
    assert (installed / "previews" / "prod.json").read_text() == "cannot write\n"


def test_a_build_that_approves_says_so_to_the_tool(installed: Path, run: Run) -> None:
    answers(installed, plain=f"cat {RECORDED}/update.json")
    played(installed / ".venv" / "bin", "python", 'echo "$@" >posted.txt')
    named = dict.fromkeys(("AWS_REGION", "REPOSITORY", "PULL_REQUEST", "COMMIT", "PULUMI_BACKEND_URL"), "x")
    assert run("pull_request.sh", STACKS="dev", APPROVES="true", **named).returncode == 0
    assert "dev=previews/dev.json --set-approval" in (installed / "posted.txt").read_text()


def test_a_lock_is_respected_and_no_question_is_asked(installed: Path, run: Run) -> None:
    answers(installed, other="echo 'error: the stack is currently locked by 1 lock(s)' >&2; exit 255")
    done = run("up.sh", **DEV)
    assert done.returncode == 255
    assert "locked" in done.stderr
    assert calls(installed) == ["up --non-interactive --yes --skip-preview --stack acme/sm-mlops/dev"]
    assert not [path for path in DELIVERY.iterdir() if re.search(r"pulumi (cancel|refresh)", path.read_text())]


TESTED: Mapping[str, str] = {
    **DEV,
    "OPTION": "legacy-names",
    "DEPLOYMENT_TEST": "e-1",
    "TEST_PIPELINES": "sm-mlops-dev-test-",
}


@pytest.fixture
def tested(installed: Path) -> Callable[[], list[str]]:
    """How the tool was called, which is played: words, and what tells one test from another."""
    played(installed / ".venv" / "bin", "python", 'echo "$DEPLOYMENT_TEST: $*" >>tested.txt; exit ${FAILS:-0}')
    start = "-P -m tools deployment-test "
    return lambda: [line.replace(start, "") for line in (installed / "tested.txt").read_text().splitlines()]


@pytest.mark.parametrize(("keep", "fails"), [("no", "0"), ("no", "1"), ("yes", "1")])
def test_a_build_that_tests_destroys_whatever_it_found_unless_a_person_is_asked_first(
    tested: Callable[[], list[str]], installed: Path, keep: str, fails: str
) -> None:
    phase = buildspec(DELIVERY / "deployment-test.yml")["phases"]["build"]
    codes = [
        subprocess.run(
            ["sh", "-c", command],
            cwd=installed,
            env={"PATH": os.environ["PATH"], "KEEP": keep, "FAILS": fails, **TESTED},
            check=False,
        ).returncode
        for command in [*phase["commands"], *phase["finally"]]
    ]
    destroyed = ["e-1: destroy legacy-names --stack dev --verbose"] if keep == "no" else []
    assert tested() == ["e-1: run legacy-names --stack dev --verbose --keep", *destroyed]
    assert codes[0] == int(fails), "a fault ends the build"


def test_a_run_that_was_cut_off_is_swept_after_by_its_own_execution(tested: Callable[[], list[str]], run: Run) -> None:
    cut_off = {**TESTED, "OPTION": "sm-mlops-dev-test-legacy-names"}
    assert run("deployment-sweep.sh", **cut_off).returncode == 0
    assert tested() == ["e-1: destroy legacy-names --stack dev --verbose"]


def test_by_the_clock_all_that_is_too_old_is_swept(tested: Callable[[], list[str]], run: Run) -> None:
    by_clock = {**TESTED, "OPTION": "none", "DEPLOYMENT_TEST": "none"}
    assert run("deployment-sweep.sh", **by_clock).returncode == 0
    assert tested() == ["none: sweep --stack dev --verbose"]


def test_what_a_sweep_could_not_destroy_fails_its_build(tested: Callable[[], list[str]], run: Run) -> None:
    assert run("deployment-sweep.sh", FAILS="1", **TESTED).returncode == 1
    assert len(tested()) == 1


def test_no_drift_takes_one_preview(installed: Path, run: Run) -> None:
    told = installed / "told.txt"
    played(installed / ".venv" / "bin", "python", f'echo "$@" >"{told}"')
    answers(installed, refreshed=f"cat {RECORDED}/no-change.json")
    done = run("drift.sh", TOPIC_ARN="topic", DRIFT_PARAMETER="/p", CODEBUILD_BUILD_URL="https://build", **DEV)
    assert done.returncode == 0, done.stderr
    assert len(calls(installed)) == 1
    previews = "--pending drift/pending.json --refreshed drift/refreshed.json"
    telling = "--topic-arn topic --parameter /p --link https://build"
    assert told.read_text() == f"-P -m tools drift --stack dev {previews} {telling}\n"


def test_drift_is_told_apart_from_what_waits_to_be_deployed(installed: Path, run: Run) -> None:
    # Without a topic the tool only prints: the shell's lines are what is tested here.
    script = installed / "delivery" / "drift.sh"
    text = re.sub(r" \\\n\s+--topic-arn.*\n", "\n", script.read_text())
    script.write_text(text)
    answers(installed, refreshed=f"cat {RECORDED}/update.json; exit 7", plain=f"cat {RECORDED}/no-change.json")
    done = run("drift.sh", **DEV)
    assert done.returncode == 0, done.stderr
    assert "drift: update" in done.stdout
    answers(installed, refreshed=f"cat {RECORDED}/update.json; exit 7", plain=f"cat {RECORDED}/update.json")
    assert run("drift.sh", **DEV).stdout == "dev: 0 resources have drifted\n"


def test_a_refresh_that_fails_is_no_drift_but_a_failed_build(installed: Path, run: Run) -> None:
    answers(installed, refreshed="exit 255", plain="exit 255")
    done = run("drift.sh", TOPIC_ARN="arn:aws:sns:us-east-2:1:t", DRIFT_PARAMETER="/p", **DEV)
    assert done.returncode == 2
    assert "nothing can be said of drift" in done.stderr


def pinned(package: str) -> str:
    with (ROOT / "pyproject.toml").open("rb") as file:
        packages: list[str] = tomllib.load(file)["project"]["dependencies"]
    (version,) = (one.split("==")[1] for one in packages if one.split("==")[0] == package)
    return version


ARCHIVE = b"archive"
DIGEST = hashlib.sha256(ARCHIVE).hexdigest()


def play_network(source: Path) -> None:
    """A network whose every answer is the same archive, and tools that write down how they are called."""
    folder = source / "played"
    played(
        folder,
        "curl",
        'for last; do :; done; echo "$last" >>fetched.txt\n'
        'while [ "$1" != --output ]; do shift; done; printf archive >"$2"',
    )
    played(folder, "uname", "echo x86_64")
    played(folder, "tar", "mkdir -p .delivery/pulumi && cp played/pulumi .delivery/pulumi/pulumi")
    played(folder, "pulumi", 'echo "pulumi $*" >>calls.txt')
    played(folder, "python3", "mkdir -p .venv/bin && cp played/pip .venv/bin/python")
    played(folder, "pip", 'echo "python $*" >>calls.txt')


def test_the_engine_and_the_plugin_are_those_that_the_packages_pin(source: Path, run: Run) -> None:
    play_network(source)
    done = run("install.sh", RELEASES_URL="https://releases", ENGINE_SHA256=DIGEST, PLUGIN_SHA256=DIGEST)
    assert done.returncode == 0, done.stderr
    engine, plugin = pinned("pulumi"), pinned("pulumi-aws")
    assert (source / "fetched.txt").read_text().split() == [
        f"https://releases/sdk/pulumi-v{engine}-linux-x64.tar.gz",
        f"https://releases/plugins/pulumi-resource-aws-v{plugin}-linux-amd64.tar.gz",
    ]
    install, packages = calls(source)
    assert install.startswith(f"pulumi plugin install resource aws {plugin} --file .delivery/")
    assert "--require-hashes" in packages
    assert packages.endswith("--requirement requirements.txt")


@pytest.mark.parametrize(
    ("variable", "setting"), [("ENGINE_SHA256", "engineSha256"), ("PLUGIN_SHA256", "pluginSha256")]
)
def test_an_archive_that_is_not_the_expected_one_is_refused(
    variable: str, setting: str, source: Path, run: Run
) -> None:
    play_network(source)
    digests = {"ENGINE_SHA256": DIGEST, "PLUGIN_SHA256": DIGEST, variable: "0" * 64}
    done = run("install.sh", RELEASES_URL="https://releases", **digests)
    assert done.returncode == 2
    assert f"has the SHA-256 {DIGEST}, and the setting sm-mlops:delivery.{setting} says {'0' * 64}" in done.stderr
    assert not (source / "calls.txt").exists() or "--require-hashes" not in (source / "calls.txt").read_text()
