"""Cancel, pause, resume and retry, before, between and in the middle of passes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from fanfare.domain.chunk import Busy, Chunk, ChunkState, Finished, Stop
from fanfare.domain.errors import Conflict, NotFound
from fanfare.domain.notification import Counts, Notification, NotificationStatus
from fanfare.domain.outcome import Outcome
from fanfare.ports import Deps
from fanfare.services.steer_notification import cancel_notification, pause_notification, resume_notification, retry_notification
from tests.factories import TENANT_ID, a_call
from tests.fakes import MemoryNotificationStore
from tests.unit.services.delivering import ANDROID, BUSY, FORBIDDEN, GONE, KEY, MINUTE, SECOND, World, a_chunk_of, a_world, accepted, audited

ID = KEY.notification_id
SENT, FAILED, UNSENT, RETRYING = Outcome.SENT, Outcome.FAILED, Outcome.UNSENT, Outcome.RETRYING
Steer = Callable[[Deps, object, str], Notification]


def cancel(world: World) -> Notification:
    return cancel_notification(world.deps, a_call(), ID)


def pause(world: World) -> Notification:
    return pause_notification(world.deps, a_call(), ID)


def resume(world: World) -> Notification:
    return resume_notification(world.deps, a_call(), ID)


def actions(world: World) -> list[str]:
    return [entry.action for entry in audited(world) if entry.action.startswith("notification.")]


def slow(world: World, *, after: int, then: Callable[[World], object]) -> None:
    """Each batch takes longer than a checkpoint; once so many messages were posted, somebody does something, once."""
    pending = [then]

    def on_batch() -> None:
        world.clock.advance(1.1 * SECOND)
        if pending and len(world.sender.sent) >= after:
            pending.pop()(world)

    world.sender.on_batch = on_batch


# Cancel


def test_cancelled_before_the_claim_nobody_is_sent_to() -> None:
    world = a_chunk_of(ANDROID, ANDROID)
    cancelled = cancel(world)
    assert (cancelled.status, cancelled.counts, cancelled.started_at) == (NotificationStatus.CANCELLED, Counts(2, unsent=2), None)
    assert world.deliver() == Finished()
    world.tick(timedelta(days=2))
    assert (world.sent_to(), world.chunk().state) == ([], ChunkState.CANCELLED)
    assert cancel(world) == cancelled
    assert actions(world) == ["notification.cancelled"]


def test_cancelled_between_two_passes_what_was_sent_stays_sent() -> None:
    world = a_chunk_of(ANDROID, ANDROID, ANDROID)
    world.answer({1: BUSY, 2: GONE})
    world.deliver()
    assert cancel(world).counts == Counts(3, sent=1, failed=1, unsent=1)
    world.answer({})
    world.sent_to()
    assert world.pass_later(MINUTE) == Finished()
    assert world.sent_to() == []
    assert world.outcomes() == {1: UNSENT, 2: FAILED, 3: SENT}


def test_cancelled_while_parked_nothing_comes_back_with_the_breaker() -> None:
    world = a_chunk_of(ANDROID)
    world.answer({1: FORBIDDEN})
    world.deliver()
    assert world.chunk().state is ChunkState.PARKED
    assert cancel(world).status is NotificationStatus.CANCELLED
    world.answer({})
    world.sent_to()
    for _ in range(30):
        world.tick()
    assert world.sent_to() == []


def test_pass_under_way_stops_at_its_next_checkpoint_and_its_counts_are_exact() -> None:
    world = a_chunk_of(*[ANDROID] * 6, batch_size=2)
    told: list[Notification] = []
    slow(world, after=4, then=lambda world: told.append(cancel(world)))
    assert world.deliver() == Finished()
    assert (told[0].status, told[0].status_reason, told[0].counts) == (NotificationStatus.SENDING, "cancelling", Counts(6, sent=2, unsent=4))
    assert world.sent_to() == [1, 2, 3, 4]
    ended = world.notification()
    assert (ended.status, ended.status_reason, ended.counts) == (NotificationStatus.CANCELLED, "by_caller", Counts(6, sent=4, unsent=2))
    assert (world.chunk().state, world.chunk().counts) == (ChunkState.CANCELLED, ended.counts)
    assert cancel(world) == ended
    assert world.pass_later(MINUTE) == Finished()
    assert world.sent_to() == []


def test_pass_shorter_than_a_checkpoint_ends_cancelled_with_what_it_did() -> None:
    world = a_chunk_of(ANDROID, ANDROID)
    world.answer({1: BUSY})
    world.sender.on_batch = lambda: cancel(world)
    world.deliver()
    assert (world.notification().status, world.notification().counts) == (NotificationStatus.CANCELLED, Counts(2, sent=1, unsent=1))
    assert (world.outcomes(), world.due()) == ({1: UNSENT, 2: SENT}, [])


def test_cancel_that_came_too_late_is_completed() -> None:
    world = a_chunk_of(ANDROID)
    world.sender.on_batch = lambda: cancel(world)
    world.deliver()
    assert (world.notification().status, world.notification().counts) == (NotificationStatus.COMPLETED, Counts(1, sent=1))
    with pytest.raises(Conflict):
        cancel(world)


def test_call_that_died_after_a_cancel_leaves_a_chunk_that_nobody_sends() -> None:
    world = a_chunk_of(ANDROID, ANDROID)
    claim = world.deps.chunks.claim(KEY, "dead", world.clock.now())
    assert not isinstance(claim, Busy | Finished)
    assert cancel(world).status_reason == "cancelling"
    world.tick()
    assert (world.sent_to(), world.notification().status, world.notification().counts) == ([], NotificationStatus.CANCELLED, Counts(2, unsent=2))


def test_cancel_outlives_the_end_of_an_instance() -> None:
    world = a_chunk_of(ANDROID, ANDROID, batch_size=1)

    def on_batch() -> None:
        cancel(world)
        world.lifecycle.stopping = True

    world.sender.on_batch = on_batch
    world.deliver()
    world.lifecycle.stopping = False
    world.sender.on_batch = lambda: None
    world.tick()
    assert (world.sent_to(), world.notification().counts) == ([1], Counts(2, sent=1, unsent=1))
    assert world.notification().status is NotificationStatus.CANCELLED


class RestlessNotificationStore(MemoryNotificationStore):
    """Before each of the next `changes` ends, somebody pauses or resumes."""

    changes = 0

    def conclude(self, chunk: Chunk, *values: Any) -> bool:
        if self.changes:
            self.changes -= 1
            stored = self._chunks[chunk.key]
            self._put_chunk(replace(stored, stop=None if stored.stop else Stop.PAUSE))
        return super().conclude(chunk, *values)


@pytest.mark.parametrize(("changes", "stored"), [(4, True), (5, False)])
def test_call_that_is_told_another_thing_at_each_end_gives_up_and_leaves_the_chunk_to_the_next(changes: int, stored: bool) -> None:  # noqa: FBT001 - expected
    store = RestlessNotificationStore()
    world = accepted(a_world(ANDROID, notifications=store))
    store.changes = changes
    assert world.deliver() == Finished()
    assert (world.chunk().state is ChunkState.DONE) is stored
    store.edit_paused(TENANT_ID, ID, not stored)
    world.tick()
    assert stored or world.notification().status is NotificationStatus.PAUSED
    if not stored:
        resume(world)
    world.tick()
    assert (world.notification().status, world.notification().counts) == (NotificationStatus.COMPLETED, Counts(1, sent=1))


# Pause and resume


def test_paused_before_the_claim_and_resumed_everybody_is_sent_to() -> None:
    world = a_chunk_of(ANDROID, ANDROID)
    paused = pause(world)
    assert (paused.status, paused.status_reason, paused.started_at) == (NotificationStatus.PAUSED, "by_caller", None)
    assert (world.deliver(), world.sweep(), world.sent_to()) == (Finished(), [], [])
    world.clock.advance(MINUTE)
    resumed = resume(world)
    assert (resumed.status, resumed.status_reason, world.due()) == (NotificationStatus.QUEUED, None, [None])
    world.deliver()
    ended = world.notification()
    assert (ended.status, ended.counts, ended.started_at) == (NotificationStatus.COMPLETED, Counts(2, sent=2), world.clock.now())
    assert actions(world) == ["notification.paused", "notification.resumed"]


def test_paused_between_two_passes_goes_on_with_those_who_are_left() -> None:
    world = a_chunk_of(ANDROID, ANDROID)
    world.answer({1: BUSY})
    world.deliver()
    assert pause(world).counts == Counts(2, sent=1, retrying=1)
    world.answer({})
    world.sent_to()
    world.clock.advance(5 * MINUTE)
    assert (world.deliver(), world.sent_to()) == (Finished(), [])
    resume(world)
    world.deliver()
    assert (world.sent_to(), world.notification().status) == ([1], NotificationStatus.COMPLETED)


def test_pass_under_way_stops_and_goes_on_when_it_is_resumed() -> None:
    world = a_chunk_of(*[ANDROID] * 6, batch_size=2)
    told: list[Notification] = []
    slow(world, after=4, then=lambda world: told.append(pause(world)))
    world.deliver()
    assert (told[0].status, told[0].status_reason) == (NotificationStatus.SENDING, "pausing")
    paused = world.notification()
    assert (paused.status, paused.status_reason, paused.counts) == (NotificationStatus.PAUSED, "by_caller", Counts(6, sent=4, unsent=2))
    assert (world.chunk().state, world.sent_to()) == (ChunkState.HELD, [1, 2, 3, 4])
    resume(world)
    world.deliver()
    assert (world.sent_to(), world.notification().counts) == ([5, 6], Counts(6, sent=6))
    assert (world.notification().status, world.notification().paused) == (NotificationStatus.COMPLETED, False)


def test_pass_that_is_paused_and_resumed_before_it_notices_loses_nobody() -> None:
    world = a_chunk_of(*[ANDROID] * 6, batch_size=2)
    slow(world, after=4, then=lambda world: (pause(world), resume(world)))
    world.deliver()
    assert (world.sent_to(), world.notification().status) == ([1, 2, 3, 4, 5, 6], NotificationStatus.COMPLETED)


def test_pass_that_stopped_for_a_pause_and_is_resumed_before_its_end_goes_on_later() -> None:
    world = a_chunk_of(*[ANDROID] * 6, batch_size=2)
    steps: list[Callable[[World], object]] = [pause, resume]

    def on_batch() -> None:
        world.clock.advance(1.1 * SECOND)
        if len(world.sender.sent) >= 2 and steps:
            steps.pop(0)(world)

    world.sender.on_batch = on_batch
    world.deliver()
    while world.notification().status is not NotificationStatus.COMPLETED:
        resume(world)
        world.tick()
    assert sorted(world.sent_to()) == [1, 2, 3, 4, 5, 6]


def test_time_to_live_goes_on_while_it_is_paused() -> None:
    world = a_chunk_of(ANDROID, ANDROID, ttl_seconds=600)
    world.answer({1: BUSY})
    world.deliver()
    pause(world)
    world.clock.advance(9 * MINUTE)
    assert world.sweep() == []
    world.tick(3 * MINUTE)
    assert (world.outcomes(), world.chunk().results["device-1"].detail) == ({1: FAILED, 2: SENT}, "EXPIRED")
    ended = world.notification()
    assert (ended.status, ended.counts, ended.paused) == (NotificationStatus.COMPLETED, Counts(2, sent=1, failed=1), False)


def test_resumed_after_its_life_it_fails_as_expired() -> None:
    world = a_chunk_of(ANDROID, ttl_seconds=600)
    pause(world)
    world.clock.advance(11 * MINUTE)
    resume(world)
    world.deliver()
    assert (world.sent_to(), world.chunk().results["device-1"].detail) == ([], "EXPIRED")


def test_nudge_that_was_lost_is_made_up_for_by_the_sweep_and_by_a_second_resume() -> None:
    world = a_chunk_of(ANDROID)
    pause(world)
    resume(world)
    world.due()
    resume(world)
    assert world.due() == [None]
    world.tick(2 * MINUTE)
    assert world.notification().status is NotificationStatus.COMPLETED
    assert actions(world) == ["notification.paused", "notification.resumed"]


def test_repeated_pause_changes_nothing() -> None:
    world = a_chunk_of(ANDROID)
    assert pause(world) == pause(world)
    assert actions(world) == ["notification.paused"]


def test_paused_notification_can_be_cancelled() -> None:
    world = a_chunk_of(ANDROID)
    pause(world)
    assert (cancel(world).status, world.notification().paused) == (NotificationStatus.CANCELLED, False)
    for steer in (pause, resume):
        with pytest.raises(Conflict):
            steer(world)


# By hand


def edit_paused(world: World, *, paused: bool) -> None:
    assert isinstance(world.deps.notifications, MemoryNotificationStore)
    world.deps.notifications.edit_paused(TENANT_ID, ID, paused)


def test_pause_and_release_by_hand_take_effect_with_the_next_tick() -> None:
    world = a_chunk_of(ANDROID, ANDROID)
    world.answer({1: BUSY})
    world.deliver()
    world.answer({})
    world.sent_to()
    edit_paused(world, paused=True)
    for _ in range(5):
        world.tick()
    assert (world.sent_to(), world.notification().status, world.notification().status_reason) == ([], NotificationStatus.PAUSED, "by_hand")
    edit_paused(world, paused=False)
    world.tick()
    assert (world.sent_to(), world.notification().status) == ([1], NotificationStatus.COMPLETED)
    assert actions(world) == ["notification.edited", "notification.edited"]


def test_call_that_finds_a_pause_by_hand_sends_nothing() -> None:
    world = a_chunk_of(ANDROID)
    edit_paused(world, paused=True)
    world.deliver()
    assert (world.sent_to(), world.chunk().state, world.notification().status) == ([], ChunkState.HELD, NotificationStatus.PAUSED)
    assert world.sweep() == []


def test_paused_edit_on_something_that_has_ended_is_left_alone() -> None:
    world = a_chunk_of(ANDROID)
    world.deliver()
    edit_paused(world, paused=True)
    assert (world.sweep(), world.notification().status, actions(world)) == ([], NotificationStatus.COMPLETED, [])


# Retry


def failed() -> World:
    world = accepted(a_world(ANDROID, ANDROID, ANDROID), ttl_seconds=60)
    world.answer({1: BUSY, 2: GONE})
    world.deliver()
    world.pass_later(5 * MINUTE)
    world.answer({})
    world.sent_to()
    world.due()
    return world


def test_retry_sends_again_to_whoever_it_may_help() -> None:
    world = failed()
    again = retry_notification(world.deps, a_call(), ID)
    assert (again.status, again.counts, world.due()) == (NotificationStatus.SENDING, Counts(3, sent=1, failed=1, retrying=1), [None])
    world.deliver()
    assert (world.sent_to(), world.notification().counts) == ([1], Counts(3, sent=2, failed=1))
    assert [entry.resource_ids for entry in audited(world) if entry.action == "notification.retried"] == [(ID,)]


def test_retry_of_what_is_under_way_or_has_nothing_to_mend_is_a_conflict() -> None:
    world = failed()
    retry_notification(world.deps, a_call(), ID)
    with pytest.raises(Conflict):
        retry_notification(world.deps, a_call(), ID)
    whole = a_chunk_of(ANDROID)
    whole.deliver()
    with pytest.raises(Conflict):
        retry_notification(whole.deps, a_call(), ID)


def test_retry_that_is_cancelled_keeps_what_was_sent() -> None:
    world = failed()
    retry_notification(world.deps, a_call(), ID)
    assert cancel(world).counts == Counts(3, sent=1, failed=1, unsent=1)


def test_retry_after_a_pause_that_came_too_late_is_not_held() -> None:
    world = accepted(a_world(ANDROID), ttl_seconds=60)
    world.answer({1: BUSY})
    world.deliver()
    world.clock.advance(5 * MINUTE)
    claim = world.deps.chunks.claim(KEY, "late", world.clock.now())
    assert not isinstance(claim, Busy | Finished)
    pause(world)
    world.tick(2 * MINUTE)
    assert (world.notification().status, world.chunk().stop) == (NotificationStatus.COMPLETED, Stop.PAUSE)
    world.answer({})
    world.sent_to()
    retry_notification(world.deps, a_call(), ID)
    world.deliver()
    assert (world.sent_to(), world.notification().counts) == ([1], Counts(1, sent=1))


@pytest.mark.parametrize("steer", [cancel_notification, pause_notification, resume_notification, retry_notification])
def test_unknown_notification_and_another_tenants_are_not_found(steer: Callable[..., Notification]) -> None:
    world = a_chunk_of(ANDROID)
    for call, name in ((a_call(), "nobody's"), (a_call(tenant="globex"), ID)):
        with pytest.raises(NotFound):
            steer(world.deps, call, name)
    assert (actions(world), world.due()) == ([], [])
