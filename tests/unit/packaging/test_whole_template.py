"""A template is put together with the parts that it shares, and every line of it knows where it stands."""

from pathlib import Path

import pytest

from components.packaging import read_product, seed_code
from components.packaging.product_description import TemplateParts
from components.packaging.seed_code import SEED_CODE
from components.packaging.whole_template import WholeTemplate, read_whole_template
from tests.seed_code.product_templates import PRODUCTS
from tests.support.product_samples import DESCRIPTION, TEMPLATE, faults_of, make_product

PART = """\
# What it is for.
Resources:
  # The bucket.
  Bucket:
    Type: AWS::S3::Bucket
    Properties: {BucketName: !Sub "sagemaker-${SageMakerProjectId}-<short>"}

Outputs:
  Bucket: {Value: !Ref Bucket}
"""


def made_of(
    root: Path, template: str = "{parts: [data], values: {short: build}}", own: str = TEMPLATE, **parts: str
) -> Path:
    (root / "_parts").mkdir(parents=True)
    for name, text in (parts or {"data": PART}).items():
        (root / "_parts" / f"{name}.yaml").write_text(text)
    return make_product(root, description=f"{DESCRIPTION}template: {template}\n", template=own)


def test_what_is_published_is_one_whole_template(tmp_path: Path) -> None:
    product = read_product(made_of(tmp_path))
    head, resources = TEMPLATE.split("Resources:\n")
    bucket = PART.split("Resources:\n")[1].split("\n\nOutputs:\n", maxsplit=1)[0].replace("<short>", "build")
    assert product.template == f"{head}Resources:\n{bucket}\n\n{resources}Outputs:\n  Bucket: {{Value: !Ref Bucket}}\n"
    assert [product.whole.place(line) for line in (1, 12, 13, 14, 18, 19, 22, 23)] == [
        ("template.yaml", 1),
        ("template.yaml", 12),
        ("../_parts/data.yaml", 3),
        ("../_parts/data.yaml", 4),
        ("template.yaml", 13),
        ("template.yaml", 14),
        ("template.yaml", 17),
        ("../_parts/data.yaml", 8),
    ]


def test_a_fault_of_a_part_is_told_with_its_file_and_line(tmp_path: Path) -> None:
    part = PART.replace("!Ref Bucket", "!Ref Buket").replace("${SageMakerProjectId}", "111122223333")
    told = [fault.partition(": ")[0] for fault in faults_of(made_of(tmp_path, data=part))]
    assert set(told) == {"../_parts/data.yaml, line 6", "../_parts/data.yaml, line 9"}


def test_a_name_in_two_files_is_refused_with_both(tmp_path: Path) -> None:
    own = TEMPLATE + "  Bucket: {Type: AWS::S3::Bucket}\n"
    assert faults_of(made_of(tmp_path, own=own)) == [
        "../_parts/data.yaml, line 4: Resources.Bucket is in template.yaml, line 18, too; keep one of them"
    ]


LIST = """\
# What each has.
- Sid: Read
  Resource: !Sub ${Bucket.Arn}/<short>/*

# More.
- Sid: Write
"""
LISTED = """\
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      Statement:
        - Sid: Own
        - !Part rights
"""


def with_list(root: Path, text: str = LIST, part: str = LISTED, own: str = TEMPLATE) -> WholeTemplate | list[str]:
    """The whole template with a list of parts, or what is told of it."""
    faults: list[str] = []
    folder = made_of(root, data=part, own=own)
    (root / "_parts/lists").mkdir()
    (root / "_parts/lists/rights.yaml").write_text(text)
    given = TemplateParts(parts=("data",), values={"short": "build"})
    whole = read_whole_template(
        folder, given, lambda file: lambda line, reason: faults.append(f"{file}, line {line}: {reason}")
    )
    return faults if whole is None else whole


def test_a_line_stands_for_the_entries_of_a_list(tmp_path: Path) -> None:
    whole = with_list(tmp_path, own=f"{TEMPLATE}      Tags:\n      - !Part rights\n")
    assert isinstance(whole, WholeTemplate)
    text = whole.text.splitlines()
    entries = LIST.replace("<short>", "build").splitlines()
    first = text.index("        - Sid: Own") + 1
    assert text[first : first + 6] == [f"        {line}" if line else "" for line in entries]
    assert text[-6:] == [f"      {line}" if line else "" for line in entries]
    assert [whole.place(first + number) for number in (0, 1, 6)] == [
        ("../_parts/data.yaml", 6),
        ("../_parts/lists/rights.yaml", 1),
        ("../_parts/lists/rights.yaml", 6),
    ]
    assert "../_parts/lists/rights.yaml" in whole.manifest


@pytest.mark.parametrize(
    ("text", "part", "fault"),
    [
        (
            "Statement:\n- Sid: A\n",
            LISTED,
            "../_parts/lists/rights.yaml, line 1: each entry of a list begins a line with `- `, and goes on after 2 "
            "spaces",
        ),
        (
            "- !Part rights\n",
            LISTED,
            "../_parts/lists/rights.yaml, line 1: !Part: a list takes in no other; name both where they are used",
        ),
        (
            LIST,
            LISTED.replace("rights", "right"),
            "../_parts/data.yaml, line 7: !Part: 'right' is not allowed; did you mean 'rights'? (allowed: rights)",
        ),
    ],
)
def test_faults_of_lists(tmp_path: Path, text: str, part: str, fault: str) -> None:
    assert with_list(tmp_path, text, part) == [fault]


def test_what_eventbridge_writes_like_a_value_is_doubled(tmp_path: Path) -> None:
    product = read_product(made_of(tmp_path, data=PART.replace("  # The bucket.\n", '  # "<<reason>>"\n', 1)))
    assert '# "<<reason>>"' in product.template, "a comment stays as it is"
    whole = with_list(tmp_path / "lists", LIST.replace("Read", "<<reason>>-<short>"))
    assert isinstance(whole, WholeTemplate)
    assert "- Sid: <reason>-build" in whole.text


def test_a_changed_value_and_a_changed_part_are_told_by_their_files(tmp_path: Path) -> None:
    folder = made_of(tmp_path)
    manifests = [read_product(folder).manifest]
    description = (folder / "product.yaml").read_text()
    (folder / "product.yaml").write_text(description.replace("short: build", "short: deploy"))
    manifests.append(read_product(folder).manifest)
    assert manifests[0]["product.yaml"] != manifests[1]["product.yaml"]
    assert manifests[0]["template.yaml"] == manifests[1]["template.yaml"]
    assert "product.yaml" not in read_product(make_product(tmp_path / "plain")).manifest


FAULTS = {
    "no such part": (
        "{parts: [dat]}",
        "product.yaml: template.parts: 'dat' is not allowed; did you mean 'data'? (allowed: data)",
    ),
    "twice": (
        "{parts: [data, data], values: {short: a}}",
        "product.yaml: template.parts: 'data' is there twice; keep one of them",
    ),
    "no value": (
        "{parts: [data], values: {shrt: a}}",
        "../_parts/data.yaml, line 6: no value is given for <short>; name it under template.values in product.yaml"
        "; did you mean 'shrt'?",
    ),
    "unused value": (
        "{parts: [data], values: {short: a, long: b}}",
        "product.yaml: template.values.long: no part asks for it; take it out",
    ),
    "form of a value": (
        '{parts: [data], values: {short: "a: b"}}',
        "product.yaml, line 9: template.values.short: 'a: b' is not a value: letters, digits, spaces, commas, dots, "
        "dashes, slashes and underscores, a letter or digit at each end",
    ),
    "name of a value": (
        "{parts: [data], values: {Short: a}}",
        "product.yaml, line 9: template.values.Short: 'Short' is not a value's name: lower-case letters, digits and "
        "single dashes",
    ),
    "number": (
        "{parts: [data], values: {short: 1}}",
        'product.yaml, line 9: template.values.short: must be text, not a number; put it in quotes: "1"',
    ),
    "values": ("{values: [a]}", "product.yaml, line 9: template.values: must hold names with texts, not a list"),
    "parts": ("{parts: data}", "product.yaml, line 9: template.parts: must be a list of texts"),
}


@pytest.mark.parametrize(("template", "fault"), FAULTS.values(), ids=FAULTS)
def test_faults_of_what_a_template_is_made_of(tmp_path: Path, template: str, fault: str) -> None:
    assert faults_of(made_of(tmp_path, template)) == [fault]


PART_FAULTS = {
    "section": (
        "Metadata:\n  A: {}\n",
        "line 1: Metadata: 'Metadata' is not allowed "
        "(allowed: Parameters, Mappings, Conditions, Rules, Resources, Outputs)",
    ),
    "one line": (
        "Resources: {Bucket: {Type: AWS::S3::Bucket}}\n",
        "line 1: Resources: each entry begins a line of its own, after 2 spaces, where parts are used",
    ),
    "indent": (
        "Resources:\n    Bucket: {Type: AWS::S3::Bucket}\n",
        "line 1: Resources: each entry begins a line of its own, after 2 spaces, where parts are used",
    ),
    "empty": ("# nothing\n", "line 1: has no keys; see the files of another product for what belongs here"),
}


@pytest.mark.parametrize(("part", "fault"), PART_FAULTS.values(), ids=PART_FAULTS)
def test_faults_of_a_part(tmp_path: Path, part: str, fault: str) -> None:
    assert faults_of(made_of(tmp_path, "{parts: [data]}", data=part)) == [f"../_parts/data.yaml, {fault}"]


ALONE = {"_parts/job-role.yaml"}
"""Of one product so far."""


def test_every_shipped_part_is_shared() -> None:
    used = [seed_code.product(slug).whole.digests or {} for slug in PRODUCTS]
    for part in (SEED_CODE / "_parts").rglob("*.yaml"):
        name = part.relative_to(SEED_CODE).as_posix()
        assert name in ALONE or sum(f"../{name}" in files for files in used) > 1, name
