"""The repository that pipelines deliver: a CodeCommit repository, or one at a Git provider through a connection.

Both kinds give the same outputs, so that a pipeline does not care which it is.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.core.environment import Environment
from components.foundation.customer_key import customer_key
from components.iam import policies
from components.providers.repository_name import RepositoryName
from components.sections.source import CodeCommitSource, ConnectionSource, SourceSpec


@dataclass(frozen=True, kw_only=True)
class SourceRepositoryArgs:
    """What `SourceRepository` is made from."""

    environment: Environment
    """The environment. The repository, or the connection, is made in its home region."""
    spec: SourceSpec
    """Where the code lives; what a Git provider has exists already, but for a connection that is not named."""


class SourceRepository(pulumi.ComponentResource):
    """Where the platform's code comes from."""

    branch: str
    """Branch that pipelines deliver."""
    repository: str
    """Name of the repository: CodeCommit's, or the full name at the Git provider."""
    arn: pulumi.Output[str]
    """ARN that a role needs rights on: the repository's, or the connection's."""
    repository_name: pulumi.Input[str]
    """The same name, which is known once the repository is there."""
    is_connection: bool
    """Whether a Git provider has the repository, and a connection reaches it."""
    notifying_arn: pulumi.Output[str] | None
    """ARN whose events can be notified; `None` where the Git provider notifies by itself."""

    def __init__(self, name: str, args: SourceRepositoryArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlops:source:SourceRepository", name, None, opts)
        self._name = name
        self._args = args
        self.branch = args.spec.branch
        self.repository = args.spec.repository or args.environment.names.repository.value
        if isinstance(args.spec, CodeCommitSource):
            self._use_codecommit(args.spec)
        else:
            self._use_connection(args.spec)
        self.register_outputs(self.summary)

    @property
    def supplied_connection_arns(self) -> Sequence[str]:
        """The connection, where somebody else has made it."""
        supplied = None if isinstance(self._args.spec, CodeCommitSource) else self._args.spec.connection_arn
        return [supplied] if supplied else []

    @property
    def summary(self) -> Mapping[str, pulumi.Input[str]]:
        """The source as plain data, for the stack's outputs."""
        return {
            "provider": self._args.spec.provider,
            "repository": self.repository,
            "branch": self.branch,
            "arn": self.arn,
            **self._details,
        }

    def _use_codecommit(self, spec: CodeCommitSource) -> None:
        environment, name = self._args.environment, self._name
        home, child = environment.home, environment.kept_with(self)
        key = customer_key(
            name,
            environment,
            parent=self,
            region=home,
            purpose="source",
            policy=environment.account_id.apply(
                lambda account: policies.document(
                    [policies.key_administration(home, account), policies.key_use_through_codecommit(home, account)]
                )
            ),
        )
        stays = RepositoryName(
            f"{name}-repository-name",
            region=home.name,
            repository=self.repository,
            retained=environment.protection.retain,
            opts=pulumi.ResourceOptions(parent=self),
        )
        repository = aws.codecommit.Repository(
            f"{name}-repository",
            region=environment.home.name,
            repository_name=self.repository,
            description=f"What the pipelines of {environment.names.prefix} deliver",
            kms_key_id=key.arn,
            tags=environment.tags,
            # Where its name is refused, the repository is not asked about; where somebody has taken the refusal away,
            # the plugin must not rename it, which loses it: an update gives no resource another id.
            opts=pulumi.ResourceOptions.merge(
                environment.guarded(self),
                pulumi.ResourceOptions(depends_on=[stays], replace_on_changes=["repository_name"]),
            ),
        )
        if spec.approvals:
            template = aws.codecommit.ApprovalRuleTemplate(
                f"{name}-approvals",
                region=environment.home.name,
                name=environment.names.approval_rule_template.value,
                description=f"Pull requests into {spec.branch} need {spec.approvals} approval(s)",
                content=json.dumps(approval_rule(spec.branch, spec.approvals)),
                # The plugin would rename it in place, and lose it: an update gives no resource another id. Nothing is
                # lost with a template.
                opts=pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(replace_on_changes=["name"])),
            )
            aws.codecommit.ApprovalRuleTemplateAssociation(
                f"{name}-approvals-association",
                region=environment.home.name,
                approval_rule_template_name=template.name,
                repository_name=repository.repository_name,
                opts=child,
            )
        self.arn = repository.arn
        self.notifying_arn = repository.arn
        self.repository_name = repository.repository_name
        self.is_connection = False
        self._details = {"cloneUrl": repository.clone_url_http}

    def _use_connection(self, spec: ConnectionSource) -> None:
        environment = self._args.environment
        if spec.connection_arn is None:
            connection = aws.codeconnections.Connection(
                f"{self._name}-connection",
                region=environment.home.name,
                name=environment.names.connection.value,
                provider_type=spec.provider,
                # SageMaker's own launch policy uses only connections that carry this tag.
                tags={**environment.tags, "sagemaker": "true"},
                opts=environment.guarded(self),
            )
            self.arn = connection.arn
            self._details = {"connectionStatus": connection.connection_status}
        else:
            self.arn = pulumi.Output.from_input(spec.connection_arn)
            self._details = {}
        self.notifying_arn = None
        self.repository_name = self.repository
        self.is_connection = True


def approval_rule(branch: str, approvals: int) -> dict[str, object]:
    """Content of an approval rule template: so many approvals, by anybody but the author."""
    return {
        "Version": "2018-11-08",
        "DestinationReferences": [f"refs/heads/{branch}"],
        "Statements": [{"Type": "Approvers", "NumberOfApprovalsNeeded": approvals}],
    }
