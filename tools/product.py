"""`product`: begins a product of one's own."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import click

from components.core.faults import nearest
from components.packaging import discover, read_product, slug_fault
from components.packaging.seed_code import SEED_CODE
from tools.faults import ToolError

SKELETON = SEED_CODE / "_skeleton"
"""The smallest product that does something; its folder's name makes it none."""
NAME_IN_SKELETON = "acme-train"
"""What stands in it for the product's name."""
_NAMED = ("product.yaml", "repository/README.md")
"""Files of it that name the product."""


@click.group("product")
def command() -> None:
    """Begin a product of your own; docs/products.md tells what one is."""


@command.command("new")
@click.argument("name")
def new(name: str) -> None:
    """Make the folder seed_code/NAME: a small product that passes every check and can be launched."""
    folder = make(name, SEED_CODE)
    files = sum(path.is_file() for path in (folder / "repository").rglob("*"))
    click.echo(f"Made seed_code/{name}: product.yaml, template.yaml, and repository/ with {files} files.")
    click.echo("Next:")
    for number, step in enumerate(steps(name), 1):
        click.echo(f"  {number}. {step}")


@command.command("templates")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
def templates(folder: Path) -> None:
    """Write each product's template into FOLDER as it is published, parts and functions' code included."""
    folder.mkdir(parents=True, exist_ok=True)
    for slug, path in discover(SEED_CODE).items():
        product = read_product(path)
        (folder / f"{slug}.yaml").write_text(product.render(product.environment), encoding="utf-8")


def steps(name: str) -> Sequence[str]:
    """Tell what to do with a new product, in order."""
    return (
        f"Say in seed_code/{name}/product.yaml what it is, and who answers for it.",
        f"Offer it: add the line `- {name}` under `products` of `sm-mlops:catalog` in Pulumi.dev.yaml.",
        "Check it: `make check-mine`.",
        "Try it with no account: `make sandbox`, then `./sandbox/run python -m tools doctor -s dev`.",
        "See what it changes, then release it: `pulumi preview --diff -s dev`, `pulumi up -s dev`.",
    )


def make(name: str, seed_code: Path) -> Path:
    """Return the folder of a new product.

    Raises:
        ToolError: the name is not one of a product, or there is a product of that name.
    """
    if not name:
        raise ToolError("give the product a name: `make product NAME=acme-train`")
    if (fault := slug_fault(name)) is not None:
        raise ToolError(f"{name!r} cannot be a product's name: {fault}{nearest_valid(name)}")
    folder = seed_code / name
    if folder.exists():
        raise ToolError(
            f"there is a seed_code/{name} already; choose another name (in use: {', '.join(discover(seed_code))})"
        )
    # Whole or not at all: a folder with a dot is no product.
    unfinished = seed_code / f".{name}"
    shutil.rmtree(unfinished, ignore_errors=True)
    shutil.copytree(SKELETON, unfinished, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    for file in _NAMED:
        path = unfinished / file
        path.write_text(path.read_text(encoding="utf-8").replace(NAME_IN_SKELETON, name), encoding="utf-8")
    unfinished.rename(folder)
    read_product(folder)
    return folder


def nearest_valid(name: str) -> str:
    """Return a name of a product that a wrong one was probably meant to be, as the end of a sentence."""
    words = "".join(letter if letter.isascii() and letter.isalnum() else " " for letter in name.lower()).split()
    meant = "-".join(words)
    return "" if slug_fault(meant) else nearest(meant, [meant])
