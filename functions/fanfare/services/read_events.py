"""Polling: the events after a cursor, in their order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from fanfare.domain.errors import InvalidRequest, NotFound
from fanfare.domain.event import CURSOR_LAG, StoredEvent
from fanfare.domain.event_cursor import BEGINNING, EventPlace, before, encode_place, parse_place, place_of
from fanfare.domain.event_filter import EventFilter, events_query, is_shown, wanted_kinds
from fanfare.ports import Deps
from fanfare.services.note_readers import note_readers

READ_AT_ONCE = 100
MOST_READ = 1_000
"""Events a call: where few of them are of the kinds asked for, a page may be empty and yet not be the last one."""
MOST_BYTES = 4 * 1024 * 1024
"""Of bodies in an answer; a page with more ends early."""


@dataclass(frozen=True, slots=True)
class EventPoll:
    """What is asked for: after the cursor, else from `since` on, else from the beginning of what is kept; at most `limit` events."""

    filters: EventFilter = field(default_factory=EventFilter)
    limit: int = 50
    after: str | None = None
    since: datetime | None = None


def read_events(deps: Deps, tenant: str, poll: EventPoll) -> tuple[Sequence[StoredEvent], str]:
    """Read a page of events, and the cursor to ask with next time, now or later; InvalidRequest if the cursor is none of this query."""
    key, query = deps.cursor_keys.cursor_key(), events_query(tenant, poll.filters)
    place = _begin(poll, key, query)
    note_readers(deps, tenant, wanted_kinds(poll.filters))
    shown: list[StoredEvent] = []
    size = 0
    for event in _events_after(deps, tenant, place, poll):
        if is_shown(poll.filters, event):
            # The first one is shown whatever its size, or nobody could ever go on behind it.
            if shown and size + len(event.body) > MOST_BYTES:
                break
            shown.append(event)
            size += len(event.body)
        place = place_of(event)
        if len(shown) == poll.limit:
            break
    return shown, encode_place(key, query, place)


def get_event(deps: Deps, tenant: str, event_id: str) -> StoredEvent:
    """Find one event, however young; NotFound if there is none."""
    event = deps.events.get(tenant, event_id)
    if event is None:
        raise NotFound.of("event")
    return event


def _begin(poll: EventPoll, key: bytes, query: str) -> EventPlace:
    if poll.after is not None and poll.since is not None:
        raise InvalidRequest.at("since", "can't be combined with after: the cursor says where to go on")
    if poll.after is not None:
        return parse_place(key, query, poll.after, field="after")
    return BEGINNING if poll.since is None else before(poll.since)


def _events_after(deps: Deps, tenant: str, place: EventPlace, poll: EventPoll) -> Iterator[StoredEvent]:
    """The next events of the tenant, `CURSOR_LAG` old or older, as many as are read in a call."""
    until = deps.clock.now() - CURSOR_LAG
    limit = READ_AT_ONCE if poll.filters.kinds else min(poll.limit, READ_AT_ONCE)
    for _ in range(MOST_READ // READ_AT_ONCE):
        page = deps.events.read_after(tenant, place, until, limit, notification_id=poll.filters.notification_id)
        yield from page
        if len(page) < limit:
            return
        place = place_of(page[-1])
