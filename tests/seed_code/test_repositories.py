"""Each product's repository passes its own `make check`, in an environment of its own.

The first run installs that environment into the repository's `.venv`, from the package index; later ones need no
network. A repository without a Makefile has no checks.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORIES = [path.parent for path in sorted((Path(__file__).parents[2] / "seed_code").glob("*/repository/Makefile"))]
# A person's own make, Python and pytest settings are not part of the repository; neither is the make that runs this.
FOREIGN = ("MAKE", "MFLAGS", "PYTEST", "PYTHON", "VIRTUAL_ENV", "AWS_")


@pytest.mark.parametrize("repository", REPOSITORIES, ids=lambda repository: repository.parent.name)
def test_a_repository_passes_its_own_checks(repository: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    done = subprocess.run(
        ["make", "check", f"PYTHON={sys.executable}"],
        cwd=repository,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"make check in {repository}:\n{done.stdout}"
