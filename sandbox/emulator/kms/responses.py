"""AWS KMS: the rotation period, which moto forgets."""

import json

from moto.kms.models import Key
from moto.kms.responses import KmsResponse

from sandbox.emulator.core.extension import replaces

DEFAULT_PERIOD = 365


def _key(response: KmsResponse) -> Key:
    key_id = response._get_param("KeyId")
    response._validate_cmk_id(key_id)
    return response.kms_backend.describe_key(key_id)


@replaces(KmsResponse)
def enable_key_rotation(self: KmsResponse) -> str:
    """EnableKeyRotation, with its period in days."""
    key, period = _key(self), self._get_param("RotationPeriodInDays")
    if not key.key_rotation_status or period is not None:
        key.rotation_period = period or DEFAULT_PERIOD  # type: ignore[attr-defined] # a field that moto lacks
    key.key_rotation_status = True
    return "null"


@replaces(KmsResponse)
def get_key_rotation_status(self: KmsResponse) -> str:
    """GetKeyRotationStatus, with the period where rotation is on."""
    key = _key(self)
    status = {"KeyId": key.arn, "KeyRotationEnabled": key.key_rotation_status}
    if key.key_rotation_status:
        status["RotationPeriodInDays"] = getattr(key, "rotation_period", DEFAULT_PERIOD)
    return json.dumps(status)
