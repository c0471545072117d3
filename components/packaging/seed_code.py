"""The product folders of this checkout, each read once."""

from collections.abc import Iterable
from functools import cache
from pathlib import Path

from components.packaging import Product, ProductFolderError, read_product

SEED_CODE = Path(__file__).parents[2] / "seed_code"
"""The folder of all product folders: beside the components, wherever the program is checked out."""


@cache
def product(slug: str) -> Product:
    """The product of a folder of `seed_code`.

    Raises:
        ProductFolderError: with every fault of the folder.
    """
    return read_product(SEED_CODE / slug)


def readable(slugs: Iterable[str]) -> tuple[list[Product], list[str]]:
    """The products of these folders, and why those that cannot be read are not among them."""
    products, faults = [], []
    for slug in slugs:
        try:
            products.append(product(slug))
        except ProductFolderError as error:
            faults.append(str(error))
    return products, faults
