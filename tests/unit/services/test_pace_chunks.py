from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from fanfare.domain.chunk import ChunkKey, ChunkTask
from fanfare.domain.notification import NotificationStatus, StatusReason
from fanfare.domain.pacing import BULK_LANE, LOWERED_FOR, QUOTA_WAIT
from fanfare.services.pace_chunks import LATE, move_chunk, slow_down
from tests.factories import NOW, TENANT_ID, a_tenant
from tests.unit.services.fanning import ID, SECOND, Fanning, a_broadcast

TASK = ChunkTask(ChunkKey(TENANT_ID, ID, 3), NOW, generation=2)


@pytest.fixture
def world() -> Fanning:
    """A broadcast whose chunks have their tasks."""
    world = a_broadcast()
    world.call()
    world.tasks.chunks.clear()
    return world


def test_chunk_in_its_slot_is_sent(world: Fanning) -> None:
    world.clock.advance(LATE)
    assert not move_chunk(world.deps, TASK, "request-1")
    assert world.tasks.chunks == []


def test_chunk_that_is_late_gets_another_slot_twice(world: Fanning) -> None:
    world.clock.advance(LATE + SECOND)
    assert move_chunk(world.deps, TASK, "request-1")
    [moved] = world.tasks.chunks
    assert moved == replace(TASK, slot=moved.slot, moves=1)
    assert moved.slot >= world.clock.now()
    world.clock.advance(timedelta(hours=1))
    assert move_chunk(world.deps, moved, "request-1")
    again = world.tasks.chunks[-1]
    assert again.moves == 2
    world.clock.advance(timedelta(hours=1))
    assert not move_chunk(world.deps, again, "request-1")


def test_late_chunks_do_not_all_come_at_once(world: Fanning) -> None:
    world.clock.advance(timedelta(minutes=10))
    for number in range(5):
        move_chunk(world.deps, replace(TASK, key=replace(TASK.key, number=number)), "request-1")
    slots = [task.slot for task in world.tasks.chunks]
    assert slots == sorted(set(slots))


def test_chunk_that_the_queue_does_not_take_again_is_sent_now(world: Fanning) -> None:
    world.clock.advance(LATE + SECOND)
    world.tasks.refusing = True
    assert not move_chunk(world.deps, TASK, "request-1")


@pytest.mark.parametrize(
    "fields",
    [
        {"status": NotificationStatus.PAUSED, "paused": True},
        {"status_reason": StatusReason.CANCELLING},
        {"status": NotificationStatus.CANCELLED},
    ],
)
def test_chunk_that_is_to_be_held_or_ended_waits_for_no_slot(world: Fanning, fields: dict[str, object]) -> None:
    world.steer(**fields)
    world.clock.advance(LATE + SECOND)
    assert not move_chunk(world.deps, TASK, "request-1")
    assert not move_chunk(world.deps, replace(TASK, key=ChunkKey(TENANT_ID, "unknown", 0)), "request-1")


def test_refusal_for_the_message_rate_slows_the_lane_down_once(world: Fanning) -> None:
    for _ in range(3):
        slow_down(world.deps, a_tenant())
    lane = world.deps.pacing.get(TENANT_ID, BULK_LANE)
    assert (lane.limit_per_minute, lane.limited_until) == (240_000, NOW + LOWERED_FOR)
    assert lane.course.next_at >= NOW + QUOTA_WAIT
    assert [record.event for record in world.log.records if record.event == "pace_lowered"] == ["pace_lowered"]
