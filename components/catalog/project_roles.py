"""The roles that launch projects and work in them, as far as the settings leave them to the stack."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import pulumi
import pulumi_aws as aws

from components.core.environment import Environment
from components.core.naming import ANY_ACCOUNT_ID
from components.foundation.managed_policies import managed_policies
from components.foundation.service_role import service_role
from components.iam import role_documents
from components.iam.policies import document
from components.iam.role_documents import (
    ATTACHED_LIMIT,
    MANAGED_POLICY_LIMIT,
    ManagedPolicyDocument,
    RoleDocument,
    RoleFacts,
    fits_inline,
)
from components.providers.adopted_role import AdoptedRole
from components.sections.catalog import CatalogSpec
from components.sections.iam import IamSpec, RoleMode

_ANY_BUCKET = (
    "sm-mlops:catalog.dataBuckets is missing: roles of projects may read each bucket that their launch names and whose "
    "own policy lets them, Pulumi's state included unless sm-mlops:delivery names it; list the buckets with training "
    "data, or [] for none"
)


class RoleError(pulumi.RunError):
    """A role that IAM would refuse. Pulumi prints the message without a traceback."""


@dataclass(frozen=True, kw_only=True)
class ProjectRolesArgs:
    """What `ProjectRoles` is made from."""

    environment: Environment
    """The environment."""
    spec: CatalogSpec
    """What is offered."""
    iam: IamSpec
    """Who makes the roles."""

    def facts(self, account_id: str) -> RoleFacts:
        """Tell what the documents of the roles depend on, in an account."""
        return RoleFacts(
            names=self.environment.names,
            home=self.environment.home,
            account_id=account_id,
            catalog=self.spec,
            iam=self.iam,
            networks=self.environment.networks,
            state_bucket=self.environment.state_bucket,
        )


class ProjectRoles(pulumi.ComponentResource):
    """IAM of the catalog: global, so one of each for all its regions. Where all roles are supplied, nothing."""

    facts: pulumi.Output[RoleFacts]
    """What the documents depend on, in the account of the stack."""
    ready: Sequence[pulumi.Resource]
    """Nothing is launched before these stand."""

    def __init__(self, name: str, args: ProjectRolesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlops:catalog:ProjectRoles", name, None, opts)
        self._name = name
        self._args = args
        self._environment = args.environment
        self.facts = args.environment.account_id.apply(args.facts)
        # Ids of accounts are equally long, so documents of any account tell how many policies there will be.
        anywhere = args.facts(ANY_ACCOUNT_ID)
        iam, boundary = anywhere.iam, role_documents.boundary(anywhere)
        made: list[pulumi.Resource] = []
        if boundary is not None and args.spec.data_buckets is None:
            pulumi.log.warn(_ANY_BUCKET, self)
        if boundary is not None and iam.launch_mode is not RoleMode.SUPPLIED:
            made.append(self._boundary(boundary))
        for index, role in enumerate(role_documents.roles(anywhere)):
            mode = iam.launch_mode if role.key == "launch" else iam.use_mode
            if mode is RoleMode.CREATE:
                made += self._created(index, role)
            elif mode is RoleMode.ADOPT:
                made.append(self._adopted(index, role))
        self.ready = made
        self.register_outputs(
            {
                "launchRoleArn": self.facts.launch_role_arn,
                "useRoleArns": self.facts.apply(
                    lambda facts: {str(role): arn for role, arn in facts.use_role_arns.items()}
                ),
            }
        )

    def _boundary(self, boundary: ManagedPolicyDocument) -> pulumi.Resource:
        _refuse_too_large(boundary)
        return aws.iam.Policy(
            f"{self._name}-boundary",
            name=boundary.name,
            description=boundary.purpose,
            policy=self.facts.apply(lambda facts: document(role_documents.project_boundary(facts))),
            tags=self._environment.tags,
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _created(self, index: int, anywhere: RoleDocument) -> Sequence[pulumi.Resource]:
        """Make a role; what it returns stands when the role may do its work."""
        name, wanted, inline = self._logical(anywhere), self._document(index), fits_inline(anywhere)
        policies = [] if inline else self._policies(f"{name}-policy", index, anywhere)
        role = service_role(
            name,
            self._environment,
            parent=self,
            role_name=anywhere.name,
            purpose=anywhere.purpose,
            trust=wanted.apply(lambda role: document(role.trust)),
            policy=wanted.apply(lambda role: document(role.statements)) if inline else None,
            policy_arns=[policy.arn for policy in policies],
            attachment="{name}-policy-{number}-attachment",
            boundary_arn=anywhere.boundary_arn,
        )
        return role.policies

    def _policies(self, name: str, index: int, anywhere: RoleDocument) -> list[aws.iam.Policy]:
        """Return the managed policies of a role that needs more than its inline policies can hold."""
        _refuse_too_many_policies(anywhere)
        return managed_policies(
            name,
            self._environment,
            parent=self,
            role=lambda account: role_documents.roles(self._args.facts(account))[index],
            policy_name=lambda number: f"{anywhere.name}-{number}",
            purpose=lambda _: f"What {anywhere.name} may do",
        )

    def _adopted(self, index: int, anywhere: RoleDocument) -> pulumi.Resource:
        _refuse_too_many_policies(anywhere)
        adopted = AdoptedRole(
            self._logical(anywhere),
            region=self._environment.home.name,
            claimant=self._environment.names.prefix,
            document=self._document(index),
            other_policy_arns=self._environment.other_policy_arns,
            opts=pulumi.ResourceOptions(parent=self),
        )
        adopted.differences.apply(partial(_tell, adopted, anywhere))
        return adopted

    def _document(self, index: int) -> pulumi.Output[RoleDocument]:
        return self.facts.apply(lambda facts: role_documents.roles(facts)[index])

    def _logical(self, role: RoleDocument) -> str:
        return f"{self._name}-{role.key.replace('.', '-').lower()}"


def _refuse_too_large(boundary: ManagedPolicyDocument) -> None:
    """Refuse a boundary that is longer than IAM takes.

    Raises:
        RoleError: it is.
    """
    size = role_documents.size(boundary.statements)
    if size > MANAGED_POLICY_LIMIT:
        raise RoleError(
            f"policy {boundary.name} would have {size} characters, and IAM takes {MANAGED_POLICY_LIMIT}: name fewer "
            f"buckets in sm-mlops:catalog.dataBuckets, fewer subnets in sm-mlops:network, or fewer regions in "
            f"sm-mlops:catalog.regions"
        )


def _refuse_too_many_policies(role: RoleDocument) -> None:
    """Refuse a role that needs more managed policies than IAM attaches.

    Raises:
        RoleError: it needs more.
    """
    count = len(list(role_documents.managed_policies(role)))
    if count > ATTACHED_LIMIT:
        raise RoleError(
            f"role {role.name} would need {count} managed policies, and IAM attaches {ATTACHED_LIMIT} to a role: offer "
            f"the catalog in fewer regions, or set sm-mlops:iam.use.mode to 'create' for a role for each service"
        )


def _tell(adopted: pulumi.Resource, role: RoleDocument, differences: Sequence[str] | None) -> None:
    """Say what is odd about a role that is used all the same."""
    if differences:
        pulumi.warn(f"role {role.name} is used as it is, and {'; '.join(differences)}", adopted)
