"""Python starts with this in builds: it gives pip a memory, so that what was installed once is there at once.

And `python -m venv` links the build's pip instead of installing one.

Remembered are locked lists only, `pip install --require-hashes -r FILE` into an environment with nothing but pip: there
the file says byte for byte what comes out. Everything else goes to pip as it is.
"""

import sys


def _requirements() -> str:
    """Return the file of a pip command of that form; else nothing."""
    words = sys.orig_argv[1:]
    if words[:2] == ["-m", "pip"]:
        words = words[2:]
    elif words and words[0].rpartition("/")[2] in ("pip", "pip3"):
        words = words[1:]
    else:
        return ""
    known = {
        *("install", "-q", "--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes"),
        *("--only-binary=:all:", "-r"),
    }
    files = [word for word in words if word not in known]
    locked = words[:1] == ["install"] and "--require-hashes" in words and len(files) == 1
    return files[0] if locked and words[words.index(files[0]) - 1] == "-r" else ""


if (_file := _requirements()) and sys.prefix != sys.base_prefix:
    from pip_memory import install  # type: ignore[import-not-found] # it lies beside this file on the path

    install(_file)
if sys.orig_argv[1:3] == ["-m", "venv"]:
    import venv
    from pathlib import Path
    from types import SimpleNamespace

    from linked_pip import link_pip  # type: ignore[import-not-found] # it lies beside this file, too

    def _setup_pip(_self: venv.EnvBuilder, context: SimpleNamespace) -> None:
        link_pip(Path(context.env_dir))

    venv.EnvBuilder._setup_pip = _setup_pip  # type: ignore[method-assign, assignment]
