"""A delivery's decisions: who may attempt it, what it becomes by an answer, when it is tried again, and when it ends."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfare.domain.chunk import CLOCK_SKEW, Busy, Finished
from fanfare.domain.dead_letter import DeadLetterKind, webhook_letter_of
from fanfare.domain.endpoint_answer import LONGEST_RETRY_AFTER, NotPosted, Posted
from fanfare.domain.event import Event, EventKind, StoredEvent, encode_event
from fanfare.domain.webhook_delivery import (
    DELAYS,
    FINAL_DELIVERY_STATES,
    LEASE,
    NUDGE_GRACE,
    SWEPT_AGAIN,
    DeliveryState,
    WebhookDelivery,
    decide_delivery_claim,
    new_delivery,
    plan_after,
    put_off_check,
    replayed_delivery,
)
from tests.factories import NOW, TENANT_ID, a_webhook

EVENT = Event("event-1", TENANT_ID, EventKind.NOTIFICATION_COMPLETED, NOW, {"notification_id": "n"}, ("n",), ("webhook-1",), "request-1")
STORED = StoredEvent(EVENT.id, TENANT_ID, EVENT.kind, NOW, encode_event(EVENT), ("n",))
WEBHOOK, SECOND = a_webhook(), timedelta(seconds=1)
FRESH = new_delivery(EVENT, "webhook-1")
ANSWERS = st.one_of(
    st.builds(Posted, st.integers(100, 599), st.none() | st.floats(0, 1e9)),
    st.builds(NotPosted, st.sampled_from(["timeout", "connection", "tls", "address", "answer"])),
)


def claim(delivery: WebhookDelivery, after: timedelta = timedelta(0), **given_: Any) -> WebhookDelivery | Busy | Finished:
    found = {"webhook": WEBHOOK, "event": STORED, "owner": "owner-1", "now": NOW + after} | given_
    return decide_delivery_claim(delivery, **found)


def claimed(attempts: int = 1) -> WebhookDelivery:
    decided = claim(replace(FRESH, attempts=attempts - 1))
    assert isinstance(decided, WebhookDelivery)
    return decided


def test_due_delivery_is_claimed_and_its_attempt_counts() -> None:
    decided = claimed()
    assert (decided.state, decided.owner, decided.attempts, decided.last_attempt_at) == (DeliveryState.SENDING, "owner-1", 1, NOW)
    assert (decided.lease_until, decided.next_check_at, decided.next_attempt_at) == (NOW + LEASE, NOW + LEASE, None)


@pytest.mark.parametrize(
    ("state", "after", "expected"),
    [
        (DeliveryState.DELIVERED, timedelta(days=1), Finished()),
        (DeliveryState.FAILED, timedelta(days=1), Finished()),
        (DeliveryState.DROPPED, timedelta(days=1), Finished()),
        (DeliveryState.PENDING, -CLOCK_SKEW - SECOND, Finished()),
        (DeliveryState.PENDING, -CLOCK_SKEW, Busy(5)),
        (DeliveryState.PENDING, -SECOND, Busy(1)),
        (DeliveryState.PENDING, -SECOND / 2, Busy(1)),
    ],
)
def test_call_that_comes_again_or_early_finds_nothing_to_do(state: DeliveryState, after: timedelta, expected: Busy | Finished) -> None:
    assert claim(replace(FRESH, state=state), after) == expected


def test_attempt_that_is_under_way_is_waited_for_and_taken_over_once_its_lease_is_over() -> None:
    first = claimed()
    assert claim(first, SECOND, owner="owner-2") == Busy(44)
    second = claim(first, LEASE, owner="owner-2")
    assert isinstance(second, WebhookDelivery)
    assert (second.state, second.owner, second.attempts) == (DeliveryState.SENDING, "owner-2", 2)


def test_last_attempt_that_was_lost_ends_in_a_dead_letter() -> None:
    ended = claim(claimed(len(DELAYS)), LEASE)
    assert isinstance(ended, WebhookDelivery)
    assert (ended.state, ended.reason, ended.attempts, ended.completed_at) == (DeliveryState.FAILED, "interrupted", 8, NOW + LEASE)
    letter = webhook_letter_of(ended, NOW + LEASE)
    assert letter is not None
    assert (letter.id, letter.kind, letter.key, letter.reason) == ("webhook-1-event-1", DeadLetterKind.WEBHOOK, FRESH.key, "interrupted")


@pytest.mark.parametrize(
    ("given_", "reason"),
    [
        ({"webhook": None}, "webhook_removed"),
        ({"webhook": a_webhook(active=False)}, "webhook_inactive"),
        ({"event": None}, "event_removed"),
        ({"webhook": None, "event": None}, "webhook_removed"),
    ],
)
def test_delivery_that_has_nowhere_or_nothing_to_go_is_dropped_and_no_attempt_counts(given_: dict[str, Any], reason: str) -> None:
    dropped = claim(FRESH, **given_)
    assert isinstance(dropped, WebhookDelivery)
    assert (dropped.state, dropped.reason, dropped.attempts, dropped.completed_at) == (DeliveryState.DROPPED, reason, 0, NOW)
    assert (dropped.next_attempt_at, dropped.next_check_at) == (None, None)
    assert webhook_letter_of(dropped, NOW) is None


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_event_that_was_taken_is_delivered(status: int) -> None:
    planned = plan_after(claimed(), Posted(status), NOW + SECOND)
    assert (planned.state, planned.last_status, planned.last_error, planned.reason) == (DeliveryState.DELIVERED, status, None, None)
    assert (planned.completed_at, planned.next_check_at, planned.owner) == (NOW + SECOND, None, "")


def test_endpoint_that_is_gone_ends_the_delivery_without_a_dead_letter() -> None:
    planned = plan_after(claimed(), Posted(410), NOW)
    assert (planned.state, planned.reason, planned.last_status) == (DeliveryState.FAILED, "gone", 410)
    assert webhook_letter_of(planned, NOW) is None


@pytest.mark.parametrize(
    ("answer", "status", "error"),
    [
        (Posted(199), 199, None),
        (Posted(301), 301, "redirect"),
        (Posted(308), 308, "redirect"),
        (Posted(400), 400, None),
        (Posted(500), 500, None),
        (NotPosted("timeout"), 0, "timeout"),
        (NotPosted("address"), 0, "address"),
    ],
)
def test_any_other_answer_is_followed_by_another_attempt(answer: Posted | NotPosted, status: int, error: str | None) -> None:
    planned = plan_after(claimed(), answer, NOW)
    assert (planned.state, planned.last_status, planned.last_error) == (DeliveryState.PENDING, status, error)
    assert (planned.next_attempt_at, planned.next_check_at) == (NOW + DELAYS[1], NOW + DELAYS[1] + NUDGE_GRACE)
    assert (planned.owner, planned.lease_until, planned.completed_at) == ("", None, None)


@pytest.mark.parametrize(("answer", "reason"), [(Posted(503), "http_503"), (Posted(302), "redirect"), (NotPosted("tls"), "tls")])
def test_last_attempt_that_failed_ends_in_a_dead_letter(answer: Posted | NotPosted, reason: str) -> None:
    planned = plan_after(claimed(len(DELAYS)), answer, NOW)
    assert (planned.state, planned.reason, planned.attempts) == (DeliveryState.FAILED, reason, 8)
    letter = webhook_letter_of(planned, NOW)
    assert letter is not None
    assert (letter.reason, letter.attempts, letter.event_kind, letter.created_at) == (reason, 8, EVENT.kind, NOW)


@pytest.mark.parametrize(
    ("asked", "waits"),
    [
        (None, DELAYS[2]),
        (0.0, DELAYS[2]),
        (30.0, DELAYS[2]),
        (3_600.0, timedelta(hours=1)),
        (36_000.0, LONGEST_RETRY_AFTER),
        (1e300, LONGEST_RETRY_AFTER),
    ],
)
def test_longer_wait_that_the_endpoint_asks_for_is_kept_up_to_ten_hours(asked: float | None, waits: timedelta) -> None:
    assert plan_after(claimed(2), Posted(429, asked), NOW).next_attempt_at == NOW + waits


def test_eight_attempts_are_made_over_twenty_seven_and_a_half_hours() -> None:
    delivery, at, made = FRESH, NOW, []
    while delivery.state not in FINAL_DELIVERY_STATES:
        decided = decide_delivery_claim(delivery, WEBHOOK, STORED, "owner", at)
        assert isinstance(decided, WebhookDelivery)
        made.append(at - NOW)
        delivery = plan_after(decided, Posted(500), at)
        at = delivery.next_attempt_at or at
    hour, minute = timedelta(hours=1), timedelta(minutes=1)
    steps = [timedelta(0), 5 * SECOND, 5 * minute, 30 * minute, 2 * hour, 5 * hour, 10 * hour, 10 * hour]
    assert made == [sum(steps[: number + 1], timedelta(0)) for number in range(8)]
    assert delivery.attempts == 8


@given(st.lists(st.tuples(ANSWERS, st.booleans(), st.integers(0, 20)), max_size=30))
def test_any_history_makes_at_most_eight_attempts_and_is_always_either_over_or_found_again(history: list[tuple[Any, bool, int]]) -> None:
    delivery, at, attempts = FRESH, NOW, 0
    for answer, is_lost, late in history:
        at = max(at, delivery.next_attempt_at or at, delivery.lease_until or at) + late * SECOND
        decided = decide_delivery_claim(delivery, WEBHOOK, STORED, "owner", at)
        if not isinstance(decided, WebhookDelivery):
            assert decided == Finished()
            assert delivery.state in FINAL_DELIVERY_STATES
            return
        delivery = decided
        if decided.state is DeliveryState.SENDING:
            attempts += 1
            assert decided.attempts == attempts <= len(DELAYS)
            delivery = decided if is_lost else plan_after(decided, answer, at)
        assert (delivery.next_check_at is None) == (delivery.state in FINAL_DELIVERY_STATES) == (delivery.completed_at is not None)
        assert delivery.state is not DeliveryState.PENDING or timedelta(0) < (delivery.next_attempt_at or at) - at <= LONGEST_RETRY_AFTER


def test_replay_begins_with_all_attempts_ahead() -> None:
    failed = plan_after(claimed(len(DELAYS)), Posted(500), NOW)
    again = replayed_delivery(failed, STORED, "webhook-1", NOW + LEASE, "request-2")
    assert again is not None
    assert (again.state, again.attempts, again.next_attempt_at, again.created_at) == (DeliveryState.PENDING, 0, NOW + LEASE, NOW)
    assert (again.reason, again.completed_at, again.request_id, again.next_check_at) == (None, None, "request-2", NOW + LEASE + NUDGE_GRACE)


def test_replay_makes_a_delivery_that_never_was() -> None:
    again = replayed_delivery(None, STORED, "webhook-2", NOW, "request-2")
    assert again is not None
    assert (again.key.webhook_id, again.key.event_id, again.kind, again.created_at) == ("webhook-2", "event-1", EVENT.kind, NOW)


def test_replay_leaves_an_attempt_that_is_under_way() -> None:
    assert replayed_delivery(claimed(), STORED, "webhook-1", NOW + LEASE - SECOND, "request-2") is None
    assert replayed_delivery(claimed(), STORED, "webhook-1", NOW + LEASE, "request-2") is not None


@pytest.mark.parametrize(
    ("stored", "after"),
    [
        (FRESH, NUDGE_GRACE - SECOND),
        (claimed(), LEASE),
        (plan_after(claimed(), Posted(200), NOW), timedelta(days=1)),
        (replace(FRESH, next_check_at=None), timedelta(days=1)),
    ],
)
def test_check_of_what_is_not_overdue_or_does_not_wait_is_not_put_off(stored: WebhookDelivery, after: timedelta) -> None:
    assert put_off_check(stored, NOW + after) is None


def test_check_of_what_was_nudged_is_put_off() -> None:
    later = put_off_check(FRESH, NOW + NUDGE_GRACE)
    assert later is not None
    assert replace(later, next_check_at=FRESH.next_check_at) == FRESH
    assert later.next_check_at == NOW + NUDGE_GRACE + SWEPT_AGAIN
