"""The objects of a project: kustomize/base with what only the build knows, and whether ACK's kinds have such fields."""

import functools
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import botocore.session
import yaml
from botocore.model import ListShape, ServiceModel, Shape, StructureShape

from pipelines.build import Prepared
from pipelines.definition import build_definition
from pipelines.settings import Settings

Json = dict[str, Any]
FOLDER = Path(__file__).resolve().parent.parent / "kustomize"
LABEL = "sagemaker-project-id"
VERSION = "sagemaker.services.k8s.aws/v1alpha1"
OPERATIONS = {
    "ModelPackageGroup": "CreateModelPackageGroup",
    "Pipeline": "CreatePipeline",
    "PipelineExecution": "StartPipelineExecution",
}
"""By kind the operation whose request its spec is: ACK makes its kinds from the API's model."""
NOT_IN_ACK = {
    "ModelPackageGroup": {"ManagedConfiguration"},
    "Pipeline": {"ClientRequestToken", "PipelineDefinitionS3Location", "PipelineVersionAliases"},
    "PipelineExecution": {"ClientRequestToken", "MlflowExperimentName", "PipelineVersionAlias", "RoleArn"},
}
"""Members of these requests that the kinds of controller 1.9 lack."""
_ACRONYMS = {"Arn": "ARN", "Id": "ID"}
"""Words that ACK writes in capitals."""
_TYPES = {"boolean": bool, "integer": int, "list": list, "string": str, "structure": dict}


class ManifestError(ValueError):
    """Objects that the controller would not take; the text lists every fault, one a line."""


def names(settings: Settings, definition: Json) -> dict[str, str]:
    """Return the names of the objects, by kind.

    An execution is named after what it trains with, so that what has been trained already is not trained again. Names
    of objects have no capitals, which those of projects may have.
    """
    train = f"sagemaker-{settings.project_id}-train"
    wished = json.dumps([definition, settings.role_arn], sort_keys=True)
    return {
        "ModelPackageGroup": f"sagemaker-{settings.project_id}",
        "Pipeline": train,
        "PipelineExecution": f"{train}-{hashlib.sha256(wished.encode()).hexdigest()[:12]}",
    }


def specs(settings: Settings, definition: Json, description: str, data_version: str) -> dict[str, Json]:
    """Return what only the build knows of each object's spec, by kind.

    Args:
        settings: of the build.
        definition: of the SageMaker pipeline.
        description: of an execution.
        data_version: hash of the data's listing.
    """
    tags = [{"key": tag["Key"], "value": tag["Value"]} for tag in settings.tags]
    return {
        "ModelPackageGroup": {
            "modelPackageGroupName": settings.model_package_group,
            "modelPackageGroupDescription": f"Models of project {settings.project_name}",
            "tags": tags,
        },
        "Pipeline": {
            "pipelineName": settings.pipeline_name,
            "pipelineDisplayName": settings.pipeline_display_name,
            "pipelineDescription": f"Trains and registers the model of project {settings.project_name}",
            "pipelineDefinition": json.dumps(definition, sort_keys=True),
            "roleARN": settings.role_arn,
            "tags": tags,
        },
        "PipelineExecution": {
            "pipelineName": settings.pipeline_name,
            "pipelineExecutionDescription": description,
            "pipelineParameters": [
                {"name": "CommitId", "value": settings.commit_id},
                {"name": "DataVersion", "value": data_version},
            ],
        },
    }


def write_overlay(folder: Path, prepared: Prepared, namespace: str) -> Json:
    """Write the kustomization that completes kustomize/base; return the pipeline's definition."""
    settings = prepared.settings
    definition = build_definition(settings, prepared.code_url, prepared.data_url)
    named = names(settings, definition)
    told = specs(settings, definition, f"Commit {settings.commit_id}", prepared.data_version)
    overlay = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "namespace": namespace,
        "resources": ["../base"],
        "labels": [{"pairs": {LABEL: settings.project_id}}],
        "patches": [
            {
                "target": {"kind": kind},
                "patch": json.dumps(
                    {"apiVersion": VERSION, "kind": kind, "metadata": {"name": named[kind]}, "spec": spec}
                ),
                "options": {"allowNameChange": True},
            }
            for kind, spec in told.items()
        ],
    }
    folder.mkdir(exist_ok=True)
    # Every JSON is YAML.
    (folder / "kustomization.yaml").write_text(json.dumps(overlay, indent=2) + "\n", encoding="utf-8")
    return definition


def read(text: str) -> dict[str, Json]:
    """Return the objects of documents of YAML, by kind.

    Raises:
        ManifestError: they are not one of each kind, or a spec has fields that the kind has not.
    """
    found = [document for document in yaml.safe_load_all(text) if document]
    kinds = sorted(one["kind"] for one in found)
    if kinds != sorted(OPERATIONS):
        raise ManifestError(f"kustomize/base has {', '.join(kinds)}; the build applies one {', one '.join(OPERATIONS)}")
    if faults := [fault for one in found for fault in spec_faults(one)]:
        raise ManifestError("\n".join(faults))
    return {one["kind"]: one for one in found}


def spec_faults(found: Mapping[str, Any]) -> list[str]:
    """Return what of an object's spec its kind does not have."""
    kind = found["kind"]
    shape = _model().operation_model(OPERATIONS[kind]).input_shape
    return [f"{kind}: {fault}" for fault in _faults(found["spec"], shape, "spec", NOT_IN_ACK[kind])]


@functools.cache
def _model() -> ServiceModel:
    return botocore.session.get_session().get_service_model("sagemaker")


def field_name(member: str) -> str:
    """Return the field that ACK makes of a member of a request."""
    first, *others = re.findall(r"[A-Z][a-z0-9]*", member)
    return first.lower() + "".join(_ACRONYMS.get(word, word) for word in others)


def _faults(value: Any, shape: Shape, path: str, without: Iterable[str] = ()) -> Iterable[str]:
    if type(value) is not _TYPES.get(shape.type_name, type(value)):
        yield f"{path}: {value!r} is no {shape.type_name}"
    elif isinstance(shape, ListShape):
        for number, inner in enumerate(value):
            yield from _faults(inner, shape.member, f"{path}[{number}]")
    elif isinstance(shape, StructureShape):
        fields = {field_name(name): inner for name, inner in shape.members.items() if name not in without}
        for key, inner in value.items():
            if key in fields:
                yield from _faults(inner, fields[key], f"{path}.{key}")
            else:
                yield f"{path}.{key}: no such field; allowed are {', '.join(sorted(fields))}"
        needed = [field_name(name) for name in shape.required_members if name not in without]
        yield from (f"{path}.{name}: missing" for name in needed if name not in value)
