"""A cluster for tests: what its administrator applies, and the stand-in for kubectl as a process."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

from tests.sandbox.conftest import REPOSITORY

Json = dict[str, Any]
PROGRAM = REPOSITORY / "sandbox" / "emulator" / "codebuild" / "kubectl.py"
RBAC = "rbac.authorization.k8s.io"


def access(namespace: str, group: str, *plurals: str) -> list[Json]:
    """A namespace in which a group may apply kinds of ACK's controller."""
    rule = {
        "apiGroups": ["sagemaker.services.k8s.aws"],
        "resources": list(plurals),
        "verbs": ["delete", "get", "patch"],
    }
    metadata = {"name": "builds", "namespace": namespace}
    binding = {
        "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": "builds"},
        "subjects": [{"apiGroup": RBAC, "kind": "Group", "name": group}],
    }
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}},
        {"apiVersion": f"{RBAC}/v1", "kind": "Role", "metadata": metadata, "rules": [rule]},
        {"apiVersion": f"{RBAC}/v1", "kind": "RoleBinding", "metadata": metadata, **binding},
    ]


def play(
    url: str, cluster: str, key: str, *words: str, objects: list[Json] | None = None
) -> "subprocess.CompletedProcess[str]":
    """Run kubectl with an access key; objects are its standard input."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "config"
        context = {"name": cluster, "context": {"cluster": cluster, "user": cluster}}
        config.write_text(yaml.safe_dump({"contexts": [context], "current-context": cluster}))
        environment = {
            "PATH": os.environ["PATH"],
            "KUBECONFIG": str(config),
            "AWS_ENDPOINT_URL": url,
            "AWS_ACCESS_KEY_ID": key,
        }
        return subprocess.run(
            [sys.executable, "-P", str(PROGRAM), *words],
            env=environment,
            input=yaml.safe_dump_all(objects or []),
            capture_output=True,
            text=True,
            check=False,
        )
