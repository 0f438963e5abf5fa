"""The feed's threads and listeners on a real database: one for each tenant that is followed, replaced where it dies, gone with the last follower."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from google.cloud.firestore import Client as Firestore

from fanfare.adapters.firestore.event_listener import FirestoreEventListener
from fanfare.adapters.tenant_feed import Listener, TenantFeed
from fanfare.domain.event import CURSOR_LAG
from fanfare.domain.event_cursor import BEGINNING
from fanfare.domain.event_pace import DEAF
from local.readiness import wait_until
from tests.contract.stores.real import Stores, real_stores
from tests.contract.stores.test_events import an_event, record
from tests.factories import a_tenant

TENANT = "acme"
PATIENCE_SECONDS = 10.0


@pytest.fixture
def stores(firestore: Firestore) -> Stores:
    stores = real_stores(firestore)
    stores.tenants.create(a_tenant(id=TENANT))
    # An event is old enough a moment after it was stored.
    stores.clock.at = datetime.now(UTC) + CURSOR_LAG - timedelta(seconds=0.1)
    return stores


def readers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == f"events of {TENANT}"]


def test_followers_share_a_reader_that_ends_with_the_last_of_them(stores: Stores) -> None:
    follow = [stores.feed.follow(TENANT, BEGINNING, 0.01) for _ in range(3)]
    for feed in follow:
        next(feed)
    assert len(readers()) == 1
    for feed in follow[:2]:
        feed.close()
    assert len(readers()) == 1
    follow[2].close()
    assert wait_until(lambda: not readers(), timeout_seconds=PATIENCE_SECONDS)
    again = stores.feed.follow(TENANT, BEGINNING, 0.01)
    next(again)
    assert len(readers()) == 1
    again.close()
    assert wait_until(lambda: not readers(), timeout_seconds=PATIENCE_SECONDS)


class Listeners:
    """Opens listeners and keeps them, so that a test can end one behind the feed's back."""

    def __init__(self, firestore: Firestore) -> None:
        self._firestore = firestore
        self.opened: list[FirestoreEventListener] = []
        self.heard: list[datetime] = []

    def listen(self, heard: Callable[[datetime], None]) -> Listener:
        def hear(at: datetime) -> None:
            self.heard.append(at)
            heard(at)

        self.opened.append(FirestoreEventListener(self._firestore, TENANT, hear))
        return self.opened[-1]


@contextmanager
def running(feed: TenantFeed, listeners: Listeners) -> Iterator[None]:
    thread = threading.Thread(target=feed.run, args=(listeners.listen,), daemon=True)
    thread.start()
    yield
    feed.close()
    thread.join(PATIENCE_SECONDS)
    assert not thread.is_alive()
    assert not any(listener.is_alive for listener in listeners.opened)


def test_listener_tells_of_the_newest_event_alone(stores: Stores, firestore: Firestore) -> None:
    old = record(stores, an_event(TENANT), an_event(TENANT))
    listeners = Listeners(firestore)
    with running(TenantFeed(TENANT, stores.events, stores.clock), listeners):
        assert wait_until(lambda: listeners.heard == [old[1].created_at], timeout_seconds=PATIENCE_SECONDS)
        new = record(stores, an_event(TENANT))
        assert wait_until(lambda: listeners.heard == [old[1].created_at, new[0].created_at], timeout_seconds=PATIENCE_SECONDS)


def test_dead_listener_is_replaced_and_nothing_is_lost(stores: Stores, firestore: Firestore) -> None:
    feed, listeners = TenantFeed(TENANT, stores.events, stores.clock), Listeners(firestore)
    with running(feed, listeners):
        assert wait_until(lambda: bool(listeners.opened), timeout_seconds=PATIENCE_SECONDS)
        listeners.opened[0].close()
        told = record(stores, an_event(TENANT))
        stores.clock.at += DEAF
        assert wait_until(lambda: len(listeners.opened) == 2, timeout_seconds=PATIENCE_SECONDS)
        assert [event.id for event in feed.take(BEGINNING, PATIENCE_SECONDS, None)[0]] == [told[0].id]
        again = record(stores, an_event(TENANT))
        assert wait_until(lambda: again[0].created_at in listeners.heard, timeout_seconds=PATIENCE_SECONDS)
