"""The `kubectl` of builds: a stand-in, which knows what the products ask it for.

`kustomize` renders as kustomize does, as far as resources, namespace, labels and inline patches go. What is applied
goes to the stand-in for a cluster, see `eks/cluster.py`, whose name the current context of the configuration has.
"""

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

import yaml

Json = dict[str, Any]
ADDRESS = "/sandbox/kubernetes"
_KUSTOMIZATION = {"apiVersion", "kind", "resources", "namespace", "labels", "patches"}


class NotKnownError(Exception):
    """The stand-in does not know what it is asked for; the text says what."""


def main(words: list[str]) -> int:
    """Play one command; its exit code."""
    try:
        print(_play(_parser().parse_args(words)))
    except NotKnownError as error:
        print(f"kubectl: the sandbox does not know {error}", file=sys.stderr)
        return 1
    except HTTPError as error:
        print(error.read().decode(), end="", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="kubectl", allow_abbrev=False)
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("kustomize").add_argument("folder", type=Path)
    apply = verbs.add_parser("apply")
    apply.add_argument("--server-side", action="store_true", required=True)
    apply.add_argument("--force-conflicts", action="store_true")
    apply.add_argument("--field-manager")
    apply.add_argument("-f", "--filename", required=True)
    get, delete = verbs.add_parser("get"), verbs.add_parser("delete")
    get.add_argument("-o", "--output", choices=["json"], required=True)
    delete.add_argument("--ignore-not-found", action="store_true", required=True)
    delete.add_argument("--timeout")
    for one in (get, delete):
        one.add_argument("kind")
        one.add_argument("name", nargs="?", default="")
        one.add_argument("-l", "--selector", default="")
    for one in (apply, get, delete):
        one.add_argument("-n", "--namespace", default="default")
    return parser


def _play(given: argparse.Namespace) -> str:
    if given.verb == "kustomize":
        return yaml.safe_dump_all(rendered(given.folder), sort_keys=False)
    wanted = {"cluster": _cluster(), "key": os.environ["AWS_ACCESS_KEY_ID"], "verb": given.verb}
    if given.verb == "apply":
        text = sys.stdin.read() if given.filename == "-" else Path(given.filename).read_text(encoding="utf-8")
        found = [one for document in yaml.safe_load_all(text) if document for one in document.get("items", [document])]
        applied = _ask({**wanted, "namespace": given.namespace, "objects": found})
        return "\n".join(f"{_named(one)} serverside-applied" for one in applied)
    named = {"kind": given.kind, "name": given.name, "selector": given.selector, "namespace": given.namespace}
    answered = _ask({**wanted, **named})
    if given.verb == "delete":
        return "\n".join(f"{_named(one)} deleted" for one in answered)
    return json.dumps(answered[0] if given.name and answered else {"kind": "List", "items": answered})


def _named(found: Json) -> str:
    kind, group = found["kind"].lower(), found["apiVersion"].rpartition("/")[0]
    return f"{kind}{'.' if group else ''}{group}/{found['metadata']['name']}"


def _cluster() -> str:
    """ARN of the cluster, as which `aws eks update-kubeconfig` names it."""
    path = os.environ.get("KUBECONFIG") or Path.home() / ".kube" / "config"
    told = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    context = next(one["context"] for one in told["contexts"] if one["name"] == told["current-context"])
    return str(context["cluster"])


def _ask(wanted: Json) -> list[Json]:
    url = os.environ["AWS_ENDPOINT_URL"].rstrip("/") + ADDRESS
    with build_opener(ProxyHandler({})).open(Request(url, json.dumps(wanted).encode())) as answer:  # noqa: S310 - the emulator's
        items: list[Json] = json.loads(answer.read())["items"]
        return items


def rendered(folder: Path) -> list[Json]:
    """Return what kustomize makes of a folder.

    Raises:
        NotKnownError: it says what this does not know.
    """
    told = yaml.safe_load((folder / "kustomization.yaml").read_text(encoding="utf-8"))
    if unknown := told.keys() - _KUSTOMIZATION:
        raise NotKnownError(f"{', '.join(sorted(unknown))} of a kustomization")
    found: list[Json] = []
    for name in told.get("resources", []):
        path = folder / name
        found += rendered(path) if path.is_dir() else [one for one in yaml.safe_load_all(path.read_text()) if one]
    for one in found:
        for patch in told.get("patches", []):
            if patch["target"] == {"kind": one["kind"]}:
                _merge(one, yaml.safe_load(patch["patch"]))
        if "namespace" in told:
            one["metadata"]["namespace"] = told["namespace"]
        for labels in told.get("labels", []):
            _merge(one, {"metadata": {"labels": labels["pairs"]}})
    return found


def _merge(base: Json, patch: Json) -> None:
    """Merge as RFC 7386 says, which is how kustomize patches what it has no schema of."""
    for key, value in patch.items():
        if value is None:
            base.pop(key, None)
        elif isinstance(value, dict) and isinstance(base.get(key), dict):
            _merge(base[key], value)
        else:
            base[key] = value


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
