"""The roles of somebody else that something of a stack works with."""

from collections.abc import Iterator

from components.iam import role_documents
from components.iam.expected_roles import ExpectedRole
from settings import NAMESPACE, Settings
from settings.roles import role_facts


def supplied_roles(stack: Settings, account_id: str) -> list[ExpectedRole]:
    """Every role of somebody else that something of the stack works with, and who must be able to act as it."""
    to_delivery = _supplied_to_delivery(stack, account_id) if stack.delivery is not None else ()
    return [*_supplied_to_catalog(stack, account_id), *to_delivery]


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
    # Imported here: the policies of a delivery are the most of all, and few stacks have one.
    from components.delivery import delivery_documents  # noqa: PLC0415

    facts = delivery_documents.delivery_facts(stack, account_id)
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
