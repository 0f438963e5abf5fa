"""What every store of deliveries does: the claim that only one call gets, its end, what is overdue, lists, replays and removal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from fanfare.domain.audit import AuditEntry, trail
from fanfare.domain.call import Actor, ActorKind
from fanfare.domain.chunk import Busy, Finished
from fanfare.domain.dead_letter import DeadLetterKind, WebhookLetter, webhook_letter_of
from fanfare.domain.endpoint_answer import NotPosted, Posted
from fanfare.domain.event import Event, EventKind, StoredEvent, encode_event
from fanfare.domain.filters import AuditFilter, DeadLetterFilter
from fanfare.domain.retention import Kind
from fanfare.domain.webhook import Webhook
from fanfare.domain.webhook_delivery import (
    DELAYS,
    LEASE,
    NUDGE_GRACE,
    SWEPT_AGAIN,
    DeliveryKey,
    DeliveryState,
    WebhookDelivery,
    new_delivery,
    plan_after,
)
from fanfare.ports.webhooks import ClaimedDelivery
from tests.contract.stores.racing import race
from tests.contract.stores.real import Stores
from tests.factories import NOW, a_notification, a_webhook

SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
ACTOR = Actor(ActorKind.CLIENT, "client-1")
KEY = DeliveryKey("acme", "webhook-1", "event-1")


def _event(name: str = "event-1", webhooks: Sequence[str] = ("webhook-1",), at: timedelta = timedelta(0), tenant: str = "acme") -> Event:
    return Event(name, tenant, EventKind.NOTIFICATION_COMPLETED, NOW + at, {"notification_id": "n"}, ("n",), tuple(webhooks), "request-1")


@pytest.fixture
def webhook(stores: Stores, tenant: str) -> Webhook:
    """A webhook and one event on its way to it."""
    webhook = a_webhook(tenant=tenant, previous_secret=a_webhook(id="old").secret, previous_valid_until=NOW)
    stores.webhooks.create(webhook, trail("webhook.created", ACTOR, NOW))
    stores.events.record([_event()])
    return webhook


def _stored(stores: Stores, key: DeliveryKey = KEY) -> WebhookDelivery | None:
    return stores.deliveries.get_many([key])[0]


def _claim(stores: Stores, owner: str = "owner-1", after: timedelta = timedelta(0), key: DeliveryKey = KEY) -> ClaimedDelivery:
    claimed = stores.deliveries.claim(key, owner, NOW + after)
    assert isinstance(claimed, ClaimedDelivery)
    return claimed


def _fail(stores: Stores, key: DeliveryKey = KEY) -> WebhookDelivery:
    """Let all attempts of a delivery fail."""
    at = NOW
    for _ in DELAYS:
        claimed = stores.deliveries.claim(key, "owner", at)
        assert isinstance(claimed, ClaimedDelivery)
        planned = plan_after(claimed.delivery, Posted(500), at)
        assert stores.deliveries.conclude(planned, webhook_letter_of(planned, at))
        at = planned.next_attempt_at or at
    return planned


def _letters(stores: Stores, kind: DeadLetterKind | None = None) -> list[WebhookLetter]:
    page = stores.notifications.list_dead_letters("acme", DeadLetterFilter(kind), 10, None)
    return [letter for letter in page.items if isinstance(letter, WebhookLetter)]


def test_event_is_stored_with_a_delivery_that_is_due(stores: Stores, webhook: Webhook) -> None:
    assert _stored(stores) == new_delivery(_event(), webhook.id)
    assert stores.deliveries.get_many([]) == []
    assert stores.deliveries.get_many([replace(KEY, event_id="event-2"), KEY]) == [None, _stored(stores)]


def test_claim_reads_all_that_an_attempt_needs_and_counts_it(stores: Stores, webhook: Webhook) -> None:
    claimed = _claim(stores)
    assert claimed.webhook == webhook
    assert (claimed.event.id, claimed.event.body, claimed.event.kind) == ("event-1", encode_event(_event()), EventKind.NOTIFICATION_COMPLETED)
    assert _stored(stores) == claimed.delivery
    assert (claimed.delivery.attempts, claimed.delivery.owner, claimed.delivery.lease_until) == (1, "owner-1", NOW + LEASE)


def test_claim_of_what_is_under_way_or_over_or_unknown_gets_nothing(stores: Stores, webhook: Webhook) -> None:
    first = _claim(stores)
    assert stores.deliveries.claim(KEY, "owner-2", NOW + SECOND) == Busy(44)
    assert stores.deliveries.conclude(plan_after(first.delivery, Posted(200), NOW))
    assert stores.deliveries.claim(KEY, "owner-2", NOW + DAY) == Finished()
    assert stores.deliveries.claim(replace(KEY, event_id="event-2"), "owner-2", NOW) == Finished()


def test_claims_at_once_get_it_once(stores: Stores, webhook: Webhook) -> None:
    answers = race([lambda number=number: stores.deliveries.claim(KEY, f"owner-{number}", NOW) for number in range(6)])  # type: ignore[misc]
    assert [type(answer) for answer in answers].count(ClaimedDelivery) == 1
    stored = _stored(stores)
    assert stored is not None
    assert (stored.attempts, stored.state) == (1, DeliveryState.SENDING)


def test_attempt_whose_lease_is_over_is_taken_over_and_can_no_longer_end_it(stores: Stores, webhook: Webhook) -> None:
    first = _claim(stores)
    second = _claim(stores, "owner-2", LEASE)
    assert second.delivery.attempts == 2
    assert not stores.deliveries.conclude(plan_after(first.delivery, Posted(200), NOW + LEASE))
    assert _stored(stores) == second.delivery
    assert stores.deliveries.conclude(plan_after(second.delivery, Posted(500, 60.0), NOW + LEASE))
    third = _stored(stores)
    assert third is not None
    assert (third.state, third.next_attempt_at, third.last_status) == (DeliveryState.PENDING, NOW + LEASE + DELAYS[2], 500)


@pytest.mark.parametrize("what", ["webhook_removed", "webhook_inactive"])
def test_delivery_that_has_nowhere_to_go_is_dropped(stores: Stores, webhook: Webhook, what: str) -> None:
    if what == "webhook_removed":
        stores.webhooks.delete("acme", webhook.id, trail("webhook.deleted", ACTOR, NOW))
    else:
        stores.webhooks.update("acme", webhook.id, lambda stored: replace(stored, active=False))
    assert stores.deliveries.claim(KEY, "owner-1", NOW) == Finished()
    dropped = _stored(stores)
    assert dropped is not None
    assert (dropped.state, dropped.reason, dropped.attempts, dropped.next_check_at) == (DeliveryState.DROPPED, what, 0, None)
    assert _letters(stores) == []


def test_delivery_whose_event_was_removed_is_dropped(stores: Stores, webhook: Webhook) -> None:
    # The server's time of an event is the real one.
    assert stores.retention.remove_records("acme", Kind.EVENTS, NOW + 36_500 * DAY, 10) == 1 or _forget(stores)
    assert stores.deliveries.claim(KEY, "owner-1", NOW) == Finished()
    dropped = _stored(stores)
    assert dropped is not None
    assert (dropped.state, dropped.reason) == (DeliveryState.DROPPED, "event_removed")


def _forget(stores: Stores) -> bool:
    """Remove the event from memory, whose store of what is to be kept knows none."""
    stores.events.forget("acme", "event-1")  # type: ignore[attr-defined]
    return True


def test_last_attempt_that_was_lost_ends_with_a_dead_letter(stores: Stores, webhook: Webhook) -> None:
    at = NOW
    for _ in DELAYS[1:]:
        planned = plan_after(_claim(stores, after=at - NOW).delivery, NotPosted("timeout"), at)
        stores.deliveries.conclude(planned)
        at = planned.next_attempt_at or at
    _claim(stores, after=at - NOW)
    assert stores.deliveries.claim(KEY, "owner-2", at + LEASE) == Finished()
    ended = _stored(stores)
    assert ended is not None
    assert (ended.state, ended.reason, ended.attempts) == (DeliveryState.FAILED, "interrupted", 8)
    assert [(letter.reason, letter.attempts) for letter in _letters(stores)] == [("interrupted", 8)]


def test_dead_letter_is_stored_with_the_end_and_found_by_its_kind(stores: Stores, webhook: Webhook) -> None:
    failed = _fail(stores)
    letter = webhook_letter_of(failed, failed.completed_at or NOW)
    assert _letters(stores) == _letters(stores, DeadLetterKind.WEBHOOK) == [letter]
    assert _letters(stores, DeadLetterKind.NOTIFICATION) == []
    assert stores.notifications.get_dead_letter("acme", "webhook-1-event-1") == letter
    assert stores.notifications.get_dead_letter("globex", "webhook-1-event-1") is None
    # A notification of a webhook's name has nothing to do with it.
    assert stores.notifications.find_dead_letters("acme", "webhook-1", 10, None).items == []
    assert stores.ended.remove_letters("acme", "webhook-1", 10) == 0


def test_dead_letter_is_removed_by_cleanup_and_not_if_it_was_replayed_meanwhile(stores: Stores, webhook: Webhook) -> None:
    stores.notifications.accept(a_notification(), [])
    _fail(stores)
    (due,) = stores.ended.find_letters("acme", NOW + 365 * DAY, 10)
    assert stores.ended.find_letters("acme", NOW, 10) == []
    _replay(stores, webhook, NOW + 3 * DAY)
    assert not stores.ended.remove_letter(due, with_rows=False)
    (due,) = stores.ended.find_letters("acme", NOW + 365 * DAY, 10)
    assert stores.ended.remove_letter(due, with_rows=True)
    assert _letters(stores) == []


def _replay(stores: Stores, webhook: Webhook, at: object, events: Sequence[Event] | None = None) -> Sequence[DeliveryKey]:
    told = [StoredEvent(event.id, "acme", event.kind, NOW, encode_event(event)) for event in events or [_event()]]
    entry = AuditEntry("webhook.replayed", ACTOR, NOW, (webhook.id,))
    return stores.deliveries.replay(webhook, told, at, "request-2", entry)  # type: ignore[arg-type]


def test_replay_makes_deliveries_due_again_and_marks_their_dead_letters(stores: Stores, webhook: Webhook) -> None:
    _fail(stores)
    at = NOW + 3 * DAY
    fresh = _event("event-2", ())
    stores.events.record([fresh])
    assert list(_replay(stores, webhook, at, [_event(), fresh])) == [KEY, replace(KEY, event_id="event-2")]
    again, new = stores.deliveries.get_many([KEY, replace(KEY, event_id="event-2")])
    assert again is not None
    assert new is not None
    assert (again.state, again.attempts, again.next_attempt_at, again.created_at) == (DeliveryState.PENDING, 0, at, NOW)
    assert (again.request_id, new.created_at, new.next_check_at) == ("request-2", at, at + NUDGE_GRACE)
    assert [letter.replayed_at for letter in _letters(stores)] == [at]
    assert [row.entry.action for row in stores.audit.list("acme", AuditFilter(action="webhook.replayed"), 10, None).items] == ["webhook.replayed"]
    assert _claim(stores, after=3 * DAY).delivery.attempts == 1


def test_replay_leaves_what_is_under_way_and_then_stores_nothing(stores: Stores, webhook: Webhook) -> None:
    claimed = _claim(stores)
    assert list(_replay(stores, webhook, NOW + SECOND)) == []
    assert stores.audit.list("acme", AuditFilter(action="webhook.replayed"), 10, None).items == []
    assert stores.deliveries.conclude(plan_after(claimed.delivery, Posted(200), NOW))


def test_attempt_that_was_replayed_after_its_lease_can_no_longer_end_it(stores: Stores, webhook: Webhook) -> None:
    claimed = _claim(stores)
    assert list(_replay(stores, webhook, NOW + LEASE)) == [KEY]
    assert not stores.deliveries.conclude(plan_after(claimed.delivery, Posted(200), NOW + LEASE))


def test_replays_of_many_events_at_once_leave_every_one_due(stores: Stores, webhook: Webhook) -> None:
    events = [_event(f"event-{number}", ("webhook-1",) if number % 2 else ()) for number in range(2, 130)]
    stores.events.record(events[:2])
    race([lambda: _replay(stores, webhook, NOW + DAY, events)] * 3)
    stored = stores.deliveries.get_many([replace(KEY, event_id=event.id) for event in events])
    assert [row.next_attempt_at if row is not None else None for row in stored] == [NOW + DAY] * 128


def test_overdue_deliveries_of_all_tenants_are_found_the_longest_overdue_first(stores: Stores, webhook: Webhook, other_tenant: str) -> None:
    stores.events.record([_event("event-2", at=-SECOND, tenant=other_tenant)])
    stores.events.record([_event("event-3", at=DAY)])
    assert stores.deliveries.find_overdue(NOW + NUDGE_GRACE - 2 * SECOND, 10) == []
    both = [DeliveryKey(other_tenant, "webhook-1", "event-2"), KEY]
    assert list(stores.deliveries.find_overdue(NOW + NUDGE_GRACE, 10)) == both
    assert list(stores.deliveries.find_overdue(NOW + NUDGE_GRACE, 1)) == both[:1]
    claimed = _claim(stores)
    assert list(stores.deliveries.find_overdue(NOW + LEASE - SECOND, 10)) == []
    assert KEY in stores.deliveries.find_overdue(NOW + LEASE, 10)
    stores.deliveries.conclude(plan_after(claimed.delivery, Posted(200), NOW))
    assert KEY not in stores.deliveries.find_overdue(NOW + DAY, 10)


def test_deliveries_are_listed_by_webhook_the_newest_first_page_by_page(stores: Stores, webhook: Webhook) -> None:
    for number in (2, 3, 4):
        stores.events.record([_event(f"event-{number}", ("webhook-1", "webhook-2"), number * SECOND)])
    page = stores.deliveries.list("acme", "webhook-1", 3, None)
    assert [row.key.event_id for row in page.items] == ["event-4", "event-3", "event-2"]
    rest = stores.deliveries.list("acme", "webhook-1", 3, page.next_after)
    assert ([row.key.event_id for row in rest.items], rest.next_after) == (["event-1"], None)
    stores.deliveries.conclude(plan_after(_claim(stores).delivery, Posted(204), NOW))
    delivered = stores.deliveries.list("acme", "webhook-1", 3, None, state=DeliveryState.DELIVERED)
    assert [(row.key, row.last_status) for row in delivered.items] == [(KEY, 204)]
    assert stores.deliveries.list("globex", "webhook-1", 3, None).items == []


def test_old_deliveries_of_a_tenant_are_removed_though_their_webhook_is_gone(stores: Stores, webhook: Webhook, other_tenant: str) -> None:
    stores.events.record([_event("event-2", at=-DAY), _event("event-3", at=-2 * DAY)])
    stores.events.record([_event("event-4", at=-DAY, tenant=other_tenant)])
    stores.webhooks.delete("acme", webhook.id, trail("webhook.deleted", ACTOR, NOW))
    assert stores.deliveries.remove_deliveries("acme", NOW - DAY, 1) == 1
    assert stores.deliveries.remove_deliveries("acme", NOW - DAY, 10) == 1
    assert stores.deliveries.remove_deliveries("acme", NOW - DAY, 10) == 0
    assert _stored(stores) is not None
    assert _stored(stores, DeliveryKey(other_tenant, "webhook-1", "event-4")) is not None


def test_delivery_that_the_sweep_has_nudged_is_left_alone_for_a_while(stores: Stores, webhook: Webhook) -> None:
    stores.events.record([_event("event-2"), _event("event-3", at=DAY)])
    second = replace(KEY, event_id="event-2")
    claimed = _claim(stores, key=second)
    at = NOW + DAY - SECOND
    stores.deliveries.put_off([KEY, second, replace(KEY, event_id="event-3"), replace(KEY, event_id="unknown")], at)
    assert list(stores.deliveries.find_overdue(at, 10)) == [second]
    assert list(stores.deliveries.find_overdue(at + SWEPT_AGAIN, 10)) == [second, replace(KEY, event_id="event-3"), KEY]
    assert stores.deliveries.conclude(plan_after(claimed.delivery, Posted(200), at)), "the end of an attempt is not undone"
    assert _claim(stores, after=DAY).delivery.attempts == 1


def test_claim_and_sweep_at_once_leave_the_claim_whole(stores: Stores, webhook: Webhook) -> None:
    race([lambda: _claim(stores, after=DAY), lambda: stores.deliveries.put_off([KEY], NOW + DAY)])
    stored = _stored(stores)
    assert stored is not None
    assert (stored.state, stored.attempts, stored.next_check_at) == (DeliveryState.SENDING, 1, NOW + DAY + LEASE)
    assert stores.deliveries.conclude(plan_after(stored, Posted(200), NOW + DAY))
