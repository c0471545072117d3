"""What the documents of a stack's roles depend on. Apart from the settings: most tools need no policy."""

from collections.abc import Iterator

from components.iam import delivery_documents, role_documents
from components.iam.delivery_documents import DeliveryFacts
from components.iam.expected_roles import ExpectedRole
from components.iam.role_documents import RoleFacts
from settings.schema import NAMESPACE, Settings


def supplied_roles(stack: Settings, account_id: str) -> list[ExpectedRole]:
    """Every role of somebody else that something of the stack works with, and who must be able to act as it."""
    return [*_supplied_to_catalog(stack, account_id), *_supplied_to_delivery(stack, account_id)]


def _supplied_to_catalog(stack: Settings, account_id: str) -> Iterator[ExpectedRole]:
    where, facts, launch = f"{NAMESPACE}:iam", role_facts(stack, account_id), stack.iam.launch.supplied_arn
    if stack.catalog is None:
        return
    if launch:
        trust = role_documents.launch_role(facts).trust
        yield ExpectedRole(key=f"{where}.launch.roleArn", arn=launch, trust=trust)
    if stack.iam.use_role_arns:
        shared: dict[str, list[str]] = {}
        for role, arn in stack.iam.use_role_arns.items():
            shared.setdefault(arn, []).append(f"{where}.use.roleArns.{role}")
        for (arn, keys), document in zip(shared.items(), role_documents.use_roles(facts), strict=True):
            yield ExpectedRole(key=", ".join(keys), arn=arn, trust=document.trust)


def _supplied_to_delivery(stack: Settings, account_id: str) -> Iterator[ExpectedRole]:
    facts = delivery_facts(stack, account_id)
    if facts is None:
        return
    for document in delivery_documents.documents(facts):
        arn = stack.iam.of_delivery[document.key].supplied_arn
        if arn:
            yield ExpectedRole(key=f"{NAMESPACE}:iam.{document.key}.roleArn", arn=arn, trust=document.trust)
    accounts = delivery_documents.account_documents(facts)
    for index, one in enumerate(facts.delivery.stacks):
        for field, arn in (("roleArn", one.role_arn), ("previewRoleArn", one.preview_role_arn)):
            if arn:
                key = f"{NAMESPACE}:delivery.stacks[{index}].{field}"
                yield ExpectedRole(key=key, arn=arn, trust=accounts[arn].trust, elsewhere=True)


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
