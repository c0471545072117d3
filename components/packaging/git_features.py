"""What git does for a working copy and a zip cannot carry, so that a project's first commit would be another one."""

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from components.packaging.exceptions import Exceptions, or_else
from components.packaging.seed_files import FileReport, SeedFile

_LFS_POINTER = re.compile(rb"version https://(?:git-lfs|hawser)\.github\.com/spec/v1\r?\n")
# By attribute: what git does with it and a zip does not. What LFS replaces, CodeCommit could not keep in any case.
_ATTRIBUTES = {
    "export-ignore": "git archive leaves such files out, the first commit has them",
    "export-subst": "git archive fills in such files, the first commit has them as they are",
    "filter": "git keeps such files in another form, such as LFS, the first commit has them as they lie here",
    "ident": "git fills in $Id$ in such files, the first commit has them as they are",
    "working-tree-encoding": "git keeps such files as UTF-8, the first commit has them as they lie here",
}
# A pattern, which may be in quotes, and the attributes after it.
_RULE = re.compile(rb'\s*(?!#)(?:"(?:\\.|[^"\\])*"|\S+)\s+(\S.*)')


def check_git(files: Sequence[SeedFile], exceptions: Exceptions, report: FileReport) -> None:
    """Report every file that would come out of a zip as another one than git makes of it.

    Files that are executable (`executable repository/build.sh`) and attributes (`attributes repository/.gitattributes`)
    can be meant as they are.
    """
    for file in files:
        name = PurePosixPath(file.path).name
        if file.path == ".gitmodules":
            report(file.path, "names submodules, which no zip carries: put their files here, and take .gitmodules out")
        if _LFS_POINTER.match(file.content):
            report(file.path, "is a pointer of Git LFS and not the file: run git lfs pull, or keep data in S3")
        if file.executable and not exceptions.excuse(f"executable repository/{file.path}"):
            report(
                file.path,
                "is executable, and CodeCommit drops that from a first commit: call it by its interpreter, such as "
                f"sh {file.path}, and run chmod -x {or_else(f'executable repository/{file.path}')}",
            )
        if name == ".gitattributes":
            subject = f"attributes repository/{file.path}"
            found = list(_attributes(file.content))
            if found and not exceptions.excuse(subject):
                for line, attribute in found:
                    reason = f"line {line} sets {attribute}: {_ATTRIBUTES[attribute]}"
                    report(file.path, f"{reason}; take it out {or_else(subject)}")


def _attributes(content: bytes) -> Iterator[tuple[int, str]]:
    """The attributes of a `.gitattributes` that a zip cannot carry, each with its line."""
    for number, line in enumerate(content.splitlines(), 1):
        if (rule := _RULE.match(line)) is not None:
            for word in rule[1].split():
                # `-name` and `!name` take an attribute away.
                name = word.partition(b"=")[0].decode(errors="replace")
                if name in _ATTRIBUTES:
                    yield number, name
