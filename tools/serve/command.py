"""`tools serve`: the report in a browser, as it stands now."""

import sys
import threading
from pathlib import Path

import click

from tools.faults import ToolError
from tools.report.command import chosen
from tools.serve.live import Pages
from tools.serve.server import Server
from tools.stack_file import PROJECT


@click.command(name="serve")
@click.option("--stack", "-s", "names", multiple=True, help="A stack; several side by side. Left out: all with a file.")
@click.option(
    "--folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=PROJECT,
    envvar="SM_MLOPS_STACK_FILES",
    help="Folder of the stack files; by default $SM_MLOPS_STACK_FILES, else this program's.",
)
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port of this machine; by default a free one.")
@click.option("--inbox", help="Address on this machine that answers with what the topics have sent, as JSON.")
@click.option("--while-stdin", is_flag=True, help="End when standard input ends: with whoever has started this.")
def command(names: tuple[str, ...], folder: Path, port: int, inbox: str | None, *, while_stdin: bool) -> None:
    """Serve the report to a browser on this machine, until Ctrl-C. Reload the page to look again. Changes nothing."""
    pages = Pages(chosen(names, folder), inbox)
    try:
        server = Server(pages, port)
    except OSError as error:
        raise ToolError(f"--port {port}: {error.strerror}; without --port a free one is taken") from error
    with server:
        if while_stdin:
            threading.Thread(target=_end_with_stdin, args=(server,), daemon=True).start()
        click.echo(server.url)
        try:
            server.serve_forever(poll_interval=0.1)
        except KeyboardInterrupt:
            click.echo("")


def _end_with_stdin(server: Server) -> None:
    while sys.stdin.buffer.read(1024):
        pass
    server.shutdown()
