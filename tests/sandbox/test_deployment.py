"""What a person is told of a deployment comes from the engine's events."""

import json

from sandbox.deployment import Deployment

URN = "urn:pulumi:dev::p::mlops:storage:ArtifactBuckets$aws:s3/bucket:Bucket::artifacts-eu-west-1"


def done(kind: str, op: str, urn: str = URN, **new: object) -> str:
    return json.dumps({"resOutputsEvent": {"metadata": {"op": op, "urn": urn, "type": kind, "new": new or None}}})


def test_counts_what_the_stack_has_and_what_became_of_it() -> None:
    deployment = Deployment()
    assert deployment.follow(done("aws:s3/bucket:Bucket", "create", custom=True)) == "artifacts-eu-west-1"
    deployment.follow(done("aws:s3/bucket:Bucket", "same", custom=True))
    deployment.follow(done("aws:kms/key:Key", "delete"))
    deployment.follow(done("mlops:storage:ArtifactBuckets", "create", id=""))
    deployment.follow(done("pulumi:providers:aws", "create", custom=True))
    deployment.follow(done("pulumi:pulumi:Stack", "create", outputs={"url": "u"}))
    deployment.follow(json.dumps({"summaryEvent": {"resourceChanges": {"create": 2, "delete": 1, "same": 1}}}))
    assert deployment.kinds == {"s3 Bucket": 2}
    assert deployment.changes == {"create": 2, "delete": 1, "same": 1}
    assert deployment.outputs == {"url": "u"}
    assert deployment.changed


def test_the_preview_before_says_how_many_resources_there_are() -> None:
    deployment = Deployment()
    preview = {"steps": [{"op": "create"}], "changeSummary": {"create": 2, "same": 1}}
    for line in f"{json.dumps(preview, indent=4)}\n".splitlines(keepends=True):
        assert deployment.follow(line) == ""
    assert deployment.faults == []
    deployment.follow(done("aws:s3/bucket:Bucket", "create", custom=True))
    assert deployment.position == "1 of 3 resources"
    assert deployment.kinds == {"s3 Bucket": 1}


def test_a_preview_that_fails_tells_why() -> None:
    deployment = Deployment()
    failed = {"diagnostics": [{"message": "error: one fault\n", "severity": "error"}], "changeSummary": None}
    for line in f"{json.dumps(failed, indent=4)}\n".splitlines(keepends=True):
        deployment.follow(line)
    assert deployment.faults == ["one fault"]


def test_nothing_changed() -> None:
    deployment = Deployment()
    deployment.follow(json.dumps({"summaryEvent": {"resourceChanges": {"same": 51}}}))
    assert not deployment.changed


def test_keeps_errors_with_their_resource_and_words_that_are_no_events() -> None:
    deployment = Deployment()
    for severity, urn, message in (("error", URN, "too long\n"), ("error", "", "update failed\n"), ("info", "", "x")):
        deployment.follow(json.dumps({"diagnosticEvent": {"severity": severity, "urn": urn, "message": message}}))
    deployment.follow("error: unknown flag: --nonsense\n")
    assert deployment.faults == [
        "artifacts-eu-west-1: too long",
        "update failed",
        "error: unknown flag: --nonsense",
    ]
