"""What happens at a Git provider: people and builds push to repositories there, and people open pull requests.

Git reaches a repository at the clone URL that AWS CodeConnections gives it, to which `sandbox.git_client` sends git
here. Whose rights git has is not looked at: no credential helper takes the emulator's address for AWS.
"""

import json
import re
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.core.models import DEFAULT_ACCOUNT_ID
from werkzeug.wrappers import Request, Response

from sandbox.emulator.codecommit.git_http import serve
from sandbox.emulator.codeconnections.models import CodeConnectionsBackend, codeconnections_backends
from sandbox.emulator.codepipeline import triggers
from sandbox.emulator.codepipeline.triggers import Change
from sandbox.emulator.core.callers import Caller
from sandbox.git_client import PROVIDER_PREFIX

REPOSITORIES = "/sandbox/connections/repositories"
PULL_REQUESTS = "/sandbox/connections/pull-requests"

_PATH = re.compile(
    re.escape(PROVIDER_PREFIX) + r"[a-z0-9-]+\.amazonaws\.com/git-http/([0-9]+)/([a-z0-9-]+)/([^/]+)/(.+)\.git(/.*)"
)


def git(environ: dict[str, Any]) -> Response:
    """Answer one request of git; a push starts what is triggered by it."""
    found = _PATH.fullmatch(environ["PATH_INFO"])
    if found is None:
        return Response("Not a clone URL of a connection.\n", status=404)
    account, region, connection, name, rest = found.groups()
    caller = Caller.on_server(f"http://{environ['HTTP_HOST']}", region, account)
    arn = f"arn:{caller.partition}:codeconnections:{region}:{account}:connection/{connection}"
    try:
        repository = _backend(arn).repository(arn, name)
    except JsonRESTError as error:
        return Response(f"{error}\n", status=404)
    response, moved = serve(environ, repository, rest)
    for branch, (_, commit) in moved.items():
        if commit is not None:
            triggers.tell(caller, Change(connection=arn, repository=name, branch=branch, commit=commit))
    return response


def act(environ: dict[str, Any]) -> Response:
    """Do what a person does at the provider, told as JSON; 404 for what is not there.

    `connectionArn` and `repository` make a repository, with `source` and `destination` they open a pull request.
    """
    told = json.loads(Request(environ).get_data(as_text=True))
    arn, name = told["connectionArn"], told["repository"]
    try:
        if environ["PATH_INFO"] == REPOSITORIES:
            _backend(arn).make_repository(arn, name)
            return Response(status=204)
        commit = _backend(arn).repository(arn, name).branches()[told["source"]]
    except (KeyError, JsonRESTError) as error:
        return Response(f"{error}\n", status=404, mimetype="text/plain")
    change = Change(
        connection=arn, repository=name, branch=told["source"], commit=commit, destination=told["destination"]
    )
    triggers.tell(Caller.on_server(f"http://{environ['HTTP_HOST']}", arn.split(":")[3], DEFAULT_ACCOUNT_ID), change)
    return Response(status=204)


def _backend(arn: str) -> CodeConnectionsBackend:
    region, account = arn.split(":")[3:5]
    found: CodeConnectionsBackend = codeconnections_backends[account][region]
    return found
