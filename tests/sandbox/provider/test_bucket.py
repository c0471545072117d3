"""What resources of their own set on a bucket shows in the bucket too, once it is looked at again."""

import json
import re

import pytest

from components.foundation.private_bucket import SET_BESIDE
from sandbox.provider.values import Properties
from tests.contract.rows import rows
from tests.sandbox.support.engine import Engine, Kept

BUCKET = "aws:s3/bucket:Bucket"
NAME = "set-beside"
GUARD = sorted(re.sub(r"_(\w)", lambda found: found[1].upper(), name) for name in SET_BESIDE)
POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"}],
}
KEY = "1234abcd-12ab-34cd-56ef-1234567890ab"
ENCRYPTION = {
    "applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": KEY},
    "bucketKeyEnabled": True,
}
BESIDE: dict[str, Properties] = {
    "BucketCorsConfiguration": {"corsRules": [{"allowedMethods": ["GET"], "allowedOrigins": ["https://example.com"]}]},
    "BucketLifecycleConfiguration": {
        "rules": [{"id": "old", "status": "Enabled", "filter": {"prefix": "a/"}, "expiration": {"days": 30}}]
    },
    "BucketPolicy": {"policy": json.dumps(POLICY)},
    "BucketServerSideEncryptionConfiguration": {"rules": [ENCRYPTION]},
    "BucketVersioning": {"versioningConfiguration": {"status": "Enabled"}},
}


@pytest.fixture(scope="module")
def bucket(engine: Engine) -> Kept:
    """A bucket that is refreshed after other resources set what they set."""
    made = engine.create(BUCKET, {"bucket": NAME})
    assert engine.diff(made, {"bucket": NAME}).kinds == {}
    for kind, inputs in BESIDE.items():
        engine.create(f"aws:s3/{kind[0].lower()}{kind[1:]}:{kind}", {"bucket": NAME, **inputs})
    refreshed = engine.refresh(made)
    assert refreshed is not None
    return refreshed


def test_a_refresh_brings_it_into_the_buckets_state_and_not_into_its_inputs(bucket: Kept) -> None:
    assert bucket.inputs.keys() & set(GUARD) == set()
    assert {name: bucket.outputs[name] for name in GUARD} == {
        "corsRules": BESIDE["BucketCorsConfiguration"]["corsRules"],
        "lifecycleRules": [{"id": "old", "enabled": True, "prefix": "a/", "expiration": {"days": 30}}],
        "policy": json.dumps(POLICY),
        "serverSideEncryptionConfiguration": {"rule": ENCRYPTION},
        "versioning": {"enabled": True, "mfaDelete": False},
    }


def test_only_a_bucket_that_ignores_all_of_it_shows_no_difference(engine: Engine, bucket: Kept) -> None:
    def shown(ignored: list[str]) -> set[str]:
        kinds = engine.diff(bucket, {"bucket": NAME}, ignore=ignored).kinds
        return {re.split(r"[.\[]", path)[0] for path in kinds}

    assert shown([]) == set(GUARD)
    assert shown(GUARD) == set()
    for name in GUARD:
        misspelt = [one if one != name else f"{name}s" for one in GUARD]
        assert shown(misspelt) == {name}


def test_an_update_leaves_it_to_the_other_resources(engine: Engine, bucket: Kept) -> None:
    updated = engine.update(bucket, {"bucket": NAME, "tags": {"a": "b"}})
    assert {name: updated.outputs[name] for name in GUARD} == {name: bucket.outputs[name] for name in GUARD}


def test_it_is_what_the_contract_says_that_a_read_brings() -> None:
    brought = {
        name for name, text in rows()[BUCKET].filled_in.items() if re.search("included|each bucket has one", text)
    }
    assert brought == set(GUARD)
