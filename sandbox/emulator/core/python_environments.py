"""Python environments for what the emulated AWS runs on this machine: builds, jobs and models."""

import os
import re
import subprocess
import venv
from pathlib import Path

from sandbox.emulator.core.build_runtime.linked_pip import link_pip
from sandbox.emulator.core.process_group import ProcessGroup

_RUNTIME = Path(__file__).parent / "build_runtime"
# What is taken over from this machine: where programs are, and how the package index is reached.
_KEPT = re.compile(r"PATH|LANG|LC_ALL|TZ|PIP_\w+|\w+_PROXY|SSL_CERT_\w+|REQUESTS_CA_BUNDLE", re.IGNORECASE)


def environment_variables(folder: Path) -> dict[str, str]:
    """Return the environment variables of a process that knows nothing of this machine but the package index.

    Its home and its temporary files are in `folder`. Its pip remembers what it has installed, see `build_runtime`.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "sm-mlops")
    for name in ("home", "tmp"):
        (folder / name).mkdir(exist_ok=True)
    return {
        "PIP_CACHE_DIR": str(cache / "pip"),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        **{name: value for name, value in os.environ.items() if _KEPT.fullmatch(name)},
        "HOME": str(folder / "home"),
        "TMPDIR": str(folder / "tmp"),
        # Threads that train would wait for each other at work, which beside others' work takes ten times the time.
        "OMP_WAIT_POLICY": "passive",
        "PYTHONPATH": str(_RUNTIME),
        "SANDBOX_PACKAGES": str(cache / "packages"),
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
    }


def make(folder: Path) -> Path:
    """Make a Python with nothing but pip, which is the sandbox's; where its programs are."""
    venv.EnvBuilder(symlinks=True, with_pip=False).create(folder)
    link_pip(folder)
    return folder / "bin"


def install(binaries: Path, requirements: Path, environment: dict[str, str], group: ProcessGroup, *options: str) -> str:
    """Install a locked list of packages with options of pip; what pip says where it cannot."""
    command = [str(binaries / "python"), "-m", "pip", "install", "--quiet", *options, "--require-hashes"]
    pip = group.start(
        [*command, "-r", str(requirements)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    said: str = pip.communicate()[0]
    return (said or "it was ended") if pip.returncode else ""
