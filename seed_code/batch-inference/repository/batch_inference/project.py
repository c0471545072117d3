"""What the CodeBuild project tells this repository, through environment variables."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from model_deploy.environment import Environment
from model_deploy.errors import UserError

TRIGGERS = ("push", "schedule", "data", "ended")
OWN_FOLDERS = ("runs/", "state/", "sagemaker-")
"""What the project's bucket holds beside the files: a run that took its own results would never end."""


@dataclass(frozen=True, kw_only=True)
class Project:
    """The project's facts."""

    environment: Environment
    input_bucket: str
    input_prefix: str
    """Folder of the files, with a slash at its end."""
    starts_on_new_data: bool
    trigger: str

    @classmethod
    def load(cls, variables: Mapping[str, str]) -> Self:
        """Read the environment variables.

        Raises:
            UserError: one is missing or has a value that is not allowed.

        """
        trigger = variables.get("STARTED_BY", "") or TRIGGERS[0]
        bucket, prefix = variables.get("INPUT_BUCKET", ""), variables.get("INPUT_PREFIX", "")
        on_new_data = variables.get("START_ON_NEW_DATA", "") == "YES"
        environment = Environment.load(variables)
        faults = []
        if trigger not in TRIGGERS:
            faults.append(f"the pipeline's variable Trigger is {trigger!r}; allowed: {', '.join(TRIGGERS)}")
        if not bucket or not prefix.endswith("/"):
            faults.append(f"INPUT_BUCKET is {bucket!r} and INPUT_PREFIX is {prefix!r}, which must end with a slash")
        elif bucket == environment.artifact_bucket and prefix.startswith(OWN_FOLDERS):
            faults.append(
                f"the project's parameter InputPrefix is {prefix!r}, where the project's bucket keeps its own things "
                f"({', '.join(OWN_FOLDERS)}); choose another folder, such as input/"
            )
        if faults:
            raise UserError("This run cannot be started as it is: " + "; ".join(faults) + ".")
        return cls(
            environment=environment,
            input_bucket=bucket,
            input_prefix=prefix,
            starts_on_new_data=on_new_data,
            trigger=trigger,
        )

    @property
    def run_prefix(self) -> str:
        """What the names of runs begin with: 10 + 20 + 7 characters; template.yaml of the product says the same."""
        return f"sagemaker-{self.environment.project_id}-batch-"

    @property
    def tags(self) -> list[dict[str, str]]:
        """Tags of what a run makes."""
        told = self.environment
        pairs = {
            "sagemaker:project-name": told.project_name,
            "sagemaker:project-id": told.project_id,
            "project": told.platform,
            "environment": told.environment,
        }
        return [{"Key": key, "Value": value} for key, value in pairs.items()]
