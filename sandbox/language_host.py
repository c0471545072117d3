"""The Python language host, for machines that have no official `pulumi-language-python`.

The engine starts one for each operation, reads the port from its first line of output, and asks it to run the
program. It runs the program in its own process and interpreter, so it is started with the virtualenv's. Policy
packs and code generation need the official distribution and are answered as not implemented.
"""

import asyncio
import importlib.metadata
import logging
import os
import re
import runpy
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from concurrent import futures
from contextlib import suppress
from pathlib import Path
from types import FrameType

import grpc
import pulumi
from google.protobuf import empty_pb2
from pulumi.runtime import resource
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2, source_pb2
from pulumi.runtime.settings import reset_options
from pulumi.runtime.stack import run_in_stack

from sandbox.processes import end_with_parent

_THREADS_PER_OPERATION = 4
_MAX_MESSAGE_BYTES = 400 * 1024 * 1024  # the limit of Pulumi's own plugins


class LanguageHost(language_pb2_grpc.LanguageRuntimeServicer):
    """Answers the engine's questions about a Python program and runs it."""

    def __init__(self, engine_address: str) -> None:
        self._engine_address = engine_address

    def Handshake(self, _request: object, _context: object) -> language_pb2.LanguageHandshakeResponse:
        """Accept any engine."""
        return language_pb2.LanguageHandshakeResponse()

    def GetPluginInfo(self, _request: object, _context: object) -> plugin_pb2.PluginInfo:
        """Give the SDK's version, which is what decides what a program may use."""
        return plugin_pb2.PluginInfo(version=importlib.metadata.version("pulumi"))

    def GetRequiredPackages(self, _request: object, _context: object) -> language_pb2.GetRequiredPackagesResponse:
        """Ask for nothing: the project's settings say where each plugin is."""
        return language_pb2.GetRequiredPackagesResponse()

    def GetRequiredPlugins(self, _request: object, _context: object) -> language_pb2.GetRequiredPluginsResponse:
        """Ask for nothing, as `GetRequiredPackages`."""
        return language_pb2.GetRequiredPluginsResponse()

    def RuntimeOptionsPrompts(self, _request: object, _context: object) -> language_pb2.RuntimeOptionsResponse:
        """Prompt for nothing: the project's settings name the virtualenv."""
        return language_pb2.RuntimeOptionsResponse()

    def About(self, _request: object, _context: object) -> language_pb2.AboutResponse:
        """Name the interpreter that runs programs."""
        return language_pb2.AboutResponse(executable=sys.executable, version=".".join(map(str, sys.version_info[:3])))

    def InstallDependencies(
        self, _request: object, _context: object
    ) -> Iterator[language_pb2.InstallDependenciesResponse]:
        """Install nothing: this interpreter's packages are the program's."""
        note = f"The program runs in {sys.prefix}, which is installed already.\n"
        yield language_pb2.InstallDependenciesResponse(stdout=note.encode())

    def GetProgramDependencies(
        self, request: language_pb2.GetProgramDependenciesRequest, _context: object
    ) -> language_pb2.GetProgramDependenciesResponse:
        """List the installed distributions; without the transitive ones, those that no other one requires."""
        installed = {_canonical(d.metadata["Name"]): d for d in importlib.metadata.distributions()}
        required = {
            _canonical(re.split(r"[^\w.-]", requirement, maxsplit=1)[0])
            for distribution in installed.values()
            for requirement in distribution.requires or ()
        }
        hidden = set() if request.transitiveDependencies else required
        return language_pb2.GetProgramDependenciesResponse(
            dependencies=[
                language_pb2.DependencyInfo(name=name, version=installed[name].version)
                for name in sorted(installed.keys() - hidden)
            ]
        )

    def Run(self, request: language_pb2.RunRequest, _context: object) -> language_pb2.RunResponse:
        """Run the program; a failure is reported to the engine once, and `bail` says that it has been."""
        reset_options(
            project=request.project,
            stack=request.stack,
            root_directory=request.info.root_directory,
            parallel=request.parallel,
            engine_address=self._engine_address,
            monitor_address=request.monitor_address,
            preview=request.dryRun,
            organization=request.organization or "organization",
        )
        pulumi.runtime.set_all_config(dict(request.config), list(request.configSecretKeys))
        program = Path(request.info.program_directory, request.info.entry_point or ".").resolve()
        fault = _run(program, max(request.parallel, 1) * _THREADS_PER_OPERATION)
        if fault:
            pulumi.log.error(fault)
        return language_pb2.RunResponse(bail=fault is not None)

    def Cancel(self, _request: object, _context: object) -> empty_pb2.Empty:
        """Leave the end to the engine, which stops the process."""
        return empty_pb2.Empty()


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _run(program: Path, threads: int) -> str | None:
    """Run a program file, or the `__main__.py` of a folder, to the end of its last output; None or the fault."""
    main = program / "__main__.py" if program.is_dir() else program
    os.chdir(main.parent)
    sys.path.insert(0, str(main.parent))
    # A failed program leaves tasks behind; their complaints would follow the one message that matters.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    loop = asyncio.new_event_loop()
    loop.set_default_executor(futures.ThreadPoolExecutor(max_workers=threads))
    try:
        loop.run_until_complete(run_in_stack(lambda: _run_file(main)))
    except pulumi.RunError as error:
        return str(error)
    except SystemExit as error:
        return None if error.code in (None, 0) else f"The program ended with exit code {error.code}."
    except grpc.RpcError as error:
        # Unavailable: the engine is ending, for a reason that it has told the person itself.
        return None if error.code() == grpc.StatusCode.UNAVAILABLE else f"The engine answered: {error.details()}"
    except Exception as error:  # whatever the program raised is reported, in full
        return "The program raised an exception:\n" + "".join(traceback.format_exception(error))
    finally:
        _close(loop)
    return None


def _run_file(main: Path) -> None:
    _trace_only(main)
    runpy.run_path(str(main), run_name="__main__")


def _trace_only(main: Path) -> None:
    """Let resources tell where the program made them, and not what lies below the program.

    The engine keeps a stack trace with each resource, and writes the whole state at each step: most of it would be
    frames of this module, of grpc and of asyncio.
    """
    whole, start = resource._get_stack_trace, main.as_uri()

    def cut() -> source_pb2.StackTrace:
        frames = whole().frames
        end = max((number for number, frame in enumerate(frames, 1) if frame.pc.uri == start), default=len(frames))
        return source_pb2.StackTrace(frames=frames[:end])

    resource._get_stack_trace = cut


def _close(loop: asyncio.AbstractEventLoop) -> None:
    for task in asyncio.all_tasks(loop):
        task.cancel()
        with suppress(asyncio.CancelledError):
            loop.run_until_complete(task)
    loop.close()


def main(arguments: list[str]) -> None:
    """Serve on a free port of the loopback interface, print it, and end silently on SIGINT or SIGTERM."""
    engine_address = next((a for a in arguments if not a.startswith("-")), "")
    options = [
        ("grpc.max_receive_message_length", _MAX_MESSAGE_BYTES),
        ("grpc.max_send_message_length", _MAX_MESSAGE_BYTES),
    ]
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=8), options=options)
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(LanguageHost(engine_address), server)
    end_with_parent()
    stop = threading.Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGINT, on_signal)
    signal.signal(signal.SIGTERM, on_signal)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    stop.wait()
    sys.stdout.flush()
    os._exit(0)  # a program that was interrupted may still hold threads; the interpreter would wait for them


if __name__ == "__main__":
    main(sys.argv[1:])
