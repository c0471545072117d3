"""The roles of the platform's own delivery as documents, for an administrator who makes them by hand.

One role serves both pipelines, one all builds that change nothing, one all that deploy, and one starts the pipelines:
what the stack itself would make as a role for each is here joined from the same functions. ARNs that are known only
after `pulumi up` stand as the pattern and the alias that tell the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from awsmodel.arns import ArnScope
from awsmodel.regions import Region
from components.core.naming import Names
from components.core.network import Network
from components.iam import delivery_policies, pipeline_policies, pull_request_policies
from components.iam.delivery_policies import State, Target, state_of
from components.iam.network_policies import network_interface_statements
from components.iam.pipeline_policies import (
    CODECOMMIT_PERMISSIONS,
    CONNECTION_PERMISSIONS,
    PipelineRights,
    Place,
    Store,
)
from components.iam.policies import Statement
from components.iam.role_documents import RoleDocument
from components.sections.delivery import DeliveredStack, DeliverySpec
from components.sections.source import CodeCommitSource, SourceSpec


@dataclass(frozen=True, kw_only=True)
class AccountRoles:
    """The roles with which a stack of another account is delivered."""

    stack: DeliveredStack
    """The stack."""
    reads: str
    """ARN of the role that reads it."""
    changes: str
    """ARN of the role that changes it."""


@dataclass(frozen=True, kw_only=True)
class DeliveryFacts:
    """What the documents of a delivery's roles depend on."""

    names: Names
    """Physical names of the environment that holds the pipelines."""
    home: Region
    """Its home region."""
    account_id: str
    """Its account."""
    bucket: str
    """Artifact bucket of the home region."""
    source: SourceSpec
    """Where the platform's code lives."""
    delivery: DeliverySpec
    """What is delivered, and with what."""
    network: Network | None = None
    """Where in a VPC builds run."""
    boundary_arn: str | None = None
    """Policy that bounds every role of the environment."""

    @property
    def source_arn(self) -> str:
        """The repository's ARN, or the connection's; a pattern of it where the stack makes the connection."""
        if isinstance(self.source, CodeCommitSource):
            return self.place.arn("codecommit", self.source.repository or self.names.repository.value)
        return self.source.connection_arn or self.place.arn("codeconnections", "connection/*")

    @property
    def source_permissions(self) -> Sequence[str]:
        """IAM actions that reading the source takes."""
        return CODECOMMIT_PERMISSIONS if isinstance(self.source, CodeCommitSource) else CONNECTION_PERMISSIONS

    @property
    def repository(self) -> str | None:
        """CodeCommit repository of the stacks, where the settings name it."""
        return self.source.repository if isinstance(self.source, CodeCommitSource) else None

    @property
    def state(self) -> State:
        """Where Pulumi keeps its state."""
        return state_of(self.delivery.backend_url, self.delivery.secrets_provider)

    @property
    def environments(self) -> Mapping[str, str]:
        """By the last part of the name of each delivered stack of this account: its environment."""
        return {one.title: one.environment_name for one in self.delivery.stacks if not one.role_arn}

    @property
    def accounts(self) -> Mapping[str, AccountRoles]:
        """By the same of each stack of another account: its roles there."""
        return {
            one.title: AccountRoles(stack=one, reads=one.preview_role_arn, changes=one.role_arn)
            for one in self.delivery.stacks
            if one.role_arn and one.preview_role_arn
        }

    @property
    def approvals(self) -> bool:
        """Whether any stack is approved by a person."""
        return any(one.approval for one in self.delivery.stacks)

    @property
    def drift(self) -> bool:
        """Whether drift is looked for."""
        return self.delivery.drift_schedule is not None

    @property
    def place(self) -> Place:
        """The account and its home region."""
        return Place(self.home, self.account_id)

    @property
    def store(self) -> Store:
        """Artifact store of the home region; the key is known by its alias."""
        return Store(
            bucket_arn=ArnScope.of(self.home).bucket(self.bucket),
            key_arn=self.place.arn("kms", "key/*"),
            key_alias=self.names.key_alias("artifacts").value,
        )

    @property
    def topic_arn(self) -> str:
        """Topic that approvals and drift are told to."""
        return self.place.arn("sns", self.names.topic.value)

    @property
    def pipelines(self) -> list[str]:
        """Names of the pipelines."""
        drift = [self.names.drift_pipeline.value] if self.drift else []
        return [self.names.delivery_pipeline.value, *drift]

    @property
    def stacks(self) -> list[str]:
        """Last part of the name of each delivered stack."""
        return [*self.environments, *self.accounts]

    def projects(self, *, deploying: bool) -> dict[str, list[str]]:
        """Build projects by pipeline: those that deploy, or the others."""
        delivery, drift = self.names.delivery_pipeline.value, self.names.drift_pipeline.value
        if deploying:
            return {delivery: [f"{delivery}-up-{stack}" for stack in self.stacks]}
        reading = [f"{delivery}-{operation}-{stack}" for operation in ("preview", "doctor") for stack in self.stacks]
        nightly = {drift: [f"{drift}-drift-{stack}" for stack in self.stacks]} if self.drift else {}
        return {delivery: [f"{delivery}-check", *reading], **nightly}


def documents(facts: DeliveryFacts) -> list[RoleDocument]:
    """The four roles of a delivery whose roles are supplied."""
    return [pipeline_role(facts), start_role(facts), build_role(facts), deploy_role(facts)]


def named_by(role: RoleDocument, arn: str) -> RoleDocument:
    """The role by the name and the path of its ARN."""
    path, _, name = arn.split(":role", 1)[1].rpartition("/")
    return replace(role, name=name, path=f"{path}/")


def account_documents(facts: DeliveryFacts) -> dict[str, RoleDocument]:
    """By ARN, the roles of other accounts: they trust the builds of their own stack and no other."""
    found = {}
    for stack, roles in facts.accounts.items():
        delivery, drift = facts.names.delivery_pipeline.value, facts.names.drift_pipeline.value
        nightly = [f"{drift}-drift-{stack}"] if facts.drift else []
        reading = [f"{delivery}-preview-{stack}", f"{delivery}-doctor-{stack}", *nightly]
        for arn, make, builds in (
            (roles.reads, delivery_policies.reading_role, reading),
            (roles.changes, delivery_policies.changing_role, [f"{delivery}-up-{stack}"]),
        ):
            target = Target(
                place=Place(facts.home, arn.split(":")[4]),
                project=facts.names.project,
                environment=roles.stack.environment_name,
            )
            document = make(target, [facts.place.role(build) for build in builds], roles.stack.external_id)
            found[arn] = named_by(document, arn)
    return found


def pipeline_role(facts: DeliveryFacts) -> RoleDocument:
    """Runs both pipelines."""
    deploying, others = facts.projects(deploying=True), facts.projects(deploying=False)
    found: list[Statement] = []
    for pipeline in facts.pipelines:
        projects = [*others.get(pipeline, ()), *deploying.get(pipeline, ())]
        asks = facts.approvals and pipeline == facts.names.delivery_pipeline.value
        rights = PipelineRights(
            stores={facts.home.name: facts.store},
            sources=[(facts.source_arn, facts.source_permissions)],
            projects=[(facts.home.name, project) for project in projects],
            topic_arn=facts.topic_arn if asks else None,
        )
        found.extend(_of(pipeline, facts, pipeline_policies.pipeline_statements(facts.place, pipeline, rights)))
    return _document(
        facts,
        "pipeline",
        f"Runs the pipelines of {facts.names.prefix}",
        [
            pipeline_policies.trust(
                facts.place, "codepipeline.amazonaws.com", *map(facts.place.pipeline, facts.pipelines)
            )
        ],
        found,
    )


def start_role(facts: DeliveryFacts) -> RoleDocument:
    """Starts both pipelines."""
    rules = [f"{name}-{kind}" for name, kind in zip(facts.pipelines, ("push", "schedule"), strict=False)]
    found = [
        statement
        for pipeline in facts.pipelines
        for statement in _of(pipeline, facts, pipeline_policies.start_statements(facts.place, pipeline))
    ]
    if facts.delivery.pull_requests is not None:
        project = facts.names.pull_requests.value
        rules.append(project)
        found.extend(pull_request_policies.start_statements(facts.place, project))
    trust = [pipeline_policies.start_trust(facts.place, rules)]
    return _document(facts, "events", f"Starts the pipelines of {facts.names.prefix}", trust, found)


def build_role(facts: DeliveryFacts) -> RoleDocument:
    """Checks, previews, examines and looks for drift."""
    reading = [delivery_policies.assume_statements(roles.reads) for roles in facts.accounts.values()]
    parameters = [
        facts.place.arn("ssm", f"parameter{facts.names.drift_parameter(stack).value}") for stack in facts.stacks
    ]
    found = [
        *_builds(facts, facts.projects(deploying=False), reports=True),
        *delivery_policies.read_state_statements(facts.place, facts.state),
        *_numbered([one for statements in reading for one in statements]),
        *(one for target in _targets(facts) for one in _named(target, delivery_policies.preview_statements(target))),
    ]
    if facts.drift:
        remember = [one for arn in parameters for one in delivery_policies.remember_statements(arn)]
        found += [*_numbered(remember), *pipeline_policies.publish_statements(facts.home, facts.topic_arn)]
    projects = [name for names in facts.projects(deploying=False).values() for name in names]
    if facts.delivery.pull_requests is not None:
        projects.append(facts.names.pull_requests.value)
        found += _pull_requests(facts)
    trust = pipeline_policies.trust(facts.place, "codebuild.amazonaws.com", *map(facts.place.project, projects))
    return _document(facts, "build", f"Builds of {facts.names.prefix} that change nothing", [trust], found)


def deploy_role(facts: DeliveryFacts) -> RoleDocument:
    """Deploys every stack."""
    changing = [delivery_policies.assume_statements(roles.changes) for roles in facts.accounts.values()]
    found = [
        *_builds(facts, facts.projects(deploying=True), reports=False),
        *delivery_policies.write_state_statements(facts.place, facts.state),
        *_numbered([one for statements in changing for one in statements]),
        *(one for target in _targets(facts) for one in _named(target, delivery_policies.change_statements(target))),
    ]
    projects = [name for names in facts.projects(deploying=True).values() for name in names]
    trust = pipeline_policies.trust(facts.place, "codebuild.amazonaws.com", *map(facts.place.project, projects))
    return _document(facts, "delivery", f"Deploys the stacks of {facts.names.prefix}", [trust], found)


def _targets(facts: DeliveryFacts) -> list[Target]:
    return [
        Target(
            place=facts.place,
            project=facts.names.project,
            environment=environment,
            repository=facts.repository,
            boundary_arn=facts.boundary_arn,
        )
        for environment in facts.environments.values()
    ]


def _builds(facts: DeliveryFacts, projects: Mapping[str, Sequence[str]], *, reports: bool) -> list[Statement]:
    """What the builds of all projects need, each kind of right once."""
    joined: dict[str, Statement] = {}
    secrets = [facts.delivery.access_token_arn] if facts.delivery.access_token_arn else []
    for pipeline, names in projects.items():
        for name in names:
            for statement in pipeline_policies.build_statements(
                facts.place, pipeline, name, facts.store, secret_arns=secrets, reports=reports and "-check" in name
            ):
                known = joined.setdefault(statement["Sid"], {**statement, "Resource": []})
                known["Resource"] += [arn for arn in statement["Resource"] if arn not in known["Resource"]]
    network = network_interface_statements(facts.home, facts.account_id, facts.network) if facts.network else []
    return [*joined.values(), *network]


def _pull_requests(facts: DeliveryFacts) -> list[Statement]:
    statements = pull_request_policies.comment_statements(
        facts.place,
        facts.names.pull_requests.value,
        facts.source_arn,
        approves=facts.delivery.pull_requests == "approve",
    )
    return [{**statement, "Sid": f"PullRequests{statement['Sid']}"} for statement in statements]


def _of(pipeline: str, facts: DeliveryFacts, statements: Sequence[Statement]) -> list[Statement]:
    """Statements of one pipeline, told apart from those of the other: in a policy each `Sid` stands once."""
    mark = "Delivery" if pipeline == facts.names.delivery_pipeline.value else "Drift"
    return [{**statement, "Sid": f"{mark}{statement['Sid']}"} for statement in statements]


def _named(target: Target, statements: Sequence[Statement]) -> list[Statement]:
    mark = "".join(part.title() for part in target.environment.split("-"))
    return [{**statement, "Sid": f"{mark}{statement['Sid']}"} for statement in statements]


def _numbered(statements: Sequence[Statement]) -> list[Statement]:
    return [{**statement, "Sid": f"{statement['Sid']}{index or ''}"} for index, statement in enumerate(statements)]


def _document(
    facts: DeliveryFacts, key: str, purpose: str, trust: Sequence[Statement], statements: Sequence[Statement]
) -> RoleDocument:
    return RoleDocument(
        key=key,
        name=facts.names.supplied_delivery_role(key).value,
        purpose=purpose,
        trust=trust,
        statements=statements,
        boundary_arn=facts.boundary_arn,
    )
