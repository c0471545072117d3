"""Gives a new environment the pip that is there, by a link: to install one takes two seconds each time."""

import sys
from pathlib import Path


def link_pip(environment: Path) -> None:
    """Put this process's pip into an environment that has none."""
    import pip  # noqa: PLC0415 - who runs nothing needs none

    packages = environment / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    (packages / "pip").symlink_to(Path(pip.__file__).parent)
    binaries = environment / "bin"
    for name in ("pip", "pip3"):
        (binaries / name).write_text(f'#!/bin/sh\nexec "{binaries}/python" -m pip "$@"\n')
        (binaries / name).chmod(0o755)
