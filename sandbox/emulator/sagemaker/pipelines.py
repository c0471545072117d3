"""How a SageMaker pipeline runs: its definition, schema 2020-12-01, is played step by step in a thread.

Known are the steps Processing, Training, Condition, RegisterModel and Fail, one after another in the order of the
definition. Jobs really run, see `jobs`; retries and caches are not emulated.
"""

import json
import operator
import re
import threading
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError, ParamValidationError
from moto.core.utils import utcnow
from moto.moto_api._internal import mock_random

from sandbox.emulator.core import authorization
from sandbox.emulator.core.callers import Caller, RoleError
from sandbox.emulator.core.not_known import not_known
from sandbox.emulator.events.models import publish, timestamp
from sandbox.emulator.sagemaker import jobs
from sandbox.emulator.sagemaker.jobs import Container, JobError, Json

SERVICE = "sagemaker.amazonaws.com"
_PARTS = re.compile(r"\.?([^.\[\]']+)|\['([^']+)'\]")
_CONVERT: dict[str, Callable[[str], Any]] = {"Integer": int, "Float": float, "String": str, "Boolean": "true".__eq__}
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "Equals": operator.eq,
    "GreaterThan": operator.gt,
    "GreaterThanOrEqualTo": operator.ge,
    "LessThan": operator.lt,
    "LessThanOrEqualTo": operator.le,
}


class StepError(Exception):
    """A step failed; the text is its reason."""


class PipelineRun:
    """One execution of a pipeline."""

    def __init__(
        self,
        caller: Caller,
        arn: str,
        role: str,
        definition: str,
        given: list[dict[str, str]],
        description: str = "",
    ) -> None:
        self.arn, self._description = arn, description
        self.definition: Json = json.loads(definition)
        self.status, self.failure = "Executing", ""
        self.started = self.ended = utcnow()
        self.steps: list[Json] = []
        self._caller, self._role_arn = caller.root(), role
        self._values: dict[str, Any] = {
            "Parameters": self._parameters(given),
            "Execution": {
                "PipelineName": arn.split("/")[-3],
                "PipelineExecutionId": arn.rsplit("/", maxsplit=1)[-1],
                "PipelineExecutionArn": arn,
                "StartDateTime": timestamp(),
            },
            "Steps": {},
        }
        self._files: dict[tuple[str, str], str] = {}
        self._container: Container | None = None
        self._stopped = False
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _parameters(self, given: list[dict[str, str]]) -> Json:
        declared = {one["Name"]: one for one in self.definition.get("Parameters", [])}
        values = {name: one["DefaultValue"] for name, one in declared.items() if "DefaultValue" in one}
        for one in given:
            if one["Name"] not in declared:
                raise StepError(f"The pipeline has no parameter {one['Name']}.")
            values[one["Name"]] = _CONVERT[declared[one["Name"]]["Type"]](one["Value"])
        for name, value in values.items():
            if value not in declared[name].get("EnumValues", [value]):
                raise StepError(f"{name} must be one of {declared[name]['EnumValues']}.")
        if missing := declared.keys() - values.keys():
            raise StepError(f"The parameters {sorted(missing)} have no value.")
        return values

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End it, with the job that runs."""
        self._stopped = True
        if self._container:
            self._container.close()
        self._thread.join(10)

    def _run(self) -> None:
        self._tell("Executing", "Executing")
        try:
            self._play(self.definition["Steps"])
            status = "Succeeded"
        except (StepError, JobError, RoleError, ClientError, ParamValidationError) as error:
            status, self.failure = "Failed", str(error)
        except Exception as error:  # a fault of the sandbox must not leave anybody waiting
            status, self.failure = "Failed", f"The sandbox failed: {error!r}"
        status = "Stopped" if self._stopped else status
        self.ended = utcnow()
        if not self._stopped:
            self._tell(status, "Executing")
        self.status = status

    def _play(self, steps: list[Json]) -> None:
        for step in steps:
            if self._stopped:
                return
            work = _STEPS.get(step["Type"])
            if work is None:
                raise StepError(not_known(f"the step {step['Type']}; it has {', '.join(sorted(_STEPS))}"))
            told: Json = {"StepName": step["Name"], "StartTime": utcnow(), "StepStatus": "Executing", "Metadata": {}}
            self.steps.append(told)
            chosen: list[Json] = []
            try:
                chosen = work(self, step, told["Metadata"]) or []
                told["StepStatus"] = "Succeeded"
            except Exception as error:
                told |= {"StepStatus": "Failed", "FailureReason": str(error)}
                self._tell_failed_step(step, str(error))
                raise
            finally:
                told["EndTime"] = utcnow()
            self._play(chosen)

    def value(self, node: Any) -> Any:  # noqa: ANN401 - any JSON
        """Return a part of the definition with its references and functions filled in."""
        if isinstance(node, list):
            return [self.value(one) for one in node]
        if not isinstance(node, dict):
            return node
        if "Get" in node:
            return self._get(node["Get"])
        if join := node.get("Std:Join"):
            return join["On"].join(str(self.value(one)) for one in join["Values"])
        if read := node.get("Std:JsonGet"):
            return self._read(self._get(read["PropertyFile"]["Get"]), read["Path"])
        return {key: self.value(one) for key, one in node.items()}

    def _get(self, path: str) -> Any:  # noqa: ANN401 - any JSON
        found: Any = self._values
        for parts in _PARTS.findall(path):
            name = parts[0] or parts[1]
            if isinstance(found, list):
                found = {one[key]: one for one in found for key in one if key in ("OutputName", "ChannelName")}
            if name not in found:
                raise StepError(f"{path} refers to nothing: there is no {name}.")
            found = found[name]
        return found

    def _read(self, url: str, path: str) -> Any:  # noqa: ANN401 - any JSON
        bucket, _, key = url.removeprefix("s3://").partition("/")
        found = json.loads(self.role().client("s3").get_object(Bucket=bucket, Key=key)["Body"].read())
        for part in path.split("."):
            found = found[part]
        return found

    def role(self) -> Caller:
        """Return the role of the execution."""
        return self._caller.assume(self._role_arn, SERVICE, "SageMaker", source=self.arn)

    def _job(self, step: Json, kind: str, image: str, request: Json) -> tuple[Json, Container]:
        """Register a job with SageMaker, and prepare its container."""
        identity = self.arn.rsplit("/", 1)[-1]
        name = f"pipelines-{identity}-{step['Name']}-{mock_random.get_random_hex(10)}"
        role = self._caller.assume(request["RoleArn"], SERVICE, "SageMaker", source=self.arn)
        arn = f"arn:{role.partition}:sagemaker:{role.region}:{role.account}:{kind.lower()}-job/{name}"
        self.role().require(f"sagemaker:Create{kind}Job", arn, **authorization.job_keys(request))
        named = {f"{kind}JobName": name, **request}
        getattr(self._caller.client("sagemaker"), f"create_{kind.lower()}_job")(**named)
        isolated = {**request, **request.get("NetworkConfig", {})}.get("EnableNetworkIsolation", False)
        self._container = Container(image, role, isolated=isolated)
        return named, self._container

    def _process(self, step: Json, metadata: Json) -> None:
        request = self.value(step["Arguments"])
        job, container = self._job(step, "Processing", request["AppSpecification"]["ImageUri"], request)
        metadata["ProcessingJob"] = {"Arn": self._arn("processing-job", job["ProcessingJobName"])}
        try:
            jobs.process(container, job)
        finally:
            container.close()
        outputs = {one["OutputName"]: one["S3Output"]["S3Uri"] for one in job["ProcessingOutputConfig"]["Outputs"]}
        files = {
            one["PropertyFileName"]: f"{outputs[one['OutputName']]}/{one['FilePath']}"
            for one in step.get("PropertyFiles", [])
        }
        self._values["Steps"][step["Name"]] = {**job, "PropertyFiles": files}

    def _train(self, step: Json, metadata: Json) -> None:
        request = self.value(step["Arguments"])
        job, container = self._job(step, "Training", request["AlgorithmSpecification"]["TrainingImage"], request)
        name = job["TrainingJobName"]
        metadata["TrainingJob"] = {"Arn": self._arn("training-job", name)}
        artifacts = f"{job['OutputDataConfig']['S3OutputPath']}/{name}/output/model.tar.gz"
        try:
            jobs.train(container, job, artifacts)
        finally:
            container.close()
        self._values["Steps"][step["Name"]] = {**job, "ModelArtifacts": {"S3ModelArtifacts": artifacts}}

    def _decide(self, step: Json, metadata: Json) -> list[Json]:
        arguments = step["Arguments"]
        outcome = True
        for condition in arguments["Conditions"]:
            compare = _COMPARE.get(condition["Type"])
            if compare is None:
                raise StepError(not_known(f"the condition {condition['Type']}"))
            outcome &= compare(self.value(condition["LeftValue"]), self.value(condition["RightValue"]))
        metadata["Condition"] = {"Outcome": "True" if outcome else "False"}
        chosen: list[Json] = arguments["IfSteps" if outcome else "ElseSteps"]
        return chosen

    def _register(self, step: Json, metadata: Json) -> None:
        request = self.value(step["Arguments"])
        group = self._arn("model-package-group", request["ModelPackageGroupName"])
        tags = self._caller.client("sagemaker").list_tags(ResourceArn=group)["Tags"]
        keys = {f"aws:ResourceTag/{tag['Key']}".replace(":", "__"): tag["Value"] for tag in tags}
        self.role().require("sagemaker:CreateModelPackage", group.lower(), **keys)
        made = self._caller.client("sagemaker").create_model_package(**request)["ModelPackageArn"]
        metadata["RegisterModel"] = {"Arn": made}
        self._values["Steps"][step["Name"]] = {**request, "ModelPackageArn": made}

    def _fail(self, step: Json, metadata: Json) -> None:
        message = str(self.value(step["Arguments"]["ErrorMessage"]))
        metadata["Fail"] = {"ErrorMessage": message}
        raise StepError(message)

    def _arn(self, kind: str, name: str) -> str:
        caller = self._caller
        return f"arn:{caller.partition}:sagemaker:{caller.region}:{caller.account}:{kind}/{name}"

    def _tell(self, status: str, before: str) -> None:
        detail = {
            "pipelineExecutionDescription": self._description,
            "currentPipelineExecutionStatus": status,
            "previousPipelineExecutionStatus": before,
        }
        self._publish("Execution Status Change", detail)

    def _tell_failed_step(self, step: Json, reason: str) -> None:
        detail = {
            "stepName": step["Name"],
            "stepType": step["Type"],
            "currentStepStatus": "Failed",
            "previousStepStatus": "Executing",
            "failureReason": reason,
        }
        self._publish("Execution Step Status Change", detail)

    def _publish(self, kind: str, detail: Json) -> None:
        pipeline = self.arn.partition("/execution/")[0]
        publish(
            self._caller,
            source="aws.sagemaker",
            kind=f"SageMaker Model Building Pipeline {kind}",
            detail={"pipelineArn": pipeline, "pipelineExecutionArn": self.arn, **detail},
            resource=pipeline,
        )


_STEPS: dict[str, Callable[[PipelineRun, Json, Json], list[Json] | None]] = {
    "Processing": PipelineRun._process,
    "Training": PipelineRun._train,
    "Condition": PipelineRun._decide,
    "RegisterModel": PipelineRun._register,
    "Fail": PipelineRun._fail,
}
