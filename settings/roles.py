"""What the documents of a stack's roles depend on. Apart from the settings: most tools need no policy."""

from components.iam.role_documents import RoleFacts
from settings.schema import Settings


def role_facts(stack: Settings, account_id: str) -> RoleFacts:
    """Tell what the documents of the catalog's roles depend on, in an account."""
    return RoleFacts(
        names=stack.names,
        home=stack.home,
        account_id=account_id,
        catalog=stack.catalog,
        iam=stack.iam,
        networks=stack.network,
        state_bucket=stack.state_bucket,
    )
