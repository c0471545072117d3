"""`preview-comment`: show what previews say on a pull request, and say whether it may be merged."""

import json
import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from components.providers.aws_access import AwsAccess
from tools.atomic_writes import write_whole
from tools.faults import ToolError
from tools.preview_comment.codecommit import CodeCommitPullRequest
from tools.preview_comment.comment import CODECOMMIT, GITHUB, Context, render, worth_telling
from tools.preview_comment.counts import counts
from tools.preview_comment.counts import labels as label_names
from tools.preview_comment.dangers import GUARDED
from tools.preview_comment.engine_output import read
from tools.preview_comment.github import ACTIONS_AUTHOR, API, GitHubIssue, GitHubPullRequest
from tools.preview_comment.masking import compiled, mask_option, masked
from tools.preview_comment.posting import PullRequest, mark_outdated, put
from tools.preview_comment.previews import Preview
from tools.preview_comment.verdict import Rules, stops

TOKEN = "GITHUB_TOKEN"  # noqa: S105 - the variable that holds it
STOPPED = 1
"""Exit code where the change must not be merged as it is."""


@click.command()
@click.argument("outputs", nargs=-1, metavar="[STACK=]FILE...")
@click.option(
    "--to",
    type=click.Choice(["github", "github-issue", "codecommit"]),
    default="github",
    show_default=True,
    help="Where to.",
)
@click.option(
    "--repository", default=None, help="owner/name at GitHub, where it is not the workflow's own; or CodeCommit's."
)
@click.option("--pull-request", default=None, help="Number or id; at GitHub by default that of the workflow's event.")
@click.option("--region", default=None, help="Region of the repository at CodeCommit.")
@click.option(
    "--author", default=ACTIONS_AUTHOR, show_default=True, help="Login of whom the token at GitHub belongs to."
)
@click.option(
    "--name", default="preview", show_default=True, help="Tells this comment from others of the pull request."
)
@click.option("--commit", default="", help="Commit that was previewed.")
@click.option("--run-url", default="", help="Where the whole output is.")
@click.option(
    "--guard",
    multiple=True,
    metavar="PATTERN",
    help="Type whose deletion or replacement needs approval, instead of the built-in list; may be given again.",
)
@click.option(
    "--approval-label", default="approve-destruction", show_default=True, help="Label at GitHub that approves it."
)
@click.option("--approved", is_flag=True, help="Somebody has approved it.")
@click.option(
    "--set-approval", is_flag=True, help="At CodeCommit: approve the pull request where nothing stops it, or revoke."
)
@click.option("--labels/--no-labels", default=True, show_default=True, help="At GitHub: label the pull request.")
@click.option(
    "--counts", "figures", type=click.Path(dir_okay=False, path_type=Path), help="File for the figures, as JSON."
)
@click.option(
    "--outdated", is_flag=True, help="Only mark a comment that is not of this commit: its preview is under way."
)
@mask_option
@click.option("--dry-run", is_flag=True, help="Print the comment. The default at GitHub without a token.")
def command(  # noqa: PLR0913, PLR0917 - click gives each option its own argument
    outputs: Sequence[str],
    to: str,
    repository: str | None,
    pull_request: str | None,
    region: str | None,
    author: str,
    name: str,
    commit: str,
    run_url: str,
    guard: Sequence[str],
    approval_label: str,
    approved: bool,
    set_approval: bool,
    labels: bool,
    figures: Path | None,
    outdated: bool,
    masks: Sequence[str],
    dry_run: bool,
) -> None:
    """Show on a pull request what `pulumi preview` says of each stack, dangers first.

    Each FILE holds what `pulumi preview --json` printed, or the engine's events, one JSON object a line; `-` is
    standard input. `github-issue` keeps an issue open while something is changed in AWS and not by Pulumi, and tells
    nothing else. The exit code is 1 where a preview failed, or where a destructive change of a guarded type is not
    approved.
    """
    if outdated is bool(outputs):
        raise ToolError("give the files of previews, or --outdated, and not both")
    previews = _previews(outputs, compiled(masks))
    if to == "github-issue":
        previews = [replace(preview, steps=(), outputs=None) for preview in previews]
    stacks = ", ".join(preview.stack for preview in previews)
    place = _place(to, repository, pull_request, region, author, f"Drift of {stacks}") if not dry_run else None
    if outdated:
        click.echo(mark_outdated(place, name, commit) if place else "no comment is marked without a token")
        return
    rules = Rules(
        guard=tuple(guard) or GUARDED,
        approved=approved or (place is not None and place.approved(approval_label)),
        approval=f"the label `{approval_label}`" if to == "github" and approval_label.isprintable() else Rules.approval,
    )
    context = Context(name=name, commit=commit, run_url=run_url, rules=rules)
    style = place.style if place else CODECOMMIT if to == "codecommit" else GITHUB
    bodies = render(previews, style, context)
    reasons = stops(previews, rules)
    if figures:
        write_whole(figures, [json.dumps(counts(previews, rules), indent=2), "\n"])
    if place is None:
        click.echo("\n".join(bodies), nl=False)
    else:
        telling = worth_telling(previews)
        click.echo(put(place, name, bodies if telling or to != "github-issue" else (), create=telling))
        if labels:
            _label(place, label_names(previews, name))
        if set_approval and isinstance(place, CodeCommitPullRequest):
            place.set_approval(approve=not reasons)
    for reason in reasons:
        click.echo(f"stops the merge: {reason}", err=True)
    sys.exit(STOPPED if reasons else 0)


def _label(place: PullRequest, wanted: Mapping[str, bool]) -> None:
    """Labels are a help for lists of pull requests: what keeps them from being given stops nothing."""
    try:
        done = place.label(wanted)
    except ToolError as error:
        click.echo(f"the labels are not up to date: {error}", err=True)
    else:
        if done:
            click.echo(done)


def _previews(outputs: Sequence[str], masks: Sequence[re.Pattern[str]]) -> list[Preview]:
    """Each file's preview.

    Raises:
        ToolError: a file cannot be read, or two are of one stack.
    """
    previews = [masked(_preview(output), masks) for output in outputs]
    names = [preview.stack for preview in previews]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ToolError(f"two files are of the stack {twice[0]!r}; name each: dev=FILE prod=FILE")
    return previews


def _preview(output: str) -> Preview:
    stack, equals, path = output.partition("=")
    # A path may hold the sign, too; a stack's name holds no slash.
    if not equals or "/" in stack:
        stack, path = "", output
    try:
        text = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    except OSError as error:
        raise ToolError(f"{path} cannot be read: {error.strerror}") from error
    preview = read(text.decode("utf-8", "replace"), stack)
    return preview if preview.stack else replace(preview, stack=Path(path).stem or path)


def _place(
    to: str, repository: str | None, number: str | None, region: str | None, author: str, title: str
) -> PullRequest | None:
    if to == "codecommit":
        if not (repository and number and region):
            raise ToolError("CodeCommit needs --repository, --pull-request and --region")
        return CodeCommitPullRequest(AwsAccess({"region": region}), region, repository, number)
    token = os.environ.get(TOKEN)
    if not token:
        return None
    api = os.environ.get("GITHUB_API_URL") or API
    repository = repository or os.environ.get("GITHUB_REPOSITORY")
    if to == "github-issue":
        if not repository:
            raise ToolError("which repository? give --repository owner/name, or run in a workflow of GitHub")
        return GitHubIssue(repository, title, token, author=author, api=api)
    event = _event()
    number = number or str((event.get("pull_request") or {}).get("number") or "")
    if not repository or not number.isdecimal():
        raise ToolError(
            "which pull request? give --repository owner/name and --pull-request NUMBER, or run in a workflow of "
            "GitHub that a pull request starts"
        )
    return GitHubPullRequest(repository, int(number), token, author=author, api=api)


def _event() -> Mapping[str, Any]:
    """Tell what started the workflow, as GitHub tells it."""
    path = os.environ.get("GITHUB_EVENT_PATH")
    if not path:
        return {}
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ToolError(f"the event in {path} cannot be read: {error}") from error
    return found if isinstance(found, dict) else {}
