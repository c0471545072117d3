"""Writes `docs/aws-plugin.md` from the contract of the AWS plugin: `make docs`."""

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from tests.contract.policies import variants
from tests.contract.rows import Calls, Row, rows, upstream
from tests.support.recording import run_program, stack_values
from tools.check.recording import nothing_looked_up

PAGE = Path(__file__).resolve().parents[2] / "docs" / "aws-plugin.md"

_TOP = """\
# What the AWS plugin does

Pulumi's AWS plugin calls AWS for the program. What it calls for each type of resource, what it replaces, and what it
takes to import one, is read from the source of {plugin}: {repository} {release},
at `{commit}` of {read_in}. The tests hold the roles of the delivery to these calls, each with the
resource's ARN and tags. `make docs` writes this page from `tests/contract/aws_plugin`.
"""

_IMPORT = """
## Taking back what is retained

With `protection.retain: true` these stay in AWS when the stack lets them go: after `pulumi destroy`, or when a region
or a section leaves the settings. Their names are taken, so take them back before the program makes them again:

```
pulumi import --stack <stack> <type> <logical name> '<id>' --parent <URN of the component>
```

Logical name and component are those of the URN that `pulumi destroy` or the preview has shown. A resource of another
region than the stack's home needs the region behind the id, `<id>@<region>`; where the id is an ARN the region is in
it. What an import cannot tell stands in the last column: the first preview after it may show it as a change, which
`pulumi up` sets.

"""

_CALLS = """
## Calls

In brackets: what a call hangs on. A create and an update end with the calls of a read.

"""


@cache
def retained() -> frozenset[str]:
    """The types of what some stack leaves behind where it retains."""
    prod = stack_values("prod")
    github = variants()["dev from GitHub"][1]["sm-mlops:source"]
    studio = {"sm-mlops:catalog": {**prod["sm-mlops:catalog"], "studioDomains": {"us-east-2": ["d-abcdefghijkl"]}}}
    with nothing_looked_up():
        recordings = [run_program(prod, "prod"), run_program({**prod, "sm-mlops:source": github, **studio}, "prod")]
    return frozenset(
        one.type
        for recording in recordings
        for one in recording.resources
        if one.request.retainOnDelete and one.type.startswith("aws:")
    )


def page() -> str:
    """The whole page."""
    every = sorted(rows().values(), key=lambda row: row.type)
    imports = ([row.type, _id(row), _listed(row.never_read)] for row in every if row.type in retained())
    calls = (
        [row.type, *(_calls(row, each) for each in (row.create, row.read, row.update, row.delete)), _replaces(row)]
        for row in every
    )
    return "".join(
        [
            _TOP.format(**upstream().model_dump()),
            _IMPORT,
            *_table(["Type", "Id", "An import does not tell"], imports),
            _CALLS,
            *_table(["Type", "Create", "Read", "Update", "Delete", "Replaces"], calls),
            *_unverified(every),
        ]
    )


def _id(row: Row) -> str:
    return f"`{row.import_id}`" + ("" if row.regional else ", without a region")


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _calls(row: Row, calls: Calls) -> str:
    shown = []
    for call in calls:
        hangs_on = [*_given("given", call.given), *_given("changed", call.changed), *([call.when] if call.when else [])]
        shown.append(f"{call.action}" + (f" ({'; '.join(hangs_on)})" if hangs_on else ""))
    return ("<br>".join(shown) or "nothing") + ("" if row.verified else " (not verified)")


def _given(word: str, names: Sequence[str]) -> list[str]:
    return [f"{', '.join(names)} {word}"] if names else []


def _replaces(row: Row) -> str:
    return _listed(row.replaces) + (" (the old one goes first)" if row.delete_before_replace else "")


def _unverified(every: Sequence[Row]) -> Iterator[str]:
    for row in every:
        if not row.verified:
            yield f"\n{row.type} is not verified: {row.why_not}\n"


def _table(head: Sequence[str], lines: Iterator[list[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |\n|{' --- |' * len(head)}\n"
    for line in lines:
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n"


if __name__ == "__main__":
    PAGE.write_text(page())
