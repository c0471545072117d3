"""`repository/`: which of its files go into the first commit of a project's repository.

Git's ignore rules hold as far as the folder itself states them: `.gitignore` in it or in any folder below. Whether git
is installed, and what else a person's git ignores, changes nothing. An empty folder is no content, as in git.
"""

import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from components.packaging.ignore_rules import IgnoreRule, comparable, read_rules

FileReport = Callable[[str, str], None]
"""Takes the faults of files: the path from `repository/` (empty for the folder itself) and what is wrong with it."""

_RULES = ".gitignore"
# Never content, whatever the rules say: version control, environments, caches, and what desktops leave behind.
_NEVER = frozenset(
    {
        ".git",
        ".venv",
        "__pycache__",
        ".mypy_cache",
        ".ruff_cache",
        ".pytest_cache",
        ".hypothesis",
        ".tox",
        ".nox",
        ".ipynb_checkpoints",
        ".DS_Store",
    }
)

MAX_FILE_BYTES = 6_291_456
"""Most bytes of one file. CodeCommit documents 6 MB for its console and API (botocore: FileContent) and says nothing
of larger ones in a first commit; a file that nobody could then open or change there is no seed code."""


@dataclass(frozen=True)
class SeedFile:
    """A file of the first commit."""

    path: str
    """Path from the repository's root, with slashes."""
    executable: bool
    """Whether its owner may run it: the one permission that git keeps."""
    content: bytes


def read_seed_files(repository: Path, report: FileReport) -> tuple[SeedFile, ...]:
    """Every file of the folder that no rule ignores, sorted by path."""
    if not _is_folder(repository, report):
        return ()
    links: list[str] = []
    files = {}
    for path, entry in _walk(repository, report):
        if entry.is_symlink():
            links.append(path)
        elif (file := _read(path, entry, report)) is not None:
            files[path] = file
    # A link is followed: what CodeCommit makes of a link in a zip is not documented, and a copy works everywhere.
    copies = {path: copy for path in links if (copy := _copy(repository, path, files, report)) is not None}
    found = {**files, **copies}
    if not found:
        report("", "has no files; CodeCommit takes no empty first commit, so put at least a README.md there")
    return tuple(found[path] for path in sorted(found))


def _is_folder(repository: Path, report: FileReport) -> bool:
    if repository.is_symlink():
        report("", "is a symbolic link; put the folder itself here")
    elif not repository.is_dir():
        report("", "is missing; it holds the files of a project's first commit")
    else:
        return True
    return False


def _walk(folder: Path, report: FileReport) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Files and links below a folder that no rule ignores. An ignored folder is not entered, as in git."""
    waiting: list[tuple[str, Sequence[tuple[int, Sequence[IgnoreRule]]]]] = [("", ())]
    while waiting:
        prefix, outer = waiting.pop()
        try:
            with os.scandir(folder / prefix) as listing:
                entries = {entry.name: entry for entry in listing}
        except OSError as error:
            report(prefix.removesuffix("/"), f"cannot be read: {error.strerror}")
            continue
        if prefix and ".git" in entries:
            report(
                prefix.removesuffix("/"),
                "is a repository of its own, such as a submodule, and git commits none of its files: remove its .git, "
                "or add the folder to .gitignore",
            )
            continue
        levels = ((len(comparable(prefix)), _rules(f"{prefix}{_RULES}", entries.get(_RULES), report)), *outer)
        for name, entry in entries.items():
            path = f"{prefix}{name}"
            is_folder = entry.is_dir(follow_symlinks=False)
            if name in _NEVER or name.endswith(".pyc") or _ignored(path, levels, is_folder=is_folder):
                continue
            if is_folder:
                waiting.append((f"{path}/", levels))
            else:
                yield path, entry


def _rules(path: str, entry: os.DirEntry[str] | None, report: FileReport) -> Sequence[IgnoreRule]:
    # Like git, a link in place of the rules is not read.
    if entry is None or not entry.is_file(follow_symlinks=False):
        return ()
    try:
        return read_rules(Path(entry.path).read_bytes())
    except OSError as error:
        report(path, f"cannot be read: {error.strerror}")
        return ()


def _ignored(path: str, levels: Sequence[tuple[int, Sequence[IgnoreRule]]], *, is_folder: bool) -> bool:
    """Whether rules ignore a path: the innermost that decide, each knowing paths from its own folder."""
    form = comparable(path)
    name = form.rpartition("/")[2]
    for depth, rules in levels:
        for rule in rules:
            if rule.decides(form[depth:], name, is_folder=is_folder):
                return rule.ignores
    return False


def _read(path: str, entry: os.DirEntry[str], report: FileReport) -> SeedFile | None:
    try:
        status = entry.stat(follow_symlinks=False)
        if not stat.S_ISREG(status.st_mode):
            report(path, "is neither a file nor a folder; remove it or add it to .gitignore")
        elif status.st_size > MAX_FILE_BYTES:
            limit = f"CodeCommit's console and API take {MAX_FILE_BYTES:,}"
            report(path, f"has {status.st_size:,} bytes; {limit}; keep data in S3, or add it to .gitignore")
        else:
            return SeedFile(path, bool(status.st_mode & stat.S_IXUSR), Path(entry.path).read_bytes())
    except OSError as error:
        report(path, f"cannot be read: {error.strerror}")
    return None


def _copy(repository: Path, path: str, files: Mapping[str, SeedFile], report: FileReport) -> SeedFile | None:
    """The file that a link leads to, under the link's own path."""
    link, root = repository / path, Path(os.path.realpath(repository))
    written, target = str(link.readlink()), Path(os.path.realpath(link))
    if Path(written).is_absolute() or not target.is_relative_to(root):
        report(path, f"is a link to {written!r}, which leaves the folder; put the file itself here")
        return None
    file = files.get(target.relative_to(root).as_posix())
    if file is None:
        kind = "a folder" if target.is_dir() else "missing, ignored or faulty"
        report(path, f"is a link to {written!r}, which is {kind}; a link may lead to a file that is packaged")
        return None
    return SeedFile(path, file.executable, file.content)
