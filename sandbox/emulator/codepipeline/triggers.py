"""What starts pipelines at a Git provider: their triggers, with the filters of branches.

By "Filter triggers on code push or pull request events" in AWS's user guide. Filters of tags and paths are not
emulated.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from moto.codepipeline.models import codepipeline_backends

from sandbox.emulator.core.callers import Caller


@dataclass(frozen=True, kw_only=True)
class Change:
    """A push to a branch of a repository, or a new pull request from it."""

    connection: str
    repository: str
    branch: str
    commit: str
    destination: str = ""
    """Branch into which a pull request goes; empty for a push."""


def tell(caller: Caller, change: Change) -> None:
    """Start the pipelines of the account that ask for a change; a connection is of use in each region."""
    backends: list[tuple[str, Any]] = list(codepipeline_backends[caller.account].items())
    for region, backend in backends:
        for name, pipeline in list(backend.pipelines.items()):
            for trigger in pipeline.pipeline.get("triggers") or []:
                asked = trigger["gitConfiguration"]
                source = _source(pipeline.pipeline, asked["sourceActionName"])
                place = (source["ConnectionArn"], source["FullRepositoryId"])
                if place == (change.connection, change.repository) and _fits(asked, change):
                    revisions = [{"actionName": asked["sourceActionName"], "revisionValue": change.commit}]
                    started = {"triggerType": "WebhookV2", "triggerDetail": change.connection}
                    backend.start(caller.in_region(region), name, [], revisions, started)
                    break


def _source(pipeline: Mapping[str, Any], name: str) -> Mapping[str, str]:
    actions = (action for stage in pipeline["stages"] for action in stage["actions"])
    found: Mapping[str, str] = next(action["configuration"] for action in actions if action["name"] == name)
    return found


def _fits(asked: Mapping[str, Any], change: Change) -> bool:
    if not change.destination:
        return any(_names(one.get("branches"), change.branch) for one in asked.get("push") or [])
    return any(
        "OPEN" in (one.get("events") or ["OPEN"]) and _names(one.get("branches"), change.destination)
        for one in asked.get("pullRequest") or []
    )


def _names(branches: Mapping[str, list[str]] | None, name: str) -> bool:
    """Say whether a filter takes a branch: what it excludes wins."""
    wanted = branches or {}
    includes, excludes = wanted.get("includes") or ["*"], wanted.get("excludes") or []
    return any(fnmatchcase(name, one) for one in includes) and not any(fnmatchcase(name, one) for one in excludes)
