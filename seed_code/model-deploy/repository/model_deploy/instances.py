"""Which instance types take no key for their volume.

SageMaker takes no key for the volumes of instance types with local storage, which their hardware encrypts with keys of
its own (API reference of CreateEndpointConfig, KmsKeyId; it names the list below as the one to look at). The families
are those of SageMaker (enumerations of the API model that botocore 1.44.5 ships) that have instance store volumes in
the EC2 user guide, "Amazon EC2 instance store volumes". `pipelines/instances.py` of the build product has the same.
"""

LOCAL_STORAGE = frozenset(
    {
        *("c5d", "c6gd", "m5d", "m6gd", "r5d", "r6gd", "r7gd"),
        *("dl1", "g4dn", "g5", "g6", "g6e", "g7", "g7e", "p3dn", "p4d", "p4de"),
        *("p5", "p5e", "p5en", "p6-b200", "p6-b300", "p6e-gb200", "trn1", "trn1n", "trn2"),
    }
)
"""Families, the middle of `ml.<family>.<size>`."""


def takes_volume_key(instance_type: str) -> bool:
    """Tell whether a volume of this type can be encrypted with a key of the account."""
    return instance_type.split(".")[1] not in LOCAL_STORAGE
