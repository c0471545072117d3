"""A kubectl that plays: it renders a folder, and keeps objects with the status that a controller would give them."""

import json
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import yaml

SYNCED = {"conditions": [{"type": "ACK.ResourceSynced", "status": "True", "message": "Resource synced successfully"}]}


def rendered(folder: Path) -> list[dict[str, Any]]:
    """What kustomize makes of an overlay of the build's; a test holds it against kubectl's own."""
    told = yaml.safe_load((folder / "kustomization.yaml").read_text())
    base = folder / told["resources"][0]
    found = []
    for name in yaml.safe_load((base / "kustomization.yaml").read_text())["resources"]:
        one = yaml.safe_load((base / name).read_text())
        (patch,) = (json.loads(patch["patch"]) for patch in told["patches"] if patch["target"]["kind"] == one["kind"])
        one["metadata"] |= {"labels": told["labels"][0]["pairs"], "namespace": told["namespace"], **patch["metadata"]}
        one["spec"] |= patch["spec"]
        found.append(one)
    return found


class Kubectl:
    """Takes the place of `subprocess.run`."""

    def __init__(self, status: dict[str, Any] | None = None) -> None:
        self.objects: dict[str, dict[str, Any]] = {}
        self.calls: list[str] = []
        self.refusal = ""
        self.status = status or {}
        """By kind the status that the controller gives to what is applied."""

    def __call__(self, command: list[str], **given: Any) -> CompletedProcess:
        _, verb, *words = command
        if self.refusal and verb != "kustomize":
            return CompletedProcess(command, 1, "", self.refusal)
        answer = ""
        if verb == "kustomize":
            answer = yaml.safe_dump_all(rendered(Path(words[0])))
        elif verb == "apply":
            for one in json.loads(given["input"])["items"]:
                name = one["metadata"]["name"]
                self.calls.append(f"apply {one['kind']} {name}")
                self.objects[name] = one | {"status": self.status.get(one["kind"], {})}
        elif verb == "get":
            kind = words[words.index("-n") + 2].partition(".")[0]
            items = [one for one in self.objects.values() if f"{one['kind'].lower()}s" == kind]
            answer = json.dumps({"items": items})
        elif verb == "delete":
            name = words[words.index("-n") + 3]
            self.calls.append(f"delete {name}")
            del self.objects[name]
        return CompletedProcess(command, 0, answer, "")
