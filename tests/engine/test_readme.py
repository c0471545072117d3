"""The README's commands, run as they stand there: in a copy of the checkout, in a path with a space, in the sandbox."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from fnmatch import fnmatch
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml

from sandbox.pulumi_engine import Engine
from sandbox.world import REPOSITORY
from tests.support.recording import EXAMPLE

pytestmark = pytest.mark.engine

README = (REPOSITORY / "README.md").read_text()

TRIED = (
    "make help",
    "make sandbox",
    "./sandbox/run aws s3 ls",
    "./sandbox/run pulumi stack --stack dev",
    "./sandbox/run pulumi preview --diff --stack dev",
    "./sandbox/run python -m tools doctor --stack dev",
    "./sandbox/run pulumi preview --diff -s dev",
    "make sandbox STACK=prod",
)
"""What needs no account, in an order that makes sense."""

DEPLOYED = (
    "pulumi login 's3://<state bucket>?region=<region>'",
    "pulumi stack init dev --secrets-provider 'awskms://alias/<state key>?region=<region>'",
    "pulumi preview --diff -s dev",
    "pulumi up -s dev",
    "pulumi stack output source -s dev",
    "git push <clone URL> HEAD:main",
    ".venv/bin/python -m tools doctor -s dev",
    ".venv/bin/python -m tools report -s dev",
    "pulumi preview --refresh --diff -s dev",
    "pulumi up --refresh -s dev",
)
"""What deploys to an account: here to the emulated one, with the state in a bucket of it."""

EDITED = ("make product NAME=acme-train", "make check-mine")
"""What a company does to its own copy."""

END = "make sandbox-down"
"""What ends each of these."""

NOT_RUN = {
    "make sandbox-demo": "takes minutes; test_projects_run.py plays its story",
    "make sandbox-demo KEEP=1": "the same, but for its end",
    "python -m tools report -s dev": "is run as `.venv/bin/python`",
    "python -m tools serve -s dev": "serves until somebody ends it; tests/tools/test_serve.py does",
    "pulumi install": "fetches the official AWS plugin from the internet; the sandbox has a stand-in for it",
    "pulumi login": "asks for an account at Pulumi Cloud",
    "pulumi stack init dev": "of a backend at Pulumi Cloud",
    "pulumi up": "names the operation; with its stack it is run",
    "python -m tools doctor -s dev": "is run as `.venv/bin/python` and in the sandbox, as the same line says",
    "./sandbox/run CMD...": "stands for any command",
    "./sandbox/run python script.py": "stands for a script of one's own",
}
"""What is not run, and why."""

ANSWERS = {"pulumi up": "--yes"}
"""What a person at the terminal answers, by how a command begins."""

STAMPS = ("sm-mlops-dev", "sm-mlops-sandbox")
"""What tells whose an environment is."""

BUCKET, KEY, REGION = "acme-ml-state", "acme-ml-state", "us-east-2"
CLONE_URL = f"https://git-codecommit.{REGION}.amazonaws.com/v1/repos/acme-ml-dev"


def commands() -> Iterator[str]:
    """Every command: lines of the README's blocks, what `make sandbox` says to try next, and those in sentences."""
    for kind, block in re.findall(r"^ *```(\w+)\n(.*?)^ *```", README, re.MULTILINE | re.DOTALL):
        if kind == "sh":
            yield from map(str.strip, block.splitlines())
        if kind == "text" and "Try next\n" in block:
            yield from (re.split(r" {2,}", line.strip())[0] for line in block.split("Try next\n")[1].splitlines())
    sentences = re.sub(r"^ *```.*?^ *```", "", README, flags=re.MULTILINE | re.DOTALL)
    yield from re.findall(r"`((?:make|pulumi|\./sandbox/run|(?:\.venv/bin/)?python -m tools) [^`]+)`", sentences)
    yield from re.findall(r"`(pulumi up)`", sentences)


def test_every_command_is_run_or_is_named_with_the_reason_why_not() -> None:
    assert sorted(set(commands())) == sorted([*TRIED, *DEPLOYED, *EDITED, *NOT_RUN, END])


@pytest.fixture
def checkout(engine: Engine, tmp_path: Path) -> Iterator[Path]:  # noqa: ARG001 - without an engine nothing can be tried
    """A copy of what git has of the checkout, with the example's stack files and an environment that is installed."""
    copy = tmp_path / "our platform" / "sm-mlops"
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.run(listed, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout.split("\0"):
        if name and (REPOSITORY / name).is_file() and not fnmatch(name, "Pulumi*.yaml"):
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPOSITORY / name, copy / name)
    for path in EXAMPLE.glob("Pulumi*.yaml"):
        shutil.copy(path, copy)
    offered = copy / "Pulumi.dev.yaml"
    # The README counts what is made where all products are offered.
    offered.write_text(offered.read_text().replace("- model-deploy\n", "- model-deploy\n      - batch-inference\n", 1))
    venv, original = copy / ".venv", REPOSITORY / ".venv"
    (venv / "bin").mkdir(parents=True)
    # What cfn-lint finds is kept there: no text need be looked at twice in a day, whichever test comes first.
    (original / "cache").mkdir(exist_ok=True)
    for path in (*original.iterdir(), *(original / "bin").iterdir()):
        if path.name not in ("aws", "bin", *STAMPS):
            (venv / path.relative_to(original)).symlink_to(path)
    # The stamps tell whose the environment is: one of another checkout would be installed anew.
    for stamp in STAMPS:
        (venv / stamp).write_text((original / stamp).read_text().replace(str(REPOSITORY), str(copy)))
    # pip writes the path of the environment into scripts such as this one, whatever is in it.
    _, body = (original / "bin" / "aws").read_text().split("\n", 1)
    (venv / "bin" / "aws").write_text(f"#!{venv}/bin/python\n{body}")
    (venv / "bin" / "aws").chmod(0o755)
    yield copy
    run(END, copy)
    assert not (copy / ".sandbox").exists()


def run(command: str, folder: Path) -> str:
    """Run a command in a shell as a person in that folder does, who has set nothing; all that it prints."""
    foreign = ("MAKE", "MFLAGS", "PULUMI_", "PYTEST", "PYTHON", "SM_MLOPS_")
    mine = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    done = subprocess.run(
        ["sh", "-c", command],
        cwd=folder,
        # Of what pip installs, few modules are ever imported; those are compiled then.
        env={**mine, "PIP_COMPILE": "0"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}"
    return done.stdout


def test_what_needs_no_account_does_what_the_readme_says(checkout: Path) -> None:
    printed = {command: run(command, checkout) for command in TRIED}
    shown = next(block for block in re.findall(r"^```text\n(.*?)^```", README, re.MULTILINE | re.DOTALL))
    rest = masked(printed["make sandbox"])
    for part in map(masked, shown.split("...\n")):
        _, found, rest = rest.partition(part)
        assert found, f"the README shows\n{part}\nand `make sandbox` prints\n{printed['make sandbox']}"
    assert rest.strip() == "", "the README does not show the end"
    (count,) = re.findall(r"^dev: (\d+) create$", printed["make sandbox"], re.MULTILINE)
    assert f"The platform is up: {count} resources." in README
    assert "sm-mlops-dev-artifacts-" in printed["./sandbox/run aws s3 ls"]
    assert f"aws-cli/{version('awscli')} " in run("./sandbox/run aws --version", checkout), "another one is found"
    assert f"{count} unchanged" in printed["./sandbox/run pulumi preview --diff -s dev"]
    doctor = printed["./sandbox/run python -m tools doctor --stack dev"]
    # Nobody confirms a subscription in the sandbox.
    assert re.search(r"^\d+ ok, 1 warning, \d+ skipped$", doctor, re.MULTILINE)
    assert "\ndev: nothing changed\n" in run("make sandbox", checkout)


def masked(text: str) -> str:
    """What `make sandbox` prints, without what is another at each run, and without space at the ends of lines."""
    ids = re.sub(r"key/[0-9a-f-]{36}|127\.0\.0\.1:\d+|\d+\.\d s", "*", text)
    return re.sub(r" +$", "", ids, flags=re.MULTILINE)


def test_a_name_and_a_product_of_ones_own_are_in_order(checkout: Path) -> None:
    make_it_yours(checkout / "Pulumi.dev.yaml")
    # Each product has an environment of its own to install: of those that are not offered there are none here.
    offered = yaml.safe_load((checkout / "Pulumi.dev.yaml").read_text())["config"]["sm-mlops:catalog"]["products"]
    for folder in (checkout / "seed_code").iterdir():
        if folder.name not in offered and not folder.name.startswith("_"):
            shutil.rmtree(folder)
    *_, told = [run(command, checkout) for command in EDITED]
    assert "acme-train" in told
    assert "\nAll in order" in told


def test_what_the_readme_tells_of_a_deployment_holds_for_a_name_of_ones_own(checkout: Path, engine: Engine) -> None:
    make_it_yours(checkout / "Pulumi.dev.yaml")
    run("git init -q && git add . && git -c user.name=You -c user.email=you@acme.example.com commit -qm Ours", checkout)
    run(f"./sandbox/run aws s3 mb s3://{BUCKET}", checkout)
    key = run("./sandbox/run aws kms create-key --query KeyMetadata.KeyId --output text", checkout).split()[-1]
    run(f"./sandbox/run aws kms create-alias --alias-name alias/{KEY} --target-key-id {key}", checkout)
    # The sandbox renews its copy of the stack files; what Pulumi writes into one stays in a copy of that copy.
    project = checkout / "project"
    shutil.copytree(checkout / ".sandbox" / "project", project)
    printed = {command: deploy(command, checkout, project, engine) for command in DEPLOYED}
    stack_file = (project / "Pulumi.dev.yaml").read_text()
    assert f"secretsprovider: awskms://alias/{KEY}?region={REGION}" in stack_file
    assert "encryptedkey: " in stack_file
    assert ".pulumi/stacks/sm-mlops/dev.json" in run(f"./sandbox/run aws s3 ls --recursive s3://{BUCKET}", checkout)
    assert f'"{CLONE_URL}"' in printed["pulumi stack output source -s dev"]
    assert " to update" not in printed["pulumi preview --refresh --diff -s dev"]
    assert "acme-ml-dev-artifacts-" in run("./sandbox/run aws s3 ls", checkout)


def make_it_yours(stack_file: Path) -> None:
    """The edit of the first step."""
    edits: Mapping[str, str] = {
        "sm-mlops:project: sm-mlops\n": "sm-mlops:project: acme-ml\n",
        "ml-platform-dev@example.com": "you@acme.example.com",
        '# aws:allowedAccountIds: ["111122223333"]': 'aws:allowedAccountIds: ["123456789012"]',
    }
    text = stack_file.read_text()
    for before, after in edits.items():
        assert text.count(before) == 1, before
        text = text.replace(before, after)
    stack_file.write_text(text)


def deploy(command: str, checkout: Path, project: Path, engine: Engine) -> str:
    """Run a command of Pulumi with a backend of one's own, in the sandbox's world."""
    state = f"{REGION}&s3ForcePathStyle=true" if command.startswith("pulumi login") else REGION
    filled = command.replace("<state bucket>", BUCKET).replace("<state key>", KEY).replace("<region>", state)
    filled = filled.replace("<clone URL>", CLONE_URL)
    if not command.startswith("pulumi"):
        return run(f"./sandbox/run {filled}", checkout)
    answer = next((f" {answer}" for begin, answer in ANSWERS.items() if command.startswith(begin)), "")
    script = checkout / "command.sh"
    script.write_text(
        f"unset PULUMI_BACKEND_URL\nPATH='{engine.executable.parent}':$PATH\ncd '{project}'\n{filled}{answer}\n"
    )
    return run("./sandbox/run sh -e command.sh", checkout)
