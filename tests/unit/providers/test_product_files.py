"""Publishing: under keys that carry their content's hash, once, with the tags that launches and Studio need."""

from pathlib import Path
from typing import Any, BinaryIO

import pytest

from components import packaging
from components.packaging import seed_code
from components.providers.aws_access import AwsError
from components.providers.product_files import ProductFilesProvider, seed_key, template_key
from tests.support.played_aws import Clients, Refused

SLUG = "model-deploy"
PROVISIONING = {"servicecatalog:provisioning": "true"}


class Bucket:
    """S3 with one bucket; counts the bytes that it is sent, and lists one object to a page."""

    def __init__(self) -> None:
        self.objects: dict[str, tuple[bytes, dict[str, str]]] = {}
        self.received = 0
        self.calls: list[str] = []
        self.gone = False

    def GetObjectTagging(self, *, Key: str, **_: object) -> dict[str, Any]:
        if Key not in self.objects:
            raise Refused("NoSuchKey")
        return {"TagSet": [{"Key": key, "Value": value} for key, value in self.objects[Key][1].items()]}

    def PutObject(self, *, Key: str, Body: BinaryIO, Tagging: str, **_: object) -> None:
        content = Body.read()
        self.received += len(content)
        self.objects[Key] = (content, dict(pair.split("=") for pair in Tagging.split("&")))

    def DeleteObject(self, *, Key: str, **_: object) -> None:
        del self.objects[Key]

    def ListObjectsV2(self, *, Prefix: str, ContinuationToken: str = "", **_: object) -> dict[str, Any]:
        if self.gone:
            raise Refused("NoSuchBucket")
        keys = sorted(key for key in self.objects if key.startswith(Prefix) and key > ContinuationToken)
        more = {"NextContinuationToken": keys[0]} if len(keys) > 1 else {}
        return {"Contents": [{"Key": key} for key in keys[:1]], "IsTruncated": bool(more), **more}


class Provider(ProductFilesProvider):
    """The provider with a bucket of the test's own."""

    def __init__(self, bucket: Bucket) -> None:
        self._clients = Clients(bucket)

    def client(self, service: str, region: str) -> Any:
        assert (service, region) == ("s3", "eu-west-1")
        return self._clients.client(service, region)


def props(studio_version: str | None = None, **changes: object) -> dict[str, Any]:
    product = seed_code.product(SLUG)
    environment = {group: dict(values) for group, values in product.environment.items()}
    return {
        "region": "eu-west-1",
        "bucket": "products",
        "product": SLUG,
        "environment": environment,
        "contentDigest": product.content_digest,
        "hashes": product.version_name(environment).hashes,
        "studioKey": f"studio/{SLUG}.{studio_version}.yaml" if studio_version else None,
        **changes,
    }


def keys() -> set[str]:
    return {seed_key(seed_code.product(SLUG)), template_key(SLUG, props()["hashes"])}


def test_a_release_is_one_zip_and_one_template_both_tagged() -> None:
    bucket = Bucket()
    outs = Provider(bucket).create(props()).outs
    assert outs is not None
    assert set(bucket.objects) == keys() == {outs["seedKey"], outs["templateKey"]}
    assert all(tags == PROVISIONING for _, tags in bucket.objects.values())
    assert bucket.objects[outs["seedKey"]][0] == seed_code.product(SLUG).seed_zip()


def test_publishing_again_sends_nothing() -> None:
    bucket = Bucket()
    provider = Provider(bucket)
    provider.create(props())
    sent = bucket.received
    provider.create(props())
    provider.update("id", props(), props())
    assert bucket.received == sent > 0


def test_another_environment_has_a_template_of_its_own_beside_the_other() -> None:
    bucket = Bucket()
    provider, product = Provider(bucket), seed_code.product(SLUG)
    provider.create(props())
    values = {group: {key: f"{key} of prod" for key in inner} for group, inner in product.environment.items()}
    provider.create(props(environment=values, hashes=product.version_name(values).hashes))
    templates = {key: body for key, (body, _) in bucket.objects.items() if key.endswith(".yaml")}
    assert len(templates) == len(set(templates.values())) == 2
    assert len({key.rpartition("/")[2].partition(".")[0] for key in templates}) == 1, "the content is the same"


def test_studio_finds_the_newest_template_only_and_the_others_stay_where_they_are() -> None:
    bucket = Bucket()
    provider = Provider(bucket)
    provider.create(props("1.0.0-a"))
    provider.update("id", props("1.0.0-a"), props("1.0.0-b"))
    studio = {key: tags for key, (_, tags) in bucket.objects.items() if key.startswith("studio/")}
    assert studio == {f"studio/{SLUG}.1.0.0-b.yaml": {**PROVISIONING, "sagemaker:studio-visibility": "true"}}
    assert keys() < set(bucket.objects)
    provider.update("id", props("1.0.0-b"), props())
    assert set(bucket.objects) == keys()


def test_leaving_the_program_takes_the_template_off_studios_list_and_nothing_else() -> None:
    bucket = Bucket()
    provider = Provider(bucket)
    outs = provider.create(props("1.0.0-a")).outs
    assert outs is not None
    provider.delete("id", outs)
    assert set(bucket.objects) == keys()


def test_leaving_with_the_bucket_gone_is_no_fault() -> None:
    bucket = Bucket()
    outs = Provider(bucket).create(props("1.0.0-a")).outs
    assert outs is not None
    bucket.gone = True
    Provider(bucket).delete("id", outs)


@pytest.mark.parametrize("damage", ["gone", "untagged"])
@pytest.mark.parametrize("kind", ["seedKey", "templateKey", "studioKey"])
def test_a_file_that_is_gone_or_lost_its_tag_shows_and_is_repaired(damage: str, kind: str) -> None:
    bucket = Bucket()
    provider = Provider(bucket)
    outs = provider.create(props("1.0.0-a")).outs
    assert outs is not None
    assert provider.read("id", outs).outs == outs
    body, _ = bucket.objects.pop(outs[kind])
    if damage == "untagged":
        bucket.objects[outs[kind]] = (body, {})
    drifted = provider.read("id", outs).outs
    assert drifted is not None
    assert provider.diff("id", drifted, props("1.0.0-a")).changes is True
    provider.update("id", drifted, props("1.0.0-a"))
    assert provider.read("id", outs).outs == outs


@pytest.mark.parametrize("changed", [{"contentDigest": "0" * 16}, {"hashes": "00000000.00000000"}])
def test_a_folder_that_changed_since_the_preview_is_not_published(changed: dict[str, str]) -> None:
    bucket = Bucket()
    with pytest.raises(AwsError, match="the folder has changed since the preview; run the command again"):
        Provider(bucket).create(props(**changed))
    assert bucket.objects == {}


def test_unchanged_content_is_no_difference_and_another_bucket_is_another_resource() -> None:
    provider = Provider(Bucket())
    assert provider.diff("id", {**props(), "seedKey": "key", "__provider": "x"}, props()).changes is False
    assert provider.diff("id", props(), props(bucket="other")).replaces == ["bucket"]


def test_the_folder_of_products_is_beside_the_components() -> None:
    assert (seed_code.SEED_CODE / SLUG / "template.yaml").is_file()
    assert Path(packaging.__file__).parents[2] == seed_code.SEED_CODE.parent


def test_files_that_only_studio_offers_tell_what_is_new_in_them() -> None:
    provider = Provider(Bucket())
    before = provider.check({}, props("1.0.0-a", files={"template.yaml": "1"})).inputs
    after = provider.check(before, props("1.0.0-b", files={"template.yaml": "2"})).inputs
    assert before["description"].startswith("First version.")
    assert after["description"].startswith("Changed: template.yaml.")
    assert "description" not in provider.check({}, props()).inputs
