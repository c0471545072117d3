"""A product's files in S3: the template that is launched and the zip that becomes a project's first commit.

A key carries the hash of its content, so nothing is ever overwritten, and nothing is deleted: a project that was made
from an old version can still be updated. Only the copies for Studio's own list of templates come and go, because Studio
offers every one that it finds.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi.dynamic import CheckResult, CreateResult, DiffResult, ReadResult, Resource, UpdateResult

from components.packaging import Product, seed_code
from components.providers.aws_access import AwsError, AwsResourceProvider, explained
from components.providers.release_note import noted

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

PROVISIONING_TAG = "servicecatalog:provisioning"
"""Object tag without which the launch roles of SageMaker Projects may not read an object."""

STUDIO_TAG = "sagemaker:studio-visibility"
"""Object tag without which Studio does not list a template."""

_PLACE = ("region", "bucket", "product")
_CONTENT = ("contentDigest", "hashes", "studioKey")


def seed_key(product: Product) -> str:
    """Key of the zip of a product's repository."""
    return f"products/{product.slug}/seed/{product.seed_digest[:16]}.zip"


def template_key(slug: str, hashes: str) -> str:
    """Key of a template that is filled in: the hashes of its version."""
    return f"products/{slug}/template/{hashes}.yaml"


def studio_prefix(slug: str) -> str:
    """Start of the keys under which Studio finds a product's template; the version follows."""
    # A dot, which no folder's name has: with a dash, `model` would be the start of `model-deploy`, too.
    return f"studio/{slug}."


def _put(client: "S3Client", bucket: str, key: str, body: bytes, tags: str) -> None:
    """Upload an object with its tags, unless the bucket has it: the same key is the same content."""
    if not object_tags(client, bucket, key).items() >= dict(pair.split("=") for pair in tags.split("&")).items():
        client.put_object(Bucket=bucket, Key=key, Body=body, Tagging=tags)


def object_tags(client: "S3Client", bucket: str, key: str) -> dict[str, str]:
    """Tags of an object; none where there is no such object."""
    try:
        tags = client.get_object_tagging(Bucket=bucket, Key=key)["TagSet"]
    except client.exceptions.ClientError as error:
        if error.response["Error"]["Code"] in ("NoSuchKey", "NoSuchBucket", "404"):
            return {}
        raise
    return {tag["Key"]: tag["Value"] for tag in tags}


def publish(client: "S3Client", props: Mapping[str, Any], product: Product) -> None:
    """Bring the product's files into the bucket; what is there already is not sent again.

    Raises:
        AwsError: the folder is not what the preview showed.
    """
    text, hashes = product.render(props["environment"]), product.version_name(props["environment"]).hashes
    if (product.content_digest, hashes) != (props["contentDigest"], props["hashes"]):
        raise AwsError(f"{props['product']}: the folder has changed since the preview; run the command again")
    provisioning = f"{PROVISIONING_TAG}=true"
    _put(client, props["bucket"], seed_key(product), product.seed_zip(), provisioning)
    _put(client, props["bucket"], template_key(product.slug, hashes), text.encode(), provisioning)
    if props.get("studioKey"):
        _put(client, props["bucket"], props["studioKey"], text.encode(), f"{provisioning}&{STUDIO_TAG}=true")
    _forget_studio_copies(client, props["bucket"], product.slug, keep=props.get("studioKey"))


def _forget_studio_copies(client: "S3Client", bucket: str, slug: str, keep: str | None) -> None:
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=studio_prefix(slug)):
        for item in page.get("Contents", ()):
            if item["Key"] != keep:
                client.delete_object(Bucket=bucket, Key=item["Key"])


class ProductFilesProvider(AwsResourceProvider):
    """Carries out uploads; the functions above do the work."""

    def check(self, olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Where nothing else tells of the release, these files do."""
        if news.get("files") is None:
            return CheckResult(news, [])
        return CheckResult(noted(olds, news, ("hashes", "studioKey")), [])

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        """Another place is another resource; other content is another upload."""
        replaces = [key for key in _PLACE if olds.get(key) != news.get(key)]
        changed = [key for key in _CONTENT if olds.get(key) != news.get(key)]
        return DiffResult(changes=bool(replaces or changed), replaces=replaces, stables=[])

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Upload; files that are there already are taken over."""
        return CreateResult(f"{props['bucket']}/{props['product']}", self._publish(props))

    def update(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """Upload the new content beside the old."""
        return UpdateResult(self._publish(news))

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Tell what AWS has: a file that is gone or has lost its tag reads as no content, so that `up` repairs it."""
        client = self.client("s3", props["region"])
        with explained(f"files of {props['product']}", "s3", props["region"]):
            whole = all(
                object_tags(client, props["bucket"], props[key]).get(PROVISIONING_TAG) == "true"
                for key in ("seedKey", "templateKey")
            )
            studio = not props.get("studioKey") or (
                object_tags(client, props["bucket"], props["studioKey"]).get(STUDIO_TAG) == "true"
            )
        return ReadResult(id_, props if whole and studio else {**props, "contentDigest": ""})

    def delete(self, _id: str, props: dict[str, Any]) -> None:
        """Take the template off Studio's list; the files stay for projects that were made from them."""
        client = self.client("s3", props["region"])
        with explained(f"files of {props['product']}", "s3", props["region"]):
            try:
                _forget_studio_copies(client, props["bucket"], props["product"], keep=None)
            except client.exceptions.NoSuchBucket:
                return

    def _publish(self, props: dict[str, Any]) -> dict[str, Any]:
        product = seed_code.product(props["product"])
        client = self.client("s3", props["region"])
        with explained(f"files of {product.slug}", "s3", props["region"]):
            publish(client, props, product)
        return {
            **{name: props.get(name) for name in (*_PLACE, *_CONTENT, "environment")},
            "seedKey": seed_key(product),
            "templateKey": template_key(product.slug, props["hashes"]),
        }


class ProductFiles(Resource, module="s3", name="ProductFiles"):
    """A product's template and seed code in the distribution bucket of one region."""

    def __init__(
        self,
        name: str,
        *,
        region: pulumi.Input[str],
        bucket: pulumi.Input[str],
        product: str,
        environment: pulumi.Input[Mapping[str, Mapping[str, str]]],
        content_digest: str,
        hashes: pulumi.Input[str],
        studio_key: pulumi.Input[str] | None,
        files: Mapping[str, str] | None,
        opts: pulumi.ResourceOptions,
    ) -> None:
        props = {
            "region": region,
            "bucket": bucket,
            "product": product,
            "environment": environment,
            "contentDigest": content_digest,
            "hashes": hashes,
            "studioKey": studio_key,
            "files": files,
            "seedKey": None,
            "templateKey": None,
        }
        super().__init__(ProductFilesProvider(), name, props, opts)
