"""`preview-comment` from its options to its exit code."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.tools.played_github import ISSUE, TOKEN, PlayedGitHub, played_github
from tests.tools.previews.record import FOLDER
from tools.faults import ToolError
from tools.preview_comment.command import command

UPDATE, REPLACE, NOTHING = (str(FOLDER / f"{name}.json") for name in ("update", "replace", "no-change"))


@pytest.fixture
def github(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[PlayedGitHub]:
    """A workflow of pull request 7."""
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"pull_request": {"number": 7}}))
    with played_github() as state:
        for name, value in {
            "GITHUB_API_URL": state.url,
            "GITHUB_EVENT_PATH": str(event),
            "GITHUB_REPOSITORY": "ml/platform",
            "GITHUB_TOKEN": TOKEN,
            "NO_PROXY": "127.0.0.1",
        }.items():
            monkeypatch.setenv(name, value)
        yield state


@pytest.fixture(autouse=True)
def no_workflow(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GITHUB_TOKEN", "GITHUB_EVENT_PATH", "GITHUB_REPOSITORY", "GITHUB_API_URL"):
        monkeypatch.delenv(name, raising=False)


def run(*arguments: str, stdin: str | bytes | None = None) -> Result:
    result = CliRunner().invoke(command, arguments, input=stdin)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_without_a_token_the_comment_is_printed() -> None:
    result = run(f"dev={UPDATE}", f"prod={NOTHING}", "--commit", "abc123", "--run-url", "https://example.com/1")
    assert result.exit_code == 0
    assert "- ✏️ `dev`: 1 to update" in result.stdout
    assert "- ✅ `prod`: no changes" in result.stdout
    assert "[the whole output](https://example.com/1)" in result.stdout


def test_the_stack_is_named_by_its_urns_or_by_the_file_that_has_none(tmp_path: Path) -> None:
    (tmp_path / "prod.json").write_text("error: no stack")
    result = run(UPDATE, str(tmp_path / "prod.json"))
    assert "`dev`: 1 to update" in result.stdout
    assert "❌ `prod`: no steps" in result.stdout
    assert "error: no stack" in result.stdout
    assert result.exit_code == 1


def test_standard_input_is_read_and_bytes_that_are_no_text_do_no_harm() -> None:
    assert "`dev`: 1 to update" in run("dev=-", stdin=Path(UPDATE).read_text()).stdout
    assert run("dev=-", stdin=b"\xff{").exit_code == 1


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ([f"dev={UPDATE}"], 0),
        ([f"dev={REPLACE}"], 1),
        ([f"dev={REPLACE}", "--approved"], 0),
        ([f"dev={REPLACE}", "--guard", "aws:kms/*"], 0),
        ([f"dev={UPDATE}", f"prod={REPLACE}", "--guard", "aws:sns/*"], 1),
        ([f"dev={FOLDER / 'protected.json'}", "--approved"], 1),
    ],
)
def test_the_exit_code_says_whether_the_change_may_be_merged(arguments: list[str], code: int) -> None:
    result = run(*arguments)
    assert result.exit_code == code
    assert ("stops the merge" in result.stderr) == bool(code)


def test_a_workflow_posts_one_comment_and_renews_it(github: PlayedGitHub) -> None:
    assert run(f"dev={NOTHING}", "--no-labels").stdout == "nothing to tell, and no comment to renew\n"
    assert run(f"dev={UPDATE}").stdout == "comments: 1 posted\n"
    assert run(f"dev={NOTHING}", "--no-labels").stdout == "comments: 1 renewed\n"
    (comment,) = github.comments
    assert "nothing changes" in comment["body"]


def test_the_comment_is_posted_before_the_run_fails_and_a_label_lets_it_pass(github: PlayedGitHub) -> None:
    result = run(f"dev={REPLACE}")
    assert (result.exit_code, result.stdout) == (1, "comments: 1 posted\nlabels: +preview:replace\n")
    assert "to approve: the label `approve-destruction`" in github.comments[0]["body"]
    github.labels.append("approve-destruction")
    assert run(f"dev={REPLACE}").exit_code == 0
    assert "is approved" in github.comments[0]["body"]


def test_labels_say_what_is_destroyed_replaced_or_that_nothing_changes(github: PlayedGitHub) -> None:
    deleted = str(FOLDER / "delete.json")
    for arguments, labels in (
        ([f"dev={NOTHING}"], ["preview:no-changes"]),
        ([f"dev={UPDATE}"], []),
        ([f"dev={deleted}", f"prod={REPLACE}"], ["preview:destroy", "preview:replace"]),
        ([f"dev={FOLDER / 'retained.json'}"], []),
        ([f"dev={FOLDER / 'error-before-steps.json'}"], []),
        ([f"dev={REPLACE}", "--name", "other"], ["other:replace"]),
    ):
        run(*arguments)
        assert github.labels == labels, arguments
    run(f"dev={deleted}", "--no-labels")
    assert github.labels == ["other:replace"]


def test_labels_that_cannot_be_given_stop_nothing(github: PlayedGitHub) -> None:
    github.refuses = f"POST {ISSUE}/labels"
    result = run(f"dev={REPLACE}", "--approved")
    assert result.exit_code == 0
    assert "the labels are not up to date: GitHub refuses POST" in result.stderr
    assert len(github.comments) == 1


def test_a_comment_of_another_commit_is_marked_until_its_preview_is_there(github: PlayedGitHub) -> None:
    assert run("--outdated", "--commit", "b").stdout == "no comment is outdated\n"
    run(f"dev={UPDATE}", "--commit", "a")
    assert run("--outdated", "--commit", "a").stdout == "no comment is outdated\n"
    assert run("--outdated", "--commit", "b").stdout == "comments: 1 marked as outdated\n"
    assert "**Outdated:**" in github.comments[0]["body"]
    run(f"dev={UPDATE}", "--commit", "b")
    assert "Outdated" not in github.comments[0]["body"]


def test_the_figures_are_written_for_machines(tmp_path: Path) -> None:
    path = tmp_path / "counts.json"
    run(f"dev={REPLACE}", f"prod={FOLDER / 'unprotected.jsonl'}", "--counts", str(path))
    found = json.loads(path.read_text())
    assert found["stacks"]["dev"]["operations"] == {"replace": 2, "same": 1}
    assert found["stacks"]["dev"]["replaced"] == found["stacks"]["dev"]["destroyed"] == 2
    assert found["stacks"]["prod"]["safeguardsTakenAway"] == 2
    assert ["guarded resource" in reason for reason in found["stops"]] == [True]


def test_what_a_mask_matches_is_shown_nowhere() -> None:
    hostile = str(FOLDER / "replace.json")
    text = run(f"dev={hostile}", "--mask", "alarms", "--mask", r"sam\w+", "--dry-run").output
    assert "alarms" not in text
    assert "samples" not in text
    assert "[hidden]" in text
    assert "2 resources would be deleted or replaced" in text


@pytest.mark.parametrize(("mask", "fault"), [("(", "no regular expression"), ("a*", "matches no text at all")])
def test_a_mask_that_is_none_is_refused(mask: str, fault: str) -> None:
    with pytest.raises(ToolError, match=fault):
        run(f"dev={UPDATE}", "--mask", mask)


def test_a_dry_run_posts_nothing_though_there_is_a_token(github: PlayedGitHub) -> None:
    assert "mlops-preview:v1" in run(f"dev={UPDATE}", "--dry-run").stdout
    assert github.calls == []


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        ([], "give the files of previews, or --outdated"),
        ([f"dev={UPDATE}", "--outdated"], "and not both"),
        (["dev=nowhere.json"], r"nowhere\.json cannot be read: No such file"),
        ([f"dev={UPDATE}", f"dev={NOTHING}"], "two files are of the stack 'dev'"),
        ([f"dev={UPDATE}", "--to", "codecommit"], "CodeCommit needs --repository"),
    ],
)
def test_what_the_caller_can_set_right_is_told_so(arguments: list[str], fault: str) -> None:
    with pytest.raises(ToolError, match=fault):
        run(*arguments)


def test_a_workflow_without_a_pull_request_is_told_what_is_missing(
    github: PlayedGitHub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "event.json").write_text(json.dumps({"ref": "refs/heads/main"}))
    with pytest.raises(ToolError, match="which pull request"):
        run(f"dev={UPDATE}")
    monkeypatch.setenv("GITHUB_EVENT_PATH", str(tmp_path / "none.json"))
    with pytest.raises(ToolError, match=r"none\.json cannot be read"):
        run(f"dev={UPDATE}")
    assert github.calls == []


def test_at_codecommit_the_small_limit_holds() -> None:
    result = run(f"dev={FOLDER / 'hostile.json'}", "--to", "codecommit", "--dry-run")
    assert "<details>" not in result.stdout.replace("</details>", "")
    assert "⚠️ **2 resources would be deleted or replaced**" in result.stdout


def test_an_issue_is_open_while_something_has_drifted_and_tells_each_drift_once(
    github: PlayedGitHub, tmp_path: Path
) -> None:
    def night(name: str) -> str:
        return run(f"prod={FOLDER / name}", "--to", "github-issue", "--name", "drift-prod", "--approved").stdout

    night("no-change.jsonl")
    night("update.jsonl")
    night("outputs.jsonl")
    assert github.issues == [], "what is not deployed yet is no drift"
    night("drift.jsonl")
    night("drift.jsonl")
    (issue,) = github.issues
    assert issue["title"] == "Drift of prod"
    assert "2 resources changed in AWS, not by Pulumi" in issue["body"]
    assert "to create" not in issue["body"]
    assert issue["said"] == [], "nobody is told the same twice"
    other = tmp_path / "other.jsonl"
    other.write_text((FOLDER / "drift.jsonl").read_text().replace("::gone", "::lost"))
    night(str(other))
    assert len(issue["said"]) == 1
    night("no-change.jsonl")
    assert issue["state"] == "closed"
    night("drift.jsonl")
    assert [item["state"] for item in github.issues] == ["closed", "open"]
