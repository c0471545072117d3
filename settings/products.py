"""What the products of the catalog mean for a stack: what is wrong with their folders, and what they call."""

from collections.abc import Iterator, Mapping, Sequence

from components import packaging
from components.core.faults import not_one_of
from components.packaging import seed_code
from components.packaging.called_services import called_services
from settings.schema import NAMESPACE, Settings


def product_faults(slugs: Sequence[str], *, shared_roles: bool = False) -> Iterator[str]:
    """Every fault of every product that is offered: a folder is refused before anything is registered.

    Args:
        slugs: of the products, in the order of the stack file.
        shared_roles: whether projects share the environment's roles.
    """
    offered = list(packaging.discover(seed_code.SEED_CODE))
    for index, slug in enumerate(slugs):
        if slug not in offered:
            yield f"{NAMESPACE}:catalog.products[{index}]: {not_one_of(slug, offered)}"
            continue
        try:
            if seed_code.product(slug).own_roles and shared_roles:
                yield (
                    f"{NAMESPACE}:catalog.products[{index}]: projects of {slug!r} make a role that no environment "
                    f"shares; take it out, or set {NAMESPACE}:iam.use.mode to project"
                )
        except packaging.ProductFolderError as error:
            yield from (fault.within("seed_code", slug) for fault in error.faults)


def services_called(stack: Settings) -> Mapping[str, str]:
    """Name what the things that run in a network call, and for what."""
    slugs = stack.catalog.products if stack.catalog else ()
    stack_sets = stack.catalog is not None and stack.catalog.stack_set_role_arn is not None
    return called_services([seed_code.product(slug) for slug in slugs], stack_sets=stack_sets)
