"""Cancel, pause and resume: what they make of a notification and its chunk, in every state."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fanfare.domain.chunk import CLOCK_SKEW, LEASE, Chunk, ChunkKey, ChunkState, Claimed, Stop, decide_claim, new_claim
from fanfare.domain.delivery import SWEEP_GRACE, Hold, pending
from fanfare.domain.errors import Conflict
from fanfare.domain.notification import FINAL_STATUSES, Counts, Notification, NotificationStatus, StatusReason
from fanfare.domain.outcome import Outcome, Result
from fanfare.domain.steering import Steered, decide_by_hand, decide_cancel, decide_pause, decide_resume, plan_end, stop_of
from tests.factories import NOW, TENANT_ID, a_notification, a_recipient

KEY = ChunkKey(TENANT_ID, "notification-1", 0)
SECOND = timedelta(seconds=1)
ROWS = [a_recipient(device_id=name) for name in ("sent", "failed", "retrying", "unsent")]
SENT = Result(Outcome.SENT, "projects/p/messages/1", 200, 1)
FAILED = Result(Outcome.FAILED, "UNREGISTERED", 404, 1)
RETRYING = Result(Outcome.RETRYING, "UNAVAILABLE", 503, 1, due_at=NOW + 10 * SECOND, since=NOW)
RESULTS = {"sent": SENT, "failed": FAILED, "retrying": RETRYING}
COUNTS = Counts(4, sent=1, failed=1, retrying=1, unsent=1)
CANCELLED_COUNTS = Counts(4, sent=1, failed=1, unsent=2)
Decide = Callable[[Notification, Chunk | None, datetime], Steered | None]


def sending(**fields: Any) -> Notification:
    usual: dict[str, Any] = {"status": NotificationStatus.SENDING, "counts": COUNTS, "next_check_at": None}
    return a_notification(**usual | fields)


def queued(**fields: Any) -> Notification:
    return a_notification(counts=Counts(4, unsent=4), next_check_at=NOW + 60 * SECOND, **fields)


def paused(**fields: Any) -> Notification:
    usual: dict[str, Any] = {"status": NotificationStatus.PAUSED, "status_reason": StatusReason.BY_CALLER, "paused": True}
    return sending(**usual | fields)


def chunk(state: ChunkState = ChunkState.CLAIMED, **fields: Any) -> Chunk:
    return replace(new_claim(KEY, "owner-1", NOW), state=state, **{"results": RESULTS, "counts": COUNTS} | fields)


def decided(steered: Steered | None) -> Steered:
    assert steered is not None
    return steered


AT_REST = [ChunkState.RETRYING, ChunkState.PARKED, ChunkState.HELD]
DEAD = NOW + LEASE + CLOCK_SKEW
"""The call that claimed a chunk at NOW has lost it by then."""


# Cancel


def test_what_nobody_has_begun_is_cancelled_and_no_claim_is_granted_any_more() -> None:
    steered = decided(decide_cancel(queued(), None, NOW + SECOND))
    assert steered.notification == replace(
        queued(), status=NotificationStatus.CANCELLED, status_reason="by_caller", completed_at=NOW + SECOND, next_check_at=None
    )
    assert (steered.chunk.key, steered.chunk.state, steered.chunk.counts) == (KEY, ChunkState.CANCELLED, Counts(4, unsent=4))
    assert not isinstance(decide_claim(steered.chunk, "owner", NOW + timedelta(days=30)), Claimed)


@pytest.mark.parametrize("state", AT_REST)
def test_what_waits_is_cancelled_at_once_with_exact_counts(state: ChunkState) -> None:
    steered = decided(decide_cancel(sending(), chunk(state, due_at=NOW + 10 * SECOND), NOW))
    assert (steered.notification.status, steered.notification.counts) == (NotificationStatus.CANCELLED, CANCELLED_COUNTS)
    assert (steered.chunk.state, steered.chunk.counts, steered.chunk.next_check_at) == (ChunkState.CANCELLED, CANCELLED_COUNTS, None)
    assert steered.chunk.results == {**RESULTS, "retrying": Result(Outcome.UNSENT, "UNAVAILABLE", 503, 1)}
    assert (steered.notification.errors, steered.chunk.errors) == ({"UNREGISTERED": 1}, ({"device_id": "failed", "code": "UNREGISTERED"},))


def test_call_at_work_is_told_to_cancel_and_keeps_its_claim() -> None:
    steered = decided(decide_cancel(sending(paused=True), chunk(stop=Stop.PAUSE), NOW + SECOND))
    assert steered.chunk == chunk(stop=Stop.CANCEL)
    assert steered.notification == sending(status_reason="cancelling")


def test_chunk_of_a_dead_call_is_stopped_at_once_with_what_its_last_checkpoint_counted() -> None:
    cancelled, held = decided(decide_cancel(queued(), chunk(), DEAD)), decided(decide_pause(queued(), chunk(), DEAD))
    assert (cancelled.chunk.state, held.chunk.state) == (ChunkState.CANCELLED, ChunkState.HELD)
    assert cancelled.notification.counts == cancelled.chunk.counts == CANCELLED_COUNTS
    assert held.notification.counts == held.chunk.counts == COUNTS
    assert (cancelled.notification.started_at, held.notification.errors) == (NOW, {"UNREGISTERED": 1})


def test_second_cancel_changes_nothing() -> None:
    assert decide_cancel(sending(status=NotificationStatus.CANCELLED), chunk(ChunkState.CANCELLED), NOW) is None
    assert decide_cancel(sending(), chunk(stop=Stop.CANCEL), NOW) is None


# Pause and resume


def test_what_nobody_has_begun_is_held_until_its_messages_expire() -> None:
    steered = decided(decide_pause(queued(), None, NOW + SECOND))
    assert steered.notification == replace(queued(), status=NotificationStatus.PAUSED, status_reason="by_caller", next_check_at=None, paused=True)
    assert (steered.chunk.state, steered.chunk.attempt, steered.chunk.counts) == (ChunkState.HELD, 0, Counts(4, unsent=4))
    assert steered.chunk.next_check_at == NOW + 3_600 * SECOND + SWEEP_GRACE


@pytest.mark.parametrize("state", [ChunkState.RETRYING, ChunkState.PARKED])
def test_what_waits_is_held_at_once_with_its_counts(state: ChunkState) -> None:
    steered = decided(decide_pause(sending(), chunk(state, due_at=NOW), NOW))
    assert (steered.notification.status, steered.notification.counts, steered.notification.paused) == (NotificationStatus.PAUSED, COUNTS, True)
    assert (steered.chunk.state, steered.chunk.due_at, steered.chunk.results) == (ChunkState.HELD, None, RESULTS)
    assert not isinstance(decide_claim(steered.chunk, "owner", NOW + 3_600 * SECOND), Claimed)


def test_call_at_work_is_told_to_pause_and_keeps_its_claim() -> None:
    steered = decided(decide_pause(sending(), chunk(), NOW + SECOND))
    assert steered == Steered(sending(status_reason="pausing", paused=True), chunk(stop=Stop.PAUSE))


def test_second_pause_changes_nothing() -> None:
    assert decide_pause(paused(), chunk(ChunkState.HELD), NOW) is None
    assert decide_pause(sending(paused=True), chunk(stop=Stop.PAUSE), NOW) is None


def test_pause_takes_back_a_release_by_hand_that_nobody_has_acted_on() -> None:
    assert decide_pause(paused(paused=False), chunk(ChunkState.HELD), NOW) == Steered(paused(), chunk(ChunkState.HELD))


@pytest.mark.parametrize(("attempt", "status"), [(0, NotificationStatus.QUEUED), (1, NotificationStatus.SENDING)])
def test_resumed_chunk_is_due_at_once(attempt: int, status: NotificationStatus) -> None:
    held = chunk(ChunkState.HELD, attempt=attempt, reason="by_caller", stop=Stop.PAUSE)
    steered = decided(decide_resume(paused(), held, NOW + SECOND))
    assert steered.notification == sending(status=status, status_reason=None)
    assert (steered.chunk.state, steered.chunk.due_at, steered.chunk.next_check_at) == (ChunkState.RETRYING, NOW + SECOND, NOW + SECOND + SWEEP_GRACE)
    assert (steered.chunk.stop, steered.chunk.reason, steered.chunk.results) == (None, None, RESULTS)
    assert isinstance(decide_claim(steered.chunk, "owner", NOW + SECOND), Claimed)


def test_resume_takes_back_what_a_call_at_work_was_told() -> None:
    assert decide_resume(sending(paused=True), chunk(stop=Stop.PAUSE), NOW) == Steered(sending(), chunk())


def test_resume_of_a_pause_by_hand_that_nobody_has_acted_on() -> None:
    parked = chunk(ChunkState.PARKED, reason="quarantined")
    assert decide_resume(sending(paused=True), parked, NOW) == Steered(sending(status_reason="quarantined"), parked)
    unbegun = decided(decide_resume(queued(paused=True), None, NOW))
    assert (unbegun.notification, unbegun.chunk.state) == (queued(), ChunkState.RETRYING)


def test_resume_of_what_is_not_paused_changes_nothing() -> None:
    assert decide_resume(sending(), chunk(ChunkState.RETRYING), NOW) is None


# Too late


@pytest.mark.parametrize("decide", [decide_cancel, decide_pause, decide_resume])
@pytest.mark.parametrize(
    ("notification", "stored"),
    [(sending(status=NotificationStatus.COMPLETED), chunk(ChunkState.DONE)), (sending(status=NotificationStatus.COMPLETED), None)],
)
def test_what_is_completed_is_a_conflict(decide: Decide, notification: Notification, stored: Chunk | None) -> None:
    with pytest.raises(Conflict):
        decide(notification, stored, NOW)


@pytest.mark.parametrize("decide", [decide_pause, decide_resume])
def test_what_is_cancelled_or_about_to_be_is_a_conflict(decide: Decide) -> None:
    for notification, stored in [(sending(status=NotificationStatus.CANCELLED), None), (sending(), chunk(stop=Stop.CANCEL))]:
        with pytest.raises(Conflict):
            decide(notification, stored, NOW)


# By hand


def test_pause_by_hand_holds_what_waits_and_what_nobody_has_begun() -> None:
    for notification, stored in [(sending(paused=True), chunk(ChunkState.RETRYING)), (queued(paused=True), None), (sending(paused=True), chunk())]:
        steered = decided(decide_by_hand(notification, stored, DEAD))
        assert (steered.notification.status, steered.notification.status_reason) == (NotificationStatus.PAUSED, "by_hand")
        assert steered.chunk.state is ChunkState.HELD


def test_pause_by_hand_waits_for_the_call_at_work() -> None:
    assert decide_by_hand(sending(paused=True), chunk(), NOW) is None


def test_pause_that_a_dead_call_was_told_of_is_the_callers() -> None:
    for notification in (sending(paused=True), sending(paused=True, status_reason="pausing")):
        stop = None if notification.status_reason else Stop.PAUSE
        assert decided(decide_by_hand(notification, chunk(stop=stop), DEAD)).notification.status_reason == "by_caller"


def test_release_by_hand_makes_the_chunk_due() -> None:
    steered = decided(decide_by_hand(paused(paused=False), chunk(ChunkState.HELD), NOW))
    assert (steered.notification.status, steered.chunk.state, steered.chunk.due_at) == (NotificationStatus.SENDING, ChunkState.RETRYING, NOW)


@pytest.mark.parametrize(
    ("notification", "stored"),
    [
        (paused(), chunk(ChunkState.HELD)),
        (sending(), chunk(ChunkState.RETRYING)),
        (sending(status=NotificationStatus.COMPLETED, paused=True), chunk(ChunkState.DONE)),
        (sending(paused=True), chunk(ChunkState.DONE)),
        (sending(paused=True), chunk(stop=Stop.CANCEL)),
    ],
)
def test_edit_that_asks_for_nothing_changes_nothing(notification: Notification, stored: Chunk) -> None:
    assert decide_by_hand(notification, stored, DEAD) is None


# The end of a pass


def test_pass_that_nobody_stopped_ends_as_it_would() -> None:
    plan = plan_end(sending(), chunk(), ROWS, RESULTS, NOW, None)
    assert (plan.chunk.state, plan.notification.status, plan.due_at) == (ChunkState.RETRYING, NotificationStatus.SENDING, plan.chunk.due_at)


@pytest.mark.parametrize("hold", [None, Hold("quarantined")])
def test_cancelled_pass_ends_with_exact_counts(hold: Hold | None) -> None:
    plan = plan_end(sending(), chunk(stop=Stop.CANCEL), ROWS, RESULTS, NOW, hold)
    assert (plan.chunk.state, plan.chunk.counts, plan.due_at) == (ChunkState.CANCELLED, CANCELLED_COUNTS, None)
    assert (plan.notification.status, plan.notification.counts) == (NotificationStatus.CANCELLED, CANCELLED_COUNTS)
    assert (plan.notification.status_reason, plan.notification.started_at) == ("by_caller", NOW)


@pytest.mark.parametrize(("fields", "stop", "reason"), [({"paused": True}, None, "by_hand"), ({}, Stop.PAUSE, "by_caller")])
def test_paused_pass_ends_held(fields: dict[str, Any], stop: Stop | None, reason: str) -> None:
    plan = plan_end(sending(**fields), chunk(stop=stop), ROWS, RESULTS, NOW, None)
    assert (plan.chunk.state, plan.chunk.counts, plan.chunk.reason) == (ChunkState.HELD, COUNTS, reason)
    assert (plan.notification.status, plan.notification.paused, plan.due_at) == (NotificationStatus.PAUSED, True, None)


@pytest.mark.parametrize("stop", [None, *Stop])
def test_pass_that_reached_everybody_is_completed_whatever_it_was_told(stop: Stop | None) -> None:
    plan = plan_end(sending(paused=stop is Stop.PAUSE), chunk(stop=stop), ROWS, {row.device_id: SENT for row in ROWS}, NOW, None)
    assert (plan.chunk.state, plan.notification.status, plan.notification.paused) == (ChunkState.DONE, NotificationStatus.COMPLETED, False)
    assert plan.chunk.stop is stop, "the store compares what the plan knew"


def test_call_does_what_the_chunk_was_told_and_what_the_notification_says() -> None:
    assert stop_of(sending(), chunk()) is None
    assert stop_of(sending(), chunk(stop=Stop.PAUSE)) is Stop.PAUSE
    assert stop_of(sending(paused=True), chunk()) is Stop.PAUSE
    assert stop_of(sending(paused=True), chunk(stop=Stop.CANCEL)) is Stop.CANCEL
    assert stop_of(sending(status=NotificationStatus.CANCELLED), chunk()) is Stop.CANCEL


_outcomes = st.lists(st.sampled_from([SENT, FAILED, RETRYING, None]), min_size=1, max_size=6)
_decisions = st.lists(st.sampled_from(["cancel", "pause", "resume", "hand", "claim", "end", "flip"]), max_size=12)
_DECIDE: dict[str, Decide] = {"cancel": decide_cancel, "pause": decide_pause, "resume": decide_resume, "hand": decide_by_hand}


@settings(max_examples=60)
@given(_outcomes, _decisions)
def test_whatever_is_asked_in_whatever_order_the_counts_add_up_and_a_cancel_is_final(answers: list[Result | None], steps: list[str]) -> None:
    rows = [a_recipient(device_id=str(number)) for number in range(len(answers))]
    state: tuple[Notification, Chunk | None] = (a_notification(counts=Counts(len(rows), unsent=len(rows))), None)
    for number, step in enumerate(steps):
        before, now = state, NOW + number * SECOND
        state = _step(step, state, rows, answers, now)
        notification, stored = state
        counts = notification.counts
        assert counts.sent + counts.failed + counts.retrying + counts.unsent == counts.targeted == len(rows)
        if before[0].status is NotificationStatus.CANCELLED:
            assert notification.status is NotificationStatus.CANCELLED
        if notification.status in FINAL_STATUSES:
            assert stored is not None
            assert not isinstance(decide_claim(stored, "late", now + timedelta(days=30)), Claimed)


def _step(
    step: str, state: tuple[Notification, Chunk | None], rows: list[Any], answers: list[Result | None], now: datetime
) -> tuple[Notification, Chunk | None]:
    notification, stored = state
    if step == "flip":
        return replace(notification, paused=not notification.paused), stored
    if step == "claim":
        claim = decide_claim(stored, "owner", now) if stored is not None else Claimed(new_claim(KEY, "owner", now))
        return notification, claim.chunk if isinstance(claim, Claimed) else stored
    if step == "end":
        if stored is None or stored.state is not ChunkState.CLAIMED:
            return state
        due = {row.device_id for row in pending(rows, stored.results, now)} if stop_of(notification, stored) is None else set()
        given_now = {row.device_id: answer for row, answer in zip(rows, answers, strict=True) if answer is not None and row.device_id in due}
        plan = plan_end(notification, stored, rows, {**stored.results, **given_now}, now, None)
        return replace(plan.notification, paused=notification.paused and plan.notification.status not in FINAL_STATUSES), plan.chunk
    try:
        steered = _DECIDE[step](notification, stored, now)
    except Conflict:
        return state
    return (steered.notification, steered.chunk) if steered is not None else state
