"""What a release says of itself: the files that differ from those before, and the commit they come from.

Known where the stack's state is at hand, which is in a provider's `check`: at a preview as at a deployment. Written
when a release begins and kept until the next one, so that another commit of the same content is no difference.
"""

import os
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

from components.packaging import Changes
from components.packaging.seed_code import SEED_CODE

FIRST = "First version."
"""What a version says that no other came before."""

_BUILDS = ("CODEBUILD_RESOLVED_SOURCE_VERSION", "GITHUB_SHA")
"""Variables in which a build is told of its commit; its copy of the files need not be a repository."""


def commit() -> str:
    """Return the commit of this checkout, marked where files differ from it; empty where there is none."""
    for variable in _BUILDS:
        if told := os.environ.get(variable):
            return told
    # `--dirty` looks at all files: what is not committed is no release that anybody could find again.
    command = ["git", "-C", str(SEED_CODE), "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603 - no input of anybody's
    except (OSError, subprocess.CalledProcessError):
        return ""


def noted(olds: Mapping[str, Any], news: Mapping[str, Any], content: Sequence[str]) -> dict[str, Any]:
    """Return the inputs of a release with its `description` and `commit`; those of the last one where it is the same.

    Args:
        olds: inputs of the last release; empty before the first.
        news: inputs as the program has them, with `files`.
        content: names of the inputs that make a release another one.
    """
    if "description" in olds and "files" in olds and all(olds.get(name) == news.get(name) for name in content):
        return {**news, "description": olds["description"], "commit": olds.get("commit", "")}
    source = commit()
    if not olds:
        said = FIRST
    elif not olds.get("files"):
        said = "The release before kept no list of its files: what changed is not known."
    else:
        said = str(Changes.between(olds["files"], news["files"]))
    return {**news, "description": f"{said} Commit {source}." if source else said, "commit": source}
