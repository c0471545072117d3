"""Register the model as a version, if the evaluation's conditions are met.

The one job that calls AWS, and so the one with a network. It is a job because Airflow's operator for it fills in no
values of a run beyond the model's URL, and a version without its report and its commit is of little use. What only a
run knows stands in the request as `${name}`: `${run}`, the parameters, and of the evaluation report `${report.path}`.
"""

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from abalone import job, schema

REPORT_FILE = "evaluation.json"
REQUEST_FILE = "registration.json"
CONDITIONS = {
    "error": "mean squared error on the test rows",
    "share_of_baseline": "as a share of the error of always answering the mean",
    "share_of_approved": "as a share of the error of the newest approved version",
}


class _Text(Template):
    idpattern = r"(?a:[A-Za-z][A-Za-z0-9_.]*)"


class _Known(Mapping[str, str]):
    """Values by name; of the report by the path into it."""

    def __init__(self, values: Mapping[str, str], report: Mapping[str, Any]) -> None:
        self._values, self._report = values, report

    def __getitem__(self, name: str) -> str:
        first, *path = name.split(".")
        if first != "report" or not path:
            return self._values[name]
        found: Any = self._report
        for part in path:
            found = found[part]
        return json.dumps(found)

    def __iter__(self):
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


def filled(value: Any, known: Mapping[str, str]) -> Any:
    """Return a request with the values in the place of their names.

    Raises:
        DataError: a name that nobody knows.
    """
    if isinstance(value, dict):
        return {key: filled(one, known) for key, one in value.items()}
    if isinstance(value, list):
        return [filled(one, known) for one in value]
    if not isinstance(value, str):
        return value
    try:
        return _Text(value).substitute(known)
    except (KeyError, TypeError) as error:
        raise schema.DataError(
            f"the request of the registration names {error}, which this run does not know"
        ) from error


def check(report: Mapping[str, Any]) -> None:
    """See that the conditions are met.

    Raises:
        DataError: those that are not, with their values and limits.
    """
    conditions = report["conditions"]
    missed = [
        f"{meaning}: {conditions[name]['value']:.4g} (limit {conditions[name]['limit']:g})"
        for name, meaning in CONDITIONS.items()
        if not conditions[name]["met"]
    ]
    if missed:
        raise schema.DataError(f"no version was registered, because the model is not good enough: {'; '.join(missed)}")


def register(request: Mapping[str, Any], report: Mapping[str, Any], values: Mapping[str, str], sagemaker: Any) -> str:
    """Register the version; return its ARN.

    Args:
        request: of CreateModelPackage, with names of values.
        report: of the evaluation.
        values: by name.
        sagemaker: the client.

    Raises:
        DataError: the model is not good enough, a value is missing, or SageMaker does not take the version.
    """
    check(report)
    try:
        return sagemaker.create_model_package(**filled(request, _Known(values, report)))["ModelPackageArn"]
    except (BotoCoreError, ClientError) as error:
        raise schema.DataError(f"SageMaker did not take the version: {error}") from error


def _pair(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


def _read(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise schema.DataError(f"{path.name} cannot be read: {error}") from error
    return found


def main(argv: list[str] | None = None, message_file: Path = job.PROCESSING_MESSAGE_FILE, sagemaker: Any = None) -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        allow_abbrev=False, prog="register", description=__doc__.split("\n", maxsplit=1)[0]
    )
    parser.add_argument("--registration-dir", type=Path, required=True, help=f"holds {REQUEST_FILE}")
    parser.add_argument("--evaluation-dir", type=Path, required=True, help=f"holds {REPORT_FILE}")
    parser.add_argument("--region", required=True)
    parser.add_argument(
        "--value", type=_pair, action="append", default=[], help="NAME=VALUE, for each that the request names"
    )
    arguments = parser.parse_args(argv)

    def work() -> None:
        request, report = (
            _read(arguments.registration_dir / REQUEST_FILE),
            _read(arguments.evaluation_dir / REPORT_FILE),
        )
        client = sagemaker or boto3.client("sagemaker", region_name=arguments.region)
        print(f"registered {register(request, report, dict(arguments.value), client)}")

    return job.run("register", work, message_file)


if __name__ == "__main__":
    sys.exit(main())
