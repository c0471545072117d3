"""The command line of the tools: one command each, imported when it is called."""

import sys
from importlib import import_module

import click

from components.core.faults import UserError

COMMANDS: dict[str, tuple[str, str]] = {
    "check": ("tools.check.command", "Is what we edit right: stack files, products, seed code? AWS is not asked."),
    "deployment-test": (
        "tools.deployment_test.command",
        "Bring a deployment option up, examine it, and destroy it.",
    ),
    "doctor": (
        "tools.doctor.command",
        "Why can't my data scientist see or launch a product? Looks, and changes nothing.",
    ),
    "drift": ("tools.drift", "Tell what has been changed by hand, once per distinct drift."),
    "iam-policies": ("tools.iam_policies", "What an administrator needs to make a stack's roles by hand."),
    "iam-snapshot": ("tools.iam_snapshot.command", "Take the account's IAM into a file, and tell what differs."),
    "launch-permissions": (
        "tools.launch_permissions.command",
        "Which rights a launch role lacks for the products' templates.",
    ),
    "preview-comment": (
        "tools.preview_comment.command",
        "Show on a pull request what the previews say, dangers first.",
    ),
    "product": ("tools.product", "Begin a product of your own, small and complete."),
    "projects": (
        "tools.projects.command",
        "Who has which version of a product, and projects brought to the newest.",
    ),
    "report": ("tools.report.command", "All that stands in the accounts of your stacks, on one page to look at."),
    "serve": ("tools.serve.command", "The same page for a browser on this machine, as it stands now."),
    "preview-summary": ("tools.preview_summary", "A preview in one line, for whoever approves it."),
}
"""By name of the command: the module that has it, as `command`, and a line of help."""


class _Commands(click.Group):
    """Commands whose modules are imported only when they are called: no tool waits for another's packages."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(COMMANDS[cmd_name][0]).command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.NoSuchCommand as error:
            # click looks for the nearest among the commands that are imported, and none is.
            raise click.NoSuchCommand(error.command_name, possibilities=COMMANDS, ctx=ctx) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        rows = [(name, summary) for name, (_, summary) in sorted(COMMANDS.items())]
        if rows:
            with formatter.section("Commands"):
                formatter.write_dl(rows)


@click.command(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
def commands() -> None:
    """Tell what an operator runs beside `pulumi up`."""


def main() -> None:
    """Run a command; a fault that the operator can set right ends it with its message and code 2."""
    try:
        commands(prog_name="python -m tools")
    except UserError as error:
        sys.exit(_refused(str(error)))


def _refused(message: str) -> int:
    click.echo(f"error: {message}", err=True)
    return 2
