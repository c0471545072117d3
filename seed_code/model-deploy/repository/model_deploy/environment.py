"""What the CodeBuild project tells this repository, through environment variables."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from model_deploy.errors import UserError

STAGES = ("staging", "prod")
TRIGGERS = ("push", "approved", "rejected")
TARGETS = ("STACK", "STACKSET")
NEWEST = "newest"
"""Value of MODEL_PACKAGE_ARN that asks for the newest Approved version of the group."""


@dataclass(frozen=True, kw_only=True)
class Environment:
    """The project's facts. Empty text means that the environment has no such thing."""

    project_name: str
    project_id: str
    platform: str
    """Name of the platform that the project belongs to; a tag."""
    environment: str
    account_id: str
    region: str
    artifact_bucket: str
    kms_key_arn: str
    role_arn: str
    """Role of the model in the project's own account."""
    group_name: str
    subnet_ids: tuple[str, ...]
    security_group_ids: tuple[str, ...]
    topic_arn: str
    """Topic that alarms notify."""
    target: str
    """STACK: stacks in this account. STACKSET: stack sets over the accounts of each stage."""
    accounts: Mapping[str, tuple[str, ...]]
    """Accounts of each stage."""
    target_model_role: str
    """Name (with its path) of the model's role in accounts other than this one."""
    target_test_role: str
    """Name (with its path) of the role that the test assumes in accounts other than this one."""
    monitoring_schedule: str
    """When captured data is compared with the baseline, as EventBridge writes it; empty for never."""
    monitoring_role_arn: str
    """Role of the job that compares; empty where nothing is monitored."""
    events_role_arn: str
    """Role as which rules start pipelines."""
    retrain_on_drift: bool
    trigger: str
    requested: str
    """ARN of the package that the event names, or `newest`."""
    execution_id: str
    """This run of the pipeline; empty in a step that does not need to know."""

    @classmethod
    def load(cls, variables: Mapping[str, str]) -> Self:
        """Read the environment variables.

        Raises:
            UserError: names every variable that is missing or has a value that is not allowed.

        """
        read = _Reader(variables)
        account = read.required("AWS_ACCOUNT_ID")
        found = cls(
            project_name=read.required("SAGEMAKER_PROJECT_NAME"),
            project_id=read.required("SAGEMAKER_PROJECT_ID"),
            platform=read.required("PLATFORM"),
            environment=read.required("ENVIRONMENT"),
            account_id=account,
            region=read.required("AWS_REGION"),
            artifact_bucket=read.required("ARTIFACT_BUCKET"),
            kms_key_arn=read.optional("KMS_KEY_ARN"),
            role_arn=read.required("SAGEMAKER_ROLE_ARN"),
            group_name=read.required("MODEL_PACKAGE_GROUP_NAME"),
            subnet_ids=read.many("SUBNET_IDS"),
            security_group_ids=read.many("SECURITY_GROUP_IDS"),
            topic_arn=read.optional("NOTIFICATION_TOPIC_ARN"),
            target=read.one_of("DEPLOYMENT_TARGET", TARGETS),
            accounts={stage: read.many(f"{stage.upper()}_ACCOUNT_IDS") or (account,) for stage in STAGES},
            target_model_role=read.optional("TARGET_MODEL_ROLE_NAME"),
            target_test_role=read.optional("TARGET_TEST_ROLE_NAME"),
            monitoring_schedule=read.optional("MONITORING_SCHEDULE"),
            monitoring_role_arn=read.optional("MONITORING_ROLE_ARN"),
            events_role_arn=read.optional("EVENTS_ROLE_ARN"),
            retrain_on_drift=read.one_of("RETRAIN_ON_DRIFT", ("NO", "YES")) == "YES",
            trigger=read.one_of("TRIGGER", TRIGGERS),
            requested=read.optional("MODEL_PACKAGE_ARN") or NEWEST,
            execution_id=read.optional("PIPELINE_EXECUTION_ID"),
        )
        read.finish()
        return found

    def stack_name(self, stage: str) -> str:
        """Name of the stage's stack or stack set; template.yaml of the product builds the same name."""
        return f"sagemaker-{self.project_name}-{self.project_id}-deploy-{stage}"

    @property
    def pipeline_name(self) -> str:
        """Name of the pipeline that this run belongs to."""
        return f"sagemaker-{self.project_name}-{self.project_id}-modeldeploy"

    def endpoint_name(self, stage: str) -> str:
        """Name of the stage's endpoint: 10 + 20 + 1 + 7 = 38 of the 63 characters that SageMaker allows."""
        return f"sagemaker-{self.project_id}-{stage}"

    @property
    def tags(self) -> dict[str, str]:
        """Tags of what a stage's stack holds."""
        return {
            "sagemaker:project-name": self.project_name,
            "sagemaker:project-id": self.project_id,
            "project": self.platform,
            "environment": self.environment,
        }

    def other_accounts(self, stage: str) -> tuple[str, ...]:
        """Accounts of the stage that are not the project's own."""
        return tuple(account for account in self.accounts[stage] if account != self.account_id)


class _Reader:
    """Reads variables and remembers every fault, so that one run shows them all."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables
        self._faults: list[str] = []

    def optional(self, name: str) -> str:
        return self._variables.get(name, "").strip()

    def required(self, name: str) -> str:
        value = self.optional(name)
        if not value:
            self._faults.append(f"{name} is not set")
        return value

    def many(self, name: str) -> tuple[str, ...]:
        return tuple(part.strip() for part in self.optional(name).split(",") if part.strip())

    def one_of(self, name: str, allowed: tuple[str, ...]) -> str:
        """One of the allowed values; the first one when the variable is not set."""
        value = self.optional(name) or allowed[0]
        if value not in allowed:
            self._faults.append(f"{name} is {value!r}; allowed: {', '.join(allowed)}")
        return value

    def finish(self) -> None:
        if self._faults:
            raise UserError(
                "The environment of this run is not complete (the CodeBuild project sets it; README.md lists it):\n  "
                + "\n  ".join(self._faults)
            )
