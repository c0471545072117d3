"""What the AWS plugin made, written down as it is made, so that a killed engine's state can be completed.

The engine records a resource when its plugin has answered. Killed before that, it leaves a pending operation and a
resource that nobody knows; the next `up` would meet it as a conflict. On a real account a person imports it. Here
each plugin process keeps a journal in `$SM_MLOPS_JOURNAL`, and the next command completes the state from it.
"""

import json
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from sandbox import processes

_PLUGIN = "sandbox.provider"
_LAST_WORDS_SECONDS = 3.0
_POLL_SECONDS = 0.05


def record(urn: str, ident: str, outputs: Mapping[str, Any] | None = None) -> None:
    """Write down a resource: as soon as AWS has made it with its id alone, and when it is complete with its outputs.

    Outside a world, where `SM_MLOPS_JOURNAL` is not set, nothing is written.
    """
    folder = os.environ.get("SM_MLOPS_JOURNAL")
    if folder:
        line = json.dumps({"urn": urn, "id": ident, "outputs": outputs})
        with Path(folder, f"{os.getpid()}.jsonl").open("a") as file:
            file.write(f"{line}\n")


def complete(state: Path, folder: Path) -> int:
    """Resolve what a killed engine left pending in a stack's state file; the number of operations resolved.

    A creation that the journal knows becomes a resource of the stack; one without outputs is marked, so that the next
    `up` finishes it by an update. Other operations are repeated by the next `up` by themselves.
    """
    content = json.loads(state.read_text())
    latest = content["checkpoint"].get("latest") or {}
    pending = latest.pop("pending_operations", None) or []
    if not pending:
        return 0
    made = _entries(folder)
    for operation in pending:
        entry = made.get(operation["resource"]["urn"])
        if operation["type"] == "creating" and entry:
            _adopt(latest["resources"], operation["resource"], entry)
    part = state.with_suffix(".part")
    part.write_text(json.dumps(content, indent=4))
    part.replace(state)
    return len(pending)


def prune(folder: Path) -> None:
    """Remove the journals of plugins that have ended."""
    for journal in folder.glob("*.jsonl"):
        if not _writes(journal):
            journal.unlink()


def _adopt(resources: list[dict[str, Any]], resource: dict[str, Any], entry: dict[str, Any]) -> None:
    known = [r for r in resources if r["urn"] == resource["urn"]]
    if any(r.get("id") == entry["id"] for r in known):
        return
    for replaced in known:
        replaced["delete"] = True  # a replacement was under way: what it replaces remains to be deleted
    made = resource | {"id": entry["id"], "outputs": entry["outputs"]}
    if entry["outputs"] is None:
        # The region is what an update needs to find it; the rest is what the update brings.
        made["outputs"] = {"region": resource["inputs"]["region"]} if "region" in resource["inputs"] else {}
        made["initErrors"] = ["The engine was killed while this was being made."]
    resources.append(made)


def _entries(folder: Path) -> dict[str, dict[str, Any]]:
    """Give the last entry of each URN, when the plugins of the killed engine have had their last word."""
    entries: dict[str, dict[str, Any]] = {}
    deadline = time.monotonic() + _LAST_WORDS_SECONDS
    for journal in sorted(folder.glob("*.jsonl"), key=lambda path: path.stat().st_mtime):
        while _writes(journal) and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
        for line in journal.read_text(errors="replace").splitlines():
            # The last line of a plugin that was killed may be half of one.
            with suppress(ValueError):
                entry = json.loads(line)
                entries[entry["urn"]] = entry
    return entries


def _writes(journal: Path) -> bool:
    return journal.stem.isdecimal() and processes.runs(int(journal.stem), _PLUGIN)
