"""SageMaker Projects: enabled, opened to exactly the wanted principals, and shared with other stacks of the account."""

import json
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.core.naming import PORTFOLIO_CLAIMS_PATH
from components.providers.aws_access import AwsError
from components.providers.portfolio_claims import VALUE_LIMIT, OwnershipRecord
from components.providers.projects_portfolio import WAITS, ProjectsPortfolioProvider
from tests.support.played_aws import Clients, KilledError, Refused

REGION = "eu-west-1"
PORTFOLIO = {
    "Id": "port-sagemaker",
    "ProviderName": "Amazon SageMaker",
    "DisplayName": "Amazon SageMaker AI Solutions and ML Ops products",
}
OTHERS = [
    {"Id": f"port-{number}", "ProviderName": "Somebody", "DisplayName": "Amazon SageMaker look-alike"}
    for number in range(3)
]


def role(name: str) -> str:
    return f"arn:aws:iam::111122223333:role/studio/{name}"


@dataclass
class Account:
    """What SageMaker, Service Catalog, SSM and IAM hold of one account; listings have two entries to a page."""

    enabled: bool = False
    portfolios: list[dict[str, str]] = field(default_factory=lambda: [*OTHERS, PORTFOLIO])
    hidden_for: int = 0
    looks: int = 0
    principals: dict[str, str] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)
    roles: dict[str, str] = field(default_factory=dict)
    denied: str = ""
    calls: list[str] = field(default_factory=list)

    def GetSagemakerServicecatalogPortfolioStatus(self) -> dict[str, Any]:
        return {"Status": "Enabled" if self.enabled else "Disabled"}

    def EnableSagemakerServicecatalogPortfolio(self) -> None:
        self.enabled = True

    def DisableSagemakerServicecatalogPortfolio(self) -> None:
        self.enabled = False
        self.principals = {}

    def ListAcceptedPortfolioShares(self, **arguments: Any) -> dict[str, Any]:
        assert arguments["PortfolioShareType"] == "IMPORTED"
        shown = [item for item in self.portfolios if self.enabled or item != PORTFOLIO]
        if "PageToken" not in arguments:
            self.looks += 1
        if self.looks <= self.hidden_for:
            shown = [item for item in shown if item != PORTFOLIO]
        return _page("PortfolioDetails", shown, arguments, "PageToken", "NextPageToken")

    def ListPrincipalsForPortfolio(self, **arguments: Any) -> dict[str, Any]:
        assert arguments["PortfolioId"] == PORTFOLIO["Id"]
        shown = [{"PrincipalARN": arn, "PrincipalType": kind} for arn, kind in self.principals.items()]
        return _page("Principals", shown, arguments, "PageToken", "NextPageToken", size=50)

    def AssociatePrincipalWithPortfolio(self, *, PrincipalARN: str, PrincipalType: str, **_: str) -> None:
        if self.denied == "AssociatePrincipalWithPortfolio":
            raise Refused("AccessDeniedException", "not authorized")
        self.principals[PrincipalARN] = PrincipalType

    def DisassociatePrincipalFromPortfolio(self, *, PrincipalARN: str, PrincipalType: str, **_: str) -> None:
        assert self.principals[PrincipalARN] == PrincipalType
        del self.principals[PrincipalARN]

    def GetParametersByPath(self, *, Path: str, **arguments: Any) -> dict[str, Any]:
        found = [
            {"Name": name, "Value": value} for name, value in self.parameters.items() if name.startswith(f"{Path}/")
        ]
        return _page("Parameters", found, arguments, "NextToken", "NextToken")

    def PutParameter(self, *, Name: str, Value: str, Overwrite: bool, **_: str) -> dict[str, Any]:
        assert Overwrite
        assert len(Value) <= VALUE_LIMIT
        self.parameters[Name] = Value
        return {"Version": 1}

    def DeleteParameters(self, *, Names: list[str]) -> None:
        for name in Names:
            del self.parameters[name]

    def GetRole(self, *, RoleName: str) -> dict[str, Any]:
        if RoleName not in self.roles:
            raise Refused("NoSuchEntity")
        described = {"RoleName": RoleName, "RoleId": self.roles[RoleName], "Arn": role(RoleName), "Path": "/studio/"}
        return {"Role": {**described, "CreateDate": "2026-01-01T00:00:00Z"}}


def _page(
    key: str, items: list[Any], arguments: dict[str, Any], given: str, token: str, size: int = 2
) -> dict[str, Any]:
    start = int(arguments.get(given) or 0)
    page: dict[str, Any] = {key: items[start : start + size]}
    return {**page, token: str(start + size)} if start + size < len(items) else page


CLIENTS = Clients(Account())


class Provider(ProjectsPortfolioProvider):
    """The provider in an account of the test's own, until another one is made."""

    def __init__(self, account: Account, **kill: int) -> None:
        self._clients = CLIENTS.play(account, **kill)
        self.slept: list[float] = []
        self.sleep = self.slept.append  # type: ignore[assignment]

    def client(self, service: str, region: str) -> Any:
        return self._clients.client(service, region)


def props(*principals: str, claimant: str = "sm-mlops-dev", disable: bool = False) -> dict[str, Any]:
    return {"region": REGION, "claimant": claimant, "principals": sorted(principals), "disableOnDelete": disable}


def outs(provider: Provider, wanted: dict[str, Any]) -> dict[str, Any]:
    made = provider.create(wanted).outs
    assert made is not None
    return made


def updated(provider: Provider, olds: dict[str, Any], news: dict[str, Any]) -> dict[str, Any]:
    made = provider.update("id", olds, news).outs
    assert made is not None
    return made


def changes(account: Account) -> list[str]:
    """The calls that alter associations or the switch."""
    return [call for call in account.calls if call.startswith(("Associate", "Disassociate", "Enable", "Disable"))]


def test_projects_are_switched_on_and_opened() -> None:
    account = Account(hidden_for=2)
    provider = Provider(account)
    made = outs(provider, props(role("a"), "arn:aws:iam:::role/*Scientist*"))
    assert account.enabled
    assert account.principals == {role("a"): "IAM", "arn:aws:iam:::role/*Scientist*": "IAM_PATTERN"}
    assert {key: made[key] for key in ("portfolioId", "displayName", "status", "enabledBefore")} == {
        "portfolioId": "port-sagemaker",
        "displayName": PORTFOLIO["DisplayName"],
        "status": "Enabled",
        "enabledBefore": False,
    }
    assert provider.slept == list(WAITS[:2])


def test_doing_it_again_calls_nothing_that_changes() -> None:
    account = Account()
    provider = Provider(account)
    made = outs(provider, props(role("a")))
    account.calls.clear()
    assert outs(provider, props(role("a"))) == made
    assert not changes(account)
    assert "PutParameter" not in account.calls
    assert provider.diff("id", made, props(role("a"))).changes is False


@pytest.mark.parametrize("provider_name", ["Amazon SageMaker", "Amazon SageMaker AI"])
@pytest.mark.parametrize(
    "display", [PORTFOLIO["DisplayName"], "Amazon SageMaker Solutions and ML Ops products", "New name"]
)
def test_the_portfolio_is_found_under_each_of_its_names(provider_name: str, display: str) -> None:
    found = {"Id": PORTFOLIO["Id"], "ProviderName": provider_name, "DisplayName": display}
    account = Account(enabled=True, portfolios=[*OTHERS, found])
    assert outs(Provider(account), props(role("a")))["displayName"] == display


def test_none_and_several_are_errors_that_say_what_was_found() -> None:
    with pytest.raises(
        AwsError, match=r"does not show .* found: 'Amazon SageMaker look-alike' of 'Somebody' \(port-0\)"
    ):
        outs(Provider(Account(portfolios=OTHERS)), props(role("a")))
    twice = [PORTFOLIO, {**PORTFOLIO, "Id": "port-copy"}]
    with pytest.raises(AwsError, match=r"several .*port-sagemaker.*port-copy"):
        outs(Provider(Account(enabled=True, portfolios=twice)), props(role("a")))


def test_a_copy_under_another_name_is_not_taken_for_it() -> None:
    copy = {**PORTFOLIO, "Id": "port-copy", "DisplayName": "Our copy"}
    account = Account(enabled=True, portfolios=[copy, PORTFOLIO])
    assert outs(Provider(account), props(role("a")))["portfolioId"] == PORTFOLIO["Id"]


class TestDrift:
    """What somebody changes behind our back shows, and is repaired."""

    def repaired(self, account: Account, provider: Provider, made: dict[str, Any]) -> dict[str, Any]:
        read = provider.read("id", made).outs
        assert read is not None
        wanted = props(role("a"), role("b"))
        assert provider.diff("id", read, wanted).changes is True
        account.calls.clear()
        again = updated(provider, read, wanted)
        assert account.enabled
        assert set(account.principals) >= {role("a"), role("b")}
        assert provider.diff("id", again, wanted).changes is False
        after = provider.read("id", again).outs
        assert after is not None
        assert provider.diff("id", after, wanted).changes is False
        return again

    def start(self) -> tuple[Account, Provider, dict[str, Any]]:
        account = Account(roles={"a": "AROAEXAMPLE000001", "b": "AROAEXAMPLE000002"})
        provider = Provider(account)
        return account, provider, outs(provider, props(role("a"), role("b")))

    def test_nothing_changed(self) -> None:
        _, provider, made = self.start()
        assert provider.read("id", made).outs == made

    def test_disabled(self) -> None:
        account, provider, made = self.start()
        account.DisableSagemakerServicecatalogPortfolio()
        read = provider.read("id", made).outs
        assert read is not None
        assert read["status"] == "Disabled"
        self.repaired(account, provider, made)

    def test_a_principal_removed(self) -> None:
        account, provider, made = self.start()
        del account.principals[role("b")]
        self.repaired(account, provider, made)
        assert changes(account) == ["AssociatePrincipalWithPortfolio"]

    def test_a_role_made_anew(self) -> None:
        account, provider, made = self.start()
        account.roles["b"] = "AROAEXAMPLE000003"
        read = provider.read("id", made).outs
        assert read is not None
        assert read["principals"] == [role("a")]
        self.repaired(account, provider, made)
        assert changes(account) == ["DisassociatePrincipalFromPortfolio", "AssociatePrincipalWithPortfolio"]

    def test_a_stranger_is_none_of_our_business(self) -> None:
        account, provider, made = self.start()
        account.principals[role("stranger")] = "IAM"
        assert provider.read("id", made).outs == made
        updated(provider, made, props(role("a")))
        assert set(account.principals) == {role("a"), role("stranger")}


class TestLeaving:
    """A stack that leaves undoes what it did, as far as nobody else needs it."""

    def test_only_what_it_made(self) -> None:
        account = Account(enabled=True, principals={role("before"): "IAM"})
        provider = Provider(account)
        made = outs(provider, props(role("before"), role("a"), disable=True))
        assert made["enabledBefore"] is True
        provider.delete("id", made)
        assert account.principals == {role("before"): "IAM"}
        assert account.enabled, "somebody else had switched it on"
        assert not account.parameters

    @pytest.mark.parametrize("asked", [True, False])
    def test_it_switches_off_only_if_asked_to(self, asked: bool) -> None:
        account = Account()
        provider = Provider(account)
        provider.delete("id", outs(provider, props(role("a"), disable=asked)))
        assert account.enabled is not asked
        assert not account.principals

    def test_another_stack_keeps_what_it_needs_and_inherits_the_duty(self) -> None:
        account = Account()
        first, second = Provider(account), Provider(account)
        one = outs(first, props(role("a"), role("b"), claimant="one", disable=True))
        two = outs(second, props(role("b"), role("c"), claimant="two", disable=True))
        first.delete("id", one)
        assert set(account.principals) == {role("b"), role("c")}
        assert account.enabled
        read = second.read("id", two).outs
        assert read == two
        second.delete("id", two)
        assert not account.principals
        assert not account.enabled
        assert not account.parameters

    def test_a_principal_that_another_stack_needs_is_not_removed_by_an_update(self) -> None:
        account = Account()
        provider = Provider(account)
        one = outs(provider, props(role("a"), role("b"), claimant="one"))
        two = outs(provider, props(role("b"), claimant="two"))
        updated(provider, one, props(role("a"), claimant="one"))
        assert set(account.principals) == {role("a"), role("b")}
        provider.delete("id", two)
        assert set(account.principals) == {role("a")}

    def test_what_is_gone_already_is_no_error(self) -> None:
        account = Account()
        provider = Provider(account)
        made = outs(provider, props(role("a")))
        account.DisableSagemakerServicecatalogPortfolio()
        provider.delete("id", made)
        provider.delete("id", made)
        assert not account.parameters


def test_access_denied_names_the_call_and_the_permission() -> None:
    account = Account(denied="AssociatePrincipalWithPortfolio")
    with pytest.raises(
        AwsError,
        match=r"in eu-west-1: Associate.* AccessDenied.* Grant servicecatalog:AssociatePrincipalWithPortfolio",
    ):
        outs(Provider(account), props(role("a")))


def test_diff_names_what_makes_another_resource() -> None:
    provider = Provider(Account())
    made = outs(provider, props(role("a")))
    assert provider.diff("id", made, {**props(role("a")), "region": "eu-west-2"}).replaces == ["region"]
    assert provider.diff("id", {**made, "__provider": "x", "identities": {}}, props(role("a"))).changes is False
    assert provider.diff("id", made, props(role("a"), disable=True)).changes is True


def operations() -> list[tuple[str, str, int]]:
    """Every moment at which the process can end: operation, before or after a call, number of the call."""
    account = Account()
    counts = {}
    made = outs(Provider(account), props(role("a"), role("b"), disable=True))
    counts["create"] = len(account.calls)
    made = updated(Provider(account), made, props(role("b"), role("c"), disable=True))
    counts["update"] = len(account.calls) - sum(counts.values())
    Provider(account).delete("id", made)
    counts["delete"] = len(account.calls) - sum(counts.values())
    return [
        (operation, moment, number)
        for operation, count in counts.items()
        for moment in ("kill_before", "kill_after")
        for number in range(1, count + 1)
    ]


@cache
def begun() -> dict[str, tuple[Account, dict[str, Any]]]:
    """An account of somebody else's principal before each operation, with what the one before it has told."""
    first, second = props(role("a"), role("b"), disable=True), props(role("b"), role("c"), disable=True)
    account = Account(principals={role("foreign"): "IAM"})
    before: dict[str, tuple[Account, dict[str, Any]]] = {"create": (deepcopy(account), {})}
    made = outs(Provider(account), first)
    before["update"] = deepcopy((account, made))
    before["delete"] = (account, updated(Provider(account), made, second))
    return before


@pytest.mark.parametrize(("operation", "moment", "number"), operations())
def test_a_kill_at_any_call_is_mended_by_the_next_run(operation: str, moment: str, number: int) -> None:
    first, second = props(role("a"), role("b"), disable=True), props(role("b"), role("c"), disable=True)
    account, made = deepcopy(begun()[operation])
    doomed = Provider(account, **{moment: number})
    run: dict[str, Callable[[], object]] = {
        "create": lambda: doomed.create(first),
        "update": lambda: doomed.update("id", made, second),
        "delete": lambda: doomed.delete("id", made),
    }
    with pytest.raises(KilledError):
        run[operation]()
    if operation == "create":
        made = outs(Provider(account), first)
        assert set(account.principals) == {role("a"), role("b"), role("foreign")}
        assert made["enabledBefore"] is False, "the interrupted run had switched it on"
    if operation == "update":
        made = updated(Provider(account), made, second)
        assert set(account.principals) == {role("b"), role("c"), role("foreign")}
    Provider(account).delete("id", made)
    assert not account.enabled
    assert set(account.principals) <= {role("foreign")}
    assert not account.parameters


numbers = st.sets(st.integers(0, 1500), max_size=1000)


@settings(max_examples=25)
@given(numbers, numbers, st.sets(st.integers(0, 1500), max_size=100))
def test_any_set_of_principals_follows_any_other_with_the_fewest_calls(
    before: set[int], after: set[int], foreign: set[int]
) -> None:
    def arns(chosen: set[int]) -> list[str]:
        return [f"arn:aws:iam:::role/team-{number}-*" for number in chosen]

    account = Account(enabled=True, principals=dict.fromkeys(arns(foreign), "IAM_PATTERN"))
    provider = Provider(account)
    made = outs(provider, props(*arns(before)))
    assert set(account.principals) == set(arns(before | foreign))
    account.calls.clear()
    updated(provider, made, props(*arns(after)))
    assert set(account.principals) == set(arns(after | foreign))
    added, removed = after - before - foreign, before - after - foreign
    assert changes(account).count("AssociatePrincipalWithPortfolio") == len(added)
    assert changes(account).count("DisassociatePrincipalFromPortfolio") == len(removed)


@given(st.sets(st.text("abc/", min_size=1, max_size=400), max_size=60), st.booleans())
def test_a_claim_is_kept_whole_in_parameters_of_the_allowed_size(names: set[str], enabled: bool) -> None:
    wanted = frozenset(role(name) for name in names)
    claim = OwnershipRecord(wanted=wanted, made=frozenset(sorted(wanted)[::2]), enabled=enabled)
    parts = list(claim.parts())
    assert all(len(part) <= VALUE_LIMIT for part in parts)
    read = OwnershipRecord()
    for part in parts:
        read = read.with_part(part)
    assert read == claim


def test_a_claim_is_readable() -> None:
    account = Account()
    outs(Provider(account), props(role("a")))
    assert {name: json.loads(value) for name, value in account.parameters.items()} == {
        f"{PORTFOLIO_CLAIMS_PATH}/sm-mlops-dev/1": {"enabled": True, "made": [role("a")], "wanted": [role("a")]}
    }
