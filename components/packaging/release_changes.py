"""What a version brings: the files that differ from those of the version before, by their paths."""

from collections.abc import Mapping
from dataclasses import dataclass

from components.packaging.identity import digest, short

MOST_ENTRIES = 300
"""Entries of a list of files; the state of a stack keeps one for each product and region. Where there are more, the
deepest folders count as one entry each."""

MOST_TOLD = 20
"""Paths that are told of each kind."""

MOST_CHARACTERS = 4000
"""Characters of all that is told: Service Catalog takes 8,192 in the description of a version."""


def listed(digests: Mapping[str, str], most: int = MOST_ENTRIES) -> dict[str, str]:
    """Paths with the short hash of what is there, at most so many: folders, which end with a slash, for what is deeper.

    Args:
        digests: hash of each file, by its path.
        most: how many entries there may be.
    """
    for depth in range(max((path.count("/") for path in digests), default=0), -1, -1):
        folders: dict[str, list[str]] = {}
        for path in sorted(digests):
            folders.setdefault(_within(path, depth), []).append(f"{path} {digests[path]}")
        if len(folders) <= most or depth == 0:
            break
    return {
        path: short(digest("\n".join(inner)) if path.endswith("/") else digests[path])
        for path, inner in folders.items()
    }


def _within(path: str, depth: int) -> str:
    names = path.split("/")
    return path if len(names) <= depth + 1 else "".join(f"{name}/" for name in names[: depth + 1])


@dataclass(frozen=True, kw_only=True)
class Changes:
    """Paths that are not as they were."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]

    @classmethod
    def between(cls, before: Mapping[str, str], after: Mapping[str, str]) -> "Changes":
        """What differs between two lists of files."""
        return cls(
            added=tuple(sorted(after.keys() - before.keys())),
            changed=tuple(path for path in sorted(after.keys() & before.keys()) if after[path] != before[path]),
            removed=tuple(sorted(before.keys() - after.keys())),
        )

    def __str__(self) -> str:
        kinds = {"Changed": self.changed, "Added": self.added, "Removed": self.removed}
        told = " ".join(f"{kind}: {_some(paths)}." for kind, paths in kinds.items() if paths)
        return told or "No file changed; what the environment fills in, or the stated version, did."


def _some(paths: tuple[str, ...]) -> str:
    told: list[str] = []
    for path in paths[:MOST_TOLD]:
        if told and sum(map(len, told)) + len(path) > MOST_CHARACTERS // 3:
            break
        # A path may be as long as all that is told.
        told.append(path if len(path) <= MOST_CHARACTERS // 3 else f"{path[: MOST_CHARACTERS // 3]}...")
    more = len(paths) - len(told)
    return ", ".join(told) + (f" and {more:,} more" if more else "")
