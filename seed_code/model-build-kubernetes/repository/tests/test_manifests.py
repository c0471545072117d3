"""What the objects say, held against the fields of ACK's kinds and against kubectl's own kustomize."""

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import botocore.session
import kubernetes_validate
import pytest
import yaml
from kubectl import rendered

from on_kubernetes import manifests
from on_kubernetes.manifests import ManifestError
from pipelines.build import Prepared
from pipelines.images import Image

# Fields of spec in the CRDs of ACK's SageMaker controller 1.9.1.
FIELDS = {
    "ModelPackageGroup": {"modelPackageGroupDescription", "modelPackageGroupName", "tags"},
    "Pipeline": {
        *("parallelismConfiguration", "pipelineDefinition", "pipelineDescription", "pipelineDisplayName"),
        *("pipelineName", "roleARN", "tags"),
    },
    "PipelineExecution": {
        *("parallelismConfiguration", "pipelineExecutionDescription", "pipelineExecutionDisplayName", "pipelineName"),
        *("pipelineParameters", "pipelineVersionID", "selectiveExecutionConfig"),
    },
}


@pytest.fixture
def overlay(settings, tmp_path: Path) -> Path:
    """The folder that a build writes, beside a copy of the base."""
    shutil.copytree(manifests.FOLDER / "base", tmp_path / "base")
    prepared = Prepared(
        settings=settings,
        image=Image(uri=settings.image_uri),
        code_url="s3://bucket/code",
        data_url="s3://bucket/data",
        data_version="0123",
        approved="none",
    )
    manifests.write_overlay(tmp_path / "build", prepared, "churn")
    return tmp_path / "build"


def read(overlay: Path):
    return manifests.read(yaml.safe_dump_all(rendered(overlay)))


@pytest.mark.parametrize("kind", FIELDS)
def test_the_fields_of_each_kind_are_those_of_acks(kind):
    model = botocore.session.get_session().get_service_model("sagemaker")
    members = model.operation_model(manifests.OPERATIONS[kind]).input_shape.members
    assert {manifests.field_name(name) for name in members if name not in manifests.NOT_IN_ACK[kind]} == FIELDS[kind]


def test_objects_are_named_labelled_and_in_the_namespace(overlay):
    found = read(overlay)
    names = {kind: one["metadata"]["name"] for kind, one in found.items()}
    assert names["ModelPackageGroup"] == "sagemaker-p-0123456789ab"
    assert names["Pipeline"] == "sagemaker-p-0123456789ab-train"
    assert names["PipelineExecution"].startswith("sagemaker-p-0123456789ab-train-")
    for one in found.values():
        metadata = one["metadata"]
        assert metadata["namespace"] == "churn"
        assert metadata["labels"] == {"sagemaker-project-id": "p-0123456789ab"}
        assert metadata["annotations"]["services.k8s.aws/deletion-policy"] == "retain"
        # A kind of Kubernetes's own with the same metadata, for which there is a schema.
        own = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
        kubernetes_validate.validate(own, "1.35", strict=True)


def test_names_fit_for_the_longest_project(settings):
    longest = replace(settings, project_name="N" * 32, project_id="p" * 20)
    assert max(map(len, manifests.names(longest, {}).values())) <= 63


def test_an_execution_has_another_name_where_something_else_is_trained(settings):
    first, same = (manifests.names(settings, {"Steps": ["a"]}) for _ in range(2))
    assert first == same
    other = manifests.names(settings, {"Steps": ["b"]})
    assert {kind for kind in first if first[kind] != other[kind]} == {"PipelineExecution"}


@pytest.mark.parametrize(
    ("kind", "change", "fault"),
    [
        ("Pipeline", {"roleArn": "x"}, "Pipeline: spec.roleArn: no such field; allowed are parallelismConfiguration"),
        ("Pipeline", {"roleARN": None}, "Pipeline: spec.roleARN: None is no string"),
        (
            "Pipeline",
            {"parallelismConfiguration": {"maxParallelExecutionSteps": "2"}},
            "Pipeline: spec.parallelismConfiguration.maxParallelExecutionSteps: '2' is no integer",
        ),
        (
            "PipelineExecution",
            {"pipelineParameters": [{"Name": "a"}]},
            "spec.pipelineParameters[0].Name: no such field",
        ),
        ("PipelineExecution", {"pipelineParameters": {}}, "spec.pipelineParameters: {} is no list"),
        ("ModelPackageGroup", {"clientRequestToken": "x"}, "spec.clientRequestToken: no such field"),
    ],
)
def test_what_the_api_server_would_not_take_is_told(overlay, kind, change, fault):
    found = rendered(overlay)
    (one,) = (one for one in found if one["kind"] == kind)
    one["spec"] |= change
    with pytest.raises(ManifestError) as raised:
        manifests.read(yaml.safe_dump_all(found))
    assert fault in str(raised.value)


def test_a_field_that_is_missing_and_a_kind_too_many_are_told(overlay):
    found = rendered(overlay)
    del found[1]["spec"]["pipelineName"]
    with pytest.raises(ManifestError, match=r"Pipeline: spec\.pipelineName: missing"):
        manifests.read(yaml.safe_dump_all(found))
    with pytest.raises(ManifestError, match="kustomize/base has Model, ModelPackageGroup, Pipeline, PipelineExecution"):
        manifests.read(yaml.safe_dump_all([*rendered(overlay), {"kind": "Model"}]))


@pytest.mark.skipif(not shutil.which("kubectl"), reason="kubectl is in the build's image, and not on this machine")
def test_kustomize_makes_the_same(overlay):
    done = subprocess.run(["kubectl", "kustomize", overlay], check=True, capture_output=True, text=True)  # noqa: S603, S607
    assert manifests.read(done.stdout) == read(overlay)


def test_what_the_administrator_applies_is_valid_and_lets_the_build_do_what_it_does():
    documents = list(yaml.safe_load_all((manifests.FOLDER / "access.yaml").read_text()))
    for document in documents:
        kubernetes_validate.validate(document, "1.35", strict=True)
    role, binding = documents[1:]
    assert role["rules"][0]["resources"] == [f"{kind.lower()}s" for kind in manifests.OPERATIONS]
    assert binding["roleRef"]["name"] == role["metadata"]["name"]
