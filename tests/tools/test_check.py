"""`make check-mine`: whatever a company may write is right, whatever it may not is told; no test depends on either."""

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from components.packaging import read_product, seed_code
from components.packaging.whole_template import PARTS
from tests.support.product_samples import DESCRIPTION, make_product, template_with, without_parts
from tests.support.recording import EXAMPLE, ROOT, stack_values
from tests.tools.stack_file_edits import OTHER_PRODUCT, Config, Edit, edited, edits
from tools.check.checks import CHECKS, Mine
from tools.check.command import command

STACKS = ("dev", "prod", "locked-down")
PRODUCTS = ("model-build-train", "model-deploy")
SHARED = ("_parts", *PRODUCTS)
PROGRAM = ("__main__.py", "awsmodel", "components", "settings", "tools")
BY_NAME = {check.name: check for check in CHECKS}


def write(folder: Path, stack: str, config: Config) -> None:
    (folder / f"Pulumi.{stack}.yaml").write_text(yaml.safe_dump({"config": config}, sort_keys=False))


def judged(folder: Path, *names: str) -> list[str]:
    mine = Mine(folder)
    return [fault for name in names for fault in BY_NAME[name].judge(mine).faults]


def add_product(folder: Path, template: str = "", **files: str) -> Path:
    """One more product in a folder of them: the deploy product under another name, and what its repository holds."""
    source, target = ROOT / "seed_code" / "model-deploy", folder / OTHER_PRODUCT
    (target / "repository").mkdir(parents=True)
    if not (folder / PARTS).exists():
        # The code of functions that parts share.
        (folder / PARTS).symlink_to(ROOT / "seed_code" / PARTS)
    description = without_parts((source / "product.yaml").read_text())
    (target / "product.yaml").write_text(description.replace("name: MLOps model deployment", "name: Churn"))
    text = read_product(source).template
    (target / "template.yaml").write_text(text.replace("\nOutputs:\n", f"\n{template}\nOutputs:\n"))
    shutil.copytree(source / "functions", target / "functions")
    for name, content in {"README.md": "# Churn\n", **files}.items():
        (target / "repository" / name).write_text(content)
    return target


@pytest.fixture(scope="module")
def products_and_one_more(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of products: a product beside ours, of another checkout."""
    folder = tmp_path_factory.mktemp("checkout") / "seed_code"
    folder.mkdir()
    for name in SHARED:
        (folder / name).symlink_to(ROOT / "seed_code" / name)
    add_product(folder)
    return folder


@pytest.fixture
def one_product_more(products_and_one_more: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The program finds that folder."""
    monkeypatch.setattr(seed_code, "SEED_CODE", products_and_one_more)


EDITS = [(stack, edit) for stack in STACKS for edit in edits(stack_values(stack))]


@pytest.mark.usefixtures("one_product_more")
@pytest.mark.parametrize(("stack", "edit"), EDITS)
def test_whatever_a_company_writes_into_its_stack_files_is_right(stack: str, edit: Edit, tmp_path: Path) -> None:
    before = stack_values(stack)
    after = edit.change(before)
    assert after != before == stack_values(stack)
    write(tmp_path, stack, after)
    # What the same edit makes of another stack's resources is seen with all edits at once, where it goes with others.
    first = next(one for one, same in EDITS if same.name == edit.name)
    assert judged(tmp_path, "settings", *(["program"] if edit.alone or stack == first else [])) == []


@pytest.mark.usefixtures("one_product_more")
def test_all_edits_at_once_are_right(tmp_path: Path) -> None:
    for stack in STACKS:
        config = edited(stack_values(stack))
        assert OTHER_PRODUCT in config["sm-mlops:catalog"]["products"]
        assert config["sm-mlops:project"] == "acme-ml"
        write(tmp_path, stack, config)
    write(tmp_path, "staging", {**edited(stack_values("dev")), "sm-mlops:environment": "stage"})
    assert judged(tmp_path, "settings", "program", "launches") == []


def checkout(folder: Path, configs: Mapping[str, Config]) -> Path:
    """A checkout of a company: our program, its own stack files, and products of the names that they know."""
    folder.mkdir(exist_ok=True)
    for name in PROGRAM:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name)
        else:
            shutil.copy(ROOT / name, folder / name)
    for slug in PRODUCTS:
        small_product(folder, slug)
    for stack, config in configs.items():
        write(folder, stack, config)
    return folder


def small_product(
    company: Path, slug: str, resources: str = "", makefile: str = "check:\n\ttest -f train.py\n"
) -> None:
    """A product of one repository, which is judged in a second where ours take many."""
    make_product(
        company / "seed_code",
        description=DESCRIPTION.replace("name: Churn", f"name: {slug}"),
        template=template_with(resources=resources),
        files={"train.py": "print()\n", "Makefile": makefile},
        slug=slug,
    )


def check_mine(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "tools", "check", *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    sys.stdout.write(done.stdout + done.stderr)
    return done


def test_what_a_company_edits_passes_the_whole_gate(tmp_path: Path) -> None:
    company = checkout(tmp_path / "company", {"dev": edited(stack_values("dev"))})
    small_product(company, OTHER_PRODUCT)
    done = check_mine(company)
    assert done.returncode == 0
    verdicts = [line.split()[:2] for line in done.stdout.splitlines() if not line.startswith(" ")]
    assert verdicts[: len(CHECKS)] == [["ok", check.name] for check in CHECKS]
    assert "churn, model-build-train, model-deploy" in done.stdout
    assert done.stdout.splitlines()[-2].startswith("All in order")


def test_every_fault_of_everything_is_told_at_once_and_nothing_of_it_as_a_traceback(tmp_path: Path) -> None:
    dev, prod, locked_down = (stack_values(stack) for stack in STACKS)
    dev["sm-mlops:artifacts"]["regions"].append("eu-wst-1")
    dev["sm-mlops:artifacts"]["artifactDays"] = 0
    prod["sm-mlops:sources"] = prod.pop("sm-mlops:source")
    company = checkout(tmp_path, {"dev": dev, "prod": prod, "locked-down": locked_down, "test": stack_values("dev")})
    resources = "Table: {Type: AWS::CodeBuild::Project, Properties: {Nam: x}}\nMore: {Type: AWS::SQS::Queue}\n"
    small_product(company, OTHER_PRODUCT, resources, "check:\n\t@echo its own test fails; exit 1\n")
    (company / "seed_code" / "empty").mkdir()
    (company / "seed_code" / "model-deploy" / "repository" / "Makefile").unlink()
    main = company / "__main__.py"
    main.write_text(main.read_text() + "if pulumi.get_stack() == 'test':\n    pulumi.export('x', {}['absent'])\n")
    done = check_mine(company)
    assert done.returncode == 1
    line = len(main.read_text().splitlines())
    for fault in (
        "Pulumi.dev.yaml has 2 faults:",
        "'eu-wst-1' is not an AWS region; did you mean 'eu-west-1'?",
        "sm-mlops:artifacts.artifactDays: 0 is too small; at least 1",
        "Pulumi.prod.yaml has 2 faults:",
        "sm-mlops:sources: unknown key; did you mean 'source'?",
        f"Pulumi.test.yaml: the program fails: __main__.py:{line}: KeyError: 'absent'",
        "(Pulumi.dev.yaml: not run, its settings have faults)",
        "product folder 'empty' has",
        "product.yaml: is missing",
        "seed_code/churn/template.yaml, line ",
        "'Nam'",
        "AWS::SQS::Queue",
        "seed_code/churn/repository: `make check` fails:",
        "its own test fails",
        "(seed_code/model-deploy/repository has no Makefile, so no checks)",
        "Not in order: settings, products, program, templates, launches, repositories",
    ):
        assert fault in done.stdout, fault
    assert "Traceback" not in done.stdout + done.stderr


def test_a_repository_built_on_another_products_is_checked_as_projects_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    makefile = "check:\n\t@cat own.txt && test -f README.md && test ! -f gone.txt\n"
    base = make_product(tmp_path, slug="base", files={"Makefile": makefile, "README.md": "x\n", "gone.txt": "x\n"})
    description = f"{DESCRIPTION}repository: {{from: base, without: [gone.txt]}}\n"
    folder = make_product(tmp_path, description=description, files={"own.txt": "its own\n"})
    monkeypatch.setattr(seed_code, "SEED_CODE", tmp_path)
    monkeypatch.setattr(seed_code, "product", seed_code.product.__wrapped__)
    (fault,) = judged(tmp_path, "repositories")
    assert fault.startswith("seed_code/base/repository: `make check` fails:")
    assert sorted(path.name for path in (folder / ".repository").iterdir()) == ["Makefile", "README.md", "own.txt"]
    (base / "repository" / "Makefile").write_text(makefile.replace("cat own.txt", "false"))
    assert [one.partition(":")[0] for one in judged(tmp_path, "repositories")] == [
        "seed_code/base/repository",
        "seed_code/churn/.repository",
    ]


def test_a_product_that_no_stack_offers_yet_is_judged_for_whoever_will_launch_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    function = "  Table: {Type: AWS::CodeBuild::Project, Properties: {Name: !Ref SageMakerProjectId}}"
    add_product(tmp_path / "seed_code", function)
    monkeypatch.setattr(seed_code, "SEED_CODE", tmp_path / "seed_code")
    monkeypatch.setattr(seed_code, "product", seed_code.product.__wrapped__)
    values = stack_values("dev")
    values.pop("sm-mlops:catalog")
    write(tmp_path, "dev", values)
    (fault,) = {one for one in judged(tmp_path, "launches") if "codebuild:CreateProject" in one}
    assert fault.startswith("churn: Table (AWS::CodeBuild::Project): the launch role lacks codebuild:CreateProject on ")
    values["sm-mlops:catalog"] = {"products": [OTHER_PRODUCT]}
    write(tmp_path, "dev", values)
    assert any(one.startswith(f"Pulumi.dev.yaml: {fault.partition(' on ')[0]}") for one in judged(tmp_path, "launches"))


def test_the_account_that_a_stack_file_names_is_the_one_that_the_program_finds_itself_in(tmp_path: Path) -> None:
    values: dict[str, Any] = {**stack_values("dev"), "aws:allowedAccountIds": ["999988887777"], "aws:profile": "ours"}
    values["aws:secretKey"] = {"secure": "v1:xxxx"}
    write(tmp_path, "dev", values)
    assert judged(tmp_path, "settings", "program") == []


def test_a_folder_without_stack_files_and_a_file_that_is_none_are_told(tmp_path: Path) -> None:
    assert judged(tmp_path, "settings") == [f"there is no Pulumi.<stack>.yaml in {tmp_path}"]
    (tmp_path / "Pulumi.odd.yaml").write_text("config: 3\n")
    (tmp_path / "Pulumi.worse.yaml").write_text("a: [\n")
    odd, worse = judged(tmp_path, "settings")
    assert "Pulumi.odd.yaml has no section `config`" in odd
    assert "Pulumi.worse.yaml is not YAML" in worse


def test_what_is_told_is_also_a_report_of_tests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for slug in PRODUCTS:
        small_product(tmp_path, slug)
    monkeypatch.setattr(seed_code, "SEED_CODE", tmp_path / "seed_code")
    monkeypatch.setattr(seed_code, "product", seed_code.product.__wrapped__)
    write(tmp_path, "dev", {**stack_values("dev"), "sm-mlops:project": "Acme ML"})
    report = tmp_path / "reports" / "check.xml"
    told = CliRunner().invoke(command, ["--folder", str(tmp_path), "--fast", "--junit", str(report)])
    assert told.exit_code == 1
    text = report.read_text()
    assert 'tests="5" failures="1"' in text
    assert "Pulumi.dev.yaml has 1 fault" in text


def test_no_test_can_read_the_stack_files_that_a_company_edits() -> None:
    for path in (ROOT / "Pulumi.yaml", ROOT / "Pulumi.dev.yaml"):
        with pytest.raises(AssertionError, match="tests stand on tests/example"):
            path.read_text()
    assert (EXAMPLE / "Pulumi.dev.yaml").read_text()
