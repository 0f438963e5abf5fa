"""What is asked of notifications: which ones, and whose states."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from fanfare.domain.filters import NotificationFilter
from fanfare.domain.notification import NotificationStatus
from fanfare.web.instants import Instant
from fanfare.web.notification_answers import Status
from fanfare.web.paging import PageQuery
from fanfare.web.schema import Identifier, In, Name, Topic
from fanfare.web.variable_schemas import TemplateName


class NotificationPath(In):
    """Which notification."""

    id: Identifier


class TracePath(NotificationPath):
    """Which notification and which of its recipients."""

    device: Identifier


class NotificationQuery(PageQuery):
    """Which notifications, and paging. `username` and `profile_id` go with the two times only."""

    status: Status | None = Field(None, description="As it is stored: a notification whose first pass is under way still counts as queued.")
    template: TemplateName | None = None
    type: Name | None = None
    caller: Name | None = None
    username: Name | None = Field(None, description="One of the first 20 that were addressed.")
    profile_id: Identifier | None = Field(None, description="One of the first 20 that were addressed.")
    client_id: Identifier | None = None
    topic: Topic | None = None
    schedule_id: Identifier | None = None
    created_after: Instant | None = None
    created_before: Instant | None = None

    def filters(self) -> NotificationFilter:
        """The filters as the domain has them."""
        given = self.model_dump(exclude={"limit", "cursor", "status"})
        return NotificationFilter(status=NotificationStatus(self.status) if self.status else None, **given)


class StatusesIn(In):
    """Whose states are wanted."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"ids": ["w1Xy2Zk3mN4pQ5rS6tU7vA"]}]})

    ids: Annotated[list[Identifier], Field(min_length=1, max_length=100)]
