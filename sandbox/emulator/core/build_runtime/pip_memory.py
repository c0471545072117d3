"""Installs a locked list of packages by links to what an earlier build has installed."""

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
from contextlib import suppress
from pathlib import Path

_ASIDE = "SANDBOX_PIP_ASIDE"
"""Set for the pip that really installs."""


def install(requirements: str) -> None:
    """Install and end the process; come back where pip is to do it as ever."""
    site, binaries = Path(sysconfig.get_path("purelib")), Path(sysconfig.get_path("scripts"))
    foreign = [path.name for path in site.iterdir() if not path.name.startswith(("pip", "setuptools", "_distutils"))]
    foreign = [name for name in foreign if name not in ("__pycache__", "pkg_resources", "distutils-precedence.pth")]
    if os.environ.get(_ASIDE) or foreign or not Path(requirements).is_file():
        return
    locked = hashlib.sha256(Path(requirements).read_bytes() + sys.version.encode()).hexdigest()[:32]
    kept = Path(os.environ["SANDBOX_PACKAGES"], locked)
    if not kept.is_dir():
        before = {path.name for folder in (site, binaries) for path in folder.iterdir()}
        code = subprocess.call([sys.executable, *sys.orig_argv[1:]], env={**os.environ, _ASIDE: "1"})
        if code == 0:
            _keep(kept, site, binaries, before)
        os._exit(code)
    print(f"Linking the packages of {requirements}, which an earlier build has installed.", flush=True)
    for path in (kept / "site").iterdir():
        (site / path.name).symlink_to(path)
    for path in (kept / "bin").iterdir():
        if path.is_file():  # what was compiled is made again
            _link_program(path, binaries / path.name)
    os._exit(0)


def _keep(kept: Path, site: Path, binaries: Path, before: set[str]) -> None:
    part = kept.with_name(f"{kept.name}.{os.getpid()}")
    for folder, target in ((site, part / "site"), (binaries, part / "bin")):
        target.mkdir(parents=True)
        for path in folder.iterdir():
            if path.name not in before:
                shutil.copytree(path, target / path.name) if path.is_dir() else shutil.copy2(path, target)
    with suppress(OSError):  # another build was faster
        part.rename(kept)
    shutil.rmtree(part, ignore_errors=True)


def _link_program(kept: Path, target: Path) -> None:
    """A script names its environment's Python in the first line; a program that is none is linked."""
    content = kept.read_bytes()
    if not content.startswith(b"#!"):
        target.symlink_to(kept)
        return
    _, _, rest = content.partition(b"\n")
    target.write_bytes(b"#!" + sys.executable.encode() + b"\n" + rest)
    target.chmod(0o755)
