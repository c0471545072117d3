"""Code of functions stands in files of its own, and whole in what is published."""

from pathlib import Path

import pytest

from components.packaging import ProductFolderError, read_product
from tests.support.product_samples import TEMPLATE, make_product, write_files

FUNCTION = """
  CleanUp:
    Type: AWS::Lambda::Function
    Properties:
      Handler: index.handler
      Code:
        ZipFile: functions/clean_up.py
      Runtime: python3.13
"""
CODE = 'import time\n\n\ndef handler(event, context):\n    print("gone: %s" % event)  # "quoted" and: odd\n'
VALUES = {"Seed": {"Bucket": "b", "Key": "k"}, "Names": {"Project": "p"}}


def folder_with(tmp_path: Path, files: dict[str, str | bytes]) -> Path:
    folder = make_product(tmp_path, template=TEMPLATE + FUNCTION)
    (folder / "functions").mkdir()
    write_files(folder / "functions", files)
    return folder


def test_what_is_published_holds_the_code_and_is_otherwise_as_it_is_written(tmp_path: Path) -> None:
    product = read_product(folder_with(tmp_path, {"clean_up.py": CODE}))
    text = product.render(VALUES)
    assert "ZipFile: |\n          import time\n\n\n          def handler(event, context):\n" in text
    code = text.split("ZipFile: |\n")[1].split("      Runtime:")[0]
    assert "".join(line[10:] if line.strip() else "\n" for line in code.splitlines(keepends=True)) == CODE


def test_other_code_is_another_version_and_is_told_as_a_changed_file(tmp_path: Path) -> None:
    before = read_product(folder_with(tmp_path / "a", {"clean_up.py": CODE}))
    after = read_product(folder_with(tmp_path / "b", {"clean_up.py": f"{CODE}\n# more\n"}))
    assert before.content_digest != after.content_digest
    changed = {path for path in after.manifest if before.manifest[path] != after.manifest[path]}
    assert changed == {"functions/clean_up.py"}


def test_what_functions_share_stands_where_they_import_it(tmp_path: Path) -> None:
    shared = tmp_path / "_parts" / "functions"
    shared.mkdir(parents=True)
    (shared / "ends.py").write_text("def end() -> None:\n    print('gone')\n")
    own = "import time\nfrom datetime import UTC\nfrom ends import end\n\n\ndef handler(event, context):\n    end()\n"
    folder = folder_with(tmp_path, {"clean_up.py": own})
    code = read_product(folder).functions["functions/clean_up.py"]
    names: dict[str, object] = {}
    exec(code, names)  # noqa: S102 - written above
    assert {"end", "handler", "UTC"} <= names.keys()
    assert "from ends" not in code
    (shared / "ends.py").write_bytes(b"\xff")
    with pytest.raises(ProductFolderError, match=r"imports _parts/functions/ends\.py, which is not UTF-8 text"):
        read_product(folder)


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({}, "template.yaml, line 24: functions/clean_up.py is missing; the function's code stands there"),
        ({"clean_up.py": b"\xff"}, "template.yaml, line 24: functions/clean_up.py is not UTF-8 text: byte 0 is 0xff"),
        (
            {"clean_up.py": "#" * 4_194_305},
            "template.yaml, line 24: functions/clean_up.py has 4,194,305 bytes; Lambda takes 4,194,304 in a template",
        ),
        (
            {"clean_up.py": CODE, "other.py": CODE},
            "template.yaml: no function has `ZipFile: functions/other.py`; name the file there, or delete it",
        ),
    ],
    ids=["missing", "not text", "too long", "unused"],
)
def test_code_that_cannot_be_put_in_is_refused_where_it_is_named(
    tmp_path: Path, files: dict[str, str | bytes], reason: str
) -> None:
    with pytest.raises(ProductFolderError) as raised:
        read_product(folder_with(tmp_path, files))
    assert [str(fault) for fault in raised.value.faults] == [reason]


def test_code_that_a_product_has_not_is_that_of_the_product_that_its_repository_is_built_on(tmp_path: Path) -> None:
    folder_with(tmp_path, {"clean_up.py": CODE, "other.py": CODE})
    derived = make_product(tmp_path, slug="derived", template=TEMPLATE + FUNCTION)
    description = derived / "product.yaml"
    description.write_text(f"{description.read_text()}repository: {{from: churn}}\n")
    assert read_product(derived).functions == {"functions/clean_up.py": CODE}
    (derived / "functions").mkdir()
    write_files(derived / "functions", {"clean_up.py": f"# own\n{CODE}"})
    assert read_product(derived).functions == {"functions/clean_up.py": f"# own\n{CODE}"}
