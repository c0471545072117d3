"""The stack's own portfolio: who finds it, what it offers, and whether a launch finds its files."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from components.catalog.catalog import studio_location
from components.catalog.distribution_bucket import STUDIO_ORIGIN
from components.catalog.product import STUDIO_VISIBILITY
from components.core.naming import STUDIO_LOCATION_TAG
from components.packaging import VersionName
from components.packaging.template import committed_environment, read_template
from components.providers.domain_tag import domain_tags
from components.providers.product_files import PROVISIONING_TAG, STUDIO_TAG, object_tags, seed_key, studio_prefix
from tools.doctor.findings import SkipError, Verdict, broken, ok, warning
from tools.doctor.places import Offer, Place
from tools.doctor.projects import judge_principals


def portfolio(place: Place) -> Verdict:
    """The portfolio exists."""
    name = place.account.names.portfolio.value
    if place.found_portfolio is None:
        return broken(f"no portfolio of this account is named {name!r}", place.account.deploy)
    return ok(f"{place.portfolio_id}, {name!r}")


def catalog_principals(place: Place) -> Verdict:
    """Whom the stack file names may launch."""
    wanted = place.account.catalog.principals
    if not wanted:
        return warning(
            f"catalog.principals is empty, so nobody sees {place.portfolio_id} but whom others have associated",
            f"name roles, or patterns of them, under sm-mlops:catalog.principals; then `{place.account.deploy}`",
        )
    return judge_principals(place, place.portfolio_id, wanted, place.portfolio_principals)


def studio_cors(place: Place) -> Verdict:
    """Studio's pages may read the distribution bucket from their own origin."""
    _ = place.studio_domains
    try:
        rules = place.client("s3").get_bucket_cors(Bucket=place.bucket)["CORSRules"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchCORSConfiguration":
            raise
        rules = []
    if any(STUDIO_ORIGIN in rule["AllowedOrigins"] and "GET" in rule["AllowedMethods"] for rule in rules):
        return ok(f"{place.bucket} lets {STUDIO_ORIGIN} read")
    return broken(f"no CORS rule of {place.bucket} lets {STUDIO_ORIGIN} read", place.account.up)


def studio_domain_tag(place: Place) -> Verdict:
    """Each domain tells Studio where the templates are."""
    client, wanted = place.client("sagemaker"), studio_location(place.bucket)
    faults = []
    for domain in place.studio_domains:
        try:
            arn = client.describe_domain(DomainId=domain)["DomainArn"]
        except client.exceptions.ResourceNotFound:
            faults.append(f"there is no domain {domain}")
            continue
        found = domain_tags(client, arn).get(STUDIO_LOCATION_TAG)
        if found != wanted:
            faults.append(f"{arn} has {STUDIO_LOCATION_TAG} {found or 'not at all'}, not {wanted}")
    if faults:
        return broken("; ".join(faults), place.account.up)
    return ok(f"{', '.join(place.studio_domains)}: {STUDIO_LOCATION_TAG} is {wanted}")


def product(offer: Offer) -> Verdict:
    """The product exists."""
    if offer.product_name not in offer.place.products:
        return broken(f"no product is named {offer.product_name!r}", offer.account.deploy)
    return ok(f"{offer.product_id}, {offer.product_name!r}")


def product_tag(offer: Offer) -> Verdict:
    """The product has the tag without which Studio does not offer it."""
    tags = offer.place.client("servicecatalog").describe_product_as_admin(Id=offer.product_id).get("Tags", [])
    found = {tag["Key"]: tag["Value"] for tag in tags}
    (key, wanted), *_ = STUDIO_VISIBILITY.items()
    if found.get(key) != wanted:
        return broken(f"{offer.product_id} has tag {key} {found.get(key, 'not at all')}", offer.account.up)
    return ok(f"{offer.product_id} has tag {key}={wanted}")


def product_association(offer: Offer) -> Verdict:
    """The portfolio offers the product."""
    found = offer.portfolio_ids
    if offer.place.portfolio_id not in found:
        return broken(
            f"{offer.product_id} is in {', '.join(found) or 'no portfolio'}, not in {offer.place.portfolio_id}",
            offer.account.up,
        )
    return ok(f"{offer.place.portfolio_id} offers {offer.product_id}")


def product_version(offer: Offer) -> Verdict:
    """People launch the version that this checkout publishes."""
    wanted, live = offer.wanted_version, offer.live
    own = next((item for item in offer.versions if item["Name"] == wanted), None)
    if own is not None and not (own["Active"] and own.get("Guidance", "DEFAULT") == "DEFAULT"):
        state = "deprecated" if own["Active"] else "switched off"
        return broken(f"{wanted} ({own['Id']}) of {offer.product_id} is {state}", offer.account.up)
    if live is None:
        return broken(f"no version of {offer.product_id} can be launched", offer.account.up)
    if own is None:
        return warning(
            f"people launch {live['Name']} ({live['Id']}); this checkout would publish {wanted}: "
            f"{_difference(live['Name'], offer.wanted)}",
            f"`{offer.account.deploy}` publishes it, if that is meant",
        )
    name = offer.wanted
    parts = f"content {name.of_content}, environment {name.environment}"
    return ok(f"{wanted} ({own['Id']}) is active and the default; {parts}")


def _difference(live: str, wanted: VersionName) -> str:
    """Which part of a version's name differs."""
    before = VersionName.read(live)
    if before is None:
        return "its name is of an earlier release, which had one hash"
    if before.of_content == wanted.of_content:
        return f"the content is the same, what the environment fills in is not ({before.environment})"
    other = "" if before.environment == wanted.environment else ", and what the environment fills in is not the same"
    return f"the content is not the same ({before.of_content}){other}"


def launch_constraint(offer: Offer) -> Verdict:
    """A launch runs as the launch role, not with the rights of whoever launches."""
    client, account, where = offer.place.client("servicecatalog"), offer.account, offer.place.portfolio_id
    if where not in offer.portfolio_ids:
        raise SkipError("needs the product in the portfolio: see `product-association`")
    pages = client.get_paginator("list_constraints_for_portfolio").paginate(
        PortfolioId=where, ProductId=offer.product_id
    )
    ids = [item["ConstraintId"] for page in pages for item in page["ConstraintDetails"] if item["Type"] == "LAUNCH"]
    if not ids:
        return broken(f"{where} has no launch constraint for {offer.product_id}", account.up)
    role = account.role_facts.launch_role_arn
    wanted = {"LocalRoleName": role.rpartition("/")[2]} if account.catalog.shares else {"RoleArn": role}
    found = json.loads(client.describe_constraint(Id=ids[0])["ConstraintParameters"])
    if found != wanted:
        return broken(f"{ids[0]} launches {offer.product_id} as {_role(found)}, not as {_role(wanted)}", account.up)
    return ok(f"{ids[0]} launches as {_role(found)}")


def _role(parameters: Mapping[str, str]) -> str:
    return ", ".join(map(str, parameters.values()))


def template_object(offer: Offer) -> Verdict:
    """The template of the version that people launch is in the bucket, and launch roles may read it."""
    return _judge_object(offer, offer.live_template_key, PROVISIONING_TAG)


def seed_object(offer: Offer) -> Verdict:
    """The seed code that this template names is there, and launch roles may read it."""
    if not offer.source.environment.get("Seed"):
        raise SkipError("the template names no seed code")
    if offer.live_version == offer.wanted_version:
        return _judge_object(offer, seed_key(offer.source), PROVISIONING_TAG)
    client = offer.place.client("s3")
    try:
        body = client.get_object(Bucket=offer.place.bucket, Key=offer.live_template_key)["Body"]
    except client.exceptions.NoSuchKey:
        raise SkipError("needs the template: see `template-object`") from None
    template = read_template(body.read().decode(), lambda _line, _reason: None)
    key = committed_environment(template).get("Seed", {}).get("Key") if template else None
    if not key:
        raise SkipError(f"the template of {offer.live_template_key} names no seed code")
    return _judge_object(offer, key, PROVISIONING_TAG)


def studio_object(offer: Offer) -> Verdict:
    """Studio's own list has a copy of the template."""
    _ = offer.place.studio_domains
    return _judge_object(offer, f"{studio_prefix(offer.slug)}{offer.wanted_version}.yaml", STUDIO_TAG)


def _judge_object(offer: Offer, key: str, tag: str) -> Verdict:
    client, bucket = offer.place.client("s3"), offer.place.bucket
    url = f"s3://{bucket}/{key}"
    found = object_tags(client, bucket, key)
    if found.get(tag) == "true":
        return ok(f"{url} has tag {tag}=true")
    if found or _is_there(client, bucket, key):
        return broken(
            f"{url} has tag {tag} {found.get(tag, 'not at all')}, so a launch may not read it", offer.account.up
        )
    return broken(f"{url} is not there", offer.account.up)


def _is_there(client: Any, bucket: str, key: str) -> bool:  # noqa: ANN401 - a botocore client
    try:
        listed = client.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1).get("Contents", [])
    except client.exceptions.NoSuchBucket:
        return False
    return any(item["Key"] == key for item in listed)


PLACE_CHECKS: tuple[Callable[[Place], Verdict], ...] = (portfolio, catalog_principals, studio_cors, studio_domain_tag)
"""What is looked at in each region of the catalog."""

OFFER_CHECKS: tuple[Callable[[Offer], Verdict], ...] = (
    product,
    product_tag,
    product_association,
    product_version,
    launch_constraint,
    template_object,
    seed_object,
    studio_object,
)
"""What is looked at for each product in each region of the catalog."""
