"""Where the platform's code lives, and whether somebody is told of what happens to it."""

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

import boto3
from botocore.exceptions import ClientError

from components.sections.source import CodeCommitSource, ConnectionSource
from tools import hints
from tools.doctor.account import Account, StackRegion
from tools.doctor.findings import SkipError, Verdict, broken, ok, warning

if TYPE_CHECKING:
    from types_boto3_codeconnections import CodeConnectionsClient
    from types_boto3_codeconnections.type_defs import ConnectionTypeDef, ListConnectionsInputTypeDef

NOTIFICATIONS_ROLE = "AWSServiceRoleForCodeStarNotifications"
"""Role with which AWS watches for what notification rules tell."""

PENDING = "PendingConfirmation"
"""What SNS lists instead of the ARN of a subscription that nobody has confirmed."""

EXAMPLE_ACCOUNTS = ("000000000000", "111111111111", "111122223333", "123456789012", "444455556666", "777788889999")
"""Accounts of examples, AWS's own and the stack files'."""

_NOT_ADMITTED = "OperationNotAllowedException"


def source_repository(account: Account) -> Verdict:
    """Check that the CodeCommit repository exists."""
    codecommit, name = account.client("codecommit"), _repository(account)
    try:
        found = codecommit.get_repository(repositoryName=name)["repositoryMetadata"]
    except codecommit.exceptions.RepositoryDoesNotExistException:
        return broken(f"there is no repository {name} in {account.home.name}")
    return ok(found["Arn"])


def connection(account: Account) -> Verdict:
    """Check that the connection to the Git provider is completed."""
    source = account.wanted.source
    if not isinstance(source, ConnectionSource):
        raise SkipError("the source is a CodeCommit repository")
    return _completed(found_connection(account, source), source.connection_arn or account.names.connection.value)


def project_connection(account: Account) -> Verdict:
    """Check that the connection to the Git provider of projects is completed."""
    arn = account.role_facts.connection_arn
    if arn is None:
        raise SkipError("projects have their repositories in CodeCommit")
    return _completed(_by_arn(account.client("codeconnections", arn.split(":")[3]), arn), arn)


def _completed(found: "ConnectionTypeDef | None", name: str) -> Verdict:
    if found is None:
        return broken(f"there is no connection {name}")
    if found["ConnectionStatus"] != "AVAILABLE":
        return broken(
            f"{found['ConnectionArn']} is {found['ConnectionStatus']}",
            "in the console: Developer Tools, Settings, Connections, Update pending connection",
        )
    return ok(f"{found['ConnectionArn']} is AVAILABLE")


def found_connection(account: Account, source: ConnectionSource) -> "ConnectionTypeDef | None":
    """Return the connection to the platform's Git provider, or None where there is none."""
    client: CodeConnectionsClient = account.client("codeconnections")
    if source.connection_arn is not None:
        return _by_arn(client, source.connection_arn)
    arguments: ListConnectionsInputTypeDef = {"ProviderTypeFilter": source.provider}
    while True:
        page = client.list_connections(**arguments)
        for item in page["Connections"]:
            if item["ConnectionName"] == account.names.connection.value:
                return item
        if not page.get("NextToken"):
            return None
        arguments["NextToken"] = page["NextToken"]


def _by_arn(client: "CodeConnectionsClient", arn: str) -> "ConnectionTypeDef | None":
    try:
        return client.get_connection(ConnectionArn=arn)["Connection"]
    except client.exceptions.ResourceNotFoundException:
        return None


def notifications_role(account: Account) -> Verdict:
    """Check that AWS has the service-linked role with which it watches the repository."""
    _ = _repository(account)
    iam = account.client("iam")
    try:
        role = iam.get_role(RoleName=NOTIFICATIONS_ROLE)["Role"]
    except iam.exceptions.NoSuchEntityException:
        return broken(
            f"there is no role {NOTIFICATIONS_ROLE}, so no notification rule works",
            f"{hints.typed('aws', 'iam', 'create-service-linked-role')} "
            "--aws-service-name codestar-notifications.amazonaws.com",
        )
    return ok(role["Arn"])


def notification_rule(account: Account) -> Verdict:
    """Check that the rule on the repository is on, and AWS reaches its targets."""
    client = account.client("codestar-notifications")
    arn = account.arns.repository(_repository(account))
    pages = client.get_paginator("list_notification_rules").paginate(Filters=[{"Name": "RESOURCE", "Value": arn}])
    rules = [client.describe_notification_rule(Arn=item["Arn"]) for page in pages for item in page["NotificationRules"]]
    name = account.names.notification_rule("repository").value
    rule = next((item for item in rules if item["Name"] == name), None)
    if rule is None:
        return broken(f"no notification rule {name} watches {arn}")
    if rule["Status"] != "ENABLED":
        return broken(f"{rule['Arn']} is {rule['Status']}")
    # AWS writes the status in capitals here and there, and in the console as Active.
    dead = [target for target in rule["Targets"] if target["TargetStatus"].upper() != "ACTIVE"]
    if dead or not rule["Targets"]:
        told = ", ".join(f"{target['TargetAddress']} is {target['TargetStatus']}" for target in dead)
        return broken(
            f"{rule['Arn']}: {told or 'it has no target'}",
            f"{account.up} puts the topic's policy and its key right; then in the console, Developer Tools, Settings, "
            f"Notification rules: edit {name} and submit, so that AWS tries the target again",
        )
    return ok(f"{rule['Arn']} reaches {', '.join(target['TargetAddress'] for target in rule['Targets'])}")


def notification_topic(account: Account) -> Verdict:
    """Check that the topic exists that approvals, failures and drift are told to."""
    arn = account.role_facts.topic_arn
    if subscribed(account) is None:
        return broken(f"there is no topic {arn}, so nobody is told of anything")
    return ok(arn)


def subscriptions(account: Account) -> Verdict:
    """Check that everybody whom the settings name has confirmed to be told."""
    wanted, found = account.wanted.notifications.emails, subscribed(account)
    if found is None:
        raise SkipError("needs the topic: see `notification-topic`")
    if not wanted:
        raise SkipError("sm-mlops:notifications.emails names nobody")
    gone = [email for email in wanted if email not in found]
    if gone:
        return broken(
            f"{', '.join(gone)}: not subscribed to {account.role_facts.topic_arn}; what is not confirmed in time, AWS "
            f"forgets"
        )
    pending = [email for email in wanted if found[email] == PENDING]
    if pending:
        return warning(
            f"{', '.join(pending)}: not confirmed, so no mail of {account.role_facts.topic_arn} goes there",
            "each follows the link in the mail 'AWS Notification - Subscription Confirmation'; in the console: SNS, "
            "Subscriptions, Request confirmation sends it again",
        )
    return ok(f"{', '.join(wanted)}: confirmed")


def subscribed(account: Account) -> Mapping[str, str] | None:
    """ARNs of the topic's subscriptions by e-mail address, or PENDING; None where there is no topic."""
    sns = account.client("sns")
    try:
        pages = list(sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=account.role_facts.topic_arn))
    except sns.exceptions.NotFoundException:
        return None
    found = (item for page in pages for item in page["Subscriptions"] if item["Protocol"] == "email")
    return {item["Endpoint"]: item["SubscriptionArn"] for item in found}


def delivery_accounts(account: Account) -> Verdict:
    """Check that the delivery's settings name accounts of the company, and none of AWS's examples."""
    delivery = account.wanted.delivery
    if delivery is None:
        raise SkipError("the stack file has no sm-mlops:delivery")
    values = {"secretsProvider": delivery.secrets_provider, "accessTokenArn": delivery.access_token_arn}
    for index, stack in enumerate(delivery.stacks):
        values[f"stacks[{index}].roleArn"] = stack.role_arn
        values[f"stacks[{index}].previewRoleArn"] = stack.preview_role_arn
    named = [
        f"{key} names {example}, an account of AWS's examples"
        for key, value in values.items()
        for example in EXAMPLE_ACCOUNTS
        if example != account.id and f":{example}:" in (value or "")
    ]
    if named:
        return broken("; ".join(named))
    return ok("no setting of the delivery is an example of AWS's documentation")


def _repository(account: Account) -> str:
    source = account.wanted.source
    if not isinstance(source, CodeCommitSource):
        raise SkipError(f"the source is at {source.provider}")
    return source.repository or account.names.repository.value


def codecommit(region: StackRegion) -> Verdict:
    """Check that CodeCommit, in which projects make their repositories, is offered in the region and to the account."""
    if not any("AWS::CodeCommit::Repository" in product.source.template for product in region.readable):
        raise SkipError("no product of the catalog makes a CodeCommit repository")
    if region.name not in _codecommit_regions(region.details.partition):
        return broken(f"CodeCommit is not offered in {region.name}", "leave the region out of catalog.regions")
    try:
        answer = region.client("codecommit").list_repositories()
    except ClientError as error:
        if error.response["Error"]["Code"] != _NOT_ADMITTED:
            raise
        reason = error.response["Error"]["Message"]
        return broken(
            f"CodeCommit does not admit {region.account.id}: {reason}", "ask AWS support to admit the account"
        )
    if not answer["repositories"] and not isinstance(region.account.wanted.source, CodeCommitSource):
        return warning(
            f"CodeCommit answers in {region.name}, but {region.account.id} has no repository there; AWS lets only "
            "accounts that it has admitted make one, and no read-only call tells",
            f"make one by hand, once: {hints.typed('aws', 'codecommit', 'create-repository')} --repository-name try "
            f"--region {region.name}",
        )
    return ok(f"CodeCommit answers in {region.name}")


@cache
def _codecommit_regions(partition: str) -> frozenset[str]:
    return frozenset(boto3.Session().get_available_regions("codecommit", partition_name=partition))
