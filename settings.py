"""The settings of a stack: read, typed and checked before any resource is registered.

This is the only module that reads the stack's configuration. Each field of `Settings` is one key of the stack file
(`sm-mlops:artifacts`, ...). All faults of a stack file are reported together, each with its key, its value and what
is allowed.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from enum import StrEnum
from typing import Annotated, Any, Literal, TypeGuard

import pulumi
from email_validator import EmailNotValidError, validate_email
from pulumi.runtime import config as runtime_config
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from components import (
    delivery_documents,
    deployment_options,
    network_check,
    packaging,
    role_check,
    role_documents,
    seed_code,
)
from components import other_policies as found_policies
from components.build_definition import LOG_DAYS, Machine, MachineType
from components.delivery_documents import AccountRoles, DeliveryFacts
from components.delivery_policies import state as delivery_state
from components.distribution_bucket import ShareType
from components.naming import BucketNaming, Names
from components.network import Network
from components.pipeline_policies import Place
from components.platform_delivery import DeliveryRoles
from components.providers.aws_access import KEYS, AwsAccess
from components.regions import known_regions
from components.role_documents import RoleChoices, RoleFacts, RoleMode
from components.setting_faults import Wording, nearest, not_one_of
from components.source_repository import CODECOMMIT_PERMISSIONS, CONNECTION_PERMISSIONS
from components.use_role_policies import UseRole

NAMESPACE = "sm-mlops"
"""Namespace of the program's own keys in a stack file."""

SECRET = "[secret]"  # noqa: S105 - what is shown in place of a secret
"""Shown in place of the values of a section that the stack keeps encrypted."""


class SettingsError(pulumi.RunError):
    """The stack file has faults; the message names all of them. Pulumi prints it without a traceback."""


def _fault(message: str) -> PydanticCustomError:
    # As a value, because pydantic would read braces in the message as placeholders.
    return PydanticCustomError("fault", "{message}", {"message": message})


# The docstring of a check is what docs/settings.md says of the values that it takes.


def _known_region(value: str) -> str:
    """An AWS region."""
    if value not in known_regions():
        raise _fault(f"{value!r} is not an AWS region{nearest(value, list(known_regions()))}")
    return value


def _email(value: str) -> str:
    """An e-mail address."""
    try:
        return validate_email(value, check_deliverability=False).normalized
    except EmailNotValidError as error:
        raise _fault(f"{value!r} is not an e-mail address: {error}") from None


def _account_id(value: str) -> str:
    """An AWS account id: twelve digits, in quotes."""
    if len(value) != 12 or not (value.isascii() and value.isdigit()):
        raise _fault(f"{value!r} is not an AWS account id: twelve digits, in quotes")
    return value


def _tags(values: Mapping[str, str]) -> Mapping[str, str]:
    """Tags as AWS takes them, with keys that are nobody else's."""
    for key, value in values.items():
        if key.lower().startswith(("aws:", "mlops:")):
            raise _fault(f"{key!r}: the prefixes 'aws:' and 'mlops:' are kept for AWS and for this program")
        if not 1 <= len(key) <= 128 or len(value) > 256:
            raise _fault(f"{key!r}: AWS takes keys of 1 to 128 characters and values of up to 256")
        if not re.fullmatch(r"[\w\s+=.@:/-]*", key + value):
            raise _fault(f"{key!r}: AWS takes letters, digits, spaces and + - = . _ : / @ in tags, not {value!r}")
    return values


def _container(value: MachineType) -> MachineType:
    """A type of machine on which builds last as long as they need."""
    if value.is_lambda:
        raise _fault(f"{value.value!r}: on Lambda builds end after 15 minutes, and a deployment can take longer")
    return value


def _log_days(value: int) -> int:
    """A number of days that CloudWatch Logs takes."""
    if value not in LOG_DAYS:
        raise _fault(f"{value} is not one of {', '.join(map(str, LOG_DAYS))}")
    return value


def _matching(pattern: str, rule: str) -> AfterValidator:
    """Text of a given form; `rule` says in words what the form is."""
    form = re.compile(pattern)

    def check(value: str) -> str:
        if not form.fullmatch(value):
            raise _fault(f"{value!r}: {rule}")
        return value

    check.__doc__ = rule
    return AfterValidator(check)


def _filled_in(placeholder: str, meant: str) -> Callable[[str], str]:
    """Refuses what a committed stack file shows in the place of a company's own value."""

    def check(value: str) -> str:
        if placeholder in value:
            raise _fault(f"{value!r} is the example's placeholder; put in {meant}")
        return value

    return check


def _resource_id(kind: str) -> AfterValidator:
    return _matching(rf"{kind}-([0-9a-f]{{8}}|[0-9a-f]{{17}})", f"an id: {kind}- and 8 or 17 hexadecimal digits")


NamePart = Annotated[
    str,
    _matching(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", "lower-case letters, digits and single dashes, a letter first"),
]
Branch = Annotated[str, _matching(r"[^\s~^:?*\[\\]{1,256}", "a branch name of 1 to 256 characters without spaces")]
RegionName = Annotated[str, AfterValidator(_known_region)]
Email = Annotated[str, AfterValidator(_email)]
AccountId = Annotated[str, AfterValidator(_account_id)]
Days = Annotated[int, Field(ge=1, le=3650)]
Schedule = Annotated[str, _matching(r"(cron|rate)\(.+\)", "cron(...) or rate(...)")]
Sha256 = Annotated[
    str,
    _matching(r"[0-9a-f]{64}", "64 hexadecimal digits, as sha256sum prints them"),
    AfterValidator(_filled_in("0" * 64, "the digest that Pulumi publishes beside the archive")),
]
RoleArn = Annotated[str, _matching(r"arn:[a-z-]+:iam::\d{12}:role/.+", "the ARN of a role")]
PolicyArn = Annotated[str, _matching(r"arn:[a-z-]+:iam::(\d{12}|aws):policy/.+", "the ARN of a policy")]
PrincipalArn = Annotated[
    str,
    _matching(
        r"arn:[a-z-]+:iam::(\d{12}:(role|group|user)/[^*?]+|:(role|group|user)/.+)",
        "the ARN of a role, group or user, or a pattern (with * or ?) of one without an account",
    ),
]


class RepositoryEvent(StrEnum):
    """What can be notified of a CodeCommit repository: AWS's event type ids without `codecommit-repository-`."""

    COMMENTS_ON_COMMITS = "comments-on-commits"
    COMMENTS_ON_PULL_REQUESTS = "comments-on-pull-requests"
    APPROVALS_STATUS_CHANGED = "approvals-status-changed"
    APPROVALS_RULE_OVERRIDE = "approvals-rule-override"
    PULL_REQUEST_CREATED = "pull-request-created"
    PULL_REQUEST_SOURCE_UPDATED = "pull-request-source-updated"
    PULL_REQUEST_STATUS_CHANGED = "pull-request-status-changed"
    PULL_REQUEST_MERGED = "pull-request-merged"
    BRANCHES_AND_TAGS_CREATED = "branches-and-tags-created"
    BRANCHES_AND_TAGS_DELETED = "branches-and-tags-deleted"
    BRANCHES_AND_TAGS_UPDATED = "branches-and-tags-updated"


class Section(BaseModel):
    """A part of the stack file: unknown keys are refused, nothing is converted, nothing changes after reading."""

    model_config = ConfigDict(
        alias_generator=to_camel, extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True
    )


class Artifacts(Section):
    """The artifact buckets of the pipelines."""

    regions: Annotated[tuple[RegionName, ...], Field(min_length=1)]
    """Regions in which pipelines act; each gets a bucket and a key. The home region `aws:region` is one of them."""
    naming: BucketNaming = BucketNaming.ACCOUNT_REGIONAL
    """`account-regional`: names that only this account can take. `legacy`: `codepipeline-<project>-<region>`."""
    artifact_days: Days = 90
    """Age in days at which an artifact expires. A pipeline can be retried or rolled back for as long."""
    noncurrent_version_days: Days = 30
    """Age at which an overwritten or deleted version is removed for good, in days."""
    incomplete_upload_days: Days = 7
    """Age at which an unfinished multipart upload is dropped, in days."""
    reader_account_ids: tuple[AccountId, ...] = ()
    """Other accounts whose roles may read artifacts, for deployments across accounts."""


class CodeCommitSource(Section):
    """A CodeCommit repository that the stack makes."""

    provider: Literal["CodeCommit"]
    """`CodeCommit`: the stack makes the repository."""
    repository: (
        Annotated[
            str,
            _matching(r"[\w.-]{1,100}", "CodeCommit takes 1 to 100 letters, digits, dots, dashes and underscores"),
        ]
        | None
    ) = None
    """Name of the repository; `<project>-<environment>` when left out."""
    branch: Branch = "main"
    """Branch that pipelines deliver."""
    approvals: Annotated[int, Field(ge=0, le=10)] = 1
    """Approvals that a pull request into the branch needs; 0 for no rule."""


class ConnectionSource(Section):
    """A repository at a Git provider, reached through AWS CodeConnections."""

    provider: Literal["GitHub", "GitLab", "Bitbucket"]
    """`GitHub`, `GitLab` or `Bitbucket`: the repository exists, and a connection reaches it."""
    repository: Annotated[str, _matching(r"[\w.-]+(/[\w.-]+)+", "the full name, owner/name")]
    """Full name at the provider: `owner/name`, or `group/subgroup/name` at GitLab."""
    branch: Branch = "main"
    """Branch that pipelines deliver."""
    connection_arn: (
        Annotated[
            str,
            _matching(
                r"arn:[a-z-]+:(codeconnections|codestar-connections):[a-z0-9-]+:\d{12}:connection/.+",
                "the ARN of a connection, arn:<partition>:codeconnections:<region>:<account>:connection/<id>",
            ),
        ]
        | None
    ) = None
    """An existing connection; left out, the stack makes one, and a person completes it once in the console."""


Source = Annotated[CodeCommitSource | ConnectionSource, Field(discriminator="provider")]


class Notifications(Section):
    """Who is told of what."""

    emails: tuple[Email, ...] = ()
    """Subscribers of the topic. Each confirms the subscription once, by the mail that AWS sends."""
    repository_events: Annotated[tuple[RepositoryEvent, ...], Field(min_length=1)] = (
        RepositoryEvent.PULL_REQUEST_CREATED,
        RepositoryEvent.PULL_REQUEST_MERGED,
    )
    """Events of a CodeCommit repository that are told, by AWS's ids without `codecommit-repository-`.

    A Git provider tells by itself: with one, this has no effect.
    """
    detail: Literal["BASIC", "FULL"] = "FULL"
    """`FULL` mails quote titles and comments; `BASIC` mails only say that something happened."""

    @property
    def topic(self) -> Mapping[str, Any]:
        """What the topic is made from."""
        return {"emails": self.emails, "detail": self.detail}

    @property
    def repository_event_type_ids(self) -> list[str]:
        """The events of the repository by the ids that AWS knows."""
        return [f"codecommit-repository-{event}" for event in self.repository_events]


class Share(Section):
    """Whom the portfolio is shared with."""

    type: ShareType
    """What the id names."""
    principal_id: Annotated[
        str, _matching(r"\d{12}|o-[a-z0-9]{10,32}|ou-[a-z0-9-]{8,66}", "an account id, o-..., or ou-...")
    ]
    """The account's, organization's or organizational unit's id."""
    share_principals: bool = True
    """Whether roles that match the portfolio's patterns may launch there."""
    share_tag_options: bool = True
    """Whether the portfolio's TagOptions apply there."""


class Budget(Section):
    """A monthly budget that is watched, not enforced."""

    monthly_usd: Annotated[int, Field(ge=1)]
    """Amount in US dollars."""
    emails: Annotated[tuple[Email, ...], Field(min_length=1)]
    """Who is told at 80 % of the amount, and when the forecast passes it."""


class Catalog(Section):
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
    tag_options: Mapping[str, Annotated[tuple[str, ...], Field(min_length=1)]] = {}
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
    project_key_arns: Mapping[RegionName, str] = {}
    """By region, a customer key for what projects make; left out, AWS's own keys encrypt."""


class CreatedRole(Section):
    """A role that the stack makes, with the environment's own name."""

    mode: Literal["create"] = "create"
    """`create`: the stack makes it, with the environment's own name."""


class AdoptedRole(Section):
    """The well-known role of SageMaker Projects, which an account may have already."""

    mode: Literal["adopt"]
    """`adopt`: the account's well-known role; used if it is there and sufficient, made if it is not there."""


class SuppliedRole(Section):
    """A role that somebody else makes."""

    mode: Literal["supplied"]
    """`supplied`: somebody else makes it; `python -m tools iam-policies` prints what it needs."""
    role_arn: RoleArn
    """The role."""


class RolesOfProjects(Section):
    """Roles that each project makes for itself."""

    mode: Literal["project"] = "project"
    """`project`: each project makes its own, within the boundary of projects; no project reaches another's."""


class CreatedUseRoles(Section):
    """Roles that all projects of the environment work with."""

    mode: Literal["create"]
    """`create`: the stack makes one for each service, and all projects work with them."""


class SuppliedUseRoles(Section):
    """Roles that somebody else makes, for all projects of the environment."""

    mode: Literal["supplied"]
    """`supplied`: somebody else makes them; `python -m tools iam-policies` prints what they need."""
    role_arns: Mapping[UseRole, RoleArn]
    """The role for each service, all of them."""


LaunchRole = Annotated[CreatedRole | AdoptedRole | SuppliedRole, Field(discriminator="mode")]
UseRoles = Annotated[RolesOfProjects | CreatedUseRoles | AdoptedRole | SuppliedUseRoles, Field(discriminator="mode")]
OwnRole = Annotated[CreatedRole | SuppliedRole, Field(discriminator="mode")]


class Iam(Section):
    """Who makes the roles. With every role supplied, the stack makes nothing in IAM."""

    launch: LaunchRole = CreatedRole()
    """The role that launches projects: `mode` is `create`, `adopt` or `supplied`."""
    use: UseRoles = RolesOfProjects()
    """The roles that work in projects: `mode` is `project`, `create`, `adopt` or `supplied`."""
    pipeline: OwnRole = CreatedRole()
    """The role of the platform's own pipelines: `mode` is `create` or `supplied`."""
    build: OwnRole = CreatedRole()
    """The role of their builds: `mode` is `create` or `supplied`."""
    events: OwnRole = CreatedRole()
    """The role that starts them: `mode` is `create` or `supplied`."""
    delivery: OwnRole = CreatedRole()
    """The role that deploys the platform: `mode` is `create` or `supplied`."""
    permissions_boundary_arn: PolicyArn | None = None
    """Permissions boundary of every role that the stack makes."""
    other_policy_arns: tuple[PolicyArn, ...] = ()
    """Managed policies that others may attach to these roles; any other that is not the stack's own is taken away."""

    @property
    def delivery_roles(self) -> DeliveryRoles:
        """Who makes the roles of the delivery."""

        def supplied(role: CreatedRole | SuppliedRole) -> str | None:
            return role.role_arn if isinstance(role, SuppliedRole) else None

        return DeliveryRoles(
            pipeline_arn=supplied(self.pipeline),
            start_arn=supplied(self.events),
            build_arn=supplied(self.build),
            deploy_arn=supplied(self.delivery),
            permissions_boundary_arn=self.permissions_boundary_arn,
        )

    @property
    def choices(self) -> RoleChoices:
        """Who makes the roles of the catalog."""
        return RoleChoices(
            launch=RoleMode(self.launch.mode),
            launch_role_arn=self.launch.role_arn if isinstance(self.launch, SuppliedRole) else None,
            use=RoleMode(self.use.mode),
            # In one order, however the stack file has them: policies list them.
            use_role_arns=(
                {role: self.use.role_arns[role] for role in UseRole} if isinstance(self.use, SuppliedUseRoles) else {}
            ),
            permissions_boundary_arn=self.permissions_boundary_arn,
            other_policy_arns=self.other_policy_arns,
        )


class Projects(Section):
    """SageMaker Projects switched on, for AWS's own project templates."""

    regions: tuple[RegionName, ...] = ()
    """Regions in which SageMaker Projects are switched on; left out, those of the catalog, else the home region."""
    principals: Annotated[tuple[PrincipalArn, ...], Field(min_length=1)]
    """Who finds AWS's templates: ARNs of Studio's execution roles, of groups and users, or patterns of them."""
    disable_on_destroy: bool = False
    """Whether `pulumi destroy` switches projects off again, if this stack switched them on and no other needs them."""


class NetworkOfRegion(Section):
    """An existing VPC of one region, and where in it things run."""

    vpc_id: Annotated[str, _resource_id("vpc")]
    """The VPC."""
    subnet_ids: Annotated[tuple[Annotated[str, _resource_id("subnet")], ...], Field(min_length=2, max_length=16)]
    """Private subnets of it, in at least two availability zones."""
    security_group_ids: Annotated[tuple[Annotated[str, _resource_id("sg")], ...], Field(min_length=1, max_length=5)]
    """Security groups of it, all of them for each build, function and job."""


class DeploymentOption(Section):
    """One way of deploying the platform, tested by bringing it up."""

    name: Annotated[NamePart, Field(max_length=24)]
    """Name of the option."""
    region: RegionName
    """Home region of the stack under test; the only one, unless `settings` names more."""
    settings: Mapping[str, Any] = {}
    """What differs from this stack's settings, by section: mappings are merged, null leaves a key out."""
    expected: tuple[str, ...] = ()
    """Ids of `tools doctor` that this option is known to break, such as `connection` before a person completes it."""
    projects: Literal["none", "create", "run"] = "run"
    """`run`: a project of each product is created, run and deleted. `create`: not run, which is quicker. `none`."""
    approval: bool = False
    """Whether a person approves before the stack is destroyed."""


class DeploymentTests(Section):
    """Deployment options that are tested: each is brought up, examined and destroyed."""

    options: Annotated[tuple[DeploymentOption, ...], Field(min_length=1)]
    """The options; each gets a pipeline."""
    sweep_after_hours: Annotated[int, Field(ge=1, le=72)] = 6
    """Age in hours at which a stack that a test has left behind is destroyed."""


class DeliveredStack(Section):
    """One stack that the pipeline delivers."""

    stack: Annotated[str, _matching(r"([\w.-]+/[\w.-]+/)?[\w.-]{1,40}", "a stack, or <organization>/<project>/<stack>")]
    """Name of the stack in Pulumi: `dev`, or `<organization>/<project>/dev` in Pulumi Cloud."""
    environment: NamePart | None = None
    """`sm-mlops:environment` of the stack, if it is not the stack's name: builds may change what is named after it."""
    approval: bool = False
    """Whether a person approves the preview before the stack is changed."""
    role_arn: RoleArn | None = None
    """Stack of another account: the role there that changes it. Left out, builds change it by rights of their own."""
    preview_role_arn: RoleArn | None = None
    """Stack of another account: the role there that reads it, for previews, the doctor and drift."""
    external_id: (
        Annotated[str, _matching(r"[\w+=,.@:/-]{2,1224}", "2 to 1224 letters, digits and + = , . @ : / - _")] | None
    ) = None
    """External id that both roles ask for."""
    window: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    """Times in UTC at which the stack may be changed, as Quartz writes them: `* * 9-17 ? * MON-FRI *`."""

    @property
    def title(self) -> str:
        """Last part of the stack's name."""
        return self.stack.rsplit("/", 1)[-1]


class Delivery(Section):
    """The pipelines that deliver the platform and watch it for drift."""

    stacks: Annotated[tuple[DeliveredStack, ...], Field(min_length=1)]
    """What is delivered, in this order; each stack after the one before it is up and well."""
    backend_url: Annotated[
        str,
        _matching(
            r"s3://[a-z0-9.-]{3,63}(/[^?]*)?(\?.*)?|https://[^\s/]+",
            "s3://<bucket>?region=<region>, or an https:// address",
        ),
    ]
    """Where Pulumi keeps the stacks' state: `s3://<bucket>?region=<region>`, or `https://api.pulumi.com`."""
    secrets_provider: (
        Annotated[
            str,
            _matching(
                r"awskms:///?arn:[a-z-]+:kms:[a-z0-9-]+:\d{12}:key/[\w-]+(\?.*)?",
                "awskms:///<ARN of a key>, as the stack files have it",
            ),
            AfterValidator(_filled_in("key/00000000-0000-0000-0000-000000000000", "the ARN of your own key")),
        ]
        | None
    ) = None
    """State in S3: the key that the stacks' secrets are encrypted with, `awskms:///<ARN of the key>`."""
    access_token_arn: (
        Annotated[
            str,
            _matching(
                r"arn:[a-z-]+:secretsmanager:[a-z0-9-]+:\d{12}:secret:[\w/+=.@-]+",
                "the ARN of a secret, never its value",
            ),
        ]
        | None
    ) = None
    """State in Pulumi Cloud: ARN of the secret in Secrets Manager that holds an access token."""
    engine_sha256: Sha256
    """SHA-256 of the archive of Pulumi's engine, of the version that `requirements.txt` pins."""
    plugin_sha256: Sha256
    """SHA-256 of the archive of Pulumi's AWS plugin, of the version that `requirements.txt` pins."""
    releases_url: Annotated[str, _matching(r"https://\S+[^/\s]", "an https:// address without a slash at its end")] = (
        "https://get.pulumi.com/releases"
    )
    """Where both archives are fetched: AWS's internet, or a mirror that builds in a VPC reach."""
    machine_type: Annotated[MachineType, AfterValidator(_container)] = MachineType.X86
    """CodeBuild's type of machine. The archives are those of its processor."""
    compute_type: str | None = "BUILD_GENERAL1_MEDIUM"
    """CodeBuild's size of machine: `BUILD_GENERAL1_SMALL` to `BUILD_GENERAL1_2XLARGE`."""
    image: Annotated[str, Field(min_length=1)] | None = None
    """Container image with Python 3.11 or newer; left out, AWS's own Amazon Linux of the machine type."""
    timeout_minutes: Annotated[int, Field(ge=5, le=2160)] = 60
    """Minutes after which a build is stopped."""
    log_days: Annotated[int, AfterValidator(_log_days)] = 90
    """Days after which a build's log is removed."""
    drift_schedule: Annotated[str, _matching(r"(cron|rate)\(.+\)", "cron(...) or rate(...)")] | None = (
        "cron(0 3 * * ? *)"
    )
    """When drift is looked for, in UTC, as EventBridge writes it; null looks for none."""
    pull_requests: Literal["comment", "approve"] | None = None
    """CodeCommit: `comment` shows on each pull request what it changes; `approve` also approves what nothing stops."""

    @property
    def machine(self) -> Machine:
        """What the builds run on."""
        return Machine(
            type=self.machine_type,
            compute_type=self.compute_type,
            image=self.image,
            timeout_minutes=self.timeout_minutes,
        )


class Protection(Section):
    """What guards buckets, keys and the repository against a mistake."""

    protect: bool
    """Pulumi refuses to delete or replace buckets, keys and the repository."""
    retain: bool
    """Buckets, keys and the repository stay in AWS when they leave the program; if false, buckets are emptied, too."""
    key_deletion_days: Annotated[int, Field(ge=7, le=30)] = 30
    """Days during which the deletion of a key can still be taken back."""


def _key(field: str) -> str:
    return f"{NAMESPACE}:{to_camel(field)}"


class Settings(BaseModel):
    """All settings of one stack."""

    model_config = ConfigDict(
        alias_generator=_key, extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True
    )

    home_region: Annotated[RegionName, Field(alias="aws:region")]
    """Region of everything that is not made once per region."""
    project: NamePart
    """First part of every physical name."""
    environment: NamePart
    """Second part of every physical name; two environments can share an account."""
    artifacts: Artifacts
    """The artifact buckets of the pipelines."""
    source: Source
    """Where the platform's code lives."""
    notifications: Notifications = Notifications()
    """Who is told of what."""
    catalog: Catalog | None = None
    """Project templates that people launch; left out, no catalog is made."""
    projects: Projects | None = None
    """SageMaker Projects, switched on; left out, the account's switch is left as it is."""
    network: Mapping[RegionName, NetworkOfRegion] = {}
    """By region, an existing VPC in which builds, functions and jobs run; left out, they run outside any VPC."""
    iam: Iam = Iam()
    """Who makes the roles; left out, the stack makes its own, and each project its own."""
    deployment_tests: DeploymentTests | None = None
    """Deployment options that are brought up and destroyed to test them; left out, none is."""
    delivery: Delivery | None = None
    """Pipelines that deliver the platform, in one stack only; left out, people run `pulumi up` themselves."""
    protection: Protection
    """What guards buckets, keys and the repository against a mistake."""
    tags: Annotated[Mapping[str, str], Field(max_length=17), AfterValidator(_tags)] = {}
    """Tags of every resource that takes tags, beside `mlops:project` and `mlops:environment`."""

    @property
    def project_regions(self) -> tuple[str, ...]:
        """Regions in which SageMaker Projects are switched on."""
        named = self.projects.regions if self.projects else ()
        offered = self.catalog.regions if self.catalog else ()
        return named or offered or (self.home_region,)

    @property
    def networks(self) -> Mapping[str, Network]:
        """By region, where in an existing VPC things run."""
        return {region: Network(**dict(network)) for region, network in self.network.items()}

    @property
    def called_services(self) -> Mapping[str, str]:
        """What the things that run in a network call, and for what."""
        slugs = self.catalog.products if self.catalog else ()
        stack_sets = self.catalog is not None and self.catalog.stack_set_role_arn is not None
        return network_check.called_services([seed_code.product(slug) for slug in slugs], stack_sets=stack_sets)

    @property
    def catalog_regions(self) -> tuple[str, ...]:
        """Regions of the catalog; none where there is no catalog."""
        return (self.catalog.regions or (self.home_region,)) if self.catalog else ()

    def role_facts(self, account_id: str) -> RoleFacts:
        """What the documents of the catalog's roles depend on, in an account."""
        known, catalog = known_regions(), self.catalog
        return RoleFacts(
            names=self.names,
            home=known[self.home_region],
            regions=[known[region] for region in self.catalog_regions or (self.home_region,)],
            account_id=account_id,
            choices=self.iam.choices,
            service_catalog=catalog is None or catalog.service_catalog,
            studio=bool(catalog and catalog.studio_domains),
            launches_tell_topic=bool(catalog and catalog.notify_launches),
            key_arns=tuple(catalog.project_key_arns.values()) if catalog else (),
            networks=self.networks,
            stack_set_role_arn=catalog.stack_set_role_arn if catalog else None,
        )

    def delivery_facts(self, account_id: str) -> DeliveryFacts | None:
        """What the documents of the delivery's roles depend on, in an account; nothing without a delivery."""
        delivery, source, home = self.delivery, self.source, known_regions()[self.home_region]
        if delivery is None:
            return None
        place = Place(home, account_id)
        if isinstance(source, CodeCommitSource):
            repository = source.repository or self.names.repository.value
            arn = place.arn("codecommit", repository)
        else:
            arn = source.connection_arn or place.arn("codeconnections", "connection/*")
        return DeliveryFacts(
            names=self.names,
            home=home,
            account_id=account_id,
            bucket=self.names.artifact_bucket(self.artifacts.naming, account_id, home.name).value,
            source_arn=arn,
            source_permissions=CODECOMMIT_PERMISSIONS
            if isinstance(source, CodeCommitSource)
            else CONNECTION_PERMISSIONS,
            environments={one.title: one.environment or one.title for one in delivery.stacks if not one.role_arn},
            accounts={
                one.title: AccountRoles(
                    environment=one.environment or one.title,
                    reads=one.preview_role_arn,
                    changes=one.role_arn,
                    external_id=one.external_id,
                )
                for one in delivery.stacks
                if one.role_arn and one.preview_role_arn
            },
            pull_requests=delivery.pull_requests,
            approvals=any(one.approval for one in delivery.stacks),
            drift=delivery.drift_schedule is not None,
            state=delivery_state(delivery.backend_url, delivery.secrets_provider),
            access_token_arn=delivery.access_token_arn,
            repository=source.repository if isinstance(source, CodeCommitSource) else None,
            network=self.networks.get(home.name),
            boundary_arn=self.iam.permissions_boundary_arn,
        )

    def supplied_roles(self, account_id: str) -> list[role_check.SuppliedRole]:
        """Every role of somebody else that something of the stack works with, and who must be able to act as it."""
        return [*self._supplied_to_catalog(account_id), *self._supplied_to_delivery(account_id)]

    def _supplied_to_catalog(self, account_id: str) -> Iterator[role_check.SuppliedRole]:
        where, facts, choices = f"{NAMESPACE}:iam", self.role_facts(account_id), self.iam.choices
        if self.catalog is None:
            return
        if choices.launch_role_arn:
            trust = role_documents.launch_role(facts).trust
            yield role_check.SuppliedRole(key=f"{where}.launch.roleArn", arn=choices.launch_role_arn, trust=trust)
        if choices.use_role_arns:
            shared: dict[str, list[str]] = {}
            for role, arn in choices.use_role_arns.items():
                shared.setdefault(arn, []).append(f"{where}.use.roleArns.{role}")
            for (arn, keys), document in zip(shared.items(), role_documents.use_roles(facts), strict=True):
                yield role_check.SuppliedRole(key=", ".join(keys), arn=arn, trust=document.trust)

    def _supplied_to_delivery(self, account_id: str) -> Iterator[role_check.SuppliedRole]:
        facts = self.delivery_facts(account_id)
        if self.delivery is None or facts is None:
            return
        for document in delivery_documents.documents(facts):
            choice: CreatedRole | SuppliedRole = getattr(self.iam, document.key)
            if isinstance(choice, SuppliedRole):
                key = f"{NAMESPACE}:iam.{document.key}.roleArn"
                yield role_check.SuppliedRole(key=key, arn=choice.role_arn, trust=document.trust)
        accounts = delivery_documents.account_documents(facts)
        for index, stack in enumerate(self.delivery.stacks):
            for field, arn in (("roleArn", stack.role_arn), ("previewRoleArn", stack.preview_role_arn)):
                if arn:
                    key = f"{NAMESPACE}:delivery.stacks[{index}].{field}"
                    yield role_check.SuppliedRole(key=key, arn=arn, trust=accounts[arn].trust, elsewhere=True)

    @property
    def names(self) -> Names:
        """The environment's physical names."""
        return Names(self.project, self.environment)

    @property
    def surroundings(self) -> Mapping[str, Any]:
        """What every component of the environment shares, but for the account."""
        home = known_regions()[self.home_region]
        shared = {"names": self.names, "home": home, "tags": self.all_tags, "networks": self.networks}
        return {**shared, **dict(self.protection), "other_policy_arns": self.iam.other_policy_arns}

    @property
    def catalog_offer(self) -> Mapping[str, Any]:
        """What the catalog is made from."""
        return {**dict(self.catalog or {}), "role_facts": self.role_facts}

    @property
    def projects_switch(self) -> Mapping[str, Any]:
        """What SageMaker Projects are switched on with."""
        return {**dict(self.projects or {}), "regions": self.project_regions}

    @property
    def delivery_roles(self) -> Mapping[str, Any]:
        """Who makes the roles of the platform's own pipelines."""
        return {"roles": self.iam.delivery_roles}

    @property
    def all_tags(self) -> Mapping[str, str]:
        """The tags of every resource."""
        return {**self.tags, "mlops:project": self.project, "mlops:environment": self.environment}


def load() -> Settings:
    """Read the settings of the stack that is being deployed, and look up the networks and roles that they name.

    Raises:
        SettingsError: the stack file has faults, a network cannot carry what is to run in it, or a role that somebody
            else makes cannot do what it is for; the message lists every one.
    """
    stack, access = parse(_stack_values(), stack=pulumi.get_stack()), aws_access()
    faults: list[str] = []
    try:
        network_check.checked(stack.networks, stack.called_services, access)
    except network_check.NetworkError as error:
        faults.append(str(error))
    try:
        role_check.checked(stack.supplied_roles, access, stack.home_region)
    except role_check.SuppliedRoleError as error:
        faults.append(str(error))
    if faults:
        raise SettingsError("\n".join(faults))
    return stack


def other_policies(stack: Settings) -> Mapping[str, Sequence[str]]:
    """By name of a role: the policies of `sm-mlops:iam.otherPolicyArns` that it has.

    Raises:
        OtherPoliciesError: that cannot be told.
    """
    return found_policies.attached(stack.iam.other_policy_arns, aws_access(), stack.home_region)


def aws_access() -> AwsAccess:
    """How the program itself reaches AWS: by the stack's `aws:` configuration, as the AWS plugin does."""
    config = pulumi.Config("aws")
    return AwsAccess({key: config.get(key) for key in KEYS})


def parse(values: Mapping[str, Any], stack: str) -> Settings:
    """Check the values of a stack file, by full key, and type them.

    Raises:
        SettingsError: there are faults; the message lists every one.
    """
    settings, faults = _judged(values)
    fields = dict(settings) if settings else _valid_fields(values)
    faults += _option_faults(fields.get("deployment_tests"), values, known=faults)
    if settings and not faults:
        return settings
    count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
    raise SettingsError("\n".join([f"Pulumi.{stack}.yaml has {count}:", *(f"  - {fault}" for fault in faults)]))


def _judged(values: Mapping[str, Any]) -> tuple[Settings | None, list[str]]:
    """The settings, where their fields are in order, and all faults of the stack itself."""
    try:
        settings = Settings.model_validate_json(json.dumps(values))
    except ValidationError as error:
        return None, [*_WORDING.faults(error), *_repeats(values), *_rule_faults(_valid_fields(values))]
    return settings, [*_repeats(values), *_rule_faults(dict(settings))]


def _stack_values() -> dict[str, Any]:
    """Every value of the program's namespace, and the home region, by full key."""
    keys = {**runtime_config.get_config_env(), **runtime_config.CONFIG.get()}
    own = sorted(key for key in keys if key.startswith(f"{NAMESPACE}:"))
    values = {key: _decoded(key, keys[key]) for key in own}
    region = pulumi.Config("aws").get("region")
    return values if region is None else {"aws:region": region, **values}


def _decoded(key: str, text: str) -> object:
    if runtime_config.is_config_secret(key):
        return SECRET
    # Pulumi hands sections over as JSON and everything else as plain text.
    if text.startswith(("{", "[")):
        with suppress(json.JSONDecodeError):
            return json.loads(text)
    return text


def _valid_fields(values: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that are in order by themselves, so that rules between them are checked whatever else is wrong."""
    valid: dict[str, Any] = {}
    for name, field in Settings.model_fields.items():
        key = str(field.alias)
        if key in values:
            adapter: TypeAdapter[Any] = TypeAdapter(field.rebuild_annotation())
            with suppress(ValidationError):
                valid[name] = adapter.validate_json(json.dumps(values[key]), strict=True)
        elif not field.is_required():
            valid[name] = field.default
    return valid


def _is_text(value: object) -> TypeGuard[str]:
    return isinstance(value, str)


def _repeats(value: object, path: str = "") -> Iterator[str]:
    """Every list of the stack file names each thing once."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _repeats(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            if item in value[:index]:
                yield f"{path}[{index}]: {item!r} is in the list already"
            elif isinstance(item, str) and item.lower() in map(str.lower, filter(_is_text, value[:index])):
                yield f"{path}[{index}]: {item!r} is in the list already, written differently"


def _rule_faults(fields: Mapping[str, Any]) -> Iterator[str]:
    """Rules that join several fields; a rule is skipped where a field that it needs has faults of its own."""
    home, artifacts = fields.get("home_region"), fields.get("artifacts")
    if home and artifacts and home not in artifacts.regions:
        yield (
            f"{NAMESPACE}:artifacts.regions: the home region {home!r} (aws:region) is not in the list; pipelines "
            f"live there and need a bucket beside them"
        )
    catalog = fields.get("catalog")
    if fields.get("delivery"):
        yield from _delivery_faults(fields["delivery"])
        yield from _pull_request_faults(fields["delivery"], fields.get("source"))
    if fields.get("deployment_tests"):
        yield from _test_faults(fields["deployment_tests"], fields.get("delivery"), artifacts)
    if fields.get("iam"):
        yield from _role_faults(fields["iam"], catalog)
    if home:
        sections = {"artifacts": artifacts, "catalog": catalog, "projects": fields.get("projects")}
        yield from _partition_faults(home, sections)
    if catalog:
        yield from _product_faults(catalog.products)
        yield from _place_faults(catalog, home)
    if home and artifacts and fields.get("network"):
        offered = (catalog.regions or (home,)) if catalog else ()
        yield from _network_faults(fields["network"], offered, artifacts.regions)
        if catalog and catalog.shares:
            yield (
                f"{NAMESPACE}:network: does not go with catalog.shares: security groups exist in this account only, "
                f"and projects of the other accounts would look for them there"
            )
    yield from _name_faults(fields)


def _name_faults(fields: Mapping[str, Any]) -> Iterator[str]:
    """Every name fits into AWS's limit for it."""
    home, artifacts, catalog = fields.get("home_region"), fields.get("artifacts"), fields.get("catalog")
    delivery, tests = fields.get("delivery"), fields.get("deployment_tests")
    project, environment, source = fields.get("project"), fields.get("environment"), fields.get("source")
    if project and environment and artifacts and source:
        makes_connection = isinstance(source, ConnectionSource) and source.connection_arn is None
        worst = max(
            Names(project, environment).derived(
                artifacts.naming,
                artifacts.regions,
                connection=makes_connection,
                catalog_regions=(catalog.regions or (home,)) if catalog and home else (),
                tested=[option.name for option in tests.options] if tests else (),
                delivered=[stack.title for stack in delivery.stacks] if delivery else (),
            ),
            key=lambda name: name.excess,
        )
        if worst.excess > 0:
            yield (
                f"{NAMESPACE}:project: {project!r} with environment {environment!r} is too long by {worst.excess}: "
                f"the {worst.resource} would be named {worst.value!r}, {len(worst.value)} characters, and AWS "
                f"allows {worst.limit}"
            )


def _test_faults(tests: DeploymentTests, delivery: Delivery | None, artifacts: Artifacts | None) -> Iterator[str]:
    """Tests run Pulumi as the delivery does, each in a region in which pipelines act."""
    where = f"{NAMESPACE}:deploymentTests"
    if delivery is None:
        yield f"{where}: needs {NAMESPACE}:delivery, which says where Pulumi and its state are"
    for index, option in enumerate(tests.options):
        if artifacts and option.region not in artifacts.regions:
            yield (
                f"{where}.options[{index}].region: {option.region!r} is not one of {NAMESPACE}:artifacts.regions "
                f"({', '.join(artifacts.regions)}); the test's build acts there and needs a bucket beside it"
            )


def _role_faults(iam: Iam, catalog: Catalog | None) -> Iterator[str]:
    """Roles are named whole, and roles of one account are not told to projects of another."""
    if isinstance(iam.use, SuppliedUseRoles):
        missing = [role for role in UseRole if role not in iam.use.role_arns]
        if missing:
            yield f"{NAMESPACE}:iam.use.roleArns: names no role for {', '.join(missing)}"
    if catalog and catalog.shares and not isinstance(iam.use, RolesOfProjects):
        yield (
            f"{NAMESPACE}:iam.use.mode: {iam.use.mode!r} names roles of this account, and catalog.shares offers the "
            f"products to others; with shares it is 'project'"
        )


def _partition_faults(home: str, sections: Mapping[str, Artifacts | Catalog | Projects | None]) -> Iterator[str]:
    """One account's credentials reach the regions of one partition."""
    partition = known_regions()[home].partition
    for key, section in sections.items():
        for region in section.regions if section else ():
            if known_regions()[region].partition != partition:
                yield (
                    f"{NAMESPACE}:{key}.regions: {region!r} is not in partition {partition!r}, where the home region "
                    f"{home!r} is; it needs an account and a stack of its own"
                )


def _place_faults(catalog: Catalog, home: str | None) -> Iterator[str]:
    """What is said of a region or of a product is said of one that the catalog has."""
    regions = catalog.regions or ((home,) if home else ())
    for key in ("studio_domains", "project_key_arns"):
        for region in getattr(catalog, key):
            if regions and region not in regions:
                yield (
                    f"{NAMESPACE}:catalog.{to_camel(key)}: {region!r} is not a region of the catalog (its regions: "
                    f"{', '.join(regions)})"
                )
    for index, share in enumerate(catalog.shares):
        if not re.match(_SHARE_IDS[share.type], share.principal_id):
            yield (
                f"{NAMESPACE}:catalog.shares[{index}].principalId: {share.principal_id!r} is not the id of what "
                f"{share.type} names"
            )
    if not catalog.service_catalog:
        yield from _route_faults(catalog, regions)
    for product in catalog.rules:
        if product not in catalog.products:
            yield (
                f"{NAMESPACE}:catalog.rules: {product!r} is not a product of the catalog (its products: "
                f"{', '.join(catalog.products)})"
            )


def _network_faults(networks: Mapping[str, Any], offered: Sequence[str], acting: Sequence[str]) -> Iterator[str]:
    """Whoever locks one region down wants none left open by an oversight."""
    regions = dict.fromkeys((*acting, *offered))
    for region in networks:
        if region not in regions:
            yield f"{NAMESPACE}:network: {region!r} is not a region of this stack (its regions: {', '.join(regions)})"
    for region in offered:
        if region not in networks:
            yield (
                f"{NAMESPACE}:network: has nothing for {region!r}, where the catalog is offered: projects there would "
                f"run outside any VPC; add the region, or take it out of the catalog"
            )


_OF_SERVICE_CATALOG = (
    "provider_name",
    "description",
    "principals",
    "tag_options",
    "shares",
    "budget",
    "keep_versions",
    "notify_launches",
    "rules",
)
"""What is said of a portfolio."""


def _route_faults(catalog: Catalog, regions: Sequence[str]) -> Iterator[str]:
    """Without Service Catalog there is no portfolio to say something of, and every region needs the other route."""
    for key in _OF_SERVICE_CATALOG:
        if key in catalog.model_fields_set:
            yield f"{NAMESPACE}:catalog.{to_camel(key)}: has no effect with serviceCatalog: false; leave it out"
    for region in regions:
        if region not in catalog.studio_domains:
            yield (
                f"{NAMESPACE}:catalog.studioDomains: names no domain of {region!r}; with serviceCatalog: false nobody "
                f"would find the products there"
            )


def _pull_request_faults(delivery: Delivery, source: Source | None) -> Iterator[str]:
    """Pull requests of a Git provider are its own."""
    if delivery.pull_requests is not None and isinstance(source, ConnectionSource):
        yield (
            f"{NAMESPACE}:delivery.pullRequests: has no effect with source.provider {source.provider}; "
            f"at GitHub .github/workflows previews pull requests"
        )


def _delivery_faults(delivery: Delivery) -> Iterator[str]:
    """Rules between the fields of a delivery."""
    where = f"{NAMESPACE}:delivery"
    if delivery.backend_url.startswith("s3://"):
        if delivery.secrets_provider is None:
            yield f"{where}.secretsProvider: missing; state in S3 needs the key that decrypts the stacks' secrets"
        if delivery.access_token_arn is not None:
            yield f"{where}.accessTokenArn: has no effect with state in S3; leave it out"
    elif delivery.access_token_arn is None:
        yield f"{where}.accessTokenArn: missing; {delivery.backend_url} asks for an access token"
    yield from (f"{where}.computeType: {fault}" for fault in delivery.machine.faults(in_vpc=False))
    titles = [stack.title for stack in delivery.stacks]
    for index, stack in enumerate(delivery.stacks):
        entry = f"{where}.stacks[{index}]"
        if stack.title in titles[:index]:
            yield f"{entry}.stack: another stack of the list is called {stack.title!r}, too; its stage has the name"
        if (stack.role_arn is None) is not (stack.preview_role_arn is None):
            missing = "previewRoleArn" if stack.preview_role_arn is None else "roleArn"
            yield f"{entry}.{missing}: missing; a stack of another account needs a role that reads and one that changes"
        if stack.external_id is not None and stack.role_arn is None:
            yield f"{entry}.externalId: has no effect without roleArn"
        if stack.environment is None and not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", stack.title):
            yield f"{entry}.environment: missing; {stack.title!r} cannot be the name of an environment"


def _product_faults(slugs: Sequence[str]) -> Iterator[str]:
    """Every fault of every product that is offered: a folder is refused before anything is registered."""
    offered = list(packaging.discover(seed_code.SEED_CODE))
    for index, slug in enumerate(slugs):
        if slug not in offered:
            yield f"{NAMESPACE}:catalog.products[{index}]: {not_one_of(slug, offered)}"
            continue
        try:
            seed_code.product(slug)
        except packaging.ProductFolderError as error:
            yield from (f"seed_code/{slug}/{fault}" for fault in error.faults)


def own_sections(values: Mapping[str, Any]) -> dict[str, Any]:
    """The program's own part of a stack's configuration, by section."""
    prefix = f"{NAMESPACE}:"
    return {key.removeprefix(prefix): value for key, value in values.items() if key.startswith(prefix)}


def _option_faults(tests: DeploymentTests | None, values: Mapping[str, Any], *, known: Sequence[str]) -> Iterator[str]:
    """The settings of every stack under test are in order, too: its test would find out only after minutes.

    Args:
        tests: the options.
        values: the stack's own values, by full key.
        known: faults of the stack itself, which its options share.
    """
    names = [option.name for option in tests.options] if tests else []
    for index, option in enumerate(tests.options if tests else ()):
        place = f"{NAMESPACE}:deploymentTests.options[{index}]"
        if option.name in names[:index]:
            yield f"{place}.name: {option.name!r} is the name of another option already"
        sections = deployment_options.settings_under_test(
            own_sections(values),
            region=option.region,
            changes=option.settings,
            test_suffix=deployment_options.ANY_SUFFIX,
        )
        _, faults = _judged({"aws:region": option.region, **{f"{NAMESPACE}:{key}": sections[key] for key in sections}})
        yield from (f"{place} ({option.name}): {fault}" for fault in faults if fault not in known)


_SHARE_IDS = {
    "ACCOUNT": r"\d",
    "ORGANIZATION": "o-",
    "ORGANIZATIONAL_UNIT": "ou-",
    "ORGANIZATION_MEMBER_ACCOUNT": r"\d",
}
"""How the id of each kind of recipient begins."""


_WORDING = Wording(
    root=Settings,
    prefix=f"{NAMESPACE}:",
    secret=SECRET,
    moved={("catalog", "launchRoleArn"): "iam.launch: {mode: supplied, roleArn: ...}"},
)
