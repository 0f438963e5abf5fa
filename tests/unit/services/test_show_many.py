"""What is shown of notifications of many chunks: counts while they run, deliveries page by page, and one recipient's way."""

from __future__ import annotations

import pytest

from fanfare.domain.errors import NotFound
from fanfare.domain.notification import Counts, NotificationStatus
from fanfare.domain.outcome import Outcome
from fanfare.services.list_deliveries import MOST_CHUNKS, list_deliveries
from fanfare.services.list_pages import page_of_deliveries
from fanfare.services.show_notification import get_notification, get_notifications
from fanfare.services.steer_notification import cancel_notification
from fanfare.services.trace_device import trace_device
from tests.factories import TENANT_ID, a_call
from tests.unit.services.broadcasting import ID, a_broadcast, a_bulk, key, members, send, send_all
from tests.unit.services.delivering import ANDROID, BUSY, GONE, IOS, World, a_world, accepted


def _pages(world: World, limit: int) -> list[list[str]]:
    """The device ids of each page."""
    pages, cursor = [], None
    while True:
        items, cursor = page_of_deliveries(world.deps, TENANT_ID, ID, limit, cursor)
        pages.append([device_id for device_id, _ in items])
        if cursor is None:
            return pages


def test_counts_of_a_bulk_notification_are_whole_while_it_runs() -> None:
    world = a_bulk([1, 2], [3, 4], status=NotificationStatus.QUEUED)
    world.answer({1: GONE, 2: BUSY})
    before = get_notification(world.deps, TENANT_ID, ID)
    assert (before.status, before.counts) == (NotificationStatus.QUEUED, Counts(4, unsent=4))
    send(world, 0)
    shown = get_notification(world.deps, TENANT_ID, ID)
    assert (shown.status, shown.counts, shown.errors) == (NotificationStatus.SENDING, Counts(4, failed=1, retrying=1, unsent=2), {"UNREGISTERED": 1})


def test_counts_of_a_broadcast_grow_with_its_chunks() -> None:
    world = a_broadcast()
    assert get_notification(world.deps, TENANT_ID, ID).counts == Counts()
    send(world, 0)
    number = len(members(world, 0))
    assert get_notification(world.deps, TENANT_ID, ID).counts == Counts(number, sent=number)
    send_all(world)
    assert get_notification(world.deps, TENANT_ID, ID).counts == Counts(20, sent=20)


def test_states_of_many_are_shown_together_in_the_order_asked_for() -> None:
    world = a_bulk([1, 2], [3, 4], id="bulk", world=accepted(a_world(*[ANDROID] * 4), id="single"))
    a_broadcast(world=world)
    send(world, 0)
    found = get_notifications(world.deps, TENANT_ID, [ID, "nothing", "bulk", "single", ID])
    shown = [(one.id, one.counts.sent) if one else None for one in found]
    assert shown == [(ID, len(members(world, 0))), None, ("bulk", 0), ("single", 0), (ID, len(members(world, 0)))]


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 200])
def test_deliveries_of_a_bulk_notification_are_paged_over_its_chunks(limit: int) -> None:
    world = a_bulk([1, 2], [3], [4, 5], [6])
    send(world, 0)
    send(world, 2)
    pages = _pages(world, limit)
    assert [device_id for page in pages for device_id in page] == [f"device-{number}" for number in range(1, 7)], "also those that nobody has begun"
    assert all(len(page) == limit for page in pages[:-1])


def test_deliveries_of_a_broadcast_are_those_that_have_begun() -> None:
    world = a_broadcast(devices=40)
    send(world, 2)
    assert sorted(_pages(world, 3)[0]) == sorted(f"device-{number}" for number in members(world, 2))[:3]
    assert len([device_id for page in _pages(world, 3) for device_id in page]) == len(members(world, 2))


def test_page_is_short_rather_than_that_it_reads_a_thousand_empty_chunks() -> None:
    world = a_broadcast(devices=1, shards=64, world=a_world(ANDROID))
    send_all(world)
    pages = _pages(world, 10)
    assert len(pages) == -(-64 // MOST_CHUNKS)
    assert [page for page in pages if page] == [["device-1"]]


def test_unsent_recipients_of_a_cancelled_notification_are_listed() -> None:
    world = a_bulk([1, 2], [3])
    world.answer({1: BUSY})
    send(world, 0)
    cancel_notification(world.deps, a_call(), ID)
    send_all(world)
    listed = {device_id: result.outcome for device_id, result in list_deliveries(world.deps, TENANT_ID, ID)}
    assert listed == {"device-1": Outcome.UNSENT, "device-2": Outcome.SENT, "device-3": Outcome.UNSENT}


def test_deliveries_of_an_unknown_notification_are_not_found() -> None:
    with pytest.raises(NotFound):
        list_deliveries(a_bulk([1]).deps, TENANT_ID, "nothing")


def test_device_of_a_broadcast_is_traced_by_its_shard() -> None:
    world = a_broadcast(devices=40)
    sent, waits = members(world, 1)[0], members(world, 3)[0]
    send(world, 1)
    trace = trace_device(world.deps, TENANT_ID, ID, f"device-{sent}")
    assert trace.chunk is not None
    assert (trace.result.outcome, trace.chunk.key) == (Outcome.SENT, key(1))
    waiting = trace_device(world.deps, TENANT_ID, ID, f"device-{waits}")
    assert (waiting.result.outcome, waiting.chunk) == (Outcome.UNSENT, None)


def test_device_that_a_broadcast_did_not_match_is_not_found() -> None:
    world = a_broadcast(world=a_world(IOS, *[ANDROID] * 19), request={"to": {"segment": {"platform": ["ios"]}}, "title": "Hello"})
    for _ in range(2):
        with pytest.raises(NotFound):
            trace_device(world.deps, TENANT_ID, ID, "device-2")
        assert trace_device(world.deps, TENANT_ID, ID, "device-1").device_id == "device-1"
        send_all(world)


def test_device_of_a_bulk_notification_is_searched_in_its_chunks() -> None:
    world = a_bulk(*[[number] for number in range(1, 26)])
    send(world, 20)
    found = trace_device(world.deps, TENANT_ID, ID, "device-21")
    assert found.chunk is not None
    assert (found.result.outcome, found.chunk.key.number) == (Outcome.SENT, 20)
    assert trace_device(world.deps, TENANT_ID, ID, "device-25").result.outcome is Outcome.UNSENT
    with pytest.raises(NotFound):
        trace_device(world.deps, TENANT_ID, ID, "device-26")


def test_device_of_a_broadcast_that_is_not_laid_out_is_not_found() -> None:
    world = a_bulk()
    with pytest.raises(NotFound):
        trace_device(world.deps, TENANT_ID, ID, "device-1")
