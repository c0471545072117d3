"""`sm-mlops:delivery`: the pipelines that deliver the platform."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from components.core.section import NamePart, RoleArn, Section, Sha256, fault, filled_in, matching
from components.sections.build_machine import LOG_DAYS, Machine, MachineType


def _log_days(value: int) -> int:
    """Take a number of days that CloudWatch Logs takes."""
    if value not in LOG_DAYS:
        raise fault(f"{value} is not one of {', '.join(map(str, LOG_DAYS))}")
    return value


KeyProvider = Annotated[
    str,
    matching(
        r"awskms:///?arn:[a-z-]+:kms:[a-z0-9-]+:\d{12}:key/[\w-]+(\?.*)?",
        "awskms:///<ARN of a key>, as the stack files have it",
    ),
    AfterValidator(filled_in("key/00000000-0000-0000-0000-000000000000", "the ARN of your own key")),
]


class DeliveredStack(Section):
    """One stack that the pipeline delivers."""

    stack: Annotated[str, matching(r"([\w.-]+/[\w.-]+/)?[\w.-]{1,40}", "a stack, or <organization>/<project>/<stack>")]
    """Name of the stack in Pulumi: `dev`, or `<organization>/<project>/dev` in Pulumi Cloud."""
    environment: NamePart | None = None
    """`sm-mlops:environment` of the stack, if it is not the stack's name: builds may change what is named after it."""
    approval: bool = False
    """Whether a person approves the preview before the stack is changed."""
    secrets_provider: KeyProvider | None = None
    """Key of this stack's secrets alone, `awskms:///<ARN of the key>`: builds of other stacks cannot decrypt them."""
    role_arn: RoleArn | None = None
    """Stack of another account: the role there that changes it. Left out, builds change it by rights of their own."""
    preview_role_arn: RoleArn | None = None
    """Stack of another account: the role there that reads it, for previews, the doctor and drift."""
    external_id: (
        Annotated[str, matching(r"[\w+=,.@:/-]{2,1224}", "2 to 1224 letters, digits and + = , . @ : / - _")] | None
    ) = None
    """External id that both roles ask for."""
    window: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    """Times in UTC at which the stack may be changed, as Quartz writes them: `* * 9-17 ? * MON-FRI *`."""

    @property
    def title(self) -> str:
        """Last part of the stack's name; stages, actions and build projects carry it."""
        return self.stack.rsplit("/", 1)[-1]

    @property
    def environment_name(self) -> str:
        """Environment of the stack's file."""
        return self.environment or self.title


class DeliverySpec(Section):
    """The pipelines that deliver the platform and watch it for drift."""

    stacks: Annotated[tuple[DeliveredStack, ...], Field(min_length=1)]
    """What is delivered, in this order; each stack after the one before it is up and well."""
    backend_url: Annotated[
        str,
        matching(
            r"s3://[a-z0-9.-]{3,63}(/[^?]*)?(\?.*)?|https://[^\s/]+",
            "s3://<bucket>?region=<region>, or an https:// address",
        ),
    ]
    """Where Pulumi keeps the stacks' state: `s3://<bucket>?region=<region>`, or `https://api.pulumi.com`."""
    secrets_provider: KeyProvider | None = None
    """State in S3: key of the secrets of stacks that name none, `awskms:///<ARN>`; the bucket may have it, too."""
    access_token_arn: (
        Annotated[
            str,
            matching(
                r"arn:[a-z-]+:secretsmanager:[a-z0-9-]+:\d{12}:secret:[\w/+=.@-]+",
                "the ARN of a secret, never its value",
            ),
        ]
        | None
    ) = None
    """State in Pulumi Cloud: ARN of the secret in Secrets Manager that holds an access token."""
    engine_sha256: Sha256
    """SHA-256 of the archive of Pulumi's engine, of the version that `requirements.txt` pins."""
    plugin_sha256: Sha256
    """SHA-256 of the archive of Pulumi's AWS plugin, of the version that `requirements.txt` pins."""
    releases_url: Annotated[str, matching(r"https://\S+[^/\s]", "an https:// address without a slash at its end")] = (
        "https://get.pulumi.com/releases"
    )
    """Where both archives are fetched: AWS's internet, or a mirror that builds in a VPC reach."""
    machine_type: MachineType = MachineType.X86
    """CodeBuild's type of machine. The archives are those of its processor."""
    compute_type: str | None = "BUILD_GENERAL1_MEDIUM"
    """CodeBuild's size of machine: `BUILD_GENERAL1_SMALL` to `BUILD_GENERAL1_2XLARGE`."""
    image: Annotated[str, Field(min_length=1)] | None = None
    """Container image with Python 3.11 or newer; left out, AWS's own Amazon Linux of the machine type."""
    timeout_minutes: Annotated[int, Field(ge=5, le=2160)] = 60
    """Minutes after which a build is stopped."""
    log_days: Annotated[int, AfterValidator(_log_days)] = 90
    """Days after which a build's log is removed."""
    drift_schedule: Annotated[str, matching(r"(cron|rate)\(.+\)", "cron(...) or rate(...)")] | None = (
        "cron(0 3 * * ? *)"
    )
    """When drift is looked for, in UTC, as EventBridge writes it; null looks for none."""
    pull_requests: Literal["comment", "approve"] | None = None
    """CodeCommit: `comment` shows on each pull request what it changes; `approve` also approves what nothing stops."""

    def secrets_provider_of(self, stack: str) -> str | None:
        """Key of the secrets of a stack, by its name or the last part of it."""
        own = (one.secrets_provider for one in self.stacks if one.title == stack.rsplit("/", 1)[-1])
        return next(own, None) or self.secrets_provider

    @property
    def state_bucket(self) -> str | None:
        """Bucket of the state, without a prefix; none where Pulumi Cloud keeps it."""
        found = re.match(r"s3://([a-z0-9.-]+)", self.backend_url)
        return found[1] if found else None

    @property
    def machine(self) -> Machine:
        """What the builds run on."""
        return Machine(
            type=self.machine_type,
            compute_type=self.compute_type,
            image=self.image,
            timeout_minutes=self.timeout_minutes,
        )
