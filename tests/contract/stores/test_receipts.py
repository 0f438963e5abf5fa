"""What every store of receipts does, and of their sums: each report is stored once, and each receipt is summed once."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from fanfare.domain.analytics import EVERY_ROW, Amounts, Row, RowKey
from fanfare.domain.chunk import Chunk, ChunkKey
from fanfare.domain.event import Event, EventKind
from fanfare.domain.filters import NotificationFilter
from fanfare.domain.listing import Page
from fanfare.domain.notification import Counts, NotificationStatus
from fanfare.domain.receipt_sums import NotedPlace, ReceiptSum
from fanfare.domain.receipts import ReceiptChange, ReceiptCounts, ReceiptEvent, ReceiptKey, StoredReceipt
from fanfare.domain.recomputing import correct
from fanfare.domain.registration import RegistrationPlan
from fanfare.domain.retention import Kind
from tests.contract.stores.racing import race
from tests.contract.stores.real import Stores
from tests.factories import NOW, a_device, a_notification

DELIVERED, READ = ReceiptEvent.DELIVERED, ReceiptEvent.READ
SECOND = timedelta(seconds=1)
DAY = NOW.date()
KEY = ReceiptKey("notification-1", "device-1")
FIRST = StoredReceipt(KEY, NOW, NOW + SECOND)
LATER = datetime(2100, 1, 1, tzinfo=UTC)
"""After whatever the server's clock says."""


def _accept(stores: Stores, name: str = "notification-1", tenant: str = "acme", **fields: Any) -> None:
    stores.notifications.accept(a_notification(id=name, tenant=tenant, **fields), [])


def _save(stores: Stores, *receipts: StoredReceipt, tenant: str = "acme", events: tuple[Event, ...] = ()) -> bool:
    """Store receipts as they are to be, over what is stored."""
    before = stores.receipts.get_many(tenant, [receipt.key for receipt in receipts])
    return stores.receipts.save(tenant, [ReceiptChange(before.get(receipt.key), receipt) for receipt in receipts], events)


def _of(device: str, notification: str = "notification-1", **fields: Any) -> StoredReceipt:
    return replace(FIRST, key=ReceiptKey(notification, device), **fields)


def _noted(stores: Stores, event: ReceiptEvent, limit: int = 99, after: NotedPlace | None = None) -> list[tuple[str, StoredReceipt]]:
    return [(found.tenant, found.receipt) for found in stores.receipt_sums.find_noted(event, LATER, limit, after)]


def _add(stores: Stores, amounts: Amounts, event: ReceiptEvent = DELIVERED, platform: str | None = "ios", name: str = "notification-1") -> bool:
    """Sum the first receipt that nobody has summed yet, whatever it is."""
    places, revision = stores.receipt_sums.get_places()
    [found] = stores.receipt_sums.find_noted(event, LATER, 1, places.get(event))
    notification = stores.notifications.get("acme", name)
    assert notification is not None
    return stores.receipt_sums.add(event, found.place, revision, [ReceiptSum(notification, {platform: amounts})])


def _counts(stores: Stores, name: str = "notification-1") -> Counts:
    found = stores.notifications.get("acme", name)
    assert found is not None
    return found.counts


def test_receipt_is_found_as_it_was_stored(stores: Stores, tenant: str, other_tenant: str) -> None:
    read = _of("device-2", read_at=NOW + 2 * SECOND, is_timed=False, is_implied=True)
    assert _save(stores, FIRST, read)
    assert stores.receipts.get_many(tenant, [KEY, read.key, ReceiptKey("notification-1", "device-3")]) == {KEY: FIRST, read.key: read}
    assert stores.receipts.get_many(other_tenant, [KEY]) == {}
    assert stores.receipts.get_many(tenant, []) == {}


def test_receipt_is_created_once(stores: Stores, tenant: str) -> None:
    assert _save(stores, FIRST)
    other = _of("device-2")
    assert not stores.receipts.save(tenant, [ReceiptChange(None, other), ReceiptChange(None, replace(FIRST, delivered_at=NOW))], ())
    assert stores.receipts.get_many(tenant, [KEY, other.key]) == {KEY: FIRST}, "all of them or none"


def test_receipt_that_was_changed_meanwhile_is_not_overwritten(stores: Stores, tenant: str) -> None:
    _save(stores, FIRST)
    stale = stores.receipts.get_many(tenant, [KEY])[KEY]
    read = replace(FIRST, read_at=NOW + 5 * SECOND)
    assert _save(stores, read)
    assert not stores.receipts.save(tenant, [ReceiptChange(stale, replace(FIRST, read_at=NOW + 9 * SECOND))], ())
    assert stores.receipts.get_many(tenant, [KEY])[KEY] == read


def test_racing_reports_are_stored_once(stores: Stores, tenant: str) -> None:
    mine = [ReceiptChange(None, replace(FIRST, delivered_at=NOW + number * SECOND)) for number in range(4)]
    stored = race([partial(stores.receipts.save, tenant, [change], ()) for change in mine])
    assert sorted(stored) == [False, False, False, True]
    assert len(_noted(stores, DELIVERED)) == 1


def test_events_are_stored_with_what_they_tell_of_or_not_at_all(stores: Stores, tenant: str) -> None:
    events = [Event(f"event-{number}", tenant, EventKind.NOTIFICATION_DELIVERED, NOW, {"receipts": []}, ("notification-1",)) for number in range(2)]
    assert _save(stores, FIRST, events=(events[0],))
    assert not stores.receipts.save(tenant, [ReceiptChange(None, FIRST)], (events[1],))
    found = [stores.events.get(tenant, event.id) for event in events]
    assert [event.id if event else None for event in found] == ["event-0", None]


def test_messages_tell_when_they_were_asked_for(stores: Stores, tenant: str, other_tenant: str) -> None:
    _accept(stores)
    _accept(stores, "notification-2", created_at=NOW + SECOND)
    _accept(stores, "notification-3", validate_only=True)
    expected = {"notification-1": NOW, "notification-2": NOW + SECOND}
    for _ in range(2):
        assert stores.receipts.created_at(tenant, ["notification-1", "notification-2", "notification-3", "unknown"]) == expected
    assert stores.receipts.created_at(other_tenant, ["notification-1"]) == {}
    assert stores.receipts.created_at(tenant, []) == {}


def test_receipts_of_one_message_are_counted(stores: Stores, tenant: str, other_tenant: str) -> None:
    _save(stores, FIRST, _of("device-2", read_at=NOW + 2 * SECOND), _of("device-1", "notification-2"))
    assert stores.receipts.count(tenant, "notification-1") == ReceiptCounts(2, 1)
    assert stores.receipts.count(tenant, "nothing") == ReceiptCounts()
    assert stores.receipts.count(other_tenant, "notification-1") == ReceiptCounts()


def test_what_was_noted_is_found_in_one_order_by_pages(stores: Stores, tenant: str, other_tenant: str) -> None:
    everything = [_of(f"device-{number}", f"notification-{number % 3}") for number in range(9)]
    _save(stores, *everything[:5])
    _save(stores, *everything[5:])
    _save(stores, FIRST, tenant=other_tenant)
    after, paged = None, []
    while page := stores.receipt_sums.find_noted(DELIVERED, LATER, 3, after):
        paged += [(found.tenant, found.receipt) for found in page]
        assert [found.place for found in page] == sorted(found.place for found in page)
        after = page[-1].place
    assert sorted(paged, key=str) == sorted([*((tenant, receipt) for receipt in everything), (other_tenant, FIRST)], key=str)
    assert paged == _noted(stores, DELIVERED)


def test_each_thing_is_noted_once(stores: Stores, tenant: str) -> None:
    _save(stores, FIRST)
    assert _noted(stores, READ) == []
    [first] = stores.receipt_sums.find_noted(DELIVERED, LATER, 9)
    read = replace(FIRST, read_at=NOW + 2 * SECOND)
    _save(stores, read)
    assert _noted(stores, READ) == [(tenant, read)]
    [again] = stores.receipt_sums.find_noted(DELIVERED, LATER, 9)
    assert again.place == first.place
    _save(stores, replace(read, delivered_at=NOW))
    assert stores.receipt_sums.find_noted(DELIVERED, first.place.at - SECOND, 9) == []
    assert _noted(stores, DELIVERED, after=first.place) == []


def test_sums_are_added_with_the_place_that_was_come_to(stores: Stores, tenant: str) -> None:
    _accept(stores, topic="news")
    _save(stores, FIRST, _of("device-2"), _of("device-3", read_at=NOW + 2 * SECOND))
    assert stores.receipt_sums.get_places() == ({}, None)
    once = Amounts(total_delivered=1, delivery_ms=700, delivery_times=1)
    assert [_add(stores, once), _add(stores, once), _add(stores, once, platform=None)] == [True] * 3
    assert _add(stores, Amounts(total_read=1), READ)
    places, _ = stores.receipt_sums.get_places()
    assert _noted(stores, DELIVERED, after=places[DELIVERED]) == _noted(stores, READ, after=places[READ]) == []
    on_ios = Amounts(total_delivered=2, total_read=1, delivery_ms=1_400, delivery_times=2)
    rows = {Row(RowKey(DAY, "client-1", "news", "ios", None), on_ios), Row(RowKey(DAY, "client-1", "news", None, None), once)}
    assert set(stores.analytics.rows(tenant, DAY, DAY, EVERY_ROW, 9)) == rows
    assert [row.amounts.total_delivered for row in stores.analytics.totals(tenant, DAY, DAY)] == [3]
    assert (_counts(stores).delivered, _counts(stores).read) == (3, 1)
    assert set(stores.analytics.compare(tenant, DAY).contributed) == rows
    assert not correct(stores.analytics.compare(tenant, DAY))


def test_who_comes_second_from_the_same_place_adds_nothing(stores: Stores, tenant: str) -> None:
    _accept(stores)
    _save(stores, FIRST, _of("device-2"))
    places, revision = stores.receipt_sums.get_places()
    page = stores.receipt_sums.find_noted(DELIVERED, LATER, 2)
    notification = stores.notifications.get(tenant, "notification-1")
    assert notification is not None
    sums = [ReceiptSum(notification, {"web": Amounts(total_delivered=2)})]

    add = partial(stores.receipt_sums.add, DELIVERED, page[-1].place, revision, sums)
    assert sorted(race([add] * 4)) == [False, False, False, True]
    assert not add()
    assert _counts(stores).delivered == 2
    assert places == {}


def test_sums_of_a_message_that_is_gone_are_not_added(stores: Stores, tenant: str) -> None:
    _accept(stores)
    _save(stores, FIRST)
    [found] = stores.receipt_sums.find_noted(DELIVERED, LATER, 1)
    amounts = {None: Amounts(total_delivered=1)}
    gone, kept = a_notification(id="gone"), stores.notifications.get(tenant, "notification-1")
    assert kept is not None
    assert not stores.receipt_sums.add(DELIVERED, found.place, None, [ReceiptSum(kept, amounts), ReceiptSum(gone, amounts)])
    assert stores.receipt_sums.get_places() == ({}, None)
    assert (_counts(stores).delivered, stores.analytics.rows(tenant, DAY, DAY, EVERY_ROW, 9)) == (0, [])
    assert stores.receipt_sums.add(DELIVERED, found.place, None, []), "a page of nothing moves the place too"


def test_what_is_sent_and_what_is_received_do_not_overwrite_each_other(stores: Stores, tenant: str) -> None:
    _accept(stores)
    _save(stores, FIRST, _of("device-2"))
    chunk, stale = stores.chunks.claim(ChunkKey(tenant, "notification-1", 0), "owner", NOW), stores.notifications.get(tenant, "notification-1")
    assert isinstance(chunk, Chunk)
    assert stale is not None
    assert _add(stores, Amounts(total_delivered=1))
    done = replace(stale, status=NotificationStatus.COMPLETED, counts=Counts(2, sent=2), completed_at=NOW)
    assert stores.chunks.conclude(chunk, done)
    assert _counts(stores) == Counts(2, sent=2, delivered=1)
    assert _add(stores, Amounts(total_delivered=1))
    assert _counts(stores) == Counts(2, sent=2, delivered=2)
    assert [row.counts.delivered for row in _listed(stores).items] == [2]


def _listed(stores: Stores) -> Page[Any]:
    return stores.notifications.list("acme", NotificationFilter(), 9, None)


def test_chunks_tell_when_they_began(stores: Stores, tenant: str) -> None:
    _accept(stores)
    key = ChunkKey(tenant, "notification-1", 0)
    assert isinstance(stores.chunks.claim(key, "owner", NOW + SECOND), Chunk)
    assert stores.receipt_sums.started_at([key, replace(key, number=1)]) == {key: NOW + SECOND}
    assert stores.receipt_sums.started_at([]) == {}


def test_devices_are_heard_of_together(stores: Stores, tenant: str) -> None:
    assert stores.devices.save(tenant, [RegistrationPlan(a_device(id=f"device-{number}")) for number in range(3)])
    assert stores.devices.erase(tenant, ["device-2"]) == 1
    names = ["device-0", "device-1", "device-2", "unknown"]
    seen = stores.receipt_sums.get_seen(tenant, names)
    assert {name: (found.platform, found.last_seen_at) for name, found in seen.items()} == {
        name: ("android", NOW - timedelta(days=1)) for name in names[:2]
    }
    assert stores.receipt_sums.note_seen(tenant, seen, {"device-0": NOW})
    assert not stores.receipt_sums.note_seen(tenant, seen, {"device-1": NOW, "device-0": NOW})
    assert [device.last_seen_at for device in stores.devices.get(tenant, names[:2])] == [NOW, NOW - timedelta(days=1)]
    assert stores.receipt_sums.get_seen(tenant, []) == {}


def test_cleanup_removes_receipts_by_the_age_of_their_messages(stores: Stores, tenant: str, other_tenant: str) -> None:
    old, new = _of("old", created_at=NOW - timedelta(days=9)), _of("new")
    _save(stores, old, new)
    _save(stores, old, tenant=other_tenant)
    assert [stores.retention.remove_records(tenant, Kind.RECEIPTS, NOW - timedelta(days=9), 5) for _ in range(2)] == [1, 0]
    assert stores.receipts.get_many(tenant, [old.key, new.key]) == {new.key: new}
    assert stores.receipts.get_many(other_tenant, [old.key]) == {old.key: old}


@pytest.mark.parametrize("platform", ["android", None])
def test_sums_of_several_tenants_go_in_one_commit(stores: Stores, tenant: str, other_tenant: str, platform: str | None) -> None:
    for owner in (tenant, other_tenant):
        _accept(stores, tenant=owner)
        _save(stores, FIRST, tenant=owner)
    page = stores.receipt_sums.find_noted(DELIVERED, LATER, 9)
    found = [stores.notifications.get(owner, "notification-1") for owner in (tenant, other_tenant)]
    sums = [ReceiptSum(row, {platform: Amounts(total_delivered=1)}) for row in found if row is not None]
    assert stores.receipt_sums.add(DELIVERED, page[-1].place, None, sums)
    for owner in (tenant, other_tenant):
        assert [row.amounts.total_delivered for row in stores.analytics.rows(owner, DAY, DAY, EVERY_ROW, 9)] == [1]
