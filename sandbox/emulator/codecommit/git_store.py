"""Bare git repositories on disk: what a CodeCommit repository holds, in the form that `git` itself serves."""

import os
import shutil
import subprocess
import tempfile
import threading
import time
import weakref
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

NORMAL, EXECUTABLE, SYMLINK = "100644", "100755", "120000"

ENVIRONMENT = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C"}
"""Of git's processes: no setting of this machine may change what a repository holds."""


@dataclass(frozen=True)
class File:
    """The content and git's mode of one file."""

    content: bytes
    mode: str = NORMAL


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One line of a tree."""

    name: str
    mode: str
    kind: str
    """`blob`, `tree` or `commit` (of a submodule)."""
    oid: str
    size: int


@dataclass(frozen=True)
class Person:
    """Who wrote a commit."""

    name: str
    email: str


@dataclass(frozen=True, kw_only=True)
class Commit:
    """A commit as git stores it."""

    oid: str
    tree: str
    parents: tuple[str, ...]
    author: Person
    committer: Person
    date: str
    """Seconds since the epoch and the zone, e.g. `1700000000 +0000`."""
    message: str


class GitRepository:
    """A bare repository in a folder of its own, which goes with the object."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="sm-mlops-codecommit-"))
        self.lock = threading.Lock()
        """Hold it while looking at a branch in order to move it."""
        self._remove = weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)
        self._git("init", "--quiet", "--bare", "--initial-branch=main")

    def close(self) -> None:
        """Remove the folder."""
        self._remove()

    def branches(self) -> dict[str, str]:
        """Return the commit of each branch, by name."""
        lines = self._git("for-each-ref", "--format=%(objectname) %(refname:lstrip=2)", "refs/heads").decode()
        return {name: oid for oid, name in (line.split(" ", 1) for line in lines.splitlines())}

    def resolve(self, specifier: str) -> str | None:
        """Return the id of the commit that a branch, a full reference or an id names."""
        for candidate in (f"refs/heads/{specifier}", specifier):
            found = self._try("rev-parse", "--quiet", "--verify", "--end-of-options", f"{candidate}^{{commit}}")
            if found:
                return found.decode().strip()
        return None

    def set_branch(self, name: str, commit: str) -> None:
        """Make or move a branch."""
        self._git("update-ref", f"refs/heads/{name}", commit)

    def remove_branch(self, name: str) -> None:
        """Remove a branch; its commits stay."""
        self._git("update-ref", "-d", f"refs/heads/{name}")

    def is_branch_name(self, name: str) -> bool:
        """Say whether git takes the name for a branch."""
        return self._try("check-ref-format", "--branch", name) is not None

    def commit(
        self,
        branch: str,
        parent: str | None,
        message: str,
        author: Person,
        *,
        put: Mapping[str, File],
        delete: Iterable[str] = (),
    ) -> str:
        """Commit changes on top of `parent`, move the branch there and return the commit's id."""
        body = message.encode()
        signature = f"{_plain(author.name)} <{_plain(author.email)}> {int(time.time())} +0000"
        script = [f"commit refs/heads/{branch}\nauthor {signature}\ncommitter {signature}\n".encode()]
        script.append(b"data %d\n%s\n" % (len(body), body))
        if parent:
            script.append(f"from {parent}\n".encode())
        script += [b"D %s\n" % _quoted(path) for path in delete]
        for path, file in put.items():
            script.append(b"M %s inline %s\n" % (file.mode.encode(), _quoted(path)))
            script.append(b"data %d\n%s\n" % (len(file.content), file.content))
        self._git("fast-import", "--quiet", "--done", stdin=b"".join([*script, b"done\n"]))
        return self.branches()[branch]

    def read_commit(self, oid: str) -> Commit | None:
        """Return a commit; None where there is none with that full id."""
        raw = self._try("cat-file", "commit", oid)
        if raw is None:
            return None
        head, _, message = raw.decode(errors="replace").partition("\n\n")
        fields = [line.split(" ", 1) for line in head.splitlines() if not line.startswith(" ")]
        named = dict(fields)
        author, date = _person(named["author"])
        return Commit(
            oid=oid,
            tree=named["tree"],
            parents=tuple(value for key, value in fields if key == "parent"),
            author=author,
            committer=_person(named["committer"])[0],
            date=date,
            message=message,
        )

    def tree_id(self, commit: str, folder: str) -> str | None:
        """Return the id of a folder's tree; `""` is the root."""
        found = self._try("rev-parse", "--quiet", "--verify", f"{commit}:{folder}")
        # The name of a file resolves as well, but not to a tree.
        tree = self._try("rev-parse", "--quiet", "--verify", f"{found.decode().strip()}^{{tree}}") if found else None
        return tree.decode().strip() if tree else None

    def entries(self, tree: str, *, recursive: bool = False) -> list[Entry]:
        """Return the lines of a tree, or of all the trees below it with their whole paths."""
        raw = self._git("ls-tree", "-z", "-l", *(["-r"] if recursive else []), tree).decode(errors="surrogateescape")
        found = []
        for line in filter(None, raw.split("\0")):
            head, name = line.split("\t", 1)
            mode, kind, oid, size = head.split()
            found.append(Entry(name=name, mode=mode, kind=kind, oid=oid, size=int(size) if size != "-" else 0))
        return found

    def blob(self, oid: str) -> bytes | None:
        """Return the content of a file; None where there is no such object."""
        return self._try("cat-file", "blob", oid)

    def archive(self, commit: str) -> bytes:
        """Return the files of a commit as a zip."""
        return self._git("archive", "--format=zip", commit)

    def clone(self, target: Path, commit: str) -> None:
        """Make a working copy of a commit, with the history."""
        self._git("clone", "--quiet", "--no-checkout", str(self.path), str(target))
        subprocess.run(
            ["git", "-C", str(target), "checkout", "--quiet", commit],
            env=os.environ | ENVIRONMENT,
            capture_output=True,
            check=True,
        )

    def _git(self, *arguments: str, stdin: bytes = b"") -> bytes:
        return subprocess.run(
            ["git", f"--git-dir={self.path}", *arguments],
            input=stdin,
            env=os.environ | ENVIRONMENT,
            capture_output=True,
            check=True,
        ).stdout

    def _try(self, *arguments: str) -> bytes | None:
        try:
            return self._git(*arguments)
        except subprocess.CalledProcessError:
            return None


def _plain(text: str) -> str:
    return "".join(character for character in text if character not in "<>\n\r\0").strip()


def _quoted(path: str) -> bytes:
    escaped = path.encode(errors="surrogateescape").replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n")
    return b'"' + escaped + b'"'


def _person(line: str) -> tuple[Person, str]:
    name, _, rest = line.partition(" <")
    email, _, date = rest.partition("> ")
    return Person(name, email), date
