"""The tools read a stack's file as the program does, without an engine."""

from pathlib import Path

import pytest

import settings
from components.packaging import Product, ProductFolderError, seed_code
from components.packaging.faults import Fault
from tests.support.recording import EXAMPLE, stack_values
from tools.faults import ToolError
from tools.stack_file import StackFile


@pytest.mark.parametrize("stack", ["dev", "prod", "locked-down"])
def test_a_file_gives_the_settings_of_the_program(stack: str) -> None:
    assert StackFile(stack, EXAMPLE).settings == settings.parse(stack_values(stack), stack)


def test_a_missing_file_is_named_with_those_that_are_there() -> None:
    with pytest.raises(ToolError, match=r"no Pulumi\.nowhere\.yaml .*: dev, locked-down, prod"):
        _ = StackFile("nowhere", EXAMPLE).values


@pytest.mark.parametrize("text", ["a: [", "- a", "config: 3", ""])
def test_a_file_without_configuration_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "Pulumi.odd.yaml").write_text(text)
    with pytest.raises(ToolError, match=r"Pulumi\.odd\.yaml"):
        _ = StackFile("odd", tmp_path).values


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"config:\n  a: [\n", r'is not YAML: .* in "\S*Pulumi\.odd\.yaml", line 3, column 1$'),
        (b"config:\n  a: \x07\n", r"is not YAML: .*control characters are not allowed"),
        (b"config:\n  a: 2026-13-01\n", r"is not YAML: month must be in 1\.\.12"),
        (b"#" * 20_000 + b"\nconfig: \xff\n", r'is not YAML: .*UTF-8.* in "\S*Pulumi\.odd\.yaml", position 20009$'),
    ],
    ids=["no end", "character", "date", "encoding"],
)
def test_a_file_that_cannot_be_read_says_why_in_one_line(tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "Pulumi.odd.yaml"
    path.write_bytes(content)
    with pytest.raises(ToolError, match=rf"^{path} {told}") as raised:
        _ = StackFile("odd", tmp_path).values
    assert "\n" not in str(raised.value)


def test_a_folder_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ToolError, match=r"Pulumi\.odd\.yaml cannot be read: Not a directory"):
        _ = StackFile("odd", tmp_path / "file").values


def test_encrypted_credentials_are_not_taken_for_plain_ones(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.odd.yaml").write_text("config:\n  aws:region: eu-west-1\n  aws:secretKey: {secure: v1:abc}\n")
    access = StackFile("odd", tmp_path).access
    assert access.values == {"region": "eu-west-1"}


def test_what_is_wrong_with_a_product_hinders_a_deployment_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def product(slug: str) -> Product:
        raise ProductFolderError(slug, [Fault("template.yaml", 3, "is not YAML")])

    monkeypatch.setattr(seed_code, "product", product)
    file = StackFile("dev", EXAMPLE)
    assert file.settings.catalog is not None
    with pytest.raises(settings.SettingsError, match=r"seed_code/model-deploy/template\.yaml, line 3: is not YAML"):
        file.check()
