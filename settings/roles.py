"""What the documents of a stack's roles depend on. Apart from the settings: most tools need no policy."""

from components.iam.delivery_documents import DeliveryFacts
from components.iam.role_documents import RoleFacts
from settings.schema import Settings


def role_facts(stack: Settings, account_id: str) -> RoleFacts:
    """What the documents of the catalog's roles depend on, in an account."""
    return RoleFacts(
        names=stack.names,
        home=stack.home,
        account_id=account_id,
        catalog=stack.catalog,
        iam=stack.iam,
        networks=stack.network,
    )


def delivery_facts(stack: Settings, account_id: str) -> DeliveryFacts | None:
    """What the documents of the delivery's roles depend on, in an account; nothing without a delivery."""
    if stack.delivery is None:
        return None
    return DeliveryFacts(
        names=stack.names,
        home=stack.home,
        account_id=account_id,
        bucket=stack.names.artifact_bucket(stack.artifacts.naming, account_id, stack.home_region).value,
        source=stack.source,
        delivery=stack.delivery,
        network=stack.network.get(stack.home_region),
        boundary_arn=stack.iam.permissions_boundary_arn,
    )
