"""Which Pulumi engine is chosen, and how one is built; with programs that only look like Go and Pulumi."""

import os
import sys
from pathlib import Path

import pytest
import yaml

from sandbox import pulumi_engine
from sandbox.faults import EngineUnavailableError
from tests.support.recording import EXAMPLE


def program(path: Path, script: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def install_official(folder: Path, version: str) -> Path:
    program(folder / "pulumi-language-python", "")
    return program(folder / "pulumi", f"echo {version}")


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """An environment with an empty cache and a PATH of one empty folder."""
    (tmp_path / "bin").mkdir(exist_ok=True)
    return {"PATH": str(tmp_path / "bin"), "XDG_CACHE_HOME": str(tmp_path / "cache")}


@pytest.fixture
def go(tmp_path: Path) -> Path:
    """A `go` whose build writes its environment where the engine should be."""
    build = 'while [ "$1" != -o ]; do shift; done; /usr/bin/env > "$2"; echo compiled'
    answers = "version) echo go1.99.0 ;; list) echo go: downloading one; echo one; echo two ;;"
    return program(tmp_path / "bin" / "go", f'case "$1" in {answers} *) {build} ;; esac')


def test_no_engine_at_hand(environment: dict[str, str]) -> None:
    assert pulumi_engine.find(environment) is None


@pytest.mark.parametrize("version", [pulumi_engine.OLDEST_VERSION, "v3.1000.0", "v4.0.0"])
def test_an_official_engine_that_is_new_enough_is_chosen(
    environment: dict[str, str], tmp_path: Path, version: str
) -> None:
    executable = install_official(tmp_path / "bin", version)
    assert pulumi_engine.find(environment) == pulumi_engine.Engine(executable=executable, official=True)


@pytest.mark.parametrize("version", ["v3.258.9", "v2.999.0", "", "no version at all"])
def test_an_official_engine_that_is_too_old_or_broken_is_not(
    environment: dict[str, str], tmp_path: Path, version: str
) -> None:
    install_official(tmp_path / "bin", version)
    assert pulumi_engine.find(environment) is None


def test_the_oldest_official_engine_is_the_one_that_projects_require() -> None:
    required = yaml.safe_load((EXAMPLE / "Pulumi.yaml").read_text())["requiredPulumiVersion"]
    assert required == f">={pulumi_engine.OLDEST_VERSION.removeprefix('v')}"


def test_a_pulumi_without_its_language_host_is_passed_over(environment: dict[str, str], tmp_path: Path) -> None:
    program(tmp_path / "bin" / "pulumi", "echo v9.0.0")
    assert pulumi_engine.find(environment) is None
    official = install_official(tmp_path / "official", "v9.0.0")
    environment["PATH"] += os.pathsep + str(tmp_path / "official")
    assert pulumi_engine.find(environment) == pulumi_engine.Engine(executable=official, official=True)


@pytest.mark.usefixtures("go")
def test_an_engine_is_built_once_without_registry_names_or_a_compiler(environment: dict[str, str]) -> None:
    engine = pulumi_engine.obtain(environment)
    assert not engine.official
    assert pulumi_engine.pinned_version() in str(engine.executable)
    written = engine.executable.read_text().splitlines()
    assert {"CGO_ENABLED=0", "GOTOOLCHAIN=local", "GOWORK=off"} <= set(written)
    assert not [line for line in written if line.startswith("GOPROXY=")]
    assert sorted(path.name for path in engine.executable.parent.iterdir()) == ["lock", "pulumi"]
    environment["PATH"] = ""
    assert pulumi_engine.obtain(environment) == engine


def test_an_interrupted_build_is_not_taken_for_an_engine(environment: dict[str, str], go: Path) -> None:
    working = go.read_text()
    go.write_text(working.replace("echo compiled", "echo out of memory; exit 2"))
    with pytest.raises(EngineUnavailableError, match=r"`go build \.\.\.` ended with code 2:\n  out of memory\nInstall"):
        pulumi_engine.obtain(environment)
    assert pulumi_engine.find(environment) is None
    go.write_text(working)
    assert pulumi_engine.find(environment) is None
    assert pulumi_engine.obtain(environment).executable.exists()


def test_an_old_go_is_replaced_by_the_packaged_one(
    environment: dict[str, str], go: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    packaged = go.read_text()
    go.write_text(packaged.replace("go1.99.0", "go1.20.0"))
    source = program(tmp_path / "packaged-go", packaged.removeprefix("#!/bin/sh\n"))
    # Acts as `python -m pip install --target FOLDER`.
    script = f'while [ "$1" != --target ]; do shift; done; /bin/mkdir -p "$2/go/bin"; /bin/cp {source} "$2/go/bin/go"'
    monkeypatch.setattr(sys, "executable", str(program(tmp_path / "python", script)))
    assert pulumi_engine.obtain(environment).executable.exists()


def test_a_cache_that_cannot_be_written_is_named(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("in the way")
    with pytest.raises(EngineUnavailableError, match="Set XDG_CACHE_HOME"):
        pulumi_engine.obtain(environment)
