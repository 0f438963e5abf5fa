"""The feed: a tenant's events as they come, in order and each once, five seconds after their time, for all who follow."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from fanfare.domain.event import CURSOR_LAG, EventKind, StoredEvent
from fanfare.domain.event_cursor import BEGINNING, EventPlace, place_of
from fanfare.ports.events import Events
from tests.contract.stores.real import Stores
from tests.contract.stores.test_events import a_history, an_event, record

PATIENCE = 100
"""Times to ask; the real feed waits a moment each time."""
WAIT_SECONDS = 0.1
A_MOMENT = timedelta(seconds=0.1)


@contextmanager
def following(stores: Stores, tenant: str, place: EventPlace, notification_id: str | None = None) -> Iterator[Events]:
    """Follow a tenant, already begun: what is stored from now on comes by itself."""
    with closing(stores.feed.follow(tenant, place, WAIT_SECONDS, notification_id=notification_id)) as feed:
        yield feed


def seen_from_now() -> datetime:
    """A clock by which an event is old enough a moment after it was stored, and none is too early: it runs as the database's does, ahead of it."""
    return datetime.now(UTC) + CURSOR_LAG - A_MOMENT


@pytest.fixture(autouse=True)
def _clock(stores: Stores) -> None:
    stores.clock.at = seen_from_now()


def take(stores: Stores, feed: Events, count: int) -> list[StoredEvent]:
    """The next events, as many as are expected; the clock goes on while they are waited for."""
    found: list[StoredEvent] = []
    for _ in range(PATIENCE):
        stores.clock.at = max(stores.clock.at, seen_from_now())
        found += next(feed)
        if len(found) >= count:
            break
    return found


def test_what_stands_in_the_ledger_comes_first(stores: Stores, tenant: str) -> None:
    stored = a_history(stores, tenant, 3)
    with following(stores, tenant, place_of(stored[0])) as feed:
        assert take(stores, feed, 2) == stored[1:]


def test_what_comes_later_comes_by_itself(stores: Stores, tenant: str) -> None:
    old = a_history(stores, tenant, 1)
    with following(stores, tenant, BEGINNING) as feed:
        assert take(stores, feed, 1) == old
        for _ in range(2):
            new = record(stores, an_event(tenant, at=stores.clock.at))
            assert take(stores, feed, 1) == new


def test_event_is_kept_back_for_its_time(stores: Stores, tenant: str) -> None:
    stored = record(stores, an_event(tenant, at=stores.clock.at))
    stores.clock.at = stored[0].created_at + CURSOR_LAG - timedelta(seconds=2)
    with following(stores, tenant, BEGINNING) as feed:
        assert [list(next(feed)) for _ in range(3)] == [[], [], []]
        assert take(stores, feed, 1) == stored


def test_all_who_follow_are_shown_the_same(stores: Stores, tenant: str) -> None:
    old = a_history(stores, tenant, 4)
    with following(stores, tenant, BEGINNING) as first, following(stores, tenant, place_of(old[1])) as second:
        assert take(stores, first, 4) == old
        assert take(stores, second, 2) == old[2:]
        new = record(stores, an_event(tenant, at=stores.clock.at))
        assert (take(stores, first, 1), take(stores, second, 1)) == (new, new)


def test_who_comes_again_goes_on_where_it_was_cut(stores: Stores, tenant: str) -> None:
    stored = a_history(stores, tenant, 5)
    seen: list[StoredEvent] = []
    for _ in range(5):
        with following(stores, tenant, place_of(seen[-1]) if seen else BEGINNING) as feed:
            seen.append(take(stores, feed, 1)[0])
    assert seen == stored


def test_other_tenants_events_never_come(stores: Stores, tenant: str, other_tenant: str) -> None:
    a_history(stores, other_tenant, 2)
    own = a_history(stores, tenant, 1)
    with following(stores, tenant, BEGINNING) as feed:
        assert take(stores, feed, 1) == own
        assert list(next(feed)) == []


def test_catching_up_may_leave_out_other_notifications(stores: Stores, tenant: str) -> None:
    record(stores, an_event(tenant, EventKind.NOTIFICATION_SENT, "n-2"))
    own = record(stores, an_event(tenant, EventKind.NOTIFICATION_SENT, "n-1"))
    with following(stores, tenant, BEGINNING, "n-1") as feed:
        assert [event for event in take(stores, feed, 1) if "n-1" in event.notification_ids] == own
