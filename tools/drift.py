"""`tools drift`: what has been changed by hand, told once.

Two previews of the same code tell it: one as it is, one that looks at AWS first (`--refresh`). What only the second
one would do is drift. What the first one would do, too, is code that has not been deployed yet.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import click

from components.providers.aws_access import AwsAccess, explained
from tools.faults import ToolError
from tools.preview_comment.dangers import QUIET
from tools.preview_comment.engine_output import read
from tools.preview_comment.masking import compiled, mask_option, masked
from tools.preview_comment.previews import Preview
from tools.preview_comment.values import redacted, visible
from tools.preview_summary import reasons

NONE = "none"
"""What is remembered of a stack without drift."""

MESSAGE_LINES = 100
"""Resources that one message names; more of them are counted."""


class Clients(Protocol):
    """How AWS is reached."""

    def client(self, service: str, region: str) -> Any:  # noqa: ANN401 - botocore makes the class at run time
        """Return a client of a service in a region."""


@dataclass(frozen=True, order=True)
class Change:
    """What a preview would do to one resource."""

    urn: str
    op: str
    paths: tuple[str, ...] = ()
    """Properties that differ; none where the resource comes or goes."""

    def __str__(self) -> str:
        """Return the change as people read it."""
        properties = f" ({', '.join(self.paths)})" if self.paths else ""
        return visible(redacted(f"{self.op} {self.urn.split('::', 2)[-1]}{properties}"))


_Key = tuple[str, str, str]


def changes(preview: Preview) -> dict[_Key, Change]:
    """Tell what a preview would do, by URN, operation and physical id: two things of one URN may go."""
    return {
        (step.urn, step.op, step.physical_id): Change(step.urn, step.op, tuple(sorted(step.paths or step.changing)))
        for step in preview.steps
        if step.op not in QUIET
    }


def drift(refreshed: Preview, pending: Preview) -> list[Change]:
    """Tell what only the preview with refresh would do, in the order of the URNs."""
    return sorted(_beyond(changes(refreshed), changes(pending)))


def _beyond(found: Mapping[_Key, Change], waiting: Mapping[_Key, Change]) -> Iterator[Change]:
    for key, change in found.items():
        same = waiting.get(key)
        if same is None:
            yield change
        elif paths := tuple(path for path in change.paths if path not in same.paths):
            yield Change(change.urn, change.op, paths)


def fingerprint(found: Iterable[Change]) -> str:
    """Name this drift and no other; `none` where there is none. Values have no part in it: secrets may be."""
    told = [[change.urn, change.op, *change.paths] for change in sorted(found)]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest() if told else NONE


def message(stack: str, found: list[Change], link: str) -> tuple[str, str]:
    """Subject and text of what people are told."""
    if not found:
        return _subject(f"{stack}: no drift any more"), f"AWS is again as the stack {stack} says.\n{link}".strip()
    lines = [f"  {change}" for change in found[:MESSAGE_LINES]]
    if len(found) > MESSAGE_LINES:
        lines.append(f"  ... and {len(found) - MESSAGE_LINES} more")
    resources = "1 resource" if len(found) == 1 else f"{len(found)} resources"
    text = [
        f"AWS is not as the stack {stack} says. To put it back, `pulumi up --refresh --stack {stack}` would do this:",
        *lines,
        "This drift is told once; it is told again when it changes, and when it has ended.",
        link,
    ]
    return _subject(f"{stack}: drift of {resources}"), "\n".join(text).strip()


def _subject(text: str) -> str:
    """SNS takes 100 characters of ASCII."""
    return text.encode("ascii", "replace").decode()[:100]


def tell(clients: Clients, topic_arn: str, parameter: str, stack: str, found: list[Change], link: str = "") -> bool:
    """Tell the topic of a drift that it has not been told of, or of its end; whether there was something to tell.

    The topic is told before that is remembered: whatever happens in between, nothing is lost, and at worst it is told
    twice.

    Raises:
        AwsError: a call failed.
    """
    region = topic_arn.split(":")[3]
    ssm = clients.client("ssm", region)
    with explained(f"reading what drift of {stack} was told", "ssm", region):
        remembered = ssm.get_parameter(Name=parameter)["Parameter"]["Value"]
    current = fingerprint(found)
    if current == remembered:
        return False
    subject, text = message(stack, found, link)
    with explained(f"telling the drift of {stack}", "sns", region):
        clients.client("sns", region).publish(TopicArn=topic_arn, Subject=subject, Message=text)
    with explained(f"remembering the drift of {stack}", "ssm", region):
        ssm.put_parameter(Name=parameter, Value=current, Overwrite=True)
    return True


def _preview(path: Path, stack: str, masks: Sequence[re.Pattern[str]]) -> Preview:
    preview = masked(read(path.read_bytes().decode("utf-8", "replace"), stack), masks)
    if preview.failed:
        raise ToolError(f"{path}: the preview failed, so nothing can be said of drift: {reasons(preview)}")
    return preview


_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.option("--stack", "-s", required=True, help="Stack whose previews these are, as people know it.")
@click.option("--pending", required=True, type=_FILE, help="Output of `pulumi preview --json`.")
@click.option("--refreshed", required=True, type=_FILE, help="Output of `pulumi preview --refresh --json`.")
@click.option("--topic-arn", help="Topic that is told; without it nothing is told and nothing remembered.")
@click.option("--parameter", help="Parameter of Systems Manager that remembers what was told, in the topic's region.")
@click.option("--link", default="", help="Where more can be read; part of the message.")
@mask_option
def command(
    stack: str,
    pending: Path,
    refreshed: Path,
    topic_arn: str | None,
    parameter: str | None,
    link: str,
    masks: Sequence[str],
) -> None:
    """Tell what has been changed by hand, once per distinct drift, and when it has ended."""
    if (topic_arn is None) is not (parameter is None):
        raise ToolError("--topic-arn and --parameter belong together: what is told is remembered")
    hidden = compiled(masks)
    found = drift(_preview(refreshed, stack, hidden), _preview(pending, stack, hidden))
    for change in found:
        click.echo(f"drift: {change}")
    if topic_arn is None or parameter is None:
        click.echo(f"{stack}: {len(found)} resources have drifted")
        return
    told = tell(AwsAccess({}), topic_arn, parameter, stack, found, link)
    click.echo(f"{stack}: {len(found)} resources have drifted; {'told' if told else 'nothing new to tell'}")
