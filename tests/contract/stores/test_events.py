"""The ledger of events: stored with their deliveries, read in the order of (server time, id), from any place on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from fanfare.domain.event import Event, EventKind, StoredEvent, encode_event
from fanfare.domain.event_cursor import BEGINNING, after, before, place_of
from tests.contract.stores.real import Stores
from tests.factories import NOW
from tests.fakes import SequentialIdentifiers

NEVER = datetime(2100, 1, 1, tzinfo=UTC)
_ids = SequentialIdentifiers()


def an_event(tenant: str, kind: EventKind = EventKind.DEVICE_REGISTERED, *about: str, at: datetime = NOW) -> Event:
    """An event with an id that no other one has."""
    return Event(_ids.new_id(), tenant, kind, at, {"devices": [{"id": "d-1", "name": "Zoë\nA"}]}, about, request_id="req-1")


def record(stores: Stores, *events: Event) -> list[StoredEvent]:
    """Store events one after the other, a moment apart; they come back as they are read."""
    for event in events:
        stores.events.record([event])
    return [found for event in events if (found := stores.events.get(event.tenant, event.id))]


def a_history(stores: Stores, tenant: str, count: int, *about: str) -> list[StoredEvent]:
    """Events of rising times."""
    return record(stores, *(an_event(tenant, EventKind.NOTIFICATION_SENT, *about, at=NOW + timedelta(milliseconds=n)) for n in range(count)))


def test_event_is_stored_with_the_body_that_was_made(stores: Stores, tenant: str) -> None:
    event = an_event(tenant, EventKind.NOTIFICATION_FAILED, "n-1", "n-2")
    (stored,) = record(stores, event)
    assert stored == StoredEvent(event.id, tenant, event.kind, stored.created_at, encode_event(event), ("n-1", "n-2"))


def test_event_is_its_tenants_alone(stores: Stores, tenant: str, other_tenant: str) -> None:
    (stored,) = record(stores, an_event(tenant))
    assert stores.events.get(other_tenant, stored.id) is None
    assert list(stores.events.read_after(other_tenant, BEGINNING, NEVER, 10)) == []


def test_events_are_found_together_in_the_order_asked_for(stores: Stores, tenant: str, other_tenant: str) -> None:
    first, second = record(stores, an_event(tenant), an_event(tenant))
    (theirs,) = record(stores, an_event(other_tenant))
    assert list(stores.events.get_many(tenant, [second.id, theirs.id, "none", first.id])) == [second, None, None, first]
    assert list(stores.events.get_many(tenant, [])) == []


def test_events_are_found_in_the_order_that_they_are_asked_for_in(stores: Stores, tenant: str, other_tenant: str) -> None:
    first, second = record(stores, an_event(tenant), an_event(tenant))
    (theirs,) = record(stores, an_event(other_tenant))
    assert list(stores.events.get_many(tenant, [second.id, theirs.id, "none", first.id])) == [second, None, None, first]
    assert list(stores.events.get_many(tenant, [])) == []


def test_nothing_is_recorded_of_nothing(stores: Stores, tenant: str) -> None:
    stores.events.record([])
    assert list(stores.events.read_after(tenant, BEGINNING, NEVER, 10)) == []


def test_events_are_read_in_the_order_of_their_times(stores: Stores, tenant: str) -> None:
    stored = a_history(stores, tenant, 5)
    assert list(stores.events.read_after(tenant, BEGINNING, NEVER, 10)) == sorted(stored, key=place_of) == stored


def test_events_of_one_commit_are_in_the_order_of_their_ids(stores: Stores, tenant: str) -> None:
    events = [an_event(tenant) for _ in range(6)]
    stores.events.record(events[::-1])
    read = stores.events.read_after(tenant, BEGINNING, NEVER, 10)
    assert [event.id for event in read] == sorted(event.id for event in events)
    assert len({event.created_at for event in read}) == 1


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_pages_hold_every_event_once(stores: Stores, tenant: str, size: int) -> None:
    stored = a_history(stores, tenant, 3)
    stores.events.record([an_event(tenant, at=NOW + timedelta(seconds=1)) for _ in range(4)])
    place, read = BEGINNING, []
    while page := stores.events.read_after(tenant, place, NEVER, size):
        assert len(page) <= size
        read += page
        place = place_of(page[-1])
    assert read[:3] == stored
    assert len({event.id for event in read}) == len(read) == 7


def test_nothing_younger_than_the_end_is_read(stores: Stores, tenant: str) -> None:
    first, second, third = a_history(stores, tenant, 3)
    assert first.created_at < second.created_at < third.created_at
    assert list(stores.events.read_after(tenant, BEGINNING, second.created_at, 10)) == [first, second]


def test_reading_may_begin_before_or_after_everything_of_an_instant(stores: Stores, tenant: str) -> None:
    first, second, third = a_history(stores, tenant, 3)
    assert list(stores.events.read_after(tenant, before(second.created_at), NEVER, 10)) == [second, third]
    assert list(stores.events.read_after(tenant, after(second.created_at), NEVER, 10)) == [third]
    assert list(stores.events.read_after(tenant, place_of(first), NEVER, 10)) == [second, third]


def test_events_of_a_notification_are_read_alone(stores: Stores, tenant: str) -> None:
    mine, _, both = (
        record(stores, an_event(tenant, EventKind.NOTIFICATION_READ, *about, at=NOW + timedelta(seconds=n)))[0]
        for n, about in enumerate((["n-1"], ["n-2"], ["n-1", "n-2"]))
    )
    assert list(stores.events.read_after(tenant, BEGINNING, NEVER, 10, notification_id="n-1")) == [mine, both]
    assert list(stores.events.read_after(tenant, place_of(mine), NEVER, 10, notification_id="n-1")) == [both]
    assert list(stores.events.read_after(tenant, BEGINNING, NEVER, 10, notification_id="n-3")) == []
