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
    """Lay out the parts of an environment: the home region first, as many in a row as fit."""
    boxes: list[Box] = []
    top = _HEAD + _PAD
    for start in range(0, len(environment.regions), _COLUMNS):
        line = environment.regions[start : start + _COLUMNS]
        held = [[part for part in environment.parts if part.region == region] for region in line]
        height = _HEAD + max(len(parts) for parts in held) * _LINE + _PAD
        for column, (region, parts) in enumerate(zip(line, held, strict=True)):
            boxes.append(
                Box(
                    region=region,
                    home=region == environment.region,
                    x=_PAD + column * (_BOX + _GAP),
                    y=top,
                    width=_BOX,
                    height=height,
                    rows=[
                        Row(part=part, y=_HEAD + 14 + index * _LINE, label=_label(part, environment.prefix))
                        for index, part in enumerate(parts)
                    ],
                )
            )
        top += height + _GAP
    return Picture(width=WIDTH, height=top - _GAP + _PAD, boxes=boxes)


def _label(part: Part, prefix: str) -> str:
    """What a part is, and of its name what the picture does not say already, as much as fits: the end."""
    room = _LETTERS - len(part.kind) - 1
    name = part.name.removeprefix("alias/").removesuffix(f"-{part.region}-an").rstrip("0123456789").rstrip("-")
    name = name.removeprefix(prefix).strip("- ") or prefix
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
