"""A cancel or a pause in a life in which any step may fail: nobody is sent to after it, nobody is lost by it, and the counts are right."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fanfare.domain.chunk import ChunkState
from fanfare.domain.errors import Unavailable
from fanfare.domain.notification import FINAL_STATUSES, Counts, Notification, NotificationStatus
from fanfare.domain.outcome import Outcome
from fanfare.services.steer_notification import cancel_notification, pause_notification, resume_notification
from tests.factories import a_call
from tests.unit.services.delivering import ANDROID, BUSY, KEY, MINUTE, SECOND, World, a_chunk_of, audited
from tests.unit.services.test_crashes import Crash, Fault, fragile, live, live_through_everything

Steer = Callable[..., Notification]


def six_of_which_one_is_busy(steer: Steer, asked: list[int]) -> World:
    """One message at a time, each with a checkpoint; once three were posted, somebody cancels or pauses."""
    world = a_chunk_of(*[ANDROID] * 6, batch_size=1, ttl_seconds=86_400)
    world.answer({2: BUSY})

    def on_batch() -> None:
        world.clock.advance(1.1 * SECOND)
        if len(world.sender.sent) >= 3 and not asked:
            asked.append(len(world.sender.sent))
            steer(world.deps, a_call(), KEY.notification_id)

    world.sender.on_batch = on_batch
    return world


def is_consistent(world: World) -> bool:
    counts, results = world.notification().counts, world.chunk().results.values()
    by = [sum(result.outcome is outcome for result in results) for outcome in (Outcome.SENT, Outcome.FAILED, Outcome.RETRYING)]
    adds_up = counts.sent + counts.failed + counts.retrying + counts.unsent == counts.targeted == 6
    return adds_up and counts == world.chunk().counts and [counts.sent, counts.failed, counts.retrying] == by


def cancelled_life(fault: Fault) -> None:
    asked: list[int] = []
    world = six_of_which_one_is_busy(cancel_notification, asked)
    live(world, fault, lambda: world.notification().status in FINAL_STATUSES)
    assert (world.notification().status, world.chunk().state) == (NotificationStatus.CANCELLED, ChunkState.CANCELLED)
    assert is_consistent(world)
    for _ in range(10):
        world.tick()
    assert len(world.sender.sent) == asked[0], "nothing is sent after a cancel but by the batch in flight"
    posted = set(world.sent_to())
    sent = {number for number, outcome in world.outcomes().items() if outcome is Outcome.SENT}
    assert sent <= posted
    assert set(world.outcomes().values()) <= {Outcome.SENT, Outcome.UNSENT}


def paused_life(fault: Fault) -> None:
    asked: list[int] = []
    world = six_of_which_one_is_busy(pause_notification, asked)
    live(world, fault, lambda: world.notification().status is NotificationStatus.PAUSED)
    assert is_consistent(world)
    assert world.chunk().state is ChunkState.HELD
    for _ in range(10):
        world.tick()
    assert len(world.sender.sent) == asked[0]
    world.answer({})
    resume_notification(world.deps, a_call(), KEY.notification_id)
    live(world, Fault(), lambda: world.notification().status is NotificationStatus.COMPLETED)
    assert world.notification().counts == Counts(6, sent=6)
    assert set(world.sent_to()) == {1, 2, 3, 4, 5, 6}


def steered_life(fault: Fault) -> None:
    """A caller who repeats each request until it is answered."""
    world = a_chunk_of(*[ANDROID] * 6)
    world.answer({2: BUSY})
    world.deliver()
    used = fragile(world, fault)
    for steer in (pause_notification, resume_notification, pause_notification, cancel_notification):
        for _ in range(3):
            try:
                steer(used.deps, a_call(), KEY.notification_id)
            except (Crash, Unavailable):
                continue
            break
    assert world.notification().counts == Counts(6, sent=5, unsent=1)
    assert is_consistent(world)
    actions = [entry.action for entry in audited(world)]
    assert actions == [f"notification.{word}" for word in ("paused", "resumed", "paused", "cancelled")], "each is told of once"


@pytest.mark.parametrize(("life", "fewest"), [(cancelled_life, 40), (paused_life, 40), (steered_life, 20)])
def test_failure_at_any_step_around_a_stop_keeps_it(life: Callable[[Fault], None], fewest: int) -> None:
    assert live_through_everything(life) >= fewest


def test_resume_whose_nudge_fails_is_swept() -> None:
    world = a_chunk_of(ANDROID)
    pause_notification(world.deps, a_call(), KEY.notification_id)
    with pytest.raises(Crash):
        resume_notification(fragile(world, Fault(at=2)).deps, a_call(), KEY.notification_id)
    world.tick(2 * MINUTE)
    assert world.notification().status is NotificationStatus.COMPLETED
