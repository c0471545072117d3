"""Pictures of a report as plain shapes, which the page's template draws as SVG: parts by region, and bars."""

from collections.abc import Sequence
from dataclasses import dataclass

from tools.report.model import Environment, Part

WIDTH = 960
_GAP, _LINE, _HEAD, _PAD = 16, 22, 34, 12
_COLUMNS = 3
_BOX = (WIDTH - 2 * _PAD - (_COLUMNS - 1) * _GAP) // _COLUMNS
_LETTERS = 42
"""Characters of a part's name that fit into a box."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """A part within the box of its region."""

    part: Part
    y: int
    label: str


@dataclass(frozen=True, kw_only=True)
class Box:
    """A region."""

    region: str
    home: bool
    x: int
    y: int
    width: int
    height: int
    rows: Sequence[Row]


@dataclass(frozen=True, kw_only=True)
class Picture:
    """An account with its regions."""

    width: int
    height: int
    boxes: Sequence[Box]


def of(environment: Environment) -> Picture:
    """Lay out the parts of an environment: the home region first, each where the least is above it."""
    boxes: list[Box] = []
    tops = [_HEAD + _PAD] * _COLUMNS
    for region in environment.regions:
        parts = [part for part in environment.parts if part.region == region]
        top = min(tops)
        column, height = tops.index(top), _HEAD + len(parts) * _LINE + _PAD
        tops[column] += height + _GAP
        boxes.append(
            Box(
                region=region,
                home=region == environment.region,
                x=_PAD + column * (_BOX + _GAP),
                y=top,
                width=_BOX,
                height=height,
                rows=[
                    Row(part=part, y=_HEAD + 14 + index * _LINE, label=_label(part, environment))
                    for index, part in enumerate(parts)
                ],
            )
        )
    return Picture(width=WIDTH, height=max(tops) - _GAP + _PAD, boxes=boxes)


def _label(part: Part, environment: Environment) -> str:
    """What a part is, and of its name what the picture does not say already, as much as fits: the end."""
    room = _LETTERS - len(part.kind) - 1
    name = part.name.removeprefix("alias/").removesuffix(f"-{environment.account}-{part.region}-an")
    name = name.removeprefix(environment.prefix).strip("- ") or environment.prefix
    return f"{part.kind} {name if len(name) <= room else '…' + name[len(name) - room + 1 :]}"


def bars(values: Sequence[float], width: float, height: float) -> Sequence[tuple[float, float, float, float]]:
    """Lay out bars side by side: x, y, width and height of each; the greatest fills the height."""
    if not values:
        return ()
    step, most = width / len(values), max(*values, 0.0)
    heights = [max(value / most * height, 1.0) if most else 1.0 for value in values]
    return [
        (round(index * step, 2), round(height - tall, 2), round(step * 0.8, 2), round(tall, 2))
        for index, tall in enumerate(heights)
    ]
