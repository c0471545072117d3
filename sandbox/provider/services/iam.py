"""Handlers of `aws:iam/*`. IAM belongs to no region."""
# ruff: noqa: ARG002 - the handlers share one signature

import json
from typing import ClassVar
from urllib.parse import unquote

from sandbox.provider.aws import Aws
from sandbox.provider.resource import Change, Resource, Tagging
from sandbox.provider.values import Properties, Value, present, tag_list, tag_map

ABSENT = frozenset({"NoSuchEntity"})
MAX_POLICY_VERSIONS = 5


class Role(Resource):
    """A role; its policies have types of their own."""

    kind = "aws:iam/role:Role"
    service = "iam"
    replaces = frozenset({"name", "path"})
    updates = frozenset(
        {
            "assumeRolePolicy",
            "description",
            "forceDetachPolicies",
            "maxSessionDuration",
            "permissionsBoundary",
            "tags",
        }
    )
    computed = frozenset({"arn", "createDate", "uniqueId"})
    cleared = frozenset({"permissionsBoundary"})
    unread = frozenset({"forceDetachPolicies"})
    defaults: ClassVar = {"forceDetachPolicies": False, "maxSessionDuration": 3600, "path": "/"}
    name = "name"
    absent = ABSENT
    tagged = True
    tagging = Tagging(noun="role", member="RoleName")
    regional = False

    def create(self, aws: Aws, inputs: Properties) -> str:
        """CreateRole."""
        aws.client("iam").create_role(
            RoleName=inputs["name"],
            AssumeRolePolicyDocument=inputs["assumeRolePolicy"],
            Path=inputs["path"],
            MaxSessionDuration=inputs["maxSessionDuration"],
            Tags=tag_list(inputs.get("tags", {})),
            **present(Description=inputs.get("description"), PermissionsBoundary=inputs.get("permissionsBoundary")),
        )
        return str(inputs["name"])

    def configure(self, aws: Aws, ident: str, change: Change) -> None:
        """Trust, description, duration and boundary, each by its own call."""
        if not change.old:
            return
        iam = aws.client("iam")
        if "assumeRolePolicy" in change:
            iam.update_assume_role_policy(RoleName=ident, PolicyDocument=change["assumeRolePolicy"])
        if change.any("description", "maxSessionDuration"):
            iam.update_role(
                RoleName=ident,
                Description=change["description"] or "",
                MaxSessionDuration=change["maxSessionDuration"],
            )
        if "permissionsBoundary" in change:
            if boundary := change["permissionsBoundary"]:
                iam.put_role_permissions_boundary(RoleName=ident, PermissionsBoundary=boundary)
            else:
                iam.delete_role_permissions_boundary(RoleName=ident)

    def read(self, aws: Aws, ident: str) -> Properties:
        """GetRole."""
        iam = aws.client("iam")
        role = iam.get_role(RoleName=ident)["Role"]
        attached = iam.list_attached_role_policies(RoleName=ident)["AttachedPolicies"]
        return {
            "arn": role["Arn"],
            "assumeRolePolicy": _document(role["AssumeRolePolicyDocument"]),
            "createDate": role["CreateDate"].isoformat(),
            "description": role.get("Description"),
            "managedPolicyArns": [policy["PolicyArn"] for policy in attached],
            "maxSessionDuration": role["MaxSessionDuration"],
            "name": ident,
            "path": role["Path"],
            "permissionsBoundary": role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"),
            "tagsAll": tag_map(role.get("Tags", [])),
            "uniqueId": role["RoleId"],
        }

    def delete(self, aws: Aws, ident: str, state: Properties) -> None:
        """DeleteRole, freed of its policies before where the program said `forceDetachPolicies`."""
        iam = aws.client("iam")
        if state.get("forceDetachPolicies"):
            for policy in iam.list_attached_role_policies(RoleName=ident)["AttachedPolicies"]:
                iam.detach_role_policy(RoleName=ident, PolicyArn=policy["PolicyArn"])
            for name in iam.list_role_policies(RoleName=ident)["PolicyNames"]:
                iam.delete_role_policy(RoleName=ident, PolicyName=name)
        for profile in iam.list_instance_profiles_for_role(RoleName=ident)["InstanceProfiles"]:
            iam.remove_role_from_instance_profile(RoleName=ident, InstanceProfileName=profile["InstanceProfileName"])
        iam.delete_role(RoleName=ident)


class RolePolicy(Resource):
    """A policy inside a role; its id is `<role>:<name>`."""

    kind = "aws:iam/rolePolicy:RolePolicy"
    service = "iam"
    replaces = frozenset({"name", "role"})
    updates = frozenset({"policy"})
    name = "name"
    absent = ABSENT
    regional = False

    def create(self, aws: Aws, inputs: Properties) -> str:
        """PutRolePolicy."""
        ident = f"{inputs['role']}:{inputs['name']}"
        self._put(aws, ident, inputs["policy"])
        return ident

    def configure(self, aws: Aws, ident: str, change: Change) -> None:
        """PutRolePolicy again."""
        if change.old:
            self._put(aws, ident, change["policy"])

    def read(self, aws: Aws, ident: str) -> Properties:
        """GetRolePolicy."""
        role, name = ident.split(":", 1)
        found = aws.client("iam").get_role_policy(RoleName=role, PolicyName=name)
        return {"name": name, "policy": _document(found["PolicyDocument"]), "role": role}

    def delete(self, aws: Aws, ident: str, state: Properties) -> None:
        """DeleteRolePolicy."""
        role, name = ident.split(":", 1)
        aws.client("iam").delete_role_policy(RoleName=role, PolicyName=name)

    @staticmethod
    def _put(aws: Aws, ident: str, policy: str) -> None:
        role, name = ident.split(":", 1)
        aws.client("iam").put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=policy)


class RolePolicyAttachment(Resource):
    """A managed policy attached to a role; its id is `<role>/<policy ARN>`."""

    kind = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
    service = "iam"
    replaces = frozenset({"policyArn", "role"})
    absent = ABSENT
    regional = False

    def create(self, aws: Aws, inputs: Properties) -> str:
        """AttachRolePolicy."""
        aws.client("iam").attach_role_policy(RoleName=inputs["role"], PolicyArn=inputs["policyArn"])
        return f"{inputs['role']}/{inputs['policyArn']}"

    def read(self, aws: Aws, ident: str) -> Properties | None:
        """Look for the policy among those of the role."""
        role, policy = ident.split("/", 1)
        return {"policyArn": policy, "role": role} if policy in _attached(aws, role) else None

    def delete(self, aws: Aws, ident: str, state: Properties) -> None:
        """DetachRolePolicy."""
        role, policy = ident.split("/", 1)
        aws.client("iam").detach_role_policy(RoleName=role, PolicyArn=policy)


class RolePoliciesExclusive(Resource):
    """All inline policies that a role has; its id is the role's name. The policies have a type of their own."""

    kind = "aws:iam/rolePoliciesExclusive:RolePoliciesExclusive"
    service = "iam"
    replaces = frozenset({"roleName"})
    updates = frozenset({"policyNames"})
    unordered = frozenset({"policyNames"})
    absent = ABSENT
    regional = False

    def create(self, aws: Aws, inputs: Properties) -> str:
        """Nothing is made; what the role has beyond the list is taken away."""
        self._sync(aws, inputs["roleName"], set(inputs["policyNames"]))
        return str(inputs["roleName"])

    def configure(self, aws: Aws, ident: str, change: Change) -> None:
        """The same again."""
        if "policyNames" in change and change.old:
            self._sync(aws, ident, set(change["policyNames"]))

    @staticmethod
    def _sync(aws: Aws, role: str, wanted: set[str]) -> None:
        iam, found = aws.client("iam"), _inline(aws, role)
        for name in sorted(wanted - found):
            # The official plugin has no document to give, either: what is missing is a fault.
            iam.put_role_policy(RoleName=role, PolicyName=name)
        for name in sorted(found - wanted):
            iam.delete_role_policy(RoleName=role, PolicyName=name)

    def read(self, aws: Aws, ident: str) -> Properties:
        """ListRolePolicies."""
        return {"policyNames": sorted(_inline(aws, ident)), "roleName": ident}

    def delete(self, aws: Aws, ident: str, state: Properties) -> None:
        """Nothing: the policies stay until they go themselves."""


class RolePolicyAttachmentsExclusive(Resource):
    """All managed policies that a role has; its id is the role's name. Attachments have a type of their own."""

    kind = "aws:iam/rolePolicyAttachmentsExclusive:RolePolicyAttachmentsExclusive"
    service = "iam"
    replaces = frozenset({"roleName"})
    updates = frozenset({"policyArns"})
    unordered = frozenset({"policyArns"})
    absent = ABSENT
    regional = False

    def create(self, aws: Aws, inputs: Properties) -> str:
        """Nothing is made; what is missing is attached, and the rest detached."""
        self._sync(aws, inputs["roleName"], set(inputs["policyArns"]))
        return str(inputs["roleName"])

    def configure(self, aws: Aws, ident: str, change: Change) -> None:
        """The same again."""
        if "policyArns" in change and change.old:
            self._sync(aws, ident, set(change["policyArns"]))

    @staticmethod
    def _sync(aws: Aws, role: str, wanted: set[str]) -> None:
        iam, found = aws.client("iam"), _attached(aws, role)
        for arn in sorted(wanted - found):
            iam.attach_role_policy(RoleName=role, PolicyArn=arn)
        for arn in sorted(found - wanted):
            iam.detach_role_policy(RoleName=role, PolicyArn=arn)

    def read(self, aws: Aws, ident: str) -> Properties:
        """ListAttachedRolePolicies."""
        return {"policyArns": sorted(_attached(aws, ident)), "roleName": ident}

    def delete(self, aws: Aws, ident: str, state: Properties) -> None:
        """Nothing: the policies stay until they go themselves."""


class Policy(Resource):
    """A managed policy of the account; a change adds a version and drops the oldest."""

    kind = "aws:iam/policy:Policy"
    service = "iam"
    replaces = frozenset({"description", "name", "path"})
    updates = frozenset({"policy", "tags"})
    computed = frozenset({"arn", "attachmentCount", "policyId"})
    defaults: ClassVar = {"path": "/"}
    name = "name"
    absent = ABSENT
    tagged = True
    tagging = Tagging(noun="policy", member="PolicyArn")
    regional = False

    def create(self, aws: Aws, inputs: Properties) -> str:
        """CreatePolicy."""
        made = aws.client("iam").create_policy(
            PolicyName=inputs["name"],
            PolicyDocument=inputs["policy"],
            Path=inputs["path"],
            Tags=tag_list(inputs.get("tags", {})),
            **present(Description=inputs.get("description")),
        )
        return str(made["Policy"]["Arn"])

    def configure(self, aws: Aws, ident: str, change: Change) -> None:
        """CreatePolicyVersion, after making room for it: a policy has at most five."""
        if not change.old or "policy" not in change:
            return
        iam = aws.client("iam")
        versions = iam.list_policy_versions(PolicyArn=ident)["Versions"]
        spare = sorted((v for v in versions if not v["IsDefaultVersion"]), key=lambda v: v["CreateDate"])
        if len(versions) >= MAX_POLICY_VERSIONS:
            iam.delete_policy_version(PolicyArn=ident, VersionId=spare[0]["VersionId"])
        iam.create_policy_version(PolicyArn=ident, PolicyDocument=change["policy"], SetAsDefault=True)

    def read(self, aws: Aws, ident: str) -> Properties:
        """GetPolicy and its default version."""
        iam = aws.client("iam")
        policy = iam.get_policy(PolicyArn=ident)["Policy"]
        version = iam.get_policy_version(PolicyArn=ident, VersionId=policy["DefaultVersionId"])
        return {
            "arn": ident,
            "attachmentCount": policy["AttachmentCount"],
            "description": policy.get("Description"),
            "name": policy["PolicyName"],
            "path": policy["Path"],
            "policy": _document(version["PolicyVersion"]["Document"]),
            "policyId": policy["PolicyId"],
            "tagsAll": tag_map(policy.get("Tags", [])),
        }

    def delete(self, aws: Aws, ident: str, state: Properties) -> None:
        """DeletePolicy, after its other versions."""
        iam = aws.client("iam")
        for version in iam.list_policy_versions(PolicyArn=ident)["Versions"]:
            if not version["IsDefaultVersion"]:
                iam.delete_policy_version(PolicyArn=ident, VersionId=version["VersionId"])
        iam.delete_policy(PolicyArn=ident)


def _inline(aws: Aws, role: str) -> set[str]:
    pages = aws.client("iam").get_paginator("list_role_policies").paginate(RoleName=role)
    return {name for page in pages for name in page["PolicyNames"]}


def _attached(aws: Aws, role: str) -> set[str]:
    pages = aws.client("iam").get_paginator("list_attached_role_policies").paginate(RoleName=role)
    return {found["PolicyArn"] for page in pages for found in page["AttachedPolicies"]}


def _document(policy: Value) -> str:
    return unquote(policy) if isinstance(policy, str) else json.dumps(policy)
