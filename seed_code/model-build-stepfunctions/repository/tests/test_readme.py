"""The README's tables, against the code."""

import re
from pathlib import Path

from pipelines.jobs import parameters
from pipelines.settings import Settings

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")


def table(heading: str) -> dict[str, str]:
    """First column to the rest of the row, of the first table below a heading; one entry per name in code quotes."""
    text = README.split(f"## {heading}\n", maxsplit=1)[1].split("\n## ", maxsplit=1)[0]
    rows = [line.strip("| ").split(" | ", maxsplit=1) for line in text.splitlines() if line.startswith("| `")]
    return {name: row[1] for row in rows for name in re.findall(r"`(\w+)`", row[0])}


def test_the_parameters_and_their_defaults():
    rows = table("The state machine")
    assert set(rows) == {parameter["Name"] for parameter in parameters("")}
    for parameter in parameters(""):
        if parameter["Name"] not in ("InputDataUrl", "CommitId", "DataVersion"):
            assert f"`{parameter['DefaultValue']}`" in rows[parameter["Name"]], parameter


def test_the_builds_variables(environment):
    read = set()

    class Recorder(dict):
        def get(self, key, default=None):
            read.add(key)
            return super().get(key, default)

    Settings.from_environment(Recorder(environment))
    # CodeBuild sets the commit by itself; pip and not this project reads the index. The last three are a pipeline's.
    told = {*table("Settings of the build"), *table("Options")}
    others = {"CODEBUILD_RESOLVED_SOURCE_VERSION", "TUNING_JOBS", "CACHE_DAYS", "MLFLOW_APP_ARN"}
    assert told == read - others | {"PIP_INDEX_URL"}
