"""An account in which the dev stack stands as its file wants it: played behind real botocore clients.

What a test spoils is an attribute; the operations read them.
"""

import io
import json
from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from types import MappingProxyType
from typing import Any

from awsmodel.regions import known_regions
from components.catalog.publication import STUDIO_VISIBILITY, product_name, template_values
from components.core.naming import Names
from components.iam.policies import document
from components.iam.project_policies import launch_trust
from components.iam.role_documents import RoleFacts, launch_role, project_boundary
from components.packaging import VersionName, seed_code
from components.providers.product_files import seed_key, template_key
from components.sections.catalog import CatalogSpec
from tests.support.played_aws import Refused

ACCOUNT = "123456789012"
HOME = "us-east-2"
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=400)
PATTERN = "arn:aws:iam:::role/*DataScientist*"
STUDIO = f"arn:aws:iam::{ACCOUNT}:role/studio/Execution"
NAMES = Names("sm-mlops", "dev")
BUCKET = NAMES.distribution_bucket(ACCOUNT, HOME).value
TOPIC = f"arn:aws:sns:{HOME}:{ACCOUNT}:{NAMES.topic.value}"
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/{NAMES.project_boundary.value}"
LAUNCH_ROLE = f"arn:aws:iam::{ACCOUNT}:role/{NAMES.launch_role.value}"
IMAGE = "aws/codebuild/amazonlinux-x86_64-standard:6.0"
PROVISIONING = {"servicecatalog:provisioning": "true"}
TAGS = {"mlops:project": NAMES.project, "mlops:environment": NAMES.environment}
SLUGS = ("model-build-train", "model-deploy")


@cache
def values(slug: str) -> Mapping[str, Mapping[str, str]]:
    return template_values(
        seed_code.product(slug),
        NAMES,
        bucket=BUCKET,
        connection_arn="",
        key_arn="",
        topic_arn=TOPIC,
        network=None,
        use_role_arns={},
    )


@cache
def rendered(slug: str) -> str:
    return seed_code.product(slug).render(values(slug))


@cache
def version_name(slug: str) -> VersionName:
    return seed_code.product(slug).version_name(values(slug))


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


class HealthyAws:
    """One method per operation."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.refused: dict[str, str] = {}
        """By operation, the error code that it is answered with."""
        self.enabled = "Enabled"
        self.imported: list[tuple[str, str]] = [("port-imported", "Amazon SageMaker AI")]
        self.portfolios = {"port-own": NAMES.portfolio.value}
        self.principals: dict[str, set[str]] = {"port-own": {PATTERN}, "port-imported": {PATTERN}}
        self.products = {f"prod-{slug}": product_name(seed_code.product(slug), NAMES) for slug in SLUGS}
        self.product_tags = {product: dict(STUDIO_VISIBILITY) for product in self.products}
        self.offered_by = {product: ["port-own"] for product in self.products}
        self.versions: dict[str, list[dict[str, Any]]] = {
            f"prod-{slug}": [self.version(str(version_name(slug)))] for slug in SLUGS
        }
        self.constraints: dict[str, dict[str, str]] = {product: {"RoleArn": LAUNCH_ROLE} for product in self.products}
        self.objects: dict[str, dict[str, str]] = {
            key: dict(PROVISIONING)
            for slug in SLUGS
            for key in (seed_key(seed_code.product(slug)), template_key(slug, version_name(slug).hashes))
        }
        self.bodies: dict[str, str] = {}
        self.cors: list[dict[str, Any]] = []
        self.domains: dict[str, dict[str, str]] = {}
        self.roles: dict[str, dict[str, Any]] = {}
        self.add_role(LAUNCH_ROLE, document(launch_trust(ACCOUNT)), tags=TAGS)
        self.add_role(
            f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/codestar-notifications.amazonaws.com/"
            "AWSServiceRoleForCodeStarNotifications"
        )
        home = known_regions()[HOME]
        self.inline: dict[str, dict[str, str]] = defaultdict(dict)
        facts = RoleFacts(names=NAMES, home=home, account_id=ACCOUNT, catalog=CatalogSpec(products=tuple(SLUGS)))
        self.inline[NAMES.launch_role.value]["own-policy"] = document(launch_role(facts).statements)
        self.attached: dict[str, list[str]] = defaultdict(list)
        self.policies = {BOUNDARY: document(project_boundary(facts))}
        self.summary = {"Roles": 12, "RolesQuota": 1000}
        self.repositories = [NAMES.prefix]
        self.connections: list[dict[str, str]] = []
        self.rule: dict[str, Any] | None = {"Status": "ENABLED", "Targets": [self.target("ACTIVE")]}
        self.subscribers: dict[str, str] | None = {"ml-platform-dev@example.com": f"{TOPIC}:1"}
        self.images = [IMAGE]
        self.quotas: dict[str, float] = {}
        self.pipelines, self.projects = 3, 4
        self.endpoints: dict[str, datetime] = {"sagemaker-p-one-prod": LONG_AGO, "sagemaker-people-made-this": LONG_AGO}
        """When each was made."""
        self.requests = {"sagemaker-p-one-prod": [0.0, 7.0]}
        """How often each was asked, day by day."""
        self.deploying = ["p-one"]
        """Ids of projects that have a repository with deployment code."""
        self.history: list[tuple[datetime, str, str]] = []

    @staticmethod
    def version(name: str, *, active: bool = True, guidance: str = "DEFAULT", age: int = 0) -> dict[str, Any]:
        made = LONG_AGO - timedelta(days=age)
        return {"Id": f"pa-{name}", "Name": name, "Active": active, "Guidance": guidance, "CreatedTime": made}

    @staticmethod
    def target(status: str) -> dict[str, str]:
        return {"TargetAddress": TOPIC, "TargetType": "SNS", "TargetStatus": status}

    def add_role(
        self,
        arn: str,
        trust: str = "{}",
        made: datetime = LONG_AGO,
        boundary: str = "",
        tags: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        path, _, name = arn.split(":role", 1)[1].rpartition("/")
        limits = {"PermissionsBoundary": {"PermissionsBoundaryArn": boundary}} if boundary else {}
        self.roles[name] = {
            "Arn": arn,
            "Path": f"{path}/",
            "RoleName": name,
            "RoleId": f"AROA{name.upper():0<16.16}",
            "CreateDate": made,
            "AssumeRolePolicyDocument": trust,
            "Tags": tag_list(tags),
            **limits,
        }

    def __getattribute__(self, name: str) -> Any:
        refused = object.__getattribute__(self, "__dict__").get("refused", {})
        if name in refused:
            raise Refused(refused[name], f"you may not {name}")
        return object.__getattribute__(self, name)

    # STS and IAM

    def GetCallerIdentity(self) -> Any:
        return {"Account": ACCOUNT, "Arn": f"arn:aws:iam::{ACCOUNT}:user/operator", "UserId": "AIDA"}

    def GetRole(self, RoleName: str) -> Any:
        if RoleName not in self.roles:
            raise Refused("NoSuchEntity")
        return {"Role": dict(self.roles[RoleName])}

    def ListRoles(self, **_: object) -> Any:
        # A listing of roles tells no tags.
        return {"Roles": [{key: role[key] for key in role if key != "Tags"} for role in self.roles.values()]}

    def ListRolePolicies(self, RoleName: str, **_: object) -> Any:
        return {"PolicyNames": list(self.inline[RoleName])}

    def GetRolePolicy(self, RoleName: str, PolicyName: str) -> Any:
        text = self.inline[RoleName][PolicyName]
        return {"RoleName": RoleName, "PolicyName": PolicyName, "PolicyDocument": text}

    def ListAttachedRolePolicies(self, RoleName: str, **_: object) -> Any:
        return {"AttachedPolicies": [{"PolicyArn": arn} for arn in self.attached[RoleName]]}

    def GetPolicy(self, PolicyArn: str) -> Any:
        if PolicyArn not in self.policies:
            raise Refused("NoSuchEntity")
        return {"Policy": {"Arn": PolicyArn, "DefaultVersionId": "v3"}}

    def GetPolicyVersion(self, PolicyArn: str, VersionId: str) -> Any:
        return {"PolicyVersion": {"VersionId": VersionId, "Document": self.policies[PolicyArn]}}

    def ListEntitiesForPolicy(self, PolicyArn: str, **_: object) -> Any:
        if PolicyArn not in self.policies:
            raise Refused("NoSuchEntity")
        roles = [{"RoleName": name} for name, arns in self.attached.items() if PolicyArn in arns]
        return {"PolicyRoles": roles, "PolicyGroups": [], "PolicyUsers": []}

    def GetAccountSummary(self) -> Any:
        return {"SummaryMap": self.summary}

    # SageMaker

    def GetSagemakerServicecatalogPortfolioStatus(self) -> Any:
        return {"Status": self.enabled}

    def DescribeDomain(self, DomainId: str) -> Any:
        if DomainId not in self.domains:
            raise Refused("ResourceNotFound")
        return {"DomainArn": f"arn:aws:sagemaker:{HOME}:{ACCOUNT}:domain/{DomainId}"}

    def ListTags(self, ResourceArn: str, **_: object) -> Any:
        return {"Tags": tag_list(self.domains[ResourceArn.rpartition("/")[2]])}

    def ListEndpoints(self, NameContains: str, **_: object) -> Any:
        return {
            "Endpoints": [
                {
                    "EndpointName": name,
                    "EndpointArn": f"arn:aws:sagemaker:{HOME}:{ACCOUNT}:endpoint/{name}",
                    "CreationTime": made,
                    "LastModifiedTime": made,
                    "EndpointStatus": "InService",
                }
                for name, made in self.endpoints.items()
                if NameContains in name
            ]
        }

    def ListCodeRepositories(self, NameContains: str, **_: object) -> Any:
        return {
            "CodeRepositorySummaryList": [
                {
                    "CodeRepositoryName": f"sagemaker-{project}{NameContains}",
                    "CodeRepositoryArn": f"arn:aws:sagemaker:{HOME}:{ACCOUNT}:code-repository/{project}",
                    "CreationTime": LONG_AGO,
                    "LastModifiedTime": LONG_AGO,
                }
                for project in self.deploying
            ]
        }

    def GetMetricData(self, MetricDataQueries: list[dict[str, Any]], **_: object) -> Any:
        results = []
        for query in MetricDataQueries:
            endpoint = query["MetricStat"]["Metric"]["Dimensions"][0]["Value"]
            results.append({"Id": query["Id"], "Values": self.requests.get(endpoint, [])})
        return {"MetricDataResults": results}

    # Service Catalog

    def ListAcceptedPortfolioShares(self, **_: object) -> Any:
        return {
            "PortfolioDetails": [
                {"Id": one, "ProviderName": provider, "DisplayName": f"{provider} Solutions and ML Ops products"}
                for one, provider in self.imported
            ]
        }

    def ListPortfolios(self, **_: object) -> Any:
        return {"PortfolioDetails": [{"Id": one, "DisplayName": name} for one, name in self.portfolios.items()]}

    def ListPrincipalsForPortfolio(self, PortfolioId: str, **_: object) -> Any:
        return {"Principals": [{"PrincipalARN": arn} for arn in sorted(self.principals[PortfolioId])]}

    def SearchProductsAsAdmin(self, PortfolioId: str = "", **_: object) -> Any:
        chosen = [one for one in self.products if not PortfolioId or PortfolioId in self.offered_by[one]]
        return {
            "ProductViewDetails": [
                {"ProductViewSummary": {"ProductId": one, "Name": self.products[one]}} for one in chosen
            ]
        }

    def DescribeProductAsAdmin(self, Id: str) -> Any:
        return {"Tags": tag_list(self.product_tags[Id])}

    def ListPortfoliosForProduct(self, ProductId: str, **_: object) -> Any:
        return {"PortfolioDetails": [{"Id": one} for one in self.offered_by[ProductId]]}

    def ListProvisioningArtifacts(self, ProductId: str) -> Any:
        return {"ProvisioningArtifactDetails": self.versions[ProductId]}

    def ListConstraintsForPortfolio(self, PortfolioId: str, ProductId: str, **_: object) -> Any:  # noqa: ARG002
        kinds = {"RESOURCE_UPDATE": "cons-update", **({"LAUNCH": ProductId} if ProductId in self.constraints else {})}
        return {"ConstraintDetails": [{"ConstraintId": one, "Type": kind} for kind, one in kinds.items()]}

    def DescribeConstraint(self, Id: str) -> Any:
        return {"ConstraintParameters": json.dumps(self.constraints[Id])}

    # S3

    def GetObjectTagging(self, Bucket: str, Key: str) -> Any:
        if Bucket != BUCKET or Key not in self.objects:
            raise Refused("NoSuchKey")
        return {"TagSet": tag_list(self.objects[Key])}

    def ListObjectsV2(self, Bucket: str, Prefix: str, **_: object) -> Any:
        if Bucket != BUCKET:
            raise Refused("NoSuchBucket")
        return {"Contents": [{"Key": key} for key in sorted(self.objects) if key.startswith(Prefix)]}

    def GetObject(self, Bucket: str, Key: str, **_: object) -> Any:
        if Bucket != BUCKET or Key not in self.bodies:
            raise Refused("NoSuchKey")
        return {"Body": io.BytesIO(self.bodies[Key].encode())}

    def GetBucketCors(self, Bucket: str) -> Any:
        assert Bucket == BUCKET
        if not self.cors:
            raise Refused("NoSuchCORSConfiguration")
        return {"CORSRules": self.cors}

    # The developer tools

    def GetRepository(self, repositoryName: str) -> Any:
        if repositoryName not in self.repositories:
            raise Refused("RepositoryDoesNotExistException")
        return {"repositoryMetadata": {"Arn": f"arn:aws:codecommit:{HOME}:{ACCOUNT}:{repositoryName}"}}

    def ListRepositories(self, **_: object) -> Any:
        return {"repositories": [{"repositoryName": name} for name in self.repositories]}

    def GetConnection(self, ConnectionArn: str) -> Any:
        for connection in self.connections:
            if connection["ConnectionArn"] == ConnectionArn:
                return {"Connection": connection}
        raise Refused("ResourceNotFoundException")

    def ListConnections(self, NextToken: str = "0", **_: object) -> Any:
        number = int(NextToken)
        more = {"NextToken": str(number + 1)} if number + 1 < len(self.connections) else {}
        return {"Connections": self.connections[number : number + 1], **more}

    def ListNotificationRules(self, **_: object) -> Any:
        return {"NotificationRules": [{"Id": "1", "Arn": "arn:rule"}] if self.rule else []}

    def DescribeNotificationRule(self, Arn: str) -> Any:
        return {"Arn": Arn, "Name": NAMES.notification_rule("repository").value, **(self.rule or {})}

    def ListSubscriptionsByTopic(self, TopicArn: str, **_: object) -> Any:
        if self.subscribers is None or TopicArn != TOPIC:
            raise Refused("NotFound")
        others = [{"Protocol": "lambda", "Endpoint": "arn:other", "SubscriptionArn": f"{TOPIC}:9"}]
        mails = [
            {"Protocol": "email", "Endpoint": email, "SubscriptionArn": arn} for email, arn in self.subscribers.items()
        ]
        return {"Subscriptions": [*others, *mails]}

    def ListCuratedEnvironmentImages(self) -> Any:
        images = [{"name": name, "versions": [f"{name}-26.11.01"]} for name in self.images]
        return {"platforms": [{"platform": "AMAZON_LINUX_2", "languages": [{"language": "BASE", "images": images}]}]}

    def ListPipelines(self, **_: object) -> Any:
        return {"pipelines": [{"name": f"one-{number}"} for number in range(self.pipelines)]}

    def ListProjects(self, **_: object) -> Any:
        return {"projects": [f"one-{number}" for number in range(self.projects)]}

    # What the account may have, and what has happened in it

    def GetServiceQuota(self, ServiceCode: str, QuotaCode: str) -> Any:
        if QuotaCode not in self.quotas:
            raise Refused("NoSuchResourceException")
        return {"Quota": {"ServiceCode": ServiceCode, "QuotaCode": QuotaCode, "Value": self.quotas[QuotaCode]}}

    def LookupEvents(self, StartTime: datetime, **_: object) -> Any:
        return {
            "Events": [
                {
                    "EventName": "AssociatePrincipalWithPortfolio",
                    "EventTime": when,
                    "CloudTrailEvent": json.dumps(
                        {"requestParameters": {"principalARN": principal, "portfolioId": portfolio}}
                    ),
                }
                for when, principal, portfolio in self.history
                if when >= StartTime
            ]
        }
