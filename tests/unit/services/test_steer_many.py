"""Stopping notifications of many chunks: exact sent and unsent counts, whatever each chunk was doing, and conflicts as for one chunk."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from fanfare.domain.broadcast_steering import ACCEPTED_WITHIN
from fanfare.domain.chunk import ChunkState
from fanfare.domain.errors import Conflict, NotFound
from fanfare.domain.layout import Layout, Source
from fanfare.domain.notification import Counts, NotificationStatus, StatusReason
from fanfare.domain.outcome import Outcome
from fanfare.domain.pacing import BULK_LANE, Course, Pacing, Share, Tail
from fanfare.services.look_after import NEXT_LOOK
from fanfare.services.steer_notification import (
    cancel_notification,
    pause_notification,
    resume_notification,
    retry_notification,
    settle_edited_pauses,
)
from tests.factories import TENANT_ID, a_call
from tests.unit.services.broadcasting import ID, a_broadcast, a_bulk, change_notification, check_sums, fanouts, key, members, progress, send, send_all
from tests.unit.services.delivering import ANDROID, BAD_KEY, BUSY, MINUTE, WEB, World, a_world, audited

CANCELLED, COMPLETED, PAUSED, SENDING = (
    NotificationStatus.CANCELLED,
    NotificationStatus.COMPLETED,
    NotificationStatus.PAUSED,
    NotificationStatus.SENDING,
)


def _cancel(world: World) -> NotificationStatus:
    return cancel_notification(world.deps, a_call(), ID).status


def test_cancelled_broadcast_ends_with_exact_counts() -> None:
    world = a_broadcast(devices=40)
    send(world, 0)
    assert _cancel(world) is SENDING
    assert (world.notification().status_reason, fanouts(world)) == (StatusReason.CANCELLING, 1)
    sent = world.sent_to()
    send_all(world)
    ended = world.notification()
    assert (ended.status, ended.status_reason, world.sent_to()) == (CANCELLED, StatusReason.BY_CALLER, [])
    assert ended.counts == Counts(40, sent=len(sent), unsent=40 - len(sent))
    assert {world.chunk(key(number)).state for number in (1, 2, 3)} == {ChunkState.CANCELLED}
    check_sums(world)


def test_cancel_ends_a_chunk_that_waits_for_its_retry() -> None:
    world = a_bulk([1, 2], [3])
    world.answer({1: BUSY})
    send(world, 0)
    _cancel(world)
    send_all(world)
    assert world.notification().counts == Counts(3, sent=1, unsent=2)
    assert world.chunk(key(0)).results["device-1"].outcome is Outcome.UNSENT
    check_sums(world)


def test_cancel_while_a_chunk_is_sent_stops_after_it() -> None:
    world = a_bulk([1, 2], [3, 4], world=a_world(*[ANDROID] * 4, batch_size=1))
    world.sender.on_batch = lambda: _cancel(world) and setattr(world.sender, "on_batch", lambda: None)
    send_all(world)
    assert world.sent_to() == [1, 2], "what is under way ends with its chunk"
    assert (world.notification().status, world.notification().counts) == (CANCELLED, Counts(4, sent=2, unsent=2))


def test_cancel_that_comes_too_late_completes() -> None:
    world = a_bulk([1], [2])
    send(world, 0)
    world.sender.on_batch = lambda: _cancel(world)
    send(world, 1)
    assert (world.notification().status, world.notification().counts) == (COMPLETED, Counts(2, sent=2))


def test_cancel_is_repeatable_and_then_conflicts_no_more() -> None:
    world = a_bulk([1], [2])
    assert (_cancel(world), _cancel(world)) == (SENDING, SENDING)
    send_all(world)
    assert _cancel(world) is CANCELLED
    assert [entry.action for entry in audited(world)] == ["notification.cancelled"], "a repeat writes nothing"


def test_broadcast_that_is_not_laid_out_is_cancelled_at_once() -> None:
    world = a_broadcast()
    change_notification(world, status=NotificationStatus.QUEUED)
    unlaid(world)
    assert _cancel(world) is CANCELLED
    assert (world.notification().counts, fanouts(world)) == (Counts(), 0)
    header = world.deps.audience.get(TENANT_ID)
    assert header is not None
    assert header.pins == {}


def unlaid(world: World) -> None:
    """Take the layout back: nobody has looked yet which chunks there are."""
    store: Any = world.deps.notifications
    store.put(replace(world.notification(), layout=Layout(Source.AUDIENCE), chunk_count=0))


def test_paused_broadcast_sends_nothing_and_goes_on_when_it_is_resumed() -> None:
    world = a_broadcast(devices=40)
    send(world, 0)
    sent = world.sent_to()
    assert pause_notification(world.deps, a_call(), ID).status is PAUSED
    send(world, 1)
    held = world.chunk(key(1))
    assert (world.sent_to(), held.state, held.counts.unsent) == ([], ChunkState.HELD, len(members(world, 1)))
    assert (world.notification().status, fanouts(world)) == (PAUSED, 0)
    check_sums(world)
    assert resume_notification(world.deps, a_call(), ID).status is SENDING
    assert fanouts(world) == 1
    send_all(world)
    assert sorted([*sent, *world.sent_to()]) == list(range(1, 41))
    assert (world.notification().status, world.notification().counts) == (COMPLETED, Counts(40, sent=40))
    check_sums(world)


@pytest.mark.parametrize("steer", [pause_notification, cancel_notification])
def test_stopped_broadcast_gives_its_slots_back(steer: Callable[..., object]) -> None:
    world = a_broadcast(devices=40)
    now = world.deps.clock.now()
    lane = Pacing(
        Course(now + timedelta(hours=1)), (Share(ID, 10, Course(now + timedelta(hours=2))),), tail=Tail(ID, Course(now - timedelta(hours=1)))
    )
    world.deps.pacing.reserve(TENANT_ID, BULK_LANE, lambda _: (None, lane))
    steer(world.deps, a_call(), ID)
    assert world.deps.pacing.get(TENANT_ID, BULK_LANE) == Pacing(Course(now))


def test_paused_before_it_was_sent_it_is_queued_again() -> None:
    world = a_bulk([1], [2], status=NotificationStatus.QUEUED, started_at=None)
    pause_notification(world.deps, a_call(), ID)
    assert resume_notification(world.deps, a_call(), ID).status is NotificationStatus.QUEUED


def test_pause_holds_a_retry_and_keeps_it() -> None:
    world = a_bulk([1, 2], [3])
    world.answer({1: BUSY})
    send(world, 0)
    pause_notification(world.deps, a_call(), ID)
    world.answer({})
    world.clock.advance(MINUTE)
    send(world, 0)
    assert (world.chunk(key(0)).state, progress(world).total.counts) == (ChunkState.HELD, Counts(2, sent=1, retrying=1))
    resume_notification(world.deps, a_call(), ID)
    send_all(world)
    assert world.notification().counts == Counts(3, sent=3)


def test_paused_for_longer_than_its_messages_live_it_is_ended() -> None:
    world = a_broadcast(ttl_seconds=3_600)
    send(world, 0)
    sent = len(world.sent_to())
    pause_notification(world.deps, a_call(), ID)
    world.tick(timedelta(minutes=50))
    assert world.notification().status is PAUSED
    world.tick(timedelta(minutes=20))
    assert world.notification().status_reason == StatusReason.EXPIRING
    send_all(world)
    ended = world.notification()
    assert (ended.status, ended.status_reason, ended.counts) == (CANCELLED, StatusReason.EXPIRED, Counts(20, sent=sent, unsent=20 - sent))


def test_paused_before_it_was_laid_out_it_expires_at_once() -> None:
    world = a_broadcast(ttl_seconds=60)
    unlaid(world)
    pause_notification(world.deps, a_call(), ID)
    world.tick(timedelta(minutes=5))
    assert (world.notification().status, world.notification().status_reason) == (CANCELLED, StatusReason.EXPIRED)


@pytest.mark.parametrize("steer", [cancel_notification, pause_notification, resume_notification])
def test_unknown_notification_is_not_found(steer: Callable[..., object]) -> None:
    with pytest.raises(NotFound):
        steer(a_bulk([1]).deps, a_call(), "nothing")


@pytest.mark.parametrize("steer", [cancel_notification, pause_notification, resume_notification])
def test_completed_notification_is_a_conflict(steer: Callable[..., object]) -> None:
    world = a_bulk([1], [2])
    send_all(world)
    with pytest.raises(Conflict, match="completed already"):
        steer(world.deps, a_call(), ID)


@pytest.mark.parametrize("steer", [pause_notification, resume_notification, retry_notification])
def test_notification_that_is_being_cancelled_is_a_conflict(steer: Callable[..., object]) -> None:
    world = a_bulk([1], [2])
    world.answer({1: BAD_KEY})
    send(world, 0)
    _cancel(world)
    with pytest.raises(Conflict, match="cancelled"):
        steer(world.deps, a_call(), ID)


def test_pause_by_hand_holds_it_and_releasing_it_lets_it_go_on() -> None:
    world = a_bulk([1], [2])
    store: Any = world.deps.notifications
    store.edit_paused(TENANT_ID, ID, paused=True)
    assert settle_edited_pauses(world.deps, "tick") == 1
    assert (world.notification().status, world.notification().status_reason) == (PAUSED, StatusReason.BY_HAND)
    store.edit_paused(TENANT_ID, ID, paused=False)
    assert settle_edited_pauses(world.deps, "tick") == 1
    assert (world.notification().status, fanouts(world)) == (SENDING, 1)
    assert settle_edited_pauses(world.deps, "tick") == 0


def test_pause_by_hand_of_what_has_ended_does_nothing() -> None:
    world = a_bulk([1])
    _cancel(world)
    store: Any = world.deps.notifications
    store.edit_paused(TENANT_ID, ID, paused=True)
    settle_edited_pauses(world.deps, "tick")
    assert world.notification().status is SENDING


def test_retry_replays_all_dead_letters_in_fresh_slots() -> None:
    world = a_bulk([1, 2], [3], [4, 5], world=a_world(*[WEB] * 5))
    _answer_once(world, {1, 4, 5})
    assert world.notification().counts == Counts(5, sent=2, failed=3)
    assert retry_notification(world.deps, a_call(), ID).counts == Counts(5, sent=2, retrying=3)
    again = world.notification()
    assert (again.status, again.status_reason, again.completed_at) == (SENDING, "replayed", None)
    tasks, world.tasks.chunks[:] = list(world.tasks.chunks), []
    assert [task.key.number for task in tasks] == [0, 2]
    check_sums(world)
    world.sent_to()
    for task in tasks:
        world.clock.at = max(world.clock.at, task.slot)
        send(world, task.key.number, slot=task.slot)
    assert (sorted(world.sent_to()), world.notification().counts) == ([1, 4, 5], Counts(5, sent=5))
    assert (world.notification().status, world.notification().errors) == (COMPLETED, {})
    check_sums(world)
    with pytest.raises(Conflict):
        retry_notification(world.deps, a_call(), ID)


def _answer_once(world: World, failing: set[int]) -> None:
    """Let everything be sent, some of it to fail for good; then FCM's key is mended and the breaker closed."""
    world.answer(dict.fromkeys(failing, BAD_KEY))
    for number in range(world.notification().chunk_count):
        send(world, number)
        world.tenants.update(TENANT_ID, lambda tenant: replace(tenant, breakers={}))
    world.answer({})
    world.tasks.chunks.clear()


def test_retry_pages_through_more_dead_letters_than_one_commit_takes() -> None:
    world = a_bulk(*[[number] for number in range(1, 46)], world=a_world(*[WEB] * 45))
    _answer_once(world, set(range(1, 46)))
    retry_notification(world.deps, a_call(), ID)
    assert [task.key.number for task in world.tasks.chunks] == sorted(range(45), key=str)
    assert progress(world).total.counts == Counts(45, retrying=45)
    check_sums(world)


def test_retry_without_failures_that_it_may_mend_is_a_conflict() -> None:
    world = a_bulk([1], [2])
    send_all(world)
    with pytest.raises(Conflict, match="no failures"):
        retry_notification(world.deps, a_call(), ID)


def test_replayed_broadcast_is_sent_from_the_current_audience() -> None:
    world = a_broadcast(world=a_world(*[WEB] * 20))
    first = members(world, 1)[0]
    _answer_once(world, {first})
    world.sent_to()
    retry_notification(world.deps, a_call(), ID)
    [task] = world.tasks.chunks
    world.clock.at = task.slot
    assert task.generation is None
    send(world, 1)
    assert (world.sent_to(), world.notification().counts) == ([first], Counts(20, sent=20))


def test_accepting_that_takes_too_long_is_cancelled() -> None:
    world = a_bulk([1], status=NotificationStatus.ACCEPTING)
    world.tick(MINUTE)
    assert (world.notification().status, fanouts(world)) == (NotificationStatus.ACCEPTING, 0)
    world.tick(ACCEPTED_WITHIN)
    given_up = world.notification()
    assert (given_up.status, given_up.status_reason, given_up.next_check_at) == (CANCELLED, StatusReason.NOT_ACCEPTED_IN_TIME, None)


def test_notification_that_is_being_accepted_is_cancelled_at_once_and_not_paused() -> None:
    world = a_bulk([1], status=NotificationStatus.ACCEPTING)
    with pytest.raises(Conflict, match="accepted"):
        pause_notification(world.deps, a_call(), ID)
    assert _cancel(world) is CANCELLED


def test_sweep_completes_what_the_last_chunk_could_not() -> None:
    world = a_bulk([1], [2])
    send_all(world)
    change_notification(world, status=SENDING, completed_at=None, counts=Counts(), next_check_at=world.clock.now())
    world.sweep()
    assert (world.notification().status, world.notification().counts, fanouts(world)) == (COMPLETED, Counts(2, sent=2), 0)


def test_sweep_lets_fanout_look_at_what_is_under_way_and_looks_again_later() -> None:
    world = a_bulk([1], [2])
    world.clock.advance(MINUTE)
    world.sweep()
    assert (fanouts(world), world.notification().next_check_at) == (1, world.clock.now() + NEXT_LOOK)


def test_sweep_leaves_what_has_ended_alone() -> None:
    world = a_bulk([1], [2])
    send_all(world)
    change_notification(world, next_check_at=world.clock.now())
    world.sweep()
    assert (fanouts(world), world.notification().next_check_at) == (0, None)
