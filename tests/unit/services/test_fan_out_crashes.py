"""A fan-out that dies at any of its steps is finished by another call: every chunk has its task, and the broadcast is laid out once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from fanfare.domain.broadcast_progress import Sums
from fanfare.domain.chunk import ChunkState
from fanfare.domain.errors import Unavailable
from fanfare.domain.layout import Source
from fanfare.domain.notification import Counts, NotificationStatus, StatusReason
from tests.factories import TENANT_ID
from tests.unit.services.fanning import ID, MINUTE, Fanning, a_broadcast
from tests.unit.services.test_crashes import Crash, Fault, Fragile, live_through_everything

STORES = ("broadcasts", "pacing", "tasks", "recipients", "notifications", "progress")


class FragileAudience(Fragile):
    """An audience of which what a fan-out itself asks may fail; compaction has crashes of its own."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        step = super().__getattr__(name)
        whole: Callable[..., Any] = getattr(self._whole, name)
        return step if name in {"pin", "unpin", "read_shards"} else whole


def fragile(world: Fanning, fault: Fault) -> Fanning:
    """The same broadcast, on stores and a queue that fail once."""
    stores = {name: Fragile(getattr(world.deps, name), fault) for name in STORES}
    return replace(world, deps=replace(world.deps, **stores, audience=FragileAudience(world.deps.audience, fault)))


def live(world: Fanning, fault: Fault, until: Callable[[], bool]) -> None:
    """Call for every task that is due, again where one failed, and as the sweep does where a task was lost."""
    used, seen = fragile(world, fault), 0
    world.tasks.enqueue_fanout(TENANT_ID, ID, "request-1")
    for _ in range(60):
        due = [task for task in world.tasks.fanouts[seen:] if task.due_at is None or task.due_at <= world.clock.now()]
        seen = len(world.tasks.fanouts)
        check = world.notification().next_check_at
        for _ in due or ([None] if check is not None and check <= world.clock.now() else []):
            try:
                used.call()
            except (Crash, Unavailable):
                world.tasks.enqueue_fanout(TENANT_ID, ID, "request-1", world.clock.now() + MINUTE)
            if until():
                return
        deliver(world)
        world.clock.advance(MINUTE)
    raise AssertionError("The broadcast was left to nobody.")


def deliver(world: Fanning) -> None:
    """Let `send` begin whatever has a task, and say so at the end of a stage."""
    begun = world.deps.broadcasts.chunk_states(TENANT_ID, ID, range(world.notification().chunk_count))
    if fresh := set(world.nudged()) - set(begun):
        world.begin(*fresh)
        world.tasks.enqueue_fanout(TENANT_ID, ID, "request-1")


def audience_life(fault: Fault) -> None:
    world = a_broadcast(8, 8)
    live(world, fault, lambda: set(world.nudged()) == set(range(8)) and world.notification().next_check_at is not None)
    notification = world.notification()
    assert notification.layout is not None
    assert (notification.layout.source, notification.layout.stages, notification.chunk_count) == (Source.AUDIENCE, (8,), 8)
    assert {task.generation for task in world.tasks.chunks} == {notification.layout.generation}
    assert len(world.tasks.chunks) <= 2 * 8
    assert world.deps.audience.get(TENANT_ID).pins == {ID: 2}  # type: ignore[union-attr]


def packed_life(fault: Fault) -> None:
    world = a_broadcast(20, 4, to={"segment": {"tags": ["rare"]}}, tags=lambda number: ("rare",) if number % 10 == 0 else ())
    live(world, fault, lambda: bool(world.nudged()))
    rows = [row.device_id for chunk in world.deps.recipients.read_all(TENANT_ID, ID) for row in chunk]
    assert sorted(rows) == sorted(f"device-{number}" for number in range(0, 20, 10))
    assert world.notification().counts == Counts(2, unsent=2)
    assert set(world.nudged()) == {0}


def staged_life(fault: Fault) -> None:
    world = a_broadcast(8, 8, ramp=[25, 50, 100])
    world.progress.stages = [Sums(2, Counts(20, sent=20)), Sums(2, Counts(20, sent=20))]
    live(world, fault, lambda: set(world.nudged()) == set(range(8)))
    assert world.notification().judgement is not None
    assert world.notification().status is NotificationStatus.SENDING


def tripped_life(fault: Fault) -> None:
    """Tripped once, however often it is judged; resumed, it is not judged by the same stage again."""
    world = a_broadcast(8, 8, ramp=[25, 100])
    world.progress.stages = [Sums(2, Counts(20, sent=10, failed=10), {"INTERNAL": 10})]
    live(world, fault, lambda: world.notification().paused)
    assert world.notification().status_reason == StatusReason.GUARD_ERROR_SHARE
    assert set(world.nudged()) == {0, 1}
    world.steer(status=NotificationStatus.SENDING, status_reason=None, paused=False, next_check_at=world.clock.now())
    live(world, Fault(), lambda: set(world.nudged()) == set(range(8)))


def cancelled_life(fault: Fault) -> None:
    world = a_broadcast(8, 8)
    world.call()
    world.begin(0, 1, state=ChunkState.DONE)
    world.tasks.chunks.clear()
    world.steer(status_reason=StatusReason.CANCELLING, next_check_at=world.clock.now() + timedelta(minutes=1))
    live(world, fault, lambda: set(world.nudged()) == set(range(2, 8)))


@pytest.mark.parametrize("life", [audience_life, packed_life, staged_life, tripped_life, cancelled_life])
def test_broadcast_survives_a_failure_at_each_of_its_steps(life: Callable[[Fault], Any]) -> None:
    assert live_through_everything(life) >= 20


def test_sweep_finds_what_a_queue_that_takes_little_has_refused() -> None:
    world = a_broadcast(8, 8)
    enqueue = world.tasks.enqueue_chunks
    world.tasks.enqueue_chunks = lambda tasks, request_id: enqueue(tasks[:3], request_id)  # type: ignore[method-assign]
    live(world, Fault(), lambda: set(world.nudged()) == set(range(8)))
