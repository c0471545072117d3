"""What a play of the story leaves to look at: one HTML file with the time line, the models, predictions and mails."""

from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from sandbox.story import Story

FILE = "demo-report.html"

_FOLDER = Path(__file__).parent


def write(path: Path, story: Story, told: Sequence[tuple[float, str]]) -> None:
    """Write the file.

    Args:
        path: the file.
        story: what was played.
        told: seconds since the beginning, and what happened.

    """
    jinja = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    versions = sorted(story.metrics)
    names = sorted({name for metrics in story.metrics.values() for name in metrics})
    page = jinja.get_template("demo_report.html.jinja").render(
        told=told,
        story=story,
        versions=versions,
        rows=[(name, [story.metrics[version].get(name, 0.0) for version in versions]) for name in names],
        seconds=max((moment for moment, _ in told), default=0.0),
    )
    path.write_text(page, encoding="utf-8")
