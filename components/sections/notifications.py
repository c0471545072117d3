"""`sm-mlops:notifications`: who is told of what."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from components.core.section import Email, Section


class RepositoryEvent(StrEnum):
    """What can be notified of a CodeCommit repository: AWS's event type ids without `codecommit-repository-`."""

    COMMENTS_ON_COMMITS = "comments-on-commits"
    COMMENTS_ON_PULL_REQUESTS = "comments-on-pull-requests"
    APPROVALS_STATUS_CHANGED = "approvals-status-changed"
    APPROVALS_RULE_OVERRIDE = "approvals-rule-override"
    PULL_REQUEST_CREATED = "pull-request-created"
    PULL_REQUEST_SOURCE_UPDATED = "pull-request-source-updated"
    PULL_REQUEST_STATUS_CHANGED = "pull-request-status-changed"
    PULL_REQUEST_MERGED = "pull-request-merged"
    BRANCHES_AND_TAGS_CREATED = "branches-and-tags-created"
    BRANCHES_AND_TAGS_DELETED = "branches-and-tags-deleted"
    BRANCHES_AND_TAGS_UPDATED = "branches-and-tags-updated"


class NotificationsSpec(Section):
    """Who is told of what."""

    emails: tuple[Email, ...] = ()
    """Subscribers of the topic. Each confirms the subscription once, by the mail that AWS sends."""
    repository_events: Annotated[tuple[RepositoryEvent, ...], Field(min_length=1)] = (
        RepositoryEvent.PULL_REQUEST_CREATED,
        RepositoryEvent.PULL_REQUEST_MERGED,
    )
    """Events of a CodeCommit repository that are told, by AWS's ids without `codecommit-repository-`.

    A Git provider tells by itself: with one, this has no effect.
    """
    detail: Literal["BASIC", "FULL"] = "FULL"
    """`FULL` mails quote titles and comments; `BASIC` mails only say that something happened."""

    @property
    def repository_event_type_ids(self) -> list[str]:
        """The events of the repository by the ids that AWS knows."""
        return [f"codecommit-repository-{event}" for event in self.repository_events]
