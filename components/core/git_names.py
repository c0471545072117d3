"""Names of branches and repositories, as git and those who keep repositories take them: what is wrong with one."""

import re
from collections.abc import Mapping

MAX_BRANCH = 256
"""Most characters of a branch's name in CodeCommit and CodePipeline."""

# git-check-ref-format(1); a test compares it with git.
_WRONG_PARTS: Mapping[str, re.Pattern[str]] = {
    "no space, no control character and none of ~ ^ : ? * [ \\": re.compile(r"[\x00-\x20\x7f~^:?*\[\\]"),
    "no '..'": re.compile(r"\.\."),
    "no '@{'": re.compile(r"@\{"),
    "no slash at its beginning or end, and no two in a row": re.compile(r"^/|/$|//"),
    "no dot at its end, nor at the beginning of a part": re.compile(r"\.$|(^|/)\."),
    "no part that ends in .lock": re.compile(r"\.lock(/|$)"),
    "no dash at its beginning": re.compile(r"^-"),
}
_RESERVED = ("@", "HEAD")
_REFERENCE = re.compile(r"refs/(heads|tags|remotes)/")
_COMMIT = re.compile(r"[0-9a-fA-F]{40}")

_CODECOMMIT = re.compile(r"[A-Za-z0-9._-]{1,100}")
# By provider: the form of every part of a full name, what it is in words, and the most parts. What GitHub calls an
# enterprise's managed users have an underscore in their names. GitLab's rules are those of existing groups and
# projects, which may be older than the stricter ones for new ones.
_PARTS: Mapping[str, tuple[re.Pattern[str], re.Pattern[str], str, int]] = {
    "GitHub": (
        re.compile(r"[A-Za-z0-9](?:-?[A-Za-z0-9_])*-?"),
        re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}"),
        "owner/name: an owner of letters, digits and single dashes, a name of up to 100 letters, digits, dots, dashes "
        "and underscores",
        2,
    ),
    "GitLab": (
        re.compile(r"(?!-)[A-Za-z0-9._-]{1,255}(?<!\.)"),
        re.compile(r"(?!-)[A-Za-z0-9._-]{1,255}(?<!\.)(?<!\.atom)"),
        "group/name or group/subgroup/name: letters, digits, dots, dashes and underscores, no dash first, no dot and "
        "no .atom last",
        22,
    ),
    "Bitbucket": (
        re.compile(r"[A-Za-z0-9_-]+"),
        re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._-]{1,62}"),
        "workspace/name: a workspace of letters, digits, dashes and underscores, a name of up to 62 of them and dots",
        2,
    ),
}
_GIT = re.compile(r"\.git$", re.IGNORECASE)


def branch_fault(name: str) -> str | None:
    """What is wrong with the name of a branch."""
    if not 1 <= len(name) <= MAX_BRANCH:
        return f"a branch's name has 1 to {MAX_BRANCH} characters"
    if found := _REFERENCE.match(name):
        return f"give the name of the branch alone, without {found[0]}"
    if name in _RESERVED:
        return "git keeps the name for itself"
    if _COMMIT.fullmatch(name):
        return "40 hexadecimal digits are a commit's id, and CodeCommit takes no branch of such a name"
    rule = next((rule for rule, form in _WRONG_PARTS.items() if form.search(name)), None)
    return None if rule is None else f"git takes {rule} in a branch's name"


def codecommit_repository_fault(name: str) -> str | None:
    """What is wrong with the name of a CodeCommit repository."""
    if not _CODECOMMIT.fullmatch(name):
        return "CodeCommit takes 1 to 100 letters, digits, dots, dashes and underscores"
    return "CodeCommit takes no name that ends in .git; leave the ending out" if _GIT.search(name) else None


def full_name_fault(provider: str, name: str) -> str | None:
    """What is wrong with a repository's full name at GitHub, GitLab or Bitbucket."""
    outer, last, words, most = _PARTS[provider]
    *owners, own = name.split("/")
    if _GIT.search(own):
        return f"{provider} has no repository whose name ends in .git, which is a part of its address only"
    if not 1 <= len(owners) < most or not all(outer.fullmatch(part) for part in owners) or not last.fullmatch(own):
        return f"the full name at {provider}, {words}"
    return None
