"""Products from folders: `seed_code/<product>/{product.yaml, template.yaml, repository/}`, read, checked and packaged.

A product can be built on the repository of another, and share parts of its template in `seed_code/_parts`.

Pure functions over files. What they return depends on the content of the folder alone: not on the machine, the Python
version, the checkout or the time.
"""

from components.packaging.faults import Fault, ProductFolderError, path_within
from components.packaging.identity import VersionName, digest, environment_digest
from components.packaging.product_folder import Product, discover, read_product, slug_fault
from components.packaging.release_changes import Changes
from components.packaging.seed_files import SeedFile

__all__ = [
    "Changes",
    "Fault",
    "Product",
    "ProductFolderError",
    "SeedFile",
    "VersionName",
    "digest",
    "discover",
    "environment_digest",
    "path_within",
    "read_product",
    "slug_fault",
]
