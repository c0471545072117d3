"""All that an emulated account holds: what stands before a test and after it must be the same."""

from collections.abc import Callable, Iterator
from typing import Any

from .test_stacks import REGIONS, Aws

Holdings = dict[str, set[str]]
"""Names by kind and region; kinds of which there is nothing are left out."""

_LISTED: tuple[tuple[str, str, dict[str, Any], str, str], ...] = (
    # service, operation, request, member of the answer, what names an item ("" where the item is its name)
    ("cloudformation", "list_stacks", {}, "StackSummaries", "StackName"),
    ("cloudformation", "list_stack_sets", {"Status": "ACTIVE"}, "Summaries", "StackSetName"),
    ("cloudwatch", "describe_alarms", {}, "MetricAlarms", "AlarmName"),
    ("codebuild", "list_projects", {}, "projects", ""),
    ("codecommit", "list_approval_rule_templates", {}, "approvalRuleTemplateNames", ""),
    ("codecommit", "list_repositories", {}, "repositories", "repositoryName"),
    ("codeconnections", "list_connections", {}, "Connections", "ConnectionName"),
    ("codepipeline", "list_pipelines", {}, "pipelines", "name"),
    ("codestar-notifications", "list_notification_rules", {}, "NotificationRules", "Arn"),
    ("ec2", "describe_security_groups", {}, "SecurityGroups", "GroupId"),
    ("ec2", "describe_subnets", {}, "Subnets", "SubnetId"),
    ("ec2", "describe_vpc_endpoints", {}, "VpcEndpoints", "VpcEndpointId"),
    ("ec2", "describe_vpcs", {}, "Vpcs", "VpcId"),
    ("events", "list_rules", {}, "Rules", "Name"),
    ("lambda", "list_functions", {}, "Functions", "FunctionName"),
    ("logs", "describe_log_groups", {}, "logGroups", "logGroupName"),
    ("sagemaker", "list_code_repositories", {}, "CodeRepositorySummaryList", "CodeRepositoryName"),
    ("sagemaker", "list_domains", {}, "Domains", "DomainName"),
    ("sagemaker", "list_endpoint_configs", {}, "EndpointConfigs", "EndpointConfigName"),
    ("sagemaker", "list_endpoints", {}, "Endpoints", "EndpointName"),
    ("sagemaker", "list_model_package_groups", {}, "ModelPackageGroupSummaryList", "ModelPackageGroupName"),
    ("sagemaker", "list_models", {}, "Models", "ModelName"),
    ("sagemaker", "list_pipelines", {}, "PipelineSummaries", "PipelineName"),
    ("sagemaker", "list_projects", {}, "ProjectSummaryList", "ProjectName"),
    ("servicecatalog", "list_accepted_portfolio_shares", {}, "PortfolioDetails", "DisplayName"),
    ("servicecatalog", "list_portfolios", {}, "PortfolioDetails", "DisplayName"),
    ("servicecatalog", "list_tag_options", {}, "TagOptionDetails", "Key"),
    ("servicecatalog", "search_products_as_admin", {}, "ProductViewDetails", "ProductARN"),
    ("sns", "list_subscriptions", {}, "Subscriptions", "SubscriptionArn"),
    ("sns", "list_topics", {}, "Topics", "TopicArn"),
    ("ssm", "describe_parameters", {}, "Parameters", "Name"),
)

_GONE_STACKS = ("DELETE_COMPLETE",)
"""States in which CloudFormation still lists a stack that is gone."""


def holdings(aws: Aws, regions: tuple[str, ...] = REGIONS) -> Holdings:
    """What the account holds in some regions and beside them."""
    found = {f"{kind} in {region}": names for region in regions for kind, names in _regional(aws, region)}
    found |= dict(_global(aws))
    return {kind: names for kind, names in found.items() if names}


def _regional(aws: Aws, region: str) -> Iterator[tuple[str, set[str]]]:
    for service, operation, request, member, name in _LISTED:
        items = _all(getattr(aws.client(service, region), operation), request, member)
        standing = [item for item in items if not name or item.get("StackStatus") not in _GONE_STACKS]
        yield f"{service} {operation}", {item[name] if name else item for item in standing}
    provisioned = aws.client("servicecatalog", region).scan_provisioned_products(
        AccessLevelFilter={"Key": "Account", "Value": "self"}
    )
    yield "launches", {item["Name"] for item in provisioned["ProvisionedProducts"]}
    yield "keys", {key["KeyId"] for key in aws.keys(region)}
    aliases = _all(aws.client("kms", region).list_aliases, {}, "Aliases")
    yield "aliases", {item["AliasName"] for item in aliases if not item["AliasName"].startswith("alias/aws/")}
    sagemaker = aws.client("sagemaker", region)
    yield (
        "switches",
        {sagemaker.get_sagemaker_servicecatalog_portfolio_status().get("Status", "Disabled")} - {"Disabled"},
    )
    for domain in sagemaker.list_domains()["Domains"]:
        tags = sagemaker.list_tags(ResourceArn=domain["DomainArn"])["Tags"]
        yield f"tags of {domain['DomainName']}", {f"{tag['Key']}={tag['Value']}" for tag in tags}


def _global(aws: Aws) -> Iterator[tuple[str, set[str]]]:
    yield "buckets", set(aws.buckets())
    iam = aws.client("iam")
    roles = _all(iam.list_roles, {}, "Roles")
    # Roles that AWS makes for its services are nobody's to delete.
    yield "roles", {role["Arn"] for role in roles if not role["Path"].startswith("/aws-service-role/")}
    yield "policies", {policy["Arn"] for policy in _all(iam.list_policies, {"Scope": "Local"}, "Policies")}
    budgets = aws.client("budgets").describe_budgets(AccountId="123456789012").get("Budgets", [])
    yield "budgets", {budget["BudgetName"] for budget in budgets}


def _all(call: Callable[..., dict[str, Any]], request: dict[str, Any], member: str) -> list[Any]:
    """Every item of a list: a page's end must not be taken for the list's."""
    found: list[Any] = []
    token: dict[str, str] = {}
    while True:
        page = call(**request, **token)
        found += page[member]
        key = next((key for key in ("NextToken", "nextToken", "NextPageToken") if page.get(key)), None)
        if page.get("IsTruncated"):
            token = {"Marker": page["Marker"]}
        elif page.get("NextMarker"):
            token = {"Marker": page["NextMarker"]}
        elif key:
            token = {"PageToken" if key == "NextPageToken" else key: page[key]}
        else:
            return found
