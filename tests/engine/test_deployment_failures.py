"""A deployment test that fails or is killed, in each of its steps: the fault is named, and nothing is left."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from .conftest import MakeWorld, copy_project
from .holdings import Holdings, holdings
from .test_stacks import Aws, recorded
from .tested_options import ACCOUNT, TESTER, TestedOptions

pytestmark = pytest.mark.engine

HOME = "us-east-2"
SMALL: dict[str, Any] = {
    "name": "small",
    "region": HOME,
    "projects": "none",
    "settings": {"catalog": None, "projects": None},
}
"""A stack without a catalog: it is up in seconds."""
_ONE_PRODUCT = {"catalog": {"products": ["model-build-train"]}}
LAUNCHING = {"name": "launching", "region": HOME, "projects": "create", "settings": _ONE_PRODUCT}
RUNNING = {"name": "running", "region": HOME, "projects": "run", "settings": _ONE_PRODUCT}
SECONDS = 120.0


@pytest.fixture(scope="module")
def tested(make_world: MakeWorld, tmp_path_factory: pytest.TempPathFactory) -> TestedOptions:
    project: Path = copy_project(tmp_path_factory.mktemp("failures"))
    return TestedOptions.of(make_world(project), [SMALL, LAUNCHING, RUNNING])


@pytest.fixture(scope="module")
def aws(tested: TestedOptions) -> Aws:
    return Aws(tested.world)


@pytest.fixture(scope="module")
def before(aws: Aws) -> Holdings:
    return holdings(aws, (HOME,))


@pytest.fixture(autouse=True)
def nothing_left(tested: TestedOptions, aws: Aws, before: Holdings) -> Iterator[None]:
    """Whatever a test does: in the end the account holds what it held."""
    yield
    assert tested.under_test == []
    assert holdings(aws, (HOME,)) == before


def interposed(folder: Path, tested: TestedOptions, text: str) -> dict[str, str]:
    """Variables with which the tool finds another `pulumi` first; in its text `$REAL` is the real one."""
    path = folder / "bin" / "pulumi"
    path.parent.mkdir()
    real = tested.world.directory / "bin" / "pulumi"
    path.write_text(f"#!/bin/sh\nREAL='{real}'\ncd '{folder}'\n{text}\n")
    path.chmod(0o755)
    return {"PATH": f"{path.parent}:{tested.world.environment()['PATH']}"}


PAUSED = """\
"$REAL" "$@"; code=$?
if [ "$1" = up ]; then touch up; while [ ! -e broken ]; do sleep 0.02; done; fi
exit $code
"""
"""Lets something happen between `up` and what the tool does next."""


def broken_after_up(
    folder: Path, tested: TestedOptions, option: str, break_it: Callable[[], object]
) -> tuple[int, list[str]]:
    """Test an option, and break something as soon as it is up; the exit code, and what was told."""
    process = tested.start("run", option, **interposed(folder, tested, PAUSED))
    end = time.monotonic() + SECONDS
    while not (folder / "up").exists() and process.poll() is None and time.monotonic() < end:
        time.sleep(0.02)
    break_it()
    (folder / "broken").touch()
    _, told = process.communicate(timeout=SECONDS)
    print(told)  # noqa: T201 - pytest shows it where the test fails
    return process.returncode, told.splitlines()


def without(aws: Aws, role: str, action: str) -> None:
    """Take an action from a role."""
    iam = aws.client("iam")
    (name,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
    policy = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
    for statement in policy["Statement"]:
        statement["Action"] = [one for one in statement["Action"] if one != action]
    iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(policy))


def faults(told: list[str]) -> list[str]:
    return [line.removeprefix("  - ") for line in told if line.startswith("  - ")]


def test_an_up_that_fails_is_told_with_what_the_engine_printed(tested: TestedOptions, aws: Aws) -> None:
    """Somebody's repository has the name already: it is theirs, and stays."""
    codecommit, name = aws.client("codecommit"), tested.prefix("small")
    codecommit.create_repository(repositoryName=name)
    try:
        done = tested.call("run", "small")
        assert codecommit.get_repository(repositoryName=name)
    finally:
        codecommit.delete_repository(repositoryName=name)
    assert done.returncode == 1
    assert f"Repository named {name} already exists" in done.stderr
    (fault,) = faults(done.stderr.splitlines())
    assert fault.startswith("bring up test-small-")
    assert "doctor" not in done.stderr, "there is nothing to examine"
    assert "small: not brought up, destroyed; 1 fault:" in done.stderr
    assert "examined" not in done.stderr


def test_in_the_sandbox_it_works_as_its_page_says(tested: TestedOptions) -> None:
    """By the copies of the stack files, and as a role that whoever is the account's root names."""
    command = [sys.executable, "-P", "-m", "tools", "deployment-test"]
    run = [*command, "run", "launching", "-s", "dev", "--interval", "0.05"]
    assert "\nTest one with: " in tested.world.run([*command, "list", "-s", "dev"]).stdout
    refused = tested.world.run(run, check=False)
    assert refused.returncode == 1
    assert "name a role with --role-arn" in refused.stderr
    assert "launching: not brought up, destroyed; 1 fault:" in refused.stderr
    done = tested.world.run([*run, "--role-arn", f"arn:aws:iam::{ACCOUNT}:role/{TESTER}"], check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[-1] == "launching: brought up and examined, destroyed; nothing is wrong"


def test_what_the_doctor_finds_and_what_is_open_to_others_are_faults(
    tested: TestedOptions, aws: Aws, tmp_path: Path
) -> None:
    def break_it() -> None:
        notifications = aws.client("codestar-notifications")
        for rule in notifications.list_notification_rules()["NotificationRules"]:
            notifications.delete_notification_rule(Arn=rule["Arn"])
        bucket = f"{tested.prefix('small')}-artifacts-{ACCOUNT}-{HOME}-an"
        aws.client("s3").delete_bucket_policy(Bucket=bucket)

    code, told = broken_after_up(tmp_path, tested, "small", break_it)
    assert code == 1
    assert faults(told)[0].startswith("doctor: notification-rule of ")
    assert [fault for fault in faults(told) if fault.endswith("does not refuse s3:PutObject over plain HTTP")]
    assert told[-len(faults(told)) - 1].startswith("small: brought up and examined, destroyed; ")


def test_a_launch_that_fails_names_the_right_that_it_lacked(tested: TestedOptions, aws: Aws, tmp_path: Path) -> None:
    role = f"{tested.prefix('launching')}-project-launch"
    code, told = broken_after_up(tmp_path, tested, "launching", lambda: without(aws, role, "codebuild:CreateProject"))
    assert code == 1
    (fault,) = [fault for fault in faults(told) if fault.startswith("projects: ")]
    assert "is not authorized to perform: codebuild:CreateProject" in fault


def test_a_pipeline_that_fails_names_its_action(tested: TestedOptions, aws: Aws, tmp_path: Path) -> None:
    """The boundary of the projects' roles no longer lets their pipelines start builds."""
    arn = f"arn:aws:iam::{ACCOUNT}:policy/{tested.prefix('running')}-project-boundary"
    denial = {"Effect": "Deny", "Action": "codebuild:StartBuild", "Resource": "*"}

    def break_it() -> None:
        iam = aws.client("iam")
        version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        bound = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
        bound["Statement"].append(denial)
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=json.dumps(bound), SetAsDefault=True)

    code, told = broken_after_up(tmp_path, tested, "running", break_it)
    assert code == 1
    (fault,) = [fault for fault in faults(told) if fault.startswith("projects: pipeline sagemaker-")]
    assert "codebuild:StartBuild" in fault


def test_a_project_that_cannot_be_deleted_keeps_the_stack_until_it_can(
    tested: TestedOptions, aws: Aws, tmp_path: Path
) -> None:
    """The role that deletes it is the stack's: destroyed first, nobody could delete the project any more."""
    role = f"{tested.prefix('launching')}-project-launch"
    iam = aws.client("iam")
    policies: dict[str, str] = {}

    def break_it() -> None:
        (name,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
        policies[name] = json.dumps(iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"])
        without(aws, role, "codebuild:DeleteProject")

    code, told = broken_after_up(tmp_path, tested, "launching", break_it)
    assert code == 1
    assert len([fault for fault in faults(told) if fault.startswith("delete projects: project ")]) == 2, "tried twice"
    (advice,) = [line for line in told if " is not destroyed; try again with: " in line]
    assert recorded(tested.world, advice.split()[0]) > 0
    for name, text in policies.items():
        iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=text)
    arguments = advice.partition("deployment-test ")[2].split()
    assert arguments == ["destroy", "launching", "-s", "dev", "--execution", "by-hand"]
    done = tested.call("destroy", "launching")
    assert done.returncode == 0
    assert done.stderr.splitlines()[-1] == "launching: destroyed; nothing is wrong"


def test_a_destroy_that_fails_once_is_tried_again_and_told(tested: TestedOptions, tmp_path: Path) -> None:
    fails_once = """\
if [ "$1" = destroy ] && [ ! -e failed ]; then touch failed; echo "error: DeleteConflict" >&2; exit 255; fi
exec "$REAL" "$@"
"""
    done = tested.call("run", "small", **interposed(tmp_path, tested, fails_once))
    assert done.returncode == 1
    assert "error: DeleteConflict" in done.stderr
    (fault,) = faults(done.stderr.splitlines())
    assert fault.startswith("destroy test-small-")
    assert "small: brought up and examined, destroyed; 1 fault:" in done.stderr


def ended(process: subprocess.Popen[str]) -> None:
    """End a process and all that it has started, as a container ends: nobody can do anything about it."""
    doomed = [process.pid]
    for pid in doomed:
        with suppress(OSError):
            doomed += map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
    for pid in doomed:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.communicate()


def reached(process: subprocess.Popen[str], step: str) -> None:
    """Wait until the tool says that it begins a step, and let it go on for a moment."""
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith(f"  {step}"):
            time.sleep(0.3)
            return
    raise AssertionError(f"it ended before {step!r}")


def midway(tested: TestedOptions, process: subprocess.Popen[str], option: str) -> None:
    """Wait until the engine has made some of the resources."""
    stack = f"test-{option}-{tested.prefix(option).split('-')[2]}"
    end = time.monotonic() + SECONDS
    while recorded(tested.world, stack) < 5 and process.poll() is None and time.monotonic() < end:
        time.sleep(0.01)
    assert process.poll() is None


STEPS = [("small", "bring up"), ("small", "doctor"), ("small", "destroy"), ("launching", "projects")]


@pytest.mark.parametrize(("option", "step"), STEPS)
def test_what_a_killed_test_leaves_is_destroyed_by_its_execution_or_by_the_sweep(
    tested: TestedOptions, option: str, step: str
) -> None:
    process = tested.start("run", option)
    if step == "bring up":
        midway(tested, process, option)
    else:
        reached(process, step)
    ended(process)
    # Another checkout, such as the next build's, has no file of the stack.
    for path in tested.folder.glob("Pulumi.test-*"):
        path.unlink()
    by_sweep = step in ("doctor", "projects")
    done = tested.call(*(["sweep", "--older-than", "0"] if by_sweep else ["destroy", option]))
    assert done.returncode == 0
    assert ("1 stacks of tests" in done.stderr) == by_sweep


@pytest.mark.parametrize(("option", "step"), STEPS)
def test_a_test_that_is_asked_to_end_destroys_what_it_has_made(tested: TestedOptions, option: str, step: str) -> None:
    process = tested.start("run", option)
    if step == "bring up":
        midway(tested, process, option)
    else:
        reached(process, step)
    process.send_signal(signal.SIGTERM)
    _, told = process.communicate(timeout=SECONDS)
    assert process.returncode == 1
    late = "stopped before all was destroyed" in told
    # The doctor takes a moment: the signal may find the step after it.
    assert late is (step == "destroy") or step == "doctor"
    if late:
        assert tested.call("destroy", option).returncode == 0
    else:
        assert "stopped before its end" in told
        # A project that AWS has only begun to make may not be seen yet: then the second try deletes it, which is told.
        done = "not brought up" if step == "bring up" else "brought up, not examined to the end"
        assert f"{option}: {done}, destroyed; " in told


def test_a_sweep_leaves_what_is_too_young_and_what_no_test_has_made(tested: TestedOptions) -> None:
    assert tested.call("run", "small", "--keep").returncode == 0
    young = tested.call("sweep")
    assert young.returncode == 0
    assert "0 stacks of tests" in young.stderr
    assert [name for name in tested.under_test if name.startswith("test-small-")]
    swept = tested.call("sweep", "--older-than", "0")
    assert "1 stacks of tests" in swept.stderr
