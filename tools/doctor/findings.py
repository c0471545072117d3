"""What an examination finds: one finding for each check and each thing that it looks at."""

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """How a thing stands, the worst first."""

    BROKEN = "broken"
    """People are stopped by it."""
    UNKNOWN = "unknown"
    """It could not be looked at: mostly a missing permission, which the finding names."""
    WARNING = "warning"
    """It works, and will not for long, or not as somebody may expect."""
    OK = "ok"
    """It is as the stack file wants it."""
    SKIPPED = "skipped"
    """It does not matter here, by a setting or because what it belongs to is missing."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What a check says of one thing."""

    status: Status
    """How it stands."""
    evidence: str
    """What was seen, with ids and ARNs; why it was skipped."""
    fix: str = ""
    """A command, or a way through the console; empty where nothing is to be done, or what the rule says is."""


@dataclass(frozen=True, kw_only=True)
class Finding(Verdict):
    """A verdict, and whose it is."""

    check: str
    """Id of the check; it stays the same from release to release."""
    subject: str
    """What was looked at: a region, a product in a region, a role."""


class SkipError(Exception):
    """A check has nothing to look at; the message says why."""


def ok(evidence: str) -> Verdict:
    """Report that all is as it should be."""
    return Verdict(status=Status.OK, evidence=evidence)


def broken(evidence: str, fix: str = "") -> Verdict:
    """Report what stops people.

    Args:
        evidence: what was seen.
        fix: what to do; what the rule says where left out.
    """
    return Verdict(status=Status.BROKEN, evidence=evidence, fix=fix)


def warning(evidence: str, fix: str) -> Verdict:
    """Report what works, with a reservation."""
    return Verdict(status=Status.WARNING, evidence=evidence, fix=fix)


def unknown(evidence: str, fix: str) -> Verdict:
    """Report what could not be looked at."""
    return Verdict(status=Status.UNKNOWN, evidence=evidence, fix=fix)


def skipped(reason: str) -> Verdict:
    """Report that it does not matter here."""
    return Verdict(status=Status.SKIPPED, evidence=reason)
