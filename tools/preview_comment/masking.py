"""What the users of a tool do not want shown, whatever it is: found by their own regular expressions.

It is left out of the preview itself, after all that is judged by names is judged: what is not there cannot be shown.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from types import MappingProxyType

import click

from tools.faults import ToolError
from tools.preview_comment.previews import Preview, State, Step
from tools.preview_comment.values import HIDDEN

mask_option = click.option(
    "--mask",
    "masks",
    multiple=True,
    metavar="REGEX",
    help="What is never shown, beside all that looks like a secret; may be given again.",
)


def compiled(masks: Sequence[str]) -> tuple[re.Pattern[str], ...]:
    """Return the regular expressions of some masks.

    Raises:
        ToolError: one of them is none, or hides every text.
    """
    return tuple(map(_compiled, masks))


def _compiled(mask: str) -> re.Pattern[str]:
    try:
        found = re.compile(mask)
    except re.error as error:
        raise ToolError(f"--mask {mask!r} is no regular expression: {error}") from error
    if found.fullmatch(""):
        raise ToolError(f"--mask {mask!r} matches no text at all: it would hide nothing, or everything")
    return found


def masked(preview: Preview, masks: Sequence[re.Pattern[str]]) -> Preview:
    """Return a preview without what masks match: in values, names, messages and physical ids."""
    if not masks:
        return preview
    hide = partial(_hidden, masks)
    text = partial(_text, masks)
    return replace(
        preview,
        steps=tuple(_step(step, hide, text) for step in preview.steps),
        diagnostics=tuple(
            replace(item, message=text(item.message), urn=text(item.urn)) for item in preview.diagnostics
        ),
        violations=tuple(replace(item, message=text(item.message), urn=text(item.urn)) for item in preview.violations),
        drift=tuple(replace(item, urn=text(item.urn), paths=tuple(map(text, item.paths))) for item in preview.drift),
        outputs=preview.outputs and (_state(hide, preview.outputs[0]), _state(hide, preview.outputs[1])),
        unknown=tuple(map(text, preview.unknown)),
        faults=tuple(map(text, preview.faults)),
    )


def _step(step: Step, hide: Callable[[object], object], text: Callable[[str], str]) -> Step:
    return replace(
        step,
        urn=text(step.urn),
        old=step.old and _state(hide, step.old),
        new=step.new and _state(hide, step.new),
        replacing=tuple(map(text, step.replacing)),
        changing=tuple(map(text, step.changing)),
        paths=MappingProxyType({text(path): kind for path, kind in step.paths.items()}),
    )


def _state(hide: Callable[[object], object], state: State) -> State:
    """Return the engine's own names in it stay: they are no values."""
    return {key: hide(value) for key, value in state.items()}


def _text(masks: Sequence[re.Pattern[str]], text: str) -> str:
    for mask in masks:
        text = mask.sub(HIDDEN, text)
    return text


def _hidden(masks: Sequence[re.Pattern[str]], value: object) -> object:
    if isinstance(value, str):
        return _text(masks, value)
    if isinstance(value, list):
        return [_hidden(masks, item) for item in value]
    if isinstance(value, dict):
        return {_text(masks, str(key)): _hidden(masks, item) for key, item in value.items()}
    return value
