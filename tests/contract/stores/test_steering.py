"""What every notification store does when somebody stops what is under way: one commit, guarded by the chunk, of which a call at work finds out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest

from fanfare.domain.audit import AuditEntry, trail
from fanfare.domain.call import Actor, ActorKind
from fanfare.domain.chunk import CLOCK_SKEW, LEASE, Busy, Chunk, ChunkKey, ChunkState, Finished, Stop, renew_lease
from fanfare.domain.delivery import plan_chunk
from fanfare.domain.filters import AuditFilter
from fanfare.domain.notification import Counts, Notification, NotificationStatus
from fanfare.domain.outcome import Outcome, Result, count
from fanfare.domain.steering import Steered, decide_by_hand, decide_cancel, decide_pause, decide_resume, plan_end
from tests.contract.stores.racing import race
from tests.contract.stores.real import Stores
from tests.factories import NOW, a_notification, a_recipient

KEY = ChunkKey("acme", "notification-1", 0)
ACTOR = Actor(ActorKind.CLIENT, "client-1", "203.0.113.7", "request-1")
ROWS = [a_recipient(device_id="device-1"), a_recipient(device_id="device-2")]
RESULTS = {
    "device-1": Result(Outcome.SENT, "projects/p/messages/1", 200, 1),
    "device-2": Result(Outcome.RETRYING, "UNAVAILABLE", 503, 1, None, None, NOW + timedelta(seconds=10), NOW),
}
COUNTS = Counts(2, sent=1, retrying=1)
Decide = Callable[[Notification, Chunk | None, datetime], Steered | None]
ACTIONS: dict[Decide, str] = {decide_cancel: "notification.cancelled", decide_pause: "notification.paused", decide_resume: "notification.resumed"}


@pytest.fixture
def accepted(stores: Stores, tenant: str) -> Stores:
    """A store with one accepted notification to two devices."""
    stores.notifications.accept(a_notification(counts=Counts(2, unsent=2), next_check_at=NOW), ROWS)
    return stores


def _steer(stores: Stores, decide: Decide, now: datetime = NOW) -> tuple[Notification, Chunk | None]:
    state = stores.notifications.steer(KEY, partial(decide, now=now), trail(ACTIONS.get(decide, "notification.edited"), ACTOR, now))
    assert state is not None
    return state


def _stored(stores: Stores) -> tuple[Notification, Chunk]:
    found = stores.notifications.get_with_chunk(KEY)
    assert found is not None
    assert found[1] is not None
    return found[0], found[1]


def _claim(stores: Stores, owner: str = "owner-1", after: timedelta = timedelta(0)) -> Chunk:
    chunk = stores.chunks.claim(KEY, owner, NOW + after)
    assert isinstance(chunk, Chunk)
    return chunk


def _retrying(stores: Stores) -> None:
    plan = plan_chunk(a_notification(), _claim(stores), ROWS, RESULTS, NOW, None)
    assert stores.chunks.conclude(plan.chunk, plan.notification)


def _entries(stores: Stores) -> list[AuditEntry]:
    return [stored.entry for stored in stores.audit.list("acme", AuditFilter(), 100, None).items]


def test_cancel_before_the_claim_leaves_nothing_to_claim(accepted: Stores) -> None:
    state = _steer(accepted, decide_cancel)
    assert state == _stored(accepted)
    assert (state[0].status, _stored(accepted)[1].state) == (NotificationStatus.CANCELLED, ChunkState.CANCELLED)
    assert isinstance(accepted.chunks.claim(KEY, "owner-1", NOW + timedelta(days=1)), Finished)
    overdue = accepted.notifications.find_overdue(NOW + timedelta(days=1), 10)
    assert (list(overdue.chunks), list(overdue.notifications)) == ([], [])


def test_cancel_keeps_the_results_and_is_audited_in_the_same_commit(accepted: Stores) -> None:
    _retrying(accepted)
    _steer(accepted, decide_cancel)
    notification, chunk = _stored(accepted)
    assert notification.counts == chunk.counts == Counts(2, sent=1, unsent=1)
    assert (chunk.results["device-1"], chunk.results["device-2"].outcome) == (RESULTS["device-1"], Outcome.UNSENT)
    (entry,) = _entries(accepted)
    assert (entry.action, entry.actor, entry.at, entry.resource_ids) == ("notification.cancelled", ACTOR, NOW, ("notification-1",))
    assert (entry.changes["status"].before, entry.changes["status"].after) == ("sending", "cancelled")


def test_decision_that_changes_nothing_writes_nothing(accepted: Stores) -> None:
    _retrying(accepted)
    before = _stored(accepted)
    assert _steer(accepted, decide_resume) == before == _stored(accepted)
    assert _stored(accepted)[1].revision == before[1].revision
    assert _entries(accepted) == []


def test_unknown_notification_and_another_tenants_are_not_steered(accepted: Stores, other_tenant: str) -> None:
    for key in (replace(KEY, notification_id="unknown"), replace(KEY, tenant=other_tenant)):
        assert accepted.notifications.steer(key, partial(decide_cancel, now=NOW), trail("notification.cancelled", ACTOR, NOW)) is None
        assert accepted.notifications.get_with_chunk(key) is None
    assert _entries(accepted) == []


def test_paused_chunk_is_held_with_every_field_and_goes_on_when_resumed(accepted: Stores) -> None:
    _retrying(accepted)
    assert _steer(accepted, decide_pause) == _stored(accepted)
    notification, chunk = _stored(accepted)
    assert (notification.status, notification.paused, chunk.state, chunk.stop) == (NotificationStatus.PAUSED, True, ChunkState.HELD, Stop.PAUSE)
    assert isinstance(accepted.chunks.claim(KEY, "owner-2", NOW + timedelta(minutes=1)), Finished)
    assert _steer(accepted, decide_resume, NOW + timedelta(minutes=1)) == _stored(accepted)
    resumed = _claim(accepted, "owner-2", timedelta(minutes=1))
    assert (resumed.attempt, resumed.results, _stored(accepted)[0].paused) == (2, RESULTS, False)


# A call at work


def test_checkpoint_of_a_call_that_was_told_to_stop_is_stored_and_brings_the_news(accepted: Stores) -> None:
    chunk = _claim(accepted)
    _steer(accepted, decide_cancel)
    saved = accepted.chunks.save_chunk(replace(renew_lease(chunk, NOW), results=RESULTS, counts=COUNTS))
    assert saved is not None
    assert (saved.stop, saved.results) == (Stop.CANCEL, RESULTS)
    assert saved == _stored(accepted)[1]
    assert accepted.chunks.save_chunk(replace(saved, reason="next")) is not None


def test_end_that_was_planned_without_knowing_of_a_stop_is_refused(accepted: Stores) -> None:
    chunk = _claim(accepted)
    _steer(accepted, decide_cancel)
    before = _stored(accepted)
    plan = plan_chunk(a_notification(), chunk, ROWS, RESULTS, NOW, None)
    assert not accepted.chunks.conclude(plan.chunk, plan.notification)
    assert _stored(accepted) == before
    known = replace(chunk, stop=before[1].stop, revision=before[1].revision)
    again = plan_end(before[0], known, ROWS, RESULTS, NOW, None)
    assert accepted.chunks.conclude(again.chunk, again.notification)
    notification, ended = _stored(accepted)
    assert notification.counts == ended.counts == Counts(2, sent=1, unsent=1)
    assert (notification.status, ended.state) == (NotificationStatus.CANCELLED, ChunkState.CANCELLED)


def test_end_that_was_planned_for_a_stop_that_was_taken_back_is_refused(accepted: Stores) -> None:
    chunk = _claim(accepted)
    _steer(accepted, decide_pause)
    told = accepted.chunks.save_chunk(chunk)
    assert told is not None
    _steer(accepted, decide_resume)
    plan = plan_end(_stored(accepted)[0], told, ROWS, RESULTS, NOW, None)
    assert plan.chunk.state is ChunkState.HELD
    assert not accepted.chunks.conclude(plan.chunk, plan.notification)
    assert _stored(accepted)[1].state is ChunkState.CLAIMED


def test_takeover_knows_what_the_dead_call_was_told(accepted: Stores) -> None:
    _claim(accepted)
    _steer(accepted, decide_cancel)
    assert _claim(accepted, "owner-2", LEASE + CLOCK_SKEW).stop is Stop.CANCEL


def test_end_of_everything_ends_a_pause_and_any_other_end_leaves_it(accepted: Stores) -> None:
    chunk = _claim(accepted)
    _steer(accepted, decide_pause)
    told = accepted.chunks.save_chunk(chunk)
    assert told is not None
    assert accepted.chunks.conclude(replace(told, state=ChunkState.RETRYING), a_notification(status=NotificationStatus.SENDING, paused=False))
    assert _stored(accepted)[0].paused
    again = _claim(accepted, "owner-2")
    done = a_notification(status=NotificationStatus.COMPLETED, paused=True)
    assert accepted.chunks.conclude(replace(again, state=ChunkState.DONE), done)
    assert not _stored(accepted)[0].paused


# Edits by hand


def test_edited_pauses_of_all_tenants_are_found_until_they_are_acted_on(stores: Stores, tenant: str, other_tenant: str) -> None:
    stores.notifications.accept(a_notification(paused=True), ROWS)
    stores.notifications.accept(a_notification(id="theirs", tenant=other_tenant, paused=True, status=NotificationStatus.SENDING), ROWS)
    stores.notifications.accept(a_notification(id="released", status=NotificationStatus.PAUSED), ROWS)
    stores.notifications.accept(a_notification(id="as it says", status=NotificationStatus.PAUSED, paused=True), ROWS)
    stores.notifications.accept(a_notification(id="over", status=NotificationStatus.COMPLETED, paused=True), ROWS)
    stores.notifications.accept(a_notification(id="running"), ROWS)
    theirs, released = ChunkKey(other_tenant, "theirs", 0), ChunkKey(tenant, "released", 0)
    assert set(stores.notifications.find_edited_pauses(10)) == {KEY, theirs, released}
    assert len(stores.notifications.find_edited_pauses(1)) == 2, "one of each kind"
    for key in (KEY, theirs, released):
        assert stores.notifications.steer(key, partial(decide_by_hand, now=NOW), trail("notification.edited", ACTOR, NOW)) is not None
    assert list(stores.notifications.find_edited_pauses(10)) == []


# Races


def _deliver(stores: Stores, owner: str, after: timedelta = timedelta(0)) -> str:
    """One pass as `deliver_chunk` does it, of which the first recipient is sent to and the second is to be tried again."""
    chunk = stores.chunks.claim(KEY, owner, NOW + after)
    if not isinstance(chunk, Chunk):
        return "nothing"
    for _ in range(5):
        notification, _chunk = _stored(stores)
        plan = plan_end(notification, chunk, ROWS, RESULTS, NOW + after, None)
        if stores.chunks.conclude(plan.chunk, plan.notification):
            return "sent"
        stored = _stored(stores)[1]
        chunk = replace(chunk, stop=stored.stop, revision=stored.revision)
    return "lost"


def _is_sound(stores: Stores) -> bool:
    notification, chunk = _stored(stores)
    counts = count(chunk.results.values(), 2)
    sums = notification.counts.sent + notification.counts.failed + notification.counts.retrying + notification.counts.unsent
    return sums == 2 and (chunk.state is ChunkState.CLAIMED or counts in (chunk.counts, Counts(2, unsent=2)))


@pytest.mark.parametrize("attempt", range(4))
def test_cancel_that_meets_a_claim_and_its_end_comes_before_during_or_after_it(accepted: Stores, attempt: int) -> None:
    calls: list[Callable[[], Any]] = [partial(_deliver, accepted, f"owner-{attempt}"), partial(_steer, accepted, decide_cancel)]
    outcome, _ = race(calls)
    notification, chunk = _stored(accepted)
    assert (notification.status, chunk.state) == (NotificationStatus.CANCELLED, ChunkState.CANCELLED)
    assert notification.counts == chunk.counts == (Counts(2, sent=1, unsent=1) if outcome == "sent" else Counts(2, unsent=2))
    assert [entry.action for entry in _entries(accepted)] == ["notification.cancelled"]
    assert isinstance(accepted.chunks.claim(KEY, "late", NOW + timedelta(days=1)), Finished)


@pytest.mark.parametrize("attempt", range(4))
def test_pause_resume_and_a_claim_at_once_leave_a_chunk_that_somebody_brings_on(accepted: Stores, attempt: int) -> None:
    _retrying(accepted)
    due = timedelta(seconds=10 + attempt)
    calls: list[Callable[[], Any]] = [
        partial(_steer, accepted, decide_pause, NOW + due),
        partial(_steer, accepted, decide_resume, NOW + due),
        partial(_deliver, accepted, "owner-2", due),
    ]
    race(calls)
    notification, chunk = _stored(accepted)
    assert _is_sound(accepted)
    assert (chunk.state is ChunkState.HELD) == (notification.status is NotificationStatus.PAUSED) == notification.paused
    assert chunk.next_check_at is not None
    _steer(accepted, decide_resume, NOW + due)
    assert not _stored(accepted)[0].paused
    assert not isinstance(accepted.chunks.claim(KEY, "owner-3", NOW + due + timedelta(minutes=5)), Busy | Finished)


def test_of_simultaneous_cancels_one_is_told_of(accepted: Stores) -> None:
    _retrying(accepted)
    states = race([partial(_steer, accepted, decide_cancel) for _ in range(6)])
    assert {state[0].status for state in states} == {NotificationStatus.CANCELLED}
    assert len(_entries(accepted)) == 1
