"""What the products of the catalog mean for a stack: what is wrong with their folders, and what they call."""

from collections.abc import Iterator, Mapping, Sequence

from components import packaging
from components.core.faults import not_one_of
from components.packaging import seed_code
from components.packaging.called_services import called_services
from settings.schema import NAMESPACE, Settings


def product_faults(slugs: Sequence[str]) -> Iterator[str]:
    """Every fault of every product that is offered: a folder is refused before anything is registered."""
    offered = list(packaging.discover(seed_code.SEED_CODE))
    for index, slug in enumerate(slugs):
        if slug not in offered:
            yield f"{NAMESPACE}:catalog.products[{index}]: {not_one_of(slug, offered)}"
            continue
        try:
            seed_code.product(slug)
        except packaging.ProductFolderError as error:
            yield from (fault.within("seed_code", slug) for fault in error.faults)


def services_called(stack: Settings) -> Mapping[str, str]:
    """Name what the things that run in a network call, and for what."""
    slugs = stack.catalog.products if stack.catalog else ()
    stack_sets = stack.catalog is not None and stack.catalog.stack_set_role_arn is not None
    return called_services([seed_code.product(slug) for slug in slugs], stack_sets=stack_sets)
