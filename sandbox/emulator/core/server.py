"""The HTTP server: moto's services, the ones of this package, and the sandbox's own addresses."""

import json
import os
import signal
import threading
import uuid
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from flask import Flask
from moto.awslambda.responses import LambdaResponse
from moto.backends import SERVICE_NAMES
from moto.codebuild.models import codebuild_backends
from moto.codecommit.models import codecommit_backends
from moto.codepipeline.models import codepipeline_backends
from moto.core.exceptions import JsonRESTError
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.eks.models import eks_backends
from moto.events.responses import EventsHandler
from moto.iam.models import iam_backends
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from moto.s3.responses import S3Response
from moto.sagemaker.models import sagemaker_backends
from moto.servicecatalog.models import servicecatalog_backends
from moto.stepfunctions.models import stepfunctions_backends
from typing_extensions import override
from werkzeug.serving import ThreadedWSGIServer
from werkzeug.wrappers import Request, Response

from sandbox.emulator.codebuild.models import CodeBuildBackend
from sandbox.emulator.codecommit import git_http
from sandbox.emulator.codecommit.models import CodeCommitBackend
from sandbox.emulator.codeconnections import models as codeconnections
from sandbox.emulator.codeconnections import provider
from sandbox.emulator.codepipeline.models import CodePipelineBackend
from sandbox.emulator.core import decisions
from sandbox.emulator.core.callers import remembered
from sandbox.emulator.core.console import INBOX, Console, is_browser, messages
from sandbox.emulator.core.extension import add_service
from sandbox.emulator.core.info_file import watch, write_atomically
from sandbox.emulator.eks import cluster
from sandbox.emulator.eks.models import EksBackend
from sandbox.emulator.iam.models import IamBackend
from sandbox.emulator.sagemaker.models import SageMakerBackend
from sandbox.emulator.servicecatalog.models import ServiceCatalogBackend
from sandbox.emulator.stepfunctions.models import StepFunctionsBackend
from sandbox.git_client import PREFIX, PROVIDER_PREFIX

HOST = "127.0.0.1"
INSTANCE = "/sandbox/instance"
HANDSHAKE = "/sandbox/connections/handshake"
DECISIONS = "/sandbox/decisions"
KUBERNETES = "/sandbox/kubernetes"
CHANGED = (
    *("awslambda.models", "budgets.responses", "cloudtrail.responses", "core.dispatch", "core.kept", "ecr.responses"),
    *("eks.responses", "events.models", "kms.responses", "s3.models"),
    *("sagemakerruntime.responses", "servicequotas.models", "sns.models", "sns.responses"),
    "stepfunctions.responses",
)
"""The modules that put what they have in the place of moto's when they are imported."""


class Handler(MotoRequestHandler):
    """moto's handler of requests, without a line of log for each."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""


class Server(ThreadedWSGIServer):
    """werkzeug's server of a thread for each request, which uses them again: a start costs a quarter of a request.

    There are as many as there were requests at once, since a request may wait for others.
    """

    def __init__(self, port: int, application: "Application") -> None:
        super().__init__(HOST, port, application, Handler)
        self._accepted: SimpleQueue[tuple[Any, Any]] = SimpleQueue()
        # Taken by the loop for each request it hands over, and given back by each thread that has nothing to do.
        self._idle = threading.Semaphore(0)

    @override
    def process_request(self, request: Any, client_address: Any) -> None:
        """Hand a connection to a thread."""
        if not self._idle.acquire(blocking=False):
            threading.Thread(target=self._work, daemon=True).start()
        self._accepted.put((request, client_address))

    def _work(self) -> None:
        while True:
            self.process_request_thread(*self._accepted.get())
            self._idle.release()


_OWN: Mapping[str, Callable[[dict[str, Any]], Response]] = {
    provider.REPOSITORIES: provider.act,
    provider.PULL_REQUESTS: provider.act,
    PROVIDER_PREFIX: provider.git,
    PREFIX: git_http.answer,
}
"""What answers below the sandbox's own addresses for Git."""


class Dispatcher(DomainDispatcherApplication):
    """moto's dispatcher, which remembers whose a host is: moto reads a folder and tries hundreds of patterns."""

    def __init__(self, create: Callable[[SERVICE_NAMES], Flask]) -> None:
        super().__init__(create)
        self._known: dict[str | None, Any] = {}

    @override
    def get_backend_for_host(self, host: str | None) -> Any:
        """Return the service of a host; None where there is none."""
        if host not in self._known:
            self._known[host] = super().get_backend_for_host(host)
        return self._known[host]


class Application:
    """moto's dispatcher, with the sandbox's own addresses in front.

    GET /sandbox/instance answers the id of this life of the emulator. POST /sandbox/connections/handshake
    with the ARN of a connection as its body accepts that connection, as a person does in the console; POST
    /sandbox/connections/repositories and /sandbox/connections/pull-requests do what people do at the Git provider.
    Below /sandbox/git/ and /sandbox/provider-git/ git finds the repositories of CodeCommit and of connections,
    POST /sandbox/decisions changes what AWS decides about the account, and POST /sandbox/kubernetes is what the
    stand-in for kubectl asks the stand-in for a cluster. GET /sandbox/inbox answers what the topics have sent, and a
    browser that looks at the address itself is led to a page.
    """

    def __init__(self, instance: str, console: Console) -> None:
        self.instance, self.console = instance, console
        self.aws = Dispatcher(create_app)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request."""
        own = self._own(environ)
        if own is not None:
            return own(environ, start_response)
        answer: Iterable[bytes] = self.aws(environ, start_response)
        return answer

    def _own(self, environ: dict[str, Any]) -> Response | None:
        """Answer at one of the sandbox's own addresses; None at AWS's."""
        path, request = environ["PATH_INFO"], Request(environ)
        answers = {
            INSTANCE: lambda: Response(self.instance, mimetype="text/plain"),
            HANDSHAKE: lambda: complete_handshake(request.get_data(as_text=True)),
            DECISIONS: lambda: decide(request.get_data(as_text=True)),
            INBOX: lambda: Response(json.dumps(messages()), mimetype="application/json"),
            KUBERNETES: lambda: cluster.answer(request),
        }
        if path in answers:
            return answers[path]()
        for prefix, below in _OWN.items():
            if path.startswith(prefix):
                return below(environ)
        return self.console.answer() if is_browser(request) else None


def create_app(service: SERVICE_NAMES) -> Flask:
    """Make the application of one service, at the first request for it.

    CloudFormation is installed only then: its models are those of all services, and take a second to load.
    """
    if service == "cloudformation":
        from moto.cloudformation.models import cloudformation_backends  # noqa: PLC0415

        from sandbox.emulator.cloudformation.models import CloudFormationBackend  # noqa: PLC0415

        cloudformation_backends.backend = CloudFormationBackend
    return create_backend_app(service)


def complete_handshake(arn: str) -> Response:
    """Accept the connection with that ARN; 404 where there is none."""
    try:
        region = arn.split(":")[3]
        backend = codeconnections.codeconnections_backends[DEFAULT_ACCOUNT_ID][region]
        backend.complete_handshake(arn)
    except (IndexError, KeyError, JsonRESTError):
        return Response(f"There is no connection {arn!r}.\n", status=404, mimetype="text/plain")
    return Response(status=204)


def decide(text: str) -> Response:
    """Let AWS decide otherwise; 400 for what is no decision."""
    try:
        decisions.decide(text)
    except ValueError as error:
        return Response(f"{error}\n", status=400, mimetype="text/plain")
    return Response(status=204)


def install() -> None:
    """Add to moto what this package has; before the first request."""
    add_service("codeconnections")
    add_service("codestarnotifications")
    add_service("mwaaserverless")
    codebuild_backends.backend = CodeBuildBackend
    codecommit_backends.backend = CodeCommitBackend
    codepipeline_backends.backend = CodePipelineBackend
    eks_backends.backend = EksBackend
    iam_backends.backend = IamBackend
    sagemaker_backends.backend = SageMakerBackend
    stepfunctions_backends.backend = StepFunctionsBackend
    servicecatalog_backends.backend = ServiceCatalogBackend  # type: ignore[assignment] # it has nothing of moto's
    LambdaResponse.invoke = remembered(LambdaResponse.invoke)  # type: ignore[method-assign]
    EventsHandler.put_events = remembered(EventsHandler.put_events)  # type: ignore[method-assign, assignment]
    # A bucket may tell of its new objects.
    S3Response.put_object = remembered(S3Response.put_object)  # type: ignore[method-assign, assignment]
    for module in CHANGED:
        import_module(f"sandbox.emulator.{module}")


def serve(port: int, info: Path, stack_files: Path | None = None) -> None:
    """Answer on 127.0.0.1 until SIGTERM, SIGINT, or the end of `info`; `port` 0 takes a free one.

    A browser sees the stacks whose files are in the folder `stack_files`, if there is one.

    `info` becomes a JSON file with `pid`, `url` and `instance` as soon as requests are answered. Once it is gone, or
    tells of another emulator, nobody can find this one any more: what a killed test run leaves behind ends so.
    """
    install()
    instance = uuid.uuid4().hex
    console = Console(stack_files)
    server = Server(port, Application(instance, console))
    console.url = f"http://{HOST}:{server.server_port}"
    for number in (signal.SIGTERM, signal.SIGINT):
        # shutdown() waits for the loop that the signal has interrupted, so it must run beside it.
        signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
    write_atomically(info, {"pid": os.getpid(), "url": console.url, "instance": instance})
    threading.Thread(target=watch, args=(info, instance, server.shutdown), daemon=True).start()
    with server:
        server.serve_forever(poll_interval=0.05)
    console.close()
    _end_what_runs()


def _end_what_runs() -> None:
    """End the pipelines, builds and jobs that this life has begun, so that nothing of them stays on the machine."""
    for backends in (codepipeline_backends, codebuild_backends, sagemaker_backends):
        for regions in backends.values():
            for backend in regions.values():
                backend.reset()
