"""An approval: the pipeline waits for a person."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import pulumi

from components.delivery.actions.action import Action, PipelineContext, Text
from components.iam.pipeline_policies import publish_statements
from components.iam.policies import Statement

TIMEOUT_MINUTES = range(5, 86401)
"""What AWS takes as an approval's time limit."""


@dataclass(frozen=True, kw_only=True)
class Approval(Action):
    """Waits for a person."""

    category: ClassVar[str] = "Approval"
    provider: ClassVar[str] = "Manual"

    text: Text
    """What is to be approved, up to 1,000 characters; `#{...}` is filled in when it runs."""
    link: Text | None = None
    """Address of what is to be reviewed."""
    timeout_minutes: int | None = None
    """Minutes after which it counts as rejected: 5 to 86,400; left out, AWS's seven days."""

    @property
    def timeout(self) -> int | None:
        """Minutes after which it fails."""
        return self.timeout_minutes

    def own_faults(self) -> Iterator[str]:
        """What AWS would refuse of an approval."""
        if self.timeout_minutes is not None and self.timeout_minutes not in TIMEOUT_MINUTES:
            yield f"a time limit of {self.timeout_minutes} minutes; AWS takes 5 to 86400"
        if isinstance(self.link, str) and not re.match(r"https?://", self.link):
            yield f"link {self.link!r} is not an address that starts with https://"

    def configuration(self, context: PipelineContext) -> dict[str, Text]:
        """Its configuration, by AWS's keys."""
        values = {"CustomData": self.text, "ExternalEntityLink": self.link, "NotificationArn": context.topic_arn}
        return {key: value for key, value in values.items() if value is not None}

    def statements(self, context: PipelineContext) -> pulumi.Output[list[Statement]]:
        """Asks on the pipeline's topic, where it has one."""
        return pulumi.Output.from_input(context.topic_arn).apply(
            lambda topic_arn: publish_statements(context.home, topic_arn) if topic_arn else []
        )
