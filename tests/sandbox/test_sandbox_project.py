"""The sandbox's copy of the project: complete, without ties to an account, and apart from its original."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox.faults import SandboxError
from sandbox.project import Project

PLUGINS = {"providers": {"aws": Path("/plugins/aws")}}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    source = tmp_path / "source"
    source.mkdir()
    (source / "Pulumi.yaml").write_text("name: p\nruntime: python\nbackend: {url: s3://company-state}\n")
    (source / "Pulumi.dev.yaml").write_text("config:\n  aws:region: eu-west-1\n  p:word: one\n")
    return Project(source=source, target=tmp_path / "copy", program=tmp_path / "program")


def copied(project: Project, name: str) -> dict[str, Any]:
    project.sync(PLUGINS)
    content: dict[str, Any] = yaml.safe_load((project.target / name).read_text())
    return content


def test_the_copy_runs_the_program_with_the_sandboxs_plugins(project: Project) -> None:
    settings = copied(project, "Pulumi.yaml")
    assert settings["main"] == str(project.program)
    assert settings["plugins"] == {"providers": [{"name": "aws", "path": "/plugins/aws"}]}
    assert "backend" not in settings


def test_a_project_with_a_program_keeps_it(project: Project) -> None:
    (project.source / "__main__.py").touch()
    assert copied(project, "Pulumi.yaml")["main"] == str(project.source)
    (project.source / "Pulumi.yaml").write_text("name: p\nruntime: python\nmain: ../elsewhere\n")
    assert copied(project, "Pulumi.yaml")["main"] == str(project.source.parent / "elsewhere")


def test_ties_to_a_real_account_are_left_out(project: Project) -> None:
    (project.source / "Pulumi.dev.yaml").write_text(
        "secretsprovider: awskms://alias/company\nencryptedkey: abc\nencryptionsalt: real\n"
        "config:\n  aws:region: eu-west-1\n  aws:allowedAccountIds: ['111122223333']\n  aws:profile: work\n"
    )
    assert copied(project, "Pulumi.dev.yaml") == {"config": {"aws:region": "eu-west-1"}}


def test_the_salt_stays_and_every_other_change_to_the_copy_goes(project: Project) -> None:
    project.sync(PLUGINS)
    copy = project.target / "Pulumi.dev.yaml"
    copy.write_text("encryptionsalt: v1:abc\nconfig:\n  p:word: changed\n")
    assert copied(project, "Pulumi.dev.yaml") == {
        "config": {"aws:region": "eu-west-1", "p:word": "one"},
        "encryptionsalt": "v1:abc",
    }


def test_a_stack_file_that_is_gone_goes_from_the_copy(project: Project) -> None:
    (project.source / "Pulumi.old.yaml").write_text("config: {}\n")
    project.sync(PLUGINS)
    (project.source / "Pulumi.old.yaml").unlink()
    project.sync(PLUGINS)
    assert sorted(path.name for path in project.target.iterdir()) == [
        "Pulumi.dev.yaml",
        "Pulumi.yaml",
        "copied-stack-files",
    ]


def test_a_stack_file_that_is_no_copy_is_left_alone(project: Project) -> None:
    """A deployment test writes its own beside them."""
    project.sync(PLUGINS)
    (project.target / "Pulumi.test-one-t01234.yaml").write_text("config: {}\n")
    project.sync(PLUGINS)
    assert (project.target / "Pulumi.test-one-t01234.yaml").read_text() == "config: {}\n"


@pytest.mark.parametrize("damage", ["a: [", "", "\0\x01", "encryptionsalt: [1]\n"])
def test_a_damaged_copy_is_made_anew(project: Project, damage: str) -> None:
    project.sync(PLUGINS)
    for name in ("Pulumi.yaml", "Pulumi.dev.yaml", "copied-stack-files"):
        (project.target / name).write_text(damage)
    assert copied(project, "Pulumi.dev.yaml") == {"config": {"aws:region": "eu-west-1", "p:word": "one"}}
    assert copied(project, "Pulumi.yaml")["main"] == str(project.program)


@pytest.mark.parametrize(
    ("text", "message"),
    [("a: [", "is not YAML"), ("a: 2026-13-01", "is not YAML"), ("- a", "holds no settings"), (None, "does not exist")],
)
def test_a_broken_project_is_named(project: Project, text: str | None, message: str) -> None:
    path = project.source / "Pulumi.yaml"
    path.unlink() if text is None else path.write_text(text)
    with pytest.raises(SandboxError, match=f"{path} {message}"):
        project.sync(PLUGINS)
