"""The comment, from what this engine prints of a change of the committed program."""

import pytest

from sandbox.world import World
from tests.engine.conftest import alter
from tests.tools.previews.record import STREAM
from tools.preview_comment.comment import render
from tools.preview_comment.engine_output import read
from tools.preview_comment.verdict import Rules, stops

pytestmark = pytest.mark.engine


def test_both_shapes_of_this_engine_give_the_same_comment(world: World) -> None:
    """Nothing is unknown, nothing is in doubt, and what is lost stands first."""
    world.pulumi("up", "--stack", "dev", "--yes", "--skip-preview")
    alter(world, "dev", lambda config: config["sm-mlops:artifacts"]["regions"].remove("eu-west-2"))
    command = ("preview", "--stack", "dev", "--json")
    digest, events = (read(world.pulumi(*command, env=env).stdout) for env in (None, STREAM))

    assert render([digest]) == render([events])
    for preview in (digest, events):
        assert (preview.stack, preview.faults, preview.unknown) == ("dev", (), ())
    (comment,) = render([digest])
    (reason,) = stops([digest], Rules())
    assert "2 guarded resources would be deleted" in reason
    top = comment.partition("###")[0]
    for name in ("artifacts-eu-west-2-bucket", "artifacts-eu-west-2-key"):
        assert f"`{name}`: not in the program any more (needs approval, holds data" in top
    assert "no longer denied" in comment, "the bucket's policy refuses plain HTTP, and goes"
