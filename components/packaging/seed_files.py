"""`repository/`: which of its files go into the first commit of a project's repository.

Git's ignore rules hold as far as the folder itself states them: `.gitignore` in it or in any folder below. Whether git
is installed, and what else a person's git ignores, changes nothing. An empty folder is no content, as in git.

A repository can be built on that of another product: then it is the base's files, and the folder's own before them.
"""

import os
import shutil
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
    base: str = ""
    """Product in whose folder it lies; empty for the product's own."""


@dataclass(frozen=True, kw_only=True)
class BaseFiles:
    """The files of another product, on which a repository is built."""

    product: str
    folder: Path
    """Its `repository/`."""
    report: FileReport
    """Takes the faults of its files, by their paths from there."""
    without: Sequence[str] = ()
    """Its files and folders that are left out."""
    report_unused: Callable[[str], None]
    """Takes what of `without` is none of its files or folders."""


@dataclass(frozen=True)
class _Layer:
    """A folder of which files are taken; it knows its own name only where it is a base."""

    folder: Path
    report: FileReport
    without: Sequence[str] = ()
    base: str = ""


@dataclass(frozen=True)
class _Found:
    """A file or a link, and the folder that it is from."""

    layer: _Layer
    path: str
    entry: os.DirEntry[str]
    left_out: str = ""
    """The entry of `without` that leaves it out."""


def read_seed_files(repository: Path, report: FileReport, base: BaseFiles | None = None) -> tuple[SeedFile, ...]:
    """Every file of the folder, and of its base, that no rule ignores, sorted by path.

    A file of the folder itself takes the place of the base's with the same path. The ignore rules of both hold for all
    files; where they differ, those of the folder itself decide.

    Args:
        repository: the folder; it can be missing where there is a base.
        report: takes the faults of its files.
        base: the files of another product.
    """
    layers = [] if base is None else [_Layer(base.folder, base.report, base.without, base.product)]
    if base is None or repository.exists() or repository.is_symlink():
        layers.insert(0, _Layer(repository, report))
    layers = [layer for layer in layers if _is_folder(layer.folder, layer.report)]
    links: dict[str, _Layer] = {}
    files: dict[str, SeedFile] = {}
    unused = dict.fromkeys(base.without if base else ())
    for found in _walk(layers):
        if found.left_out:
            unused.pop(found.left_out, None)
        elif found.entry.is_symlink():
            links[found.path] = found.layer
        elif (file := _read(found)) is not None:
            files[found.path] = file
    # A link is followed: what CodeCommit makes of a link in a zip is not documented, and a copy works everywhere.
    copies = {path: copy for path, layer in links.items() if (copy := _copy(layer, path, files)) is not None}
    found_files = {**files, **copies}
    if base is not None:
        for path in unused:
            base.report_unused(path)
    if layers and not found_files:
        report("", "has no files; CodeCommit takes no empty first commit, so put at least a README.md there")
    return tuple(found_files[path] for path in sorted(found_files))


def write_files(folder: Path, files: Sequence[SeedFile]) -> None:
    """Make a folder hold these files, and no others but what is never content: environments and caches stay.

    A file that is as it should be is not written, so that what was made from it stays newer.
    """
    wanted = {folder / file.path: file for file in files}
    for place, folders, names in os.walk(folder, topdown=True):
        folders[:] = [name for name in folders if name not in _NEVER]
        for name in names:
            if (path := Path(place, name)) not in wanted and name not in _NEVER:
                path.unlink()
    for path, file in wanted.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            shutil.rmtree(path)
        if not path.is_file() or path.read_bytes() != file.content:
            path.write_bytes(file.content)
        path.chmod(0o755 if file.executable else 0o644)


def _is_folder(repository: Path, report: FileReport) -> bool:
    if repository.is_symlink():
        report("", "is a symbolic link; put the folder itself here")
    elif not repository.is_dir():
        report("", "is missing; it holds the files of a project's first commit")
    else:
        return True
    return False


_Rules = Sequence[tuple[int, Sequence[IgnoreRule]]]


def _walk(layers: Sequence[_Layer]) -> Iterator[_Found]:
    """Files and links of all layers that no rule ignores, of each path the first layer's, and those that are left out.

    An ignored folder is not entered, as in git.
    """
    waiting: list[tuple[str, Sequence[_Layer], _Rules, str]] = [("", layers, (), "")]
    while waiting:
        prefix, here, outer, left_out = waiting.pop()
        listings = [(layer, entries) for layer in here if (entries := _listing(layer, prefix)) is not None]
        rules = [
            (len(comparable(prefix)), _rules(layer, f"{prefix}{_RULES}", entries.get(_RULES)))
            for layer, entries in listings
            if not left_out and f"{prefix}{_RULES}" not in layer.without
        ]
        levels = (*rules, *outer)
        for name in dict.fromkeys(name for _, entries in listings for name in entries):
            path = f"{prefix}{name}"
            holders = [(layer, entries[name]) for layer, entries in listings if name in entries]
            taken = [one for one in holders if path not in one[0].without]
            for one, dropped in ((taken, left_out), *(([one], path) for one in holders if one not in taken)):
                if not one:
                    continue
                is_folder = one[0][1].is_dir(follow_symlinks=False)
                if name in _NEVER or name.endswith(".pyc") or _ignored(path, levels, is_folder=is_folder):
                    continue
                if is_folder:
                    same = [layer for layer, entry in one if entry.is_dir(follow_symlinks=False)]
                    waiting.append((f"{path}/", same, levels, dropped))
                else:
                    yield _Found(one[0][0], path, one[0][1], dropped)


def _listing(layer: _Layer, prefix: str) -> Mapping[str, os.DirEntry[str]] | None:
    """What a folder holds; none after a report."""
    try:
        with os.scandir(layer.folder / prefix) as listing:
            entries = {entry.name: entry for entry in listing}
    except OSError as error:
        layer.report(prefix.removesuffix("/"), f"cannot be read: {error.strerror}")
        return None
    if prefix and ".git" in entries:
        layer.report(
            prefix.removesuffix("/"),
            "is a repository of its own, such as a submodule, and git commits none of its files: remove its .git, "
            "or add the folder to .gitignore",
        )
        return None
    return entries


def _rules(layer: _Layer, path: str, entry: os.DirEntry[str] | None) -> Sequence[IgnoreRule]:
    # Like git, a link in place of the rules is not read.
    if entry is None or not entry.is_file(follow_symlinks=False):
        return ()
    try:
        return read_rules(Path(entry.path).read_bytes())
    except OSError as error:
        layer.report(path, f"cannot be read: {error.strerror}")
        return ()


def _ignored(path: str, levels: _Rules, *, is_folder: bool) -> bool:
    """Whether rules ignore a path: the innermost that decide, each knowing paths from its own folder."""
    form = comparable(path)
    name = form.rpartition("/")[2]
    for depth, rules in levels:
        for rule in rules:
            if rule.decides(form[depth:], name, is_folder=is_folder):
                return rule.ignores
    return False


def _read(found: _Found) -> SeedFile | None:
    path, entry, report = found.path, found.entry, found.layer.report
    try:
        status = entry.stat(follow_symlinks=False)
        if not stat.S_ISREG(status.st_mode):
            report(path, "is neither a file nor a folder; remove it or add it to .gitignore")
        elif status.st_size > MAX_FILE_BYTES:
            limit = f"CodeCommit's console and API take {MAX_FILE_BYTES:,}"
            report(path, f"has {status.st_size:,} bytes; {limit}; keep data in S3, or add it to .gitignore")
        else:
            executable = bool(status.st_mode & stat.S_IXUSR)
            return SeedFile(path, executable, Path(entry.path).read_bytes(), found.layer.base)
    except OSError as error:
        report(path, f"cannot be read: {error.strerror}")
    return None


def _copy(layer: _Layer, path: str, files: Mapping[str, SeedFile]) -> SeedFile | None:
    """The file that a link leads to, under the link's own path."""
    report, link, root = layer.report, layer.folder / path, Path(os.path.realpath(layer.folder))
    written, target = str(link.readlink()), Path(os.path.realpath(link))
    if Path(written).is_absolute() or not target.is_relative_to(root):
        report(path, f"is a link to {written!r}, which leaves the folder; put the file itself here")
        return None
    file = files.get(target.relative_to(root).as_posix())
    if file is None:
        kind = "a folder" if target.is_dir() else "missing, ignored or faulty"
        report(path, f"is a link to {written!r}, which is {kind}; a link may lead to a file that is packaged")
        return None
    return SeedFile(path, file.executable, file.content, layer.base)
