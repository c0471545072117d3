"""AWS EKS: the operations that moto lacks."""

import json
from urllib.parse import unquote

from moto.eks.responses import EKSResponse

from sandbox.emulator.core.extension import replaces
from sandbox.emulator.eks.models import EksBackend, backend


def _backend(response: EKSResponse) -> EksBackend:
    return backend(response.current_account, response.region)


def _at(response: EKSResponse, part: str) -> tuple[str, str]:
    """The cluster, and what of it the address names."""
    return response._get_param("name"), unquote(response._get_param(part))


@replaces(EKSResponse)
def create_access_entry(self: EKSResponse) -> str:
    """CreateAccessEntry, without the policies that EKS judges itself."""
    made = _backend(self).create_entry(
        self._get_param("name"),
        self._get_param("principalArn"),
        self._get_param("kubernetesGroups", []),
        self._get_param("tags", {}),
        self._get_param("type", "STANDARD"),
    )
    return json.dumps({"accessEntry": made})


@replaces(EKSResponse)
def describe_access_entry(self: EKSResponse) -> str:
    """DescribeAccessEntry."""
    return json.dumps({"accessEntry": _backend(self).entry(*_at(self, "principalArn"))})


@replaces(EKSResponse)
def update_access_entry(self: EKSResponse) -> str:
    """UpdateAccessEntry."""
    groups = self._get_param("kubernetesGroups", [])
    return json.dumps({"accessEntry": _backend(self).update_entry(*_at(self, "principalArn"), groups)})


@replaces(EKSResponse)
def delete_access_entry(self: EKSResponse) -> str:
    """DeleteAccessEntry."""
    _backend(self).delete_entry(*_at(self, "principalArn"))
    return "{}"


@replaces(EKSResponse)
def create_pod_identity_association(self: EKSResponse) -> str:
    """CreatePodIdentityAssociation."""
    made = _backend(self).create_association(
        self._get_param("name"),
        self._get_param("namespace"),
        self._get_param("serviceAccount"),
        self._get_param("roleArn"),
        self._get_param("tags", {}),
    )
    return json.dumps({"association": made})


@replaces(EKSResponse)
def describe_pod_identity_association(self: EKSResponse) -> str:
    """DescribePodIdentityAssociation."""
    return json.dumps({"association": _backend(self).association(*_at(self, "associationId"))})


@replaces(EKSResponse)
def update_pod_identity_association(self: EKSResponse) -> str:
    """UpdatePodIdentityAssociation."""
    found = _backend(self).association(*_at(self, "associationId"))
    found["roleArn"] = self._get_param("roleArn", found["roleArn"])
    return json.dumps({"association": found})


@replaces(EKSResponse)
def delete_pod_identity_association(self: EKSResponse) -> str:
    """DeletePodIdentityAssociation."""
    return json.dumps({"association": _backend(self).delete_association(*_at(self, "associationId"))})
