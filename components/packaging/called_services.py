"""Services that what runs in a project calls, by the last part of the names of their endpoints."""

from collections.abc import Mapping, Sequence

from components.packaging.product_folder import Product

EVERY_PROJECT = {
    "s3": "the source of builds, the data of jobs, the answers of functions to CloudFormation",
    "logs": "the output of builds",
}
"""Services that every project needs, by the last part of their endpoints' names, and for what."""

STACK_SETS = {"kms": "the key, shared with other accounts", "sts": "tests in other accounts"}
"""Services that are needed where projects may deploy stack sets."""


def called_services(products: Sequence[Product], *, stack_sets: bool) -> Mapping[str, str]:
    """The services that what runs in a network calls, by the last part of their endpoints' names, and for what."""
    services = {**EVERY_PROJECT, **(STACK_SETS if stack_sets else {})}
    for product in products:
        for service in product.endpoints:
            services.setdefault(service, product.slug)
    return services
