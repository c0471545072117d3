"""`sm-mlops:catalog`: the project templates that people launch."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from components.core.section import Email, PrincipalArn, RegionName, RoleArn, Section, keys_that_differ, matching
from components.sections.source import ConnectionArn

BucketName = Annotated[
    str, matching(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "the name of a bucket, without s3:// and without a prefix")
]

ShareType = Literal["ACCOUNT", "ORGANIZATION", "ORGANIZATIONAL_UNIT", "ORGANIZATION_MEMBER_ACCOUNT"]


class Share(Section):
    """Whom the portfolio is shared with."""

    type: ShareType
    """What the id names."""
    principal_id: Annotated[
        str,
        matching(
            r"\d{12}|o-[a-z0-9]{10,32}|ou-[0-9a-z]{4,32}-[0-9a-z]{8,32}|"
            r"arn:[a-z-]+:organizations::\d{12}:(organization/o-[a-z0-9]{10,32}"
            r"|ou/o-[a-z0-9]{10,32}/ou-[0-9a-z]{4,32}-[0-9a-z]{8,32})",
            "an account id, or the ARN of an organization or of an organizational unit",
        ),
    ]
    """The account's id, or the organization's or organizational unit's ARN; of an organization its id will do, too."""
    share_principals: bool = True
    """Whether roles that match the portfolio's patterns may launch there."""
    share_tag_options: bool = True
    """Whether the portfolio's TagOptions apply there."""

    @property
    def recipient(self) -> str:
        """The recipient's id: what an ARN ends in. Service Catalog takes ARNs of the partition `aws` only."""
        return self.principal_id.rpartition("/")[2]

    @property
    def organization(self) -> str | None:
        """Id of the organization, of which an organizational unit may be a part; nothing for an account."""
        found = re.search(r"\bo-[a-z0-9]+", self.principal_id)
        return found[0] if found else None


class Budget(Section):
    """A monthly budget that is watched, not enforced."""

    monthly_usd: Annotated[int, Field(ge=1)]
    """Amount in US dollars."""
    emails: Annotated[tuple[Email, ...], Field(min_length=1)]
    """Who is told at 80 % of the amount, and when the forecast passes it."""


class ProjectSource(Section):
    """The Git provider at which projects can have their repositories."""

    connection_arn: ConnectionArn
    """A connection of this account that is available. Its app may use each repository that a project names, and write
    to it: the first push is made through it."""


class CatalogSpec(Section):
    """The Service Catalog portfolio of project templates."""

    products: Annotated[tuple[str, ...], Field(min_length=1)]
    """Folders of `seed_code` that are offered."""
    regions: tuple[RegionName, ...] = ()
    """Regions in which the catalog is offered; left out, the home region."""
    provider_name: Annotated[str, Field(min_length=1, max_length=50)] = "ML platform team"
    """Who offers the products, as people see it."""
    description: Annotated[str, Field(min_length=1, max_length=2000)] = "Project templates for machine learning"
    """What the portfolio is for, as people see it."""
    principals: tuple[PrincipalArn, ...] = ()
    """Who may launch: ARNs of roles, groups and users, or patterns such as `arn:aws:iam:::role/*DataScientist*`."""
    tag_options: Annotated[
        Mapping[str, Annotated[tuple[str, ...], Field(min_length=1)]], AfterValidator(keys_that_differ)
    ] = {}
    """Values to choose from at a launch, by tag. An account has one TagOption of a key and a value in a region."""
    shares: tuple[Share, ...] = ()
    """Accounts, organizational units or an organization that the portfolio is shared with."""
    budget: Budget | None = None
    """A monthly budget for what projects spend: `monthlyUsd` and `emails`."""
    keep_versions: Annotated[int, Field(ge=1, le=50)] = 10
    """Versions of a product that stay switched on though nothing uses them, the newest included."""
    stack_set_role_arn: RoleArn | None = None
    """Administration role with which projects may deploy stack sets to other accounts; left out, they may not."""
    notify_launches: bool = False
    """Whether the topic is told of every event of a launch."""
    rules: Mapping[str, Mapping[str, Any]] = {}
    """By product, rules of a template constraint that limit what parameters may be chosen."""
    service_catalog: bool = True
    """Whether Service Catalog offers the products; if false, only Studio does, from S3, in `studioDomains`."""
    studio_domains: Mapping[RegionName, Annotated[tuple[str, ...], Field(min_length=1)]] = {}
    """By region, ids of SageMaker domains whose Studio also lists the templates from S3, the route AWS recommends."""
    project_source: ProjectSource | None = None
    """A Git provider, GitHub, GitLab or Bitbucket, for projects that name a repository there; others have one in
    CodeCommit."""
    project_key_arns: Mapping[RegionName, str] = {}
    """By region, a customer key for what projects make; left out, AWS's own keys encrypt."""
    data_buckets: tuple[BucketName, ...] | None = None
    """Buckets that projects' own roles may read beside their own: name those with training data, `[]` for none. Left
    out, they read each that their launch names, but for the platform's; a preview warns."""
