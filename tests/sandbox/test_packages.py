"""The sandbox runs with the packages of its own list, which are those that the tests run with."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata

import pytest

from tests.sandbox.conftest import REPOSITORY

OWN = ("awsmodel", "components", "sandbox", "settings", "tools")
# Every environment has it.
PIP = "pip"
# These run in environments of their own, as in AWS.
ELSEWHERE = ("airflow_runtime", "build_runtime", "model_runtime")
# Says that `make environment` installs it.
OFFERED = {"tools/template_lint.py": {"cfnlint"}}

BLOCKED = """
import sys
from importlib.abc import MetaPathFinder

class Missing(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name in sys.argv[1:]:
            raise ModuleNotFoundError(f"{name} is not in requirements/sandbox.txt", name=name)

sys.meta_path.insert(0, Missing())
from sandbox.emulator.core import server
server.install()
server.create_app("cloudformation")
"""


def pins(name: str) -> dict[str, str]:
    """What a list pins, by the names of the packages."""
    text = (REPOSITORY / "requirements" / f"{name}.txt").read_text()
    return dict(re.findall(r"^([\w.-]+)==([^\\\n]+)", text, re.MULTILINE))


def imports(node: ast.AST) -> Iterator[str]:
    """Top-level names of all that is imported, wherever, but for what only a checker of types reads."""
    if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
        return
    if isinstance(node, ast.Import):
        yield from (alias.name.partition(".")[0] for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
        yield node.module.partition(".")[0]
    for child in ast.iter_child_nodes(node):
        yield from imports(child)


@pytest.fixture(scope="module")
def provided() -> dict[str, bool]:
    """Whether the sandbox's list has a module, for each one that is installed here."""
    listed = {canonical(name) for name in pins("sandbox")}
    return {
        module: any(canonical(name) in listed for name in names)
        for module, names in metadata.packages_distributions().items()
    }


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_both_lists_agree() -> None:
    assert pins("sandbox").items() < pins("dev").items()


def test_what_the_sandbox_imports_is_in_its_list(provided: dict[str, bool]) -> None:
    files = [REPOSITORY / "__main__.py", *(file for name in OWN for file in (REPOSITORY / name).rglob("*.py"))]
    missing = {}
    for file in files:
        relative = file.relative_to(REPOSITORY)
        if not set(ELSEWHERE) & set(relative.parts):
            known = {*OWN, PIP, *sys.stdlib_module_names, *OFFERED.get(str(relative), ())}
            found = imports(ast.parse(file.read_bytes()))
            missing[str(relative)] = {name for name in found if name not in known and not provided.get(name)}
    assert {file: names for file, names in missing.items() if names} == {}


def test_the_emulator_starts_without_the_packages_of_the_tests(provided: dict[str, bool]) -> None:
    """Those too that moto imports, with the models of all services."""
    missing = sorted(name for name, there in provided.items() if not there and name not in {*OWN, PIP})
    assert "cfnlint" in missing
    command = [sys.executable, "-P", "-c", BLOCKED, *missing]
    done = subprocess.run(command, env={"PYTHONPATH": str(REPOSITORY)}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
