"""A namespace of a cluster as the build reaches it: through kubectl, with what the controller says of its objects."""

import json
import re
import subprocess
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.settings import Rule, SettingsError

Json = dict[str, Any]
Run = Callable[..., "subprocess.CompletedProcess[str]"]

CLUSTER: Rule = (r"[0-9A-Za-z][A-Za-z0-9_-]{0,99}", "the name of an EKS cluster")
NAMESPACE: Rule = (r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", "the name of a namespace: lower-case letters, digits, dashes")

FIELD_MANAGER = "model-build"
"""As whom the build owns the fields that it applies."""
MOST_SECONDS = 120
"""Longest time that kubectl waits for the cluster."""


@dataclass(frozen=True, kw_only=True)
class ClusterSettings:
    """Where the objects of a project are."""

    name: str
    namespace: str
    controller_role: str = ""
    """With what the controller works for the namespace, in words; empty where the project does not know it."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "ClusterSettings":
        """Read the settings.

        Raises:
            SettingsError: with all faults, each with the variable, its value and what is allowed.
        """
        variables = ("CLUSTER_NAME", "NAMESPACE", "CONTROLLER_ROLE")
        values = {name: environment.get(name, "").strip() for name in variables}
        faults = [
            f"{name}: {values[name]!r} is not {meaning}" if values[name] else f"{name}: not set; expected {meaning}"
            for name, (pattern, meaning) in {"CLUSTER_NAME": CLUSTER, "NAMESPACE": NAMESPACE}.items()
            if not re.fullmatch(pattern, values[name])
        ]
        if faults:
            raise SettingsError("\n".join(faults))
        return cls(
            name=values["CLUSTER_NAME"],
            namespace=values["NAMESPACE"],
            controller_role=values["CONTROLLER_ROLE"],
        )


class ClusterError(Exception):
    """The cluster refuses, or its controller does not do what was applied; the text says why and what to do."""


@dataclass(frozen=True, kw_only=True)
class Namespace:
    """The project's namespace."""

    cluster: ClusterSettings
    project_name: str
    run: Run = subprocess.run

    def rendered(self, folder: Path) -> str:
        """Return what kustomize, which is part of kubectl, makes of a folder: documents of YAML."""
        return self._kubectl("kustomize", str(folder))

    def apply(self, objects: Iterable[Json]) -> None:
        """Apply objects; the fields that they have become the build's, whoever has set them."""
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
        manager = f"--field-manager={FIELD_MANAGER}"
        self._kubectl(*self._in("apply"), "--server-side", "--force-conflicts", manager, "-f", "-", text=text)

    def objects(self, kind: str, selector: str) -> list[Json]:
        """Return the objects of a kind that have a label, as `key=value`."""
        return json.loads(self._kubectl(*self._in("get"), kind, "-l", selector, "-o", "json"))["items"]

    def delete(self, kind: str, name: str) -> None:
        """Delete an object, if it is there, and wait until the controller has let go of it."""
        self._kubectl(*self._in("delete"), kind, name, "--ignore-not-found", f"--timeout={MOST_SECONDS}s")

    def _in(self, verb: str) -> tuple[str, ...]:
        return verb, "-n", self.cluster.namespace

    def _kubectl(self, *words: str, text: str = "") -> str:
        done = self.run(["kubectl", *words], input=text, capture_output=True, text=True, check=False)
        if done.returncode:
            raise ClusterError(f"kubectl {words[0]} failed: {self._explained(done.stderr.strip())}")
        return done.stdout

    def _explained(self, said: str) -> str:
        cluster = self.cluster
        kinds = "ask the cluster's administrator for ACK's SageMaker controller and its CRDs"
        advice = {
            "Forbidden": f"ask the cluster's administrator to let group sagemaker-{self.project_name} apply in "
            f"namespace {cluster.namespace}: kustomize/access.yaml",
            "NotFound": f"ask the cluster's administrator for namespace {cluster.namespace}: kustomize/access.yaml",
            "Unauthorized": f"the build's role has no access entry in cluster {cluster.name}, which the project makes: "
            "update the project",
            "doesn't have a resource type": kinds,
            "no matches for kind": kinds,
        }
        return "; ".join([said, *(words for sign, words in advice.items() if sign in said)][:2])


def is_given_up(found: Json) -> bool:
    """Whether the controller tries an object no more."""
    conditions = found.get("status", {}).get("conditions", [])
    return any(one["type"] == "ACK.Terminal" and one["status"] == "True" for one in conditions)


def sentences(found: Json, cluster: ClusterSettings) -> list[str]:
    """Return what the controller says of an object that it has not brought to what was applied."""
    name = f"{found['kind']} {found['metadata']['name']}"
    conditions = {one["type"]: one for one in found.get("status", {}).get("conditions", [])}
    if not conditions:
        return [
            f"{name}: no controller has seen it; is ACK's SageMaker controller running in {cluster.name}, and does it "
            f"watch namespace {cluster.namespace}?"
        ]
    role = f"; it works as {cluster.controller_role}" if cluster.controller_role else ""
    meanings = {
        "ACK.Terminal": "the controller tries no more until the object is changed",
        "ACK.Recoverable": f"the controller goes on trying{role}",
        "ACK.ResourceSynced": "the controller has not finished",
    }
    told = [
        f"{name}: {_reason(conditions[kind])}; {meaning} ({kind})"
        for kind, meaning in meanings.items()
        if kind in conditions and (conditions[kind]["status"] == "True") is (kind != "ACK.ResourceSynced")
    ]
    # The last one says no more than that, where another one says why.
    return told[:-1] if len(told) > 1 and "ACK.ResourceSynced" in told[-1] else told


def _reason(condition: Json) -> str:
    return condition.get("message") or condition.get("reason") or "no message"
