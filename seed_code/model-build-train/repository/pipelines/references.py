"""How a definition refers to what only an execution knows: parameters, outputs of steps, places of its own."""

from typing import Any

from pipelines.settings import Settings

Json = dict[str, Any]


def parameter(name: str) -> Json:
    """The value of a parameter."""
    return {"Get": f"Parameters.{name}"}


def output(step: str, name: str) -> Json:
    """The URL of an output of a processing step."""
    return {"Get": f"Steps.{step}.ProcessingOutputConfig.Outputs['{name}'].S3Output.S3Uri"}


def reported(path: str) -> Json:
    """A value of the evaluation report."""
    return {"Std:JsonGet": {"PropertyFile": {"Get": "Steps.Evaluate.PropertyFiles.Report"}, "Path": path}}


def execution_arn() -> Json:
    """The execution's ARN."""
    return {"Get": "Execution.PipelineExecutionArn"}


def execution_url(settings: Settings, *path: str) -> Json:
    """A prefix of this execution's own, so that no execution writes over another's results."""
    return join("/", f"s3://{settings.bucket}/executions", {"Get": "Execution.PipelineExecutionId"}, *path)


def text(value: Json) -> Json:
    """A number as the text that the job APIs take."""
    return join("", value)


def join(separator: str, *values: Any) -> Json:
    """Values as one text."""
    return {"Std:Join": {"On": separator, "Values": list(values)}}


def when(condition: Any, **entries: Any) -> Json:
    """Entries of a request that are there only where something holds."""
    return entries if condition else {}
