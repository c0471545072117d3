"""The roles of the platform's own delivery as documents, for an administrator who makes them by hand.

One role serves both pipelines, one all builds that change nothing, one all that deploy, one previews pull requests,
and one starts the pipelines and these builds: what the stack itself would make as a role for each is here joined from
the same list of builds, and from the same functions. ARNs that are known only after `pulumi up` stand as the pattern
and the alias that tell the same.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from awsmodel.arns import ArnScope
from awsmodel.regions import Region
from components.core.naming import Names
from components.core.network import Network
from components.delivery.actions.build import build_statements, run_builds
from components.delivery.actions.source import SourceProvider, read_source
from components.delivery.delivery_builds import DeliveryBuild, Operation, delivery_builds, tests_state
from components.iam import (
    delivery_policies,
    deployment_policies,
    pipeline_policies,
    pull_request_policies,
    role_documents,
)
from components.iam.delivery_boundary import delivery_boundary
from components.iam.delivery_policies import StackScope
from components.iam.network_policies import network_interface_statements
from components.iam.pipeline_policies import PUSH, SCHEDULE, Store, start_rule_name
from components.iam.policies import Statement, allow, joined
from components.iam.role_documents import ManagedPolicyDocument, RoleDocument, RoleFacts
from components.iam.state_policies import (
    State,
    read_state_statements,
    write_backend_statements,
    write_state_statements,
)
from components.sections.delivery import DeliveredStack, DeliverySpec
from components.sections.deployment_tests import DeploymentTestsSpec
from components.sections.iam import IamSpec, RoleMode
from components.sections.source import CodeCommitSource, SourceSpec
from settings import Settings


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
    iam: IamSpec = field(default_factory=IamSpec)
    """Who makes the roles, and what bounds them."""
    tests: DeploymentTestsSpec | None = None
    """Deployment options that are tested."""

    @property
    def source_provider(self) -> SourceProvider:
        """Who has the platform's code."""
        return SourceProvider.CODECOMMIT if isinstance(self.source, CodeCommitSource) else SourceProvider.CONNECTION

    @property
    def source_arn(self) -> str:
        """The repository's ARN, or the connection's; a pattern of it where the stack makes the connection."""
        if isinstance(self.source, CodeCommitSource):
            return self.scope.repository(self.source.repository or self.names.repository.value)
        return self.source.connection_arn or self.scope.arn("codeconnections", "connection/*")

    @property
    def connection_arns(self) -> Sequence[str]:
        """The source's connection, where somebody else has made it."""
        supplied = None if isinstance(self.source, CodeCommitSource) else self.source.connection_arn
        return [supplied] if supplied else []

    @property
    def repository(self) -> str | None:
        """CodeCommit repository of the stacks, where the settings name it."""
        return self.source.repository if isinstance(self.source, CodeCommitSource) else None

    @property
    def stacks(self) -> Sequence[DeliveredStack]:
        """What is delivered, the stacks of this account first."""
        return sorted(self.delivery.stacks, key=lambda one: one.role_arn is not None)

    @property
    def builds(self) -> Sequence[DeliveryBuild]:
        """The builds, in the order in which the documents name them."""
        return delivery_builds(self.names, self.delivery, self.stacks)

    @property
    def scope(self) -> ArnScope:
        """The account and its home region."""
        return ArnScope.of(self.home, self.account_id)

    @property
    def store(self) -> Store:
        """Artifact store of the home region; the key is known by its alias."""
        return Store(
            bucket_arn=self.scope.bucket(self.bucket),
            key_arn=self.scope.key("*"),
            key_alias=self.names.key_alias("artifacts").value,
        )

    @property
    def topic_arn(self) -> str:
        """Topic that approvals and drift are told to."""
        return self.scope.topic(self.names.topic.value)

    @property
    def pipelines(self) -> Mapping[str, Sequence[DeliveryBuild]]:
        """By name of each pipeline, the builds that it runs."""
        found: dict[str, list[DeliveryBuild]] = {}
        for build in self.builds:
            if build.pipeline is not None:
                found.setdefault(build.pipeline, []).append(build)
        return found


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
        iam=stack.iam,
        tests=stack.deployment_tests,
    )


def documents(facts: DeliveryFacts) -> list[RoleDocument]:
    """The roles of a delivery whose roles are supplied."""
    found = [pipeline_role(facts), start_role(facts), build_role(facts), deploy_role(facts)]
    return [*found, pull_request_role(facts)] if facts.delivery.pull_requests is not None else found


def named_by(role: RoleDocument, arn: str) -> RoleDocument:
    """The role by the name and the path of its ARN."""
    path, _, name = arn.split(":role", 1)[1].rpartition("/")
    return replace(role, name=name, path=f"{path}/")


def account_documents(facts: DeliveryFacts) -> dict[str, RoleDocument]:
    """By ARN, the roles of other accounts: they trust the builds of their own stack and no other."""
    found = {}
    for stack in facts.stacks:
        for arn, make in (
            (stack.preview_role_arn, delivery_policies.reading_role),
            (stack.role_arn, delivery_policies.changing_role),
        ):
            if arn is None:
                continue
            target = StackScope(
                scope=ArnScope.of(facts.home, arn.split(":")[4]),
                project=facts.names.project,
                environment=stack.environment_name,
            )
            # A preview of a pull request is one of every stack.
            builds = [
                one
                for one in facts.builds
                if (one.stack == stack and one.account_role_arn == arn)
                or (one.operation is Operation.PULL_REQUEST and arn == stack.preview_role_arn)
            ]
            # Builds may share a supplied role.
            builders = dict.fromkeys(
                one.supplied_role_arn(facts.iam) or facts.scope.role(one.project) for one in builds
            )
            document = make(target, list(builders), stack.external_id)
            found[arn] = named_by(document, arn)
    return found


def pipeline_role(facts: DeliveryFacts) -> RoleDocument:
    """Runs both pipelines."""
    found: list[Statement] = []
    for pipeline, builds in facts.pipelines.items():
        of_actions = [
            read_source(facts.source_provider, facts.source_arn),
            run_builds(*(facts.scope.build_project(one.project) for one in builds)),
        ]
        asks = any(one.stack is not None and one.stack.approval for one in builds if one.changes)
        if asks:
            of_actions += pipeline_policies.publish_statements(facts.home, facts.topic_arn)
        found.extend(_of(pipeline, facts, pipeline_policies.pipeline_statements(pipeline, [facts.store], of_actions)))
    return _document(
        facts,
        "pipeline",
        f"Runs the pipelines of {facts.names.prefix}",
        [
            pipeline_policies.trust(
                facts.scope, "codepipeline.amazonaws.com", *map(facts.scope.pipeline, facts.pipelines)
            )
        ],
        found,
    )


def start_role(facts: DeliveryFacts) -> RoleDocument:
    """Starts both pipelines."""
    rules = [start_rule_name(pipeline, kind) for pipeline, kind in zip(facts.pipelines, (PUSH, SCHEDULE), strict=False)]
    found = [
        statement
        for pipeline in facts.pipelines
        for statement in _of(pipeline, facts, pipeline_policies.start_statements(facts.scope, pipeline))
    ]
    for build in facts.builds:
        if build.pipeline is None:
            rules.append(build.project)
            found.extend(pull_request_policies.start_statements(facts.scope, build.project))
    trust = [pipeline_policies.start_trust(facts.scope, rules)]
    return _document(facts, "events", f"Starts the pipelines of {facts.names.prefix}", trust, found)


def build_role(facts: DeliveryFacts) -> RoleDocument:
    """Checks, previews, examines and looks for drift."""
    builds = [one for one in facts.builds if not one.changes and one.pipeline is not None]
    drifting = [one.stack for one in builds if one.operation is Operation.DRIFT and one.stack is not None]
    parameters = [
        facts.scope.arn("ssm", f"parameter{facts.names.drift_parameter(one.title).value}") for one in drifting
    ]
    found = [
        *_common(facts, builds),
        *read_state_statements(facts.scope, _states(facts, builds)),
        *_assumed(one.preview_role_arn for one in facts.stacks),
        *_previewed(facts),
    ]
    if drifting:
        remember = [one for arn in parameters for one in delivery_policies.remember_statements(arn)]
        found += [*_numbered(remember), *pipeline_policies.publish_statements(facts.home, facts.topic_arn)]
    return _document(
        facts, "build", f"Builds of {facts.names.prefix} that change nothing", [_trust(facts, builds)], found
    )


def pull_request_role(facts: DeliveryFacts) -> RoleDocument:
    """Previews pull requests: it runs code that nobody has agreed to, so no other build works as it."""
    builds = [one for one in facts.builds if one.operation is Operation.PULL_REQUEST]
    comments = [
        statement
        for one in builds
        for statement in pull_request_policies.comment_statements(
            facts.scope,
            one.project,
            facts.source_arn,
            secret_arns=_secrets(facts),
            approves=facts.delivery.pull_requests == "approve",
        )
    ]
    found = [
        *comments,
        *read_state_statements(facts.scope, _states(facts, builds)),
        *_assumed(one.preview_role_arn for one in facts.stacks),
        *_previewed(facts),
    ]
    purpose = f"Previews pull requests of {facts.names.prefix}"
    return _document(facts, "pullRequests", purpose, [_trust(facts, builds)], found)


def boundary(facts: DeliveryFacts, catalog: RoleFacts) -> ManagedPolicyDocument:
    """The most that any role of the stack can have, for `sm-mlops:iam.permissionsBoundaryArn`.

    Args:
        facts: what the delivery's roles depend on.
        catalog: what the catalog's roles depend on.
    """
    arn = facts.iam.permissions_boundary_arn or facts.scope.policy(facts.names.delivery_boundary.value)
    bound = facts.iam.model_copy(update={"permissions_boundary_arn": arn})
    facts, catalog = replace(facts, iam=bound), replace(catalog, iam=bound)
    found, granted = [*documents(facts), *role_documents.roles(catalog)], list[Statement]()
    environments = dict.fromkeys([facts.names.environment, *(target.environment for target in _targets(facts))])
    of_projects = [Names(facts.names.project, one).project_boundary.value for one in environments]
    if facts.tests is not None:
        target = StackScope(
            scope=facts.scope,
            project=f"{facts.names.project}-t*",
            environment=facts.names.environment,
            boundary_arn=arn,
        )
        found += [
            deployment_policies.testing_role(target),
            deployment_policies.scientist_role(target, facts.names),
        ]
        # Each test makes the boundary of its projects.
        of_projects.append(Names(target.project, target.environment).project_boundary.value)
        granted.append(
            allow("ActAsDataScientist", ["sts:AssumeRole"], [facts.scope.role(facts.names.test_scientist.value)])
        )
    return delivery_boundary(
        arn.rpartition("/")[2],
        [*granted, *(statement for role in found for statement in role.statements)],
        facts.scope,
        facts.names.project,
        [arn, *map(facts.scope.policy, of_projects)],
        adopts=RoleMode.ADOPT in (bound.launch_mode, bound.use_mode),
    )


def _previewed(facts: DeliveryFacts) -> list[Statement]:
    """What reads the stacks of this account."""
    return [one for target in _targets(facts) for one in _named(target, delivery_policies.preview_statements(target))]


def _secrets(facts: DeliveryFacts) -> list[str]:
    return [facts.delivery.access_token_arn] if facts.delivery.access_token_arn else []


def deploy_role(facts: DeliveryFacts) -> RoleDocument:
    """Deploys every stack."""
    builds = [one for one in facts.builds if one.changes]
    found = [
        *_common(facts, builds),
        *write_state_statements(facts.scope, _states(facts, builds)),
        *({**statement, "Sid": f"Tests{statement['Sid']}"} for statement in _of_tests(facts)),
        *_assumed(one.role_arn for one in facts.stacks),
        *(one for target in _targets(facts) for one in _named(target, delivery_policies.change_statements(target))),
    ]
    return _document(facts, "delivery", f"Deploys the stacks of {facts.names.prefix}", [_trust(facts, builds)], found)


def _trust(facts: DeliveryFacts, builds: Sequence[DeliveryBuild]) -> Statement:
    projects = (facts.scope.build_project(one.project) for one in builds)
    return pipeline_policies.trust(facts.scope, "codebuild.amazonaws.com", *projects)


def _states(facts: DeliveryFacts, builds: Sequence[DeliveryBuild]) -> list[State]:
    return list(dict.fromkeys(state for one in builds for state in one.states(facts.delivery)))


def _of_tests(facts: DeliveryFacts) -> list[Statement]:
    """The state of stacks under test: a role that is supplied to whoever deploys is that of their builds, too."""
    if facts.tests is None:
        return []
    spec, names = facts.delivery, facts.names
    own = next((one.stack for one in spec.stacks if one.environment_name == names.environment), names.environment)
    return write_backend_statements(facts.scope, tests_state(spec, facts.tests, own))


def _targets(facts: DeliveryFacts) -> list[StackScope]:
    return [
        StackScope(
            scope=facts.scope,
            project=facts.names.project,
            environment=stack.environment_name,
            repository=facts.repository,
            boundary_arn=facts.iam.permissions_boundary_arn,
            supplied_role_arns=facts.iam.handed_over,
            connection_arns=facts.connection_arns,
        )
        for stack in facts.stacks
        if stack.role_arn is None
    ]


def _common(facts: DeliveryFacts, builds: Sequence[DeliveryBuild]) -> list[Statement]:
    """What builds of a pipeline need whatever they do, each kind of right once."""
    found = joined(
        statement
        for one in builds
        if one.pipeline is not None
        for statement in build_statements(
            facts.scope,
            one.pipeline,
            one.project,
            facts.store,
            inputs=one.inputs,
            outputs=one.outputs,
            secret_arns=_secrets(facts),
            reports=one.reports,
        )
    )
    network = network_interface_statements(facts.home, facts.account_id, facts.network) if facts.network else []
    return [*found, *network]


def _assumed(role_arns: Iterable[str | None]) -> list[Statement]:
    return _numbered([one for arn in role_arns if arn for one in delivery_policies.assume_statements(arn)])


def _of(pipeline: str, facts: DeliveryFacts, statements: Sequence[Statement]) -> list[Statement]:
    """Statements of one pipeline, told apart from those of the other: in a policy each `Sid` stands once."""
    mark = "Delivery" if pipeline == facts.names.delivery_pipeline.value else "Drift"
    return [{**statement, "Sid": f"{mark}{statement['Sid']}"} for statement in statements]


def _named(target: StackScope, statements: Sequence[Statement]) -> list[Statement]:
    mark = "".join(part.title() for part in target.environment.split("-"))
    return [{**statement, "Sid": f"{mark}{statement['Sid']}"} for statement in statements]


def _numbered(statements: Sequence[Statement]) -> list[Statement]:
    return [{**statement, "Sid": f"{statement['Sid']}{index or ''}"} for index, statement in enumerate(statements)]


def _document(
    facts: DeliveryFacts, key: str, purpose: str, trust: Sequence[Statement], statements: Sequence[Statement]
) -> RoleDocument:
    return RoleDocument(
        key=key,
        name=facts.names.supplied_delivery_role("-".join(re.findall("[A-Z]?[a-z]+", key)).lower()).value,
        purpose=purpose,
        trust=trust,
        statements=statements,
        boundary_arn=facts.iam.permissions_boundary_arn,
    )
