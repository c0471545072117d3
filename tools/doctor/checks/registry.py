"""Every rule of the doctor as data: its id, how bad it can be, how it is put right, and AWS's page about it.

The order is that in which findings are told. What a check does is beside its subject; here is what people look up.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, ParamSpec

from tools.doctor.account import Account, CatalogProduct, StackRegion
from tools.doctor.checks import (
    branch,
    builds,
    catalog,
    endpoints,
    made_roles,
    principal,
    projects,
    quotas,
    roles,
    source,
)
from tools.doctor.checks.principal import PrincipalRole
from tools.doctor.findings import Status, Verdict

Subject = ParamSpec("Subject")

BROKEN = (Status.BROKEN,)
MIXED = (Status.BROKEN, Status.WARNING)

UP = "{up}"
"""What the stack's own resources have lost, the next refreshed deployment puts back."""
DEPLOY = "{deploy}"
"""What the stack has not made yet, the next deployment makes."""

_DOCS = "https://docs.aws.amazon.com"
_IAM = f"{_DOCS}/IAM/latest/UserGuide"
_QUOTAS = f"{_DOCS}/general/latest/gr"
_SAGEMAKER = f"{_DOCS}/sagemaker/latest/dg"
_CATALOG = f"{_DOCS}/servicecatalog/latest/adminguide"
_TOOLS = f"{_DOCS}/dtconsole/latest/userguide"


@dataclass(frozen=True, kw_only=True)
class Rule(Generic[Subject]):
    """A rule of the doctor."""

    id: str
    """What findings name it by; it stays the same from release to release."""
    check: Callable[Subject, Verdict]
    """Looks at a subject."""
    severities: tuple[Status, ...] = BROKEN
    """How bad what it finds can be, the worst first."""
    fix: str = UP
    """What to do where the check says nothing else: `{up}` and `{deploy}` are the commands that do it."""
    url: str
    """AWS's page about what is looked at."""

    @property
    def holds(self) -> str:
        """What is so where all is well."""
        sentence = (self.check.__doc__ or "").partition("\n")[0].removeprefix("Check that ")
        return sentence[:1].upper() + sentence[1:]


SOURCE: tuple[Rule[Account], ...] = (
    Rule(
        id="source-repository",
        check=source.source_repository,
        url=f"{_DOCS}/codecommit/latest/userguide/repositories.html",
    ),
    Rule(
        id="branch-protection",
        check=branch.branch_protection,
        severities=(Status.WARNING,),
        url=f"{_DOCS}/codecommit/latest/userguide/how-to-conditional-branch.html",
    ),
    Rule(id="connection", check=source.connection, url=f"{_TOOLS}/connections-update.html"),
    Rule(id="project-connection", check=source.project_connection, url=f"{_TOOLS}/connections-update.html"),
    Rule(id="notifications-role", check=source.notifications_role, url=f"{_TOOLS}/using-service-linked-roles.html"),
    Rule(id="notification-rule", check=source.notification_rule, url=f"{_TOOLS}/troubleshooting.html"),
    Rule(id="notification-topic", check=source.notification_topic, url=f"{_TOOLS}/set-up-sns.html"),
    Rule(
        id="subscriptions",
        check=source.subscriptions,
        severities=MIXED,
        url=f"{_DOCS}/sns/latest/dg/sns-email-notifications.html",
    ),
    Rule(
        id="delivery-accounts",
        check=source.delivery_accounts,
        fix="put your own ARNs under sm-mlops:delivery (docs/delivery.md tells which); then `{deploy}`",
        url=f"{_DOCS}/accounts/latest/reference/manage-acct-identifiers.html",
    ),
)
"""What is looked at once, in the home region."""

ROLES: tuple[Rule[Account], ...] = (
    Rule(id="launch-role", check=roles.launch_role, url=f"{_CATALOG}/constraints-launch.html"),
    Rule(id="launch-role-trust", check=roles.launch_role_trust, url=f"{_CATALOG}/constraints-launch.html"),
    Rule(id="launch-role-permissions", check=roles.launch_role_permissions, url=f"{_CATALOG}/constraints-launch.html"),
    Rule(id="use-roles", check=roles.use_roles, url=f"{_IAM}/id_roles_create_for-service.html"),
    Rule(id="use-roles-trust", check=roles.use_roles_trust, url=f"{_IAM}/id_roles_create_for-service.html"),
    Rule(
        id="use-roles-permissions",
        check=roles.use_roles_permissions,
        url=f"{_IAM}/reference_policies_evaluation-logic.html",
    ),
    Rule(id="project-boundary", check=roles.project_boundary, url=f"{_IAM}/access_policies_boundaries.html"),
    Rule(id="quota-roles", check=quotas.quota_roles, severities=MIXED, url=f"{_IAM}/reference_iam-quotas.html"),
)
"""What is looked at once for all regions of the catalog."""

MADE_ROLES: tuple[Rule[Account], ...] = (
    Rule(id="made-roles", check=made_roles.made_roles, url=f"{_IAM}/best-practices.html"),
)
"""What is looked at in every role of the stack."""

PROJECTS: tuple[Rule[StackRegion], ...] = (
    Rule(
        id="projects-enabled",
        check=projects.projects_enabled,
        fix="{up}; or in the console: SageMaker AI, Admin configurations, Domains, App configurations",
        url=f"{_SAGEMAKER}/sagemaker-projects-studio-updates.html",
    ),
    Rule(
        id="projects-principals",
        check=projects.projects_principals,
        url=f"{_SAGEMAKER}/sagemaker-projects-studio-updates.html",
    ),
)
"""What is looked at in each region of `sm-mlops:projects`."""

CATALOG: tuple[Rule[StackRegion], ...] = (
    Rule(id="portfolio", check=catalog.portfolio, fix=DEPLOY, url=f"{_CATALOG}/catalogs_portfolios.html"),
    Rule(
        id="catalog-principals",
        check=catalog.catalog_principals,
        severities=MIXED,
        url=f"{_CATALOG}/catalogs_portfolios_users.html",
    ),
    Rule(id="studio-cors", check=catalog.studio_cors, url=f"{_SAGEMAKER}/sagemaker-projects-templates-custom.html"),
    Rule(
        id="studio-domain-tag",
        check=catalog.studio_domain_tag,
        url=f"{_SAGEMAKER}/sagemaker-projects-templates-custom.html",
    ),
)
"""What is looked at in each region of the catalog."""

PRODUCT: tuple[Rule[CatalogProduct], ...] = (
    Rule(id="product", check=catalog.product, fix=DEPLOY, url=f"{_CATALOG}/catalogs_products.html"),
    Rule(id="product-tag", check=catalog.product_tag, url=f"{_SAGEMAKER}/sagemaker-projects-templates-custom.html"),
    Rule(id="product-association", check=catalog.product_association, url=f"{_CATALOG}/catalogs_portfolios.html"),
    Rule(
        id="product-version",
        check=catalog.product_version,
        severities=MIXED,
        url=f"{_CATALOG}/managing-versions.html",
    ),
    Rule(id="launch-constraint", check=catalog.launch_constraint, url=f"{_CATALOG}/constraints-launch.html"),
    Rule(id="template-object", check=catalog.template_object, url=f"{_CATALOG}/constraints-launch.html"),
    Rule(id="seed-object", check=catalog.seed_object, url=f"{_CATALOG}/constraints-launch.html"),
    Rule(id="studio-object", check=catalog.studio_object, url=f"{_SAGEMAKER}/sagemaker-projects-templates-custom.html"),
)
"""What is looked at for each product in each region of the catalog."""

SERVICES: tuple[Rule[StackRegion], ...] = (
    Rule(
        id="build-images",
        check=builds.build_images,
        severities=MIXED,
        url=f"{_DOCS}/codebuild/latest/userguide/build-env-ref-available.html",
    ),
    Rule(id="codecommit", check=source.codecommit, severities=MIXED, url=f"{_QUOTAS}/codecommit.html"),
    Rule(
        id="quota-portfolios",
        check=quotas.quota_portfolios,
        severities=MIXED,
        url=f"{_QUOTAS}/servicecatalog.html",
    ),
    Rule(id="quota-products", check=quotas.quota_products, severities=MIXED, url=f"{_QUOTAS}/servicecatalog.html"),
    Rule(id="quota-versions", check=quotas.quota_versions, severities=MIXED, url=f"{_QUOTAS}/servicecatalog.html"),
    Rule(
        id="quota-principals",
        check=quotas.quota_principals,
        severities=MIXED,
        url=f"{_QUOTAS}/servicecatalog.html",
    ),
    Rule(id="quota-pipelines", check=quotas.quota_pipelines, severities=MIXED, url=f"{_QUOTAS}/codepipeline.html"),
    Rule(
        id="quota-build-projects",
        check=quotas.quota_build_projects,
        severities=MIXED,
        url=f"{_QUOTAS}/codebuild.html",
    ),
    Rule(
        id="project-endpoints",
        check=endpoints.project_endpoints,
        severities=(Status.WARNING,),
        url=f"{_DOCS}/sagemaker/latest/dg/realtime-endpoints-delete-resources.html",
    ),
)
"""What launches need in each region of the catalog, beside the catalog itself, and what they left running."""

IDENTITIES: tuple[Rule[StackRegion], ...] = (
    Rule(
        id="principal-identities",
        check=projects.principal_identities,
        severities=MIXED,
        url=f"{_CATALOG}/catalogs_portfolios_users.html",
    ),
)
"""What is looked at in every region."""

PRINCIPAL: tuple[Rule[PrincipalRole], ...] = (
    Rule(id="principal-exists", check=principal.principal_exists, url=f"{_SAGEMAKER}/sagemaker-roles.html"),
    Rule(
        id="principal-permissions",
        check=principal.principal_permissions,
        url=f"{_SAGEMAKER}/sagemaker-projects-studio-updates.html",
    ),
    Rule(
        id="principal-branch",
        check=branch.principal_branch,
        severities=(Status.WARNING,),
        url=f"{_DOCS}/codecommit/latest/userguide/how-to-conditional-branch.html",
    ),
)
"""What is looked at once of the role that is asked about."""

ACCESS: tuple[Rule[PrincipalRole, StackRegion], ...] = (
    Rule(
        id="principal-finds-products",
        check=principal.principal_finds_products,
        url=f"{_CATALOG}/catalogs_portfolios_users.html",
    ),
    Rule(
        id="principal-finds-projects",
        check=principal.principal_finds_projects,
        url=f"{_SAGEMAKER}/sagemaker-projects-studio-updates.html",
    ),
)
"""What is looked at of that role in every region."""

RULES: tuple[Rule[...], ...] = (
    *SOURCE,
    *ROLES,
    *MADE_ROLES,
    *PROJECTS,
    *CATALOG,
    *PRODUCT,
    *SERVICES,
    *IDENTITIES,
    *PRINCIPAL,
    *ACCESS,
)
"""Every rule."""
