"""The workflows at GitHub are pinned, can change nothing, and fit the program that they preview."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.recording import ROOT

FOLDER = ROOT / ".github" / "workflows"
FILES = sorted(FOLDER.glob("*.yml"))
PIN = re.compile(r"uses: [\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")
WRITES = {
    ("preview", "preview"): {"id-token"},
    ("preview", "comment"): {"pull-requests"},
    ("preview", "outdated"): {"pull-requests"},
    ("drift", "drift"): {"id-token", "issues"},
}
"""What a job may write, by file and job."""


def loaded(path: Path) -> dict[Any, Any]:
    found: dict[Any, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    # YAML 1.1 takes `on` for a boolean.
    found["on"] = found.pop(True, found.get("on"))
    return found


def jobs() -> list[tuple[str, str, dict[str, Any]]]:
    return [(path.stem, name, job) for path in FILES for name, job in loaded(path)["jobs"].items()]


def steps(job: dict[str, Any], action: str) -> list[dict[str, Any]]:
    return [step for step in job["steps"] if str(step.get("uses", "")).startswith(f"{action}@")]


def test_all_four_are_there() -> None:
    assert [path.stem for path in FILES] == ["checks", "drift", "preview", "program"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_actions_are_pinned_by_commit_and_name_their_version(path: Path) -> None:
    used = [line.strip().removeprefix("- ") for line in path.read_text().splitlines() if "uses:" in line]
    assert used
    assert [line for line in used if not PIN.fullmatch(line)] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_nothing_can_deploy_and_no_text_of_others_becomes_a_command(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert "pull_request_target" not in text, "it would run a fork's code with the repository's rights"
    assert loaded(path)["permissions"] == {}
    for name, job in loaded(path)["jobs"].items():
        for step in job["steps"]:
            command = step.get("run", "")
            assert "${{" not in command, f"{name}: an expression in a command is text of others in a shell"
            assert not re.search(r"pulumi (up|destroy|refresh|import|state)\b", command)


@pytest.mark.parametrize(("file", "name", "job"), jobs(), ids=lambda value: value if isinstance(value, str) else "")
def test_each_job_may_write_only_what_it_is_for(file: str, name: str, job: dict[str, Any]) -> None:
    written = {scope for scope, right in job["permissions"].items() if right != "read"}
    assert written == WRITES.get((file, name), set())
    assert all(step["with"]["persist-credentials"] is False for step in steps(job, "actions/checkout"))
    assert job["timeout-minutes"] <= 60


def test_a_fork_starts_no_preview_and_no_comment() -> None:
    found = loaded(FOLDER / "preview.yml")["jobs"]
    assert all(
        "github.event.pull_request.head.repo.full_name == github.repository" in job["if"] for job in found.values()
    )


def test_what_comments_is_the_code_of_the_base() -> None:
    found = loaded(FOLDER / "preview.yml")["jobs"]
    for job in (found["comment"], found["outdated"]):
        (checkout,) = steps(job, "actions/checkout")
        assert checkout["with"]["ref"] == "${{ github.event.pull_request.base.sha }}"


def test_what_is_new_is_posted_after_what_is_old_is_marked() -> None:
    comment = loaded(FOLDER / "preview.yml")["jobs"]["comment"]
    assert comment["needs"] == ["outdated", "preview"]
    assert "!cancelled()" in comment["if"], "also where there was nothing to mark, or it could not be marked"


def test_the_stacks_that_are_previewed_are_told_and_looked_at_each_night() -> None:
    preview, drift = (loaded(FOLDER / f"{name}.yml")["jobs"] for name in ("preview", "drift"))
    stacks = sorted(preview["preview"]["strategy"]["matrix"]["stack"])
    assert sorted(drift["drift"]["strategy"]["matrix"]["stack"]) == stacks
    (told,) = [step["env"]["STACKS"] for step in preview["comment"]["steps"] if "STACKS" in step.get("env", {})]
    assert sorted(told.split()) == stacks
    assert preview["preview"]["strategy"]["fail-fast"] is False


def test_the_engine_is_that_of_the_pinned_packages() -> None:
    (pinned,) = re.findall(r"^pulumi==(\S+)", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    used = [step["with"]["pulumi-version"] for _, _, job in jobs() for step in steps(job, "pulumi/actions")]
    assert used == [pinned] * 3


def test_every_part_of_the_program_starts_a_preview() -> None:
    paths = loaded(FOLDER / "preview.yml")["on"]["pull_request"]["paths"]
    assert {
        *("Pulumi*.yaml", "__main__.py", "requirements.txt"),
        *("awsmodel/**", "components/**", "seed_code/**", "settings/**"),
    } <= set(paths)
    assert all(any(ROOT.glob(path.removesuffix("/**"))) for path in paths), "a path that is no more starts nothing"
