"""Types end nowhere between a stack file and a resource: what is changed on one side only, mypy sees.

Each case changes a copy of the program in one place. Before the sections were what components are made from, the first
three passed: settings went through mappings of anything.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.recording import ROOT

PROGRAM = ("__main__.py", "awsmodel", "components", "settings")

Check = Callable[[str, str, str], str]
"""`check(file, old, new)`: what mypy says of the program in which one text of one file is another."""


def without_unused_services(program: Path) -> str:
    """Settings by which mypy leaves alone what the program does not use of the AWS plugin: nine tenths of its work."""
    used = {name for path in program.rglob("*.py") for name in re.findall(r"\baws\.(\w+)", path.read_text())}
    package = Path(sysconfig.get_path("purelib"), "pulumi_aws")
    unused = sorted({folder.name for folder in package.iterdir() if folder.is_dir()} - used)
    modules = json.dumps([f"pulumi_aws.{name}.*" for name in unused])
    return f'\n[[tool.mypy.overrides]]\nmodule = {modules}\nfollow_imports = "skip"\n'


@pytest.fixture(scope="module")
def check(tmp_path_factory: pytest.TempPathFactory) -> Check:
    """A copy of the program with a cache that all cases share: only the first run reads all that the program uses."""
    copy, cache = tmp_path_factory.mktemp("program"), tmp_path_factory.mktemp("cache")
    for name in (*PROGRAM, "pyproject.toml"):
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, copy)
    with (copy / "pyproject.toml").open("a") as file:
        file.write(without_unused_services(copy))

    def mypy() -> str:
        # A process each time: one that types many programs keeps what it has learnt of each of them.
        options = ["--config-file", str(copy / "pyproject.toml"), "--cache-dir", str(cache)]
        command = [sys.executable, "-P", "-m", "mypy", *options, *(str(copy / name) for name in PROGRAM)]
        done = subprocess.run(
            command, check=False, cwd=copy, env=os.environ | {"MYPYPATH": str(copy)}, capture_output=True, text=True
        )
        assert not done.stderr, done.stderr
        return done.stdout

    def checked(file: str, old: str, new: str) -> str:
        path: Path = copy / file
        text = path.read_text()
        assert text.count(old) == 1, f"{file} has {old!r} {text.count(old)} times: write the case anew"
        path.write_text(text.replace(old, new))
        try:
            return mypy()
        finally:
            path.write_text(text)

    assert "no issues found" in mypy()
    return checked


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        pytest.param(
            "components/sections/artifacts.py",
            "    artifact_days: Days",
            "    days: Days",
            id="a section's field renamed",
        ),
        pytest.param(
            "components/sections/artifacts.py",
            "artifact_days: Days = 90",
            'artifact_days: str = "ninety"',
            id="a section's field of another type",
        ),
        pytest.param(
            "components/sections/source.py",
            "    approvals: Annotated[int, Field(ge=0, le=10)] = 1\n",
            "",
            id="a section's field deleted",
        ),
        pytest.param(
            "__main__.py", "spec=stack.artifacts", "spec=stack.source", id="a component given another section"
        ),
        pytest.param("__main__.py", "spec=stack.notifications", "spec=None", id="a component given no section"),
        pytest.param("__main__.py", "iam=stack.iam, source=source", "source=source", id="an argument left out"),
        pytest.param(
            "settings/schema.py",
            "    catalog: CatalogSpec | None = None",
            "    catalog: object = None",
            id="a section untyped",
        ),
        pytest.param(
            "components/sections/catalog.py", "    keep_versions:", "    kept:", id="a field of a nested component"
        ),
        pytest.param(
            "components/sections/delivery.py",
            "    window: Annotated[str, Field(min_length=1, max_length=200)] | None = None",
            "    window: int | None = None",
            id="a field of a list's entries",
        ),
        pytest.param(
            "components/core/environment.py",
            "    key_deletion_days:",
            "    deletion_days:",
            id="what the environment shares",
        ),
        pytest.param("components/core/network.py", "    subnet_ids:", "    subnets:", id="a network's field"),
        pytest.param(
            "components/sections/iam.py",
            "    role_arns: Mapping[UseRole, RoleArn]",
            "    role_arns: str",
            id="supplied roles",
        ),
        pytest.param(
            "settings/schema.py", "networks=self.network,", "networks=self.tags,", id="a mapping of something else"
        ),
    ],
)
def test_a_change_on_one_side_of_the_seam_does_not_type(check: Check, file: str, old: str, new: str) -> None:
    assert "error:" in check(file, old, new)
