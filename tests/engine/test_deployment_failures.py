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
SECONDS = 600.0
"""After which something hangs."""


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
    path.parent.mkdir(exist_ok=True)
    real = tested.world.directory / "bin" / "pulumi"
    path.write_text(f"#!/bin/sh\nREAL='{real}'\ncd '{folder}'\n{text}\n")
    path.chmod(0o755)
    return {"PATH": f"{path.parent}:{tested.world.environment()['PATH']}"}


PAUSED = """\
[ "$1" = up ] || exec "$REAL" "$@"
"$REAL" "$@"; code=$?
touch up; while [ ! -e broken ]; do sleep 0.02; done
exit $code
"""
"""Lets something happen between `up` and what the tool does next."""
FAILS_ONCE = """\
if [ "$1" = destroy ] && [ ! -e failed ]; then touch failed; echo "error: DeleteConflict" >&2; exit 255; fi
exec "$REAL" "$@"
"""
"""Lets the first `destroy` fail."""


def paused(folder: Path, tested: TestedOptions, option: str, *flags: str) -> subprocess.Popen[str]:
    """Begin the test of an option; once its stack is up, it waits for a file `broken`."""
    process = tested.start("run", option, *flags, **interposed(folder, tested, PAUSED))
    end = time.monotonic() + SECONDS
    while not (folder / "up").exists() and process.poll() is None and time.monotonic() < end:
        time.sleep(0.02)
    return process


def broken_after_up(
    folder: Path, tested: TestedOptions, option: str, break_it: Callable[[], object], *flags: str
) -> tuple[int, list[str]]:
    """Test an option, and break something as soon as it is up; the exit code, and what was told."""
    process = paused(folder, tested, option, *flags)
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


def test_what_the_doctor_finds_and_what_is_open_to_others_are_faults_and_a_destroy_that_fails_is_tried_again(
    tested: TestedOptions, aws: Aws, tmp_path: Path
) -> None:
    """The stack is kept, to be looked at: it is somebody else's turn to destroy it."""

    def break_it() -> None:
        notifications = aws.client("codestar-notifications")
        for rule in notifications.list_notification_rules()["NotificationRules"]:
            notifications.delete_notification_rule(Arn=rule["Arn"])
        bucket = f"{tested.prefix('small')}-artifacts-{ACCOUNT}-{HOME}-an"
        aws.client("s3").delete_bucket_policy(Bucket=bucket)

    code, told = broken_after_up(tmp_path, tested, "small", break_it, "--keep")
    assert code == 1
    assert faults(told)[0].startswith("doctor: notification-rule of ")
    assert [fault for fault in faults(told) if fault.endswith("does not refuse s3:PutObject over plain HTTP")]
    assert told[-len(faults(told)) - 1].startswith("small: brought up and examined; ")
    (advice,) = [line for line in told if " stands; remove it with: " in line]
    assert recorded(tested.world, advice.split()[0]) > 0

    done = tested.call("destroy", "small", **interposed(tmp_path, tested, FAILS_ONCE))
    assert done.returncode == 1
    assert "error: DeleteConflict" in done.stderr
    (fault,) = faults(done.stderr.splitlines())
    assert fault.startswith("destroy test-small-")
    assert "small: destroyed; 1 fault:" in done.stderr


def test_a_launch_that_fails_names_the_right_that_it_lacked(tested: TestedOptions, aws: Aws, tmp_path: Path) -> None:
    role = f"{tested.prefix('launching')}-project-launch"
    code, told = broken_after_up(tmp_path, tested, "launching", lambda: without(aws, role, "codebuild:CreateProject"))
    assert code == 1
    (fault,) = [fault for fault in faults(told) if fault.startswith("projects: ")]
    assert "is not authorized to perform: codebuild:CreateProject" in fault


def test_a_pipeline_that_fails_names_its_action_and_a_project_that_cannot_be_deleted_keeps_the_stack(
    tested: TestedOptions, aws: Aws, tmp_path: Path
) -> None:
    """The boundary of the projects' roles no longer lets their pipelines start builds.

    The role that deletes the project is the stack's: destroyed first, nobody could delete it any more.
    """
    arn = f"arn:aws:iam::{ACCOUNT}:policy/{tested.prefix('running')}-project-boundary"
    denial = {"Effect": "Deny", "Action": "codebuild:StartBuild", "Resource": "*"}
    role = f"{tested.prefix('running')}-project-launch"
    iam = aws.client("iam")
    policies: dict[str, str] = {}

    def break_it() -> None:
        version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        bound = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
        bound["Statement"].append(denial)
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=json.dumps(bound), SetAsDefault=True)
        (name,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
        policies[name] = json.dumps(iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"])
        without(aws, role, "codebuild:DeleteProject")

    code, told = broken_after_up(tmp_path, tested, "running", break_it)
    assert code == 1
    (fault,) = [fault for fault in faults(told) if fault.startswith("projects: pipeline sagemaker-")]
    assert "codebuild:StartBuild" in fault
    assert len([fault for fault in faults(told) if fault.startswith("delete projects: project ")]) == 2, "tried twice"
    (advice,) = [line for line in told if " is not destroyed; try again with: " in line]
    assert recorded(tested.world, advice.split()[0]) > 0
    for name, text in policies.items():
        iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=text)
    arguments = advice.partition("deployment-test ")[2].split()
    assert arguments == ["destroy", "running", "-s", "dev", "--execution", "by-hand"]
    done = tested.call("destroy", "running")
    assert done.returncode == 0
    assert done.stderr.splitlines()[-1] == "running: destroyed; nothing is wrong"


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
            if step != "doctor":  # which is over in a moment
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


def arrive(tested: TestedOptions, option: str, step: str) -> subprocess.Popen[str]:
    """Begin the test of an option, and go on to a step."""
    process = tested.start("run", option)
    if step == "bring up":
        midway(tested, process, option)
    else:
        reached(process, step)
    return process


def killed(tested: TestedOptions, process: subprocess.Popen[str]) -> None:
    """Kill a test; another checkout, such as the next build's, has no file of its stack."""
    ended(process)
    for path in tested.folder.glob("Pulumi.test-*"):
        path.unlink()


def test_what_a_killed_test_leaves_is_destroyed_by_its_execution(tested: TestedOptions) -> None:
    killed(tested, arrive(tested, "small", "bring up"))
    assert tested.call("destroy", "small").returncode == 0


def test_what_a_killed_test_leaves_is_destroyed_by_the_sweep_also_where_a_destroy_was_killed(
    tested: TestedOptions,
) -> None:
    """The sweep leaves what is too young, and what no test has made."""
    killed(tested, arrive(tested, "small", "doctor"))
    young = tested.call("sweep")
    assert young.returncode == 0
    assert "0 stacks of tests" in young.stderr
    assert [name for name in tested.under_test if name.startswith("test-small-")]
    process = tested.start("destroy", "small")
    reached(process, "destroy")
    killed(tested, process)
    tested.world.pulumi("stack", "select", "dev")
    swept(tested)
    assert tested.world.stacks == ["dev"]


def test_a_project_that_a_killed_test_has_begun_is_destroyed_by_the_sweep(tested: TestedOptions) -> None:
    killed(tested, arrive(tested, "launching", "projects"))
    swept(tested)


def swept(tested: TestedOptions) -> None:
    """Sweep away what one test has left."""
    done = tested.call("sweep", "--older-than", "0")
    assert done.returncode == 0
    assert "1 stacks of tests" in done.stderr


@pytest.mark.parametrize(("option", "step"), [("small", "bring up"), ("launching", "projects")])
def test_a_test_that_is_asked_to_end_destroys_what_it_has_made(tested: TestedOptions, option: str, step: str) -> None:
    process = arrive(tested, option, step)
    process.send_signal(signal.SIGTERM)
    _, told = process.communicate(timeout=SECONDS)
    assert process.returncode == 1
    assert "stopped before its end" in told
    # A project that AWS has only begun to make may not be seen yet: then the second try deletes it, which is told.
    done = "not brought up" if step == "bring up" else "brought up, not examined to the end"
    assert f"{option}: {done}, destroyed; " in told


def test_a_test_that_is_asked_to_end_while_it_destroys_leaves_the_rest_to_the_next_destroy(
    tested: TestedOptions, tmp_path: Path
) -> None:
    """It is asked twice: the doctor ends, and then also what destroys what there is."""
    process, emulator = paused(tmp_path, tested, "small"), tested.world.emulator
    assert emulator is not None
    # The doctor is done in half a second, unless nobody answers.
    os.kill(emulator.pid, signal.SIGSTOP)
    try:
        (tmp_path / "broken").touch()
        reached(process, "doctor")
        process.send_signal(signal.SIGTERM)
    finally:
        os.kill(emulator.pid, signal.SIGCONT)
    reached(process, "destroy")
    process.send_signal(signal.SIGTERM)
    _, told = process.communicate(timeout=SECONDS)
    assert process.returncode == 1
    assert faults(told.splitlines()) == ["stopped before its end", "stopped before all was destroyed"]
    assert "small: brought up, not examined to the end; 2 faults:" in told
    assert tested.call("destroy", "small").returncode == 0
