"""Small product folders for the tests of packaging."""

import re
import textwrap
from collections.abc import Mapping
from pathlib import Path

import pytest

from components.packaging import Product, ProductFolderError, read_product

DESCRIPTION = """\
name: Churn
description: Trains a churn model.
owner: Data science
support:
  description: Ask the team.
  email: team@example.com
  url: https://example.com/team
version: "1.2.0"
"""

TEMPLATE = """\
# A product of one repository.
Parameters:
  SageMakerProjectName: {Type: String, MaxLength: 32}
  SageMakerProjectId: {Type: String, MaxLength: 20}

Mappings:
  Environment:
    Seed: {Bucket: "", Key: ''}   # filled in by the publisher
    Names:
      Project: sm-mlops

Resources:
  Repository:
    Type: AWS::CodeCommit::Repository
    Properties:
      RepositoryName: !Sub sagemaker-${SageMakerProjectName}-${SageMakerProjectId}-churn
      Code: {S3: {Bucket: !FindInMap [Environment, Seed, Bucket], Key: !FindInMap [Environment, Seed, Key]}}
"""

FILES: Mapping[str, str | bytes] = {"README.md": "# Churn\n", "src/train.py": "print('train')\n"}


def make_product(
    root: Path,
    *,
    description: str = DESCRIPTION,
    template: str = TEMPLATE,
    files: Mapping[str, str | bytes] = FILES,
    slug: str = "churn",
) -> Path:
    """A product folder with these contents."""
    folder = root / slug
    write_files(folder, {"product.yaml": description, "template.yaml": template})
    (folder / "repository").mkdir()
    write_files(folder / "repository", files)
    return folder


def write_files(folder: Path, files: Mapping[str, str | bytes]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


def template_with(*, resources: str = "", parameters: str = "", mappings: str = "") -> str:
    """A template with more of the named parts; each is written as it would be at the top of a file."""
    text = TEMPLATE.replace("\nMappings:\n", textwrap.indent(parameters, "  ") + "\nMappings:\n")
    text = text.replace("\nResources:\n", textwrap.indent(mappings, "  ") + "\nResources:\n")
    return text + textwrap.indent(resources, "  ")


def faults_of(folder: Path) -> list[str]:
    """The faults that a person reads, without the heading."""
    with pytest.raises(ProductFolderError) as raised:
        read_product(folder)
    return lines_of(raised.value, folder.name)


def lines_of(error: ProductFolderError, slug: str) -> list[str]:
    heading, *lines = str(error).splitlines()
    count = "a fault" if len(lines) == 1 else f"{len(lines)} faults"
    assert heading == f"product folder {slug!r} has {count}:"
    assert all(re.match(r"  - \S", line) for line in lines)
    return [line.removeprefix("  - ") for line in lines]


def without_parts(description: str) -> str:
    """A description of a product whose template is all its own."""
    return re.sub(r"^template:\n(?: .*\n)+", "", description, flags=re.MULTILINE)


def product_with(root: Path, **parts: str) -> Product:
    return read_product(make_product(root, template=template_with(**parts)))
