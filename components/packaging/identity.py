"""Content decides identity: hashes for object keys, and the name of a version that people see."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

_DIGITS = 8
"""Hexadecimal digits of each hash in the name of a version."""


def digest(text: str) -> str:
    """Hash of a text that is short enough for a key and long enough never to meet again: 16 hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def short(whole: str) -> str:
    """The digits of a hash that people see."""
    return whole[:_DIGITS]


def environment_digest(values: Mapping[str, Mapping[str, str]]) -> str:
    """Hash of what an environment fills into a template, but for the key of the seed code, which is content."""
    own = {
        group: {key: value for key, value in inner.items() if (group, key) != ("Seed", "Key")}
        for group, inner in values.items()
    }
    return digest(json.dumps(own, sort_keys=True))


@dataclass(frozen=True, kw_only=True)
class VersionName:
    """What people see of a version, `1.0.0-c1d2e3f4.e5f6a7b8`: what it is of, and where it is."""

    stated: str
    """`product.yaml`'s version."""
    content: str
    """Eight digits of the hash of template and seed code: the same in every stack that has them."""
    environment: str
    """Eight digits of the hash of what the environment fills in."""

    def __str__(self) -> str:
        return f"{self.stated}-{self.hashes}"

    @property
    def hashes(self) -> str:
        """Content and environment, as they stand in names of versions and in keys."""
        return f"{self.content}.{self.environment}"

    @property
    def of_content(self) -> str:
        """The name without the environment: two stacks that show the same offer the same."""
        return f"{self.stated}-{self.content}"

    @classmethod
    def read(cls, name: str) -> "VersionName | None":
        """The parts of a name; None where it has not this form, as the names of earlier releases."""
        found = re.fullmatch(rf"(.+)-([0-9a-f]{{{_DIGITS}}})\.([0-9a-f]{{{_DIGITS}}})", name)
        return cls(stated=found[1], content=found[2], environment=found[3]) if found else None
