from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from fanfare.domain.chunk import Chunk, ChunkKey, ChunkState
from fanfare.domain.device import Retirement
from fanfare.domain.errors import NotFound
from fanfare.domain.message import Platform
from fanfare.domain.notification import Counts, NotificationStatus
from fanfare.domain.outcome import Outcome, Result
from fanfare.domain.receipts import ReceiptChange, ReceiptKey, StoredReceipt
from fanfare.ports import Deps
from fanfare.services.list_deliveries import list_deliveries
from fanfare.services.list_pages import page_of_received
from fanfare.services.show_notification import get_notification, get_notifications
from fanfare.services.trace_device import trace_device
from tests.factories import NOW, TENANT_ID, a_device, a_notification, a_recipient
from tests.fakes import fake_deps
from tests.unit.services.seeding import add_devices

KEY = ChunkKey(TENANT_ID, "notification-1", 0)
SECOND = timedelta(seconds=1)
SENT = Result(Outcome.SENT, "projects/acme-app/messages/1", 200, 1, Platform.ANDROID)
DEAD = Result(Outcome.FAILED, "UNREGISTERED", 404, 1, Platform.ANDROID)
ROWS = [a_recipient(device_id="b", username="bob"), a_recipient(device_id="a"), a_recipient(device_id="c")]


@pytest.fixture
def deps() -> Deps:
    """A queued notification to three devices."""
    deps = fake_deps()
    deps.notifications.accept(a_notification(counts=Counts(3, unsent=3)), ROWS)
    return deps


def _claim(deps: Deps) -> Chunk:
    chunk = deps.chunks.claim(KEY, "owner", NOW)
    assert isinstance(chunk, Chunk)
    return chunk


def _finish(deps: Deps, results: dict[str, Result]) -> None:
    chunk = replace(_claim(deps), state=ChunkState.DONE, results=results, counts=Counts(3, 1, 1, 0, 1))
    assert deps.chunks.conclude(chunk, a_notification(status=NotificationStatus.COMPLETED, counts=chunk.counts, completed_at=NOW))


def test_queued_notification_is_shown_as_it_is_stored(deps: Deps) -> None:
    assert get_notification(deps, TENANT_ID, "notification-1") == a_notification(counts=Counts(3, unsent=3))


def test_claimed_notification_is_shown_as_sending(deps: Deps) -> None:
    _claim(deps)
    shown = get_notification(deps, TENANT_ID, "notification-1")
    assert (shown.status, shown.started_at, shown.counts) == (NotificationStatus.SENDING, NOW, Counts(3, unsent=3))


def test_checkpoint_is_shown_as_progress(deps: Deps) -> None:
    deps.chunks.save_chunk(replace(_claim(deps), results={"a": SENT}, counts=Counts(3, 1, unsent=2)))
    shown = get_notification(deps, TENANT_ID, "notification-1")
    assert (shown.status, shown.counts) == (NotificationStatus.SENDING, Counts(3, 1, unsent=2))


def test_finished_notification_is_shown_with_its_counts(deps: Deps) -> None:
    _finish(deps, {"a": SENT})
    shown = get_notification(deps, TENANT_ID, "notification-1")
    assert (shown.status, shown.counts, shown.completed_at) == (NotificationStatus.COMPLETED, Counts(3, 1, 1, 0, 1), NOW)


def test_recipients_are_unsent_before_the_delivery_in_the_order_of_their_resolution(deps: Deps) -> None:
    deliveries = list_deliveries(deps, TENANT_ID, "notification-1")
    assert [(device_id, result.outcome, result.attempts) for device_id, result in deliveries] == [(name, Outcome.UNSENT, 0) for name in "bac"]
    assert (deliveries[0][1].username, deliveries[0][1].platform) == ("bob", Platform.ANDROID)


def test_results_stand_in_the_order_of_the_recipients(deps: Deps) -> None:
    _finish(deps, {"c": DEAD, "b": SENT})
    deliveries = list_deliveries(deps, TENANT_ID, "notification-1")
    assert [device_id for device_id, _ in deliveries] == ["b", "a", "c"]
    assert (deliveries[0][1], deliveries[1][1].outcome, deliveries[2][1]) == (SENT, Outcome.UNSENT, DEAD)


def test_results_are_shown_after_the_recipients_were_cleaned_up() -> None:
    deps = fake_deps()
    deps.notifications.accept(a_notification(), [])
    _finish(deps, {"c": DEAD, "b": SENT})
    assert list_deliveries(deps, TENANT_ID, "notification-1") == [("c", DEAD), ("b", SENT)]


@pytest.mark.parametrize(("tenant", "notification_id"), [(TENANT_ID, "nobody's"), ("globex", "notification-1")])
def test_unknown_notification_and_another_tenants_are_not_found(deps: Deps, tenant: str, notification_id: str) -> None:
    with pytest.raises(NotFound):
        get_notification(deps, tenant, notification_id)
    with pytest.raises(NotFound):
        list_deliveries(deps, tenant, notification_id)
    with pytest.raises(NotFound):
        trace_device(deps, tenant, notification_id, "a")


def test_many_are_found_in_the_order_asked_for_and_strangers_are_not(deps: Deps) -> None:
    deps.notifications.accept(a_notification(id="notification-2"), [a_recipient()])
    deps.notifications.accept(a_notification(id="theirs", tenant="globex"), [a_recipient()])
    _claim(deps)
    found = get_notifications(deps, TENANT_ID, ["notification-2", "theirs", "notification-1", "unknown", "notification-2"])
    assert [one.id if one else None for one in found] == ["notification-2", None, "notification-1", None, "notification-2"]
    assert [one.status for one in found if one] == [NotificationStatus.QUEUED, NotificationStatus.SENDING, NotificationStatus.QUEUED]


def test_trace_holds_what_became_of_one_device_and_of_its_target(deps: Deps) -> None:
    add_devices(deps, a_device(id="c", active=False, retirement=Retirement("UNREGISTERED", NOW, "notification-1")), a_device(id="a"))
    _finish(deps, {"c": DEAD, "b": SENT})
    trace = trace_device(deps, TENANT_ID, "notification-1", "c")
    assert (trace.result, trace.retirement) == (DEAD, Retirement("UNREGISTERED", NOW, "notification-1"))
    assert trace.chunk is not None
    assert trace.chunk.state is ChunkState.DONE
    assert trace_device(deps, TENANT_ID, "notification-1", "a").result.outcome is Outcome.UNSENT


def test_device_that_was_not_addressed_has_no_trace(deps: Deps) -> None:
    add_devices(deps, a_device(id="d"))
    for device_id in ("d", "unknown"):
        with pytest.raises(NotFound):
            trace_device(deps, TENANT_ID, "notification-1", device_id)


def _receive(deps: Deps, *device_ids: str) -> None:
    receipts = [StoredReceipt(ReceiptKey("notification-1", name), NOW, NOW + SECOND, NOW + 2 * SECOND) for name in device_ids]
    assert deps.receipts.save(TENANT_ID, [ReceiptChange(None, receipt) for receipt in receipts], ())


def test_receipts_of_one_chunk_are_counted_at_once(deps: Deps) -> None:
    _finish(deps, {"c": DEAD, "b": SENT})
    _receive(deps, "b")
    assert (get_notification(deps, TENANT_ID, "notification-1").counts.delivered, get_notifications(deps, TENANT_ID, ["notification-1"])) == (
        1, [deps.notifications.get(TENANT_ID, "notification-1")],
    )  # fmt: skip


def test_deliveries_show_what_apps_have_reported(deps: Deps) -> None:
    _finish(deps, {"c": DEAD, "b": SENT, "a": SENT})
    _receive(deps, "b", "c")
    items, _ = page_of_received(deps, TENANT_ID, "notification-1", 9, None)
    assert [(row.device_id, row.result, row.receipt.read_at if row.receipt else None) for row in items] == [
        ("b", SENT, NOW + 2 * SECOND), ("a", SENT, None), ("c", DEAD, None),
    ]  # fmt: skip
