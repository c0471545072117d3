"""AWS Service Quotas: AWS's defaults of the quotas that somebody asks for; moto knows those of VPC only."""

from typing import Any

from moto.servicequotas.models import ServiceQuotasBackend

from sandbox.emulator.core import decisions
from sandbox.emulator.core.extension import replaces

_DEFAULTS: dict[str, dict[str, tuple[str, float]]] = {
    "codebuild": {"L-ACCF6C0D": ("Build projects", 5000.0)},
    "codepipeline": {"L-78D200AD": ("Total pipelines", 1000.0)},
    "servicecatalog": {
        "L-764CF6A1": ("Products per region", 350.0),
        "L-A5846085": ("Product versions per product", 100.0),
        "L-C6458716": ("Portfolios per region", 100.0),
        "L-E8959660": ("Users, groups, and roles per portfolio", 100.0),
    },
}
"""By service and code: name and default."""

_moto_get_service_quota = ServiceQuotasBackend.get_service_quota


@replaces(ServiceQuotasBackend)
def get_service_quota(self: ServiceQuotasBackend, service_code: str, quota_code: str) -> dict[str, Any]:
    """Return a quota; NoSuchResourceException where neither this module nor moto knows it."""
    if quota_code not in _DEFAULTS.get(service_code, {}):
        return _moto_get_service_quota(self, service_code, quota_code)
    name, value = _DEFAULTS[service_code][quota_code]
    place = f"arn:{self.partition}:servicequotas:{self.region_name}:{self.account_id}"
    return {
        "ServiceCode": service_code,
        "QuotaCode": quota_code,
        "QuotaArn": f"{place}:{service_code}/{quota_code}",
        "QuotaName": name,
        "Value": decisions.current().quotas.get(quota_code, value),
        "Unit": "None",
        "Adjustable": True,
        "GlobalQuota": False,
    }
