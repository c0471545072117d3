"""Handlers of `aws:kms/*`."""
# ruff: noqa: ARG002 - the handlers share one signature

from typing import ClassVar

from sandbox.provider.aws import Aws
from sandbox.provider.resource import Change, Resource, Tagging
from sandbox.provider.values import Properties, present

ABSENT = frozenset({"NotFoundException"})


def _tags(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"TagKey": key, "TagValue": value} for key, value in tags.items()]


class Key(Resource):
    """A key; deleting it schedules its deletion, as AWS does."""

    kind = "aws:kms/key:Key"
    awaits_end = True
    service = "kms"
    replaces = frozenset({"customerMasterKeySpec", "keyUsage", "multiRegion"})
    updates = frozenset(
        {
            "bypassPolicyLockoutSafetyCheck",
            "deletionWindowInDays",
            "description",
            "enableKeyRotation",
            "isEnabled",
            "policy",
            "rotationPeriodInDays",
            "tags",
        }
    )
    computed = frozenset({"arn", "keyId"})
    keeps = frozenset({"description", "multiRegion", "policy", "rotationPeriodInDays"})
    unread = frozenset({"bypassPolicyLockoutSafetyCheck", "deletionWindowInDays"})
    defaults: ClassVar = {
        "bypassPolicyLockoutSafetyCheck": False,
        "customerMasterKeySpec": "SYMMETRIC_DEFAULT",
        "enableKeyRotation": False,
        "isEnabled": True,
        "keyUsage": "ENCRYPT_DECRYPT",
    }
    absent = ABSENT
    tagged = True
    tagging = Tagging(member="KeyId", form=_tags)

    def create(self, aws: Aws, inputs: Properties) -> str:
        """CreateKey, with its policy: a key must never stand under a policy that was not asked for."""
        key = aws.client("kms").create_key(
            **present(
                Description=inputs.get("description"),
                KeySpec=inputs["customerMasterKeySpec"],
                KeyUsage=inputs["keyUsage"],
                MultiRegion=inputs.get("multiRegion"),
                Policy=inputs.get("policy"),
                BypassPolicyLockoutSafetyCheck=inputs["bypassPolicyLockoutSafetyCheck"],
                Tags=_tags(inputs.get("tags", {})),
            )
        )
        return str(key["KeyMetadata"]["KeyId"])

    def configure(self, aws: Aws, ident: str, change: Change) -> None:
        """Rotation, state, description and policy."""
        kms, created = aws.client("kms"), not change.old
        if change.any("enableKeyRotation", "rotationPeriodInDays"):
            if change["enableKeyRotation"]:
                kms.enable_key_rotation(KeyId=ident, **present(RotationPeriodInDays=change["rotationPeriodInDays"]))
            elif not created:
                kms.disable_key_rotation(KeyId=ident)
        if not created and "description" in change:
            kms.update_key_description(KeyId=ident, Description=change["description"] or "")
        if not created and "policy" in change and change["policy"]:
            kms.put_key_policy(
                KeyId=ident,
                PolicyName="default",
                Policy=change["policy"],
                BypassPolicyLockoutSafetyCheck=change["bypassPolicyLockoutSafetyCheck"],
            )
        if not change["isEnabled"]:
            kms.disable_key(KeyId=ident)
        elif not created and "isEnabled" in change:
            kms.enable_key(KeyId=ident)

    def read(self, aws: Aws, ident: str) -> Properties | None:
        """Describe the key; one that waits for its deletion is gone."""
        kms = aws.client("kms")
        key = kms.describe_key(KeyId=ident)["KeyMetadata"]
        if key["KeyState"] in {"PendingDeletion", "PendingReplicaDeletion"}:
            return None
        rotation = kms.get_key_rotation_status(KeyId=ident)
        tags = kms.list_resource_tags(KeyId=ident).get("Tags", [])
        return {
            "arn": key["Arn"],
            "customerMasterKeySpec": key["KeySpec"],
            "description": key["Description"],
            "enableKeyRotation": rotation["KeyRotationEnabled"],
            "isEnabled": key["Enabled"],
            "keyId": key["KeyId"],
            "keyUsage": key["KeyUsage"],
            "multiRegion": key.get("MultiRegion", False),
            "policy": kms.get_key_policy(KeyId=ident, PolicyName="default")["Policy"],
            "rotationPeriodInDays": rotation.get("RotationPeriodInDays"),
            "tagsAll": {tag["TagKey"]: tag["TagValue"] for tag in tags},
        }

    def delete(self, aws: Aws, ident: str, state: Properties) -> None:
        """ScheduleKeyDeletion."""
        days = state.get("deletionWindowInDays")
        aws.client("kms").schedule_key_deletion(KeyId=ident, **present(PendingWindowInDays=days))


class Alias(Resource):
    """A name for a key."""

    kind = "aws:kms/alias:Alias"
    service = "kms"
    replaces = frozenset({"name"})
    updates = frozenset({"targetKeyId"})
    computed = frozenset({"arn", "targetKeyArn"})
    name = "name"
    absent = ABSENT

    def autoname(self, name: str, inputs: Properties) -> str:
        """Every alias starts with `alias/`."""
        return f"alias/{name}"

    def create(self, aws: Aws, inputs: Properties) -> str:
        """CreateAlias."""
        aws.client("kms").create_alias(AliasName=inputs["name"], TargetKeyId=inputs["targetKeyId"])
        return str(inputs["name"])

    def configure(self, aws: Aws, ident: str, change: Change) -> None:
        """UpdateAlias."""
        if change.old and "targetKeyId" in change:
            aws.client("kms").update_alias(AliasName=ident, TargetKeyId=change["targetKeyId"])

    def read(self, aws: Aws, ident: str) -> Properties | None:
        """Find the alias in the list: no call describes one alone."""
        kms = aws.client("kms")
        pages = kms.get_paginator("list_aliases").paginate()
        found = [alias for page in pages for alias in page["Aliases"] if alias["AliasName"] == ident]
        if not found or "TargetKeyId" not in found[0]:
            return None
        key = found[0]["TargetKeyId"]
        return {
            "arn": found[0]["AliasArn"],
            "name": ident,
            "targetKeyArn": aws.arn("kms", f"key/{key}"),
            "targetKeyId": key,
        }

    def delete(self, aws: Aws, ident: str, state: Properties) -> None:
        """DeleteAlias."""
        aws.client("kms").delete_alias(AliasName=ident)
