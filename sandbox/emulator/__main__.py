"""`python -m sandbox.emulator --info FILE`: serve the emulated AWS until SIGTERM."""

import argparse
import gc
import os
from pathlib import Path

_NEW_OBJECTS = 100_000
"""So many live ones more, and cycles are looked for: moto's own hundreds of thousands stay as they are."""


def main() -> None:
    """Read the command line and serve; FILE is written once requests are answered."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.emulator", description=__doc__)
    parser.add_argument("--info", type=Path, required=True, help="JSON file to write: pid, url, instance")
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1 (default: a free one)")
    parser.add_argument("--stack-files", type=Path, help="folder of the stack files that a browser sees")
    arguments = parser.parse_args()
    info, stack_files = arguments.info.resolve(), arguments.stack_files and arguments.stack_files.resolve()
    # The folder of whoever starts it may be gone before it ends, and a function's process, as git, would not start.
    os.chdir(Path(__file__).parents[2])
    gc.set_threshold(_NEW_OBJECTS, 20, 20)
    # moto reads it when it is imported. Keys of a role say whose account they are of; with it all would be of one.
    os.environ.pop("MOTO_ACCOUNT_ID", None)
    from sandbox.emulator.core.server import serve  # noqa: PLC0415

    serve(arguments.port, info, stack_files)


if __name__ == "__main__":
    main()
