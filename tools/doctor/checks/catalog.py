"""The stack's own portfolio: who finds it, what it offers, and whether a launch finds its files."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from components.catalog.publication import STUDIO_ORIGIN, STUDIO_VISIBILITY, studio_location
from components.core.naming import STUDIO_LOCATION_TAG
from components.packaging import VersionName
from components.packaging.template import committed_environment, read_template
from components.providers.domain_tag import domain_tags
from components.providers.product_files import PROVISIONING_TAG, STUDIO_TAG, object_tags, seed_key, studio_prefix
from tools.doctor.account import CatalogProduct, StackRegion
from tools.doctor.checks.projects import judge_principals
from tools.doctor.findings import SkipError, Verdict, broken, ok, warning

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client


def portfolio(region: StackRegion) -> Verdict:
    """Check that the portfolio exists."""
    name = region.account.names.portfolio.value
    if region.found_portfolio is None:
        return broken(f"no portfolio of this account is named {name!r}")
    return ok(f"{region.portfolio_id}, {name!r}")


def catalog_principals(region: StackRegion) -> Verdict:
    """Check that whom the stack file names may launch."""
    wanted = region.account.catalog.principals
    if not wanted:
        return warning(
            f"catalog.principals is empty, so nobody sees {region.portfolio_id} but whom others have associated",
            f"name roles, or patterns of them, under sm-mlops:catalog.principals; then `{region.account.deploy}`",
        )
    return judge_principals(region.portfolio_id, wanted, region.portfolio_principals)


def studio_cors(region: StackRegion) -> Verdict:
    """Check that Studio's pages may read the distribution bucket from their own origin."""
    _ = region.studio_domains
    try:
        rules = region.client("s3").get_bucket_cors(Bucket=region.bucket)["CORSRules"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchCORSConfiguration":
            raise
        rules = []
    if any(STUDIO_ORIGIN in rule["AllowedOrigins"] and "GET" in rule["AllowedMethods"] for rule in rules):
        return ok(f"{region.bucket} lets {STUDIO_ORIGIN} read")
    return broken(f"no CORS rule of {region.bucket} lets {STUDIO_ORIGIN} read")


def studio_domain_tag(region: StackRegion) -> Verdict:
    """Check that each domain tells Studio where the templates are."""
    client, wanted = region.client("sagemaker"), studio_location(region.bucket)
    faults = []
    for domain in region.studio_domains:
        try:
            arn = client.describe_domain(DomainId=domain)["DomainArn"]
        except client.exceptions.ResourceNotFound:
            faults.append(f"there is no domain {domain}")
            continue
        found = domain_tags(client, arn).get(STUDIO_LOCATION_TAG)
        if found != wanted:
            faults.append(f"{arn} has {STUDIO_LOCATION_TAG} {found or 'not at all'}, not {wanted}")
    if faults:
        return broken("; ".join(faults))
    return ok(f"{', '.join(region.studio_domains)}: {STUDIO_LOCATION_TAG} is {wanted}")


def product(product: CatalogProduct) -> Verdict:
    """Check that the product exists."""
    if product.product_name not in product.region.products:
        return broken(f"no product is named {product.product_name!r}")
    return ok(f"{product.product_id}, {product.product_name!r}")


def product_tag(product: CatalogProduct) -> Verdict:
    """Check that the product has the tag without which Studio does not offer it."""
    tags = product.region.client("servicecatalog").describe_product_as_admin(Id=product.product_id).get("Tags", [])
    found = {tag["Key"]: tag["Value"] for tag in tags}
    (key, wanted), *_ = STUDIO_VISIBILITY.items()
    if found.get(key) != wanted:
        return broken(f"{product.product_id} has tag {key} {found.get(key, 'not at all')}")
    return ok(f"{product.product_id} has tag {key}={wanted}")


def product_association(product: CatalogProduct) -> Verdict:
    """Check that the portfolio offers the product."""
    found = product.portfolio_ids
    if product.region.portfolio_id not in found:
        return broken(
            f"{product.product_id} is in {', '.join(found) or 'no portfolio'}, not in {product.region.portfolio_id}"
        )
    return ok(f"{product.region.portfolio_id} offers {product.product_id}")


def product_version(product: CatalogProduct) -> Verdict:
    """Check that people launch the version that this checkout publishes."""
    wanted, live = product.wanted_version, product.live
    own = next((item for item in product.versions if item["Name"] == wanted), None)
    if own is not None and not (own["Active"] and own.get("Guidance", "DEFAULT") == "DEFAULT"):
        state = "deprecated" if own["Active"] else "switched off"
        return broken(f"{wanted} ({own['Id']}) of {product.product_id} is {state}")
    if live is None:
        return broken(f"no version of {product.product_id} can be launched")
    if own is None:
        return warning(
            f"people launch {live['Name']} ({live['Id']}); this checkout would publish {wanted}: "
            f"{_difference(live['Name'], product.wanted)}",
            f"`{product.account.deploy}` publishes it, if that is meant",
        )
    name = product.wanted
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


def launch_constraint(product: CatalogProduct) -> Verdict:
    """Check that a launch runs as the launch role, not with the rights of whoever launches."""
    client, account, where = product.region.client("servicecatalog"), product.account, product.region.portfolio_id
    if where not in product.portfolio_ids:
        raise SkipError("needs the product in the portfolio: see `product-association`")
    pages = client.get_paginator("list_constraints_for_portfolio").paginate(
        PortfolioId=where, ProductId=product.product_id
    )
    ids = [item["ConstraintId"] for page in pages for item in page["ConstraintDetails"] if item["Type"] == "LAUNCH"]
    if not ids:
        return broken(f"{where} has no launch constraint for {product.product_id}")
    role = account.role_facts.launch_role_arn
    wanted = {"LocalRoleName": role.rpartition("/")[2]} if account.catalog.shares else {"RoleArn": role}
    found = json.loads(client.describe_constraint(Id=ids[0])["ConstraintParameters"])
    if found != wanted:
        return broken(f"{ids[0]} launches {product.product_id} as {_role(found)}, not as {_role(wanted)}")
    return ok(f"{ids[0]} launches as {_role(found)}")


def _role(parameters: Mapping[str, str]) -> str:
    return ", ".join(map(str, parameters.values()))


def template_object(product: CatalogProduct) -> Verdict:
    """Check that the template of the version that people launch is in the bucket, and launch roles may read it."""
    return _judge_object(product, product.live_template_key, PROVISIONING_TAG)


def seed_object(product: CatalogProduct) -> Verdict:
    """Check that the seed code that this template names is there, and launch roles may read it."""
    if not product.source.environment.get("Seed"):
        raise SkipError("the template names no seed code")
    if product.live_version == product.wanted_version:
        return _judge_object(product, seed_key(product.source), PROVISIONING_TAG)
    client = product.region.client("s3")
    try:
        body = client.get_object(Bucket=product.region.bucket, Key=product.live_template_key)["Body"]
    except client.exceptions.NoSuchKey:
        raise SkipError("needs the template: see `template-object`") from None
    template = read_template(body.read().decode(), lambda _line, _reason: None)
    key = committed_environment(template).get("Seed", {}).get("Key") if template else None
    if not key:
        raise SkipError(f"the template of {product.live_template_key} names no seed code")
    return _judge_object(product, key, PROVISIONING_TAG)


def studio_object(product: CatalogProduct) -> Verdict:
    """Check that Studio's own list has a copy of the template."""
    _ = product.region.studio_domains
    return _judge_object(product, f"{studio_prefix(product.slug)}{product.wanted_version}.yaml", STUDIO_TAG)


def _judge_object(product: CatalogProduct, key: str, tag: str) -> Verdict:
    client, bucket = product.region.client("s3"), product.region.bucket
    url = f"s3://{bucket}/{key}"
    found = object_tags(client, bucket, key)
    if found.get(tag) == "true":
        return ok(f"{url} has tag {tag}=true")
    if found or _is_there(client, bucket, key):
        return broken(f"{url} has tag {tag} {found.get(tag, 'not at all')}, so a launch may not read it")
    return broken(f"{url} is not there")


def _is_there(client: "S3Client", bucket: str, key: str) -> bool:
    try:
        listed = client.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1).get("Contents", [])
    except client.exceptions.NoSuchBucket:
        return False
    return any(item["Key"] == key for item in listed)
