"""`python -m tools`."""

import shlex
import sys

_OWN = ("components", "settings", "tools")


def _run() -> None:
    """Run the command line; a Python that cannot is told from a fault of ours."""
    if sys.version_info < (3, 11):  # noqa: UP036 - whoever calls this may have any Python
        _refuse("is older than 3.11")
    try:
        from tools.cli import main  # noqa: PLC0415 - what it needs may not be there

        main()
    except ModuleNotFoundError as error:
        name = (error.name or "").partition(".")[0]
        if name in _OWN:
            raise
        _refuse(f"does not have the package {name}")


def _refuse(why: str) -> None:
    command = shlex.join([".venv/bin/python", "-m", "tools", *sys.argv[1:]])
    print(f"error: {sys.executable} {why}: run `make environment` once, and then `{command}`", file=sys.stderr)  # noqa: T201 - click may be what is missing
    sys.exit(2)


_run()
