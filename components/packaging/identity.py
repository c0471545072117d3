"""Content decides identity: hashes for object keys, and the name of a version that people see."""

import hashlib


def digest(text: str) -> str:
    """Hash of a text that is short enough for a key and long enough never to meet again: 16 hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def version_name(version: str, content_digest: str) -> str:
    """What people see of a version: `product.yaml`'s version and the first 8 digits of the content's digest."""
    return f"{version}-{content_digest[:8]}"
