"""AWS EKS: who may enter a cluster, and which role a service account has; moto knows clusters and their nodes only."""

import re
from typing import Any

from moto.core.utils import utcnow
from moto.eks.models import EKSBackend as MotoBackend
from moto.eks.models import eks_backends
from moto.moto_api._internal import mock_random

from sandbox.emulator.core.errors import ServiceError

Json = dict[str, Any]
_RESERVED = re.compile(r"(system|eks|aws|amazon|iam):.*")
"""Groups that EKS takes in no access entry."""


class EksBackend(MotoBackend):
    """The clusters of one account and region."""

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.entries: dict[tuple[str, str], Json] = {}
        """Access entries, by cluster and principal."""
        self.associations: dict[tuple[str, str], Json] = {}
        """Pod identity associations, by cluster and id."""
        self.objects: dict[str, dict[tuple[str, str, str], Json]] = {}
        """By cluster what the stand-in for its API server holds, by kind, namespace and name."""

    def arn(self, kind: str, name: str) -> str:
        """Return an ARN."""
        return f"arn:{self.partition}:eks:{self.region_name}:{self.account_id}:{kind}/{name}"

    def create_entry(self, cluster: str, principal: str, groups: list[str], tags: dict[str, str], kind: str) -> Json:
        """Let a principal into a cluster, as a member of Kubernetes groups."""
        self.describe_cluster(cluster)
        if (cluster, principal) in self.entries:
            raise ServiceError(
                "ResourceInUseException",
                "The specified access entry resource is already in use on this cluster.",
            )
        _check(groups)
        identity, name = principal.split(":")[5].split("/", 1)
        made = {
            "clusterName": cluster,
            "principalArn": principal,
            "kubernetesGroups": groups,
            "accessEntryArn": self.arn(
                "access-entry", f"{cluster}/{identity}/{self.account_id}/{name}/{mock_random.uuid4()}"
            ),
            "createdAt": utcnow().timestamp(),
            "tags": tags,
            "username": principal,
            "type": kind,
        }
        self.entries[cluster, principal] = made
        return made

    def entry(self, cluster: str, principal: str) -> Json:
        """Return an access entry."""
        if (cluster, principal) not in self.entries:
            raise ServiceError(
                "ResourceNotFoundException",
                f"The specified principalArn could not be found. You provided {principal}",
            )
        return self.entries[cluster, principal]

    def update_entry(self, cluster: str, principal: str, groups: list[str]) -> Json:
        """Change the groups of a principal."""
        _check(groups)
        self.entry(cluster, principal)["kubernetesGroups"] = groups
        return self.entry(cluster, principal)

    def delete_entry(self, cluster: str, principal: str) -> None:
        """Let a principal in no more."""
        self.entry(cluster, principal)
        del self.entries[cluster, principal]

    def create_association(
        self, cluster: str, namespace: str, account: str, role_arn: str, tags: dict[str, str]
    ) -> Json:
        """Give the pods of a service account a role."""
        self.describe_cluster(cluster)
        if self.role_of(cluster, namespace, account):
            raise ServiceError(
                "ResourceInUseException",
                f"Association already exists: service account {account} in namespace {namespace} of {cluster}",
            )
        identity = f"a-{mock_random.get_random_hex(17)}"
        made = {
            "clusterName": cluster,
            "namespace": namespace,
            "serviceAccount": account,
            "roleArn": role_arn,
            "associationArn": self.arn("podidentityassociation", f"{cluster}/{identity}"),
            "associationId": identity,
            "tags": tags,
            "createdAt": utcnow().timestamp(),
        }
        self.associations[cluster, identity] = made
        return made

    def association(self, cluster: str, identity: str) -> Json:
        """Return a pod identity association."""
        if (cluster, identity) not in self.associations:
            raise ServiceError("ResourceNotFoundException", f"There is no association {identity} in {cluster}")
        return self.associations[cluster, identity]

    def delete_association(self, cluster: str, identity: str) -> Json:
        """Take the role away."""
        self.association(cluster, identity)
        return self.associations.pop((cluster, identity))

    def role_of(self, cluster: str, namespace: str, account: str) -> str:
        """Return the role of a service account; empty where it has none."""
        found = (
            one["roleArn"]
            for one in self.associations.values()
            if (one["clusterName"], one["namespace"], one["serviceAccount"]) == (cluster, namespace, account)
        )
        return next(found, "")


def backend(account: str, region: str) -> EksBackend:
    """Return the backend of an account and region."""
    found = eks_backends[account][region]
    assert isinstance(found, EksBackend)  # noqa: S101 - install put it there
    return found


def _check(groups: list[str]) -> None:
    for group in groups:
        if _RESERVED.fullmatch(group):
            raise ServiceError("InvalidParameterException", f"The kubernetes group name {group} is invalid")
