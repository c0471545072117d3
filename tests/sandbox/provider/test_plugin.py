"""What the stand-in plugin promises for every type, shown on one that fits."""

import json
import os
import subprocess
import sys

import pytest
from pulumi.runtime.proto import provider_pb2

from sandbox.provider.aws import Connections, EndpointError, loopback_endpoint
from sandbox.provider.values import UNKNOWN, Properties, from_struct
from tests.sandbox.conftest import REPOSITORY, Clients
from tests.sandbox.support.case import ACCOUNT
from tests.sandbox.support.cases import TRUST, policy
from tests.sandbox.support.engine import AbortedError, Engine, Kept

TOPIC = "aws:sns/topic:Topic"
KEY = "aws:kms/key:Key"
BUCKET = "aws:s3/bucket:Bucket"
ROLE = "aws:iam/role:Role"
ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
ALIAS = "aws:kms/alias:Alias"
POLICY = "aws:s3/bucketPolicy:BucketPolicy"
CONNECTION = "aws:codeconnections/connection:Connection"


@pytest.mark.parametrize("endpoint", ["", "https://sns.eu-west-1.amazonaws.com", "http://10.0.0.1:5000", "127.0.0.1"])
def test_endpoint_elsewhere_is_refused(endpoint: str) -> None:
    with pytest.raises(EndpointError, match="never touches a real account"):
        loopback_endpoint({"AWS_ENDPOINT_URL": endpoint})


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:5000", "http://[::1]:5000", "http://localhost:5000"])
def test_endpoint_of_this_machine_is_taken(endpoint: str) -> None:
    assert loopback_endpoint({"AWS_ENDPOINT_URL": endpoint}) == endpoint


def test_process_refuses_a_real_endpoint() -> None:
    environment = {**os.environ, "AWS_ENDPOINT_URL": "https://s3.amazonaws.com"}
    command = [sys.executable, "-m", "sandbox.provider"]
    ended = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert ended.stderr.startswith("sandbox AWS provider: AWS_ENDPOINT_URL is 'https://s3.amazonaws.com'")
    assert "Traceback" not in ended.stderr


def test_endpoints_of_single_services_are_not_used(emulator: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "http://192.0.2.1:9")
    monkeypatch.setenv("HTTP_PROXY", "http://192.0.2.1:9")
    client = Connections(emulator["url"]).client("sts", "eu-west-1")
    assert client.get_caller_identity()["Account"] == ACCOUNT


def test_version_is_the_official_plugins(engine: Engine) -> None:
    pins = (REPOSITORY / "pyproject.toml").read_text()
    assert f'"pulumi-aws=={engine.version()}"' in pins


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "the AWS provider: no region: set aws:region in the stack's file"),
        (
            {"region": "eu-west-1", "allowedAccountIds": '["111122223333"]'},
            f"the AWS provider: account {ACCOUNT} is not one of aws:allowedAccountIds: 111122223333",
        ),
        (
            {"region": "eu-west-1", "forbiddenAccountIds": f'["{ACCOUNT}"]'},
            f"the AWS provider: account {ACCOUNT} is one of aws:forbiddenAccountIds: {ACCOUNT}",
        ),
    ],
)
def test_settings_that_forbid_to_go_on(connections: Connections, settings: Properties, message: str) -> None:
    with pytest.raises(AbortedError) as raised:
        Engine(connections, settings)
    assert str(raised.value) == message


def test_settings_without_meaning_here_are_ignored(connections: Connections) -> None:
    Engine(
        connections,
        {
            "region": "eu-west-1",
            "allowedAccountIds": f'["{ACCOUNT}"]',
            "skipCredentialsValidation": "true",
            "skipRegionValidation": "false",
        },
    )


@pytest.mark.parametrize(
    ("kind", "place"),
    [
        ("aws:athena/workgroup:Workgroup", "sandbox/provider/services/athena.py"),
        ("aws:s3/bucketAcl:BucketAcl", "sandbox/provider/services/s3.py"),
    ],
)
def test_type_without_handler_is_named(engine: Engine, kind: str, place: str) -> None:
    with pytest.raises(AbortedError) as raised:
        engine.create(kind, {})
    assert str(raised.value).startswith(f"{kind} 'thing': the sandbox has no handler for {kind}. Add one to {place}")


def test_input_that_no_handler_carries_out_is_refused(engine: Engine) -> None:
    with pytest.raises(AbortedError, match="logging: the sandbox's handler of aws:s3/bucket:Bucket does not"):
        engine.check("aws:s3/bucket:Bucket", {"bucket": "b", "logging": {"targetBucket": "c"}})


def test_function_that_is_missing_is_named(engine: Engine) -> None:
    with pytest.raises(AbortedError, match="the sandbox has no function aws:ec2/getAmi:getAmi"):
        engine.invoke("aws:ec2/getAmi:getAmi")


def test_functions(engine: Engine) -> None:
    assert engine.invoke("aws:index/getCallerIdentity:getCallerIdentity")["accountId"] == ACCOUNT
    assert engine.invoke("aws:index/getRegion:getRegion")["region"] == "eu-west-1"
    assert engine.invoke("aws:index/getRegion:getRegion", region="eu-west-2")["region"] == "eu-west-2"
    partition = engine.invoke("aws:index/getPartition:getPartition", region="cn-north-1")
    assert (partition["partition"], partition["dnsSuffix"]) == ("aws-cn", "amazonaws.com.cn")


def test_error_says_what_which_call_and_why(engine: Engine) -> None:
    engine.create(CONNECTION, {"name": "twice", "providerType": "GitHub"})
    with pytest.raises(AbortedError) as raised:
        engine.create(CONNECTION, {"name": "twice", "providerType": "GitHub"}, name="second")
    assert str(raised.value) == (
        f"{CONNECTION} 'second': CreateConnection in eu-west-1: InvalidInputException: "
        "A connection named twice exists already in this account."
    )


def test_automatic_name_has_seven_digits_and_stays(engine: Engine) -> None:
    first = engine.check(TOPIC, {}, name="alarms")
    assert first["name"].startswith("alarms-")
    assert len(first["name"]) == len("alarms-") + 7
    assert first["__defaults"] == ["name"]
    assert engine.check(TOPIC, {}, name="alarms") == first
    assert engine.check(TOPIC, {}, name="alarms", old={**first, "name": "alarms-0000000"})["name"] == "alarms-0000000"


def test_automatic_names_follow_the_rules_of_the_service(engine: Engine) -> None:
    assert engine.check(ALIAS, {"targetKeyId": "k"}, name="key")["name"].startswith("alias/key-")
    assert engine.check(TOPIC, {"fifoTopic": True}, name="events")["name"].endswith(".fifo")
    assert engine.check("aws:s3/bucket:Bucket", {}, name="Data")["bucket"].startswith("data-")


def test_name_that_the_program_drops_becomes_automatic(engine: Engine) -> None:
    kept = engine.create(TOPIC, {"name": "explicit"})
    assert engine.diff(kept, {}).replaces == ["name"]


def test_naming_settings_of_the_stack_are_followed(engine: Engine) -> None:
    options = provider_pb2.CheckRequest.AutonamingOptions
    proposed = options(proposed_name="proposed", mode=options.ENFORCE)
    assert engine.check(TOPIC, {}, autonaming=proposed)["name"] == "proposed"
    with pytest.raises(AbortedError, match="autonaming is disabled in this stack"):
        engine.check(TOPIC, {}, autonaming=options(mode=options.DISABLE))


def test_default_tags_reach_tagged_types(connections: Connections, aws: Clients) -> None:
    tagging = Engine(connections, {"region": "eu-west-1", "defaultTags": '{"tags": {"team": "ml", "env": "dev"}}'})
    made = tagging.create(TOPIC, {"name": "tagged", "tags": {"env": "test"}})
    assert made.outputs["tagsAll"] == {"team": "ml", "env": "test"}
    assert {"Key": "team", "Value": "ml"} in aws("sns").list_tags_for_resource(ResourceArn=made.id)["Tags"]
    plain = Engine(connections, {"region": "eu-west-1"})
    difference = plain.diff(made, {"name": "tagged", "tags": {"env": "test"}})
    assert difference.kinds["tagsAll.team"] == "DELETE"
    updated = plain.update(made, {"name": "tagged", "tags": {"env": "test"}})
    assert aws("sns").list_tags_for_resource(ResourceArn=made.id)["Tags"] == [{"Key": "env", "Value": "test"}]
    assert updated.outputs["tagsAll"] == {"env": "test"}


def test_policies_that_mean_the_same_are_no_difference(engine: Engine) -> None:
    made = engine.create(ROLE, {"name": "same", "assumeRolePolicy": TRUST})
    document = json.loads(TRUST)
    document["Statement"][0]["Action"] = ["sts:AssumeRole"]
    reordered = json.dumps(dict(reversed(document.items())), indent=4)
    assert engine.diff(made, {"name": "same", "assumeRolePolicy": reordered}).kinds == {}
    document["Statement"][0]["Effect"] = "Deny"
    different = {"name": "same", "assumeRolePolicy": json.dumps(document)}
    assert engine.diff(made, different).kinds == {"assumeRolePolicy": "UPDATE"}


def test_replacement_under_a_fixed_name_deletes_first(engine: Engine) -> None:
    fixed = engine.create(CONNECTION, {"name": "fixed", "providerType": "GitHub"})
    difference = engine.diff(fixed, {"name": "fixed", "providerType": "Bitbucket"})
    assert (difference.replaces, difference.delete_first) == (["providerType"], True)
    renamed = engine.diff(fixed, {"name": "other", "providerType": "Bitbucket"})
    assert not renamed.delete_first
    automatic = engine.create(CONNECTION, {"providerType": "GitHub"}, name="auto")
    assert not engine.diff(automatic, {"providerType": "Bitbucket"}).delete_first


def test_unknown_input_is_a_difference(engine: Engine) -> None:
    made = engine.create(TOPIC, {"name": "unknown", "displayName": "one"})
    assert engine.diff(made, {"name": "unknown", "displayName": UNKNOWN}).kinds == {"displayName": "UPDATE"}
    assert engine.diff(made, {"name": UNKNOWN, "displayName": "one"}).replaces == ["name"]


def test_ignored_changes_are_no_difference(engine: Engine) -> None:
    made = engine.create(TOPIC, {"name": "ignored", "displayName": "one"})
    wanted = {"name": "ignored", "displayName": "two"}
    assert engine.diff(made, wanted, ignore=["displayName"]).kinds == {}


def test_removed_input_is_removed(engine: Engine, aws: Clients) -> None:
    made = engine.create(TOPIC, {"name": "removed", "displayName": "one"})
    assert engine.diff(made, {"name": "removed"}).kinds == {"displayName": "DELETE"}
    engine.update(made, {"name": "removed"})
    assert aws("sns").get_topic_attributes(TopicArn=made.id)["Attributes"]["DisplayName"] == ""


def test_input_that_aws_chooses_stays_when_removed(engine: Engine) -> None:
    made = engine.create(KEY, {"description": "kept", "enableKeyRotation": True, "rotationPeriodInDays": 100})
    assert engine.diff(made, {"enableKeyRotation": True}).kinds == {}
    updated = engine.update(made, {"enableKeyRotation": True, "tags": {"a": "b"}})
    assert (updated.outputs["description"], updated.outputs["rotationPeriodInDays"]) == ("kept", 100)


def test_region_of_a_resource_selects_where_it_is_made(engine: Engine, aws: Clients) -> None:
    made = engine.create(TOPIC, {"name": "abroad", "region": "eu-west-2"})
    assert made.outputs["region"] == "eu-west-2"
    aws("sns", "eu-west-2").get_topic_attributes(TopicArn=made.id)
    assert engine.diff(made, {"name": "abroad"}).replaces == ["region"]
    imported = engine.import_(TOPIC, f"{made.id}@eu-west-2")
    assert imported is not None
    assert (imported.id, imported.inputs["region"]) == (made.id, "eu-west-2")
    engine.delete(made)
    assert aws("sns", "eu-west-2").list_topics()["Topics"] == []


def test_creation_that_fails_later_keeps_the_resource(engine: Engine, aws: Clients) -> None:
    inputs = {"bucket": "half-made", "forceDestroy": True}
    with pytest.raises(AbortedError, match="PutBucketTagging in eu-west-1: InvalidTag") as raised:
        engine.create(BUCKET, {**inputs, "tags": {"aws:reserved": "a"}})
    detail = raised.value.detail
    assert detail is not None
    assert aws("s3").head_bucket(Bucket=detail.id)["BucketRegion"] == "eu-west-1"
    outputs = from_struct(detail.properties)
    assert outputs["tagsAll"] == {}
    assert list(detail.reasons) == [str(raised.value)]
    half = Kept(f"urn:pulumi:test::test::{BUCKET}::thing", detail.id, from_struct(detail.inputs), outputs)
    fixed = engine.update(half, {**inputs, "tags": {"a": "b"}})
    assert fixed.outputs["tagsAll"] == {"a": "b"}


def test_creation_that_fails_at_once_keeps_nothing(engine: Engine) -> None:
    with pytest.raises(AbortedError, match="CreateAlias in eu-west-1: NotFoundException") as raised:
        engine.create(ALIAS, {"name": "alias/none", "targetKeyId": "00000000-0000-0000-0000-000000000000"})
    assert raised.value.detail is None


def test_update_that_fails_shows_what_was_done(engine: Engine) -> None:
    inputs = {"name": "half-done", "assumeRolePolicy": TRUST, "description": "one"}
    made = engine.create(ROLE, inputs)
    boundary = {"permissionsBoundary": "arn:aws:iam::123456789012:user/no-policy"}
    with pytest.raises(AbortedError, match="PutRolePermissionsBoundary in eu-west-1") as raised:
        engine.update(made, {**inputs, "description": "two", **boundary})
    assert raised.value.detail is not None
    outputs = from_struct(raised.value.detail.properties)
    assert outputs["description"] == "two"
    assert "permissionsBoundary" not in outputs


def test_bucket_with_objects_is_deleted_only_when_asked(engine: Engine, aws: Clients) -> None:
    inputs = {"bucket": "full-bucket"}
    made = engine.create("aws:s3/bucket:Bucket", inputs)
    engine.create(
        "aws:s3/bucketVersioning:BucketVersioning", {**inputs, "versioningConfiguration": {"status": "Enabled"}}
    )
    for body in (b"1", b"2"):
        aws("s3").put_object(Bucket="full-bucket", Key="k", Body=body)
    aws("s3").delete_object(Bucket="full-bucket", Key="k")
    with pytest.raises(AbortedError, match="DeleteBucket in eu-west-1: BucketNotEmpty"):
        engine.delete(made)
    engine.delete(engine.update(made, {**inputs, "forceDestroy": True}))
    assert engine.refresh(made) is None


def test_pending_subscription_shows_and_goes(engine: Engine, aws: Clients) -> None:
    topic = aws("sns").create_topic(Name="pending")["TopicArn"]
    inputs = {"topic": topic, "protocol": "email", "endpoint": "person@example.com"}
    made = engine.create("aws:sns/topicSubscription:TopicSubscription", inputs)
    assert made.outputs["pendingConfirmation"] is True
    engine.delete(made)


def test_key_is_recognised_by_arn_and_id(engine: Engine, aws: Clients) -> None:
    key = aws("kms").create_key()["KeyMetadata"]
    made = engine.create(ALIAS, {"name": "alias/both", "targetKeyId": key["Arn"]})
    assert engine.diff(made, {"name": "alias/both", "targetKeyId": key["KeyId"]}).kinds == {}


def test_drift_shows_in_outputs_and_inputs(engine: Engine, aws: Clients) -> None:
    inputs = {"enableKeyRotation": True, "description": "drift", "tags": {"a": "1"}}
    made = engine.create(KEY, inputs)
    aws("kms").disable_key_rotation(KeyId=made.id)
    aws("kms").tag_resource(KeyId=made.id, Tags=[{"TagKey": "b", "TagValue": "2"}])
    seen = engine.refresh(made)
    assert seen is not None
    assert seen.inputs["enableKeyRotation"] is seen.outputs["enableKeyRotation"] is False
    assert seen.inputs["tags"] == {"a": "1", "b": "2"}
    assert engine.diff(seen, inputs).kinds == {"enableKeyRotation": "ADD", "tags.b": "DELETE", "tagsAll.b": "DELETE"}
    assert engine.refresh(engine.update(seen, inputs)) == made


def test_what_is_exclusive_takes_away_what_others_add(engine: Engine, aws: Clients) -> None:
    iam, audit = aws("iam"), "arn:aws:iam::aws:policy/SecurityAudit"
    admin = "arn:aws:iam::aws:policy/AdministratorAccess"
    everything = policy("*")
    iam.create_role(RoleName="held", AssumeRolePolicyDocument=TRUST)
    own = engine.create(ROLE_POLICY, {"name": "own", "role": "held", "policy": everything})
    inputs = {
        "aws:iam/rolePoliciesExclusive:RolePoliciesExclusive": {"roleName": "held", "policyNames": ["own"]},
        "aws:iam/rolePolicyAttachmentsExclusive:RolePolicyAttachmentsExclusive": {
            "roleName": "held",
            "policyArns": [audit],
        },
    }
    made = {kind: engine.create(kind, wanted) for kind, wanted in inputs.items()}
    iam.put_role_policy(RoleName="held", PolicyName="star", PolicyDocument=everything)
    iam.attach_role_policy(RoleName="held", PolicyArn=admin)
    for kind, wanted in inputs.items():
        seen = engine.refresh(made[kind])
        assert seen is not None
        assert set(engine.diff(seen, wanted).kinds.values()) <= {"DELETE", "UPDATE"} != set()
        assert engine.refresh(engine.update(seen, wanted)) == made[kind]
    assert iam.list_role_policies(RoleName="held")["PolicyNames"] == ["own"]
    attached = iam.list_attached_role_policies(RoleName="held")["AttachedPolicies"]
    assert [policy["PolicyArn"] for policy in attached] == [audit], "what is listed and missing was attached"
    engine.delete(own)
    names = made["aws:iam/rolePoliciesExclusive:RolePoliciesExclusive"]
    seen = engine.refresh(names)
    assert seen is not None
    with pytest.raises(AbortedError, match="PolicyDocument"):
        engine.update(seen, names.inputs)


def test_a_boundary_that_nobody_asked_for_is_drift(engine: Engine, aws: Clients) -> None:
    inputs = {"name": "unbound", "assumeRolePolicy": TRUST}
    made = engine.create(ROLE, inputs)
    boundary = "arn:aws:iam::aws:policy/SecurityAudit"
    aws("iam").put_role_permissions_boundary(RoleName="unbound", PermissionsBoundary=boundary)
    seen = engine.refresh(made)
    assert seen is not None
    assert engine.diff(seen, inputs).kinds == {"permissionsBoundary": "DELETE"}
    assert engine.refresh(engine.update(seen, inputs)) == made


def test_tags_added_to_an_untagged_resource_are_drift(engine: Engine, aws: Clients) -> None:
    made = engine.create(TOPIC, {"name": "untagged"})
    aws("sns").tag_resource(ResourceArn=made.id, Tags=[{"Key": "a", "Value": "1"}])
    seen = engine.refresh(made)
    assert seen is not None
    assert "tagsAll.a" in engine.diff(seen, {"name": "untagged"}).kinds


def test_policy_edited_by_hand_is_drift(engine: Engine, aws: Clients) -> None:
    aws("s3").create_bucket(Bucket="edited", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    statement = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::edited"}
    inputs = {"bucket": "edited", "policy": json.dumps({"Version": "2012-10-17", "Statement": [statement]})}
    made = engine.create(POLICY, inputs)
    statement["Action"] = "s3:DeleteBucket"
    aws("s3").put_bucket_policy(Bucket="edited", Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    seen = engine.refresh(made)
    assert seen is not None
    assert engine.diff(seen, inputs).kinds == {"policy": "UPDATE"}
    aws("s3").delete_bucket_policy(Bucket="edited")
    assert engine.refresh(made) is None
