"""One comment per pull request, renewed in place: found by its hidden first line among those of the same author."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from tools.preview_comment.comment import VERSION, Style, outdated

_HEADER = re.compile(rf"<!-- {re.escape(VERSION)} (\{{[^{{}}]*\}}) ")


@dataclass(frozen=True)
class Posted:
    """A comment of a pull request."""

    id: str
    body: str


class PullRequest(Protocol):
    """Where comments go."""

    style: Style
    """What a comment may be there."""

    def comments(self) -> Sequence[Posted]:
        """Return the comments of whoever posts, the oldest first."""

    def create(self, body: str) -> None:
        """Post a new comment."""

    def update(self, comment: Posted, body: str) -> None:
        """Give a comment another text."""

    def remove(self, comment: Posted) -> None:
        """Remove a comment."""

    def approved(self, label: str) -> bool:
        """Whether somebody has approved what is destructive, in the way that this place knows."""

    def label(self, wanted: Mapping[str, bool]) -> str:
        """Give labels, and take those away that are not wanted; what was done, in words, empty where nothing was."""


def put(place: PullRequest, name: str, bodies: Sequence[str], *, create: bool) -> str:
    """Bring the comment of this name up to date, in as many parts as it has; what was done, in words.

    Args:
        place: the pull request.
        name: the comment's name, as in its first line.
        bodies: its parts.
        create: whether it is worth a comment where there is none yet.
    """
    found: dict[int, Posted] = {}
    surplus: list[Posted] = []
    for comment in place.comments():
        part = _part(comment.body, name)
        if part is not None:
            # Two runs at once may have made two; the older one stays.
            (surplus.append(comment)) if part in found or part > len(bodies) else found.update({part: comment})
    if not found and not surplus and not create:
        return "nothing to tell, and no comment to renew"
    done = {"posted": 0, "renewed": 0, "removed": len(surplus)}
    for part, body in enumerate(bodies, 1):
        if part not in found:
            place.create(body)
            done["posted"] += 1
        elif _plain(found[part].body) != _plain(body):
            place.update(found[part], body)
            done["renewed"] += 1
    for comment in surplus:
        place.remove(comment)
    told = [f"{count} {what}" for what, count in done.items() if count]
    return f"comments: {', '.join(told)}" if told else "the comment is up to date"


def mark_outdated(place: PullRequest, name: str, commit: str) -> str:
    """Mark the comment of this name as one of another commit than the newest; what was done, in words.

    Args:
        place: the pull request.
        name: the comment's name.
        commit: the newest commit, whose preview is not there yet.
    """
    marked = 0
    for comment in place.comments():
        if _part(comment.body, name) is not None:
            body = outdated(comment.body, commit)
            if _plain(body) != _plain(comment.body):
                place.update(comment, body)
                marked += 1
    return f"comments: {marked} marked as outdated" if marked else "no comment is outdated"


def _part(body: str, name: str) -> int | None:
    """Which part of the comment of this name a text is; None where it is another's."""
    found = _HEADER.match(body)
    if not found:
        return None
    try:
        header = json.loads(found[1])
    except ValueError:
        return None
    part = header.get("part")
    return part if header.get("name") == name and isinstance(part, int) else None


def _plain(body: str) -> str:
    """Return a text without what its place may change of it: line ends, and white space at the end."""
    return "\n".join(line.rstrip() for line in body.splitlines()).strip()
