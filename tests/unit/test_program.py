"""The whole program with each committed stack file: what holds for every resource of every kind."""

import json
import re
from pathlib import Path

import pytest

from awsmodel.regions import known_regions
from tests.support.delivery_example import SECTION, example
from tests.support.recording import ROOT, Recording, Registration, run_program, stack_values

GOLDEN = Path(__file__).parent / "golden"
GLOBAL_SERVICES = ("aws:iam/", "aws:budgets/")
TAGGED = {
    "aws:codecommit/repository:Repository",
    "aws:codeconnections/connection:Connection",
    "aws:codestarnotifications/notificationRule:NotificationRule",
    "aws:kms/key:Key",
    "aws:s3/bucket:Bucket",
    "aws:iam/policy:Policy",
    "aws:iam/role:Role",
    "aws:servicecatalog/portfolio:Portfolio",
    "aws:servicecatalog/product:Product",
    "aws:sns/topic:Topic",
}
STATEFUL = {"aws:codecommit/repository:Repository", "aws:kms/key:Key", "aws:s3/bucket:Bucket"}
BUCKET_PARTS = {
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": "defaults to other keys",
    "aws:s3/bucketVersioning:BucketVersioning": "loses what is overwritten",
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": "could be made public",
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": "could hold objects that it does not own",
    "aws:s3/bucketPolicy:BucketPolicy": "answers plain HTTP",
}


def custom(recording: Recording) -> list[Registration]:
    return [resource for resource in recording.resources if resource.request.custom]


def parts(recording: Recording, bucket: Registration, part_type: str) -> list[Registration]:
    return [part for part in recording.of_type(part_type) if part.inputs["bucket"] == bucket.inputs["bucket"]]


def is_refused(policy: dict[str, object], condition: dict[str, object]) -> bool:
    statements = policy["Statement"]
    assert isinstance(statements, list)
    return any(
        statement["Effect"] == "Deny" and statement["Principal"] == "*" and statement["Condition"] == condition
        for statement in statements
    )


def test_logical_names_are_the_agreed_ones(committed: Recording) -> None:
    """A changed logical name replaces the resource in every stack: rename with an alias, then edit the list."""
    registered = sorted(resource.urn for resource in committed.resources)
    stack = registered[0].split(":")[2]
    assert registered == (GOLDEN / f"{stack}-urns.txt").read_text().split()


def of_iam(recording: Recording) -> list[str]:
    return [one.urn for one in custom(recording) if re.search(r"(^|:|/)iam[:/]", one.type)]


def test_with_every_role_supplied_nothing_is_registered_in_iam(locked_down: Recording, dev: Recording) -> None:
    """Appendix B's separation of duties: whoever deploys needs no right to make a role."""
    assert of_iam(locked_down) == []
    assert of_iam(dev), "this is how one would be found"


@pytest.mark.usefixtures("no_lookup")
def test_nor_is_it_with_all_pipelines_that_there_are() -> None:
    options = {"options": [{"name": "plain", "region": "us-east-2"}]}
    pipelines = {SECTION: example(pullRequests="comment"), "sm-mlops:deploymentTests": options}
    delivering = run_program({**stack_values("locked-down"), **pipelines}, "locked-down")
    assert len(delivering.of_type("aws:codepipeline/pipeline:Pipeline")) == 4
    assert of_iam(delivering) == []


@pytest.fixture
def no_lookup(monkeypatch: pytest.MonkeyPatch) -> None:
    """No network is looked up."""
    monkeypatch.setattr("components.preflight.check", lambda *_: {})


def test_every_regional_resource_states_a_region(committed: Recording) -> None:
    for resource in custom(committed):
        if not resource.type.startswith(GLOBAL_SERVICES):
            assert resource.region in known_regions(), f"{resource.name} would land in the default region"


def test_every_bucket_is_made_whole_and_in_one_region(committed: Recording) -> None:
    buckets = committed.of_type("aws:s3/bucket:Bucket")
    assert len(buckets) == len(committed.outputs["artifactStores"]) + 1, "artifacts in each region, the catalog in one"
    for bucket in buckets:
        for part_type, otherwise in BUCKET_PARTS.items():
            found = parts(committed, bucket, part_type)
            assert len(found) == 1, f"{bucket.name} {otherwise}"
            assert found[0].region == bucket.region, f"{found[0].name} would be looked for in {found[0].region}"


def test_every_artifact_bucket_expires_what_it_holds_and_the_catalog_keeps_it(committed: Recording) -> None:
    """An expired artifact is made again; an expired template would leave projects that nobody can update."""
    expiring = committed.of_type("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration")
    assert len(expiring) == len(committed.outputs["artifactStores"])
    assert all("-artifacts-" in lifecycle.inputs["bucket"] for lifecycle in expiring)


def test_every_artifact_bucket_encrypts_with_a_key_of_its_own_region(committed: Recording) -> None:
    keys = {
        f"arn:aws:kms:{key.region}:111122223333:key/{key.name}-id": key for key in committed.of_type("aws:kms/key:Key")
    }
    kind = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
    for encryption in committed.of_type(kind):
        (rule,) = encryption.inputs["rules"]
        default = rule["applyServerSideEncryptionByDefault"]
        if "-products-" in encryption.inputs["bucket"]:
            assert default == {"sseAlgorithm": "AES256"}, "launch roles of other accounts could not read it"
            continue
        assert default["sseAlgorithm"] == "aws:kms"
        assert keys[default["kmsMasterKeyId"]].region == encryption.region
        assert rule["bucketKeyEnabled"] is True, "every object would cost a KMS request"


def test_every_bucket_is_versioned_private_and_owned(committed: Recording) -> None:
    for versioning in committed.of_type("aws:s3/bucketVersioning:BucketVersioning"):
        assert versioning.inputs["versioningConfiguration"] == {"status": "Enabled"}
    for block in committed.of_type("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"):
        switches = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
        assert all(block.inputs[switch] is True for switch in switches)
    for ownership in committed.of_type("aws:s3/bucketOwnershipControls:BucketOwnershipControls"):
        assert ownership.inputs["rule"] == {"objectOwnership": "BucketOwnerEnforced"}


def test_every_bucket_refuses_plain_http(committed: Recording) -> None:
    for policy in committed.of_type("aws:s3/bucketPolicy:BucketPolicy"):
        assert is_refused(policy.policy(), {"Bool": {"aws:SecureTransport": "false"}}), policy.name


def test_every_topic_is_encrypted_and_refuses_plain_http(committed: Recording) -> None:
    (topic,) = committed.of_type("aws:sns/topic:Topic")
    assert topic.inputs["kmsMasterKeyId"] == "arn:aws:kms:us-east-2:111122223333:key/notifications-key-id"
    (policy,) = committed.of_type("aws:sns/topicPolicy:TopicPolicy")
    assert is_refused(policy.policy(), {"Bool": {"aws:SecureTransport": "false"}})


def test_every_key_rotates(committed: Recording) -> None:
    for key in committed.of_type("aws:kms/key:Key"):
        assert key.inputs["enableKeyRotation"] is True


def test_no_resource_lets_anybody_in_without_a_condition(committed: Recording) -> None:
    """Every allow names its principal; a service is further bound to what it acts for."""
    documents = [resource for resource in custom(committed) if "policy" in resource.inputs]
    guarding = [resource for resource in documents if not resource.type.startswith("aws:iam/")]
    assert guarding
    for resource in guarding:
        for statement in resource.policy()["Statement"]:
            if statement["Effect"] == "Allow":
                assert statement["Principal"] != "*", resource.name
                assert "*" not in statement["Action"], resource.name
                if "Service" in statement["Principal"]:
                    assert "Condition" in statement, f"{resource.name}: {statement['Sid']}"


def test_every_resource_that_takes_tags_carries_them(committed: Recording) -> None:
    for resource in custom(committed):
        if resource.type in TAGGED:
            assert resource.inputs["tags"]["mlops:project"] == "sm-mlops", resource.name
            assert "cost-center" in resource.inputs["tags"], resource.name


def test_what_must_not_be_lost_is_protected_in_prod_only(dev: Recording, prod: Recording) -> None:
    for recording, guarded in ((dev, False), (prod, True)):
        for resource in custom(recording):
            assert resource.request.protect is (guarded and resource.type in STATEFUL), resource.name


def test_what_is_retained_keeps_what_guards_it(dev: Recording, prod: Recording) -> None:
    """A bucket that stays without its policy would answer plain HTTP, and be encrypted with other keys."""
    assert not [resource.name for resource in custom(dev) if resource.request.retainOnDelete]
    kept = {resource.type for resource in custom(prod) if resource.request.retainOnDelete}
    assert STATEFUL | set(BUCKET_PARTS) | {"aws:kms/alias:Alias"} <= kept
    left_open = {
        resource.name for resource in custom(prod) if resource.type in kept and not resource.request.retainOnDelete
    }
    assert left_open == set()


def test_no_resource_has_an_alias_that_is_not_explained(committed: Recording) -> None:
    """An alias is the trace of a rename: list it here with the release in which it may go."""
    renamed = [alias for resource in committed.resources for alias in resource.request.aliases if alias.spec.name]
    assert renamed == []


def test_only_buckets_that_are_not_retained_may_be_emptied(dev: Recording, prod: Recording) -> None:
    for recording, emptied in ((dev, True), (prod, False)):
        for bucket in recording.of_type("aws:s3/bucket:Bucket"):
            assert bucket.inputs["forceDestroy"] is emptied


def test_every_resource_belongs_to_a_component(committed: Recording) -> None:
    components = {resource.urn for resource in committed.resources if not resource.request.custom}
    assert all(resource.request.parent in components for resource in custom(committed))


def test_no_old_names_of_pulumi_aws_are_used(committed: Recording) -> None:
    assert not [resource.type for resource in committed.resources if resource.type.endswith("V2")]


def test_no_arn_of_another_partition_appears_in_china() -> None:
    values = stack_values("dev")
    values["aws:region"] = "cn-north-1"
    values["sm-mlops:artifacts"] = {"regions": ["cn-north-1"], "readerAccountIds": ["444455556666"]}
    values["sm-mlops:catalog"] = {"products": ["model-deploy"]}
    values["sm-mlops:projects"] = {"principals": ["arn:aws-cn:iam:::role/*DataScientist*"]}
    texts = [json.dumps(resource.inputs) for resource in custom(run_program(values))]
    assert not [text for text in texts if "arn:aws:" in text]
    assert [text for text in texts if "arn:aws-cn:iam::444455556666:root" in text]


def test_a_region_more_changes_nothing_of_the_others(dev: Recording) -> None:
    values = stack_values("dev")
    values["sm-mlops:artifacts"] = {
        **values["sm-mlops:artifacts"],
        "regions": ["ap-southeast-2", *values["sm-mlops:artifacts"]["regions"]],
    }
    wider = run_program(values)
    before = {resource.urn: resource.inputs for resource in dev.resources}
    after = {resource.urn: resource.inputs for resource in wider.resources}
    assert {urn: inputs for urn, inputs in after.items() if urn in before} == before
    added = [urn.rsplit("::", 1)[-1] for urn in after if urn not in before]
    assert len(added) == 10
    assert all(name.startswith("artifacts-ap-southeast-2") for name in added)


def test_the_outputs_are_what_a_pipeline_and_a_person_need(dev: Recording) -> None:
    assert set(dev.outputs) == {"artifactStores", "source", "notificationTopicArn", "catalog", "projects"}
    assert dev.outputs["artifactStores"]["eu-west-1"] == {
        "bucket": "sm-mlops-dev-artifacts-111122223333-eu-west-1-an",
        "keyArn": "arn:aws:kms:eu-west-1:111122223333:key/artifacts-eu-west-1-key-id",
    }
    assert dev.outputs["source"]["cloneUrl"] == "https://git-codecommit.us-east-2.amazonaws.com/v1/repos/sm-mlops-dev"
    for region, store in dev.outputs["artifactStores"].items():
        assert dev.component_outputs[f"artifacts-{region}"] == store


def test_a_preview_of_an_empty_stack_does_not_fail_on_what_is_not_known_yet(prod: Recording) -> None:
    recorded = run_program(stack_values("prod"), "prod", preview=True)
    assert len(recorded.resources) == len(prod.resources)


def test_equal_settings_give_equal_inputs(dev: Recording) -> None:
    again = run_program(stack_values("dev"))
    first, second = (
        {resource.urn: json.dumps(resource.inputs) for resource in recording.resources} for recording in (dev, again)
    )
    assert first == second


def test_the_program_is_settings_in_and_components_out_and_fits_on_a_page() -> None:
    text = (ROOT / "__main__.py").read_text()
    assert len(text.splitlines()) <= 41
    assert "get_stack() ==" not in text
