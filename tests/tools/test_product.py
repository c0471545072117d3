"""A product of one's own begins with one command: small, complete, and right by every check."""

from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from components.packaging import discover, read_product
from tools import product
from tools.cli import commands
from tools.faults import ToolError
from tools.launch_permissions import roles
from tools.launch_permissions.findings import check
from tools.template_lint import template_faults

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return product.make("churn-train", tmp_path_factory.mktemp("seed_code"))


def test_a_new_product_is_named_as_it_was_asked_for(made: Path) -> None:
    read = read_product(made)
    assert (read.slug, read.name, read.notes) == ("churn-train", "churn-train", ())
    left = [path for path in made.rglob("*") if path.is_file() and product.NAME_IN_SKELETON in path.read_text()]
    assert left == []
    assert list(discover(made.parent)) == ["churn-train"]
    assert {file.path for file in read.files} == {"README.md", "buildspec.yml", "test_train.py", "train.py"}


def test_a_new_product_passes_cfn_lint_in_every_kind_of_environment(made: Path) -> None:
    assert template_faults(read_product(made)) == []


@pytest.mark.parametrize("role", roles.of_any_stack(), ids=["own", "shared"])
def test_the_launch_role_can_launch_a_new_product(made: Path, role: roles.LaunchRole) -> None:
    # Others may use what this one does not.
    assert check([read_product(made)], replace(role, exact=False)).passed


def test_the_command_tells_what_it_made_and_what_to_do_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(product, "SEED_CODE", tmp_path)
    told = CliRunner().invoke(commands, ["product", "new", "churn-train"])
    assert told.exit_code == 0, told.output
    lines = told.output.splitlines()
    assert lines[0] == "Made seed_code/churn-train: product.yaml, template.yaml, and repository/ with 4 files."
    assert [line[:5] for line in lines[1:]] == ["Next:", "  1. ", "  2. ", "  3. ", "  4. ", "  5. "]
    assert "- churn-train" in told.output


def test_templates_are_written_beside_whatever_lies_in_the_folder(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.dev.yaml").write_text("config: {}\n")
    told = CliRunner().invoke(commands, ["product", "templates", str(tmp_path)])
    assert told.exit_code == 0, told.output
    assert (tmp_path / "Pulumi.dev.yaml").read_text() == "config: {}\n"
    assert "AWSTemplateFormatVersion" in (tmp_path / "model-deploy.yaml").read_text()


REFUSED = {
    "": "give the product a name: `make product NAME=acme-train`",
    "Churn_Train": "'Churn_Train' cannot be a product's name: lower-case letters, digits and single dashes, a letter "
    "first, at most 40; did you mean 'churn-train'?",
    "2churn": "'2churn' cannot be a product's name: lower-case letters, digits and single dashes, a letter first, at "
    "most 40",
    "../churn": "'../churn' cannot be a product's name: lower-case letters, digits and single dashes, a letter first, "
    "at most 40; did you mean 'churn'?",
    "churn-train": "there is a seed_code/churn-train already; choose another name (in use: churn-train)",
}


@pytest.mark.parametrize(("name", "reason"), REFUSED.items())
def test_a_name_that_cannot_be_one_or_is_in_use_is_refused(made: Path, name: str, reason: str) -> None:
    before = sorted(made.parent.iterdir())
    with pytest.raises(ToolError) as refused:
        product.make(name, made.parent)
    assert str(refused.value) == reason
    assert sorted(made.parent.iterdir()) == before


def test_a_run_that_was_cut_off_is_made_good_by_the_next(tmp_path: Path) -> None:
    (tmp_path / ".churn" / "repository").mkdir(parents=True)
    (tmp_path / ".churn" / "repository" / "half").write_text("x")
    folder = product.make("churn", tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["churn"]
    assert not (folder / "repository" / "half").exists()


def test_make_has_the_command() -> None:
    makefile = (ROOT / "Makefile").read_text()
    assert "\nproduct: environment ## " in makefile
    assert 'tools product new "$(NAME)"' in makefile
