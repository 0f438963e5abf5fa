"""One tenant's events for all who follow it: exactly the ledger, in its order, whatever happens on the way."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from operator import attrgetter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfare.adapters import tenant_feed
from fanfare.adapters.tenant_feed import Listener, TenantFeed
from fanfare.domain.errors import Unavailable
from fanfare.domain.event import CURSOR_LAG, Event, EventKind, StoredEvent
from fanfare.domain.event_cursor import BEGINNING, EventPlace, place_of
from fanfare.domain.event_pace import DEAF, FAILS_FOR, UNHEARD
from fanfare.domain.identifiers import encode_base64url
from local.readiness import wait_until
from tests.fakes import FixedClock
from tests.fakes.events import MemoryEventStore
from tests.fakes.system import START

TICK = timedelta(milliseconds=400)
PATIENCE_SECONDS = 10.0
TENANT = "acme"


def an_event(event_id: str, at: datetime, size: int = 1) -> Event:
    return Event(event_id, TENANT, EventKind.NOTIFICATION_SENT, at, {"notification_id": "n" * size}, ("n-1",))


class FailingStore(MemoryEventStore):
    """A ledger that can't be read while it `fails`."""

    def __init__(self) -> None:
        super().__init__()
        self.fails: Exception | None = None

    def read_after(self, tenant: str, after: EventPlace, until: datetime, limit: int, *, notification_id: str | None = None) -> Sequence[StoredEvent]:
        if self.fails is not None:
            raise self.fails
        return super().read_after(tenant, after, until, limit, notification_id=notification_id)


class Deafness:
    """A listener that tells nothing; `is_alive` is what the test says."""

    def __init__(self) -> None:
        self.is_alive = True
        self.opened = self.closed = 0

    def listen(self, _heard: Callable[[datetime], None]) -> Listener:
        self.opened += 1
        self.is_alive = True
        return self

    def close(self) -> None:
        self.closed += 1


class Follower:
    """Takes events, and is cut off and comes back now and then: it then knows its last event alone."""

    def __init__(self, feed: TenantFeed) -> None:
        self._feed = feed
        self.seen: list[StoredEvent] = []
        self._place = BEGINNING

    def take(self) -> int:
        events, self._place = self._feed.take(self._place, 0.0, None)
        self.seen += events
        return len(events)

    def reconnect(self) -> None:
        self._place = place_of(self.seen[-1]) if self.seen else BEGINNING


# Commits: (how long before it is seen its time was taken, id, bytes); then who takes, and who reconnects.
COMMITS = st.lists(st.tuples(st.integers(0, 4_000), st.binary(min_size=3, max_size=3), st.integers(1, 300)), max_size=4)
STEPS = st.lists(st.tuples(COMMITS, st.booleans(), st.booleans(), st.booleans()), max_size=25)


@given(steps=STEPS, page=st.integers(1, 4), is_listening=st.booleans())
def test_every_follower_sees_exactly_the_ledger_in_its_order(
    steps: list[tuple[list[tuple[int, bytes, int]], bool, bool, bool]],
    page: int,
    *,
    is_listening: bool,
) -> None:
    """Times overtake each other within the lag, ids collide in time, windows overflow, followers are slow, cut off and come again."""
    clock, store = FixedClock(), MemoryEventStore()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(tenant_feed, "PAGE", page)
        feed = TenantFeed(TENANT, store, clock, most_events=3)
        always, sometimes = Follower(feed), Follower(feed)
        for commits, takes, reconnects, hears in steps:
            for millis, name, size in commits:
                at = clock.now() - timedelta(milliseconds=millis)
                store.add([an_event(encode_base64url(name + len(store.told).to_bytes(2, "big")), at, size)])
                if hears:
                    feed.hear(at)
            feed.read_if_due(is_listening=is_listening)
            always.take()
            if takes:
                sometimes.take()
            if reconnects:
                sometimes.reconnect()
            clock.advance(TICK)
        clock.advance(UNHEARD + CURSOR_LAG)
        feed.read_if_due(is_listening=is_listening)
        for follower in (always, sometimes):
            while follower.take():
                pass
            ledger = sorted(store.read_after(TENANT, BEGINNING, clock.now(), 10_000), key=attrgetter("created_at", "id"))
            assert follower.seen == ledger


@contextmanager
def running(feed: TenantFeed, deafness: Deafness) -> Iterator[threading.Thread]:
    """A feed with its thread, ended at the end."""
    thread = threading.Thread(target=feed.run, args=(deafness.listen,), daemon=True)
    thread.start()
    yield thread
    feed.close()
    thread.join(PATIENCE_SECONDS)
    assert not thread.is_alive()
    assert deafness.closed >= deafness.opened


def waits_for(feed: TenantFeed, place: EventPlace) -> Sequence[StoredEvent]:
    """What a follower gets that waits."""
    events, _ = feed.take(place, PATIENCE_SECONDS, None)
    return events


def test_dead_listener_is_replaced_and_its_events_are_read_meanwhile() -> None:
    clock, store, deafness = FixedClock(), MemoryEventStore(), Deafness()
    feed = TenantFeed(TENANT, store, clock)
    place = EventPlace(clock.now(), "!")
    with running(feed, deafness):
        store.add([an_event("e-1", clock.now())])
        deafness.is_alive = False
        clock.advance(max(CURSOR_LAG, DEAF))
        assert [event.id for event in waits_for(feed, place)] == ["e-1"]
        assert wait_until(lambda: deafness.opened == 2, timeout_seconds=PATIENCE_SECONDS)


def test_silent_listener_hides_nothing_for_long_and_is_replaced() -> None:
    clock, store, deafness = FixedClock(), MemoryEventStore(), Deafness()
    feed = TenantFeed(TENANT, store, clock)
    with running(feed, deafness):
        store.add([an_event("e-1", clock.now())])
        place = EventPlace(clock.now(), "!")
        clock.advance(UNHEARD)
        assert [event.id for event in waits_for(feed, place)] == ["e-1"]
        assert wait_until(lambda: deafness.opened == 2, timeout_seconds=PATIENCE_SECONDS)


def test_listener_that_tells_is_kept() -> None:
    clock, store, deafness = FixedClock(), MemoryEventStore(), Deafness()
    feed = TenantFeed(TENANT, store, clock)
    with running(feed, deafness):
        for number in range(3):
            store.add([an_event(f"e-{number}", clock.now())])
            feed.hear(clock.now())
            place = EventPlace(clock.now(), "!")
            clock.advance(CURSOR_LAG)
            assert [event.id for event in waits_for(feed, place)] == [f"e-{number}"]
        assert (deafness.opened, deafness.closed) == (1, 0)


def test_listener_that_can_not_be_opened_leaves_nobody_waiting() -> None:
    feed = TenantFeed(TENANT, MemoryEventStore(), FixedClock())

    def listen(_heard: Callable[[datetime], None]) -> Listener:
        raise Unavailable("no channel")

    with pytest.raises(Unavailable):
        feed.run(listen)
    with pytest.raises(Unavailable):
        waits_for(feed, EventPlace(START, "!"))


def test_ledger_that_fails_for_long_ends_the_feed_and_who_waits_is_told() -> None:
    clock, store = FixedClock(), FailingStore()
    feed = TenantFeed(TENANT, store, clock)
    store.fails = Unavailable("down")
    clock.advance(UNHEARD)
    feed.read_if_due(is_listening=True)
    assert not feed.has_failed
    clock.advance(FAILS_FOR)
    feed.read_if_due(is_listening=True)
    assert feed.has_failed
    with pytest.raises(Unavailable):
        feed.take(BEGINNING, PATIENCE_SECONDS, None)


def test_ledger_that_fails_for_a_moment_is_read_again() -> None:
    clock, store = FixedClock(), FailingStore()
    feed = TenantFeed(TENANT, store, clock)
    place = EventPlace(clock.now(), "!")
    store.add([an_event("e-1", clock.now())])
    store.fails = Unavailable("down")
    clock.advance(UNHEARD)
    feed.read_if_due(is_listening=True)
    store.fails = None
    clock.advance(FAILS_FOR)
    feed.read_if_due(is_listening=True)
    assert [event.id for event in feed.take(place, 0.0, None)[0]] == ["e-1"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_reader_that_breaks_leaves_nobody_waiting() -> None:
    clock, store, deafness = FixedClock(), FailingStore(), Deafness()
    feed = TenantFeed(TENANT, store, clock)
    place = EventPlace(clock.now(), "!")
    store.fails = ValueError("a defect")
    with running(feed, deafness) as thread:
        clock.advance(UNHEARD)
        with pytest.raises(Unavailable):
            waits_for(feed, place)
        thread.join(PATIENCE_SECONDS)
        assert not thread.is_alive()
    assert deafness.closed == 1
