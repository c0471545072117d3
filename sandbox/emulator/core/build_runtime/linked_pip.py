"""Gives a new environment the pip that is there, by a link: to install one takes two seconds each time."""

import sys
from pathlib import Path


def link_pip(environment: Path) -> None:
    """Put this process's pip into an environment; where that has a pip of its own, it goes before."""
    import pip  # noqa: PLC0415 - who runs nothing needs none

    packages = environment / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    # Beside the packages: a build that installs another pip writes it there, and would write it through a link.
    linked = environment / "linked"
    linked.mkdir(exist_ok=True)
    if not (linked / "pip").exists():
        (linked / "pip").symlink_to(Path(pip.__file__).resolve().parent)
    (packages / "pip.pth").write_text(f"{linked}\n")
    binaries = environment / "bin"
    for name in ("pip", "pip3"):
        (binaries / name).write_text(f'#!/bin/sh\nexec "{binaries}/python" -m pip "$@"\n')
        (binaries / name).chmod(0o755)
