"""Which stacks need SageMaker's imported portfolio, and what each of them has made of it.

All stacks of an account share the one imported portfolio of a region, which takes no tags. So each stack writes down
what it needs, and a stack that leaves takes nothing away that another one needs. The notes are parameters of SSM:

    /sm-mlops/sagemaker-projects/<claimant>/<n>

Each holds a part of the claim as JSON, because a parameter holds 4,096 characters; most claims have one part.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from components.core.naming import PORTFOLIO_CLAIMS_PATH

VALUE_LIMIT = 4096
"""Characters of a parameter of the standard tier."""

_DELETED_AT_ONCE = 10


@dataclass(frozen=True, kw_only=True)
class OwnershipRecord:
    """What one stack needs of the portfolio."""

    wanted: frozenset[str] = frozenset()
    """Principals that the stack wants associated."""
    made: frozenset[str] = frozenset()
    """Principals that the stack has associated, or is about to."""
    enabled: bool = False
    """Whether the stack has switched the portfolio on, or is about to."""

    def parts(self) -> Iterator[str]:
        """Return the claim as values of parameters, each within the limit."""
        part: dict[str, bool] = {}
        for principal in sorted(self.wanted | self.made):
            added = {**part, principal: principal in self.made}
            if part and len(self._text(added)) > VALUE_LIMIT:
                yield self._text(part)
                part = {principal: principal in self.made}
            else:
                part = added
        yield self._text(part)

    def _text(self, part: Mapping[str, bool]) -> str:
        marks = {
            "enabled": self.enabled,
            "made": [principal for principal, made in part.items() if made],
            "wanted": [principal for principal in part if principal in self.wanted],
        }
        return json.dumps(marks, separators=(",", ":"))

    def with_part(self, text: str) -> "OwnershipRecord":
        """Return the claim with what one more parameter says."""
        marks = json.loads(text)
        return OwnershipRecord(
            wanted=self.wanted | set(marks["wanted"]),
            made=self.made | set(marks["made"]),
            enabled=self.enabled or marks["enabled"],
        )


@dataclass(frozen=True)
class Claims:
    """The claims of all stacks of one account and region."""

    ssm: Any
    """A botocore client of SSM."""
    claimant: str
    """Name of this stack: unique in the account."""

    def read(self) -> tuple[OwnershipRecord, dict[str, OwnershipRecord]]:
        """Return this stack's claim, and those of the others by name."""
        found: dict[str, OwnershipRecord] = {}
        pages = self.ssm.get_paginator("get_parameters_by_path").paginate(Path=PORTFOLIO_CLAIMS_PATH, Recursive=True)
        for parameter in (parameter for page in pages for parameter in page["Parameters"]):
            claimant = parameter["Name"].split("/")[-2]
            found[claimant] = found.get(claimant, OwnershipRecord()).with_part(parameter["Value"])
        return found.pop(self.claimant, OwnershipRecord()), found

    def write(self, claim: OwnershipRecord, claimant: str | None = None) -> None:
        """Write a claim, this stack's unless another is named, and remove parts that are left of a longer one."""
        owner = claimant or self.claimant
        values = list(claim.parts())
        for number, value in enumerate(values, 1):
            self.ssm.put_parameter(
                Name=f"{PORTFOLIO_CLAIMS_PATH}/{owner}/{number}",
                Description="What a stack of sm-mlops needs of the portfolio of SageMaker Projects.",
                Value=value,
                Type="String",
                Overwrite=True,
            )
        self._remove(owner, beyond=len(values))

    def hand_over(self, principals: frozenset[str], others: Mapping[str, OwnershipRecord], *, enabled: bool) -> None:
        """Give what this stack has made, and others need, to the first of them, who will then undo it."""
        for claimant, claim in sorted(others.items()):
            taken = principals & claim.wanted
            given = replace(claim, made=claim.made | taken, enabled=claim.enabled or enabled)
            if given != claim:
                self.write(given, claimant)
            principals, enabled = principals - taken, False

    def withdraw(self) -> None:
        """Remove this stack's claim."""
        self._remove(self.claimant, beyond=0)

    def _remove(self, owner: str, *, beyond: int) -> None:
        pages = self.ssm.get_paginator("get_parameters_by_path").paginate(Path=f"{PORTFOLIO_CLAIMS_PATH}/{owner}")
        found = [parameter["Name"] for page in pages for parameter in page["Parameters"]]
        names = [name for name in found if int(name.rpartition("/")[2]) > beyond]
        for start in range(0, len(names), _DELETED_AT_ONCE):
            self.ssm.delete_parameters(Names=names[start : start + _DELETED_AT_ONCE])
