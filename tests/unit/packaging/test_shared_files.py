"""A repository that is built on another product's: the base's files, and the folder's own before them."""

from pathlib import Path

import pytest

from components.packaging import Product, read_product
from components.packaging.seed_files import read_seed_files, write_files
from tests.support.product_samples import DESCRIPTION, FILES, faults_of, make_product
from tests.support.product_samples import write_files as write

BASE = {**FILES, ".gitignore": "*.log\n", "tests/test_train.py": "# tests\n", "tests/deep/more.py": "# more\n"}


def built_on(root: Path, repository: str = "{from: base}", more: str = "", **files: str) -> Path:
    """The folder of a product that is built on another, with these files of its own."""
    if not (root / "base").exists():
        make_product(root, slug="base", files=BASE)
    description = f"{DESCRIPTION}repository: {repository}\n{more}"
    return make_product(
        root, description=description, files={name.replace("__", "/"): text for name, text in files.items()}
    )


def contents(product: Product) -> dict[str, str]:
    return {file.path: file.content.decode() for file in product.files}


def test_a_repository_is_the_bases_files_with_the_own_before_them(tmp_path: Path) -> None:
    product = read_product(built_on(tmp_path, **{"README.md": "# Own\n", "own.py": "# own\n"}))
    assert contents(product) == {**BASE, "README.md": "# Own\n", "own.py": "# own\n"}
    assert [file.path for file in product.files] == sorted(contents(product))


def test_a_product_may_have_no_file_of_its_own(tmp_path: Path) -> None:
    folder = built_on(tmp_path)
    (folder / "repository").rmdir()
    product = read_product(folder)
    assert contents(product) == BASE
    assert product.seed_zip() == read_product(tmp_path / "base").seed_zip()


def test_files_and_folders_of_the_base_are_left_out(tmp_path: Path) -> None:
    product = read_product(
        built_on(tmp_path, "{from: base, without: [tests/, src/train.py]}", **{"tests__own.py": "# o\n"})
    )
    assert set(contents(product)) == {"README.md", ".gitignore", "tests/own.py"}


def test_the_ignore_rules_of_both_hold_and_the_own_decide(tmp_path: Path) -> None:
    own = {".gitignore": "tests/\n!kept.log\n", "lost.log": "x\n", "kept.log": "x\n"}
    product = read_product(built_on(tmp_path, **own))
    assert set(contents(product)) == {".gitignore", "README.md", "src/train.py", "kept.log"}


def test_an_own_link_may_lead_to_a_file_of_the_base(tmp_path: Path) -> None:
    folder = built_on(tmp_path)
    (folder / "repository" / "link.py").symlink_to("src/train.py")
    assert contents(read_product(folder))["link.py"] == BASE["src/train.py"]


def test_a_change_of_the_base_is_one_of_each_product_on_it_and_told_by_its_file(tmp_path: Path) -> None:
    folder = built_on(tmp_path, **{"own.py": "# own\n"})
    before = read_product(folder)
    write(tmp_path / "base" / "repository", {"src/train.py": "print('better')\n", "README.md": "# B\n"})
    after = read_product(folder)
    assert before.content_version != after.content_version
    changed = {path for path in after.manifest if before.manifest.get(path) != after.manifest[path]}
    assert changed == {"../base/repository/src/train.py", "../base/repository/README.md"}
    assert "repository/own.py" in after.manifest


def test_faults_name_the_file_where_it_lies(tmp_path: Path) -> None:
    folder = built_on(tmp_path, **{"own/id_rsa": "", "ok.py": "# ok\n"})
    write(tmp_path / "base" / "repository", {"empty.py": ""})
    (tmp_path / "base" / "repository" / "src" / "train.py").chmod(0o755)
    told = [fault.partition(": ")[0] for fault in faults_of(folder)]
    assert {"../base/repository/empty.py", "../base/repository/src/train.py", "repository/own/id_rsa"} == set(told)


FAULTS = {
    "no such product": ("{from: bass}", "repository.from: 'bass' is not allowed; did you mean 'base'? (allowed: base)"),
    "itself": ("{from: churn}", "repository.from: 'churn' is not allowed (allowed: base)"),
    "no base": ("{without: [a]}", "repository.without: leaves out files of a base, and repository.from names none"),
    "unused": (
        "{from: base, without: [tests/absent.py, x.log]}",
        "repository.without: base has no file or folder 'tests/absent.py' in its repository/; take it out",
    ),
}


@pytest.mark.parametrize(("repository", "fault"), FAULTS.values(), ids=FAULTS)
def test_a_base_that_cannot_be_is_told(tmp_path: Path, repository: str, fault: str) -> None:
    assert f"product.yaml: {fault}" in faults_of(built_on(tmp_path, repository))


@pytest.mark.parametrize("path", ["/etc", "../x", "a//b", "a/./b", "/", "a\\\\b"])
def test_a_path_that_leaves_the_base_is_refused(tmp_path: Path, path: str) -> None:
    (fault,) = faults_of(built_on(tmp_path, f'{{from: base, without: ["{path}"]}}', **{"README.md": "x\n"}))
    assert fault.startswith("product.yaml, line 9: repository.without: ")
    assert "is not a path from the root of the base's repository/" in fault


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        ("seed: none\n", "base says `seed: none`, so no project gets its files; name another product"),
        ("repository: {from: churn}\n", "base is built on churn itself; name a product whose files are all its own"),
        ("x: [\n", "the product.yaml of base cannot be read; mend it first"),
    ],
)
def test_a_base_that_has_no_files_of_its_own_to_give_is_told(tmp_path: Path, more: str, fault: str) -> None:
    make_product(tmp_path, slug="base", description=DESCRIPTION + more)
    assert faults_of(built_on(tmp_path, **{"README.md": "x\n"})) == [f"product.yaml: repository.from: {fault}"]


def test_a_folder_is_brought_to_hold_the_files_and_keeps_its_environment(tmp_path: Path) -> None:
    folder = tmp_path / "whole"
    write(folder, {".venv/installed": "", "old.py": "x", "README.md": "# Churn\n", "src": "once a file"})
    written = (folder / "README.md").stat().st_mtime_ns
    files = read_seed_files(make_product(tmp_path) / "repository", lambda *_: None)
    write_files(folder, files)
    assert {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} == {
        *FILES,
        ".venv/installed",
    }
    assert (folder / "README.md").stat().st_mtime_ns == written
