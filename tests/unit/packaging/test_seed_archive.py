"""The same files give the same zip, byte for byte: else every checkout would release a new version."""

import hashlib
import io
import os
import shutil
import stat
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.packaging.seed_archive import archive, archive_size, content_digest
from components.packaging.seed_files import SeedFile, read_seed_files
from tests.support.product_samples import write_files

REPOSITORY = Path(__file__).parents[3]
SAMPLE = {
    "README.md": b"# Churn\n" * 100,
    "bin/run": b"#!/bin/sh\necho run\n",
    "data/\xe9t\xe9.csv": "\u00e9t\u00e9\n".encode(),
    "empty": b"",
}
SAMPLE_ZIP = "6cfa048df752c3cc9b3643a1af037b449cb6b9a7f70139c4b264ab36573b5b9f"
SAMPLE_DIGEST = "87401f49e0bc19ad5927bc90358ebfbc30f2b7ac0d81a354cb41567d6b30a98a"

NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/\\:"), min_size=1, max_size=8)
TREES = st.dictionaries(
    st.lists(NAMES, min_size=1, max_size=3).map("/".join), st.tuples(st.booleans(), st.binary(max_size=60)), max_size=8
).map(lambda tree: [SeedFile(path, executable, content) for path, (executable, content) in tree.items()])


def sample(folder: Path, *, mode: int = 0o644, time: int = 0) -> Path:
    """The sample as a folder, its files with these permissions and this time."""
    write_files(folder, SAMPLE)
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            path.chmod(mode | 0o100 if path.name == "run" else mode)
        os.utime(path, (time, time))
    return folder


def zipped(folder: Path) -> bytes:
    return archive(read_seed_files(folder, lambda *_: None))


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize(
    ("mode", "time"), [(0o644, 0), (0o600, 1_700_000_000), (0o666, 4_000_000_000)], ids=["usual", "strict", "lax"]
)
def test_the_bytes_of_a_zip_are_pinned_whatever_permissions_and_times(tmp_path: Path, mode: int, time: int) -> None:
    folder = sample(tmp_path / "repository", mode=mode, time=time)
    assert sha256(zipped(folder)) == SAMPLE_ZIP
    assert content_digest(read_seed_files(folder, lambda *_: None)) == SAMPLE_DIGEST


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_the_bytes_do_not_depend_on_the_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        write_files(tmp_path / "repository", SAMPLE)
        (tmp_path / "repository" / "bin" / "run").chmod(0o777 & ~umask)
        assert sha256(zipped(tmp_path / "repository")) == SAMPLE_ZIP
    finally:
        os.umask(before)


def test_the_bytes_do_not_depend_on_the_operating_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = read_seed_files(sample(tmp_path), lambda *_: None)
    monkeypatch.setattr(sys, "platform", "win32")
    assert sha256(archive(files)) == SAMPLE_ZIP


def other_pythons() -> Iterator[str]:
    """Interpreters beside this one: those of pyenv, whose commands on PATH may be switched off, then those on PATH."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    places = os.pathsep.join([*(str(path) for path in sorted(pyenv.glob("versions/*/bin"))), os.environ["PATH"]])
    for minor in range(11, 16):
        found = shutil.which(f"python3.{minor}", path=places)
        if found and minor != sys.version_info.minor:
            answer = subprocess.run([found, "-c", "print('works')"], capture_output=True, text=True, check=False)
            if answer.stdout == "works\n":
                yield found


PROGRAM = """
import hashlib, pathlib, sys, types
for name in ("components", "components.packaging"):
    package = sys.modules[name] = types.ModuleType(name)  # without its __init__, which needs more than the library
    package.__path__ = [str(pathlib.Path(sys.argv[1], *name.split(".")))]
from components.packaging.seed_archive import archive
from components.packaging.seed_files import read_seed_files
files = read_seed_files(pathlib.Path(sys.argv[2]), lambda *fault: sys.exit(fault))
print(hashlib.sha256(archive(files)).hexdigest())
"""


def test_the_bytes_do_not_depend_on_the_version_of_python(tmp_path: Path) -> None:
    pythons = list(other_pythons())
    if not pythons:
        pytest.skip("there is no Python beside this one")
    folder = sample(tmp_path / "repository")
    for python in pythons:
        answer = subprocess.run(
            [python, "-I", "-c", PROGRAM, str(REPOSITORY), str(folder)], capture_output=True, text=True, check=True
        )
        assert answer.stdout.strip() == SAMPLE_ZIP, python


@given(TREES)
def test_unpacking_gives_the_tree_back(files: list[SeedFile]) -> None:
    with zipfile.ZipFile(io.BytesIO(archive(files))) as packed:
        assert packed.testzip() is None
        assert [entry.filename for entry in packed.infolist()] == sorted(file.path for file in files)
        unpacked = {entry.filename: (entry.external_attr >> 16, packed.read(entry)) for entry in packed.infolist()}
    assert unpacked == {
        file.path: (stat.S_IFREG | (0o755 if file.executable else 0o644), file.content) for file in files
    }


@given(TREES.flatmap(lambda files: st.tuples(st.just(files), st.permutations(files))))
def test_the_order_of_the_files_changes_nothing(orders: tuple[list[SeedFile], list[SeedFile]]) -> None:
    first, second = orders
    assert archive(first) == archive(second)
    assert content_digest(first) == content_digest(second)


@given(TREES)
def test_the_size_is_known_before_the_zip_is_made(files: list[SeedFile]) -> None:
    assert archive_size(files) == len(archive(files))


@given(TREES, TREES)
def test_different_trees_have_different_digests(one: list[SeedFile], other: list[SeedFile]) -> None:
    assert (content_digest(one) == content_digest(other)) == (archive(one) == archive(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (SeedFile("a", executable=False, content=b"b"), SeedFile("ab", executable=False, content=b"")),
        (SeedFile("a", executable=False, content=b""), SeedFile("a", executable=True, content=b"")),
    ],
    ids=["path and content", "executable"],
)
def test_the_digest_tells_apart_what_runs_together(one: SeedFile, other: SeedFile) -> None:
    assert content_digest([one]) != content_digest([other])


def test_unzip_of_the_system_restores_files_and_executable_bits(tmp_path: Path) -> None:
    if shutil.which("unzip") is None:
        pytest.skip("unzip is not installed")
    (tmp_path / "seed.zip").write_bytes(zipped(sample(tmp_path / "repository")))
    subprocess.run(
        ["unzip", "-q", "seed.zip", "-d", "out"], cwd=tmp_path, check=True, env={**os.environ, "LC_ALL": "C.UTF-8"}
    )
    found = {path.relative_to(tmp_path / "out") for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert found == {Path(name) for name in SAMPLE}
    assert (tmp_path / "out" / "bin" / "run").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "out" / "README.md").stat().st_mode & 0o777 == 0o644
