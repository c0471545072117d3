"""What the build does in the cluster: a kubectl that plays, and calls of AWS that are expected in this order."""

import json
from dataclasses import replace

import pytest
import yaml
from build_calls import CHANGED, IMAGE, VERSION, Bucket, expect_approved, expect_group, expect_uploads
from kubectl import SYNCED, Kubectl

from on_kubernetes import run
from on_kubernetes.cluster import ClusterSettings, sentences
from on_kubernetes.manifests import names
from on_kubernetes.run import LOOK_SECONDS, Waiting
from pipelines.build import upload_code, upload_sample_data
from pipelines.definition import build_definition

PIPELINE = "sagemaker-p-0123456789ab-train"
EXECUTION = f"arn:aws:sagemaker:eu-west-1:123456789012:pipeline/{PIPELINE}/execution/abcdefabcdef"
CLUSTER = {"CLUSTER_NAME": "shared", "NAMESPACE": "churn", "CONTROLLER_ROLE": "the controller's role"}
STATUS = {"ackResourceMetadata": {"arn": EXECUTION}, "pipelineExecutionStatus": "Executing"} | SYNCED
GROUP = "sagemaker-p-0123456789ab"


def condition(kind, message, status="True"):
    return {"conditions": [{"type": kind, "status": status, "message": message}]}


@pytest.fixture
def kubectl():
    return Kubectl({"PipelineExecution": STATUS, "Pipeline": SYNCED, "ModelPackageGroup": SYNCED})


@pytest.fixture
def definition(settings):
    """The definition that a run makes, found by uploading to a bucket in memory."""
    bucket, settings = Bucket(), replace(settings, image_uri=IMAGE)
    return build_definition(settings, upload_code(settings, bucket), upload_sample_data(settings, bucket))


@pytest.fixture
def execution(settings, definition):
    """Name of the object of an execution of that definition."""
    return names(settings, definition)["PipelineExecution"]


@pytest.fixture
def build(aws, settings, environment, kubectl):
    """Run a build, for which SageMaker has pipelines with these definitions, one at each look."""

    def play(*definitions, words=(), role=settings.role_arn, slept=None):
        expect_uploads(aws, settings)
        expect_group(aws, settings)
        expect_approved(aws, settings)
        for one in definitions:
            if one is None:
                aws.sagemaker.add_client_error("describe_pipeline", "ResourceNotFound", "Pipeline does not exist.")
            else:
                aws.sagemaker.add_response(
                    "describe_pipeline",
                    {"PipelineDefinition": json.dumps(one), "RoleArn": role, "LastModifiedTime": CHANGED},
                    {"PipelineName": PIPELINE},
                )
        waiting = Waiting(seconds=LOOK_SECONDS * len(definitions), sleep=([] if slept is None else slept).append)
        return run.main([*words], environment | CLUSTER, aws.clients, kubectl=kubectl, waiting=waiting)

    return play


def test_the_first_push_applies_the_pipeline_then_the_execution(
    build, definition, execution, kubectl, capsys, tmp_path
):
    """An execution that is applied before SageMaker has the pipeline is never tried again."""
    arn_file, slept = tmp_path / "arn.txt", []
    assert build(None, {}, definition, words=["--arn-file", str(arn_file)], slept=slept) == 0
    assert kubectl.calls == [
        f"apply ModelPackageGroup {GROUP}",
        f"apply Pipeline {PIPELINE}",
        f"apply PipelineExecution {execution}",
    ]
    assert slept == [LOOK_SECONDS] * 2
    assert json.loads(kubectl.objects[PIPELINE]["spec"]["pipelineDefinition"]) == definition
    assert kubectl.objects[execution]["spec"] == {
        "pipelineName": PIPELINE,
        "pipelineExecutionDescription": "Commit 0a1b2c3d",
        "pipelineParameters": [
            {"name": "CommitId", "value": "0a1b2c3d"},
            {"name": "DataVersion", "value": VERSION},
        ],
    }
    output = capsys.readouterr().out
    assert "cluster shared, namespace churn: started execution abcdefabcdef\n" in output
    assert f"kubectl get pipelineexecution {execution} -n churn -o wide" in output
    assert arn_file.read_text() == f"{EXECUTION}\n"


def test_what_others_apply_is_written_and_no_cluster_is_asked(build, kubectl, execution, capsys, tmp_path):
    kubectl.refusal = "no cluster"
    file = tmp_path / "churn.yaml"
    assert build(words=["--render", str(file)]) == 0
    found = list(yaml.safe_load_all(file.read_text()))
    assert [one["metadata"]["name"] for one in found] == [GROUP, PIPELINE, execution]
    assert [one["metadata"]["annotations"].get("argocd.argoproj.io/sync-wave") for one in found] == [None, None, "1"]
    assert f"written, not applied: {file}\n" in capsys.readouterr().out


@pytest.mark.parametrize("status", ["Executing", "Succeeded"])
def test_what_runs_or_has_succeeded_is_not_started_again(build, definition, execution, kubectl, capsys, status):
    """So a build that was killed completes when it runs again, and a changed README trains nothing."""
    kubectl.status["PipelineExecution"] = STATUS | {"pipelineExecutionStatus": status}
    assert build(definition) == 0
    assert build(definition) == 0
    assert kubectl.calls.count(f"apply PipelineExecution {execution}") == 1
    assert "not started: execution abcdefabcdef already runs, or has succeeded" in capsys.readouterr().out


@pytest.mark.parametrize(("status", "words"), [("Failed", []), ("Stopped", []), ("Succeeded", ["--always"])])
def test_what_ended_otherwise_or_is_wished_anew_is_started_again(build, definition, execution, kubectl, status, words):
    kubectl.status["PipelineExecution"] = STATUS | {"pipelineExecutionStatus": status}
    assert build(definition) == 0
    assert build(definition, words=words) == 0
    assert kubectl.calls[-2:] == [f"delete {execution}", f"apply PipelineExecution {execution}"]


def test_objects_of_other_executions_go_when_these_have_ended(build, definition, kubectl):
    for name, status in (("before", "Succeeded"), ("runs", "Executing"), ("new", None)):
        kubectl.objects[name] = {
            "kind": "PipelineExecution",
            "metadata": {"name": name},
            "status": {"pipelineExecutionStatus": status},
        }
    assert build(definition) == 0
    assert [call for call in kubectl.calls if call.startswith("delete")] == ["delete before"]


def test_what_the_controller_cannot_do_is_told_and_nothing_is_started(build, kubectl, capsys):
    kubectl.status["Pipeline"] = condition("ACK.Recoverable", "AccessDeniedException: no")
    assert build(None, None) == 1
    error = capsys.readouterr().err
    assert (
        f"error: Pipeline {PIPELINE}: AccessDeniedException: no; the controller goes on trying; it works as the "
        "controller's role (ACK.Recoverable)\n"
    ) in error
    assert not [call for call in kubectl.calls if "PipelineExecution" in call]


def test_another_role_of_the_pipeline_is_waited_for(build, definition):
    assert build(definition, role="arn:aws:iam::123456789012:role/before") == 1


def test_an_execution_that_does_not_start_is_told(build, definition, kubectl, execution, capsys):
    kubectl.status["PipelineExecution"] = condition("ACK.Terminal", "ResourceNotFound: none")
    assert build(definition) == 1
    told = f"PipelineExecution {execution}: ResourceNotFound: none; the controller tries no more until the object is"
    assert told in capsys.readouterr().err
    # What was in the way may lie outside the repository, and then the same build is run again.
    kubectl.status["PipelineExecution"] = STATUS
    assert build(definition) == 0
    assert kubectl.calls[-2:] == [f"delete {execution}", f"apply PipelineExecution {execution}"]


@pytest.mark.parametrize(
    ("status", "told"),
    [
        ({}, "no controller has seen it; is ACK's SageMaker controller running in shared, and does it watch namespace"),
        (condition("ACK.ResourceSynced", "Resource not synced", "False"), "the controller has not finished"),
        (condition("ACK.ResourceSynced", None, "Unknown"), "no message; the controller has not finished"),
    ],
)
def test_an_object_with_no_reason_is_told_too(status, told):
    found = {"kind": "Pipeline", "metadata": {"name": "p"}, "status": status}
    (sentence,) = sentences(found, ClusterSettings(name="shared", namespace="churn"))
    assert told in sentence


@pytest.mark.parametrize(
    ("refusal", "advice"),
    [
        (
            "Error from server (Forbidden): no",
            "let group sagemaker-Demo apply in namespace churn: kustomize/access.yaml",
        ),
        ('Error from server (NotFound): namespaces "churn" not found', "administrator for namespace churn"),
        ("error: You must be logged in to the server (Unauthorized)", "has no access entry in cluster shared"),
        ('error: the server doesn\'t have a resource type "pipelines"', "ACK's SageMaker controller and its CRDs"),
    ],
)
def test_what_the_cluster_refuses_is_told_with_what_to_do(build, kubectl, capsys, refusal, advice):
    kubectl.refusal = refusal
    assert build() == 1
    error = capsys.readouterr().err
    assert error.startswith(f"error: kubectl apply failed: {refusal}; ")
    assert advice in error


def test_faults_of_all_settings_are_told_at_once(environment, capsys):
    environment |= {"CLUSTER_NAME": "-", "ARTIFACT_BUCKET": ""}
    assert run.main([], environment) == 2
    error = capsys.readouterr().err
    assert "ARTIFACT_BUCKET: not set" in error
    assert "CLUSTER_NAME: '-' is not the name of an EKS cluster\n" in error
    assert "NAMESPACE: not set; expected the name of a namespace" in error
