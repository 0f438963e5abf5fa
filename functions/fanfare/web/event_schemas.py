"""How events are asked for: by polls, by the stream, by id."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, WithJsonSchema

from fanfare.domain.event import LISTENABLE, EventKind
from fanfare.domain.event_filter import EventFilter
from fanfare.services.read_events import EventPoll
from fanfare.web.instants import Instant
from fanfare.web.schema import Identifier, In, Query


def _check_listenable(kind: EventKind) -> EventKind:
    if kind not in LISTENABLE:
        raise ValueError("goes to the one webhook that is tested")
    return kind


Kind = Annotated[EventKind, AfterValidator(_check_listenable), WithJsonSchema({"type": "string", "enum": sorted(LISTENABLE)})]
Cursor = Annotated[str, Field(max_length=512)]


class EventPath(In):
    """Which event."""

    id: Identifier


class EventFilterQuery(Query):
    """Which events; `kind` may be repeated."""

    kind: Annotated[list[Kind], Field(max_length=len(EventKind), description="One of these kinds; all of them where none is named.")] = Field(
        default_factory=list
    )
    notification_id: Annotated[Identifier, Field(description="About this notification.")] | None = None

    def filters(self) -> EventFilter:
        """The filters as the domain has them."""
        return EventFilter(frozenset(self.kind), self.notification_id)


class EventQuery(EventFilterQuery):
    """A poll. Ask with `next_cursor` as `after`, again and again; a page may be empty and move on all the same."""

    after: Annotated[Cursor, Field(description="`next_cursor` of the last answer, or the id of an event of the stream.")] | None = None
    since: Annotated[Instant, Field(description="Where to begin without a cursor; else with the oldest event that is kept.")] | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50

    def poll(self) -> EventPoll:
        """The query as the service takes it."""
        return EventPoll(self.filters(), self.limit, self.after, self.since)


class StreamQuery(EventFilterQuery):
    """A stream. `after` stands in for the header `Last-Event-ID`, which wins."""

    after: Annotated[Cursor, Field(description="The id of the last event that was seen, or `next_cursor` of a poll.")] | None = None
