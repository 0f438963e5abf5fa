"""What every notification store does with chunks: the claim that only one call gets, its checkpoints and its end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from fanfare.domain.chunk import CLOCK_SKEW, LEASE, Busy, Chunk, ChunkKey, ChunkState, Finished
from fanfare.domain.message import Platform
from fanfare.domain.notification import Counts, NotificationStatus
from fanfare.domain.outcome import Outcome, Result
from tests.contract.stores.racing import race
from tests.contract.stores.real import Stores
from tests.factories import NOW, a_notification, a_recipient

KEY = ChunkKey("acme", "notification-1", 0)
FREE = LEASE + CLOCK_SKEW
RESULTS = {
    "device-1": Result(Outcome.SENT, "projects/acme-app/messages/1", 200, 1, Platform.ANDROID, "alice"),
    "device-2": Result(Outcome.FAILED, "UNREGISTERED", 404, 2, Platform.IOS, dead_letter=True),
    "": Result(Outcome.RETRYING, "UNAVAILABLE", 503, 3, None, None, NOW + timedelta(seconds=10.25), NOW),
}


@pytest.fixture
def accepted(stores: Stores, tenant: str) -> Stores:
    """A store with one accepted notification."""
    stores.notifications.accept(a_notification(), [a_recipient()])
    return stores


def _claim(stores: Stores, owner: str = "owner-1", after: timedelta = timedelta(0), key: ChunkKey = KEY) -> Chunk:
    chunk = stores.chunks.claim(key, owner, NOW + after)
    assert isinstance(chunk, Chunk)
    return chunk


def _stored(stores: Stores) -> Chunk | None:
    found = stores.notifications.get_with_chunk(KEY)
    return found[1] if found else None


def _done(chunk: Chunk, **fields: Any) -> Chunk:
    usual = {"state": ChunkState.DONE, "next_check_at": None, "completed_at": NOW, "results": RESULTS, "counts": Counts(3, 1, 1, 1)}
    return replace(chunk, **usual | fields)


def test_first_claim_is_granted_and_stored(accepted: Stores) -> None:
    chunk = _claim(accepted)
    assert (chunk.owner, chunk.attempt, chunk.state, chunk.lease_until) == ("owner-1", 1, ChunkState.CLAIMED, NOW + LEASE)
    assert _stored(accepted) == chunk


def test_claim_during_a_lease_is_told_to_wait_until_its_end(accepted: Stores) -> None:
    first = _claim(accepted)
    answer = accepted.chunks.claim(KEY, "owner-2", NOW + timedelta(seconds=1))
    assert isinstance(answer, Busy)
    assert 49 <= answer.retry_after_seconds <= 50
    assert _stored(accepted) == first


def test_claim_after_the_lease_takes_over(accepted: Stores) -> None:
    first = _claim(accepted)
    second = _claim(accepted, "owner-2", FREE)
    assert (second.owner, second.attempt, second.started_at) == ("owner-2", 2, first.started_at)
    assert _stored(accepted) == second
    assert isinstance(accepted.chunks.claim(KEY, "owner-3", NOW + FREE), Busy)


def test_taken_over_chunk_keeps_what_earlier_attempts_stored(accepted: Stores) -> None:
    accepted.chunks.save_chunk(replace(_claim(accepted), results=RESULTS, counts=Counts(3, 1, 1, 1)))
    second = _claim(accepted, "owner-2", FREE)
    assert (second.results, second.counts) == (RESULTS, Counts(3, 1, 1, 1))
    assert _stored(accepted) == second


@pytest.mark.parametrize("state", [ChunkState.DONE, ChunkState.CANCELLED])
def test_finished_chunk_is_never_claimed_again(accepted: Stores, state: ChunkState) -> None:
    accepted.chunks.save_chunk(_done(_claim(accepted), state=state))
    assert accepted.chunks.claim(KEY, "owner-2", NOW + timedelta(days=1)) == Finished()


def test_chunks_of_one_notification_are_claimed_apart(accepted: Stores) -> None:
    _claim(accepted)
    assert _claim(accepted, "owner-2", key=replace(KEY, number=1)).attempt == 1
    assert _claim(accepted, "owner-2", key=replace(KEY, notification_id="notification-2")).attempt == 1


def _outcome(stores: Stores, owner: str, after: timedelta) -> Callable[[], str]:
    return lambda: type(stores.chunks.claim(KEY, owner, NOW + after)).__name__


def test_of_simultaneous_claims_one_is_granted(accepted: Stores) -> None:
    outcomes = race([_outcome(accepted, f"owner-{number}", timedelta(0)) for number in range(8)])
    assert sorted(outcomes) == ["Busy"] * 7 + ["Chunk"]


def test_of_simultaneous_takeovers_one_is_granted(accepted: Stores) -> None:
    _claim(accepted, "dead")
    outcomes = race([_outcome(accepted, f"owner-{number}", FREE) for number in range(8)])
    stored = _stored(accepted)
    assert sorted(outcomes) == ["Busy"] * 7 + ["Chunk"]
    assert stored is not None
    assert stored.owner == f"owner-{outcomes.index('Chunk')}"


# Checkpoints


def test_checkpoint_stores_every_field_and_gives_the_revision_for_the_next(accepted: Stores) -> None:
    chunk = replace(
        _claim(accepted),
        results=RESULTS,
        counts=Counts(3, 1, 1, 1),
        errors=({"device_id": "device-2", "code": "UNREGISTERED"},),
        reason="breaker_open:X",
        due_at=NOW + timedelta(seconds=10),
        planned_at=NOW + timedelta(seconds=20),
    )
    saved = accepted.chunks.save_chunk(chunk)
    assert saved is not None
    assert saved == chunk == _stored(accepted)
    assert accepted.chunks.save_chunk(replace(saved, reason="second")) is not None
    assert _stored(accepted) == replace(chunk, reason="second")


def test_checkpoint_of_a_lost_claim_is_refused(accepted: Stores) -> None:
    first = _claim(accepted)
    second = _claim(accepted, "owner-2", FREE)
    assert accepted.chunks.save_chunk(_done(first)) is None
    assert _stored(accepted) == second


def test_checkpoint_by_an_old_revision_of_the_same_claim_is_stored(accepted: Stores) -> None:
    """Each claim has an owner id of its own and one call that works on it: whatever was written under that id, that call wrote and knows.

    It does not know the revision where the answer was lost and the commit was applied later.
    """
    chunk = _claim(accepted)
    assert accepted.chunks.save_chunk(replace(chunk, reason="first")) is not None
    saved = accepted.chunks.save_chunk(replace(chunk, reason="second"))
    assert saved is not None
    assert _stored(accepted) == replace(chunk, reason="second")
    assert accepted.chunks.save_chunk(replace(saved, reason="third")) is not None


def test_end_by_an_old_revision_of_the_same_claim_is_stored(accepted: Stores) -> None:
    chunk = _claim(accepted)
    assert accepted.chunks.save_chunk(replace(chunk, reason="a checkpoint whose answer was lost")) is not None
    assert accepted.chunks.conclude(_done(chunk), a_notification(status=NotificationStatus.COMPLETED))
    assert accepted.notifications.get_with_chunk(KEY) == (a_notification(status=NotificationStatus.COMPLETED), _done(chunk))


@pytest.mark.parametrize("state", [state for state in ChunkState if state is not ChunkState.CLAIMED])
def test_checkpoint_of_a_claim_that_has_ended_is_refused(accepted: Stores, state: ChunkState) -> None:
    chunk = _claim(accepted)
    ended = accepted.chunks.save_chunk(_done(chunk, state=state))
    assert accepted.chunks.save_chunk(replace(chunk, reason="late")) is None
    assert _stored(accepted) == ended


def test_checkpoint_of_a_chunk_that_nobody_claimed_is_refused(accepted: Stores) -> None:
    chunk = _claim(accepted)
    assert accepted.chunks.save_chunk(replace(chunk, key=replace(KEY, number=1))) is None
    found = accepted.notifications.get_with_chunk(replace(KEY, number=1))
    assert found is not None
    assert found[1] is None


# The end


def test_end_is_stored_with_the_notifications_progress(accepted: Stores) -> None:
    chunk = _done(_claim(accepted))
    progress = a_notification(
        status=NotificationStatus.COMPLETED,
        status_reason="partly",
        counts=Counts(3, 1, 1, 1),
        errors={"UNREGISTERED": 1},
        started_at=NOW,
        completed_at=NOW + timedelta(seconds=1),
        next_check_at=None,
    )
    assert accepted.chunks.conclude(chunk, progress)
    assert accepted.notifications.get_with_chunk(KEY) == (progress, chunk)


def test_end_changes_of_the_notification_only_its_progress(accepted: Stores) -> None:
    stolen = a_notification(request={"title": "Changed"}, client_id="client-2", request_hash="another", status=NotificationStatus.COMPLETED)
    assert accepted.chunks.conclude(_done(_claim(accepted)), stolen)
    assert accepted.notifications.get("acme", "notification-1") == a_notification(status=NotificationStatus.COMPLETED)


def test_end_replaces_the_errors_that_were_counted_before(accepted: Stores) -> None:
    first = accepted.chunks.save_chunk(_claim(accepted))
    assert first is not None
    accepted.chunks.conclude(replace(first, state=ChunkState.RETRYING), a_notification(errors={"UNAVAILABLE": 2}))
    accepted.chunks.conclude(_done(_claim(accepted, "owner-2")), a_notification(errors={"UNREGISTERED": 1}))
    stored = accepted.notifications.get("acme", "notification-1")
    assert stored is not None
    assert stored.errors == {"UNREGISTERED": 1}


def test_end_of_a_lost_claim_is_refused_and_nothing_is_stored(accepted: Stores) -> None:
    first = _claim(accepted)
    second = _claim(accepted, "owner-2", FREE)
    assert not accepted.chunks.conclude(_done(first), a_notification(status=NotificationStatus.COMPLETED))
    assert accepted.notifications.get_with_chunk(KEY) == (a_notification(), second)


def test_second_end_by_one_claim_is_refused(accepted: Stores) -> None:
    chunk = _claim(accepted)
    assert accepted.chunks.conclude(_done(chunk), a_notification(status=NotificationStatus.COMPLETED))
    assert not accepted.chunks.conclude(_done(chunk, results={}), a_notification())
    assert accepted.notifications.get_with_chunk(KEY) == (a_notification(status=NotificationStatus.COMPLETED), _done(chunk))


def test_end_without_a_notification_is_refused(stores: Stores, tenant: str) -> None:
    chunk = _claim(stores)
    assert not stores.chunks.conclude(_done(chunk), a_notification())
    assert stores.notifications.get(tenant, "notification-1") is None
    assert isinstance(stores.chunks.claim(KEY, "owner-2", NOW), Busy)
