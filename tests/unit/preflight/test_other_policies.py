"""Which roles have the policies that others may attach: asked once for each policy, and never guessed."""

from typing import Any

import pytest

from awsmodel.arns import ArnScope
from awsmodel.iam.evaluation import Request, allowed
from awsmodel.regions import known_regions
from components.iam.delivery_policies import StackScope, preview_statements
from components.preflight.other_policies import OtherPoliciesError, attached
from tests.support.played_aws import Clients, Refused

AUDIT, GUARD, GONE = (f"arn:aws:iam::{owner}:policy/{name}" for owner, name in (("aws", "a"), ("1", "b"), ("1", "c")))


class Account:
    """Who has which policy; a page lists one role."""

    def __init__(self, **refused: str) -> None:
        self.holders = {AUDIT: ["launch", "build"], GUARD: ["build"]}
        self.refused = refused
        self.calls: list[str] = []

    def ListEntitiesForPolicy(self, PolicyArn: str, EntityFilter: str, Marker: str = "0") -> Any:
        assert EntityFilter == "Role"
        if PolicyArn not in self.holders:
            raise Refused("NoSuchEntity")
        if self.refused:
            raise Refused(*self.refused.popitem())
        roles, number = self.holders[PolicyArn], int(Marker)
        more = number + 1 < len(roles)
        page = {"PolicyRoles": [{"RoleName": name} for name in roles[number : number + 1]], "IsTruncated": more}
        return {**page, **({"Marker": str(number + 1)} if more else {})}


def found(account: Account, *arns: str) -> Any:
    return attached(arns, Clients(account), "us-east-2")  # type: ignore[arg-type] # plays the access, too


def test_each_role_is_told_with_those_that_it_has_in_the_order_of_the_settings() -> None:
    assert found(Account(), GUARD, AUDIT) == {"build": [GUARD, AUDIT], "launch": [AUDIT]}


def test_without_the_setting_nobody_is_asked() -> None:
    assert attached((), None, "us-east-2") == {}  # type: ignore[arg-type] # a call would fail


def test_whoever_previews_may_ask() -> None:
    target = StackScope(
        scope=ArnScope.of(known_regions()["us-east-2"], "111122223333"), project="acme", environment="dev"
    )
    guard = "arn:aws:iam::111122223333:policy/company/guard"
    for arn in (AUDIT, guard):
        assert allowed(preview_statements(target), Request("iam:ListEntitiesForPolicy", arn))


def test_what_cannot_be_told_stops_the_run_with_its_key() -> None:
    with pytest.raises(OtherPoliciesError) as raised:
        found(Account(AccessDenied="not authorized"), GONE, GUARD)
    gone, denied = str(raised.value).splitlines()
    assert gone == f"sm-mlops:iam.otherPolicyArns[0]: there is no policy {GONE}"
    assert denied.startswith(f"sm-mlops:iam.otherPolicyArns[1]: roles that have {GUARD} in us-east-2: ListEntities")
    assert denied.endswith("Grant iam:ListEntitiesForPolicy to whoever deploys.")
