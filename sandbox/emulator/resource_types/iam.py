"""AWS::IAM: roles."""

import json
from functools import partial

from typing_extensions import override

from sandbox.emulator.core.callers import Client
from sandbox.emulator.resource_types.base import Api, Properties, Resource, ResourceType, Scope, Tagging, unless_gone


def _role(client: Client, name: str) -> Resource:
    role = client.get_role(RoleName=name)["Role"]
    return Resource(name=name, physical_id=name, attributes={"Arn": role["Arn"], "RoleId": role["RoleId"]})


class Role(Api):
    """AWS::IAM::Role, with its policies."""

    @override
    def complete(self, scope: Scope, name: str, properties: Properties) -> Resource:
        self._apply(scope, name, {}, properties)
        return super().complete(scope, name, properties)

    @override
    def update(self, scope: Scope, resource: Resource, old: Properties, new: Properties) -> Resource:
        client = scope.caller.client("iam")
        if old["AssumeRolePolicyDocument"] != new["AssumeRolePolicyDocument"]:
            document = json.dumps(new["AssumeRolePolicyDocument"])
            client.update_assume_role_policy(RoleName=resource.name, PolicyDocument=document)
        if old.get("PermissionsBoundary") != new.get("PermissionsBoundary"):
            if "PermissionsBoundary" in new:
                client.put_role_permissions_boundary(
                    RoleName=resource.name, PermissionsBoundary=new["PermissionsBoundary"]
                )
            else:
                client.delete_role_permissions_boundary(RoleName=resource.name)
        self._apply(scope, resource.name, old, new)
        return super().update(scope, resource, old, new)

    @override
    def delete(self, scope: Scope, resource: Resource, properties: Properties) -> None:
        self._apply(scope, resource.name, properties, {})
        super().delete(scope, resource, properties)

    def _apply(self, scope: Scope, role: str, old: Properties, new: Properties) -> None:
        """Bring inline and managed policies from their old to their new state."""
        client = scope.caller.client("iam")
        inline = {policy["PolicyName"]: policy["PolicyDocument"] for policy in new.get("Policies", [])}
        for policy in old.get("Policies", []):
            name = policy["PolicyName"]
            if name not in inline:
                unless_gone(self.gone, partial(client.delete_role_policy, RoleName=role, PolicyName=name))
        for name, document in inline.items():
            client.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(document))
        before, after = (properties.get("ManagedPolicyArns", []) for properties in (old, new))
        for arn in before:
            if arn not in after:
                unless_gone(self.gone, partial(client.detach_role_policy, RoleName=role, PolicyArn=arn))
        for arn in after:
            client.attach_role_policy(RoleName=role, PolicyArn=arn)


TYPES: dict[str, ResourceType] = {
    "AWS::IAM::Role": Role(
        service="iam",
        create_operation="create_role",
        update_operation="update_role",
        delete_operation="delete_role",
        describe=_role,
        name="RoleName",
        name_limit=64,
        tagging=Tagging(add="tag_role", remove="untag_role", member="RoleName", by_name=True),
        gone=("NoSuchEntity",),
        fixed=frozenset({"Path"}),
        template_only=frozenset({"Policies", "ManagedPolicyArns"}),
    ),
}
