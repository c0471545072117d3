"""AWS CodePipeline: pipelines as AWS takes and describes them. Nothing runs them yet."""

import json
from typing import Any

from moto.codepipeline import urls as moto_urls
from moto.codepipeline.exceptions import InvalidStructureException
from moto.codepipeline.models import CodePipeline, codepipeline_backends
from moto.codepipeline.models import CodePipelineBackend as MotoBackend
from moto.codepipeline.responses import CodePipelineResponse as MotoResponse
from moto.iam.exceptions import NotFoundException

from sandbox.emulator.callers import trusts
from sandbox.emulator.extension import OneModule, replace_backend

PRINCIPAL = "codepipeline.amazonaws.com"
DEFAULTS = {"pipelineType": "V1", "executionMode": "SUPERSEDED"}


class CodePipelineBackend(OneModule, MotoBackend):
    """The pipelines of one account and region."""

    def create_pipeline(
        self, pipeline: dict[str, Any], tags: list[dict[str, str]] | None
    ) -> tuple[dict[str, Any], list[dict[str, str]]]:
        """Make a pipeline."""
        name = pipeline["name"]
        if name in self.pipelines:
            raise InvalidStructureException(
                f"A pipeline with the name '{name}' already exists in account '{self.account_id}'"
            )
        self._check(pipeline)
        made = CodePipeline(self.account_id, self.region_name, {**DEFAULTS, **pipeline})
        made.validate_tags(tags or [])
        made.tags = {tag["key"]: tag["value"] for tag in tags or []}
        self.pipelines[name] = made
        return made.pipeline, sorted(tags or [], key=lambda tag: tag["key"])

    def update_pipeline(self, pipeline: dict[str, Any]) -> dict[str, Any]:
        """Change a pipeline; what is left out gets its default."""
        self.get_pipeline(pipeline["name"])
        self._check(pipeline)
        return super().update_pipeline({**DEFAULTS, **pipeline})

    def _check(self, pipeline: dict[str, Any]) -> None:
        try:
            trusted = trusts(
                self.iam_backend.get_role_by_arn(pipeline["roleArn"]).assume_role_policy_document, PRINCIPAL
            )
        except NotFoundException:
            trusted = False
        if not trusted:
            raise InvalidStructureException(
                f"CodePipeline is not authorized to perform AssumeRole on role {pipeline['roleArn']}"
            )
        if len(pipeline["stages"]) < 2:
            raise InvalidStructureException(
                f"Pipeline has only {len(pipeline['stages'])} stage(s). "
                "There should be a minimum of 2 stages in a pipeline"
            )
        if ("artifactStore" in pipeline) is ("artifactStores" in pipeline):
            raise InvalidStructureException("A pipeline has either artifactStore or artifactStores")
        self._check_names(pipeline)

    @staticmethod
    def _check_names(pipeline: dict[str, Any]) -> None:
        produced: set[str] = set()
        for stage in pipeline["stages"]:
            names = [action["name"] for action in stage["actions"]]
            if len(set(names)) != len(names):
                raise InvalidStructureException(f"Stage {stage['name']} has two actions of the same name: {names}")
            outputs = {one["name"] for action in stage["actions"] for one in action.get("outputArtifacts", [])}
            for action in stage["actions"]:
                missing = {one["name"] for one in action.get("inputArtifacts", [])} - produced - outputs
                if missing:
                    raise InvalidStructureException(
                        f"Input Artifact Bundle {min(missing)} in action {action['name']} is not declared as "
                        "Output Artifact Bundle in any of the preceding actions"
                    )
            produced |= outputs


class CodePipelineResponse(MotoResponse):
    """moto's operations, and the state of a pipeline."""

    def get_pipeline_state(self) -> str:
        """GetPipelineState."""
        pipeline, metadata = self.codepipeline_backend.get_pipeline(self._get_param("name"))
        states = [
            {
                "stageName": stage["name"],
                "inboundTransitionState": {"enabled": True},
                "actionStates": [{"actionName": action["name"]} for action in stage["actions"]],
            }
            for stage in pipeline["stages"]
        ]
        return json.dumps(
            {
                "pipelineName": pipeline["name"],
                "pipelineVersion": pipeline["version"],
                "stageStates": states,
                "created": metadata["created"],
                "updated": metadata["updated"],
            }
        )

    def list_pipelines(self) -> str:
        """ListPipelines."""
        backend = self.codepipeline_backend
        fields = ("pipelineType", "executionMode")
        found = [
            {**summary, **{field: backend.pipelines[summary["name"]].pipeline[field] for field in fields}}
            for summary in backend.list_pipelines()
        ]
        return json.dumps({"pipelines": found})


url_bases = moto_urls.url_bases
url_paths = {"{0}/$": CodePipelineResponse.dispatch}


def install() -> None:
    """Put this module in the place of moto's."""
    replace_backend(codepipeline_backends, CodePipelineBackend)
