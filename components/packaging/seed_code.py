"""The product folders of this checkout, each read once."""

from functools import cache
from pathlib import Path

from components.packaging import Product, read_product

SEED_CODE = Path(__file__).parents[2] / "seed_code"
"""The folder of all product folders: beside the components, wherever the program is checked out."""


@cache
def product(slug: str) -> Product:
    """The product of a folder of `seed_code`.

    Raises:
        ProductFolderError: with every fault of the folder.
    """
    return read_product(SEED_CODE / slug)
