"""What CodeCommit takes as the first commit of a repository that CloudFormation makes from a zip."""

from collections.abc import Sequence

from components.packaging.seed_archive import archive_size
from components.packaging.seed_files import FileReport, SeedFile

MAX_ARCHIVE_BYTES = 20_000_000
"""Most bytes of the zip. CloudFormation refuses a larger one: "Code archive supplied cannot be more than 20 MB
compressed". The smaller reading of MB; CodeCommit's page of quotas says 20 GB, which its answer contradicts."""
MAX_FILES = 65_535
"""Most entries of a zip without the 64-bit extension, which not every reader knows."""
# CodeCommit's quotas for file paths.
_MAX_PATH = 4096
_MAX_FOLDERS = 20


def check_limits(files: Sequence[SeedFile], report: FileReport) -> None:
    """Report every file that CodeCommit refuses, and an archive that is too large."""
    for file in files:
        _check_path(file.path, report)
        if not file.content:
            # Never documented, and reported since 2022 (issue 19012 of aws/aws-cdk): such a launch fails with "Code
            # supplied is not a valid .zip archive".
            report(file.path, "is empty; CodeCommit takes no zip with an empty file, so put a line into it")
    if len(files) > MAX_FILES:
        report("", f"has {len(files):,} files; a zip takes {MAX_FILES:,}; leave some out with .gitignore")
    size = archive_size(files)
    if size > MAX_ARCHIVE_BYTES:
        largest = max(files, key=lambda file: len(file.content))
        report(
            "",
            f"its zip has {size:,} bytes; a first commit takes {MAX_ARCHIVE_BYTES:,}: "
            f"{size - MAX_ARCHIVE_BYTES:,} too many; the largest file is {largest.path}; keep data in S3",
        )


def _check_path(path: str, report: FileReport) -> None:
    try:
        length = len(path.encode())
    except UnicodeEncodeError:
        report(path, "the name is not UTF-8; rename it")
        return
    names = path.split("/")
    if length > _MAX_PATH:
        report(path, f"the path has {length:,} bytes; CodeCommit takes {_MAX_PATH:,}; use shorter names")
    if len(names) - 1 > _MAX_FOLDERS:
        report(path, f"lies {len(names) - 1} folders deep; CodeCommit takes {_MAX_FOLDERS}; use fewer folders")
    if "\\" in path or not path.isprintable():
        report(repr(path), "the name has a backslash or a character that cannot be printed; rename it")
    if any(name.lower() == ".git" for name in names):
        report(path, "git keeps the name .git for itself, in any case; rename it")
