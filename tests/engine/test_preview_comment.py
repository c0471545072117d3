"""The comment, from what this engine prints of a change of the committed program."""

from dataclasses import replace

import pytest

from sandbox.world import World
from tests.engine.conftest import alter
from tests.tools.previews.record import STREAM
from tools.preview_comment.comment import render
from tools.preview_comment.engine_output import read
from tools.preview_comment.verdict import Rules, stops

pytestmark = pytest.mark.engine


def test_both_shapes_of_this_engine_tell_what_is_lost(world: World) -> None:
    """Nothing is unknown, nothing is in doubt, and what is lost stands first; the events tell the outputs besides."""
    world.pulumi("up", "--stack", "dev", "--yes", "--skip-preview")
    alter(world, "dev", lambda config: config["sm-mlops:artifacts"]["regions"].remove("eu-west-2"))
    command = ("preview", "--stack", "dev", "--json")
    digest, events = (read(world.pulumi(*command, env=env).stdout) for env in (None, STREAM))

    for preview in (digest, events):
        assert (preview.stack, preview.faults, preview.unknown) == ("dev", (), ())
    without_outputs = replace(events, outputs=None)
    assert render([digest]) == render([without_outputs])
    (comment,) = render([events])
    (reason,) = stops([events], Rules())
    assert "2 guarded resources would be deleted" in reason
    top = comment.partition("###")[0]
    for name in ("artifacts-eu-west-2-bucket", "artifacts-eu-west-2-key"):
        (line,) = [line for line in top.splitlines() if f"`{name}` in AWS `" in line]
        assert "(needs approval, holds data" in line
    assert "(a component)" in top
    assert "artifactStores.eu-west-2" in comment.partition("### Outputs of the stack")[2]
    assert "no longer denied" not in comment, "the bucket's policy refuses plain HTTP, and goes with the bucket"
