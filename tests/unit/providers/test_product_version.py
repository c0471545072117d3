"""The life of a product's versions: released, deprecated, switched off, and refused before the quota."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from components.providers.aws_access import AwsError
from components.providers.product_version import GUARD, ProductVersionProvider, artifacts, release
from components.providers.release_note import FIRST
from tests.support.played_aws import Clients, Refused

PRODUCT = "prod-1"
PROPS = {
    "region": "eu-west-1",
    "productId": PRODUCT,
    "version": "1.0.0-new",
    "description": "Changed: template.yaml.",
    "templateUrl": "https://bucket.s3.eu-west-1.amazonaws.com/template.yaml",
    "keepVersions": 3.0,  # the engine hands numbers over as floats
}


class Catalog:
    """Service Catalog with one product, as far as releases need it; counts the changes that it is asked for."""

    def __init__(self, names: list[str], used: tuple[str, ...] = ()) -> None:
        self.start = datetime(2026, 1, 1, tzinfo=UTC)
        self.artifacts: list[dict[str, Any]] = []
        self.changes = 0
        self.used = used
        self.denied = False
        self.gone = False
        self.calls: list[str] = []
        self.tokens: list[str] = []
        for name in names:
            self._add(name)

    def _add(self, name: str) -> dict[str, Any]:
        artifact = {
            "Id": f"pa-{name}",
            "Name": name,
            "CreatedTime": self.start + timedelta(days=len(self.artifacts)),
            "Active": True,
            "Guidance": "DEFAULT",
        }
        self.artifacts.append(artifact)
        return artifact

    @property
    def client(self) -> Any:
        return Clients(self).client("servicecatalog", "eu-west-1")

    def ListProvisioningArtifacts(self, **_: object) -> dict[str, Any]:
        if self.denied:
            raise Refused("AccessDeniedException", "not authorized")
        if self.gone:
            raise Refused("ResourceNotFoundException")
        # AWS promises no order.
        return {"ProvisioningArtifactDetails": [dict(artifact) for artifact in reversed(self.artifacts)]}

    def CreateProvisioningArtifact(
        self,
        *,
        Parameters: dict[str, Any],
        IdempotencyToken: str,
        **_: object,
    ) -> dict[str, Any]:
        assert re.fullmatch(r"[a-zA-Z0-9][a-zA-Z0-9_-]*", IdempotencyToken), "AWS refuses any other token"
        self.tokens.append(IdempotencyToken)
        self.changes += 1
        return {"ProvisioningArtifactDetail": dict(self._add(Parameters["Name"]))}

    def UpdateProvisioningArtifact(self, *, ProvisioningArtifactId: str, **change: Any) -> None:
        self.changes += 1
        (artifact,) = [artifact for artifact in self.artifacts if artifact["Id"] == ProvisioningArtifactId]
        artifact.update({key: change[key] for key in ("Active", "Guidance", "Description") if key in change})

    def SearchProvisionedProducts(self, *, PageToken: str = "0", **_: object) -> dict[str, Any]:
        """One to a page, so that a reader who stops at the first is found out."""
        index = int(PageToken)
        found = [(PRODUCT, name) for name in self.used]
        # A product whose id only begins in the same way.
        found[1:1] = [(f"{PRODUCT}1", artifact["Name"]) for artifact in self.artifacts]
        page = [
            {"Name": f"project of {name}", "ProductId": product, "ProvisioningArtifactId": f"pa-{name}"}
            for product, name in found
        ]
        more = {"NextPageToken": str(index + 1)} if index + 1 < len(page) else {}
        return {"ProvisionedProducts": page[index : index + 1], **more}

    def state(self) -> dict[str, tuple[bool, str]]:
        return {artifact["Name"]: (artifact["Active"], artifact["Guidance"]) for artifact in self.artifacts}


class Provider(ProductVersionProvider):
    """The provider with a catalog of the test's own."""

    def __init__(self, catalog: Catalog) -> None:
        self._clients = Clients(catalog)

    def client(self, service: str, region: str) -> Any:
        assert (service, region) == ("servicecatalog", "eu-west-1")
        return self._clients.client(service, region)


LIVE, OLD, OFF = (True, "DEFAULT"), (True, "DEPRECATED"), (False, "DEPRECATED")


def test_a_new_version_is_the_default_and_older_ones_are_deprecated_then_switched_off() -> None:
    catalog = Catalog(["v1", "v2", "v3"])
    assert release(catalog.client, PROPS) == "pa-1.0.0-new"
    assert catalog.state() == {"v1": OFF, "v2": OLD, "v3": OLD, "1.0.0-new": LIVE}


def test_a_version_that_something_still_uses_stays_switched_on() -> None:
    catalog = Catalog(["v1", "v2", "v3", "v4"], used=("v4", "v1"))
    release(catalog.client, PROPS)
    assert catalog.state() == {"v1": OLD, "v2": OFF, "v3": OLD, "v4": OLD, "1.0.0-new": LIVE}


def test_the_first_version_which_was_made_with_the_product_is_told_of_its_commit_and_no_other_is_rewritten() -> None:
    catalog = Catalog(["1.0.0-new"])
    catalog.artifacts[0]["Description"] = FIRST
    release(catalog.client, {**PROPS, "description": f"{FIRST} Commit c1."})
    assert catalog.artifacts[0]["Description"] == f"{FIRST} Commit c1."
    release(catalog.client, {**PROPS, "description": f"{FIRST} Commit c2."})
    assert catalog.artifacts[0]["Description"] == f"{FIRST} Commit c1."


def test_releasing_again_changes_nothing() -> None:
    catalog = Catalog(["v1", "v2"])
    release(catalog.client, PROPS)
    done = catalog.changes
    release(catalog.client, PROPS)
    assert catalog.changes == done


def test_a_release_that_broke_off_is_finished() -> None:
    catalog = Catalog(["v1", "v2", "1.0.0-new"])
    release(catalog.client, PROPS)
    assert catalog.state() == {"v1": OLD, "v2": OLD, "1.0.0-new": LIVE}


def test_going_back_to_older_content_makes_its_version_the_default_again() -> None:
    catalog = Catalog(["1.0.0-new"])
    release(catalog.client, {**PROPS, "version": "1.1.0-other"})
    assert catalog.state() == {"1.0.0-new": OLD, "1.1.0-other": LIVE}
    release(catalog.client, PROPS)
    assert catalog.state() == {"1.0.0-new": LIVE, "1.1.0-other": OLD}


def test_keeping_one_version_switches_off_every_other() -> None:
    catalog = Catalog(["v1"])
    release(catalog.client, {**PROPS, "keepVersions": 1.0})
    assert catalog.state() == {"v1": OFF, "1.0.0-new": LIVE}


def test_versions_are_ordered_by_their_age() -> None:
    assert [artifact["Name"] for artifact in artifacts(Catalog(["v1", "v2", "v3"]).client, PRODUCT)] == [
        "v3",
        "v2",
        "v1",
    ]


def test_the_quota_is_guarded_before_it_is_met_and_the_way_out_is_named() -> None:
    catalog = Catalog([f"v{number}" for number in range(GUARD)], used=("v1",))
    for artifact in catalog.artifacts[:3]:
        artifact.update(Active=False, Guidance="DEPRECATED")
    with pytest.raises(AwsError) as refused:
        release(catalog.client, PROPS)
    assert str(refused.value) == (
        "product prod-1 has 90 versions, and AWS allows 100. Delete versions that nothing uses: v2, v0."
    )
    assert catalog.changes == 0, "half a release"


@pytest.mark.parametrize(
    ("used", "advice"),
    [
        (range(GUARD - 2), "Lower catalog.keepVersions, or delete versions that nothing uses: v88."),
        (
            range(GUARD - 1),
            "Every version is in use: update the projects that use old ones, then delete those versions.",
        ),
    ],
    ids=["kept", "used"],
)
def test_where_no_version_is_switched_off_the_quotas_way_out_is_another_one(used: range, advice: str) -> None:
    catalog = Catalog([f"v{number}" for number in range(GUARD)], used=tuple(f"v{number}" for number in used))
    for artifact in catalog.artifacts[:-1]:
        artifact.update(Guidance="DEPRECATED")
    with pytest.raises(AwsError) as refused:
        release(catalog.client, PROPS)
    assert str(refused.value) == f"product prod-1 has 90 versions, and AWS allows 100. {advice}"


def test_a_version_that_exists_is_released_again_at_the_quota() -> None:
    catalog = Catalog([*(f"v{number}" for number in range(GUARD)), "1.0.0-new"])
    release(catalog.client, PROPS)
    assert [name for name, state in catalog.state().items() if state == LIVE] == ["1.0.0-new"]


def test_a_token_is_short_and_its_own_for_each_version_and_product() -> None:
    tokens = set()
    for product, version in [(PRODUCT, "1.0-a"), (PRODUCT, "1-0.a"), ("prod-2", "1.0-a"), (PRODUCT, "9" * 8191)]:
        catalog = Catalog([])
        release(catalog.client, {**PROPS, "productId": product, "version": version})
        tokens |= set(catalog.tokens)
    assert len(tokens) == 4
    assert max(map(len, tokens)) <= 128, "AWS takes no longer one"


def test_a_product_with_projects_is_not_given_up() -> None:
    with pytest.raises(AwsError, match=r"2 launched from it still exist: project of a, project of b\. Delete"):
        Provider(Catalog(["a", "b"], used=("b", "a"))).delete("id", {**PROPS})


def test_a_product_without_projects_is_given_up_without_a_change() -> None:
    catalog = Catalog(["a"])
    Provider(catalog).delete("id", {**PROPS})
    assert catalog.changes == 0


@pytest.mark.parametrize("change", [{"Active": False}, {"Guidance": "DEPRECATED"}], ids=["off", "deprecated"])
def test_drift_of_the_live_version_shows_and_is_repaired(change: dict[str, Any]) -> None:
    catalog = Catalog(["1.0.0-new"])
    provider = Provider(catalog)
    assert provider.read("id", PROPS).outs == PROPS
    catalog.artifacts[0].update(change)
    drifted = provider.read("id", PROPS).outs
    assert drifted is not None
    assert provider.diff("id", drifted, PROPS).changes is True
    provider.update("id", drifted, PROPS)
    assert provider.read("id", PROPS).outs == PROPS


def test_an_older_version_that_people_can_launch_again_shows_and_is_repaired() -> None:
    catalog = Catalog(["v1"])
    provider = Provider(catalog)
    provider.create({**PROPS})
    assert provider.read("id", PROPS).outs == PROPS
    catalog.artifacts[0].update(Guidance="DEFAULT")
    drifted = provider.read("id", PROPS).outs
    assert drifted is not None
    assert provider.diff("id", drifted, PROPS).changes is True
    provider.update("id", drifted, PROPS)
    assert catalog.state() == {"v1": OLD, "1.0.0-new": LIVE}
    assert provider.read("id", PROPS).outs == PROPS


def test_the_versions_of_a_product_that_is_gone_are_gone() -> None:
    catalog = Catalog(["1.0.0-new"])
    catalog.gone = True
    assert Provider(catalog).read("id", PROPS).id == ""


def test_another_product_is_another_resource_and_other_content_is_not() -> None:
    provider = Provider(Catalog([]))
    assert provider.diff("id", PROPS, {**PROPS, "productId": "prod-2"}).replaces == ["productId"]
    released = provider.diff("id", PROPS, {**PROPS, "version": "1.0.0-next"})
    assert (released.changes, released.replaces) == (True, [])
    assert provider.diff("id", {**PROPS, "artifactId": "pa-1", "__provider": "x"}, PROPS).changes is False


@pytest.mark.parametrize("keep", [0.0, 91.0])
def test_a_number_of_versions_that_makes_no_sense_is_refused(keep: float) -> None:
    (failure,) = Provider(Catalog([])).check({}, {**PROPS, "keepVersions": keep}).failures
    assert failure.reason == f"{keep:g} is not between 1 and 90"


def test_a_denied_call_is_named_with_the_permission() -> None:
    catalog = Catalog([])
    catalog.denied = True
    with pytest.raises(AwsError) as denied:
        Provider(catalog).create({**PROPS})
    assert str(denied.value) == (
        "version 1.0.0-new in eu-west-1: ListProvisioningArtifacts failed: AccessDeniedException: not authorized. "
        "Grant servicecatalog:ListProvisioningArtifacts to whoever deploys."
    )
