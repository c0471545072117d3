"""Physical names: those that something outside the program relies on, and AWS's limit for each.

A name carries project and environment, and where the name is global also account and region. Every other resource
is named by Pulumi.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

STUDIO_LOCATION_TAG = "sagemaker:projectS3TemplatesLocation"
"""Tag of a domain that says where Studio finds templates."""

PORTFOLIO_CLAIMS_PATH = "/sm-mlops/sagemaker-projects"
"""Path in Parameter Store under which stacks say that they need SageMaker's portfolio of a region."""

ANY_ACCOUNT_ID = "0" * 12
"""Stands for the account in checks of length, which is the same for all accounts."""


class BucketNaming(StrEnum):
    """How artifact buckets are named."""

    ACCOUNT_REGIONAL = "account-regional"
    """In the account's own namespace of the region: nobody else can take the name."""
    LEGACY = "legacy"
    """In the global namespace, as the seed's manual commands name them: one environment per partition."""


@dataclass(frozen=True)
class PhysicalName:
    """A name as AWS will see it."""

    resource: str
    """What carries the name, in words for an error message."""
    value: str
    limit: int
    """The most characters that AWS allows."""

    @property
    def excess(self) -> int:
        """Characters over the limit; zero or less when the name fits."""
        return len(self.value) - self.limit


@dataclass(frozen=True)
class Names:
    """All physical names of one environment."""

    project: str
    environment: str

    @property
    def prefix(self) -> str:
        """What every name of the environment starts with."""
        return f"{self.project}-{self.environment}"

    def artifact_bucket(self, naming: BucketNaming, account_id: str, region: str) -> PhysicalName:
        """Bucket of one region. S3 demands the suffix `-<account>-<region>-an` of account-regional names."""
        if naming is BucketNaming.LEGACY:
            value = f"codepipeline-{self.project}-{region}"
        else:
            value = f"{self.prefix}-artifacts-{account_id}-{region}-an"
        return PhysicalName(f"artifact bucket of {region}", value, 63)

    def distribution_bucket(self, account_id: str, region: str) -> PhysicalName:
        """Bucket of the catalog's templates and seed code in one region."""
        value = f"{self.prefix}-products-{account_id}-{region}-an"
        return PhysicalName(f"distribution bucket of {region}", value, 63)

    def buckets_of_project(self, account_id: str) -> list[str]:
        """Patterns of the names of all these buckets, of every environment of the project in an account."""
        return [
            *(f"{self.project}-*-{kind}-{account_id}-*" for kind in ("artifacts", "products")),
            f"codepipeline-{self.project}-*",
        ]

    @property
    def launch_role(self) -> PhysicalName:
        """Role that launches projects; a portfolio that is shared names it."""
        return PhysicalName("launch role", f"{self.prefix}-project-launch", 64)

    def use_role(self, service: str) -> PhysicalName:
        """Role that works in projects for one service, where projects share their roles."""
        return PhysicalName(f"use role of {service}", f"{self.prefix}-use-{service.lower()}", 64)

    @property
    def project_boundary(self) -> PhysicalName:
        """Policy that bounds every role of a project; the launch role names it."""
        return PhysicalName("boundary of projects", f"{self.prefix}-project-boundary", 128)

    @property
    def studio_policy(self) -> PhysicalName:
        """Policy of people who launch templates from S3, which an administrator attaches: no name that roles change."""
        return PhysicalName("policy of Studio's users", f"studio-launch-{self.prefix}", 128)

    @property
    def portfolio(self) -> PhysicalName:
        """Portfolio, as people see it."""
        return PhysicalName("portfolio", f"{self.prefix} machine learning projects", 100)

    def key_alias(self, purpose: str) -> PhysicalName:
        """Alias of a customer key."""
        return PhysicalName(f"key alias for {purpose}", f"alias/{self.prefix}-{purpose}", 256)

    @property
    def repository(self) -> PhysicalName:
        """CodeCommit repository, where the settings give no name."""
        return PhysicalName("CodeCommit repository", self.prefix, 100)

    @property
    def approval_rule_template(self) -> PhysicalName:
        """Approval rule template, unique in account and region."""
        return PhysicalName("approval rule template", f"{self.prefix}-approvals", 100)

    @property
    def connection(self) -> PhysicalName:
        """Connection to a Git provider."""
        return PhysicalName("connection", self.prefix, 32)

    @property
    def topic(self) -> PhysicalName:
        """SNS topic; people see the name in their mail."""
        return PhysicalName("SNS topic", f"{self.prefix}-notifications", 256)

    def notification_rule(self, subject: str) -> PhysicalName:
        """Notification rule, unique in account and region."""
        return PhysicalName(f"notification rule for {subject}", f"{self.prefix}-{subject}", 64)

    @property
    def delivery_pipeline(self) -> PhysicalName:
        """Pipeline that delivers the platform; the limit leaves room for what its rules and roles add."""
        return PhysicalName("delivery pipeline", f"{self.prefix}-delivery", 55)

    @property
    def drift_pipeline(self) -> PhysicalName:
        """Pipeline that looks for drift."""
        return PhysicalName("drift pipeline", f"{self.prefix}-drift", 55)

    @property
    def pull_requests(self) -> PhysicalName:
        """Build project that previews pull requests; the limit leaves room for what the role that starts it adds."""
        return PhysicalName("build project of pull requests", f"{self.prefix}-pull-requests", 58)

    def delivery_build_role(self, operation: str, stack: str) -> PhysicalName:
        """Role of a build of the delivery, which carries the name of its project; other accounts trust it."""
        value = f"{self.delivery_pipeline.value}-{operation}-{stack}"
        return PhysicalName(f"role that delivers {stack}", value, 64)

    def supplied_delivery_role(self, key: str) -> PhysicalName:
        """Role of the delivery that an administrator makes; a proposal, since the settings name its ARN."""
        return PhysicalName(f"{key} role of the delivery", f"{self.prefix}-delivery-{key}", 64)

    @property
    def delivery_boundary(self) -> PhysicalName:
        """Policy that bounds the stack's roles, which an administrator makes; no name that the roles may change."""
        return PhysicalName("boundary of the delivery", f"delivery-boundary-{self.prefix}", 128)

    def delivery_policy(self, stack: str, kind: str, number: int) -> PhysicalName:
        """Policy of what deliveries may do with a stack of this account."""
        return PhysicalName(f"policy to {kind} {stack}", f"{self.prefix}-delivery-{stack}-{kind}-{number}", 128)

    def test_pipeline(self, option: str) -> PhysicalName:
        """Pipeline that tests a deployment option; the limit leaves room for what its roles add."""
        return PhysicalName(f"pipeline that tests {option}", f"{self.prefix}-test-{option}", 55)

    @property
    def sweep_pipeline(self) -> PhysicalName:
        """Pipeline that destroys what tests have left behind."""
        return PhysicalName("sweep of deployment tests", f"{self.prefix}-tests-sweep", 55)

    @property
    def test_rule(self) -> PhysicalName:
        """Rule that sees tests end, and its role."""
        return PhysicalName("rule of deployment tests", f"{self.prefix}-tests-ended", 64)

    @property
    def test_scientist(self) -> PhysicalName:
        """Role that creates and deletes the projects of tests."""
        return PhysicalName("role of the projects of tests", f"{self.prefix}-tests-scientist", 64)

    def test_policy(self, number: int) -> PhysicalName:
        """Policy of what tests may do."""
        return PhysicalName("policy of deployment tests", f"{self.prefix}-tests-{number}", 128)

    def drift_parameter(self, stack: str) -> PhysicalName:
        """Parameter of Systems Manager that remembers the drift which was told."""
        return PhysicalName(f"parameter for the drift of {stack}", f"/{self.prefix}/delivery/drift/{stack}", 1011)

    def derived(
        self,
        naming: BucketNaming,
        regions: Sequence[str],
        *,
        connection: bool,
        catalog_regions: Sequence[str] = (),
        delivered: Sequence[str] = (),
        tested: Sequence[str] = (),
    ) -> Iterator[PhysicalName]:
        """Every name that the environment gets, at its greatest length."""
        for region in regions:
            yield self.artifact_bucket(naming, ANY_ACCOUNT_ID, region)
        for region in catalog_regions:
            yield self.distribution_bucket(ANY_ACCOUNT_ID, region)
        if catalog_regions:
            yield from (self.launch_role, self.project_boundary, self.portfolio)
        yield from (self.key_alias(purpose) for purpose in ("artifacts", "source", "notifications"))
        yield self.topic
        if connection:
            yield self.connection
        else:
            yield from (self.repository, self.approval_rule_template, self.notification_rule("repository"))
        if delivered:
            yield from (self.delivery_pipeline, self.drift_pipeline, self.pull_requests)
            yield from (self.delivery_build_role("preview", stack) for stack in delivered)
            yield from (self.notification_rule(subject) for subject in ("delivery", "drift"))
        if tested:
            yield from (self.sweep_pipeline, self.test_rule, self.test_scientist)
            yield from (self.test_pipeline(option) for option in tested)
