"""What a region's name tells: its partition, its domain, and whether it exists.

The table is the one that ships with botocore, so that it is as current as the pinned SDK and needs no call to AWS.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True)
class Region:
    """A region and the facts that policies need of it."""

    name: str
    partition: str
    """First field of every ARN in the region: `aws`, `aws-cn`, `aws-us-gov`, ..."""
    dns_suffix: str
    """Domain of the region's service endpoints, for instance `amazonaws.com`."""

    def endpoint(self, service: str) -> str:
        """Name under which KMS sees calls made through a service (`kms:ViaService`)."""
        return f"{service}.{self.name}.{self.dns_suffix}"


@cache
def known_regions() -> Mapping[str, Region]:
    """Every region of every partition, by name, in the order of the names."""
    # Read as a file: importing botocore's loader costs a tenth of a second at the start of every preview.
    partitions = json.loads((files("botocore") / "data" / "partitions.json").read_text())["partitions"]
    regions = {
        name: Region(name, partition["id"], partition["outputs"]["dnsSuffix"])
        for partition in partitions
        for name in partition["regions"]
        if not name.endswith("-global")
    }
    return dict(sorted(regions.items()))
