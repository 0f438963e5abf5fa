"""What is asked of schedules: which one, which ones, and when they fire."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from fanfare.domain.filters import ScheduleFilter
from fanfare.domain.schedule import ScheduleStatus
from fanfare.web.instants import Instant
from fanfare.web.paging import PageQuery
from fanfare.web.schedule_answers import StatusName
from fanfare.web.schema import Identifier, In, Query, Timezone


class SchedulePath(In):
    """Which schedule."""

    id: Identifier


class ScheduleQuery(PageQuery):
    """Filters of the list of schedules."""

    status: StatusName | None = None
    created_after: Instant | None = None
    created_before: Instant | None = None

    def filters(self) -> ScheduleFilter:
        """The filters as the domain has them."""
        status = ScheduleStatus(self.status) if self.status is not None else None
        return ScheduleFilter(status, self.created_after, self.created_before)


class FiringsQuery(Query):
    """How many of the next firings are wanted, and in which zones."""

    count: Annotated[int, Field(ge=1, le=100)] = 10
    timezones: Annotated[list[Timezone], Field(max_length=50)] = Field(
        default_factory=list, description="Zones of the IANA database; without any, the schedule's own or the tenant's."
    )
