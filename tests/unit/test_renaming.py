"""What docs/renaming.md says of other names is what a preview would show."""

import re
from collections import Counter

import pytest

from components.providers.repository_name import RepositoryNameProvider
from sandbox.provider.registry import handler
from tests.support.recording import ROOT, Registration, recorded, stack_values

PAGE = (ROOT / "docs" / "renaming.md").read_text()
SOURCE = "sm-mlops:source"


def told(section: str) -> list[Counter[str]]:
    """How many of each resource the tables of a section name."""
    text = PAGE.partition(f"\n## {section}")[2].partition("\n## ")[0]
    tables = re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)
    return [
        Counter({kind: int(count) for kind, count in re.findall(r"^\| (\w+ \w+) \| (\d+) \|", table, re.MULTILINE)})
        for table in tables
    ]


def fates(**changes: object) -> list[Counter[str]]:
    """How many of AWS's resources a change of dev's settings replaces, and how many it changes in place."""
    dev = stack_values("dev")
    after = {one.urn: one for one in recorded({**dev, **changes}).resources}
    replaced, changed = Counter[str](), Counter[str]()
    for before in recorded(dev).resources:
        assert before.urn in after, "a name is part of no URN"
        if before.type.startswith("aws:") and (different := differing(before, after[before.urn])):
            _, module, kind = before.type.split(":")
            replacing = handler(before.type).replaces.union(before.request.replaceOnChanges)
            fate = replaced if different & replacing else changed
            fate[f"{module.split('/')[0]} {kind}"] += 1
    return [fate for fate in (replaced, changed) if fate]


def differing(before: Registration, after: Registration) -> set[str]:
    keys = {key for key in {*before.inputs, *after.inputs} if before.inputs.get(key) != after.inputs.get(key)}
    return keys - set(after.request.ignoreChanges)


def test_the_page_names_what_another_name_of_the_project_replaces() -> None:
    kept = {**stack_values("dev")[SOURCE], "repository": "sm-mlops-dev"}
    assert told("The project") == fates(**{"sm-mlops:project": "acme-ml", SOURCE: kept})


@pytest.mark.parametrize(
    "changes",
    [{"sm-mlops:project": "acme-ml"}, {SOURCE: {**stack_values("dev")[SOURCE], "repository": "platform"}}],
    ids=["project", "repository"],
)
def test_another_name_of_the_repository_is_refused(changes: dict[str, object]) -> None:
    dev = stack_values("dev")
    before, after = (recorded(values).named("source-repository-name") for values in (dev, {**dev, **changes}))
    (failure,) = RepositoryNameProvider().check(dict(before.inputs), dict(after.inputs)).failures
    section = re.search(r'docs/renaming.md tells under "([^"]+)"', failure.reason)
    assert section is not None
    assert f"\n## {section[1]}" in PAGE
