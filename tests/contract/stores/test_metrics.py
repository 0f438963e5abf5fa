"""What every store of the fleet's numbers does: tallies and receipts add to them once, spans are counted once, and nothing takes them away."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from fanfare.domain.analytics import Amounts
from fanfare.domain.audit import trail
from fanfare.domain.broadcast_progress import Part
from fanfare.domain.call import Actor, ActorKind
from fanfare.domain.chunk import Chunk, ChunkKey, ChunkState
from fanfare.domain.device import InactiveReason
from fanfare.domain.endpoint_answer import Posted
from fanfare.domain.event import Event, EventKind
from fanfare.domain.fleet_counters import counters_of, sums_of_one
from fanfare.domain.layout import Layout, Source
from fanfare.domain.message import Platform
from fanfare.domain.notification import Counts, NotificationStatus
from fanfare.domain.outcome import Outcome, Result, count
from fanfare.domain.receipt_sums import NotedPlace, ReceiptSum
from fanfare.domain.receipts import ReceiptEvent
from fanfare.domain.registration import RegistrationPlan, deactivate
from fanfare.domain.tallying import Tally, contributions_of, decide_tally
from fanfare.domain.webhook_delivery import DeliveryKey, plan_after
from fanfare.ports.webhooks import ClaimedDelivery
from tests.contract.stores.racing import race
from tests.contract.stores.real import Stores
from tests.factories import NOW, a_device, a_notification, a_recipient, a_tenant, a_webhook

SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
MOST = 100
SENT = Result(Outcome.SENT, "message-1", 200, 1, Platform.IOS)
RETRYING = Result(Outcome.RETRYING, "INTERNAL", 500, 1, Platform.IOS, due_at=NOW)
COUNTED = {"accepted": 1, "messages": 3, "sent.ios": 2, "failed.UNREGISTERED": 1, "retried": 4, "send_delay.1000": 2, "send_delay.ms": 2_000}


def _accept(stores: Stores, name: str = "notification-1", tenant: str = "acme", **fields: object) -> None:
    done = {"status": NotificationStatus.COMPLETED, "counts": Counts(3, sent=2, failed=1), "errors": {"UNREGISTERED": 1}, "retried": 4}
    begun = {"platforms": {"ios": {"sent": 2, "failed": 1}}, "started_at": NOW + SECOND}
    stores.notifications.accept(a_notification(**{"id": name, "tenant": tenant, **done, **begun, **fields}), [a_recipient()])


def _tallies(stores: Stores, tenant: str = "acme") -> list[Tally]:
    def decide(found: object) -> Tally:
        one = found.notification  # type: ignore[attr-defined]
        return decide_tally(found, contributions_of(one, one.counts, one.platforms), counters_of(one, sums_of_one(one)))  # type: ignore[arg-type]

    return [decide(found) for found in stores.analytics.find_untallied(tenant, MOST)]


def test_nothing_is_counted_at_first(stores: Stores) -> None:
    assert stores.metrics.read_counters() == {}
    assert stores.metrics.get_counted()[0] is None


def test_tally_adds_to_the_numbers_once(stores: Stores, tenant: str) -> None:
    _accept(stores)
    tallies = _tallies(stores)
    assert [stores.analytics.tally(tallies) for _ in range(2)] == [True, False]
    assert stores.metrics.read_counters() == COUNTED


def test_two_tallies_at_once_add_once(stores: Stores, tenant: str) -> None:
    _accept(stores)
    tallies = _tallies(stores)
    assert sorted(race([lambda: stores.analytics.tally(tallies)] * 4)) == [False, False, False, True]
    assert stores.metrics.read_counters() == COUNTED


def test_later_tally_adds_what_grew_and_takes_nothing_away(stores: Stores, tenant: str) -> None:
    _accept(stores)
    assert stores.analytics.tally(_tallies(stores))
    stores.notifications.update(tenant, "notification-1", lambda stored: replace(stored, status_reason="replayed"))
    [found] = stores.analytics.find_untallied(tenant, MOST)
    assert found.counters == COUNTED
    mended = decide_tally(found, found.contributed, {**COUNTED, "failed.UNREGISTERED": 0, "sent.ios": 3})
    assert stores.analytics.tally([mended])
    assert stores.metrics.read_counters() == {**COUNTED, "sent.ios": 3}
    stores.notifications.update(tenant, "notification-1", lambda stored: replace(stored, status_reason="again"))
    assert stores.analytics.find_untallied(tenant, MOST)[0].counters == mended.counters


def test_chunks_of_many_add_retries_and_delays_to_the_sums_that_they_write_anyway(stores: Stores, tenant: str) -> None:
    many = {"status": NotificationStatus.SENDING, "layout": Layout(Source.RECIPIENTS, None, (2,)), "chunk_count": 2}
    _accept(stores, **many, counts=Counts(4, unsent=4), errors={}, platforms={}, retried=0)
    for number, state in ((0, ChunkState.RETRYING), (0, ChunkState.DONE), (1, ChunkState.DONE)):
        claimed = stores.chunks.claim(ChunkKey(tenant, "notification-1", number), f"owner-{number}-{state}", NOW + SECOND, NOW)
        assert isinstance(claimed, Chunk)
        second = RETRYING if state is ChunkState.RETRYING else SENT._replace(attempts=3)
        results = {"a": SENT, "b": second}
        ended = replace(claimed, state=state, results=results, counts=count(results.values(), 2), due_at=NOW)
        assert stores.progress.conclude(ended, Part(0, number)) is not None
    notification = stores.notifications.get(tenant, "notification-1")
    assert notification is not None
    sums = stores.progress.read_progress(notification).total
    assert sums.measures == {"retried": 4, "send_delay.1000": 4, "send_delay.ms": 4_000}
    assert stores.analytics.count_chunks(notification) == sums


def test_numbers_of_all_tenants_are_added_together(stores: Stores) -> None:
    names = [f"tenant-{number}" for number in range(20)]
    for name in names:
        stores.tenants.create(a_tenant(id=name))
        _accept(stores, tenant=name)
        assert stores.analytics.tally(_tallies(stores, name))
    assert stores.metrics.read_counters() == {name: 20 * number for name, number in COUNTED.items()}


def test_receipts_add_to_the_numbers_with_their_place(stores: Stores, tenant: str) -> None:
    _accept(stores)
    notification = stores.notifications.get(tenant, "notification-1")
    assert notification is not None
    sums = [ReceiptSum(notification, {"ios": Amounts(total_delivered=2)}, {"delivery_delay.1000": 2, "delivery_delay.ms": 1_500})]
    place = NotedPlace(NOW, "tenants/acme/notifications/notification-1/receipts/device-1")
    _, revision = stores.receipt_sums.get_places()
    added = [stores.receipt_sums.add(ReceiptEvent.DELIVERED, place, revision, sums) for _ in range(2)]
    assert added == [True, False]
    assert stores.metrics.read_counters() == {"delivered.ios": 2, "delivery_delay.1000": 2, "delivery_delay.ms": 1_500}


def test_span_is_counted_once_whoever_counts_it_at_the_same_time(stores: Stores) -> None:
    _, revision = stores.metrics.get_counted()
    added = race([lambda: stores.metrics.add_counted({"webhooks.delivered": 2}, NOW, revision)] * 4)
    assert sorted(added) == [False, False, False, True]
    until, later = stores.metrics.get_counted()
    assert until == NOW
    assert not stores.metrics.add_counted({"webhooks.delivered": 9}, NOW + SECOND, revision)
    assert stores.metrics.add_counted({"webhooks.delivered": 1, "retired.idle": 1}, NOW + SECOND, later)
    assert stores.metrics.read_counters() == {"webhooks.delivered": 3, "retired.idle": 1}


def _end_delivery(stores: Stores, name: str, at: datetime, status: int) -> None:
    stores.events.record([Event(name, "acme", EventKind.NOTIFICATION_COMPLETED, NOW, {}, (), ("webhook-1",), "request-1")])
    claimed = stores.deliveries.claim(DeliveryKey("acme", "webhook-1", name), "owner-1", NOW + SECOND)
    assert isinstance(claimed, ClaimedDelivery)
    assert stores.deliveries.conclude(plan_after(claimed.delivery, Posted(status), at))


def test_deliveries_are_counted_in_the_span_in_which_they_ended(stores: Stores, tenant: str) -> None:
    stores.webhooks.create(a_webhook(tenant=tenant), trail("webhook.created", Actor(ActorKind.CLIENT, "client-1"), NOW))
    ends = {"one": (1, 200), "two": (2, 200), "gone": (2, 410), "later": (3, 200), "failing": (2, 500)}
    for name, (seconds, status) in ends.items():
        _end_delivery(stores, name, NOW + seconds * SECOND, status)
    counted = stores.metrics.count_deliveries(None, NOW + 2 * SECOND)
    assert {state: number for state, number in counted.items() if number} == {"delivered": 2, "failed": 1}
    counted = stores.metrics.count_deliveries(NOW + 2 * SECOND, NOW + 9 * SECOND)
    assert {state: number for state, number in counted.items() if number} == {"delivered": 1}


@pytest.mark.usefixtures("tenant")
def test_retired_devices_are_counted_by_reason_in_the_span_of_it(stores: Stores, other_tenant: str) -> None:
    reasons = {
        "a": (InactiveReason.UNREGISTERED, 0),
        "b": (InactiveReason.IDLE, 1),
        "c": (InactiveReason.DEACTIVATED, 1),
        "d": (InactiveReason.INVALID_TARGET, 2),
    }
    for name, (reason, days) in reasons.items():
        stores.devices.save("acme", [RegistrationPlan(deactivate(a_device(id=name), reason, NOW + days * DAY))])
    stores.devices.save(other_tenant, [RegistrationPlan(deactivate(a_device(id="e"), InactiveReason.UNREGISTERED, NOW))])
    counted = stores.metrics.count_retired(None, NOW + DAY)
    assert {reason: number for reason, number in counted.items() if number} == {"unregistered": 2, "idle": 1}
    counted = stores.metrics.count_retired(NOW, NOW + 9 * DAY)
    assert {reason: number for reason, number in counted.items() if number} == {"idle": 1, "invalid_target": 1}


def test_what_is_being_sent_is_found_in_all_tenants(stores: Stores, tenant: str, other_tenant: str) -> None:
    sending = {"status": NotificationStatus.SENDING}
    _accept(stores, "one", tenant, **sending)
    _accept(stores, "many", other_tenant, **sending, layout=Layout(Source.RECIPIENTS, None, (2,)), chunk_count=2)
    _accept(stores, "over")
    _accept(stores, "paused", paused=True, **sending)
    assert {(row.tenant, row.id) for row in stores.metrics.find_under_way(MOST)} == {(tenant, "one"), (other_tenant, "many")}
    assert len(stores.metrics.find_under_way(1)) == 1
