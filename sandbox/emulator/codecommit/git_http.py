"""What `git clone` and `git push` of a repository's clone URL talk to: git's own server behind the emulator's address.

The clone URL is CodeCommit's; `sandbox.git_client` sends git here for it.
"""

import os
import re
import subprocess
from typing import Any

from moto.codecommit.exceptions import RepositoryDoesNotExistException
from moto.codecommit.models import codecommit_backends
from moto.core.models import DEFAULT_ACCOUNT_ID
from werkzeug.wrappers import Request, Response

from sandbox.emulator.codecommit.content import tell_of_branch
from sandbox.emulator.codecommit.git_store import ENVIRONMENT, GitRepository
from sandbox.emulator.core.callers import Caller
from sandbox.git_client import PREFIX

_PATH = re.compile(re.escape(PREFIX) + r"([a-z0-9-]+)\.amazonaws\.com[.cn]*/v1/repos/([^/]+)(/.*)")


def answer(environ: dict[str, Any]) -> Response:
    """Answer one request of git; a push moves branches, which is told to Amazon EventBridge."""
    found = _PATH.fullmatch(environ["PATH_INFO"])
    if found is None:
        return Response("Not a clone URL of CodeCommit.\n", status=404)
    region, name, rest = found.groups()
    backend: Any = codecommit_backends[DEFAULT_ACCOUNT_ID][region]
    try:
        metadata = backend.get_repository(name)
    except RepositoryDoesNotExistException:
        return Response(f"{name} does not exist.\n", status=404)
    content = backend.content(metadata)
    response, moved = serve(environ, content, rest)
    if "defaultBranch" not in metadata and (branches := content.branches()):
        metadata["defaultBranch"] = "main" if "main" in branches else min(branches)
    caller = Caller.on_server(f"http://{environ['HTTP_HOST']}", region, DEFAULT_ACCOUNT_ID)
    for branch, (old, new) in moved.items():
        tell_of_branch(caller, metadata, branch, old, new)
    return response


def serve(
    environ: dict[str, Any], repository: GitRepository, rest: str
) -> tuple[Response, dict[str, tuple[str | None, str | None]]]:
    """Answer one request of git on a repository; by branch that it moved, the commit before and after."""
    with repository.lock:
        before = repository.branches()
        response = _serve(environ, str(repository.path), rest)
        after = repository.branches()
    moved = {name: (before.get(name), after.get(name)) for name in sorted(before.keys() | after.keys())}
    return response, {name: (old, new) for name, (old, new) in moved.items() if old != new}


def _serve(environ: dict[str, Any], path: str, rest: str) -> Response:
    request = Request(environ)
    body = request.get_data()
    done = subprocess.run(
        ["git", "-c", "http.receivepack=true", "http-backend"],
        input=body,
        env={
            **os.environ,
            **ENVIRONMENT,
            "GIT_PROJECT_ROOT": path,
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_PROTOCOL": environ.get("HTTP_GIT_PROTOCOL", ""),
            "PATH_INFO": rest,
            "REQUEST_METHOD": environ["REQUEST_METHOD"],
            "QUERY_STRING": environ.get("QUERY_STRING", ""),
            "CONTENT_TYPE": environ.get("CONTENT_TYPE", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": environ.get("HTTP_CONTENT_ENCODING", ""),
            "REMOTE_USER": "sandbox",
        },
        capture_output=True,
        check=True,
    ).stdout
    head, _, content = done.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
    status = headers.pop("Status", "200 OK")
    return Response(content, status=status, headers=headers)
