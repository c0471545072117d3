"""Versions of a Service Catalog product: new content is a new version beside the old ones.

The AWS plugin replaces the whole product when its first version changes, and forgets a version that leaves the program.
Here the newest version is the default, older ones are deprecated (what was made from them can still be updated, nothing
new is), and beyond a number of versions they are switched off unless a provisioned product still uses them.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi.dynamic import CheckFailure, CheckResult, CreateResult, DiffResult, ReadResult, Resource, UpdateResult

from components.packaging import digest
from components.providers.aws_access import AwsError, AwsResourceProvider, explained
from components.providers.release_note import FIRST, noted

if TYPE_CHECKING:
    from types_boto3_servicecatalog import ServiceCatalogClient
    from types_boto3_servicecatalog.literals import ProvisioningArtifactGuidanceType as Guidance
    from types_boto3_servicecatalog.type_defs import (
        ProvisionedProductAttributeTypeDef as ProvisionedProduct,
    )
    from types_boto3_servicecatalog.type_defs import (
        ProvisioningArtifactDetailTypeDef as Version,
    )
    from types_boto3_servicecatalog.type_defs import (
        SearchProvisionedProductsInputTypeDef,
    )

QUOTA = 100
"""Versions that a product can have."""

GUARD = 90
"""Versions at which a release is refused, so that the quota is never met in the middle of one."""

_PLACE = ("region", "productId")
_CONTENT = ("version", "templateUrl", "keepVersions")


def artifacts(client: "ServiceCatalogClient", product_id: str) -> "list[Version]":
    """Every version of a product, newest first."""
    listed = client.list_provisioning_artifacts(ProductId=product_id)["ProvisioningArtifactDetails"]
    return sorted(listed, key=lambda artifact: (artifact["CreatedTime"], artifact["Id"]), reverse=True)


def provisioned_products(client: "ServiceCatalogClient", product_id: str) -> "Iterator[ProvisionedProduct]":
    """Tell what people of this account have launched from a product, whoever launched it."""
    arguments: SearchProvisionedProductsInputTypeDef = {
        "AccessLevelFilter": {"Key": "Account", "Value": "self"},
        "Filters": {"SearchQuery": [f"productId:{product_id}"]},
    }
    while True:
        page = client.search_provisioned_products(**arguments)
        # A search may also find what only resembles the id.
        yield from (item for item in page["ProvisionedProducts"] if item["ProductId"] == product_id)
        if not page.get("NextPageToken"):
            return
        arguments["PageToken"] = page["NextPageToken"]


def refusal(client: "ServiceCatalogClient", told: str, product_id: str, region: str) -> str:
    """Why a product cannot be removed; empty where it can.

    Args:
        client: Service Catalog.
        told: how the product is told of.
        product_id: its id.
        region: its region.
    """
    names = sorted(item["Name"] for item in provisioned_products(client, product_id))
    if not names:
        return ""
    return (
        f"product {told} in {region} cannot be removed: {len(names)} launched from it still exist: "
        f"{', '.join(names)}. Delete these projects first."
    )


def release(client: "ServiceCatalogClient", props: Mapping[str, Any]) -> str:
    """Make the wanted version the default, deprecate the others, switch off the oldest; the version's id.

    Doing it again changes nothing, and does what an interrupted run has left.

    Raises:
        AwsError: the product has too many versions already.
    """
    product_id, known = props["productId"], artifacts(client, props["productId"])
    current = next((artifact for artifact in known if artifact["Name"] == props["version"]), None)
    if current is None:
        _guard_quota(client, product_id, known)
        current = client.create_provisioning_artifact(
            ProductId=product_id,
            Parameters={
                "Name": props["version"],
                "Description": props["description"],
                "Info": {"LoadTemplateFromURL": props["templateUrl"]},
                "Type": "CLOUD_FORMATION_TEMPLATE",
            },
            # AWS makes one version for one token, so that a lost answer does not make two. A hash, because a token has
            # no dots and at most 128 characters.
            IdempotencyToken=digest(f"{product_id} {props['version']}"),
        )["ProvisioningArtifactDetail"]
    elif current.get("Description") == FIRST != props["description"]:
        # Made together with the product, by the AWS plugin, which has not been told of the commit.
        client.update_provisioning_artifact(
            ProductId=product_id, ProvisioningArtifactId=current["Id"], Description=props["description"]
        )
    older = [artifact for artifact in known if artifact["Id"] != current["Id"]]
    _set(client, product_id, current, active=True, guidance="DEFAULT")
    _retire(client, product_id, older, keep=int(props["keepVersions"]) - 1)
    return str(current["Id"])


def _guard_quota(client: "ServiceCatalogClient", product_id: str, known: "Sequence[Version]") -> None:
    if len(known) < GUARD:
        return
    used = {item["ProvisioningArtifactId"] for item in provisioned_products(client, product_id)}
    unused = [artifact for artifact in known if artifact["Id"] not in used and not _is_live(artifact)]
    off = [artifact["Name"] for artifact in unused if not artifact["Active"]]
    if off:
        advice = f"Delete versions that nothing uses: {', '.join(off)}."
    elif unused:
        advice = (
            "Lower catalog.keepVersions, or delete versions that nothing uses: "
            f"{', '.join(artifact['Name'] for artifact in unused)}."
        )
    else:
        advice = "Every version is in use: update the projects that use old ones, then delete those versions."
    raise AwsError(f"product {product_id} has {len(known)} versions, and AWS allows {QUOTA}. {advice}")


def _is_live(artifact: Mapping[str, Any]) -> bool:
    """Whether people can launch a version."""
    return bool(artifact["Active"]) and artifact.get("Guidance", "DEFAULT") == "DEFAULT"


def _retire(client: "ServiceCatalogClient", product_id: str, older: "Sequence[Version]", keep: int) -> None:
    used = {item["ProvisioningArtifactId"] for item in provisioned_products(client, product_id)} if older else set()
    for index, artifact in enumerate(older):
        _set(client, product_id, artifact, active=index < keep or artifact["Id"] in used, guidance="DEPRECATED")


def _set(
    client: "ServiceCatalogClient",
    product_id: str,
    artifact: "Version",
    *,
    active: bool,
    guidance: "Guidance",
) -> None:
    if (artifact.get("Active", True), artifact.get("Guidance", "DEFAULT")) == (active, guidance):
        return
    client.update_provisioning_artifact(
        ProductId=product_id, ProvisioningArtifactId=artifact["Id"], Active=active, Guidance=guidance
    )


class ProductVersionProvider(AwsResourceProvider):
    """Carries out releases; the functions above do the work."""

    def check(self, olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Return a product keeps at least the version that people launch, and a new one says what is new in it."""
        keep = news.get("keepVersions")
        failures = []
        if isinstance(keep, int | float) and not 1 <= keep <= GUARD:
            failures.append(CheckFailure("keepVersions", f"{keep:g} is not between 1 and {GUARD}"))
        return CheckResult(noted(olds, news, ("productId", "version")), failures)

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        """Another product is another resource; another version is a release, what is said of it is none."""
        replaces = [key for key in _PLACE if olds.get(key) != news.get(key)]
        changed = [key for key in _CONTENT if olds.get(key) != news.get(key)]
        return DiffResult(changes=bool(replaces or changed), replaces=replaces, stables=[])

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Release the first version; one of that name that stands already is taken over."""
        outs = self._release(props)
        return CreateResult(f"{props['productId']}@{props['region']}", outs)

    def update(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """Release the new content."""
        return UpdateResult(self._release(news))

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Tell what AWS has: reads as no version where `up` has something to repair.

        That is where people cannot launch the version, because it is gone, off or deprecated, and where they can launch
        another one.
        """
        client = self.client("servicecatalog", props["region"])
        with explained(f"product {props['productId']}", "servicecatalog", props["region"]):
            try:
                known = artifacts(client, props["productId"])
            except client.exceptions.ResourceNotFoundException:
                return ReadResult("", {})
        live = [artifact["Name"] for artifact in known if _is_live(artifact)]
        return ReadResult(id_, props if live == [props["version"]] else {**props, "version": ""})

    def delete(self, _id: str, props: dict[str, Any]) -> None:
        """Refuse where something was launched from the product; else the product itself goes next, with all versions.

        A product that something was launched from cannot be deleted, and this is deleted before it: a refusal leaves
        everything as it is.
        """
        client = self.client("servicecatalog", props["region"])
        with explained(f"product {props['productId']}", "servicecatalog", props["region"]):
            reason = refusal(client, props["productId"], props["productId"], props["region"])
        if reason:
            raise AwsError(reason)

    def _release(self, props: dict[str, Any]) -> dict[str, Any]:
        client = self.client("servicecatalog", props["region"])
        with explained(f"version {props['version']}", "servicecatalog", props["region"]):
            artifact_id = release(client, props)
        return {**{key: props[key] for key in (*_PLACE, *_CONTENT, "description")}, "artifactId": artifact_id}


class ProductVersion(Resource, module="servicecatalog", name="ProductVersion"):
    """The version of a product that people launch."""

    def __init__(
        self,
        name: str,
        *,
        region: pulumi.Input[str],
        product_id: pulumi.Input[str],
        version: pulumi.Input[str],
        files: Mapping[str, str],
        template_url: pulumi.Input[str],
        keep_versions: int,
        opts: pulumi.ResourceOptions,
    ) -> None:
        props = {
            "region": region,
            "productId": product_id,
            "version": version,
            "files": files,
            "templateUrl": template_url,
            "keepVersions": keep_versions,
            "artifactId": None,
        }
        super().__init__(ProductVersionProvider(), name, props, opts)
