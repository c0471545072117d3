"""Products from folders: `seed_code/<product>/{product.yaml, template.yaml, repository/}`, read, checked and packaged.

Pure functions over files. What they return depends on the content of the folder alone: not on the machine, the Python
version, the checkout or the time.
"""

from components.packaging.faults import Fault, ProductFolderError
from components.packaging.identity import digest, version_name
from components.packaging.product_folder import Product, discover, read_product, slug_fault
from components.packaging.seed_files import SeedFile

__all__ = [
    "Fault",
    "Product",
    "ProductFolderError",
    "SeedFile",
    "digest",
    "discover",
    "read_product",
    "slug_fault",
    "version_name",
]
