"""The stream: one client's events as they come, until its lifetime, the instance or the client's right ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from fanfare.domain.client import Scope, refusal_of
from fanfare.domain.errors import Unavailable
from fanfare.domain.event import CURSOR_LAG, StoredEvent
from fanfare.domain.event_cursor import EventPlace, before, encode_place, parse_place, place_of
from fanfare.domain.event_filter import EventFilter, events_query, is_shown, wanted_kinds
from fanfare.domain.event_stream import StreamPace
from fanfare.ports import Deps
from fanfare.services.note_readers import note_readers


class StreamEnd(StrEnum):
    """Why a stream ended."""

    LIFETIME = "lifetime"
    STOPPING = "stopping"
    REFUSED = "refused"
    UNAVAILABLE = "unavailable"


class Said(NamedTuple):
    """What a stream says: an event, its end, or (with neither) that it lives; and the cursor to go on with."""

    cursor: str
    event: StoredEvent | None = None
    end: StreamEnd | None = None


@dataclass(frozen=True, slots=True)
class Listener:
    """Who listens, as it came in, and for what."""

    tenant: str
    client_id: str
    token: str
    address: str
    filters: EventFilter


def begin_stream(deps: Deps, listener: Listener, cursor: str | None, *, field: str) -> EventPlace:
    """Where a stream goes on, from now on without a cursor; InvalidRequest names the field if it is none of this query. The reader is noted."""
    query = events_query(listener.tenant, listener.filters)
    # What happened just before is shown too: our clock may be ahead of the database's.
    place = before(deps.clock.now() - CURSOR_LAG) if cursor is None else parse_place(deps.cursor_keys.cursor_key(), query, cursor, field=field)
    note_readers(deps, listener.tenant, wanted_kinds(listener.filters))
    return place


def stream_events(deps: Deps, listener: Listener, place: EventPlace, pace: StreamPace) -> Iterator[Said]:
    """Say at once that the stream lives, then every event after a place, in their order and each once, and at last why it ends."""
    stream = _Stream(deps, listener, place, pace)
    yield stream.alive()
    try:
        yield from stream.said()
    except Unavailable as error:
        deps.log.warning("stream_lost", tenant=listener.tenant, error=error)
        yield stream.ended(StreamEnd.UNAVAILABLE)


class _Stream:
    def __init__(self, deps: Deps, listener: Listener, place: EventPlace, pace: StreamPace) -> None:
        self._deps = deps
        self._listener = listener
        self._place = place
        self._pace = pace
        self._key = deps.cursor_keys.cursor_key()
        self._query = events_query(listener.tenant, listener.filters)
        self._began_at = self._spoke_at = self._checked_at = deps.clock.now()

    def alive(self) -> Said:
        return Said(self._cursor())

    def ended(self, end: StreamEnd) -> Said:
        return Said(self._cursor(), end=end)

    def said(self) -> Iterator[Said]:
        follow = self._deps.feed.follow
        filters = self._listener.filters
        with closing(follow(self._listener.tenant, self._place, self._pace.look_seconds, notification_id=filters.notification_id)) as feed:
            for events in feed:
                for event in events:
                    self._place = place_of(event)
                    if is_shown(filters, event):
                        self._spoke_at = self._deps.clock.now()
                        yield Said(self._cursor(), event)
                        # Whoever takes its events slowly is no exception to what ends a stream.
                        if end := self._end():
                            yield self.ended(end)
                            return
                if end := self._end():
                    yield self.ended(end)
                    return
                if self._deps.clock.now() - self._spoke_at >= self._pace.heartbeat:
                    self._spoke_at = self._deps.clock.now()
                    yield self.alive()

    def _cursor(self) -> str:
        return encode_place(self._key, self._query, self._place)

    def _end(self) -> StreamEnd | None:
        now = self._deps.clock.now()
        if self._deps.lifecycle.is_stopping():
            return StreamEnd.STOPPING
        if now - self._began_at >= self._pace.lifetime:
            return StreamEnd.LIFETIME
        if now - self._checked_at >= self._pace.recheck:
            self._checked_at = now
            return None if self._may_read(now) else StreamEnd.REFUSED
        return None

    def _may_read(self, now: datetime) -> bool:
        """Whether the client could come again now, as this instance knows it: a revocation is a minute old at the most when it is seen."""
        listener, client = self._listener, self._deps.clients.get(self._listener.client_id)
        return client is not None and Scope.READ in client.scopes and refusal_of(client, listener.token, listener.address, now) is None
