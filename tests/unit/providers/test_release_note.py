"""A release says what is new and where it comes from, once: another commit of the same content is no difference."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from components.providers import release_note
from components.providers.product_version import ProductVersionProvider

VARIABLES = ("CODEBUILD_RESOLVED_SOURCE_VERSION", "GITHUB_SHA")


def inputs(version: str, **files: str) -> dict[str, Any]:
    named = {f"{name}.py": digest for name, digest in files.items()}
    return {
        "region": "eu-west-1",
        "productId": "prod-1",
        "version": version,
        "files": named,
        "templateUrl": "https://x",
        "keepVersions": 3.0,
    }


def checked(olds: dict[str, Any], news: dict[str, Any]) -> dict[str, Any]:
    return ProductVersionProvider().check(olds, news).inputs


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Puts the checkout at a commit."""

    def put(commit: str) -> None:
        for variable in VARIABLES:
            monkeypatch.delenv(variable, raising=False)
        monkeypatch.setenv(VARIABLES[0], commit)

    return put


def test_a_release_tells_its_files_and_its_commit(at: Callable[[str], None]) -> None:
    at("c1")
    first = checked({}, inputs("1", a="1", b="1"))
    assert first["description"] == "First version. Commit c1."
    at("c2")
    second = checked(first, inputs("2", a="2", c="1"))
    assert second["description"] == "Changed: a.py. Added: c.py. Removed: b.py. Commit c2."
    assert second["commit"] == "c2"


def test_another_commit_of_the_same_content_changes_no_input(at: Callable[[str], None]) -> None:
    at("c1")
    first = checked({}, inputs("1", a="1"))
    at("c2")
    again = checked(first, inputs("1", a="1"))
    assert again == first
    assert ProductVersionProvider().diff("id", first, again).changes is False


def test_a_changed_number_of_kept_versions_does_not_rewrite_what_a_version_says(at: Callable[[str], None]) -> None:
    at("c1")
    first = checked({}, inputs("1", a="1"))
    at("c2")
    kept = checked(first, {**inputs("1", a="1"), "keepVersions": 9.0})
    assert kept["description"] == first["description"]
    assert ProductVersionProvider().diff("id", first, kept).changes is True


def test_what_is_said_is_never_compared() -> None:
    olds = {**inputs("1"), "description": "one", "commit": "c1", "files": {}}
    news = {**inputs("1"), "description": "two", "commit": "c2", "files": {"a": "1"}}
    assert ProductVersionProvider().diff("id", olds, news).changes is False


def test_a_release_after_one_that_kept_no_list_says_so(at: Callable[[str], None]) -> None:
    at("c1")
    before = {key: value for key, value in inputs("1.0.0-12345678").items() if key != "files"}
    told = checked({**before, "description": "Seed code 1234"}, inputs("2", a="1"))["description"]
    assert told == "The release before kept no list of its files: what changed is not known. Commit c1."


def test_the_same_content_in_another_environment_says_that_no_file_changed(at: Callable[[str], None]) -> None:
    at("c1")
    first = checked({}, inputs("1-c.e1", a="1"))
    assert checked(first, inputs("1-c.e2", a="1"))["description"].startswith("No file changed;")


def test_outside_a_build_git_tells_the_commit_and_whether_files_differ_from_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    monkeypatch.setattr(release_note, "SEED_CODE", tmp_path)
    assert release_note.commit() == "", "there is no repository"
    _git(tmp_path, "init", "-q")
    (tmp_path / "a").write_text("1")
    _git(tmp_path, "add", "a")
    _git(tmp_path, "-c", "user.name=x", "-c", "user.email=x@example.com", "commit", "-qm", "first")
    head = _git(tmp_path, "rev-parse", "HEAD")
    _git(tmp_path, "tag", "v1")
    assert release_note.commit() == head[:12]
    (tmp_path / "a").write_text("2")
    assert release_note.commit() == f"{head[:12]}-dirty"


def _git(folder: Path, *words: str) -> str:
    return subprocess.run(["git", "-C", str(folder), *words], check=True, capture_output=True, text=True).stdout.strip()


def test_without_git_there_is_no_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("PATH", "")
    assert release_note.commit() == ""
    assert checked({}, inputs("1"))["description"] == "First version."
